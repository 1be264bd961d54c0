package assess_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// harbourEstate is the example estate as read, once for all tests.
var harbourEstate = sync.OnceValues(func() (*estate.Snapshot, error) {
	return assess.Read(context.Background(), assess.Options{Sources: []string{"dir:../examples/harbour"}, MaskKey: []byte("test"), Now: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)})
})

// rewrite builds an estate anew, a day later, from what was read of another and
// edited.
func rewrite(t fataler, base *estate.Snapshot, edit func([]estate.Asset) []estate.Asset) *estate.Snapshot {
	t.Helper()
	var assets []estate.Asset
	for n, a := range base.Assets() {
		if a.Referenced || len(a.Reads) == 0 || strings.HasPrefix(a.Type, "sevenfold::") || a.Type == kubernetes.ModelType {
			continue // a model is made anew of what names it
		}
		config, err := base.Config(n)
		if err != nil {
			t.Fatal(err)
		}
		raw := *a
		raw.Config, raw.Kind, raw.Root, raw.Tags = slices.Clone(config), "", nil, maps.Clone(a.Tags)
		assets = append(assets, raw)
	}
	b := estate.NewBuilder(base.Taken().Add(24 * time.Hour))
	for _, a := range edit(assets) {
		b.Asset(a)
	}
	for _, x := range base.Sources() {
		b.Source(x)
	}
	for _, x := range base.Coverage() {
		b.Covered(x)
	}
	for _, x := range base.BlindSpots() {
		b.BlindSpot(x)
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = assess.Understood(context.Background(), snap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

func same(assets []estate.Asset) []estate.Asset { return assets }

// place is a leaf of a configuration.
type leaf struct{ path []any }

// leaves lists the places of a tree that hold a plain value.
func leaves(v any, at []any, out *[]leaf) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			leaves(v[k], append(slices.Clone(at), k), out)
		}
	case []any:
		for i := range v {
			leaves(v[i], append(slices.Clone(at), i), out)
		}
	case nil:
	default:
		*out = append(*out, leaf{at})
	}
}

// set puts a value at a place.
func set(tree any, path []any, to func(any) any) any {
	if len(path) == 0 {
		return to(tree)
	}
	switch v := tree.(type) {
	case map[string]any:
		k := path[0].(string)
		v[k] = set(v[k], path[1:], to)
	case []any:
		i := path[0].(int)
		v[i] = set(v[i], path[1:], to)
	}
	return tree
}

// isTags reports whether a place holds tags: an asset has them beside its
// configuration, and a test changes them there.
func isTags(step any) bool {
	return step == "Tags" || step == "tags" || step == "TagList" || step == "TagSet" || step == "labels"
}

// other is another value of the same kind.
func other(v any) any {
	switch v := v.(type) {
	case string:
		return v + "x"
	case bool:
		return !v
	default:
		return json.Number("987654")
	}
}

