package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/store"
)

func newRespond(g *globals) *cobra.Command {
	return g.stepVerb("respond", "What is done when it happens: scenarios, containment, incidents, exercises",
		newRespondScenarios(g), newRespondPlan(g), newRespondIncident(g), newRespondExercise(g), newRespondWatch(g), newRespondContacts(g), newRespondPlaybook(g))
}

// respondFolder is where incidents and exercises lie: in the state's folder.
func (s *session) respondFolder() (string, error) {
	if s.folder() == "" {
		return "", usage("incidents and exercises are kept in a folder, and this state is a database", "give --state DIR for them")
	}
	return filepath.Join(s.folder(), "respond"), nil
}

// responding is what the respond step takes from this session: the scenarios, those
// beside the scope file among them, and the records in the state.
func (s *session) responding() assess.Responding {
	r := assess.Responding{}
	r.Scenarios, r.Broken = assess.Scenarios(s.ownScenarios()...)
	r.Broken = errors.Join(r.Broken, assess.CheckAutomatic(s.scope, r.Scenarios))
	if dir, err := s.respondFolder(); err == nil {
		r.Records = respond.Shelf{Folder: dir}
	}
	return r
}

// ownScenarios is the folder of scenarios beside the scope file, if there is one.
func (s *session) ownScenarios() []fs.FS {
	if s.file == "" {
		return nil
	}
	beside := filepath.Join(filepath.Dir(s.file), "scenarios")
	if info, err := os.Stat(beside); err == nil && info.IsDir() {
		return []fs.FS{os.DirFS(beside)}
	}
	return nil
}

// scenarioRow is a scenario of a workload as it is told.
type scenarioRow struct {
	Workload  string            `json:"workload"`
	Scenario  string            `json:"scenario"`
	Title     string            `json:"title"`
	Score     int               `json:"score"`
	Severity  string            `json:"severity"`
	Because   []string          `json:"because"`
	Status    string            `json:"status"` // ready, red, unknown
	Why       string            `json:"why"`
	Signals   []respond.Signal  `json:"signals"`
	Live      respond.Live      `json:"live"`
	Values    map[string]string `json:"values"`
	Missing   []string          `json:"missing"`
	ATLAS     []string          `json:"atlas"`
	ATTACK    []string          `json:"attack"`
	Owner     string            `json:"owner"`
	Eradicate string            `json:"eradicate"`
	Verify    string            `json:"verify"`
	Tell      string            `json:"communicate"`
}

