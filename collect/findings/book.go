package findings

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// entry is one result as a format hands it over.
type entry struct {
	tool, name string // "prowler", "Prowler"
	version    string
	check      string
	about      estate.ForeignCheck
	resource   estate.ForeignResource
	status     estate.ForeignStatus
	severity   string
	message    string
	place      string
	time       time.Time
}

// book gathers results and merges those that say the same twice: a tool writes
// its run in several formats, and runs again. Names and texts are kept once.
type book struct {
	lim       limits
	tools     map[string]*tool
	checks    index[checkID]
	resources index[string]
	subjects  []estate.ForeignResource // by resource number
	versions  index[string]
	files     index[string]
	words     index[string] // severities
	at        map[key]int32
	results   []result
	passes    int // counted, not kept
}

// tool is what one tool said as a whole.
type tool struct {
	name     string
	versions map[string]bool
	files    []*page
	checks   map[string]estate.ForeignCheck
}

type checkID struct{ tool, check string }

// key tells one result from another.
type key struct {
	check, resource uint32
	place           string
}

// result is a kept entry.
type result struct {
	key
	time                    int64 // Unix nanoseconds, 0: none
	message                 string
	severity, version, file uint32
	status                  estate.ForeignStatus
}

// index gives values numbers.
type index[T comparable] struct {
	of   map[T]uint32
	list []T
}

func (x *index[T]) number(v T) (n uint32, fresh bool) {
	if n, ok := x.of[v]; ok {
		return n, false
	}
	if x.of == nil {
		x.of = map[T]uint32{}
	}
	n = uint32(len(x.list)) //nolint:gosec // bounded by the number of results
	x.of[v] = n
	x.list = append(x.list, v)
	return n, true
}

func newBook(lim limits) *book {
	return &book{lim: lim, tools: map[string]*tool{}, at: map[key]int32{}}
}

// page is one report in the book.
type page struct {
	book   *book
	file   string
	format string
	tools  map[string]estate.ScanFile
	count  int    // results seen
	lost   int    // faults not kept
	odd    int    // results of another shape
	oddest string // what was wrong with the first
	notes  []note
}

// note is what a report itself leaves open.
type note struct {
	status    estate.ReadStatus
	why, hint string
}

func (b *book) open(file, format string) *page {
	return &page{book: b, file: file, format: format, tools: map[string]estate.ScanFile{}}
}

// ran says that a tool wrote this report, be it without a result.
func (p *page) ran(id, name, version string) {
	t := p.book.tools[id]
	if t == nil {
		t = &tool{name: name, versions: map[string]bool{}, checks: map[string]estate.ForeignCheck{}}
		p.book.tools[id] = t
	}
	if version != "" {
		t.versions[version] = true
	}
	if _, ok := p.tools[id]; !ok {
		p.tools[id] = estate.ScanFile{File: p.file, Format: p.format, Results: map[estate.ForeignStatus]int{}}
		t.files = append(t.files, p)
	}
}

// oddity counts a result that is not shaped as its format says.
func (p *page) oddity(what string) {
	if p.odd == 0 {
		p.oddest = what
	}
	p.odd++
}

func (p *page) note(status estate.ReadStatus, why, hint string) {
	p.notes = append(p.notes, note{status, why, hint})
}

// add takes a result over. One without a check or a resource is no result.
func (p *page) add(e entry) {
	id := resourceKey(&e.resource)
	switch {
	case e.check == "" || e.tool == "":
		p.oddity("a result does not say which check it is of")
		return
	case id == "":
		p.oddity("a result of " + clip(e.check, 80) + " does not say which resource it is about")
		return
	}
	p.ran(e.tool, e.name, e.version)
	p.count++
	scan := p.tools[e.tool]
	scan.Results[e.status]++
	if !e.time.IsZero() {
		if scan.Oldest.IsZero() || e.time.Before(scan.Oldest) {
			scan.Oldest = e.time
		}
		if e.time.After(scan.Newest) {
			scan.Newest = e.time
		}
	}
	p.tools[e.tool] = scan
	p.book.keep(p, e, id)
}

// resourceKey names a resource within one tool's words.
func resourceKey(r *estate.ForeignResource) string {
	switch {
	case r.ID != "":
		return r.ID
	case r.Address != "":
		return r.Address
	case r.Kind != "":
		return strings.Join([]string{"k8s:/", r.Cluster, r.Namespace, r.Kind, r.Name}, "/")
	case len(r.Images) > 0:
		return "image://" + r.Images[0]
	case r.File != "":
		return "file://" + r.File
	}
	return r.Name
}

