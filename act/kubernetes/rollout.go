package kubernetes

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// revisionKey is where the deployment controller numbers its replica sets.
const revisionKey = "deployment.kubernetes.io/revision"

// hashLabel is what the controller adds to the template of a replica set.
const hashLabel = "pod-template-hash"

func rolloutActions() []*Action {
	return []*Action{
		{id: "k8s.undo-rollout", title: "give a deployment the pods of an earlier revision", kinds: []string{"Deployment"}, lists: "ReplicaSet", params: map[string]string{"revision": "number of the revision that was good, as kubectl rollout history prints it"},
			breaks: "callers get the earlier version; during the change both answer", get: rolloutState, set: func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string, _ json.RawMessage) (bool, error) {
				return true, takeTemplate(ctx, c, o, u, func(rs *unstructured.Unstructured) bool { return rs.GetAnnotations()[revisionKey] == with["revision"] })
			},
			put: func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, _ map[string]string, prior json.RawMessage) (bool, error) {
				want := stateOf(prior)["template"]
				return true, takeTemplate(ctx, c, o, u, func(rs *unstructured.Unstructured) bool {
					t, err := templateOf(rs)
					return err == nil && digest(t) == want
				})
			},
			holds: func(_ map[string]string, now, prior map[string]any) bool {
				return now["template"] == prior["good"] && now["template"] != nil
			}},
		{id: "k8s.pin-image", title: "run a container by one image, named by its digest", kinds: []string{"Deployment", "StatefulSet", "DaemonSet"}, params: map[string]string{"container": "name of the container", "image": "image with its digest, NAME@sha256:…"},
			breaks: "the pods start anew", get: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, with map[string]string) (any, error) {
				c, _, err := containerOf(u, with["container"])
				return map[string]any{"image": c["image"]}, err
			},
			set: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, with map[string]string, _ json.RawMessage) (bool, error) {
				return true, setImage(u, with["container"], with["image"])
			},
			put: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, with map[string]string, prior json.RawMessage) (bool, error) {
				return true, setImage(u, with["container"], fmt.Sprint(stateOf(prior)["image"]))
			},
			holds: func(with map[string]string, now, _ map[string]any) bool { return now["image"] == with["image"] }},
		tool(),
	}
}

func digest(v any) string {
	text, err := canonical(v)
	if err != nil {
		return ""
	}
	h := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(h[:])
}

// templateOf is the pod template of a deployment or replica set, as the deployment
// has it.
func templateOf(u *unstructured.Unstructured) (map[string]any, error) {
	t, there, err := unstructured.NestedMap(u.Object, "spec", "template")
	if err == nil && !there {
		err = fmt.Errorf("%s has no pod template", u.GetName())
	}
	if err == nil {
		unstructured.RemoveNestedField(t, "metadata", "labels", hashLabel)
	}
	return t, err
}

// rolloutState is the digest of the template: it may hold secrets in its variables, and
// the replica sets keep it.
func rolloutState(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string) (any, error) {
	t, err := templateOf(u)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"template": digest(t)}
	err = c.replicaSets(ctx, o, u, func(rs *unstructured.Unstructured) {
		if g, err := templateOf(rs); err == nil && rs.GetAnnotations()[revisionKey] == with["revision"] {
			out["good"] = digest(g)
		}
	})
	if err == nil && out["good"] == nil {
		err = fmt.Errorf("it has no revision %s", with["revision"])
	}
	return out, err
}

// replicaSets visits those that a deployment owns.
func (c *client) replicaSets(ctx context.Context, o object, u *unstructured.Unstructured, visit func(*unstructured.Unstructured)) error {
	list, err := c.of("ReplicaSet", o.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range list.Items {
		for _, r := range list.Items[i].GetOwnerReferences() {
			if r.UID == u.GetUID() && r.Kind == "Deployment" {
				visit(&list.Items[i])
			}
		}
	}
	return nil
}

func takeTemplate(ctx context.Context, c *client, o object, u *unstructured.Unstructured, is func(*unstructured.Unstructured) bool) error {
	var found map[string]any
	err := c.replicaSets(ctx, o, u, func(rs *unstructured.Unstructured) {
		if t, err := templateOf(rs); err == nil && found == nil && is(rs) {
			found = t
		}
	})
	if err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("no replica set keeps the template to go to: it was cleaned up")
	}
	return unstructured.SetNestedMap(u.Object, found, "spec", "template")
}

