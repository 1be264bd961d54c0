package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// catalogueFolder holds the ids of frameworks and techniques with their source.
const catalogueFolder = "catalogue"

// definition is control.yaml as people write it.
type definition struct {
	strict.Place
	ID         strict.Text       `key:"id,required"`
	Lifecycle  strict.Text       `key:"lifecycle,required"`
	Step       strict.Text       `key:"step,required"`
	Types      []strict.Text     `key:"types,required"`
	Title      strict.Text       `key:"title,required"`
	Asks       strict.Text       `key:"asks,required"`
	Applies    *strict.Text      `key:"applies"`
	Fails      *strict.Text      `key:"fails"`
	Absent     *absentDefinition `key:"absent"`
	Why        strict.Text       `key:"why,required"`
	InvalidFor []string          `key:"invalid_for,required"`
	Severity   strict.Text       `key:"severity,required"`
	AI         strict.Text       `key:"ai"`
	Attack     attackEntry       `key:"attack"`
	Fix        fixDefinition     `key:"fix,required"`
	Evidence   []exhibitEntry    `key:"evidence"`
	Reads      []strict.Text     `key:"reads,required"`
	Frameworks []strict.Text     `key:"frameworks"`
	Techniques []strict.Text     `key:"techniques"`
	Cases      caseDefinition    `key:"cases,required"`
}

// attackEntry says what a fault is to an attacker.
type attackEntry struct {
	Entry strict.Text `key:"entry"`
	Gives strict.Text `key:"gives"`
	Prize strict.Text `key:"prize"`
}

// exhibitEntry is one line of evidence: the place people would look at, what
// stands there in a few words, and the value where it is more than the place.
type exhibitEntry struct {
	Where strict.Text  `key:"where,required"`
	What  strict.Text  `key:"what,required"`
	Show  *strict.Text `key:"show"`
}

type caseDefinition struct {
	strict.Place
	Fail    []caseFile `key:"fail,required"`
	Pass    []caseFile `key:"pass,required"`
	Near    []caseFile `key:"near,required"`
	NA      []caseFile `key:"na"`
	Unknown []caseFile `key:"unknown"`
}

type caseFile struct {
	File     strict.Text  `key:"file,short"`
	Because  string       `key:"because"`
	Type     string       `key:"type"`
	Denied   []string     `key:"denied"`
	Owned    bool         `key:"owned"`
	Behind   string       `key:"behind"`
	Class    string       `key:"class"`
	Beside   []besideFile `key:"beside"`
	Unlisted bool         `key:"unlisted"`
	Idle     bool         `key:"idle"`
}

type besideFile struct {
	File    strict.Text `key:"file,short"`
	Region  string      `key:"region"`
	Account string      `key:"account"`
	Named   bool        `key:"named"`
}

type catalogue struct {
	Name    string            `key:"name,required"`
	Version string            `key:"version,required"`
	Source  string            `key:"source,required"`
	Licence string            `key:"licence,required"`
	Kind    strict.Text       `key:"kind,required"`
	Entries map[string]string `key:"entries,required"`
}

// proven is a file system whose expressions are known to compile.
type proven struct{ fs.FS }

// Proven marks a file system of controls each of whose expressions is known to
// compile, as a program's own are by its tests: Load leaves them uncompiled until an
// asset asks for them, which is most of what a short command would do. What is wrong
// with them otherwise is reported as ever.
func Proven(f fs.FS) fs.FS { return proven{f} }

