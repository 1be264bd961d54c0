package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// alone is a company whose detection may contain by itself.
type alone struct {
	t         *testing.T
	dir       string
	env       []string
	detection string

	mu      sync.Mutex
	process *os.Process
	changed []string // what was changed, in order
	killAt  int      // the process is killed once so much was changed; 0: never
}

// sevenfold runs a command to its end, and gives what it said and how it ended: -1 for killed.
func (a *alone) sevenfold(args ...string) (out, errs string, code int) {
	a.t.Helper()
	return a.start(func(p *os.Process) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.process = p
	}, args...)
}

// beside is sevenfold while another runs, which stays the one that is killed.
func (a *alone) beside(args ...string) (out, errs string, code int) {
	a.t.Helper()
	return a.start(func(*os.Process) {}, args...)
}

func (a *alone) start(started func(*os.Process), args ...string) (out, errs string, code int) {
	a.t.Helper()
	var o, e bytes.Buffer
	cmd := exec.Command("sevenfold", args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = a.dir, append(slices.Clone(a.env), tokenVariable+"="+detectionToken, "HOME="+a.dir, "PATH="+os.Getenv("PATH")), &o, &e
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	started(cmd.Process)
	err := cmd.Wait()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		a.t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

// kill ends the process that runs, as kill -9 does.
func (a *alone) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.process.Kill() // one that is over stays as it is
}

// saw notes a change once the cloud has made it, and kills who made it where the test wants that.
func (a *alone) saw(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.changed = append(a.changed, what)
	if len(a.changed) == a.killAt {
		_ = a.process.Kill()
	}
}

// tell sends events by the real way in, and waits until detection tells of an incident with
// a word in it, or with "" of none.
func (a *alone) tell(body, word string) {
	a.t.Helper()
	q, _ := http.NewRequest(http.MethodPost, a.detection+"/events", strings.NewReader(body))
	q.Header.Set("Authorization", "Bearer "+detectionToken)
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		a.t.Fatal(err)
	}
	text, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if r.StatusCode != http.StatusOK {
		a.t.Fatalf("%s: %s", r.Status, text)
	}
	a.told(word)
}

