package access

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// Overview says of every identity of an estate what of AI it may touch, how,
// by which grant, when it was last used, how old its credentials are and whose
// it is. Each right is decided by the engine, for classes of identities with the
// same policies and runs of assets that are alike: at a level an identity may
// touch an asset if some action of that level that AWS's reference has for such an
// asset is allowed. Chains of roles are followed; rights to make other identities
// or workloads are not (access escalations tells them). In clusters what is listed
// is what rules name.
type Overview struct {
	// Taken is when the snapshot was taken.
	Taken time.Time `json:"taken"`
	// Assets is the number of AI assets that were asked about: the workloads'
	// roots, what they are made of and touch, the roles they run as, and the
	// models, endpoints, data and jobs of AI services that are in no workload.
	Assets int `json:"assets"`
	// Identities are all of the estate, those who may do most first.
	Identities []Identity `json:"identities"`
	// Accounts sums up by account and cluster, Workloads by workload.
	Accounts  []AccountSum  `json:"accounts"`
	Workloads []WorkloadSum `json:"workloads"`
	// Unread says what was not read and may name further identities or grants.
	Unread []string `json:"unread"`
}

// Identity is one principal and what it may touch.
type Identity struct {
	ID      string `json:"id"`
	Account string `json:"account,omitempty"` // account id or cluster name
	Name    string `json:"name"`
	// Kind is human or machine, or unknown where configuration does not tell;
	// Why says by what it is told.
	Kind Kind   `json:"kind"`
	Why  string `json:"why"`
	// Origin is what it is to its provider: "root user", "user", "role",
	// "service-linked role", "single sign-on role", "instance profile",
	// "federated", "service account", "group", "account", "everyone", "service",
	// "deleted" or "not read".
	Origin string `json:"origin"`
	// Touches are counts of AI assets by level, strongest level first; a level
	// it may not use is left out.
	Touches []Touch `json:"touches"`
	// Workloads is how many workloads it may touch something of; Sample names
	// some of the assets at its strongest level.
	Workloads int      `json:"workloads"`
	Sample    []string `json:"sample,omitempty"`
	// Grants are the statements by which it may, widest first.
	Grants []Way `json:"grants"`
	// Through are identities in whose place it may act and groups it is in,
	// whose grants count for it; those that add nothing to what it has are left
	// out. ThroughLeft counts those over a hundred.
	Through     []string `json:"through,omitempty"`
	ThroughLeft int      `json:"throughLeft,omitempty"`
	// Boundaries are those that were weighed.
	Boundaries []string `json:"boundaries,omitempty"`
	// Unread says what was not read of it: it may be allowed more.
	Unread []string `json:"unread,omitempty"`
	// LastUsed is the last use the provider knows of; zero: never, or, with
	// UsageKnown unset, not told. UsedAt is where: "s3 in eu-west-1".
	LastUsed    time.Time    `json:"lastUsed,omitzero"`
	UsageKnown  bool         `json:"usageKnown"`
	UsedAt      string       `json:"usedAt,omitempty"`
	Credentials []Credential `json:"credentials,omitempty"`
	// MFA is "yes", "no" or "unknown"; empty for what signs in without people.
	MFA string `json:"mfa,omitempty"`
	// Owner is who answers for it, OwnerFrom where that stands. NoOwner says
	// why it needs none.
	Owner     string `json:"owner,omitempty"`
	OwnerFrom string `json:"ownerFrom,omitempty"`
	NoOwner   string `json:"noOwner,omitempty"`
	// OwnerKnown is unset if its tags were not read: nobody knows whether it has one.
	OwnerKnown bool `json:"ownerKnown"`
	// Unknown is how many more AI assets there are of which it could not be told
	// whether it may touch them; Unread says why.
	Unknown int `json:"unknown,omitempty"`

	reach    reach
	open     spans
	together []uint64 // workloads, a bit each
}

