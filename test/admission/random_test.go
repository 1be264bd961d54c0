package admission_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/test/seed"
)

// SoakVariable says how many requests TestRandomRequests makes; 3,000 by habit.
const SoakVariable = "SEVENFOLD_SOAK"

// warmUp is how long after its first answer a restarted API server may refuse
// by itself: it has not yet read whom it may let do what.
const warmUp = 15 * time.Second

// world is what is true of the whole while requests are made.
type world struct {
	t  *testing.T
	k  *cluster
	p  *papers
	g  *running
	mu sync.RWMutex // held for reading by requests, for writing while certificates change

	epoch     atomic.Int64 // moves whenever something goes down or comes up
	webhookUp atomic.Bool  // it certainly is
	gone      atomic.Bool  // it certainly is not; between the two neither is known
	restarted atomic.Int64 // when the server last came up, Unix nanoseconds
	expired   bool         // guarded by mu

	done, admitted, refused, unsure, warming, calmGrowth, downRefused, outdatedRefused atomic.Int64
}

// thing is a workload with its autoscaler, as the model has them. One worker
// owns it.
type thing struct {
	kind, name string
	replicas   int // -1: not there
	image      int
	least      int // of the autoscaler; most 0: not there
	most       int
	limit      int // certified; 0: not
	certified  int // the image certified
}

// allowed is how far t may grow with an image.
func (w *world) allowed(t *thing, image int) int {
	if t.limit > 0 && !w.expired && image == t.certified {
		return t.limit
	}
	return 1
}

// proves reports whether n requests or more have met what they are there for:
// certified growth that was admitted, growth refused with the webhook down and
// just after a certificate expired, and refusals at all.
func (w *world) proves(n int) bool {
	return w.calmGrowth.Load() >= int64(n/100) && w.downRefused.Load() >= int64(n/200) && w.outdatedRefused.Load() > 0 && w.refused.Load() >= int64(n/10)
}

// finished reports whether the requests are enough: n of them, and more on a
// machine so slow that they meet little, up to five times as many.
func (w *world) finished(n int) bool {
	done := w.done.Load()
	return done >= int64(n) && (w.proves(n) || done >= int64(5*n))
}

// Random requests in any order, while webhook, controller and API server are
// stopped and started and certificates expire and change: growth without a
// valid certificate is never admitted, shrinking always is.
func TestRandomRequests(t *testing.T) {
	n := 3000
	if s := os.Getenv(SoakVariable); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("%s: %v", SoakVariable, err)
		}
	}
	seed := seed.Of(t)
	k, p, g, dev := withGate(t)
	config, err := clientcmd.BuildConfigFromFlags("", dev.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	config.Timeout = 15 * time.Second
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, k: k, p: p, g: g}
	w.webhookUp.Store(true)
	var things []*thing
	for i := range 8 {
		things = append(things, &thing{kind: []string{"Deployment", "StatefulSet", "ReplicaSet", "Deployment"}[i%4], name: fmt.Sprintf("t%d", i), replicas: -1, image: 1})
	}
	var workers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range 4 {
		workers.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(i)))
			for !w.finished(n) && !t.Failed() {
				w.one(ctx, rng, client, things[2*i+rng.IntN(2)])
			}
		})
	}
	w.trouble(ctx, client, n, things, rand.New(rand.NewPCG(seed, 99)))
	workers.Wait()
	t.Logf("%d requests: %d admitted (%d certified growth), %d refused (%d of growth with the webhook down, %d just expired), %d of unknown end, %d refused while the server warmed up",
		w.done.Load(), w.admitted.Load(), w.calmGrowth.Load(), w.refused.Load(), w.downRefused.Load(), w.outdatedRefused.Load(), w.unsure.Load(), w.warming.Load())
	if !t.Failed() && !w.proves(n) {
		t.Error("the requests prove little")
	}
}

