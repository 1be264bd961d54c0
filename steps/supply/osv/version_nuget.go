package osv

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// nugetVersion is a version of NuGet: up to four numbers, and labels.
//
// Source: NuGet.Client, NuGet.Versioning: NuGetVersionFactory, SemanticVersionFactory
// and VersionComparer in its default mode, which leaves metadata out.
type nugetVersion struct {
	numbers [4]int32
	labels  []nugetLabel
}

// nugetLabel is numeric where .NET reads it as an int: with a sign too ("-5"), and not
// beyond 32 bits. Text is in capitals.
type nugetLabel struct {
	numeric bool
	number  int32
	text    string
}

// nugetPart is what labels and metadata are made of.
var nugetPart = regexp.MustCompile(`^[0-9A-Za-z-]+$`)

func nuget(text string) (version, error) {
	bad := fmt.Errorf("%q is no version of NuGet", clip(text))
	s, metadata, has := strings.Cut(strings.TrimSpace(text), "+")
	if has && !nugetParts(strings.Split(metadata, "."), true) {
		return nil, bad
	}
	core, labels, pre := strings.Cut(s, "-")
	numbers := strings.Split(core, ".")
	v := &nugetVersion{}
	if len(numbers) > len(v.numbers) {
		return nil, bad
	}
	for i, n := range numbers {
		n = strings.TrimSpace(n)
		value, err := strconv.ParseInt(n, 10, 32)
		if !isDigits(n) || err != nil {
			return nil, bad
		}
		v.numbers[i] = int32(value)
	}
	if !pre {
		return v, nil
	}
	parts := strings.Split(labels, ".")
	if !nugetParts(parts, false) {
		return nil, bad
	}
	for _, p := range parts {
		l := nugetLabel{text: strings.ToUpper(p)}
		if n, err := strconv.ParseInt(p, 10, 32); err == nil {
			l = nugetLabel{numeric: true, number: int32(n)}
		}
		v.labels = append(v.labels, l)
	}
	return v, nil
}

func nugetParts(parts []string, zeros bool) bool {
	for _, p := range parts {
		if !nugetPart.MatchString(p) || !zeros && len(p) > 1 && p[0] == '0' && isDigits(p) {
			return false
		}
	}
	return true
}

func (v *nugetVersion) compare(other version) int {
	w := other.(*nugetVersion)
	for i := range v.numbers {
		if c := cmp.Compare(v.numbers[i], w.numbers[i]); c != 0 {
			return c
		}
	}
	if c := boolean(v.labels == nil, w.labels == nil); c != 0 {
		return c
	}
	for i := range min(len(v.labels), len(w.labels)) {
		a, b := v.labels[i], w.labels[i]
		if c := cmp.Or(boolean(b.numeric, a.numeric), cmp.Compare(a.number, b.number), strings.Compare(a.text, b.text)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(v.labels), len(w.labels))
}