// Ownerless reports whether nobody answers for an identity that needs somebody
// and may touch AI assets.
func (i *Identity) Ownerless() bool { return i.Owner == "" && i.NoOwner == "" && len(i.Touches) > 0 }

// Touch is how many AI assets an identity may touch at one level.
type Touch struct {
	Level string `json:"level"` // administer, change, run or read
	// Assets it may, of which Conditional by some requests and not by others.
	Assets      int `json:"assets"`
	Conditional int `json:"conditional,omitempty"`
}

// Way is one grant.
type Way struct {
	// Via is the policy and statement, counted from 0, or the binding, role and rule.
	Via    string   `json:"via"`
	Levels []string `json:"levels"`
	Assets int      `json:"assets"`
	// Conditions are the keys it hangs on.
	Conditions []string `json:"conditions,omitempty"`
}

// AccountSum is one account's or cluster's identities.
type AccountSum struct {
	Account string `json:"account"`
	// Identities there are, and those of them that may touch AI assets by kind.
	Identities int `json:"identities"`
	Human      int `json:"human"`
	Machine    int `json:"machine"`
	Unknown    int `json:"unknown"`
	Ownerless  int `json:"ownerless"`
}

// WorkloadSum is who may touch one workload.
type WorkloadSum struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Assets int    `json:"assets"` // of it that were asked about
	// Identities that may touch any of them, by kind, and those without owner.
	Human     int `json:"human"`
	Machine   int `json:"machine"`
	Unknown   int `json:"unknown"`
	Ownerless int `json:"ownerless"`
	// Strongest are the ids of the strongest few of them.
	Strongest []string `json:"strongest"`
}

// strongest is how many identities of a workload are named.
const strongest = 10

// runner is a workload that runs as an identity.
type runner struct{ workload, owner string }

// claim is who answers for a namespace, and where that stands.
type claim struct{ owner, from string }

// view is the state of making one overview.
type view struct {
	snap       *estate.Snapshot
	limits     KeyLimits // of credentials
	direct     *direct
	relations  estate.Addition // what was decided, for the graph
	amazon     *Amazon         // what decided the criteria; nil before
	objects    *shelf
	roles      *shelf // that trust an account as a whole, under that account
	given      map[policyIn]*given
	classes    map[string]*class
	orders     map[string]*given // of organisations, by account
	runners    map[estate.Node][]runner
	keysOf     map[estate.Node][]estate.Node
	tokens     map[string][]Credential // by service account
	namespaces map[site]claim
	people     []estate.Node
	own        map[estate.Node]*held // by resource policies and bindings
	shared     map[string]spans      // with accounts as a whole
	places     map[string][]place    // by account: where its identities' policies may give something
	spoken     map[string][]int      // and about which blocks they may say something
	givenTo    map[string]spans      // what others' policies give to an account and its identities
	public     spans                 // what resources' policies give to everyone
	tiedTrust  map[trust]bool        // statements of trust policies with conditions
	anyTrust   map[estate.Node]bool  // roles of which some statement has
	stages     map[estate.Node]*stage
	spanOf     map[span][]uint64 // workloads of a run of objects
	workloads  []finding.Workload
	of         [][]int32             // objects by workload
	in         [][]int32             // workloads by object
	asked      map[estate.Node]Kind  // kinds of users and roles
	dark       map[string]int        // assets by what of them was not read
	deeds      map[string][]deed     // asked of types that the table of them lacks
	questions  map[string][]question // by type: what shows each level
	fit        map[fitKey]bits       // of those, what a pattern of actions names
	askings    map[string]*asking
	services   map[string][]string // by type: whose actions are asked
	grasps     map[estate.Node]*grasp
	mays       map[*grasp]*may
	pickyRoles spans                                    // of roles: those whose trust asks who exactly somebody is
	saysItself map[estate.Node]map[int][]*aws.Statement // by own policies of objects
	maker      *graspMaker
	climbs     map[string]iam.Decision // principal -> best way to administrator; if asked for
	climbErr   string                  // they were not looked for
	once       bool                    // grasps are made once: what they are made of may go
	bare       bool                    // no relations are asked for
	unread     []string
}

