package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// atom asks one thing of one field of an event, or, without a field, of all of
// the event.
type atom struct {
	field string // "" is the whole event
	kind  atomKind
	m     matcher // of kind value and anywhere
	other string  // of kind reference: the field compared with
	op    textOp  // of kind reference
	cased bool    // of kind reference
	want  bool    // of kind exists

	slots, others []int // where field and other are found, once compiled
	key           int   // 1 + the key field it asks, 0 if none
	// need is a text in lower case that any value meeting the atom contains; "" if none is known.
	need string
	// known gives the field's text where the event holds it; nil where its bytes must be read.
	known func(*ocsf.Event) string
	guess bool // the text stands for a number where it is one
}

type atomKind uint8

const (
	kindValue atomKind = iota
	kindNull
	kindExists
	kindReference
	kindAnywhere
)

// value is a rule's value as modifiers change it.
type value struct {
	kind  byte // 's' pattern, 'n' number, 'b' boolean, '0' null, 'r' regular expression
	p     pattern
	text  string // of a number, boolean, expression
	raw   string // of a string, before wildcards were read
	flags string // of an expression
	line  *yaml.Node
}

// builder makes atoms of the items of search identifiers.
type builder struct {
	// placeholders are what %name% stands for, by name.
	placeholders map[string][]string
	// wild names placeholders that stand for anything.
	wild map[string]bool
}

// maxVariants bounds what windash and placeholders may make of one value.
const maxVariants = 4096

// identifier makes the condition of a search identifier: a map is all of its
// items, a list any of its elements.
func (b *builder) identifier(n *yaml.Node) (*node, error) {
	switch n = deref(n); n.Kind {
	case yaml.MappingNode:
		var kids []*node
		for i := 0; i+1 < len(n.Content); i += 2 {
			kid, err := b.item(n.Content[i], deref(n.Content[i+1]))
			if err != nil {
				return nil, err
			}
			kids = append(kids, kid)
		}
		if len(kids) == 0 {
			return nil, wrong(n, "a search identifier without an item")
		}
		return and(kids...), nil
	case yaml.SequenceNode:
		var kids []*node
		for _, c := range n.Content {
			var kid *node
			var err error
			if c = deref(c); c.Kind == yaml.ScalarNode {
				kid, err = b.item(&yaml.Node{Kind: yaml.ScalarNode, Line: c.Line}, c)
			} else {
				kid, err = b.identifier(c)
			}
			if err != nil {
				return nil, err
			}
			kids = append(kids, kid)
		}
		if len(kids) == 0 {
			return nil, wrong(n, "a search identifier without an item")
		}
		return or(kids...), nil
	}
	return b.item(&yaml.Node{Kind: yaml.ScalarNode, Line: n.Line}, n)
}

// item makes the condition of "field|modifier|…: values".
func (b *builder) item(key, n *yaml.Node) (*node, error) {
	parts := strings.Split(key.Value, "|")
	it := fieldItem{field: parts[0], mods: parts[1:], key: key}
	raw := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		raw = n.Content
	}
	for _, c := range raw {
		v, err := scalar(deref(c))
		if err != nil {
			return nil, err
		}
		it.values = append(it.values, v)
	}
	if len(it.values) == 0 {
		return nil, wrong(key, "%s has no value", key.Value)
	}
	for i, m := range it.mods {
		if err := it.apply(b, m, it.mods[:i]); err != nil {
			return nil, err
		}
	}
	return it.node()
}

func scalar(n *yaml.Node) (value, error) {
	if n.Kind != yaml.ScalarNode {
		return value{}, wrong(n, "a value is a text, a number, true, false or null")
	}
	switch n.Tag {
	case "!!null":
		return value{kind: '0', line: n}, nil
	case "!!bool":
		v, _ := strconv.ParseBool(strings.ToLower(n.Value))
		return value{kind: 'b', text: strconv.FormatBool(v), line: n}, nil
	case "!!int", "!!float":
		if _, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return value{kind: 'n', text: n.Value, line: n}, nil
		}
	}
	return value{kind: 's', p: parsePattern(n.Value), raw: n.Value, line: n}, nil
}

// fieldItem is a field with its values while modifiers are applied.
type fieldItem struct {
	field  string
	mods   []string
	key    *yaml.Node
	values []value

	all, cased, negated bool
	exists, cidr        bool
	reference           bool
	before, behind      bool // of a reference
	compare, part       string
}

