package admission_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/sevenfold-sec/sevenfold/gate/admission"
	"github.com/sevenfold-sec/sevenfold/test/growth"
	"github.com/sevenfold-sec/sevenfold/test/race"
	"github.com/sevenfold-sec/sevenfold/test/seed"
)

// EveryVariable says how many requests TestRandomRequestsOfEveryKind makes; 200 by
// habit, fewer under the race detector.
const EveryVariable = "SEVENFOLD_EVERY"

// laidOut are what the API server's own kinds must have beside their amounts.
var laidOut = map[string]string{
	"Deployment":            `{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "img:1"}]}}}`,
	"StatefulSet":           `{serviceName: s, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "img:1"}]}}}`,
	"ReplicaSet":            `{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "img:1"}]}}}`,
	"DaemonSet":             `{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "img:1"}]}}}`,
	"ReplicationController": `{selector: {a: b}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: "img:1"}]}}}`,
	"Job":                   `{template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}`,
	"CronJob":               `{schedule: "@daily", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: "img:1"}]}}}}}`,
	"Pod":                   `{containers: [{name: c, image: "img:1"}]}`,
}

// every is the model of a gated namespace of a real cluster.
type every struct {
	*testing.T
	k      *cluster
	p      *papers
	g      *running
	rng    *rand.Rand
	client dynamic.Interface
	list   []growth.Kind
	serial int64

	things  map[string]*growth.Model
	live    map[string]*unstructured.Unstructured // as last answered
	limits  map[string]int
	sealed  map[string]string
	shared  int
	expired bool
	up      bool
	// changed is when the essence of something certified last changed: until the
	// gate has seen that, either of two rules may be the one it goes by.
	changed, restarted time.Time
	// altered is when each certified thing became another: until the gate has seen
	// that, it counts as certified still. What comes of it could be had without that
	// delay too, by asking for the one thing before the other.
	altered map[string]time.Time
	past    []string // what happened last, for whoever has to find out why

	asked, grown, kept, refused, down, void, again, late int
	kinds                                                map[string]int
}

// labelled is what stands for the essence of an object here.
func labelled(_, _, _ string, object json.RawMessage) (string, error) {
	var o struct {
		Metadata struct{ Labels map[string]string }
	}
	err := json.Unmarshal(object, &o)
	return "essence " + o.Metadata.Labels["essence"], err
}

// Random changes of objects of every kind of the table, on a real API server whose
// parts come and go: growth without a valid certificate is never admitted, what
// does not grow always is. Autoscalers are TestRandomRequests' and the routes'.
func TestRandomRequestsOfEveryKind(t *testing.T) {
	n := race.Size(200, 60)
	if s := os.Getenv(EveryVariable); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("%s: %v", EveryVariable, err)
		}
	}
	seed := seed.Of(t)
	w := &every{T: t, k: start(t), p: &papers{}, rng: rand.New(rand.NewPCG(seed, 1)), things: map[string]*growth.Model{}, live: map[string]*unstructured.Unstructured{},
		limits: map[string]int{}, sealed: map[string]string{}, kinds: map[string]int{}, altered: map[string]time.Time{}, up: true}
	w.k.digest = labelled
	w.define()
	w.k.apply(manifest(t, "40-webhook.yaml"))
	w.k.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: enforced}, annotations: {sevenfold.dev/pilots: \"12\"}}\n")
	dev := w.k.developer("dev", "fraud")
	w.g = w.k.runGate(w.p, "")
	w.k.awaitFloor(dev, "fraud")
	config, err := clientcmd.BuildConfigFromFlags("", dev.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Timeout = -1, 15*time.Second
	w.client = dynamic.NewForConfigOrDie(config)
	for _, k := range w.list { // until the server serves them and the gate has seen them
		w.await(k.Kind, func() error {
			_, err := w.at(&k).List(t.Context(), metav1.ListOptions{})
			return err
		})
	}
	for w.asked < n && !t.Failed() {
		if w.rng.IntN(20) == 0 {
			w.happen()
		}
		w.request()
	}
	if t.Failed() {
		t.Logf("before that:\n%s", strings.Join(w.past, "\n"))
	}
	t.Logf("%d requests of %d kinds: %d grown, %d not growing, %d refused, %d of them with the webhook down, %d asked again, %d refused late, %d that no API server takes",
		w.asked, len(w.kinds), w.grown, w.kept, w.refused, w.down, w.again, w.late, w.void)
	// In a few hundred requests the dice may leave out any of these.
	if !t.Failed() && n >= 1000 && (w.grown < n/50 || w.late > n/20 || w.kept < n/10 || w.refused < n/10 || w.down < n/100 || n >= 3000 && len(w.kinds) < len(w.list)) {
		t.Error("little was tested")
	}
}

