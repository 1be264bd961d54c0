package control

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// Result is the outcome of one control on one asset.
type Result struct {
	Control *Control
	Outcome finding.Outcome
	// Evidence is what a fail or unknown rests on; empty for pass and n/a.
	Evidence []finding.Evidence
	// Why says why the outcome is unknown, or that the control does not apply.
	Why string
	// Missing are the reads whose want makes the outcome unknown, with the
	// grant that would end it where that is known.
	Missing []estate.Read
}

// Context is what an asset's configuration does not say of it.
type Context struct {
	// Now is the time ages are counted from; zero is the clock's.
	Now time.Time
	// Zone gives the asset's zone, false where it could not be decided. Nil:
	// the zone is unknown.
	Zone func() (string, bool)
	// Setting gives an account-wide setting the asset stands under by its type,
	// nil where none was read (see Settings). A nil func has none.
	Setting func(typ string) (*estate.Asset, json.RawMessage)
	// Accounts are the accounts of the estate (see Settings.Accounts).
	Accounts []string
	// Owned is set when another asset that has been read, and is asked the same,
	// describes this one (see Set.Owned).
	Owned bool
	// Behind lists what a Kubernetes Service leads to (see Behind); may be nil.
	Behind func() []expr.Member
	// Around gives the places in which something should exist (see Surroundings);
	// nil: nobody looked, and what hangs on it is unknown.
	Around func(*Absence) []Ground
}

// Owned reports whether another asset of the snapshot describes this one and is
// asked in its place: the Deployment or Job a pod was made by. An owner that is
// known by name only tells nothing, so that the asset is asked itself.
func (s *Set) Owned(snap *estate.Snapshot, n estate.Node) bool {
	return snap.Asset(n).Cloud == estate.Kubernetes && s.owned(snap, n, maxOwners)
}

func (s *Set) owned(snap *estate.Snapshot, n estate.Node, depth int) bool {
	for e := range snap.In(n) {
		if e.Type != estate.Contains {
			continue
		}
		o := snap.Asset(e.Node)
		switch {
		case o.Referenced:
			// A ReplicaSet that was left out, of a Deployment that was not.
			if depth > 0 && s.owned(snap, e.Node, depth-1) {
				return true
			}
		case expr.MakesPods(o.Type) && len(s.byType[o.Type]) > 0:
			return true
		}
	}
	return false
}

// Judge asks an asset all controls of its type, with the clock's time and no
// zone. The configuration is decoded once. It is safe for concurrent use.
func (s *Set) Judge(a *estate.Asset, config json.RawMessage) []Result {
	return s.JudgeIn(Context{}, a, config)
}

// JudgeIn is Judge in a context.
func (s *Set) JudgeIn(ctx Context, a *estate.Asset, config json.RawMessage) []Result {
	controls := s.byType[a.Type]
	if len(controls) == 0 {
		return nil
	}
	if ctx.Now.IsZero() {
		ctx.Now = time.Now()
	}
	subject := ctx.subject(a, config)
	defer subject.Release()
	known := &answers{}
	out := make([]Result, len(controls))
	for i, c := range controls {
		out[i] = c.judge(subject, known, ctx.Around)
	}
	return out
}

// JudgeOne asks one control of an asset, as JudgeIn asks all of its type.
func (s *Set) JudgeOne(ctx Context, c *Control, a *estate.Asset, config json.RawMessage) Result {
	if ctx.Now.IsZero() {
		ctx.Now = time.Now()
	}
	subject := ctx.subject(a, config)
	defer subject.Release()
	return c.judge(subject, nil, ctx.Around)
}

// subject is what conditions are asked of.
func (ctx *Context) subject(a *estate.Asset, config json.RawMessage) *expr.Subject {
	subject := expr.NewSubject(a, func() (json.RawMessage, error) { return config, nil }, ctx.Zone, ctx.Now)
	subject.Setting, subject.Owned, subject.Behind = ctx.Setting, ctx.Owned, ctx.Behind
	subject.Accounts = ctx.Accounts
	return subject
}

