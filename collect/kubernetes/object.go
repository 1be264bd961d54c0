package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// copies are annotations in which tools keep the whole object as it was
// applied, secret values included: they are dropped from every object.
var copies = []string{
	"kubectl.kubernetes.io/last-applied-configuration", "kapp.k14s.io/original", "objectset.rio.cattle.io/applied",
	"banzaicloud.com/last-applied", "kopf.zalando.org/last-handled-configuration",
}

// longNote bounds an annotation of a secret or configuration map: a longer one
// may be a copy of it that copies does not know.
const longNote = 256

// assetOf turns one object into an asset, taking from it what must not be
// kept: managed fields, the last applied copy, values of secrets and of
// configuration maps. It changes obj.
func assetOf(cluster string, obj map[string]any, read estate.Read) (estate.Asset, error) {
	apiVersion, kind := text(obj["apiVersion"]), text(obj["kind"])
	meta, ok := obj["metadata"].(map[string]any)
	if !ok {
		return estate.Asset{}, fmt.Errorf("%s %s has no metadata object", apiVersion, kind)
	}
	name, namespace := text(meta["name"]), text(meta["namespace"])
	if apiVersion == "" || kind == "" || name == "" {
		return estate.Asset{}, fmt.Errorf("an object needs apiVersion, kind and metadata.name: has %q, %q and %q", apiVersion, kind, name)
	}
	if strings.ContainsAny(kind+namespace, "/#") || strings.Contains(name, "/") {
		return estate.Asset{}, fmt.Errorf("%s %q in namespace %q: a name may not hold a slash", kind, name, namespace)
	}
	trim(meta, apiVersion == "v1" && (kind == "Secret" || kind == "ConfigMap"))
	a := estate.Asset{
		ID: ID(cluster, namespace, groupOf(apiVersion), kind, name), Type: apiVersion + "/" + kind,
		Cloud: estate.Kubernetes, Account: cluster, Region: namespace, Name: name,
		Tags: labels(meta["labels"]), Reads: []estate.Read{read},
	}
	if t, err := time.Parse(time.RFC3339, text(meta["creationTimestamp"])); err == nil {
		a.Created = t.UTC()
	}
	if apiVersion == "v1" {
		a.Unknown = withhold(obj, kind)
	}
	config, err := json.Marshal(obj)
	if err != nil {
		return estate.Asset{}, fmt.Errorf("%s %s: %w", kind, name, err)
	}
	a.Config = config
	return a, nil
}

// trim drops what the server keeps for itself, and copies of the object.
func trim(meta map[string]any, confidential bool) {
	delete(meta, "managedFields")
	if annotations, ok := meta["annotations"].(map[string]any); ok {
		for _, name := range copies {
			delete(annotations, name)
		}
		for name, v := range annotations {
			if s, isText := v.(string); confidential && (!isText || len(s) > longNote) {
				delete(annotations, name)
			}
		}
		if len(annotations) == 0 {
			delete(meta, "annotations")
		}
	}
	if meta["creationTimestamp"] == nil {
		delete(meta, "creationTimestamp") // typed clients print null for "not yet"
	}
}

// valueDigests is the member of a configuration map that holds a digest of each
// value withheld, below the members that held them: {"data":{"KEY":"sha256:…"}}.
// Whoever masks secrets replaces each by one under a key of its own
// (collect/redact), since few values are too many to guess.
const valueDigests = "valueDigests"

// dataKeys is the member of a secret that says how many keys it has, keyNames the
// one that says which: their names are no secret, and one that changes changes
// what its users find.
const (
	dataKeys = "dataKeys"
	keyNames = "keyNames"
)

// withhold removes the values of secrets and configuration maps and returns
// pointers to what is therefore unknown. Of a configuration map the key names
// stay, with null for each value but those of mapsPrincipals, and a digest of each
// beside them, by which a changed value is seen; of a secret its metadata, its
// type and the names of its keys, since a value that is rotated is no change.
func withhold(obj map[string]any, kind string) (unknown []string) {
	switch kind {
	case "Secret":
		unknown = append([]string{"/data", "/stringData"}, keysOf(obj)...)
		delete(obj, "data")
		delete(obj, "stringData")
		if text(obj["type"]) == "" {
			unknown = append(unknown, "/type")
		}
	case "ConfigMap":
		digests := map[string]any{}
		for _, member := range []string{"data", "binaryData"} {
			switch values := obj[member].(type) {
			case nil:
			case map[string]any:
				of := map[string]any{}
				for key, v := range values {
					if mapsPrincipals(obj, key) {
						continue
					}
					of[key] = digestOf(v)
					values[key] = nil
					unknown = append(unknown, "/"+member+"/"+escapePointer(key))
				}
				if len(of) > 0 {
					digests[member] = of
				}
			default:
				delete(obj, member) // not a map: nothing of it is safe to keep
				unknown = append(unknown, "/"+member)
			}
		}
		delete(obj, valueDigests)
		if len(digests) > 0 {
			obj[valueDigests] = digests
		}
		sort.Strings(unknown)
	}
	return unknown
}

// digestOf tells one value from another. A text has the digest of its own bytes.
func digestOf(v any) string {
	plain, isText := v.(string)
	if !isText {
		out, _ := json.Marshal(v) // it was decoded from JSON
		plain = string(out)
	}
	sum := sha256.Sum256([]byte(plain))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// keysOf puts the number and the names of a secret's keys in the place of its
// values, and returns what of that is unknown.
func keysOf(obj map[string]any) (unknown []string) {
	n, live := obj[dataKeys].(counted)
	names, listed := obj[keyNames].(named)
	delete(obj, dataKeys)
	delete(obj, keyNames)
	if live {
		if n < 0 {
			return []string{"/" + dataKeys, "/" + keyNames}
		}
		obj[dataKeys] = int(n)
		if !listed {
			return []string{"/" + keyNames}
		}
		obj[keyNames] = []string(names)
		return nil
	}
	keys := map[string]bool{}
	for _, member := range []string{"data", "stringData"} {
		switch values := obj[member].(type) {
		case nil:
		case map[string]any:
			for key := range values {
				keys[key] = true
			}
		default:
			return []string{"/" + dataKeys, "/" + keyNames}
		}
	}
	obj[dataKeys] = len(keys)
	obj[keyNames] = slices.AppendSeq(make([]string, 0, len(keys)), maps.Keys(keys))
	slices.Sort(obj[keyNames].([]string))
	return nil
}

// counted is the number of a secret's keys as a table tells it, -1 if it does not:
// named are the names of its keys as the table's metadata tell them: types of
// their own, so that no file can say so.
type (
	counted int
	named   []string
)

// mapsPrincipals reports whether a value says who of IAM is who in a cluster of
// EKS (kube-system/aws-auth): it holds ARNs and the names of users and groups,
// and nothing else tells whom they let in.
func mapsPrincipals(obj map[string]any, key string) bool {
	meta, _ := obj["metadata"].(map[string]any)
	if text(meta["namespace"]) != "kube-system" || text(meta["name"]) != "aws-auth" {
		return false
	}
	return key == "mapRoles" || key == "mapUsers"
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func escapePointer(key string) string { return pointerEscapes.Replace(key) }

// labels are read with the object, so that none is an empty map and not nil.
func labels(v any) map[string]string {
	out := map[string]string{}
	if m, ok := v.(map[string]any); ok {
		for k, v := range m {
			if s, ok := v.(string); ok {
				out[k] = s
			}
		}
	}
	return out
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
