package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newRespondExercise(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "exercise", Short: "Practise: a tabletop made from your own graph, live fire, the reports, the gaps", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newExerciseTabletop(g), newExerciseLive(g), newExerciseCancel(g), newExerciseList(g), newExerciseReport(g), newExerciseClose(g), newExerciseMetrics(g))
	return cmd
}

func newExerciseTabletop(g *globals) *cobra.Command {
	var r reading
	var scenario, by, answers, resume string
	var speed float64
	var show bool
	cmd := &cobra.Command{Use: "tabletop WORKLOAD", Short: "Sixty minutes around a table, in the terminal; --speed 6 makes them ten", Args: cobra.MaximumNArgs(1), RunE: func(cmd *cobra.Command, args []string) error {
		if err := g.wants("respond exercise tabletop", "text", "json"); err != nil {
			return err
		}
		switch {
		case (resume == "") == (len(args) == 0):
			return usage("what is played is not said, or said twice", "sevenfold respond exercise tabletop WORKLOAD --by NAME, or --resume EXE-…")
		case !(speed >= 0) || math.IsInf(speed, 0):
			return usage("--speed is a number from 0", "--speed 6 makes an hour ten minutes")
		case resume != "":
			return g.play(cmd.Context(), answers, by, speed, func(d respond.Desk, f respond.Face, by string) (*respond.Played, error) {
				return d.Resume(cmd.Context(), resume, f, by)
			})
		}
		var e *respond.Exercise
		var material string
		// The state is not held while people talk: an incident may come meanwhile.
		err := g.ranked(cmd.Context(), r, args, func(ses *session, res *assess.Result, list []respond.Ranked) error {
			stage, err := ses.stage(res, list, scenario)
			if err != nil {
				return respondFailure(err)
			}
			e, material = respond.Generate(stage), assess.Material(res.Snapshot, stage.Ranked.Workload)
			return nil
		})
		switch {
		case err != nil:
			return err
		case show:
			return g.tell(e, func(w io.Writer) error { return injectsText(w, e) })
		}
		return g.play(cmd.Context(), answers, by, speed, func(d respond.Desk, f respond.Face, by string) (*respond.Played, error) {
			return d.Play(cmd.Context(), e, f, by, material)
		})
	}}
	r.addTo(cmd)
	cmd.Flags().StringVar(&scenario, "scenario", "", "`SCENARIO`; else the one that matters most to the workload")
	cmd.Flags().StringVar(&by, "by", "", "`NAME` of who leads it")
	cmd.Flags().StringVar(&answers, "answers", "", "`FILE` of decisions, one a line (NUMBER [WORDS]), in the place of a keyboard")
	cmd.Flags().Float64Var(&speed, "speed", 0, "how many times faster than the clock; 0 goes on as soon as it was decided")
	cmd.Flags().StringVar(&resume, "resume", "", "`ID` of one that was broken off, in place of WORKLOAD")
	cmd.Flags().BoolVar(&show, "show", false, "print what would happen, for who prepares it")
	return cmd
}

// play plays a tabletop at the terminal and keeps its record.
func (g *globals) play(ctx context.Context, answers, by string, speed float64, with func(respond.Desk, respond.Face, string) (*respond.Played, error)) error {
	shelf, h, err := g.shelf()
	if err != nil {
		return err
	}
	if by, err = h.known(by); err != nil {
		return respondFailure(err)
	}
	face, err := newTable(g.stderr, answers, by, speed)
	if err != nil {
		return err
	}
	p, err := with(h.desk, face, by)
	if errors.Is(err, respond.ErrStopped) || err != nil && ctx.Err() != nil {
		return &failure{code: exitUsage, what: err.Error(), hint: "go on with it: sevenfold respond exercise tabletop --resume " + p.ID + " --by NAME; or sevenfold respond exercise cancel " + p.ID}
	}
	if err != nil {
		return respondFailure(err)
	}
	if err := shelf.KeepPlayed(p.ID); err != nil {
		return err
	}
	if err := g.tell(p, func(w io.Writer) error { return playedText(w, p) }); err != nil {
		return err
	}
	if len(p.Gaps) > 0 {
		return verdict(exitNotReady)
	}
	return nil
}

