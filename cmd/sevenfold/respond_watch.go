package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/act/call"
	"github.com/sevenfold-sec/sevenfold/act/notify"
	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// watchFlags are those of respond watch.
type watchFlags struct {
	every     time.Duration
	once      bool
	detection string
}

func newRespondWatch(g *globals) *cobra.Command {
	var f watchFlags
	cmd := &cobra.Command{
		Use: "watch", Short: "Call people: who owns an incident, then who comes after, until somebody has it in hand; deadlines, questions, approvals",
		Long: `Call people by the contacts under respond.people.

An incident that nobody has in hand is told to its owner at once, to the deputy when
respond.acknowledge is over, then to each lead; who cannot be reached has no time. The lead
is called when containment takes longer than respond.contain, whoever a procedure asks is
told the question, the legal role is told of a deadline when a fifth of its time is left and
when it is over. Each call is in the incident's journal, so that a watch that was ended goes
on where it was. With --detection an incident is opened for each that a running detection
tells of. Nothing is contained by that but by the playbooks that respond.automatic names:
they contain by themselves, under respond.responder, where a rule of the scenario matched
something of one workload, and stop where two people approve or somebody is asked. Taking
the name out of sevenfold.yaml, or ending this, stops them. --once looks once, for who has a scheduler: exit 1
where somebody could not be reached.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.every < time.Second {
				return usage("--every is at least a second", "--every 30s")
			}
			return g.callPeople(cmd.Context(), f)
		},
	}
	cmd.Flags().DurationVar(&f.every, "every", 15*time.Second, "how often incidents are looked at")
	cmd.Flags().BoolVar(&f.once, "once", false, "look once")
	cmd.Flags().StringVar(&f.detection, "detection", "", "`URL` of a running detection whose incidents are opened here")
	return cmd
}

// callPeople looks at all incidents again and again, and calls who is due.
func (g *globals) callPeople(ctx context.Context, f watchFlags) error {
	h, err := g.desk()
	if err != nil {
		return err
	}
	if len(h.s.scope.Respond.People) == 0 {
		return usage("nobody can be called: respond.people in sevenfold.yaml names nobody", "respond: {people: [{name: ana, roles: [lead], contact: \"slack:env:ANA_SLACK\"}]}")
	}
	all, _ := assess.Scenarios(h.s.ownScenarios()...) // what is broken of them is told where it is used
	if err := assess.CheckAutomatic(h.s.scope, all); err != nil {
		return respondFailure(err)
	}
	if len(h.s.scope.Respond.Automatic) > 0 && f.detection == "" {
		fmt.Fprintln(g.stderr, "sevenfold: respond.automatic names playbooks, and nothing starts them: no --detection is given")
	}
	release, err := h.desk.Alone()
	if err != nil {
		return respondFailure(err)
	}
	defer release()
	for {
		missed, err := g.lookAt(ctx, h, f.detection, time.Now())
		switch {
		case f.once && err != nil:
			return respondFailure(err)
		case f.once && missed > 0:
			return verdict(exitNotReady)
		case f.once:
			return nil
		case err != nil: // it may be mended meanwhile, and the others go on
			what, _ := splitHints(err.Error())
			fmt.Fprintf(g.stderr, "sevenfold: %s\n", what)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(f.every):
		}
	}
}

// lookAt calls who is due now, and reports how many could not be reached.
func (g *globals) lookAt(ctx context.Context, h *handling, detection string, now time.Time) (missed int, err error) {
	var errs []error
	if detection != "" {
		errs = append(errs, g.hear(ctx, h, detection, now))
	}
	list, err := h.desk.List()
	errs = append(errs, err) // one that is damaged hides no other
	ladder := ladderOf(h.s.scope)
	for _, i := range list {
		if i, err = h.desk.Show(i.ID); err != nil { // with what it waits for
			errs = append(errs, err)
			continue
		}
		for _, due := range i.Due(now, ladder) {
			calls, err := h.desk.Call(i, due, func(who, text string) error {
				p := h.s.scope.Respond.Person(who)
				if p == nil {
					return errors.New("no contact under respond.people")
				}
				return h.send(ctx, p.Contact, text)
			})
			errs = append(errs, err)
			for _, c := range calls {
				what := "called " + c.Who
				if c.Failed != "" {
					what, missed = "could not call "+c.Who+": "+c.Failed, missed+1
				}
				fmt.Fprintf(g.stderr, "%s %s: %s (%s)\n", c.At.UTC().Format(time.RFC3339), i.ID, what, c.Why)
			}
		}
	}
	return missed, errors.Join(errs...)
}

// hear opens an incident for each that the detection tells of and that is not there yet.
func (g *globals) hear(ctx context.Context, h *handling, detection string, now time.Time) error {
	w, err := assess.AskWatch(ctx, detection, os.Getenv(tokenVariable))
	if err != nil {
		return err
	}
	list, err := h.desk.List()
	if err != nil {
		return err // one that cannot be read may be this one
	}
	var errs []error
	var told []detect.Incident
	for k := range w.Incidents {
		in := &w.Incidents[k]
		source := respond.SourceDetection + in.ID
		if err := assess.Sound(in); err != nil {
			errs = append(errs, fmt.Errorf("what the detection told: %w", err))
			continue
		}
		if !in.Drill && in.Status == "open" {
			told = append(told, *in)
		}
		if in.Drill || in.Status != "open" || slices.ContainsFunc(list, func(i *respond.Incident) bool { return i.Source == source }) {
			continue
		}
		i, err := h.desk.Open(respond.Opening{Title: printable(in.Summary), Source: source, Began: in.First}, "")
		if err != nil {
			return err
		}
		fmt.Fprintf(g.stderr, "%s opened %s for %s\n", time.Now().UTC().Format(time.RFC3339), i.ID, in.ID)
	}
	return errors.Join(append(errs, g.actAlone(ctx, h, told, now))...)
}

// ladderOf is who is called by a scope file.
func ladderOf(s *scope.Scope) respond.Ladder {
	l := respond.Ladder{Acknowledge: s.Respond.Acknowledge, Contain: s.Respond.Contain}
	if l.Acknowledge == 0 {
		l.Acknowledge = scope.AcknowledgeWithin
	}
	if l.Contain == 0 {
		l.Contain = scope.ContainWithin
	}
	having := func(role string) (out []string) {
		for _, p := range s.Respond.People {
			if slices.Contains(p.Roles, role) {
				out = append(out, p.Name)
			}
		}
		return out
	}
	l.Of = func(workload, role string) []string {
		var out []string
		if role == "owner" {
			for i := range s.Declared {
				if d := &s.Declared[i]; d.Name == workload && workload != "" {
					out = append(out, d.Owner, d.Deputy)
				}
			}
		}
		out = slices.DeleteFunc(out, func(n string) bool { return n == "" })
		if len(out) == 0 {
			out = having(role)
		}
		if len(out) == 0 {
			out = having("lead")
		}
		if len(out) == 0 && len(s.Respond.People) > 0 {
			out = []string{s.Respond.People[0].Name}
		}
		return out
	}
	return l
}

// send sends a text to a contact; e-mail by the server that respond.mail names.
func (h *handling) send(ctx context.Context, contact, text string) error {
	address, isMail := strings.CutPrefix(contact, "mailto:")
	if !isMail {
		return call.Send(ctx, http.DefaultClient, contact, text)
	}
	server := h.s.scope.Respond.Mail
	if name, ok := strings.CutPrefix(server, "env:"); ok {
		if server = os.Getenv(name); server == "" {
			return fmt.Errorf("environment variable %s is empty", name)
		}
	}
	if server == "" {
		return errors.New("no mail server is named: respond.mail in sevenfold.yaml")
	}
	u, err := url.Parse(server)
	if err != nil {
		return errors.New("respond.mail is no smtp://HOST:PORT?from=ADDRESS")
	}
	q := u.Query()
	q.Set("to", address)
	u.RawQuery = q.Encode()
	to, err := notify.Parse("email:" + u.String())
	if err != nil {
		return err
	}
	title, _, _ := strings.Cut(text, ". Next: ")
	now := time.Now()
	return to.Send(ctx, notify.Message{ID: fmt.Sprintf("respond-%d", now.UnixNano()), Severity: "sevenfold", Title: title, Lines: []string{text}, At: now})
}
