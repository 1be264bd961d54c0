package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// patchof REPORT CONTROL NAME OUT: writes the patch that a report has for a
// control on the one asset whose id ends with NAME. "!" in front: there is none,
// not even a reason why; OUT is left out then.
func patchOfReport(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 && !(neg && len(args) == 3) {
		ts.Fatalf("usage: patchof report control name out")
	}
	var doc struct {
		Findings []struct {
			Control, Asset string
			Fix            struct{ Patch string }
		}
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	var patches []string
	for _, f := range doc.Findings {
		if f.Control == args[1] && strings.HasSuffix(f.Asset, args[2]) {
			patches = append(patches, f.Fix.Patch)
		}
	}
	if len(patches) != 1 {
		ts.Fatalf("%d findings of %s on an asset that ends with %s", len(patches), args[1], args[2])
	}
	if (patches[0] == "") != neg {
		ts.Fatalf("patch: %q", patches[0])
	}
	if !neg {
		ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(patches[0]), 0o600))
	}
}

// countsall REPORT PATCH: the patch of all names every failing finding of the
// report once, and its first line counts them.
func countsAll(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: countsall report patch")
	}
	var doc struct{ Findings []struct{ ID, Status string } }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	patch, failing := ts.ReadFile(args[1]), 0
	for _, f := range doc.Findings {
		if f.Status != "fail" {
			continue
		}
		failing++
		if n := strings.Count(patch, "#   "+f.ID+" "); n != 1 {
			ts.Fatalf("finding %s is named %d times", f.ID, n)
		}
	}
	if first, _, _ := strings.Cut(patch, "\n"); failing == 0 || !strings.Contains(first, fmt.Sprintf(" of %d mended", failing)) {
		ts.Fatalf("%d findings fail, the patch says %q", failing, first)
	}
}
