package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// withRules are the flags of verbs that match rules.
type withRules struct {
	folders   []string
	pipelines []string
	none      bool
	mapping   string
	flows     string
	left      int // rules that could not be loaded: what they watch for is not looked for
}

func (r *withRules) addTo(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&r.folders, "rules", nil, "a `FOLDER` of Sigma rules (SigmaHQ's, your own) beside those that are shipped; repeats")
	cmd.Flags().StringArrayVar(&r.pipelines, "pipeline", nil, "a processing pipeline `FILE` as pySigma writes it, for the rules; repeats")
	cmd.Flags().StringVar(&r.mapping, "mapping", "", "a `FILE` that says how JSON of your own format is read")
	cmd.Flags().StringVar(&r.flows, "log-format", "", "the `FORMAT` of flow logs whose lines come without a header: \"${version} ${account-id} …\"")
	cmd.Flags().BoolVar(&r.none, "no-rules", false, "behaviour alone: match no rule")
}

// maxSettings bounds a mapping or a pipeline of rules, in bytes.
const maxSettings = 4 << 20

// readMapping reads how JSON of the user's own format is read; nil without one.
func (r *withRules) readMapping() (*ocsf.Mapping, error) {
	if r.mapping == "" {
		return nil, nil
	}
	text, err := readSmall(r.mapping, maxSettings)
	if err != nil {
		return nil, usage("--mapping: "+printable(err.Error()), "docs/detect.md shows one")
	}
	m, err := ocsf.ParseMapping(text)
	if err != nil {
		return nil, usage("--mapping "+printable(r.mapping)+": "+printable(err.Error()), "docs/detect.md shows one")
	}
	return m, nil
}

// flowFormat is the format of flow logs without a header, once it was looked at.
func (r *withRules) flowFormat() (string, error) {
	if _, err := ocsf.NewReader(nil, ocsf.Options{FlowFormat: r.flows}); err != nil {
		return "", usage("--log-format: "+printable(err.Error()), "--log-format '${version} ${srcaddr} ${dstaddr} ${start} …', as the flow log's LogFormat has it")
	}
	return r.flows, nil
}

// load compiles the rules; nil without any. One that cannot be loaded is named and
// counted, and the rest go on.
func (r *withRules) load(g *globals) (*sigma.Set, error) {
	if r.none {
		return nil, nil
	}
	list, err := rules.Load()
	if err != nil {
		return nil, err
	}
	for _, f := range r.folders {
		if info, err := os.Stat(f); err != nil || !info.IsDir() {
			return nil, usage("--rules: "+printable(f)+" is no folder", "--rules sigma/rules/cloud")
		}
		more, problems := sigma.LoadFS(os.DirFS(f))
		r.tell(g, f, problems)
		list = append(list, more...)
	}
	lines, err := readPipelines(r.pipelines)
	if err != nil {
		return nil, err
	}
	set, problems := sigma.Compile(list, lines...)
	r.tell(g, "rules", problems)
	return set, nil
}

// maxProblemsShown keeps a folder of rules of another kind from filling the screen.
const maxProblemsShown = 5

func (r *withRules) tell(g *globals, where string, problems []sigma.Problem) {
	r.left += len(problems)
	for _, p := range problems[:min(len(problems), maxProblemsShown)] {
		printFailure(g.stderr, &failure{what: "a rule is left out: " + printable(p.String()), where: printable(where), hint: "sevenfold detect rules test FOLDER says what is wrong with each"})
	}
	if more := len(problems) - maxProblemsShown; more > 0 {
		fmt.Fprintf(g.stderr, "sevenfold: and %d more rules are left out\n", more)
	}
}
