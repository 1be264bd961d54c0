package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// A tag is words until something decides by it: a policy that asks for the tag of
// what is reached or of who asks, a selector that asks for a label, the admission
// of pods by the labels of their namespace. A change of such a tag is a change of
// who may do what, whoever wrote it.

// tagUse is one condition that asks for a tag.
type tagUse struct {
	holder string // id of the asset with the policy
	effect string // "Allow" or "Deny"
	key    string // "aws:ResourceTag/team"
	cond   aws.Condition
}

// tagUses is what decides by tags in an estate.
type tagUses struct {
	// conditions are what policies of AWS ask, by the tag's name in lower case:
	// names of condition keys are the same in any case. A nil list is a tag that a
	// policy names otherwise, in a variable or where it could not be read whole.
	conditions map[string][]tagUse
	// selects are, by cluster, the labels of pods and namespaces that selectors ask
	// for, admits those of any object that admission asks for.
	selects, admits map[string]map[string]bool
}

// tagMention finds the names of tags in conditions and variables.
var tagMention = regexp.MustCompile(`(?i)(?:resource|principal)tag/([^"\\}]+)`)

// usesOfTags gathers once what decides by tags in the later estate: a policy that
// is gone is told of itself.
func (c *comparison) usesOfTags(ctx context.Context) (*tagUses, error) {
	if c.uses != nil {
		return c.uses, nil
	}
	u := &tagUses{conditions: map[string][]tagUse{}, selects: map[string]map[string]bool{}, admits: map[string]map[string]bool{}}
	err := c.after.Each(ctx, func(_ estate.Node, a *estate.Asset, config json.RawMessage) error {
		switch {
		case a.Cloud == estate.AWS && bytes.Contains(config, []byte("ag/")):
			u.policies(a, config)
		case a.Cloud == estate.Kubernetes:
			u.selectors(a, config)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("compare with the baseline: %w", err)
	}
	c.uses = u
	return u, nil
}

func (u *tagUses) policies(a *estate.Asset, config json.RawMessage) {
	found := tagMention.FindAllSubmatch(config, -1)
	if found == nil {
		return
	}
	for _, m := range found {
		tag := strings.ToLower(string(m[1]))
		if _, known := u.conditions[tag]; !known {
			u.conditions[tag] = nil
		}
	}
	policies, _ := aws.Policies(whole(a, config)) // problems are blind spots of the snapshot
	for _, p := range policies {
		for _, s := range p.Statements {
			for _, cond := range s.Conditions {
				if _, tag, ok := strings.Cut(strings.ToLower(cond.Key), "tag/"); ok {
					u.conditions[tag] = append(u.conditions[tag], tagUse{a.ID, s.Effect, cond.Key, cond})
				}
			}
		}
	}
}

// selecting are the kinds whose selectors decide who meets whom.
var selecting = []string{"NetworkPolicy", "Service", "AuthorizationPolicy", "PeerAuthentication", "RequestAuthentication"}

func (u *tagUses) selectors(a *estate.Asset, config json.RawMessage) {
	kind := a.Type[strings.LastIndexByte(a.Type, '/')+1:]
	admission := strings.HasPrefix(a.Type, "admissionregistration.k8s.io/")
	if !admission && !slices.ContainsFunc(selecting, func(k string) bool { return strings.HasSuffix(kind, k) }) {
		return
	}
	var tree map[string]any
	if len(config) == 0 || json.Unmarshal(config, &tree) != nil {
		return
	}
	note := func(of map[string]map[string]bool, label string) {
		if of[a.Account] == nil {
			of[a.Account] = map[string]bool{}
		}
		of[a.Account][label] = true
	}
	var walk func(v any, objects bool)
	walk = func(v any, objects bool) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				walk(x, objects)
			}
		case map[string]any:
			labels, _ := v["matchLabels"].(map[string]any)
			for label := range labels {
				note(u.selects, label)
				if objects {
					note(u.admits, label)
				}
			}
			list, _ := v["matchExpressions"].([]any)
			for _, x := range list {
				if e, ok := x.(map[string]any); ok {
					if label, ok := e["key"].(string); ok {
						note(u.selects, label)
						if objects {
							note(u.admits, label)
						}
					}
				}
			}
			for k, x := range v {
				walk(x, objects || admission && k == "objectSelector")
			}
		}
	}
	walk(tree, false)
	if spec, ok := tree["spec"].(map[string]any); ok && a.Type == "v1/Service" {
		labels, _ := spec["selector"].(map[string]any)
		for label := range labels {
			note(u.selects, label)
		}
	}
}

