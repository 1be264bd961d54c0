package main

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/test/builtin"
)

func TestResourceName(t *testing.T) {
	for _, c := range [][4]string{
		{"cloudformation", "/lake.yaml", "AWS::S3::Bucket.Data", "lake.Data"},
		{"kubernetes", "/x.yaml", "Deployment.serving.ask", "Deployment.serving.ask"},
		{"kubernetes", "/x.yaml", "Pod.serving.ask.app-ask", "Pod.serving.ask"},
		{"terraform", "/m.tf", "aws_s3_bucket.a", "aws_s3_bucket.a"},
		{"terraform", "/m.tf", `aws_s3_bucket.a["x"]`, "aws_s3_bucket.a"},
	} {
		if got := resourceName(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%s %s: got %s, want %s", c[0], c[2], got, c[3])
		}
	}
}

// A check finds the faults whose question it answers, on any resource that makes
// the asset; a wider one finds, and is not held wrong on a near miss.
func TestWeigh(t *testing.T) {
	m := &checkovMap{Tool: "T", Checks: map[string][]string{"A": {"open", "wide"}}, Wider: map[string][]string{"B": {"open"}}}
	l := &Labels{
		Estate: "e",
		Faults: []Fault{{ID: "1", Asset: "a", At: []string{"r.a", "r.aPolicy"}, Find: []string{"open"}}, {ID: "2", Asset: "b", At: []string{"r.b"}, Find: []string{"open"}}, {ID: "3", Asset: "c", At: []string{"r.c"}, Find: []string{"open"}}},
		Near:   []Near{{Asset: "n", At: []string{"r.n"}, Not: []string{"open", "other"}}, {Asset: "o", At: []string{"r.o"}, Not: []string{"open"}}},
	}
	got := weigh(l, []said{{"A", "r.aPolicy"}, {"B", "r.b"}, {"C", "r.c"}, {"A", "r.n"}, {"B", "r.o"}}, m)
	want := peerResult{Tool: "T", Estate: "e", Said: 5, Mapped: 4, Faults: 3, Found: 2, Near: 3, Flagged: 1}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What stands in the map and in the labels of others' estates are controls of
// ours.
func TestOthersNameControls(t *testing.T) {
	set := builtin.Controls(t)
	m := &checkovMap{}
	if err := readYAML(filepath.Join("peers", "checkov.yaml"), m); err != nil {
		t.Fatal(err)
	}
	for _, checks := range []map[string][]string{m.Checks, m.Wider} {
		for check, answers := range checks {
			for _, c := range answers {
				if set.Find(c) == nil {
					t.Errorf("%s answers %s, which is no control", check, c)
				}
			}
		}
	}
	paths, err := filepath.Glob(filepath.Join("public", "*.yaml"))
	if err != nil || len(paths) < 5 {
		t.Fatalf("%d estates of others (%v)", len(paths), err)
	}
	for _, path := range paths {
		e := &Public{}
		if err := readYAML(path, e); err != nil {
			t.Fatal(err)
		}
		if e.Repository == "" || len(e.Commit) != 40 || e.By == "" || e.Source == "" || len(e.Planted) == 0 {
			t.Errorf("%s: repository, commit, by, source and planted must be given", path)
		}
		for _, p := range e.Planted {
			for _, c := range p.Find {
				if set.Find(c) == nil {
					t.Errorf("%s: %s: no such control: %s", path, p.Asset, c)
				}
			}
			if p.Asset == "" || p.Wrong == "" || len(p.Find) == 0 && p.Waits == "" {
				t.Errorf("%s: %s: asset, wrong, and a control or the step it waits for must be given", path, p.Asset)
			}
		}
	}
}
