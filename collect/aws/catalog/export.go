package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// unreadInExport is why an operation declared for a type stands as skipped.
const unreadInExport = "not in the export"

// Export reads folders of replies that the aws command line printed, in any
// layout. It implements estate.Format and is safe for many goroutines; Flush
// must be called once after the last document, for replies that name an asset
// read later than they.
type Export struct {
	x *index

	mu       sync.Mutex
	known    *registry
	waiting  []*reply
	accounts map[string]int // accounts seen, with the number of replies
	regions  map[string]int
	lists    map[listKey]*listing
	torn     map[string]bool // files that were not read whole, by path
	lost     []listKey       // what such files would have listed, by their paths
	said     map[string]bool
	tags     map[string]map[string]string // tags of assets not read yet, by id
	gathered map[string]*gathered
	source   string
	last     bool // all documents were seen
}

// NewExport returns a reader for one folder.
func NewExport() (*Export, error) {
	x, err := defaultIndex()
	if err != nil {
		return nil, err
	}
	return &Export{
		x: x, known: newRegistry(), accounts: map[string]int{}, regions: map[string]int{},
		lists: map[listKey]*listing{}, said: map[string]bool{}, tags: map[string]map[string]string{}, gathered: map[string]*gathered{},
	}, nil
}

var _ estate.Format = (*Export)(nil)

// reply is one exported reply on its way to the assets it belongs to.
type reply struct {
	op       *operation
	doc      estate.Document // Body not kept
	body     map[string]any
	subjects []string
	scope    Scope
	foreign  string // an account that other services' ARNs name
	failed   string // error code, if the document is an error
	why      string // its code and message
}

// listKey is one type's listing in one place.
type listKey struct{ typ, account, region, parent string }

// Read takes one document.
func (e *Export) Read(doc estate.Document, sink estate.Sink) bool {
	v, err := Decode(doc.Body)
	if err != nil {
		return false
	}
	body, ok := v.(map[string]any)
	if !ok {
		return false
	}
	ops, n := e.x.recognise(doc.Path, body)
	switch len(ops) {
	case 0:
		return e.damaged(doc, n, body, sink)
	case 1:
	default:
		e.ambiguous(doc, ops, sink)
		return true
	}
	doc.Body = nil
	if ops[0].uses == nil {
		e.unused(doc, ops[0], sink)
		return true
	}
	times(ops[0].outputs, body)
	r := &reply{op: ops[0], doc: doc, body: body, subjects: n.subjects}
	r.failed, r.why = errorWords(body)
	if r.failed == emptyOutput {
		if !r.op.mayBeEmpty() {
			return false
		}
		r.failed, r.body = "", map[string]any{}
	}
	r.judge()
	e.place(r, n)
	e.cut(r, sink)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.source = doc.Source
	if r.scope.Account != "" {
		e.accounts[r.scope.Account]++
	}
	if r.scope.Region != "" {
		e.regions[r.scope.Region]++
	}
	if !e.apply(r, sink, false) {
		e.waiting = append(e.waiting, r)
	}
	return true
}

// mayBeEmpty reports whether a reply of the operation can have no member.
func (op *operation) mayBeEmpty() bool {
	return slices.ContainsFunc(op.uses, func(u use) bool { return u.call != nil && u.call.Empty })
}

// damaged says that a document whose path names an operation does not hold a
// reply of it. Without a service in the path it is none of ours.
func (e *Export) damaged(doc estate.Document, n named, body map[string]any, sink estate.Sink) bool {
	if len(n.ops) == 0 || len(n.services) == 0 || len(body) == 0 {
		return false
	}
	op := n.ops[0]
	sink.BlindSpot(estate.BlindSpot{
		Source: doc.Source, Account: first(n.account, doc.Account), Region: first(n.region, doc.Region), Operation: doc.Path,
		Types: op.types(), Status: estate.ReadMalformed,
		Why:  fmt.Sprintf("the file is named like %s:%s but does not hold its output", op.service, op.name),
		Hint: fmt.Sprintf("export again: aws %s %s", cliService(op), kebab(op.name)),
	})
	return true
}

// unused says, once for an operation, that its replies are not read.
func (e *Export) unused(doc estate.Document, op *operation, sink estate.Sink) {
	e.mu.Lock()
	defer e.mu.Unlock()
	name := op.service + ":" + op.name
	if e.said[name] || strings.HasPrefix(op.name, "Generate") {
		return
	}
	e.said[name] = true
	sink.BlindSpot(estate.BlindSpot{
		Source: doc.Source, Operation: doc.Path, Status: estate.ReadSkipped,
		Why:  "the output of " + name + " tells nothing that is read",
		Hint: estate.NoMend,
	})
}

