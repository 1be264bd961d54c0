package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// liveFlags are those of respond exercise live.
type liveFlags struct {
	scenario, by, to, principal, region, answers string
	within                                       time.Duration
	apply                                        bool
}

func newExerciseLive(g *globals) *cobra.Command {
	var r reading
	var f liveFlags
	cmd := &cobra.Command{
		Use: "live WORKLOAD", Short: "Live fire: marked events through the way in of a running detection; measures time to detect, acknowledge, contain",
		Long: `Live fire: marked events through the way in of a running detection.

--to is where sevenfold detect run takes events in: the URL it listens at, or a folder it
follows with this same --state. The events are calls of a role of the workload that were
refused, marked in their request id. For a workload in a cluster, where a signal of the
scenario is in its audit log, they are audit events of a dry run by a person nobody knows,
with signed marks (--principal ARN plays calls of AWS all the same). Nothing is changed.
Once detection tells of them, a name on the keyboard (or the next line of --answers) says
who has it in hand, another who contains; then the procedure is rehearsed in dry run with
the responder's rights. With --apply it is run: it changes what it says it changes, with
the approvals that respond.two_people asks for, and the exercise goes on to its return by
the verbs of an incident (sevenfold respond incident show EXE-…). Each time counts from
the first event.
Exit 1 with gaps; that containment is applied is one, until it returned.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := g.wants("respond exercise live", "text", "json"); err != nil {
				return err
			}
			switch {
			case f.by == "":
				return usage("who leads the exercise is not said", "--by NAME")
			case f.to == "":
				return usage("where events go in is not said", "sevenfold detect run --listen 127.0.0.1:8477 in one place, --to http://127.0.0.1:8477/events here")
			case f.within <= 0:
				return usage("--detect-within is above 0", "--detect-within 5m")
			}
			return g.live(cmd.Context(), r, args, f)
		},
	}
	r.addTo(cmd)
	cmd.Flags().StringVar(&f.scenario, "scenario", "", "`SCENARIO`; else the one that matters most to the workload")
	cmd.Flags().StringVar(&f.by, "by", "", "`NAME` of who leads it")
	cmd.Flags().StringVar(&f.to, "to", "", "`URL|FOLDER` where detect run takes events in")
	cmd.Flags().StringVar(&f.principal, "principal", "", "`ARN|NAME` of the role, or person of a cluster, who plays the attacker; else a role of the workload, or in a cluster a name never heard of")
	cmd.Flags().StringVar(&f.region, "region", "us-east-1", "region of the calls")
	cmd.Flags().StringVar(&f.answers, "answers", "", "`FILE` of names, one a line, in the place of a keyboard")
	cmd.Flags().BoolVar(&f.apply, "apply", false, "contain for real; without this nothing is changed")
	cmd.Flags().DurationVar(&f.within, "detect-within", 5*time.Minute, "how long detection may take")
	return cmd
}

// live finds the workload's scenario, and fires when the state is no more held.
func (g *globals) live(ctx context.Context, r reading, args []string, f liveFlags) error {
	var ses *session
	var stage respond.Stage
	var material string
	var object *detect.ClusterObject
	err := g.ranked(ctx, r, args, func(s *session, res *assess.Result, list []respond.Ranked) (err error) {
		ses = s
		if stage, err = s.stage(res, list, f.scenario); err != nil {
			return respondFailure(err)
		}
		material = assess.Material(res.Snapshot, stage.Ranked.Workload)
		object = assess.Attacked(res.Snapshot, stage.Ranked.Workload)
		return nil
	})
	if err != nil {
		return err
	}
	k := &stage.Ranked
	way, err := f.attacker(k, object)
	if err != nil {
		return err
	}
	dir, err := ses.respondFolder()
	if err != nil {
		return err
	}
	people := &drill{g: g, h: &handling{s: ses, desk: respond.Desk{Folder: filepath.Join(dir, "incidents")}}, k: k, apply: f.apply, lines: bufio.NewScanner(os.Stdin)}
	if f.answers != "" {
		text, err := os.ReadFile(f.answers)
		if err != nil {
			return usage("answers: "+err.Error(), "a file of names and answers, one a line")
		}
		people.lines = bufio.NewScanner(strings.NewReader(string(text)))
	}
	way.Region, way.Proofs = f.region, ses.proofs(f.to)
	way.Send = func(ctx context.Context, marker string, records []json.RawMessage) error {
		people.sent = append(people.sent, records...)
		return inject(ctx, f.to, marker, records, way.Object != nil)
	}
	rec, err := people.h.desk.Fire(ctx, way, k, f.by, f.within, people)
	if err != nil && (rec == nil || !errors.Is(err, respond.ErrNotSeen)) {
		return respondFailure(err)
	}
	rec.Material = material
	if err := (respond.Shelf{Folder: dir}).Keep(*rec); err != nil {
		return err
	}
	if err := g.tell(rec, func(w io.Writer) error {
		fmt.Fprintf(w, "%s: detect %s, acknowledge %s, contain %s\n", rec.ID, took(rec.Detect), took(rec.Acknowledge), took(rec.Contain))
		for _, gap := range rec.Gaps {
			fmt.Fprintf(w, "  gap %s: %s\n", gap.ID, gap.Text)
		}
		fmt.Fprintf(w, "report: sevenfold respond exercise report %s --format html --out report.html\n", rec.ID)
		return nil
	}); err != nil {
		return err
	}
	if len(rec.Gaps) > 0 {
		return verdict(exitNotReady)
	}
	return nil
}

// attacker is who attacks what: an unheard-of person the object of a workload in a cluster, by
// audit events, where a signal of the scenario is of that kind; else a role of the workload, by
// calls of AWS.
func (f *liveFlags) attacker(k *respond.Ranked, object *detect.ClusterObject) (*assess.LiveFire, error) {
	role := strings.HasPrefix(f.principal, "arn:")
	if object != nil && !role && slices.ContainsFunc(k.Scenario.Signals, assess.OnCluster) {
		way := &assess.LiveFire{Object: object, Principal: f.principal, Key: detect.NewProofKey(os.Getenv(tokenVariable))}
		switch {
		case way.Key == nil:
			return nil, usage("marks of a cluster's events are signed by the token of the detection, and none is set", "export "+tokenVariable+" as it is where detect run is")
		case strings.HasPrefix(f.principal, "system:"):
			return nil, usage("--principal "+printable(f.principal)+" is the cluster's own; rules ask what people do", "--principal NAME of a person, or none for one of no name")
		case way.Principal == "": // what somebody once did is no more new of him
			way.Principal = "sevenfold-live-fire-" + strings.ToLower(rand.Text()[:8])
		}
		return way, nil
	}
	switch {
	case role:
		return &assess.LiveFire{Principal: f.principal}, nil
	case f.principal != "":
		return nil, usage("--principal "+printable(f.principal)+" is no ARN of a role, and no attack on a cluster shows a signal of "+k.Scenario.ID+" on this workload", "--principal arn:aws:iam::111122223333:role/trainer")
	}
	for _, id := range append([]string{k.Values["role"]}, k.Workload.Members...) {
		if strings.Contains(id, ":iam:") && strings.Contains(id, ":role/") {
			return &assess.LiveFire{Principal: id}, nil
		}
	}
	return nil, usage("no role of AWS is known to be the workload's", "--principal arn:aws:iam::111122223333:role/trainer")
}

// proofs asks a detection what it noted of synthetic attacks: one that listens by HTTP,
// one that follows a folder by the state that it saves to.
func (s *session) proofs(to string) func(context.Context) ([]detect.Proof, error) {
	if !strings.HasPrefix(to, "http://") && !strings.HasPrefix(to, "https://") {
		return func(ctx context.Context) ([]detect.Proof, error) {
			st, closeAll, err := s.openStore(ctx)
			if err != nil {
				return nil, err
			}
			defer closeAll()
			w, err := assess.LoadWatch(ctx, st)
			if err != nil {
				return nil, stateFailure(err)
			}
			return w.Proofs, nil
		}
	}
	return func(ctx context.Context) ([]detect.Proof, error) {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(to, "/events")+"/proofs", nil)
		if err != nil {
			return nil, err
		}
		q.Header.Set("Authorization", "Bearer "+os.Getenv(tokenVariable))
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			return nil, err
		}
		defer a.Body.Close()
		if a.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("the detection answered %s", a.Status)
		}
		var got struct {
			Proofs []detect.Proof `json:"proofs"`
		}
		return got.Proofs, json.NewDecoder(io.LimitReader(a.Body, 16<<20)).Decode(&got)
	}
}
