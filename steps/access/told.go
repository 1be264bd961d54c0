package access

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// Identities differ in what their policies say of other assets far more often than
// in what they say of one: each role of a thousand may read its own bucket, and all
// use the same key by the same words. What was told of one asset to one of them is
// told to all of whom the engine would find the same statements for it.

// askOnce is ask for a principal of whom who exactly he is does not count.
func (k *graspMaker) askOnce(p *iam.Principal, i int32, s *stage, itself bool) [nParts]iam.Decision {
	o := &k.v.objects.all[i]
	if !k.alikeKey(p, i, s, itself) {
		return k.ask(p, o, s, itself)
	}
	if got, known := k.told[string(k.key)]; known {
		return got
	}
	key := string(k.key)
	got := k.ask(p, o, s, itself)
	k.told[key] = got
	return got
}

// alikeKey puts in k.key everything that tells principals apart in questions about
// an object: whose they are, which questions are asked, and what the statements say
// that may name it. It reports whether that can be told.
func (k *graspMaker) alikeKey(p *iam.Principal, i int32, s *stage, itself bool) bool {
	v := k.v
	o := &v.objects.all[i]
	if o.arn.Service == "" || strings.Contains(o.id, ":accesspoint/") { // behind a point lies a bucket, which other statements name
		return false
	}
	typ := v.snap.Asset(o.node).Type
	said, known := s.class.said[typ]
	if !known {
		if got, ok := v.amazon.world.SayingsOf(p, v.servicesOf(o)); ok {
			said = &got
		}
		if s.class.said != nil {
			s.class.said[typ] = said
		}
	}
	if said == nil {
		return false
	}
	k.key = binary.AppendUvarint(k.key[:0], uint64(i))
	k.key = binary.AppendUvarint(k.key, uint64(v.askingOf(s.class, typ, v.questionsOf(o), false).id))
	k.key = append(k.key, byte(p.Kind), bitOf(p.ServiceLinked), bitOf(itself))
	k.key = append(append(k.key, p.Account...), 0)
	k.key = said.AppendKey(k.key, k.resourcesOf(i))
	return true
}

func bitOf(is bool) byte {
	if is {
		return 1
	}
	return 0
}

// resourcesOf are what questions about an object are asked of.
func (k *graspMaker) resourcesOf(i int32) []iam.Pattern {
	if known := k.patterns[i]; known != nil {
		return known
	}
	o := &k.v.objects.all[i]
	insides := []string{""}
	for _, d := range k.v.deedsOf(o) {
		insides = append(insides, d.inside)
	}
	for _, q := range k.v.questionsOf(o) {
		insides = append(insides, q.inside)
	}
	slices.Sort(insides)
	var out []iam.Pattern
	for _, inside := range slices.Compact(insides) {
		out = append(out, iam.ResourcePattern(o.id+inside))
	}
	k.patterns[i] = out
	return out
}

// servicesOf are the services of whose actions assets like an object are asked.
func (v *view) servicesOf(o *object) []string {
	typ := v.snap.Asset(o.node).Type
	if known, ok := v.services[typ]; ok {
		return known
	}
	var out []string
	add := func(action string) {
		service, _, _ := strings.Cut(strings.ToLower(action), ":")
		out = append(out, service)
	}
	for _, d := range v.deedsOf(o) {
		add(d.action)
	}
	for _, q := range v.questionsOf(o) {
		add(q.lower)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	v.services[typ] = out
	return out
}

// forget drops what only further questions would need: what follows needs room.
func (k *graspMaker) forget() {
	k.told, k.patterns = map[string][nParts]iam.Decision{}, map[int32][]iam.Pattern{}
	k.v.fit, k.v.askings = map[fitKey]bits{}, map[string]*asking{}
	for _, c := range k.v.classes {
		c.asks, c.said = nil, nil
	}
	if !k.v.once {
		return
	}
	k.v.given, k.v.saysItself = map[policyIn]*given{}, nil
	for _, c := range k.v.classes {
		c.policies = nil
	}
}
