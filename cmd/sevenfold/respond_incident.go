package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// handling is one verb on an incident: the session, the desk, who does it.
type handling struct {
	s    *session
	desk respond.Desk
	by   string
	note string
}

func (g *globals) desk() (*handling, error) {
	s, err := g.scopeOnly()
	if err != nil {
		return nil, err
	}
	s.settleSources()
	dir, err := s.respondFolder()
	if err != nil {
		return nil, err
	}
	return &handling{s: s, desk: respond.Desk{Folder: filepath.Join(dir, "incidents")}}, nil
}

// called is a person's name as sevenfold.yaml spells it, where it names that person.
func (h *handling) called(by string) (string, error) {
	if strings.ContainsFunc(by, unicode.IsControl) {
		return "", usage("--by is no name", "--by NAME, on one line")
	}
	by = playbook.Named(by)
	if playbook.SameName(by, respond.ByDetection) {
		return "", usage("nobody is called "+respond.ByDetection+": so journals call what no person did", "--by with a person's name")
	}
	for _, p := range h.s.scope.Respond.People {
		if playbook.SameName(p.Name, by) {
			return p.Name, nil
		}
	}
	return by, nil
}

// known is called, of somebody under respond.people where that names anybody.
func (h *handling) known(by string) (string, error) {
	by, err := h.called(by)
	switch {
	case err != nil:
		return "", err
	case by == "":
		return "", errors.New("who does it is not said\nhint: --by NAME")
	case len(h.s.scope.Respond.People) > 0 && h.s.scope.Respond.Person(by) == nil:
		return "", fmt.Errorf("nobody under respond.people is called %q\nhint: sevenfold respond contacts lists who is", by)
	}
	return by, nil
}

// mayApprove refuses approvals of people whom sevenfold.yaml does not name.
func (h *handling) mayApprove(by string) error {
	if h.s.scope.Respond.Person(by) == nil {
		return fmt.Errorf("%q approves nothing and vouches for nothing: nobody of that name is under respond.people\nhint: sevenfold.yaml: respond: {people: [{name: …, contact: …}]}", by)
	}
	return nil
}

// onIncident makes a verb that changes one incident and shows it.
func (g *globals) onIncident(use, short string, flags func(*cobra.Command), do func(ctx context.Context, h *handling, id string) (*respond.Incident, error)) *cobra.Command {
	var by, note string
	cmd := &cobra.Command{Use: use + " ID", Short: short, Args: cobra.ExactArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		if err := g.wants("respond incident "+use, "text", "json"); err != nil {
			return err
		}
		h, err := g.desk()
		if err != nil {
			return err
		}
		if h.by, err = h.called(by); err != nil {
			return err
		}
		h.note = note
		i, err := do(cmd.Context(), h, args[0])
		if i == nil {
			return respondFailure(err)
		}
		if terr := g.tell(i, func(w io.Writer) error { return responseText(w, i) }); terr != nil {
			return terr
		}
		return respondFailure(err)
	}}
	cmd.Flags().StringVar(&by, "by", "", "`NAME` of the person who does it")
	cmd.Flags().StringVar(&note, "note", "", "what was done, in a sentence")
	if flags != nil {
		flags(cmd)
	}
	return cmd
}

