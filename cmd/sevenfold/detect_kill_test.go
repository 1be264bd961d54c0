package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/stream"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

const detectToken = "0123456789abcdef0123"

// detectProcess is a real sevenfold detect run that listens.
type detectProcess struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
	err bytes.Buffer
	end chan struct{}
}

func startDetect(t *testing.T, state string, more ...string) *detectProcess {
	t.Helper()
	p := &detectProcess{t: t, end: make(chan struct{})}
	p.cmd = exec.Command("sevenfold", append([]string{"detect", "run", "--state", state, "--listen", "127.0.0.1:0", "--save-every", "1h", "--no-rules"}, more...)...)
	p.cmd.Env = append(os.Environ(), tokenVariable+"="+detectToken)
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for p.url == "" {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("it ended before it listened: %s%s", p.err.String(), line)
		}
		p.err.WriteString(line)
		if _, url, ok := strings.Cut(line, "taking events at "); ok {
			p.url = strings.TrimSpace(url)
		}
	}
	go func() { defer close(p.end); _, _ = io.Copy(&p.err, lines) }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// send posts records, and fails the test unless they were acknowledged.
func (p *detectProcess) send(records []org.Record) {
	p.t.Helper()
	var list [][]byte
	for _, r := range records {
		list = append(list, r.Text)
	}
	req, err := http.NewRequest(http.MethodPost, p.url, strings.NewReader(`{"Records":[`+string(bytes.Join(list, []byte(",")))+`]}`))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+detectToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var took struct{ Events, Rejected int }
	if err := json.NewDecoder(resp.Body).Decode(&took); err != nil || resp.StatusCode != 200 || took.Events != len(records) || took.Rejected != 0 {
		p.t.Fatalf("%s, %+v of %d: %v", resp.Status, took, len(records), err)
	}
}

// kill ends the process as a power cut of the process would: nothing runs any more.
func (p *detectProcess) kill() {
	_ = p.cmd.Process.Kill()
	<-p.end
	_ = p.cmd.Wait()
	http.DefaultClient.CloseIdleConnections()
}

// finish ends it as a person does, and gives its last words.
func (p *detectProcess) finish() string {
	p.t.Helper()
	http.DefaultClient.CloseIdleConnections()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	<-p.end
	_ = p.cmd.Wait()
	return p.err.String()
}

