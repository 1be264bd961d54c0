package respond

import (
	"slices"
	"time"
)

// Times are medians of how long it took, from when it began, to detect, and from detection
// to acknowledge and to contain.
type Times struct {
	// Times is how many incidents and live exercises they are of, at most.
	Times int `json:"times"`
	// Medians; zero: none of them came to that.
	Detect      time.Duration `json:"mttd"`
	Acknowledge time.Duration `json:"mtta"`
	Contain     time.Duration `json:"mttc"`
}

// Metrics are the times of one scenario: over all that is recorded, and month by month.
type Metrics struct {
	Scenario string `json:"scenario"`
	Times
	// Months are those in which something was detected, the earliest first.
	Months []Month `json:"months"`
}

// Month are the times of what was detected in a month (UTC).
type Month struct {
	Month string `json:"month"` // 2026-11
	Times
}

// measured are times as they were taken.
type measured struct{ detect, ack, contain []time.Duration }

func (t *measured) times() Times {
	return Times{max(len(t.detect), len(t.ack), len(t.contain)), median(t.detect), median(t.ack), median(t.contain)}
}

// Measure takes times from incidents (from detection on) and from exercises. Tabletops
// play time and are left out.
func Measure(incidents []*Incident, records []Record) []Metrics {
	by := map[string]map[string]*measured{} // scenario, month; "": all of them
	of := func(scenario string, at time.Time) []*measured {
		if by[scenario] == nil {
			by[scenario] = map[string]*measured{}
		}
		var out []*measured
		for _, month := range []string{"", at.UTC().Format("2006-01")} {
			if by[scenario][month] == nil {
				by[scenario][month] = &measured{}
			}
			out = append(out, by[scenario][month])
		}
		return out
	}
	for _, i := range incidents {
		if i.Exercise || i.Scenario == "" {
			continue
		}
		from := i.At[Detected]
		for _, t := range of(i.Scenario, from) {
			if !i.Began.IsZero() {
				t.detect = append(t.detect, i.known().Sub(i.Began))
			}
			if a := i.acknowledged(); !a.IsZero() {
				t.ack = append(t.ack, a.Sub(from))
			}
			if c, ok := i.At[Contained]; ok {
				t.contain = append(t.contain, c.Sub(from))
			}
		}
	}
	for _, r := range records {
		if r.Kind != LiveFire {
			continue
		}
		for _, t := range of(r.Scenario, r.At) {
			for _, p := range []struct {
				into *[]time.Duration
				took time.Duration
			}{{&t.detect, r.Detect}, {&t.ack, r.Acknowledge}, {&t.contain, r.Contain}} {
				if p.took > 0 {
					*p.into = append(*p.into, p.took)
				}
			}
		}
	}
	var out []Metrics
	for _, s := range sortedKeys(by) {
		m := Metrics{Scenario: s, Times: by[s][""].times(), Months: []Month{}}
		for _, month := range sortedKeys(by[s]) {
			if month != "" {
				m.Months = append(m.Months, Month{month, by[s][month].times()})
			}
		}
		out = append(out, m)
	}
	return out
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[(len(d)-1)/2]
}
