package files

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// told is a format that is told of files that were not read whole.
type told struct {
	recorder
	cut []string
}

func (r *told) Cut(d estate.Document) { r.cut = append(r.cut, d.Path+" "+d.Account) }

// Every file of which something could not be read is told once, after what could.
func TestFilesNotReadWholeAreTold(t *testing.T) {
	tests := map[string]struct {
		text string
		cut  bool
	}{
		"whole.json":           {`{"a":[{"b":1},{"b":2}]}`, false},
		"two.jsonl":            {"{\"a\":1}\n{\"a\":2}\n", false},
		"in_an_element.json":   {`{"a":[{"b":1},{"b":2`, true},
		"behind_a_comma.json":  {`{"a":[{"b":1},`, true},
		"behind_the_list.json": {`{"a":[{"b":1}],"to`, true},
		"at_the_start.json":    {`{"a":[{"b`, true},
		"second_value.json":    {`{"a":1}{"a":[1`, true},
		"name_twice.json":      {`{"a":[{"b":1,"b":2}]}`, true},
		"bad_text.json":        {"{\"a\":[{\"b\":\"\xff\"}]}", true},
		"bare.jsonl":           {"{\"a\":1}\n7\n", true},
		"short.json.gz":        {gzipped(`{"a":[{"b":1},{"b":2}]}`)[:20], true},
		"bad.yaml":             {"a:\n- b: 1\n- b: [\n", true},
		"good.yaml":            {"a:\n- b: 1\n", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"111122223333/" + name: tt.text})
			rec := &told{}
			if err := New(Options{Root: dir, Formats: []estate.Format{rec}}).Collect(context.Background(), rec); err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.cut {
				want = []string{"111122223333/" + name + " 111122223333"}
			}
			if diff := cmp.Diff(want, rec.cut); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.cut && len(rec.blind) == 0 {
				t.Error("nothing says what was not read")
			}
		})
	}
}
