package report

import (
	"fmt"
	"io"
	"strings"
)

// Overview is every identity that may touch AI, in words. The step that made it
// has counted; here it is only shown.
type Overview struct {
	// Assets is the number of AI assets that were asked about, All the number
	// of identities there are, those that may touch none included.
	Assets int `json:"assets"`
	All    int `json:"all"`
	// Human, Machine and Unknown count those that may touch some; Ownerless
	// those of them that nobody answers for.
	Human     int `json:"human"`
	Machine   int `json:"machine"`
	Unknown   int `json:"unknown"`
	Ownerless int `json:"ownerless"`
	// Identities are those that may touch AI, who may do most first. JSON holds
	// the first hundred; `sevenfold access --format json` all.
	Identities []OverviewIdentity `json:"strongest"`
	Accounts   []OverviewAccount  `json:"accounts"`
	Workloads  []OverviewWorkload `json:"-"`
	// Unread says what may name others.
	Unread []string `json:"unread"`
}

// OverviewIdentity is one identity.
type OverviewIdentity struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Kind    string `json:"kind"` // human, machine or unknown
	Why     string `json:"why"`
	Origin  string `json:"origin"`
	// Administer, Change, Run and Read count the assets it may touch so; Tied
	// has the level's first letter (a, c, r, d for read) where some of the count
	// hang on conditions.
	Administer int    `json:"administer"`
	Change     int    `json:"change"`
	Run        int    `json:"run"`
	Read       int    `json:"read"`
	May        string `json:"may"`
	Tied       string `json:"-"`
	Workloads  int    `json:"workloads"`
	LastUsed   string `json:"lastUsed"` // in words
	// KeyDays is the age of its oldest active key or token; -1: none, or not told.
	KeyDays   int    `json:"keyDays"`
	MFA       string `json:"mfa,omitempty"`
	Owner     string `json:"owner,omitempty"` // and where that stands
	NoOwner   string `json:"noOwner,omitempty"`
	Ownerless bool   `json:"ownerless"`
	// By are the widest grants, Notes what may leave more or less.
	By    []string `json:"by"`
	Notes []string `json:"notes"`
}

// OverviewAccount sums up an account or cluster.
type OverviewAccount struct {
	Account   string `json:"account"`
	All       int    `json:"all"`
	Human     int    `json:"human"`
	Machine   int    `json:"machine"`
	Unknown   int    `json:"unknown"`
	Ownerless int    `json:"ownerless"`
}

// OverviewWorkload sums up who may touch a workload.
type OverviewWorkload struct {
	Name                               string
	Assets                             int
	Human, Machine, Unknown, Ownerless int
	Strongest                          []string
}

// overviewJSON bounds the identities in a report.
const overviewJSON = 100

// bound is what of an overview stands in the JSON report.
func (o *Overview) bound() *Overview {
	if o == nil {
		return nil
	}
	out := *o
	top, _ := bounded(o.Identities, overviewJSON)
	out.Identities = listEach(top, func(i *OverviewIdentity) { i.By, i.Notes = list(i.By), list(i.Notes) })
	out.Accounts, out.Unread = list(o.Accounts), list(o.Unread)
	return &out
}

// Bounds of the overview in a report's text.
const (
	overviewRows   = 12
	overviewUnread = 5
)

// overviewColumns is what a row of identities takes beside the identity.
const overviewColumns = 2 + 8 + 5 + 7 + 5 + 6 + 2 + 10 + 1 + 5 + 2 + 12

// OverviewText writes the overview for a terminal: all identities, or those
// that fit a screen, then accounts and workloads.
func OverviewText(w io.Writer, o *Overview, opt Options, all bool) error {
	p := newPage(opt)
	n := 25
	if all {
		n = len(o.Identities)
	}
	p.identities(o, n, all, "sevenfold access --all")
	p.line("")
	p.line(p.bold("By account or cluster"))
	for _, a := range o.Accounts {
		p.hang("  "+pad(orNone(line(a.Account), "no account"), 16), 18, fmt.Sprintf("%s; may touch AI: %d human, %d machine, %d not told; %d without owner", identities(a.All), a.Human, a.Machine, a.Unknown, a.Ownerless))
	}
	if len(o.Workloads) > 0 {
		p.line("")
		p.line(p.bold("By workload"))
		shown, left := bounded(o.Workloads, map[bool]int{true: len(o.Workloads), false: 20}[all])
		for _, wl := range shown {
			p.hang("  "+pad(line(wl.Name), 22)+" ", 25, fmt.Sprintf("%d human, %d machine, %d not told; %d without owner", wl.Human, wl.Machine, wl.Unknown, wl.Ownerless))
		}
		if left > 0 {
			p.para(2, fmt.Sprintf("and %d more: --all", left))
		}
	}
	_, err := io.WriteString(w, p.finish())
	return err
}