// stage gathers what a tabletop is made of.
func (s *session) stage(res *assess.Result, list []respond.Ranked, scenario string) (respond.Stage, error) {
	i := slices.IndexFunc(list, func(k respond.Ranked) bool { return scenario == "" || k.Scenario.ID == scenario })
	if i < 0 {
		names := []string{}
		for _, k := range list {
			names = append(names, k.Scenario.ID)
		}
		return respond.Stage{}, fmt.Errorf("scenario %q cannot befall it\nhint: %s", scenario, strings.Join(names, ", "))
	}
	st := respond.Stage{Ranked: list[i], Snap: res.Snapshot, Scope: s.scope, Live: list[i].Live.By, LiveKnown: list[i].Live.Status() != "unknown", Breaks: map[string]string{}}
	for id, a := range assess.Known() {
		st.Breaks[id] = a.Breaks()
	}
	if d := res.Workloads.Declared(st.Ranked.Workload.ID); d != nil {
		st.Deputy = d.Deputy
	}
	if dir, err := s.respondFolder(); err == nil {
		records, err := respond.Shelf{Folder: dir}.Records(st.Ranked.Workload.ID)
		if err != nil {
			return st, err
		}
		st.Rehearsed = slices.ContainsFunc(records, func(r respond.Record) bool {
			return r.Kind == respond.Rehearsal && r.Scenario == st.Ranked.Scenario.ID && len(r.Problems) == 0
		})
	}
	return st, nil
}

func injectsText(w io.Writer, e *respond.Exercise) error {
	fmt.Fprintf(w, "%s: %s (%s), laws: %s\n", e.Workload, e.Title, e.Severity, orElse(strings.Join(e.Laws, ", "), "none"))
	for _, i := range e.Injects {
		fmt.Fprintf(w, "%3.0f min  to %s: %s\n         %s\n", i.At.Minutes(), i.Role, i.Text, i.Asks)
		for n, c := range i.Choices {
			fmt.Fprintf(w, "           %d. %s (%d)\n", n+1, c.Text, c.Points)
		}
	}
	for _, o := range e.Observations {
		fmt.Fprintf(w, "gap before anybody decides: %s\n", o.Text)
	}
	return nil
}

func playedText(w io.Writer, p *respond.Played) error {
	fmt.Fprintf(w, "%s: %d of 100, in %s on the clock on the wall; all other times are of the exercise\n", p.ID, p.Score, took(p.Wall))
	for _, s := range p.Scored {
		fmt.Fprintf(w, "  %02d:00 %-12s answered %-12s %s\n", int(s.Came.Minutes()), s.Inject, s.When(), s.Score())
		if s.Gap != "" {
			fmt.Fprintf(w, "        expected: %s\n", s.Expected)
		}
	}
	for _, gap := range p.Gaps {
		fmt.Fprintf(w, "  gap %s: %s\n", gap.ID, gap.Text)
	}
	fmt.Fprintf(w, "report: sevenfold respond exercise report %s --format html --out report.html\n", p.ID)
	return nil
}

// table is a face that prints and reads lines.
type table struct {
	w       io.Writer
	in      *bufio.Scanner
	by      string
	speed   float64
	started time.Time
	skipped time.Duration
}

func newTable(w io.Writer, answers, by string, speed float64) (*table, error) {
	var in io.Reader = os.Stdin
	if answers != "" {
		text, err := os.ReadFile(answers)
		if err != nil {
			return nil, usage("answers: "+err.Error(), "a file of lines NUMBER [WORDS]")
		}
		in = strings.NewReader(string(text))
	}
	return &table{w: w, in: bufio.NewScanner(in), by: by, speed: speed, started: time.Now()}, nil
}

// Begin implements respond.Face.
func (t *table) Begin(id string, e *respond.Exercise, decided int) {
	fmt.Fprintf(t.w, "%s: %s, %d things happen. Answer with a number, and words if there is more to say; broken off, it goes on with --resume %s.\n", id, e.Workload, len(e.Injects), id)
	if decided > 0 {
		fmt.Fprintf(t.w, "%d were decided before.\n", decided)
	}
	t.started = time.Now()
	if decided > 0 && decided < len(e.Injects) {
		t.skipped = e.Injects[decided].At
	}
}

// Elapsed implements respond.Face.
func (t *table) Elapsed() time.Duration {
	speed := t.speed
	if speed == 0 {
		speed = 1
	}
	return time.Duration(float64(time.Since(t.started))*speed) + t.skipped
}

