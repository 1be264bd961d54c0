package scope

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Workloads are the AI workloads of a snapshot and the zones of its assets. Its
// methods are safe for concurrent use.
type Workloads struct {
	// List is ordered by id.
	List []finding.Workload
	// Notes say what could not be decided or does not fit, in a fixed order.
	Notes []Note

	zones   *zoning
	details map[string]*Declared // by workload id
	owners  map[estate.Node][]int32
	snap    *estate.Snapshot
}

// Note is something about scope and estate that a person should know.
type Note struct {
	Text string
	// Asset it is about; may be empty.
	Asset string
	// Hint says how to mend it.
	Hint string
}

// Declared returns what the file says of a workload, nil if it was discovered
// only.
func (w *Workloads) Declared(id string) *Declared { return w.details[id] }

// Pilot returns how many replicas or instances a workload may have without a
// certificate.
func (w *Workloads) Pilot(id string) int {
	if d := w.details[id]; d != nil {
		return d.Pilot.Replicas
	}
	return 1
}

// Limit returns how many replicas or instances a workload may have with a
// certificate; 0 is no limit.
func (w *Workloads) Limit(id string) int {
	if d := w.details[id]; d != nil {
		return d.Limit
	}
	return 0
}

// Of lists the ids of the workloads an asset is part of, or is touched by.
func (w *Workloads) Of(asset string) []string {
	n, ok := w.snap.Find(asset)
	if !ok {
		return nil
	}
	var out []string
	for _, i := range w.owners[n] {
		out = append(out, w.List[i].ID)
	}
	return out
}

// ZoneOf returns the zone of an asset: what its workload declares, else what
// the zones' matches and ranges say, else Unzoned. It is false where that could
// not be decided: two zones claim it, or a match hangs on what was not read.
func (w *Workloads) ZoneOf(asset string) (string, bool) {
	n, ok := w.snap.Find(asset)
	if !ok {
		return Unzoned, false
	}
	z := w.zones.of(n)
	return z.name, z.why == ""
}

// ZoneWhy says why an asset is in its zone, or why that could not be decided.
func (w *Workloads) ZoneWhy(asset string) string {
	n, ok := w.snap.Find(asset)
	if !ok {
		return "the estate has no such asset"
	}
	if z := w.zones.of(n); z.why != "" {
		return z.why
	}
	return w.zones.of(n).because
}

// draft is a workload in the making.
type draft struct {
	class, account, name string
	roots                []estate.Node
	extra                []estate.Node // matched by declaration, not roots
	why                  string
	declared             *Declared
	members, touches     []estate.Node
}

// Workloads finds the AI workloads of a snapshot: one for each root that a
// provider marked, runs of one family joined, refined and merged as the file
// declares.
func (s *Scope) Workloads(snap *estate.Snapshot) (*Workloads, error) {
	w := &Workloads{snap: snap, details: map[string]*Declared{}, owners: map[estate.Node][]int32{}}
	drafts, rootOf := discover(snap)
	drafts, err := s.refine(w, drafts, rootOf)
	if err != nil {
		return nil, err
	}
	enclose(snap, drafts)
	w.zones = newZoning(s, snap)
	for i := range drafts {
		if d := drafts[i].declared; d != nil && d.Zone != "" {
			for _, n := range drafts[i].members {
				w.zones.declare(n, d)
			}
		}
	}
	w.fill(drafts)
	return w, nil
}

// Over returns the same workloads over another view of their snapshot: what of it is
// asked for zones from now on is read there.
func (w *Workloads) Over(snap *estate.Snapshot) *Workloads {
	over := *w
	over.snap, over.zones = snap, w.zones.over(snap)
	return &over
}

// discover makes a draft for each family of roots, in order of their ids.
func discover(snap *estate.Snapshot) ([]*draft, map[estate.Node]*draft) {
	type family struct{ class, account, name string }
	families, rootOf := map[family]*draft{}, map[estate.Node]*draft{}
	var out []*draft
	for n, a := range snap.Assets() {
		if a.Root == nil {
			continue
		}
		d := &draft{class: a.Root.Class, account: a.Account, name: cmp.Or(a.Root.Family, nameOf(a)), why: a.Root.Why}
		if a.Root.Family != "" {
			key := family{a.Root.Class, a.Account, a.Root.Family}
			if old := families[key]; old != nil {
				d = old
			} else {
				families[key] = d
			}
		}
		if len(d.roots) == 0 {
			out = append(out, d)
		}
		d.roots = append(d.roots, n)
		rootOf[n] = d
	}
	return out, rootOf
}

// nameOf is an asset's name, else the last part of its id.
func nameOf(a *estate.Asset) string {
	if a.Name != "" {
		return a.Name
	}
	return a.ID[strings.LastIndexAny(a.ID, "/:")+1:]
}

