package admission

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// town is a gate in a namespace fraud with some objects, and who asks.
type town struct {
	t *testing.T
	m *memory
	d *decider
	h *webhook
	c *controller
	s *stack
}

func newTown(t *testing.T, list []Kind, grants ...Grant) *town {
	t.Helper()
	w := &town{t: t, s: &stack{grants: grants}, m: &memory{gated: []string{"fraud"}, verdicts: map[string]json.RawMessage{}, objects: map[string]json.RawMessage{}}}
	w.c = newController(w.m, w.s)
	w.c.kinds = newKinds(list)
	w.c.census = newCensus(w.m, w.c.kinds, w.c.now)
	w.d = &decider{ledger: w.c.ledger, cluster: w.m, kinds: w.c.kinds, census: w.c.census, desks: newDesks(w.m, w.c.now), digest: essenceOf, now: w.c.now, makers: map[string]bool{"operator": true}, pilots: 3}
	w.c.digest = essenceOf
	w.h = newWebhook(w.d, w.c.log)
	w.reconcile()
	return w
}

func (w *town) reconcile() {
	w.t.Helper()
	w.c.forget()
	if _, err := w.c.reconcile(context.Background()); err != nil {
		w.t.Fatal(err)
	}
}

// essenceOf is a digest that is what an object says it is.
func essenceOf(_, _, _ string, object json.RawMessage) (string, error) {
	var o struct {
		Spec struct{ Essence string }
	}
	if err := json.Unmarshal(object, &o); err != nil {
		return "", err
	}
	return o.Spec.Essence, nil
}

// put writes an object as YAML's flow style would, in JSON: its kind, name and
// the rest of it.
func (w *town) put(kind, name, rest string) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	w.m.objects["fraud/"+kind+"/"+name] = json.RawMessage(object1(name, rest))
}

func object1(name, rest string) string {
	if rest == "" {
		rest = `"spec":{}`
	}
	meta := fmt.Sprintf(`"name":%q,"uid":"uid-%s"`, name, name)
	if owner, more, ok := strings.Cut(rest, "|"); ok {
		meta += `,"ownerReferences":[` + owner + `]`
		rest = more
	}
	return fmt.Sprintf(`{"metadata":{%s},%s}`, meta, rest)
}

func owns(apiVersion, kind, name string) string {
	return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"name":%q,"uid":"uid-%s","controller":true}`, apiVersion, kind, name, name)
}

// create asks as a user; the answer's message is empty if it is admitted.
func (w *town) create(user, kind, name, rest string) string {
	return w.ask(user, "CREATE", kind, name, "null", object1(name, rest))
}

func (w *town) ask(user, operation, kind, name, old, object string) string {
	w.t.Helper()
	k := w.c.kinds.byKind[kind]
	body := fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","resource":{"group":%q,"version":%q,"resource":%q},
		"name":%q,"namespace":"fraud","operation":%q,"userInfo":{"username":%q},"object":%s,"oldObject":%s}}`, k.Group, k.Versions[0], k.Resource, name, operation, user, object, old)
	return w.send(body)
}

// send posts an AdmissionReview; the answer's message is empty if it is admitted.
func (w *town) send(body string) string {
	w.t.Helper()
	r := httptest.NewRecorder()
	w.h.ServeHTTP(r, httptest.NewRequest(http.MethodPost, Path, strings.NewReader(body)))
	if r.Code != http.StatusOK {
		w.t.Fatalf("status %d: %s", r.Code, r.Body)
	}
	_, message := answer(w.t, r.Body.Bytes())
	return message
}

func (w *town) want(words, message string) {
	w.t.Helper()
	if words == "" && message != "" || !strings.Contains(message, words) || words != "" && message == "" {
		w.t.Errorf("got %q, want %q", message, words)
	}
}

const ray = `{"groupName":"a","replicas":%d,"minReplicas":0,"maxReplicas":%d}`

func rayCluster(n int) string {
	return `"spec":{"essence":"v1","workerGroupSpecs":[` + fmt.Sprintf(ray, n, n) + `]}`
}