// trouble stops and starts parts and changes certificates until all requests
// are made.
func (w *world) trouble(ctx context.Context, client dynamic.Interface, n int, things []*thing, rng *rand.Rand) {
	serial := int64(0)
	certify := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		serial++
		w.p.at(time.Time{})
		w.expired = false
		w.certify(ctx, things, serial, rng)
	}
	waitFor := func(fraction float64, step int) bool {
		for w.done.Load() < int64(float64(step)*fraction) {
			if w.t.Failed() || w.finished(n) {
				return false
			}
			time.Sleep(5 * time.Millisecond)
		}
		return !w.finished(n)
	}
	phase := 400
	certify()
	for step := phase; waitFor(1, step); step += phase {
		switch (step / phase) % 7 {
		case 1, 4: // the webhook and the controller go
			w.webhookUp.Store(false)
			w.epoch.Add(1)
			w.g.stop()
			w.gone.Store(true)
			w.epoch.Add(1)
			if !waitFor(1, step+phase/4) {
				return
			}
			w.comeBack()
		case 2, 5:
			certify()
		case 3: // the server goes, with requests under way
			w.epoch.Add(1)
			w.restart()
			w.epoch.Add(1)
		case 6:
			w.mu.Lock()
			w.expired = true
			w.p.at(time.Now().Add(48 * time.Hour))
			w.outdated(ctx, client, things)
			w.mu.Unlock()
			if !waitFor(1, step+phase/4) {
				return
			}
			certify()
		case 0: // both at once
			w.webhookUp.Store(false)
			w.epoch.Add(1)
			w.g.stop()
			w.gone.Store(true)
			w.restart()
			w.epoch.Add(1)
			if !waitFor(1, step+phase/4) {
				return
			}
			w.comeBack()
		}
	}
}

// outdated asks for growth that was certified until this moment: the floor does
// not know the time, so it is the webhook that must refuse. It holds w.mu.
func (w *world) outdated(ctx context.Context, client dynamic.Interface, things []*thing) {
	for _, t := range things {
		ask := max(t.replicas+1, 2)
		if t.replicas < 0 || ask > t.limit || t.image != t.certified {
			continue
		}
		_, err := client.Resource(t.resource()).Namespace("fraud").Patch(ctx, t.name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, ask), metav1.PatchOptions{}, "scale")
		switch {
		case err == nil:
			w.t.Errorf("%s grown to %d by a certificate that had just expired", t.name, ask)
		case strings.Contains(err.Error(), "expired on"):
			w.outdatedRefused.Add(1)
		}
	}
}

// restart kills the server with requests under way and starts it again.
func (w *world) restart() {
	w.k.server.Stop()
	w.restarted.Store(time.Now().Add(time.Hour).UnixNano()) // until it is known when
	w.k.server.Restart()
	w.restarted.Store(time.Now().UnixNano())
}

func (w *world) comeBack() {
	w.gone.Store(false)
	w.epoch.Add(1)
	w.g = w.k.runGate(w.p, w.g.address())
	w.epoch.Add(1)
	w.webhookUp.Store(true)
}

// certify certifies four of the things as they are, if they are there, and
// waits until the ScaleVerdict says so.
func (w *world) certify(ctx context.Context, things []*thing, serial int64, rng *rand.Rand) {
	g := admission.Grant{Workload: "w", Name: "w", Serial: serial, Expires: time.Now().Add(24 * time.Hour), Limits: map[string]int{}, Digests: map[string]string{}}
	client, err := dynamic.NewForConfig(w.k.server.Config)
	if err != nil {
		w.t.Error(err)
		return
	}
	for i, t := range things {
		t.limit = 0
		if t.replicas < 0 || i%2 != rng.IntN(2) && i > 3 {
			continue
		}
		u, err := client.Resource(t.resource()).Namespace("fraud").Get(ctx, t.name, metav1.GetOptions{})
		if err != nil {
			continue // the server is coming up: not certified this time
		}
		raw, err := json.Marshal(u.Object)
		if err != nil {
			w.t.Error(err)
			return
		}
		t.limit, t.certified = 2+rng.IntN(5), t.image
		object := "fraud/" + t.kind + "/" + t.name
		g.Limits[object] = t.limit
		if g.Digests[object], err = essence(t.kind, "fraud", t.name, raw); err != nil {
			w.t.Error(err)
		}
	}
	w.p.set(g)
	w.g.gate.Changed()
	verdicts := client.Resource(schema.GroupVersionResource{Group: "sevenfold.dev", Version: "v1alpha1", Resource: "scaleverdicts"}).Namespace("fraud")
	for until := time.Now().Add(settleWithin); ; time.Sleep(20 * time.Millisecond) {
		u, err := verdicts.Get(ctx, "gate", metav1.GetOptions{})
		if err == nil {
			if got, _, _ := unstructured.NestedInt64(u.Object, "spec", "serials", "w"); got == serial || len(g.Limits) == 0 {
				time.Sleep(200 * time.Millisecond) // until the API server has taken it up
				return
			}
		}
		if time.Now().After(until) {
			w.t.Errorf("certificate %d is not taken up: %v", serial, err)
			return
		}
	}
}

