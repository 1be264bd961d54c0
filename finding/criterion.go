package finding

// CriterionStatus is the state of one line of the load table for a workload.
type CriterionStatus string

// The criterion states. A pass has evidence; nothing examined is CriterionUnknown.
const (
	CriterionPass    CriterionStatus = "pass"
	CriterionFail    CriterionStatus = "fail"
	CriterionNA      CriterionStatus = "n/a"
	CriterionUnknown CriterionStatus = "unknown"
	CriterionWaived  CriterionStatus = "waived"
)

// Criterion is one line of the load table for one workload.
type Criterion struct {
	ID       string          `json:"id"` // "audit.inventory"
	Status   CriterionStatus `json:"status"`
	Reason   string          `json:"reason"`
	Evidence []Claim         `json:"evidence"`
	Findings []string        `json:"findings"` // finding ids
	// Hint is the next grant or command, for an unknown or failing criterion.
	Hint string `json:"hint,omitempty"`
	// Waiver that turned a fail or unknown into waived, and which it was.
	Waiver *Waiver         `json:"waiver,omitempty"`
	Was    CriterionStatus `json:"was,omitempty"`
}

// Claim is what a criterion's status rests on: how many of how many things
// were examined, and where they came from.
type Claim struct {
	Claim    string `json:"claim"`
	Examined int    `json:"examined"`
	Of       int    `json:"of"`
	Source   string `json:"source"`
}

// Verdict on a workload.
type Verdict string

// The verdicts.
const (
	Ready          Verdict = "ready"
	NotReady       Verdict = "not-ready"
	VerdictUnknown Verdict = "unknown"
)

// Workload is an AI workload as the steps and the gate see it.
type Workload struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Type    string   `json:"type"` // estate.Root.Class
	Zone    string   `json:"zone"`
	Owner   string   `json:"owner"`
	Purpose string   `json:"purpose,omitempty"`
	Roots   []string `json:"roots"`
	// Members are the ids of the assets it is made of, roots included; Touches
	// are those outside it that it reads, writes, serves or runs as.
	Members []string `json:"members"`
	Touches []string `json:"touches"`
	// Why says why it is a workload and which line of sevenfold.yaml corrects it.
	Why string `json:"why,omitempty"`
}