// answers are the conditions an asset has been asked already. They are few, so
// that looking through them is cheaper than a map.
type answers struct{ given []answer }

type answer struct {
	to     *expr.Expr
	result expr.Result
}

func (k *answers) ask(e *expr.Expr, s *expr.Subject) expr.Result {
	if k == nil {
		return e.Eval(s)
	}
	for i := range k.given {
		if k.given[i].to == e {
			return k.given[i].result
		}
	}
	r := e.Eval(s)
	k.given = append(k.given, answer{e, r})
	return r
}

func (c *Control) judge(s *expr.Subject, known *answers, around func(*Absence) []Ground) Result {
	r := Result{Control: c}
	if c.applies != nil {
		switch e := known.ask(c.applies, s); e.Truth {
		case expr.False:
			r.Outcome, r.Why = finding.NA, c.aside
			return r
		case expr.Unknown:
			return c.undecided(s, e, "whether it applies")
		}
	}
	if c.absent != nil {
		grounds := []Ground{{}}
		if around != nil {
			grounds = around(c.absent)
		}
		return c.judgeAbsence(s, grounds)
	}
	switch e := c.fails.Eval(s); e.Truth {
	case expr.True:
		r.Outcome, r.Evidence = finding.Fail, c.exhibits(s)
	case expr.False:
		r.Outcome = finding.Pass
	default:
		return c.undecided(s, e, "the answer")
	}
	return r
}

func (c *Control) exhibits(s *expr.Subject) []finding.Evidence {
	out := make([]finding.Evidence, 0, len(c.evidence))
	for _, e := range c.evidence {
		out = append(out, finding.Evidence{What: e.what, Where: e.where, Value: e.show.Show(s)})
	}
	return out
}

// undecided explains an unknown: which reads it hangs on, or which error.
func (c *Control) undecided(s *expr.Subject, e expr.Result, what string) Result {
	r := Result{Control: c, Outcome: finding.Unknown, Evidence: c.exhibits(s)}
	if e.Err != nil {
		r.Why = what + " could not be decided: " + e.Err.Error()
		return r
	}
	for _, m := range e.Missing {
		r.Missing = append(r.Missing, c.missing(s.Asset(), m)...)
	}
	if r.Why = what + " is not known: " + explainAll(r.Missing); len(r.Missing) == 0 {
		r.Why = what + " is not known: " + e.Why()
	}
	return r
}

func explainAll(reads []estate.Read) string {
	parts := make([]string, 0, len(reads))
	for _, m := range reads {
		parts = append(parts, explain(m))
	}
	return strings.Join(parts, "; ")
}

func explain(r estate.Read) string {
	s := fmt.Sprintf("%s %s", r.Operation, r.Status)
	if r.Why != "" {
		s += " (" + r.Why + ")"
	}
	if r.Grant != "" {
		s += ", grant " + r.Grant
	}
	return s
}

// missing finds the reads behind what an expression missed ("config.KEY").
func (c *Control) missing(a *estate.Asset, what string) []estate.Read {
	if what == "zone" || what == "account" {
		return nil
	}
	key := strings.TrimPrefix(strings.TrimPrefix(what, "config"), ".")
	match := func(r estate.Read) bool { return r.Key == key }
	switch {
	case what == "tags":
		match = func(r estate.Read) bool { return strings.Contains(r.Operation, "Tag") }
	case key == "":
		match = func(estate.Read) bool { return true }
	case !expr.IsOperation(key):
		match = func(r estate.Read) bool { return r.Key == "" }
	}
	var out []estate.Read
	for _, r := range a.Reads {
		if !r.Status.Known() && match(r) {
			out = append(out, r)
		}
	}
	if len(out) > 0 {
		return out
	}
	return c.unread(a, key, what)
}

