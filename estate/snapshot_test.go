package estate

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func build(t testing.TB, fill func(b *Builder)) *Snapshot {
	t.Helper()
	b := NewBuilder(noon)
	fill(b)
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The core stays a library of its own: the standard library and nothing else.
func TestImportsOnlyTheStandardLibrary(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{join .Imports "\n"}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if first, _, _ := strings.Cut(p, "/"); strings.Contains(first, ".") {
			t.Errorf("imports %s", p)
		}
	}
}

// Whatever the order of sending, and however an asset is cut into parts, the
// snapshot is the same.
func TestTheOrderOfSendingMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var sends []func(*Builder)
		for range rapid.IntRange(0, 8).Draw(t, "assets") {
			a := drawAsset(t, fmt.Sprintf("n%d", rapid.IntRange(0, 3).Draw(t, "id")))
			sends = append(sends, func(b *Builder) {
				a := a
				a.Tags = maps.Clone(a.Tags)
				b.Asset(a)
			})
		}
		for range rapid.IntRange(0, 6).Draw(t, "relations") {
			r := Relation{fmt.Sprintf("n%d", rapid.IntRange(0, 5).Draw(t, "from")), fmt.Sprintf("n%d", rapid.IntRange(0, 5).Draw(t, "to")), Reads, Declared, ""}
			sends = append(sends, func(b *Builder) { b.Relation(r) })
		}
		sends = append(sends, func(b *Builder) { b.BlindSpot(BlindSpot{Operation: "x", Types: []string{"b", "a"}}) },
			func(b *Builder) { b.Covered(Coverage{"T", "1", ""}) })
		first := sent(t, noon, sends)
		second := sent(t, noon.Add(time.Hour), rapid.Permutation(sends).Draw(t, "order"))
		if first.Hash() != second.Hash() {
			d, err := Diff(first, second)
			t.Fatalf("hashes differ: %+v %v", d, err)
		}
		if d, err := Diff(first, second); err != nil || !d.Empty() {
			t.Fatalf("difference %+v, %v", d, err)
		}
	})
}

func sent(t *rapid.T, taken time.Time, sends []func(*Builder)) *Snapshot {
	b := NewBuilder(taken)
	for _, send := range sends {
		send(b)
	}
	s, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func example(change func(a *Asset)) func(b *Builder) {
	return func(b *Builder) {
		a := Asset{ID: "a", Type: "T", Cloud: AWS, Account: "1", Region: "r", Name: "n", Tags: map[string]string{"k": "v"}, Config: json.RawMessage(`{"A":{"B":[1,2]}}`),
			Reads: []Read{{Operation: "s:GetA", Status: ReadOK}, {Operation: "s:GetP", Key: "GetP", Status: ReadDenied, Why: "no", Grant: "s:GetP"}}, Source: "aws"}
		change(&a)
		b.Asset(a)
		b.Asset(Asset{ID: "b", Type: "T"})
		b.Relation(Relation{"a", "b", Reads, Declared, "config.A"})
		b.Source(SourceStatus{Source: "aws", Status: "complete", Assets: 2, Calls: 7, Seconds: 1})
	}
}

func TestTheHashKnowsEveryChange(t *testing.T) {
	keep := func(*Asset) {}
	base := build(t, example(keep)).Hash()
	with := func(more func(b *Builder)) func(b *Builder) {
		return func(b *Builder) { example(keep)(b); more(b) }
	}
	changed := map[string]func(b *Builder){
		"config":          example(func(a *Asset) { a.Config = json.RawMessage(`{"A":{"B":[1,3]}}`) }),
		"no config":       example(func(a *Asset) { a.Config = nil }),
		"tag":             example(func(a *Asset) { a.Tags = map[string]string{"k": "w"} }),
		"tags not read":   example(func(a *Asset) { a.Tags = nil }),
		"no tags":         example(func(a *Asset) { a.Tags = map[string]string{} }),
		"read status":     example(func(a *Asset) { a.Reads[1].Status = ReadThrottled }),
		"read grant":      example(func(a *Asset) { a.Reads[1].Grant = "" }),
		"kind":            example(func(a *Asset) { a.Kind = KindStore }),
		"type":            example(func(a *Asset) { a.Type = "U" }),
		"unknown":         example(func(a *Asset) { a.Unknown = []string{"/A"} }),
		"root":            example(func(a *Asset) { a.Root = &Root{Class: ClassAgent} }),
		"created":         example(func(a *Asset) { a.Created = noon }),
		"relation":        with(func(b *Builder) { b.Relation(Relation{"b", "a", Reads, Declared, ""}) }),
		"relation's tier": with(func(b *Builder) { b.Relation(Relation{"a", "b", Reads, Possible, "config.A"}) }),
		"evidence":        with(func(b *Builder) { b.Relation(Relation{"a", "b", Reads, Declared, "config.B"}) }),
		"asset":           with(func(b *Builder) { b.Asset(Asset{ID: "c"}) }),
		"blind spot":      with(func(b *Builder) { b.BlindSpot(BlindSpot{Operation: "s:ListA"}) }),
		"coverage":        with(func(b *Builder) { b.Covered(Coverage{Type: "T"}) }),
		"source":          with(func(b *Builder) { b.Source(SourceStatus{Source: "kubernetes"}) }),
	}
	seen := map[string]string{base: "base"}
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		h := build(t, changed[name]).Hash()
		if other, ok := seen[h]; ok {
			t.Errorf("%s: same hash as %s", name, other)
		}
		seen[h] = name
	}
	same := map[string]func(b *Builder){
		"spelling": example(func(a *Asset) { a.Config = json.RawMessage(" {\n \"A\": {\"B\": [1, 2]}}") }),
		"twice":    with(example(keep)),
		"counters": func(b *Builder) {
			example(keep)(b)
			b.sources[0].Assets, b.sources[0].Calls, b.sources[0].Seconds = 3, 8, 9
		},
	}
	delete(same, "twice") // two sources of one name are two lines
	for name, fill := range same {
		if h := build(t, fill).Hash(); h != base {
			t.Errorf("%s changes the hash", name)
		}
	}
}