func (t *thing) resource() schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: strings.ToLower(t.kind) + "s"}
}

// change is one request in the model: from what to what, and the thing after.
type change struct {
	had, asked int
	image      int
	hpa        bool
	after      thing
	send       func() error
}

func (c *change) grows() bool { return c.asked > c.had }

// one makes one random request and holds what comes of it to the model.
func (w *world) one(ctx context.Context, rng *rand.Rand, client dynamic.Interface, t *thing) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.draw(ctx, rng, client, t)
	began, up, gone := w.epoch.Load(), w.webhookUp.Load(), w.gone.Load()
	err := c.send()
	calm := began == w.epoch.Load()
	w.done.Add(1)
	limit := w.allowed(t, c.image)
	where := fmt.Sprintf("%s/%s image %d, certified %d for image %d (expired %v), hpa %v: %d to %d, webhook up %v, gone %v, calm %v", t.kind, t.name, c.image, t.limit, t.certified, w.expired, c.hpa, c.had, c.asked, up, gone, calm)
	switch {
	case err == nil:
		w.admitted.Add(1)
		if c.grows() && c.asked > limit {
			w.t.Errorf("grown without a valid certificate: %s", where)
		}
		if c.grows() && calm && gone {
			w.t.Errorf("grown with the webhook down: %s", where)
		}
		if c.grows() && c.asked > 1 {
			w.calmGrowth.Add(1)
		}
		*t = c.after
	case warming(err) && time.Now().UnixNano()-w.restarted.Load() < int64(warmUp):
		w.warming.Add(1)
		w.done.Add(-1) // it says nothing of the gate
		time.Sleep(20 * time.Millisecond)
	case apierrors.IsForbidden(err) || apierrors.IsInternalError(err) && strings.Contains(err.Error(), "webhook"):
		w.refused.Add(1)
		switch {
		case !calm:
		case !c.grows():
			w.t.Errorf("refused though it does not grow: %s: %v", where, err)
		case c.asked <= limit && up:
			w.t.Errorf("refused though certified: %s: %v", where, err)
		case gone:
			w.downRefused.Add(1)
		}
	default:
		if w.unsure.Add(1) < 20 {
			w.t.Logf("unknown end: %s: %v", where, err)
		}
		w.learn(ctx, client, t, c, where)
	}
}

// warming reports a refusal by a server that does not know yet whom it may let
// do what. No policy of ours is asked then.
func warming(err error) bool {
	for _, words := range []string{"not yet ready", "cannot patch resource", "cannot get resource", "cannot create resource", "cannot update resource", "cannot delete resource"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// learn looks what came of a request whose answer was lost.
func (w *world) learn(ctx context.Context, client dynamic.Interface, t *thing, c *change, where string) {
	before := *t
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := t.read(ctx, client)
		if err == nil {
			break
		}
		if time.Now().After(until) {
			w.t.Errorf("cannot read %s again: %v", t.name, err)
			return
		}
	}
	if !c.hpa && t.replicas > max(before.replicas, 0) && t.replicas > w.allowed(t, t.image) {
		w.t.Errorf("grown to %d without a valid certificate, unseen: %s", t.replicas, where)
	}
	if c.hpa && t.most > before.most && t.most > w.allowed(t, t.image) {
		w.t.Errorf("autoscaler grown to %d without a valid certificate, unseen: %s", t.most, where)
	}
}

// read takes the thing as it is in the cluster.
func (t *thing) read(ctx context.Context, client dynamic.Interface) error {
	u, err := client.Resource(t.resource()).Namespace("fraud").Get(ctx, t.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		t.replicas = -1
	case err != nil:
		return err
	default:
		n, _, _ := unstructured.NestedInt64(u.Object, "spec", "replicas")
		containers, _, _ := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
		image, _ := containers[0].(map[string]any)["image"].(string)
		t.replicas = int(n)
		if t.image, err = strconv.Atoi(strings.TrimPrefix(image, "img:")); err != nil {
			return err
		}
	}
	h, err := client.Resource(hpas).Namespace("fraud").Get(ctx, t.name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		t.least, t.most = 0, 0
	case err != nil:
		return err
	default:
		least, _, _ := unstructured.NestedInt64(h.Object, "spec", "minReplicas")
		most, _, _ := unstructured.NestedInt64(h.Object, "spec", "maxReplicas")
		t.least, t.most = int(least), int(most)
	}
	return nil
}

var hpas = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}

