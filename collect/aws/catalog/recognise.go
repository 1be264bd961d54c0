package catalog

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// operation is one call of the catalogue as an exported reply of it may be
// recognised.
type operation struct {
	service, name string
	uses          []use
	outputs       map[string]api.Member
}

// use is one part that a reply of an operation plays.
type use struct {
	resource *Resource
	call     *Call
	role     role
}

type role int

const (
	lists role = iota
	describes
	merges
	further
	rows
	tagging
	identity
)

// index finds operations by the name their files bear and by what replies
// hold.
type index struct {
	all   []*operation
	byKey map[string][]*operation // canonical operation name
	words map[string][]string     // canonical service word -> services
	// resources are those of the catalogue in its order, parents first.
	resources []*Resource
	keys      map[string]int // top-level member -> operations that have it
}

// canonical keeps letters and digits, in lower case: "describe-db-instances"
// and "DescribeDBInstances" are one.
func canonical(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// newIndex builds the index of a catalogue; the models of its services are
// unpacked for it.
func newIndex(c *Catalog) *index {
	x := &index{byKey: map[string][]*operation{}, words: map[string][]string{}, keys: map[string]int{}}
	ops := map[string]*operation{}
	add := func(service, name string, u use) {
		op := ops[service+":"+name]
		if op == nil {
			op = &operation{service: service, name: name, outputs: map[string]api.Member{}}
			if m, ok := api.Operation(service, name); ok {
				for _, out := range m.Outputs() {
					op.outputs[out.Name] = out
				}
			}
			ops[service+":"+name] = op
			x.all = append(x.all, op)
			x.byKey[canonical(name)] = append(x.byKey[canonical(name)], op)
		}
		op.uses = append(op.uses, u)
	}
	for _, s := range c.Services() {
		for _, word := range append([]string{s.Service, s.Prefix}, s.CLI...) {
			if w := canonical(word); w != "" && !slices.Contains(x.words[w], s.Service) {
				x.words[w] = append(x.words[w], s.Service)
			}
		}
		x.resources = append(x.resources, s.Resources...)
		for _, r := range s.Resources {
			if r.List != nil {
				add(r.List.ServiceName(), r.List.Op, use{r, r.List, lists})
			}
			for _, call := range r.Also {
				add(call.ServiceName(), call.Op, use{r, call, call.alsoRole()})
			}
			for _, call := range r.calls {
				kind := further
				if call.key == "" {
					kind = describes
				}
				add(call.ServiceName(), call.Op, use{r, call, kind})
			}
			if r.Rows != nil {
				add(s.Service, r.Rows.Op, use{resource: r, role: rows})
			}
		}
	}
	x.words["s3control"] = []string{"s3control"}
	x.words["identitystore"] = []string{"identitystore"}
	x.words["resourcegroupstaggingapi"] = []string{"resourcegroupstaggingapi"}
	add("resourcegroupstaggingapi", "GetResources", use{role: tagging})
	add("sts", "GetCallerIdentity", use{role: identity})
	x.words["sts"] = []string{"sts"}
	for _, op := range x.all {
		slices.SortStableFunc(op.uses, func(a, b use) int { return int(a.role) - int(b.role) })
		for k := range op.outputs {
			x.keys[k]++
		}
	}
	services := []string{"account", "sts", "s3control", "identitystore"}
	for _, s := range c.Services() {
		services = append(services, s.Service)
	}
	x.addUnread(services)
	return x
}

// alsoRole says what a call under Also tells.
func (c *Call) alsoRole() role {
	switch {
	case c.Items != "":
		return lists
	case c.Into != "" || c.Append != "" || c.Names != "":
		return merges
	}
	return describes
}

// addUnread enters the operations of the services that the catalogue does not
// use: a reply of one is recognised by its name, so that it is not taken for
// another's.
func (x *index) addUnread(services []string) {
	for _, s := range services {
		for _, name := range api.Operations(s) {
			key := canonical(name)
			if !slices.ContainsFunc(x.byKey[key], func(op *operation) bool { return op.service == s }) {
				x.byKey[key] = append(x.byKey[key], &operation{service: s, name: name})
			}
		}
	}
}

// defaultIndex is the index of the catalogue compiled in.
var defaultIndex = sync.OnceValues(func() (*index, error) {
	c, err := Default()
	if err != nil {
		return nil, err
	}
	return newIndex(c), nil
})

// pageTokens are members that only say whether there is more.
var pageTokens = map[string]bool{
	"NextToken": true, "nextToken": true, "Marker": true, "NextMarker": true, "IsTruncated": true,
	"Truncated": true, "position": true, "PaginationToken": true, "HasMoreTags": true, "HasMoreStreams": true,
	"LastEvaluatedTableName": true, "NextPageMarker": true, "AdditionalRoutesAvailable": true,
}

// trimTokens removes the members of a whole reply that only said that there
// is no more.
func trimTokens(body map[string]any) {
	for k, v := range body {
		if pageTokens[k] && (v == false || empty(v)) {
			delete(body, k)
		}
	}
}

// recognise says of which operation a reply is. Several operations mean that
// neither path nor content decides; none, that the document is not of AWS as
// far as one can tell.
func (x *index) recognise(path string, body map[string]any) (ops []*operation, named named) {
	named = x.readPath(path)
	if len(named.ops) > 0 {
		var fit []*operation
		for _, op := range named.ops {
			if op.fits(body, false) || errorCode(body) != "" {
				fit = append(fit, op)
			}
		}
		if unread := ofServices(named.ops, named.services); len(fit) == 0 && len(unread) == 1 && unread[0].uses == nil {
			return unread, named
		}
		if len(fit) > 0 {
			return x.narrow(fit, named, body), named
		}
	}
	var fit []*operation
	for _, op := range x.all {
		if len(op.outputs) > 0 && holds(op, body) && op.exact(body) && op.fits(body, true) {
			fit = append(fit, op)
		}
	}
	fit = x.narrow(fit, named, body)
	if len(named.services) == 0 && !x.telling(fit, body) {
		return nil, named
	}
	named.subjects = nil
	return fit, named
}

// narrow prefers the operations of the services the path names.
func (x *index) narrow(fit []*operation, n named, body map[string]any) []*operation {
	if len(fit) < 2 {
		return fit
	}
	if len(n.subjects) == 1 && accountNumber.MatchString(n.subjects[0]) {
		// s3 and s3control share GetPublicAccessBlock; only the latter asks
		// about an account.
		if c := ofServices(fit, []string{"s3control"}); len(c) == 1 {
			return c
		}
	}
	if own := ofServices(fit, n.services); len(own) > 0 {
		fit = own
	}
	if len(fit) > 1 {
		if own := ofServices(fit, arnServices(body, x)); len(own) > 0 {
			fit = own
		}
	}
	return fit
}

// ofServices keeps the operations of some services.
func ofServices(ops []*operation, services []string) []*operation {
	var out []*operation
	for _, op := range ops {
		if slices.Contains(services, op.service) {
			out = append(out, op)
		}
	}
	return out
}
