// Package floor runs the gate's admission policies in the API server's own
// policy plugin, in process: a hundred thousand random requests against a model
// that says what must come of each.
package floor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/admission/plugin/webhook"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/cel/environment"
	"k8s.io/apiserver/pkg/util/compatibility"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/component-base/featuregate"
)

// requests is how many are made.
const requests = 100_000

// The namespaces of the model. In gated the limits are those below; lost does
// not say any; garbled says what nobody can read; free is not gated.
const (
	gated, lost, garbled, free = "gated", "lost", "garbled", "free"
	unlisted                   = 1
)

// annotations are what the gated namespaces say, as the controller spells it.
var annotations = map[string]map[string]string{
	gated: {
		"sevenfold.dev/limits":  ";*=1:;Deployment/b=0:1;StatefulSet/a=3:;Deployment/a=5:0;StatefulSet/c=20:7;",
		"sevenfold.dev/reasons": "0 certificate 7 allows 5\n1 certificate 8 has expired\n",
	},
	garbled: {"sevenfold.dev/limits": ";*=x:;Deployment/a=;StatefulSet/a", "sevenfold.dev/reasons": "?"},
}

var limits = map[string]int32{"Deployment/a": 5, "StatefulSet/a": 3, "Deployment/b": 0, "StatefulSet/c": 20}

// request is one request, as the model sees it.
type request struct {
	ns, what, name       string // what: Deployment, StatefulSet, their /scale, HPA v1 or v2
	create               bool
	had, asked           *int32 // nil: left out
	target, oldTarget    autoscalingv2.CrossVersionObjectReference
	hadLeast, askedLeast *int32
}

// admitted is what must come of a request: growth beyond the limit is refused,
// all else goes through, whatever the namespace says or does not.
func (r *request) admitted() bool {
	if r.ns == free {
		return true
	}
	none := map[string]int32{lost: 0, garbled: 0}
	limit := func(key string) int32 {
		if n, ok := none[r.ns]; ok {
			return n
		}
		if n, ok := limits[key]; ok {
			return n
		}
		return unlisted
	}
	or := func(n *int32, unsaid int32) int32 {
		if n == nil {
			return unsaid
		}
		return *n
	}
	fits := func(asked, had, limit int32) bool { return asked <= had || asked <= limit }
	switch r.what {
	case "v1", "v2":
		most := limit("")
		if r.target.APIVersion == "apps/v1" {
			most = limit(r.target.Kind + "/" + r.target.Name)
		}
		had, hadLeast := int32(0), int32(0)
		if !r.create && r.target == r.oldTarget {
			had, hadLeast = *r.had, or(r.hadLeast, 1)
		}
		return fits(*r.asked, had, most) && fits(or(r.askedLeast, 1), hadLeast, most)
	case "Deployment/scale", "StatefulSet/scale":
		kind := r.what[:len(r.what)-len("/scale")]
		return fits(or(r.asked, 0), or(r.had, 0), limit(kind+"/"+r.name))
	}
	had := int32(0)
	if !r.create {
		had = or(r.had, 1)
	}
	return fits(or(r.asked, 1), had, limit(r.what+"/"+r.name))
}

func draw(rng *rand.Rand) *request {
	r := &request{ns: gated, name: string(rune('a' + rng.IntN(4)))}
	switch rng.IntN(20) {
	case 0:
		r.ns = lost
	case 1:
		r.ns = garbled
	case 2:
		r.ns = free
	}
	count := func() *int32 {
		if rng.IntN(8) == 0 {
			return nil
		}
		n := int32(rng.IntN(8))
		if rng.IntN(10) == 0 {
			n = []int32{20, 21, 1000, 2147483647}[rng.IntN(4)]
		}
		return &n
	}
	need := func() *int32 {
		for {
			if n := count(); n != nil {
				return n
			}
		}
	}
	target := func() autoscalingv2.CrossVersionObjectReference {
		return autoscalingv2.CrossVersionObjectReference{APIVersion: []string{"apps/v1", "apps/v1", "apps/v1", "example.com/v1", ""}[rng.IntN(5)],
			Kind: []string{"Deployment", "StatefulSet", "ReplicaSet"}[rng.IntN(3)], Name: string(rune('a' + rng.IntN(3)))}
	}
	r.what = []string{"Deployment", "StatefulSet", "Deployment/scale", "StatefulSet/scale", "v1", "v2"}[rng.IntN(6)]
	r.create = rng.IntN(3) == 0
	r.had, r.asked = count(), count()
	switch r.what {
	case "Deployment/scale", "StatefulSet/scale":
		r.create = false
		// A Scale cannot tell none from left out.
	case "v1", "v2":
		r.had, r.asked, r.hadLeast, r.askedLeast = need(), need(), count(), count()
		r.target = target()
		r.oldTarget = r.target
		if rng.IntN(4) == 0 {
			r.oldTarget = target()
		}
	}
	return r
}

