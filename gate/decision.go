package gate

import "github.com/sevenfold-sec/sevenfold/finding"

// Word is what the gate answers to who asks whether something may grow.
type Word string

// The words.
const (
	Admit   Word = "admit"
	Refuse  Word = "refuse"
	Unclear Word = "unknown"
)

// Decision is the gate's answer, with a reason for each thing that speaks
// against it. An admission may have reasons too: what was looked at and why it
// does not matter.
type Decision struct {
	Decision Word     `json:"decision"`
	Reasons  []Reason `json:"reasons"`
	// Blockers are the reasons by root cause, of gate check.
	Blockers []Blocker `json:"blockers,omitempty"`
}

// Reason is one thing that speaks for the word.
type Reason struct {
	// Workload by name, Criterion by id ("audit.deviations"), Address of the
	// resource in the plan or cluster; each empty where there is none.
	Workload  string `json:"workload"`
	Criterion string `json:"criterion"`
	Address   string `json:"address"`
	// Text is a whole sentence that says what is wrong and what mends it.
	Text string `json:"text"`
	// Weight is the word this reason alone would make: Admit for what was looked
	// at and does not matter.
	Weight Word `json:"weight,omitempty"`
}

// Exit is the process exit code of the word.
func (d Decision) Exit() int {
	switch d.Decision {
	case Admit:
		return 0
	case Refuse:
		return 1
	}
	return 3
}

// Refused is the decision that reasons make: none admit, any refuse.
func Refused(reasons []Reason) Decision {
	d := Decision{Decision: Admit, Reasons: reasons}
	if len(reasons) > 0 {
		d.Decision = Refuse
	}
	if d.Reasons == nil {
		d.Reasons = []Reason{}
	}
	return d
}

// CheckVerdict is the decision that a workload's verdict makes, with its open
// criteria as reasons, failing ones first.
func CheckVerdict(workload string, criteria []finding.Criterion) Decision {
	d := Decision{Reasons: []Reason{}}
	for _, status := range []finding.CriterionStatus{finding.CriterionFail, finding.CriterionUnknown} {
		for _, c := range criteria {
			if c.Status == status {
				d.Reasons = append(d.Reasons, Reason{Workload: workload, Criterion: c.ID, Text: c.Reason})
			}
		}
	}
	switch Decide(criteria) {
	case finding.Ready:
		d.Decision = Admit
	case finding.NotReady:
		d.Decision = Refuse
	default:
		d.Decision = Unclear
	}
	return d
}