// fill turns drafts into the list, with ids that do not depend on the order in
// which anything was read.
func (w *Workloads) fill(drafts []*draft) {
	slugs := map[string]int{}
	for _, d := range drafts {
		slugs[slug(d.name)]++
	}
	type made struct {
		finding.Workload
		draft *draft
	}
	var all []made
	for _, d := range drafts {
		id := "workload:" + slug(d.name)
		if slugs[slug(d.name)] > 1 {
			// Two of one name: the class, account and first root tell them apart.
			root := ""
			if len(d.roots) > 0 {
				root = w.snap.Asset(d.roots[0]).ID
			}
			id += "-" + strings.TrimPrefix(finding.NewID(d.class, d.account, root), "F-")[:8]
		}
		f := finding.Workload{ID: id, Name: d.name, Type: d.class, Roots: w.ids(d.roots), Members: w.ids(d.members), Touches: w.ids(d.touches), Why: w.why(d)}
		f.Owner, f.Purpose = w.owner(d), ""
		if d.declared != nil {
			f.Purpose = d.declared.Purpose
		}
		f.Zone = w.zone(d)
		all = append(all, made{f, d})
	}
	slices.SortFunc(all, func(a, b made) int { return cmp.Compare(a.ID, b.ID) })
	for i, m := range all {
		w.List = append(w.List, m.Workload)
		if m.draft.declared != nil {
			w.details[m.ID] = m.draft.declared
		}
		for _, n := range m.draft.members {
			w.owners[n] = append(w.owners[n], int32(i))
		}
		for _, n := range m.draft.touches {
			w.owners[n] = append(w.owners[n], int32(i))
		}
	}
	slices.SortFunc(w.Notes, func(a, b Note) int { return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Text, b.Text)) })
	w.Notes = slices.CompactFunc(w.Notes, func(a, b Note) bool { return a == b })
}

func (w *Workloads) ids(nodes []estate.Node) []string {
	out := make([]string, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, w.snap.Asset(n).ID)
	}
	slices.Sort(out)
	return out
}

// slug makes a name fit for ids and file names.
func slug(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, name)
	return strings.Trim(s, "-")
}

// why says why this is a workload, and the line that corrects it.
func (w *Workloads) why(d *draft) string {
	if d.declared != nil {
		why := fmt.Sprintf("declared at %s", d.declared.Place)
		if len(d.roots)+len(d.extra) == 0 {
			return why + "; nothing in the estate matches it"
		}
		if d.why != "" {
			why += "; " + d.why
		}
		return why
	}
	match := fmt.Sprintf("id == %q", w.snap.Asset(d.roots[0]).ID)
	return fmt.Sprintf("%s; if that is wrong, add to workloads in sevenfold.yaml: - {name: %s, match: %s, ignore: true}",
		d.why, quoteYAML(d.name), quoteYAML(match))
}

func quoteYAML(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// ownerTags are the tags and labels that name an owner, by custom.
var ownerTags = []string{"owner", "ownedby", "owneremail", "serviceowner", "dataowner", "technicalowner", "team", "teamname", "ownerteam", "contact"}

// owner is the declared one, else what the roots' tags say, if they agree.
func (w *Workloads) owner(d *draft) string {
	if d.declared != nil && d.declared.Owner != "" {
		return d.declared.Owner
	}
	found := map[string]bool{}
	for _, n := range d.roots {
		if o := tagged(w.snap.Asset(n).Tags); o != "" {
			found[o] = true
		}
	}
	names := slices.Sorted(maps.Keys(found))
	if len(names) > 1 {
		w.Notes = append(w.Notes, Note{Text: fmt.Sprintf("workload %s has several owners by its tags: %s", d.name, strings.Join(names, ", ")),
			Hint: "declare one as owner in sevenfold.yaml"})
		return ""
	}
	return strings.Join(names, "")
}

// joints take away what holds the words of a tag's key together.
var joints = strings.NewReplacer("-", "", "_", "", " ", "", ".", "")

func tagged(tags map[string]string) string {
	best, rank := "", len(ownerTags)
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		plain := joints.Replace(strings.ToLower(k[strings.LastIndexAny(k, "/:")+1:]))
		if i := slices.Index(ownerTags, plain); i >= 0 && i < rank && strings.TrimSpace(tags[k]) != "" {
			best, rank = strings.TrimSpace(tags[k]), i
		}
	}
	return best
}

// zone is the declared one, else that of the roots, if they agree.
func (w *Workloads) zone(d *draft) string {
	if d.declared != nil && d.declared.Zone != "" {
		return d.declared.Zone
	}
	found := map[string]bool{}
	for _, n := range append(slices.Clone(d.roots), d.extra...) {
		z := w.zones.of(n)
		if z.why != "" {
			w.Notes = append(w.Notes, Note{Text: z.why, Asset: w.snap.Asset(n).ID, Hint: "make the zones' matches exclude each other, or declare the workload's zone"})
			return Unzoned
		}
		if z.name != Unzoned {
			found[z.name] = true
		}
	}
	names := slices.Sorted(maps.Keys(found))
	switch len(names) {
	case 0:
		return Unzoned
	case 1:
		return names[0]
	}
	w.Notes = append(w.Notes, Note{Text: fmt.Sprintf("the roots of workload %s are in several zones: %s", d.name, strings.Join(names, ", ")),
		Hint: "declare the workload's zone, or two workloads"})
	return Unzoned
}

func declaredAt(p strict.Place) string { return "at " + p.String() }
