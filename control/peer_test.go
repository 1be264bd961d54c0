package control

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/controls"
)

// prowler are the lists as Prowler 5.46.0 has them: how many ids, and the
// SHA-256 of its ids, sorted, one a line, worked out from its own files. So an
// id that is left out, made up or misspelt fails, whoever edits the list.
var prowler = struct {
	checks, requirements, bare int
	checkDigest, requireDigest string
	service                    map[string]int
}{
	69, 63, 15,
	"f2c3c66b89ebb4c3203929324abd47e4beb38b493ae0d1122d574496e6ea14d4",
	"1967da4fba92ac5acaf41dd432a78d08e1c3dafc49a3f48ed83290728773ddf2",
	map[string]int{
		"aws bedrock": 19, "aws cloudtrail": 2, "aws cloudwatch": 1, "aws iam": 7, "aws organizations": 1, "aws sagemaker": 17,
		"azure aisearch": 1, "azure aiservices": 9, "azure apim": 1, "azure databricks": 4, "gcp apikeys": 1, "gcp gemini": 1, "gcp vertexai": 5,
	},
}

func TestProwlerIsAnsweredWhole(t *testing.T) {
	p := builtInPeer(t)
	if got := digestOf(p.Checks); got != prowler.checkDigest || len(p.Checks) != prowler.checks {
		t.Errorf("%d checks, digest %s", len(p.Checks), got)
	}
	if got := digestOf(p.Requirements); got != prowler.requireDigest || len(p.Requirements) != prowler.requirements {
		t.Errorf("%d requirements, digest %s", len(p.Requirements), got)
	}
	service, bare := map[string]int{}, 0
	for _, a := range p.Checks {
		service[a.Of]++
	}
	for _, a := range p.Requirements {
		if a.Has == 0 {
			bare++
		}
	}
	if d := cmp.Diff(prowler.service, service); d != "" || bare != prowler.bare {
		t.Errorf("%d requirements without a check; services (-want +got):\n%s", bare, d)
	}
}

// Every control that is said to answer something is there, and is asked once.
func TestPeersNameControlsThatAreThere(t *testing.T) {
	set, p := builtIn(t), builtInPeer(t)
	for _, a := range slices.Concat(p.Checks, p.Requirements) {
		seen := map[string]bool{}
		for _, id := range slices.Concat(a.Controls, a.Criteria) {
			if seen[id] {
				t.Errorf("%s names %s twice", a.ID, id)
			}
			seen[id] = true
		}
		for _, id := range a.Controls {
			if set.Find(id) == nil {
				t.Errorf("%s is answered by the control %s, which is not there", a.ID, id)
			}
		}
		if a.Why != "" && len(strings.Fields(a.Why)) < 4 {
			t.Errorf("%s: why %q says nothing", a.ID, a.Why)
		}
	}
}

func TestReadPeersMistakes(t *testing.T) {
	const head = "name: P\nversion: \"1\"\nsource: s\nlicence: l\n"
	for name, c := range map[string]struct{ text, want string }{
		"nothing_answers": {head + "checks: {a: {of: x}}\n", "a names neither control nor criterion, and no why"},
		"twice":           {head + "checks:\n  a: {why: w}\n  a: {why: w}\n", `peers/p.yaml:7:3: key "a" is given twice, first in line 6`},
		"unknown_key":     {head + "checks: {a: {control: [x]}}\n", `unknown key "control" in checks.a; did you mean "controls"?`},
		"no_source":       {"name: P\nversion: \"1\"\nlicence: l\nchecks: {}\n", "the file has no source"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadPeers(fstest.MapFS{"catalogue/peers/p.yaml": {Data: []byte(c.text)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestPeerPage(t *testing.T) {
	var out strings.Builder
	writePeer(&out, &Peer{
		Name: "P", Version: "1", Source: "s", Licence: "l",
		Checks: []Answer{
			{ID: "one", Of: "aws x", Controls: []string{"c-1"}, Criteria: []string{"audit.drift"}},
			{ID: "two", Of: "aws x", Criteria: []string{"audit.drift"}}, {ID: "three", Of: "aws y", Why: "a | b"},
		},
		Requirements: []Answer{{ID: "R-1", Has: 2, Controls: []string{"c-1"}, Why: "half"}, {ID: "R-2", Why: "none"}},
	})
	for _, want := range []string{
		"- Checks: 3, of which a control answers 1, a criterion alone 1, nothing 1.\n",
		"- Requirements: 2, of which a control answers 1, a criterion alone 0, nothing 1. For 1 of them it has no check itself.\n",
		"| `one` | aws x | [c-1](#c-1), criterion `audit.drift` |  |\n", "| `three` | aws y | nothing | a \\| b |\n", "| R-1 | 2 | [c-1](#c-1) | half |\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q:\n%s", want, out.String())
		}
	}
}

func FuzzReadPeers(f *testing.F) {
	data, err := fs.ReadFile(controls.FS, "catalogue/peers/prowler-ai.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add("name: [")
	f.Fuzz(func(t *testing.T, text string) {
		peers, err := ReadPeers(fstest.MapFS{"catalogue/peers/p.yaml": {Data: []byte(text)}})
		if len(peers) == 0 && err == nil {
			t.Fatal("a peer vanished without a word")
		}
	})
}

func builtInPeer(t *testing.T) *Peer {
	t.Helper()
	peers, err := ReadPeers(controls.FS)
	if err != nil || len(peers) != 1 || peers[0].Name != "Prowler" {
		t.Fatalf("%d peers, %v", len(peers), err)
	}
	return &peers[0]
}

// digestOf is the SHA-256 of the ids of a list, sorted, one a line.
func digestOf(list []Answer) string {
	var ids []string
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	sum := sha256.Sum256([]byte(strings.Join(ids, "\n")))
	return hex.EncodeToString(sum[:])
}
