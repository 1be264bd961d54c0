package admission

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
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
		DryRun      bool            `json:"dryRun"`
		User        user            `json:"userInfo"`
		Object      json.RawMessage `json:"object"`
		OldObject   json.RawMessage `json:"oldObject"`
	}
	resource struct {
		Group    string `json:"group"`
		Version  string `json:"version"`
		Resource string `json:"resource"`
	}
	user struct {
		Name string `json:"username"`
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
	headed struct {
		Metadata named `json:"metadata"`
	}
	scaled struct {
		Metadata named `json:"metadata"`
		Spec     struct {
			Replicas json.Number `json:"replicas"`
		} `json:"spec"`
	}
	named struct {
		Name    string  `json:"name"`
		UID     string  `json:"uid"`
		Version string  `json:"resourceVersion"`
		Owners  []owner `json:"ownerReferences"`
	}
	// owner is an owner reference.
	owner struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
		UID        string `json:"uid"`
		Controller bool   `json:"controller"`
	}
	target struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Name       string `json:"name"`
	}
)

// controller returns the owner reference that says who controls an object.
func (n named) controller() *owner {
	for i := range n.Owners {
		if n.Owners[i].Controller {
			return &n.Owners[i]
		}
	}
	return nil
}

// ask is growth that is asked for.
type ask struct {
	namespace, user string
	dryRun          bool
	// object is what the request is about, key what would grow.
	object, key string
	// kind is that of the object, grower that of what key names; nil if it is
	// not held, and then no certificate can name it.
	kind, grower *Kind
	// had and asked are the units before and after.
	had, asked int64
	// what grows; empty if nothing does. unknown says why the units asked for
	// are not known.
	what, unknown string
	// hand is the object named by key if the request brings it; else before is
	// which version of it the request is about, if it says so.
	hand   json.RawMessage
	before named
	// base is the version that the request changes; empty if it makes the object.
	base string
	// scaleTo is the number a Scale asks for.
	scaleTo int64
	isScale bool
	// owned is who controls the object, adopted whether the request says so
	// anew.
	owned   *owner
	adopted bool
	// queued is set where it waits to be started, among others that do.
	queued bool
	// glass is by which break-glass it was let through; empty if by none.
	glass string
}

// grows reports whether anything is asked for at all.
func (a *ask) grows() bool { return a.what != "" }

// read takes a request apart. An error means that it is none of those the
// webhook is registered for, or is broken.
func (r *request) read(all *kinds) (*ask, error) {
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
	a := &ask{namespace: r.Namespace, user: r.User.Name, dryRun: r.DryRun, kind: all.byResource[r.Resource.Group+"/"+r.Resource.Resource]}
	switch {
	case r.SubResource == "scale":
		return a, r.readScale(a)
	case r.SubResource != "":
		return nil, fmt.Errorf("subresource %q is not one the gate is registered for", r.SubResource)
	case a.kind == nil:
		return nil, fmt.Errorf("resource %q of group %q is not one the gate is registered for", r.Resource.Resource, r.Resource.Group)
	}
	return a, r.readObject(a, all)
}

// readScale reads a Scale, whatever it is of.
func (r *request) readScale(a *ask) error {
	var object, old scaled
	if err := decode(r.Object, &object); err != nil {
		return fmt.Errorf("object: %w", err)
	}
	if !absent(r.OldObject) {
		if err := decode(r.OldObject, &old); err != nil {
			return fmt.Errorf("oldObject: %w", err)
		}
	}
	name := object.Metadata.Name
	if name == "" {
		name = r.Name
	}
	asked, err1 := replicas(object.Spec.Replicas)
	had, err2 := replicas(old.Spec.Replicas)
	if err := errors.Join(err1, err2); err != nil || name == "" {
		return fmt.Errorf("a Scale of %s %q: %w", r.Resource.Resource, name, err)
	}
	a.had, a.asked, a.scaleTo, a.isScale, a.before = had, asked, asked, true, old.Metadata
	a.base = old.Metadata.Version
	a.grower = a.kind
	a.key = strings.TrimSuffix(r.Resource.Resource+"."+r.Resource.Group, ".") + "/" + name
	if a.kind != nil {
		a.key = a.kind.Kind + "/" + name
	}
	a.object = a.key
	if asked > had {
		a.what = "spec.replicas"
	}
	return nil
}

// replicas reads the number a Scale bears; it leaves out a zero.
func replicas(n json.Number) (int64, error) {
	if n == "" {
		return 0, nil
	}
	i, err := n.Int64()
	if err != nil || i < 0 || i > estate.NoLimit {
		return 0, fmt.Errorf("%s is no number of replicas", n)
	}
	return i, nil
}