// apply applies one modifier; done are the ones before it.
func (it *fieldItem) apply(b *builder, mod string, done []string) error {
	switch mod {
	case "all":
		it.all = true
		return nil
	case "cased":
		it.cased = true
		return nil
	case "neq":
		it.negated = true
		return nil
	case "contains", "startswith", "endswith":
		if it.reference {
			it.before, it.behind = mod != "startswith", mod != "endswith"
			return nil
		}
		return it.wrap(mod)
	case "exists":
		it.exists = true
		return it.must('b', "exists takes true or false")
	case "re":
		for i := range it.values {
			v := &it.values[i]
			if v.kind == 's' {
				v.text = v.raw
			}
			if v.kind == '0' || v.kind == 'r' {
				return wrong(v.line, "re takes a regular expression")
			}
			v.kind = 'r'
		}
		return nil
	case "i", "m", "s":
		if err := it.must('r', mod+" stands after re"); err != nil {
			return err
		}
		for i := range it.values {
			it.values[i].flags += mod
		}
		return nil
	case "cidr":
		it.cidr = true
		return it.must('s', "cidr takes a network")
	case "fieldref":
		it.reference = true
		for _, d := range done {
			if d == "contains" || d == "startswith" || d == "endswith" {
				it.before, it.behind = d != "startswith", d != "endswith"
			}
		}
		return it.must('s', "fieldref takes the name of a field")
	case "lt", "lte", "gt", "gte":
		it.compare = mod
		return it.must('n', mod+" takes a number")
	case "minute", "hour", "day", "week", "month", "year":
		it.part = mod
		return it.must('n', mod+" takes a number")
	case "expand":
		return it.expand(b)
	case "windash":
		return it.each(windash)
	case "base64":
		return it.encode(func(s string) []string { return []string{base64.StdEncoding.EncodeToString([]byte(s))} })
	case "base64offset":
		return it.encode(base64Offsets)
	case "wide", "utf16le":
		return it.encode(func(s string) []string { return []string{wide(s, binary.LittleEndian)} })
	case "utf16be":
		return it.encode(func(s string) []string { return []string{wide(s, binary.BigEndian)} })
	case "utf16":
		return it.encode(func(s string) []string { return []string{"\xff\xfe" + wide(s, binary.LittleEndian)} })
	}
	return wrong(it.key, "%s: there is no modifier %q", it.key.Value, mod)
}

func (it *fieldItem) must(kind byte, why string) error {
	for _, v := range it.values {
		if v.kind != kind {
			return wrong(v.line, "%s: %s", it.key.Value, why)
		}
	}
	return nil
}

// wrap makes contains, startswith and endswith of patterns and expressions.
func (it *fieldItem) wrap(mod string) error {
	for i := range it.values {
		v := &it.values[i]
		switch v.kind {
		case 'n', 'b':
			v.kind, v.p, v.raw = 's', pattern{{text: v.text}}, v.text
		case '0':
			return wrong(v.line, "%s: null cannot be part of a text", it.key.Value)
		case 'r':
			switch mod {
			case "startswith":
				v.text = `^(?:` + v.text + `)`
			case "endswith":
				v.text = `(?:` + v.text + `)$`
			}
			continue
		}
		v.p = v.p.within(mod != "startswith", mod != "endswith")
	}
	return nil
}

// each replaces each text by its variants.
func (it *fieldItem) each(variants func(pattern) []pattern) error {
	if err := it.must('s', "a text is wanted"); err != nil {
		return err
	}
	var out []value
	for _, v := range it.values {
		for _, p := range variants(v.p) {
			next := v
			next.p = p
			if out = append(out, next); len(out) > maxVariants {
				return wrong(v.line, "%s makes more than %d values", it.key.Value, maxVariants)
			}
		}
	}
	it.values = out
	return nil
}

