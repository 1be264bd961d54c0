package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/stream"
)

func newDetect(g *globals) *cobra.Command {
	return g.stepVerb("detect", "Learn normal behaviour, find what is not, and tell few incidents of it",
		newDetectLearn(g), newDetectReplay(g), newDetectRun(g), newDetectProve(g), newDetectIncidents(g), newDetectRules(g), newDetectCoverage(g))
}

// watching opens the state with what detection keeps in it, and the last estate stored
// there; nil where there is none.
func (g *globals) watching(ctx context.Context, fn func(*session, store.Store, *assess.Watch, *estate.Snapshot) error) error {
	s, err := g.scopeOnly()
	if err != nil {
		return err
	}
	st, closeAll, err := s.openStore(ctx)
	if err != nil {
		return err
	}
	defer closeAll()
	w, err := assess.LoadWatch(ctx, st)
	if err != nil {
		return stateFailure(err)
	}
	snap, err := latestEstate(ctx, st)
	if err != nil {
		return err
	}
	return fn(s, st, w, snap)
}

// latestEstate is the last estate that is stored; nil where there is none.
func latestEstate(ctx context.Context, st store.Store) (*estate.Snapshot, error) {
	raw, err := st.Latest(ctx)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, stateFailure(err)
	}
	return assess.Understood(ctx, raw)
}

// learntAnswer is what `detect learn` says.
type learntAnswer struct {
	Events     int               `json:"events"`
	Duplicates int               `json:"duplicates"`
	Rejected   []detect.Rejected `json:"rejected"`
	PassedOver int64             `json:"passedOver,omitempty"`
	Learnt     detect.Learnt     `json:"learnt"`
	Seen       []detect.Seen     `json:"seen"`
}

func newDetectLearn(g *globals) *cobra.Command {
	var rules withRules
	cmd := &cobra.Command{
		Use:   "learn PATH…",
		Short: "Learn from logs what is normal, and keep it in the state",
		Long: `Learn from logs what is normal, and keep it in the state.

PATH is a file or a folder, read to its bottom: CloudTrail, Kubernetes audit and the
other formats that detect reads, packed with gzip or not. What was learnt before is kept
and added to. Exit 0 once the baseline is mature, 3 while it is not, or where a log could
not be read or a rule not be loaded.`,
		Args: atLeastOnePath,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("detect learn", "text", "json"); err != nil {
				return err
			}
			return g.watching(cmd.Context(), func(ses *session, st store.Store, w *assess.Watch, snap *estate.Snapshot) error {
				if dir, err := ses.eventsFolder(""); err == nil { // a database tells by Heed
					release, err := assess.HoldRun(dir)
					if err != nil {
						return stateFailure(err)
					}
					defer release()
				}
				w.Budget.Spend(false)
				files, err := g.feed(cmd.Context(), w, snap, &rules, fromPaths(args), nil)
				if err != nil {
					return err
				}
				if err := w.Save(cmd.Context(), st); err != nil {
					return stateFailure(err)
				}
				a := learntAnswer{files.Events, files.Duplicates, files.Rejected, files.PassedOver, detect.LearntOf(w.Model), w.Seen}
				if err := g.tell(a, func(out io.Writer) error { return learntText(out, &a) }); err != nil {
					return err
				}
				if !a.Learnt.Mature || files.RejectedCount > 0 || rules.left > 0 {
					return verdict(exitUnknown)
				}
				return nil
			})
		},
	}
	rules.addTo(cmd)
	return cmd
}

// source gives events to take, in order of time; its name is for people.
type source struct {
	name string
	read func(ctx context.Context, f *assess.EventFiles, mapping *ocsf.Mapping, take func(*ocsf.Event) error) error
}

// fromPaths reads files and folders.
func fromPaths(paths []string) source {
	return source{strings.Join(paths, ", "), func(ctx context.Context, f *assess.EventFiles, _ *ocsf.Mapping, take func(*ocsf.Event) error) error {
		return f.Read(ctx, paths, take)
	}}
}

