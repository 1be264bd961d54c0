// Package finding holds what the seven steps say of an estate: the outcome of a
// control on an asset, the finding a failing or undecided one becomes, and the
// criteria a workload must pass before it may be scaled.
package finding

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Outcome of a control on one asset. There is no fifth: an error is Unknown.
type Outcome string

// The outcomes.
const (
	Pass    Outcome = "pass"
	Fail    Outcome = "fail"
	NA      Outcome = "n/a"
	Unknown Outcome = "unknown"
)

// Severity of a fault, before its context is known.
type Severity string

// The severities, worst first.
const (
	Critical Severity = "critical"
	High     Severity = "high"
	Medium   Severity = "medium"
	Low      Severity = "low"
	Info     Severity = "info"
)

var ranks = map[Severity]int{Critical: 4, High: 3, Medium: 2, Low: 1, Info: 0}

// ParseSeverity reads a severity as sevenfold.yaml spells it.
func ParseSeverity(s string) (Severity, error) {
	if _, ok := ranks[Severity(s)]; !ok {
		return "", fmt.Errorf("severity %q is none of critical, high, medium, low, info", s)
	}
	return Severity(s), nil
}

// Rank orders severities: 4 for critical down to 0 for info.
func (s Severity) Rank() int { return ranks[s] }

// AtLeast reports whether s is as bad as t or worse.
func (s Severity) AtLeast(t Severity) bool { return s.Rank() >= t.Rank() }

// Finding is a control's fail or unknown on one asset, with proof and mend.
type Finding struct {
	// ID is stable from run to run and from plan to live: see NewID.
	ID         string     `json:"id"`
	Control    string     `json:"control"`
	Step       string     `json:"step"`
	Status     Outcome    `json:"status"` // fail or unknown
	Severity   Severity   `json:"severity"`
	Asset      string     `json:"asset"`
	Title      string     `json:"title"`
	Evidence   []Evidence `json:"evidence"`
	Fix        Fix        `json:"fix"`
	Risk       *Risk      `json:"risk"`
	Frameworks []string   `json:"frameworks"`
	Techniques []string   `json:"techniques"`
	Waiver     *Waiver    `json:"waiver"`
	// Tools are the other tools that saw the fault too, with their versions, or
	// that alone did; empty: none but sevenfold.
	Tools []string `json:"tools,omitempty"`
}

// Evidence is one fact a finding rests on. Value never holds a secret or a
// personal value: at most a masked sample.
type Evidence struct {
	What  string `json:"what"`
	Where string `json:"where"` // "config.PublicAccessBlockConfiguration", "policy p1, statement 2"
	Value string `json:"value"`
}

// Fix says how a finding is mended and what that costs.
type Fix struct {
	Text     string   `json:"text"`
	Commands []string `json:"commands,omitempty"`
	Patch    string   `json:"patch,omitempty"`
	Effort   string   `json:"effort"` // minutes | hours | days
	Disrupts []string `json:"disrupts,omitempty"`
	// Grows says what the work has to be done for again, so that it is dearer
	// the more of that there is; empty in a finding of no control.
	Grows Growth `json:"grows,omitempty"`
	// Cost is what mending costs now and after scaling; nil where nobody reckoned.
	Cost *Cost `json:"cost,omitempty"`
}

// Risk is a finding's priority in context, 0 to 100, with what made it so.
type Risk struct {
	Score   int      `json:"score"`
	Path    []string `json:"path"`
	Factors []string `json:"factors"`
}

// Waiver is a named person's acceptance of a failing or undecided criterion.
type Waiver struct {
	Criterion string `json:"criterion"` // "network.egress" or "network.*"
	Workload  string `json:"workload"`
	Reason    string `json:"reason"`
	Owner     string `json:"owner"`
	Expires   string `json:"expires"` // RFC 3339 date
	// Signature of an approver in standard base64; empty where none signed.
	Signature string `json:"signature,omitempty"`
}

// NewID returns the stable identifier of a finding: a hash of its control, its
// asset and the key of its evidence (empty where an asset can fail a control in
// one way only).
func NewID(control, asset, key string) string {
	h := sha256.New()
	for _, s := range []string{control, asset, key} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return "F-" + hex.EncodeToString(h.Sum(nil)[:8])
}