func newRespondIncident(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "incident", Short: "Run an incident: open, ack, triage, preserve, contain, eradicate, recover, return, review", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	var t respond.Triage
	var e respond.Evidence
	var file string
	cmd.AddCommand(
		newIncidentOpen(g), newIncidentList(g),
		g.onIncident("show", "All that is known of an incident, and what comes next", nil, func(_ context.Context, h *handling, id string) (*respond.Incident, error) { return h.desk.Show(id) }),
		g.onIncident("ack", "Say that you have it in hand", nil, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			return h.desk.Ack(id, h.by)
		}),
		g.onIncident("triage", "Say how bad it is, which scenario, which laws' clocks run", func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&t.Severity, "severity", "", "critical, high, medium or low")
			cmd.Flags().StringVar(&t.Scenario, "scenario", "", "`SCENARIO` of respond scenarios --all")
			cmd.Flags().StringSliceVar(&t.Laws, "law", nil, "laws that apply: "+strings.Join(respond.Regimes(), ", "))
		}, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			if _, err := h.scenario(t.Scenario); err != nil {
				return nil, err
			}
			return h.desk.Decide(id, h.by, t)
		}),
		g.onIncident("preserve", "Keep evidence before anything is changed", func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&e.What, "what", "", "what it is")
			cmd.Flags().StringVar(&file, "file", "", "`PATH` of a file to keep a copy of")
			cmd.Flags().StringVar(&e.Held, "held", "", "where the store itself holds it: an object lock, a legal hold")
			cmd.Flags().StringVar(&e.Nothing, "nothing", "", "why there is nothing to preserve")
		}, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			return h.desk.Preserve(id, h.by, e, file)
		}),
		newIncidentContain(g), newIncidentUndo(g), newIncidentAnswer(g),
		g.onIncident("eradicate", "Say that the cause is gone", nil, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			return h.desk.Advance(id, h.by, respond.Eradicated, h.note)
		}),
		g.onIncident("recover", "Say that restoring has begun", nil, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			return h.desk.Advance(id, h.by, respond.Recovering, h.note)
		}),
		newIncidentTaint(g), newIncidentReturn(g),
		g.onIncident("review", "Say what was learnt; the last step", nil, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			return h.desk.Advance(id, h.by, respond.Reviewed, h.note)
		}),
		g.onIncident("note", "Write something down", nil, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
			return h.desk.Note(id, h.by, h.note)
		}),
		newIncidentLaw(g), newIncidentNotice(g), newIncidentExport(g), newIncidentVerify(g),
	)
	return cmd
}

// scenario finds one of the catalogue or of the company's own.
func (h *handling) scenario(id string) (*respond.Scenario, error) {
	all, err := assess.Scenarios(h.s.ownScenarios()...)
	var names []string
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
		names = append(names, s.ID)
	}
	if err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("no scenario is called %q\nhint: %s", id, strings.Join(names, ", "))
}

func newIncidentOpen(g *globals) *cobra.Command {
	var o respond.Opening
	var by, began, known string
	cmd := &cobra.Command{Use: "open TITLE", Short: "Open an incident", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		if err := g.wants("respond incident open", "text", "json"); err != nil {
			return err
		}
		h, err := g.desk()
		if err != nil {
			return err
		}
		if o.Title = args[0]; o.Source == "" {
			o.Source = "a person"
		}
		if o.Began, err = timeOf("--began", began); err != nil {
			return err
		}
		if o.Known, err = timeOf("--known", known); err != nil {
			return err
		}
		if o.Scenario != "" {
			if _, err := h.scenario(o.Scenario); err != nil {
				return respondFailure(err)
			}
		}
		if by, err = h.called(by); err != nil {
			return err
		}
		i, err := h.desk.Open(o, by)
		if err != nil {
			return respondFailure(err)
		}
		return g.tell(i, func(w io.Writer) error { return responseText(w, i) })
	}}
	cmd.Flags().StringVar(&by, "by", "", "`NAME` of who opens it")
	cmd.Flags().StringVar(&o.Scenario, "scenario", "", "`SCENARIO`, if it is clear")
	cmd.Flags().StringVar(&o.Workload, "workload", "", "`WORKLOAD` it befell")
	cmd.Flags().StringVar(&o.Asset, "asset", "", "id of the asset")
	cmd.Flags().StringVar(&o.Source, "source-of", "", "what saw it")
	cmd.Flags().StringVar(&began, "began", "", "`TIME` it began, as far as is known (RFC 3339)")
	cmd.Flags().StringVar(&known, "known", "", "`TIME` somebody first knew of it, if before now: clocks of laws run since then (RFC 3339)")
	return cmd
}