func identities(n int) string {
	if n == 1 {
		return "1 identity"
	}
	return number(n) + " identities"
}

// identities writes the strongest n.
func (p *page) identities(o *Overview, n int, full bool, more string) {
	p.section("who may touch AI")
	may := o.Human + o.Machine + o.Unknown
	p.para(2, fmt.Sprintf("%s of %d may touch %s of AI: %d human, %d machine, %d of which it is not told; %d without owner.",
		identities(may), o.All, many(o.Assets, "asset"), o.Human, o.Machine, o.Unknown, o.Ownerless))
	shown, left := bounded(o.Identities, n)
	if len(shown) > 0 {
		name := p.width - overviewColumns
		p.line("")
		p.line("  " + pad("identity", name) + "kind    admin change  run  read  last used    key  owner")
		for i := range shown {
			p.identity(&shown[i], name, full)
		}
		p.line("")
		p.para(2, "Counts are AI assets; * some only under conditions, or a deny may refuse them. key: days since the oldest active key or token was made.")
	}
	if left > 0 {
		p.para(2, fmt.Sprintf("%d more, who may do less: `%s`", left, more))
	}
	unread, rest := bounded(o.Unread, map[bool]int{true: len(o.Unread), false: overviewUnread}[full])
	for _, u := range unread {
		p.hang("  perhaps others: ", 18, line(u))
	}
	if rest > 0 {
		p.para(2, fmt.Sprintf("and %d more reasons why there may be others: `sevenfold access --all`", rest))
	}
	p.para(2, "Decided: somebody may touch an asset at a level if some action of that level on it is allowed under all policies that bear on it; * by some requests and not by others. In clusters: what rules name.")
}

// identity writes one row, and with full what it rests on.
func (p *page) identity(i *OverviewIdentity, width int, full bool) {
	name := i.short()
	lead := "  " + pad(name, width)
	if cells(name) >= width {
		p.line("  " + name)
		lead = strings.Repeat(" ", 2+width)
	}
	kind := kindClass(i.Kind)
	if kind == "unknown" {
		kind = "?"
	}
	key := "-"
	if i.KeyDays >= 0 {
		key = fmt.Sprint(i.KeyDays)
	}
	last, _, _ := strings.Cut(i.LastUsed, ",")
	owner, _, _ := strings.Cut(line(i.Owner), " (")
	switch {
	case i.Ownerless:
		owner = p.paint(yellow, "none")
	case owner == "":
		owner = "-"
	default:
		owner = short(owner, 12)
	}
	p.line(lead + pad(kind, 8) + i.cell(i.Administer, "a", 5) + i.cell(i.Change, "c", 7) + i.cell(i.Run, "r", 5) + i.cell(i.Read, "d", 6) + "  " +
		pad(short(line(last), 10), 10) + " " + padTo(key, 5) + "  " + owner)
	if !full {
		return
	}
	p.hang("      ", 6, line(i.Origin+"; "+i.Kind+": "+i.Why))
	if i.MFA != "" {
		p.hang("      ", 6, "second factor: "+line(i.MFA))
	}
	if i.Owner != "" || i.NoOwner != "" {
		p.hang("      ", 6, "owner: "+line(orNone(i.Owner, "none needed: "+i.NoOwner)))
	}
	for _, by := range i.By {
		p.hang("      by ", 9, line(by))
	}
	for _, note := range i.Notes {
		p.hang("      but ", 10, line(note))
	}
}

func (i *OverviewIdentity) cell(n int, level string, width int) string {
	s := "."
	if n > 0 {
		s = fmt.Sprint(n)
	}
	if strings.Contains(i.Tied, level) {
		return padTo(s+"*", width)
	}
	return padTo(s, width)
}

func padTo(s string, n int) string { return strings.Repeat(" ", max(0, n-cells(s))) + s }

// short names an identity as people do.
func (i *OverviewIdentity) short() string {
	name := shortID(line(i.ID))
	if account, ok := strings.CutSuffix(name, " root"); ok && i.Origin == "account" {
		return account + " whole account"
	}
	return name
}

