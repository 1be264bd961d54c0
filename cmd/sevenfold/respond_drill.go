package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// drill are the people of a live exercise, at the terminal or in a file of lines.
type drill struct {
	g     *globals
	h     *handling
	k     *respond.Ranked
	apply bool
	lines *bufio.Scanner
	sent  []json.RawMessage // the events that were fired
}

var _ respond.Drill = (*drill)(nil)

// line asks for one; empty ones and remarks are passed over.
func (d *drill) line(ask string) (string, error) {
	fmt.Fprintf(d.g.stderr, "%s\n> ", ask)
	for d.lines.Scan() {
		if line := strings.TrimSpace(d.lines.Text()); line != "" && !strings.HasPrefix(line, "#") {
			return line, nil
		}
	}
	return "", errors.New("nobody did: no line was given")
}

func (d *drill) name(ask string) (string, error) {
	line, err := d.line(ask)
	if err != nil {
		return "", err
	}
	return d.h.called(line)
}

// Acknowledge implements respond.Drill.
func (d *drill) Acknowledge(_ context.Context, _, incident string) (string, error) {
	return d.name("detection tells of " + incident + ". Who has it in hand?")
}

// Contain implements respond.Drill: in dry run, or with --apply by the incident's own way.
func (d *drill) Contain(ctx context.Context, exercise, _ string) (by, note string, applied bool, err error) {
	if by, err = d.name("Who contains it, by " + d.k.Scenario.ID + "?"); err != nil {
		return "", "", false, err
	}
	actions, err := assess.Responders(ctx, d.h.s.sources, d.h.s.scope.Respond.Responder)
	if err != nil {
		return by, "", false, err
	}
	if !d.apply {
		if row := planRow(ctx, d.k, assess.Known(), actions, true); len(row.Problems) > 0 {
			return by, "", false, errors.New("containment cannot be done: " + strings.Join(row.Problems, "; "))
		}
		return by, "containment was tried in dry run, and was possible", false, nil
	}
	d.h.by = by
	if err := d.ready(exercise); err != nil {
		return by, "", false, err
	}
	applied, err = d.run(ctx, exercise, actions)
	return by, "containment was applied, and its probes passed", applied, err
}

// ready brings the exercise to where containment may begin: triaged by the scenario's own
// rule, with the fired events as evidence.
func (d *drill) ready(exercise string) error {
	laws := slices.DeleteFunc(slices.Clone(d.k.Scenario.Laws), func(l string) bool { return !slices.Contains(d.h.s.scope.Respond.Laws, l) })
	if _, err := d.h.desk.Decide(exercise, d.h.by, respond.Triage{Severity: d.k.Severity, Scenario: d.k.Scenario.ID, Laws: laws}); err != nil {
		return err
	}
	f, err := os.CreateTemp("", "events-*.json")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // a copy is kept
	err = json.NewEncoder(f).Encode(map[string]any{"Records": d.sent})
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = d.h.desk.Preserve(exercise, d.h.by, respond.Evidence{What: "the events that were fired"}, f.Name())
	return err
}

// run runs the procedure until what contains is done: what it asks is asked here, and who
// approves is.
func (d *drill) run(ctx context.Context, exercise string, actions respond.Actions) (applied bool, err error) {
	j, name, err := d.h.desk.AddRun(exercise, d.h.by, d.k.Scenario.Playbook, d.k.Values)
	if err != nil {
		return false, err
	}
	defer j.Close() //nolint:errcheck // each event was synced when it was written
	defer func() {
		if list, e := playbook.Effects(j); e != nil || len(list) > 0 {
			applied = true // so far as is known: what may have been changed has to be looked at
		}
	}()
	for {
		out, err := playbook.Resume(ctx, j, playbook.Options{Actor: actions, Approvals: d.h.approvals(actions)})
		if err != nil {
			return false, err
		}
		d.h.tellRun(d.g.stderr, name, out)
		_, err = d.h.desk.Contained(exercise, d.h.by)
		var order *respond.OrderError
		switch {
		case err == nil:
			return true, nil
		case !errors.As(err, &order) || out.Status != playbook.Waiting:
			return false, err
		}
		for _, p := range out.Pending {
			if err := d.decide(j, &p); err != nil {
				return false, err
			}
		}
	}
}

// decide asks what a run waits for.
func (d *drill) decide(j *playbook.Journal, p *playbook.Pending) error {
	if p.Kind == "answer" {
		text, err := d.line(fmt.Sprintf("asks %s: %s", p.Of, p.Ask))
		if err != nil {
			return err
		}
		return playbook.Answer(j, p.Step, d.h.by, text, false)
	}
	by, err := d.name(fmt.Sprintf("%s on %s waits for approval (%d of %d people). Who approves?", p.Call.Action, p.Call.Target, len(p.Approved), p.Needs))
	if err != nil {
		return err
	}
	if err := d.h.mayApprove(by); err != nil {
		return err
	}
	return playbook.Approve(j, p.Step, by)
}
