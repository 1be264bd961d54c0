package finding

// Rule is what there is to say of a finding that a step gives by itself, where no
// expression over one asset decides it and so no control does.
type Rule struct {
	ID, Step, Title, Asks, Why string
	// Severity is the worst that its findings have; each has its own.
	Severity Severity
	Fix      string
	// InvalidFor says what the question is not asked of.
	InvalidFor []string
}
