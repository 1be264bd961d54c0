package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// leads are the relations along which something can be reached, done or changed
// that could not before. What encrypts, logs or is made from an image is not
// among them.
var leads = []estate.RelationType{
	estate.RunsAs, estate.MemberOf, estate.Attached, estate.Trusts, estate.Contains, estate.Reads, estate.Writes, estate.Serves,
	estate.Trains, estate.RoutesTo, estate.Uses, estate.Triggers, estate.Grants,
}

// prizes are the kinds that a new way is told to lead to.
var prizes = map[estate.Kind]bool{
	estate.KindStore: true, estate.KindDataset: true, estate.KindSecret: true, estate.KindModel: true, estate.KindEndpoint: true, estate.KindIdentity: true,
}

// maxPaths bounds the ways one record tells, maxSearches the searches of one
// comparison: beyond them a new relation counts as a new way unsearched.
const (
	maxPaths    = 8
	maxSearches = 400
)

// consequences grades each delta.
func (c *comparison) consequences(ctx context.Context) error {
	searches := 0
	for _, d := range c.deltas {
		d.grade = Attribute
		paths, touches, err := c.opened(d, &searches)
		if err != nil {
			return err
		}
		if d.what == WhatChanged || d.what == WhatRecreated {
			ways, err := c.weighTags(ctx, d)
			if err != nil {
				return err
			}
			paths = append(ways, paths...)
		}
		switch {
		case d.what == WhatRemoved:
			if why := guards(c.asset(d)); why != "" {
				d.grade, d.paths = NewPath, []string{why}
			}
		case d.what == WhatRenamed:
		case len(paths) > 0:
			if d.grade = NewPath; len(paths) > maxPaths {
				paths = append(paths[:maxPaths], fmt.Sprintf("and %d more", len(paths)-maxPaths))
			}
			d.paths, d.touches = paths, append(d.touches, touches...)
		case len(d.changes) > 0 && d.what == WhatChanged && !slices.ContainsFunc(d.changes, func(ch Change) bool { return !wording(ch.Attribute) || d.heavy[ch.Attribute] }):
			d.grade = Cosmetic
		}
	}
	return nil
}

// words are members that only people read.
var words = map[string]bool{
	"Description": true, "description": true, "Comment": true, "comment": true, "DisplayName": true, "displayName": true, "Title": true,
	"RoleDescription": true, "HumanLoopConfig": false, "kubernetes.io/description": true, "kubernetes.io/change-cause": true,
}

// wording reports whether a change of an attribute changes words only.
func wording(attribute string) bool {
	if strings.HasPrefix(attribute, "tags.") {
		return true
	}
	name := attribute[strings.LastIndexByte(attribute, '.')+1:]
	if strings.HasSuffix(attribute, ")") {
		name = strings.TrimSuffix(attribute[strings.LastIndexByte(attribute, '(')+1:], ")")
	}
	return words[name]
}

// guards says what the end of an asset lets through, "" for one that holds
// nothing back.
func guards(a *estate.Asset) string {
	switch a.Type {
	case "networking.k8s.io/v1/NetworkPolicy":
		return "what network policy " + a.Name + " held back in " + a.Region + " passes now"
	case "AWS::S3::AccountPublicAccessBlock":
		return "buckets of account " + a.Account + " can be made public now"
	case "AWS::Organizations::Policy":
		return "what organisation policy " + a.Name + " denied is not denied by it any more"
	}
	if _, strange := isNetPolicy(a.Type); strange {
		return "what network policy " + a.Name + " held back passes now"
	}
	if strings.HasPrefix(a.Type, "admissionregistration.k8s.io/") {
		return "what " + a.Name + " refused in the cluster is admitted now"
	}
	return ""
}

// opened lists the ways that are new with a delta, in words, and the assets on
// them.
func (c *comparison) opened(d *delta, searches *int) (paths, touches []string, err error) {
	if d.a < 0 || d.what == WhatRenamed {
		return nil, nil, nil
	}
	paths, touches = c.relations(d, searches)
	var was, is json.RawMessage
	if is, err = c.after.Config(d.a); err != nil {
		return nil, nil, err
	}
	if d.b >= 0 {
		if was, err = c.before.Config(d.b); err != nil {
			return nil, nil, err
		}
	}
	if d.what == WhatAdded || len(d.changes) > 0 {
		more, on, err := c.byConfig(d, was, is)
		if err != nil {
			return nil, nil, err
		}
		paths, touches = append(more, paths...), append(touches, on...)
	}
	return paths, touches, nil
}

// link is one relation of an asset or its parts with another asset.
type link struct {
	typ   estate.RelationType
	other string
	out   bool
}

// links gathers the relations of an asset and its parts with other assets.
func links(s *estate.Snapshot, n estate.Node) map[link]bool {
	out := map[link]bool{}
	self := s.Asset(n).ID
	queue, seen := []estate.Node{n}, map[estate.Node]bool{n: true}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for e := range s.Out(at) {
			o := s.Asset(e.Node)
			if ownerOf(o.ID) == self {
				if !seen[e.Node] {
					seen[e.Node] = true
					queue = append(queue, e.Node)
				}
				continue
			}
			if slices.Contains(leads, e.Type) && !bounding(e.Evidence) {
				out[link{e.Type, o.ID, true}] = true
			}
		}
		if at != n {
			continue
		}
		for e := range s.In(at) {
			if o := s.Asset(e.Node); slices.Contains(leads, e.Type) && !bounding(e.Evidence) && ownerOf(o.ID) != self {
				out[link{e.Type, o.ID, false}] = true
			}
		}
	}
	return out
}

