package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Consequence is what a difference from the baseline leads to.
type Consequence string

// The consequences, mildest first.
const (
	// Cosmetic is a change of words: a description, a tag.
	Cosmetic Consequence = "cosmetic"
	// Attribute is any other change of a configuration.
	Attribute Consequence = "attribute"
	// NewPath is a change after which something can be reached, done or met that
	// could not before.
	NewPath Consequence = "new path"
)

// rank orders consequences.
func (c Consequence) rank() int {
	return slices.Index([]Consequence{Cosmetic, Attribute, NewPath}, c)
}

// What became of an asset.
const (
	WhatChanged   = "changed"
	WhatAdded     = "added"
	WhatRemoved   = "removed"
	WhatRecreated = "recreated" // the same name, another thing
	WhatRenamed   = "renamed"   // another name, the same configuration
	// WhatUnseen is lost coverage: what the baseline saw and this snapshot does
	// not, or the other way round, so that nobody can say whether it differs.
	WhatUnseen = "unseen"
)

// The states of a record.
const (
	StatusOpen     = "open"
	StatusAccepted = "accepted"
	// StatusUnknown is that of what could not be compared.
	StatusUnknown = "unknown"
)

// Change is one place in which an asset differs from the baseline.
type Change struct {
	// Attribute is the place: "config.GetBucketPolicy.Policy.Statement[Public]",
	// "tags.env"; "" for the asset as a whole.
	Attribute string `json:"attribute"`
	// Before and After are what stood there and what stands there, of lists that
	// are sets only what went and what came; nil where nothing did or does.
	Before json.RawMessage `json:"before"`
	After  json.RawMessage `json:"after"`
}

// key is the change's own name within its asset.
func (c Change) key() string {
	return digest("change", c.Attribute, string(c.Before), string(c.After))
}

// Record is one difference from the baseline: what one act made of one asset,
// with everything that follows from it.
type Record struct {
	// ID is stable as long as the same difference stands.
	ID string
	// Asset is the id of what differs; of lost coverage that hides several
	// assets, their type and place in words.
	Asset           string
	Type            string
	Account, Region string
	What            string // WhatChanged and its like
	Changes         []Change
	Consequence     Consequence
	// Paths say in words what can be reached now.
	Paths []string
	// With counts what came or went with the asset and is told with it: pods of a
	// Deployment, interfaces of an instance.
	With int
	// Why says of unseen things why they are.
	Why, Hint string
	// FirstSeen is when a snapshot first differed so, LastSame when one last did
	// not: the act lies between the two.
	FirstSeen, LastSame time.Time
	Status              string
	// Acceptance is who accepted it, nil where nobody has. Lapsed is an acceptance
	// that does not count, and why.
	Acceptance *Acceptance
	Lapsed     string

	// By is who made it, nil if no event shows that; ByWhy then says why not.
	By    *Actor
	ByWhy string
	// Plan is the plan that owns the asset, nil if none does.
	Plan *Owner
	// Faults are the ids of findings that opened with it.
	Faults []string

	// touches are the ids of the assets concerned: those a workload asks about.
	touches []string
	// heavy are tags and labels whose change is more than words here.
	heavy map[string]bool
	// wholes are the ids of the records that this one was a part of until events
	// told its act from the others: who accepted one of them accepted this too.
	wholes []string
}

// Touches returns the ids of the assets the record is about.
func (r *Record) Touches() []string { return r.touches }

// Attribute returns the place of the change that matters most, "" for the asset as
// a whole.
func (r *Record) Attribute() string {
	if len(r.Changes) == 0 {
		return ""
	}
	return r.Gravest()[0].Attribute
}

// Acceptance is a named person's acceptance of one record until a day.
type Acceptance struct {
	Record string `json:"record"`
	Asset  string `json:"asset"`
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
	// Until is the last day it counts, RFC 3339 date.
	Until string    `json:"until"`
	At    time.Time `json:"at"`
}

// Ends is the moment an acceptance ends to count: the end (UTC) of its last day.
func (a Acceptance) Ends() (time.Time, error) {
	day, err := time.Parse(time.DateOnly, a.Until)
	return day.AddDate(0, 0, 1), err
}

// Drift is all that differs from a baseline.
type Drift struct {
	Records []Record
	// Compared is how many assets of the two snapshots were compared, Unseen how
	// many could not be.
	Compared, Unseen int
	// New are the ids of assets that are new since the baseline, what comes and
	// goes by itself left out.
	New []string

	// quiet are changes of tags that a provider block of Terraform gives every
	// resource: they are told only of what they move to another zone.
	quiet []Record
	// What Zones and Accept were told, for records that are divided after them.
	zoneWas, zoneIs ZoneOf
	signed          []Signed
	signedAt        time.Time
}

// Open counts the records that nobody accepted, those that could not be
// compared left out.
func (d *Drift) Open() int {
	n := 0
	for _, r := range d.Records {
		if r.Status == StatusOpen {
			n++
		}
	}
	return n
}

// identify gives a record its id: a hash of the asset and of every change, so
// that an acceptance ends with any further one.
func (r *Record) identify() {
	parts := []string{"drift", r.Asset, r.What}
	for _, c := range r.Changes {
		parts = append(parts, c.key())
	}
	r.ID = "D-" + digest(parts...)[:16]
}

// digest hashes parts so that no two lists of them meet.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ownerOf is the asset a part belongs to: what stands before "#" in its id.
func ownerOf(id string) string {
	whole, _, _ := strings.Cut(id, "#")
	return whole
}

// ours reports whether an asset is something of its own, not one that analysis
// made up to join others.
func ours(a *estate.Asset) bool { return !strings.HasPrefix(a.Type, "sevenfold::") }

// Owner is a plan or state of Terraform that owns an asset.
type Owner struct {
	Plan, Address string
	// Planned says that the plan makes this very change; else it was made by hand.
	Planned bool
}