func newIncidentList(g *globals) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "All incidents and exercises, the latest first; exit 1 while an incident is open", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		if err := g.wants("respond incident list", "text", "json"); err != nil {
			return err
		}
		h, err := g.desk()
		if err != nil {
			return err
		}
		list, broken := h.desk.List()
		if list == nil {
			list = []*respond.Incident{}
		}
		err = g.tell(map[string]any{"incidents": list}, func(w io.Writer) error {
			for _, i := range list {
				fmt.Fprintf(w, "%s  %-12s %-28s %s\n", i.ID, i.State, i.Scenario, i.Title)
				for _, c := range i.Clocks {
					if c.Status == "over" || c.Status == "due" {
						fmt.Fprintf(w, "    %s: %s by %s\n", strings.ToUpper(c.Status), c.What, c.Deadline.Format(time.RFC3339))
					}
				}
			}
			if len(list) == 0 {
				fmt.Fprintln(w, "no incident and no exercise is in this state")
			}
			return nil
		})
		if err != nil {
			return err
		}
		if broken != nil {
			return respondFailure(broken)
		}
		for _, i := range list {
			if !i.Exercise && i.State != respond.Reviewed {
				return verdict(exitNotReady)
			}
		}
		return nil
	}}
}

func responseText(w io.Writer, i *respond.Incident) error {
	kind := "incident"
	if i.Exercise {
		kind = "exercise"
	}
	fmt.Fprintf(w, "%s %s: %s\n", kind, i.ID, i.Title)
	fmt.Fprintf(w, "state: %s", i.State)
	if i.Triage != nil {
		fmt.Fprintf(w, ", %s, %s", i.Triage.Severity, i.Triage.Scenario)
	}
	fmt.Fprintln(w)
	if !i.Known.IsZero() {
		fmt.Fprintf(w, "known since %s\n", i.Known.UTC().Format("2006-01-02 15:04:05"))
	}
	for _, e := range i.Entries {
		by := e.By
		if by == "" {
			by = "-"
		}
		fmt.Fprintf(w, "  %s  %-10s %-14s %s\n", e.Time.Format("2006-01-02 15:04:05"), by, e.What, e.Text)
	}
	for _, c := range i.Clocks {
		left := c.Left.Round(time.Minute).String() + " left"
		switch c.Status {
		case "over":
			left = "OVER"
		case "told":
			left = "told"
		case "ended":
			left = "ended: it does not apply after all"
		}
		fmt.Fprintf(w, "  clock %s: %s to %s by %s (%s)\n        %s\n", c.Duty, c.What, c.To, c.Deadline.Format(time.RFC3339), left, c.Source)
	}
	if i.Checked != nil {
		for _, it := range i.Checked.Items {
			fmt.Fprintf(w, "  return %-7s %-11s %s (%s)\n", it.Light, it.ID, it.Why, it.Asks)
		}
	}
	for _, p := range i.Waits {
		switch p.Kind {
		case "approval":
			fmt.Fprintf(w, "waits for approval: %s on %s (%d of %d people)\n    sevenfold respond incident answer %s --step %s --approve --by NAME\n", p.Call.Action, p.Call.Target, len(p.Approved), p.Needs, i.ID, p.Step)
		case "answer":
			fmt.Fprintf(w, "asks %s: %s\n    sevenfold respond incident answer %s --step %s --by NAME --note ANSWER\n", p.Of, p.Ask, i.ID, p.Step)
		default:
			fmt.Fprintf(w, "run %s: %s\n", p.Run, p.Ask)
		}
	}
	fmt.Fprintf(w, "next: %s\n", i.Next)
	return nil
}

func newIncidentContain(g *globals) *cobra.Command {
	var values []string
	var file string
	var apply bool
	cmd := g.onIncident("contain", "Run the scenario's procedure: what it would do, or with --apply, do it", func(cmd *cobra.Command) {
		cmd.Flags().StringArrayVar(&values, "set", nil, "`NAME=VALUE` of a variable of the procedure; repeats")
		cmd.Flags().StringVar(&file, "playbook", "", "`FILE` of another procedure than the scenario's")
		cmd.Flags().BoolVar(&apply, "apply", false, "do it; without this nothing is changed")
	}, func(ctx context.Context, h *handling, id string) (*respond.Incident, error) {
		return g.contain(ctx, h, id, file, values, apply)
	})
	return cmd
}

