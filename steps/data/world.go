package data

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/steps/data/lineage"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// Origins of a label, the surest first.
const (
	OriginObserved  = "observed"  // a scan found it
	OriginDeclared  = "declared"  // a tag or sevenfold.yaml says so
	OriginInherited = "inherited" // it came along a flow
)

// Labelled is a label on one thing of the estate.
type Labelled struct {
	Label       string   `json:"label"`
	Origin      string   `json:"origin"`
	Types       []string `json:"types,omitempty"` // found by a scan
	Regions     []string `json:"regions,omitempty"`
	Confidence  float64  `json:"confidence"`
	Evidence    string   `json:"evidence"`
	Tier        string   `json:"tier,omitempty"` // of the least sure flow it came by
	Sensitivity string   `json:"sensitivity,omitempty"`
}

// Known is what is said of stores from outside the snapshot. Its zero value is that
// nothing is.
type Known struct {
	Summaries []Summary `json:"summaries,omitempty"`
	// Flows were seen in events; Seen says what events were read at all.
	Flows []SeenFlow `json:"flows,omitempty"`
	// Watched says that data events were given and read to their end.
	Watched bool `json:"watched,omitempty"`
	// Watch is how long data events of each account were seen for, where they tell.
	Watch []Watch `json:"watch,omitempty"`
	// Broken names what of the events could not be read.
	Broken []string `json:"broken,omitempty"`
	// Open says what of the flows that definitions of pipelines declare they leave to be computed.
	Open []string `json:"open,omitempty"`
	// Extra are places that somebody will ask about.
	Extra []ErasePlace `json:"-"`
	// Erasures are the cases that are open, and the records of those that are closed.
	Erasures []Case `json:"erasures,omitempty"`
}

