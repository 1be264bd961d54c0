package audit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// noLister is why an asset is not seen where nothing else tells.
const noLister = "no source lists this type to the end any more"

// cause finds the blind spot of a snapshot that hides assets like a, or the reply
// of an operation about them; nil if none does. other is the snapshot that saw: a
// blind spot it had too did not keep it from seeing, so that a new one tells more.
// A stated bound or a folder that is left out tells only of types it names.
func (c *comparison) cause(s, other *estate.Snapshot, a *estate.Asset, operation string) *estate.BlindSpot {
	key := question{s, a.Type, a.Account, a.Region, a.Source, operation}
	if b, known := c.causes[key]; known {
		return b
	}
	if c.causes == nil {
		c.causes = map[question]*estate.BlindSpot{}
	}
	var best *estate.BlindSpot
	rank := 0
	defer func() { c.causes[key] = best }()
	for i := range s.BlindSpots() {
		b := &s.BlindSpots()[i]
		// What a damaged file of a folder held nobody knows: that others in the folder
		// are of an account and a region says nothing of a cluster's objects.
		file := a.Cloud == estate.Kubernetes && len(b.Types) == 0 && b.Source == a.Source && strings.HasPrefix(b.Source, "dir:")
		if b.Asset != "" || !file && (!meets(b.Account, a.Account) || !meets(b.Region, a.Region)) {
			continue
		}
		score := 0
		switch named := slices.Contains(b.Types, a.Type); {
		case named && b.Status != estate.ReadSkipped:
			score = 8
		case named:
			score = 4
		case len(b.Types) == 0 && b.Source == a.Source && b.Status != estate.ReadSkipped && !c.hadBlindSpot(other, b):
			score = 1
		default:
			continue
		}
		if operation != "" && (b.Operation == operation || fileOf(b.Operation, operation)) {
			score += 16
		}
		if !c.hadBlindSpot(other, b) {
			score += 2
		}
		if score > rank {
			best, rank = b, score
		}
	}
	return best
}

// fileOf reports whether a file of an export is named like an operation's reply:
// sagemaker/describe-endpoint/eta.json like sagemaker:DescribeEndpoint.
func fileOf(path, operation string) bool {
	_, name, ok := strings.Cut(operation, ":")
	if !ok || !strings.Contains(path, ".") {
		return false
	}
	var kebab strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (name[i-1] < 'A' || name[i-1] > 'Z' || i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z') {
			kebab.WriteByte('-')
		}
		kebab.WriteRune(r)
	}
	want := strings.ToLower(kebab.String())
	for part := range strings.SplitSeq(path, "/") {
		if stem, _, _ := strings.Cut(part, "."); stem == want {
			return true
		}
	}
	return false
}

// question is what a cause is asked for.
type question struct {
	s                                       *estate.Snapshot
	typ, account, region, source, operation string
}

// meets reports whether two places may be one: an empty one is everywhere.
func meets(x, y string) bool { return x == "" || y == "" || x == y }

// hadBlindSpot reports whether a snapshot was as blind.
func (c *comparison) hadBlindSpot(s *estate.Snapshot, b *estate.BlindSpot) bool {
	if c.blindness == nil {
		c.blindness = map[*estate.Snapshot]map[string]bool{}
	}
	if c.blindness[s] == nil {
		c.blindness[s] = map[string]bool{}
		for i := range s.BlindSpots() {
			c.blindness[s][blindKey(&s.BlindSpots()[i])] = true
		}
	}
	return c.blindness[s][blindKey(b)]
}

// blindKey names a blind spot, its words left out.
func blindKey(b *estate.BlindSpot) string {
	return strings.Join([]string{b.Operation, b.Account, b.Region, b.Asset, b.Source, string(b.Status)}, "\x00")
}

// causeKey names a refused call, whatever types each of its blind spots names.
func causeKey(b *estate.BlindSpot) string {
	return strings.Join([]string{"cause", b.Source, b.Account, b.Operation, string(b.Status), b.Why}, "\x00")
}

