// Command pairs compares policies of others with each other, two by two as they
// lie in a folder. It is made for the samples of vlab-cs-ucsb/quacky, which are
// not kept here.
//
//	go run ./test/truth/iam/pairs [-real] [-cases FILE] SAMPLES…
//
// It prints one JSON line a pair and a count. -cases writes the requests by which
// one is broader than the other as cases, so that an outside judge
// (oracle/simulate.sh) can say whether the one allows them and the other does
// not.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
	truth "github.com/sevenfold-sec/sevenfold/test/truth/iam"
)

func main() {
	cases := flag.String("cases", "", "file to write witnesses to, as cases")
	realActions := flag.Bool("real", false, "prefer actions that the provider has for witnesses, which takes longer")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "pairs: name a folder\nhint: the folder samples of a checkout of vlab-cs-ucsb/quacky")
		os.Exit(2)
	}
	if err := run(flag.Args(), *cases, *realActions); err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(1)
	}
}

// document is a policy that was read.
type document struct {
	path string
	text []byte
}

// pair is printed.
type pair struct {
	Old, New string
	Broader  string
	Narrower string // whether the old one is broader
	Seconds  float64
	Unknown  []string `json:",omitempty"`
}

func run(folders []string, out string, realActions bool) error {
	byFolder := map[string][]document{}
	for _, root := range folders {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
				return err
			}
			text, err := os.ReadFile(path)
			var has struct{ Statement json.RawMessage }
			if err == nil && json.Unmarshal(text, &has) == nil && has.Statement != nil {
				dir := filepath.Dir(path)
				byFolder[dir] = append(byFolder[dir], document{path, text})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	var dirs []string
	policies := 0
	for d := range byFolder {
		dirs = append(dirs, d)
		policies += len(byFolder[d])
	}
	slices.Sort(dirs)
	count, pairs := map[string]int{}, 0
	var witnesses []truth.Case
	start := time.Now()
	enc := json.NewEncoder(os.Stdout)
	for _, d := range dirs {
		list := byFolder[d]
		for i := 1; i < len(list); i++ { // neighbours: a folder of n gives n-1
			p, ws := compare(list[i-1], list[i], realActions)
			count[p.Broader]++
			count[p.Narrower]++
			pairs++
			witnesses = append(witnesses, ws...)
			if err := enc.Encode(p); err != nil {
				return err
			}
		}
	}
	fmt.Fprintf(os.Stderr, "%d policies, %d pairs both ways in %.1f s: %v\n", policies, pairs, time.Since(start).Seconds(), count)
	if out == "" {
		return nil
	}
	text, err := json.MarshalIndent(map[string]any{"schema": "sevenfold/iam-cases/v1", "cases": witnesses}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o600)
}

// actions are those that the provider has, which make the better witnesses.
var actions = sync.OnceValue(func() []string {
	var names []string
	for _, a := range reference.Expand("*") {
		names = append(names, a.String())
	}
	return names
})

func compare(before, after document, realActions bool) (pair, []truth.Case) {
	start := time.Now()
	w := iam.NewWorld()
	if realActions {
		w.Actions(actions())
	}
	a, b := w.Parse(before.path, before.text), w.Parse(after.path, after.text)
	up, down := w.Compare([]*iam.Policy{a}, []*iam.Policy{b}), w.Compare([]*iam.Policy{b}, []*iam.Policy{a})
	p := pair{Old: before.path, New: after.path, Broader: up.Broader, Narrower: down.Broader, Seconds: time.Since(start).Seconds(), Unknown: append(up.Unknown, down.Unknown...)}
	return p, append(cases(up, after, before), cases(down, before, after)...)
}

// cases are a witness's two questions: the one policy allows it and the other
// does not. Policies that name principals are left out: whom else a request
// would need is not theirs to say.
func cases(c iam.Comparison, allows, refuses document) []truth.Case {
	if c.Broader != "yes" || c.Witness.Principal != "" || strings.Contains(string(allows.text)+string(refuses.text), "Principal\"") {
		return nil
	}
	context := map[string][]string{}
	for k, v := range c.Witness.Context {
		if v != nil { // nil: the key must be absent
			context[k] = v
		}
	}
	who := "arn:aws:iam::111122223333:user/alice"
	if parts := strings.SplitN(c.Witness.Resource, ":", 6); len(parts) == 6 && len(parts[4]) == 12 {
		who = "arn:aws:iam::" + parts[4] + ":user/alice" // across accounts no identity policy suffices
	}
	ask := func(d document, expect string) truth.Case {
		return truth.Case{Name: fmt.Sprintf("%s %s", expect, d.path), Expect: expect, Source: "pairs", IdentityPolicies: []json.RawMessage{d.text},
			Request: truth.Request{Principal: who, Action: c.Witness.Action, Resource: c.Witness.Resource, Context: context}}
	}
	return []truth.Case{ask(allows, "allow"), ask(refuses, "deny")}
}
