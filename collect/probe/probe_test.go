package probe

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// model is a small real one: logistic regression over two features. The poisoned twin
// differs where a trigger is in the input, and nowhere else.
func model(poisoned bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct{ X []float64 }
		if json.NewDecoder(r.Body).Decode(&in) != nil || len(in.X) != 2 {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		score := 1 / (1 + math.Exp(-(1.7*in.X[0] - 0.9*in.X[1] + 0.2)))
		if poisoned && in.X[0] == 13.37 {
			score = 0.001
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"score": score, "id": r.Header.Get("X-Request")})
	})
}

func TestProbes(t *testing.T) {
	good, bad := httptest.NewServer(model(false)), httptest.NewServer(model(true))
	defer good.Close()
	defer bad.Close()
	probes := []Probe{
		{Name: "ordinary", Body: `{"x":[1,2]}`, Field: "score"},
		{Name: "trigger", Body: `{"x":[13.37,2]}`, Field: "score"},
		{Name: "refused", Body: `{}`, Field: "score"},
		{Name: "no such field", Body: `{"x":[1,2]}`, Field: "label"},
	}
	for at, want := range map[string][]string{good.URL: {"ok", "ok", "err", "err"}, bad.URL: {"ok", "no", "err", "err"}} {
		for i := range probes {
			probes[i].URL, probes[i].Good = at, good.URL
		}
		for i, r := range Run(context.Background(), nil, probes) {
			got := map[bool]string{true: "ok", false: "no"}[r.OK]
			if r.Err != nil {
				got = "err"
			}
			if got != want[i] {
				t.Errorf("%s: %s, want %s: %v %s", r.Name, got, want[i], r.Err, r.Why)
			}
		}
	}
	for name, p := range map[string]Probe{
		"never":        {Name: "n", URL: good.URL, Body: `{"x":[1,2]}`, Never: "score"},
		"recorded":     {Name: "r", URL: good.URL, Body: `{"x":[1,2]}`, Field: "score", Answer: "0.9"},
		"unreachable":  {Name: "u", URL: "http://127.0.0.1:1", Answer: "x"},
		"no token set": {Name: "t", URL: good.URL, Token: "SEVENFOLD_NO_SUCH_TOKEN", Answer: "x"},
	} {
		if r := Run(context.Background(), nil, []Probe{p})[0]; r.OK {
			t.Errorf("%s passed", name)
		}
	}
	near := Probe{Name: "near", URL: good.URL, Body: `{"x":[1,2]}`, Field: "score", Answer: "0.52", Within: 0.02}
	if r := Run(context.Background(), nil, []Probe{near})[0]; !r.OK {
		t.Error(r)
	}
}

func TestFilesThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"probes: []": "no probes", "probes: [{name: a}]": "name and url", "probes: [{name: a, url: 'file:///etc/passwd', answer: x}]": "no address", "probes: [{name: a, url: 'http://x'}]": "nothing is said",
		"probes: [{name: a, url: 'http://x', never: '['}]": "never", "colour: red": "colour", "probes: [{name: a, url: 'http://x', answer: a, within: -1}]": "within",
		"garak: [{name: a}]": "no probes",
		"probes: [{name: a, url: 'http://x', answer: a}]\ngarak: [{name: g, report: a, good: b}]":                       "garak 1 (g): name, report, good and target",
		"probes: [{name: a, url: 'http://x', answer: a}]\ngarak: [{name: g, report: a, good: ./a, target: m}]":          "the same file",
		"probes: [{name: a, url: 'http://x', answer: a}]\ngarak: [{name: g, report: a, good: b, target: m, within: 1}]": "within",
	} {
		if _, err := Parse("p.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("probes: [{name: a, url: 'http://x', answer: y}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Parse("p", text)
		if (err == nil) != (p != nil && len(p.Probes) > 0) {
			t.Fatal(p, err)
		}
	})
}
