package control

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Absence is the question of a control that asks for what should exist and does
// not: a trail, a flow log, a monitor. It fails where a completely read list
// holds nothing that meets Where, and is unknown where the list was not read to
// its end.
type Absence struct {
	// Type is the asset type that should exist.
	Type string
	// Related says that one related to the asset itself is asked for, be it that
	// the asset names it or that it names the asset. Otherwise the asset stands
	// for its account, and one is asked for in each region in use.
	Related bool
	// Given are types that make the question one: with Related, those of which one
	// must be related to the asset; otherwise those that put a region in use.
	// None: the question always is one; a region is in use where the root of an
	// AI workload is.
	Given []string

	where, everyRegion, everyAccount *expr.Expr
}

// absentDefinition is the absent part of control.yaml as people write it.
type absentDefinition struct {
	strict.Place
	Type    strict.Text   `key:"type,required"`
	Related bool          `key:"related"`
	Given   []strict.Text `key:"given"`
	// Where is a condition on what should exist; without it any will do.
	Where *strict.Text `key:"where"`
	// EveryRegion and EveryAccount say of one that is there that it serves all
	// regions of its account, all accounts of the estate.
	EveryRegion  *strict.Text `key:"every_region"`
	EveryAccount *strict.Text `key:"every_account"`
}

// absence checks the absent part of a definition.
func (b *builder) absence(d *absentDefinition) *Absence {
	a := &Absence{Type: d.Type.Value, Related: d.Related, Given: values(d.Given)}
	for _, part := range []struct {
		text *strict.Text
		to   **expr.Expr
	}{{d.Where, &a.where}, {d.EveryRegion, &a.everyRegion}, {d.EveryAccount, &a.everyAccount}} {
		if part.text != nil {
			*part.to = b.condition(*part.text)
		}
	}
	if d.Related && (d.EveryRegion != nil || d.EveryAccount != nil) {
		b.bad(d.Type, "every_region and every_account say nothing of what is related to one asset")
	}
	return a
}

// String says the question in words.
func (a *Absence) String() string {
	text := "none there: " + a.Type
	if a.Related {
		text = "none related: " + a.Type
	}
	if a.where != nil {
		text += " where " + a.where.String()
	}
	for _, more := range []struct {
		words string
		of    *expr.Expr
	}{{"; serves every region where ", a.everyRegion}, {"; serves every account where ", a.everyAccount}} {
		if more.of != nil {
			text += more.words + more.of.String()
		}
	}
	if len(a.Given) > 0 {
		text += "; given " + strings.Join(a.Given, ", ")
	}
	return text
}

// Ground is a place in which something should exist, and what is there.
type Ground struct {
	// Region of the place; empty for one asset's own relations.
	Region string
	// Listed says that the type was listed to its end there. Gap is the read that
	// was not, where one is known.
	Listed bool
	Gap    estate.Read
	// There are the assets of the type that may be what is asked for.
	There []Candidate
}

// Candidate is an asset that may be what is asked for.
type Candidate struct {
	Asset  *estate.Asset
	Config json.RawMessage
	// OtherRegion and OtherAccount say that it lies elsewhere and serves the place
	// only if it serves every one.
	OtherRegion, OtherAccount bool
}

// judgeAbsence decides a control that asks for what should exist.
func (c *Control) judgeAbsence(s *expr.Subject, grounds []Ground) Result {
	r := Result{Control: c}
	if len(grounds) == 0 {
		r.Outcome, r.Why = finding.NA, "does not apply: nothing there needs it"
		return r
	}
	var lacking, unsure []string
	for _, g := range grounds {
		switch found, missing := c.meets(s, &g); {
		case found:
		case len(missing) > 0:
			unsure = append(unsure, g.Region)
			r.Missing = append(r.Missing, missing...)
		default:
			lacking = append(lacking, g.Region)
		}
	}
	switch {
	case len(lacking) > 0:
		r.Outcome, r.Missing = finding.Fail, nil
		r.Evidence = append(r.Evidence, finding.Evidence{What: "listed to the end, and none is there", Where: c.absent.Type, Value: places(lacking)})
		r.Evidence = append(r.Evidence, c.exhibits(s)...)
	case len(unsure) > 0:
		r.Outcome, r.Evidence = finding.Unknown, c.exhibits(s)
		r.Why = "the answer is not known: " + explainAll(r.Missing)
	default:
		r.Outcome = finding.Pass
	}
	return r
}

// places names regions, in order.
func places(regions []string) string {
	if len(regions) == 1 && regions[0] == "" {
		return "none"
	}
	return "none in " + strings.Join(slices.Sorted(slices.Values(regions)), ", ")
}

// meets reports whether something in a place is what the control asks for; if it
// cannot tell, the reads that would.
func (c *Control) meets(s *expr.Subject, g *Ground) (bool, []estate.Read) {
	var missing []estate.Read
	for _, k := range g.There {
		truth, lacks := c.serves(s, &k)
		if truth == expr.True {
			return true, nil
		}
		if truth == expr.Unknown {
			missing = append(missing, lacks...)
		}
	}
	if !g.Listed {
		gap := g.Gap
		if gap.Operation == "" {
			gap = estate.Read{Operation: c.Reads[0], Status: estate.ReadSkipped, Why: "not listed to the end" + in(g.Region)}
		}
		missing = append(missing, gap)
	}
	return false, missing
}

func in(region string) string {
	if region == "" {
		return ""
	}
	return " in " + region
}

// needs are the conditions a candidate must meet; false if it cannot serve at
// all from where it lies.
func (a *Absence) needs(k *Candidate) ([]*expr.Expr, bool) {
	var out []*expr.Expr
	if a.where != nil {
		out = append(out, a.where)
	}
	for _, far := range []struct {
		is bool
		by *expr.Expr
	}{{k.OtherRegion, a.everyRegion}, {k.OtherAccount, a.everyAccount}} {
		if far.is {
			if far.by == nil {
				return nil, false
			}
			out = append(out, far.by)
		}
	}
	return out, true
}

// serves decides whether one asset is what the control asks for.
func (c *Control) serves(s *expr.Subject, k *Candidate) (expr.Truth, []estate.Read) {
	needs, ok := c.absent.needs(k)
	if !ok {
		return expr.False, nil
	}
	if k.Asset.Referenced {
		return expr.Unknown, []estate.Read{{Operation: c.Reads[0], Status: estate.ReadSkipped, Why: k.Asset.ID + " is known by name only"}}
	}
	other := expr.NewSubject(k.Asset, func() (json.RawMessage, error) { return k.Config, nil }, nil, s.Now())
	other.Accounts = s.Accounts
	defer other.Release()
	truth, missing := expr.True, []estate.Read(nil)
	ask := func(e *expr.Expr) expr.Truth {
		r := e.Eval(other)
		if r.Truth == expr.Unknown {
			for _, m := range r.Missing {
				missing = append(missing, c.missing(k.Asset, m)...)
			}
			if len(r.Missing) == 0 {
				missing = append(missing, estate.Read{Operation: c.Reads[0], Status: estate.ReadMalformed, Why: k.Asset.ID + ": " + r.Why()})
			}
		}
		return r.Truth
	}
	for _, e := range needs {
		switch ask(e) {
		case expr.False:
			return expr.False, nil
		case expr.Unknown:
			truth = expr.Unknown
		}
	}
	return truth, missing
}
