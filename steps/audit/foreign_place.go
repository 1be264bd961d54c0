package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// atlas finds the asset that another tool's words mean.
type atlas struct {
	snap      *estate.Snapshot
	controls  *control.Set
	accounts  map[string]bool                   // that were read
	clusters  map[string]bool                   // that were read
	objects   map[object][]estate.Node          // of clusters, read or named
	singles   map[estate.Coverage][]estate.Node // by type, account and region
	addresses map[string][]string               // ids by address
	blocks    map[string][]string               // ids by the address of a resource block, of all its instances; made once one is asked for
	kinds     map[string]map[string]bool        // the clusters in which every object of a kind was listed; made once one is asked for
	images    map[string]estate.Node            // by each id of kubernetes.ImageIDs
}

type object struct{ kind, namespace, name string }

// spot is where a tool's result belongs: an asset of the estate, or none.
type spot struct {
	node estate.Node
	tied bool
	// id names the thing in findings, tied or not.
	id string
	// Of what is not tied: why, and whom it may concern.
	why     string
	account string // AWS account; empty: none is known
	region  string
	cluster string // empty with kind set: any
	kind    string
	ns      string
	whole   bool // the account itself
	nobody  bool // it is known to concern nobody here: gone, or in an account nobody reads
}

func newAtlas(snap *estate.Snapshot, controls *control.Set) *atlas {
	a := &atlas{snap: snap, controls: controls, accounts: map[string]bool{}, clusters: map[string]bool{},
		objects: map[object][]estate.Node{}, singles: map[estate.Coverage][]estate.Node{}, addresses: map[string][]string{},
		images: map[string]estate.Node{}}
	for n, asset := range snap.Assets() {
		if !asset.Referenced && len(asset.Reads) > 0 && asset.Account != "" {
			if asset.Cloud == estate.Kubernetes {
				a.clusters[asset.Account] = true
			} else {
				a.accounts[asset.Account] = true
			}
		}
		switch {
		case asset.Cloud == estate.Kubernetes && strings.HasPrefix(asset.ID, "k8s://"):
			if k, ok := objectOf(asset.ID); ok {
				a.objects[k] = append(a.objects[k], n)
			}
		case settings[asset.Type] != "" || hasSetting(asset.Type) || asset.Type == "AWS::Organizations::Account":
			for _, region := range slices.Compact([]string{asset.Region, ""}) {
				at := estate.Coverage{Type: asset.Type, Account: asset.Account, Region: region}
				a.singles[at] = append(a.singles[at], n)
			}
		case asset.Type == estate.AddressesType:
			a.learn(n)
		case asset.Type == estate.ImageType:
			// AWS's configurations spell an image as they were given it, clusters in full.
			for _, id := range kubernetes.ImageIDs(strings.TrimPrefix(asset.ID, "image://")) {
				if _, taken := a.images[id]; !taken {
					a.images[id] = n
				}
			}
		}
	}
	return a
}

func hasSetting(typ string) bool {
	_, ok := settings[typ]
	return ok || typ == "AWS::EC2::SnapshotBlockPublicAccess"
}

// learn takes over the addresses of a plan or state.
func (a *atlas) learn(n estate.Node) {
	config, err := a.snap.Config(n)
	var of estate.Addresses
	if err != nil || json.Unmarshal(config, &of) != nil {
		return // then nothing is found by address, and says so
	}
	for address, ids := range of.Of {
		a.addresses[address] = append(a.addresses[address], ids...)
	}
}

// objectOf takes the id of a Kubernetes object apart: the group of its kind is
// left out, since no tool names it.
func objectOf(id string) (object, bool) {
	parts := strings.SplitN(strings.TrimPrefix(id, "k8s://"), "/", 4)
	if len(parts) != 4 || strings.Contains(parts[3], "#") {
		return object{}, false
	}
	kind, _, _ := strings.Cut(parts[2], ".")
	return object{strings.ToLower(kind), parts[1], parts[3]}, true
}

// find places a resource. The control that asks the same as the tool's check, if
// any, tells which asset is meant where the tool names an account.
func (a *atlas) find(r *estate.ForeignResource, c *control.Control) spot {
	switch {
	case r.ID != "":
		return a.byID(r, c)
	case r.Kind != "":
		return a.byObject(r)
	case r.Address != "":
		return a.byAddress(r, c)
	case len(r.Images) > 0:
		for _, name := range r.Images {
			if n, ok := a.snap.Find("image://" + name); ok {
				return a.on(n)
			}
		}
		for _, name := range r.Images {
			for _, id := range kubernetes.ImageIDs(name) {
				if n, ok := a.images[id]; ok {
					return a.on(n)
				}
			}
		}
		return spot{id: "image://" + r.Images[0], why: "nothing that was read runs this image", nobody: true}
	case r.File != "":
		return spot{id: "file://" + r.File, why: "the report names a file, and not which resource of the estate is meant"}
	}
	return spot{id: r.Name, why: "the report does not name it in a way that is known here"}
}

func (a *atlas) on(n estate.Node) spot { return spot{node: n, tied: true, id: a.snap.Asset(n).ID} }

