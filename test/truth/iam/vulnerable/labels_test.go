package main

import (
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
	truth "github.com/sevenfold-sec/sevenfold/test/truth/iam"
)

func TestLabels(t *testing.T) {
	labels, err := truth.ReadLabels(labelsText)
	if err != nil {
		t.Fatal(err)
	}
	routes, err := reference.Routes()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"": true}
	for _, r := range routes {
		known[r.ID] = true
	}
	files, seen := map[string]bool{}, map[string]bool{}
	for _, l := range labels.Labels {
		if !known[l.Route] {
			t.Errorf("%s: no route %s", l.Principal, l.Route)
		}
		if seen[l.Principal] || !strings.HasPrefix(l.Module, "modules/free-resources/") {
			t.Errorf("%s: twice, or planted by %q", l.Principal, l.Module)
		}
		if l.Expect != "can" && l.Why == "" {
			t.Errorf("%s: %s, and no reason", l.Principal, l.Expect)
		}
		seen[l.Principal], files[l.Module] = true, true
	}
	// 31 paths, one more for the people who look after it, nine traps and a role
	// without rights, a file each.
	if len(files) != 42 {
		t.Errorf("%d files are labelled, want 42", len(files))
	}
}

func TestReadRefusesOtherFolders(t *testing.T) {
	if _, _, err := read(t.TempDir()); err == nil {
		t.Error("an empty folder is no checkout")
	}
}
