package rbac

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// world reads manifests, divided by "---", and seals them.
func world(t testing.TB, manifests ...string) *World {
	t.Helper()
	w := load(t, manifests...)
	w.Seal()
	return w
}

func load(t testing.TB, manifests ...string) *World {
	t.Helper()
	w := NewWorld()
	for _, text := range manifests {
		for _, doc := range strings.Split(text, "\n---\n") {
			if err := add(w, doc); err != nil {
				t.Fatalf("%v in:\n%s", err, doc)
			}
		}
	}
	return w
}

func add(w *World, doc string) error {
	text, err := yaml.YAMLToJSON([]byte(doc))
	if err != nil {
		return err
	}
	var o struct{ APIVersion, Kind string }
	if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
		return err
	}
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		group = ""
	}
	return w.AddObject(group, o.Kind, text)
}

// role and bound write a role with rules, and a binding of it; without a
// namespace they are those of the cluster.
func role(namespace, name string, rules ...string) string {
	kind := "Role"
	if namespace == "" {
		kind = "ClusterRole"
	}
	return fmt.Sprintf("\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: %s, namespace: %q}, rules: [%s]}", kind, name, namespace, strings.Join(rules, ", "))
}

func bound(namespace, roleKind, name string, subjects ...string) string {
	kind := "RoleBinding"
	if namespace == "" {
		kind = "ClusterRoleBinding"
	}
	return fmt.Sprintf("\n---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: %s, metadata: {name: %s, namespace: %q}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %s, name: %s}, subjects: [%s]}",
		kind, name, namespace, roleKind, name, strings.Join(subjects, ", "))
}

const (
	jo      = "{kind: User, name: jo}"
	ml      = "{kind: Group, name: ml}"
	account = "{kind: ServiceAccount, name: runner, namespace: serving}"
	empty   = "{apiVersion: v1, kind: Namespace, metadata: {name: serving}}"
)
