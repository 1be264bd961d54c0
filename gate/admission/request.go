package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// The types of an AdmissionReview (admission.k8s.io/v1), as far as they are
// read here.
type (
	review struct {
		APIVersion string    `json:"apiVersion"`
		Kind       string    `json:"kind"`
		Request    *request  `json:"request,omitempty"`
		Response   *response `json:"response,omitempty"`
	}
	request struct {
		UID         string          `json:"uid"`
		Resource    resource        `json:"resource"`
		SubResource string          `json:"subResource"`
		Name        string          `json:"name"`
		Namespace   string          `json:"namespace"`
		Operation   string          `json:"operation"`
		Object      json.RawMessage `json:"object"`
		OldObject   json.RawMessage `json:"oldObject"`
	}
	resource struct {
		Group    string `json:"group"`
		Version  string `json:"version"`
		Resource string `json:"resource"`
	}
	response struct {
		UID     string  `json:"uid"`
		Allowed bool    `json:"allowed"`
		Status  *status `json:"status,omitempty"`
	}
	status struct {
		Code    int    `json:"code"`
		Reason  string `json:"reason"`
		Message string `json:"message"`
	}
)

// The parts of the objects that are read.
type (
	sized struct {
		Metadata named `json:"metadata"`
		Spec     struct {
			Replicas *int64 `json:"replicas"`
		} `json:"spec"`
	}
	autoscaler struct {
		Metadata named `json:"metadata"`
		Spec     struct {
			Min    *int64 `json:"minReplicas"`
			Max    *int64 `json:"maxReplicas"`
			Target target `json:"scaleTargetRef"`
		} `json:"spec"`
	}
	named struct {
		Name    string `json:"name"`
		UID     string `json:"uid"`
		Version string `json:"resourceVersion"`
	}
	target struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
	}
)

// ask is growth that is asked for.
type ask struct {
	namespace string
	// object is what the request is about, key what would grow.
	object, key string
	// certifiable is false if key is of a kind no certificate names.
	certifiable bool
	// had and asked are the numbers of replicas; of an autoscaler those of its
	// greatest limit that grows.
	had, asked int64
	// hand is the object named by key if the request brings it; else before is
	// which version of it the request is about, if it says so.
	hand   json.RawMessage
	before named
}

// grows reports whether anything is asked for at all.
func (a *ask) grows() bool { return a.asked > a.had }

// read takes a request apart. An error means that it is none of those the
// webhook is registered for, or is broken.
func (r *request) read() (*ask, error) {
	if r.UID == "" {
		return nil, errors.New("the request has no uid")
	}
	if r.Namespace == "" {
		return nil, errors.New("the request has no namespace")
	}
	if r.Operation != "CREATE" && r.Operation != "UPDATE" {
		return nil, fmt.Errorf("operation %q is not one the gate is registered for (CREATE, UPDATE)", r.Operation)
	}
	if r.Operation == "UPDATE" && absent(r.OldObject) {
		return nil, errors.New("an update without the object before it")
	}
	if r.Operation == "CREATE" {
		r.OldObject = nil
	}
	if absent(r.Object) {
		return nil, errors.New("the request brings no object")
	}
	switch r.Resource.Group + "/" + r.Resource.Resource {
	case "apps/deployments":
		return r.readSized("Deployment")
	case "apps/statefulsets":
		return r.readSized("StatefulSet")
	case "autoscaling/horizontalpodautoscalers":
		return r.readAutoscaler()
	}
	return nil, fmt.Errorf("resource %q of group %q is not one the gate is registered for", r.Resource.Resource, r.Resource.Group)
}

func (r *request) readSized(kind string) (*ask, error) {
	unsaid := int64(1)
	if r.SubResource != "" && r.SubResource != "scale" {
		return nil, fmt.Errorf("subresource %q is not one the gate is registered for", r.SubResource)
	}
	if r.SubResource == "scale" {
		unsaid = 0 // a Scale leaves out a zero
	}
	var object, old sized
	if err := decode(r.Object, &object); err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	a := &ask{namespace: r.Namespace, asked: or(object.Spec.Replicas, unsaid), certifiable: true}
	if !absent(r.OldObject) {
		if err := decode(r.OldObject, &old); err != nil {
			return nil, fmt.Errorf("oldObject: %w", err)
		}
		a.had = or(old.Spec.Replicas, unsaid)
	}
	name := object.Metadata.Name
	if name == "" {
		name = r.Name
	}
	if !inRange(a.asked) || !inRange(a.had) || name == "" {
		return nil, fmt.Errorf("%s %q asks for %d replicas and had %d", kind, name, a.asked, a.had)
	}
	a.key = kind + "/" + name
	a.object = a.key
	if r.SubResource == "" {
		a.hand = r.Object
	} else {
		a.before = old.Metadata
	}
	return a, nil
}

func (r *request) readAutoscaler() (*ask, error) {
	if r.SubResource != "" {
		return nil, fmt.Errorf("subresource %q is not one the gate is registered for", r.SubResource)
	}
	var object, old autoscaler
	if err := decode(r.Object, &object); err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	s := object.Spec
	least, most := or(s.Min, 1), or(s.Max, 0)
	if object.Metadata.Name == "" || s.Target.Kind == "" || s.Target.Name == "" || !inRange(least) || !inRange(most) {
		return nil, fmt.Errorf("autoscaler %q scales %s/%s from %d to %d", object.Metadata.Name, s.Target.Kind, s.Target.Name, least, most)
	}
	a := &ask{namespace: r.Namespace, object: "HorizontalPodAutoscaler/" + object.Metadata.Name, key: s.Target.Kind + "/" + s.Target.Name,
		certifiable: strings.HasPrefix(s.Target.APIVersion, "apps/") && (s.Target.Kind == "Deployment" || s.Target.Kind == "StatefulSet")}
	var hadLeast, hadMost int64
	if !absent(r.OldObject) {
		if err := decode(r.OldObject, &old); err != nil {
			return nil, fmt.Errorf("oldObject: %w", err)
		}
		if old.Spec.Target == s.Target {
			hadLeast, hadMost = or(old.Spec.Min, 1), or(old.Spec.Max, 0)
		}
	}
	// Either bound may grow; the one that asks for most decides.
	a.had, a.asked = hadMost, most
	if most <= hadMost {
		a.had, a.asked = hadLeast, least
	}
	return a, nil
}

func or(n *int64, unsaid int64) int64 {
	if n == nil {
		return unsaid
	}
	return *n
}

func inRange(n int64) bool { return n >= 0 && n <= math.MaxInt32 }

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// decode reads an object, which null is not.
func decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 || raw[0] != '{' {
		return errors.New("not an object")
	}
	return json.Unmarshal(raw, into)
}
