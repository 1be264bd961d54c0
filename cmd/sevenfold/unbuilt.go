package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// unbuilt lists the verbs of the design that this version does not have, with
// what each will do. They exist so that nobody mistakes a missing verb for a
// clean answer: each exits 2 and says so.
var unbuilt = []struct{ verb, short string }{
	{"serve", "API, web pages and schedules"},
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

// addUnbuilt adds every verb that this version does not have.
func addUnbuilt(root *cobra.Command) {
	for _, u := range unbuilt {
		root.AddCommand(notBuilt("sevenfold", u.verb, u.short))
	}
}
