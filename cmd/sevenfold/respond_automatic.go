package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// actAlone contains what a detection tells of, by the playbooks that respond.automatic names.
// The scope file is read anew each time and before each action, so that taking a name out
// stops what was begun.
func (g *globals) actAlone(ctx context.Context, h *handling, told []detect.Incident, now time.Time) error {
	now = now.UTC()
	fresh, err := g.desk()
	if err != nil {
		return fmt.Errorf("nothing is done by itself: %w", err)
	}
	fresh.desk.Now = h.desk.Now
	allowed := fresh.s.scope.Respond.Automatic
	if len(allowed) == 0 {
		return nil
	}
	all, broken := assess.Scenarios(fresh.s.ownScenarios()...)
	if err := assess.CheckAutomatic(fresh.s.scope, all); err != nil {
		return errors.Join(err, broken)
	}
	list, err := fresh.desk.List()
	if err != nil {
		return fmt.Errorf("nothing is done by itself while an incident cannot be read, which may have begun it: %w", err)
	}
	var ranked map[string][]respond.Ranked
	var errs []error
	for n := range told {
		at := slices.IndexFunc(list, func(i *respond.Incident) bool { return i.Source == respond.SourceDetection+told[n].ID })
		if at < 0 || !openToAct(list[at]) {
			continue
		}
		if ranked == nil {
			if ranked, err = g.rankedNow(ctx); err != nil {
				return fmt.Errorf("nothing is done by itself: %w", err)
			}
		}
		if err := g.oneAlone(ctx, fresh, list[at], list, &told[n], ranked, now); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", list[at].ID, err))
		}
		if list, err = fresh.desk.List(); err != nil { // what was begun counts for the next
			return errors.Join(append(errs, err)...)
		}
	}
	return errors.Join(errs...)
}

// openToAct reports whether something may be left to do of an incident without people.
func openToAct(i *respond.Incident) bool {
	return !i.Exercise && i.Taken == "" && (i.State == respond.Detected || i.Automatic && slices.Contains([]respond.State{respond.Acknowledged, respond.Triaged, respond.Preserved}, i.State))
}

// rankedNow are the scenarios of the latest snapshot's workloads.
func (g *globals) rankedNow(ctx context.Context) (map[string][]respond.Ranked, error) {
	out := map[string][]respond.Ranked{}
	err := g.ranked(ctx, reading{snapshot: "latest"}, nil, func(_ *session, _ *assess.Result, list []respond.Ranked) error {
		for _, k := range list {
			out[k.Workload.ID] = append(out[k.Workload.ID], k)
		}
		return nil
	})
	return out, err
}

// oneAlone begins, or goes on with, what is done of one incident.
func (g *globals) oneAlone(ctx context.Context, h *handling, i *respond.Incident, list []*respond.Incident, told *detect.Incident, ranked map[string][]respond.Ranked, now time.Time) error {
	j, name, actions, err := g.begun(ctx, h, i, list, told, ranked, now)
	switch {
	case err != nil && ctx.Err() == nil:
		// People look at the incident, not at what this process says.
		return errors.Join(err, h.desk.Stood(i.ID, strings.SplitN(err.Error(), "\n", 2)[0]))
	case err != nil || j == nil:
		return err
	}
	defer j.Close() //nolint:errcheck // each event was synced when it was written
	running, stop := context.WithCancel(ctx)
	defer stop()
	scenario := i.Scenario
	if now, err := h.desk.Show(i.ID); err == nil {
		scenario = now.Scenario
	}
	before := j.Head()
	guard := &switched{Actions: actions, ctx: ctx, stop: stop, on: func() error { return g.stillAutomatic(h, i.ID, scenario) }}
	out, err := playbook.Resume(running, j, playbook.Options{Actor: guard, Approvals: aloneApprovals(h.approvals(actions))})
	switch {
	case guard.why != nil:
		return g.stopped(h, i.ID, guard.why)
	case err != nil:
		return err
	}
	if j.Head() != before { // what waits, or is over, is told once
		fmt.Fprintf(g.stderr, "%s %s: by itself: ", time.Now().UTC().Format(time.RFC3339), i.ID)
		h.tellRun(g.stderr, name, out)
	}
	_, err = h.desk.EndAlone(i.ID, name, out)
	return err
}

// offError says that people stopped what began by itself, which is no fault.
type offError string

// Error implements error.
func (e offError) Error() string { return string(e) }

// stopped writes down why a run was stopped. That people did it is told, and no error.
func (g *globals) stopped(h *handling, id string, why error) error {
	err := h.desk.Stopped(id, why.Error())
	var off offError
	if !errors.As(why, &off) {
		return errors.Join(why, err)
	}
	fmt.Fprintf(g.stderr, "%s %s: stopped: %s\n", time.Now().UTC().Format(time.RFC3339), id, why)
	return err
}

