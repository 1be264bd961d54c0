package supply

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/mlflow"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
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

// version is a version of a model in a registry that was read.
type version struct {
	node estate.Node
	mlflow.Version
}

// catalogue is what registries of MLflow have, by a model's name; the reason for one whose
// configuration cannot be read stands with registered.
func catalogue(snap *estate.Snapshot) map[string][]version {
	out := map[string][]version{}
	for _, a := range snap.Assets() {
		n, ok := snap.Find(a.ID)
		if a.Type != mlflow.VersionType || a.Referenced || !ok {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			continue
		}
		if v, err := mlflow.ReadVersion(config); err == nil {
			out[v.Name] = append(out[v.Name], version{n, v})
			if v.Run != "" {
				out["runs:/"+v.Run] = append(out["runs:/"+v.Run], version{n, v})
			}
		}
	}
	return out
}

// named are the versions that a reference in code names. Without a version code gets the
// latest; an alias and a stage are the registry's word of the day it was read.
func named(p *parts.Part, of map[string][]version) (out []version) {
	for _, v := range of[p.Name] {
		switch {
		case p.Facts["run"] != "", p.Version == v.Version.Version:
			out = append(out, v)
		case p.Facts["alias"] != "":
			if slices.Contains(v.Aliases, p.Facts["alias"]) {
				out = append(out, v)
			}
		case p.Version == "" || strings.EqualFold(p.Version, "latest"):
			if len(out) == 0 || number64(v.Version.Version) > number64(out[0].Version.Version) {
				out = []version{v}
			}
		case !p.Pinned && strings.EqualFold(v.Stage, p.Version):
			out = append(out, v)
		}
	}
	return out
}

func number64(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// loadedFrom adds the versions of a registry's models that the code of a workload names,
// with their files, which are examined like any others. What no registry that was read
// has is not known.
func (j *jury) loadedFrom(w *workload) {
	told := map[string]bool{}
	for _, t := range w.things {
		told[t.asset.ID] = true
	}
	for _, t := range slices.Clone(w.things) {
		if t.seen == nil || t.seen.Bill == nil {
			continue
		}
		for i := range t.seen.Bill.Parts {
			p := &t.seen.Bill.Parts[i]
			if p.Kind != parts.Model || p.Ecosystem != parts.MLflow {
				continue
			}
			if j.versions == nil {
				j.versions = catalogue(j.snap)
			}
			list := named(p, j.versions)
			if len(list) == 0 && !told[p.Facts["by"]] {
				told[p.Facts["by"]] = true
				w.unread = append(w.unread, fmt.Sprintf("%s (%s), which no registry that was read has,", p.Facts["by"], where(p.Places[0])))
			}
			for _, v := range list {
				a := j.snap.Asset(v.node)
				if told[a.ID] {
					continue
				}
				told[a.ID] = true
				place := PlaceOf(v.Files)
				if v.Files == "" {
					place = a.ID
				}
				w.things = append(w.things, thing{asset: a, node: v.node, kind: "files", place: place, seen: j.known.find(place)})
			}
		}
	}
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
	var nodes []estate.Node
	if t.asset.Type == mlflow.VersionType {
		nodes = append(nodes, t.node)
	}
	for e := range j.snap.Out(t.node) {
		if e.Type == DerivedFrom && j.snap.Asset(e.Node).Type == mlflow.VersionType {
			nodes = append(nodes, e.Node)
		}
	}
	for _, n := range nodes {
		a := j.snap.Asset(n)
		config, err := j.snap.Config(n)
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
