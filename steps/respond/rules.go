package respond

import "github.com/sevenfold-sec/sevenfold/finding"

// The controls of this step: no expression over one asset decides them.
const (
	Unwired     = "respond-scenario-unwired"
	Blind       = "respond-scenario-blind"
	Unreachable = "respond-owner-unreachable"
	Unrehearsed = "respond-containment-unrehearsed"
	ReturnUnset = "respond-return-unset"
	Overdue     = "respond-exercise-due"
	GapOpen     = "respond-gap-open"
)

// criterionOf is the line of the load table that a rule's findings stand under.
var criterionOf = map[string]string{Unwired: "scenarios", Blind: "scenarios", Unreachable: "owners", Unrehearsed: "containment", ReturnUnset: "return", Overdue: "exercised", GapOpen: "exercised"}

// Rules lists the findings that this step gives, whatever the estate.
func Rules() []finding.Rule {
	return []finding.Rule{
		{ID: Unwired, Step: "respond", Title: "A scenario has no containment that is bound to the workload", Asks: "is there, for each scenario that matters most to it, a containing action on a thing of the workload's own?", Severity: finding.Medium,
			Why: "A procedure that names no role, bucket or deployment of yours is read for the first time in the night it is needed.",
			Fix: "Write a playbook for it beside sevenfold.yaml (scenarios/NAME/playbook.yaml) that acts on what is there; sevenfold respond plan --actions lists what can be done."},
		{ID: Blind, Step: "respond", Title: "Nothing would show a scenario", Asks: "does a rule or model watch for each scenario that matters most, with telemetry that arrives?", Severity: finding.High,
			Why: "A procedure starts when somebody knows. Without a signal that is when a customer calls.",
			Fix: "Have one of the signals' telemetry read (sevenfold detect run), or write a rule for it."},
		{ID: Unreachable, Step: "respond", Title: "Owner or deputy cannot be called", Asks: "are an owner and a deputy named, each with a contact that was reached?", Severity: finding.Medium,
			Why: "Containment waits for whoever may decide. Contacts go stale faster than anything else in a plan.",
			Fix: "Name owner and deputy of the workload, give each a contact under respond.people, and try it: sevenfold respond contacts --send."},
		{ID: Unrehearsed, Step: "respond", Title: "Containment was not rehearsed with the rights to do it", Asks: "was the containment of each scenario that matters most rehearsed, and has the responder the rights?", Severity: finding.High,
			Why: "An action that was never tried fails for want of a right, or breaks what nobody thought of, at the worst time.",
			Fix: "sevenfold respond plan WORKLOAD --rehearse reads what every action would change and says which grants are missing; --grants prints them."},
		{ID: ReturnUnset, Step: "respond", Title: "Nothing says when it may return to production", Asks: "is it written down what is verified before the workload returns?", Severity: finding.Medium,
			Why: "A model with a backdoor in 2% of its training data kept 97.4% accuracy while 99.2% of attacks succeeded: that it works again is no reason.",
			Fix: "respond: {return: [{workload: …, quiet: 24h, probes: probes.yaml}]} in sevenfold.yaml."},
		{ID: Overdue, Step: "respond", Title: "An exercise is due", Asks: "was it exercised within the period and since it last changed?", Severity: finding.Medium,
			Why: "Documents go stale: people leave, endpoints are renamed, rights are taken away.",
			Fix: "sevenfold respond exercise tabletop WORKLOAD"},
		{ID: GapOpen, Step: "respond", Title: "A gap that an exercise showed is open", Asks: "was each gap of an exercise closed?", Severity: finding.Medium,
			Why: "What went wrong in practice goes wrong in earnest.",
			Fix: "Mend it, then say so: sevenfold respond exercise close ID GAP --by NAME --note HOW."},
	}
}

func ruleOf(id string) finding.Rule {
	for _, r := range Rules() {
		if r.ID == id {
			return r
		}
	}
	return finding.Rule{ID: id}
}
