package data

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data/lineage"
)

// What makes a flow possible.
const (
	ByPermission = "permission" // the principal may read what the store holds
	ByNetwork    = "network"    // a connection to the store can be opened; its own users decide the rest
)

// Possible is a flow that nothing declares and no event showed, and that rights or the
// network allow: who could take what a store holds, and where that would go on to.
type Possible struct {
	Store  string   `json:"store"`
	Labels []string `json:"labels"` // what the store holds, found there or come along flows
	By     string   `json:"by"`     // permission or network
	// Taker is the principal that may read, or what can open a connection: an id, or internet.
	Taker    string `json:"taker"`
	Decision string `json:"decision"` // allow, conditional or unknown; of the network allow or unknown
	Reason   string `json:"reason"`
	// Through are the principals in whose place the taker can act, from the one that may read the
	// store on; none where the taker itself may.
	Through []string `json:"through,omitempty"`
	// Watched is true where data events of the store were recorded and given: that nobody took
	// it so is then known of the time that they cover.
	Watched bool `json:"watched"`
	// Approved is the worst of the systems', so no where one of them is not.
	Approved string `json:"approved"`
	// Systems are those that a label would reach, and does not by what is declared or was
	// seen; those that are not approved first. They are a principal itself where nothing runs as it.
	Systems []PossibleSystem `json:"systems"`
	// More is how many further systems are not listed.
	More int `json:"more,omitempty"`
}

// PossibleSystem is a system that a label could reach.
type PossibleSystem struct {
	System   string `json:"system"`
	Type     string `json:"type"`
	Approved string `json:"approved"` // as of a Stop
	// Path begins with the hops that are possible: to the principals that can be acted as and to
	// what takes the data; those behind them are declared or were seen.
	Path []Hop `json:"path"`
}

// Connection is how something can open a connection to a store.
type Connection struct {
	Decision string // allow or unknown
	How      string // the ports, or why it is not known
}

// Opening says what can open a connection to a store, by id; the text says why that is
// not known, or not of all.
type Opening func(ctx context.Context, a *estate.Asset) (map[string]Connection, string, error)

// Answers are what other steps answer about what is possible. Each may be nil: nobody answers
// that then.
type Answers struct {
	Read Asking
	Act  Acting
	Open Opening
}

// Bounds of what is asked and told. What is beyond one is said to be.
const (
	maxPossibleStores  = 200   // stores that somebody is asked about
	maxPossibleFollows = 2_000 // jobs whose data is followed
	maxPossible        = 500   // flows told
	maxPossibleSystems = 20    // systems told of each
	maxPossibleActed   = 1_000 // principals of whom it is asked who can act in their place
	maxPossibleTurns   = 4     // principals one after another, between the store and who takes from it
)

// possibles gathers possible flows.
type possibles struct {
	w         *World
	workloads *scope.Workloads
	out       *Flows
	onward    map[string][]PossibleSystem // by what takes the data, without the first hop
	approvals map[[2]string]string        // by label and system
	left      int                         // takers that were not followed
	answers   Answers
	acted     map[string][]Actor // who can act as a principal
	unasked   map[string]bool    // principals of whom that was not asked, since there are too many
	runs      map[string][]string
}

// AddPossible adds to flows those that are possible by permission and by network, from
// labelled stores, of one label only if it is not empty. They are told, and carry no label
// on: what is possible is not what is.
func (w *World) AddPossible(ctx context.Context, f *Flows, workloads *scope.Workloads, only string, answers Answers) error {
	p := &possibles{w: w, workloads: workloads, out: f, onward: map[string][]PossibleSystem{}, approvals: map[[2]string]string{},
		answers: answers, acted: map[string][]Actor{}, unasked: map[string]bool{}, runs: map[string][]string{}}
	stores, labels := w.labelledStores(only)
	if n := len(stores) - maxPossibleStores; n > 0 {
		stores = stores[:maxPossibleStores]
		p.unknown("", fmt.Sprintf("who could take the data of %d further labelled stores was not asked: %d are", n, maxPossibleStores), false)
	}
	for _, id := range stores {
		if err := p.store(ctx, id, labels[id]); err != nil {
			return err
		}
	}
	if n := len(p.unasked); n > 0 {
		p.unknown("", fmt.Sprintf("who can act as %d further principals that may read labelled stores was not asked: of %d it was", n, maxPossibleActed), false)
	}
	if p.left > 0 {
		p.unknown("", fmt.Sprintf("where the data would go on to was not followed of %d further takers: of %d it was", p.left, maxPossibleFollows), false)
	}
	slices.SortStableFunc(f.Possible, func(a, b Possible) int {
		return cmp.Or(cmp.Compare(grade(a.Approved), grade(b.Approved)), cmp.Compare(certainty(a.Decision), certainty(b.Decision)),
			cmp.Compare(len(a.Through), len(b.Through)),
			cmp.Compare(len(b.Labels), len(a.Labels)), cmp.Compare(b.notApproved(), a.notApproved()), strings.Compare(a.Store, b.Store), strings.Compare(a.Taker, b.Taker))
	})
	if n := len(f.Possible) - maxPossible; n > 0 {
		f.PossibleMore = n
		f.Possible = f.Possible[:maxPossible]
	}
	return nil
}

