package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
)

// scopeFile is the configuration's name where -c does not say another.
const scopeFile = "sevenfold.yaml"

// session is one run of a verb: the scope, the controls, the state.
type session struct {
	g        *globals
	scope    *scope.Scope
	file     string // the scope file in use; empty without one
	controls *control.Set
	ambient  bool // the sources were found, not given
	sources  []string
	events   []assess.Log
	flows    []string         // logs of what the network was seen to do
	lineage  []assess.Lineage // events and definitions of where data goes
	// maskKeyFile is the file of --mask-key, newMaskKey that of baseline approve.
	maskKeyFile string
	newMaskKey  bool
	drawnKey    []byte // that is in no file yet
}

// open reads the scope and the controls and settles the sources.
func (g *globals) open() (*session, error) {
	s, err := g.scopeOnly()
	if err != nil {
		return nil, err
	}
	set, err := g.loadControls(s.ownControls())
	if err != nil {
		return nil, err
	}
	s.controls = set
	s.settleSources()
	return s, s.splitEvents()
}

// splitEvents takes the logs of events and of flows out of the sources: they hold no
// asset, and say who made a difference, and what the network was seen to do. Folders of exports may hold logs beside others.
func (s *session) splitEvents() (err error) {
	if s.events, err = assess.Logs(s.sources); err != nil {
		what, hint := err.Error(), ""
		var slip *assess.SourceError
		if errors.As(err, &slip) {
			hint = slip.Hint()
		}
		return usage(what, hint)
	}
	if s.flows, err = assess.FlowLogs(s.sources); err != nil {
		what, hint := err.Error(), ""
		var slip *assess.SourceError
		if errors.As(err, &slip) {
			hint = slip.Hint()
		}
		return usage(what, hint)
	}
	if s.lineage, err = assess.Lineages(s.sources); err != nil {
		what, hint := err.Error(), ""
		var slip *assess.SourceError
		if errors.As(err, &slip) {
			hint = slip.Hint()
		}
		return usage(what, hint)
	}
	s.sources = slices.DeleteFunc(slices.Clone(s.sources), func(src string) bool {
		return strings.HasPrefix(src, assess.LineagePrefix) || strings.HasPrefix(src, assess.PipelinesPrefix) || strings.HasPrefix(src, assess.EventsPrefix) || strings.HasPrefix(src, assess.FlowsPrefix)
	})
	return nil
}

