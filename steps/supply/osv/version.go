package osv

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// version is a version taken apart, to be compared with others of its order.
type version interface{ compare(version) int }

// order is how an ecosystem orders versions.
type order func(string) (version, error)

// orders by ecosystem, without its release. Those that are not here have no order
// that is known, and versions of theirs are never said to be outside a range.
var orders = map[string]order{
	"PyPI": pep440, "npm": semver, "Go": semver, "crates.io": semver, "Hex": semver, "Pub": semver, "SwiftURL": semver, "Maven": maven, "RubyGems": ruby,
	"Packagist": composer, "NuGet": nuget,
	"Debian": dpkg, "Ubuntu": dpkg, "Alpine": apk, "Wolfi": apk, "Chainguard": apk,
	"Red Hat": rpm, "Rocky Linux": rpm, "AlmaLinux": rpm, "SUSE": rpm, "openSUSE": rpm, "Mageia": rpm, "Azure Linux": rpm, "openEuler": rpm,
}

// Compare orders two versions as an ecosystem does: below 0 if a comes first. The
// error says that one of them is no version there, or that the order is not known.
func Compare(ecosystem, a, b string) (int, error) {
	parse, ok := orders[base(ecosystem)]
	if !ok {
		return 0, fmt.Errorf("how %s orders versions is not known", ecosystem)
	}
	x, err := parse(a)
	if err != nil {
		return 0, err
	}
	y, err := parse(b)
	if err != nil {
		return 0, err
	}
	return x.compare(y), nil
}

func base(ecosystem string) string {
	b, _, _ := strings.Cut(ecosystem, ":")
	return b
}

