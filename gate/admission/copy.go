package admission

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The annotations of a gated namespace by which the API server decides: its
// ScaleVerdict's limits and reasons, copied. Policies read the namespace they
// decide about whatever else the API server knows by then; a policy that takes
// a ScaleVerdict for its parameter refuses everything, shrinking too, until
// that server has found the type, up to half a minute after its start.
const (
	LimitsAnnotation  = "sevenfold.dev/limits"
	ReasonsAnnotation = "sevenfold.dev/reasons"
)

// maxCopied is the greatest number the floor reads.
const maxCopied = 999_999_999

// All annotations of an object may have 256 KiB together; others want some.
const (
	maxLimitsCopy  = 160 << 10
	maxReasonsCopy = 48 << 10
)

// Annotations returns the copy of a verdict that a gated namespace carries:
//
//	sevenfold.dev/limits    ;*=UNLISTED;KIND/NAME=LIMIT:REASON;…
//	sevenfold.dev/reasons   REASON text, one a line
//
// REASON is a number, or nothing where no reason is given. What finds no room
// is not listed, and then unlisted objects are held to the least of it: the
// copy never allows more than the verdict.
func (v *Verdict) Annotations() map[string]string {
	if v.BreakGlass != "" {
		return map[string]string{LimitsAnnotation: fmt.Sprintf(";*=%d:;", maxCopied), ReasonsAnnotation: ""}
	}
	unlisted, limits := v.Unlisted, &strings.Builder{}
	reasons, numbers := &strings.Builder{}, map[string]int{}
	number := func(key string) string {
		text, ok := v.Reasons[key]
		if !ok {
			return ""
		}
		n, known := numbers[text]
		if !known {
			line := fmt.Sprintf("%d %s\n", len(numbers), text)
			if reasons.Len()+len(line) > maxReasonsCopy {
				return ""
			}
			n, numbers[text] = len(numbers), len(numbers)
			reasons.WriteString(line)
		}
		return fmt.Sprint(n)
	}
	// Those certified first, so that refusals' reasons are what is left out.
	keys := slices.Sorted(maps.Keys(v.Limits))
	for _, key := range slices.Sorted(maps.Keys(v.Reasons)) {
		if _, listed := v.Limits[key]; !listed {
			keys = append(keys, key)
		}
	}
	// What falls short of the unlisted comes first: it must be listed.
	slices.SortStableFunc(keys, func(a, b string) int {
		return cmp.Compare(min(v.limit(a), v.Unlisted), min(v.limit(b), v.Unlisted))
	})
	for _, key := range slices.Sorted(maps.Keys(v.covers)) {
		if _, listed := v.Limits[key]; !listed && v.covers[key] > v.Unlisted {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		entry := fmt.Sprintf("%s=%d:%s;", key, min(max(v.limit(key), v.covers[key]), maxCopied), number(key))
		if limits.Len()+len(entry) > maxLimitsCopy {
			unlisted = min(unlisted, v.limit(key))
			continue
		}
		limits.WriteString(entry)
	}
	return map[string]string{
		LimitsAnnotation:  fmt.Sprintf(";*=%d:;%s", unlisted, limits),
		ReasonsAnnotation: reasons.String(),
	}
}
