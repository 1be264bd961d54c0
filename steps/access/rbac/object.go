package rbac

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Kinds of objects that AddObject reads, with their groups; others are passed
// over. Pods are looked for in the kinds of podPaths too.
const (
	kindRole               = "Role"
	kindClusterRole        = "ClusterRole"
	kindRoleBinding        = "RoleBinding"
	kindClusterRoleBinding = "ClusterRoleBinding"
	kindNamespace          = "Namespace"
	kindSecret             = "Secret"
	kindConfigMap          = "ConfigMap"
	kindDefinition         = "CustomResourceDefinition"
)

// maxObject bounds one object. The API server refuses larger ones.
const maxObject = 8 << 20

// Reads reports whether AddObject reads objects of a kind.
func Reads(group, kind string) bool {
	switch group {
	case Group:
		return kind == kindRole || kind == kindClusterRole || kind == kindRoleBinding || kind == kindClusterRoleBinding
	case "":
		switch kind {
		case KindAccount, kindNamespace, kindSecret, kindConfigMap, KindNode:
			return true
		}
	case "apiextensions.k8s.io":
		return kind == kindDefinition
	}
	return podPaths[kind+"."+group] != nil
}

// AddObject reads an object as the API spells it in JSON. Members are told apart
// by case, as the API server does. The error names the object and the place; an
// object that is wrong in a place counts as far as it was understood, and a role
// whose rules were not is one that may allow anything.
func (w *World) AddObject(group, kind string, text []byte) error {
	if !Reads(group, kind) {
		return nil
	}
	if len(text) > maxObject {
		return fmt.Errorf("%s: %d bytes are more than an API server takes", kind, len(text))
	}
	o := &object{}
	if err := json.Unmarshal(text, &o.root); err != nil {
		return fmt.Errorf("%s: not JSON: %w", kind, err)
	}
	root := place{o, o.root, ""}
	meta := root.at("metadata")
	o.ref = Ref{kind, meta.at("namespace").text(), meta.at("name").text()}
	if o.ref.Name == "" {
		return fmt.Errorf("%s: metadata.name: is missing", kind)
	}
	o.served = meta.at("uid").text() != "" || meta.at("creationTimestamp").text() != ""
	switch kind {
	case kindRole, kindClusterRole, kindRoleBinding, kindClusterRoleBinding:
		w.authority(o, root)
	case KindAccount:
		a := &Account{Ref: o.ref, Annotations: meta.at("annotations").strings()}
		if mount, ok := root.at("automountServiceAccountToken").v.(bool); ok {
			a.NoMount = !mount
		}
		w.AddAccount(a)
	case kindNamespace:
		w.namespaces[o.ref.Name] = &namespace{enforce: meta.at("labels").strings()[enforceLabel]}
	case kindSecret:
		w.secret(o, root)
	case kindConfigMap:
		w.authMap = w.authMap || o.ref.Namespace == "kube-system" && o.ref.Name == "aws-auth"
	case KindNode:
		labels := meta.at("labels").strings()
		_, control := labels["node-role.kubernetes.io/control-plane"]
		_, master := labels["node-role.kubernetes.io/master"]
		w.nodes[o.ref.Name] = &node{control: control || master}
	case kindDefinition:
		w.define(root)
	default:
		w.template(o, root, group, kind, text)
	}
	w.problems = append(w.problems, o.problems...)
	if len(o.problems) > 0 {
		errs := make([]error, len(o.problems))
		for i := range o.problems {
			errs[i] = errors.New(o.problems[i].String())
		}
		return errors.Join(errs...)
	}
	return nil
}

// authority reads roles and bindings.
func (w *World) authority(o *object, root place) {
	cluster := strings.HasPrefix(o.ref.Kind, "Cluster")
	switch {
	case cluster:
		o.ref.Namespace = "" // the API server drops it
	case o.ref.Namespace == "":
		o.ref.Namespace = "default" // what clients fill in
	}
	meta := root.at("metadata")
	if o.ref.Kind == kindRole || o.ref.Kind == kindClusterRole {
		r := &Role{Ref: o.ref, Labels: meta.at("labels").strings(), Served: o.served}
		for _, at := range root.at("rules").list() {
			r.Rules = append(r.Rules, at.rule())
		}
		if cluster {
			for _, at := range root.at("aggregationRule").at("clusterRoleSelectors").list() {
				r.Aggregates = append(r.Aggregates, at.selector())
			}
		}
		if len(o.problems) > 0 {
			r.Unread = "it could not be understood (" + o.problems[0].Path + ": " + o.problems[0].Why + ")"
		}
		w.AddRole(r)
		return
	}
	b := &Binding{Ref: o.ref, Bootstrap: meta.at("labels").strings()["kubernetes.io/bootstrapping"] == "rbac-defaults"}
	ref := root.at("roleRef")
	b.Role = Ref{Kind: ref.at("kind").text(), Name: ref.at("name").text()}
	switch {
	case b.Role.Kind == kindRole && !cluster:
		b.Role.Namespace = o.ref.Namespace
	case b.Role.Kind != kindClusterRole:
		ref.at("kind").wrong("is %q: a %s takes no such role", b.Role.Kind, o.ref.Kind)
	}
	for _, s := range root.at("subjects").list() {
		kind, name, namespace := s.at("kind").text(), s.at("name").text(), s.at("namespace").text()
		switch kind {
		case KindUser, KindGroup:
		case KindAccount:
			if namespace == "" {
				namespace = o.ref.Namespace // of a ClusterRoleBinding there is none
			}
			if namespace == "" {
				s.at("namespace").wrong("is missing: a service account lies in one")
				continue
			}
		default:
			s.at("kind").wrong("is %q, not User, Group or ServiceAccount", kind)
			continue
		}
		if name == "" {
			s.at("name").wrong("is missing")
			continue
		}
		b.Subjects = append(b.Subjects, subject(kind, namespace, name))
	}
	w.AddBinding(b)
}

