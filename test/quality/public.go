package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/test/quality/hclplan"
)

// Public is an estate that others planted. Their files are not here: only what
// is wrong in them, in words of ours, by their documentation.
type Public struct {
	Name       string `yaml:"name"`
	Repository string `yaml:"repository"`
	Commit     string `yaml:"commit"`
	// By is where its authors say what is wrong.
	By string `yaml:"by"`
	// Source is what is read below the repository: dir:PATH, cloudformation:PATH,
	// or code:PATH for Terraform code, which is planned first.
	Source string `yaml:"source"`
	// Variables are values for those that the code leaves open.
	Variables map[string]string `yaml:"variables"`
	// Checkov is the framework it is run with, and the path; empty: not run.
	Checkov string    `yaml:"checkov"`
	Planted []Planted `yaml:"planted"`
}

// Planted is one thing that is wrong in it.
type Planted struct {
	// Asset is how the asset's id ends.
	Asset string   `yaml:"asset"`
	At    []string `yaml:"at"`
	Wrong string   `yaml:"wrong"`
	Find  []string `yaml:"find"`
	// Waits names the step that is to see it, and is not built; empty: the audit.
	Waits string `yaml:"waits"`
	// Checks are those of Checkov that tell it, where no control stands for them.
	Checks []string `yaml:"checks"`
}

// publicResult is what was seen of one, kept in recorded/public.json.
type publicResult struct {
	Name, Repository, Commit, By string
	// Planted in all, and Audit those that a control of the audit should tell.
	Planted, Audit, Seen, AuditSeen, Unsure int
	Findings                                int
	// Missed are those of the audit; Waiting counts those of other steps, by step.
	Missed                   []string
	Waiting                  map[string]int
	Checkov                  string
	CheckovSeen, CheckovSaid int
	When                     string
}

const (
	publicLabels = "test/quality/public"
	publicKept   = "test/quality/recorded/public.json"
)

func recordPublic(out io.Writer, dir string, set *control.Set) error {
	paths, err := filepath.Glob(filepath.Join(publicLabels, "*.yaml"))
	if err != nil {
		return err
	}
	m := &checkovMap{}
	if err := readYAML(peersMap, m); err != nil {
		return err
	}
	var before, results []publicResult
	if err := kept(publicKept, &before); err != nil {
		return err
	}
	for _, path := range paths {
		e := &Public{}
		if err := readYAML(path, e); err != nil {
			return err
		}
		for _, x := range e.Planted {
			for _, c := range x.Find {
				if set.Find(c) == nil {
					return fmt.Errorf("%s: %s: no such control: %s", path, x.Asset, c)
				}
			}
		}
		folder := filepath.Join(dir, filepath.Base(e.Repository))
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(out, "%s: no folder %s: its figures stay as they are\n", e.Name, folder)
			for _, b := range before {
				if b.Name == e.Name {
					results = append(results, b)
				}
			}
			continue
		}
		r, err := measurePublic(e, folder, set, m)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		fmt.Fprintf(out, "%s: %d planted, %d for the audit, %d seen, %d could not be told; %d findings\n", e.Name, r.Planted, r.Audit, r.Seen, r.Unsure, r.Findings)
		for _, x := range r.Missed {
			fmt.Fprintf(out, "  not seen: %s\n", x)
		}
		results = append(results, r)
	}
	return keep(publicKept, results)
}

