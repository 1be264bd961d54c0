package plan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// sized is one asset of a workload with its capacities.
type sized struct {
	id, address string
	region      string
	scale       estate.Scale
}

// at returns the capacity with a path.
func (s sized) at(path string) (estate.Capacity, bool) {
	for _, c := range s.scale.Capacities {
		if c.Path == path {
			return c, true
		}
	}
	return estate.Capacity{}, false
}

// prior reads the capacities that the plan itself says an asset had.
func (d *decider) prior(id string) (sized, error) {
	if d.Prior == nil {
		return sized{}, nil
	}
	a := d.Prior(id)
	if a == nil {
		return sized{}, nil
	}
	scale, err := d.Scale(a, a.Config)
	return sized{id: id, scale: scale}, err
}

// carries reports whether capacity of an asset of this kind is a workload's
// size. What data lies in may be large without the workload being so.
func carries(k estate.Kind) bool {
	switch k {
	case estate.KindStore, estate.KindDataset, estate.KindNetwork, estate.KindEventSource, estate.KindSecret, estate.KindImage:
		return false
	}
	return true
}

// reach lists the ids of what a workload's size may stand in: what it is made
// of and touches, what is made from its roots or scales them (a scaling group
// from a launch template), and what takes the place of anything of it, though
// nothing may name that yet.
func (d *decider) reach(s Side, w *finding.Workload) []string {
	out := slices.Concat(w.Members, w.Touches)
	for _, root := range w.Roots {
		n, ok := s.Snapshot.Find(root)
		if !ok {
			continue
		}
		for e := range s.Snapshot.In(n) {
			if e.Type == estate.Uses || e.Type == estate.Scales {
				out = append(out, s.Snapshot.Asset(e.Node).ID)
			}
		}
	}
	if before := d.before(*w); before != nil && s.Snapshot == d.After.Snapshot {
		for after, old := range d.replaced {
			if slices.Contains(before.Members, old) || slices.Contains(before.Touches, old) {
				out = append(out, after)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sizes reads the capacities of a workload, but for those of other workloads'
// roots.
func (d *decider) sizes(s Side, w *finding.Workload) ([]sized, error) {
	if w == nil {
		return nil, nil
	}
	var out []sized
	for _, id := range d.reach(s, w) {
		if s.Snapshot == d.After.Snapshot {
			d.owned[id] = true
		}
		n, ok := s.Snapshot.Find(id)
		if !ok {
			continue
		}
		a := s.Snapshot.Asset(n)
		if a.Referenced || !carries(a.Kind) || a.Root != nil && !slices.Contains(w.Roots, id) {
			continue
		}
		config, err := s.Snapshot.Config(n)
		if err != nil {
			return nil, err
		}
		scale, err := d.Scale(a, config)
		if err != nil {
			return nil, err
		}
		if len(scale.Capacities) > 0 {
			out = append(out, sized{id, d.address(id), a.Region, scale})
		}
	}
	return out, nil
}

// growth finds what of a workload grows, and holds it to pilot and certificate.
func (d *decider) growth(w finding.Workload, before *finding.Workload) error {
	reach := d.reach(d.After, &w)
	if !slices.ContainsFunc(reach, func(id string) bool { return d.address(id) != "" }) {
		return nil // the plan does not change anything of it
	}
	was, err := d.sizes(d.Before, before)
	if err != nil {
		return err
	}
	is, err := d.sizes(d.After, &w)
	if err != nil {
		return err
	}
	g := growing{workload: w, before: before, pilot: d.After.Workloads.Pilot(w.ID)}
	old := map[string]sized{}
	for _, s := range was {
		old[s.id] = s
		for _, c := range s.scale.Capacities {
			if c.Size != "" && c.Units > 0 {
				g.had = append(g.had, c)
			}
		}
	}
	for _, s := range is {
		from, known := old[s.id]
		if !known {
			from = old[d.replaced[s.id]]
		}
		if s.address != "" {
			prior, err := d.prior(s.id)
			if err != nil {
				return err
			}
			g.compare(s, from, prior)
		}
	}
	g.regions(was, is)
	if len(g.grows) == 0 && len(g.unsure) == 0 {
		return nil
	}
	g.total, g.sure = total(d.After.Snapshot, is)
	return d.hold(g)
}

// growing is the growth of one workload.
type growing struct {
	workload finding.Workload
	before   *finding.Workload
	pilot    int
	grows    []grown
	unsure   []grown
	larger   bool // some unit grows in size, which no pilot bounds
	had      []estate.Capacity
	total    float64
	sure     bool
}

// grown is one capacity that grows, or may.
type grown struct {
	address string
	text    string
}

// compare holds what is after the plan against what was: in the estate as it was
// read and, where the plan has a word on it too, the smaller of the two. The
// estate may be older than the plan.
func (g *growing) compare(is, was, prior sized) {
	for _, c := range is.scale.Capacities {
		old, _ := was.at(c.Path)
		if p, ok := prior.at(c.Path); ok && !p.Unknown && !old.Unknown && p.Units < old.Units {
			old = p
		}
		grows, known := c.Grows(old)
		switch {
		case !known:
			why := c.Why
			if !c.Unknown {
				why = old.Why
			}
			g.unsure = append(g.unsure, grown{is.address, fmt.Sprintf("%s of %s: %s", c.Path, is.id, why)})
		case grows:
			g.grows = append(g.grows, grown{is.address, fmt.Sprintf("%s of %s grows from %s to %s", c.Path, is.id, amount(old), amount(c))})
			g.larger = g.larger || old.Units > 0 && c.Size != old.Size || old.Units == 0 && g.outgrows(c)
		}
	}
}

// outgrows reports whether a capacity that is new has units larger than all the
// workload had before, or of another family. A workload that had none may begin
// with any.
func (g *growing) outgrows(c estate.Capacity) bool {
	if c.Size == "" || len(g.had) == 0 {
		return false
	}
	return !slices.ContainsFunc(g.had, func(old estate.Capacity) bool {
		grows, known := estate.Capacity{Units: 1, Size: c.Size, Family: c.Family, Power: c.Power}.Grows(estate.Capacity{Units: 1, Size: old.Size, Family: old.Family, Power: old.Power})
		return known && !grows
	})
}

func amount(c estate.Capacity) string {
	units := fmt.Sprintf("%g", c.Units)
	if c.Units >= estate.NoLimit {
		units = "no limit"
	}
	if c.Size != "" && c.Units > 0 {
		return units + " × " + c.Size
	}
	return units
}

// regions notes regions a workload is new in.
func (g *growing) regions(was, is []sized) {
	old := map[string]bool{}
	for _, s := range was {
		old[s.region] = true
	}
	if len(old) == 0 {
		return
	}
	for _, s := range is {
		if s.region != "" && !old[s.region] && s.address != "" {
			g.grows = append(g.grows, grown{s.address, fmt.Sprintf("it is new in %s, with %s", s.region, s.id)})
			old[s.region] = true
		}
	}
}

// total is the size of a workload: the sum over its things. Assets that are
// about one thing (an autoscaler and what it scales, an endpoint and its
// configuration, a Deployment and its ReplicaSets) count once, with the largest
// word any of them has. sure is false if one is not known.
func total(snap *estate.Snapshot, assets []sized) (sum float64, sure bool) {
	at := map[string]int{}
	group := make([]int, len(assets))
	for i, s := range assets {
		at[s.id], group[i] = i, i
	}
	var find func(int) int
	find = func(i int) int {
		if group[i] != i {
			group[i] = find(group[i])
		}
		return group[i]
	}
	join := func(i int, id string) {
		if j, ok := at[id]; ok && i != j {
			group[find(i)] = find(j)
		}
	}
	// An autoscaler may scale a part: a variant of an endpoint. The parts of one
	// thing add up; beside what the thing itself asks for the larger counts.
	parts := map[string]map[string]float64{} // thing -> part -> units
	partly := map[int]bool{}
	sure = true
	for i, s := range assets {
		n, _ := snap.Find(s.id)
		for e := range snap.Out(n) {
			switch e.Type {
			case estate.Scales, estate.Uses, estate.Contains, estate.Serves:
				target := snap.Asset(e.Node).ID
				whole, part, isPart := strings.Cut(target, "#")
				if e.Type == estate.Scales && isPart {
					units, known := estate.Total(s.scale.Capacities)
					if parts[whole] == nil {
						parts[whole] = map[string]float64{}
					}
					parts[whole][part] = max(parts[whole][part], units)
					partly[i], sure = true, sure && known
					continue
				}
				join(i, target)
			}
		}
	}
	largest := map[int]float64{}
	for whole, own := range parts {
		units := 0.0
		for _, v := range own {
			units += v
		}
		if i, ok := at[whole]; ok {
			largest[find(i)] = max(largest[find(i)], units)
		} else {
			sum += units
		}
	}
	for i, s := range assets {
		if partly[i] {
			continue
		}
		units, known := estate.Total(s.scale.Capacities)
		sure = sure && known
		largest[find(i)] = max(largest[find(i)], units)
	}
	for _, v := range largest {
		sum += v
	}
	return sum, sure
}

// hold decides on the growth of one workload.
func (d *decider) hold(g growing) error {
	name := g.workload.Name
	all := slices.Concat(g.grows, g.unsure)
	if g.sure && !g.larger && g.total <= float64(g.pilot) {
		d.note(gate.Reason{Workload: name, Address: all[0].address,
			Text: fmt.Sprintf("%s stays within its pilot of %d, which needs no certificate", g.of(), g.pilot)})
		if d.After.Workloads.Declared(g.workload.ID) == nil && len(g.grows) > 0 {
			block := blockOf(all[0].address)
			d.small[block] = append(d.small[block], small{g.workload, all[0].address})
		}
		return nil
	}
	for _, u := range g.unsure {
		d.unclear(gate.Reason{Workload: name, Address: u.address, Text: "whether it grows is known only later: " + u.text})
	}
	if len(g.grows) == 0 {
		return nil
	}
	ok, limit, why := false, 0, "it did not exist before, and only what exists can be certified"
	if g.before != nil {
		ok, limit, why = d.Certified(*g.before)
	}
	refuse := func(format string, args ...any) {
		for _, x := range g.grows {
			d.refuse(gate.Reason{Workload: name, Address: x.address, Text: x.text + "; " + fmt.Sprintf(format, args...)})
		}
	}
	changed, err := d.changedEssence(g)
	if err != nil {
		return err
	}
	switch {
	case !ok:
		refuse("beyond its pilot of %d that needs a certificate: %s", g.pilot, why)
	case limit > 0 && !g.sure:
		d.unclear(gate.Reason{Workload: name, Address: g.grows[0].address, Text: fmt.Sprintf("whether it stays within its certificate's limit of %d is known only after apply", limit)})
	case limit > 0 && g.total > float64(limit):
		refuse("its certificate allows %d in all, it would have %g", limit, math.Ceil(g.total))
	case changed != "":
		refuse("what was certified changes in the same plan (%s): apply that first, certify %s again, then let it grow", changed, name)
	default:
		d.note(gate.Reason{Workload: name, Address: g.grows[0].address, Text: g.of() + " is covered by its certificate"})
	}
	return nil
}

func (g growing) of() string {
	if !g.sure {
		return "its growth"
	}
	return fmt.Sprintf("its size of %g after the plan", g.total)
}

// changedEssence names the changes to what the workload was certified as: its
// members that differ in more than scale, and those that are new and have a size
// or are roots, which no certificate knows.
func (d *decider) changedEssence(g growing) (string, error) {
	var names []string
	for _, id := range g.workload.Members {
		address := d.address(id)
		if address == "" || strings.Contains(id, "#") {
			continue // a part stands in its whole
		}
		is, ok, err := d.essence(d.After, id)
		if err != nil {
			return "", err
		}
		old := id
		if d.replaced[id] != "" {
			old = d.replaced[id]
		}
		was, existed, err := d.essence(d.Before, old)
		if err != nil {
			return "", err
		}
		fresh := ok && !existed && (slices.Contains(g.workload.Roots, id) || d.hasSize(id))
		if (fresh || ok && existed && d.renamed(was) != is) && !slices.Contains(names, address) {
			names = append(names, address)
		}
	}
	return strings.Join(names, ", "), nil
}

// hasSize reports whether an asset after the plan asks for a capacity of its
// own. An autoscaler only moves that of what it scales.
func (d *decider) hasSize(id string) bool {
	if n, ok := d.After.Snapshot.Find(id); ok {
		for e := range d.After.Snapshot.Out(n) {
			if e.Type == estate.Scales {
				return false
			}
		}
	}
	one, err := d.one(d.After, id)
	return err != nil || len(one.scale.Capacities) > 0
}

// essence returns what a certificate vouches for of an asset that was read.
func (d *decider) essence(s Side, id string) (text string, ok bool, err error) {
	n, ok := s.Snapshot.Find(id)
	if !ok || s.Snapshot.Asset(n).Referenced {
		return "", false, nil
	}
	config, err := s.Snapshot.Config(n)
	if err != nil {
		return "", false, err
	}
	scale, err := d.Scale(s.Snapshot.Asset(n), config)
	return string(scale.Essence), true, err
}

// renamed writes what was replaced by its new name, so that a configuration
// that only says the new name of another is the same.
func (d *decider) renamed(text string) string {
	for after, before := range d.replaced {
		text = strings.ReplaceAll(text, before, after)
		a, b := lastPart(after), lastPart(before)
		if a != "" && b != "" {
			text = strings.ReplaceAll(text, `"`+b+`"`, `"`+a+`"`)
		}
	}
	return text
}

func lastPart(id string) string { return id[strings.LastIndexAny(id, "/:")+1:] }

// strays looks at what grows and belongs to no workload: an autoscaler of what
// nobody read may scale one, and machines for machine learning are for one, so
// that nobody can say that their growth is free.
func (d *decider) strays() error {
	for _, c := range d.Changes {
		if c.Idle {
			continue
		}
		for _, id := range c.After {
			if n, ok := d.After.Snapshot.Find(id); ok && !d.owned[id] && len(d.After.Workloads.Of(id)) == 0 && carries(d.After.Snapshot.Asset(n).Kind) {
				if err := d.stray(c.Address, n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *decider) stray(address string, n estate.Node) error {
	a := d.After.Snapshot.Asset(n)
	is, err := d.one(d.After, a.ID)
	if err != nil {
		return err
	}
	old := a.ID
	if d.replaced[old] != "" {
		old = d.replaced[old]
	}
	was, err := d.one(d.Before, old)
	if err != nil {
		return err
	}
	g := growing{}
	is.address = address
	prior, err := d.prior(a.ID)
	if err != nil {
		return err
	}
	g.compare(is, was, prior)
	if len(g.grows)+len(g.unsure) == 0 {
		return nil
	}
	if target := d.unread(n); target != "" {
		for _, x := range slices.Concat(g.grows, g.unsure) {
			d.unclear(gate.Reason{Address: address, Text: x.text + "; it scales " + target + ", which was not read, so that nobody can say whether it may: lay the plan over the estate (--source)"})
		}
		return nil
	}
	if at := unseenImage(a); at != "" && len(g.grows) > 0 {
		d.unclear(gate.Reason{Address: address, Text: fmt.Sprintf("%s; what it runs (%s) is known only after apply, so that nobody can say whether it is an AI workload", g.grows[0].text, at)})
		return nil
	}
	if why := d.forLearning(a, is.scale); why != "" {
		units, known := estate.Total(is.scale.Capacities)
		switch {
		case known && units <= 1 && !g.larger:
			d.note(gate.Reason{Address: address, Text: fmt.Sprintf("%s (%s) belongs to no workload; a size of %g is a pilot", a.ID, why, units)})
		case len(g.grows) > 0:
			d.refuse(gate.Reason{Address: address, Text: g.grows[0].text + "; " + why + ", and it belongs to no workload whose certificate could allow that: make it part of one in sevenfold.yaml (workloads, match)"})
		default:
			d.unclear(gate.Reason{Address: address, Text: "whether it grows is known only later: " + g.unsure[0].text + "; " + why})
		}
	}
	return nil
}

// unseenImage returns where an image of an asset will stand that is known only
// after apply; empty if there is none.
func unseenImage(a *estate.Asset) string {
	for _, u := range a.Unknown {
		if strings.HasSuffix(u, "/image") || strings.HasSuffix(u, "/containers") {
			return u
		}
	}
	return ""
}

// scalers are the types that are there to scale something else.
var scalers = map[string]bool{
	"AWS::ApplicationAutoScaling::ScalableTarget": true, "autoscaling/v1/HorizontalPodAutoscaler": true, "autoscaling/v2/HorizontalPodAutoscaler": true,
	"autoscaling/v2beta2/HorizontalPodAutoscaler": true, "keda.sh/v1alpha1/ScaledObject": true,
}

// unread returns what an autoscaler scales if nobody read that, or nobody knows
// what it is.
func (d *decider) unread(n estate.Node) string {
	scales := false
	for e := range d.After.Snapshot.Out(n) {
		if e.Type != estate.Scales {
			continue
		}
		if target := d.After.Snapshot.Asset(e.Node); target.Referenced {
			return target.ID
		}
		scales = true
	}
	if !scales && scalers[d.After.Snapshot.Asset(n).Type] {
		return "what is known only after apply"
	}
	return ""
}

// forLearning says why a capacity is for machine learning whatever it belongs
// to; empty if it is not.
func (d *decider) forLearning(a *estate.Asset, s estate.Scale) string {
	if d.ForLearning == nil {
		return ""
	}
	for _, c := range s.Capacities {
		if why := d.ForLearning(a, c); why != "" {
			return why
		}
	}
	return ""
}

// one reads the capacities of one asset, none if it is not there.
func (d *decider) one(s Side, id string) (sized, error) {
	n, ok := s.Snapshot.Find(id)
	if !ok {
		return sized{id: id}, nil
	}
	config, err := s.Snapshot.Config(n)
	if err != nil {
		return sized{}, err
	}
	scale, err := d.Scale(s.Snapshot.Asset(n), config)
	return sized{id: id, scale: scale}, err
}

// small is a workload nobody declared that was admitted as a pilot.
type small struct {
	finding.Workload
	address string
}

// indexes are those of a resource's instances and of its modules'.
var indexes = regexp.MustCompile(`\[[^\]]*\]`)

// blockOf is the resource block that made an instance.
func blockOf(address string) string { return indexes.ReplaceAllString(address, "") }

// crowds refuses pilots that are one thing made many times: what a block with
// count or for_each makes are workloads of their own until somebody declares
// them, and each would have a pilot.
func (d *decider) crowds() error {
	for block, pilots := range d.small {
		sum, count := 0.0, 0
		for _, w := range d.After.Workloads.List {
			if !slices.ContainsFunc(w.Roots, func(id string) bool { return slices.Contains(d.blocks[block], id) }) {
				continue
			}
			sizes, err := d.sizes(d.After, &w)
			if err != nil {
				return err
			}
			units, _ := total(d.After.Snapshot, sizes)
			sum, count = sum+units, count+1
		}
		if count < 2 || sum <= 1 {
			continue
		}
		for _, p := range pilots {
			d.refuse(gate.Reason{Workload: p.Name, Address: p.address,
				Text: fmt.Sprintf("%s makes %d workloads of the same kind, %g in all, beyond a pilot of 1: declare them as one workload in sevenfold.yaml (match), with its owner and pilot, and have that certified", block, count, sum)})
		}
	}
	return nil
}
