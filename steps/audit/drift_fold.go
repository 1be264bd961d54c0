package audit

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// fold leaves of several assets that one act changed the one that was acted on:
// a part goes with its whole, what a controller or a service makes with its
// maker, and what comes or goes with a namespace, a network or an instance with
// that.
func (c *comparison) fold() {
	keep := c.deltas[:0:0]
	for _, d := range c.deltas {
		into, gone := c.maker(d, 0)
		switch {
		case gone && into == nil:
			delete(c.byID, d.id) // it comes and goes by itself
			c.noise[d.id] = true
		case gone:
			c.noise[d.id] = true // it is told with what it goes with
			into.with++
			into.touches = append(into.touches, d.id)
		default:
			keep = append(keep, d)
		}
	}
	c.deltas = keep
	for _, d := range c.deltas {
		if d.what == WhatRecreated && c.owned(c.after, d.a) != "" {
			d.what = WhatChanged // its controller made it anew
		}
	}
	c.deltas = slices.DeleteFunc(c.deltas, func(d *delta) bool { return d.what == WhatChanged && len(d.changes) == 0 })
}

// maxMakers bounds how far a maker is looked for: pod, replica set, deployment,
// inference service, and one more.
const maxMakers = 8

// maker reports whether a delta goes with that of another asset, and which; nil
// where nobody acted on anything.
func (c *comparison) maker(d *delta, depth int) (into *delta, gone bool) {
	a := c.asset(d)
	if c.passing(d) || a.Type == "v1/Node" && (d.what == WhatAdded || d.what == WhatRemoved) {
		return nil, true // nodes are like the instances of a group
	}
	if whole := ownerOf(d.id); whole != d.id {
		if w := c.byID[whole]; w != nil {
			return c.top(w, depth), true
		}
		return nil, c.unseen.blind[whole] // a reply about the whole was not read
	}
	if d.what == WhatChanged || d.what == WhatRecreated {
		return c.echoes(d)
	}
	snap, n := c.after, d.a
	if d.what == WhatRemoved {
		snap, n = c.before, d.b
	}
	if by := c.owned(snap, n); by != "" {
		if w := c.byID[by]; w != nil {
			return c.top(w, depth), true
		}
		if d.what == WhatRemoved || c.noise[by] || c.likeOthers(snap, n, by) || c.byItself(by) {
			return nil, true
		}
	}
	for _, by := range c.comesWith(snap, n) {
		if w := c.byID[by]; w != nil && w != d && w.what == d.what {
			return c.top(w, depth), true
		}
		if c.noise[by] || c.byItself(by) {
			return nil, true
		}
	}
	return nil, false
}

// top is the delta that another one goes with in the end.
func (c *comparison) top(d *delta, depth int) *delta {
	if depth > maxMakers {
		return d
	}
	if into, gone := c.maker(d, depth+1); gone && into != nil {
		return into
	}
	return d
}

// byItself reports whether an asset that came or went did so by itself.
func (c *comparison) byItself(id string) bool {
	d := c.byID[id]
	if d == nil || d.what == WhatChanged {
		return false
	}
	into, gone := c.maker(d, maxMakers)
	return gone && into == nil
}

// owned is the id of what made an asset and keeps it, "" where nothing does: the
// controller of a Kubernetes object, the group of an instance.
func (c *comparison) owned(snap *estate.Snapshot, n estate.Node) string {
	if n < 0 {
		return ""
	}
	a := snap.Asset(n)
	for e := range snap.In(n) {
		by := snap.Asset(e.Node)
		if e.Type != estate.Contains || by.Referenced || by.Type == estate.SetType {
			continue // what a selector holds it did not make
		}
		switch {
		case a.Cloud == estate.Kubernetes && by.Cloud == estate.Kubernetes && by.Type != "v1/Namespace" && by.Type != "kubernetes/Cluster" && by.Type != "v1/Node":
			return by.ID
		case a.Type == "AWS::EC2::Instance" && (by.Type == "AWS::AutoScaling::AutoScalingGroup" || by.Type == "AWS::EKS::Nodegroup"):
			return by.ID
		}
	}
	return c.groupOf(snap, n, a)
}