// grade puts what is not approved first.
func grade(approved string) int { return slices.Index([]string{"no", "unknown", "yes"}, approved) }

// certainty puts what is surely allowed first.
func certainty(decision string) int {
	return slices.Index([]string{"allow", "conditional", "unknown"}, decision)
}

func (p *Possible) notApproved() (n int) {
	for _, s := range p.Systems {
		if s.Approved == "no" {
			n++
		}
	}
	return n
}

// unknown notes what of the possible flows is not known. It keeps the answer open unless data
// events would have shown the flow.
func (p *possibles) unknown(store, why string, watched bool) {
	if store != "" {
		p.out.unsure = append(p.out.unsure, unsureOf{store, why, watched})
		why = store + ": " + why
	}
	p.out.PossibleUnknown = append(p.out.PossibleUnknown, why)
	p.out.undecided = p.out.undecided || !watched
}

// unsureOf says of one store what of the possible flows out of it is not known.
type unsureOf struct {
	store, why string
	watched    bool
}

// labelledStores are the stores with a label, found there, stated, or come along a flow,
// those with labels of their own first.
func (w *World) labelledStores(only string) (stores []string, labels map[string][]string) {
	labels = map[string][]string{}
	own := map[string]bool{}
	for _, label := range w.labels() {
		if only != "" && label != only {
			continue
		}
		for _, id := range w.result.Things(label) {
			c, _ := part(id)
			if a := w.asset(c); a == nil || !holdsData(a) || isCatalogue(a) {
				continue
			}
			own[c] = own[c] || len(w.own[id]) > 0
			if !slices.Contains(labels[c], label) {
				labels[c] = append(labels[c], label)
			}
		}
	}
	for id := range labels {
		stores = append(stores, id)
	}
	slices.SortFunc(stores, func(a, b string) int {
		if own[a] != own[b] {
			if own[a] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return stores, labels
}

// isCatalogue reports whether a thing only tells where rows lie: who takes them takes them from
// the store that it names.
func isCatalogue(a *estate.Asset) bool {
	return a.Type == "AWS::Glue::Table" || a.Type == "AWS::Glue::Database"
}

// store tells the possible flows out of one store.
func (p *possibles) store(ctx context.Context, id string, labels []string) error {
	ask, open := p.answers.Read, p.answers.Open
	a := p.w.asset(id)
	watched, _ := p.w.watched(a)
	var why []string
	answered := false
	if ask != nil {
		who, unsure, err := p.w.whoReads(ctx, a, ask)
		if err != nil {
			return err
		}
		p.byPermission(a, labels, who, watched)
		if err := p.byActing(ctx, a, labels, who, watched); err != nil {
			return err
		}
		answered = len(who) > 0 || unsure == ""
		if unsure != "" {
			why = append(why, unsure)
		}
	}
	// Where the store's own users decide, the network bounds who can be one of them.
	if open != nil && !answered {
		can, unsure, err := open(ctx, a)
		if err != nil {
			return err
		}
		p.byNetwork(a, labels, can, watched)
		if unsure == "" {
			why = nil
		} else {
			why = append(why, unsure)
		}
	}
	if len(why) > 0 {
		p.unknown(id, strings.Join(why, "; "), watched)
	}
	return nil
}

// anyone is how the access step calls whoever asks, without signing in.
const anyone = "*"

// byPermission tells what could be taken by principals that may read a store. The root user of
// an account that was read is not told: no policy of the account takes that right from it,
// and who else of the account may is told by name.
func (p *possibles) byPermission(a *estate.Asset, labels []string, who map[string]string, watched bool) {
	using := p.w.using(a.ID)
	_, anybody := who[anyone]
	for principal, decision := range who {
		account, whole := strings.CutSuffix(principal, ":root")
		if whole && p.w.knowsWhoIsOf(a, principal) {
			continue
		}
		_, reads := using[principal]
		flow := Possible{Store: a.ID, Labels: labels, By: ByPermission, Taker: principal, Decision: decision, Watched: watched, Systems: []PossibleSystem{},
			Reason: principal + " may read it (" + decision + "), and nothing declares or shows that it does"}
		switch {
		case decision == "unknown":
			flow.Reason = "whether " + principal + " may read it is not known, and nothing declares or shows that it does"
		case principal == anyone:
			flow.Reason = "anybody may read it (" + decision + "), from anywhere"
		case whole:
			flow.Reason = "account " + account[strings.LastIndexByte(account, ':')+1:] + " may read it (" + decision + "): whoever of it the account lets, and its users and roles were not all read"
		case reads:
			flow.Reason = principal + " may read it (" + decision + "), as which other things do"
		}
		runners := p.runners(principal)
		for _, r := range runners {
			p.takes(&flow, r, p.first(&flow, r, "runs as "+principal+", which may read it: "+decision))
		}
		if len(runners) == 0 && !reads && (!anybody || principal == anyone) { // those whom nothing runs as are among anybody
			flow.Systems = append(flow.Systems, p.principal(&flow, p.first(&flow, principal, "permission: "+decision)))
		}
		p.tell(flow)
	}
}

// first is the passage from a store to who takes from it.
func (p *possibles) first(flow *Possible, to, evidence string) Hop {
	return Hop{flow.Store, to, lineage.Possible.String(), evidence}
}

// knowsWhoIsOf reports whether an account's root says nothing that is not told of its users and
// roles by name: it is the store's own account, or all of them were read.
func (w *World) knowsWhoIsOf(store *estate.Asset, root string) bool {
	parts := strings.Split(root, ":")
	if len(parts) < 6 {
		return false
	}
	account := parts[4]
	return account == store.Account || w.snap.Covered("AWS::IAM::User", account, "") && w.snap.Covered("AWS::IAM::Role", account, "")
}

// runners are those of World, found once.
func (p *possibles) runners(principal string) []string {
	got, ok := p.runs[principal]
	if !ok {
		got = p.w.runners(principal)
		p.runs[principal] = got
	}
	return got
}

// principal is a principal as which nothing runs, as the end of a flow: a person, a job that
// is not there now, or somebody outside.
func (p *possibles) principal(flow *Possible, way ...Hop) PossibleSystem {
	a := p.w.asset(flow.Taker)
	s := PossibleSystem{System: flow.Taker, Type: "not in the estate", Path: way}
	outside := a == nil || a.Referenced
	if a == nil {
		a = &estate.Asset{ID: flow.Taker, Name: flow.Taker}
	} else {
		s.Type = a.Type
	}
	s.Approved = "yes"
	for _, l := range flow.Labels {
		state := p.approved(l, a)
		if may, _ := p.w.scope.Data.MayRead(l, flow.Taker); may {
			state = "yes"
		} else if state == "no" && !outside {
			state = "unknown" // approval is of systems; who of the company's own people may read, data: readers states
		}
		s.Approved = worse(s.Approved, state)
	}
	return s
}

// byNetwork tells what could be taken by what can open a connection to a store.
func (p *possibles) byNetwork(a *estate.Asset, labels []string, can map[string]Connection, watched bool) {
	for id, c := range can {
		if p.w.within(id, func(around string) bool { _, ok := can[around]; return ok }) {
			continue
		}
		flow := Possible{Store: a.ID, Labels: labels, By: ByNetwork, Taker: id, Decision: c.Decision, Watched: watched, Systems: []PossibleSystem{},
			Reason: "it can open a connection (" + c.How + "); the store's own users decide what it may read"}
		if c.Decision != "allow" {
			flow.Reason = "whether it can open a connection is not known: " + c.How
		}
		p.takes(&flow, id, p.first(&flow, id, "network: "+c.How))
		p.tell(flow)
	}
}

// tell adds a flow by which a label would come anywhere.
func (p *possibles) tell(flow Possible) {
	if len(flow.Systems) == 0 {
		return
	}
	flow.Approved = "yes"
	for _, s := range flow.Systems {
		flow.Approved = worse(flow.Approved, s.Approved)
	}
	slices.SortStableFunc(flow.Systems, func(a, b PossibleSystem) int {
		return cmp.Or(cmp.Compare(grade(a.Approved), grade(b.Approved)), cmp.Compare(len(a.Path), len(b.Path)), strings.Compare(a.System, b.System))
	})
	if n := len(flow.Systems) - maxPossibleSystems; n > 0 {
		flow.More = n
		flow.Systems = flow.Systems[:maxPossibleSystems]
	}
	p.out.Possible = append(p.out.Possible, flow)
}

func worse(a, b string) string {
	if grade(b) < grade(a) {
		return b
	}
	return a
}

// takes adds what a label would reach through something that takes a store's data by a way:
// that itself, and what its data goes on to.
func (p *possibles) takes(flow *Possible, taker string, way ...Hop) {
	for _, s := range p.follow(taker) {
		if slices.ContainsFunc(flow.Systems, func(have PossibleSystem) bool { return have.System == s.System }) {
			continue
		}
		if c, _ := part(s.System); c == flow.Store {
			continue // back where it is from
		}
		has := p.w.result.Labels(s.System)
		s.Approved = "yes"
		news := false
		for _, l := range flow.Labels {
			if !slices.Contains(has, l) {
				news = true
				s.Approved = worse(s.Approved, p.approved(l, p.system(s.System)))
			}
		}
		if news {
			s.Path = append(slices.Clone(way), s.Path...)
			flow.Systems = append(flow.Systems, s)
		}
	}
}

// system is the asset of an id, or one that says that the estate has none.
func (p *possibles) system(id string) *estate.Asset {
	if a := p.w.asset(id); a != nil {
		return a
	}
	return stranger(id)
}

// follow is something that takes data, and all that its data goes on to by what is declared
// and was seen.
func (p *possibles) follow(taker string) []PossibleSystem {
	if got, ok := p.onward[taker]; ok {
		return got
	}
	out := []PossibleSystem{{System: taker, Type: p.system(taker).Type}}
	if len(p.onward) < maxPossibleFollows {
		ways := p.w.ahead().Ways(taker)
		for _, id := range ways.Things("") {
			if id == taker {
				continue
			}
			if c, part := part(id); part != "" && p.w.asset(id) == nil && p.w.asset(c) != nil {
				continue // a folder that the estate does not know as a thing: its bucket is listed
			}
			arrival, _ := ways.Arrival(id, "")
			if n := len(arrival.Path); n > 1 && arrival.Path[n-1].Evidence == lineage.Lies && p.w.asset(arrival.Path[n-2].To) != nil {
				continue // the part of it that was reached is listed
			}
			s := PossibleSystem{System: id, Type: p.system(id).Type}
			for _, f := range arrival.Path {
				s.Path = append(s.Path, Hop{f.From, f.To, f.Tier.String(), f.Evidence})
			}
			out = append(out, s)
		}
	} else {
		p.left++
	}
	p.onward[taker] = out
	return out
}

func (p *possibles) approved(label string, a *estate.Asset) string {
	k := [2]string{label, a.ID}
	if got, ok := p.approvals[k]; ok {
		return got
	}
	state, _ := p.w.approval(label, a, p.workloads)
	p.approvals[k] = state
	return state
}

// runners are the things that run as a principal, directly or by an identity between (an
// instance's profile, a service account of a cluster).
func (w *World) runners(principal string) []string {
	var out []string
	seen := map[string]bool{principal: true}
	next := []string{principal}
	for len(next) > 0 {
		n, ok := w.snap.Find(next[0])
		next = next[1:]
		if !ok {
			continue
		}
		for e := range w.snap.In(n) {
			a := w.snap.Asset(e.Node)
			if e.Type != estate.RunsAs || seen[a.ID] {
				continue
			}
			seen[a.ID] = true
			if a.Kind == estate.KindIdentity {
				next = append(next, a.ID)
			} else {
				out = append(out, a.ID)
			}
		}
	}
	all := slices.Clone(out)
	out = slices.DeleteFunc(out, func(id string) bool {
		return w.within(id, func(around string) bool { return slices.Contains(all, around) })
	})
	slices.Sort(out)
	return out
}

// maxWithin bounds how far out a thing's makers are looked for: deployment, replica set, pod.
const maxWithin = 4

// within reports whether a thing is made by another one that is meant, as a pod is by its
// deployment: what is said of that is said of it.
func (w *World) within(id string, meant func(string) bool) bool {
	next := []string{id}
	for range maxWithin {
		var out []string
		for _, one := range next {
			n, ok := w.snap.Find(one)
			if !ok {
				continue
			}
			for e := range w.snap.In(n) {
				a := w.snap.Asset(e.Node)
				if e.Type != estate.Contains || a.Kind != estate.KindCompute && a.Kind != estate.KindEndpoint && a.Kind != estate.KindPipeline {
					continue
				}
				if a.ID != id && meant(a.ID) {
					return true
				}
				out = append(out, a.ID)
			}
		}
		next = out
	}
	return false
}
