package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var today = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// memory is a cluster in memory, for what the real one cannot be made to do at
// will; test/admission runs the same gate on a real one.
type memory struct {
	mu       sync.Mutex
	gated    []string
	objects  map[string]json.RawMessage // NAMESPACE/KIND/NAME
	verdicts map[string]json.RawMessage
	carries  map[string]map[string]string // annotations of namespaces
	broken   error
	blind    map[string]bool // kinds not seen yet
	writes   int
	events   []string
	probes   []Probe
	trusts   [][]byte
	notes    map[string]note
	versions map[string]int // of objects that bear none, by place and content
	noted    func()         // before a note is written
}

// note is a text that replicas share.
type note struct {
	text    []byte
	version int
}

// Note implements Cluster.
func (m *memory) Note(_ context.Context, name string) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, ok := m.notes[name]; ok {
		return n.text, fmt.Sprint(n.version), m.broken
	}
	return nil, "", m.broken
}

// WriteNote implements Cluster.
func (m *memory) WriteNote(_ context.Context, name string, text []byte, version string) (string, bool, error) {
	if m.noted != nil {
		m.noted()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	had, ok := m.notes[name]
	switch {
	case m.broken != nil:
		return "", false, m.broken
	case ok && fmt.Sprint(had.version) != version || !ok && version != "":
		return "", false, nil
	case m.notes == nil:
		m.notes = map[string]note{}
	}
	m.notes[name] = note{text, had.version + 1}
	return fmt.Sprint(had.version + 1), true, nil
}

var _ Cluster = (*memory)(nil)

func (m *memory) Gated() []string { return m.gated }

func (m *memory) Seen(namespace, kind, name string) (json.RawMessage, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[namespace+"/"+kind+"/"+name]
	return o, ok
}

// Held implements Cluster; objects without a name in their metadata go by their
// place.
func (m *memory) Held(namespace string) []Held {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Held
	for object, raw := range m.objects {
		key, ok := strings.CutPrefix(object, namespace+"/")
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(key, "/")
		var o headed
		_ = json.Unmarshal(raw, &o)
		uid := o.Metadata.UID
		if uid == "" {
			uid = object
		}
		version := o.Metadata.Version
		if version == "" { // each content is another version, and a later one
			if m.versions == nil {
				m.versions = map[string]int{}
			}
			if m.versions[object+string(raw)] == 0 || m.versions[object] > m.versions[object+string(raw)] {
				m.versions[""]++
				m.versions[object+string(raw)], m.versions[object] = m.versions[""], m.versions[""]
			}
			version = fmt.Sprint(m.versions[object+string(raw)])
		}
		out = append(out, Held{Kind: kind, Name: name, UID: uid, Version: version, Object: func() (json.RawMessage, error) { return raw, nil }})
	}
	return out
}

func (m *memory) Watching(kind string) bool { return !m.blind[kind] }

func (m *memory) Object(_ context.Context, namespace, kind, name string) (json.RawMessage, bool, error) {
	o, ok := m.Seen(namespace, kind, name)
	return o, ok, m.broken
}

func (m *memory) Verdict(namespace string) (json.RawMessage, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.verdicts[namespace]
	return v, ok
}

func (m *memory) WriteVerdict(_ context.Context, namespace string, spec json.RawMessage) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.writes++
	m.verdicts[namespace] = spec
	return nil
}

func (m *memory) Annotations(namespace string) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.carries[namespace]
}

func (m *memory) Annotate(_ context.Context, namespace string, annotations map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken != nil {
		return m.broken
	}
	m.writes++
	if m.carries == nil {
		m.carries = map[string]map[string]string{}
	}
	m.carries[namespace] = annotations
	return nil
}

func (m *memory) Probe(context.Context) []Probe {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.probes
}

func (m *memory) Event(_ context.Context, namespace, what, message string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = append(m.events, namespace+" "+what+" "+message)
	return nil
}

