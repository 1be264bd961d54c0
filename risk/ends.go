package risk

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// beginning is a state an attacker may begin in.
type beginning struct {
	state state
	entry Entry
	why   string
}

// beginnings are sorted: the surest entry first, then by state.
type beginnings []beginning

// states are those of one entry, or of all if it is empty.
func (b beginnings) states(e Entry) []state {
	var out []state
	for _, one := range b {
		if e == "" || one.entry == e {
			out = append(out, one.state)
		}
	}
	return out
}

// whys say why an attacker may begin in the states of one entry.
func (b beginnings) whys(e Entry) map[state]string {
	out := map[state]string{}
	for _, one := range b {
		if _, told := out[one.state]; one.entry == e && !told {
			out[one.state] = one.why
		}
	}
	return out
}

// entries are where an attacker may begin, by findings of one status; failing
// ones also by what assets say of themselves.
func (g *graph) entries(findings []finding.Finding, o Options, status finding.Outcome) beginnings {
	var out beginnings
	for i := range findings {
		f := &findings[i]
		fact := o.Facts[f.Control]
		n, ok := g.snap.Find(f.Asset)
		if !ok || fact.Entry == "" || f.Status != status || o.from != nil && !o.from(g.snap.Asset(n)) {
			continue
		}
		out = append(out, beginning{at(n, fact.power()), fact.Entry, f.Title})
	}
	if status == finding.Fail && o.Exposed != nil {
		for n, a := range g.snap.Assets() {
			if o.from != nil && !o.from(a) {
				continue
			}
			if why := o.Exposed(n, a); why != "" {
				out = append(out, beginning{at(n, act), Internet, why})
			}
		}
	}
	slices.SortFunc(out, func(a, b beginning) int {
		return cmp.Or(cmp.Compare(entries[b.entry].reach, entries[a.entry].reach), cmp.Compare(a.state, b.state), strings.Compare(a.why, b.why))
	})
	return out
}

// doorsOf are the assets that let in whoever can open a connection to them, by
// findings that fail: what could not be decided is no door, as it is no entry.
func doorsOf(snap *estate.Snapshot, findings []finding.Finding, o Options) map[estate.Node]power {
	out := map[estate.Node]power{}
	for i := range findings {
		f := &findings[i]
		fact := o.Facts[f.Control]
		if !fact.Door || f.Status != finding.Fail {
			continue
		}
		if n, ok := snap.Find(f.Asset); ok {
			out[n] = max(out[n], fact.power())
		}
	}
	return out
}

// class is a class of goals, worth most first.
type class int

// The classes of goals.
const (
	administrator class = iota
	labelled
	secret
	production
	credential
	aiService
	workload
	classes
)

// worths says what each class is worth to an attacker and what it is called.
var worths = [classes]struct {
	worth float64
	name  string
}{
	administrator: {1, "administrator rights"}, labelled: {1, "labelled data"}, secret: {0.9, "secrets"},
	production: {0.85, "production"}, credential: {0.8, "a credential in clear"},
	aiService: {0.75, "all of an AI service"}, workload: {0.7, "an AI workload"},
}

// goals are, by class, the states an attacker would stop in, each with what
// makes it one.
type goals [classes]map[state]string

func (gs *goals) states(c class) []state { return slices.Sorted(maps.Keys(gs[c])) }

func (gs *goals) add(c class, n estate.Node, m mask, why string) {
	if gs[c] == nil {
		gs[c] = map[state]string{}
	}
	for p := range powers {
		if _, told := gs[c][at(n, p)]; m.has(p) && !told {
			gs[c][at(n, p)] = why
		}
	}
}

// prizes says which class a fault makes of its asset, and with which powers
// over the asset an attacker has it.
var prizes = map[Prize]struct {
	class class
	have  mask
}{
	Administrator: {administrator, of(act, own)},
	Secrets:       {secret, of(act, own)},
	Credential:    {credential, of(see, act, own)},
	AIService:     {aiService, of(act, own)},
}

// goals are what is worth reaching: by findings, by labels, by what assets are,
// and by the workloads they belong to.
func (g *graph) goals(workloads *scope.Workloads, findings []finding.Finding, o Options) *goals {
	gs := &goals{}
	for i := range findings {
		f := &findings[i]
		n, ok := g.snap.Find(f.Asset)
		prize, is := prizes[o.Facts[f.Control].Prize]
		if ok && is && f.Status == finding.Fail {
			gs.add(prize.class, n, prize.have, f.Title)
		}
	}
	for n, a := range g.snap.Assets() {
		if strings.HasPrefix(a.ID, administrators) {
			gs.add(administrator, n, of(act, own), a.Name)
			continue
		}
		if o.Labels != nil {
			if labels := o.Labels(n, a); len(labels) > 0 {
				gs.add(labelled, n, of(see, taint, act, own), "labelled "+strings.Join(labels, ", "))
			}
		}
		if holdsSecrets(a) {
			gs.add(secret, n, of(see, act, own), "a secret")
		}
		have, matters := worthwhile(a)
		if !matters {
			continue
		}
		zone, decided := workloads.ZoneOf(a.ID)
		switch {
		case decided && (zone == "production" || zone == "serving"):
			gs.add(production, n, have, "of zone "+zone)
		default:
			if owners := workloads.Of(a.ID); len(owners) > 0 {
				gs.add(workload, n, have, "of "+owners[0])
			}
		}
	}
	return gs
}

// holdsSecrets reports whether reading the asset gives secrets away. A key of a
// key service does not leave it, and an access key's record is not the key.
func holdsSecrets(a *estate.Asset) bool {
	if a.Type == "" && strings.HasPrefix(a.ID, "k8s://") { // known by name only, and the name says it
		return strings.Contains(a.ID, "/Secret/")
	}
	return a.Kind == estate.KindSecret && a.Type != "AWS::IAM::AccessKey" && !strings.HasPrefix(a.Type, "AWS::KMS::")
}

// worthwhile says which assets of a zone or workload an attacker is after, and
// what he must have of them: what runs must run for him or learn from him.
func worthwhile(a *estate.Asset) (mask, bool) {
	switch a.Kind {
	case estate.KindModel, estate.KindDataset, estate.KindStore:
		return of(see, taint, own), true
	case estate.KindEndpoint:
		return of(taint, act, own), true
	}
	return of(taint, act, own), a.Root != nil
}
