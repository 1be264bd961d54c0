package iam

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// family is the type of value that a condition operator compares.
type family uint8

const (
	ofStrings family = iota
	ofNumbers
	ofTimes
	ofTruth
	ofAddresses
)

// predicate is what a condition asks of a key's values, reduced to three
// questions by which every operator can be said, negated or not: StringNotEquals
// is "not any", ForAnyValue:StringNotEquals is "not all", and IfExists adds
// "or absent".
type predicate uint8

const (
	anyIn  predicate = iota // present, and some value lies in the set
	allIn                   // absent, or every value lies in the set
	absent                  // the request does not carry the key
	// With IfExists, the two set operators need the other way to treat absence.
	anyInOrAbsent
	allInAndPresent
)

// bound is one value of a numeric or date condition.
type bound struct {
	cmp   comparison
	value float64 // a number, or seconds since 1970
}

type comparison uint8

const (
	equal comparison = iota
	less
	lessEqual
	greater
	greaterEqual
)

func (b bound) holds(v float64) bool {
	switch b.cmp {
	case less:
		return v < b.value
	case lessEqual:
		return v <= b.value
	case greater:
		return v > b.value
	case greaterEqual:
		return v >= b.value
	}
	return v == b.value
}

// values is the set of values that satisfies one condition on one key.
type values struct {
	family   family
	strings  set
	vars     []template // not resolved yet
	bounds   []bound
	truth    [2]bool // false, true
	prefixes []netip.Prefix
}

// has reports whether a request's value lies in the set. A value that is not
// of the operator's type lies in none.
func (v *values) has(s string) bool {
	switch v.family {
	case ofNumbers:
		f, ok := numberOf(s)
		return ok && v.within(f)
	case ofTimes:
		f, ok := seconds(s)
		return ok && v.within(f)
	case ofTruth:
		b, ok := truthOf(s)
		return ok && v.truth[b]
	case ofAddresses:
		a, err := netip.ParseAddr(s)
		if err != nil {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				return false
			}
			for _, mine := range v.prefixes {
				if mine.Bits() <= p.Bits() && mine.Contains(p.Addr()) {
					return true
				}
			}
			return false
		}
		a = a.Unmap()
		for _, p := range v.prefixes {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	return v.strings.match(s)
}

func (v *values) within(f float64) bool {
	for _, b := range v.bounds {
		if b.holds(f) {
			return true
		}
	}
	return false
}

func truthOf(s string) (int, bool) {
	switch lower(s) {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	return 0, false
}

// numberOf reads an integer or a decimal. Those that a float64 does not hold to
// the last digit are not read, so that two that differ never count as equal.
func numberOf(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '.', c == '-' || c == '+', c == 'e' || c == 'E':
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && digits <= 15
}

// seconds reads a date as the service does: W3C ISO 8601 or seconds since 1970.
func seconds(s string) (float64, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return float64(t.Unix()) + float64(t.Nanosecond())/1e9, true
		}
	}
	return numberOf(s)
}

// atom is one condition: an operator with one key and its values. All atoms of
// a statement must hold.
type atom struct {
	key      key32
	ask      predicate
	not      bool
	ifExists bool
	// plain operators are for keys with one value; the service does not say
	// what they do with several.
	plain  bool
	values values
	// wrong says why the condition was not understood; it is an open truth
	// value then.
	wrong string
	text  string // as written, for messages: operator and key
	list  []string
}

type operator struct {
	family family
	how    reading
	cmp    comparison
	not    bool
}

var operators = map[string]operator{
	"stringequals":              {ofStrings, asLiteral, equal, false},
	"stringnotequals":           {ofStrings, asLiteral, equal, true},
	"stringequalsignorecase":    {ofStrings, asFolded, equal, false},
	"stringnotequalsignorecase": {ofStrings, asFolded, equal, true},
	"stringlike":                {ofStrings, asWildcard, equal, false},
	"stringnotlike":             {ofStrings, asWildcard, equal, true},
	"arnequals":                 {ofStrings, asARN, equal, false},
	"arnnotequals":              {ofStrings, asARN, equal, true},
	"arnlike":                   {ofStrings, asARN, equal, false},
	"arnnotlike":                {ofStrings, asARN, equal, true},
	"binaryequals":              {ofStrings, asLiteral, equal, false},
	"numericequals":             {ofNumbers, 0, equal, false},
	"numericnotequals":          {ofNumbers, 0, equal, true},
	"numericlessthan":           {ofNumbers, 0, less, false},
	"numericlessthanequals":     {ofNumbers, 0, lessEqual, false},
	"numericgreaterthan":        {ofNumbers, 0, greater, false},
	"numericgreaterthanequals":  {ofNumbers, 0, greaterEqual, false},
	"dateequals":                {ofTimes, 0, equal, false},
	"datenotequals":             {ofTimes, 0, equal, true},
	"datelessthan":              {ofTimes, 0, less, false},
	"datelessthanequals":        {ofTimes, 0, lessEqual, false},
	"dategreaterthan":           {ofTimes, 0, greater, false},
	"dategreaterthanequals":     {ofTimes, 0, greaterEqual, false},
	"bool":                      {ofTruth, 0, equal, false},
	"ipaddress":                 {ofAddresses, 0, equal, false},
	"notipaddress":              {ofAddresses, 0, equal, true},
}

