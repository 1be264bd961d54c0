package expr

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
)

var (
	rootOK = estate.Read{Operation: "s3:ListBuckets", Status: estate.ReadOK}
	clock  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func asset(config string, reads ...estate.Read) *estate.Asset {
	return &estate.Asset{
		ID: "arn:aws:s3:::b", Type: "AWS::S3::Bucket", Name: "b", Account: "111122223333",
		Tags: map[string]string{"app": "fraud"}, Config: json.RawMessage(config), Reads: reads,
	}
}

func eval(t *testing.T, source string, a *estate.Asset) Result {
	t.Helper()
	e, err := Compile(source)
	if err != nil {
		t.Fatalf("compile %s: %v", source, err)
	}
	s := NewSubject(a, nil, func() (string, bool) { return "training", true }, clock)
	defer s.Release()
	return e.Eval(s)
}

func TestTruth(t *testing.T) {
	full := asset(`{"A":1,"S":"text","L":[1,"two",null,{"k":"v"}],"O":{"p":{"q":true}},"N":null,"F":1.5,"GetX":{"Policy":{"y":[1]}}}`,
		rootOK,
		estate.Read{Operation: "s3:GetX", Key: "GetX", Status: estate.ReadOK},
		estate.Read{Operation: "s3:GetNone", Key: "GetNone", Status: estate.ReadAbsent},
		estate.Read{Operation: "s3:GetDenied", Key: "GetDenied", Status: estate.ReadDenied})
	for source, want := range map[string]Truth{
		`config.A == 1`:                                         True,
		`config.F == 1.5`:                                       True,
		`config.A == 1.0`:                                       True,
		`config.S.startsWith("te")`:                             True,
		`config.S.matches("^t.*t$")`:                            True,
		`"two" in config.L`:                                     True,
		`config.L.exists(x, x == 1)`:                            True,
		`config.L[3].k == "v"`:                                  True,
		`size(config.L) == 4`:                                   True,
		`config.O == {"p": {"q": true}}`:                        True,
		`config.O.p.q`:                                          True,
		`has(config.O.p)`:                                       True,
		`has(config.O.z)`:                                       False,
		`config.?O.?z.?y.orValue("none") == "none"`:             True,
		`config.?Missing.?z.orValue("none") == "none"`:          True,
		`has(config.N)`:                                         False,
		`has(config.Missing)`:                                   False,
		`config.Missing == 1`:                                   Unknown, // an error: nothing to compare
		`has(config.GetX)`:                                      True,
		`has(config.GetNone)`:                                   False,
		`has(config.GetDenied)`:                                 Unknown,
		`has(config.GetUndeclared)`:                             Unknown,
		`config.GetDenied.Policy.x == 1`:                        Unknown,
		`config.?GetDenied.?Policy.orValue({}) == {}`:           Unknown,
		`config.A == 2 && config.GetDenied.x == 1`:              False,
		`config.GetDenied.x == 1 && config.A == 2`:              False,
		`config.A == 1 || config.GetDenied.x == 1`:              True,
		`config.GetDenied.x == 1 || config.A == 1`:              True,
		`config.A == 1 && config.GetDenied.x == 1`:              Unknown,
		`!(config.GetDenied.x == 1)`:                            Unknown,
		`config.GetDenied.list.exists(x, x == 1)`:               Unknown,
		`config.GetDenied.list.all(x, x == 1)`:                  Unknown,
		`size(config.GetDenied.list) == 0`:                      Unknown,
		`config.GetDenied in ["a"]`:                             Unknown,
		`config.A in [config.GetDenied, 1]`:                     Unknown,
		`[1, 2].exists(x, x == config.GetDenied)`:               Unknown,
		`[1, 2].exists(x, x == 2 || x == config.GetDenied)`:     True,
		`[1, 2].filter(x, x == config.GetDenied).size() == 0`:   Unknown,
		`(config.GetDenied ? 1 : 2) == 1`:                       Unknown,
		`listOf(config.?GetDenied).size() == 0`:                 Unknown,
		`statements(config.?GetDenied.?Policy).size() == 0`:     Unknown,
		`statements(config.?GetNone.?Policy).size() == 0`:       True,
		`statements(config.GetX.Policy).size() == 0`:            Unknown, // no statement in it
		`config.S == 1`:                                         False,
		`config.S > 1`:                                          Unknown,
		`has(config.S.x)`:                                       Unknown, // selecting in a string
		`config.S`:                                              Unknown, // not a truth
		`tags.app == "fraud"`:                                   True,
		`tags.env == "train"`:                                   False,
		`tags.env != "train"`:                                   False, // a missing key matches nothing
		`tags.env == "train" || tags.app == "fraud"`:            True,
		`has(tags.env)`:                                         False,
		`has(tags.app)`:                                         True,
		`"app" in tags`:                                         True,
		`tags["app"] == "fraud" && size(tags) == 1`:             True,
		`tags.exists(k, k == "app")`:                            True,
		`type == "AWS::S3::Bucket" && name == "b"`:              True,
		`account == "111122223333" && region == ""`:             True,
		`zone == "training"`:                                    True,
		`now - stamp("2026-11-20T12:00:00Z") > duration("48h")`: True,
		`config.exists(k, k == "A")`:                            True,
		`config.all(k, k != "Zzz")`:                             Unknown, // GetDenied may hold anything
	} {
		t.Run(source, func(t *testing.T) {
			got := eval(t, source, full)
			if got.Truth != want {
				t.Errorf("got %v (%s), want %v", got.Truth, got.Why(), want)
			}
			if (got.Why() == "") != (want != Unknown) {
				t.Errorf("why %q for truth %v", got.Why(), want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	denied := estate.Read{Operation: "s3:HeadBucket", Status: estate.ReadDenied}
	for name, c := range map[string]struct {
		source string
		asset  *estate.Asset
		truth  Truth
		want   []string
	}{
		"root half read":       {`has(config.Key)`, asset(`{"A":1}`, rootOK, denied), Unknown, []string{"config.Key"}},
		"root half, key there": {`config.A == 1`, asset(`{"A":1}`, rootOK, denied), True, nil},
		"never read":           {`has(config.Key)`, asset(`{}`), Unknown, []string{"config.Key"}},
		"two things":           {`config.GetA == 1 || config.GetB == 1`, asset(`{}`, rootOK), Unknown, []string{"config.GetA", "config.GetB"}},
		"under an operation":   {`config.GetA.b.c == 1`, asset(`{}`, rootOK), Unknown, []string{"config.GetA"}},
		"referenced only":      {`config.A == 1`, &estate.Asset{ID: "x", Referenced: true}, Unknown, []string{"config"}},
		"tags not read":        {`tags.a == "b"`, &estate.Asset{ID: "x"}, Unknown, []string{"tags"}},
		"known after apply":    {`config.O.p == 1`, &estate.Asset{Config: json.RawMessage(`{"O":{"q":1}}`), Unknown: []string{"/O/p"}, Reads: []estate.Read{rootOK}}, Unknown, []string{"config.O"}},
		"beside the unknown":   {`config.O.q == 1`, &estate.Asset{Config: json.RawMessage(`{"O":{"q":1}}`), Unknown: []string{"/O/p"}, Reads: []estate.Read{rootOK}}, True, nil},
		"unknown element":      {`config.L.exists(x, x == 3)`, &estate.Asset{Config: json.RawMessage(`{"L":[1,2]}`), Unknown: []string{"/L/1"}, Reads: []estate.Read{rootOK}}, Unknown, []string{"config.L"}},
		"known element":        {`config.L.exists(x, x == 1)`, &estate.Asset{Config: json.RawMessage(`{"L":[1,2]}`), Unknown: []string{"/L/1"}, Reads: []estate.Read{rootOK}}, True, nil},
		"escaped pointer":      {`config["a/b~c"] == 1`, &estate.Asset{Config: json.RawMessage(`{}`), Unknown: []string{"/a~1b~0c"}, Reads: []estate.Read{rootOK}}, Unknown, []string{"config.a/b~c"}},
		"listed part":          {`listOf(config.O).size() == 1`, &estate.Asset{Config: json.RawMessage(`{"O":{"q":1}}`), Unknown: []string{"/O/p"}, Reads: []estate.Read{rootOK}}, True, nil},
		"part of the listed":   {`listOf(config.O).exists(o, o.p == 1)`, &estate.Asset{Config: json.RawMessage(`{"O":{"q":1}}`), Unknown: []string{"/O/p"}, Reads: []estate.Read{rootOK}}, Unknown, []string{"config.O"}},
		"joined with unknown":  {`(listOf(config.L) + listOf(config.M)).exists(x, x == 9)`, &estate.Asset{Config: json.RawMessage(`{"L":[1,2],"M":[3]}`), Unknown: []string{"/L/1"}, Reads: []estate.Read{rootOK}}, Unknown, []string{"config.L"}},
		"joined and known":     {`(listOf(config.L) + listOf(config.M)).exists(x, x == 3)`, &estate.Asset{Config: json.RawMessage(`{"L":[1,2],"M":[3]}`), Unknown: []string{"/L/1"}, Reads: []estate.Read{rootOK}}, True, nil},
		"function over it":     {`secretNames(config.O).size() == 0`, &estate.Asset{Config: json.RawMessage(`{"O":{"q":1}}`), Unknown: []string{"/O/p"}, Reads: []estate.Read{rootOK}}, Unknown, []string{"config.O"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := eval(t, c.source, c.asset)
			if got.Truth != c.truth {
				t.Errorf("truth %v (%s), want %v", got.Truth, got.Why(), c.truth)
			}
			if d := cmp.Diff(c.want, got.Missing); d != "" {
				t.Errorf("missing (-want +got):\n%s", d)
			}
		})
	}
}

func TestDamagedConfiguration(t *testing.T) {
	for _, config := range []string{``, `{`, `[]`, `"x"`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{"a":01}`, `{"a":"\x"}`, "{\"a\":\"\n\"}", `{"a" 1}`, `{a:1}`, `{"a":tru}`, `[1,]`} {
		got := eval(t, `has(config.a)`, asset(config, rootOK))
		if got.Truth != Unknown || got.Err == nil {
			t.Errorf("%q: got %v, want unknown with an error", config, got)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for source, want := range map[string]Error{
		``:                     {1, 1, "the expression is empty"},
		`confg.A == 1`:         {1, 1, "undeclared reference to 'confg' (did you mean 'config'?)"},
		"true &&\n  nosuch(1)": {2, 9, "undeclared reference to 'nosuch'"},
		`1 + 1`:                {1, 1, "the expression gives int, not true or false"},
		`name`:                 {1, 1, "the expression gives string, not true or false"},
	} {
		_, err := Compile(source)
		got, ok := err.(*Error)
		if !ok {
			t.Errorf("%q: got %v, want an *Error", source, err)
			continue
		}
		if d := cmp.Diff(want, *got); d != "" {
			t.Errorf("%q (-want +got):\n%s", source, d)
		}
	}
}

func TestCostIsBounded(t *testing.T) {
	big := make([]int, 3000)
	b, _ := json.Marshal(map[string]any{"L": big})
	got := eval(t, `config.L.all(x, config.L.all(y, config.L.all(z, x + y + z < 5)))`, asset(string(b), rootOK))
	if got.Truth != Unknown || got.Err == nil {
		t.Fatalf("got %v, want the cost limit", got)
	}
}
