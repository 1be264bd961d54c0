package ocsf

import (
	"bytes"
	"slices"
	"strings"
)

// Clone is a copy that shares no memory with what e was read from.
func (e *Event) Clone() *Event {
	c := e.Slim()
	c.Raw = bytes.Clone(e.Raw)
	return c
}

// Slim is a Clone without Raw, for who keeps many.
func (e *Event) Slim() *Event {
	c := *e
	c.Raw = nil
	a := &c.Actor
	for _, s := range []*string{&c.ID, &c.Account, &c.Region, &c.Service, &c.Action, &c.ErrorCode, &c.ErrorMessage, &c.SourceIP, &c.UserAgent, &c.RequestID, &c.Issued,
		&a.Type, &a.ID, &a.Session, &a.ARN, &a.Account, &a.AccessKey, &a.InvokedBy, &a.SourceID, &a.SessionISO} {
		*s = strings.Clone(*s)
	}
	c.Resources = slices.Clone(e.Resources)
	for i := range c.Resources {
		r := &c.Resources[i]
		r.ID, r.Type, r.Account = strings.Clone(r.ID), strings.Clone(r.Type), strings.Clone(r.Account)
	}
	if e.AI != nil {
		m := *e.AI
		m.Model, m.Provider, m.Operation, m.Session, m.Finish = strings.Clone(m.Model), strings.Clone(m.Provider), strings.Clone(m.Operation), strings.Clone(m.Session), strings.Clone(m.Finish)
		c.AI = &m
	}
	if e.Net != nil {
		n := *e.Net
		n.DstIP, n.Interface = strings.Clone(n.DstIP), strings.Clone(n.Interface)
		c.Net = &n
	}
	return &c
}