func containerOf(u *unstructured.Unstructured, name string) (map[string]any, int, error) {
	l, _, err := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return nil, 0, err
	}
	for i, v := range l {
		if m, ok := v.(map[string]any); ok && m["name"] == name {
			return m, i, nil
		}
	}
	return nil, 0, fmt.Errorf("it has no container %s", name)
}

func setImage(u *unstructured.Unstructured, name, image string) error {
	c, i, err := containerOf(u, name)
	if err != nil {
		return err
	}
	l, _, err := unstructured.NestedSlice(u.Object, "spec", "template", "spec", "containers")
	if err != nil {
		return err
	}
	c["image"] = image
	l[i] = c
	return unstructured.SetNestedSlice(u.Object, l, "spec", "template", "spec", "containers")
}

// keptKey is the annotation that keeps what a tool's entry was: it may hold a token, so
// it never leaves the object it was in.
const keptKey = "sevenfold.dev/removed-tool-"

// tool takes an entry from the JSON by which an agent knows its tools.
func tool() *Action {
	entry := func(u *unstructured.Unstructured, with map[string]string) (doc, servers map[string]any, text string, err error) {
		text, _, err = unstructured.NestedString(u.Object, "data", with["file"])
		if err != nil {
			return nil, nil, "", err
		}
		if err := json.Unmarshal([]byte(text), &doc); err != nil {
			return nil, nil, "", fmt.Errorf("%s of the config map is no JSON", with["file"])
		}
		servers, ok := doc["mcpServers"].(map[string]any)
		if !ok {
			return nil, nil, "", fmt.Errorf("%s names no mcpServers", with["file"])
		}
		return doc, servers, text, nil
	}
	return &Action{id: "k8s.remove-tool", title: "take an MCP server from an agent's configuration", kinds: []string{"ConfigMap"}, params: map[string]string{"file": "key of the config map that holds the configuration", "tool": "name of the server under mcpServers"},
		breaks: "what the agent does by that tool, once its pods have read the configuration anew",
		get: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, with map[string]string) (any, error) {
			_, servers, text, err := entry(u, with)
			if err != nil {
				return nil, err
			}
			_, kept := u.GetAnnotations()[keptKey+with["tool"]]
			_, there := servers[with["tool"]]
			if !there && !kept {
				return nil, fmt.Errorf("the agent has no tool %s", with["tool"])
			}
			return map[string]any{"there": there, "kept": kept, "content": digest(text), "tools": sortedKeys(servers)}, nil
		},
		set: func(ctx context.Context, c *client, o object, u *unstructured.Unstructured, with map[string]string, _ json.RawMessage) (bool, error) {
			doc, servers, text, err := entry(u, with)
			if err != nil || servers[with["tool"]] == nil {
				return false, err
			}
			delete(servers, with["tool"])
			rest, err := json.MarshalIndent(doc, "", "  ")
			if err != nil {
				return false, err
			}
			a := u.GetAnnotations()
			if a == nil {
				a = map[string]string{}
			}
			a[keptKey+with["tool"]] = text
			u.SetAnnotations(a)
			return true, unstructured.SetNestedField(u.Object, string(rest), "data", with["file"])
		},
		put: func(_ context.Context, _ *client, _ object, u *unstructured.Unstructured, with map[string]string, prior json.RawMessage) (bool, error) {
			if stateOf(prior)["there"] != true {
				return false, nil
			}
			a := u.GetAnnotations()
			text, ok := a[keptKey+with["tool"]]
			if !ok || digest(text) != stateOf(prior)["content"] {
				return false, fmt.Errorf("what the configuration was is not kept in the object any more")
			}
			delete(a, keptKey+with["tool"])
			if len(a) == 0 {
				a = nil
			}
			u.SetAnnotations(a)
			return true, unstructured.SetNestedField(u.Object, text, "data", with["file"])
		},
		holds: func(_ map[string]string, now, _ map[string]any) bool {
			return now["there"] == false && now["kept"] == true
		}}
}
