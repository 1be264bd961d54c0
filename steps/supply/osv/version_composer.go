package osv

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// composerVersion is a version of PHP's Composer as what PHP compares: numbers and
// words in turn. Composer brings a version into its normal form, and PHP's
// version_compare orders normal forms.
//
// Source: composer/semver, VersionParser::normalize and normalizeBranch; php-src,
// ext/standard/versioning.c; of 3.4 and 8.2.
type composerVersion struct {
	parts []composerPart
	// branch is set of a branch with a number ("1.x-dev"): parts is behind all of its
	// releases, where Composer places it, and from is before all of them.
	branch bool
	from   []composerPart
}

// composerPart is one number, or one word by its rank.
type composerPart struct {
	number int64
	rank   int
}

// The ranks of php's words, with those that a part has which is none: nothing at all
// stands before a number, and both between the candidates and the patches. PHP knows
// words by how they begin, so that "patch" is "p".
const (
	composerStrange = iota // a word that PHP does not know
	composerDev
	composerAlpha
	composerBeta
	composerCandidate
	composerEnd
	composerNumber
	composerPatch
)

var composerWords = map[string]int{
	"a": composerAlpha, "alpha": composerAlpha, "b": composerBeta, "beta": composerBeta, "rc": composerCandidate,
	"p": composerPatch, "pl": composerPatch, "patch": composerPatch, "stable": composerStrange,
}

const (
	composerModifier = `[._-]?(?:(stable|beta|b|rc|alpha|a|patch|pl|p)((?:[.-]?[0-9]+)*)?)?([.-]?dev)?$`
	composerSpace    = " \t\n\r\x00\x0b"
)

var (
	composerAlias     = regexp.MustCompile(`^([^,\s]+) +as +([^,\s]+)$`)
	composerStability = regexp.MustCompile(`(?i)@(?:stable|rc|beta|alpha|dev)$`)
	composerBuild     = regexp.MustCompile(`^([^,\s+]+)\+\S+$`)
	composerClassic   = regexp.MustCompile(`(?i)^v?([0-9]{1,5})(\.[0-9]+)?(\.[0-9]+)?(\.[0-9]+)?` + composerModifier)
	composerDate      = regexp.MustCompile(`(?i)^v?([0-9]{4}(?:[.:-]?[0-9]{2}){1,6}(?:[.:-]?[0-9]{1,3}){0,2})` + composerModifier)
	composerBranch    = regexp.MustCompile(`(?i)^(.*?)[.-]?dev$`)
	composerNumbered  = regexp.MustCompile(`(?i)^v?([0-9]+)(?:\.([0-9]+|[x*]))?(?:\.([0-9]+|[x*]))?(?:\.([0-9]+|[x*]))?$`)
)

// composerTop is the number that Composer puts in place of what a branch leaves open.
const composerTop = 9999999

func composer(text string) (version, error) {
	s := strings.Trim(text, composerSpace)
	bad := fmt.Errorf("%q is no version of Composer", clip(text))
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return nil, bad
	}
	if m := composerAlias.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	s = composerStability.ReplaceAllString(s, "")
	if named := len(s) >= 4 && strings.EqualFold(s[:4], "dev-"); named || s == "master" || s == "trunk" || s == "default" {
		return nil, fmt.Errorf("%q is a branch: Composer holds none of them before or after a version", clip(text))
	}
	if m := composerBuild.FindStringSubmatch(s); m != nil {
		s = m[1]
	}
	v := &composerVersion{}
	m := composerClassic.FindStringSubmatch(s)
	if m != nil {
		for _, n := range m[1:5] {
			v.parts = append(v.parts, composerInt(strings.TrimPrefix(n, ".")))
		}
		m = m[5:]
	} else if m = composerDate.FindStringSubmatch(s); m != nil {
		for _, n := range strings.FieldsFunc(m[1], func(r rune) bool { return r == '.' || r == ':' || r == '-' }) {
			v.parts = append(v.parts, composerInt(n))
		}
		m = m[2:]
	}
	if m != nil {
		v.modify(m[0], m[1], m[2])
		return v, nil
	}
	if m = composerBranch.FindStringSubmatch(s); m != nil {
		m = composerNumbered.FindStringSubmatch(strings.Trim(m[1], composerSpace))
	}
	if m == nil {
		return nil, bad
	}
	v.branch = true
	for _, n := range m[1:] {
		low, high := composerInt(n), composerInt(n)
		if n == "" || n == "*" || strings.EqualFold(n, "x") {
			low, high = composerInt("0"), composerPart{composerTop, composerNumber}
		}
		v.from, v.parts = append(v.from, low), append(v.parts, high)
	}
	v.from = append(v.from, composerPart{rank: composerDev})
	v.parts = append(v.parts, composerPart{rank: composerDev})
	return v, nil
}

// modify appends what stands behind the numbers. Composer takes "stable" for nothing in
// small letters alone.
func (v *composerVersion) modify(word, numbers, dev string) {
	if word == "stable" {
		return
	}
	if word != "" {
		v.parts = append(v.parts, composerPart{rank: composerWords[strings.ToLower(word)]})
		for _, n := range strings.FieldsFunc(numbers, func(r rune) bool { return r == '.' || r == '-' }) {
			v.parts = append(v.parts, composerInt(n))
		}
	}
	if dev != "" {
		v.parts = append(v.parts, composerPart{rank: composerDev})
	}
}

// composerInt reads a number as PHP does, which holds all beyond 63 bits for equal.
func composerInt(s string) composerPart {
	if s == "" {
		return composerPart{0, composerNumber}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		n = math.MaxInt64
	}
	return composerPart{n, composerNumber}
}

func (v *composerVersion) compare(other version) int {
	return composerCompare(v.parts, other.(*composerVersion).parts)
}

func composerCompare(a, b []composerPart) int {
	for i := range max(len(a), len(b)) {
		x, y := composerPart{rank: composerEnd}, composerPart{rank: composerEnd}
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if c := cmp.Or(cmp.Compare(x.rank, y.rank), cmp.Compare(x.number, y.number)); c != 0 {
			return c
		}
	}
	return 0
}

// spans implements moving.
func (v *composerVersion) spans() (version, bool) {
	return &composerVersion{parts: v.from}, v.branch
}
