package supply

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/mlflow"
)

// approvals are the marks by which MLflow's own documentation says that a version may be
// served; a company may name its own (supply.approved_by).
var approvals = []string{"alias:champion", "stage:Production", "tag:validation_status=approved"}

// standing is what a registry says of a version: approved, bad (it may not be served), or
// neither.
func standing(v mlflow.Version, marks []string) (word string, approved, bad bool) {
	validation := strings.ToLower(v.Tags["validation_status"])
	switch {
	case v.Status != "" && v.Status != "READY":
		return "not ready (" + v.Status + ")", false, true
	case v.Stage == "Archived":
		return "archived", false, true
	case validation == "rejected" || validation == "failed":
		return validation, false, true
	}
	own := len(marks) > 0
	if !own {
		marks = approvals
	}
	for _, m := range marks {
		how, what, _ := strings.Cut(m, ":")
		key, value, _ := strings.Cut(what, "=")
		if how == "alias" && slices.Contains(v.Aliases, what) || how == "stage" && v.Stage == what || how == "tag" && v.Tags[key] == value && value != "" {
			return "approved by " + m, true, false
		}
	}
	switch {
	case v.Aliases == nil && slices.ContainsFunc(marks, func(m string) bool { return strings.HasPrefix(m, "alias:") }):
		return "of aliases that were not read", false, false
	case own || v.Stage == "Staging" || validation == "pending":
		// Who named the marks knows which one is missing.
		return "not approved yet", false, true
	}
	return "without a mark that says that it is approved", false, false
}

// versioned are the relations from files that the estate names to the versions of a
// registry that lie there.
func versioned(snap *estate.Snapshot) (out []estate.Relation) {
	byPlace := map[string][]string{}
	for _, a := range snap.Assets() {
		if a.Type != mlflow.VersionType || a.Referenced {
			continue
		}
		n, ok := snap.Find(a.ID)
		if !ok {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			continue
		}
		if v, err := mlflow.ReadVersion(config); err == nil && v.Files != "" {
			place := PlaceOf(v.Files)
			byPlace[place] = append(byPlace[place], a.ID)
		}
	}
	if len(byPlace) == 0 {
		return nil
	}
	for _, a := range snap.Assets() {
		if k := kindOf(a); k != "files" && k != "hub model" {
			continue
		}
		// What is loaded is the version's folder, or lies in it.
		for place := PlaceOf(a.ID); strings.Count(place, "/") > 2; place = place[:strings.LastIndexByte(place, '/')] {
			for _, id := range byPlace[place] {
				out = append(out, estate.Relation{From: a.ID, To: id, Type: DerivedFrom, Tier: estate.Declared, Evidence: "source " + place})
			}
		}
	}
	return out
}

// registered decides whether the version of a model in MLflow's registry that a thing is
// may be served. Of several versions with the same files each counts: they are the same
// files, and one that is approved approves them, unless another forbids them.
func (j *jury) registered(s *said, t *thing) {
	if t.node < 0 {
		return
	}
	var unmarked []string
	approved := false
	for e := range j.snap.Out(t.node) {
		a := j.snap.Asset(e.Node)
		if e.Type != DerivedFrom || a.Type != mlflow.VersionType {
			continue
		}
		config, err := j.snap.Config(e.Node)
		var v mlflow.Version
		if err == nil {
			v, err = mlflow.ReadVersion(config)
		}
		if err != nil {
			unmarked = append(unmarked, fmt.Sprintf("%s: %v", a.ID, err))
			continue
		}
		word, good, bad := standing(v, j.scope.Supply.ApprovedBy)
		switch {
		case bad:
			id := j.find(Unapproved, a.ID, "registry", finding.Fail, finding.High, "", []finding.Evidence{{What: "approval", Where: "MLflow's registry", Value: word}, {What: "loaded as", Where: t.place}})
			if finding.High.AtLeast(j.scope.Gate.FailOn) {
				s.fail(id, "%s is %s in its registry", a.ID, word)
			} else {
				s.c.Findings = append(s.c.Findings, id)
			}
		case good:
			approved = true
		default:
			unmarked = append(unmarked, fmt.Sprintf("%s is %s", a.ID, word))
		}
	}
	if approved {
		return
	}
	for _, text := range unmarked {
		s.open("%s", text)
		if s.c.Hint == "" {
			s.c.Hint = "name the marks that approve a version in sevenfold.yaml: supply: {approved_by: [alias:champion]}"
		}
	}
}
