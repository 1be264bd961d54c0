package assess

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
)

// overviewed takes the overview of identities from the step that made it; nil
// if none did.
func overviewed(steps []Step) *access.Overview {
	for _, s := range steps {
		if a, ok := s.(*access.Step); ok {
			return a.Seen()
		}
	}
	return nil
}

// Rules lists the findings that steps give without a control.
func Rules() []finding.Rule {
	return slices.Concat(access.Rules(), data.Rules(), network.Rules(), supply.Rules(), respond.Rules())
}

// ruled are the findings that steps give without a control, as the report wants
// them.
func ruled() []report.Control {
	var out []report.Control
	for _, r := range Rules() {
		out = append(out, report.Control{ID: r.ID, Step: r.Step, Title: r.Title, Why: r.Why, Severity: r.Severity, Fix: r.Fix, InvalidFor: r.InvalidFor})
	}
	return out
}

// OverviewDocument puts an overview in the words of a report: of its identities
// those that may touch AI. It is nil for none.
func OverviewDocument(o *access.Overview) *report.Overview {
	if o == nil {
		return nil
	}
	out := &report.Overview{Assets: o.Assets, All: len(o.Identities), Unread: o.Unread, Identities: []report.OverviewIdentity{}}
	for _, a := range o.Accounts {
		out.Human, out.Machine, out.Unknown, out.Ownerless = out.Human+a.Human, out.Machine+a.Machine, out.Unknown+a.Unknown, out.Ownerless+a.Ownerless
		out.Accounts = append(out.Accounts, report.OverviewAccount{Account: a.Account, All: a.Identities, Human: a.Human, Machine: a.Machine, Unknown: a.Unknown, Ownerless: a.Ownerless})
	}
	for _, w := range o.Workloads {
		out.Workloads = append(out.Workloads, report.OverviewWorkload{Name: w.Name, Assets: w.Assets, Human: w.Human, Machine: w.Machine, Unknown: w.Unknown, Ownerless: w.Ownerless, Strongest: w.Strongest})
	}
	for i := range o.Identities {
		if id := &o.Identities[i]; len(id.Touches) > 0 {
			out.Identities = append(out.Identities, identityWords(o, id))
		}
	}
	return out
}

// grantsShown is how many grants of an identity are put in words.
const grantsShown = 4

func identityWords(o *access.Overview, id *access.Identity) report.OverviewIdentity {
	w := report.OverviewIdentity{ID: id.ID, Account: id.Account, Kind: string(id.Kind), Why: id.Why, Origin: id.Origin, May: id.May(), Workloads: id.Workloads,
		LastUsed: id.LastUse(), KeyDays: -1, MFA: id.MFA, NoOwner: id.NoOwner, Ownerless: id.Ownerless()}
	if id.Owner != "" {
		w.Owner = id.Owner + " (" + id.OwnerFrom + ")"
	}
	if old := id.OldestKey(); !old.IsZero() {
		w.KeyDays = max(0, int(o.Taken.Sub(old).Hours()/24))
	}
	for _, t := range id.Touches {
		letter := t.Level[:1]
		switch t.Level {
		case "administer":
			w.Administer = t.Assets
		case "change":
			w.Change = t.Assets
		case "run":
			w.Run = t.Assets
		case "read":
			w.Read, letter = t.Assets, "d"
		}
		if t.Conditional > 0 {
			w.Tied += letter
		}
	}
	for i, g := range id.Grants {
		if i == grantsShown {
			w.By = append(w.By, fmt.Sprintf("%d more grants", len(id.Grants)-i))
			break
		}
		w.By = append(w.By, wayWords(g))
	}
	if len(id.Boundaries) > 0 {
		w.Notes = append(w.Notes, "no more than its boundary allows: "+strings.Join(id.Boundaries, ", "))
	}
	if id.Unknown > 0 {
		w.Notes = append(w.Notes, "perhaps more: of "+assets(id.Unknown)+" it could not be told")
	}
	for _, u := range id.Unread {
		w.Notes = append(w.Notes, "perhaps more: "+u)
	}
	return w
}

// wayWords says what one statement gives.
func wayWords(g access.Way) string {
	s := g.Via + ": " + strings.Join(g.Levels, ", ") + " " + assets(g.Assets)
	if len(g.Conditions) > 0 {
		s += "; depends on " + strings.Join(g.Conditions, ", ")
	}
	return s
}

func assets(n int) string {
	if n == 1 {
		return "1 asset"
	}
	return fmt.Sprintf("%d assets", n)
}