// groupOf finds the Auto Scaling group that the instance itself names in a tag.
func (c *comparison) groupOf(snap *estate.Snapshot, n estate.Node, a *estate.Asset) string {
	if a.Type != "AWS::EC2::Instance" {
		return ""
	}
	group := a.Tags["aws:autoscaling:groupName"]
	if group == "" {
		return ""
	}
	for e := range snap.In(n) {
		if strings.HasSuffix(snap.Asset(e.Node).ID, "/"+group) {
			return snap.Asset(e.Node).ID
		}
	}
	for m, g := range snap.Assets() {
		if g.Type == "AWS::AutoScaling::AutoScalingGroup" && g.Name == group && g.Account == a.Account && m >= 0 && !g.Referenced {
			return g.ID
		}
	}
	return ""
}

// comesWith lists the ids of assets that an asset comes into being, or ends,
// with.
func (c *comparison) comesWith(snap *estate.Snapshot, n estate.Node) []string {
	a := snap.Asset(n)
	var out []string
	if a.Cloud == estate.Kubernetes {
		if a.Region != "" {
			out = append(out, "k8s://"+a.Account+"//Namespace/"+a.Region)
		}
		switch {
		// Every namespace has these by itself; who deletes one finds it made again.
		case a.Type == "v1/ConfigMap" && a.Name == "kube-root-ca.crt", a.Type == "v1/ServiceAccount" && a.Name == "default":
			return out
		case c.byID["k8s://"+a.Account+"//Namespace/"+a.Region] == nil:
			return nil
		case c.byID["k8s://"+a.Account+"//Namespace/"+a.Region].what == WhatAdded:
			return nil // what somebody puts into a new namespace is theirs
		}
		return out
	}
	holders := attachedTo[a.Type]
	if holders == nil {
		return nil
	}
	config, err := snap.Config(n)
	if err != nil || len(config) == 0 {
		return nil
	}
	var tree map[string]any
	if json.Unmarshal(config, &tree) != nil {
		return nil
	}
	for _, place := range holders(tree) {
		if place == "" {
			continue
		}
		for e := range snap.In(n) {
			if id := snap.Asset(e.Node).ID; strings.HasSuffix(id, "/"+place) {
				out = append(out, id)
			}
		}
		for e := range snap.Out(n) {
			if id := snap.Asset(e.Node).ID; strings.HasSuffix(id, "/"+place) {
				out = append(out, id)
			}
		}
	}
	return out
}

// attachedTo are the types that a service makes along with another asset, and
// where they name it.
var attachedTo = map[string]func(map[string]any) []string{
	"AWS::EC2::NetworkInterface": func(t map[string]any) []string {
		return []string{member(t, "Attachment", "InstanceId")}
	},
	"AWS::EC2::Volume": func(t map[string]any) []string {
		list, _ := t["Attachments"].([]any)
		var out []string
		for _, x := range list {
			if m, ok := x.(map[string]any); ok {
				out = append(out, member(m, "InstanceId"))
			}
		}
		return out
	},
	"AWS::EC2::SecurityGroup": func(t map[string]any) []string {
		if member(t, "GroupName") == "default" {
			return []string{member(t, "VpcId")}
		}
		return nil
	},
	"AWS::EC2::NetworkAcl": func(t map[string]any) []string {
		if t["IsDefault"] == true {
			return []string{member(t, "VpcId")}
		}
		return nil
	},
	"AWS::EC2::RouteTable": func(t map[string]any) []string {
		list, _ := t["Associations"].([]any)
		for _, x := range list {
			if m, ok := x.(map[string]any); ok && m["Main"] == true {
				return []string{member(t, "VpcId")}
			}
		}
		return nil
	},
}

// member is the string that stands at a path of members.
func member(t map[string]any, path ...string) string {
	for _, p := range path[:len(path)-1] {
		t, _ = t[p].(map[string]any)
	}
	s, _ := t[path[len(path)-1]].(string)
	return s
}

