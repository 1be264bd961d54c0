package data

import (
	"fmt"
	"slices"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// beside is what is possible of labelled data, as criteria look at it: flows by the store they
// are out of, and by each system they would bring a label to.
type beside struct {
	*Flows
	stores map[string]bool // those that were asked about
	out    map[string][]int
	into   map[string][]int
}

// weighPossible finds the possible flows, once for all workloads.
func (j *jury) weighPossible() error {
	if j.w.answers.Read == nil && j.w.answers.Open == nil {
		return nil
	}
	j.possible = beside{Flows: &Flows{}, stores: map[string]bool{}, out: map[string][]int{}, into: map[string][]int{}}
	if err := j.w.AddPossible(j.ctx, j.possible.Flows, j.workloads, "", j.w.answers); err != nil {
		return err
	}
	stores, _ := j.w.labelledStores("")
	for _, id := range stores {
		j.possible.stores[id] = true
	}
	for i := range j.possible.Possible {
		f := &j.possible.Possible[i]
		j.possible.out[f.Store] = append(j.possible.out[f.Store], i)
		for _, s := range f.Systems {
			j.possible.into[s.System] = append(j.possible.into[s.System], i)
		}
	}
	return nil
}

// beside says of a workload which flows of labelled data are possible by permission and by
// network alone, out of its stores and into what is of it. They are no fault, since nothing
// shows that a label went there, and are told. Where data events would not have shown it, one
// that ends where the label is not approved keeps the answer open; so does a store of which
// it is not known who could take its data.
func (j *jury) beside(p *party) (open []string, note string, more []finding.Claim) {
	if j.possible.Flows == nil {
		return nil, "", nil
	}
	own := map[string]bool{}
	for _, id := range p.places {
		if c, _ := part(id); j.possible.stores[c] {
			own[c] = true
		}
	}
	seen := map[int]bool{}
	for id := range own {
		for _, i := range j.possible.out[id] {
			seen[i] = true
		}
	}
	for _, id := range p.systems {
		for _, i := range j.possible.into[id] {
			seen[i] = true
		}
	}
	if len(own)+len(seen) == 0 {
		return nil, "", nil
	}
	all := make([]int, 0, len(seen))
	for i := range seen {
		all = append(all, i)
	}
	slices.Sort(all) // what is not approved first
	bad, example := 0, ""
	for _, i := range all {
		f := &j.possible.Possible[i]
		// Of what comes in from elsewhere only its own systems are its matter.
		k := slices.IndexFunc(f.Systems, func(s PossibleSystem) bool {
			return s.Approved == "no" && (own[f.Store] || slices.Contains(p.systems, s.System))
		})
		if k < 0 {
			continue
		}
		end := short(f.Systems[k].System)
		if end == anyone {
			end = "anybody"
		}
		if bad++; example == "" {
			example = fmt.Sprintf("%s of %s to %s", f.Labels[0], short(f.Store), end)
		}
		if !f.Watched {
			open = append(open, fmt.Sprintf("%s of %s could reach %s, which is not approved, by %s alone, and its data events would not show it", f.Labels[0], short(f.Store), end, f.By))
		}
	}
	claim := finding.Claim{Claim: "labelled stores of it of which it is known who could take their data", Of: len(own), Examined: len(own), Source: "permissions and network; sevenfold data flows lists them"}
	vague := map[string]bool{}
	for _, u := range j.possible.unsure {
		if !own[u.store] {
			continue
		}
		vague[u.store] = true
		if !u.watched {
			open = append(open, "who could take the data of "+u.store+" is not known: "+u.why)
		}
	}
	claim.Examined -= len(vague)
	if claim.Of > 0 {
		more = append(more, claim)
	}
	if len(all) > 0 {
		more = append(more, finding.Claim{Claim: "flows that are possible by permission or network alone and end in approved systems", Examined: len(all) - bad, Of: len(all), Source: "sevenfold data flows"})
		note = fmt.Sprintf("%d flows are possible by permission or network alone, %d of them to systems that are not approved", len(all), bad)
		if example != "" {
			note += ", such as " + example
		}
		note += ": sevenfold data flows"
	}
	if n := len(vague); n > 0 {
		if note != "" {
			note += "; "
		}
		note += fmt.Sprintf("of %d of its stores it is not known who could take their data", n)
	}
	return open, note, more
}