// What an operator makes for an object that is held is bounded by it; nobody
// else's word counts, and no owner that is not there.
func TestOwnedObjects(t *testing.T) {
	g := Grant{Workload: "w", Name: "train", Serial: 1, Expires: today.Add(time.Hour), Shared: 4,
		Limits: map[string]int{"fraud/RayCluster.ray.io/c": 4}, Digests: map[string]string{"fraud/RayCluster.ray.io/c": "v1"}}
	w := newTown(t, everyKind(), g)
	w.want("", w.create("dev", "RayCluster.ray.io", "c", rayCluster(3)))
	w.put("RayCluster.ray.io", "c", rayCluster(3))
	mine := owns("ray.io/v1", "RayCluster", "c") + "|"
	// Three workers and a head.
	for i := range 4 {
		name := fmt.Sprintf("p%d", i)
		w.want("", w.create("operator", "Pod", name, mine+`"spec":{}`))
		w.put("Pod", name, mine+`"spec":{}`)
	}
	w.want("it is made for RayCluster.ray.io/c, which asks for 3, and 4 of its kind are there for it", w.create("operator", "Pod", "p4", mine+`"spec":{}`))
	// One that is lost is made again.
	delete(w.m.objects, "fraud/Pod/p0")
	w.want("", w.create("operator", "Pod", "p5", mine+`"spec":{}`))
	// The word of a developer that a cluster owns his pod.
	w.want(`says that RayCluster.ray.io/c controls it: only controllers the gate knows may say so, and "dev" is none of them`, w.create("dev", "Pod", "q", mine+`"spec":{}`))
	w.put("Pod", "alone", `"spec":{}`)
	w.want("only controllers the gate knows may say so", w.ask("dev", "UPDATE", "Pod", "alone", object1("alone", `"spec":{}`), object1("alone", mine+`"spec":{}`)))
	// An operator's own things, owners that are not there under that name, and
	// owners that are not held are nobody's cover.
	for _, owner := range []string{"", owns("ray.io/v1", "RayCluster", "gone") + "|", strings.Replace(mine, `"uid-c"`, `"uid-x"`, 1),
		strings.Replace(mine, `"name":"c"`, `"name":"d"`, 1), strings.Replace(mine, "RayCluster", "RayJob", 1), owns("example.com/v1", "Widget", "c") + "|"} {
		w.want("", w.create("operator", "Deployment", "pilot", owner+`"spec":{"replicas":1}`))
		w.want("at most 1 allowed", w.create("operator", "Deployment", "many", owner+`"spec":{"replicas":2}`))
	}
	// A cluster that shrinks bounds less.
	w.put("RayCluster.ray.io", "c", rayCluster(1))
	w.want("which asks for 1", w.create("operator", "Pod", "p6", mine+`"spec":{}`))
	// Without its certificate it may not grow again; its pods may come back.
	w.s.grants = nil
	w.reconcile()
	w.want("at most 1 allowed", w.ask("dev", "UPDATE", "RayCluster.ray.io", "c", object1("c", rayCluster(1)), object1("c", rayCluster(2))))
}

// What a controller makes in generations counts for the first of them.
func TestGenerations(t *testing.T) {
	w := newTown(t, everyKind())
	w.put("JobSet.jobset.x-k8s.io", "s", `"spec":{"replicatedJobs":[{"name":"a","replicas":2,"template":{"spec":{"parallelism":3,"completions":3}}}]}`)
	set := owns("jobset.x-k8s.io/v1alpha2", "JobSet", "s") + "|"
	job := `"spec":{"parallelism":3,"completions":3}`
	w.want("", w.create("operator", "Job", "s-0", set+job))
	w.put("Job", "s-0", set+job)
	w.want("", w.create("operator", "Job", "s-1", set+job))
	w.put("Job", "s-1", set+job)
	w.want("it is made for JobSet.jobset.x-k8s.io/s, which asks for 6", w.create("operator", "Job", "s-2", set+job))
	mine := owns("batch/v1", "Job", "s-0") + "|"
	for i := range 6 {
		name := fmt.Sprintf("s-0-%d", i)
		w.want("", w.create("operator", "Pod", name, mine+`"spec":{}`))
		w.put("Pod", name, mine+`"spec":{}`)
	}
	w.want("it is made for JobSet.jobset.x-k8s.io/s", w.create("operator", "Pod", "s-0-6", mine+`"spec":{}`))
}

