package cloudformation

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/source"
)

// assembly reads the output folder of cdk synth: each stack its manifest names,
// and the assemblies of its stages.
func (r *reader) assembly(dir string, manifest *node, depth int) error {
	if depth > 8 {
		return &Error{Path: dir, What: "cloud assemblies nested deeper than 8", Mend: "read the folder of one stage"}
	}
	artifacts := manifest.get("artifacts")
	for i, id := range artifacts.keys {
		a := artifacts.kids[i]
		p := a.get("properties")
		switch a.get("type").str() {
		case "aws:cloudformation:stack":
			path, ok := beside(dir, p.get("templateFile").str())
			if !ok {
				r.blind(estate.BlindSpot{Operation: id, Status: estate.ReadFailed, Why: "the manifest says of stack " + id + " no template in the folder", Hint: "run cdk synth again"})
				continue
			}
			root, err := load(path)
			if err == nil {
				root, err = templateOf(path, root)
			}
			if err != nil {
				r.blind(estate.BlindSpot{Operation: id, Status: estate.ReadMalformed, Why: err.Error(), Hint: hintOf(err)})
				continue
			}
			account, region := environment(a.get("environment").str())
			name := p.get("stackName").str()
			if name == "" {
				name = id
			}
			given := map[string]any{}
			if ps := p.get("parameters"); ps.is(object) {
				for j, k := range ps.keys {
					given[k] = scalarOf(ps.kids[j])
				}
			}
			r.add(path, name, root, first(account, r.opts.Account), first(region, r.opts.Region), given)
		case "cdk:cloud-assembly":
			sub, ok := beside(dir, p.get("directoryName").str())
			if !ok {
				continue
			}
			inner, err := load(filepath.Join(sub, "manifest.json"))
			if err == nil {
				err = r.assembly(sub, inner, depth+1)
			}
			if err != nil {
				r.blind(estate.BlindSpot{Operation: id, Status: estate.ReadMalformed, Why: err.Error(), Hint: "run cdk synth again"})
			}
		}
	}
	if depth == 0 && len(r.stacks) == 0 {
		if len(r.spots) > 0 {
			return &Error{Path: dir, What: "no stack could be read: " + r.spots[0].Why, Mend: r.spots[0].Hint}
		}
		return &Error{Path: dir, What: "the manifest names no stack", Mend: "run cdk synth, and give the folder it writes (cdk.out)"}
	}
	return nil
}

// beside is a path below a folder; one that leads out of it, or to nothing, is
// none.
func beside(dir, name string) (string, bool) {
	if name == "" || !filepath.IsLocal(name) {
		return "", false
	}
	path := filepath.Join(dir, name)
	_, err := os.Stat(path)
	return path, err == nil
}

// environment takes aws://ACCOUNT/REGION apart; what cdk does not know is empty.
func environment(s string) (account, region string) {
	rest, ok := strings.CutPrefix(s, "aws://")
	if !ok {
		return "", ""
	}
	account, region, _ = strings.Cut(rest, "/")
	if !source.IsAccount(account) {
		account = ""
	}
	if !source.IsRegion(region) {
		region = ""
	}
	return account, region
}

func first(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}
