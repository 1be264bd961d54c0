package main

import (
	"bytes"
	"os"
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