func (m *memory) Trust(_ context.Context, authority []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.trusts = append(m.trusts, authority)
	return m.broken
}

func (m *memory) Run(ctx context.Context, ready, _ func()) error {
	ready()
	<-ctx.Done()
	return nil
}

// testKinds are some kinds of every sort; assess has the table.
func testKinds() *kinds { return newKinds(testKindList()) }

func testKindList() []Kind {
	plain := []estate.Amount{{Units: "spec.replicas", Absent: 1}}
	return []Kind{
		{Kind: "Deployment", Group: "apps", Resource: "deployments", Versions: []string{"v1"}, Amounts: plain, Scales: true, Spare: 2},
		{Kind: "StatefulSet", Group: "apps", Resource: "statefulsets", Versions: []string{"v1"}, Amounts: plain, Scales: true},
		{Kind: "HorizontalPodAutoscaler", Group: "autoscaling", Resource: "horizontalpodautoscalers", Versions: []string{"v1", "v2"}, Target: "spec.scaleTargetRef",
			Amounts: []estate.Amount{{Units: "spec.minReplicas", Absent: 1}, {Units: "spec.maxReplicas"}}},
	}
}

// stack are grants in memory.
type stack struct {
	grants  []Grant
	refused []Refused
	err     error
}

func (s *stack) Current(context.Context) ([]Grant, []Refused, error) {
	return s.grants, s.refused, s.err
}

// image is a digest that is the object's image.
func image(_, _, _ string, object json.RawMessage) (string, error) {
	var o struct{ Image string }
	if err := json.Unmarshal(object, &o); err != nil {
		return "", err
	}
	if o.Image == "" {
		return "", errors.New("no image")
	}
	return o.Image, nil
}

func newGrant(serial int64, limit int, more ...func(*Grant)) Grant {
	g := Grant{Workload: "w", Name: "fraud-model", Serial: serial, Expires: today.Add(time.Hour),
		Limits: map[string]int{"fraud/Deployment/ranker": limit}, Digests: map[string]string{"fraud/Deployment/ranker": "v1"}}
	for _, f := range more {
		f(&g)
	}
	return g
}

func newController(m *memory, s *stack) *controller {
	all := testKinds()
	c := &controller{cluster: m, grants: s, digest: image, ledger: &ledger{}, kinds: all, census: newCensus(m, all, func() time.Time { return today }), now: func() time.Time { return today }, unlisted: 1,
		log: slog.New(slog.DiscardHandler), floor: map[string]int64{}, known: map[string]string{}, badGlass: map[string]string{}}
	c.leads.Store(true)
	return c
}

