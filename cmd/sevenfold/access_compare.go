package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

func newAccessCompare(g *globals) *cobra.Command {
	var r reading
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Does the new policy allow a request that the old one does not, and which",
		Long: `Does the new policy allow a request that the old one does not, and which.

OLD and NEW are files that hold a policy document (or a reply of the AWS command
line that holds one), - for standard input, or the ARN of a policy or identity of
the estate. All requests are weighed, not examples; only the documents count, not
what else binds whoever holds them.`,
		Args: wordsOf("OLD", "NEW"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("access compare", "text", "json"); err != nil {
				return err
			}
			var sides [2]access.Side
			estateNeeded := false
			for i, name := range args {
				var err error
				if sides[i], err = sideOf(name, cmd.InOrStdin()); err != nil {
					return err
				}
				estateNeeded = estateNeeded || sides[i].Document == nil
			}
			show := func(ctx context.Context, snap *estate.Snapshot) error {
				got, err := assess.Compare(ctx, snap, sides[0], sides[1])
				if err != nil {
					return err
				}
				if err := g.tell(got, func(w io.Writer) error { return comparisonText(w, args, got) }); err != nil {
					return err
				}
				switch got.Broader {
				case "no":
					return nil
				case "yes":
					return verdict(exitNotReady)
				}
				return verdict(exitUnknown)
			}
			if !estateNeeded {
				return show(cmd.Context(), nil)
			}
			return g.see(cmd.Context(), "access compare", r, show)
		},
	}
	r.addTo(cmd)
	return cmd
}

// maxPolicyFile bounds what is read of a policy: far above every quota.
const maxPolicyFile = 8 << 20

// sideOf reads a policy from a file, or says that it is one of the estate.
func sideOf(name string, in io.Reader) (access.Side, error) {
	if name == "-" {
		text, err := io.ReadAll(io.LimitReader(in, maxPolicyFile))
		if err != nil {
			return access.Side{}, fmt.Errorf("standard input: %w", err)
		}
		return access.Side{Name: "standard input", Document: text}, nil
	}
	f, err := os.Open(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return access.Side{Name: name}, nil
	case err != nil:
		return access.Side{}, usage(fmt.Sprintf("%s: %v", name, err), "give a file that can be read, or the ARN of a policy or identity")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPolicyFile))
	if err != nil {
		return access.Side{}, usage(fmt.Sprintf("%s: %v", name, err), "give a file that holds a policy document")
	}
	return access.Side{Name: name, Document: text}, nil
}

func comparisonText(w io.Writer, args []string, got access.Comparison) error {
	switch got.Broader {
	case "no":
		fmt.Fprintf(w, "no: everything that %s allows, %s allows too\n", printable(args[1]), printable(args[0]))
	case "yes":
		fmt.Fprintf(w, "yes: %s allows what %s does not, for example\n", printable(args[1]), printable(args[0]))
		if got.Witness.Principal != "" {
			fmt.Fprintf(w, "  principal %s\n", printable(got.Witness.Principal))
		}
		fmt.Fprintf(w, "  action    %s\n  resource  %s\n", printable(got.Witness.Action), printable(got.Witness.Resource))
		if len(got.Witness.Context) > 0 {
			fmt.Fprintf(w, "  with      %s\n", printable(contextText(got.Witness.Context)))
		}
	default:
		fmt.Fprintln(w, "unknown: it hangs on what was not understood")
	}
	for _, u := range got.Unknown {
		fmt.Fprintf(w, "  unknown %s\n", printable(u))
	}
	return nil
}