// relations tells the relations that are new and lead where nothing led before.
// What a relation of another changed asset declares is told there.
func (c *comparison) relations(d *delta, searches *int) (paths, touches []string) {
	now := links(c.after, d.a)
	was := map[link]bool{}
	if d.b >= 0 {
		was = links(c.before, d.b)
	}
	for l := range now {
		if was[l] || l.typ == estate.Contains && (!l.out || c.noise[l.other]) {
			continue
		}
		if d.what == WhatAdded && (l.typ == estate.MemberOf || l.typ == estate.Contains) {
			continue // a thing lies somewhere
		}
		other, _ := c.after.Find(l.other)
		o := c.after.Asset(other)
		if !l.out {
			if x := c.byID[ownerOf(l.other)]; x != nil && x != d || d.what == WhatAdded {
				continue
			}
		}
		from, to := d.a, other
		if !l.out {
			from, to = other, d.a
		}
		// Who trusts is reached by the trusted.
		if l.typ == estate.Trusts || l.typ == estate.Grants {
			from, to = to, from
		}
		if d.what != WhatAdded && *searches < maxSearches {
			*searches++
			if c.led(from, to) {
				continue
			}
		}
		touches = append(touches, ownerOf(l.other))
		say := fmt.Sprintf("%s -%s-> %s", c.asset(d).ID, l.typ, l.other)
		if !l.out {
			say = fmt.Sprintf("%s -%s-> %s", l.other, l.typ, c.asset(d).ID)
		}
		if end, ok := c.prize(to, d); ok {
			say += ", which leads to " + c.after.Asset(end).ID
			touches = append(touches, c.after.Asset(end).ID)
		} else if o.ID == aws.Everyone {
			say += " (everyone)"
		}
		paths = append(paths, say)
	}
	slices.Sort(paths)
	return paths, touches
}

// led reports whether the baseline had a way between two assets already.
func (c *comparison) led(from, to estate.Node) bool {
	b, ok := c.before.Find(c.after.Asset(from).ID)
	t, ok2 := c.before.Find(c.after.Asset(to).ID)
	if !ok || !ok2 || b == t {
		return false
	}
	p, found := c.before.ShortestPath(b, t, estate.Filter{Types: leads, Except: []estate.RelationType{estate.MemberOf}, Max: 4})
	return found && !slices.ContainsFunc(p.Edges, func(e estate.Edge) bool { return bounding(e.Evidence) })
}

// prize is the nearest thing that matters from a node on, the node itself left
// out.
func (c *comparison) prize(from estate.Node, d *delta) (estate.Node, bool) {
	frontier, seen := []estate.Node{from}, map[estate.Node]bool{from: true, d.a: true}
	for depth := 0; depth < 3 && len(seen) < 400; depth++ {
		var next []estate.Node
		for _, n := range frontier {
			for e := range c.after.Out(n) {
				if seen[e.Node] || e.Type == estate.MemberOf || e.Type == estate.Trusts || !slices.Contains(leads, e.Type) {
					continue
				}
				seen[e.Node] = true
				if a := c.after.Asset(e.Node); prizes[a.Kind] && ours(a) {
					return e.Node, true
				}
				next = append(next, e.Node)
			}
		}
		frontier = next
	}
	return 0, false
}

// byConfig tells ways that stand in no relation: what policies newly allow, what
// firewalls newly let in, what the internet newly meets.
func (c *comparison) byConfig(d *delta, was, is json.RawMessage) (paths, touches []string, err error) {
	a := c.after.Asset(d.a)
	b := &estate.Asset{ID: a.ID, Type: a.Type, Cloud: a.Cloud, Account: a.Account, Region: a.Region}
	if d.b >= 0 {
		b = c.before.Asset(d.b)
	}
	if why := exposure(a, is); why != "" && exposure(b, was) == "" {
		paths = append(paths, "the internet meets it: "+why)
	}
	switch a.Cloud {
	case estate.AWS:
		grants, on := newGrants(whole(b, was), whole(a, is), c.after)
		wider, err := c.unbounded(a, was, is)
		if err != nil {
			return nil, nil, err
		}
		paths, touches = append(append(paths, grants...), wider...), append(touches, on...)
		paths = append(paths, newRanges(was, is)...)
	case estate.Kubernetes:
		paths = append(paths, newRules(a, was, is)...)
		paths = append(paths, letsThrough(a, was, is, c.otherPolicies(a))...)
		paths = append(paths, admitsUnseen(a, d.changes)...)
	}
	return paths, touches, nil
}

// whole is an asset with its configuration.
func whole(a *estate.Asset, config json.RawMessage) *estate.Asset {
	out := *a
	out.Config = config
	return &out
}

func exposure(a *estate.Asset, config json.RawMessage) string {
	switch {
	case len(config) == 0:
	case a.Cloud == estate.AWS && aws.MayBeExposed(a.Type):
		return aws.Exposed(a, config)
	case a.Cloud == estate.Kubernetes && kubernetes.MayBeExposed(a.Type):
		return kubernetes.Exposed(a, config)
	}
	return ""
}