// weighTags notes which changed tags of an asset are more than words, and tells
// the ways that they open.
func (c *comparison) weighTags(ctx context.Context, d *delta) (paths []string, err error) {
	for _, ch := range d.changes {
		tag, ok := strings.CutPrefix(ch.Attribute, "tags.")
		if !ok {
			continue
		}
		heavy, ways, err := c.weighTag(ctx, c.asset(d), tag, ch)
		if err != nil {
			return nil, err
		}
		if heavy {
			if d.heavy == nil {
				d.heavy = map[string]bool{}
			}
			d.heavy[ch.Attribute] = true
		}
		paths = append(paths, ways...)
	}
	return paths, nil
}

func (c *comparison) weighTag(ctx context.Context, a *estate.Asset, tag string, ch Change) (heavy bool, paths []string, err error) {
	u, err := c.usesOfTags(ctx)
	if err != nil {
		return false, nil, err
	}
	if a.Cloud == estate.Kubernetes {
		kind := a.Type[strings.LastIndexByte(a.Type, '/')+1:]
		switch {
		case kind == "Namespace" && strings.HasPrefix(tag, "pod-security."):
			return true, admitsMore(a, tag, ch), nil
		case kind == "ClusterRole" && strings.HasPrefix(tag, "rbac.authorization.k8s.io/aggregate-to-"):
			return true, nil, nil // the roles that take it in tell what they allow now
		}
		return (kind == "Pod" || kind == "Namespace") && u.selects[a.Account][tag] || u.admits[a.Account][tag], nil, nil
	}
	uses, named := u.conditions[strings.ToLower(tag)]
	if !named {
		return false, nil, nil
	}
	if uses == nil {
		return true, nil, nil
	}
	for _, use := range uses {
		if !use.concerns(a) {
			continue
		}
		heavy = true
		met, meets := use.met(textOf(ch.Before)), use.met(textOf(ch.After))
		if use.effect == "Allow" && (meets == yes && met != yes || meets == open) {
			paths = append(paths, fmt.Sprintf("its tag %s now meets what %s asks for where it allows something", tag, use.holder))
		}
		if use.effect == "Deny" && (met == yes && meets != yes || met == open) {
			paths = append(paths, fmt.Sprintf("its tag %s no longer meets what %s asks for where it denies something", tag, use.holder))
		}
	}
	slices.Sort(paths)
	return heavy, slices.Compact(paths), nil
}

// concerns reports whether a condition asks for tags of assets like a: of who
// asks, or of what is reached in its service.
func (u tagUse) concerns(a *estate.Asset) bool {
	key := strings.ToLower(u.key)
	service, _, _ := strings.Cut(key, ":")
	if strings.Contains(key, "principaltag/") {
		return a.Type == "AWS::IAM::Role" || a.Type == "AWS::IAM::User"
	}
	return service == "aws" || service == serviceOf(a.ID)
}

// What is known of a condition.
type truth int

const (
	no truth = iota
	yes
	open // hangs on who asks, or on an operator that is not decided here
)

// met says whether a tag's value meets the condition; nil is no such tag.
func (u tagUse) met(value *string) truth {
	op := u.cond.Operator
	if _, rest, ok := strings.Cut(op, ":"); ok {
		op = rest // ForAnyValue, ForAllValues: a tag has one value
	}
	op, ifExists := strings.CutSuffix(op, "IfExists")
	if strings.EqualFold(op, "Null") {
		return truthOf(slices.ContainsFunc(u.cond.Values, func(v string) bool { return strings.EqualFold(v, "true") == (value == nil) }))
	}
	if slices.ContainsFunc(u.cond.Values, func(v string) bool { return strings.Contains(v, "${") }) {
		return open
	}
	not := strings.Contains(op, "Not")
	if value == nil {
		return truthOf(ifExists || not)
	}
	var alike func(pattern, s string) bool
	switch strings.ToLower(strings.Replace(op, "Not", "", 1)) {
	case "stringequals":
		alike = func(p, s string) bool { return p == s }
	case "stringequalsignorecase":
		alike = strings.EqualFold
	case "stringlike":
		alike = matches
	default:
		return open
	}
	return truthOf(slices.ContainsFunc(u.cond.Values, func(v string) bool { return alike(v, *value) }) != not)
}

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// textOf is a text out of JSON, nil where nothing stands.
func textOf(v json.RawMessage) *string {
	var s *string
	if len(v) == 0 || json.Unmarshal(v, &s) != nil {
		return nil
	}
	return s
}

// podSecurity are the levels that a namespace may hold its pods to, the weakest
// first; without one it holds them to none.
var podSecurity = []string{"privileged", "baseline", "restricted"}