// hiddenBy is what a blind spot hides, a being the first of it.
func hiddenBy(b *estate.BlindSpot, a *estate.Asset) *hidden {
	where := strings.TrimSpace(b.Account + " " + b.Region)
	if where == "" {
		where = strings.TrimSpace(a.Account + " " + a.Region)
	}
	h := &hidden{what: strings.TrimSpace(b.Operation + " in " + where), typ: a.Type, account: b.Account, region: b.Region, hint: b.Hint, op: b.Operation}
	if where == "" {
		h.what = b.Operation
	}
	h.why = b.Operation + ": " + string(b.Status)
	if b.Why != "" {
		h.why += ": " + b.Why
	}
	return h
}

// whyUnseen says what keeps a snapshot from seeing an asset that the other one
// saw, and the name of that cause: a refused call, a source or a place that is
// not read at all, a list that is missing.
func (c *comparison) whyUnseen(s, other *estate.Snapshot, a *estate.Asset, operation string) (key string, h *hidden) {
	if b := c.cause(s, other, a, operation); b != nil {
		return causeKey(b), hiddenBy(b, a)
	}
	h = &hidden{typ: a.Type, account: a.Account, region: a.Region, op: "list", why: noLister, hint: "add what lists it to the export, or read live"}
	if a.Source != "" && !slices.ContainsFunc(s.Sources(), func(x estate.SourceStatus) bool { return x.Source == a.Source && x.Status != "failed" }) {
		h.what, h.op = "source "+a.Source, "read"
		h.why, h.hint = "source "+a.Source+" was not read", "read it too: --source "+a.Source
		return "source " + a.Source, h
	}
	if where := c.unread(s, other, a); where != "" {
		h.what, h.op = "everything in "+where, "read"
		h.why, h.hint = "nothing of "+where+" was read", "read it too; if it is no longer in scope: sevenfold baseline approve"
		return "place " + where, h
	}
	where := listedIn(other, a)
	h.what = a.Type + " in " + strings.TrimSpace(where.account+" "+where.region)
	if where.account+where.region == "" {
		h.what = a.Type + " of the provider itself"
	}
	return listKey(a.Type, where), h
}

// listKey names a list that is missing.
func listKey(typ string, where territory) string {
	return strings.Join([]string{"list", typ, where.account, where.region}, "\x00")
}

// listedIn is where the list that told of an asset was read: its account and
// region, or the account alone.
func listedIn(s *estate.Snapshot, a *estate.Asset) territory {
	if a.Cloud == estate.Kubernetes || !s.Covered(a.Type, a.Account, a.Region) || s.Covered(a.Type, a.Account, "") {
		return territory{account: a.Account}
	}
	return territory{account: a.Account, region: a.Region}
}

// unread is the account, the cluster or the account's region of which a snapshot
// holds nothing at all, "" where it holds something. What belongs to no account
// (the provider's own policies) goes with one that is not read.
func (c *comparison) unread(s, other *estate.Snapshot, a *estate.Asset) string {
	accounts, regions := c.placesOf(s)
	switch {
	case a.Account == "":
		was, _ := c.placesOf(other)
		for _, account := range slices.Sorted(maps.Keys(was)) {
			if !accounts[account] {
				return account
			}
		}
	case !accounts[a.Account]:
		return a.Account
	case a.Cloud == estate.AWS && a.Region != "" && !regions[territory{account: a.Account, region: a.Region}]:
		return a.Account + " " + a.Region
	}
	return ""
}

// placesOf are the accounts and clusters, and the regions of accounts, of which a
// snapshot lists or holds something.
func (c *comparison) placesOf(s *estate.Snapshot) (accounts map[string]bool, regions map[territory]bool) {
	if p, known := c.places[s]; known {
		return p.accounts, p.regions
	}
	p := places{map[string]bool{}, map[territory]bool{}}
	for _, x := range s.Coverage() {
		p.accounts[x.Account] = true
		p.regions[territory{account: x.Account, region: x.Region}] = true
	}
	for _, a := range s.Assets() {
		if !a.Referenced && !made(a) {
			p.accounts[a.Account] = true
			p.regions[territory{account: a.Account, region: a.Region}] = true
		}
	}
	delete(p.accounts, "")
	if c.places == nil {
		c.places = map[*estate.Snapshot]places{}
	}
	c.places[s] = p
	return p.accounts, p.regions
}

type places struct {
	accounts map[string]bool
	regions  map[territory]bool
}

