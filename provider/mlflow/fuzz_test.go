package mlflow

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// FuzzUnderstand: what cannot be understood is a problem, never a panic, and a version
// always belongs to a model of its own registry.
func FuzzUnderstand(f *testing.F) {
	for _, s := range []string{`{"name":"fraud","version":"1","current_stage":"None","status":"READY","aliases":["a"],"tags":[{"key":"k","value":"v"}],"source":"s3://b/k/","download":{"artifact_uri":"s3://b/x"}}`,
		`{`, `null`, `{"tags":{}}`, `{"tags":null,"version":2}`, `{"aliases":"a"}`, `{"name":"a/b","download":{"artifact_uri":"///"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, config []byte) {
		v, err := ReadVersion(config)
		u := Understand(&estate.Asset{ID: "mlflow://h/m/1", Type: VersionType, Account: "h", Config: config})
		if (err != nil) != (len(u.Problems) > 0) {
			t.Fatalf("%v, %+v", err, u.Problems)
		}
		if err == nil && (len(u.Relations) != 1 || !strings.HasPrefix(u.Relations[0].From, "mlflow://h/")) {
			t.Fatalf("%+v of %+v", u.Relations, v)
		}
	})
}
