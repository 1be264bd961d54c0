package control

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

func bucket(reads ...estate.Read) *estate.Asset {
	return &estate.Asset{ID: "arn:aws:s3:::b'; rm -rf /", Type: "AWS::S3::Bucket", Name: "b'; rm -rf /", Region: "eu-west-1", Account: "111122223333", Source: "aws", Tags: map[string]string{},
		Reads: append([]estate.Read{{Operation: "s3:ListBuckets", Status: estate.ReadOK}}, reads...)}
}

func TestOutcomes(t *testing.T) {
	set, _ := Load(folder(good))
	for name, c := range map[string]struct {
		asset   *estate.Asset
		config  string
		want    finding.Outcome
		missing string
		why     string
	}{
		"fail":   {bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadOK}), `{"GetThing":{"On":false}}`, finding.Fail, "", ""},
		"pass":   {bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadOK}), `{"GetThing":{"On":true}}`, finding.Pass, "", ""},
		"absent": {bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadAbsent}), `{}`, finding.Fail, "", ""},
		"denied": {bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadDenied, Why: "AccessDenied", Grant: "s3:GetBucketThing"}), `{}`, finding.Unknown,
			"s3:GetThing s3:GetBucketThing", "the answer is not known: s3:GetThing denied (AccessDenied), grant s3:GetBucketThing"},
		"never tried": {bucket(), `{}`, finding.Unknown, "s3:GetThing ", "the answer is not known: s3:GetThing skipped (not read from aws)"},
		"damaged":     {bucket(), `{"GetThing":`, finding.Unknown, "", "the answer could not be decided: the configuration cannot be read: byte 12: the JSON text ends too early"},
		"wrong type":  {bucket(), `{"GetThing":"on"}`, finding.Unknown, "", "the answer could not be decided: no such key: On"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			r := set.Judge(c.asset, json.RawMessage(c.config))[0]
			if r.Outcome != c.want || r.Why != c.why {
				t.Errorf("got %s (%s), want %s (%s)", r.Outcome, r.Why, c.want, c.why)
			}
			missing := ""
			for _, m := range r.Missing {
				missing += m.Operation + " " + m.Grant
			}
			if missing != c.missing {
				t.Errorf("missing %q, want %q", missing, c.missing)
			}
		})
	}
}

func TestFinding(t *testing.T) {
	set, _ := Load(folder(good))
	a := bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadOK})
	got := set.Judge(a, json.RawMessage(`{"GetThing":{"On":false,"Password":"correct-horse-9","Env":[{"Name":"API_KEY","Value":"abcdefgh12"}]}}`))[0].Finding(a)
	want := finding.Finding{
		ID: finding.NewID("own-fact", a.ID, ""), Control: "own-fact", Step: "audit", Status: finding.Fail, Severity: finding.Low, Asset: a.ID, Title: "It is faulty",
		Evidence: []finding.Evidence{
			{What: "the whole thing", Where: "config.GetThing", Value: `{"Env":[{"Name":"API_KEY","Value":"•••"}],"On":false,"Password":"•••"}`},
			{What: "its switch", Where: "config.GetThing.On", Value: "off"},
		},
		Fix: finding.Fix{Text: "Mend it.", Effort: "minutes", Grows: finding.GrowsNot, Commands: []string{`aws mend 'b'\''; rm -rf /' eu-west-1 'arn:aws:s3:::b'\''; rm -rf /'`}}, Frameworks: []string{"CWE-1"}, Techniques: []string{"T1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	u := bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadDenied, Grant: "s3:GetThing"})
	f := set.Judge(u, json.RawMessage(`{}`))[0].Finding(u)
	if f.Status != finding.Unknown || f.Title != "Could not tell: Is it sound?" || f.Fix.Text != "Grant s3:GetThing to the reader, then assess again." || f.ID != finding.NewID("own-fact", a.ID, "") {
		t.Errorf("%+v", f)
	}
}

func TestReferencedAssetIsUnknown(t *testing.T) {
	set := builtIn(t)
	for _, c := range set.Controls() {
		a := &estate.Asset{ID: "x", Type: c.Types[0], Referenced: true}
		for _, r := range set.Judge(a, nil) {
			if r.Outcome != finding.Unknown || r.Why == "" {
				t.Errorf("%s on an asset that was never read: %s (%s)", r.Control.ID, r.Outcome, r.Why)
			}
		}
	}
}

func TestJudgeIsParallelSafe(t *testing.T) {
	set := builtIn(t)
	mix := mixture(t, set)
	want := fmt.Sprint(outcomes(set, mix))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := fmt.Sprint(outcomes(set, mix)); got != want {
				t.Error("parallel runs differ")
			}
		})
	}
	wg.Wait()
}