// readObject reads an object of a held kind.
func (r *request) readObject(a *ask, all *kinds) error {
	var object, old headed
	if err := decode(r.Object, &object); err != nil {
		return fmt.Errorf("object: %w", err)
	}
	name := object.Metadata.Name
	if name == "" {
		name = r.Name
	}
	if name == "" {
		return fmt.Errorf("a %s without a name", a.kind.Kind)
	}
	a.object = a.kind.Kind + "/" + name
	a.key, a.grower, a.hand = a.object, a.kind, r.Object
	after, err := a.kind.readSize(r.Object)
	if err != nil {
		return fmt.Errorf("object: %w", err)
	}
	before := none
	if !absent(r.OldObject) {
		if err := decode(r.OldObject, &old); err != nil {
			return fmt.Errorf("oldObject: %w", err)
		}
		if before, err = a.kind.readSize(r.OldObject); err != nil {
			return fmt.Errorf("oldObject: %w", err)
		}
	}
	if a.kind.Target != "" {
		to, was := a.kind.targetOf(r.Object), a.kind.targetOf(r.OldObject)
		if to.Kind == "" || to.Name == "" {
			return fmt.Errorf("%s scales nothing that has a kind and a name", a.object)
		}
		var what string
		a.grower, what = all.of(to.APIVersion, to.Kind)
		a.key, a.hand = what+"/"+to.Name, nil
		if to != was {
			before = none // pointed elsewhere is made anew
		}
	}
	a.base = old.Metadata.Version
	a.owned = object.Metadata.controller()
	if a.owned != nil {
		a.adopted = !slices.ContainsFunc(old.Metadata.Owners, func(o owner) bool { return o == *a.owned })
	}
	a.had, a.asked, a.unknown = before.units, after.units, after.unknown
	if r.same() {
		return nil
	}
	if !slices.Contains(a.kind.Versions, r.Resource.Version) {
		a.unknown = fmt.Sprintf("its amounts are not known in version %s, only in %s", r.Resource.Version, strings.Join(a.kind.Versions, ", "))
		a.what = "spec"
		return nil
	}
	a.what = after.growth(before)
	if a.what != "" && a.kind.Target != "" && after.unknown == "" {
		a.narrow(after, before)
	}
	return nil
}

// narrow has an autoscaler ask for the bound that grows: the greater counts.
func (a *ask) narrow(after, before *size) {
	if after.units > before.units {
		return
	}
	a.had, a.asked = 0, 0
	for path, x := range after.asks {
		if was := before.asks[path]; x.Units > was.Units && int64(x.Units) > a.asked {
			a.had, a.asked = int64(was.Units), int64(x.Units)
		}
	}
}

// same reports whether an update leaves what is asked for as it was, to the
// letter.
func (r *request) same() bool {
	if absent(r.OldObject) {
		return false
	}
	var a, b map[string]json.RawMessage
	if json.Unmarshal(r.Object, &a) != nil || json.Unmarshal(r.OldObject, &b) != nil {
		return false
	}
	var m, n struct {
		Annotations json.RawMessage `json:"annotations"`
	}
	if json.Unmarshal(a["metadata"], &m) != nil || json.Unmarshal(b["metadata"], &n) != nil || string(m.Annotations) != string(n.Annotations) {
		return false
	}
	for _, part := range []string{"metadata", "status"} { // of the rest of these nothing is asked
		delete(a, part)
		delete(b, part)
	}
	return maps.EqualFunc(a, b, func(x, y json.RawMessage) bool { return string(x) == string(y) })
}

// targetOf reads what an autoscaler scales, with what is left out filled in as
// its controller does.
func (k *Kind) targetOf(object json.RawMessage) target {
	var root map[string]any
	var t target
	if absent(object) || json.Unmarshal(object, &root) != nil {
		return t
	}
	for _, m := range placesOf(root, k.Target) {
		t.APIVersion, _ = m["apiVersion"].(string)
		t.Kind, _ = m["kind"].(string)
		t.Name, _ = m["name"].(string)
	}
	if k.Group == "keda.sh" {
		if t.Kind == "" {
			t.Kind = "Deployment"
		}
		if t.APIVersion == "" {
			t.APIVersion = "apps/v1"
		}
	}
	return t
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// decode reads an object, which null is not.
func decode(raw json.RawMessage, into any) error {
	if len(raw) == 0 || raw[0] != '{' {
		return errNoObject
	}
	return json.Unmarshal(raw, into)
}
