package detect

import (
	"slices"
	"strconv"
	"time"
)

// Fine is what a person said to be fine: the patterns of an incident's signals. The like
// of them makes no incident any more; anything else does.
type Fine struct {
	Incident string    `json:"incident"`
	Reason   string    `json:"reason"`
	At       time.Time `json:"at"`
	Patterns []Pattern `json:"patterns"`
}

// Pattern is a signal's pattern; JSON has it in hexadecimal.
type Pattern uint64

// MarshalText implements encoding.TextMarshaler.
func (p Pattern) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatUint(uint64(p), 16)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (p *Pattern) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 16, 64)
	*p = Pattern(n)
	return err
}

// FineOf takes the patterns of an incident.
func FineOf(i *Incident, reason string, now time.Time) Fine {
	f := Fine{Incident: i.ID, Reason: reason, At: now}
	for _, s := range i.Signals {
		if n, err := strconv.ParseUint(s.Pattern, 16, 64); err == nil && !slices.Contains(f.Patterns, Pattern(n)) {
			f.Patterns = append(f.Patterns, Pattern(n))
		}
	}
	return f
}

// Seen is what arrived of one kind of log.
type Seen struct {
	Source string    `json:"source"` // cloudtrail, kubernetes-audit, …
	Events uint64    `json:"events"`
	Last   time.Time `json:"last"` // of the newest event
	First  time.Time `json:"first,omitzero"`
}

// Ruled are the rules that matched when events last came in.
type Ruled struct {
	Keys []string `json:"keys"`
	// Left is how many could not be loaded then.
	Left int `json:"left,omitempty"`
}

// Proof is a synthetic attack that was sent through the real way in.
type Proof struct {
	At time.Time `json:"at"`
	// Marker is the text by which its events are known, Technique what it plays.
	Marker    string `json:"marker"`
	Technique string `json:"technique"`
	// Found says that an incident held one of its events; Seconds is how long that took
	// from the first event, Incident which.
	Found    bool    `json:"found"`
	Seconds  float64 `json:"seconds"`
	Incident string  `json:"incident,omitempty"`
	By       string  `json:"by,omitempty"` // model or a rule
}
