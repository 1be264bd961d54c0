package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan/format"
)

// scanning are the flags of data scan.
type scanning struct {
	spans  bool
	field  string
	models string
	stores storeFlags
}

func newDataScan(g *globals) *cobra.Command {
	var f scanning
	cmd := &cobra.Command{
		Use:   "scan PATH|URI…",
		Short: "What sensitive data lies in files, buckets and databases: which types, where, how sure",
		Long: `What sensitive data lies in files, buckets and databases: which types, in which
columns, how sure.

PATH is a file, a folder (read to its bottom) or - for standard input. URI is
s3://BUCKET[/PREFIX], postgres://USER@HOST/DATABASE, mysql://USER@HOST[/DATABASE]
(MariaDB too), qdrant://HOST or opensearch://USER@HOST. What cannot be read is
unknown and the run goes on. No value is ever printed, only types, counts and
places.

Of a store that is larger than the budget a sample is read: places drawn at random
in each stratum (prefix, format, size, age), and what was not found is bounded:
"0 found in n: prevalence below x at 95%". The plan with its cost is printed before
anything is read; --plan prints it and reads nothing. What was found is kept in the
state: the steps judge by it, and what did not change is not read again.

With --spans each record gives one line of JSON with the places of the values in
it, as offsets of Unicode code points: a record is a line of text or, with --field
NAME, a JSON object whose member NAME is the text.`,
		Args: atLeastOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			formats := []string{"text", "json"}
			if f.spans && !cmd.Flags().Changed("format") {
				g.format = "json"
			} else if f.spans {
				formats = []string{"json"}
			}
			if err := g.wants("data scan", formats...); err != nil {
				return err
			}
			if f.field != "" && !f.spans {
				return usage("--field picks the text of records, which only --spans tells apart", "sevenfold data scan --spans --field "+f.field+" PATH")
			}
			if err := f.stores.check(args, f.spans); err != nil {
				return err
			}
			if f.stores.plan {
				return g.dataPlan(cmd.Context(), args, &f.stores)
			}
			uris, rest := splitStores(args)
			paths, err := localPaths(rest)
			if err != nil {
				return err
			}
			s, named, err := newScanner(f.models)
			if err != nil {
				return err
			}
			o := local.Options{In: cmd.InOrStdin()}
			if f.spans {
				return g.dataSpans(cmd.Context(), s, named, paths, o, f.field)
			}
			return g.dataScan(cmd.Context(), s, paths, o, uris, scannerName(named), &f.stores)
		},
	}
	cmd.Flags().BoolVar(&f.spans, "spans", false, "print where in each record the values lie, one line of JSON a record")
	cmd.Flags().StringVar(&f.field, "field", "", "with --spans: the member `NAME` of JSON records that is their text; a.b for one inside another")
	f.stores.addTo(cmd)
	cmd.Flags().StringVar(&f.models, "models", "", "`DIR` of the model for names in free text (default $SEVENFOLD_MODELS, else where make models puts it)")
	return cmd
}

// maxScanners bounds how many files are read at a time: each may hold tens of
// megabytes in memory.
const maxScanners = 4

func scanners() int { return min(runtime.GOMAXPROCS(0), maxScanners) }

func (g *globals) dataScan(ctx context.Context, s *scan.Scanner, paths []string, o local.Options, uris []string, scanner string, f *storeFlags) error {
	sess, err := g.scopeOnly()
	if err != nil {
		return err
	}
	a := data.Answer{Objects: []scan.Result{}}
	if f.of != "" {
		if err := g.surveyCopy(ctx, s, paths, o, scanner, f, &a); err != nil {
			return err
		}
	} else if err := labelFiles(ctx, s, paths, o, &a); err != nil {
		return err
	}
	if err := g.surveyStores(ctx, s, uris, scanner, f, &a); err != nil {
		return err
	}
	a.Forbidden = data.Forbid(sess.scope, a.Objects)
	if err := g.tell(a, func(w io.Writer) error { return objectsText(w, a) }); err != nil {
		return err
	}
	if len(a.Forbidden) > 0 {
		return verdict(exitNotReady)
	}
	if a.Undecided() {
		return verdict(exitUnknown)
	}
	return nil
}

// labelFiles labels the files below paths.
func labelFiles(ctx context.Context, s *scan.Scanner, paths []string, o local.Options, a *data.Answer) error {
	type one struct {
		res scan.Result
		err error
	}
	return local.Each(ctx, paths, o, scanners(), func(ctx context.Context, e *local.Entry) one {
		res, err := data.Examine(ctx, s, e, format.Limits{})
		return one{res, err}
	}, func(got one) error {
		a.Objects = append(a.Objects, got.res)
		return got.err
	})
}

// scheme begins a URI.
var scheme = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://`)

// localPaths takes file:// off and refuses what is not read yet.
func localPaths(args []string) ([]string, error) {
	paths := make([]string, len(args))
	stdin := 0
	for i, a := range args {
		paths[i] = strings.TrimPrefix(a, "file://")
		if kind := scheme.FindString(paths[i]); kind != "" {
			return nil, usage(fmt.Sprintf("%s: reading from %s is not built in this version", printable(a), kind), "copy what is to be examined into a folder and name that")
		}
		if paths[i] == local.Stdin {
			stdin++
		}
	}
	if stdin > 1 {
		return nil, usage("standard input can be read once", "name - once")
	}
	return paths, nil
}

func atLeastOnePath(cmd *cobra.Command, args []string) error {
	if len(args) > 0 || cmd.Flags().Changed("listing") {
		return nil
	}
	return usage(cmd.CommandPath()+" takes at least one PATH", cmd.CommandPath()+" FOLDER, or - for standard input")
}

// newScanner makes a scanner, with the model for names if there is one; named says
// whether.
func newScanner(folder string) (s *scan.Scanner, named bool, err error) {
	asked := folder != ""
	if !asked {
		folder = modelsFolder()
		_, err := os.Stat(folder)
		asked = folder != "" && !errors.Is(err, fs.ErrNotExist)
	}
	var o scan.Options
	if asked {
		if o.Names, err = scan.LoadNames(folder); err != nil {
			what, hint := splitHints(err.Error())
			return nil, false, usage(what, hint)
		}
	}
	s, err = scan.New(o)
	return s, asked, err
}

// modelsFolder is where every build looks for the model, "" if the machine has no
// place for it.
func modelsFolder() string {
	if dir := os.Getenv("SEVENFOLD_MODELS"); dir != "" {
		return dir
	}
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sevenfold", "models")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "share", "sevenfold", "models")
}