// told waits until detection tells of an incident with a word in it.
func (a *alone) told(word string) {
	a.t.Helper()
	last := ""
	for range 3600 {
		q, _ := http.NewRequest(http.MethodGet, a.detection+"/incidents", nil)
		q.Header.Set("Authorization", "Bearer "+detectionToken)
		r, err := http.DefaultClient.Do(q)
		if err != nil {
			a.t.Fatal(err)
		}
		text, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if last = string(text); strings.Contains(last, word) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	a.t.Fatalf("detection tells of nothing with %q: %s", word, last)
}

// desk is where the state keeps incidents.
func (a *alone) desk() respond.Desk {
	return respond.Desk{Folder: filepath.Join(a.dir, ".sevenfold", "respond", "incidents")}
}

// incidents are those in the state, the latest first.
func (a *alone) incidents() []*respond.Incident {
	a.t.Helper()
	d := a.desk()
	list, err := d.List()
	if err != nil {
		a.t.Fatal(err)
	}
	for n := range list {
		if list[n], err = d.Show(list[n].ID); err != nil {
			a.t.Fatal(err)
		}
	}
	return list
}

func (a *alone) configure(text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, "sevenfold.yaml"), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// pipelineAttack are records as CloudTrail writes them of a role that redefines a pipeline,
// and was let.
func pipelineAttack(role, pipeline string, marked bool) string {
	records, _, err := detect.Play("AML.T0020", role, "eu-west-1", "203.0.113.77", "aws-cli/2.31.4", time.Now())
	if err != nil {
		panic(err)
	}
	var list []string
	for _, r := range records {
		var m map[string]any
		_ = json.Unmarshal(r, &m)
		if !marked {
			delete(m, "errorCode")
			m["requestID"] = fmt.Sprint("r-", m["eventID"])
			m["requestParameters"] = map[string]any{"pipelineName": "retrain"}
			m["resources"] = []any{map[string]any{"ARN": pipeline, "accountId": "123456789012", "type": "AWS::SageMaker::Pipeline"}}
		}
		text, _ := json.Marshal(m)
		list = append(list, string(text))
	}
	return `{"Records":[` + strings.Join(list, ",") + `]}`
}

// TestRespondAutomaticOnAWS: events, detection, incident and containment, each by its real way,
// on a moto; the process is killed after each change it makes.
func TestRespondAutomaticOnAWS(t *testing.T) {
	if race.Enabled {
		t.Skip("see TestRespondOnAWS")
	}
	s := moto.Start(t, moto.More())
	var made map[string]string
	if err := json.Unmarshal(s.Python(t, "testdata/respond/estate.py", "make"), &made); err != nil {
		t.Fatal(err)
	}
	set, err := (&withRules{}).load(&globals{stderr: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	a := &alone{t: t, dir: t.TempDir()}
	var roles []string
	a.detection, roles = learntDetection(t, set)
	to, _ := url.Parse(s.URL)
	through := httputil.NewSingleHostReverseProxy(to)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		q.Body = io.NopCloser(bytes.NewReader(body))
		what := q.Header.Get("X-Amz-Target")
		if form, err := url.ParseQuery(string(body)); err == nil && what == "" {
			what = form.Get("Action")
		}
		through.ServeHTTP(w, q)
		if _, name, ok := strings.Cut(what, "."); ok {
			what = name
		}
		if strings.HasPrefix(what, "Disable") || strings.HasPrefix(what, "Put") || strings.HasPrefix(what, "Delete") || strings.HasPrefix(what, "Update") {
			a.saw(what)
		}
	}))
	defer proxy.Close()
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hook.Close()
	a.env = moto.Env(proxy.URL)
	config := func(more string) string {
		return `estate: acme
sources: ["aws:regions=eu-west-1"]
workloads: [{name: retrain, match: 'name == "retrain"', owner: ana, deputy: bo}]
respond:
  responder: arn:aws:iam::123456789012:user/responder
  people: [{name: ana, roles: [lead, owner], contact: "webhook:` + hook.URL + `"}, {name: bo, contact: "webhook:` + hook.URL + `"}]
` + more
	}
	a.configure(config(""))
	if _, errs, code := a.sevenfold("baseline", "approve", "--accept-open"); code != 0 {
		t.Fatalf("%d %s", code, errs)
	}
	watch := []string{"respond", "watch", "--once", "--detection", a.detection}
	now := func() string { return string(s.Python(t, "testdata/respond/estate.py", "now")) }

	// A marked attack is an exercise: nothing is opened, whatever may act by itself.
	a.configure(config("  automatic: [training-pipeline-poisoned]\n"))
	a.tell(pipelineAttack(roles[0], "", true), `"drill":true`)
	if _, errs, code := a.sevenfold(watch...); code != 0 || len(a.incidents()) != 0 {
		t.Fatalf("of a drill: %d %s %v", code, errs, a.incidents())
	}
	// A real one, with nothing under respond.automatic: opened, and no more.
	a.configure(config(""))
	a.tell(pipelineAttack(roles[1], made["pipeline"], false), `"status":"open"`)
	if _, errs, code := a.sevenfold(watch...); code != 0 || len(a.incidents()) != 1 || a.incidents()[0].State != respond.Detected {
		t.Fatalf("of an attack, without the word for it: %d %s %v", code, errs, a.incidents())
	}
	a.configure(config("  automatic: [training-pipeline-poisened]\n"))
	if _, errs, code := a.sevenfold(watch...); code != 2 || !strings.Contains(errs, "sevenfold.yaml:7:15") {
		t.Fatalf("of a slip in the name: %d %s", code, errs)
	}
	if is := now(); !strings.Contains(is, `"rule": "ENABLED"`) || len(a.changed) != 0 {
		t.Fatalf("something was changed: %v %s", a.changed, is)
	}
	// With it: contained, the process killed after each change.
	a.configure(config("  automatic: [training-pipeline-poisoned]\n"))
	kills := 0
	for a.killAt = 1; ; a.killAt++ {
		_, errs, code := a.sevenfold(watch...)
		if code == -1 {
			kills++
			continue
		}
		if code != 0 {
			t.Fatalf("%d %s", code, errs)
		}
		break
	}
	i := a.incidents()[0]
	if len(a.incidents()) != 1 || i.State != respond.Contained || !i.Automatic || len(i.Runs) != 1 || i.Taken != "" || len(i.Evidence) != 1 {
		t.Fatalf("%d incidents, the last %+v", len(a.incidents()), i)
	}
	if is := now(); !strings.Contains(is, `"rule": "DISABLED"`) || !strings.Contains(is, "AWSRevokeOlderSessions") {
		t.Errorf("it is not contained: %s", is)
	}
	seen := map[string]int{}
	for _, c := range a.changed {
		if seen[c]++; seen[c] > 1 {
			t.Errorf("%s was done twice: %v", c, a.changed)
		}
	}
	if kills < 2 || len(a.changed) != kills {
		t.Errorf("killed %d times, changed %v", kills, a.changed)
	}
	if !i.At[respond.Preserved].Before(i.At[respond.Contained]) {
		t.Errorf("evidence at %s, contained at %s", i.At[respond.Preserved], i.At[respond.Contained])
	}
	// Again, and the same events once more: nothing more is done.
	before := i.Head
	if _, errs, code := a.sevenfold(watch...); code != 0 || a.incidents()[0].Head != before || len(a.incidents()) != 1 {
		t.Errorf("it acts again: %d %s", code, errs)
	}
	if _, errs, code := a.sevenfold("respond", "incident", "ack", i.ID, "--by", "Detection"); code != 2 || !strings.Contains(errs, "nobody is called detection") {
		t.Errorf("a person acts as detection: %d %s", code, errs)
	}
	if out, errs, code := a.sevenfold("respond", "incident", "ack", i.ID, "--by", "bo", "--format", "json"); code != 0 || !strings.Contains(out, `"taken": "bo"`) {
		t.Errorf("nobody can take it in hand: %d %s %s", code, out, errs)
	}
	// What detection tells in rubbish is told, and nothing is done.
	for what, text := range map[string]string{"no JSON": `{"incidents": [`, "no signals": `{"incidents":[{"id":"I-1","status":"open"}],"seen":[],"learnt":{}}`, "a name": `{"incidents":[{"id":"I-\u001b[2J","status":"open"}],"seen":[],"learnt":{}}`} {
		odd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
		_, errs, code := a.sevenfold("respond", "watch", "--once", "--detection", odd.URL)
		odd.Close()
		if code != 2 || strings.ContainsRune(errs, 0x1b) || len(a.incidents()) != 1 {
			t.Errorf("%s: %d %q", what, code, errs)
		}
	}
}
