package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

// pageWriter writes docs/detect-quality.md.
type pageWriter struct {
	b       strings.Builder
	seeds   []uint64
	attacks []org.Attack
	details strings.Builder
	rules   *sigma.Set // those shipped
}

func (w *pageWriter) head() {
	fmt.Fprintf(&w.b, `# Detection: how much is found, at what noise

Written by %[1]sgo run ./bench/detect%[1]s: nothing in it is typed in. Measured %[2]s on seeds %[3]v; thresholds and weights were chosen on
seeds 1 to 6, looking at every other of the techniques only. "Unseen" is the recall of the others. What was seen of them: while
the behaviour's weights were chosen, their sum on seeds 11 to 13, after which how much a rule weighs was changed once; when the
rules for AWS accounts were written, from what is published of each attack, this page with the names of what behaviour
alone missed on those seeds; when it was chosen how much counts what a principal or its peers did before, who is new and what
peers do at once (on seeds 1 to 3), this page as it was, with what scaling cost; whether to keep that was settled by one
run on seeds 101 to 104 of behaviour as it was and as it is; how newcomers are ranked was looked at on seeds 201 to 203. Nothing
was chosen on these seeds.

Each organisation (%[1]stest/org%[1]s says what it does and what makes it hard) is learnt for %[4]d days and lives %[5]d more, with one of the %[6]d
published attacks a day, rewritten so that principal, program, address, account, names and hours are the organisation's own.
An attack is found if an incident holds one of its events. What is ordinary is made up by us, and how much of it is new each
day is our guess: the first row shows how hard that makes it for the simplest method. "Per seed" is the number of
incidents a day that were told, attacks among them.

| method | budget a day | found | recall | unseen | told a day | per seed | in the top 3 of its day | events a CPU second |
|---|---|---|---|---|---|---|---|---|
`, "`", time.Now().UTC().Format(time.DateOnly), w.seeds, learnDays, liveDays, len(w.attacks))
}

// row measures one method at some budgets.
func (w *pageWriter) row(name string, t trial, budgets []float64) error {
	for _, b := range budgets {
		t.budget = b
		all, err := w.each(t)
		if err != nil {
			return err
		}
		found, attacks, top, events, unseen, total, per := 0, 0, 0, 0, 0, 0.0, []string{}
		seconds := 0.0
		missed := map[string]int{}
		for _, o := range all {
			found, attacks, top, events, unseen = found+o.found, attacks+o.attacks, top+o.topThree, events+o.events, unseen+o.unseen
			total += o.perDay
			per = append(per, fmt.Sprintf("%.2f", o.perDay))
			seconds += o.cpu.Seconds()
			for _, m := range o.missed {
				missed[m]++
			}
		}
		line := fmt.Sprintf("| %s | %g | %d of %d | %.2f | %.2f | %.2f | %s | %d of %d | %.0fk |\n", name, b, found, attacks, float64(found)/float64(attacks), float64(unseen)/float64(w.notLookedAt()*len(all)), total/float64(len(all)), strings.Join(per, ", "), top, found, float64(events)/seconds/1000)
		fmt.Print(line)
		w.b.WriteString(line)
		switch {
		case name == "behaviour" && b == 3:
			w.compression(all)
			w.misses("behaviour alone", missed)
			fmt.Fprintf(&w.details, "\nA principal takes %d bytes of the model in the mean.\n", all[0].bytes)
		case t.rules != nil:
			w.misses(name, missed)
		}
	}
	return nil
}

// notLookedAt is how many techniques nobody looked at while weights were chosen.
func (w *pageWriter) notLookedAt() (n int) {
	for i := range w.attacks {
		if !lookedAt(i) {
			n++
		}
	}
	return n
}

func (w *pageWriter) each(t trial) ([]outcome, error) {
	var out []outcome
	for _, s := range w.seeds {
		t.seed = s
		o, err := run(t, w.attacks)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// compression says of the attacks of several events how many incidents they became.
func (w *pageWriter) compression(all []outcome) {
	d := &w.details
	d.WriteString("\n## Many events, one incident\n\nOf the attacks of ten events or more that were found, behaviour alone, 3 a day:\n\n| attack | events | incidents an organisation |\n|---|---|---|\n")
	for _, a := range w.attacks {
		if len(a.Records) < 10 {
			continue
		}
		n, in := 0, 0
		for _, o := range all {
			if k := o.incidents[a.Technique]; k > 0 {
				n, in = n+1, in+k
			}
		}
		if n > 0 {
			fmt.Fprintf(d, "| %s | %d | %.1f |\n", a.Technique, len(a.Records), float64(in)/float64(n))
		}
	}
}

// misses lists which attacks a method missed, 3 a day.
func (w *pageWriter) misses(name string, missed map[string]int) {
	d := &w.details
	fmt.Fprintf(d, "\n## What was missed: %s\n\n3 a day, in how many of the organisations:\n\n", name)
	for _, m := range slices.Sorted(maps.Keys(missed)) {
		fmt.Fprintf(d, "- %s: %d\n", m, missed[m])
	}
	if len(missed) == 0 {
		d.WriteString("Nothing.\n")
	}
}

// scaling tests what the mission says: learn before scaling.
func (w *pageWriter) scaling() error {
	w.b.WriteString(w.details.String())
	w.b.WriteString(`
## Learnt before scaling, and after

On the day the learning ends, production is scaled: ten times the machines that train, serve and run pipelines, each with
three times the calls. The model that learnt before goes on; beside it, one that saw nothing before and learns as long from
that day on, on its own later days. 3 incidents a day.

| model | found | recall | told a day | per seed |
|---|---|---|---|---|
`)
	for _, m := range []struct {
		name string
		t    trial
	}{
		{"not scaled", trial{}},
		{"learnt before scaling", trial{scaleOn: learnDays}},
		{"learnt after scaling", trial{scaleOn: 10, afresh: true}},
		{"not scaled, with the rules shipped", trial{rules: w.rules}},
		{"learnt before scaling, with the rules shipped", trial{scaleOn: learnDays, rules: w.rules}},
	} {
		m.t.budget, m.t.model, m.t.peers = 3, behaviourModel, true
		all, err := w.each(m.t)
		if err != nil {
			return err
		}
		found, attacks, total, per := 0, 0, 0.0, []string{}
		for _, o := range all {
			found, attacks, total = found+o.found, attacks+o.attacks, total+o.perDay
			per = append(per, fmt.Sprintf("%.2f", o.perDay))
		}
		line := fmt.Sprintf("| %s | %d of %d | %.2f | %.2f | %s |\n", m.name, found, attacks, float64(found)/float64(attacks), total/float64(len(all)), strings.Join(per, ", "))
		fmt.Print(line)
		w.b.WriteString(line)
	}
	return nil
}
