package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/store"
)

// joinDrift notes on incidents the differences from the approved baseline that they made, as
// far as the last stored estate shows them. why says why that is not known; "" where it is.
func (s *session) joinDrift(ctx context.Context, st store.Store, snap *estate.Snapshot, list []detect.Incident) (why string, err error) {
	if len(list) == 0 {
		return "", nil
	}
	if snap == nil {
		return "no estate was read yet (sevenfold assess), so that none is compared with a baseline", nil
	}
	b, err := s.holding(st, time.Now().UTC(), false).Against(ctx, snap)
	switch {
	case err != nil:
		return "", stateFailure(err)
	case b == nil:
		return "no baseline was approved (sevenfold baseline approve), so that nothing can be said to differ", nil
	case b.Refused != "":
		return "the baseline does not count: " + b.Refused, nil
	}
	assess.JoinDrift(list, b.Drift)
	return "", nil
}

// driftLines tells of one incident what it changed.
func driftLines(w io.Writer, i *detect.Incident, why string) {
	if why != "" {
		fmt.Fprintf(w, "drift: not known: %s\n\n", printable(why))
		return
	}
	for _, d := range i.Drift {
		how := "may have made"
		if d.Shown {
			how = "made"
		}
		fmt.Fprintf(w, "drift: event %s %s %s (%s, %s): %s %s %s\n", printable(d.Event), how, d.Record, d.Status, d.Consequence, printable(d.Asset), d.What, printable(d.Attribute))
	}
	if len(i.Drift) > 0 {
		fmt.Fprintln(w)
	}
}

// tellIncidents lists incidents, or one of them.
func (s *session) tellIncidents(ctx context.Context, st store.Store, snap *estate.Snapshot, w *assess.Watch, args []string) error {
	g := s.g
	list := []detect.Incident{}
	open := 0
	for _, status := range []string{"open", "closed", "fine"} {
		for _, i := range w.Incidents {
			if i.Status == status && (len(args) == 0 || i.ID == args[0]) {
				list = append(list, i)
			}
		}
		if status == "open" {
			open = len(list)
		}
	}
	if len(args) > 0 && len(list) == 0 {
		return usage("there is no incident "+printable(args[0]), "sevenfold detect incidents lists them")
	}
	why, err := s.joinDrift(ctx, st, snap, list)
	if err != nil {
		return err
	}
	doc := map[string]any{"incidents": list}
	if why != "" {
		doc["driftUnknown"] = why
	}
	err = g.tell(doc, func(out io.Writer) error {
		if g.format == "ocsf" {
			return writeJSON(out, detect.Findings(list, version))
		}
		for i := range list {
			if len(args) > 0 {
				incidentText(out, &list[i])
				driftLines(out, &list[i], why)
				continue
			}
			fmt.Fprintf(out, "%-6s %s  %-8s %5.1f  %s  %s\n", list[i].Status, list[i].ID, list[i].Severity, list[i].Score, list[i].First.Format(time.RFC3339), printable(list[i].Summary))
		}
		fmt.Fprintf(out, "%s, %d open\n", counted(len(list), "incident"), open)
		return nil
	})
	switch {
	case err != nil:
		return err
	case open > 0:
		return verdict(exitNotReady)
	case len(w.Seen) == 0:
		fmt.Fprintln(g.stderr, "sevenfold: no events were ever taken in: that there is no incident says nothing\nhint: sevenfold detect learn PATH…, then sevenfold detect run PATH…")
		return verdict(exitUnknown)
	case !w.Learnt.Mature:
		fmt.Fprintln(g.stderr, "sevenfold: the baseline is not mature, and until it is nothing is told: that there is no incident says nothing\nhint: let it learn more days: sevenfold detect learn PATH…")
		return verdict(exitUnknown)
	case w.Ruled.Left > 0:
		fmt.Fprintf(g.stderr, "sevenfold: %s could not be loaded when events were last taken in: what it watches for was not looked for\nhint: sevenfold detect rules test FOLDER says what is wrong with each; then sevenfold detect run or learn\n", counted(w.Ruled.Left, "rule"))
		return verdict(exitUnknown)
	case w.Budget.Withheld() > 0:
		fmt.Fprintf(g.stderr, "sevenfold: %s of the last 30 days not told, since the budget had no room for more\nhint: sevenfold detect replay --archive --budget N with a larger N tells them\n", counted(w.Budget.Withheld(), "incident"))
		return verdict(exitUnknown)
	}
	return nil
}
