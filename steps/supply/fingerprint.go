package supply

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope"
)

// servicePrefix is before the name of a service where something is reviewed.
const servicePrefix = "service:"

// fingerprintCounts is how long a fingerprint says what answers today.
const fingerprintCounts = 30 * 24 * time.Hour

// Fingerprint is by what a service was known when it was last approved, and now.
type Fingerprint struct {
	Service string     `json:"service"` // its name in the register
	Taken   time.Time  `json:"taken"`
	Asks    []AskPrint `json:"asks"`
}

// AskPrint is what one question's replies are known by: values of each mark, sorted,
// over all times it was put.
type AskPrint struct {
	Name string `json:"name"`
	// Asked is a digest of the question.
	Asked string `json:"asked"`
	// Base was taken at Since; Now, which may be the same, at Taken.
	Base  map[string][]string `json:"base,omitempty"`
	Now   map[string][]string `json:"now,omitempty"`
	Since time.Time           `json:"since,omitzero"`
	Taken time.Time           `json:"taken,omitzero"`
	// Compared is how often later replies were held against the base.
	Compared int `json:"compared"`
	// Err says why it could not be taken the last time.
	Err string `json:"err,omitempty"`
}

// fingerprint is that of a service; nil: none was taken.
func (k *Known) fingerprint(name string) *Fingerprint {
	for i := range k.Fingerprints {
		if k.Fingerprints[i].Service == name {
			return &k.Fingerprints[i]
		}
	}
	return nil
}

// Approved reports whether a review approves a service as its fingerprint is today.
func (k *Known) Approved(f *Fingerprint) bool {
	r, holds := k.review(servicePrefix+f.Service, f.Digest())
	return holds && r.Decision == "approved"
}

// Update takes what was seen by asking r again. What somebody approved becomes what
// later replies are compared with; without, that stays what it was.
func (f *Fingerprint) Update(r *scope.Service, seen []AskPrint, now time.Time, approved bool) {
	f.Service, f.Taken = r.Name, now
	about := modelsAsked(r)
	next := make([]AskPrint, 0, len(seen))
	for _, s := range seen {
		a := AskPrint{Name: s.Name, Asked: s.Asked}
		if i := slices.IndexFunc(f.Asks, func(o AskPrint) bool { return o.Name == s.Name && o.Asked == s.Asked }); i >= 0 {
			a = f.Asks[i]
		}
		if approved && a.Now != nil {
			a.Base, a.Since = a.Now, a.Taken
		}
		a.Err = s.Err
		switch {
		case s.Err != "":
		case a.Base == nil:
			a.Base, a.Now, a.Since, a.Taken = s.Now, s.Now, now, now
		default:
			// What is the same but for what changes by itself keeps its digest, so that a
			// review of it holds.
			switch {
			case same(a.Base, s.Now, about):
				a.Now = a.Base
			case !same(a.Now, s.Now, about):
				a.Now = s.Now
			}
			a.Taken, a.Compared = now, a.Compared+1
		}
		next = append(next, a)
	}
	f.Asks = next
}

// Digest is what a review of the service is bound to: all but what differs from one
// reply to the next.
func (f *Fingerprint) Digest() string {
	names := []string{}
	for i := range f.Asks {
		marks := maps.Clone(f.Asks[i].Now)
		if len(marks["reply"]) > 1 {
			delete(marks, "reply")
		}
		text, _ := json.Marshal(marks)
		names = append(names, f.Asks[i].Name+"\x00"+f.Asks[i].Asked+"\x00"+string(text))
	}
	return digestOf(names)
}

// Differs says what differs from the base, what cannot be told, and which questions
// were put for the first time.
func (f *Fingerprint) Differs(r *scope.Service) (changed, open, first []string) {
	about := modelsAsked(r)
	for i := range f.Asks {
		a := &f.Asks[i]
		if a.Err != "" {
			open = append(open, fmt.Sprintf("%s was not asked %q: %s", f.Service, a.Name, a.Err))
		}
		if a.Base == nil {
			continue
		}
		c, o := differs(a.Base, a.Now, about)
		for _, text := range c {
			changed = append(changed, fmt.Sprintf("%s, asked %q, %s since %s", f.Service, a.Name, text, a.Since.Format(time.DateOnly)))
		}
		for _, text := range o {
			open = append(open, fmt.Sprintf("%s, asked %q, %s", f.Service, a.Name, text))
		}
		if a.Compared == 0 && a.Err == "" {
			first = append(first, a.Name)
		}
	}
	return changed, open, first
}

// modelsAsked are the models whose place in a listing matters.
func modelsAsked(r *scope.Service) []string {
	out := slices.Clone(r.Models)
	if r.Fingerprint != nil {
		for _, a := range r.Fingerprint.Asks {
			var body struct {
				Model string `json:"model"`
			}
			if json.Unmarshal([]byte(a.Body), &body) == nil && body.Model != "" {
				out = append(out, body.Model)
			}
		}
	}
	return out
}

