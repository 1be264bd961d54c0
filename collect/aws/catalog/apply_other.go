package catalog

import (
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// failedPart notes an exported error on the asset it is about.
func (e *Export) failedPart(r *reply, u use, sink estate.Sink) bool {
	s := e.subject(r, u, true)
	if s == nil {
		return false
	}
	status := estate.ReadFailed
	switch {
	case u.call.IsAbsent(r.failed, r.why):
		status = estate.ReadAbsent
	default:
		status = statusOf(r.failed)
	}
	d := &Draft{Resource: u.resource, Scope: r.scope, Config: map[string]any{}, source: r.doc.Source}
	why := r.why
	if status.Known() {
		why = ""
	}
	d.note(u.call, status, why)
	if !status.Known() {
		b := estate.BlindSpot{
			Source: r.doc.Source, Account: s.scope.Account, Region: s.scope.Region, Operation: u.call.Operation(), Asset: s.id,
			Types: []string{u.resource.Type}, Status: status, Why: r.doc.Path + " holds an error: " + r.why,
			Hint: "run the command again and export its reply",
		}
		if r.failed == incomplete {
			b.Why, b.Hint = r.doc.Path+": "+r.why, "run the command again and export its whole reply, without --query and --max-items"
		}
		if status == estate.ReadDenied {
			b.Hint = "grant " + strings.Join(u.call.Grants(), ", ")
		}
		sink.BlindSpot(b)
	}
	return e.send(d, s.id, s.scope, sink) == nil
}

// statusOf says what an exported error code means.
func statusOf(code string) estate.ReadStatus {
	switch {
	case strings.Contains(code, "AccessDenied"), strings.Contains(code, "Unauthorized"), strings.Contains(code, "NotAuthorized"), code == "AuthorizationError":
		return estate.ReadDenied
	case code == incomplete:
		return estate.ReadMalformed
	case strings.Contains(code, "Throttl"), code == "SlowDown", code == "TooManyRequestsException", code == "RequestLimitExceeded":
		return estate.ReadThrottled
	}
	return estate.ReadFailed
}

// failedList says that an exported list is an error.
func (e *Export) failedList(r *reply, u use, sink estate.Sink) bool {
	if u.call.IsAbsent(r.failed, r.why) {
		e.listed(u.resource, r.scope, r)
		return true
	}
	b := estate.BlindSpot{
		Source: r.doc.Source, Account: r.scope.Account, Region: r.scope.Region, Operation: r.op.service + ":" + r.op.name,
		Types: typesBelow(u.resource), Status: statusOf(r.failed), Why: r.doc.Path + " holds an error: " + r.why,
		Hint: "run the command again and export its reply",
	}
	if b.Status == estate.ReadDenied {
		b.Hint = "grant " + strings.Join(u.call.Grants(), ", ")
	}
	sink.BlindSpot(b)
	return true
}

// typesBelow lists a type and what is listed below it.
func typesBelow(r *Resource) []string {
	out := []string{r.Type}
	for _, c := range r.Children() {
		if c != r {
			out = append(out, typesBelow(c)...)
		}
	}
	return out
}

// badItem says that an item of a list has no id.
func (e *Export) badItem(r *reply, res *Resource, err error, sink estate.Sink) {
	sink.BlindSpot(estate.BlindSpot{
		Source: r.doc.Source, Account: r.scope.Account, Region: r.scope.Region, Operation: r.doc.Path,
		Types: []string{res.Type}, Status: estate.ReadMalformed, Why: err.Error(),
		Hint: "export the whole reply, without --query",
	})
}

// listed notes that a type's list was read in a place.
func (e *Export) listed(res *Resource, scope Scope, r *reply) {
	region := scope.Region
	if res.IsGlobal() {
		region = ""
	}
	parent := ""
	if res.Parent != "" {
		parent = strings.Join(append([]string{"below"}, r.subjects...), "/")
	}
	k := listKey{res.Type, scope.Account, region, parent}
	l := e.lists[k]
	if l == nil {
		l = &listing{}
		e.lists[k] = l
	}
	l.read(r)
}

// applyRows joins a credential report to the assets its rows name.
func (e *Export) applyRows(r *reply, u use, sink estate.Sink) bool {
	content, _ := Lookup(r.body, u.resource.Rows.Content).(string)
	table, err := ReadRows(content, u.resource.Rows.By)
	if err != nil {
		e.badItem(r, u.resource, err, sink)
		return true
	}
	for id, row := range table {
		a, ok := parseARN(id)
		if !ok || (a.resource == "root") != u.resource.Single {
			continue
		}
		d := &Draft{Resource: u.resource, Scope: Scope{Partition: a.partition, Account: a.account}, Config: map[string]any{}, source: r.doc.Source}
		d.AddRow(row, estate.ReadOK, "", "")
		_ = e.send(d, id, d.Scope, sink) // never fails: the id is given
	}
	return true
}

// applyTags supplies tags to assets known so far, and waits for the others.
func (e *Export) applyTags(r *reply, sink estate.Sink) {
	for id, tags := range TaggedResources(r.body) {
		s := e.known.byID[id]
		if s == nil {
			e.tags[id] = tags
			continue
		}
		sendTags(s, tags, r.doc.Source, sink)
	}
}

// sendTags sends an asset's tags.
func sendTags(s *stub, tags map[string]string, source string, sink estate.Sink) {
	a := estate.Asset{ID: s.id, Type: s.resource.Type, Cloud: estate.AWS, Account: s.scope.Account, Region: s.scope.Region, Tags: tags, Source: source}
	a.Account, a.Region = idPlace(a.ID, s.scope)
	sink.Asset(a)
}

// identityWeight makes the account of an exported caller identity outweigh
// any guess.
const identityWeight = 1 << 20

// gathered are elements of a member of the root that come one file each.
type gathered struct {
	stub     *stub
	resource *Resource
	source   string
	elements []any
	named    int // elements there should be; -1 if no reply says
	reads    []*Call
}

// applyMerge takes a reply that makes up a member of an asset's root.
func (e *Export) applyMerge(r *reply, u use, sink estate.Sink) bool {
	s := e.subject(r, u, false)
	if s == nil || r.failed != "" {
		return false
	}
	c, whole := u.call, !truncated(r.body)
	v := Lookup(r.body, c.Take)
	if c.Into != "" {
		d := &Draft{Resource: u.resource, Scope: s.scope, Config: map[string]any{}, source: r.doc.Source}
		if whole && v != nil {
			d.Config[c.Into] = v
			d.note(c, estate.ReadOK, "")
		} else {
			d.note(c, estate.ReadMalformed, "the export does not hold the whole list")
		}
		return e.send(d, s.id, s.scope, sink) == nil
	}
	key := s.id + "\x00" + first(c.Append, c.Names)
	g := e.gathered[key]
	if g == nil {
		g = &gathered{stub: s, resource: u.resource, source: r.doc.Source, named: -1}
		e.gathered[key] = g
	}
	g.reads = append(g.reads, c)
	if c.Names != "" {
		if list, ok := v.([]any); ok && whole {
			g.named = len(list)
		}
		return true
	}
	if m, ok := v.(map[string]any); ok && len(c.Pick) > 0 {
		kept := map[string]any{}
		for _, k := range c.Pick {
			if m[k] != nil {
				kept[k] = m[k]
			}
		}
		v = kept
	}
	g.elements = append(g.elements, v)
	return true
}

// sendGathered sends the members gathered. One of which not every element is
// known to be there is marked unknown.
func (e *Export) sendGathered(sink estate.Sink) {
	for _, key := range slices.Sorted(maps.Keys(e.gathered)) {
		g := e.gathered[key]
		_, member, _ := strings.Cut(key, "\x00")
		if g.elements == nil {
			g.elements = []any{}
		}
		d := &Draft{Resource: g.resource, Scope: g.stub.scope, Config: map[string]any{member: g.elements}, source: g.source}
		for _, c := range g.reads {
			d.note(c, estate.ReadOK, "")
		}
		d.declare(unreadInExport)
		a := estate.Asset{
			ID: g.stub.id, Type: g.resource.Type, Cloud: estate.AWS, Account: g.stub.scope.Account, Region: g.stub.scope.Region,
			Config: lower(d.Config), Reads: slices.CompactFunc(d.reads, func(a, b estate.Read) bool { return a == b }), Source: g.source,
		}
		if g.named < 0 || g.named > len(g.elements) {
			a.Unknown = []string{"/" + member}
		}
		e.locate(&a)
		sink.Asset(a)
	}
}
