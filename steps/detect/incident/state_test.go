package incident

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// An engine that is written down and read at any moment tells what one tells that never
// was.
func TestWrittenDownItGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var signals []Signal
		at := time.Duration(0)
		for i := range rapid.IntRange(1, 60).Draw(t, "signals") {
			at += time.Duration(rapid.IntRange(0, 90).Draw(t, "minutes")) * time.Minute
			s := signal(i, at, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "who"), rapid.SampledFrom([]string{"x:A", "x:B", "y:C"}).Draw(t, "what"), rapid.Float64Range(1, 6).Draw(t, "surprise"))
			s.Things = rapid.SliceOfN(rapid.SampledFrom([]string{"t1", "t2", "t3"}), 0, 2).Draw(t, "things")
			if s.Drill = rapid.SampledFrom([]string{"", "", "one", "two"}).Draw(t, "drill"); s.Drill != "" {
				s.Played = true
			}
			s.Stage = Stage(rapid.IntRange(0, len(Stages)-1).Draw(t, "stage"))
			signals = append(signals, s)
		}
		cut := rapid.IntRange(0, len(signals)).Draw(t, "cut")
		run := func(cut int) (told []string) {
			b := spending(5)
			o := Options{Budget: b, Raise: func(i *Incident) { told = append(told, fmt.Sprintf("%s %.4f", i.ID, i.Score)) },
				Grow: func(i *Incident) { told = append(told, fmt.Sprintf("%s %.4f %d", i.ID, i.Score, i.Count)) }}
			e := New(o)
			for i, s := range signals {
				if i == cut {
					text, err := json.Marshal(e)
					if err != nil {
						t.Fatal(err)
					}
					e = New(o)
					if err := json.Unmarshal(text, e); err != nil {
						t.Fatal(err)
					}
				}
				e.Add(s)
			}
			return told
		}
		if a, b := run(-1), run(cut); !slices.Equal(a, b) {
			t.Fatalf("told\n%q\nand, written down before signal %d,\n%q", a, cut, b)
		}
	})
	if err := json.Unmarshal([]byte(`{"format":2}`), New(Options{})); err == nil {
		t.Error("a format of the future was read")
	}
}