// feed lets the detector take all events of a source, and tells what gave none.
func (g *globals) feed(ctx context.Context, w *assess.Watch, snap *estate.Snapshot, rules *withRules, from source, raise func(*incident.Incident)) (*assess.EventFiles, error) {
	set, err := rules.load(g)
	if err != nil {
		return nil, err
	}
	mapping, err := rules.readMapping()
	if err != nil {
		return nil, err
	}
	d, err := w.Detector(ctx, snap, set, raise, nil)
	if err != nil {
		return nil, err
	}
	d.Proofs = detect.NewProofKey(os.Getenv(tokenVariable)) // or a cluster's drills would be learnt
	w.Ruled.Left = rules.left
	files := assess.NewEventFiles(mapping)
	if files.FlowFormat, err = rules.flowFormat(); err != nil {
		return nil, err
	}
	err = from.read(ctx, files, mapping, func(e *ocsf.Event) error {
		d.Take(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	w.Arrived(files)
	if files.Events == 0 && files.RejectedCount == 0 {
		return nil, usage("no event was found in "+from.name, "name files or folders of .json, .jsonl, .log, packed or not")
	}
	if why := files.Unread(); why != "" {
		printFailure(g.stderr, &failure{what: printable(why), hint: "what was read counts; mend or leave out what was not"})
	}
	return files, nil
}

func learntText(w io.Writer, a *learntAnswer) error {
	l := &a.Learnt
	fmt.Fprintf(w, "%d events learnt", a.Events)
	if a.Duplicates > 0 {
		fmt.Fprintf(w, ", %d that came twice left out", a.Duplicates)
	}
	fmt.Fprintf(w, "\n%d days, %d principals, %d of them seen on five days or more\n", l.Days, l.Principals, l.Settled)
	passedOver(w, a.PassedOver)
	if l.Mature {
		fmt.Fprintln(w, "the baseline is mature")
		return nil
	}
	for _, why := range l.Why {
		fmt.Fprintln(w, "not mature: "+why)
	}
	fmt.Fprintln(w, "do: let it learn more days: sevenfold detect learn PATH…")
	return nil
}

// archived are the flags of a replay from the archive.
type archived struct {
	on        bool
	folder    string
	from, to  string
	principal string
}

// source reads the archive of a run.
func (a *archived) source(s *session) (source, error) {
	dir, err := s.eventsFolder(a.folder)
	if err != nil {
		return source{}, err
	}
	dir = filepath.Join(dir, "archive")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return source{}, usage("there is no archive of events in "+printable(dir), "sevenfold detect run makes one; --events names its folder")
	}
	q := stream.Query{Principal: a.principal}
	for _, t := range []struct {
		flag, text string
		into       *int64
	}{{"--from", a.from, &q.From}, {"--to", a.to, &q.To}} {
		if t.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, t.text)
		if err != nil {
			if at, err = time.Parse(time.DateOnly, t.text); err != nil {
				return source{}, usage(t.flag+" takes a time or a day", t.flag+" 2026-11-02T09:30:00Z, "+t.flag+" 2026-11-02")
			}
		}
		*t.into = at.UnixMilli()
	}
	kept, err := stream.OpenArchive(dir)
	if err != nil {
		return source{}, stateFailure(err)
	}
	return source{"the archive", func(_ context.Context, f *assess.EventFiles, mapping *ocsf.Mapping, take func(*ocsf.Event) error) error {
		return f.Archived(kept, q, mapping, take)
	}}, nil
}

func newDetectReplay(g *globals) *cobra.Command {
	budget := float64(assess.DefaultBudget)
	var rules withRules
	var kept archived
	cmd := &cobra.Command{
		Use:   "replay PATH…",
		Short: "What would have been told of logs, by what was learnt",
		Long: `What would have been told of logs, by what was learnt (sevenfold detect learn).

The events pass in order of time, as if they arrived now. Nothing is kept: the state is
as before. With --archive they are those that detect run has kept, which the model has
learnt already: that shows what rules say, and a model of another --state. Exit 1 if
there are incidents, else 3 if not everything could be read, a rule could not be loaded,
the budget left something untold or the baseline is not mature, else 0.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("detect replay", "text", "json", "ocsf"); err != nil {
				return err
			}
			if kept.folder != "" || kept.from != "" || kept.to != "" || kept.principal != "" {
				kept.on = true
			}
			switch {
			case kept.on && len(args) > 0:
				return usage("events are of paths or of the archive, not both", "sevenfold detect replay --archive")
			case !kept.on && len(args) == 0:
				return atLeastOnePath(cmd, args)
			case !(budget > 0) || budget > 10_000:
				return usage("--budget takes a number of incidents a day above 0", "--budget 3")
			}
			return g.watching(cmd.Context(), func(ses *session, _ store.Store, w *assess.Watch, snap *estate.Snapshot) error {
				from := fromPaths(args)
				if kept.on {
					var err error
					if from, err = kept.source(ses); err != nil {
						return err
					}
				}
				a, unread, err := g.replay(cmd.Context(), w, snap, &rules, from, budget)
				if err != nil {
					return err
				}
				if err := g.tell(a, func(out io.Writer) error {
					if g.format == "ocsf" {
						return writeJSON(out, detect.Findings(a.Incidents, version))
					}
					return replayText(out, a)
				}); err != nil {
					return err
				}
				switch {
				case len(a.Incidents) > 0:
					return verdict(exitNotReady)
				case unread || a.Withheld > 0 || !a.Learnt.Mature:
					return verdict(exitUnknown)
				}
				return nil
			})
		},
	}
	cmd.Flags().Float64Var(&budget, "budget", budget, "incidents `N` a day that are wanted")
	cmd.Flags().BoolVar(&kept.on, "archive", false, "replay what detect run has kept")
	cmd.Flags().StringVar(&kept.folder, "events", "", "`FOLDER` of that archive, as detect run was given it")
	cmd.Flags().StringVar(&kept.from, "from", "", "only what happened from this `TIME` on")
	cmd.Flags().StringVar(&kept.to, "to", "", "only what happened up to this `TIME`")
	cmd.Flags().StringVar(&kept.principal, "principal", "", "only what this principal (`ID`) did")
	rules.addTo(cmd)
	return cmd
}

// replay takes the events in and tells of the incidents as they are at the end.
func (g *globals) replay(ctx context.Context, w *assess.Watch, snap *estate.Snapshot, rules *withRules, from source, budget float64) (a *detect.Answer, unread bool, err error) {
	w.Budget.SetPerDay(budget)
	w.Budget.Restart() // the events come as if they arrived now
	w.Budget.Spend(true)
	var raised []*incident.Incident
	if w.Fresh {
		printFailure(g.stderr, &failure{what: "nothing was learnt yet, so that all is new at first", hint: "sevenfold detect learn PATH… with logs of ordinary days"})
	}
	files, err := g.feed(ctx, w, snap, rules, from, func(i *incident.Incident) { raised = append(raised, i) })
	if err != nil {
		return nil, false, err
	}
	a = &detect.Answer{Events: files.Events, Incidents: []detect.Incident{}, Days: files.Days(), Budget: budget, Duplicates: files.Duplicates, Rejected: files.Rejected, PassedOver: files.PassedOver, Learnt: w.Learnt}
	for _, i := range raised {
		a.Incidents = append(a.Incidents, detect.DocumentOf(i))
		a.Signals += i.Count
	}
	a.AlertsPerDay = float64(len(raised)) / a.Days
	a.Withheld = w.Budget.Withheld()
	return a, files.RejectedCount > 0 || rules.left > 0, nil
}

// passedOver says how many records there were that tell of no act.
func passedOver(w io.Writer, n int64) {
	if n > 0 {
		fmt.Fprintf(w, "passed over, as they tell of no act (digests of a trail, CloudTrail Insights, flow logs without data): %d\n", n)
	}
}

func replayText(w io.Writer, a *detect.Answer) error {
	for i := range a.Incidents {
		incidentText(w, &a.Incidents[i])
	}
	twice := ""
	if a.Duplicates > 0 {
		twice = fmt.Sprintf(" (%d more came twice and count once)", a.Duplicates)
	}
	fmt.Fprintf(w, "%d events%s of %.1f days: %s, %.2f a day of a budget of %g\n", a.Events, twice, a.Days, counted(len(a.Incidents), "incident"), a.AlertsPerDay, a.Budget)
	passedOver(w, a.PassedOver)
	if a.Withheld > 0 {
		fmt.Fprintf(w, "not told: %s more that the budget had no room for; a larger --budget tells them\n", counted(a.Withheld, "incident"))
	}
	for _, why := range a.Learnt.Why {
		fmt.Fprintln(w, "not mature: "+why)
	}
	return nil
}

// maxSignalsShown keeps an incident on the screen; JSON has all that were kept.
const maxSignalsShown = 6

// incidentText tells one incident.
func incidentText(w io.Writer, i *detect.Incident) {
	fmt.Fprintf(w, "%s  %s  score %.1f  %s\n", i.ID, i.Severity, i.Score, i.First.Format(time.RFC3339))
	fmt.Fprintf(w, "  %s\n", printable(i.Summary))
	if len(i.Techniques) > 0 {
		fmt.Fprintf(w, "  techniques: %s\n", strings.Join(i.Techniques, ", "))
	}
	for j, f := range i.Factors {
		fmt.Fprintf(w, "  %s %s %.2f (%s)\n", map[bool]string{true: " ", false: "x"}[j == 0], f.Name, f.Value, printable(f.Why))
	}
	for _, s := range i.Signals[:min(len(i.Signals), maxSignalsShown)] {
		by := s.Model
		if s.Rule != "" {
			by = "rule " + s.Rule
		}
		fmt.Fprintf(w, "  - %s  %s by %s  (%s)\n", s.Time.Format("15:04:05"), printable(s.Action), printable(detect.Short(s.Principal)), printable(by))
		for _, why := range s.Why {
			fmt.Fprintf(w, "      %s\n", printable(why))
		}
	}
	if more := i.SignalCount - maxSignalsShown; more > 0 {
		fmt.Fprintf(w, "  and %s more\n", counted(more, "signal"))
	}
	fmt.Fprintln(w)
}

func newDetectIncidents(g *globals) *cobra.Command {
	var fine, closed, reason string
	cmd := &cobra.Command{
		Use:   "incidents [ID]",
		Short: "The incidents that are known, and what a person says of them",
		Long: `The incidents that are known, open ones first; exit 1 with open ones, 3 with
none while the baseline is not mature, since until then nothing is told, where a rule
could not be loaded when events were last taken in, and where the budget left something
untold.

--fine ID says that an incident is nothing to worry about: the like of its signals (the
same principal, action, thing, network, program and outcome) is silent from then on, and
nothing else. --close ID says that it was dealt with: the same is told again.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("detect incidents", "text", "json", "ocsf"); err != nil {
				return err
			}
			return g.watching(cmd.Context(), func(s *session, st store.Store, w *assess.Watch, snap *estate.Snapshot) error {
				for id, status := range map[string]string{fine: "fine", closed: "closed"} {
					if id == "" {
						continue
					}
					if reason == "" {
						return usage("a reason is wanted", "--reason \"planned key rotation\"")
					}
					if !w.Say(id, status, reason, time.Now().UTC()) {
						return usage("there is no incident "+printable(id), "sevenfold detect incidents lists them")
					}
					if err := w.SaveTold(cmd.Context(), st); err != nil {
						return stateFailure(err)
					}
				}
				return s.tellIncidents(cmd.Context(), st, snap, w, args)
			})
		},
	}
	cmd.Flags().StringVar(&fine, "fine", "", "the like of this incident (`ID`) is fine")
	cmd.Flags().StringVar(&closed, "close", "", "this incident (`ID`) was dealt with")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for those who come after")
	return cmd
}