func (p place) rule() Rule {
	return Rule{Verbs: p.at("verbs").texts(), APIGroups: p.at("apiGroups").texts(), Resources: p.at("resources").texts(),
		ResourceNames: p.at("resourceNames").texts(), NonResourceURLs: p.at("nonResourceURLs").texts()}
}

func (p place) selector() Selector {
	s := Selector{MatchLabels: p.at("matchLabels").strings()}
	for _, e := range p.at("matchExpressions").list() {
		s.MatchExpressions = append(s.MatchExpressions, Requirement{e.at("key").text(), e.at("operator").text(), e.at("values").texts()})
	}
	if err := s.check(); err != nil {
		p.wrong("%v", err)
	}
	return s
}

// secret notes whose token a Secret holds.
func (w *World) secret(o *object, root place) {
	if root.at("type").text() != "kubernetes.io/service-account-token" {
		return
	}
	name := root.at("metadata").at("annotations").strings()["kubernetes.io/service-account.name"]
	if name == "" {
		return
	}
	if strings.ContainsAny(name, ":()") { // masked, or no name at all
		w.Unread(kindSecret, o.ref.Namespace, "whose token Secret "+o.ref.Name+" holds was not kept")
		return
	}
	of := Ref{KindAccount, o.ref.Namespace, name}
	w.tokens[of] = append(w.tokens[of], o.ref.Name)
}

// define notes a custom resource, and whether its schema has room for pods.
func (w *World) define(root place) {
	spec := root.at("spec")
	d := &definition{group: spec.at("group").text(), resource: spec.at("names").at("plural").text(), kind: spec.at("names").at("kind").text(),
		namespaced: spec.at("scope").text() != "Cluster", pods: Deny}
	versions := spec.at("versions").list()
	for _, v := range versions {
		schema := v.at("schema").at("openAPIV3Schema").at("properties").at("spec")
		if schema.v == nil {
			d.pods = Unknown // no schema, or one that says nothing of the specification
			if v.at("schema").at("openAPIV3Schema").v != nil && v.at("schema").at("openAPIV3Schema").at("properties").v != nil {
				d.pods = Deny
			}
			continue
		}
		switch found := templateIn(schema.v, schemaDepth); {
		case found == Allow:
			d.pods = Allow
		case found == Unknown && d.pods == Deny:
			d.pods = Unknown
		}
	}
	if len(versions) == 0 {
		d.pods = Unknown
	}
	if d.group != "" && d.resource != "" {
		w.definitions[resourceKey{d.group, d.resource}] = d
	}
}

// object is one object being read.
type object struct {
	ref      Ref
	root     any
	served   bool
	problems []Problem
}

// place is a place in an object. Reading a missing place gives nothing; reading
// one of the wrong type gives nothing and a problem.
type place struct {
	o    *object
	v    any
	path string
}

// maxProblems bounds what is said of one object.
const maxProblems = 20

func (p place) wrong(format string, args ...any) {
	if len(p.o.problems) < maxProblems {
		p.o.problems = append(p.o.problems, Problem{p.o.ref, strings.TrimPrefix(p.path, "."), fmt.Sprintf(format, args...)})
	}
}

func (p place) at(name string) place {
	m, ok := p.v.(map[string]any)
	if !ok && p.v != nil {
		p.wrong("is not an object")
	}
	return place{p.o, m[name], p.path + "." + name}
}

func (p place) list() []place {
	l, ok := p.v.([]any)
	if !ok && p.v != nil {
		p.wrong("is not a list")
	}
	out := make([]place, len(l))
	for i, v := range l {
		out[i] = place{p.o, v, fmt.Sprintf("%s[%d]", p.path, i)}
	}
	return out
}

func (p place) text() string {
	s, ok := p.v.(string)
	if !ok && p.v != nil {
		p.wrong("is not a string")
	}
	return s
}

func (p place) texts() []string {
	var out []string
	for _, e := range p.list() {
		if s, ok := e.v.(string); ok {
			out = append(out, s)
		} else {
			e.wrong("is not a string")
		}
	}
	return out
}

// strings reads an object of strings; members of other types are problems.
func (p place) strings() map[string]string {
	m, ok := p.v.(map[string]any)
	if !ok && p.v != nil {
		p.wrong("is not an object")
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if s, ok := v.(string); ok {
			out[k] = s
		} else if v != nil {
			place{p.o, v, p.path + "." + k}.wrong("is not a string")
		}
	}
	return out
}