func newRespondScenarios(g *globals) *cobra.Command {
	var r reading
	var all bool
	cmd := &cobra.Command{
		Use: "scenarios [WORKLOAD]", Short: "What can happen to each workload here, what matters most first; red where nothing would show it",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("respond scenarios", "text", "json"); err != nil {
				return err
			}
			return g.ranked(cmd.Context(), r, args, func(s *session, res *assess.Result, list []respond.Ranked) error {
				rows := make([]scenarioRow, 0, len(list))
				top := s.scope.Respond.Top
				if top == 0 {
					top = 5
				}
				count := map[string]int{}
				for _, k := range list {
					if count[k.Workload.ID]++; all || count[k.Workload.ID] <= top {
						rows = append(rows, rowOf(&k))
					}
				}
				if err := g.tell(map[string]any{"scenarios": rows}, func(w io.Writer) error { return scenarioText(w, rows) }); err != nil {
					return err
				}
				code := exitReady
				for _, row := range rows {
					switch {
					case row.Status == "red":
						code = exitNotReady
					case row.Status == "unknown" && code == exitReady:
						code = exitUnknown
					}
				}
				if len(rows) == 0 {
					code = exitUnknown
				}
				return verdict(code)
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all that can befall a workload, not those alone that have to be ready")
	return cmd
}

// rowOf tells how a scenario stands: ready where a containing step is bound to something
// and a signal is live.
func rowOf(k *respond.Ranked) scenarioRow {
	w := k.Wiring()
	sc := k.Scenario
	row := scenarioRow{Workload: k.Workload.Name, Scenario: sc.ID, Title: sc.Title, Score: k.Score, Severity: k.Severity, Because: k.Because, Signals: sc.Signals, Live: k.Live, Values: k.Values,
		Missing: w.Missing, ATLAS: sc.ATLAS, ATTACK: sc.ATTACK, Owner: sc.Owner, Eradicate: sc.Eradicate, Verify: sc.Verify, Tell: sc.Communicate}
	if row.Missing == nil {
		row.Missing = []string{}
	}
	switch {
	case len(w.Ready)+len(w.Asked) == 0:
		row.Status, row.Why = "red", "no containing step is bound to anything here: "+strings.Join(w.Missing, "; ")
	case k.Live.Status() == "live":
		row.Status, row.Why = "ready", "watched by "+strings.Join(k.Live.By, ", ")
	case k.Live.Status() == "off":
		row.Status, row.Why = "red", "no signal is live: "+k.Live.Why()
	default:
		row.Status, row.Why = "unknown", "no live signal is known: "+k.Live.Why()
	}
	return row
}

func scenarioText(w io.Writer, rows []scenarioRow) error {
	last := ""
	for _, r := range rows {
		if r.Workload != last {
			fmt.Fprintf(w, "%s\n", r.Workload)
			last = r.Workload
		}
		fmt.Fprintf(w, "  %3d  %-8s %-8s %s: %s\n", r.Score, r.Status, r.Severity, r.Scenario, r.Title)
		fmt.Fprintf(w, "       because: %s\n", strings.Join(r.Because, "; "))
		fmt.Fprintf(w, "       %s\n", r.Why)
	}
	if len(rows) == 0 {
		fmt.Fprintln(w, "no AI workload was found, so nothing can befall one")
	}
	return nil
}

// ranked reads the estate and gives the scenarios of the workloads asked for, all
// workloads in the order of their worst one.
func (g *globals) ranked(ctx context.Context, r reading, args []string, then func(*session, *assess.Result, []respond.Ranked) error) error {
	s, err := g.open()
	if err != nil {
		return err
	}
	r.noUsage = true
	return s.with(ctx, r, func(_ store.Store, _ assess.Options, res *assess.Result) error {
		var list []respond.Ranked
		ids := make([]string, 0, len(res.Scenarios))
		for id := range res.Scenarios {
			ids = append(ids, id)
		}
		slices.SortFunc(ids, func(a, b string) int {
			x, y := res.Scenarios[a], res.Scenarios[b]
			if len(x) > 0 && len(y) > 0 && x[0].Score != y[0].Score {
				return y[0].Score - x[0].Score
			}
			return strings.Compare(a, b)
		})
		names, without := []string{}, ""
		for i := range res.Workloads.List {
			if w := &res.Workloads.List[i]; len(args) > 0 && (w.Name == args[0] || w.ID == args[0]) {
				without = w.Name
			}
		}
		for _, id := range ids {
			for _, k := range res.Scenarios[id] {
				names = append(names, k.Workload.Name)
				if len(args) == 0 || k.Workload.Name == args[0] || k.Workload.ID == args[0] {
					list = append(list, k)
				}
			}
		}
		if len(args) > 0 && len(list) == 0 {
			slices.Sort(names)
			if without != "" {
				return usage(fmt.Sprintf("no scenario is known for %s: what it is cannot be told from what it was declared as", without), "match what answers (a Deployment, a service) or what runs (a Job) in sevenfold.yaml, or write a scenario of your own beside it: docs/respond.md")
			}
			return usage(fmt.Sprintf("no workload is called %q", args[0]), "there are: "+strings.Join(slices.Compact(names), ", "))
		}
		return then(s, res, list)
	})
}

func newRespondPlan(g *globals) *cobra.Command {
	var r reading
	var scenario string
	var rehearse, grants, actions bool
	cmd := &cobra.Command{
		Use: "plan [WORKLOAD]", Short: "What each procedure would do here, what breaks, and which grants it needs; nothing is changed",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("respond plan", "text", "json"); err != nil {
				return err
			}
			if actions {
				return g.tellActions()
			}
			return g.ranked(cmd.Context(), r, args, func(s *session, res *assess.Result, list []respond.Ranked) error {
				return g.plan(cmd.Context(), s, res, list, scenario, rehearse, grants)
			})
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&scenario, "scenario", "", "the procedure of one `SCENARIO`; else those that matter most")
	cmd.Flags().BoolVar(&rehearse, "rehearse", false, "read, with the responder's rights, what every action would change, and remember that it was rehearsed")
	cmd.Flags().BoolVar(&grants, "grants", false, "print the least grants that the responder's role needs")
	cmd.Flags().BoolVar(&actions, "actions", false, "list the actions there are")
	return cmd
}

// plannedRow is a procedure for one workload.
type plannedRow struct {
	Workload string            `json:"workload"`
	Scenario string            `json:"scenario"`
	Severity string            `json:"severity"`
	Values   map[string]string `json:"values"`
	// Others are things that fit a variable as well as the one that it has.
	Others   map[string][]string `json:"others,omitempty"`
	Steps    []respond.Planned   `json:"steps"`
	Affects  []string            `json:"affects"`
	Problems []string            `json:"problems"`
}

func (g *globals) plan(ctx context.Context, s *session, res *assess.Result, list []respond.Ranked, scenario string, rehearse, grants bool) error {
	known := assess.Known()
	actor := known
	if rehearse {
		var err error
		if actor, err = assess.Responders(ctx, s.sources, s.scope.Respond.Responder); err != nil {
			return err
		}
	}
	top := s.scope.Respond.Top
	if top == 0 {
		top = 5
	}
	count := map[string]int{}
	var rows []plannedRow
	var shelf respond.Shelf
	if dir, err := s.respondFolder(); err == nil {
		shelf.Folder = dir
	} else if rehearse {
		return err
	}
	for i := range list {
		k := &list[i]
		count[k.Workload.ID]++
		if scenario != "" && k.Scenario.ID != scenario || scenario == "" && count[k.Workload.ID] > top {
			continue
		}
		row := planRow(ctx, k, known, actor, rehearse)
		row.Affects = affected(res.Snapshot, k)
		rows = append(rows, row)
		if rehearse {
			rec := respond.Record{ID: "rehearsal " + k.Workload.ID + " " + k.Scenario.ID, Kind: respond.Rehearsal, Workload: k.Workload.ID, Scenario: k.Scenario.ID, At: res.Snapshot.Taken(),
				Material: assess.Material(res.Snapshot, k.Workload), Problems: row.Problems}
			if err := shelf.Keep(rec); err != nil {
				return err
			}
		}
	}
	if scenario != "" && len(rows) == 0 {
		return usage(fmt.Sprintf("no scenario %q can befall it", scenario), "sevenfold respond scenarios --all lists them")
	}
	if grants {
		return g.tellGrants(rows)
	}
	if err := g.tell(map[string]any{"procedures": rows}, func(w io.Writer) error { return procedureText(w, rows, rehearse) }); err != nil {
		return err
	}
	for _, row := range rows {
		if len(row.Problems) > 0 {
			return verdict(exitNotReady)
		}
	}
	if len(rows) == 0 || !rehearse {
		return verdict(exitUnknown)
	}
	return nil
}

// planRow rehearses the containing steps that the run would come to. What waits for a
// person's word in the run is no problem.
func planRow(ctx context.Context, k *respond.Ranked, known, actor respond.Actions, rehearse bool) plannedRow {
	row := plannedRow{Workload: k.Workload.Name, Scenario: k.Scenario.ID, Severity: k.Severity, Values: k.Values, Others: k.Others, Problems: []string{}}
	given := k.Scenario.Playbook.Given()
	steps, fallback := k.Scenario.Playbook.Reachable(k.Values)
	reach := map[string]bool{}
	asks := map[string]bool{}
	for _, s := range steps {
		reach[s.ID] = true
		asks[s.ID] = slices.ContainsFunc(s.Uses(), func(v string) bool { return given[v] })
	}
	from := known.Describe(k.Scenario.Playbook, k.Values)
	if rehearse {
		from = actor.Rehearse(ctx, k.Scenario.Playbook, k.Values)
	}
	for _, p := range from {
		if !reach[p.Step] {
			continue
		}
		switch {
		case p.Why == "":
		case asks[p.Step]:
			p.Why = "a person names it in the run"
		case !fallback[p.Step]:
			row.Problems = append(row.Problems, p.Step+": "+p.Why)
		}
		row.Steps = append(row.Steps, p)
	}
	contain := slices.ContainsFunc(row.Steps, func(p respond.Planned) bool { return p.Phase == "contain" && (p.Why == "" || asks[p.Step]) })
	if !contain {
		row.Problems = append(row.Problems, "no containing step can be done")
	}
	return row
}

// affected are the assets that hang on what a procedure acts on: its neighbours that
// read, serve, run as or use it.
func affected(snap *estate.Snapshot, k *respond.Ranked) []string {
	var out []string
	for _, id := range k.Values {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		for e := range snap.In(n) {
			if a := snap.Asset(e.Node); a.Type != estate.SetType && e.Tier == estate.Declared && a.ID != "" {
				out = append(out, a.ID)
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), 20)]
}

func procedureText(w io.Writer, rows []plannedRow, rehearsed bool) error {
	for _, r := range rows {
		fmt.Fprintf(w, "%s: %s (%s)\n", r.Workload, r.Scenario, r.Severity)
		for _, s := range r.Steps {
			on := s.Call.Target
			if on == "" {
				on = "?"
			}
			fmt.Fprintf(w, "  %-12s %s on %s\n", s.Phase, s.Call.Action, on)
			if s.Does != "" {
				fmt.Fprintf(w, "               does: %s; breaks: %s\n", s.Does, s.Breaks)
			}
			switch {
			case s.Why != "":
				fmt.Fprintf(w, "               %s\n", s.Why)
			case s.Already:
				fmt.Fprintf(w, "               it is so already\n")
			case len(s.State) > 0:
				fmt.Fprintf(w, "               now: %s\n", cutText(string(s.State), 160))
			}
		}
		for _, name := range sortedNames(r.Others) {
			fmt.Fprintf(w, "  %s is also: %s (incident contain --set %s=… acts on another)\n", name, strings.Join(r.Others[name], ", "), name)
		}
		if len(r.Affects) > 0 {
			fmt.Fprintf(w, "  hangs on it: %s\n", strings.Join(r.Affects, ", "))
		}
		for _, p := range r.Problems {
			fmt.Fprintf(w, "  PROBLEM %s\n", p)
		}
	}
	if !rehearsed {
		fmt.Fprintln(w, "nothing was read with the responder's rights: --rehearse does that")
	}
	return nil
}

func cutText(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// tellGrants prints what the responder's role needs, as a policy for AWS and as rules
// for clusters.
func (g *globals) tellGrants(rows []plannedRow) error {
	needs := map[string]map[string]bool{} // resource -> permissions
	for _, r := range rows {
		for _, s := range r.Steps {
			for on, permissions := range s.Grants {
				if on == "" {
					continue
				}
				if needs[on] == nil {
					needs[on] = map[string]bool{}
				}
				for _, p := range permissions {
					needs[on][p] = true
				}
			}
		}
	}
	statements, rules := []map[string]any{}, []map[string]any{}
	for _, on := range sortedNames(needs) {
		ps := sortedNames(needs[on])
		if strings.HasPrefix(ps[0], "k8s:") {
			rules = append(rules, map[string]any{"on": on, "permissions": ps})
			continue
		}
		statements = append(statements, map[string]any{"Effect": "Allow", "Action": ps, "Resource": on})
	}
	doc := map[string]any{"policy": map[string]any{"Version": "2012-10-17", "Statement": statements}, "kubernetes": rules}
	return g.write(func(w io.Writer) error { return writeJSON(w, doc) })
}

func sortedNames[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// tellActions lists the actions of this version.
func (g *globals) tellActions() error {
	type row struct {
		ID     string            `json:"id"`
		Does   string            `json:"does"`
		Target string            `json:"target"`
		Params map[string]string `json:"params"`
		Breaks string            `json:"breaks"`
		Final  bool              `json:"final"`
	}
	known := assess.Known()
	var rows []row
	for _, id := range known.IDs() {
		a := known[id]
		params := a.Params()
		if params == nil {
			params = map[string]string{}
		}
		rows = append(rows, row{id, a.Title(), a.Target(), params, a.Breaks(), a.Final()})
	}
	return g.tell(map[string]any{"actions": rows}, func(w io.Writer) error {
		for _, r := range rows {
			final := ""
			if r.Final {
				final = " It cannot be taken back."
			}
			fmt.Fprintf(w, "%s on %s\n  %s; breaks: %s.%s\n", r.ID, r.Target, r.Does, r.Breaks, final)
			for _, p := range sortedNames(r.Params) {
				fmt.Fprintf(w, "  %s: %s\n", p, r.Params[p])
			}
		}
		return nil
	})
}

// respondFailure gives errors of the respond step their exit code: what a person asked
// for and could not be is their usage; the rest is ours.
func respondFailure(err error) error {
	if err == nil {
		return nil
	}
	var f *failure
	var v verdict
	if errors.As(err, &f) || errors.As(err, &v) {
		return err
	}
	what, hint := splitHints(err.Error())
	return &failure{code: exitUsage, what: what, hint: hint}
}
