package catalog

import (
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
	case u.call.IsAbsent(r.failed, r.failed):
		status = estate.ReadAbsent
	case r.failed == "AccessDenied" || r.failed == "AccessDeniedException" || r.failed == "UnauthorizedOperation":
		status = estate.ReadDenied
	}
	d := &Draft{Resource: u.resource, Scope: r.scope, Config: map[string]any{}, source: r.doc.Source}
	why := r.failed
	if status.Known() {
		why = ""
	}
	d.note(u.call, status, why)
	return e.send(d, s.id, s.scope, sink) == nil
}

// failedList says that an exported list is an error.
func (e *Export) failedList(r *reply, u use, sink estate.Sink) bool {
	if u.call.IsAbsent(r.failed, r.failed) {
		e.listed(u.resource, r.scope, r)
		return true
	}
	sink.BlindSpot(estate.BlindSpot{
		Source: r.doc.Source, Account: r.scope.Account, Region: r.scope.Region, Operation: r.doc.Path,
		Types: []string{u.resource.Type}, Status: estate.ReadFailed, Why: "the file holds an error: " + r.failed,
		Hint: "grant " + u.call.Grants()[0] + " and export again",
	})
	return true
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
		parent = "one" // whether every parent's list is there cannot be told
	}
	k := listKey{res.Type, scope.Account, region, parent}
	l := e.lists[k]
	if l == nil {
		l = &listing{}
		e.lists[k] = l
	}
	l.more = l.more || truncated(r.body)
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
