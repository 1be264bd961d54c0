package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	act "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

func newGateGlass(g *globals) *cobra.Command {
	var kubeconfig, kubeContext, reason string
	var length time.Duration
	var end bool
	cmd := &cobra.Command{
		Use:   "break-glass NAMESPACE",
		Short: "Let a gated namespace of a cluster grow without a certificate for a while, on the record",
		Long: "Opens the gate of a Kubernetes namespace for a while: its objects grow without a\n" +
			"certificate until the time is over, which needs nobody to end it. Who, why and until\n" +
			"when stand in the namespace's annotation " + admission.GlassAnnotation + " and its\n" +
			"ScaleVerdict; each growth is logged and told by an event. It needs the right to govern\n" +
			"scaleverdicts in the whole cluster (ClusterRole sevenfold-gate-governor).",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate break-glass", "text"); err != nil {
				return err
			}
			now := time.Now()
			glass := admission.Glass{By: "somebody", Reason: reason, Since: now, Until: now.Add(length)}
			if !end {
				if reason == "" {
					return usage("no reason is given", "--reason TEXT says why the gate must be open; it stays on record")
				}
				if _, err := admission.ParseGlass(glass.String()); err != nil {
					return usage(fmt.Sprintf("--for %s is not between a second and %s", length, admission.MaxGlass), "--for 1h opens it for an hour; break the glass again if that is not enough")
				}
			}
			client, err := act.New(act.Options{Kubeconfig: kubeconfig, Context: kubeContext})
			if err != nil {
				return asUsage(err)
			}
			if glass.By, err = client.Whoami(cmd.Context()); err != nil {
				return asUsage(err)
			}
			text := glass.String()
			if end {
				text = ""
			}
			if err := client.SetAnnotation(cmd.Context(), args[0], admission.GlassAnnotation, text); err != nil {
				return usage(fmt.Sprintf("namespace %s: %v", args[0], err), "bind the ClusterRole sevenfold-gate-governor to who may break the glass")
			}
			return g.write(func(w io.Writer) error {
				if end {
					_, err := fmt.Fprintf(w, "The gate of namespace %s is closed again.\n", args[0])
					return err
				}
				_, err := fmt.Fprintf(w, "The gate of namespace %s is open until %s: %s\nClose it earlier: sevenfold gate break-glass %s --end\n",
					args[0], glass.Until.UTC().Format(time.RFC3339), text, args[0])
				return err
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&kubeconfig, "kubeconfig", "", "`FILE` to reach the cluster by (default KUBECONFIG, ~/.kube/config, in-cluster)")
	flags.StringVar(&kubeContext, "context", "", "context in the kubeconfig (default the current one)")
	flags.StringVar(&reason, "reason", "", "`TEXT`: why it must be open")
	flags.DurationVar(&length, "for", time.Hour, "how `LONG` it is open, a day at most")
	flags.BoolVar(&end, "end", false, "close it before its time")
	return cmd
}

// sayGlass tells which namespaces' gates are open by break-glass.
func (s *session) sayGlass(r *assess.Result) {
	for _, text := range r.Glass {
		printFailure(s.g.stderr, &failure{what: "break-glass: " + text, hint: "it ends by itself; earlier: sevenfold gate break-glass NAMESPACE --end"})
	}
}