// Load reads the controls of each folder of the given file systems, and the
// catalogues of ids beside them. A broken control is named in the errors and
// left out; the rest load. An id that an earlier file system has already is
// refused: a company's own control never silently replaces a built-in one.
func Load(fsys ...fs.FS) (*Set, []error) {
	l := loader{set: &Set{byType: map[string][]*Control{}, names: map[string]string{}, variables: map[string]Variable{}}, kinds: map[string]string{}, applies: &conditions{made: map[string]*expr.Expr{}}}
	for _, f := range fsys {
		l.catalogues(f)
		l.variables(f)
		l.errs = append(l.errs, l.rules.read(f)...)
	}
	l.errs = append(l.errs, l.rules.check(l.kinds)...)
	for _, f := range fsys {
		l.folders(f)
	}
	slices.SortFunc(l.set.controls, func(a, b *Control) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(l.set.frameworks, func(a, b Framework) int { return strings.Compare(a.Name, b.Name) })
	questions, errs := l.rules.asked(l.set)
	l.set.questions, l.errs = questions, append(l.errs, errs...)
	for _, c := range l.set.controls {
		for _, t := range c.Types {
			l.set.byType[t] = append(l.set.byType[t], c)
		}
	}
	l.set.leftOut = l.errs
	return l.set, l.errs
}

type loader struct {
	set *Set
	// applies are the compiled conditions by source: many controls share one,
	// and an asset answers it once.
	applies *conditions
	kinds   map[string]string // id -> framework or technique
	rules   rules
	errs    []error
}

func (l *loader) catalogues(f fs.FS) {
	files, err := fs.Glob(f, catalogueFolder+"/*.yaml")
	if err != nil {
		l.errs = append(l.errs, err)
	}
	for _, name := range files {
		var c catalogue
		if err := decode(f, name, &c); err != nil {
			l.errs = append(l.errs, fmt.Errorf("catalogue left out: %w", err))
			continue
		}
		if k := c.Kind.Value; k != "framework" && k != "technique" {
			l.errs = append(l.errs, c.Kind.Problemf("kind %q is neither framework nor technique", k))
			continue
		}
		for id, n := range c.Entries {
			l.set.names[id], l.kinds[id] = n, c.Kind.Value
		}
		if c.Kind.Value == "framework" {
			l.set.frameworks = append(l.set.frameworks, Framework{c.Name, c.Version, c.Source, c.Licence, inOrder(c.Entries)})
		}
	}
}

// decode reads one YAML file, never more of it than may be used.
func decode(f fs.FS, name string, v any) error {
	file, err := f.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, strict.MaxBytes+1))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	y, err := strict.Parse(name, data)
	if err != nil {
		return err
	}
	return y.Decode(v)
}

func (l *loader) folders(f fs.FS) {
	entries, err := fs.ReadDir(f, ".")
	if err != nil {
		l.errs = append(l.errs, fmt.Errorf("controls cannot be listed: %w", err))
		return
	}
	entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
		return !e.IsDir() || e.Name() == catalogueFolder || strings.HasPrefix(e.Name(), ".")
	})
	// Compiling is most of the work, and of what a short command does at all.
	made, errs := make([]*Control, len(entries)), make([]error, len(entries))
	var next atomic.Int64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(entries); i = int(next.Add(1)) - 1 {
				made[i], errs[i] = l.control(f, entries[i].Name())
			}
		})
	}
	all.Wait()
	for i, c := range made {
		if err := errors.Join(errs[i], l.taken(c)); err != nil {
			l.errs = append(l.errs, fmt.Errorf("control %s left out: %w", entries[i].Name(), err))
			continue
		}
		l.set.controls = append(l.set.controls, c)
	}
}

// taken reports a control whose id another has already.
func (l *loader) taken(c *Control) error {
	if c == nil {
		return nil
	}
	for _, o := range l.set.controls {
		if o.ID == c.ID {
			return c.id.Problemf("id %q is taken by %s", c.ID, o.place)
		}
	}
	return nil
}

// conditions are compiled conditions by source, shared by controls that are
// made at the same time.
type conditions struct {
	mu   sync.Mutex
	made map[string]*expr.Expr
}

// of returns the condition of a source, compiling it if nobody has; nil if it
// does not compile.
func (c *conditions) of(source string, compile func() *expr.Expr) *expr.Expr {
	c.mu.Lock()
	e := c.made[source]
	c.mu.Unlock()
	if e != nil {
		return e
	}
	if e = compile(); e == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.made[source]; first != nil {
		return first
	}
	c.made[source] = e
	return e
}

var (
	idForm    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)+$`)
	placeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*(\[\])?(\.[A-Za-z][A-Za-z0-9-]*(\[\])?)*$`)
	readForm  = regexp.MustCompile(`^[a-z0-9-]+:[A-Za-z0-9]+$`)
	lifecycle = []string{"experimental", "stable", "deprecated"}
	steps     = []string{"audit", "access", "network", "data", "supply", "detect", "respond"}
	efforts   = []string{"minutes", "hours", "days"}
	entries   = []string{"internet", "sign-in", "stranger", "leaked-credential"}
	gifts     = []string{"reading", "acting", "changing"}
	degrees   = []string{string(AISystem), string(AIInfrastructure), "no"}
	prizes    = []string{"administrator", "secrets", "credential", "ai-service"}
)

