package findings

import (
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// sarifResult is what is used of a SARIF 2.1.0 result. The snippet is not among
// it.
type sarifResult struct {
	RuleID    string `json:"ruleId"`
	RuleIndex *int   `json:"ruleIndex"`
	Rule      struct {
		ID string `json:"id"`
	} `json:"rule"`
	Kind    string `json:"kind"`
	Level   string `json:"level"`
	Message struct {
		Text string `json:"text"`
	} `json:"message"`
	Suppressions []struct {
		Status string `json:"status"`
	} `json:"suppressions"`
	Locations []struct {
		Physical struct {
			Artifact struct {
				URI string `json:"uri"`
			} `json:"artifactLocation"`
			Region struct {
				StartLine int `json:"startLine"`
			} `json:"region"`
		} `json:"physicalLocation"`
		Logical []struct {
			Full string `json:"fullyQualifiedName"`
			Name string `json:"name"`
		} `json:"logicalLocations"`
	} `json:"locations"`
}

// sarifRule is what is used of a rule.
type sarifRule struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Short struct {
		Text string `json:"text"`
	} `json:"shortDescription"`
	HelpURI string `json:"helpUri"`
	Default struct {
		Level string `json:"level"`
	} `json:"defaultConfiguration"`
	Properties struct {
		Score scalar   `json:"security-severity"`
		Tags  []string `json:"tags"`
	} `json:"properties"`
}

type sarifTool struct {
	Driver struct {
		Name     string      `json:"name"`
		Version  string      `json:"version"`
		Semantic string      `json:"semanticVersion"`
		Rules    []sarifRule `json:"rules"`
	} `json:"driver"`
}

func fitsSARIF(names map[string]bool) bool {
	return names["runs"] && any1(names, "version", "$schema")
}

func readSARIF(s *stream, p *page) error {
	return s.documents(func() error {
		if v, _, err := s.enter(); err != nil || v != anObject {
			return notObject(s, p, v, err)
		}
		return s.members(func(name string) error {
			if name != "runs" {
				return s.skip()
			}
			_, err := s.elements(func() error { return sarifRun(s, p) })
			return err
		})
	})
}

// sarifRun reads one run. Its tool may stand behind its results, so these wait.
func sarifRun(s *stream, p *page) error {
	if v, _, err := s.enter(); err != nil || v != anObject {
		return notObject(s, p, v, err)
	}
	var tool sarifTool
	var ended struct {
		Invocations []struct {
			OK   *bool  `json:"executionSuccessful"`
			Ends string `json:"endTimeUtc"`
		}
	}
	var results []sarifResult
	known := func() {
		if tool.Driver.Name == "" || len(results) == 0 {
			return
		}
		for i := range results {
			addSARIF(p, &tool, &results[i], first(timeOf(ended.Invocations)...))
		}
		results = results[:0]
	}
	err := s.members(func(name string) error {
		switch name {
		case "tool":
			odd, err := s.decode(&tool)
			if odd != nil {
				p.oddity(odd.Error())
			}
			return err
		case "invocations":
			odd, err := s.decode(&ended.Invocations)
			if odd != nil {
				p.oddity(odd.Error())
			}
			return err
		case "results":
			_, err := s.elements(func() error {
				var r sarifResult
				odd, err := s.decode(&r)
				switch {
				case err != nil:
					return err
				case odd != nil:
					p.oddity(odd.Error())
					return nil
				}
				r.Message.Text = line(firstLine(r.Message.Text), s.lim.message)
				results = append(results, r)
				known()
				return nil
			})
			return err
		}
		return s.skip()
	})
	known()
	if tool.Driver.Name == "" {
		p.oddity("a run that does not name its tool")
		return err
	}
	for _, i := range ended.Invocations {
		if i.OK != nil && !*i.OK {
			p.note(estate.ReadFailed, clip(tool.Driver.Name, 60)+" says of itself that its run did not succeed: what it did not report is not known to be well", "run it again")
		}
	}
	p.ran(toolID(tool.Driver.Name), clip(tool.Driver.Name, 60), first(tool.Driver.Version, tool.Driver.Semantic))
	return err
}

func timeOf(list []struct {
	OK   *bool  `json:"executionSuccessful"`
	Ends string `json:"endTimeUtc"`
}) []string {
	var out []string
	for _, i := range list {
		out = append(out, i.Ends)
	}
	return out
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func addSARIF(p *page, t *sarifTool, r *sarifResult, when string) {
	rule := t.rule(r)
	e := entry{tool: toolID(t.Driver.Name), name: clip(t.Driver.Name, 60), version: first(t.Driver.Version, t.Driver.Semantic), check: rule.ID,
		message: r.Message.Text, time: moment(when), severity: first(band(string(rule.Properties.Score)), r.Level, rule.Default.Level, "warning"), status: r.outcome(),
		about: estate.ForeignCheck{Title: first(rule.Short.Text, rule.Name), URL: rule.HelpURI, Kind: kindOf(rule.ID)}}
	if e.tool == "trivy" {
		e.check = trivyCheck(rule.ID, "")
	}
	if len(rule.Properties.Tags) > 0 && (contains(rule.Properties.Tags, "secret") || contains(rule.Properties.Tags, "secrets")) || strings.HasPrefix(rule.ID, "CKV_SECRET_") {
		e.about.Kind, e.message = estate.ForeignSecret, ""
	}
	for _, l := range upTo(r.Locations, 1) {
		file := strings.TrimPrefix(l.Physical.Artifact.URI, "file://")
		e.resource.File, e.place = file, at(file, l.Physical.Region.StartLine)
		for _, name := range upTo(l.Logical, 1) {
			if full := first(name.Full, name.Name); terraformAddress.MatchString(full) {
				e.resource.Address, e.place = full, ""
			} else if strings.HasPrefix(full, "arn:") {
				e.resource = estate.ForeignResource{ID: full, Account: account(full)}
			}
		}
	}
	p.add(e)
}

func contains(list []string, want string) bool {
	for _, s := range list {
		if strings.EqualFold(s, want) {
			return true
		}
	}
	return false
}

// rule finds the rule a result is of.
func (t *sarifTool) rule(r *sarifResult) sarifRule {
	id := first(r.RuleID, r.Rule.ID)
	if i := r.RuleIndex; i != nil && *i >= 0 && *i < len(t.Driver.Rules) && (id == "" || t.Driver.Rules[*i].ID == id) {
		return t.Driver.Rules[*i]
	}
	for _, rule := range t.Driver.Rules {
		if rule.ID == id {
			return rule
		}
	}
	return sarifRule{ID: id}
}

func (r *sarifResult) outcome() estate.ForeignStatus {
	for _, s := range r.Suppressions {
		if s.Status == "" || s.Status == "accepted" {
			return estate.ForeignMuted
		}
	}
	switch r.Kind {
	case "", "fail":
		if r.Level == "none" {
			return estate.ForeignPass
		}
		return estate.ForeignFail
	case "pass", "notApplicable", "informational":
		return estate.ForeignPass
	}
	return estate.ForeignUnknown // open, review
}

// band is the word for a CVSS score from 0 to 10.
func band(score string) string {
	n, err := strconv.ParseFloat(score, 64)
	switch {
	case err != nil || n < 0 || n > 10:
		return ""
	case n >= 9:
		return "critical"
	case n >= 7:
		return "high"
	case n >= 4:
		return "medium"
	}
	return "low"
}
