package audit

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What a collector withholds is compared by what stands in its place: the values
// of configuration maps by keyed digests, secrets in clear not at all, since a
// secret that is rotated is no change.

// digests is the member of a configuration map that holds the digests of its
// values, as the collector made them and masking replaced them.
const digests = "valueDigests"

// keyedDigest is a digest that tells one value from another. Without a key a mask
// holds no hash, and all values look alike.
var keyedDigest = regexp.MustCompile(`^sevenfold:masked\(value,\d+,[0-9a-f]{8}\)$`)

// noKey is why values are not compared where the state has no key for masks.
const noKey = "the state keeps no key for digests, so that one value cannot be told from another"

// ownMaps are the configuration maps, by name, that the cluster keeps up by
// itself, and the keys whose values it changes; "*" for all.
var ownMaps = map[string][]string{
	"kube-root-ca.crt": {"ca.crt"}, "istio-ca-root-cert": {"root-cert.pem"}, "openshift-service-ca.crt": {"service-ca.crt"},
	"extension-apiserver-authentication": {"*"}, "cluster-autoscaler-status": {"*"},
}

// values puts into two configuration maps, in the places of the values withheld,
// what tells them apart, so that a changed value is a change of its key; what only
// one side can tell is lost.
func values(a *estate.Asset, was, is map[string]any) []lostRead {
	given := func(tree map[string]any) map[string]any {
		d, _ := tree[digests].(map[string]any)
		delete(tree, digests)
		return d
	}
	d, e := given(was), given(is)
	var lostWas, lostIs bool
	for _, member := range []string{"data", "binaryData"} {
		x, _ := was[member].(map[string]any)
		y, _ := is[member].(map[string]any)
		dx, _ := d[member].(map[string]any)
		dy, _ := e[member].(map[string]any)
		for key, v := range x {
			if v != nil {
				continue // it was not withheld
			}
			before, _ := dx[key].(string)
			after, _ := dy[key].(string)
			other, both := y[key]
			knownWas, knownIs := keyedDigest.MatchString(before), keyedDigest.MatchString(after)
			switch {
			case !both:
				x[key] = orWithheld(before)
			case other != nil: // withheld on one side only
			case ownMap(a, key):
				x[key], y[key] = true, true
			case knownWas && knownIs:
				x[key], y[key] = before, after
			default:
				// What neither side can tell is told once for all.
				lostWas, lostIs = lostWas || knownIs, lostIs || knownWas && after == ""
				x[key], y[key] = true, true
			}
		}
		for key, v := range y {
			if v == nil {
				after, _ := dy[key].(string)
				y[key] = orWithheld(after)
			}
		}
	}
	var out []lostRead
	if lostIs {
		out = append(out, lostRead{asset: a, operation: "values", now: true, why: "source " + a.Source + " gives no digests of the values", hint: "read it live, or export it"})
	}
	if lostWas {
		out = append(out, lostRead{asset: a, operation: "values", why: "the baseline keeps no digests of the values, so there is nothing to compare with", hint: lookAndApprove})
	}
	return out
}

// secretKeys compares which keys two secrets have by their names, where both sides
// tell them, else by their number. An older reader did not tell them.
func secretKeys(a *estate.Asset, was, is map[string]any, notWas []string) []lostRead {
	switch {
	case was["dataKeys"] == nil && is["dataKeys"] != nil && !slices.Contains(notWas, "/dataKeys"):
		delete(is, "dataKeys")
		delete(is, "keyNames")
		return []lostRead{{asset: a, operation: "dataKeys", why: "the baseline does not say how many keys it has", hint: lookAndApprove}}
	case was["keyNames"] != nil && is["keyNames"] != nil:
		delete(was, "dataKeys")
		delete(is, "dataKeys")
	case is["keyNames"] != nil && was["keyNames"] == nil && !slices.Contains(notWas, "/keyNames"):
		delete(is, "keyNames")
		return []lostRead{{asset: a, operation: "keyNames", why: "the baseline does not say which keys it has", hint: lookAndApprove}}
	}
	return nil
}