// contain begins a run, or goes on with the one that is there, and moves the incident to
// contained once every containing action was verified.
func (g *globals) contain(ctx context.Context, h *handling, id, file string, values []string, apply bool) (*respond.Incident, error) {
	i, err := h.desk.Show(id)
	if err != nil {
		return nil, err
	}
	p, err := h.procedure(i, file)
	if err != nil {
		return nil, err
	}
	set, err := g.bound(ctx, h, i, p)
	if err != nil {
		return nil, err
	}
	for _, v := range values {
		k, val, ok := strings.Cut(v, "=")
		if !ok {
			return nil, fmt.Errorf("--set %s is no NAME=VALUE", v)
		}
		set[k] = val
	}
	if apply && h.by == "" {
		return nil, errors.New("who does it is not said\nhint: --by NAME")
	}
	actions, err := assess.Responders(ctx, h.s.sources, h.s.scope.Respond.Responder)
	if err != nil {
		return nil, err
	}
	if !apply {
		return i, g.dryRun(ctx, p, set, actions)
	}
	j, name, err := h.openRun(i, p, set)
	if err != nil {
		return nil, err
	}
	defer j.Close() //nolint:errcheck // each event was synced when it was written
	out, err := playbook.Resume(ctx, j, playbook.Options{Actor: actions, Approvals: h.approvals(actions)})
	var busy *playbook.BusyError
	switch {
	case errors.As(err, &busy) && i.Automatic && i.Taken == "":
		return nil, fmt.Errorf("%w; it began by itself: sevenfold respond incident ack %s --by NAME stops it before its next change, and the same verb then goes on", err, id)
	case err != nil:
		return nil, err
	}
	h.tellRun(g.stderr, name, out)
	i, err = h.desk.Contained(id, h.by)
	var order *respond.OrderError
	if errors.As(err, &order) {
		i, _ = h.desk.Show(id)
		return i, err
	}
	return i, err
}

// bound are the variables of a procedure that the last snapshot in the state gives for
// the incident's workload; none without a workload or a snapshot.
func (g *globals) bound(ctx context.Context, h *handling, i *respond.Incident, p *playbook.Playbook) (map[string]string, error) {
	set := map[string]string{}
	if i.Workload == "" {
		return set, nil
	}
	err := g.ranked(ctx, reading{snapshot: "latest"}, []string{i.Workload}, func(_ *session, _ *assess.Result, list []respond.Ranked) error {
		for _, k := range list {
			if k.Scenario.ID != i.Scenario {
				continue
			}
			for name, v := range k.Values {
				if _, ok := p.Variable(name); ok {
					set[name] = v
				}
			}
		}
		return nil
	})
	if noSnapshot(err) {
		return set, nil
	}
	return set, err
}

func (h *handling) procedure(i *respond.Incident, file string) (*playbook.Playbook, error) {
	if file != "" {
		return readyPlaybook(file)
	}
	s, err := h.scenario(i.Scenario)
	if err != nil {
		return nil, fmt.Errorf("%s has no scenario yet, or one that is not known\nhint: %s", i.ID, i.Next)
	}
	return s.Playbook, nil
}

// openRun is the run that waits or was broken off, else a new one.
func (h *handling) openRun(i *respond.Incident, p *playbook.Playbook, set map[string]string) (*playbook.Journal, string, error) {
	if n := len(i.Runs); n > 0 {
		j, err := h.desk.Run(i.ID, i.Runs[n-1])
		if err != nil {
			return nil, "", err
		}
		if out, err := playbook.State(j); err != nil || out.Status != playbook.Failed && out.Status != playbook.Done {
			return j, i.Runs[n-1], err
		}
		if err := j.Close(); err != nil {
			return nil, "", err
		}
	}
	return h.desk.AddRun(i.ID, h.by, p, set)
}

func (h *handling) approvals(actions respond.Actions) func(playbook.Call, *playbook.Step) int {
	return func(c playbook.Call, _ *playbook.Step) int {
		final := false
		if a := actions[c.Action]; a != nil {
			final = a.Final()
		}
		return h.s.scope.Respond.Approvals(c.Action, final)
	}
}

