// Command sevenfold surveys a company's cloud and says for every AI workload
// whether it is secure enough to be scaled. This package holds flags, wiring
// and exit codes; what it wires is in the packages beside it.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "devel"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = &failure{code: exitUnknown, what: "interrupted before the work was done",
			hint: "run the same command again: what was read so far is kept and not read twice"}
	}
	return finish(stderr, err)
}