// shortID leaves out of an id what every reader knows.
func shortID(id string) string {
	if parts := strings.SplitN(id, ":", 6); len(parts) == 6 && parts[0] == "arn" {
		if parts[2] == "iam" || parts[2] == "sts" {
			return parts[4] + " " + parts[5]
		}
		return id
	}
	if id == "set://principals/*" {
		return "everyone"
	}
	return strings.TrimPrefix(id, "k8s://")
}

// overviewPage is how many identities the page lists.
const overviewPage = 300

// overviewView is the page's section on identities.
type overviewView struct {
	Lead       string
	Rows       []overviewRow
	Left       int
	Accounts   []string
	Unread     []string
	UnreadLeft int
}

type overviewRow struct {
	Name, ID, Kind, KindWord, About        string
	Cells                                  []overviewCell
	LastUsed, Key, MFA, Owner, OwnerDetail string
	Ownerless                              bool
	By, Notes                              []string
	Class                                  string
}

type overviewCell struct {
	Level, Count string
	Tied         bool
}

func overviewed(o *Overview) *overviewView {
	if o == nil || o.All == 0 {
		return nil
	}
	may := o.Human + o.Machine + o.Unknown
	v := &overviewView{Lead: fmt.Sprintf("%s of %s may touch %s of AI: %d human, %d machine, %d of which it is not told. %d without owner.",
		number(may), identities(o.All), many(o.Assets, "asset"), o.Human, o.Machine, o.Unknown, o.Ownerless)}
	shown, left := bounded(o.Identities, overviewPage)
	v.Left = left
	for i := range shown {
		v.Rows = append(v.Rows, rowOf(&shown[i]))
	}
	for _, a := range o.Accounts {
		v.Accounts = append(v.Accounts, fmt.Sprintf("%s: %s; may touch AI: %d human, %d machine, %d not told; %d without owner", orNone(line(a.Account), "no account"), identities(a.All), a.Human, a.Machine, a.Unknown, a.Ownerless))
	}
	unread, left := bounded(o.Unread, 20)
	v.UnreadLeft = left
	for _, u := range unread {
		v.Unread = append(v.Unread, line(u))
	}
	return v
}

func rowOf(i *OverviewIdentity) overviewRow {
	r := overviewRow{Name: i.short(), ID: line(i.ID), Kind: i.Kind, KindWord: i.Kind, About: line(i.Origin + "; " + i.Why), LastUsed: line(i.LastUsed), MFA: line(i.MFA),
		Owner: line(i.Owner), Ownerless: i.Ownerless, Class: "i k-" + kindClass(i.Kind)}
	if i.Kind == "unknown" {
		r.KindWord = "not told"
	}
	if i.Ownerless {
		r.Owner, r.Class = "nobody", r.Class+" o-none"
	} else {
		r.Class += " o-some"
	}
	if r.Owner == "" {
		r.Owner, r.OwnerDetail = "none needed", line(i.NoOwner)
	} else if name, from, ok := strings.Cut(r.Owner, " ("); ok {
		r.Owner, r.OwnerDetail = name, strings.TrimSuffix(from, ")")
	}
	if i.KeyDays >= 0 {
		r.Key = many(i.KeyDays, "day")
	}
	for _, c := range []struct {
		n           int
		level, name string
	}{{i.Administer, "a", "administer"}, {i.Change, "c", "change"}, {i.Run, "r", "run"}, {i.Read, "d", "read"}} {
		cell := overviewCell{Level: c.name, Tied: strings.Contains(i.Tied, c.level)}
		if c.n > 0 {
			cell.Count = number(c.n)
		}
		r.Cells = append(r.Cells, cell)
	}
	for _, b := range i.By {
		r.By = append(r.By, line(b))
	}
	for _, n := range i.Notes {
		r.Notes = append(r.Notes, line(n))
	}
	return r
}

// kindClass keeps a kind that nobody knows from naming a class of the style.
func kindClass(kind string) string {
	if kind == "human" || kind == "machine" {
		return kind
	}
	return "unknown"
}

// people lists the strongest identities if the document asks for it, and the
// reader has not asked for one workload.
func (t *text) people() {
	o, n := t.ix.doc.Overview, t.ix.doc.Listed
	if o == nil || n == 0 || t.opt.Workload != "" {
		return
	}
	full := n < 0
	if full {
		n = len(o.Identities)
	}
	t.page.identities(o, n, full, "sevenfold audit --all")
}