func TestReconcile(t *testing.T) {
	const key = "Deployment/ranker"
	live := json.RawMessage(`{"image":"v1"}`)
	valid := &Verdict{Unlisted: 1, Limits: map[string]int{key: 5}, Expires: map[string]string{key: "2026-11-28T13:00:00Z"},
		Reasons: map[string]string{key: "certificate 7 of workload fraud-model allows 5 until"}, Serials: map[string]int64{"w": 7}}
	held := func(serial int64, limit int, why string) *Verdict {
		return &Verdict{Unlisted: 1, Limits: map[string]int{key: limit}, Reasons: map[string]string{key: why}, Serials: map[string]int64{"w": serial}}
	}
	tests := []struct {
		name   string
		before string
		object json.RawMessage
		stack  stack
		want   *Verdict // reasons by how they begin
	}{
		{"no_certificate", "", live, stack{}, &Verdict{Unlisted: 1}},
		{"valid", "", live, stack{grants: []Grant{newGrant(7, 5)}}, valid},
		{"valid_object_not_there", "", nil, stack{grants: []Grant{newGrant(7, 5)}}, valid},
		{"newest_counts", "", live, stack{grants: []Grant{newGrant(7, 5), newGrant(6, 50)}}, valid},
		{"expired_now", "", live, stack{grants: []Grant{newGrant(7, 5, func(g *Grant) { g.Expires = today })}}, held(7, 1, "certificate 7 of workload fraud-model expired on 2026-11-28T12:00:00Z; certify it again: sevenfold gate certify fraud-model")},
		{"changed", "", json.RawMessage(`{"image":"v2"}`), stack{grants: []Grant{newGrant(7, 5)}}, held(7, 1, "it was changed since workload fraud-model was certified; certify it again: sevenfold gate certify fraud-model")},
		{"cannot_be_compared", "", json.RawMessage(`{}`), stack{grants: []Grant{newGrant(7, 5)}}, held(7, 1, "it cannot be told whether it is still what was certified (no image)")},
		{"older_than_written", `{"unlisted":1,"serials":{"w":8}}`, live, stack{grants: []Grant{newGrant(7, 5)}}, held(8, 1, "certificate 7 of workload fraud-model is older than certificate 8")},
		{"same_serial_as_written", `{"unlisted":1,"serials":{"w":7}}`, live, stack{grants: []Grant{newGrant(7, 5)}}, valid},
		{"serials_of_others_stay", `{"unlisted":9,"limits":{"Deployment/x":50},"serials":{"other":3}}`, live, stack{}, &Verdict{Unlisted: 1, Serials: map[string]int64{"other": 3}}},
		{"no_digest", "", live, stack{grants: []Grant{newGrant(7, 5, func(g *Grant) { g.Digests = nil })}}, held(7, 1, "certificate 7 of workload fraud-model does not say what was certified")},
		{"no_serial", "", live, stack{grants: []Grant{newGrant(0, 5)}}, &Verdict{Unlisted: 1, Limits: map[string]int{key: 1}, Reasons: map[string]string{key: "certificate 0"}}},
		{"negative", "", live, stack{grants: []Grant{newGrant(7, -5)}}, held(7, 1, "certificate 7")},
		{"pilot_when_changed", "", json.RawMessage(`{"image":"v2"}`), stack{grants: []Grant{newGrant(7, 5, func(g *Grant) { g.Pilot = map[string]int{"fraud/Deployment/ranker": 3} })}}, held(7, 3, "it was changed since")},
		{"refused_older_than_refused", "", live, stack{grants: []Grant{newGrant(7, 5)}, refused: []Refused{{Workload: "w", Serial: 8, Objects: []string{"fraud/Deployment/ranker"}, Why: "certificate 8 is refused"}}},
			held(8, 1, "certificate 7 of workload fraud-model is older than certificate 8")},
		{"forged_does_not_count", "", live, stack{grants: []Grant{newGrant(7, 5)}, refused: []Refused{{Why: "x.json is refused"}}}, valid},
		{"refused_tells_why", "", live, stack{refused: []Refused{{Objects: []string{"fraud/Deployment/ranker", "other/Deployment/y"}, Why: "a\nb"}}}, &Verdict{Unlisted: 1, Reasons: map[string]string{key: "a b"}}},
		{"other_namespace", "", live, stack{grants: []Grant{newGrant(7, 5, func(g *Grant) { g.Limits = map[string]int{"frau/d/Deployment/ranker": 5, "fraud/Pod/x": 4, "x": 1} })}}, &Verdict{Unlisted: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := &memory{gated: []string{"fraud"}, objects: map[string]json.RawMessage{}, verdicts: map[string]json.RawMessage{}}
			if tt.object != nil {
				m.objects["fraud/"+key] = tt.object
			}
			if tt.before != "" {
				m.verdicts["fraud"] = json.RawMessage(tt.before)
			}
			c := newController(m, &tt.stack)
			if _, err := c.reconcile(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err := parseVerdict(m.verdicts["fraud"])
			if err != nil {
				t.Fatal(err)
			}
			for k, begin := range tt.want.Reasons {
				if strings.HasPrefix(got.Reasons[k], begin) {
					got.Reasons[k] = begin
				}
			}
			if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Verdict{})); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
			writes := m.writes
			if _, err := c.reconcile(t.Context()); err != nil || m.writes != writes {
				t.Errorf("reconciled again it wrote %d times more, %v", m.writes-writes, err)
			}
		})
	}
}