// ambiguous says that a reply may be of several operations.
func (e *Export) ambiguous(doc estate.Document, ops []*operation, sink estate.Sink) {
	var names, types []string
	for _, op := range ops {
		names = append(names, op.service+":"+op.name)
		types = append(types, op.types()...)
	}
	slices.Sort(names)
	slices.Sort(types)
	if len(names) > 6 {
		names = append(names[:6], fmt.Sprintf("%d more", len(names)-6))
	}
	sink.BlindSpot(estate.BlindSpot{
		Source: doc.Source, Account: doc.Account, Region: doc.Region, Operation: doc.Path, Types: slices.Compact(types),
		Status: estate.ReadMalformed,
		Why:    "the content could be the output of " + strings.Join(names, ", ") + ", and the path does not say which",
		Hint:   fmt.Sprintf("name it SERVICE/OPERATION/SUBJECT.json, e.g. %s/%s/SUBJECT.json", cliService(ops[0]), kebab(ops[0].name)),
	})
}

// types lists the types an operation is read for.
func (op *operation) types() []string {
	var out []string
	for _, u := range op.uses {
		if u.resource != nil && !slices.Contains(out, u.resource.Type) {
			out = append(out, u.resource.Type)
		}
	}
	return out
}

// cliService is the service's name on the command line.
func cliService(op *operation) string {
	if op.service == "s3" {
		return "s3api"
	}
	return op.service
}

// kebab spells an operation as the command line does.
func kebab(op string) string {
	var b strings.Builder
	for i, r := range op {
		up := r >= 'A' && r <= 'Z'
		if up && i > 0 && (op[i-1] < 'A' || op[i-1] > 'Z' || i+1 < len(op) && op[i+1] >= 'a' && op[i+1] <= 'z') {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// place finds where a reply comes from: its content first, then its path, then
// what the source says.
func (e *Export) place(r *reply, n named) {
	s, foreign := guessPlace(r.body, r.op.arnService())
	for _, subject := range r.subjects {
		if a, ok := parseARN(subject); ok {
			s.Account, s.Region = first(s.Account, a.account), first(s.Region, a.region)
		}
	}
	s.Account = first(s.Account, n.account, r.doc.Account)
	s.Region = first(s.Region, n.region, r.doc.Region)
	s.Partition = first(s.Partition, partitionOf(s.Region))
	r.scope, r.foreign = s, foreign
}

// arnService is what the service is called in ARNs.
func (op *operation) arnService() string {
	switch {
	case op.service == "s3control":
		return "s3"
	case len(op.uses) > 0 && op.uses[0].resource != nil:
		return op.uses[0].resource.service.ActionPrefix()
	}
	return op.service
}

// Flush places the replies that waited for others and says what could not be
// placed, and which types were listed to the end.
func (e *Export) Flush(sink estate.Sink) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle()
	for again := true; again; {
		again = false
		waiting := e.waiting
		e.waiting = nil
		for _, r := range waiting {
			if e.apply(r, sink, false) {
				again = true
			} else {
				e.waiting = append(e.waiting, r)
			}
		}
	}
	e.last = true
	for _, r := range e.waiting {
		if !e.apply(r, sink, true) {
			e.unplaced(r, sink)
		}
	}
	e.waiting = nil
	for id, tags := range e.tags {
		if s := e.known.byID[id]; s != nil {
			sendTags(s, tags, e.source, sink)
		}
	}
	e.sendGathered(sink)
	e.cover(sink)
}

// settle gives replies without an account or region those of the folder, if
// it has exactly one.
func (e *Export) settle() {
	account, region := majority(e.accounts), only(e.regions)
	for _, r := range e.waiting {
		r.scope.Account = first(r.scope.Account, account, r.foreign)
		r.scope.Region = first(r.scope.Region, region)
		r.scope.Partition = partitionOf(r.scope.Region)
	}
}

// majority returns the key that counts for more than half of all, or nothing.
func majority(m map[string]int) string {
	total, best := 0, ""
	for k, n := range m {
		if total += n; n > m[best] {
			best = k
		}
	}
	if 2*m[best] > total {
		return best
	}
	return ""
}

// only returns the one key of a map, or nothing.
func only(m map[string]int) string {
	if len(m) != 1 {
		return ""
	}
	for k := range m {
		return k
	}
	return ""
}

// unplaced says that a reply belongs to no asset one can name.
func (e *Export) unplaced(r *reply, sink estate.Sink) {
	why := "the reply does not name what it describes, and neither does its path"
	if len(r.subjects) > 0 {
		why = fmt.Sprintf("nothing in the export is called %q", strings.Join(r.subjects, "/"))
	}
	sink.BlindSpot(estate.BlindSpot{
		Source: r.doc.Source, Account: r.scope.Account, Region: r.scope.Region, Operation: r.doc.Path,
		Types: r.op.types(), Status: estate.ReadMalformed, Why: r.op.service + ":" + r.op.name + ": " + why,
		Hint: fmt.Sprintf("name the file %s/%s/SUBJECT.json and export the list that names the subject", cliService(r.op), kebab(r.op.name)),
	})
}

// lower renders a value as JSON for an asset.
func lower(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null") // decoded JSON always encodes
	}
	return data
}
