package assess

import (
	"encoding/json"
	"testing"
	"testing/fstest"

	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
)

// TestProofsFitTheirSchema: rules that pass, fail, prove nothing and are not read.
func TestProofsFitTheirSchema(t *testing.T) {
	rule := "title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection: {sel: {eventName: A}, condition: sel}\n"
	folder := fstest.MapFS{"bare.yml": {Data: []byte(rule)}, "fails.yml": {Data: []byte(rule + "cases: {fire: [{eventSource: s, eventName: B}]}\n")}, "broken.yml": {Data: []byte("title: [")}}
	for _, r := range []rules.Report{rules.Prove(rules.FS()), rules.Prove(folder), rules.Prove(fstest.MapFS{})} {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, "detect-rules-test.schema.json", text)
	}
}