// digits compares numbers of any length written in decimal.
func digits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// pep440Form is the form of a version of Python. Source: PEP 440, appendix B.
var pep440Form = regexp.MustCompile(`^v?(?:([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]+)?)?(?:(?:-([0-9]+))|(?:[-_.]?(post|rev|r)[-_.]?([0-9]+)?))?(?:[-_.]?(dev)[-_.]?([0-9]+)?)?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

type pyVersion struct {
	epoch    string
	release  []string
	pre      int // 0 alpha, 1 beta, 2 rc; -1 a release of development alone, 3 none
	preN     string
	post     string // "" none
	hasPost  bool
	dev      string
	hasDev   bool
	local    []string
	hasLocal bool
}

func pep440(s string) (version, error) {
	m := pep440Form.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return nil, fmt.Errorf("%q is no version of PEP 440", clip(s))
	}
	v := &pyVersion{epoch: m[1], pre: 3, preN: m[4]}
	for _, n := range strings.Split(m[2], ".") {
		v.release = append(v.release, strings.TrimLeft(n, "0"))
	}
	for len(v.release) > 1 && v.release[len(v.release)-1] == "" {
		v.release = v.release[:len(v.release)-1]
	}
	switch m[3] {
	case "a", "alpha":
		v.pre = 0
	case "b", "beta":
		v.pre = 1
	case "c", "rc", "pre", "preview":
		v.pre = 2
	}
	v.hasPost, v.post = m[5] != "" || m[6] != "", m[5]+m[7]
	v.hasDev, v.dev = m[8] != "", m[9]
	if v.pre == 3 && v.hasDev && !v.hasPost {
		v.pre = -1
	}
	if v.hasLocal = m[10] != ""; v.hasLocal {
		v.local = strings.FieldsFunc(m[10], func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	}
	return v, nil
}

func (v *pyVersion) compare(other version) int {
	w := other.(*pyVersion)
	if c := digits(v.epoch, w.epoch); c != 0 {
		return c
	}
	for i := range max(len(v.release), len(w.release)) {
		if c := digits(at(v.release, i), at(w.release, i)); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(v.pre, w.pre); c != 0 {
		return c
	}
	if c := digits(v.preN, w.preN); c != 0 && v.pre >= 0 && v.pre < 3 {
		return c
	}
	if c := cmp.Or(boolean(v.hasPost, w.hasPost), digits(v.post, w.post)); c != 0 {
		return c
	}
	if c := cmp.Or(boolean(w.hasDev, v.hasDev), digits(v.dev, w.dev)); c != 0 {
		return c
	}
	if c := boolean(v.hasLocal, w.hasLocal); c != 0 {
		return c
	}
	for i := range max(len(v.local), len(w.local)) {
		if i >= len(v.local) || i >= len(w.local) {
			return cmp.Compare(len(v.local), len(w.local))
		}
		a, b := v.local[i], w.local[i]
		switch x, y := isDigits(a), isDigits(b); {
		case x && y:
			if c := digits(a, b); c != 0 {
				return c
			}
		case x != y:
			return boolean(x, y)
		default:
			if c := strings.Compare(a, b); c != 0 {
				return c
			}
		}
	}
	return 0
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

func boolean(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// semVersion is a version of Semantic Versioning 2.0.0, with as many numbers as
// there are: databases leave out minor and patch.
type semVersion struct {
	numbers []string
	pre     []string
}

func semver(s string) (version, error) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "v")
	s, _, _ = strings.Cut(s, "+")
	core, pre, has := strings.Cut(s, "-")
	v := &semVersion{numbers: strings.Split(core, ".")}
	for i, n := range v.numbers {
		if !isDigits(n) {
			return nil, fmt.Errorf("%q is no semantic version", clip(s))
		}
		v.numbers[i] = strings.TrimLeft(n, "0")
	}
	if has {
		if pre == "" {
			return nil, fmt.Errorf("%q is no semantic version", clip(s))
		}
		v.pre = strings.Split(pre, ".")
	}
	return v, nil
}

func (v *semVersion) compare(other version) int {
	w := other.(*semVersion)
	for i := range max(len(v.numbers), len(w.numbers)) {
		if c := digits(at(v.numbers, i), at(w.numbers, i)); c != 0 {
			return c
		}
	}
	if c := boolean(v.pre == nil, w.pre == nil); c != 0 {
		return c
	}
	for i := range max(len(v.pre), len(w.pre)) {
		if i >= len(v.pre) || i >= len(w.pre) {
			return cmp.Compare(len(v.pre), len(w.pre))
		}
		a, b := v.pre[i], w.pre[i]
		switch x, y := isDigits(a), isDigits(b); {
		case x && y:
			if c := digits(a, b); c != 0 {
				return c
			}
		case x != y:
			return boolean(y, x) // numbers come first
		default:
			if c := strings.Compare(a, b); c != 0 {
				return c
			}
		}
	}
	return 0
}

// rubyVersion is a version of RubyGems. Source: Gem::Version.
type rubyVersion []string

var rubyForm = regexp.MustCompile(`^[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
var rubyPart = regexp.MustCompile(`[0-9]+|[a-zA-Z]+`)

func ruby(s string) (version, error) {
	s = strings.TrimSpace(s)
	if !rubyForm.MatchString(s) {
		return nil, fmt.Errorf("%q is no version of RubyGems", clip(s))
	}
	parts := rubyPart.FindAllString(strings.ReplaceAll(s, "-", ".pre."), -1)
	// Zeros count for nothing at the end, and before the first letters.
	first := slices.IndexFunc(parts, func(p string) bool { return !isDigits(p) })
	if first < 0 {
		first = len(parts)
	}
	head, tail := trimZeros(parts[:first]), trimZeros(parts[first:])
	return rubyVersion(append(slices.Clone(head), tail...)), nil
}

func trimZeros(parts []string) []string {
	for len(parts) > 0 && strings.Trim(parts[len(parts)-1], "0") == "" {
		parts = parts[:len(parts)-1]
	}
	return parts
}

func (v rubyVersion) compare(other version) int {
	w := other.(rubyVersion)
	for i := range max(len(v), len(w)) {
		a, b := "0", "0"
		if i < len(v) {
			a = v[i]
		}
		if i < len(w) {
			b = w[i]
		}
		switch x, y := isDigits(a), isDigits(b); {
		case x && y:
			if c := digits(a, b); c != 0 {
				return c
			}
		case x != y:
			return boolean(x, y) // letters come first
		default:
			if c := strings.Compare(a, b); c != 0 {
				return c
			}
		}
	}
	return 0
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
