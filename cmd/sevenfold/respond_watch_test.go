package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/act/call"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// switchboard takes the calls: HTTP by path, mail by SMTP.
type switchboard struct {
	mu    sync.Mutex
	calls []string
	dead  map[string]bool // paths that answer 500
}

func (s *switchboard) took(who, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, who+" "+text)
}

// since are those taken after the first n.
func (s *switchboard) since(n int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls[n:])
}

func (s *switchboard) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	text, _ := io.ReadAll(q.Body)
	s.mu.Lock()
	dead := s.dead[q.URL.Path]
	s.mu.Unlock()
	if dead {
		http.Error(w, "no", http.StatusInternalServerError)
		return
	}
	s.took(q.URL.Path, string(text))
}

// mailServer speaks as much of SMTP as a client needs.
func (s *switchboard) mailServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.mail(c)
		}
	}()
	return l.Addr().String()
}

func (s *switchboard) mail(c net.Conn) {
	defer c.Close()
	in := bufio.NewScanner(c)
	fmt.Fprint(c, "220 test\r\n")
	to, body, data := "", "", false
	for in.Scan() {
		line := in.Text()
		switch {
		case data && line == ".":
			s.took("mail:"+to, body)
			data = false
			fmt.Fprint(c, "250 ok\r\n")
		case data:
			body += line + "\n"
		case strings.HasPrefix(line, "RCPT TO:"):
			to = strings.Trim(line[8:], "<> ")
			fmt.Fprint(c, "250 ok\r\n")
		case line == "DATA":
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

// Nobody acknowledges: owner, deputy and lead are called one after another, by a webhook,
// by e-mail, by PagerDuty and Slack, each when the one before had its time or could not be
// reached; nobody is called twice for one thing, and once somebody has it in hand nobody is.
func TestRespondWatchCallsTheNext(t *testing.T) {
	board := &switchboard{dead: map[string]bool{}}
	srv := httptest.NewServer(board)
	defer srv.Close()
	pager := call.PagerDuty
	call.PagerDuty = srv.URL + "/pager"
	defer func() { call.PagerDuty = pager }()
	t.Setenv("CY_SLACK", srv.URL+"/cy")
	t.Setenv("DI_KEY", "routing-key")
	dir := t.TempDir()
	config := filepath.Join(dir, "sevenfold.yaml")
	if err := os.WriteFile(config, []byte(fmt.Sprintf(`estate: acme
workloads: [{name: score, match: 'name == "score"', owner: ana, deputy: bo}]
respond:
  acknowledge: 10m
  contain: 30m
  mail: smtp://%s?from=sevenfold@acme.example
  people:
    - {name: ana, roles: [owner], contact: "webhook:%s/ana"}
    - {name: bo, contact: "mailto:bo@acme.example"}
    - {name: cy, roles: [lead], contact: "slack:env:CY_SLACK"}
    - {name: di, roles: [legal], contact: "pagerduty:env:DI_KEY"}
`, board.mailServer(t), srv.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	g := &globals{stdout: &out, stderr: &errs, config: config, state: filepath.Join(dir, "state"), format: "text"}
	h, err := g.desk()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	h.desk.Now = func() time.Time { return now }
	id := ""
	look := func() []string {
		t.Helper()
		before := len(board.since(0))
		for range 2 { // looking again calls nobody again
			if _, err := g.lookAt(context.Background(), h, "", now); err != nil {
				t.Fatal(err)
			}
		}
		return board.since(before)
	}
	expect := func(what string, got []string, want ...string) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d calls, want %d: %q\n%s", what, len(got), len(want), got, errs.String())
		}
		for i := range want {
			who, text, _ := strings.Cut(want[i], " ")
			if !strings.HasPrefix(got[i], who+" ") || !strings.Contains(got[i], text) || !strings.Contains(got[i], id) {
				t.Errorf("%s: %q, want %q", what, got[i], want[i])
			}
		}
	}
	i, err := h.desk.Open(respond.Opening{Title: "scores are off", Workload: "score", Source: "a person"}, "eve")
	if err != nil {
		t.Fatal(err)
	}
	id = i.ID
	expect("at once", look(), "/ana nobody has it in hand yet")
	now = now.Add(9 * time.Minute)
	expect("within the time", look())
	now = now.Add(2 * time.Minute)
	expect("the deputy", look(), "mail:bo@acme.example did not acknowledge")
	now = now.Add(11 * time.Minute)
	expect("the lead", look(), "/cy did not acknowledge")
	board.dead["/ana"] = true
	now = now.Add(11 * time.Minute)
	expect("from the top: the owner cannot be reached, the deputy is called at once", look(), "mail:bo@acme.example ana could not be reached")
	if _, err := h.desk.Ack(id, "bo"); err != nil {
		t.Fatal(err)
	}
	expect("in hand, and not contained", look(), "/cy it is not contained")
	if i, err = h.desk.Decide(id, "bo", respond.Triage{Severity: "high", Scenario: "endpoint-misbehaving", Laws: []string{"gdpr"}}); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	expect("triaged", look())
	now = i.Clocks[0].Deadline.Add(-time.Hour)
	got := look()
	if len(got) < 1 || !strings.HasPrefix(got[len(got)-1], "/pager ") || !strings.Contains(got[len(got)-1], "routing-key") {
		t.Errorf("the clock of the law: %q", got)
	}
	if i, err = h.desk.Show(id); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{srv.URL, "routing-key"} {
		if strings.Contains(string(text)+errs.String(), secret) {
			t.Errorf("%q is told", secret)
		}
	}
}

// One that is watched by another process is not watched twice, and one without people says
// how to name some.
func TestRespondWatchIsAlone(t *testing.T) {
	dir := t.TempDir()
	d := respond.Desk{Folder: filepath.Join(dir, "incidents")}
	release, err := d.Alone()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Alone(); err == nil {
		t.Error("two watch")
	}
	release()
	if release, err = d.Alone(); err != nil {
		t.Error(err)
	}
	release()
}
