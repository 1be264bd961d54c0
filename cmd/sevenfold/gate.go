package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

func newGate(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Hold growth to the verdict: certificates, plans, the cluster's admission",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newGateCheck(g), newGatePlan(g), newGateCertify(g), newGateVerify(g), newGateWaive(g), newGateAdmission(g), newGateAWS(g), newGateRunTask(g), newGateRegister(g), newGateRevoke(g), newGateAsk(g), newGateGlass(g))
	return cmd
}

func newGateCheck(g *globals) *cobra.Command {
	var r reading
	all := false
	cmd := &cobra.Command{
		Use:   "check WORKLOAD",
		Short: "May this workload grow beyond its pilot? With what keeps it from it, the cheapest fix first",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate check", "text", "json"); err != nil {
				return err
			}
			s, err := g.open()
			if err != nil {
				return err
			}
			result, err := s.run(cmd.Context(), r)
			if err != nil {
				return err
			}
			s.sayLapsed(result.Lapsed)
			s.sayGlass(result)
			w, err := workloadOf(result.Workloads.List, args[0])
			if err != nil {
				return err
			}
			d := gate.CheckVerdict(w.Name, result.Criteria[w.ID])
			d.Blockers = gate.Blockers(result.Criteria[w.ID], result.Findings)
			if all {
				return g.decide(d, "workload "+w.Name)
			}
			if err := g.tell(d, func(out io.Writer) error { return blockersText(out, d, "workload "+w.Name) }); err != nil {
				return err
			}
			return verdict(d.Exit())
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "list every open criterion with its reason instead")
	return cmd
}

// mostBlockers are told at once: people mend a few things at a time, and the next
// run tells the next.
const mostBlockers = 5

// blockersText tells what to mend first.
func blockersText(w io.Writer, d gate.Decision, subject string) error {
	lines := []string{fmt.Sprintf("%s: %s", printable(subject), gateWords[d.Decision])}
	var told []gate.Blocker
	var unbuilt []string
	for _, b := range d.Blockers {
		if strings.HasPrefix(b.Text, "not built:") {
			unbuilt = append(unbuilt, b.Criteria...)
			continue
		}
		told = append(told, b)
	}
	if len(told) > mostBlockers {
		lines = append(lines, fmt.Sprintf("%d of %d things keep it from growing, the cheapest to mend first (--all lists every open criterion):", mostBlockers, len(told)))
	}
	for i, b := range told[:min(mostBlockers, len(told))] {
		lines = append(lines, fmt.Sprintf("%2d. %s", i+1, printable(b.Text)))
		about := strings.Join(b.Criteria, ", ")
		if b.Severity != "" {
			about = fmt.Sprintf("%s; %s, %s", about, b.Severity, things(b.Assets))
		}
		if b.Effort != "" {
			about += "; " + b.Effort
		}
		if len(b.Findings) > 0 {
			about += "; " + strings.Join(b.Findings[:min(3, len(b.Findings))], ", ")
		}
		lines = append(lines, "    "+about)
		if b.Fix != "" {
			lines = append(lines, "    mend: "+printable(b.Fix))
		}
		for line := range strings.Lines(b.Command) {
			lines = append(lines, "      "+printable(strings.TrimRight(line, "\n")))
		}
	}
	if len(unbuilt) > 0 {
		lines = append(lines, fmt.Sprintf("Not built in this version, so that only a waiver by name counts (sevenfold gate waive): %s", strings.Join(whole(unbuilt), ", ")))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// workloadOf finds a workload by name or id.
func workloadOf(all []finding.Workload, name string) (finding.Workload, error) {
	fits := slices.DeleteFunc(slices.Clone(all), func(w finding.Workload) bool { return w.Name != name && w.ID != name })
	switch len(fits) {
	case 1:
		return fits[0], nil
	case 0:
		return finding.Workload{}, usage(fmt.Sprintf("no workload is called %q", name), "sevenfold inventory lists the workloads")
	}
	what := fmt.Sprintf("%d workloads are called %q:", len(fits), name)
	for _, w := range fits {
		what += "\n  " + printable(w.ID) + "  " + printable(strings.Join(w.Roots, ", "))
	}
	return finding.Workload{}, usage(what, "name one by its id")
}

// decide writes a decision in the format asked for and ends the command with
// the exit code it stands for.
func (g *globals) decide(d gate.Decision, subject string) error {
	err := g.tell(d, func(w io.Writer) error { return decisionText(w, d, subject) })
	if err != nil {
		return err
	}
	return verdict(d.Exit())
}

// words of the gate, as people read them.
var gateWords = map[gate.Word]string{gate.Admit: "admitted", gate.Refuse: "refused", gate.Unclear: "could not tell"}

func decisionText(w io.Writer, d gate.Decision, subject string) error {
	lines := []string{fmt.Sprintf("%s: %s", printable(subject), gateWords[d.Decision])}
	var unbuilt []string
	for _, r := range d.Reasons {
		if strings.HasPrefix(r.Text, "not built:") {
			unbuilt = append(unbuilt, r.Criterion)
			continue
		}
		lead := ""
		for _, part := range []string{r.Address, r.Criterion} {
			if part != "" {
				lead += printable(part) + ": "
			}
		}
		lines = append(lines, "  - "+lead+printable(r.Text))
	}
	if len(unbuilt) > 0 {
		lines = append(lines, fmt.Sprintf("  - not built in this version, so that only a waiver by name counts (sevenfold gate waive): %s", strings.Join(whole(unbuilt), ", ")))
	}
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}

// whole names a step as STEP.* where all its lines are there.
func whole(criteria []string) []string {
	var out []string
	for _, step := range gate.Table() {
		var own []string
		for _, l := range step.Lines {
			if slices.Contains(criteria, l.ID) {
				own = append(own, l.ID)
			}
		}
		if len(own) == len(step.Lines) {
			own = []string{step.ID + ".*"}
		}
		out = append(out, own...)
	}
	return out
}
