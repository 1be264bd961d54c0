package scan_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Numbers and days that are somebody's are found whatever type their column has: pandas
// stores telephone numbers as fractions where one is missing, warehouses store numbers of
// cards as decimals.
func TestTypedColumns(t *testing.T) {
	files, err := filepath.Glob("testdata/formats/typed.*")
	if err != nil || len(files) < 4 {
		t.Fatal(err, files)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		res := object(t, filepath.Base(f), b)
		got := map[string]string{}
		for _, l := range res.Labels {
			got[l.Column] = l.Type
		}
		for column, want := range map[string]string{"phone": "PHONE_NUMBER", "card": "CREDIT_CARD", "birth_date": "DATE_OF_BIRTH", "dob": "DATE_OF_BIRTH"} {
			if got[column] != want {
				t.Errorf("%s: column %s is %q, want %s: %v", f, column, got[column], want, res.Reasons)
			}
		}
		for _, none := range []string{"score", "amount", "vector[]"} {
			if got[none] != "" {
				t.Errorf("%s: column %s is %s", f, none, got[none])
			}
		}
		if text := string(must(json.Marshal(res))); strings.Contains(text, "41555501") {
			t.Errorf("%s: a value is in the result", f)
		}
	}
}

// A number read as a fraction keeps its point in text formats, too.
func TestFractionsInText(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("phone,card\n")
	for range 20 {
		csv.WriteString("4155550132.0,4111111111111111.0\n,\n")
	}
	res := object(t, "a.csv", []byte(csv.String()))
	if got := types(res); !slices.Equal(got, []string{"CREDIT_CARD", "PHONE_NUMBER"}) {
		t.Errorf("found %v: %+v", got, res.Labels)
	}
}
