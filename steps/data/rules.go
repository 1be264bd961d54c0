package data

import "github.com/sevenfold-sec/sevenfold/finding"

// The findings of this step: no expression over one asset decides them.
const (
	Strayed    = "data-label-unapproved-system"
	Uncontrol  = "data-control-missing"
	TagDrift   = "data-tag-contradicts-content"
	Overdue    = "data-retention-unmet"
	OpenErase  = "data-erasure-open"
	Groundless = "data-purpose-unstated"
)

// Rules lists the findings that this step gives, whatever the estate.
func Rules() []finding.Rule {
	return []finding.Rule{
		{ID: Strayed, Step: "data", Title: "Sensitive data reaches a system that is not approved for it", Asks: "does each label lie only in systems that the policy approves for it?", Severity: finding.High,
			Why: "Data goes where jobs carry it: into features, models, endpoints and logs, which nobody thought of when it was collected. A model that learnt from it can give it back.",
			Fix: "Stop the flow named below, take the data out on the way (a declassifier whose output is scanned), or approve the system in sevenfold.yaml (data: approved: …).", InvalidFor: []string{"labels that the policy names no system for: those are undecided"}},
		{ID: Uncontrol, Step: "data", Title: "A store lacks a control that its labels demand", Asks: "does each store with labelled data have the controls that its labels demand?", Severity: finding.High,
			Why: "What a store needs follows from what is in it: health records in a bucket that nobody logs are lost without anyone noticing.",
			Fix: "Set the control named below, move the data, or state other demands in sevenfold.yaml (data: controls: …)."},
		{ID: TagDrift, Step: "data", Title: "A tag says less than what was found", Asks: "do the tags of a store name all the labels that a scan found in it?", Severity: finding.Medium,
			Why: "People and policies go by the tag. A store tagged public that holds personal data is shared without a second thought.",
			Fix: "Correct the tag, or take the data away."},
		{ID: Overdue, Step: "data", Title: "Data is kept longer than its period", Asks: "does a rule end each labelled store's data, old versions, unfinished uploads and copies within the period of its labels?", Severity: finding.High,
			Why: "GDPR, article 5(1)(e), and HIPAA ask that data is kept no longer than needed. Old versions, replicas and derived copies outlive what was deleted.",
			Fix: "Set the lifecycle rule below, and delete what is over its period: sevenfold data retention lists it."},
		{ID: OpenErase, Step: "data", Title: "An erasure was asked for and is not done", Asks: "is each erasure that was begun closed by a signed record?", Severity: finding.High,
			Why: "A subject's right to be forgotten (GDPR, article 17) covers copies, old versions and the models that were trained on the data.",
			Fix: "Delete what the case lists, train the models again without it or record why not, and close the case: sevenfold data erase --close."},
		{ID: Groundless, Step: "data", Title: "Personal data is used without a stated purpose and basis", Asks: "does sevenfold.yaml state purpose and legal basis for each label a workload uses, with an assessment in date?", Severity: finding.Medium,
			Why: "GDPR, articles 5, 6, 30 and 35: processing needs a purpose, a basis, a record, and an assessment where the risk is high.",
			Fix: "State it: data: purposes: - {label: PII, purpose: …, basis: …, dpia: {document: …, approved: …}}."},
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