// Watch is the time that data events of one account cover.
type Watch struct {
	Account string    `json:"account"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
}

// watchedFor is the least time that data events must cover to say that what they do not
// show did not happen: jobs run once a day.
const watchedFor = 24 * time.Hour

// SeenFlow is a passage of data that an event showed, or that a definition outside the
// snapshot declares.
type SeenFlow struct {
	From     string `json:"from"` // an id, or an address of a store
	To       string `json:"to"`
	Evidence string `json:"evidence"`
	// Declared is true where a definition of a pipeline says so, and nobody saw it.
	Declared bool `json:"declared,omitempty"`
}

// World is an estate's data: where it lies, what it is, where it goes.
type World struct {
	snap   *estate.Snapshot
	scope  *scope.Scope
	known  Known
	graph  *lineage.Graph
	result *lineage.Result
	// own are labels that were found or stated, by thing.
	own map[string][]Labelled
	// surveys are the summaries by the container they are of: the store's id, and the
	// path in it that was surveyed.
	surveys map[string][]placed
	// Strays are surveys of stores that the estate does not have.
	Strays []string
	// drift are tags that contradict what was found.
	drift []tagDrift
	// lowered are declassifiers that do not count yet, with the reason.
	lowered map[string]string
	policy  []string // types that the policy names as labels

	answers  Answers          // what other steps answer of stores
	answered map[string]asked // by store

	backward, forward *lineage.Walker
	index             index
	read              map[estate.Node]facts
}

// index are the things that are looked for again and again.
type index struct {
	buckets   map[string]string // ids by name
	trails    []estate.Node
	blocks    map[string]estate.Node // of public access, by account
	databases []estate.Node
	backups   []estate.Node
	tables    []estate.Node       // of catalogues, which tell where their rows lie
	filters   []estate.Node       // of their cells
	parts     map[string][]string // ids of parts by container
	shown     map[string][]string // ends of flows that events showed, by the other end
}

func (w *World) indexed() {
	w.index = index{buckets: map[string]string{}, blocks: map[string]estate.Node{}, parts: map[string][]string{}, shown: map[string][]string{}}
	for n, a := range w.snap.Assets() {
		switch a.Type {
		case "AWS::S3::Bucket":
			if _, born := w.index.buckets[a.Name]; !born || strings.HasPrefix(a.ID, "arn:") {
				w.index.buckets[a.Name] = a.ID
			}
			if strings.HasPrefix(a.ID, "arn:") { // one that is only named has no name of its own
				w.index.buckets[a.ID[strings.LastIndexByte(a.ID, ':')+1:]] = a.ID
			}
		case "AWS::CloudTrail::Trail":
			w.index.trails = append(w.index.trails, n)
		case "AWS::Glue::Table":
			w.index.tables = append(w.index.tables, n)
		case "AWS::LakeFormation::DataCellsFilter":
			w.index.filters = append(w.index.filters, n)
		case "AWS::S3::AccountPublicAccessBlock":
			w.index.blocks[a.Account] = n
		case "AWS::RDS::DBInstance", "AWS::RDS::DBCluster":
			w.index.databases = append(w.index.databases, n)
		case "AWS::RDS::DBSnapshot", "AWS::RDS::DBClusterSnapshot", "AWS::EC2::Snapshot":
			w.index.backups = append(w.index.backups, n)
		}
		if c, p := part(a.ID); p != "" {
			w.index.parts[c] = append(w.index.parts[c], a.ID)
		}
	}
	for _, f := range w.known.Flows {
		w.index.shown[f.From] = append(w.index.shown[f.From], f.To)
		w.index.shown[f.To] = append(w.index.shown[f.To], f.From)
	}
}

// back walks to where data is from.
func (w *World) back() *lineage.Walker {
	if w.backward == nil {
		w.backward = w.graph.Backward()
	}
	return w.backward
}

// ahead walks to where data goes.
func (w *World) ahead() *lineage.Walker {
	if w.forward == nil {
		w.forward = w.graph.Forward()
	}
	return w.forward
}

// placed is a survey of a part of a store.
type placed struct {
	path string
	sum  *Summary
}

// part takes the id of a part of a bucket apart.
func part(id string) (container, path string) {
	for _, mark := range []string{"#prefix/", "#object/"} {
		if c, p, ok := strings.Cut(id, mark); ok {
			return c, p
		}
	}
	return id, ""
}

// NewWorld puts together what is known of an estate's data.
func NewWorld(ctx context.Context, snap *estate.Snapshot, s *scope.Scope, known Known) (*World, error) {
	w := &World{snap: snap, scope: s, known: known, graph: &lineage.Graph{}, own: map[string][]Labelled{}, surveys: map[string][]placed{}, lowered: map[string]string{}}
	w.policy = policyTypes(&s.Data)
	w.indexed()
	w.places()
	w.flows()
	w.observedFlows()
	w.extra()
	w.scanned()
	if err := w.declared(ctx); err != nil {
		return nil, err
	}
	w.declassify()
	for id, list := range w.own {
		for _, l := range list {
			w.graph.Label(id, l.Label)
		}
	}
	w.result = w.graph.Run()
	return w, ctx.Err()
}

// Snapshot is the estate that the world is of.
func (w *World) Snapshot() *estate.Snapshot { return w.snap }

// policyTypes are the entity types that the policy uses as labels.
func policyTypes(d *scope.Data) (out []string) {
	add := func(l string) {
		if _, ok := scan.EntityOf(l); ok && !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	for _, a := range d.Approved {
		add(a.Label)
	}
	for _, r := range d.Retention {
		add(r.Label)
	}
	for _, m := range d.Demands {
		add(m.Label)
	}
	return out
}

// holdsData reports whether a thing is a place in which data lies.
func holdsData(a *estate.Asset) bool {
	if a.Kind != estate.KindStore && a.Kind != estate.KindDataset && a.Type != "AWS::S3::Object" {
		return false
	}
	switch a.Type {
	case "AWS::ECR::Repository", "v1/ConfigMap", "AWS::Backup::BackupVault", "AWS::CloudTrail::EventDataStore", "storage.k8s.io/v1/VolumeAttachment", "storage.k8s.io/v1/CSIStorageCapacity":
		return false
	}
	return a.Cloud != estate.Kubernetes || strings.Contains(a.Type, "PersistentVolume") || a.Root != nil
}

func (w *World) places() {
	for _, a := range w.snap.Assets() {
		if c, p := part(a.ID); p != "" {
			w.graph.Place(a.ID, c, p)
			w.graph.Place(c, c, "")
		} else if a.Type == "AWS::S3::Bucket" {
			w.graph.Place(a.ID, a.ID, "")
		}
	}
}

// carriers are the relations that carry data, and whether it goes against them.
var carriers = map[estate.RelationType]bool{
	estate.Reads: true, estate.Loads: true, estate.Serves: true,
	estate.Writes: false, estate.Trains: false, estate.LogsTo: false,
}

// flows takes the flows that configuration declares from the relations.
func (w *World) flows() {
	precise := map[string]bool{} // from, relation, evidence and bucket where a part of it is named
	key := func(r estate.Relation, container string) string {
		return r.From + "\x00" + r.Evidence + "\x00" + container
	}
	for r := range w.snap.Relations() {
		if _, ok := carriers[r.Type]; ok {
			if c, p := part(r.To); p != "" {
				precise[key(r, c)] = true
			}
		}
	}
	for r := range w.snap.Relations() {
		against, ok := carriers[r.Type]
		from, to := w.asset(r.From), w.asset(r.To)
		if from == nil || to == nil || !ok && !isSource(from, to, r.Type) || !carries(from, to, r.Type) || precise[key(r, r.To)] {
			continue
		}
		f := lineage.Flow{From: r.From, To: r.To, Evidence: r.Evidence, Tier: tierOf(r.Tier)}
		if against || !ok {
			f.From, f.To = r.To, r.From
		}
		w.graph.Flow(f)
	}
}

func tierOf(t estate.Tier) lineage.Tier {
	switch t {
	case estate.Observed:
		return lineage.Observed
	case estate.Possible:
		return lineage.Possible
	}
	return lineage.Declared
}

// isSource reports whether a part is what its whole takes its data from.
func isSource(whole, part *estate.Asset, t estate.RelationType) bool {
	return t == estate.Contains && strings.HasSuffix(part.Type, "::DataSource") && whole.Kind != estate.KindNetwork
}

// carries reports whether a relation is one by which stored content passes.
func carries(from, to *estate.Asset, t estate.RelationType) bool {
	switch {
	case to.Kind == estate.KindSecret, to.Type == "v1/ConfigMap", to.Kind == estate.KindImage, to.Type == "AWS::ECR::Repository", to.Kind == estate.KindIdentity, to.Kind == estate.KindPolicy:
		return false
	case t == estate.LogsTo: // a store's or a network's log names what was touched, not what it holds
		return from.Kind != estate.KindStore && from.Kind != estate.KindNetwork && from.Kind != estate.KindEventSource && from.Kind != estate.KindIdentity
	}
	return true
}

func (w *World) asset(id string) *estate.Asset {
	if n, ok := w.snap.Find(id); ok {
		return w.snap.Asset(n)
	}
	return nil
}

// find is the asset a word of a person's names: its id, its name, an address.
func (w *World) find(word string) (container, path string, ok bool) {
	if rest, is := strings.CutPrefix(word, "s3://"); is {
		name, path, _ := strings.Cut(rest, "/")
		id, ok := w.index.buckets[name]
		return id, path, ok
	}
	if isDatabase(word) {
		return w.database(word)
	}
	if w.asset(word) != nil {
		c, p := part(word)
		return c, p, true
	}
	return "", "", false
}

// isDatabase reports whether a word is the address of a database.
func isDatabase(word string) bool {
	return strings.HasPrefix(word, "postgres") || isMySQL(word)
}

// isMySQL reports whether it is one of MySQL, whose server one address may name whole.
func isMySQL(word string) bool { return strings.HasPrefix(word, "mysql://") }

// database is the asset of a database by the host of its address.
func (w *World) database(uri string) (container, path string, ok bool) {
	_, rest, _ := strings.Cut(uri, "://")
	host, name, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	host, _, _ = strings.Cut(host, ":")
	for _, n := range w.index.databases {
		if host == "" {
			break
		}
		a, f := w.snap.Asset(n), w.facts(n)
		for _, at := range []string{"Endpoint.Address", "Endpoint", "ReaderEndpoint"} {
			if v, ok := f.at(at).(string); ok && strings.EqualFold(v, host) {
				return a.ID, name, true
			}
		}
	}
	return "", "", false
}

// scanned puts what surveys found on the places where it lies.
func (w *World) scanned() {
	for i := range w.known.Summaries {
		s := &w.known.Summaries[i]
		container, base, ok := w.find(s.Store)
		if !ok {
			w.Strays = append(w.Strays, s.Store)
			continue
		}
		bucket := w.isBucket(container)
		w.surveys[container] = append(w.surveys[container], placed{base, s})
		for _, l := range s.Labels {
			for _, name := range w.labelsOf(l) {
				found := Labelled{Label: name, Origin: OriginObserved, Types: []string{l.Type}, Confidence: l.Confidence, Sensitivity: string(l.Sensitivity),
					Evidence: fmt.Sprintf("scan of %s on %s: %s in %d of %d objects examined", s.Store, s.Taken.Format("2006-01-02"), l.Type, l.Objects, s.Examined)}
				if s.Copied != "" {
					found.Evidence += ", in a copy that was said to be the store's"
				}
				if l.Country != "" {
					found.Regions = []string{l.Country}
				}
				if !bucket {
					w.put(container, found)
					continue
				}
				for _, key := range w.spots(container, base, s, l) {
					w.put(key, found)
				}
			}
		}
	}
}

func (w *World) typeOf(id string) string {
	if a := w.asset(id); a != nil {
		return a.Type
	}
	return ""
}

// labelsOf are the labels of a policy that a type found falls under.
func (w *World) labelsOf(l StoreLabel) []string {
	var out []string
	switch l.Group {
	case scan.Technical, "":
	default:
		out = append(out, scope.LabelOf(string(l.Group)))
	}
	if l.Type == "SOURCE_CODE" {
		out = append(out, scope.LabelSourceCode)
	}
	if slices.Contains(w.policy, l.Type) {
		out = append(out, l.Type)
	}
	return out
}

// spots are the places in a bucket that a type was found in: one a folder, so that
// it reaches who reads that folder or what is around it, and nobody beside. A folder
// in which the estate knows further places is named by the objects that were seen.
func (w *World) spots(container, base string, s *Summary, l StoreLabel) (out []string) {
	root := base // a prefix may end within a name: what lies below it is named by whole keys
	if s.Copied != "" && base != "" && !strings.HasSuffix(base, "/") {
		root += "/"
	}
	full := func(key string) string {
		if s.Copied != "" {
			return root + key
		}
		return key
	}
	add := func(path string) {
		id := container + "#prefix/" + path
		if path == "" {
			id = container
		}
		w.graph.Place(id, container, path)
		out = append(out, id)
	}
	for _, d := range l.Dirs {
		dir := full(d)
		if !w.parted(container, dir) {
			add(dir)
			continue
		}
		n := 0
		for _, k := range l.Keys {
			if key := full(k); strings.HasPrefix(key, dir) && !strings.Contains(key[len(dir):], "/") {
				add(key)
				n++
			}
		}
		if n == 0 || l.More || l.Objects > len(l.Keys) { // which of the objects is not kept: any
			add(dir)
		}
	}
	if l.More {
		add(base)
	}
	return out
}

// parted reports whether the estate knows of places within a folder.
func (w *World) parted(container, dir string) bool {
	return slices.ContainsFunc(w.index.parts[container], func(id string) bool {
		_, p := part(id)
		return strings.HasPrefix(p, dir) && p != dir
	})
}

// put gives a thing a label, joined with what it has of the same origin.
func (w *World) put(id string, l Labelled) {
	for i := range w.own[id] {
		h := &w.own[id][i]
		if h.Label != l.Label || h.Origin != l.Origin {
			continue
		}
		for _, t := range l.Types {
			if !slices.Contains(h.Types, t) {
				h.Types = append(h.Types, t)
			}
		}
		for _, r := range l.Regions {
			if !slices.Contains(h.Regions, r) {
				h.Regions = append(h.Regions, r)
			}
		}
		if l.Confidence > h.Confidence {
			h.Confidence, h.Evidence = l.Confidence, l.Evidence
		}
		return
	}
	w.own[id] = append(w.own[id], l)
}

// declared puts the labels that tags and sevenfold.yaml state.
func (w *World) declared(ctx context.Context) error {
	keys := w.scope.Data.TagKeys()
	for n, a := range w.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, k := range keys {
			value, ok := tagOf(a.Tags, k)
			if !ok {
				continue
			}
			for _, word := range strings.FieldsFunc(value, func(c rune) bool { return c == ',' || c == '+' || c == '/' || c == ' ' && strings.Contains(value, ",") }) {
				label := scope.LabelOf(word)
				if !isPublic(word) && !denies(word) && label != "" {
					w.put(a.ID, Labelled{Label: label, Origin: OriginDeclared, Confidence: 1, Evidence: "tag " + k})
				}
			}
			w.tagDrift(a, k, value)
		}
		for _, d := range w.scope.Data.Declared {
			if d.Match != nil && holdsData(a) && w.matches(d.Match, n) {
				w.put(a.ID, Labelled{Label: d.Label, Origin: OriginDeclared, Confidence: 1, Evidence: d.Place.String()})
			}
		}
	}
	return nil
}

func (w *World) matches(e *expr.Expr, n estate.Node) bool {
	subject := expr.NewSubject(w.snap.Asset(n), func() (json.RawMessage, error) { return w.snap.Config(n) }, nil, w.snap.Taken())
	defer subject.Release()
	return e.Eval(subject).Truth == expr.True
}

func tagOf(tags map[string]string, key string) (string, bool) {
	for k, v := range tags {
		if strings.EqualFold(k, key) && strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v), true
		}
	}
	return "", false
}

// isPublic reports whether a word says that data is of no label.
func isPublic(word string) bool {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "public", "none", "non-sensitive", "nonsensitive", "open", "unclassified", "internal":
		return true
	}
	return false
}

// tagDrift is a tag that says less than was found.
type tagDrift struct {
	asset, key, value string
	found             []string
}

func (w *World) tagDrift(a *estate.Asset, key, value string) {
	var found []string
	for _, p := range w.surveys[a.ID] {
		for _, l := range p.sum.Labels {
			for _, name := range w.labelsOf(l) {
				if !slices.Contains(found, name) && !declares(value, name) && slices.Contains(scope.Labels(), name) {
					found = append(found, name)
				}
			}
		}
	}
	if len(found) > 0 {
		slices.Sort(found)
		w.drift = append(w.drift, tagDrift{a.ID, key, value, found})
	}
}

// declares reports whether one of a tag's words means a label, and does not deny it.
func declares(value, label string) bool {
	for _, part := range strings.FieldsFunc(value, func(c rune) bool { return strings.ContainsRune(",+/;|", c) }) {
		if denies(part) {
			continue
		}
		if scope.LabelOf(strings.TrimSpace(part)) == label {
			return true
		}
		if slices.ContainsFunc(tagWords(part), func(w string) bool { return scope.LabelOf(w) == label || w == strings.ToLower(label) }) {
			return true
		}
	}
	return false
}

func tagWords(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c < 0x80 })
}

// denies reports whether a tag's word says that data is not of a label: NonPII, no-phi,
// PII-free.
func denies(s string) bool {
	for _, w := range tagWords(s) {
		switch w {
		case "non", "not", "no", "none", "without", "free", "deidentified", "anonymised", "anonymized", "masked", "false":
			return true
		}
		if rest, ok := strings.CutPrefix(w, "non"); ok && slices.Contains(scope.Labels(), scope.LabelOf(rest)) {
			return true
		}
	}
	return false
}

// LabelsOf are the labels of a thing: its own, and those that came along flows.
func (w *World) LabelsOf(id string) []Labelled {
	var out []Labelled
	for _, label := range w.result.Labels(id) {
		if i := slices.IndexFunc(w.own[id], func(l Labelled) bool { return l.Label == label }); i >= 0 {
			for _, l := range w.own[id] {
				if l.Label == label {
					out = append(out, l)
				}
			}
			continue
		}
		a, ok := w.result.Arrival(id, label)
		if !ok {
			continue
		}
		l := Labelled{Label: label, Origin: OriginInherited, Confidence: 1, Tier: a.Tier.String(), Evidence: "from " + a.Path[0].From}
		for _, own := range w.own[a.Path[0].From] {
			if own.Label == label {
				l.Confidence, l.Types, l.Regions, l.Sensitivity = own.Confidence, own.Types, own.Regions, own.Sensitivity
				if len(a.Path) == 1 && a.Path[0].Evidence == lineage.Lies {
					l = own
				}
			}
		}
		out = append(out, l)
	}
	return out
}

// facts of an asset. Those of stores and trails are asked for again and again, and kept.
func (w *World) facts(n estate.Node) facts {
	if f, ok := w.read[n]; ok {
		return f
	}
	f := facts{a: w.snap.Asset(n)}
	raw, err := w.snap.Config(n)
	if err == nil && len(raw) > 0 {
		_ = json.Unmarshal(raw, &f.cfg) // what is no object has no members
	}
	if w.read == nil {
		w.read = map[estate.Node]facts{}
	}
	w.read[n] = f
	return f
}