// attributes are the request as the API server's admission sees it.
func (r *request) attributes() admission.Attributes {
	now, before := r.object(r.asked, r.askedLeast, r.target), r.object(r.had, r.hadLeast, r.oldTarget)
	op, options := admission.Update, runtime.Object(&metav1.UpdateOptions{})
	if r.create {
		before, op, options = nil, admission.Create, &metav1.CreateOptions{}
	}
	gvk, gvr, sub := appsv1.SchemeGroupVersion.WithKind(r.what), schema.GroupVersionResource{}, ""
	switch r.what {
	case "Deployment":
		gvr = appsv1.SchemeGroupVersion.WithResource("deployments")
	case "StatefulSet":
		gvr = appsv1.SchemeGroupVersion.WithResource("statefulsets")
	case "Deployment/scale":
		gvk, gvr, sub = autoscalingv1.SchemeGroupVersion.WithKind("Scale"), appsv1.SchemeGroupVersion.WithResource("deployments"), "scale"
	case "StatefulSet/scale":
		gvk, gvr, sub = autoscalingv1.SchemeGroupVersion.WithKind("Scale"), appsv1.SchemeGroupVersion.WithResource("statefulsets"), "scale"
	default:
		gv := schema.GroupVersion{Group: "autoscaling", Version: r.what}
		gvk, gvr = gv.WithKind("HorizontalPodAutoscaler"), gv.WithResource("horizontalpodautoscalers")
	}
	return admission.NewAttributesRecord(now, before, gvk, r.ns, r.name, gvr, sub, op, options, false, &user.DefaultInfo{Name: "dev"})
}

func (r *request) object(n, least *int32, target autoscalingv2.CrossVersionObjectReference) runtime.Object {
	m := metav1.ObjectMeta{Name: r.name, Namespace: r.ns}
	pod := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "model", Image: "model"}}}}
	switch r.what {
	case "Deployment":
		return &appsv1.Deployment{ObjectMeta: m, Spec: appsv1.DeploymentSpec{Replicas: n, Template: pod}}
	case "StatefulSet":
		return &appsv1.StatefulSet{ObjectMeta: m, Spec: appsv1.StatefulSetSpec{Replicas: n, Template: pod}}
	case "v1":
		return &autoscalingv1.HorizontalPodAutoscaler{ObjectMeta: m, Spec: autoscalingv1.HorizontalPodAutoscalerSpec{MinReplicas: least, MaxReplicas: *n,
			ScaleTargetRef: autoscalingv1.CrossVersionObjectReference(target)}}
	case "v2":
		return &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: m, Spec: autoscalingv2.HorizontalPodAutoscalerSpec{MinReplicas: least, MaxReplicas: *n, ScaleTargetRef: target}}
	}
	s := &autoscalingv1.Scale{ObjectMeta: m}
	if n != nil {
		s.Spec.Replicas = *n
	}
	return s
}

// drawFrom is test/seed.Of, which is of another module.
func drawFrom(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SEVENFOLD_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	return seed
}

func TestFloorAgainstModel(t *testing.T) {
	plugin := newPlugin(t)
	seed := drawFrom(t)
	rng := rand.New(rand.NewPCG(seed, 7))
	interfaces := admission.NewObjectInterfacesFromScheme(scheme.Scheme)
	admitted, refused := 0, 0
	for i := range requests {
		r := draw(rng)
		err := plugin.Validate(context.Background(), r.attributes(), interfaces)
		if want := r.admitted(); (err == nil) != want {
			t.Fatalf("request %d of seed %d: admitted %v, the model says %v: %+v had %v asked %v: %v", i, seed, err == nil, want, r, str(r.had), str(r.asked), err)
		}
		if err == nil {
			admitted++
			continue
		}
		refused++
		if r.ns == gated && !bytes.Contains([]byte(err.Error()), []byte("sevenfold gate: ")) {
			t.Fatalf("request %d of seed %d is refused without a sentence: %v", i, seed, err)
		}
	}
	t.Logf("%d admitted, %d refused", admitted, refused)
	if admitted < requests/10 || refused < requests/10 {
		t.Errorf("the requests prove little: %d admitted, %d refused", admitted, refused)
	}
}

// grows reports whether a request asks for more than there was: what the webhook must
// be asked about, so that it can refuse, and nothing else, so that all else goes on when
// it is down. An autoscaler that turns to another target is asked about like a new one.
func (r *request) grows() bool {
	or := func(n *int32, unsaid int32) int32 {
		if n == nil {
			return unsaid
		}
		return *n
	}
	had, hadLeast, unsaid := int32(0), int32(0), int32(1)
	switch r.what {
	case "v1", "v2":
		if !r.create && r.target == r.oldTarget {
			had, hadLeast = *r.had, or(r.hadLeast, 1)
		}
		return *r.asked > had || or(r.askedLeast, 1) > hadLeast
	case "Deployment/scale", "StatefulSet/scale":
		unsaid = 0
	}
	if !r.create {
		had = or(r.had, unsaid)
	}
	return or(r.asked, unsaid) > had
}