// mirrored are the attributes in which one asset repeats what was set on
// another, by the type that repeats: an interface the groups of its instance, an
// aggregating role the rules of others. The change is told where it was made.
var mirrored = map[string][]struct{ attribute, of string }{
	"AWS::EC2::NetworkInterface":                 {{"config.Groups", "AWS::EC2::Instance"}, {"config.SourceDestCheck", "AWS::EC2::Instance"}, {"config.Attachment", "AWS::EC2::Instance"}},
	"AWS::EC2::Volume":                           {{"config.Attachments", "AWS::EC2::Instance"}},
	"AWS::IAM::Role":                             {{"config.InstanceProfileList", "AWS::IAM::InstanceProfile"}},
	"AWS::IAM::Group":                            {{"config.Users", "AWS::IAM::User"}},
	"rbac.authorization.k8s.io/v1/ClusterRole":   {{"config.rules", "rbac.authorization.k8s.io/v1/ClusterRole"}},
	"AWS::Organizations::Account":                {{"config.GetCredentialReport", "AWS::IAM::User"}},
	"AWS::EC2::Instance":                         {{"config.IamInstanceProfile", "AWS::IAM::InstanceProfile"}},
	"AWS::ElasticLoadBalancingV2::LoadBalancer":  {{"config.SecurityGroups[].GroupName", "AWS::EC2::SecurityGroup"}},
	"AWS::SageMaker::Endpoint":                   {{"config.ProductionVariants", "AWS::SageMaker::EndpointConfig"}},
	"AWS::ApplicationAutoScaling::ScalingPolicy": {{"config.Alarms", "AWS::CloudWatch::Alarm"}},
}

// echoes takes out of a change what only repeats the change of another asset
// beside it; if nothing is left, the delta goes with that one.
func (c *comparison) echoes(d *delta) (into *delta, gone bool) {
	rules := mirrored[c.asset(d).Type]
	if len(rules) == 0 || len(d.changes) == 0 {
		return nil, false
	}
	var left []Change
	for _, ch := range d.changes {
		var by *delta
		for _, r := range rules {
			if strings.HasPrefix(ch.Attribute, r.attribute) {
				if by = c.beside(d, r.of); by != nil {
					break
				}
			}
		}
		if by == nil {
			left = append(left, ch)
			continue
		}
		into = by
	}
	if len(left) > 0 || into == nil {
		d.changes = left
		return nil, false
	}
	return into, true
}

// beside finds a changed asset of a type that has a relation with d.
func (c *comparison) beside(d *delta, typ string) *delta {
	if d.a < 0 {
		return nil
	}
	found := func(n estate.Node) *delta {
		o := c.after.Asset(n)
		if w := c.byID[o.ID]; w != nil && w != d && o.Type == typ {
			return w
		}
		return nil
	}
	for e := range c.after.In(d.a) {
		if w := found(e.Node); w != nil {
			return w
		}
	}
	for e := range c.after.Out(d.a) {
		if w := found(e.Node); w != nil {
			return w
		}
	}
	if typ == "rbac.authorization.k8s.io/v1/ClusterRole" {
		return c.aggregated(d)
	}
	return nil
}

// aggregated finds the changed role that an aggregating one takes rules from.
func (c *comparison) aggregated(d *delta) *delta {
	e, err := c.essence(c.after, d.a)
	if err != nil || e.tree["aggregationRule"] == nil {
		return nil
	}
	for _, w := range c.deltas {
		if w != d && c.asset(w).Type == c.asset(d).Type && c.asset(w).Account == c.asset(d).Account && slices.ContainsFunc(w.changes, func(ch Change) bool {
			return strings.HasPrefix(ch.Attribute, "config.rules")
		}) {
			return w
		}
	}
	return nil
}

// maxRenames bounds how many assets that came are held against those that went.
const maxRenames = 2000

