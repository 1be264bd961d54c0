package admission

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGlassAsWritten(t *testing.T) {
	g := Glass{By: "alice", Reason: "the certificate's key is lost; INC-7", Since: today, Until: today.Add(time.Hour)}
	got, err := ParseGlass(g.String())
	if d := cmp.Diff(g, got); err != nil || d != "" {
		t.Errorf("%v, -want +got:\n%s", err, d)
	}
	for text, want := range map[string]string{
		"":             `lacks "by="`,
		"by=a;until=x": `lacks "since="`,
		"by=a;since=2026-11-28T12:00:00Z;until=2026-11-28T13:00:00Z;":          "names no reason or nobody",
		"by=a;since=2026-11-28T12:00:00Z;until=2026-11-28T13:00:00Z;reason= ":  "names no reason or nobody",
		"by=;since=2026-11-28T12:00:00Z;until=2026-11-28T13:00:00Z;reason=x":   "names no reason or nobody",
		"by=a;since=yesterday;until=2026-11-28T13:00:00Z;reason=x":             "cannot parse",
		"by=a;since=2026-11-28T12:00:00Z;until=2026-11-28T12:00:00Z;reason=x":  "ends before it begins",
		"by=a;since=2026-11-28T12:00:00Z;until=2026-11-29T12:00:01Z;reason=x":  "is for longer than 24h0m0s",
		"by=a;since=2026-11-28T12:00:00Z;until=2026-11-28T13:00:00Z;reasons=x": "names no reason or nobody",
	} {
		if _, err := ParseGlass(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// Break-glass opens growth for its time and no longer, and leaves a trace.
func TestBreakGlass(t *testing.T) {
	w := newTown(t, everyKind())
	now := today
	clock := func() time.Time { return now }
	w.c.now, w.d.now, w.c.census.now = clock, clock, clock
	grow := func() string { return w.create("dev", "RayCluster.ray.io", "c", rayCluster(9)) }
	w.want("at most 1 allowed", grow())
	w.m.carries["fraud"][GlassAnnotation] = "by=alice;since=2026-11-28T12:00:00Z;until=2026-12-28T12:00:00Z;reason=too long"
	w.want("at most 1 allowed", grow())
	w.m.carries["fraud"][GlassAnnotation] = "by=alice;since=2026-11-28T13:00:00Z;until=2026-11-28T14:00:00Z;reason=later"
	w.want("at most 1 allowed", grow())
	glass := Glass{By: "alice", Reason: "INC-7", Since: today, Until: today.Add(time.Hour)}.String()
	w.m.carries["fraud"][GlassAnnotation] = glass
	w.want("", grow())
	next, err := w.c.reconcile(t.Context())
	if v, _ := parseVerdict(w.m.verdicts["fraud"]); err != nil || v.BreakGlass != glass || !next.Equal(today.Add(time.Hour)) {
		t.Errorf("verdict %+v, looked at again at %v, %v", v, next, err)
	}
	if limits := w.m.carries["fraud"][LimitsAnnotation]; limits != ";*=999999999:;" {
		t.Errorf("the floor has %q", limits)
	}
	w.m.carries["fraud"][GlassAnnotation] = glass
	// Nobody's word makes somebody else's object.
	w.want("only controllers the gate knows may say so", w.create("dev", "Pod", "q", owns("ray.io/v1", "RayCluster", "c")+`|"spec":{}`))
	now = today.Add(time.Hour)
	w.want("at most 1 allowed", grow()) // before anybody has looked
	w.reconcile()
	if v, _ := parseVerdict(w.m.verdicts["fraud"]); v.BreakGlass != "" || w.m.carries["fraud"][LimitsAnnotation] == ";*=999999999:;" {
		t.Errorf("it does not end by itself: %+v", v)
	}
	w.h.told.Wait()
	all := strings.Join(w.m.events, "\n")
	for _, want := range []string{"GlassBroken growth needs no certificate: by=alice", "GrownByBreakGlass RayCluster.ray.io/c grew from 0 to 9 replicas, asked for by dev, without a certificate: by=alice", "GlassWhole"} {
		if !strings.Contains(all, want) {
			t.Errorf("no event says %q:\n%s", want, all)
		}
	}
}

// What is read is written the same again, and never lasts longer than it may.
func FuzzParseGlass(f *testing.F) {
	f.Add(Glass{By: "alice", Reason: "INC-7", Since: today, Until: today.Add(time.Hour)}.String())
	f.Add("by=a;since=2026-11-28T12:00:00Z;until=2026-11-28T13:00:00Z;reason=;;reason=x")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := ParseGlass(text)
		if err != nil {
			return
		}
		again, err := ParseGlass(g.String())
		if err != nil || !again.Until.Equal(g.Until.Truncate(time.Second)) || again.By != g.By || g.Until.Sub(g.Since) > MaxGlass {
			t.Errorf("%q reads as %+v, written as %q it reads as %+v, %v", text, g, g.String(), again, err)
		}
	})
}
