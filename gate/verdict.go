package gate

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Complete returns the full load table for one workload: the criteria the
// steps decided in table order, and for each line no step has decided an
// unknown one that says so. A pass without evidence does not stand: it
// becomes unknown, because nothing examined is nothing known.
func Complete(decided []finding.Criterion) []finding.Criterion {
	byID := make(map[string]finding.Criterion, len(decided))
	for _, c := range decided {
		byID[c.ID] = c
	}
	var all []finding.Criterion
	for _, s := range Table() {
		for _, l := range s.Lines {
			c, ok := byID[l.ID]
			if !ok {
				c = NotBuilt(l)
			}
			all = append(all, sound(c, l))
		}
	}
	return all
}

// NotBuilt is the criterion of a line whose step this version cannot decide.
func NotBuilt(l Line) finding.Criterion {
	return finding.Criterion{
		ID:       l.ID,
		Status:   finding.CriterionUnknown,
		Reason:   "not built: this version does not decide whether " + l.Asks,
		Evidence: []finding.Claim{},
		Findings: []string{},
		Hint:     fmt.Sprintf("waive it by name under gate.waivers (criterion: %s) until a version decides it", l.ID),
	}
}

// sound holds a step to the rule that a pass, and an n/a, rest on something
// examined.
func sound(c finding.Criterion, l Line) finding.Criterion {
	if c.Evidence == nil {
		c.Evidence = []finding.Claim{}
	}
	if c.Findings == nil {
		c.Findings = []string{}
	}
	switch c.Status {
	case finding.CriterionPass, finding.CriterionNA:
		for _, e := range c.Evidence {
			if e.Examined > 0 {
				return c
			}
		}
		c.Status, c.Reason = finding.CriterionUnknown, "nothing was examined to show that "+l.Asks
	case finding.CriterionFail, finding.CriterionUnknown, finding.CriterionWaived:
	default:
		c.Reason = fmt.Sprintf("undecided: the step gave the status %q", c.Status)
		c.Status = finding.CriterionUnknown
	}
	if c.Hint == "" && c.Status != finding.CriterionPass && c.Status != finding.CriterionNA {
		c.Hint = l.Next
	}
	return c
}

// Decide turns a workload's complete criteria into its verdict: any fail is
// not ready, else any unknown is unknown, else ready. No criteria at all is
// unknown.
func Decide(criteria []finding.Criterion) finding.Verdict {
	v := finding.Ready
	if len(criteria) == 0 {
		v = finding.VerdictUnknown
	}
	for _, c := range criteria {
		switch c.Status {
		case finding.CriterionFail:
			return finding.NotReady
		case finding.CriterionPass, finding.CriterionNA, finding.CriterionWaived:
		default:
			v = finding.VerdictUnknown
		}
	}
	return v
}

// Exit is the process exit code of a set of verdicts: 1 if any is not ready,
// else 3 if any is unknown or there is none, else 0.
func Exit(verdicts []finding.Verdict) int {
	code := 0
	if len(verdicts) == 0 {
		return 3
	}
	for _, v := range verdicts {
		switch v {
		case finding.Ready:
		case finding.NotReady:
			return 1
		default:
			code = 3
		}
	}
	return code
}