// encode replaces each literal by what it is encoded as. A pattern wrapped by
// contains keeps its wildcards; others cannot be encoded.
func (it *fieldItem) encode(f func(string) []string) error {
	for _, v := range it.values {
		inner := v.p
		if inner.starts() {
			inner = inner[1:]
		}
		if inner.ends() {
			inner = inner[:len(inner)-1]
		}
		if _, ok := inner.literal(); v.kind == 's' && !ok {
			return wrong(v.line, "%s: a wildcard cannot be encoded", it.key.Value)
		}
		if v.kind == 'n' || v.kind == 'b' {
			return wrong(v.line, "%s: a text is wanted: put it in quotes", it.key.Value)
		}
	}
	return it.each(func(p pattern) []pattern {
		var out []pattern
		for _, s := range f(p.longest()) {
			next := pattern{{text: s}}
			out = append(out, next.within(p.starts(), p.ends()))
		}
		return out
	})
}

// dashes are what windash holds to be the same.
var dashes = []string{"-", "/", "–", "—", "―"}

// windash makes every variant of the dashes that begin a word: each of the
// five, independently.
func windash(p pattern) []pattern {
	out := []pattern{{}}
	for _, q := range p {
		texts := []string{q.text}
		if q.wild == 0 {
			texts = dashVariants(q.text)
		}
		var next []pattern
		for _, o := range out {
			for _, s := range texts {
				if len(next) > maxVariants {
					return next
				}
				next = append(next, append(slices.Clone(o), piece{q.wild, s}))
			}
		}
		out = next
	}
	return out
}

var dashWord = regexp.MustCompile(`(^|\s)([-/–—―])`)

func dashVariants(s string) []string {
	out := []string{""}
	last := 0
	for _, m := range dashWord.FindAllStringSubmatchIndex(s, -1) {
		from, to := m[4], m[5]
		var next []string
		for _, o := range out {
			for _, d := range dashes {
				if len(next) > maxVariants {
					return next
				}
				next = append(next, o+s[last:from]+d)
			}
		}
		out, last = next, to
	}
	for i := range out {
		out[i] += s[last:]
	}
	return out
}

// base64Offsets are the parts of the text's Base64 that do not hang on what
// stands around it, for each of the three places it may begin at.
func base64Offsets(s string) []string {
	starts, ends := [3]int{0, 2, 3}, [3]int{0, 3, 2}
	var out []string
	for i := range 3 {
		enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", i) + s))
		from, to := starts[i], len(enc)-ends[(len(s)+i)%3]
		if from < to {
			out = append(out, enc[from:to])
		}
	}
	return out
}

