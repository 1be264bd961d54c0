package terraform

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// sides are the resources of a plan before and after, each with the address it
// has after.
type sides struct {
	before, after []Resource
	// at maps a change's place in the file to its addresses on the two sides.
	at        []string
	providers map[string]Provider
}

// actions Terraform and OpenTofu know.
var actions = []string{"no-op", "create", "read", "update", "delete", "forget"}

// sides puts the changes on their sides.
func (f *file) sides() sides {
	s := sides{providers: f.providers()}
	r := &resolver{config: f.config, instances: map[string][]string{}}
	if f.config != nil {
		f.config.Root.index()
	}
	for i := range f.changes {
		if c := &f.changes[i]; c.Deposed == "" {
			modules, resource, key := parts(c.Address)
			base := prefix(modules) + resource
			r.instances[base] = append(r.instances[base], key)
		}
	}
	for i := range f.changes {
		c := &f.changes[i]
		address := c.Address
		if c.Deposed != "" {
			address += " (deposed " + c.Deposed + ")"
		}
		s.at = append(s.at, address)
		base := Resource{Address: address, Type: c.Type, Mode: mode(c.Mode), Provider: c.ProviderName}
		if written := r.resource(c.Address); written != nil {
			base.ProviderKey = written.ProviderKey
		}
		acts := c.Change.Actions
		if c.Change.Before != nil {
			b := base
			b.Values, b.Unknown = f.mask.masked(c.Change.Before, nil, c.Change.BeforeSensitive)
			s.before = append(s.before, b)
			if slices.Contains(acts, "forget") && !slices.Contains(acts, "create") {
				s.after = append(s.after, b) // Terraform lets go of it; it stays what it is
				continue
			}
		}
		if c.Change.After == nil && c.Change.AfterUnknown != true && !slices.Contains(acts, "create") || slices.Contains(acts, "delete") && !slices.Contains(acts, "create") {
			continue
		}
		a := base
		a.Born = slices.Contains(acts, "create") && c.Change.Importing == nil
		a.Values, a.Unknown = f.mask.masked(c.Change.After, c.Change.AfterUnknown, c.Change.AfterSensitive)
		if written := r.resource(c.Address); written != nil {
			a.Configured = func(attribute string) bool { return written.Expressions[attribute] != nil }
			a.References = func(path []string) []Reference { return r.references(c.Address, path) }
		}
		s.after = append(s.after, a)
	}
	for _, d := range f.resources {
		if written := r.resource(d.Address); written != nil {
			d.ProviderKey = written.ProviderKey
		}
		if f.state {
			s.after = append(s.after, d)
			continue
		}
		s.before, s.after = append(s.before, d), append(s.after, d)
	}
	return s
}

func mode(m string) string {
	if m == "" {
		return "managed"
	}
	return m
}

// side completes a side with the options.
func (o Options) side(resources, gone []Resource, providers map[string]Provider) Side {
	return Side{Resources: resources, Gone: gone, Providers: providers, Account: o.Account, Region: o.Region, Cluster: o.Cluster, Source: o.Source}
}

// gone are the resources of the side before that the side after lacks.
func gone(before, after []Resource) []Resource {
	have := make(map[string]bool, len(after))
	for i := range after {
		have[after[i].Address] = true
	}
	var out []Resource
	for _, r := range before {
		if !have[r.Address] {
			out = append(out, r)
		}
	}
	return out
}

// after is the planned side, or the state.
func (f *file) after(o Options) Side {
	s := f.sides()
	return o.side(s.after, gone(s.before, s.after), s.providers)
}

// spots are the blind spots of the file itself.
func (f *file) spots(o Options) []estate.BlindSpot {
	out := slices.Clone(f.blind)
	for i := range f.changes {
		if why := f.changes[i].contradicts(); why != "" {
			out = append(out, estate.BlindSpot{Operation: f.changes[i].Address, Asset: "terraform://" + f.changes[i].Address, Status: estate.ReadMalformed,
				Why: why, Hint: "print the plan again: terraform show -json PLANFILE, and change nothing in it"})
		}
		for _, a := range f.changes[i].Change.Actions {
			if !slices.Contains(actions, a) {
				out = append(out, estate.BlindSpot{Operation: f.changes[i].Address, Asset: "terraform://" + f.changes[i].Address, Status: estate.ReadMalformed,
					Why: fmt.Sprintf("the plan does %.40q to it, an action this version does not know", a), Hint: "use a newer sevenfold, or look at it by hand"})
			}
		}
	}
	for i := range out {
		out[i].Source = o.Source
	}
	return out
}

// contradicts says why what is said of a change cannot be so: no Terraform writes
// it, and nobody can tell what would be applied.
func (c *rawChange) contradicts() string {
	acts := c.Change.Actions
	switch {
	case mode(c.Mode) != "managed":
	case c.Change.After == nil && (slices.Contains(acts, "create") || slices.Contains(acts, "update")):
		return "the plan makes or changes it, and does not say what it becomes"
	case len(acts) == 1 && acts[0] == "no-op" && !reflect.DeepEqual(c.Change.Before, c.Change.After):
		return "the plan says that it stays as it is, and yet that it is not the same afterwards"
	}
	return ""
}

// plan converts both sides and says of each change what it is on either.
func (f *file) plan(o Options) *Plan {
	s := f.sides()
	before := o.Convert(o.side(s.before, nil, s.providers))
	after := o.Convert(o.side(s.after, gone(s.before, s.after), s.providers))
	p := &Plan{FormatVersion: f.formatVersion, TerraformVersion: f.terraformVersion, Before: before.Assets, After: after.Assets,
		Unsaid: after.Unsaid, Partial: after.Partial}
	was, is := byID(before.Assets), byID(after.Assets)
	for i := range f.changes {
		p.Changes = append(p.Changes, f.change(i, s.at[i], before, after, was, is))
	}
	p.BlindSpots = united(f.spots(o), after.BlindSpots, before.BlindSpots)
	return p
}

// change is one change with its assets.
func (f *file) change(i int, address string, before, after Converted, was, is map[string]*estate.Asset) Change {
	raw := &f.changes[i]
	c := Change{Address: raw.Address, PreviousAddress: raw.PreviousAddress, Type: raw.Type, Provider: raw.ProviderName, Mode: mode(raw.Mode),
		Actions: raw.Change.Actions, Reason: raw.ActionReason, Deposed: raw.Deposed, Imported: raw.Change.Importing != nil}
	for _, id := range before.Of[address] {
		if a := was[id]; a != nil {
			c.Before = append(c.Before, *a)
		}
		if is[id] == nil {
			c.Removed = append(c.Removed, id)
		}
	}
	for _, id := range after.Of[address] {
		if a := is[id]; a != nil {
			c.After = append(c.After, *a)
		}
	}
	u, none := after.Unconverted[address]
	if !none {
		u, none = before.Unconverted[address]
	}
	if none && c.Mode == "managed" {
		c.Unconverted, c.Harmless = u.Why, u.Harmless
	}
	if written := (&resolver{config: f.config}).resource(raw.Address); written != nil {
		for _, p := range written.Provisioners {
			c.Provisioners = append(c.Provisioners, p.Type)
		}
	}
	return c
}

func byID(assets []estate.Asset) map[string]*estate.Asset {
	out := make(map[string]*estate.Asset, len(assets))
	for i := range assets {
		out[assets[i].ID] = &assets[i]
	}
	return out
}

// united keeps each blind spot once, in order.
func united(lists ...[]estate.BlindSpot) []estate.BlindSpot {
	var out []estate.BlindSpot
	seen := map[string]bool{}
	for _, l := range lists {
		for _, b := range l {
			if key := strings.Join([]string{b.Operation, b.Asset, b.Why}, "\x00"); !seen[key] {
				seen[key] = true
				out = append(out, b)
			}
		}
	}
	return out
}