// unread names the operations that nobody tried.
func (c *Control) unread(a *estate.Asset, key, what string) []estate.Read {
	why := "not read from " + a.Source
	switch {
	case a.Referenced:
		why = "the asset is known only because another names it"
	case len(a.Unknown) > 0:
		why = "its value is withheld, or known only after apply"
	case a.Source == "":
		why = "never read"
	}
	var out []estate.Read
	for _, op := range c.Reads {
		_, name, _ := strings.Cut(op, ":")
		if name == key || !expr.IsOperation(key) && what != "tags" {
			out = append(out, estate.Read{Operation: op, Key: key, Status: estate.ReadSkipped, Why: why})
		}
	}
	if len(out) == 0 {
		out = append(out, estate.Read{Operation: what, Key: key, Status: estate.ReadSkipped, Why: why})
	}
	return out
}

// FixFor is the control's fix with its commands filled in for an asset; values
// are quoted for a POSIX shell, since a name is what somebody else chose.
// {object} is how kubectl names an object of Kubernetes.
func (c *Control) FixFor(a *estate.Asset) finding.Fix {
	fix := c.Fix
	fill := strings.NewReplacer("{name}", quote(a.Name), "{id}", quote(a.ID), "{region}", quote(a.Region), "{account}", quote(a.Account), "{object}", KubectlName(a))
	fix.Commands = make([]string, len(c.Fix.Commands))
	for i, cmd := range c.Fix.Commands {
		fix.Commands[i] = fill.Replace(cmd)
	}
	return fix
}

// KubectlName names an object of Kubernetes as kubectl takes it, quoted for a
// POSIX shell: its kind with version and group, its name and its namespace.
func KubectlName(a *estate.Asset) string {
	parts := strings.Split(a.Type, "/")
	slices.Reverse(parts) // kind, version, group
	kind := strings.Join(parts, ".")
	if len(parts) < 3 {
		kind = parts[0]
	}
	out := quote(kind) + " " + quote(a.Name)
	if ns := namespaceOf(a.ID); ns != "" {
		out += " --namespace " + quote(ns)
	}
	return out
}

// namespaceOf is the namespace in an id, "k8s://CLUSTER/NAMESPACE/KIND/NAME":
// names of clusters may have slashes, those of the rest none.
func namespaceOf(id string) string {
	parts := strings.Split(id, "/")
	if !strings.HasPrefix(id, "k8s://") || len(parts) < 4 {
		return ""
	}
	return parts[len(parts)-3]
}

// quote makes s one word of a shell command.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@=,+") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Finding is the finding a failing or undecided result becomes; its id stays
// the same from run to run.
func (r Result) Finding(a *estate.Asset) finding.Finding {
	c := r.Control
	f := finding.Finding{
		ID: finding.NewID(c.ID, a.ID, ""), Control: c.ID, Step: c.Step, Status: r.Outcome, Severity: c.Severity, Asset: a.ID,
		Title: c.Title, Evidence: r.Evidence, Fix: c.FixFor(a), Frameworks: c.Frameworks, Techniques: c.Techniques,
	}
	if r.Outcome == finding.Unknown {
		f.Title = "Could not tell: " + c.Asks
		f.Evidence = append([]finding.Evidence{{What: "why it is not known", Where: "reads", Value: r.Why}}, r.Evidence...)
		f.Fix = finding.Fix{Text: r.mend(), Effort: "minutes"}
	}
	return f
}

// mend names what would decide an undecided result: the grants it was refused,
// else the operations nobody called, else why it is not known.
func (r Result) mend() string {
	var grants, operations []string
	for _, m := range r.Missing {
		switch {
		case m.Grant != "" && !slices.Contains(grants, m.Grant):
			grants = append(grants, m.Grant)
		case m.Grant == "" && m.Operation != "" && !slices.Contains(operations, m.Operation):
			operations = append(operations, m.Operation)
		}
	}
	switch {
	case len(grants) > 0:
		return "Grant " + strings.Join(grants, ", ") + " to the reader, then assess again."
	case len(operations) > 0:
		return "Read " + strings.Join(operations, ", ") + " too (add its reply to the export, or read the source live), then assess again."
	}
	return "Mend what keeps it unknown, then assess again: " + r.Why
}
