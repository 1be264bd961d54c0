// Package gate is the door between an AI workload and its scaling: it holds the
// load table (what a workload needs before it may be scaled), turns criteria
// into a verdict, and applies waivers. It decides; the steps supply the facts.
package gate

import "strings"

// Line is one line of the load table: a criterion every workload is asked for.
type Line struct {
	ID   string // "audit.inventory"
	Asks string // what must hold, as one clause
	// Next is the command or setting that brings an undecided line nearer.
	Next string
}

// Step is one of the seven, with its lines in order.
type Step struct {
	ID    string // "audit"
	Title string
	Lines []Line
}

// Table returns the load table: seven steps, thirty-five lines, in the order a
// company climbs them. The caller may keep and change the result.
func Table() []Step {
	return []Step{
		step("audit", "Audit",
			"inventory", "every source in scope was read completely", "sevenfold inventory",
			"ownership", "owner, zone and purpose are known for each AI asset", "declare them under workloads: in sevenfold.yaml",
			"deviations", "no open deviation at or above fail_on on the workload and what it reaches", "sevenfold audit",
			"baseline", "an approved, signed baseline exists", "sevenfold baseline approve",
			"drift", "nothing differs from the baseline unexplained", "sevenfold drift"),
		step("access", "Access",
			"identities", "everyone who can act on or as the workload is known", "sevenfold access",
			"escalation", "none of them can become administrator", "sevenfold access escalations",
			"scope", "nothing is granted beyond the task, and no stranger reaches its model, data or endpoint", "sevenfold access rightsize",
			"unused", "nothing is granted and unused, no test-time grant outlives its experiment", "sevenfold access unused",
			"credentials", "no long-lived or stale key", "sevenfold access"),
		step("data", "Data",
			"classified", "every store it touches is classified, with stated confidence", "sevenfold data scan",
			"controls", "each store has the controls its labels demand", "sevenfold data",
			"flows", "labelled data lies only in approved systems", "sevenfold data flows",
			"retention", "retention is set, met, and destruction evidenced", "sevenfold data retention"),
		step("detect", "Detect",
			"telemetry", "API, data-access, configuration and sign-in events arrive, fresh", "sevenfold detect run",
			"baseline", "normal behaviour was learnt for long enough", "sevenfold detect learn",
			"budget", "false alerts stay within budget", "sevenfold detect replay",
			"proof", "injected attacks were seen end to end", "sevenfold detect prove",
			"incidents", "no incident is open at or above fail_on", "sevenfold detect incidents"),
		step("supply", "Supply chain",
			"inventory", "the AI bill of materials is complete", "sevenfold supply bom",
			"artifacts", "no malicious or unsafe file, and integrity holds", "sevenfold supply scan",
			"vulnerabilities", "no known vulnerability at or above fail_on, watched after deployment", "sevenfold supply watch",
			"provenance", "source, upkeep, licence and signature are known", "sevenfold supply",
			"services", "each external API and licensed endpoint is reviewed and in date", "sevenfold supply services"),
		step("network", "Network",
			"zones", "each component is in exactly one zone", "sevenfold network zones",
			"isolation", "no path joins training and production", "sevenfold network matrix",
			"addresses", "serving lives apart from development", "sevenfold network zones",
			"egress", "pipelines reach only what is declared", "sevenfold network recommend",
			"exposure", "nothing is open to the internet unintended", "sevenfold network can internet WORKLOAD",
			"observed", "flows seen agree with flows allowed", "sevenfold network observed"),
		step("respond", "Respond",
			"scenarios", "the top risks have a procedure wired to live signals", "sevenfold respond scenarios",
			"owners", "owners are named and reachable, with deputies", "sevenfold respond plan",
			"containment", "containment was rehearsed in dry run with the rights to do it", "sevenfold respond exercise",
			"return", "what must be verified before production is set", "sevenfold respond plan",
			"exercised", "exercised within its period and since the last material change", "sevenfold respond exercise"),
	}
}

// step builds a Step from triples of name, clause and next command.
func step(id, title string, triples ...string) Step {
	s := Step{ID: id, Title: title}
	for i := 0; i+2 < len(triples); i += 3 {
		s.Lines = append(s.Lines, Line{ID: id + "." + triples[i], Asks: triples[i+1], Next: triples[i+2]})
	}
	return s
}

// Find returns the line with the given criterion id.
func Find(id string) (Line, bool) {
	for _, s := range Table() {
		if !strings.HasPrefix(id, s.ID+".") {
			continue
		}
		for _, l := range s.Lines {
			if l.ID == id {
				return l, true
			}
		}
	}
	return Line{}, false
}
