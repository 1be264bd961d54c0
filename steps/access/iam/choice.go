package iam

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// choice is an open truth value that the request itself chooses: whether the
// values of two open keys fit each other, as in a tag of the resource that must
// be that of the principal. It can end both ways as long as nothing else is
// asked of its keys.
type choice struct {
	keys     []key32
	template *template
	// target is what the template must cover, if that is known; else it is the
	// value of the key of atom.
	target string
	atom   *atom
}

// choose makes an open truth value of the request's choice. If it may not be
// able to end both ways (loose is false) it is an open one like any other.
func (d *decider) choose(why string, c choice, loose bool) lit {
	l := d.unknown(why)
	for _, k := range c.keys {
		loose = loose && !truthValued[k] && d.domain(k) == nil
	}
	if loose {
		if d.chosen == nil {
			d.chosen = map[int]choice{}
		}
		d.chosen[l.opaque] = c
	}
	return l
}

// compares leaves open a condition whose value holds an open variable.
func (d *decider) compares(a *atom, st state, got []string) truth {
	c := choice{atom: a, template: &a.values.vars[0]}
	loose := len(a.values.strings) == 0 && len(a.values.vars) == 1 && c.template.how != asARN && c.template.unlike()
	c.keys = d.openKeys(c.template)
	if st == known {
		loose = loose && len(got) == 1
		if loose && !c.template.covers(got[0]) {
			return of(a.not)
		}
		if loose {
			c.target = got[0]
		}
	} else {
		loose = loose && !slices.Contains(c.keys, a.key)
		c.keys = append(c.keys, a.key)
	}
	// The same words for the same question, whichever statement asks it.
	why := fmt.Sprintf("%s %v in %s (%d%d) compares condition keys that the question leaves open", d.w.names.text[a.key], got, strings.Join(a.list, ", "), a.ask, c.template.how)
	not := a.not
	if a.ifExists && st != known {
		why += fmt.Sprintf(" if there (%v)", a.not)
		not = false
	}
	l := d.choose(why, c, loose)
	l.not, l.atom = not, a
	d.lits = append(d.lits, l)
	return open
}

// openKeys lists the keys of a template's open variables.
func (d *decider) openKeys(t *template) []key32 {
	var out []key32
	for i := range t.parts {
		p := &t.parts[i]
		if !p.variable || slices.Contains(out, p.key) {
			continue
		}
		if st, _ := d.value(p.key); st == free {
			out = append(out, p.key)
		}
	}
	return out
}

// free reports whether the choices of a formula are the request's to make: no
// key of one is asked about elsewhere. Those that are not are open.
func (d *decider) free(f *node) func(id int) bool {
	if len(d.chosen) == 0 {
		return func(int) bool { return false }
	}
	uses := map[key32]int{}
	seen := map[int]bool{}
	f.each(func(l *lit) {
		if l.opaque == 0 {
			uses[l.key]++
			return
		}
		if c, ok := d.chosen[l.opaque]; ok && !seen[l.opaque] {
			seen[l.opaque] = true
			for _, k := range c.keys {
				uses[k]++
			}
		}
	})
	return func(id int) bool {
		c, ok := d.chosen[id]
		if !ok {
			return false
		}
		return !slices.ContainsFunc(c.keys, func(k key32) bool { return uses[k] > 1 })
	}
}

// spell adds values of a choice's keys to a model, by which it ends as t says.
func (d *decider) spell(c choice, t bool, model map[key32]answerable) {
	set := func(k key32, v string) { model[k] = answerable{values: []string{v}} }
	a := c.atom
	if a == nil || c.target != "" { // the target is fixed, and the variables fit it or do not
		vals := c.template.fit(c.target)
		i := 0
		for _, p := range c.template.parts {
			if !p.variable {
				continue
			}
			if slices.Contains(c.keys, p.key) {
				v := vals[i]
				if !t {
					v += "x"
				}
				set(p.key, v)
			}
			i++
		}
		return
	}
	if a.ifExists && t && !d.present(a.key) {
		model[a.key] = answerable{absent: true}
		return
	}
	var vals []string
	for _, p := range c.template.parts {
		if !p.variable {
			continue
		}
		v := "x"
		if st, got := d.value(p.key); st == known && len(got) == 1 {
			v = got[0]
		} else if st == none {
			v = p.fallback
		}
		if slices.Contains(c.keys, p.key) {
			set(p.key, v)
		}
		vals = append(vals, v)
	}
	pattern, err := c.template.build(vals)
	if err != nil {
		return
	}
	if a.ifExists && a.not {
		t = !t
	}
	v := pattern.sample("")
	for !t && pattern.match(v) {
		v += "x"
		if len(v) > maxStretch {
			return
		}
	}
	set(a.key, v)
}

// fit finds values of a template's variables by which it covers a string that
// it can cover.
func (t *template) fit(s string) []string {
	var b strings.Builder
	b.WriteString("(?s)")
	if t.how == asFolded {
		b.WriteString("(?i)")
	}
	b.WriteString("^")
	variables := 0
	for i := range t.parts {
		p := &t.parts[i]
		if p.variable {
			b.WriteString("(.*)")
			variables++
			continue
		}
		text := regexp.QuoteMeta(p.text)
		if !p.verbatim && (t.how == asWildcard || t.how == asARN) {
			text = strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(text)
		}
		b.WriteString(text)
	}
	b.WriteString("$")
	out := make([]string, variables)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return out
	}
	if m := re.FindStringSubmatch(s); m != nil {
		copy(out, m[1:])
	}
	return out
}
