package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain is also the child that the kill tests kill.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PLAYBOOK_CHILD"); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// ledger is an actor whose effects are lines of a file, each synced: what was done,
// how often, whatever happened to the process.
type ledger struct {
	mu   sync.Mutex
	path string
	// fails are targets whose calls fail, slow those that take a while.
	fails, slow map[string]bool
	before      func(string)
}

func (l *ledger) lines() []string {
	text, _ := os.ReadFile(l.path)
	return strings.Fields(string(text))
}

func (l *ledger) Prepare(_ context.Context, c Call) (json.RawMessage, error) {
	if c.Target == "gone" {
		return nil, errors.New("the target is gone")
	}
	return json.RawMessage(`{"was":"open"}`), nil
}

func (l *ledger) Applied(_ context.Context, c Call, _ json.RawMessage) (bool, map[string]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.lines() {
		if s == "+"+c.Key {
			return true, map[string]string{"status": "closed", "n": "1"}, nil
		}
	}
	return false, nil, nil
}

func (l *ledger) Apply(ctx context.Context, c Call, _ json.RawMessage) (map[string]string, error) {
	if l.before != nil {
		l.before(c.Target)
	}
	if l.fails[c.Target] {
		return nil, errors.New("refused")
	}
	if l.slow[c.Target] {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return map[string]string{"status": "closed", "n": "1"}, l.write("+" + c.Key)
}

func (l *ledger) write(line string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

func (l *ledger) Verify(_ context.Context, c Call, _ json.RawMessage) error {
	if c.Target == "stays-open" {
		return errors.New("it still answers")
	}
	return nil
}

func (l *ledger) Undo(_ context.Context, c Call, _ json.RawMessage) error {
	if c.Target == "stuck" {
		return errors.New("it will not go back")
	}
	return l.write("-" + c.Key)
}

// begin makes a run of a playbook's text.
func begin(t testing.TB, text string, values map[string]string) *Journal {
	t.Helper()
	p, err := Load("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	j := journal(t, filepath.Join(t.TempDir(), "run.jsonl"))
	if err := Begin(j, p, values); err != nil {
		t.Fatal(err)
	}
	return j
}

func journal(t testing.TB, path string) *Journal {
	t.Helper()
	j, err := OpenJournal(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// did lists the steps whose calls were made, in the order of the ledger.
func (l *ledger) did() string {
	var out []string
	for _, s := range l.lines() {
		sign, key, _ := strings.Cut(s, "/")
		out = append(out, sign[:1]+key)
	}
	return strings.Join(out, " ")
}

func newLedger(t testing.TB) *ledger {
	return &ledger{path: filepath.Join(t.TempDir(), "ledger"), fails: map[string]bool{"bad": true}, slow: map[string]bool{"slow": true}}
}

func resume(t testing.TB, j *Journal, o Options) Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	out, err := Resume(ctx, j, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