func measurePublic(e *Public, folder string, set *control.Set, m *checkovMap) (publicResult, error) {
	r := publicResult{Name: e.Name, Repository: e.Repository, Commit: e.Commit, By: e.By, Planted: len(e.Planted), Waiting: map[string]int{}, When: today()}
	kind, path, _ := strings.Cut(e.Source, ":")
	source := kind + ":" + filepath.Join(folder, path)
	switch kind {
	case "cloudformation":
		source += ",account=" + madeUp.Account + ",region=" + madeUp.Region
	case "code":
		file, err := planned(filepath.Join(folder, path), e.Variables)
		if err != nil {
			return r, err
		}
		defer os.Remove(file)
		source = "terraform:" + file
	}
	seen, types, err := assessed(source, "", set)
	if err != nil {
		return r, err
	}
	for _, s := range seen {
		if s.Status == finding.Fail {
			r.Findings++
		}
	}
	var others []said
	if e.Checkov != "" {
		framework, path, _ := strings.Cut(e.Checkov, ":")
		var version string
		if others, version, err = runCheckov(framework, filepath.Join(folder, path)); err != nil {
			return r, err
		}
		r.Checkov, r.CheckovSaid = version, len(others)
	}
	for _, x := range e.Planted {
		if x.Waits == "" {
			r.Audit++
		}
		exists := false
		for id := range types {
			exists = exists || strings.HasSuffix(id, x.Asset)
		}
		told, unsure := false, false
		for _, s := range seen {
			if strings.HasSuffix(whole(s.Asset), x.Asset) && slices.Contains(x.Find, s.Control) {
				told = told || s.Status == finding.Fail
				unsure = unsure || s.Status == finding.Unknown
			}
		}
		switch {
		case told:
			r.Seen++
			if x.Waits == "" {
				r.AuditSeen++
			}
		case x.Waits != "":
			r.Waiting[x.Waits]++
		case unsure:
			r.Unsure++
			r.Missed = append(r.Missed, fmt.Sprintf("%s: could not be told: %s", x.Asset, x.Wrong))
		case !exists:
			r.Missed = append(r.Missed, fmt.Sprintf("%s: not read as an asset: %s", x.Asset, x.Wrong))
		default:
			r.Missed = append(r.Missed, fmt.Sprintf("%s: %s", x.Asset, x.Wrong))
		}
		if slices.ContainsFunc(others, func(s said) bool {
			answers := slices.Concat(m.Checks[s.check], m.Wider[s.check])
			return slices.Contains(x.At, s.resource) && (slices.Contains(x.Checks, s.check) || slices.ContainsFunc(answers, func(c string) bool { return slices.Contains(x.Find, c) }))
		}) {
			r.CheckovSeen++
		}
	}
	return r, nil
}

// planned writes the plan of Terraform code to a file, which the caller removes.
func planned(dir string, variables map[string]string) (string, error) {
	options := madeUp
	options.Variables = variables
	plan, _, err := hclplan.Plan(dir, options)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "plan-*.json")
	if err != nil {
		return "", err
	}
	_, err = file.Write(plan)
	return file.Name(), errors.Join(err, file.Close())
}

func today() string { return time.Now().UTC().Format("2006-01-02") }

func renderPublic(p func(string, ...any)) error {
	var results []publicResult
	if err := kept(publicKept, &results); err != nil {
		return err
	}
	p("\n## Estates that others planted\n")
	p("Their files are not in this repository; `test/quality/public/` says what their authors planted, in words of ours, and where they say so.")
	p("Terraform code is planned without a provider (`test/quality/hclplan`), with the identifiers that follow from literal names. Faults that wait for another step than the audit count")
	p("among the planted all the same. orcasecurity/AIGoat could not be had here.\n")
	p("| estate | planted | of them the audit's | seen | could not tell | seen / planted | the audit's seen | Checkov sees | / planted | measured |\n|---|---|---|---|---|---|---|---|---|---|")
	var missed []string
	for _, r := range results {
		checkov, part := "not run", "–"
		if r.Checkov != "" {
			checkov, part = fmt.Sprintf("%d (%s, of %d results)", r.CheckovSeen, r.Checkov, r.CheckovSaid), share(r.CheckovSeen, r.Planted)
		}
		p("| [%s](https://github.com/%s) at %.10s, by its %s | %d | %d | %d | %d | %s | %s | %s | %s | %s |", r.Name, r.Repository, r.Commit, r.By, r.Planted, r.Audit, r.Seen, r.Unsure,
			share(r.Seen, r.Planted), share(r.AuditSeen, r.Audit), checkov, part, r.When)
		for _, x := range r.Missed {
			missed = append(missed, "- "+r.Name+": "+x+".")
		}
		for _, step := range slices.Sorted(maps.Keys(r.Waiting)) {
			missed = append(missed, fmt.Sprintf("- %s: %d wait for the %s step.", r.Name, r.Waiting[step], step))
		}
	}
	p("\nNot seen:\n")
	for _, x := range missed {
		p("%s", x)
	}
	return nil
}