// Every rollout of a Knative Service leaves a Revision of its size; what runs is
// the Deployments of those.
func TestRevisionsThatAreKept(t *testing.T) {
	w := newTown(t, everyKind())
	scale := `"spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/max-scale":"3"}}}}`
	w.put("Service.serving.knative.dev", "s", scale)
	service := owns("serving.knative.dev/v1", "Service", "s") + "|"
	w.want("", w.create("operator", "Configuration.serving.knative.dev", "c", service+scale))
	w.put("Configuration.serving.knative.dev", "c", service+scale)
	revision := func(name string, n int) string {
		return fmt.Sprintf(`{"metadata":{"name":%q,"uid":"uid-%s","annotations":{"autoscaling.knative.dev/max-scale":"%d"},"ownerReferences":[%s]},"spec":{}}`, name, name, n, owns("serving.knative.dev/v1", "Configuration", "c"))
	}
	for i := range 5 {
		name := fmt.Sprintf("r%d", i)
		w.want("", w.ask("operator", "CREATE", "Revision.serving.knative.dev", name, "null", revision(name, 3)))
		w.m.objects["fraud/Revision.serving.knative.dev/"+name] = json.RawMessage(revision(name, 3))
	}
	w.want("it is made for Service.serving.knative.dev/s", w.ask("operator", "CREATE", "Revision.serving.knative.dev", "r9", "null", revision("r9", 9)))
	deployment := func(i, n int) string {
		return owns("serving.knative.dev/v1", "Revision", fmt.Sprintf("r%d", i)) + fmt.Sprintf(`|"spec":{"replicas":%d}`, n)
	}
	for i := range 2 {
		w.want("", w.create("operator", "Deployment", fmt.Sprintf("d%d", i), deployment(i, 3)))
		w.put("Deployment", fmt.Sprintf("d%d", i), deployment(i, 3))
	}
	w.want("it is made for Service.serving.knative.dev/s", w.create("operator", "Deployment", "d2", deployment(2, 1)))
}

// Ten objects of one each are growth too: with one certificate they share its
// limit, without one the allowance of their namespace.
func TestMoreObjects(t *testing.T) {
	g := Grant{Workload: "w", Name: "fraud-model", Serial: 1, Expires: today.Add(time.Hour), Shared: 4, Limits: map[string]int{}, Digests: map[string]string{}}
	for i := range 10 {
		object := fmt.Sprintf("fraud/Deployment/c%d", i)
		g.Limits[object], g.Digests[object] = 4, "v1"
	}
	w := newTown(t, everyKind(), g)
	of := func(n int) string { return fmt.Sprintf(`"spec":{"essence":"v1","replicas":%d}`, n) }
	for i := range 10 {
		name := fmt.Sprintf("c%d", i)
		message := w.create("dev", "Deployment", name, of(1))
		if i < 4 {
			w.want("", message)
			w.put("Deployment", name, of(1))
			continue
		}
		w.want("certificate 1 of workload fraud-model allows 4 in all, and 4 other objects of it have 4", message)
	}
	w.want("allows 4 in all", w.ask("dev", "UPDATE", "Deployment", "c0", object1("c0", of(1)), object1("c0", of(2))))
	w.want("", w.ask("dev", "UPDATE", "Deployment", "c0", object1("c0", of(2)), object1("c0", of(1))))
	// What is made for the objects does not count beside them.
	w.put("ReplicaSet", "c0-x", owns("apps/v1", "Deployment", "c0")+"|"+of(1))
	w.put("Deployment", "c1", of(0))
	w.want("", w.ask("dev", "UPDATE", "Deployment", "c0", object1("c0", of(1)), object1("c0", of(2))))
	w.put("Deployment", "c0", of(2))
	// An autoscaler stands for what it scales.
	w.put("Deployment", "c2", of(0))
	w.put("Deployment", "c3", of(0))
	scaler := func(n int) string {
		return fmt.Sprintf(`"spec":{"minReplicas":1,"maxReplicas":%d,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"c1"}}`, n)
	}
	w.want("", w.create("dev", "HorizontalPodAutoscaler", "h", scaler(2)))
	w.want("allows 4 in all, and 1 other objects of it have 2", w.create("dev", "HorizontalPodAutoscaler", "h", scaler(3)))
	w.put("HorizontalPodAutoscaler", "h", scaler(2))
	w.want("allows 4 in all, and 2 other objects of it have 4", w.create("dev", "Deployment", "c4", of(1)))

	// Without a certificate: three in all here, whatever their kind.
	for i, kind := range []string{"Pod", "Deployment", "Job", "StatefulSet", "ReplicaSet", "CronJob"} {
		name := fmt.Sprintf("u%d", i)
		message := w.create("dev", kind, name, `"spec":{"replicas":1}`)
		if i < 3 {
			w.want("", message)
			w.put(kind, name, `"spec":{"replicas":1}`)
			continue
		}
		w.want("what no certificate names may have 3 in the whole namespace, and 3 is there", message)
	}
	w.m.carries = map[string]map[string]string{"fraud": {PilotsAnnotation: "4"}}
	w.want("", w.create("dev", "StatefulSet", "u3", `"spec":{"replicas":1}`))
	w.m.carries["fraud"][PilotsAnnotation] = "many"
	w.want("may have 0 in the whole namespace", w.create("dev", "StatefulSet", "u4", `"spec":{"replicas":1}`))
}

