package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// TestMain makes the program itself a command of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sevenfold": main})
}

// underRace are the scripts that run under the race detector, too.
var underRace = map[string]bool{"access_can.txt": true, "assess_json.txt": true, "aws_unreachable.txt": true, "bad_beside_good.txt": true, "baseline_versions.txt": true,
	"cloudformation_template.txt": true, "drift_who.txt": true, "explain.txt": true, "findings_dir.txt": true, "gate_admission.txt": true, "gate_plan.txt": true, "gate_waive.txt": true,
	"history_mend.txt": true, "init.txt": true, "inventory_why.txt": true, "kubernetes_unreachable.txt": true, "mend_patch.txt": true, "overview_audit.txt": true,
	"own_controls_broken.txt": true, "snapshot.txt": true, "state_locked.txt": true, "terraform_plan.txt": true, "two_sources.txt": true, "waiver.txt": true}

// TestScripts runs testdata/script. Each script starts in an empty folder with
// a copy of testdata/exports as exports, and without credentials.
func TestScripts(t *testing.T) {
	exports, err := filepath.Abs(filepath.Join("testdata", "exports"))
	if err != nil {
		t.Fatal(err)
	}
	harbour, err := filepath.Abs(filepath.Join("..", "..", "examples", "harbour"))
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(filepath.Join("testdata", "script", "*.txt"))
	if err != nil || len(scripts) < 100 {
		t.Fatalf("%d scripts: %v", len(scripts), err)
	}
	if race.Enabled {
		// Each command is a process that starts anew, seconds of
		// work under the detector; what scripts hold of words and exit codes is held
		// without it. A quarter of them runs every command that there is.
		scripts = slices.DeleteFunc(scripts, func(name string) bool { return !underRace[filepath.Base(name)] })
		if len(scripts) != len(underRace) {
			t.Errorf("%d scripts to run under the race detector, want %d: %v", len(scripts), len(underRace), scripts)
		}
	}
	testscript.Run(t, testscript.Params{
		Files: scripts,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("HARBOUR", harbour)
			e.Setenv("DAY", time.Now().UTC().Format("20060102"))
			e.Setenv("TODAY", time.Now().UTC().Format(time.DateOnly))
			return os.CopyFS(filepath.Join(e.WorkDir, "exports"), os.DirFS(exports))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "fitsrespond": fitsRespond, "json": holdsJSON, "bytes": holdsBytes, "fill": fillFile, "locked": locked, "findingid": findingID, "newer": newer,
			"flip": flip, "approver": approver, "driftid": driftID, "stamp": stamp, "grantid": grantID, "patchof": patchOfReport, "countsall": countsAll, "criterion": criterion,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// exits N COMMAND…: the command ends with exit code N. What it printed is
// there for stdout and stderr.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
	if strings.Contains(ts.ReadFile("stderr"), "goroutine ") {
		ts.Fatalf("the program panicked")
	}
}

// json FILE KEY…: the file is one JSON object with these keys.
func holdsJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: json file key…")
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	for _, key := range args[1:] {
		if _, ok := doc[key]; !ok {
			ts.Fatalf("%s has no %q", args[0], key)
		}
	}
}

// bytes FILE QUOTED: the file holds the bytes of a quoted Go string.
func holdsBytes(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: bytes file quoted")
	}
	want, err := strconv.Unquote(`"` + args[1] + `"`)
	ts.Check(err)
	if strings.Contains(ts.ReadFile(args[0]), want) == neg {
		ts.Fatalf("%q in %s: %v", want, args[0], neg)
	}
}

// fill FILE N HEAD UNIT TAIL: the file is HEAD, N times UNIT, TAIL.
func fillFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: fill file n head unit tail")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, []byte(args[2]+strings.Repeat(args[3], n)+args[4]), 0o600))
}

// locked DIR COMMAND…: the command is refused while another run holds the
// state in DIR.
func locked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: locked dir command…")
	}
	ctx := context.Background()
	st, err := store.Open(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	defer st.Close()
	release, err := st.Lock(ctx)
	ts.Check(err)
	exits(ts, false, append([]string{strconv.Itoa(exitUsage)}, args[1:]...))
	ts.Check(release())
}

// newer DIR: the state in DIR was written by a later version.
func newer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: newer dir")
	}
	conn, err := sqlite.OpenConn(filepath.Join(ts.MkAbs(args[0]), "sevenfold.db"))
	ts.Check(err)
	err = sqlitex.ExecuteTransient(conn, "PRAGMA user_version = 99", nil)
	ts.Check(errors.Join(err, conn.Close()))
}

// findingID FILE CONTROL: sets $SNAPSHOT to the report's snapshot and, unless
// CONTROL is empty, $FINDING to the id of its finding.
func findingID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: findingid file control")
	}
	var doc report.Document
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &doc))
	ts.Setenv("SNAPSHOT", doc.Snapshot)
	if args[1] == "" {
		return
	}
	for _, f := range doc.Findings {
		if f.Control == args[1] {
			ts.Setenv("FINDING", f.ID)
			return
		}
	}
	ts.Fatalf("%s has no finding of %s", args[0], args[1])
}

// flip FILE N: the last bit of byte N of the file is another.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip file n")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	text, err := os.ReadFile(path)
	ts.Check(err)
	text[n] ^= 1
	ts.Check(os.WriteFile(path, text, 0o600))
}

// approver KEY FILE: the public half of a private key is added to
// gate.approvers, at the end of the scope file.
func approver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: approver key file")
	}
	key, err := certificate.ParsePrivate([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	path := ts.MkAbs(args[1])
	text := ts.ReadFile(args[1]) + "  approvers: [\"" + certificate.KeyID(key.Public().(ed25519.PublicKey)) + "\"]\n"
	ts.Check(os.WriteFile(path, []byte(text), 0o600))
}

// driftid NAME FILE N: the report of drift has N records; NAME becomes the id of
// the first that is open.
func driftID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: driftid name file n")
	}
	var doc report.Drift
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &doc))
	if want, err := strconv.Atoi(args[2]); err != nil || len(doc.Records) != want {
		ts.Fatalf("%d records, want %s:\n%s", len(doc.Records), args[2], ts.ReadFile(args[1]))
	}
	for _, r := range doc.Records {
		if r.Status == "open" {
			ts.Setenv(args[0], r.ID)
			return
		}
	}
}

// daysAgo is @NOW-3d@ in a file.
var daysAgo = regexp.MustCompile(`@NOW-(\d+)d@`)

// stamp FILE…: @NOW@ in the files becomes the time, @NOW-3d@ that of three days ago.
func stamp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: stamp file…")
	}
	for _, name := range args {
		now := time.Now().UTC()
		text := strings.ReplaceAll(ts.ReadFile(name), "@NOW@", now.Format(time.RFC3339))
		text = daysAgo.ReplaceAllStringFunc(text, func(m string) string {
			days, err := strconv.Atoi(daysAgo.FindStringSubmatch(m)[1])
			ts.Check(err)
			return now.AddDate(0, 0, -days).Format(time.RFC3339)
		})
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// grantid VAR FILE KIND: VAR becomes the id of the first grant of a kind in the
// answer of access review list.
func grantID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: grantid var file kind")
	}
	var doc struct {
		Grants []struct{ ID, Kind string }
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &doc))
	for _, g := range doc.Grants {
		if g.Kind == args[2] {
			ts.Setenv(args[0], g.ID)
			return
		}
	}
	ts.Fatalf("%s has no grant of kind %s", args[1], args[2])
}