// newAtom compiles one condition. What it does not understand it keeps as an
// atom that is wrong.
func newAtom(op, name string, list []string, variables bool, n *names) atom {
	a := atom{key: n.id(name), text: op + " " + name, list: list}
	word := lower(op)
	set := ""
	if head, rest, ok := strings.Cut(word, ":"); ok {
		set, word = head, rest
	}
	word, a.ifExists = strings.CutSuffix(word, "ifexists")
	if word == "null" {
		if set != "" || a.ifExists {
			a.wrong = fmt.Sprintf("the operator %s is not of the policy language", op)
			return a
		}
		return nullAtom(a, list)
	}
	o, ok := operators[word]
	if !ok {
		a.wrong = fmt.Sprintf("the operator %s is not of the policy language", op)
		return a
	}
	switch set {
	case "":
		a.plain, a.ask, a.not = true, anyIn, o.not
	case "foranyvalue":
		a.ask, a.not = anyIn, false
		if o.not {
			a.ask, a.not = allIn, true
		}
	case "forallvalues":
		a.ask, a.not = allIn, false
		if o.not {
			a.ask, a.not = anyIn, true
		}
	default:
		a.wrong = fmt.Sprintf("the operator %s is not of the policy language", op)
		return a
	}
	if len(list) == 0 {
		a.wrong = fmt.Sprintf("%s has no value", a.text)
		return a
	}
	if a.key == keyEpochTime && (o.family == ofNumbers || o.family == ofTimes) {
		// Both keys tell the time of the request, so conditions on the two must
		// not be taken for independent.
		a.key, o.family = keyCurrentTime, ofTimes
	}
	a.values.family = o.family
	for _, s := range list {
		if err := a.values.add(s, o, word, variables, n); err != nil {
			a.wrong = fmt.Sprintf("%s: %v", a.text, err)
			return a
		}
	}
	return a
}

func nullAtom(a atom, list []string) atom {
	a.ask = absent
	var want [2]bool
	for _, s := range list {
		b, ok := truthOf(s)
		if !ok {
			a.wrong = fmt.Sprintf("%s: %q is neither true nor false", a.text, s)
			return a
		}
		want[b] = true
	}
	switch want {
	case [2]bool{true, true}:
		a.ask, a.values.strings = allIn, set{NewPattern("*", false)} // always so
	case [2]bool{false, false}:
		a.wrong = a.text + " has no value"
	case [2]bool{true, false}:
		a.not = true
	}
	return a
}

// add takes one more value in.
func (v *values) add(s string, o operator, word string, variables bool, n *names) error {
	switch o.family {
	case ofNumbers:
		f, ok := numberOf(s)
		if !ok {
			return fmt.Errorf("%q is no number of up to fifteen digits", s)
		}
		v.bounds = append(v.bounds, bound{o.cmp, f})
	case ofTimes:
		f, ok := seconds(s)
		if !ok {
			return fmt.Errorf("%q is no date: write it as 2026-01-31T00:00:00Z or in seconds since 1970", s)
		}
		v.bounds = append(v.bounds, bound{o.cmp, f})
	case ofTruth:
		b, ok := truthOf(s)
		if !ok {
			return fmt.Errorf("%q is neither true nor false", s)
		}
		v.truth[b] = true
	case ofAddresses:
		p, err := prefixOf(s)
		if err != nil {
			return err
		}
		v.prefixes = append(v.prefixes, p)
	default:
		if word == "binaryequals" {
			if _, err := base64.StdEncoding.DecodeString(s); err != nil {
				return fmt.Errorf("%q is not base64", s)
			}
			variables = false
		}
		t, err := newTemplate(s, o.how, variables, n)
		if err != nil {
			return err
		}
		if t.parts != nil {
			v.vars = append(v.vars, t)
			return nil
		}
		v.strings = append(v.strings, t.pattern)
	}
	return nil
}

func prefixOf(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR range", s)
		}
		if a.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q names a zone, which no request's address has", s)
		}
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a CIDR range", s)
	}
	return p.Masked(), nil
}