// Requests at the same moment do not each take the last of a limit: what was
// admitted counts before it is seen, and no longer than it must.
func TestAdmittedCountsAtOnce(t *testing.T) {
	w := newTown(t, everyKind())
	for i := range 3 {
		w.want("", w.create("dev", "Pod", fmt.Sprintf("p%d", i), ""))
	}
	w.want("and 3 is there", w.create("dev", "Pod", "p3", ""))
	later := today.Add(promised)
	w.d.census.now, w.d.desks.now = func() time.Time { return later }, func() time.Time { return later }
	w.want("", w.create("dev", "Pod", "p3", ""))
}

// A DaemonSet runs on every node there is: it needs a certificate to be made and
// to run on more, none to change or to run on fewer.
func TestDaemonSets(t *testing.T) {
	on := func(selector, more string) string {
		return `"spec":{"essence":"v1","template":{"spec":{"nodeSelector":{` + selector + `}` + more + `}}}`
	}
	w := newTown(t, everyKind())
	w.want("DaemonSet/d in namespace fraud may not run on more nodes", w.create("dev", "DaemonSet", "d", on("", "")))
	w.put("DaemonSet", "d", on(`"a":"b"`, ""))
	update := func(after string) string {
		return w.ask("dev", "UPDATE", "DaemonSet", "d", object1("d", on(`"a":"b"`, "")), object1("d", after))
	}
	w.want("", update(on(`"a":"b","c":"d"`, "")))
	w.want("", update(on(`"a":"b"`, `,"containers":[{"name":"c","image":"i:2"}]`)))
	w.want("may not run on more nodes", update(on("", "")))
	w.want("may not run on more nodes", update(on(`"a":"c"`, "")))
	w.want("may not run on more nodes", update(on(`"a":"b"`, `,"tolerations":[{"operator":"Exists"}]`)))
	w.s.grants = []Grant{{Workload: "w", Name: "agents", Serial: 1, Expires: today.Add(time.Hour), Limits: map[string]int{"fraud/DaemonSet/d": 1}, Digests: map[string]string{"fraud/DaemonSet/d": "v1"}}}
	w.reconcile()
	w.want("", w.create("dev", "DaemonSet", "d", on("", "")))
	w.want("it was changed since workload agents was certified", w.create("dev", "DaemonSet", "d", strings.Replace(on("", ""), "v1", "v2", 1)))
}

// More devices for what has grown are growth; a pilot may have them.
func TestDevicesGrow(t *testing.T) {
	of := func(n, gpus int) string {
		return fmt.Sprintf(`"spec":{"essence":"gpus-%d","replicas":%d,"template":{"spec":{"containers":[{"name":"c","resources":{"limits":{"nvidia.com/mig-1g.5gb":"%d"}}}]}}}`, gpus, n, gpus)
	}
	g := Grant{Workload: "w", Name: "fraud-model", Serial: 1, Expires: today.Add(time.Hour), Shared: 4, Limits: map[string]int{"fraud/Deployment/d": 4}, Digests: map[string]string{"fraud/Deployment/d": "gpus-1"}}
	w := newTown(t, everyKind(), g)
	update := func(before, after string) string {
		return w.ask("dev", "UPDATE", "Deployment", "d", object1("d", before), object1("d", after))
	}
	w.want("it was changed since workload fraud-model was certified", update(of(3, 1), of(3, 7)))
	w.want("", update(of(3, 7), of(3, 1)))
	w.want("", update(of(1, 1), of(1, 7)))
	w.want("", update(of(3, 1), of(4, 1)))
}

// A Scale reads 0 of a custom object that does not say how many replicas it has: one
// is as many as it had.
func TestScaleOfWhatDoesNotSay(t *testing.T) {
	w := newTown(t, everyKind())
	w.d.pilots = 0
	for kind, resource := range map[string][2]string{"LeaderWorkerSet.leaderworkerset.x-k8s.io": {"leaderworkerset.x-k8s.io", "leaderworkersets"}, "Rollout.argoproj.io": {"argoproj.io", "rollouts"}} {
		w.put(kind, "x", `"spec":{"leaderWorkerTemplate":{"size":1}}`)
		to := func(n int) string {
			return w.send(fmt.Sprintf(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","resource":{"group":%q,"version":"v1","resource":%q},"subResource":"scale",
				"name":"x","namespace":"fraud","operation":"UPDATE","userInfo":{"username":"dev"},"object":{"metadata":{"name":"x"},"spec":{"replicas":%d}},"oldObject":{"metadata":{"name":"x"},"spec":{}}}}`, resource[0], resource[1], n))
		}
		w.want("", to(1))
		w.want("from 1 to 2 replicas", to(2))
	}
}
