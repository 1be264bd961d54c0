package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/gate/ask"
)

func newGateAsk(g *globals) *cobra.Command {
	var dir, key string
	var by keyless
	n := 0
	cmd := &cobra.Command{
		Use:   "ask WORKLOAD --replicas N --certificates DIR --key KEY",
		Short: "One question of a pipeline or rollout: may this workload have N replicas now? Offline",
		Long: "Reads the certificates in a folder and nothing else: no source, no state, no call. A step of Argo, Airflow or\n" +
			"Kubeflow runs it before it scales; programs in Go use the package gate/ask. A pilot and approvers are taken\n" +
			"from sevenfold.yaml if it is there.\n\nExit codes: 0 it may, 1 it may not, 2 nobody could be asked.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("gate ask", "text", "json"); err != nil {
				return err
			}
			if !cmd.Flags().Changed("replicas") || dir == "" {
				return usage("it is not said how many are asked for, or where the certificates lie", "--replicas N --certificates DIR")
			}
			if args[0] == "" || n < 0 {
				return usage(fmt.Sprintf("%d replicas of workload %q cannot be asked for", n, args[0]), "name the workload as sevenfold.yaml does, and how many it would have in all")
			}
			s, err := g.scopeOnly()
			if err != nil {
				return err
			}
			trusted, err := g.trust(key, by, s.scope)
			if err != nil {
				return err
			}
			asked := ask.Gate{Dir: dir, Trusted: trusted}
			if s.file != "" {
				asked.Approvers, asked.Estate = s.scope.Gate.Approvers, s.scope.Estate
				for _, d := range s.scope.Declared {
					if d.Name == args[0] {
						asked.Pilot = d.Pilot.Replicas
					}
				}
			}
			d, err := asked.May(args[0], n)
			if err != nil {
				return usage(err.Error(), "--certificates with the folder that sevenfold gate certify --out wrote into")
			}
			return g.decide(d, fmt.Sprintf("workload %s, %d replicas", args[0], n))
		},
	}
	cmd.Flags().IntVar(&n, "replicas", 0, "how many replicas or instances are asked for, in all")
	cmd.Flags().StringVar(&dir, "certificates", "", "folder `DIR` of certificates")
	cmd.Flags().StringVar(&key, "key", "", "public `KEY` they must be signed with: ed25519:BASE64, ecdsa-p256:BASE64 or a PEM file; default: the state's own")
	by.addTo(cmd)
	return cmd
}
