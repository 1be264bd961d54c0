package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// unbuilt lists the verbs of the design that this version does not have, with
// what each will do. They exist so that nobody mistakes a missing verb for a
// clean answer: each exits 2 and says so.
var unbuilt = []struct {
	verb  string
	short string
	subs  []string
	built []func(*globals) *cobra.Command // the sub-verbs that there are
}{
	{"data", "classify the data AI workloads touch, and govern it", []string{"flows", "retention", "erase"}, []func(*globals) *cobra.Command{newDataScan}},
	{"detect", "learn normal behaviour and find what is not", []string{"learn", "run", "replay", "rules", "incidents"}, nil},
	{"supply", "models, packages, images and services AI workloads are made of", []string{"bom", "watch", "services"}, []func(*globals) *cobra.Command{newSupplyScan}},
	{"respond", "procedures for AI incidents, and their exercises", []string{"scenarios", "plan", "exercise", "incident"}, nil},
	{"serve", "API, web pages and schedules", nil, nil},
}

// notBuilt returns a command that refuses with exit 2, whatever its arguments.
func notBuilt(path, verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb, Short: short + " (not built yet)",
		DisableFlagParsing: true,
		RunE: func(*cobra.Command, []string) error {
			return usage(fmt.Sprintf("%q is not built in this version", path+" "+verb),
				"sevenfold assess reports what this version can tell, and says of the rest that it could not tell")
		},
	}
}

// addUnbuilt adds every verb that this version does not have as a whole.
func addUnbuilt(root *cobra.Command, g *globals) {
	for _, u := range unbuilt {
		cmd := notBuilt("sevenfold", u.verb, u.short)
		for _, sub := range u.built {
			cmd.AddCommand(sub(g))
			cmd.Short = u.short + " (only " + cmd.Commands()[0].Name() + " is built yet)"
		}
		for _, sub := range u.subs {
			cmd.AddCommand(notBuilt("sevenfold "+u.verb, sub, ""))
		}
		root.AddCommand(cmd)
	}
}