func (a *atlas) byID(r *estate.ForeignResource, c *control.Control) spot {
	id := knownBy(r.ID)
	n, ok := a.snap.Find(id)
	if ok && (c == nil || slices.Contains(c.Types, a.snap.Asset(n).Type)) {
		return a.on(n)
	}
	// An account-wide check is about the one setting that the control asks of.
	if c != nil {
		for _, typ := range c.Types {
			for _, region := range []string{r.Region, ""} {
				if ns := a.singles[estate.Coverage{Type: typ, Account: r.Account, Region: region}]; len(ns) == 1 {
					return a.on(ns[0])
				}
			}
		}
	}
	if ok {
		return a.on(n)
	}
	s := spot{id: id, account: r.Account, region: r.Region, whole: id == "arn:aws:iam::"+r.Account+":root"}
	typ, _, _ := aws.Guess(id)
	switch {
	case r.Account != "" && !a.accounts[r.Account]:
		s.why, s.nobody = fmt.Sprintf("account %s is not read", r.Account), true
	case s.whole:
		s.why = "the account itself was not read; it holds for the whole account"
	case typ != "" && (a.snap.Covered(typ, r.Account, r.Region) || a.snap.Covered(typ, r.Account, "")):
		s.why, s.nobody = fmt.Sprintf("the complete list of %s of account %s does not hold it: it is gone since, or was never there", typ, r.Account), true
	default:
		s.why = "no source read it"
	}
	return s
}

// knownBy is the id under which the estate knows what an ARN names. An image in a
// registry is named by its digest; what is known is the registry. Config puts a
// random part behind a recorder's name, which no plan can tell: it is known by
// its name.
func knownBy(id string) string {
	if repository, _, ok := strings.Cut(id, "/sha256:"); ok {
		return repository
	}
	if before, name, ok := strings.Cut(id, ":configuration-recorder/"); ok && strings.HasPrefix(id, "arn:") {
		name, _, _ = strings.Cut(name, "/")
		return before + ":configuration-recorder/" + name
	}
	return id
}

func (a *atlas) byObject(r *estate.ForeignResource) spot {
	ns := a.objects[object{strings.ToLower(r.Kind), r.Namespace, r.Name}]
	if len(ns) > 1 {
		var same []estate.Node
		for _, n := range ns {
			if a.snap.Asset(n).Account == r.Cluster {
				same = append(same, n)
			}
		}
		ns = same
	}
	if len(ns) == 1 {
		return a.on(a.owner(ns[0]))
	}
	cluster := r.Cluster
	if len(a.clusters) == 1 && !a.clusters[cluster] {
		cluster = "" // the tool may have another name for the only cluster there is
	}
	s := spot{id: strings.Join([]string{"k8s:/", r.Cluster, r.Namespace, r.Kind, r.Name}, "/"), cluster: cluster, kind: r.Kind, ns: r.Namespace, why: "no source read it"}
	switch {
	case len(a.clusters) == 0:
		s.why = "no cluster was read"
	case cluster != "" && !a.clusters[cluster]:
		// One of the two may call the cluster by its context: it proves nothing.
		s.why, s.cluster = fmt.Sprintf("no cluster is read under the name %s", cluster), ""
	case a.listed(r.Kind, cluster):
		s.why, s.nobody = fmt.Sprintf("the complete list of %s does not hold it: it is gone since, or was never there", r.Kind), true
	}
	return s
}

// listed reports whether every object of a kind was listed, in one cluster or in
// all.
func (a *atlas) listed(kind, cluster string) bool {
	if a.kinds == nil {
		a.kinds = map[string]map[string]bool{}
		for _, c := range a.snap.Coverage() {
			if !a.clusters[c.Account] {
				continue
			}
			k := c.Type[strings.LastIndexByte(c.Type, '/')+1:]
			if a.kinds[k] == nil {
				a.kinds[k] = map[string]bool{}
			}
			a.kinds[k][c.Account] = true
		}
	}
	found := a.kinds[kind]
	if cluster != "" {
		return found[cluster]
	}
	return len(found) == len(a.clusters)
}

// owner is the object that a controller's object was made by, if that is asked
// in its place.
func (a *atlas) owner(n estate.Node) estate.Node {
	for range 4 {
		if !a.controls.Owned(a.snap, n) {
			return n
		}
		next := n
		for e := range a.snap.In(n) {
			if e.Type == estate.Contains && a.snap.Asset(e.Node).Cloud == estate.Kubernetes {
				if k, ok := objectOf(a.snap.Asset(e.Node).ID); ok && k.kind != "namespace" && k.kind != "node" {
					next = e.Node
				}
			}
		}
		if next == n {
			return n
		}
		n = next
	}
	return n
}

// instances are the ids of all instances of the resource or module at an address.
func (a *atlas) instances(address string) []string {
	if a.blocks == nil {
		a.blocks = map[string][]string{}
		for full, ids := range a.addresses {
			for i := range full {
				if full[i] == '[' {
					a.blocks[full[:i]] = append(a.blocks[full[:i]], ids...)
				}
			}
		}
	}
	return a.blocks[address]
}

func (a *atlas) byAddress(r *estate.ForeignResource, c *control.Control) spot {
	ids := a.addresses[r.Address]
	if len(ids) == 0 { // instances of one resource block
		ids = a.instances(r.Address)
	}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(append(ids, "terraform://"+r.Address))
	var found []estate.Node
	for _, id := range ids {
		if n, ok := a.snap.Find(id); ok && (c == nil || slices.Contains(c.Types, a.snap.Asset(n).Type)) {
			found = append(found, n)
		}
	}
	if len(found) == 1 {
		return a.on(found[0])
	}
	s := spot{id: "terraform://" + r.Address, why: "no plan or state that was read has this address"}
	if len(found) > 1 {
		s.why = fmt.Sprintf("%d assets come from this address; the report does not say which", len(found))
	}
	return s
}