// TestDetectSurvivesKill: what was acknowledged before a kill -9 is taken in after it, once,
// and the incidents are those of a run that was never killed.
func TestDetectSurvivesKill(t *testing.T) {
	logs := t.TempDir()
	o := org.New(org.Config{Seed: 5, Principals: 30})
	for i := range 15 {
		var text bytes.Buffer
		for _, r := range o.Day() {
			text.Write(append(r.Text, '\n'))
		}
		if err := os.WriteFile(filepath.Join(logs, fmt.Sprintf("%02d.jsonl", i)), text.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	victim := o.People[slices.IndexFunc(o.People, func(p *org.Principal) bool { return p.Job == "serving" })]
	attack, _, err := detect.Play("T1562.008", victim.ARN(), "eu-west-1", "203.0.113.7", "aws-cli/2", o.Date().Add(11*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	day := o.Day()[:600]
	for i, a := range attack { // as if it were none of ours: a drill would be closed
		day = slices.Insert(day, 250+i*20, org.Record{Text: bytes.ReplaceAll(a, []byte("sevenfold-proof."), []byte("request-"))})
	}
	states := [2]string{filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "killed")}
	var told [2]string
	for i, state := range states {
		if out, err := exec.Command("sevenfold", "detect", "learn", logs, "--state", state).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		p := startDetect(t, state)
		for j := 0; j < len(day); j += 50 {
			p.send(day[j:min(j+50, len(day))])
			if i == 1 && (j == 250 || j == 300 || j == 450) {
				p.kill()
				p = startDetect(t, state)
				p.send(day[j:min(j+50, len(day))]) // its sender is not sure, and repeats it
			}
		}
		said := p.finish()
		if !strings.Contains(said, "0 parts that gave none") {
			t.Errorf("said %s", said)
		}
		a, err := stream.OpenArchive(filepath.Join(state, "events", "archive"))
		if err != nil {
			t.Fatal(err)
		}
		times := map[string]int{}
		if err := a.Find(stream.Query{}, func(r stream.Row) bool { times[r.ID]++; return true }); err != nil {
			t.Fatal(err)
		}
		for id, n := range times {
			if n != 1 {
				t.Errorf("%s is archived %d times", id, n)
			}
		}
		if len(times) != len(day) {
			t.Errorf("%d events are archived of %d that were acknowledged", len(times), len(day))
		}
		out, _ := exec.Command("sevenfold", "detect", "incidents", "--format", "json", "--state", state).Output() // exit 1: there are some
		told[i] = string(out)
		if replay, _ := exec.Command("sevenfold", "detect", "replay", "--archive", "--format", "json", "--state", state).Output(); !strings.Contains(string(replay), fmt.Sprintf(`"events": %d`, len(day))) {
			t.Errorf("replayed %.200s", replay)
		}
	}
	if !strings.Contains(told[0], "cloudtrail:StopLogging") {
		t.Errorf("the attack was not told: %s", told[0])
	}
	if told[0] != told[1] {
		t.Errorf("without a kill:\n%s\nkilled:\n%s", told[0], told[1])
	}
}

// While a run is at work, others use the state: incidents are listed and said to be fine,
// which the run heeds; only learning is refused.
func TestDetectRunSharesTheState(t *testing.T) {
	state := filepath.Join(t.TempDir(), "state")
	p := startDetect(t, state, "--save-every", "100ms")
	verb := func(args ...string) (string, int) {
		cmd := exec.Command("sevenfold", append(args, "--state", state)...)
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for range 5 {
		if out, code := verb("detect", "incidents"); code != 3 || !strings.Contains(out, "0 incidents") || !strings.Contains(out, "no events were ever taken in") {
			t.Fatalf("exit %d: %s", code, out)
		}
	}
	logs := t.TempDir()
	if err := os.WriteFile(filepath.Join(logs, "a.jsonl"), org.New(org.Config{Seed: 1, Principals: 20}).Day()[0].Text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := verb("detect", "learn", logs); code == 0 || code == 3 || !strings.Contains(out, "another sevenfold detect run is at work") || !strings.Contains(out, "hint:") {
		t.Errorf("learning into a state that is learnt into: exit %d: %s", code, out)
	}
	get := func(path string) string {
		req, _ := http.NewRequest(http.MethodGet, strings.TrimSuffix(p.url, "/events")+path, nil)
		req.Header.Set("Authorization", "Bearer "+detectToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		return string(text)
	}
	p.send(org.New(org.Config{Seed: 1, Principals: 20}).Day()[:100])
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		m := get("/metrics")
		if strings.Contains(m, "\nsevenfold_detect_lag_batches 0\n") && strings.Contains(m, "\nsevenfold_detect_events_total 100\n") {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("not taken in: %s", m)
		}
	}
	if said := p.finish(); !strings.Contains(said, "100 events") {
		t.Errorf("said %s", said)
	}
}

// Files that hold more than the stream may are read to their end: what was taken in is kept
// meanwhile, and makes room.
func TestDetectRunOutlastsItsStream(t *testing.T) {
	logs, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	var lines bytes.Buffer
	want := 0
	for _, r := range org.New(org.Config{Seed: 1, Principals: 100}).Day() {
		lines.Write(append(r.Text, '\n'))
		want++
	}
	if lines.Len() < 4<<20 {
		t.Fatalf("%d bytes are no more than the stream holds", lines.Len())
	}
	if err := os.WriteFile(filepath.Join(logs, "a.jsonl"), lines.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sevenfold", "detect", "run", logs, "--state", state, "--stream-mib", "2").CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 3 || !strings.Contains(string(out), fmt.Sprint(want, " events, 0 that came twice, 0 parts")) {
		t.Fatalf("%v, want %d events: %s", err, want, out)
	}
}
