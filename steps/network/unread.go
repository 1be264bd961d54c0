package network

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// dark says of everything that was not read, and of which nobody knows what it holds,
// what and why: a damaged file, a folder without permission, a source that did not
// answer. A rule, a route or a policy may lie in it, so that no "no" is sure. What
// hides part of one asset, or assets of named types, is unknown where it counts.
func dark(snap *estate.Snapshot) []string {
	var out []string
	for _, b := range snap.BlindSpots() {
		if !hidesAnything(snap, &b) {
			continue
		}
		text := fmt.Sprintf("%s of %s was not read: %s", b.Operation, b.Source, b.Why)
		if strings.HasPrefix(b.Operation, "read ") {
			text = fmt.Sprintf("%s was not read: %s", b.Source, b.Why)
		}
		if b.Hint != "" {
			text += " (hint: " + b.Hint + ")"
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// hidesAnything reports whether nobody knows what a blind spot hides.
func hidesAnything(snap *estate.Snapshot, b *estate.BlindSpot) bool {
	if len(b.Types) > 0 || b.Hint == estate.NoMend {
		return false
	}
	kind, _, _ := strings.Cut(b.Source, ":")
	if b.Asset != "" {
		// What a plan or template will make and could not be understood has no type, and
		// may be the rule that opens a port of another.
		n, known := snap.Find(b.Asset)
		return (kind == "terraform" || kind == "cloudformation") && (!known || snap.Asset(n).Referenced)
	}
	switch kind {
	case "aws": // what else it lacks names its types, or is of tags
		return b.Operation == "read "+b.Source
	case "findings", "events", "lineage", "flows": // these hold no asset
		return false
	case "cloudformation": // a value that only the stack's maker knows is unknown where it counts
		return !strings.HasPrefix(b.Operation, "resolve ")
	}
	return true
}

// Unread says what was not read and may hold anything, one sentence each: because of it
// no answer of this network is "no".
func (w *World) Unread() []string { return orEmpty(w.dark) }

// Unlisted says where interfaces were not all listed, so that nobody knows what else
// stands in a zone: one sentence for each account and region that has a VPC.
func (w *World) Unlisted() []string {
	var out []string
	for i := range w.model.VPCs {
		if why := w.unlisted(&w.model.VPCs[i], "AWS::EC2::NetworkInterface"); why != "" {
			out = append(out, why+": what else stands there is not known")
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Unexamined says why nothing can be said of the network as a whole: nothing that was
// read stands in one. Empty where something does.
func (w *World) Unexamined() string {
	for n, a := range w.snap.Assets() {
		if w.component(n, a) {
			return ""
		}
	}
	return "nothing that stands in a network was read: name a source that holds one (--source aws, kubernetes, dir:PATH), or the account or cluster it is in"
}

// shaded is an answer in the light of what was not read: what is not open may be.
func (w *World) shaded(l Link, ports reach.Ports) Link {
	if len(w.dark) == 0 {
		return l
	}
	l.Maybe = ports.Minus(l.Ports)
	if l.Reachable == reach.Yes {
		return l
	}
	const most = 3
	l.Reachable = reach.Unknown
	why := slices.Clone(w.dark[:min(most, len(w.dark))])
	if n := len(w.dark) - len(why); n > 0 {
		why = append(why, fmt.Sprintf("%d more things were not read", n))
	}
	l.Because = append(why, l.Because...)
	return l
}

// shade takes back what a criterion passes by: what was not read may hold what would fail
// it.
func (w *World) shade(c *finding.Criterion) {
	if len(w.dark) > 0 && c.Status == finding.CriterionPass {
		c.Status, c.Reason = finding.CriterionUnknown, "it would stand but for what was not read: "+joinFew(w.dark, 2)
	}
}