// tellRun says how a run stands; what it waits for the incident tells.
func (h *handling) tellRun(w io.Writer, name string, out playbook.Outcome) {
	fmt.Fprintf(w, "run %s: %s %s\n", name, out.Status, out.Why)
}

// dryRun tells what each action would do, read with the responder's rights.
func (g *globals) dryRun(ctx context.Context, p *playbook.Playbook, set map[string]string, actions respond.Actions) error {
	if err := p.Fill(set); err != nil {
		return err
	}
	steps, _ := p.Reachable(set)
	for _, r := range actions.Rehearse(ctx, p, set) {
		if !slices.ContainsFunc(steps, func(s *playbook.Step) bool { return s.ID == r.Step }) {
			continue // of a branch that this run does not take
		}
		fmt.Fprintf(g.stderr, "would %s: %s on %s\n", r.Phase, r.Call.Action, r.Call.Target)
		if r.Why != "" {
			fmt.Fprintf(g.stderr, "  cannot be told: %s\n", r.Why)
		} else {
			fmt.Fprintf(g.stderr, "  %s; breaks: %s\n  now: %s\n", r.Does, r.Breaks, cutText(string(r.State), 160))
		}
	}
	fmt.Fprintln(g.stderr, "nothing was changed: --apply does it")
	return nil
}

func newIncidentUndo(g *globals) *cobra.Command {
	var steps []string
	return g.onIncident("undo", "Take back what contains an incident, the last first; cures (a rollback, a restored version) stay", func(cmd *cobra.Command) {
		cmd.Flags().StringArrayVar(&steps, "step", nil, "`STEP` to take back, whatever it is; repeats")
	}, func(ctx context.Context, h *handling, id string) (*respond.Incident, error) {
		actions, err := assess.Responders(ctx, h.s.sources, h.s.scope.Respond.Responder)
		if err != nil {
			return nil, err
		}
		return h.desk.Lift(ctx, id, h.by, h.note, actions, steps)
	})
}

func newIncidentAnswer(g *globals) *cobra.Command {
	var step string
	var approve, failed bool
	return g.onIncident("answer", "Answer what a procedure asks, or approve what it is about to do", func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&step, "step", "", "`STEP` that waits")
		cmd.Flags().BoolVar(&approve, "approve", false, "let it be done")
		cmd.Flags().BoolVar(&failed, "failed", false, "say that what was asked for could not be done")
	}, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
		i, err := h.desk.Show(id)
		if err != nil {
			return nil, err
		}
		if len(i.Runs) == 0 {
			return nil, fmt.Errorf("%s runs no procedure\nhint: %s", id, i.Next)
		}
		j, err := h.desk.Run(id, i.Runs[len(i.Runs)-1])
		if err != nil {
			return nil, err
		}
		defer j.Close() //nolint:errcheck // see contain
		if approve {
			if err = h.mayApprove(h.by); err == nil {
				err = playbook.Approve(j, step, h.by)
			}
		} else {
			err = playbook.Answer(j, step, h.by, h.note, failed)
		}
		if err != nil {
			return nil, err
		}
		return h.desk.Show(id)
	})
}

func newIncidentTaint(g *globals) *cobra.Command {
	var t respond.Taint
	var since string
	return g.onIncident("taint", "Say which data or model was poisoned, and list what lies downstream of it", func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&t.Asset, "asset", "", "`ID` of it; an object by its own ARN")
		cmd.Flags().StringArrayVar(&t.Versions, "version", nil, "`ID` of a poisoned version of an object; repeats")
		cmd.Flags().StringVar(&t.Nothing, "nothing", "", "`REASON` why nothing that the workload has was poisoned, in place of --asset")
		cmd.Flags().StringVar(&since, "since", "", "`TIME` from which it was (RFC 3339); else when the version was written")
	}, func(ctx context.Context, h *handling, id string) (*respond.Incident, error) {
		var err error
		if since != "" {
			if t.Since, err = time.Parse(time.RFC3339, since); err != nil {
				return nil, usage("--since is no time", "--since 2026-11-28T09:30:00Z")
			}
		}
		if t.Nothing != "" {
			if err := h.mayApprove(h.by); err != nil {
				return nil, err
			}
			return h.desk.Taint(id, h.by, t)
		}
		if _, err := h.desk.Show(id); err != nil {
			return nil, err
		}
		err = g.ranked(ctx, reading{snapshot: "latest"}, nil, func(_ *session, res *assess.Result, _ []respond.Ranked) error {
			t.Reaches, _ = assess.Downstream(res.Snapshot, t.Asset)
			return nil
		})
		if err != nil && !noSnapshot(err) {
			return nil, err
		}
		i, err := h.desk.Taint(id, h.by, t)
		if err == nil {
			for _, a := range t.Reaches {
				fmt.Fprintln(g.stderr, "reaches", a)
			}
			if len(t.Reaches) == 0 {
				fmt.Fprintln(g.stderr, "nothing is known to be downstream of it in the latest snapshot")
			}
		}
		return i, err
	})
}