// keepKey is the mend of noKey.
const keepKey = "name a file for the key, which is made if it is not there: --mask-key FILE, or SEVENFOLD_MASK_KEY"

func orWithheld(digest string) string {
	if digest == "" {
		return "withheld"
	}
	return digest
}

// ownMap reports whether the cluster changes a key's value by itself.
func ownMap(a *estate.Asset, key string) bool {
	keys := ownMaps[a.Name]
	return slices.Contains(keys, key) || slices.Contains(keys, "*") && a.Region == "kube-system" ||
		a.Name == "cluster-info" && a.Region == "kube-public" && strings.HasPrefix(key, "jws-kubeconfig-")
}

// besideValues leaves out of pointers those of values withheld, which digests tell
// of. Digests that two readings contradict make the value unknown.
func besideValues(pointers []string) []string {
	out := make([]string, 0, len(pointers))
	for _, p := range pointers {
		if in, ok := strings.CutPrefix(p, "/"+digests); ok {
			out = append(out, in)
			continue
		}
		if !strings.HasPrefix(p, "/data/") && !strings.HasPrefix(p, "/binaryData/") {
			out = append(out, p)
		}
	}
	return out
}

// undigested notes the configuration maps of which some value cannot be compared at
// all: the state has no key, so that all look alike, or their source does not tell
// them.
func (c *comparison) undigested() {
	for n, a := range c.after.Assets() {
		if a.Type != "v1/ConfigMap" || a.Referenced {
			continue
		}
		was, found := c.before.Find(a.ID)
		if !found || c.before.Asset(was).Referenced {
			continue
		}
		config, err := c.after.Config(n)
		if err != nil {
			continue // who compares it is told
		}
		if !withoutHash.Match(config) {
			if config2, err := c.before.Config(was); err == nil && lacksDigests(a, config) && lacksDigests(c.before.Asset(was), config2) {
				c.unseen.at("no digests "+a.Account+" "+a.Source, a, func() *hidden {
					return &hidden{what: "values of v1/ConfigMap in " + a.Account, typ: a.Type, account: a.Account,
						why: "source " + a.Source + " does not tell the values, nor a digest of them", hint: "read them live, or export them", op: "values"}
				})
			}
			continue
		}
		c.unseen.at("no key "+a.Account, a, func() *hidden {
			return &hidden{what: "values of v1/ConfigMap in " + a.Account, typ: a.Type, account: a.Account, why: noKey, hint: keepKey, op: "values"}
		})
	}
}

// lacksDigests reports whether more values of a configuration map are withheld than
// it holds digests of.
func lacksDigests(a *estate.Asset, config []byte) bool {
	withheld := 0
	for _, p := range a.Unknown {
		if strings.HasPrefix(p, "/data/") || strings.HasPrefix(p, "/binaryData/") {
			withheld++
		}
	}
	return withheld > bytes.Count(config, []byte("sevenfold:masked(value,"))
}

var withoutHash = regexp.MustCompile(`sevenfold:masked\(value,\d+\)`)

// rotation finds masks of secrets.
var rotation = regexp.MustCompile(`sevenfold:masked\(([^,()]*),[^()]*\)`)

// unrotated spells the secrets that were found in a configuration by their kind
// alone: one that was rotated is the same secret. One that took the place of a
// plain value, or is of another kind, is a change.
func unrotated(config []byte) []byte {
	if !bytes.Contains(config, []byte("sevenfold:masked(")) {
		return config
	}
	return rotation.ReplaceAllFunc(config, func(mask []byte) []byte {
		kind := rotation.FindSubmatch(mask)[1]
		if string(kind) == "value" {
			return mask
		}
		return []byte("sevenfold:masked(" + string(kind) + ")")
	})
}