// draw picks a request.
func (w *world) draw(ctx context.Context, rng *rand.Rand, client dynamic.Interface, t *thing) *change {
	ri := client.Resource(t.resource()).Namespace("fraud")
	after := *t
	n := rng.IntN(9)
	if t.replicas < 0 {
		n = rng.IntN(4)
		after.replicas = n
		return &change{asked: n, image: t.image, after: after, send: func() error {
			_, err := ri.Create(ctx, object(t.kind, t.name, t.image, n), metav1.CreateOptions{})
			return err
		}}
	}
	merge := func(sub ...string) func() error {
		return func() error {
			_, err := ri.Patch(ctx, t.name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n), metav1.PatchOptions{}, sub...)
			return err
		}
	}
	c := &change{had: t.replicas, asked: n, image: t.image, after: after}
	c.after.replicas = n
	switch pick := rng.IntN(24); {
	case pick < 6:
		c.send = merge("scale")
	case pick < 9:
		c.send = merge()
	case pick < 12: // server-side apply, with the same image or another
		if rng.IntN(6) == 0 {
			c.image++
			c.after.image++
		}
		c.send = func() error {
			_, err := ri.Apply(ctx, t.name, object(t.kind, t.name, c.image, n), metav1.ApplyOptions{FieldManager: "random", Force: true})
			return err
		}
	case pick < 14:
		c.send = func() error {
			u, err := ri.Get(ctx, t.name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if err := unstructured.SetNestedField(u.Object, int64(n), "spec", "replicas"); err != nil {
				return err
			}
			_, err = ri.Update(ctx, u, metav1.UpdateOptions{})
			return err
		}
	case pick == 14: // another image, as many
		c.asked, c.after.replicas, c.image, c.after.image = t.replicas, t.replicas, t.image+1, t.image+1
		c.send = func() error {
			_, err := ri.Patch(ctx, t.name, types.StrategicMergePatchType, fmt.Appendf(nil, `{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"img:%d"}]}}}}`, c.image), metav1.PatchOptions{})
			return err
		}
	case pick == 15:
		c.asked, c.after.replicas = 0, -1
		c.send = func() error {
			now := int64(0)
			return ri.Delete(ctx, t.name, metav1.DeleteOptions{GracePeriodSeconds: &now})
		}
	default:
		w.drawAutoscaler(ctx, rng, client, t, c)
	}
	return c
}

func (w *world) drawAutoscaler(ctx context.Context, rng *rand.Rand, client dynamic.Interface, t *thing, c *change) {
	ri := client.Resource(hpas).Namespace("fraud")
	least := 1 + rng.IntN(5)
	most := least + rng.IntN(5)
	c.hpa, c.after = true, *t
	c.after.least, c.after.most = least, most
	// The greater of what grows decides, since least is never more than most.
	c.had, c.asked = t.most, most
	if most <= t.most {
		c.had, c.asked = t.least, least
	}
	if t.most > 0 && rng.IntN(5) == 0 {
		c.had, c.asked, c.after.least, c.after.most = t.most, 0, 0, 0
		c.send = func() error { return ri.Delete(ctx, t.name, metav1.DeleteOptions{}) }
		return
	}
	c.send = func() error {
		if t.most > 0 {
			_, err := ri.Patch(ctx, t.name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"minReplicas":%d,"maxReplicas":%d}}`, least, most), metav1.PatchOptions{})
			return err
		}
		_, err := ri.Create(ctx, &unstructured.Unstructured{Object: map[string]any{"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
			"metadata": map[string]any{"name": t.name}, "spec": map[string]any{"minReplicas": int64(least), "maxReplicas": int64(most),
				"scaleTargetRef": map[string]any{"apiVersion": "apps/v1", "kind": t.kind, "name": t.name}}}}, metav1.CreateOptions{})
		return err
	}
}

// object is a workload of the random requests.
func object(kind, name string, image, replicas int) *unstructured.Unstructured {
	labels := map[string]any{"a": name}
	spec := map[string]any{"replicas": int64(replicas), "selector": map[string]any{"matchLabels": labels}, "template": map[string]any{
		"metadata": map[string]any{"labels": labels}, "spec": map[string]any{"containers": []any{map[string]any{"name": "c", "image": fmt.Sprintf("img:%d", image)}}}}}
	if kind == "StatefulSet" {
		spec["serviceName"] = "x"
	}
	return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "apps/v1", "kind": kind, "metadata": map[string]any{"name": name}, "spec": spec}}
}