// Wait implements respond.Face.
func (t *table) Wait(ctx context.Context, at time.Duration) error {
	left := at - t.Elapsed()
	if left <= 0 {
		return ctx.Err()
	}
	if t.speed == 0 {
		t.skipped += left
		return ctx.Err()
	}
	select {
	case <-time.After(time.Duration(float64(left) / t.speed)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Show implements respond.Face.
func (t *table) Show(e *respond.Exercise, i *respond.Inject) {
	fmt.Fprintf(t.w, "\n[%02.0f:00] to %s\n%s\n%s\n", i.At.Minutes(), i.Role, i.Text, i.Asks)
	if n := slices.IndexFunc(e.Injects, func(o respond.Inject) bool { return o.ID == i.ID }); n >= 0 && t.speed > 0 {
		fmt.Fprintf(t.w, "(%s until more happens)\n", time.Duration(float64(e.Until(n))/t.speed).Round(time.Second))
	}
	for n, c := range i.Choices {
		fmt.Fprintf(t.w, "  %d. %s\n", n+1, c.Text)
	}
}

// Ask implements respond.Face: a number, and words if there is more to say.
func (t *table) Ask(_ context.Context, i *respond.Inject) (int, string, string, error) {
	for {
		fmt.Fprint(t.w, "> ")
		if !t.in.Scan() {
			return 0, "", "", respond.ErrStopped
		}
		line := strings.TrimSpace(t.in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(i.Choices) == 0 {
			return 0, printable(line), t.by, nil
		}
		number, words, _ := strings.Cut(line, " ")
		if n, err := strconv.Atoi(number); err == nil && n >= 1 && n <= len(i.Choices) {
			return n, printable(strings.TrimSpace(words)), t.by, nil
		}
		fmt.Fprintf(t.w, "a number from 1 to %d, and words if there is more to say\n", len(i.Choices))
	}
}

func (g *globals) shelf() (respond.Shelf, *handling, error) {
	h, err := g.desk()
	if err != nil {
		return respond.Shelf{}, nil, err
	}
	return respond.Shelf{Folder: filepath.Dir(h.desk.Folder)}, h, nil
}

func newExerciseList(g *globals) *cobra.Command {
	return &cobra.Command{Use: "list", Short: "Rehearsals and exercises, with their open gaps; exit 1 while one is open", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		shelf, h, err := g.shelf()
		if err != nil {
			return err
		}
		records, err := shelf.Records("")
		if err != nil {
			return respondFailure(err)
		}
		if records == nil {
			records = []respond.Record{}
		}
		all, err := h.desk.List()
		if err != nil {
			return respondFailure(err)
		}
		unfinished := slices.DeleteFunc(all, func(i *respond.Incident) bool { return !i.Unfinished() })
		open := 0
		err = g.tell(map[string]any{"records": records}, func(w io.Writer) error {
			for _, r := range records {
				fmt.Fprintf(w, "%s  %-10s %-28s %s, score %d\n", r.At.Format(time.DateOnly), r.Kind, r.Scenario, r.ID, r.Score)
				for _, gap := range r.Gaps {
					closed := "open"
					if gap.Closed != "" {
						closed = "closed by " + gap.Closed
					}
					fmt.Fprintf(w, "    %s: %s (%s)\n", gap.ID, gap.Text, closed)
				}
			}
			for _, i := range unfinished {
				fmt.Fprintf(w, "%s  %-10s %-28s %s, broken off: %s\n", i.At[respond.Detected].Format(time.DateOnly), "tabletop", i.Scenario, i.ID, i.Next)
			}
			return nil
		})
		for _, r := range records {
			for _, gap := range r.Gaps {
				if gap.Closed == "" {
					open++
				}
			}
		}
		if err == nil && open > 0 {
			err = verdict(exitNotReady)
		}
		return err
	}}
}

func newExerciseReport(g *globals) *cobra.Command {
	return &cobra.Command{Use: "report ID", Short: "The after-action report of an exercise or incident", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		if err := g.wants("respond exercise report", "text", "markdown", "html", "json"); err != nil {
			return err
		}
		shelf, h, err := g.shelf()
		if err != nil {
			return err
		}
		i, err := h.desk.Show(args[0])
		if err != nil {
			return respondFailure(err)
		}
		records, err := shelf.Records("")
		if err != nil {
			return respondFailure(err)
		}
		var rec *respond.Record
		if n := slices.IndexFunc(records, func(r respond.Record) bool { return r.ID == i.ID }); n >= 0 {
			rec = &records[n]
		}
		return g.write(func(w io.Writer) error {
			switch g.format {
			case "html":
				return respond.HTML(w, i, rec)
			case "json":
				return writeJSON(w, map[string]any{"incident": i, "record": rec, "scored": i.Scores(), "wall": i.Wall()})
			}
			return respond.Markdown(w, i, rec)
		})
	}}
}

func newExerciseClose(g *globals) *cobra.Command {
	var by, note string
	cmd := &cobra.Command{Use: "close ID GAP", Short: "Say that a gap was closed: by whom, and how", Args: cobra.ExactArgs(2), RunE: func(_ *cobra.Command, args []string) error {
		shelf, h, err := g.shelf()
		if err != nil {
			return err
		}
		if by, err = h.known(by); err != nil {
			return respondFailure(err)
		}
		return respondFailure(shelf.Close(args[0], args[1], by, note))
	}}
	cmd.Flags().StringVar(&by, "by", "", "`NAME`")
	cmd.Flags().StringVar(&note, "note", "", "how")
	return cmd
}

func newExerciseCancel(g *globals) *cobra.Command {
	var by, note string
	cmd := &cobra.Command{Use: "cancel ID", Short: "Call off a tabletop that was broken off", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		_, h, err := g.shelf()
		if err != nil {
			return err
		}
		if by, err = h.known(by); err != nil {
			return respondFailure(err)
		}
		return respondFailure(h.desk.CallOff(args[0], by, note))
	}}
	cmd.Flags().StringVar(&by, "by", "", "`NAME`")
	cmd.Flags().StringVar(&note, "note", "", "why")
	return cmd
}

func newExerciseMetrics(g *globals) *cobra.Command {
	return &cobra.Command{Use: "metrics", Short: "Median times to detect, acknowledge and contain, by scenario and month", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		shelf, h, err := g.shelf()
		if err != nil {
			return err
		}
		records, err1 := shelf.Good()
		incidents, err2 := h.desk.List()
		broken := unlike(err1, err2)
		list := respond.Measure(incidents, records)
		if list == nil {
			list = []respond.Metrics{}
		}
		doc := map[string]any{"metrics": list}
		if len(broken) > 0 {
			doc["damaged"] = broken
		}
		err = g.tell(doc, func(w io.Writer) error {
			for _, m := range list {
				line := func(what string, t respond.Times) {
					fmt.Fprintf(w, "%-30s %d times: detect %s, acknowledge %s, contain %s\n", what, t.Times, took(t.Detect), took(t.Acknowledge), took(t.Contain))
				}
				line(m.Scenario, m.Times)
				for _, month := range m.Months {
					line("    "+month.Month, month.Times)
				}
			}
			if len(list) == 0 {
				fmt.Fprintln(w, "nothing was measured yet: no incident, and no exercise that was played to its end")
			}
			return nil
		})
		if err != nil || len(broken) == 0 {
			return err
		}
		for _, b := range broken {
			what, hint := splitHints(b)
			printFailure(g.stderr, &failure{what: "left out of the figures: " + what, hint: hint})
		}
		return verdict(exitUnknown)
	}}
}