// held is what is given to a principal by name on single objects or runs.
type held struct {
	reach  reach
	ways   map[string]*Way // by Via
	levels map[string]Level
	on     map[string]spans
	list   []Way // the ways, widest first
}

// within are the ways by which something is given that was decided to be allowed.
func (h *held) within(r *reach) (out []Way) {
	for _, w := range h.list {
		on := tidy(slices.Clone(h.on[w.Via]))
		if w, ok := r.by(w, h.levels[w.Via], on); ok {
			out = append(out, w)
		}
	}
	return out
}

// by is a way as far as what it names was decided to be allowed; ok unless
// nothing of it was.
func (r *reach) by(w Way, named Level, on spans) (out Way, ok bool) {
	var l Level
	var all spans
	for i := range r.sure {
		if named&(1<<i) == 0 {
			continue
		}
		if both := meet(on, r.at(i)); len(both) > 0 {
			l |= 1 << i
			all = join(all, both)
		}
	}
	w.Levels, w.Assets = l.Names(), all.size()
	return w, l != 0
}

type trust struct {
	role      estate.Node
	statement int
}

// Survey makes the overview. The error is of reading the snapshot.
func Survey(ctx context.Context, snap *estate.Snapshot, workloads []finding.Workload) (*Overview, error) {
	v := newView(snap, workloads)
	v.once = true
	return v.survey(ctx)
}

func newView(snap *estate.Snapshot, workloads []finding.Workload) *view {
	v := &view{snap: snap, workloads: workloads, limits: KeyLimitsOf(scope.Keys{}),
		given: map[policyIn]*given{}, classes: map[string]*class{}, orders: map[string]*given{}, runners: map[estate.Node][]runner{},
		keysOf: map[estate.Node][]estate.Node{}, tokens: map[string][]Credential{}, namespaces: map[site]claim{}, own: map[estate.Node]*held{},
		tiedTrust: map[trust]bool{}, shared: map[string]spans{}, places: map[string][]place{}, spanOf: map[span][]uint64{},
		spoken: map[string][]int{}, givenTo: map[string]spans{}, anyTrust: map[estate.Node]bool{}, stages: map[estate.Node]*stage{}, asked: map[estate.Node]Kind{}, dark: map[string]int{}, deeds: map[string][]deed{},
		questions: map[string][]question{}, fit: map[fitKey]bits{}, askings: map[string]*asking{}, services: map[string][]string{}, mays: map[*grasp]*may{}, saysItself: map[estate.Node]map[int][]*aws.Statement{}}
	v.direct = &direct{snap: snap, people: map[estate.Node]identity{}}
	v.direct.cluster = newCluster(v.direct)
	return v
}

// survey reads what the view and what decides need, side by side, decides, and
// makes the overview. with runs beside the deciding.
func (v *view) survey(ctx context.Context, with ...func(context.Context) error) (*Overview, error) {
	var err error
	var beside sync.WaitGroup
	beside.Go(func() { v.amazon, err = NewAmazon(ctx, v.snap) })
	var perr error
	for _, pass := range []func(context.Context) error{v.gather, v.choose, v.readOwnPolicies, v.share} {
		if perr = pass(ctx); perr != nil {
			break
		}
	}
	beside.Wait()
	if err = cmp.Or(err, perr); err != nil {
		return nil, err
	}
	v.maker = v.newGrasps(v.amazon)
	for _, fn := range with {
		beside.Go(func() { err = cmp.Or(fn(ctx), err) })
	}
	v.grasps, perr = v.maker.all(ctx)
	var o *Overview
	if perr == nil {
		o, perr = v.sum(ctx)
	}
	beside.Wait()
	return o, cmp.Or(err, perr)
}