// renames joins what went and what came with the same configuration under
// another name into one record. What no list tells of any more, or only a part of
// which is left, went if it is what came.
func (c *comparison) renames() error {
	went, came := map[string][]*delta{}, 0
	note := func(d *delta, keys []string, err error) error {
		for _, k := range keys {
			went[k] = append(went[k], d)
		}
		return err
	}
	for _, d := range c.deltas {
		if d.what == WhatRemoved {
			keys, err := c.nameless(c.before, d.b, false)
			if err := note(d, keys, err); err != nil {
				return err
			}
		}
		if d.what == WhatAdded {
			came++
		}
	}
	if len(went)+len(c.unseen.lone) == 0 || came == 0 || came > maxRenames || len(c.unseen.lone) > maxRenames {
		return nil
	}
	partly := false
	for _, l := range c.unseen.lone {
		n, ok := c.before.Find(l.id)
		if !ok {
			continue
		}
		partly = partly || l.part
		keys, err := c.nameless(c.before, n, l.part)
		if err := note(&delta{pair: pair{n, -1}, id: l.id, lost: true}, keys, err); err != nil {
			return err
		}
	}
	drop := map[*delta]bool{}
	for _, d := range c.deltas {
		if d.what != WhatAdded {
			continue
		}
		keys, err := c.nameless(c.after, d.a, false)
		if err == nil && partly {
			var parts []string
			parts, err = c.nameless(c.after, d.a, true)
			keys = append(keys, parts...)
		}
		if err != nil {
			return err
		}
		for _, k := range keys {
			i := slices.IndexFunc(went[k], func(o *delta) bool { return !drop[o] })
			if i < 0 {
				continue
			}
			old := went[k][i]
			if old.lost && (c.before.Asset(old.b).Source != c.after.Asset(d.a).Source || slices.ContainsFunc(keys, func(k string) bool {
				return slices.ContainsFunc(went[k], func(o *delta) bool { return o != old })
			})) {
				break // of several that may be it nobody knows which
			}
			drop[old] = true
			if old.lost {
				c.unseen.forget(old.id)
			}
			d.what, d.b = WhatRenamed, old.b
			d.changes = []Change{{Attribute: "id", Before: text(old.id), After: text(d.id)}}
			d.touches = append(d.touches, old.id)
			d.with += old.with
			break
		}
	}
	c.deltas = slices.DeleteFunc(c.deltas, func(d *delta) bool { return drop[d] })
	return nil
}

// nameless are digests of an asset without its own name and id, none for one
// that has no configuration to tell it by: one with the name gone wherever it
// stands, since labels and paths often follow it, and one with the name gone
// where the object names itself. With rootOnly they are of the primary reply alone.
func (c *comparison) nameless(s *estate.Snapshot, n estate.Node, rootOnly bool) ([]string, error) {
	e, err := c.essence(s, n)
	if err != nil || len(e.tree) == 0 {
		return nil, err
	}
	a := s.Asset(n)
	dropTags(e.tree)
	kind := ""
	if rootOnly {
		kind = "root "
		for _, r := range a.Reads {
			if r.Key != "" {
				delete(e.tree, r.Key)
			}
		}
		if len(e.tree) == 0 {
			return nil, nil
		}
	}
	whole := strings.ReplaceAll(asSet(anonymous(e.tree, a, c)), a.ID, "\x00")
	if a.Name == "" {
		return []string{digest(kind+"nameless", a.Type, a.Account, a.Region, whole)}, nil
	}
	// A short name stands within other words too.
	out := []string{digest(kind+"nameless", a.Type, a.Account, a.Region, strings.ReplaceAll(whole, a.Name, "\x00")),
		digest(kind+"worded", a.Type, a.Account, a.Region, withoutWord(whole, a.Name))}
	if meta, ok := e.tree["metadata"].(map[string]any); ok && meta["name"] == a.Name {
		delete(meta, "name")
		out = append(out, digest(kind+"unnamed", a.Type, a.Account, a.Region, strings.ReplaceAll(asSet(anonymous(e.tree, a, c)), a.ID, "\x00")))
	}
	return out, nil
}

// withoutWord is a text without a name where it stands by itself: not within a
// longer word.
func withoutWord(s, name string) string {
	letter := func(i int) bool {
		return i >= 0 && i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] == '_' || s[i] >= 0x80)
	}
	var b strings.Builder
	at := 0
	for {
		i := strings.Index(s[at:], name)
		if i < 0 {
			return b.String() + s[at:]
		}
		i += at
		b.WriteString(s[at:i])
		if letter(i-1) || letter(i+len(name)) {
			b.WriteString(name)
		} else {
			b.WriteByte(0)
		}
		at = i + len(name)
	}
}

// ids are the members that hold what the provider made up for a thing.
var ids = map[string]bool{"RoleId": true, "UserId": true, "GroupId": true, "PolicyId": true, "InstanceProfileId": true, "CreateDate": true,
	"UploadDate": true, "KeyId": true, "FileSystemId": true, "VpcId": true, "uid": true}

// anonymous is a tree without the provider's own ids of the thing.
func anonymous(v any, a *estate.Asset, c *comparison) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			if s, isText := x.(string); ids[k] && isText && !strings.HasPrefix(s, "arn:") {
				continue
			}
			out[k] = anonymous(x, a, c)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = anonymous(v[i], a, c)
		}
		return out
	}
	return v
}
