package supply

import "github.com/sevenfold-sec/sevenfold/finding"

// The controls of this step: no expression over one asset decides them.
const (
	Poisoned     = "supply-poisoned-file"
	Unsafe       = "supply-unsafe-use"
	Vulnerable   = "supply-known-vulnerability"
	Floating     = "supply-floating-component"
	Refused      = "supply-signature-refused"
	Unapproved   = "supply-component-not-approved"
	Licence      = "supply-licence-denied"
	Restricted   = "supply-licence-restricts-use"
	LookAlike    = "supply-name-look-alike"
	Withdrawn    = "supply-release-withdrawn"
	Unkept       = "supply-component-unkept"
	Fresh        = "supply-release-too-new"
	Shadow       = "supply-service-unregistered"
	Lapsed       = "supply-service-review-lapsed"
	Terms        = "supply-service-terms"
	Contradicted = "supply-service-contradicted"
	Changed      = "supply-service-changed"
)

// Rules lists the findings that this step gives, whatever the estate.
func Rules() []finding.Rule {
	return []finding.Rule{
		{ID: Poisoned, Step: "supply", Attack: finding.Attack{Entry: "planted", Gives: "changing"}, Title: "A model file does what no model needs", Asks: "is each file that a workload loads free of code that runs when it is loaded?", Severity: finding.Critical,
			Why: "A model file is a program to the framework that loads it. Whoever could write it runs code with the rights of every workload that loads it, on the first start after that.",
			Fix: "Do not load it; put aside what was found, fetch the model anew from its maker by revision and digest, as safetensors, and take the credentials of what loaded it for lost."},
		{ID: Unsafe, Step: "supply", Title: "Code or configuration trusts what it loads, or tells an agent what nobody reads", Asks: "is what is loaded kept from running code, and do tools say only what they do?", Severity: finding.High,
			Why: "Remote code switched on, pickles loaded unchecked and tool descriptions that speak to the model are each a way in for whoever writes the file, the repository or the tool.",
			Fix: "Load safetensors, with weights_only=True and without trust_remote_code; pin and read the tools an agent is given."},
		{ID: Vulnerable, Step: "supply", Title: "A component has a known vulnerability", Asks: "has any component a vulnerability that is known at or above fail_on?", Severity: finding.Critical,
			Why: "What is published is tried against everybody within days.",
			Fix: "Move to the version that mends it, build again, and scan again; where it does not concern you, say so with a VEX statement beside the lock file."},
		{ID: Floating, Step: "supply", Title: "A component is named by what may change", Asks: "is each image, model and tool named by digest, commit or one version?", Severity: finding.High,
			Why: "What was examined is not what runs tomorrow: whoever may move the tag or the branch decides that.",
			Fix: "Name images by digest, models of a hub by commit (revision=…), packages and MCP servers by one version."},
		{ID: Refused, Step: "supply", Title: "A signature does not fit the files", Asks: "does each signature fit what it was made for?", Severity: finding.Critical,
			Why: "The files are not those that were signed: something changed them on the way.",
			Fix: "Do not load them; fetch them anew from where they were signed and find out who could change them."},
		{ID: Unapproved, Step: "supply", Title: "A component was not approved", Asks: "did somebody approve the version that runs?", Severity: finding.High,
			Why: "A registry's approval and a review are the last time that somebody looks before customers do.",
			Fix: "Review it (sevenfold supply review approve PLACE), or serve the version that was approved."},
		{ID: Licence, Step: "supply", Title: "A component has a licence that is denied", Asks: "has any component a licence that sevenfold.yaml denies?", Severity: finding.High,
			Why: "What a licence forbids is dearest to take out once customers rely on it.",
			Fix: "Replace the component, or take the licence off supply.licences.deny."},
		{ID: Restricted, Step: "supply", Title: "A component has a licence that forbids uses", Asks: "does each licence allow the use that is made of the component?", Severity: finding.High,
			Why: "Licences of models forbid commercial use, uses they list, or users above a size: whoever scales meets those first.",
			Fix: "Have the use held against the licence and say so by a review of the component, or take another."},
		{ID: LookAlike, Step: "supply", Title: "A component's name looks like that of a well-known one", Asks: "is each name meant, and not a slip or a trap?", Severity: finding.High,
			Why: "Names one letter off, and names that assistants make up, are registered by those who wait for the slip.",
			Fix: "Compare the name with the one meant; if it is meant, review it by name."},
		{ID: Withdrawn, Step: "supply", Title: "A release was withdrawn", Asks: "does its registry still offer each release that is in use?", Severity: finding.High,
			Why: "Makers take releases back that are broken or were tampered with, and registries remove what is malicious.",
			Fix: "Move to a release that stands; find out why this one was taken back before the next start."},
		{ID: Unkept, Step: "supply", Title: "Nobody looks after a component", Asks: "is each component still mended by somebody?", Severity: finding.Medium,
			Why: "What is deprecated, archived or silent for years is not mended when a fault becomes known, and its name may change hands.",
			Fix: "Move to what its makers name in its place or to one that is kept, or take over its upkeep and say so by a review."},
		{ID: Fresh, Step: "supply", Title: "A release is too new to have been looked at", Asks: "is each release old enough for others to have looked at it?", Severity: finding.Medium,
			Why: "Most malicious releases are found and removed within days: whoever waits does not run them.",
			Fix: "Pin the release before it until this one is a week old, or review it."},
		{ID: Shadow, Step: "supply", Title: "An AI service is used that no register knows", Asks: "does the register know each external API and licensed endpoint in use?", Severity: finding.High,
			Why: "Nobody agreed to its terms, nobody counts its keys, and nobody knows which data it is sent.",
			Fix: "Register it under services: in sevenfold.yaml with its terms reviewed, or take the calls out."},
		{ID: Lapsed, Step: "supply", Title: "The review of an AI service has lapsed", Asks: "is the review of each service in date?", Severity: finding.High,
			Why: "Terms change: what was agreed a year ago may be training data today.",
			Fix: "Read the terms again and set reviewed and expires."},
		{ID: Terms, Step: "supply", Title: "An AI service's terms do not allow what it is sent", Asks: "do the terms of each service allow the data it is sent?", Severity: finding.Critical,
			Why: "Health data without a business associate agreement, personal data without a processing agreement or into training is a breach on the first request.",
			Fix: "Sign what is missing, or keep that data out of what is sent."},
		{ID: Contradicted, Step: "supply", Title: "An AI service is used otherwise than the register says", Asks: "does what is seen in code, gateways and probes agree with the register?", Severity: finding.High,
			Why: "The register is what people decide by; where it is wrong they decide wrongly.",
			Fix: "Change the use or the register, whichever is wrong."},
		{ID: Changed, Step: "supply", Title: "A licensed model changed behind its name", Asks: "does each service still answer as it did when it was last approved?", Severity: finding.High,
			Why: "What was tested and reviewed is not what answers today: accuracy, refusals and what leaks were measured on another model.",
			Fix: "Name a dated version of the model, test again what rests on it, and say so: sevenfold supply review approve service:NAME --reason …"},
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