func (l *loader) control(f fs.FS, folder string) (*Control, error) {
	var d definition
	if err := decode(f, path.Join(folder, "control.yaml"), &d); err != nil {
		return nil, err
	}
	sub, err := fs.Sub(f, folder)
	if err != nil {
		return nil, err
	}
	_, known := f.(proven)
	b := builder{d: &d, folder: sub, kinds: l.kinds, applies: l.applies, proven: known}
	c := b.build()
	if c.AI = AI(d.AI.Value); d.AI.Value == "" {
		c.AI = l.rules.degree(c.Types)
	} else if c.AI == "no" {
		c.AI = NotAI
	}
	c.own, c.Frameworks = len(c.Frameworks), l.rules.requirements(c)
	if d.ID.Value != folder {
		b.bad(d.ID, "id %q is not the folder's name, %q", d.ID.Value, folder)
	}
	c.id = d.ID
	return c, errors.Join(b.errs...)
}

// builder checks one definition and gathers all that is wrong with it.
type builder struct {
	d       *definition
	folder  fs.FS
	kinds   map[string]string
	applies *conditions
	proven  bool // what it asks is known to compile
	errs    []error
}

func (b *builder) bad(t strict.Text, format string, args ...any) {
	b.errs = append(b.errs, t.Problemf(format, args...))
}

func (b *builder) build() *Control {
	d := b.d
	c := &Control{
		ID: d.ID.Value, Lifecycle: d.Lifecycle.Value, Step: d.Step.Value, Title: d.Title.Value, Asks: d.Asks.Value,
		Why: d.Why.Value, InvalidFor: d.InvalidFor, folder: b.folder, place: d.Place,
	}
	c.Fix, c.Terraform, c.Kubernetes = b.fix(d.Fix)
	if !idForm.MatchString(c.ID) {
		b.bad(d.ID, "id %q is not words of a-z and 0-9 joined by hyphens", c.ID)
	}
	b.oneOf(d.Lifecycle, "lifecycle", lifecycle)
	b.oneOf(d.Step, "step", steps)
	var err error
	if c.Severity, err = finding.ParseSeverity(d.Severity.Value); err != nil {
		b.bad(d.Severity, "%v", err)
	}
	if d.AI.Value != "" {
		b.oneOf(d.AI, "ai", degrees)
	}
	c.Attack = b.attack(d.Attack)
	if len(d.Types) == 0 {
		b.bad(d.ID, "types is empty")
	}
	if len(d.InvalidFor) == 0 {
		b.bad(d.ID, "invalid_for is empty; say for whom a fail would be wrong")
	}
	c.Types = values(d.Types)
	for _, r := range d.Reads {
		if !readForm.MatchString(r.Value) {
			b.bad(r, "%q is not an operation written service:Operation", r.Value)
		}
	}
	c.Reads = values(d.Reads)
	c.Frameworks, c.Techniques = b.ids(d.Frameworks, "framework"), b.ids(d.Techniques, "technique")
	b.question(c)
	if d.Applies != nil {
		c.applies = b.applies.of(d.Applies.Value, func() *expr.Expr { return b.condition(*d.Applies) })
		if c.applies != nil {
			c.aside = "does not apply: " + c.applies.String()
		}
	}
	for _, e := range d.Evidence {
		c.evidence = append(c.evidence, b.exhibit(e))
	}
	b.cases(c)
	return c
}

// question takes the condition of a fault, or what should exist: one of the two.
func (b *builder) question(c *Control) {
	d := b.d
	switch {
	case d.Fails != nil && d.Absent != nil:
		b.bad(*d.Fails, "fails and absent are two questions; a control asks one")
	case d.Fails != nil:
		c.fails = b.condition(*d.Fails)
	case d.Absent != nil:
		c.absent = b.absence(d.Absent)
		if len(c.Reads) == 0 {
			b.bad(d.ID, "reads is empty; a control with absent names first what lists %s", d.Absent.Type.Value)
		}
	default:
		b.bad(d.ID, "there is neither fails nor absent; say what is a fault")
	}
}

// exhibit checks a line of evidence. Where nothing else is to be shown, the
// value at the place is.
func (b *builder) exhibit(e exhibitEntry) exhibit {
	if !placeForm.MatchString(e.Where.Value) {
		b.bad(e.Where, "where %q is no plain place; name members with dots and lists with [], and say in show what stands there", e.Where.Value)
	}
	show := e.Where
	if e.Show != nil {
		show = *e.Show
	}
	return exhibit{where: e.Where.Value, what: e.What.Value, show: b.shown(show)}
}

