package access

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// object is one AI asset that somebody may touch.
type object struct {
	node estate.Node
	id   string
	arn  aws.ARN
	// account is the asset's own; ARNs of buckets and foundation models name none.
	account string
	// says is what the trust of a role says: of two that say the same to an account
	// and stand in one account the same is decided.
	says string
}

// block is the objects of one account and service, which stand side by side,
// ordered by the resource part of their ARNs.
type block struct {
	account, service string
	span
}

// blockPattern is a question asked of a block before.
type blockPattern struct {
	block   int
	pattern string
}

// shelf holds the AI assets in the order that keeps what policies name
// together in long runs: AWS by account, service and resource; then clusters, by
// who may touch them.
type shelf struct {
	all    []object
	at     map[estate.Node]int32
	blocks []block
	of     map[string][]int // by account
	asked  map[blockPattern]spans
}

// newShelf orders AWS assets. Others are appended by the caller.
func newShelf(all []object) *shelf {
	slices.SortFunc(all, func(a, b object) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.arn.Service, b.arn.Service), cmp.Compare(a.arn.Resource, b.arn.Resource), cmp.Compare(a.id, b.id))
	})
	o := &shelf{all: all, at: make(map[estate.Node]int32, len(all)), of: map[string][]int{}, asked: map[blockPattern]spans{}}
	for i := range all {
		a := &all[i]
		o.at[a.node] = int32(i)
		n := len(o.blocks)
		if n == 0 || o.blocks[n-1].account != a.account || o.blocks[n-1].service != a.arn.Service {
			o.blocks = append(o.blocks, block{a.account, a.arn.Service, span{int32(i), int32(i)}})
			o.of[a.account] = append(o.of[a.account], n)
			n++
		}
		o.blocks[n-1].hi++
	}
	return o
}

// add appends objects that no pattern names.
func (o *shelf) add(more ...object) {
	for _, a := range more {
		o.at[a.node] = int32(len(o.all))
		o.all = append(o.all, a)
	}
}

// inAccount lists the blocks an account's identities may touch by their own
// policies: the account's, and what belongs to none (foundation models).
func (o *shelf) inAccount(account string) []int {
	if account == "" || len(o.of[""]) == 0 {
		return o.of[account]
	}
	return slices.Concat(o.of[""], o.of[account])
}

// whole is everything in an account.
func (o *shelf) whole(account string) spans {
	var out spans
	for _, b := range o.inAccount(account) {
		out = append(out, o.blocks[b].span)
	}
	return tidy(out)
}

// resources returns what a statement's resources name in a block.
func (o *shelf) resources(b int, s *aws.Statement) spans {
	if len(s.Resources) == 0 {
		return less(spans{o.blocks[b].span}, o.leftOut(b, s.NotResources))
	}
	var out spans
	for _, p := range s.Resources {
		out = join(out, o.matching(b, p))
	}
	return out
}

// leftOut are the objects of a block that patterns leave out as a whole: of a
// bucket both itself and what is in it.
func (o *shelf) leftOut(b int, patterns []string) spans {
	var itself, inside spans
	for _, p := range patterns {
		itself = join(itself, o.exactly(b, p))
		if o.blocks[b].service == "s3" {
			inside = join(inside, o.filled(b, p))
		}
	}
	if o.blocks[b].service == "s3" {
		return meet(itself, inside)
	}
	return itself
}

// filled returns the objects of which a pattern fits all that is inside.
func (o *shelf) filled(b int, text string) spans {
	if text == "*" {
		return spans{o.blocks[b].span}
	}
	key := blockPattern{b, "/" + text}
	if known, ok := o.asked[key]; ok {
		return known
	}
	var hits []int32
	if p := newPattern(text); p.text == text {
		for i := o.blocks[b].lo; i < o.blocks[b].hi; i++ {
			in := o.all[i].arn
			in.Resource += "/*"
			if p.fits(&in, in.String()) {
				hits = append(hits, i)
			}
		}
	}
	out := runs(hits)
	o.asked[key] = out
	return out
}

// matching returns the objects of a block that a pattern names, or something
// inside them.
func (o *shelf) matching(b int, pattern string) spans {
	if pattern == "*" {
		return spans{o.blocks[b].span}
	}
	key := blockPattern{b, pattern}
	if known, ok := o.asked[key]; ok {
		return known
	}
	p := newPattern(pattern)
	var hits []int32
	for _, r := range o.candidates(b, &p) {
		for i := r.lo; i < r.hi; i++ {
			if p.names(&o.all[i].arn, o.all[i].id) {
				hits = append(hits, i)
			}
		}
	}
	out := runs(hits)
	o.asked[key] = out
	return out
}