// sum puts the identities together and counts.
func (v *view) sum(ctx context.Context) (*Overview, error) {
	o := &Overview{Taken: v.snap.Taken(), Assets: len(v.objects.all), Identities: make([]Identity, 0, len(v.people)), Accounts: []AccountSum{}, Workloads: []WorkloadSum{}, Unread: []string{}}
	for _, n := range v.people {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id := v.identity(n)
		if v.plain(&id) {
			continue
		}
		o.Identities = append(o.Identities, id)
	}
	slices.SortFunc(o.Identities, stronger)
	o.Accounts = accounts(o.Identities)
	o.Workloads = v.byWorkload(o.Identities)
	for why, n := range v.dark {
		v.unread = append(v.unread, strings.Replace(why, "#", countOf(n, "AI asset", "AI assets"), 1))
	}
	slices.Sort(v.unread)
	o.Unread = append(o.Unread, slices.Compact(v.unread)...)
	return o, nil
}

// plain reports whether a principal is not worth a line: named somewhere, not
// ours, and touching nothing.
func (v *view) plain(id *Identity) bool {
	if len(id.Touches) > 0 || len(id.Unread) > 0 {
		return false
	}
	switch id.Origin {
	case "service", "everyone", "account", "deleted", "not read", "subject", "group":
		return true
	case "user":
		return strings.HasPrefix(id.ID, "k8s://")
	}
	return false
}

// stronger orders identities: who may do most comes first.
func stronger(a, b Identity) int {
	for i := range levels {
		l := levels[i].name
		if d := cmp.Compare(b.count(l), a.count(l)); d != 0 {
			return d
		}
	}
	return cmp.Or(cmp.Compare(widths[a.Origin], widths[b.Origin]), cmp.Compare(a.ID, b.ID))
}

// widths orders origins of equal power: those with most people behind first.
var widths = map[string]int{"everyone": -3, "account": -2, "group": -1}

func (i *Identity) count(level string) int {
	for _, t := range i.Touches {
		if t.Level == level {
			return t.Assets
		}
	}
	return 0
}

// identity puts one identity together.
func (v *view) identity(n estate.Node) Identity {
	a := v.snap.Asset(n)
	f := v.describe(n)
	id := Identity{ID: a.ID, Account: cmp.Or(a.Account, accountOf(a)), Name: cmp.Or(a.Name, a.ID), Kind: f.kind, Why: f.why, Origin: f.origin, LastUsed: f.lastUsed, UsedAt: f.usedAt,
		UsageKnown: f.usageKnown, Credentials: f.credentials, MFA: f.mfa, Owner: f.owner, OwnerFrom: f.from, NoOwner: f.noOwner, OwnerKnown: f.ownerKnown, Unread: f.unread}
	if f.owner != "" {
		id.NoOwner = ""
	}
	v.maker.become(n, &id)
	id.count4(v)
	return id
}

// count4 fills the counts from what is reached.
func (id *Identity) count4(v *view) {
	id.Touches = []Touch{}
	for _, l := range levels {
		i := bit(l.level)
		on := id.reach.at(i)
		if len(on) == 0 {
			continue
		}
		sure := id.reach.sure[i].size()
		t := Touch{Level: l.name, Assets: on.size()}
		t.Conditional = t.Assets - sure
		if len(id.Touches) == 0 {
			id.Sample = v.sample(on)
		}
		id.Touches = append(id.Touches, t)
	}
	all := id.reach.any()
	id.Unknown = less(id.open, all).size()
	id.together = v.workloadsOf(all)
	for _, w := range id.together {
		for ; w != 0; w &= w - 1 {
			id.Workloads++
		}
	}
	if id.Grants == nil {
		id.Grants = []Way{}
	}
}

// bit is a single level's place in a reach.
func bit(l Level) int {
	i := 0
	for ; l > 1; l >>= 1 {
		i++
	}
	return i
}

// samples is how many assets are named for an identity.
const samples = 5

func (v *view) sample(on spans) []string {
	var out []string
	for _, r := range on {
		for i := r.lo; i < r.hi && len(out) < samples; i++ {
			out = append(out, v.objects.all[i].id)
		}
	}
	return out
}