// Certificates that cannot be read go on counting till they expire; a cluster
// that refuses a write is reported and the webhook refuses nevertheless.
func TestReconcileInTrouble(t *testing.T) {
	m := &memory{gated: []string{"fraud"}, objects: map[string]json.RawMessage{}, verdicts: map[string]json.RawMessage{}}
	s := &stack{grants: []Grant{newGrant(7, 5)}}
	c := newController(m, s)
	now := today
	c.now = func() time.Time { return now }
	next, err := c.reconcile(t.Context())
	if err != nil || !next.Equal(today.Add(time.Hour)) {
		t.Fatalf("next %v, %v", next, err)
	}
	s.grants, s.err = nil, errors.New("disk on fire")
	if _, err := c.reconcile(t.Context()); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("no error: %v", err)
	}
	if v, _ := c.ledger.of("fraud"); v.limit("Deployment/ranker") != 5 {
		t.Error("the certificate read before no longer counts")
	}
	m.broken, now = errors.New("unreachable"), today.Add(2*time.Hour)
	if _, err := c.reconcile(t.Context()); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("no error: %v", err)
	}
	if v, _ := c.ledger.of("fraud"); v.limit("Deployment/ranker") != 1 {
		t.Error("the webhook does not know that it expired")
	}
	m.broken, m.verdicts["fraud"] = nil, json.RawMessage(`{"serials":7}`)
	if _, err := c.reconcile(t.Context()); err == nil {
		t.Error("a broken ScaleVerdict is not reported")
	}
	if v, err := parseVerdict(m.verdicts["fraud"]); err != nil || v.Serials["w"] != 7 {
		t.Errorf("it is not put right: %v, %v", v, err)
	}
}

// An object is looked at again only after something changed.
func TestReconcileLooksAgainAfterAChange(t *testing.T) {
	m := &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{"fraud/Deployment/ranker": json.RawMessage(`{"image":"v1"}`)}}
	c := newController(m, &stack{grants: []Grant{newGrant(7, 5)}})
	looked := 0
	c.digest = func(kind, ns, name string, object json.RawMessage) (string, error) {
		looked++
		return image(kind, ns, name, object)
	}
	limit := func() int {
		if _, err := c.reconcile(t.Context()); err != nil {
			t.Fatal(err)
		}
		v, _ := c.ledger.of("fraud")
		return v.limit("Deployment/ranker")
	}
	if limit() != 5 || limit() != 5 || looked != 1 {
		t.Errorf("looked %d times, want once", looked)
	}
	m.objects["fraud/Deployment/ranker"] = json.RawMessage(`{"image":"v2"}`)
	c.forget()
	if limit() != 1 || limit() != 1 || looked != 3 {
		t.Errorf("limit %d after the change, looked %d times", limit(), looked)
	}
}

// A namespace has a bounded verdict, whatever the certificates name.
func TestVerdictIsBounded(t *testing.T) {
	g := newGrant(1, 5)
	for i := range 3 * maxListed {
		name := fmt.Sprintf("fraud/Deployment/d%05d", i)
		g.Limits[name], g.Digests[name] = 5, "v1"
	}
	m := &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}}
	if _, err := newController(m, &stack{grants: []Grant{g}}).reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := parseVerdict(m.verdicts["fraud"])
	if err != nil || len(v.Limits) != maxListed || len(v.Reasons) > maxListed {
		t.Errorf("%d limits, %d reasons, %v", len(v.Limits), len(v.Reasons), err)
	}
	if long := reason("%s", strings.Repeat("ü", 1000)); len(long) > maxReason || strings.ContainsRune(long, '\uFFFD') {
		t.Errorf("a reason of %d bytes: %s", len(long), long)
	}
}
