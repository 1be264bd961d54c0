package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"
)

// TestPipelinesCallWhatIsThere: every verb and flag that files for pipelines pass to
// sevenfold exists, and those in YAML can be read.
func TestPipelinesCallWhatIsThere(t *testing.T) {
	files, err := filepath.Glob("../../deploy/pipelines/*")
	if err != nil {
		t.Fatal(err)
	}
	root := newRoot(&bytes.Buffer{}, &bytes.Buffer{})
	verbs := regexp.MustCompile(`(?:sevenfold |args: \[|arguments=\[|args=\[)"?(gate)"?[ ,]+"?([a-z-]+)`)
	flags := regexp.MustCompile(`--[a-z][a-z-]*`)
	foreign := map[string]bool{"--edit-last": true, "--create-if-none": true, "--body-file": true, "--output": true}
	called := 0
	for _, file := range append(files, "../../.pre-commit-hooks.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml") {
			var doc any
			if err := yaml.Unmarshal(text, &doc); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
		for line := range strings.Lines(string(text)) {
			m := verbs.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			called++
			var cmd *cobra.Command
			if cmd, _, err = root.Find(m[1:3]); err != nil || cmd.Name() != m[2] {
				t.Errorf("%s: there is no verb %s %s", file, m[1], m[2])
				continue
			}
			for _, f := range flags.FindAllString(line, -1) {
				name := strings.TrimPrefix(f, "--")
				if !foreign[f] && cmd.Flags().Lookup(name) == nil && cmd.InheritedFlags().Lookup(name) == nil {
					t.Errorf("%s: %s %s has no flag %s", file, m[1], m[2], f)
				}
			}
		}
	}
	if called < 6 {
		t.Errorf("only %d calls of sevenfold were found", called)
	}
}

// A pull request that brings approvers of its own is judged by those of the branch it goes
// to: the jobs' own scripts run here, in a clone as deep as the pipelines make it.
func TestPipelinesTakeTheTargetsConfiguration(t *testing.T) {
	var action struct {
		Runs struct{ Steps []struct{ Run string } }
	}
	var job struct {
		Gate struct{ Script []string } `yaml:"sevenfold-gate"`
	}
	for file, to := range map[string]any{"github-action.yml": &action, "gitlab-ci.yml": &job} {
		text, err := os.ReadFile("../../deploy/pipelines/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
	}
	scripts := map[string]string{"github": action.Runs.Steps[0].Run, "gitlab": strings.Join(job.Gate.Script, "\n")}
	for _, tt := range []struct{ name, target, request, want string }{
		{"approvers of its own", "target", "request", "target"},
		{"a first configuration", "", "request", "none"},
		{"a link", "target", "-> /etc/hostname", "target"},
		{"taken away", "target", "", "target"},
	} {
		for kind, script := range scripts {
			t.Run(kind+"/"+strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
				dir := t.TempDir()
				run := func(in, script string, env ...string) string {
					t.Helper()
					c := exec.Command("bash", "-eo", "pipefail", "-c", script)
					c.Dir = filepath.Join(dir, in)
					c.Env = append(os.Environ(), append(env, "PATH="+dir+":"+os.Getenv("PATH"), "GIT_CONFIG_GLOBAL=/dev/null",
						"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x")...)
					out, err := c.CombinedOutput()
					if err != nil {
						t.Fatalf("%v: %s", err, out)
					}
					return string(out)
				}
				// What the gate would read is what this one writes.
				if err := os.WriteFile(filepath.Join(dir, "sevenfold"), []byte("#!/bin/sh\ncat sevenfold.yaml 2>/dev/null >read || echo none >read\n"), 0o755); err != nil {
					t.Fatal(err)
				}
				config := func(text string) string {
					switch link, ok := strings.CutPrefix(text, "-> "); {
					case ok:
						return "rm -f sevenfold.yaml; ln -s " + link + " sevenfold.yaml"
					case text == "":
						return "rm -f sevenfold.yaml"
					}
					return "echo " + text + " >sevenfold.yaml"
				}
				run("", "git init -q -b main origin")
				run("origin", config(tt.target)+"; touch plan.json; git add -A; git commit -qm target; git checkout -q -b request; "+config(tt.request)+"; git add -A; git commit -qm request --allow-empty")
				run("", "git clone -q --depth 1 -b request file://$PWD/origin clone")
				run("clone", script, "GITHUB_BASE_REF=main", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main", "RUNNER_TEMP="+dir, "GITHUB_OUTPUT="+dir+"/output", "GITHUB_STEP_SUMMARY="+dir+"/summary",
					"PLAN=plan.json", "STATE=s", "KEY=k", "SEVENFOLD_STATE=s", "SEVENFOLD_KEY=k")
				if got, err := os.ReadFile(filepath.Join(dir, "clone", "read")); strings.TrimSpace(string(got)) != tt.want {
					t.Errorf("read %q (%v), want %q", got, err, tt.want)
				}
			})
		}
	}
}