// unlike are the messages of errors that were joined, each once.
func unlike(errs ...error) []string {
	var out []string
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		if j, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range j.Unwrap() {
				walk(e)
			}
			return
		}
		text := err.Error()
		if i := slices.IndexFunc(out, func(o string) bool { return strings.HasSuffix(text, o) }); i < 0 {
			out = append(out, text)
		}
	}
	for _, err := range errs {
		walk(err)
	}
	return out
}

func took(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

func newRespondContacts(g *globals) *cobra.Command {
	var send bool
	cmd := &cobra.Command{Use: "contacts", Short: "Who can be called; --send tries each and remembers who was reached", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		shelf, h, err := g.shelf()
		if err != nil {
			return err
		}
		type row struct {
			Name    string    `json:"name"`
			Roles   []string  `json:"roles"`
			By      string    `json:"by"`
			Reached time.Time `json:"reached"`
			Why     string    `json:"why"`
		}
		rows, failed := []row{}, 0
		for _, p := range h.s.scope.Respond.People {
			kind, _, _ := strings.Cut(p.Contact, ":")
			r := row{Name: p.Name, Roles: p.Roles, By: kind}
			if r.Roles == nil {
				r.Roles = []string{}
			}
			if send {
				if err := h.send(cmd.Context(), p.Contact, "sevenfold: this is a test of whether "+p.Name+" can be called for incidents. Nothing has happened."); err != nil {
					r.Why = err.Error()
				} else if err := shelf.Reached(p.Contact, time.Now().UTC()); err != nil {
					return err
				}
			}
			if r.Reached = shelf.Checked(p.Contact); r.Reached.IsZero() || r.Why != "" {
				failed++
			}
			rows = append(rows, r)
		}
		err = g.tell(map[string]any{"contacts": rows}, func(w io.Writer) error {
			for _, r := range rows {
				when := "never reached"
				if !r.Reached.IsZero() {
					when = "reached " + r.Reached.Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%-16s %-10s %s %s\n", r.Name, r.By, when, r.Why)
			}
			if len(rows) == 0 {
				fmt.Fprintln(w, "respond.people in sevenfold.yaml names nobody")
			}
			return nil
		})
		if err == nil && (failed > 0 || len(rows) == 0) {
			err = verdict(exitNotReady)
		}
		return err
	}}
	cmd.Flags().BoolVar(&send, "send", false, "send each a test message")
	return cmd
}

func loadPlaybook(file string) (*playbook.Playbook, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(file, ".json") {
		return playbook.Import(filepath.Base(file), text)
	}
	return playbook.Load(filepath.Base(file), text)
}

// readyPlaybook loads one and refuses what could not be done.
func readyPlaybook(file string) (*playbook.Playbook, error) {
	p, err := loadPlaybook(file)
	if err == nil {
		err = assess.Doable(p, assess.Known())
	}
	return p, respondFailure(err)
}

func newRespondPlaybook(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "playbook", Short: "Check a playbook; read and write CACAO 2.0", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	check := &cobra.Command{Use: "check FILE", Short: "Load a playbook (ours, or CACAO as .json) and say what it does", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		p, err := readyPlaybook(args[0])
		if err != nil {
			return err
		}
		if err := respond.Executable(p); err != nil {
			return respondFailure(err)
		}
		return g.tell(map[string]any{"playbook": p.ID, "steps": p.Order}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%s: %d steps, %d actions\n", p.ID, len(p.Order), len(p.Actions()))
			return err
		})
	}}
	export := &cobra.Command{Use: "export FILE", Short: "Write a playbook as CACAO 2.0", Args: cobra.ExactArgs(1), RunE: func(_ *cobra.Command, args []string) error {
		p, err := readyPlaybook(args[0])
		if err != nil {
			return err
		}
		text, err := playbook.Export(p)
		if err != nil {
			return respondFailure(err)
		}
		return g.write(func(w io.Writer) error { _, err := w.Write(text); return err })
	}}
	cmd.AddCommand(check, export)
	return cmd
}