// The webhook's registration sends it growth and nothing else.
func TestRegistrationAgainstModel(t *testing.T) {
	text, err := os.ReadFile("../../../deploy/kubernetes/40-webhook.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var config admissionv1.ValidatingWebhookConfiguration
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	compiler := cel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	matchers := map[string]matchconditions.Matcher{}
	for i := range config.Webhooks {
		w := &config.Webhooks[i]
		matchers[w.Rules[0].Resources[0]] = webhook.NewValidatingWebhookAccessor(w.Name, config.Name, w).GetCompiledMatcher(compiler)
	}
	seed := drawFrom(t)
	rng := rand.New(rand.NewPCG(seed, 8))
	interfaces := admission.NewObjectInterfacesFromScheme(scheme.Scheme)
	sent := 0
	for i := range requests / 5 {
		r := draw(rng)
		a := r.attributes()
		which := "deployments"
		if a.GetResource().Group == "autoscaling" {
			which = "horizontalpodautoscalers"
		}
		versioned, err := admission.NewVersionedAttributes(a, a.GetKind(), interfaces)
		if err != nil {
			t.Fatal(err)
		}
		got := matchers[which].Match(context.Background(), versioned, nil, nil)
		if got.Error != nil || got.Matches != r.grows() {
			t.Fatalf("request %d of seed %d: sent %v, the model says %v: %+v had %v asked %v: %v", i, seed, got.Matches, r.grows(), r, str(r.had), str(r.asked), got.Error)
		}
		if got.Matches {
			sent++
		}
	}
	if sent < requests/50 || sent > requests/6 {
		t.Errorf("the requests prove little: %d sent", sent)
	}
}

func str(n *int32) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}

// newPlugin is the plugin of the API server with the policies as they are
// shipped, waiting until they are in force.
func newPlugin(t *testing.T) *validating.Plugin {
	t.Helper()
	namespace := func(name, value string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"sevenfold.dev/gate": value}, Annotations: annotations[name]}}
	}
	objects := append(policies(t), namespace(gated, "enforced"), namespace(lost, "enforced"), namespace(garbled, "enforced"), namespace(free, "prepared"))
	client := fake.NewSimpleClientset(objects...)
	dynamic := dynamicfake.NewSimpleDynamicClient(runtime.NewScheme())
	mapper := meta.NewDefaultRESTMapper(nil)

	plugin, err := validating.NewPlugin(nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	factory := informers.NewSharedInformerFactory(client, 0)
	initializer.New(client, dynamic, factory, authorizerfactory.NewAlwaysDenyAuthorizer(), featuregate.NewFeatureGate(),
		compatibility.DefaultBuildEffectiveVersion(), ctx.Done(), mapper).Initialize(plugin)
	plugin.SetRESTMapper(mapper)
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	interfaces := admission.NewObjectInterfacesFromScheme(scheme.Scheme)
	n := int32(2)
	for _, what := range []string{"Deployment", "v2"} {
		probe := &request{ns: gated, name: "probe", what: what, create: true, asked: &n, had: &n}
		for until := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
			if err := plugin.Validate(ctx, probe.attributes(), interfaces); err != nil && bytes.Contains([]byte(err.Error()), []byte("sevenfold gate: ")) {
				break
			} else if time.Now().After(until) {
				t.Fatalf("the policies are not in force: %v", err)
			}
		}
	}
	return plugin
}

// policies reads what is shipped.
func policies(t *testing.T) []runtime.Object {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/kubernetes/30-policies.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var out []runtime.Object
	for dec := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096); ; {
		u := &unstructured.Unstructured{}
		if err := dec.Decode(&u.Object); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
		var typed runtime.Object = &admissionv1.ValidatingAdmissionPolicy{}
		if u.GetKind() == "ValidatingAdmissionPolicyBinding" {
			typed = &admissionv1.ValidatingAdmissionPolicyBinding{}
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed); err != nil {
			t.Fatal(err)
		}
		// What the API server fills in.
		if p, ok := typed.(*admissionv1.ValidatingAdmissionPolicy); ok {
			all := admissionv1.AllScopes
			p.Spec.MatchConstraints.ObjectSelector = &metav1.LabelSelector{}
			if p.Spec.MatchConstraints.NamespaceSelector == nil {
				p.Spec.MatchConstraints.NamespaceSelector = &metav1.LabelSelector{}
			}
			for i := range p.Spec.MatchConstraints.ResourceRules {
				p.Spec.MatchConstraints.ResourceRules[i].Scope = &all
			}
		}
		out = append(out, typed)
	}
}
