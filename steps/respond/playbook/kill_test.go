package playbook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/test/race"
)

// killed is a playbook with every kind of step; a whole run makes 13 calls.
const killed = head + `- {id: a, do: x.cut}
- id: p
  parallel:
    - [{id: p1, do: x.cut}, {id: p2, do: x.cut}]
    - [{id: q1, do: x.cut, on: bad, on_failure: [{id: q2, do: x.cut}]}, {id: q3, do: x.cut}]
- {id: s, switch: level, cases: {high: [{id: s1, do: x.cut, out: {status: status}}]}}
- {id: i, if: status == "closed", then: [{id: i1, do: x.cut}, {id: i2, do: x.cut}]}
- id: w
  while: level == "high"
  max: 3
  steps: [{id: w1, do: x.cut}]
  on_failure: [{id: w2, do: x.cut}]
- {id: z, do: x.cut}
`

const killedCalls = 13

// child runs the playbook in dir to its end.
func child(dir string) error {
	j, err := OpenJournal(filepath.Join(dir, "run"), nil)
	if err != nil {
		return err
	}
	defer j.Close()
	if len(j.Events()) == 0 {
		p, err := Load("p.yaml", []byte(killed))
		if err != nil {
			return err
		}
		if err := Begin(j, p, nil); err != nil {
			return err
		}
	}
	l := &ledger{path: filepath.Join(dir, "ledger"), fails: map[string]bool{"bad": true}, before: func(string) { time.Sleep(time.Millisecond) }}
	out, err := Resume(context.Background(), j, Options{Actor: l})
	if err == nil && out.Status != Done {
		err = fmt.Errorf("the run ended %s: %s", out.Status, out.Why)
	}
	return err
}

// TestKilledAtRandomPoints kills a real process that runs a playbook, again and again
// until the run is through: every call was made once, and the chain holds. KILLS sets
// how many kills there have to be at least; bench/respond.sh makes 500.
func TestKilledAtRandomPoints(t *testing.T) {
	kills, _ := strconv.Atoi(os.Getenv("KILLS"))
	if kills == 0 {
		kills = race.Size(12, 4) // the detector sees nothing more in a process that is killed more often
	}
	done, runs, recovered := 0, 0, 0
	for done < kills {
		dir := t.TempDir()
		runs++
		for {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), "PLAYBOOK_CHILD="+dir)
			var errs strings.Builder
			cmd.Stderr = &errs
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			if done < kills && !reaches(filepath.Join(dir, "run"), rand.Int64N(4000), ended) { //nolint:gosec // a test's dice
				time.Sleep(time.Duration(rand.IntN(1500)) * time.Microsecond) //nolint:gosec // as above
				_ = cmd.Process.Kill()
				<-ended
				done++
				continue
			}
			if err := <-ended; err != nil {
				t.Fatalf("%v: %s", err, errs.String())
			}
			break
		}
		recovered += audit(t, dir)
	}
	t.Logf("%d kills over %d runs, %d calls found done after a kill", done, runs, recovered)
}

// reaches waits until a journal has grown by so many bytes, and reports whether the process
// that writes it ended before. A kill then comes in the middle of what a playbook does,
// however slow the machine is.
func reaches(journal string, bytes int64, ended chan error) bool {
	size := func() int64 {
		if info, err := os.Stat(journal); err == nil {
			return info.Size()
		}
		return 0
	}
	for was := size(); size() < was+bytes; time.Sleep(200 * time.Microsecond) {
		select {
		case err := <-ended:
			ended <- err
			return true
		default:
		}
	}
	return false
}

// audit holds a finished run against its ledger, and counts what was recovered.
func audit(t *testing.T, dir string) (recovered int) {
	t.Helper()
	j := journal(t, filepath.Join(dir, "run"))
	defer j.Close()
	lines := (&ledger{path: filepath.Join(dir, "ledger")}).lines()
	slices.Sort(lines)
	if n := len(slices.Compact(slices.Clone(lines))); n != len(lines) || n != killedCalls {
		t.Errorf("%d calls were made, %d of them distinct, want %d:\n%s", len(lines), n, killedCalls, strings.Join(lines, "\n"))
	}
	if out, err := State(j); err != nil || out.Status != Done {
		t.Error(out, err)
	}
	for _, e := range j.Events() {
		if e.Type == eventApplied && strings.Contains(string(e.Data), `"recovered":true`) {
			recovered++
		}
	}
	return recovered
}
