package respond

import (
	"fmt"
	"strconv"
	"time"
)

// Scored is one inject of a tabletop, as it was answered against what was expected. Its times
// are of the exercise, from its start, in nanoseconds.
type Scored struct {
	Inject string `json:"inject"`
	Role   string `json:"role"`
	// Came is when it came, Until by when it was to be answered.
	Came  time.Duration `json:"came"`
	Until time.Duration `json:"until"`
	// Reached says that somebody answered it, at Answered.
	Reached  bool          `json:"reached"`
	Answered time.Duration `json:"answered"`
	By       string        `json:"by"`
	Answer   string        `json:"answer"`
	Expected string        `json:"expected"` // the best choice; words where there is none
	Points   int           `json:"points"`
	Best     int           `json:"best"`
	Late     bool          `json:"late"`
	Gap      string        `json:"gap,omitempty"`
}

// When says when it was answered.
func (s Scored) When() string {
	switch {
	case !s.Reached:
		return "not answered"
	case s.Late:
		return minutes(s.Answered) + ", late"
	}
	return minutes(s.Answered)
}

// Score is what it brought of the best.
func (s Scored) Score() string {
	if s.Best == 0 {
		return "-"
	}
	return fmt.Sprintf("%d of %d", s.Points, s.Best)
}

// minutes is exercise time as a clock: minutes and seconds from its start.
func minutes(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%02d:%02d", int(d/time.Minute), int(d%time.Minute/time.Second))
}

// Scores are the injects of an exercise beside the decisions on them, in order; of those that
// nobody came to the answer is empty.
func (e *Exercise) Scores(decisions []Decision) []Scored {
	out := make([]Scored, 0, len(e.Injects))
	for n := range e.Injects {
		in := &e.Injects[n]
		s := Scored{Inject: in.ID, Role: in.Role, Came: in.At, Until: in.At + e.Until(n), Expected: "in words"}
		for k, c := range in.Choices {
			if k == 0 || c.Points > s.Best {
				s.Best, s.Expected = c.Points, strconv.Itoa(k+1)+", "+c.Text
			}
		}
		if n < len(decisions) {
			d := &decisions[n]
			s.Reached, s.Answered, s.By, s.Answer, s.Points, s.Late, s.Gap = true, d.At, d.By, d.Text, d.Points, d.Late, d.Gap
			if d.Choice > 0 && d.Choice <= len(in.Choices) {
				s.Answer = strconv.Itoa(d.Choice) + ", " + in.Choices[d.Choice-1].Text
				if d.Text != "" {
					s.Answer += " — " + d.Text
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// Scores are those of a tabletop; nil for anything else.
func (i *Incident) Scores() []Scored {
	if i.table == nil || i.table.Exercise == nil {
		return nil
	}
	return i.table.Exercise.Scores(i.table.decisions)
}

// Wall is how long a tabletop took on the clock on the wall, pauses in it; zero for anything
// else.
func (i *Incident) Wall() time.Duration {
	if i.table == nil || len(i.Entries) == 0 {
		return 0
	}
	return i.Entries[len(i.Entries)-1].Time.Sub(i.At[Detected])
}

// played tells a tabletop in the time that it plays.
func (v *reviewed) played(i *Incident) {
	v.Scored = i.Scores()
	v.Wall = fmt.Sprintf("It was played from %s to %s, %s on the clock on the wall.", i.At[Detected].UTC().Format(time.RFC3339), i.At[Detected].Add(i.Wall()).UTC().Format(time.RFC3339), i.Wall().Round(time.Second))
	v.Spans = []span{{Detected, minutes(0), ""}}
	last := time.Duration(0)
	for n, s := range v.Scored {
		if !s.Reached {
			break
		}
		v.Lines = append(v.Lines, line{minutes(s.Answered), Entry{By: s.By, What: s.Inject, Text: s.Answer}})
		if to := i.table.Exercise.Injects[n].Moves; to != "" {
			v.Spans = append(v.Spans, span{to, minutes(s.Answered), (s.Answered - last).Round(time.Second).String()})
			last = s.Answered
		}
	}
	if n := len(i.Entries); i.CalledOff() && n > 0 {
		v.Lines = append(v.Lines, line{"-", i.Entries[n-1]})
	}
}