// attack checks what a control says of its fault as a part of an attack.
func (b *builder) attack(d attackEntry) finding.Attack {
	for _, part := range []struct {
		text  strict.Text
		what  string
		known []string
	}{{d.Entry, "attack.entry", entries}, {d.Gives, "attack.gives", gifts}, {d.Prize, "attack.prize", prizes}} {
		if part.text.Value != "" {
			b.oneOf(part.text, part.what, part.known)
		}
	}
	if d.Gives.Value != "" && d.Entry.Value == "" {
		b.bad(d.Gives, "attack.gives says what an entry gives, and there is no attack.entry")
	}
	return finding.Attack{Entry: d.Entry.Value, Gives: d.Gives.Value, Prize: d.Prize.Value}
}

func (b *builder) oneOf(t strict.Text, what string, known []string) {
	if !slices.Contains(known, t.Value) {
		b.bad(t, "%s %q is none of %s", what, t.Value, strings.Join(known, ", "))
	}
}

func (b *builder) ids(list []strict.Text, kind string) []string {
	for _, t := range list {
		if b.kinds[t.Value] != kind {
			b.bad(t, "%s id %q is in no catalogue", kind, t.Value)
		}
	}
	return values(list)
}

// condition compiles what is true or false of an asset.
func (b *builder) condition(t strict.Text) *expr.Expr {
	if b.proven {
		return expr.Defer(t.Value)
	}
	return b.expression(t, expr.Compile)
}

// shown compiles what evidence shows.
func (b *builder) shown(t strict.Text) *expr.Expr {
	if b.proven {
		return expr.DeferValue(t.Value)
	}
	return b.expression(t, expr.CompileValue)
}

func (b *builder) expression(t strict.Text, compile func(string) (*expr.Expr, error)) *expr.Expr {
	e, err := compile(t.Value)
	var at *expr.Error
	if errors.As(err, &at) {
		b.errs = append(b.errs, &strict.Problem{Place: t.At(at.Line, at.Column), Message: at.Message})
		return nil
	}
	if err != nil {
		b.errs = append(b.errs, err)
	}
	return e
}

func (b *builder) cases(c *Control) {
	d := b.d.Cases
	take := func(what string, list []caseFile, reason bool) []Case {
		var out []Case
		for _, f := range list {
			if reason && f.Because == "" {
				b.bad(f.File, "%s case %s says no because", what, f.File.Value)
			}
			if f.Type != "" && !slices.Contains(c.Types, f.Type) {
				b.bad(f.File, "case type %q is not among the control's types", f.Type)
			}
			if s, err := fs.Stat(b.folder, path.Clean(f.File.Value)); err != nil || s.IsDir() {
				b.bad(f.File, "case file %s is not there", f.File.Value)
			}
			k := Case{File: path.Clean(f.File.Value), Because: f.Because, Type: f.Type, Denied: f.Denied, Owned: f.Owned, Behind: f.Behind, Class: f.Class,
				Unlisted: f.Unlisted, Idle: f.Idle}
			for _, beside := range f.Beside {
				if s, err := fs.Stat(b.folder, path.Clean(beside.File.Value)); err != nil || s.IsDir() {
					b.bad(beside.File, "case file %s is not there", beside.File.Value)
				}
				k.Beside = append(k.Beside, Beside{File: path.Clean(beside.File.Value), Region: beside.Region, Account: beside.Account, Named: beside.Named})
			}
			out = append(out, k)
		}
		return out
	}
	c.Cases = Cases{
		Fail: take("failing", d.Fail, false), Pass: take("passing", d.Pass, false), Near: take("near-miss", d.Near, true),
		NA: take("n/a", d.NA, true), Unknown: take("unknown", d.Unknown, true),
	}
	for what, n := range map[string]int{"fail": len(d.Fail), "pass": len(d.Pass), "near": len(d.Near)} {
		if n == 0 {
			b.errs = append(b.errs, &strict.Problem{Place: d.Place, Message: "cases." + what + " is empty; a control proves itself on failing, passing and near-miss cases"})
		}
	}
}

func values(list []strict.Text) []string {
	var out []string
	for _, t := range list {
		out = append(out, t.Value)
	}
	return out
}