// returnChecks reads the estate anew and asks it what return to production asks.
func (g *globals) returnChecks(ctx context.Context, h *handling, i *respond.Incident, r reading, detection string) (respond.Checks, error) {
	if r.snapshot != "" || r.asOf != "" {
		return nil, usage("a return is decided on the estate as it is now, not on a stored snapshot", "leave --snapshot and --as-of out")
	}
	s, err := g.open()
	if err != nil {
		return nil, err
	}
	standing, err := h.desk.Standing(i)
	if err != nil {
		return nil, err
	}
	actions, err := assess.Responders(ctx, s.sources, s.scope.Respond.Responder)
	if err != nil {
		return nil, err
	}
	var out respond.Checks
	err = s.with(ctx, r, func(st store.Store, o assess.Options, res *assess.Result) error {
		watch, err := assess.LoadWatch(ctx, st)
		if err != nil {
			return stateFailure(err)
		}
		if detection != "" {
			if watch, err = assess.AskWatch(ctx, detection, os.Getenv(tokenVariable)); err != nil {
				return respondFailure(err)
			}
		}
		out = assess.ReturnChecks(ctx, i, res, o, assess.Returning{
			Quiet: &assess.Told{Watch: watch, Snap: res.Snapshot, Workloads: res.Workloads, Now: o.Now}, Standing: standing, Versions: assess.VersionsBy(actions)})
		// Each is asked while the state is open: snapshots read from it.
		for id, ask := range out {
			light, why := ask()
			out[id] = func() (respond.Light, string) { return light, why }
		}
		return nil
	})
	return out, err
}
