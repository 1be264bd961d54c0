package main

import "github.com/spf13/cobra"

func newNetwork(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "network",
		Short: "Who can open a connection to whom, zones, and what must not pass between them",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newNetworkCan(g), newNetworkZones(g))
	return cmd
}