// noSnapshot reports whether an error says that the state has no snapshot yet.
func noSnapshot(err error) bool {
	var f *failure
	return errors.As(err, &f) && strings.HasPrefix(f.what, "no snapshot")
}

func newIncidentReturn(g *globals) *cobra.Command {
	var restore bool
	var r reading
	var detection string
	cmd := g.onIncident("return", "Check what return to production asks; with --restore, return, which is refused while anything is not green", func(cmd *cobra.Command) {
		cmd.Flags().BoolVar(&restore, "restore", false, "return to production")
		cmd.Flags().StringVar(&detection, "detection", "", "`URL` of the detection that runs (sevenfold detect run --listen); else what this state has of one")
		r.addTo(cmd)
	}, func(ctx context.Context, h *handling, id string) (*respond.Incident, error) {
		if restore {
			i, err := h.desk.Restore(id, h.by)
			if err != nil {
				return nil, err
			}
			return i, respond.Shelf{Folder: filepath.Dir(h.desk.Folder)}.Returned(i)
		}
		i, err := h.desk.Show(id)
		if err != nil {
			return nil, err
		}
		checks, err := g.returnChecks(ctx, h, i, r, detection)
		if err != nil {
			return nil, err
		}
		i, err = h.desk.CheckReturn(id, h.by, checks)
		if err == nil && !i.Checked.Green() {
			err = verdict(exitNotReady)
		}
		return i, err
	})
	return cmd
}

func newIncidentExport(g *globals) *cobra.Command {
	var to, key string
	return g.onIncident("export", "Copy an incident with its evidence into a folder, signed, so that alterations show", func(cmd *cobra.Command) {
		cmd.Flags().StringVar(&to, "to", "", "`FOLDER` that is not there yet")
		cmd.Flags().StringVar(&key, "key", "", "`FILE` of an Ed25519 key (PKCS#8); else the state's own")
	}, func(_ context.Context, h *handling, id string) (*respond.Incident, error) {
		if to == "" {
			return nil, errors.New("where to is not said\nhint: --to FOLDER")
		}
		k, err := h.s.signingKey(key)
		if err != nil {
			return nil, err
		}
		if _, err := h.desk.Export(id, to, k); err != nil {
			return nil, err
		}
		return h.desk.Show(id)
	})
}

func newIncidentVerify(g *globals) *cobra.Command {
	var key string
	cmd := &cobra.Command{Use: "verify FOLDER", Short: "Check an export: its signature, every file, every chain; exit 1 with the place that was altered", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		public, err := g.trustedKey(key)
		if err != nil {
			return err
		}
		m, err := respond.VerifyExport(args[0], public)
		if err != nil {
			printFailure(g.stderr, &failure{what: err.Error(), where: args[0], hint: "ask whoever exported it for another copy"})
			return verdict(exitNotReady)
		}
		return g.tell(m, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s of %s is as it was exported: %d files, head %s\n", m.Incident, m.Exported.Format(time.RFC3339), len(m.Files), cutText(m.Head, 16))
			return err
		})
	}}
	cmd.Flags().StringVar(&key, "key", "", "public key it must be signed with (ed25519:… or a PEM file); else the state's own")
	return cmd
}
