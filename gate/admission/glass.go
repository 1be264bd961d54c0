package admission

import (
	"fmt"
	"strings"
	"time"
)

// GlassAnnotation on a namespace lets its objects grow without a certificate,
// for a while and for a reason: break-glass. Only who may govern the gate sets
// it, and only in their own name; nobody need take it away, as it ends by
// itself.
const GlassAnnotation = "sevenfold.dev/break-glass"

// MaxGlass is how long the glass may stay broken at most.
const MaxGlass = 24 * time.Hour

// Glass is a break-glass.
type Glass struct {
	// By is who broke it, as the API server calls them.
	By     string
	Reason string
	Since  time.Time
	Until  time.Time
}

// String writes it as the annotation has it: by=USER;since=T;until=T;reason=TEXT.
func (g Glass) String() string {
	return fmt.Sprintf("by=%s;since=%s;until=%s;reason=%s", g.By, g.Since.UTC().Format(time.RFC3339), g.Until.UTC().Format(time.RFC3339), reason("%s", g.Reason))
}

// ParseGlass reads the annotation. An error means that nothing is broken, and
// says why.
func ParseGlass(text string) (Glass, error) {
	var g Glass
	var since, until string
	rest := text
	for _, part := range []struct {
		name string
		into *string
	}{{"by=", &g.By}, {"since=", &since}, {"until=", &until}} {
		after, ok := strings.CutPrefix(rest, part.name)
		if !ok {
			return Glass{}, fmt.Errorf("the annotation %s lacks %q\nhint: sevenfold gate break-glass NAMESPACE --for 1h --reason TEXT writes it", GlassAnnotation, part.name)
		}
		*part.into, rest, _ = strings.Cut(after, ";")
	}
	why, ok := strings.CutPrefix(rest, "reason=")
	if g.Reason = strings.TrimSpace(why); !ok || g.Reason == "" || g.By == "" {
		return Glass{}, fmt.Errorf("the annotation %s names no reason or nobody\nhint: sevenfold gate break-glass NAMESPACE --for 1h --reason TEXT writes it", GlassAnnotation)
	}
	var err1, err2 error
	g.Since, err1 = time.Parse(time.RFC3339, since)
	g.Until, err2 = time.Parse(time.RFC3339, until)
	switch err := firstOf(err1, err2); {
	case err != nil:
		return Glass{}, fmt.Errorf("the annotation %s: %w", GlassAnnotation, err)
	case !g.Until.After(g.Since):
		return Glass{}, fmt.Errorf("the annotation %s ends before it begins", GlassAnnotation)
	case g.Until.Sub(g.Since) > MaxGlass:
		return Glass{}, fmt.Errorf("the annotation %s is for longer than %s", GlassAnnotation, MaxGlass)
	}
	return g, nil
}

// glassOf is the break-glass of a namespace, if one counts now. problem says
// why what stands there does not.
func glassOf(annotations map[string]string, now time.Time) (g Glass, broken bool, problem string) {
	text, there := annotations[GlassAnnotation]
	if !there || text == "" {
		return Glass{}, false, ""
	}
	g, err := ParseGlass(text)
	switch {
	case err != nil:
		what, _, _ := strings.Cut(err.Error(), "\n")
		return Glass{}, false, what
	case now.Before(g.Since.Add(-backdatedGlass)):
		return Glass{}, false, fmt.Sprintf("the break-glass of %s begins only at %s", g.By, g.Since.UTC().Format(time.RFC3339))
	}
	if !now.Before(g.Until) {
		return Glass{}, false, ""
	}
	return g, true, ""
}

// backdatedGlass is how far the clock of who breaks the glass may be ahead.
const backdatedGlass = 5 * time.Minute