// exactly returns the objects whose own ARN a pattern fits, what is inside them
// left aside. It tells what is left out, so that less is the more careful answer:
// a pattern with a variable, which may stand for anything, fits none.
func (o *shelf) exactly(b int, text string) spans {
	if text == "*" {
		return spans{o.blocks[b].span}
	}
	key := blockPattern{b, "=" + text}
	if known, ok := o.asked[key]; ok {
		return known
	}
	var hits []int32
	if p := newPattern(text); p.text == text {
		for _, r := range o.candidates(b, &p) {
			for i := r.lo; i < r.hi; i++ {
				if p.fits(&o.all[i].arn, o.all[i].id) {
					hits = append(hits, i)
				}
			}
		}
	}
	out := runs(hits)
	o.asked[key] = out
	return out
}

// candidates is where in a block objects can lie that a pattern names: those
// whose resource begins as the pattern's does, and those that the pattern's
// beginning lies inside of.
func (o *shelf) candidates(b int, p *pattern) spans {
	k := o.blocks[b]
	if p.parts == nil {
		return spans{k.span}
	}
	head := p.resource[:min(len(p.resource), strings.IndexAny(p.resource+"*", "*?"))]
	all := o.all[k.lo:k.hi]
	before := func(text string) int32 {
		i, _ := slices.BinarySearchFunc(all, text, func(a object, text string) int { return cmp.Compare(a.arn.Resource, text) })
		return k.lo + int32(i)
	}
	var out spans
	for i, c := range head {
		if c == '/' || c == ':' {
			out = append(out, span{before(head[:i]), before(head[:i] + "\x00")})
		}
	}
	return tidy(append(out, span{before(head), before(head + "\U0010ffff")}))
}

// pattern is a resource pattern taken apart. A wildcard in one of the first
// five parts of an ARN does not reach into the next.
type pattern struct {
	text     string
	parts    []string // the five before the resource; nil if it is no ARN
	resource string
}

func newPattern(text string) pattern {
	p := pattern{text: free(text)}
	if parts := strings.SplitN(p.text, ":", 6); len(parts) == 6 {
		p.parts, p.resource = parts[:5], parts[5]
	}
	return p
}

// names reports whether the pattern fits an ARN or something inside it, as
// BUCKET/* is inside BUCKET.
func (p *pattern) names(arn *aws.ARN, id string) bool {
	return p.fits(arn, id) || p.parts != nil && p.about(arn) && (begins(p.resource, arn.Resource+"/") || begins(p.resource, arn.Resource+":"))
}

// fits reports whether the pattern fits an ARN itself.
func (p *pattern) fits(arn *aws.ARN, id string) bool {
	if p.parts == nil {
		return expr.Glob(p.text, id)
	}
	return p.about(arn) && expr.Glob(p.resource, arn.Resource)
}

// about reports whether the parts before the resource fit.
func (p *pattern) about(arn *aws.ARN) bool {
	for i, part := range [...]string{"arn", arn.Partition, arn.Service, arn.Region, arn.Account} {
		if p.parts[i] != part && !expr.Glob(p.parts[i], part) {
			return false
		}
	}
	return true
}

// free puts a wildcard in the place of each variable, whose value the request
// brings.
func free(text string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		inside, after, closed := strings.Cut(rest, "}")
		if !closed {
			return out.String() + "${" + rest
		}
		switch inside {
		case "$":
			out.WriteByte('$')
		default: // "*" and "?" spell themselves, which a wildcard fits too
			out.WriteByte('*')
		}
		text = after
	}
}

// begins reports whether some text that the pattern fits begins with a given
// one.
func begins(pattern, text string) bool {
	at := []int{0}
	for i := 0; ; i++ {
		for k := 0; k < len(at); k++ { // a star may stand for nothing
			if at[k] < len(pattern) && pattern[at[k]] == '*' && !slices.Contains(at, at[k]+1) {
				at = append(at, at[k]+1)
			}
		}
		if i == len(text) || len(at) == 0 {
			return len(at) > 0
		}
		var next []int
		for _, k := range at {
			if k == len(pattern) {
				continue
			}
			to := -1
			switch {
			case pattern[k] == '*':
				to = k
			case pattern[k] == '?', pattern[k] == text[i]:
				to = k + 1
			}
			if to >= 0 && !slices.Contains(next, to) {
				next = append(next, to)
			}
		}
		at = next
	}
}
