package osv

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// dpkgVersion is a version of Debian. Source: deb-version(7).
type dpkgVersion struct{ epoch, upstream, revision string }

func dpkg(s string) (version, error) {
	s = strings.TrimSpace(s)
	v := &dpkgVersion{upstream: s}
	if e, rest, ok := strings.Cut(s, ":"); ok {
		if !isDigits(e) {
			return nil, fmt.Errorf("%q is no version of Debian", clip(s))
		}
		v.epoch, v.upstream = e, rest
	}
	if i := strings.LastIndexByte(v.upstream, '-'); i >= 0 {
		v.upstream, v.revision = v.upstream[:i], v.upstream[i+1:]
	}
	if v.upstream == "" || strings.ContainsAny(s, " \t\n") {
		return nil, fmt.Errorf("%q is no version of Debian", clip(s))
	}
	return v, nil
}

func (v *dpkgVersion) compare(other version) int {
	w := other.(*dpkgVersion)
	return cmp.Or(digits(v.epoch, w.epoch), verrevcmp(v.upstream, w.upstream), verrevcmp(v.revision, w.revision))
}

// verrevcmp is dpkg's own comparison of one part.
func verrevcmp(a, b string) int {
	weight := func(s string) int {
		switch {
		case s == "" || s[0] >= '0' && s[0] <= '9':
			return 0
		case s[0] == '~':
			return -1
		case s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z':
			return int(s[0])
		}
		return int(s[0]) + 256
	}
	for a != "" || b != "" {
		for a != "" && !digit(a[0]) || b != "" && !digit(b[0]) {
			if c := cmp.Compare(weight(a), weight(b)); c != 0 {
				return c
			}
			a, b = a[min(1, len(a)):], b[min(1, len(b)):]
		}
		i, j := run(a, digit), run(b, digit)
		if c := digits(a[:i], b[:j]); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
	return 0
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func run(s string, is func(byte) bool) int {
	i := 0
	for i < len(s) && is(s[i]) {
		i++
	}
	return i
}

// rpmVersion is epoch, version and release. Source: rpmvercmp in rpm.
type rpmVersion struct{ epoch, version, release string }

func rpm(s string) (version, error) {
	s = strings.TrimSpace(s)
	v := &rpmVersion{version: s}
	if e, rest, ok := strings.Cut(s, ":"); ok {
		if !isDigits(e) {
			return nil, fmt.Errorf("%q is no version of RPM", clip(s))
		}
		v.epoch, v.version = e, rest
	}
	if i := strings.LastIndexByte(v.version, '-'); i >= 0 {
		v.version, v.release = v.version[:i], v.version[i+1:]
	}
	if v.version == "" {
		return nil, fmt.Errorf("%q is no version of RPM", clip(s))
	}
	return v, nil
}

func (v *rpmVersion) compare(other version) int {
	w := other.(*rpmVersion)
	if c := cmp.Or(digits(v.epoch, w.epoch), rpmvercmp(v.version, w.version)); c != 0 || v.release == "" || w.release == "" {
		return c
	}
	return rpmvercmp(v.release, w.release)
}

func rpmvercmp(a, b string) int {
	skip := func(s string) string {
		for s != "" && !digit(s[0]) && !letter(s[0]) && s[0] != '~' && s[0] != '^' {
			s = s[1:]
		}
		return s
	}
	for {
		a, b = skip(a), skip(b)
		at, bt := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~")
		if at || bt {
			if at != bt {
				return boolean(bt, at)
			}
			a, b = a[1:], b[1:]
			continue
		}
		ac, bc := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^")
		if ac || bc {
			switch {
			case ac && bc:
				a, b = a[1:], b[1:]
				continue
			case a == "":
				return -1
			case b == "":
				return 1
			}
			return boolean(bc, ac) // one that goes on otherwise is newer than one with ^
		}
		if a == "" || b == "" {
			return cmp.Compare(len(a), len(b))
		}
		numeric := digit(a[0])
		is := letter
		if numeric {
			is = digit
		}
		i, j := run(a, is), run(b, is)
		if j == 0 {
			return boolean(numeric, !numeric)
		}
		var c int
		if numeric {
			c = digits(a[:i], b[:j])
		} else {
			c = strings.Compare(a[:i], b[:j])
		}
		if c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
}

// apkVersion is a version of Alpine. Source: apk-tools, doc/apk-package.5 and
// src/version.c.
type apkVersion struct {
	numbers  []string
	letter   byte
	suffixes []apkSuffix
	revision string
}

type apkSuffix struct {
	rank int
	n    string
}

var apkForm = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)*)([a-z])?((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~[0-9a-f]+)?(?:-r([0-9]+))?$`)
var apkSuffixForm = regexp.MustCompile(`_([a-z]+)([0-9]*)`)
var apkRanks = map[string]int{"alpha": -4, "beta": -3, "pre": -2, "rc": -1, "cvs": 1, "svn": 2, "git": 3, "hg": 4, "p": 5}

func apk(s string) (version, error) {
	m := apkForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return nil, fmt.Errorf("%q is no version of Alpine", clip(s))
	}
	v := &apkVersion{numbers: strings.Split(m[1], "."), revision: m[4]}
	if m[2] != "" {
		v.letter = m[2][0]
	}
	for _, x := range apkSuffixForm.FindAllStringSubmatch(m[3], -1) {
		v.suffixes = append(v.suffixes, apkSuffix{apkRanks[x[1]], x[2]})
	}
	return v, nil
}

func (v *apkVersion) compare(other version) int {
	w := other.(*apkVersion)
	for i := range max(len(v.numbers), len(w.numbers)) {
		if i >= len(v.numbers) || i >= len(w.numbers) {
			return cmp.Compare(len(v.numbers), len(w.numbers))
		}
		a, b := v.numbers[i], w.numbers[i]
		c := digits(a, b)
		if i > 0 && (a[0] == '0' || b[0] == '0') && a != b { // read as a fraction
			c = strings.Compare(a, b)
		}
		if c != 0 {
			return c
		}
	}
	if c := cmp.Compare(v.letter, w.letter); c != 0 {
		return c
	}
	for i := range max(len(v.suffixes), len(w.suffixes)) {
		var a, b apkSuffix
		if i < len(v.suffixes) {
			a = v.suffixes[i]
		}
		if i < len(w.suffixes) {
			b = w.suffixes[i]
		}
		if c := cmp.Or(cmp.Compare(a.rank, b.rank), digits(a.n, b.n)); c != 0 {
			return c
		}
	}
	return digits(v.revision, w.revision)
}

// mavenVersion is a version of Maven as its tokens, each with what stands before it.
// Source: maven.apache.org, POM reference, version order specification.
type mavenVersion []mavenToken

type mavenToken struct {
	dash  bool
	text  string
	digit bool
}

func maven(s string) (version, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return nil, fmt.Errorf("an empty version")
	}
	var v mavenVersion
	dash, start := false, 0
	flush := func(end int, nextDash, transition bool) {
		text := s[start:end]
		if text == "" {
			text = "0"
		}
		if transition && len(text) == 1 && nextDash {
			switch text {
			case "a":
				text = "alpha"
			case "b":
				text = "beta"
			case "m":
				text = "milestone"
			}
		}
		v = append(v, mavenToken{dash, text, isDigits(text)})
		dash = nextDash
	}
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '.' || s[i] == '-' || s[i] == '_':
			flush(i, s[i] != '.', false)
			start = i + 1
		case i > start && digit(s[i]) != digit(s[i-1]):
			flush(i, true, digit(s[i]))
			start = i
		}
	}
	flush(len(s), false, false)
	// What means nothing is taken off the end, and before each dash.
	for i := len(v) - 1; i > 0; i-- {
		if !v[i].null() || i+1 < len(v) && !v[i+1].dash {
			continue
		}
		v = slices.Delete(v, i, i+1)
	}
	return v, nil
}

func (t mavenToken) null() bool {
	switch t.text {
	case "", "final", "ga", "release":
		return true
	}
	return t.digit && strings.Trim(t.text, "0") == ""
}

var mavenRanks = map[string]int{"alpha": 1, "beta": 2, "milestone": 3, "rc": 4, "cr": 4, "snapshot": 5, "": 6, "final": 6, "ga": 6, "release": 6, "sp": 7}

func (t mavenToken) class() int {
	switch {
	case !t.digit:
		return 0 // ".qualifier" = "-qualifier"
	case t.dash:
		return 1
	}
	return 2
}

func (v mavenVersion) compare(other version) int {
	w := other.(mavenVersion)
	for i := range max(len(v), len(w)) {
		a, b := v.padded(w, i), w.padded(v, i)
		if c := cmp.Compare(a.class(), b.class()); c != 0 {
			return c
		}
		if a.digit {
			if c := digits(a.text, b.text); c != 0 {
				return c
			}
			continue
		}
		x, y := mavenRank(a.text), mavenRank(b.text)
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
		if c := strings.Compare(a.text, b.text); c != 0 && x == 8 {
			return c
		}
	}
	return 0
}

func mavenRank(s string) int {
	if r, ok := mavenRanks[s]; ok {
		return r
	}
	return 8
}

func (v mavenVersion) padded(other mavenVersion, i int) mavenToken {
	if i < len(v) {
		return v[i]
	}
	if o := other[i]; o.digit && !o.dash {
		return mavenToken{false, "0", true}
	} else if o.digit {
		return mavenToken{true, "", false}
	}
	return mavenToken{other[i].dash, "", false}
}
