package org

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// The same seed makes the same days, another makes others, and each record is one that
// CloudTrail could have written, with an id of its own.
func TestDaysComeFromTheSeed(t *testing.T) {
	a, b, c := New(Config{Seed: 1}), New(Config{Seed: 1}), New(Config{Seed: 2})
	seen := map[string]bool{}
	for day := range 3 {
		x, y, z := a.Day(), b.Day(), c.Day()
		if len(x) != len(y) || len(x) < 1000 {
			t.Fatalf("day %d: %d and %d records", day, len(x), len(y))
		}
		for i := range x {
			if !bytes.Equal(x[i].Text, y[i].Text) {
				t.Fatalf("day %d differs:\n%s\n%s", day, x[i].Text, y[i].Text)
			}
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(x[i].Text, &e); err != nil {
				t.Fatalf("%v: %s", err, x[i].Text)
			}
			if seen[e.ID] || e.ID == "" || e.Actor.ID == "" {
				t.Fatalf("id %q comes again, or nobody acts: %s", e.ID, x[i].Text)
			}
			seen[e.ID] = true
			if i > 0 && x[i].Time.Before(x[i-1].Time) {
				t.Fatal("not in order of time")
			}
		}
		if bytes.Equal(x[0].Text, z[0].Text) {
			t.Error("another seed makes the same")
		}
	}
}

func TestScalingMultipliesProduction(t *testing.T) {
	count := func(o *Org) (n int) {
		for _, p := range o.People {
			if p.Job == "serving" {
				n++
			}
		}
		return n
	}
	o := New(Config{Seed: 1, ScaleOn: 2, ScaleBy: 10})
	o.Day()
	o.Day()
	before := count(o)
	o.Day()
	if after := count(o); after < 9*before {
		t.Errorf("%d machines became %d", before, after)
	}
}

// The same attack on the same day of the same organisation is rewritten the same way.
func TestInjectingIsOfTheSeed(t *testing.T) {
	var a Attack
	a.Technique = "x"
	text := `{"eventTime":"2024-01-01T00:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","requestParameters":{"userName":"stratus-user","roleName":"stratus-role","bucketName":"stratus-bucket","instanceId":"i-0123456789abcdef0","volumeId":"vol-0123456789abcdef0"},"responseElements":{"a":"stratus-a","b":"stratus-b","c":"stratus-c"}}`
	var r map[string]any
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	a.Records = []map[string]any{r}
	var first []byte
	for range 20 {
		o := New(Config{Seed: 4})
		o.Day()
		got := o.Inject(a, o.Victim(), o.Date())[0].Text
		if first == nil {
			first = got
		} else if !bytes.Equal(first, got) {
			t.Fatalf("the same seed gives\n%s\nand\n%s", first, got)
		}
	}
}

// No trace of the tool, of its user, accounts, addresses, keys and ids is left in what is
// injected, nor any principal, program or address that the organisation does not have.
func TestNoTraceOfTheToolIsLeft(t *testing.T) {
	corpora := os.Getenv("SEVENFOLD_CORPORA")
	if corpora == "" {
		t.Skip("SEVENFOLD_CORPORA names no folder of corpora")
	}
	attacks, err := ReadAttacks(filepath.Join(corpora, "stratus-red-team", "detonation-logs.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(attacks) != 35 {
		t.Errorf("%d attacks", len(attacks))
	}
	o := New(Config{Seed: 3, Shapes: ShapesOf(attacks)})
	o.Day()
	trace := regexp.MustCompile(`(?i)stratus|red-team|redteam|christophe|datadog|malicious|backdoor|aws-go-sdk-\d`)
	id := regexp.MustCompile(`\b\d{12}\b|\b(AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}\b|(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	for _, a := range attacks {
		old := map[string]bool{}
		for _, r := range a.Records {
			collect(r, func(s string) {
				for _, x := range id.FindAllString(s, -1) {
					old[x] = true
				}
			})
			for _, k := range []string{"sourceIPAddress", "userAgent", "eventID", "requestID"} {
				if s, ok := r[k].(string); ok {
					old[s] = true
				}
			}
		}
		p := o.Victim()
		for _, r := range o.Inject(a, p, o.Date()) {
			text := string(r.Text)
			if x := trace.FindString(text); x != "" {
				t.Errorf("%s: %q is left in %s", a.Technique, x, text)
			}
			for x := range old {
				if strings.Contains(text, `"`+x+`"`) || id.MatchString(x) && strings.Contains(text, x) {
					t.Errorf("%s: %q of the original is left in %s", a.Technique, x, text)
				}
			}
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(r.Text, &e); err != nil {
				t.Fatal(err)
			}
			if e.Actor.ID != p.ARN() || e.UserAgent != p.agents[0] || e.SourceIP != p.address {
				t.Errorf("%s is done by %s with %s from %s", a.Technique, e.Actor.ID, e.UserAgent, e.SourceIP)
			}
		}
	}
}

func collect(v any, fn func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, x := range v {
			collect(x, fn)
		}
	case []any:
		for _, x := range v {
			collect(x, fn)
		}
	case string:
		fn(v)
	}
}