// The hash is a promise to every certificate that names it: this literal
// changes only with its version.
func TestTheHashIsStable(t *testing.T) {
	const want = "sha256:355fe1e431aa39ce4291a3cd94b8dce2b96a1c1adf26c593cb82b9809517523d"
	if got := build(t, example(func(*Asset) {})).Hash(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestCovered(t *testing.T) {
	s := build(t, func(b *Builder) {
		b.Covered(Coverage{"AWS::EC2::VPC", "1", "eu"})
		b.Source(SourceStatus{Source: "aws", Covered: []Coverage{{"AWS::S3::Bucket", "1", ""}}})
	})
	tests := []struct {
		typ, account, region string
		want                 bool
	}{
		{"AWS::EC2::VPC", "1", "eu", true}, {"AWS::EC2::VPC", "1", "us", false}, {"AWS::EC2::VPC", "2", "eu", false}, {"AWS::EC2::VPC", "1", "", false},
		{"AWS::S3::Bucket", "1", "eu", true}, {"AWS::S3::Bucket", "1", "", true}, {"AWS::S3::Bucket", "", "", false}, {"AWS::IAM::Role", "1", "", false},
	}
	for _, tt := range tests {
		if got := s.Covered(tt.typ, tt.account, tt.region); got != tt.want {
			t.Errorf("Covered(%q, %q, %q) = %v", tt.typ, tt.account, tt.region, got)
		}
	}
}

func TestMalformedInputIsABlindSpot(t *testing.T) {
	s := build(t, func(b *Builder) {
		b.Asset(Asset{ID: "a", Config: json.RawMessage(`{"A":`), Reads: []Read{{Operation: "s:DescribeA", Status: ReadOK}}})
		b.Asset(Asset{Type: "T"})
		b.Relation(Relation{From: "a", Type: Reads})
	})
	var why []string
	for _, x := range s.BlindSpots() {
		why = append(why, x.Operation+": "+x.Why)
		if x.Status != ReadMalformed || x.Hint == "" {
			t.Errorf("%+v", x)
		}
	}
	if len(why) != 3 || s.Len() != 1 || !strings.Contains(strings.Join(why, "\n"), "s:DescribeA: a value expected at byte 5") {
		t.Errorf("%d assets, blind spots:\n%s", s.Len(), strings.Join(why, "\n"))
	}
	if a := s.Asset(0); a.Config != nil || a.Reads[0].Status != ReadMalformed {
		t.Errorf("%+v", a)
	}
}

func TestReferenced(t *testing.T) {
	tests := map[string]Asset{
		"arn:aws:iam::12:role/a/b":                  {Cloud: AWS, Account: "12", Name: "b"},
		"arn:aws:sagemaker:eu-west-1:12:endpoint/e": {Cloud: AWS, Account: "12", Region: "eu-west-1", Name: "e"},
		"arn:short":                       {Cloud: AWS},
		"k8s://c/ns/Pod/p":                {Cloud: Kubernetes, Account: "c", Region: "ns", Name: "p"},
		"k8s://c//Node/n1":                {Cloud: Kubernetes, Account: "c", Name: "n1"},
		"k8s://c/ns/Pod/p#container/main": {Cloud: Kubernetes, Account: "c", Region: "ns", Name: "main"},
		"/subscriptions/s1/resourceGroups/g/providers/X/accounts/ml": {Cloud: Azure, Account: "s1", Name: "ml"},
		"//storage.googleapis.com/bucket":                            {Cloud: GCP, Name: "bucket"},
		"terraform://module.a/aws_s3_bucket.b":                       {Cloud: Terraform, Name: "aws_s3_bucket.b"},
		"something":                                                  {},
	}
	for id, want := range tests {
		want.ID, want.Referenced = id, true
		if diff := cmp.Diff(want, *referenced(id)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", id, diff)
		}
	}
}
