package admission

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// read reads the copy as the policies do.
func read(t interface{ Fatalf(string, ...any) }, annotations map[string]string, key string) (limit int, why string) {
	limits := annotations[LimitsAnnotation]
	_, rest, ok := strings.Cut(limits, ";"+key+"=")
	if !ok {
		_, rest, _ = strings.Cut(limits, ";*=")
	}
	entry, _, _ := strings.Cut(rest, ";")
	number, reason, _ := strings.Cut(entry, ":")
	limit, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("%s: %v in %q", key, err, limits)
	}
	if _, rest, ok := strings.Cut("\n"+annotations[ReasonsAnnotation], "\n"+reason+" "); ok {
		why, _, _ = strings.Cut(rest, "\n")
	}
	return limit, why
}

func TestAnnotations(t *testing.T) {
	v := &Verdict{
		Unlisted: 2,
		Limits:   map[string]int{"Deployment/a": 5, "Deployment/ab": 7, "StatefulSet/a": 0, "Deployment/c": 5},
		Reasons:  map[string]string{"Deployment/a": "certificate 7 allows 5", "Deployment/c": "certificate 7 allows 5", "StatefulSet/a": "it expired", "Deployment/d": "it is forged"},
	}
	want := map[string]string{
		LimitsAnnotation:  ";*=2:;StatefulSet/a=0:0;Deployment/a=5:1;Deployment/ab=7:;Deployment/c=5:1;Deployment/d=2:2;",
		ReasonsAnnotation: "0 it expired\n1 certificate 7 allows 5\n2 it is forged\n",
	}
	if diff := cmp.Diff(want, v.Annotations()); diff != "" {
		t.Error(diff)
	}
}

// Whatever a verdict holds, its copy has room in a namespace, is read as the
// verdict says while there is room, and never allows more.
func TestAnnotationsNeverAllowMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		long := rapid.SampledFrom([]int{8, 60, 253}).Draw(t, "length of names")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "limits"), 0))
		v := &Verdict{Unlisted: rapid.IntRange(0, 3).Draw(t, "unlisted"), Limits: map[string]int{}, Reasons: map[string]string{}}
		for i := range rapid.IntRange(0, maxListed).Draw(t, "objects") {
			key := fmt.Sprintf("%s/%0*d", []string{"Deployment", "StatefulSet"}[i%2], long, i)
			v.Limits[key] = rng.IntN(10)
			if i%3 > 0 {
				v.Reasons[key] = reason("certificate %d of workload %s allows it", i%7, strings.Repeat("w", long*2))
			}
		}
		annotations := v.Annotations()
		whole := true
		for key := range v.Limits {
			whole = whole && strings.Contains(annotations[LimitsAnnotation], ";"+key+"=")
		}
		if n := len(annotations[LimitsAnnotation]) + len(annotations[ReasonsAnnotation]); n > 208<<10 {
			t.Fatalf("%d bytes are too many for a namespace's annotations", n)
		}
		if short := long < 253; short && !whole {
			t.Fatalf("objects are missing though there was room")
		}
		for _, key := range append([]string{"Deployment/unheard-of"}, keysOf(v.Limits)...) {
			got, why := read(t, annotations, key)
			if got > v.limit(key) || whole && got != v.limit(key) {
				t.Fatalf("%s: the copy allows %d, the verdict %d", key, got, v.limit(key))
			}
			if want := v.Reasons[key]; why != "" && why != want || whole && long < 253 && why != want {
				t.Fatalf("%s: because %q, want %q", key, why, want)
			}
		}
	})
}

func keysOf(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}
