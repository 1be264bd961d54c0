package audit

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// MayHaveMade reports whether an act is about a record's asset, of the kind that makes such
// a change, and of the time in which it came about. An act on an object of a cluster must
// say which.
func (r *Record) MayHaveMade(e *events.Event) bool {
	if r.Status == StatusUnknown || e.Time.Before(r.LastSame.Add(-clockSkew)) || e.Time.After(r.FirstSeen.Add(clockSkew)) {
		return false
	}
	if r.What != WhatChanged {
		return fit(r, nil, e) > 0
	}
	return slices.ContainsFunc(r.Changes, func(c Change) bool { return fit(r, &c, e) > 0 })
}

// ClusterOf is the cluster that an asset lies in; "" for one of a cloud's.
func ClusterOf(asset string) string {
	rest, ok := strings.CutPrefix(asset, "k8s://")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}