// define installs every kind of the table that the server does not bring along.
func (w *every) define() {
	var all []string
	for _, k := range growth.Table() {
		if k.Target != "" || slices.ContainsFunc(k.Rule.Amounts, func(a growth.Amount) bool { return strings.Contains(a.At, "[]") }) {
			continue
		}
		w.list = append(w.list, k)
		if laidOut[k.Kind] != "" {
			continue
		}
		kind, _, _ := strings.Cut(k.Kind, ".")
		sub := ""
		if w.scalable(&k) >= 0 {
			sub = ", subresources: {scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}"
		}
		all = append(all, fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[4]s.%[1]s, annotations: {api-approved.kubernetes.io: unapproved}}
spec:
  group: %[1]s
  scope: Namespaced
  names: {kind: %[3]s, plural: %[4]s, singular: %[6]s}
  versions:
  - {name: %[2]s, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}%[5]s}
`, k.Group, k.Versions[0], kind, k.Resource, sub, strings.ToLower(kind)))
	}
	w.k.apply(strings.Join(all, "---"))
}

// scalable is which amount a Scale of the kind sets; -1 if there is none.
func (w *every) scalable(k *growth.Kind) int {
	if !k.Scales {
		return -1
	}
	return slices.IndexFunc(k.Rule.Amounts, func(a growth.Amount) bool { return a.At == "" && a.Units == "spec.replicas" })
}

func (w *every) at(k *growth.Kind) dynamic.ResourceInterface {
	return w.client.Resource(schema.GroupVersionResource{Group: k.Group, Version: k.Versions[0], Resource: k.Resource}).Namespace("fraud")
}

// await repeats what the server or the gate takes a while to be ready for.
func (w *every) await(what string, do func() error) {
	w.Helper()
	for until := time.Now().Add(settleWithin); ; time.Sleep(100 * time.Millisecond) {
		err := do()
		if err == nil {
			return
		}
		if time.Now().After(until) {
			w.Fatalf("%s: %v", what, err)
		}
	}
}

// object writes an object as the server takes it.
func (w *every) object(m *growth.Model) *unstructured.Unstructured {
	u := &unstructured.Unstructured{}
	var root map[string]any
	if err := json.Unmarshal(m.JSON(""), &root); err != nil {
		w.Fatal(err)
	}
	kind, _, _ := strings.Cut(m.Kind.Kind, ".")
	root["apiVersion"], root["kind"] = strings.TrimPrefix(m.Kind.Group+"/"+m.Kind.Versions[0], "/"), kind
	metadata := root["metadata"].(map[string]any)
	delete(metadata, "uid")
	delete(root, "")
	metadata["namespace"] = "fraud"
	metadata["labels"] = map[string]any{"n": fmt.Sprint(m.Labels), "essence": m.Essence}
	if text := laidOut[m.Kind.Kind]; text != "" {
		var base map[string]any
		if err := yaml.Unmarshal([]byte(text), &base); err != nil {
			w.Fatal(err)
		}
		spec := root["spec"].(map[string]any)
		delete(spec, "essence")
		root["spec"] = merged(base, spec)
	}
	raw, err := json.Marshal(root)
	if err == nil {
		err = u.UnmarshalJSON(raw)
	}
	if err != nil {
		w.Fatal(err)
	}
	return u
}

// merged lays b over a; items of lists are merged by place.
func merged(a, b any) any {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok {
			return b
		}
		for key, v := range b {
			if had, ok := a[key]; ok {
				v = merged(had, v)
			}
			a[key] = v
		}
		return a
	case []any:
		b, _ := b.([]any)
		for i := range min(len(a), len(b)) {
			a[i] = merged(a[i], b[i])
		}
		return a
	}
	return b
}

// happen changes the world.
func (w *every) happen() {
	pick := w.rng.IntN(9)
	if !w.up && w.rng.IntN(2) == 0 {
		pick = 0 // down for ten requests or so
	}
	w.tell("happening %d", pick)
	switch pick {
	case 0:
		if w.up {
			w.g.stop()
		} else {
			w.g = w.k.runGate(w.p, w.g.address())
		}
		w.up = !w.up
	case 1, 2, 3, 4:
		w.certify()
	case 5: // it expires
		w.p.off(48 * time.Hour)
		w.expired = true
	case 6: // the gate's clock is behind
		if !w.expired {
			w.p.off(-time.Duration(w.rng.IntN(60)) * time.Second)
		}
	case 7: // tampered with: it no longer counts. Or the store is lost: those read go on
		if w.rng.IntN(2) == 0 {
			w.p.set()
			w.limits, w.sealed = map[string]int{}, map[string]string{}
			w.drawn("no limits", func(limits map[string]any) bool { return len(limits) == 0 })
			return
		}
		w.p.fail(errors.New("disk on fire"))
		w.g.gate.Changed()
		time.Sleep(300 * time.Millisecond)
		w.p.fail(nil)
	case 8:
		w.k.server.Stop()
		w.k.server.Restart()
		w.restarted = time.Now()
		for _, k := range w.list[:3] {
			w.await("the server is back", func() error {
				_, err := w.at(&k).List(w.Context(), metav1.ListOptions{})
				return err
			})
		}
	}
}

// drawn waits until the verdict says so, if the gate runs.
func (w *every) drawn(what string, fits func(limits map[string]any) bool) {
	w.Helper()
	if !w.up {
		return
	}
	w.g.gate.Changed()
	verdicts := dynamic.NewForConfigOrDie(w.k.server.Config).Resource(schema.GroupVersionResource{Group: "sevenfold.dev", Version: "v1alpha1", Resource: "scaleverdicts"}).Namespace("fraud")
	w.await(what, func() error {
		u, err := verdicts.Get(w.Context(), "gate", metav1.GetOptions{})
		if err != nil {
			return err
		}
		limits, _, _ := unstructured.NestedMap(u.Object, "spec", "limits")
		if serial, _, _ := unstructured.NestedInt64(u.Object, "spec", "serials", "w"); !fits(limits) || len(w.limits) > 0 && serial != w.serial {
			return fmt.Errorf("serial %d of %d, %d limits", serial, w.serial, len(limits))
		}
		return nil
	})
}

// certify certifies some of the things as they are.
func (w *every) certify() {
	w.serial++
	w.shared = 4 + w.rng.IntN(12)
	w.p.off(0)
	w.expired = false
	g := admission.Grant{Workload: "w", Name: "w", Serial: w.serial, Expires: time.Now().Add(24 * time.Hour), Shared: w.shared, Limits: map[string]int{}, Digests: map[string]string{}}
	w.limits, w.sealed, w.altered = map[string]int{}, map[string]string{}, map[string]time.Time{}
	for key, m := range w.things {
		if w.rng.IntN(3) > 0 {
			w.limits[key], w.sealed[key] = w.shared, m.Essence
			g.Limits["fraud/"+key], g.Digests["fraud/"+key] = w.shared, "essence "+m.Essence
		}
	}
	w.p.set(g)
	w.changed = time.Now()
	w.drawn("certificate", func(limits map[string]any) bool { return len(limits) == len(g.Limits) })
}

// unseenFor is how long the gate may take to see a change.
const unseenFor = 10 * time.Second

// tell notes what happens.
func (w *every) tell(format string, args ...any) {
	w.past = append(w.past, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
	if len(w.past) > 100 {
		w.past = slices.Clone(w.past[50:])
	}
}

// sum is what other things have that are certified, or are not: of the latter at
// least as much as it may be that the gate has seen.
func (w *every) sum(key string, certified bool) int64 {
	n := int64(0)
	for other, m := range w.things {
		if other == key || certified && w.limits[other] == 0 || !certified && (w.listed(other) || time.Since(w.altered[other]) < unseenFor) {
			continue
		}
		units := m.Total()
		if m.Kind.EveryNode {
			units = 0 // nobody runs its pods
		}
		if !certified {
			units = min(units, 1)
		}
		n += units
	}
	return n
}

func (w *every) listed(key string) bool {
	m := w.things[key]
	return w.limits[key] > 0 && !w.expired && (m == nil || m.Essence == w.sealed[key])
}

// may is the model's word on growth.
func (w *every) may(after *growth.Model, key string) bool {
	if !w.up {
		return false
	}
	asked, had := after.Total(), int64(0)
	if m := w.things[key]; m != nil {
		had = m.Total()
	}
	valid := w.listed(key) && w.sealed[key] == after.Essence
	within := max(asked, had)+w.sum(key, true) <= int64(w.shared)
	pilot := asked+w.sum(key, false) <= 12
	unseen := time.Since(w.changed) < unseenFor
	switch {
	case after.Kind.EveryNode:
		return valid && w.sum(key, true) <= int64(w.shared)
	case asked <= 1 && unseen:
		return pilot || w.limits[key] > 0 && within
	case asked <= 1 && w.listed(key):
		return within
	case asked <= 1:
		return pilot
	}
	return valid && asked <= int64(w.shared) && within
}

// said reports whether an object says how many replicas it has. Of one that does not
// a Scale reads none, and only the gate can tell that one more is as many.
func said(m *growth.Model, scale int) bool {
	_, ok := m.N[fmt.Sprintf("//%d", scale)]
	return ok
}

// request asks for one change of one thing and holds what comes of it to the model.
func (w *every) request() {
	w.asked++
	k := &w.list[w.rng.IntN(len(w.list))]
	if w.rng.IntN(3) == 0 { // the same again and again, so that limits fill up
		name := []string{"Deployment", "RayCluster.ray.io", "JobSet.jobset.x-k8s.io", "Job"}[w.rng.IntN(4)]
		k = &w.list[slices.IndexFunc(w.list, func(k growth.Kind) bool { return k.Kind == name })]
	}
	name := fmt.Sprintf("x%d", w.rng.IntN(2))
	key := k.Kind + "/" + name
	before := w.things[key]
	var after *growth.Model
	var send func() (*unstructured.Unstructured, error)
	ctx, ri := w.Context(), w.at(k)
	switch scale := w.scalable(k); {
	case before == nil:
		after = growth.New(w.rng, k, name)
		after.Small(w.rng)
		u := w.object(after)
		send = func() (*unstructured.Unstructured, error) { return ri.Create(ctx, u, metav1.CreateOptions{}) }
	case w.rng.IntN(12) == 0:
		background := metav1.DeletePropagationBackground // nobody here collects what is left
		w.await("delete "+key, func() error {
			err := ri.Delete(ctx, name, metav1.DeleteOptions{GracePeriodSeconds: new(int64), PropagationPolicy: &background})
			if apierrors.IsNotFound(err) {
				return nil
			}
			if err == nil {
				err = errors.New("not gone yet")
			}
			return err
		})
		delete(w.things, key)
		delete(w.live, key)
		return
	case scale >= 0 && said(before, scale) && w.rng.IntN(2) == 0:
		n := w.rng.IntN(6)
		after = before.Clone()
		after.N[fmt.Sprintf("//%d", scale)] = n
		send = func() (*unstructured.Unstructured, error) {
			if _, err := ri.Patch(ctx, name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, n), metav1.PatchOptions{}, "scale"); err != nil {
				return nil, err
			}
			return ri.Get(ctx, name, metav1.GetOptions{})
		}
	default:
		after = before.Clone()
		after.Mutate(w.rng)
		after.Small(w.rng)
		u := w.object(after)
		u.SetResourceVersion(w.live[key].GetResourceVersion())
		send = func() (*unstructured.Unstructured, error) { return ri.Update(ctx, u, metav1.UpdateOptions{}) }
	}
	grows := before.Grows(after)
	may := grows && w.may(after, key)
	live, err := send()
	for until := time.Now().Add(3 * time.Second); err != nil && (warming(err) && time.Now().Before(until.Add(settleWithin)) || time.Now().Before(until) && w.up && (may || !grows) && !apierrors.IsInvalid(err)); live, err = send() {
		// The gate is to see first what is there, or the server to warm up.
		w.again++
		time.Sleep(200 * time.Millisecond)
		may = grows && w.may(after, key)
	}
	text, _ := json.Marshal(w.object(after))
	where := fmt.Sprintf("%s %v, limit %d of %d, expired %v, up %v, certified others %d, others %d, restarted %s ago, certified or changed %s ago: %v; %s", key, grows, w.limits[key], w.shared, w.expired, w.up, w.sum(key, true), w.sum(key, false), time.Since(w.restarted).Round(time.Second), time.Since(w.changed).Round(time.Second), err, text)
	switch {
	case apierrors.IsInvalid(err):
		w.void++
		return
	case err == nil && grows && !may:
		w.Errorf("grown without a valid certificate: %s", where)
	case err != nil && !grows:
		w.Errorf("refused though it does not grow: %s", where)
	case err != nil && may && (strings.Contains(err.Error(), " in all, and ") || strings.Contains(err.Error(), "in the whole namespace")):
		w.late++ // what was deleted since it was let through counts for a minute
	case err != nil && may:
		w.Errorf("refused though certified: %s", where)
	case err != nil && !strings.Contains(err.Error(), "sevenfold") && !(apierrors.IsInternalError(err) && strings.Contains(err.Error(), "webhook")):
		w.Errorf("refused by others: %s", where)
	}
	w.tell("%s", where)
	w.kinds[k.Kind]++
	switch {
	case err != nil:
		w.refused++
		if !w.up {
			w.down++
		}
		return
	case grows:
		w.grown++
	default:
		w.kept++
	}
	if before != nil && before.Essence != after.Essence && w.limits[key] > 0 {
		w.changed = time.Now()
		w.altered[key] = w.changed
	}
	w.things[key], w.live[key] = after, live
}
