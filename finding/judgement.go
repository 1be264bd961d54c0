package finding

// Judgement is what one step says of the finished graph: its findings, and the
// criteria it decided for each workload, by workload id. A line of the load
// table that a step leaves out is undecided.
type Judgement struct {
	Findings []Finding
	Criteria map[string][]Criterion
}