// admitsMore tells that a namespace admits pods that it refused.
func admitsMore(a *estate.Asset, tag string, ch Change) []string {
	level := func(v json.RawMessage) int {
		s := textOf(v)
		if s == nil {
			return 0
		}
		return max(0, slices.Index(podSecurity, *s))
	}
	was, is := level(ch.Before), level(ch.After)
	switch {
	case tag != "pod-security.kubernetes.io/enforce":
		return nil
	case textOf(ch.Before) == nil && textOf(ch.After) != nil && is == 0:
		return []string{"namespace " + a.Name + " admits privileged pods now, whatever the API server's own default refused, which no source tells"}
	case is >= was:
		return nil
	}
	return []string{fmt.Sprintf("namespace %s admits pods of level %s now, which it refused at %s", a.Name, podSecurity[is], podSecurity[was])}
}

// defaultTags says what providerTags leaves out.
const defaultTags = "of a state or plan of Terraform: a tag that the provider block gives and the resource does not set itself, unless a policy or a zone asks for the tag; of a baseline that does not say who gives a tag, the very same change on every resource"

// givenTags are the tags of an asset that a provider block of Terraform gives it;
// known is false where its source does not tell.
func givenTags(a *estate.Asset) (given []string, known bool) {
	for _, r := range a.Reads {
		if r.Operation == estate.GivenTags {
			return given, json.Unmarshal([]byte(r.Why), &given) == nil
		}
	}
	return nil, false
}

// given reports whether a tag that changed is a provider block's on each side that
// has it; known is false where a side does not tell.
func given(b, a *estate.Asset, tag string) (yes, known bool) {
	yes, known = true, true
	for _, side := range []*estate.Asset{b, a} {
		list, told := givenTags(side)
		_, has := side.Tags[tag]
		yes, known = yes && (!has || slices.Contains(list, tag)), known && told
	}
	return yes, known
}

// providerTags leaves out what a provider block of Terraform gives every resource:
// one edit of its default_tags stands as a tag on each resource of a state. Where
// the states do not tell which tags those are, they are known by that: the very
// same change on every asset of the source that can have it, all but those that set
// the tag themselves. A tag that decides something is told all the same.
func (c *comparison) providerTags(ctx context.Context) error {
	type news struct{ source, attribute, before, after string }
	seen := map[news][]*delta{}
	sources := map[string]bool{}
	for _, d := range c.deltas {
		a := c.asset(d)
		if d.what != WhatChanged || !strings.HasPrefix(a.Source, "terraform:") {
			continue
		}
		for _, ch := range d.changes {
			if strings.HasPrefix(ch.Attribute, "tags.") {
				n := news{a.Source, ch.Attribute, string(ch.Before), string(ch.After)}
				seen[n] = append(seen[n], d)
				sources[a.Source] = true
			}
		}
	}
	if len(seen) == 0 {
		return nil
	}
	bySource := map[string][]pair{}
	for n, a := range c.after.Assets() {
		if b, ok := c.before.Find(a.ID); ok && sources[a.Source] && !a.Referenced && a.Tags != nil && c.before.Asset(b).Tags != nil {
			bySource[a.Source] = append(bySource[a.Source], pair{b, n})
		}
	}
	quiet := map[*delta]*delta{}
	for n, list := range seen {
		tag := strings.TrimPrefix(n.attribute, "tags.")
		may := 0
		for _, p := range bySource[n.source] {
			was, had := c.before.Asset(p.b).Tags[tag]
			is, has := c.after.Asset(p.a).Tags[tag]
			if !(had && has && was == is) {
				may++
			}
		}
		alike := len(list) > 1 && len(list) == may
		for _, d := range list {
			if yes, known := given(c.before.Asset(d.b), c.after.Asset(d.a), tag); known && !yes || !known && !alike {
				continue
			}
			i := slices.IndexFunc(d.changes, func(ch Change) bool { return ch.Attribute == n.attribute })
			heavy, _, err := c.weighTag(ctx, c.asset(d), tag, d.changes[i])
			if err != nil {
				return err
			}
			if heavy {
				continue
			}
			if quiet[d] == nil {
				quiet[d] = &delta{pair: d.pair, id: d.id, what: WhatChanged, grade: Cosmetic}
				c.quiet = append(c.quiet, quiet[d])
			}
			quiet[d].changes = append(quiet[d].changes, d.changes[i])
			d.changes = slices.Delete(slices.Clone(d.changes), i, i+1)
		}
	}
	for _, d := range c.quiet {
		slices.SortFunc(d.changes, func(a, b Change) int { return strings.Compare(a.Attribute, b.Attribute) })
	}
	slices.SortFunc(c.quiet, func(a, b *delta) int { return strings.Compare(a.id, b.id) })
	return nil
}