func decode(t fataler, config json.RawMessage) map[string]any {
	dec := json.NewDecoder(strings.NewReader(string(config)))
	dec.UseNumber()
	tree := map[string]any{}
	if err := dec.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func encode(t fataler, tree any) json.RawMessage {
	out, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func describe(d *audit.Drift) string {
	var out []string
	for i := range d.Records {
		r := &d.Records[i]
		var at []string
		for _, c := range r.Changes {
			at = append(at, fmt.Sprintf("%s: %.60s -> %.60s", c.Attribute, c.Before, c.After))
		}
		out = append(out, fmt.Sprintf("%s %s %s\n    %s", r.What, r.Consequence, r.Asset, strings.Join(at, "\n    ")))
	}
	return strings.Join(out, "\n")
}

// An estate that is read again without a change differs in nothing.
func TestDriftOfTheSameEstate(t *testing.T) {
	base, err := harbourEstate()
	if err != nil {
		t.Fatal(err)
	}
	base = rewrite(t, base, same)
	d, err := audit.Compare(context.Background(), base, rewrite(t, base, same))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Records) != 0 || d.Compared < 100 {
		t.Errorf("%d assets compared, they differ:\n%s", d.Compared, describe(d))
	}
}

// One act is one record: whatever single thing changes, comes or goes.
func TestDriftOneActIsOneRecord(t *testing.T) {
	base, err := harbourEstate()
	if err != nil {
		t.Fatal(err)
	}
	base = rewrite(t, base, same)
	rapid.Check(t, func(t *rapid.T) {
		what := ""
		after := rewrite(t, base, func(assets []estate.Asset) []estate.Asset {
			i := rapid.IntRange(0, len(assets)-1).Draw(t, "asset")
			a := &assets[i]
			if comesAndGoes(a.Type) {
				t.Skip("it comes and goes by itself")
			}
			what = a.ID
			switch act := rapid.SampledFrom([]string{"set", "set", "set", "tag", "remove", "add", "member"}).Draw(t, "act"); act {
			case "tag":
				what += " tag"
				if a.Tags == nil {
					t.Skip("its tags were not read")
				}
				a.Tags["cost-centre"] = "42"
			case "remove":
				what += " removed"
				if a.Type == "v1/Node" || strings.Contains(a.ID, "#") || !base.Covered(a.Type, a.Account, a.Region) || owns(base, a.ID) {
					t.Skip("nobody would say that it is gone")
				}
				return slices.Delete(assets, i, i+1)
			case "add":
				what += " twin"
				if a.Type == "v1/Node" || strings.Contains(a.ID, "#") || singleton(a) || controlled(base, a.ID) {
					t.Skip("there is one of these")
				}
				twin := *a
				twin.ID, twin.Name = a.ID+"-twin", a.Name+"-twin"
				tree := decode(t, a.Config)
				tree["Sevenfold"] = "another configuration"
				twin.Config = encode(t, tree)
				return append(assets, twin)
			case "member":
				what += " member"
				tree := decode(t, a.Config)
				tree["SomethingNew"] = map[string]any{"Enabled": true}
				a.Config = encode(t, tree)
			default:
				tree, err := audit.Essence(a, a.Config)
				if err != nil {
					t.Fatal(err)
				}
				var all []leaf
				leaves(tree, nil, &all)
				all = slices.DeleteFunc(all, func(l leaf) bool { return slices.ContainsFunc(l.path, isTags) })
				if len(all) == 0 {
					t.Skip("it says nothing")
				}
				at := rapid.SampledFrom(all).Draw(t, "at")
				whole := decode(t, a.Config)
				path := at.path
				if a.Type == "v1/Node" && path[0] == "nodeInfo" {
					path = append([]any{"status"}, path...) // the essence has it at its root
				}
				set(whole, path, other)
				a.Config = encode(t, whole)
				what += fmt.Sprint(" ", at.path)
			}
			return assets
		})
		d, err := audit.Compare(context.Background(), base, after)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Records) != 1 {
			t.Fatalf("%s: %d records\n%s", what, len(d.Records), describe(d))
		}
	})
}

// fataler is what the helpers need of a test or of a property.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// comesAndGoes reports whether all assets of a type are left out.
func comesAndGoes(typ string) bool {
	return slices.ContainsFunc(audit.Volatile(), func(n audit.Noise) bool { return n.Type == typ && slices.Contains(n.Places, "the whole asset") })
}

// owns reports whether parts of an asset would be left behind.
func owns(s *estate.Snapshot, id string) bool {
	for _, a := range s.Assets() {
		if strings.HasPrefix(a.ID, id+"#") && len(a.Reads) > 0 {
			return true
		}
	}
	return false
}

// controlled reports whether a controller made an object: it may make more.
func controlled(s *estate.Snapshot, id string) bool {
	n, _ := s.Find(id)
	for e := range s.In(n) {
		// What a selector holds it did not make.
		if e.Type == estate.Contains && s.Asset(n).Cloud == estate.Kubernetes && s.Asset(e.Node).Type != estate.SetType {
			return true
		}
	}
	return false
}

// singleton reports whether an account has one of a type by nature.
func singleton(a *estate.Asset) bool {
	return strings.HasSuffix(a.ID, ":root") || !strings.Contains(a.ID, a.Name) || a.Name == ""
}
