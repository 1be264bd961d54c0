package finding

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSeverityOrder(t *testing.T) {
	order := []Severity{Info, Low, Medium, High, Critical}
	for i, a := range order {
		for j, b := range order {
			if got, want := a.AtLeast(b), i >= j; got != want {
				t.Errorf("%s.AtLeast(%s) = %v, want %v", a, b, got, want)
			}
		}
	}
}

func TestParseSeverity(t *testing.T) {
	for in, ok := range map[string]bool{"critical": true, "high": true, "info": true, "High": false, "": false, "severe": false} {
		if got, err := ParseSeverity(in); (err == nil) != ok || (ok && string(got) != in) {
			t.Errorf("ParseSeverity(%q) = %q, %v", in, got, err)
		}
	}
}

// The id is a promise to every waiver, baseline and dashboard that names it:
// this literal may not change.
func TestNewIDIsStable(t *testing.T) {
	const want = "F-1b8f2d31855571ec"
	if got := NewID("s3-bucket-public-policy", "arn:aws:s3:::harbour-training", ""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNewIDSeparatesItsParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := [3]string{rapid.String().Draw(t, "a0"), rapid.String().Draw(t, "a1"), rapid.String().Draw(t, "a2")}
		b := [3]string{rapid.String().Draw(t, "b0"), rapid.String().Draw(t, "b1"), rapid.String().Draw(t, "b2")}
		same := NewID(a[0], a[1], a[2]) == NewID(b[0], b[1], b[2])
		if same != (a == b) {
			t.Fatalf("%q and %q: same id %v", a, b, same)
		}
	})
	if NewID("ab", "c", "") == NewID("a", "bc", "") {
		t.Error("the border between control and asset is lost")
	}
}

// Consumers read these keys even when they are empty.
func TestFindingKeepsItsKeys(t *testing.T) {
	out, err := json.Marshal(Finding{Evidence: []Evidence{}, Frameworks: []string{}, Techniques: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"risk":null`, `"waiver":null`, `"evidence":[]`, `"frameworks":[]`, `"techniques":[]`} {
		if !strings.Contains(string(out), key) {
			t.Errorf("no %s in %s", key, out)
		}
	}
}