func outcomes(set *Set, assets []*estate.Asset) []finding.Outcome {
	var out []finding.Outcome
	for _, a := range assets {
		for _, r := range set.JudgeIn(Context{Now: clock}, a, a.Config) {
			out = append(out, r.Outcome)
		}
	}
	return out
}

// mixture is one asset of each case of each control.
func mixture(t testing.TB, set *Set) []*estate.Asset {
	t.Helper()
	var out []*estate.Asset
	for _, c := range set.Controls() {
		for _, g := range c.groups() {
			for _, k := range g.cases {
				a, err := c.Asset(k)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, a)
			}
		}
	}
	return out
}

// FuzzJudge feeds any text to every control: no panic, one result for each
// control, and a reason with each unknown.
func FuzzJudge(f *testing.F) {
	set, errs := Load(controls.FS)
	if len(errs) > 0 {
		f.Fatal(errs)
	}
	types := map[string]bool{}
	for _, a := range mixture(f, set) {
		if !types[a.Type] {
			types[a.Type] = true
			f.Add(a.Type, []byte(a.Config))
		}
	}
	f.Add("AWS::S3::Bucket", []byte(`{"GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Condition":{"x":{"y":null}}}]}}}`))
	f.Add("v1/Pod", []byte(`{"kind":"Pod","spec":{"containers":[null,1,"x",{"env":[[]]}]}}`))
	f.Fuzz(func(t *testing.T, typ string, config []byte) {
		a := &estate.Asset{ID: "x", Type: typ, Reads: []estate.Read{{Operation: "x:List", Status: estate.ReadOK}}}
		results := set.Judge(a, config)
		if len(results) != len(set.For(typ)) {
			t.Fatalf("%d results for %d controls", len(results), len(set.For(typ)))
		}
		for _, r := range results {
			if r.Outcome == finding.Unknown && r.Why == "" || r.Outcome == "" || strings.Contains(r.Why, "internal error") {
				t.Fatalf("%s: %s without a reason, or a panic: %s", r.Control.ID, r.Outcome, r.Why)
			}
		}
	})
}

// BenchmarkJudge100k is every control on 100,000 mixed assets, decoding
// included, on one core.
func BenchmarkJudge100k(b *testing.B) {
	set := builtIn(b)
	mix := mixture(b, set)
	b.ReportAllocs()
	for b.Loop() {
		for i := range 100_000 {
			a := mix[i%len(mix)]
			set.JudgeIn(Context{Now: clock}, a, a.Config)
		}
	}
}

// BenchmarkOneRule10k is the anchor: one rule on 10,000 resources (CEL over
// decoded maps 16 ms).
func BenchmarkOneRule10k(b *testing.B) {
	set, _ := Load(folder(good))
	a := bucket(estate.Read{Operation: "s3:GetThing", Key: "GetThing", Status: estate.ReadOK})
	config := json.RawMessage(`{"Name":"b","CreationDate":"2026-01-02T03:04:05+00:00","GetThing":{"On":true,"Twist":[1,2,3]}}`)
	b.ReportAllocs()
	for b.Loop() {
		for range 10_000 {
			set.JudgeIn(Context{Now: clock}, a, config)
		}
	}
}