func same(a, b map[string][]string, about []string) bool {
	changed, open := differs(a, b, about)
	return len(changed)+len(open) == 0
}

// differs compares the marks of a question's replies. A mark is the same if the two
// have a value of it in common: behind one name several servers may answer. A reply
// that differs from one time to the next says nothing.
func differs(before, now map[string][]string, about []string) (changed, open []string) {
	common := false
	for _, name := range slices.Sorted(maps.Keys(before)) {
		was, is := before[name], now[name]
		kind, what, _ := strings.Cut(name, " ")
		if kind == "listed" && len(about) > 0 && !slices.Contains(about, what) {
			common = common || is != nil
			continue
		}
		switch {
		case is == nil && kind == "listed" && len(about) == 0:
			// Models come and go; which of them is meant nobody said.
		case is == nil && kind == "reply":
			changed = append(changed, "answers in another form")
		case is == nil:
			changed = append(changed, map[string]string{"listed": "no longer lists " + what, "header": "no longer sends header " + what, "member": "no longer says " + what}[kind])
		case shares(was, is):
			common = true
		case kind == "reply" && (len(was) > 1 || len(is) > 1):
			common = true
		case kind == "reply":
			common = true
			changed = append(changed, "answers otherwise")
		case kind == "listed":
			changed = append(changed, "lists "+what+" with other properties")
		default:
			changed = append(changed, fmt.Sprintf("says %s %s, not %s", what, strings.Join(is, " or "), strings.Join(was, " or ")))
		}
		if kind == "reply" && (len(was) > 1 || len(is) > 1) && !shares(was, is) {
			open = append(open, "answers differently each time: whether the model is another cannot be told from that; set temperature 0 and a seed, or name by reply: a part that stays")
		}
	}
	if !common && len(changed) == 0 && len(before) > 0 {
		changed = append(changed, "answers nothing that it answered")
	}
	return changed, open
}

func shares(a, b []string) bool {
	return slices.ContainsFunc(a, func(v string) bool { return slices.Contains(b, v) })
}

// printed holds a service's fingerprint against the register and against what it was.
func (u *Used) printed(s *scope.Scope, k *Known) {
	r := registered(s, u.Host)
	if r == nil || r.Fingerprint == nil {
		return
	}
	f := k.fingerprint(r.Name)
	if f == nil {
		u.open("no fingerprint of %s was taken yet: sevenfold supply services fingerprint", r.Name)
		u.Facts = append(u.Facts, Fact{Name: "fingerprint", Word: FactMissing})
		return
	}
	at := "fingerprint of " + f.Taken.Format(time.DateOnly)
	if k.Now.Sub(f.Taken) > fingerprintCounts {
		u.open("the fingerprint of %s is of %s, more than %.0f days old: sevenfold supply services fingerprint", r.Name, f.Taken.Format(time.DateOnly), fingerprintCounts.Hours()/24)
	}
	changed, open, _ := f.Differs(r)
	word := Fact{Name: "fingerprint", Word: FactObserved, Observed: "as before", Where: at}
	switch {
	case len(changed) > 0 && k.Approved(f):
		word.Observed = "changed, and approved as it is"
	case len(changed) > 0:
		word = Fact{Name: "fingerprint", Word: FactContradicted, Declared: "as before", Observed: "changed", Where: at}
		for _, text := range changed {
			u.bad(Changed, "%s", text)
		}
	case len(open) > 0:
		word.Observed = "not known in part"
	}
	u.Facts = append(u.Facts, word)
	for _, text := range open {
		u.open("%s", text)
	}
	for _, m := range f.answering() {
		if len(r.Models) > 0 && !slices.ContainsFunc(r.Models, func(d string) bool { return versionOf(d, m) }) {
			u.Facts = append(u.Facts, Fact{Name: "models", Word: FactContradicted, Declared: strings.Join(r.Models, ", "), Observed: m, Where: at})
			u.bad(Contradicted, "%s answers as model %s, which the register does not name", r.Name, m)
		}
	}
}

// answering are the models that replies say they are of.
func (f *Fingerprint) answering() []string {
	var out []string
	for i := range f.Asks {
		marks := f.Asks[i].Now
		if marks["reply"] == nil {
			continue // a listing, or a description: of a model that may be another
		}
		out = append(out, cmp.Or(one(marks["member model"]), one(marks["member modelVersion"]), one(marks["member model_id"])))
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(m string) bool { return m == "" })
}

func one(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// versionOf reports whether a model that answers is the one that is declared, or a
// dated version of it: gpt-4o-2024-08-06 of gpt-4o, but not gpt-4o-mini.
func versionOf(declared, answers string) bool {
	declared, answers = strings.TrimPrefix(declared, "models/"), strings.TrimPrefix(answers, "models/")
	rest, ok := strings.CutPrefix(answers, declared)
	return ok && (rest == "" || len(rest) > 1 && (rest[0] == '-' || rest[0] == '@') && rest[1] >= '0' && rest[1] <= '9')
}