// workloadsOf returns the workloads that objects belong to, a bit each.
func (v *view) workloadsOf(on spans) []uint64 {
	out := make([]uint64, (len(v.workloads)+63)/64)
	for _, r := range on {
		known, ok := v.spanOf[r]
		if !ok {
			known = make([]uint64, len(out))
			for i := r.lo; i < r.hi; i++ {
				for _, w := range v.in[i] {
					known[w/64] |= 1 << (w % 64)
				}
			}
			v.spanOf[r] = known
		}
		for i := range out {
			out[i] |= known[i]
		}
	}
	return out
}

// accounts sums identities up.
func accounts(ids []Identity) []AccountSum {
	at := map[string]*AccountSum{}
	for i := range ids {
		id := &ids[i]
		s := at[id.Account]
		if s == nil {
			s = &AccountSum{Account: id.Account}
			at[id.Account] = s
		}
		s.Identities++
		if len(id.Touches) == 0 {
			continue
		}
		tally(id.Kind, &s.Human, &s.Machine, &s.Unknown)
		if id.Ownerless() {
			s.Ownerless++
		}
	}
	out := make([]AccountSum, 0, len(at))
	for _, s := range at {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b AccountSum) int { return cmp.Compare(a.Account, b.Account) })
	return out
}

func tally(k Kind, human, machine, unknown *int) {
	switch k {
	case Human:
		*human++
	case Machine:
		*machine++
	default:
		*unknown++
	}
}

// byWorkload turns the identities' workloads round.
func (v *view) byWorkload(ids []Identity) []WorkloadSum {
	out := make([]WorkloadSum, len(v.workloads))
	for i, w := range v.workloads {
		out[i] = WorkloadSum{ID: w.ID, Name: w.Name, Assets: len(v.of[i]), Strongest: []string{}}
	}
	for i := range ids {
		id := &ids[i]
		for k, word := range id.together {
			for b := 0; word != 0; b, word = b+1, word>>1 {
				if word&1 == 0 {
					continue
				}
				s := &out[k*64+b]
				tally(id.Kind, &s.Human, &s.Machine, &s.Unknown)
				if id.Ownerless() {
					s.Ownerless++
				}
				if len(s.Strongest) < strongest {
					s.Strongest = append(s.Strongest, id.ID)
				}
			}
		}
	}
	return out
}

// TouchesWorkload reports whether an identity may touch something of the
// workload at a place in Overview.Workloads.
func (i *Identity) TouchesWorkload(place int) bool {
	return place/64 < len(i.together) && i.together[place/64]&(1<<(place%64)) != 0
}

// spell turns ways into what is shown, as far as what they name was decided to be
// allowed: widest first.
func (v *view) spell(ways []way, r *reach) []Way {
	out := make([]Way, 0, len(ways))
	for i := range ways {
		w := &ways[i]
		if one, ok := r.by(Way{Via: v.viaOf(w), Conditions: w.conditions}, w.levels, w.on); ok {
			out = append(out, one)
		}
	}
	return sortWays(out)
}

// viaOf names the statement of a way.
func (v *view) viaOf(w *way) string {
	return v.snap.Asset(w.policy).ID + " statement " + strconv.Itoa(w.says.Index)
}

func sortWays(ways []Way) []Way {
	slices.SortFunc(ways, func(a, b Way) int { return cmp.Or(cmp.Compare(b.Assets, a.Assets), cmp.Compare(a.Via, b.Via)) })
	return slices.CompactFunc(ways, func(a, b Way) bool { return a.Via == b.Via && a.Assets == b.Assets })
}

// Keep leaves the identities that keep holds of. The sums by account and
// workload stay as they were.
func (o *Overview) Keep(keep func(*Identity) bool) {
	o.Identities = slices.DeleteFunc(o.Identities, func(i Identity) bool { return !keep(&i) })
}
