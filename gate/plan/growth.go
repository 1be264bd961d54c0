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
	}
	for _, s := range is {
		from, known := old[s.id]
		if !known {
			from = old[d.replaced[s.id]]
		}
		if s.address != "" {
			g.compare(s, from)
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
	total    float64
	sure     bool
}

// grown is one capacity that grows, or may.
type grown struct {
	address string
	text    string
}

func (g *growing) compare(is, was sized) {
	for _, c := range is.scale.Capacities {
		var old estate.Capacity
		for _, o := range was.scale.Capacities {
			if o.Path == c.Path {
				old = o
			}
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
			g.larger = g.larger || old.Units > 0 && c.Size != old.Size
		}
	}
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
		// An autoscaler names the variant it scales, a part of the endpoint.
		for _, name := range []string{id, strings.SplitN(id, "#", 2)[0]} {
			if j, ok := at[name]; ok && i != j {
				group[find(i)] = find(j)
			}
		}
	}
	for i, s := range assets {
		n, _ := snap.Find(s.id)
		for e := range snap.Out(n) {
			switch e.Type {
			case estate.Scales, estate.Uses, estate.Contains, estate.Serves:
				join(i, snap.Asset(e.Node).ID)
			}
		}
	}
	sure = true
	largest := map[int]float64{}
	for i, s := range assets {
		units, known := size(s.scale.Capacities)
		sure = sure && known
		largest[find(i)] = max(largest[find(i)], units)
	}
	for _, v := range largest {
		sum += v
	}
	return sum, sure
}

// size is how many units one configuration asks for: the sum over the items of
// its lists, of each the largest amount (a limit and what is asked for now are
// two words on one thing).
func size(cs []estate.Capacity) (sum float64, known bool) {
	known = true
	items := map[string]float64{}
	for _, c := range cs {
		known = known && !c.Unknown
		item := ""
		if i := strings.LastIndexByte(c.Path, ']'); i >= 0 {
			item = c.Path[:i+1]
		}
		items[item] = max(items[item], c.Units)
	}
	for _, v := range items {
		sum += v
	}
	return sum, known
}

// hold decides on the growth of one workload.
func (d *decider) hold(g growing) error {
	name := g.workload.Name
	all := slices.Concat(g.grows, g.unsure)
	if g.sure && !g.larger && g.total <= float64(g.pilot) {
		d.note(gate.Reason{Workload: name, Address: all[0].address,
			Text: fmt.Sprintf("%s stays within its pilot of %d, which needs no certificate", g.of(), g.pilot)})
		if d.After.Workloads.Declared(g.workload.ID) == nil {
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

// changedEssence names the changes to what the workload was certified as: of
// its members that stand on both sides, those that differ in more than scale.
// What is new is judged by what it would fail.
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
		if ok && existed && d.renamed(was) != is && !slices.Contains(names, address) {
			names = append(names, address)
		}
	}
	return strings.Join(names, ", "), nil
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
	g.compare(is, was)
	if len(g.grows)+len(g.unsure) == 0 {
		return nil
	}
	if target := d.unread(n); target != "" {
		for _, x := range slices.Concat(g.grows, g.unsure) {
			d.unclear(gate.Reason{Address: address, Text: x.text + "; it scales " + target + ", which was not read, so that nobody can say whether it may: lay the plan over the estate (--source)"})
		}
		return nil
	}
	if why := d.forLearning(a, is.scale); why != "" {
		units, known := size(is.scale.Capacities)
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

// unread returns what an autoscaler scales if nobody read that.
func (d *decider) unread(n estate.Node) string {
	for e := range d.After.Snapshot.Out(n) {
		if target := d.After.Snapshot.Asset(e.Node); e.Type == estate.Scales && target.Referenced {
			return target.ID
		}
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
