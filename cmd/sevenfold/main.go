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
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// version is set by the linker.
var version = "devel"

func main() {
	pace()
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program but for the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out := &output{w: stdout}
	root := newRoot(out, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		state, _ := root.PersistentFlags().GetString("state") // the flag is there
		hint := "run the same command again: nothing was kept, it starts from the beginning"
		if kept(state) {
			hint = "run the same command again: what was read so far is kept and not read twice"
		}
		err = &failure{code: exitUnknown, what: "interrupted before the work was done", hint: hint}
	}
	return finish(stderr, out.judge(err))
}

// kept reports whether the state holds units of an interrupted run. A state in
// a database keeps none.
func kept(state string) bool {
	if strings.Contains(state, "://") {
		return false
	}
	s := session{g: &globals{state: state}}
	entries, err := os.ReadDir(filepath.Join(s.folder(), "resume"))
	return err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return !strings.HasPrefix(e.Name(), ".") })
}
