package catalog

import (
	"maps"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// emitAs sends a described asset; if its own members do not make an id, the
// path's subject does.
func (e *Export) emitAs(d *Draft, r *reply, u use, sink estate.Sink) error {
	if id, err := d.ID(); err == nil {
		if a, _ := idPlace(id, d.Scope); a != "" {
			return e.emit(d, sink)
		}
		return ErrNoID
	}
	if s := e.here(d.Resource, r.subjects, r.scope); s != nil && len(r.subjects) > 0 {
		config := d.Config
		d.Config = maps.Clone(s.fields)
		maps.Copy(d.Config, config)
		if id, err := d.ID(); err == nil && id == s.id {
			return e.emit(d, sink)
		}
		d.Config = config
		return e.send(d, s.id, s.scope, sink)
	}
	return ErrNoID
}

// emit sends an asset and keeps its names, and makes assets of the parts its
// configuration holds.
func (e *Export) emit(d *Draft, sink estate.Sink) error {
	a, err := d.Asset(unreadInExport)
	if err != nil {
		return err
	}
	e.locate(&a)
	sink.Asset(a)
	s := e.known.add(d.Resource, a, d)
	e.parts(d, s, sink)
	return nil
}

// locate gives an asset the account and region its own id names.
func (e *Export) locate(a *estate.Asset) {
	account, region := idPlace(a.ID, Scope{Account: a.Account, Region: a.Region})
	a.Account, a.Region = account, region
}

// send sends a part of an asset known by its id.
func (e *Export) send(d *Draft, id string, scope Scope, sink estate.Sink) error {
	d.declare(unreadInExport)
	_, region := d.Place()
	if d.Resource.Region == "" {
		region = scope.Region
	}
	a := estate.Asset{
		ID: id, Type: d.Resource.Type, Cloud: estate.AWS, Account: scope.Account, Region: region,
		Config: lower(d.Config), Reads: d.reads, Source: d.source, Tags: d.tags(),
	}
	e.locate(&a)
	sink.Asset(a)
	return nil
}

// parts makes assets of what a reply under a configuration's key holds.
func (e *Export) parts(d *Draft, s *stub, sink estate.Sink) {
	for _, child := range d.Resource.Children() {
		if child.From == "" || !d.Read(child.From) {
			continue
		}
		scope := s.scope
		scope.Parent = s.fields
		for _, item := range child.Items(scope, d.Config) {
			_ = e.emit(child.Start(d.source, scope, item), sink) // an item without its id adds nothing
		}
	}
}