// scopeOnly reads the scope alone, for verbs that judge nothing.
func (g *globals) scopeOnly() (*session, error) {
	s := &session{g: g, scope: scope.Default(), file: g.scopeFile()}
	if s.file != "" {
		loaded, err := scope.Load(s.file)
		if err != nil {
			what, hint := splitHints(err.Error())
			if hint == "" {
				hint = "mend the file; its JSON Schema is printed by: sevenfold init --schema"
			}
			return nil, usage(what, hint)
		}
		s.scope = loaded
		for _, l := range loaded.Held {
			printFailure(g.stderr, &failure{what: l.String() + " does not count: gate.approvers asks for an approver's signature", where: s.file,
				hint: "sevenfold gate waive --key with the key of an approver prints it; until then the default holds"})
		}
		if err := s.checkWaivers(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// checkWaivers refuses a waiver that names no criterion: a slip in the name
// would leave its owner in the belief that it counts.
func (s *session) checkWaivers() error {
	for _, w := range s.scope.Gate.Waivers {
		if !gate.Covers(w.Criterion) {
			return &failure{code: exitUsage, what: fmt.Sprintf("waiver for %s: no criterion is called %q", w.Workload, w.Criterion), where: s.file,
				hint: "criteria are named STEP.LINE (audit.drift), all of a step STEP.*; sevenfold assess --format json lists them"}
		}
	}
	return nil
}

// ownControls is the folder of controls beside the scope file, nil if there is
// none.
func (s *session) ownControls() fs.FS {
	if s.file == "" {
		return nil
	}
	beside := filepath.Join(filepath.Dir(s.file), "controls")
	if info, err := os.Stat(beside); err == nil && info.IsDir() {
		return os.DirFS(beside)
	}
	return nil
}

// scopeFile is the configuration in use: the one given, else the one that lies
// here; empty for none.
func (g *globals) scopeFile() string {
	if g.config != "" {
		return g.config
	}
	if _, err := os.Stat(scopeFile); err == nil {
		return scopeFile
	}
	return ""
}

// loadControls loads the built-in controls and the user's own. A broken one is
// named and the rest go on, so that one slip does not blind a whole run; none
// at all ends it.
func (g *globals) loadControls(own fs.FS) (*control.Set, error) {
	from := []fs.FS{control.Proven(controls.FS)}
	if own != nil {
		from = append(from, own)
	}
	set, problems := control.Load(from...)
	for _, p := range problems {
		what, hint := splitHints(p.Error())
		printFailure(g.stderr, &failure{what: what, hint: hint})
	}
	if set == nil || len(set.Controls()) == 0 {
		return nil, &failure{code: exitInternal, what: "no control could be loaded", hint: "mend the controls named above"}
	}
	return set, nil
}

// settleSources takes the sources of the command line, else the file's, else
// those the machine's own credentials lead to. A relative folder in the file
// is relative to the file.
func (s *session) settleSources() {
	switch {
	case len(s.g.sources) > 0:
		s.sources = s.g.sources
	case len(s.scope.Sources) > 0:
		for _, src := range s.scope.Sources {
			s.sources = append(s.sources, relativeTo(filepath.Dir(s.file), src))
		}
	default:
		s.sources, s.ambient = ambientSources(), true
	}
}

// relativeTo resolves the path of a source that is a file or folder against a folder.
func relativeTo(folder, source string) string {
	for _, kind := range []string{"dir:", "findings:", "events:", "flows:", "lineage:", "pipelines:"} {
		if path, ok := strings.CutPrefix(source, kind); ok && !filepath.IsAbs(path) {
			return kind + filepath.Join(folder, path)
		}
	}
	return source
}

// ambientSources looks for credentials and kubeconfigs where the providers'
// own tools look for them.
func ambientSources() []string {
	var out []string
	home, _ := os.UserHomeDir()
	for _, env := range []string{"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} {
		if os.Getenv(env) != "" {
			out = append(out, "aws")
			break
		}
	}
	if len(out) == 0 && (exists(home, ".aws", "config") || exists(home, ".aws", "credentials")) {
		out = append(out, "aws")
	}
	if os.Getenv("KUBECONFIG") != "" || exists(home, ".kube", "config") || os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
		out = append(out, "kubernetes")
	}
	return out
}

func exists(parts ...string) bool {
	_, err := os.Stat(filepath.Join(parts...))
	return err == nil
}

// state is where the state lies.
func (s *session) state() string {
	if s.g.state == "" {
		return ".sevenfold"
	}
	return s.g.state
}

// folder is the state's folder; empty when the state is a database.
func (s *session) folder() string {
	if strings.Contains(s.state(), "://") {
		return ""
	}
	return s.state()
}

// openStore opens the state and keeps other runs out of it until closed.
func (s *session) openStore(ctx context.Context) (st store.Store, closeAll func(), err error) {
	st, err = store.Open(ctx, s.state())
	if err != nil {
		return nil, nil, stateFailure(err)
	}
	release, err := lockSoon(ctx, st)
	if err != nil {
		_ = st.Close() // the refusal is what matters
		return nil, nil, stateFailure(err)
	}
	return st, func() {
		_ = release() // the process ends the lock if this does not
		_ = st.Close()
	}, nil
}

// lockSoon locks the state, and waits a moment for who only saves: a detect run does
// every half minute.
func lockSoon(ctx context.Context, st store.Store) (release func() error, err error) {
	for until := time.Now().Add(2 * time.Second); ; {
		release, err = st.Lock(ctx)
		var locked *store.LockedError
		if !errors.As(err, &locked) || time.Now().After(until) {
			return release, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stateFailure says what is wrong with the state and how it is mended.
func stateFailure(err error) error {
	f := &failure{code: exitInternal, what: err.Error()}
	var locked *store.LockedError
	var newer *store.NewerError
	if errors.As(err, &locked) || errors.As(err, &newer) {
		f.code = exitUsage
	}
	f.what, f.hint = splitHints(err.Error())
	return f
}

// options of an assessment by this session.
func (s *session) options(within time.Duration) (assess.Options, error) {
	key, err := s.maskKey()
	if err != nil {
		return assess.Options{}, err
	}
	o := assess.Options{Scope: s.scope, Sources: s.sources, Controls: s.controls, Now: time.Now().UTC(), Within: within, MaskKey: key, Flows: s.flows, Respond: s.responding(), Program: thisBuild()}
	if s.folder() != "" {
		o.Resume = assess.NewResume(s.folder())
	}
	if p := newProgress(s.g.stderr); p != nil {
		o.Progress = p
	}
	return o, nil
}

// reading are the flags of verbs that read the sources or a stored snapshot.
type reading struct {
	within   time.Duration
	snapshot string
	asOf     string
	access   bool // who has access is asked for
	step     string
	// maskKey is the file with the key of masks; empty: the variable's or the state's.
	maskKey string
	// noUsage says that no criterion of access is asked for, so that logs need not be
	// read for what they say of use.
	noUsage bool
}

// addTo adds the flags to a verb.
func (r *reading) addTo(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&r.within, "within", 0, "stop reading after this long and judge what was seen (default 2m45s where no source is named, else no bound)")
	cmd.Flags().StringVar(&r.maskKey, "mask-key", "", "`FILE` with the key under which withheld values are digested, made if it is not there (default $"+maskVariable+", else "+maskFile+" in the state's folder; a state in a database has none by itself)")
	cmd.Flags().StringVar(&r.asOf, "as-of", "", "judge the estate as it was at a `TIME` (RFC 3339 or 2006-01-02): the last snapshot stored by then")
	cmd.Flags().StringVar(&r.snapshot, "snapshot", "", "judge a stored snapshot instead of reading: latest, sha256:…, or a time (RFC 3339 or 2006-01-02)")
}

// firstHour bounds the reading of a first run, which named no source: a verdict
// on most of the estate now is worth more than one on all of it later. What is
// left out is a blind spot, and the next run goes on there.
const firstHour = 2*time.Minute + 45*time.Second

// run reads the sources, or loads the snapshot asked for, and judges it.
func (s *session) run(ctx context.Context, r reading) (*assess.Result, error) {
	var result *assess.Result
	err := s.with(ctx, r, func(_ store.Store, _ assess.Options, got *assess.Result) error {
		result = got
		return nil
	})
	return result, err
}

// with is run for what needs the state, or the configurations in it, after the
// verdict: those of a stored snapshot are read from it.
func (s *session) with(ctx context.Context, r reading, then func(store.Store, assess.Options, *assess.Result) error) error {
	return s.opened(ctx, &r, func(st store.Store, o assess.Options) error {
		return s.judged(ctx, st, r, o, then)
	})
}

// opened opens the state for reading what a verb's flags ask for.
func (s *session) opened(ctx context.Context, r *reading, then func(store.Store, assess.Options) error) error {
	if r.asOf != "" {
		if r.snapshot != "" || r.asOf == "latest" || strings.HasPrefix(r.asOf, "sha256:") {
			return usage("--as-of takes a time, and not beside --snapshot", "--as-of 2026-03-03")
		}
		r.snapshot = r.asOf
	}
	if len(s.sources) == 0 && r.snapshot == "" {
		return usage("no source is named, and no AWS credentials or kubeconfig were found",
			"sevenfold assess --source aws, --source kubernetes or --source dir:PATH; sevenfold init writes a configuration")
	}
	if r.within == 0 && s.ambient {
		r.within = firstHour
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	s.maskKeyFile = r.maskKey
	o, err := s.options(r.within)
	if err != nil {
		return err
	}
	if err := s.sameMaskKey(ctx, st, o.MaskKey, s.newMaskKey); err != nil {
		return err
	}
	o.Access, o.Step = r.access, r.step
	return then(st, o)
}

// judged reads, judges and notes what was found.
func (s *session) judged(ctx context.Context, st store.Store, r reading, o assess.Options, then func(store.Store, assess.Options, *assess.Result) error) error {
	snap, err := s.snapshot(ctx, st, r, o)
	if err != nil {
		return err
	}
	if err := s.against(ctx, st, snap, r, &o); err != nil {
		return err
	}
	if err := s.besides(ctx, st, snap, r, &o); err != nil {
		return err
	}
	if o.Data, err = s.dataSaid(ctx, st, snap); err != nil {
		return err
	}
	result, err := assess.Judge(ctx, snap, o)
	if err != nil {
		return err
	}
	if r.snapshot == "" {
		if err := s.note(ctx, st, o, result); err != nil {
			return err
		}
	}
	if err := s.revokeBroken(ctx, st, r, o, result); err != nil {
		return err
	}
	err = then(st, o, result)
	if kept := s.heads(st).Write(ctx, o.Now); kept != nil && err == nil {
		return stateFailure(kept)
	}
	return err
}

// note remembers a run. A history that is not as it was written is told of; the
// run goes on, since no verdict hangs on it, and is not remembered.
func (s *session) note(ctx context.Context, st store.Store, o assess.Options, result *assess.Result) error {
	err := assess.History{Store: st, Heads: s.heads(st)}.Note(ctx, result, o.Controls.Digest())
	var altered *assess.HistoryError
	if errors.As(err, &altered) {
		what, hint := splitHints(err.Error())
		printFailure(s.g.stderr, &failure{what: what + "; this run is not remembered", hint: hint})
		return nil
	}
	if err != nil {
		return stateFailure(err)
	}
	return nil
}

// snapshot loads the snapshot asked for, or reads the sources and stores what
// they say.
func (s *session) snapshot(ctx context.Context, st store.Store, r reading, o assess.Options) (*estate.Snapshot, error) {
	if r.snapshot != "" {
		return stored(ctx, st, r.snapshot)
	}
	snap, err := assess.Read(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := st.Save(ctx, snap); err != nil {
		return nil, stateFailure(err)
	}
	return snap, nil
}

// stored loads the snapshot that words name.
func stored(ctx context.Context, st store.Store, words string) (*estate.Snapshot, error) {
	snap, err := load(ctx, st, words)
	if errors.Is(err, store.ErrNotFound) {
		return nil, usage("no snapshot "+words+" in the state", "sevenfold assess takes one; --snapshot latest is the last taken")
	}
	var f *failure
	if err != nil && !errors.As(err, &f) {
		return nil, stateFailure(err)
	}
	return snap, err
}

func load(ctx context.Context, st store.Store, words string) (*estate.Snapshot, error) {
	if words == "latest" {
		return st.Latest(ctx)
	}
	if strings.HasPrefix(words, "sha256:") {
		return st.Load(ctx, words)
	}
	if t, err := time.Parse(time.RFC3339, words); err == nil {
		return st.AsOf(ctx, t)
	}
	day, err := time.Parse(time.DateOnly, words)
	if err != nil {
		return nil, usage("snapshot "+words+" is neither latest, a sha256: hash nor a time", "--snapshot 2026-03-03 or --snapshot 2026-03-03T12:00:00Z")
	}
	return st.AsOf(ctx, day.AddDate(0, 0, 1).Add(-time.Nanosecond))
}
