package findings

import (
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func itoa(n int) string { return strconv.Itoa(n) }

// checkovRecord is what is used of one record of a Checkov report. The code
// block is not among it.
type checkovRecord struct {
	CheckID     string `json:"check_id"`
	Name        string `json:"check_name"`
	Severity    string `json:"severity"`
	Guideline   string `json:"guideline"`
	File        string `json:"file_path"`
	Lines       []int  `json:"file_line_range"`
	Resource    string `json:"resource"`
	Address     string `json:"resource_address"`
	CheckResult struct {
		Comment string `json:"suppress_comment"`
	} `json:"check_result"`
	Vulnerability *struct {
		ID       string `json:"id"`
		Package  string `json:"package_name"`
		Version  string `json:"package_version"`
		Fix      string `json:"lowest_fixed_version"`
		Severity string `json:"severity"`
	} `json:"vulnerability_details"`
}

func fitsCheckov(names map[string]bool) bool {
	return all(names, "", "check_type", "results") || names["checkov_version"] && names["passed"]
}

// readCheckov reads the report of one framework, a list of those, or the bare
// summary that Checkov prints when it found nothing to check.
func readCheckov(s *stream, p *page) error {
	report := func() error {
		if v, _, err := s.enter(); err != nil || v != anObject {
			return notObject(s, p, v, err)
		}
		return checkovReport(s, p)
	}
	return s.documents(func() error {
		v, _, err := s.enter()
		switch {
		case err != nil:
			return err
		case v == anArray:
			return s.more(report)
		case v == anObject:
			return checkovReport(s, p)
		}
		p.oddity("a value that is no object")
		return nil
	})
}

// checkovLists are the lists of a report and what their records say.
var checkovLists = map[string]estate.ForeignStatus{
	"failed_checks": estate.ForeignFail, "passed_checks": estate.ForeignPass, "skipped_checks": estate.ForeignMuted, "unknown_checks": estate.ForeignUnknown,
}

func checkovReport(s *stream, p *page) error {
	framework, version := "", ""
	// The version stands behind the results; it is learnt for the record of the
	// tool, and the results do without.
	err := s.members(func(name string) error {
		switch name {
		case "check_type":
			_, err := s.decode(&framework)
			return err
		case "checkov_version":
			_, err := s.decode(&version)
			return err
		case "summary":
			var sum struct {
				Version string `json:"checkov_version"`
			}
			_, err := s.decode(&sum)
			version = first(version, sum.Version)
			return err
		case "results":
			v, _, err := s.enter()
			if err != nil || v != anObject {
				return notObject(s, p, v, err)
			}
			return s.members(func(list string) error { return checkovList(s, p, framework, list) })
		}
		return s.skip()
	})
	p.ran("checkov", "Checkov", version)
	return err
}

func checkovList(s *stream, p *page, framework, list string) error {
	if list == "parsing_errors" {
		_, err := s.elements(func() error {
			var file string
			odd, err := s.decode(&file)
			if odd == nil && err == nil {
				p.note(estate.ReadMalformed, "Checkov could not parse "+clip(file, 200)+": it says nothing of it", "mend the file and run Checkov again")
			}
			return err
		})
		return err
	}
	status, ok := checkovLists[list]
	if !ok {
		return s.skip()
	}
	_, err := s.elements(func() error {
		var r checkovRecord
		odd, err := s.decode(&r)
		switch {
		case err != nil:
			return err
		case odd != nil:
			p.oddity(odd.Error())
		default:
			addCheckov(p, framework, status, &r)
		}
		return nil
	})
	return err
}

func addCheckov(p *page, framework string, status estate.ForeignStatus, r *checkovRecord) {
	file := strings.TrimPrefix(r.File, "/")
	e := entry{tool: "checkov", name: "Checkov", check: r.CheckID, status: status, severity: r.Severity,
		about: estate.ForeignCheck{Title: r.Name, URL: r.Guideline}, message: r.CheckResult.Comment,
		resource: estate.ForeignResource{File: file}}
	if len(r.Lines) > 0 {
		e.place = at(file, r.Lines[0])
	}
	switch {
	case r.Vulnerability != nil && r.Vulnerability.ID != "":
		v := r.Vulnerability
		e.check, e.place, e.message = v.ID, v.Package, packageWords(v.Package, v.Version, v.Fix)
		e.severity, e.about = first(r.Severity, v.Severity), estate.ForeignCheck{Title: v.ID + " in " + v.Package, Kind: estate.ForeignVulnerability, Fix: upgrade(v.Package, v.Fix)}
	case framework == "secrets" || strings.HasPrefix(r.CheckID, "CKV_SECRET_"):
		// Its resource is a hash of the secret: not taken over.
		e.about.Kind = estate.ForeignSecret
	case framework == "kubernetes" || framework == "helm" || framework == "kustomize":
		e.resource = checkovObject(r.Resource, file)
	case terraformAddress.MatchString(first(r.Address, r.Resource)):
		e.resource = estate.ForeignResource{Address: first(r.Address, r.Resource), File: file}
		e.place = ""
	default:
		e.place = first(r.Resource, e.place)
	}
	p.add(e)
}

// checkovObject reads Kind.namespace.name; a name may hold dots, and Checkov adds
// a pod's labels to it.
func checkovObject(resource, file string) estate.ForeignResource {
	parts := strings.SplitN(resource, ".", 3)
	if len(parts) < 3 {
		return estate.ForeignResource{File: file}
	}
	return estate.ForeignResource{Kind: parts[0], Namespace: parts[1], Name: parts[2], Type: parts[0], File: file}
}