// keep stores a result, or replaces what the same tool said of the same thing
// before. Of two results the newer counts; of two equally old the worse.
func (b *book) keep(p *page, e entry, id string) {
	check, fresh := b.checks.number(checkID{e.tool, e.check})
	if t := b.tools[e.tool]; fresh || t.checks[e.check].Title == "" {
		e.about.Title, e.about.Fix = line(e.about.Title, b.lim.message), line(e.about.Fix, b.lim.message)
		t.checks[e.check] = e.about
	}
	resource, fresh := b.resources.number(e.tool + "\x00" + id)
	if fresh {
		b.subjects = append(b.subjects, e.resource)
	}
	k := key{check, resource, clip(e.place, 200)}
	r := result{key: k, status: e.status, message: line(e.message, b.lim.message)}
	if e.status == estate.ForeignPass {
		r.message = ""
	}
	if !e.time.IsZero() {
		r.time = e.time.UnixNano()
	}
	r.severity, _ = b.words.number(clip(e.severity, 40))
	r.version, _ = b.versions.number(clip(e.version, 40))
	r.file, _ = b.files.number(p.file)
	at, again := b.at[k]
	switch {
	case again:
		if old := &b.results[at]; r.time > old.time || r.time == old.time && worse(r.status) > worse(old.status) {
			*old = r
		}
	case len(b.results) < b.lim.results:
		b.at[k] = int32(len(b.results)) //nolint:gosec // bounded by limits.results
		b.results = append(b.results, r)
	case e.status == estate.ForeignPass:
		b.passes++
	default:
		p.lost++
	}
}

func worse(s estate.ForeignStatus) int {
	switch s {
	case estate.ForeignFail:
		return 3
	case estate.ForeignUnknown:
		return 2
	case estate.ForeignMuted:
		return 1
	}
	return 0
}

// flush sends what was gathered: a record for each tool, and for each resource a
// tool speaks of, in the order of their names.
func (b *book) flush(source, records string, sink estate.Sink) {
	send := func(id, typ string, config any) {
		body, err := json.Marshal(config)
		if err != nil { // strings and times only: cannot fail
			return
		}
		sink.Asset(estate.Asset{ID: id, Type: typ, Config: body, Source: source,
			Reads: []estate.Read{{Operation: "findings:read", Status: estate.ReadOK}}})
	}
	for _, id := range slices.Sorted(maps.Keys(b.tools)) {
		t := b.tools[id]
		s := estate.Scan{Tool: id, Name: t.name, Versions: slices.Sorted(maps.Keys(t.versions)), Checks: t.checks}
		for _, p := range t.files {
			s.Files = append(s.Files, p.tools[id])
		}
		send(records+"#"+id, estate.ScanType, s)
	}
	slices.SortFunc(b.results, func(x, y result) int {
		if x.resource != y.resource {
			return cmp.Compare(b.resources.list[x.resource], b.resources.list[y.resource])
		}
		return cmp.Or(cmp.Compare(b.checks.list[x.check].check, b.checks.list[y.check].check), cmp.Compare(x.place, y.place))
	})
	for lo := 0; lo < len(b.results); {
		hi := lo
		for hi < len(b.results) && b.results[hi].resource == b.results[lo].resource {
			hi++
		}
		f, id := b.foreign(b.results[lo:hi])
		f.Scan = records + "#" + f.Tool
		send(f.Scan+"/"+id, estate.ForeignType, f)
		lo = hi
	}
	b.at, b.results = nil, nil
}

// foreign is what one tool says of one resource.
func (b *book) foreign(rs []result) (estate.Foreign, string) {
	toolID, id, _ := strings.Cut(b.resources.list[rs[0].resource], "\x00")
	f := estate.Foreign{Tool: toolID, Resource: b.subjects[rs[0].resource], Results: make([]estate.ForeignResult, len(rs))}
	for i, r := range rs {
		out := estate.ForeignResult{Check: b.checks.list[r.check].check, Status: r.status, Severity: b.words.list[r.severity],
			Message: r.message, Place: r.place, Version: b.versions.list[r.version], File: b.files.list[r.file]}
		if r.time != 0 {
			out.Time = time.Unix(0, r.time).UTC()
		}
		f.Results[i] = out
	}
	return f, id
}

// clip shortens s to at most n bytes at a rune's border. Copying lets go of the
// text it was cut from.
func clip(s string, n int) string {
	if len(s) <= n {
		return strings.Clone(s)
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// line makes a text one short line.
func line(s string, n int) string {
	if len(s) > 8*n {
		s = s[:8*n]
	}
	return clip(strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "\uFFFD"), n)
}
