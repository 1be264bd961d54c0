package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// checkovMap says by hand which of our questions another tool's checks answer.
type checkovMap struct {
	Tool   string              `yaml:"tool"`
	Source string              `yaml:"source"`
	Checks map[string][]string `yaml:"checks"`
	// Wider checks ask for more than the labels hold against anybody: they find
	// what is wrong, and are not held to be wrong themselves.
	Wider map[string][]string `yaml:"wider"`
}

// said is what another tool says of one resource.
type said struct{ check, resource string }

// peerResult is what another tool saw of one estate, as it is kept in
// recorded/peers.json.
type peerResult struct {
	Tool, Version, Estate string
	// Said is how many failing results it printed in all, Mapped how many of them
	// ask what a label asks.
	Said, Mapped int
	// Faults are the labelled ones, Found those it tells; Near the pairs it could
	// have flagged wrongly, Flagged those it did.
	Faults, Found, Near, Flagged int
	When                         string
}

// frameworks are what Checkov calls the forms it reads, with the path below the
// estate.
var frameworks = map[string][2]string{
	"CloudFormation templates": {"cloudformation", "templates"}, "Kubernetes manifests": {"kubernetes", "estate"}, "Terraform plan": {"terraform", "."},
}

// runCheckov runs Checkov over a folder or file and returns what fails and its
// version. CHECKOV names the program.
func runCheckov(framework, path string) ([]said, string, error) {
	program := os.Getenv("CHECKOV")
	if program == "" {
		return nil, "", errors.New("CHECKOV does not name the program\nhint: python3 -m venv V && V/bin/pip install checkov && CHECKOV=V/bin/checkov go run ./test/quality -peers -write")
	}
	cmd := exec.Command(program, "--compact", "--quiet", "--skip-download", "-o", "json", "--framework", framework, "-d", path)
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		cmd.Args[len(cmd.Args)-2] = "-f"
	}
	text, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) { // it exits 1 when anything fails
		return nil, "", err
	}
	var report struct {
		Summary struct {
			Version string `json:"checkov_version"`
		} `json:"summary"`
		Version string `json:"checkov_version"` // of a folder with nothing to check
		Results struct {
			Failed []struct {
				Check    string `json:"check_id"`
				Resource string `json:"resource"`
				File     string `json:"file_path"`
			} `json:"failed_checks"`
		} `json:"results"`
	}
	if err := json.Unmarshal(text, &report); err != nil {
		return nil, "", fmt.Errorf("checkov on %s: %w", path, err)
	}
	var all []said
	for _, f := range report.Results.Failed {
		all = append(all, said{f.Check, resourceName(framework, f.File, f.Resource)})
	}
	return all, report.Summary.Version, nil
}

// resourceName spells a resource as the labels do.
func resourceName(framework, file, resource string) string {
	switch framework {
	case "cloudformation": // AWS::S3::Bucket.Data in /lake.yaml
		stack := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		return stack + "." + resource[strings.LastIndexByte(resource, '.')+1:]
	case "kubernetes": // Deployment.serving.ask, or of a pod below it with more behind
		parts := strings.Split(resource, ".")
		if len(parts) > 3 {
			parts = parts[:3]
		}
		return strings.Join(parts, ".")
	}
	if i := strings.IndexByte(resource, '['); i >= 0 {
		return resource[:i] // of several, any
	}
	return resource
}

// weigh sets what a tool said beside the labels.
func weigh(l *Labels, all []said, m *checkovMap) peerResult {
	r := peerResult{Tool: m.Tool, Estate: l.Estate, Said: len(all), Faults: len(l.Faults), Near: l.pairs()}
	tells := func(at, controls []string, wide bool) bool {
		return slices.ContainsFunc(all, func(s said) bool {
			answers := m.Checks[s.check]
			if wide {
				answers = slices.Concat(answers, m.Wider[s.check])
			}
			return slices.Contains(at, s.resource) && slices.ContainsFunc(answers, func(c string) bool { return slices.Contains(controls, c) })
		})
	}
	for _, s := range all {
		if m.Checks[s.check] != nil || m.Wider[s.check] != nil {
			r.Mapped++
		}
	}
	for _, f := range l.Faults {
		if tells(f.At, f.Find, true) {
			r.Found++
		}
	}
	for _, n := range l.Near {
		for _, c := range n.Not {
			if tells(n.At, []string{c}, false) {
				r.Flagged++
			}
		}
	}
	return r
}

const (
	peersMap  = "test/quality/peers/checkov.yaml"
	peersKept = "test/quality/recorded/peers.json"
)

func recordPeers(out io.Writer, all []*Measured) error {
	m := &checkovMap{}
	if err := readYAML(peersMap, m); err != nil {
		return err
	}
	var results []peerResult
	for _, e := range all {
		how, ok := frameworks[e.Form]
		if !ok {
			continue
		}
		found, version, err := runCheckov(how[0], filepath.Join(e.Dir, how[1]))
		if err != nil {
			return err
		}
		r := weigh(e.Labels, found, m)
		r.Version, r.When = version, today()
		fmt.Fprintf(out, "%s %s on %s: %d results, %d of %d faults, %d of %d near misses flagged\n", r.Tool, r.Version, r.Estate, r.Said, r.Found, r.Faults, r.Flagged, r.Near)
		results = append(results, r)
	}
	return keep(peersKept, results)
}

// keep writes results where the page finds them.
func keep(path string, results any) error {
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// kept reads them back; a file that is not there holds none.
func kept(path string, into any) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func renderPeers(p func(string, ...any), all []*Measured) error {
	var results []peerResult
	if err := kept(peersKept, &results); err != nil {
		return err
	}
	p("\n## Other tools on the same labels\n")
	p("`" + peersMap + "` says by hand which of the questions each check of Checkov answers, generously; a check that asks for more than the")
	p("labels hold against anybody counts where it finds a fault and not where there is none. Recall is over all faults of the estate, those of which the")
	p("tool has no check included; its search for secrets names a line and no resource, and is not among them. Precision is over labels only: faults found, of faults found and near misses flagged. What it says beside the labels is not judged.")
	p("Kubescape and Trivy could not be had here; Prowler reads live accounts and was not run on these.\n")
	p("| estate | tool | results | faults | found | recall | near misses | flagged | precision on labels | measured |\n|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range results {
		for _, m := range all {
			if m.Estate == r.Estate {
				f := m.figures()
				p("| %s | sevenfold | %d | %d | %d | %s | %d | %d | %s | |", m.Estate, f.right+f.wrong+f.open, f.faults, f.found, share(f.found, f.faults), f.near, f.flagged, share(f.found, f.found+f.flagged))
			}
		}
		p("| %s | %s %s | %d | %d | %d | %s | %d | %d | %s | %s |", r.Estate, r.Tool, r.Version, r.Said, r.Faults, r.Found, share(r.Found, r.Faults), r.Near, r.Flagged, share(r.Found, r.Found+r.Flagged), r.When)
	}
	return nil
}