// takenOut reports whether an asset that nobody lists any more is gone all the
// same: it stood in a file of its own, in a folder of manifests, a state or a
// template that is the whole of what is declared, and that was read as far as
// before. What a server printed is not declared: a file that is missing of an
// export says nothing of the cluster.
func (c *comparison) takenOut(n estate.Node) bool {
	a := c.before.Asset(n)
	if c.before.Covered(a.Type, a.Account, a.Region) {
		return false // a list told of it, and the list is lost
	}
	kind, _, _ := strings.Cut(a.Source, ":")
	switch {
	case a.Account == "":
		return false // made of what others say
	case kind == "terraform", kind == "cloudformation":
	case kind == "dir" && a.Cloud == estate.Kubernetes:
		config, err := c.before.Config(n)
		if err != nil || fromServer(config) {
			return false
		}
	default:
		return false
	}
	return c.readAsBefore(a.Source)
}

// mayLieInDamage reports whether an object of a cluster may stand in a file of its
// source that could not be read and was readable before. What such a file holds
// nobody knows, so that another list of the same kind does not say it is gone.
func (c *comparison) mayLieInDamage(a *estate.Asset) bool {
	if a.Cloud != estate.Kubernetes || !strings.HasPrefix(a.Source, "dir:") {
		return false
	}
	b := c.cause(c.after, c.before, a, "")
	return b != nil && len(b.Types) == 0 && b.Source == a.Source && b.Status == estate.ReadMalformed
}

// fromServer reports whether an API server printed an object: it gives every
// object an id of its own, which nobody writes into a manifest.
func fromServer(config json.RawMessage) bool {
	var o struct {
		Metadata struct {
			UID string `json:"uid"`
		} `json:"metadata"`
	}
	return json.Unmarshal(config, &o) != nil || o.Metadata.UID != ""
}

// readAsBefore reports whether a source was read as far as it was for the
// baseline: not failed, and nothing in it unreadable that was not so then.
func (c *comparison) readAsBefore(source string) bool {
	if done, known := c.whole[source]; known {
		return done
	}
	if c.whole == nil {
		c.whole = map[string]bool{}
	}
	done := slices.ContainsFunc(c.after.Sources(), func(s estate.SourceStatus) bool { return s.Source == source && s.Status != "failed" })
	for i := range c.after.BlindSpots() {
		b := &c.after.BlindSpots()[i]
		if b.Source == source && b.Asset == "" && b.Status != estate.ReadSkipped && !c.hadBlindSpot(c.before, b) {
			done = false
		}
	}
	c.whole[source] = done
	return done
}

// lists notes lists that were read to the end and are not any more, of which
// nothing is missed: what is new there nobody would see.
func (c *comparison) lists() {
	open := map[territory][]estate.Coverage{}
	for _, x := range c.before.Coverage() {
		if c.after.Covered(x.Type, x.Account, x.Region) {
			continue
		}
		a := &estate.Asset{Type: x.Type, Account: x.Account, Region: x.Region, Cloud: estate.AWS}
		if !strings.HasPrefix(x.Type, "AWS::") {
			a.Cloud = estate.Kubernetes
			if c.noSuchKind(a) {
				continue // its definition went, which is a difference of its own
			}
		}
		if b := c.listCause(a); b != nil {
			c.unseen.at(causeKey(b), nil, func() *hidden { return hiddenBy(b, a) })
			continue
		}
		at := territory{account: x.Account, region: x.Region}
		if c.toldOf(a, at) {
			continue
		}
		open[at] = append(open[at], x)
	}
	for _, at := range slices.SortedFunc(maps.Keys(open), func(x, y territory) int { return strings.Compare(x.account+" "+x.region, y.account+" "+y.region) }) {
		types := open[at]
		names := make([]string, 0, 3)
		for _, x := range types[:min(3, len(types))] {
			names = append(names, x.Type)
		}
		say := strings.Join(names, ", ")
		if n := len(types) - 3; n > 0 {
			say += fmt.Sprintf(" and %d more types", n)
		}
		where := strings.TrimSpace(at.account + " " + at.region)
		key := "lists " + where
		if len(types) == 1 {
			key = listKey(types[0].Type, at)
		}
		c.unseen.at(key, nil, func() *hidden {
			h := &hidden{what: say + " in " + where, account: at.account, region: at.region, op: "list", why: noLister, hint: "add what lists them to the export, or read live"}
			if len(types) == 1 {
				h.typ = types[0].Type
			}
			return h
		})
	}
}