// begun is the run of an incident that acts by itself, nil where it may not, which is written
// down.
func (g *globals) begun(ctx context.Context, h *handling, i *respond.Incident, list []*respond.Incident, told *detect.Incident, ranked map[string][]respond.Ranked, now time.Time) (*playbook.Journal, string, respond.Actions, error) {
	r := &h.s.scope.Respond
	actions, err := assess.Responders(ctx, h.s.sources, r.Responder)
	if err != nil {
		return nil, "", nil, err
	}
	if run := i.OwnRun(); run != "" {
		if err := g.stillAutomatic(h, i.ID, i.Scenario); err != nil {
			return nil, "", nil, g.stopped(h, i.ID, err)
		}
		j, err := h.desk.Run(i.ID, run)
		return j, run, actions, err
	}
	k, why := assess.Aim(told, r.Automatic, ranked, now)
	if why == "" {
		per := r.AutomaticPerHour
		if per == 0 {
			per = scope.AutomaticPerHour
		}
		why = i.Hold(list, k.Scenario.ID, k.Workload.Name, actions.Describe(k.Scenario.Playbook, k.Values), per, now)
	}
	if why == "" && r.Responder == "" {
		why = "respond.responder names nobody by whom it would be done"
	}
	if why != "" {
		return nil, "", nil, h.desk.Stood(i.ID, why)
	}
	text, err := json.Marshal(told)
	if err != nil {
		return nil, "", nil, err
	}
	laws := slices.DeleteFunc(slices.Clone(k.Scenario.Laws), func(l string) bool { return !slices.Contains(r.Laws, l) })
	j, name, err := h.desk.BeginAlone(i.ID, respond.Begun{Detection: text, Planned: actions.Rehearse(ctx, k.Scenario.Playbook, k.Values), Values: k.Values, Playbook: k.Scenario.Playbook,
		Workload: k.Workload.Name, Triage: respond.Triage{Severity: k.Severity, Scenario: k.Scenario.ID, Laws: laws}})
	return j, name, actions, err
}

// aloneApprovals wants somebody's word for all that does not contain: what ends the cause or
// restores is for people.
func aloneApprovals(policy func(playbook.Call, *playbook.Step) int) func(playbook.Call, *playbook.Step) int {
	return func(c playbook.Call, s *playbook.Step) int {
		n := policy(c, s)
		if s.Phase != "contain" && s.Phase != "preserve" {
			n = max(n, 1)
		}
		return n
	}
}

// stillAutomatic says why something may be done by itself no more: the name was taken out of
// the scope file, the file cannot be read, a person took the incident in hand.
func (g *globals) stillAutomatic(h *handling, id, scenario string) error {
	s, err := g.scopeOnly()
	if err != nil {
		return fmt.Errorf("the scope file cannot be read: %s", strings.SplitN(err.Error(), "\n", 2)[0])
	}
	if !slices.ContainsFunc(s.scope.Respond.Automatic, func(a scope.Automatic) bool { return a.Scenario == scenario }) {
		return offError("respond.automatic names " + scenario + " no more")
	}
	i, err := h.desk.Show(id)
	if err == nil && i.Taken != "" {
		err = offError(fmt.Sprintf("%s has it in hand: sevenfold respond incident contain %s --apply --by NAME goes on", i.Taken, id))
	}
	return err
}

// switched acts as long as it is switched on: the switch is asked before each action. What is
// under way by then is finished, so that how it ended is known.
type switched struct {
	respond.Actions
	ctx  context.Context // of the process: the switch does not end it
	on   func() error
	stop func()
	mu   sync.Mutex // branches run beside one another
	why  error
}

var _ playbook.Actor = (*switched)(nil)

// Prepare implements playbook.Actor.
func (s *switched) Prepare(ctx context.Context, c playbook.Call) (json.RawMessage, error) {
	if err := s.off(); err != nil {
		return nil, err
	}
	return s.Actions.Prepare(ctx, c)
}

// Apply implements playbook.Actor.
func (s *switched) Apply(ctx context.Context, c playbook.Call, prior json.RawMessage) (map[string]string, error) {
	if err := s.off(); err != nil {
		return nil, err
	}
	ctx, cancel := s.whole(ctx)
	defer cancel()
	return s.Actions.Apply(ctx, c, prior)
}

// Applied implements playbook.Actor.
func (s *switched) Applied(ctx context.Context, c playbook.Call, prior json.RawMessage) (bool, map[string]string, error) {
	ctx, cancel := s.whole(ctx)
	defer cancel()
	return s.Actions.Applied(ctx, c, prior)
}

// Verify implements playbook.Actor.
func (s *switched) Verify(ctx context.Context, c playbook.Call, prior json.RawMessage) error {
	ctx, cancel := s.whole(ctx)
	defer cancel()
	return s.Actions.Verify(ctx, c, prior)
}

// whole is a context that ends with the process or the step's time, and not with the switch.
func (s *switched) whole(ctx context.Context) (context.Context, context.CancelFunc) {
	if at, ok := ctx.Deadline(); ok {
		return context.WithDeadline(s.ctx, at)
	}
	return context.WithCancel(s.ctx)
}

// off ends the run where it stands, which is no failure of the step.
func (s *switched) off() error {
	err := s.on()
	if err != nil {
		s.mu.Lock()
		s.why = err
		s.mu.Unlock()
		s.stop()
	}
	return err
}