func wide(s string, order binary.AppendByteOrder) string {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

var placeholder = regexp.MustCompile(`%([A-Za-z0-9_.:-]+)%`)

// expand puts in what placeholders stand for.
func (it *fieldItem) expand(b *builder) error {
	if err := it.must('s', "expand takes a text"); err != nil {
		return err
	}
	var out []value
	for _, v := range it.values {
		texts := []string{""}
		raw := strings.ReplaceAll(v.raw, `\%`, "\x00")
		last := 0
		for _, m := range placeholder.FindAllStringSubmatchIndex(raw, -1) {
			name := raw[m[2]:m[3]]
			values, ok := b.placeholders[name]
			if b.wild[name] {
				values, ok = []string{"*"}, true
			}
			if !ok {
				return wrong(v.line, "the placeholder %%%s%% has no value: give one in a pipeline (vars, with value_placeholders)", name)
			}
			var next []string
			for _, t := range texts {
				for _, val := range values {
					next = append(next, t+raw[last:m[0]]+val)
				}
			}
			if len(next) > maxVariants {
				return wrong(v.line, "placeholders make more than %d values", maxVariants)
			}
			texts, last = next, m[1]
		}
		for _, t := range texts {
			next := v
			next.raw = strings.ReplaceAll(t+raw[last:], "\x00", "%")
			p := parsePattern(next.raw)
			next.p = p.within(v.p.starts() && !parsePattern(v.raw).starts(), v.p.ends() && !parsePattern(v.raw).ends())
			out = append(out, next)
		}
	}
	it.values = out
	return nil
}

// maxExpression bounds a regular expression's length; what it compiles to is
// bounded by the library.
const maxExpression = 8 << 10

// node makes the condition of an item whose modifiers were applied.
func (it *fieldItem) node() (*node, error) {
	if it.field == "" && (it.exists || it.cidr || it.reference || it.compare != "" || it.part != "") {
		return nil, wrong(it.key, "%s wants a field", it.key.Value)
	}
	var kids []*node
	for _, v := range it.values {
		a := &atom{field: it.field, cased: it.cased}
		var err error
		switch {
		case it.exists:
			a.kind, a.want = kindExists, v.text == "true"
		case it.reference:
			a.kind, a.other, a.op = kindReference, v.raw, it.referenceOp()
		case v.kind == '0':
			a.kind = kindNull
			if it.field == "" {
				return nil, wrong(v.line, "null wants a field")
			}
		default:
			if it.field == "" {
				a.kind = kindAnywhere
			}
			a.m, err = it.matcher(v)
		}
		if err != nil {
			return nil, err
		}
		if v.kind == 's' && a.m != nil && !it.cidr && it.part == "" {
			a.need = strings.ToLower(v.p.longest())
		}
		if re, ok := a.m.(*expression); ok {
			a.need = strings.ToLower(required(re.re.String()))
		}
		kids = append(kids, &node{op: opAtom, atom: a})
	}
	n := or(kids...)
	if it.all {
		n = and(kids...)
	}
	if it.negated {
		n = not(n)
	}
	return n, nil
}

// required is a text that whatever a regular expression matches contains, up to
// the case of its letters.
func required(src string) string {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return ""
	}
	var longest func(re *syntax.Regexp) string
	longest = func(re *syntax.Regexp) string {
		best := ""
		switch re.Op {
		case syntax.OpLiteral:
			best = string(re.Rune)
			if re.Flags&syntax.FoldCase != 0 { // s is met by ſ too, whose lower case is no s
				parts := strings.FieldsFunc(best, func(r rune) bool { return r == 's' || r == 'S' })
				best = ""
				for _, part := range parts {
					if len(part) > len(best) {
						best = part
					}
				}
			}
		case syntax.OpConcat:
			for _, s := range re.Sub {
				if got := longest(s); len(got) > len(best) {
					best = got
				}
			}
		case syntax.OpCapture, syntax.OpPlus:
			best = longest(re.Sub[0])
		case syntax.OpRepeat:
			if re.Min > 0 {
				best = longest(re.Sub[0])
			}
		}
		if !isASCII(best) {
			return "" // the case of what is not ASCII folds in more than one way
		}
		return best
	}
	return longest(re.Simplify())
}

func (it *fieldItem) referenceOp() textOp {
	switch {
	case it.before && it.behind:
		return contains
	case it.before:
		return suffix
	case it.behind:
		return prefix
	}
	return exact
}

func (it *fieldItem) matcher(v value) (matcher, error) {
	switch {
	case it.cidr:
		p, err := netip.ParsePrefix(v.raw)
		if err != nil {
			return nil, wrong(v.line, "%q is no network; 10.0.0.0/8 is one", v.raw)
		}
		return &network{p.Masked()}, nil
	case it.compare != "" || v.kind == 'n':
		f, err := strconv.ParseFloat(v.text, 64)
		if err != nil {
			return nil, wrong(v.line, "%q is no number", v.text)
		}
		var m matcher = &number{v.text, f}
		if it.compare != "" {
			m = &compare{it.compare, f}
		}
		if it.part != "" {
			m = &timePart{it.part, m}
		}
		return m, nil
	case v.kind == 'b':
		return boolean(v.text == "true"), nil
	case v.kind == 'r':
		if len(v.text) > maxExpression {
			return nil, wrong(v.line, "a regular expression of %d characters", len(v.text))
		}
		src := v.text
		if v.flags != "" {
			src = "(?" + v.flags + ")" + src
		}
		re, err := regexp.Compile(src)
		if err != nil {
			return nil, wrong(v.line, "%s; look-around and back-references, which take exponential time, are not read", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		}
		return &expression{re}, nil
	}
	p := v.p
	if it.field == "" { // a keyword is looked for anywhere
		p = p.within(true, true)
	}
	return p.compile(it.cased), nil
}

// partOf is a part of a time, in UTC; the week is ISO 8601's.
func partOf(part string, ms int64) int {
	t := time.UnixMilli(ms).UTC()
	switch part {
	case "minute":
		return t.Minute()
	case "hour":
		return t.Hour()
	case "day":
		return t.Day()
	case "week":
		_, w := t.ISOWeek()
		return w
	case "month":
		return int(t.Month())
	}
	return t.Year()
}

// validText is s with what is not UTF-8 replaced, for a person to read.
func validText(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }
