package admission

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// BenchmarkAdmit is the webhook's own share of a request: growth of a certified
// Deployment by kubectl scale, in a namespace of two hundred objects.
func BenchmarkAdmit(b *testing.B) {
	m := &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{}}
	g := Grant{Workload: "w", Name: "w", Serial: 1, Expires: today.Add(time.Hour), Shared: 1000, Limits: map[string]int{}, Digests: map[string]string{}}
	for i := range 200 {
		name := fmt.Sprintf("fraud/Deployment/d%d", i)
		m.objects[name] = json.RawMessage(fmt.Sprintf(`{"metadata":{"name":"d%d","uid":"u%d","resourceVersion":"7"},"image":"v1","spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"c","image":"img:1"}]}}}}`, i, i))
		g.Limits[name], g.Digests[name] = 1000, "v1"
	}
	c := newController(m, &stack{grants: []Grant{g}})
	c.census.cluster = listed{m, m.Held("fraud")}
	if _, err := c.reconcile(b.Context()); err != nil {
		b.Fatal(err)
	}
	h := newWebhook(&decider{ledger: c.ledger, cluster: m, kinds: c.kinds, census: c.census, desks: newDesks(m, c.now), digest: image, now: c.now, pilots: 5}, slog.New(slog.DiscardHandler))
	body := ask1("deployments", "scale", "UPDATE", `{"metadata":{"name":"d7","uid":"u7"},"spec":{"replicas":5}}`, `{"metadata":{"name":"d7","uid":"u7","resourceVersion":"7"},"spec":{"replicas":2}}`)
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body)))
		if allowed, message := answer(b, w.Body.Bytes()); !allowed {
			b.Fatal(message)
		}
	}
}

// listed is a cluster whose objects are read once, as a watch has them.
type listed struct {
	*memory
	held []Held
}

// Held implements Cluster.
func (l listed) Held(string) []Held { return l.held }