// noSuchKind reports whether a cluster has a kind no more, or has it in another
// version: then nothing of it can be missed. A cluster that was asked itself knows;
// an export that no longer lists a kind says nothing of that.
func (c *comparison) noSuchKind(a *estate.Asset) bool {
	group, kind := groupKind(a.Type)
	for _, x := range c.after.Coverage() {
		if g, k := groupKind(x.Type); g == group && k == kind && x.Account == a.Account && meets(x.Region, a.Region) {
			return true
		}
	}
	if slices.Contains(clusterTypes, a.Type) {
		return false
	}
	return c.listCause(a) == nil && slices.ContainsFunc(c.after.Sources(), func(s estate.SourceStatus) bool {
		return strings.HasPrefix(s.Source, "kubernetes") && s.Status != "failed"
	})
}

// groupKind are the group and the kind of an object's type, without its version.
func groupKind(typ string) (group, kind string) {
	parts := strings.Split(typ, "/")
	if len(parts) == 3 {
		group = parts[0]
	}
	return group, parts[len(parts)-1]
}

// listCause is the blind spot that keeps a list from being read: one that names the
// type, else one of any source that names none, which a damaged file leaves.
func (c *comparison) listCause(a *estate.Asset) *estate.BlindSpot {
	if b := c.cause(c.after, c.before, a, ""); b != nil {
		return b
	}
	for _, s := range c.after.Sources() {
		here := *a
		here.Source = s.Source
		if b := c.cause(c.after, c.before, &here, ""); b != nil {
			return b
		}
	}
	return nil
}

// toldOf reports whether what is lost tells of a list already.
func (c *comparison) toldOf(a *estate.Asset, at territory) bool {
	if c.unseen.scopes[listKey(a.Type, at)] != nil {
		return true
	}
	if where := c.unread(c.after, c.before, a); where != "" && c.unseen.scopes["place "+where] != nil {
		return true
	}
	for key, h := range c.unseen.scopes {
		if strings.HasPrefix(key, "source ") && !h.before {
			return true // what else the source listed went with it
		}
	}
	return false
}

// sources notes sources that only one side read. Their assets are told by cause; a
// source that gave none is told here.
func (c *comparison) sources() {
	for _, s := range c.after.Sources() {
		was := slices.ContainsFunc(c.before.Sources(), func(o estate.SourceStatus) bool { return o.Source == s.Source })
		if s.Status == "failed" && was && len(c.unseen.scopes) == 0 {
			c.unseen.at("source "+s.Source, nil, func() *hidden {
				return &hidden{what: "source " + s.Source, why: "it could not be read this time", hint: "sevenfold inventory says why", op: "read"}
			})
		}
	}
	c.damage()
	c.undigested()
}

// damage notes files of a folder that were read whole for the baseline, or were not
// there, and of which now a part is missing: what is new may stand in it, and
// nothing else would tell.
func (c *comparison) damage() {
	for i := range c.after.BlindSpots() {
		b := &c.after.BlindSpots()[i]
		if b.Asset != "" || len(b.Types) > 0 || b.Status != estate.ReadMalformed || !strings.HasPrefix(b.Source, "dir:") ||
			strings.HasPrefix(b.Why, strangeFile) || c.hadBlindSpot(c.before, b) || c.unseen.tells(b) {
			continue
		}
		c.unseen.at(causeKey(b), nil, func() *hidden { return hiddenBy(b, &estate.Asset{Account: b.Account, Region: b.Region}) })
	}
}

// strangeFile begins the reason of a blind spot that is a file which is no export:
// nobody ever read anything out of it (collect/files).
const strangeFile = "no format understands"

// tells reports whether what is unseen tells of the file of a blind spot already:
// several readers may speak of one.
func (u *unseen) tells(b *estate.BlindSpot) bool {
	file, _, _ := strings.Cut(b.Operation, ", document ")
	for _, h := range u.scopes {
		if told, _, _ := strings.Cut(h.op, ", document "); told == file {
			return true
		}
	}
	return false
}
