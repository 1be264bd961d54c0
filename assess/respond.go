package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	actaws "github.com/sevenfold-sec/sevenfold/act/aws"
	actkubernetes "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// Responding is what the respond step needs of a session: nil members are not there.
type Responding struct {
	Scenarios []*respond.Scenario
	Broken    error // what of the scenarios could not be loaded
	Records   respond.Records
}

// respondStep makes the step of the scenarios that the options name, or of the
// catalogue.
func respondStep(o Options) *respond.Step {
	r := o.Respond
	if r.Scenarios == nil && r.Broken == nil {
		r.Scenarios, r.Broken = Scenarios()
	}
	ports := respond.Ports{Signals: signalsOf(o), Records: r.Records, Baseline: o.Baseline != nil, Grants: grantsOf(), Material: Material,
		Rights: func(snap *estate.Snapshot) respond.Rights { return &rights{snap: snap} }}
	return respond.New(o.Scope, r.Scenarios, r.Broken, o.Now).With(ports).Aside(o.Step != "" && o.Step != "respond")
}

// Material is the digest of what a workload is made of, scaling apart; empty where that
// cannot be told.
func Material(snap *estate.Snapshot, w *finding.Workload) string {
	members, err := Members(snap, *w)
	if err != nil || len(members) == 0 {
		return ""
	}
	return certificate.Subjects(w.ID, members)[0].Digest.SHA256
}

// Known are the actions there are, that act on nothing: their names, titles and grants.
func Known() respond.Actions {
	var list []respond.Action
	for _, a := range actaws.Actions(nil) {
		list = append(list, a)
	}
	for _, a := range actkubernetes.Actions(nil, "") {
		list = append(list, a)
	}
	return respond.NewActions(list...)
}

func grantsOf() func(string, string, map[string]string) map[string][]string {
	known := Known()
	return func(action, target string, with map[string]string) map[string][]string {
		if a := known[action]; a != nil {
			return a.Grants(target, with)
		}
		return nil
	}
}

// rights asks step 2's evaluators, which are made at the first question.
type rights struct {
	snap *estate.Snapshot
	once sync.Once
	all  access.Evaluators
	err  error
}

// May implements respond.Rights.
func (r *rights) May(ctx context.Context, principal, action, resource string) (decision, why string) {
	r.once.Do(func() { r.all, r.err = Evaluators(ctx, r.snap) })
	if r.err != nil {
		return "unknown", r.err.Error()
	}
	e, err := r.all.For(action)
	if err != nil {
		return "unknown", err.Error()
	}
	a, err := e.Can(ctx, access.Question{Principal: principal, Action: action, Resource: resource})
	if err != nil {
		return "unknown", err.Error()
	}
	return a.Decision.String(), strings.Join(slices.Concat(a.Unknown, a.Conditions), ", ")
}

// ranked is what the respond step ranked.
func ranked(steps []Step) map[string][]respond.Ranked {
	for _, s := range steps {
		if r, ok := s.(*respond.Step); ok {
			return r.Ranked()
		}
	}
	return nil
}

// respondEvidence takes along what was rehearsed and exercised.
func respondEvidence(files map[string][]byte, records respond.Records) error {
	shelf, ok := records.(interface {
		Remember() (*respond.Remembered, error)
	})
	if !ok {
		return nil
	}
	m, err := shelf.Remember()
	if err != nil {
		return err
	}
	files[certificate.RespondFile], err = json.Marshal(m)
	return err
}

// respondAgain reads it; nil where records could not be read when it was judged.
func respondAgain(b certificate.Bundle) (respond.Records, error) {
	if !b.Has(certificate.RespondFile) {
		return nil, nil
	}
	m := &respond.Remembered{}
	f, err := os.Open(b.Path(certificate.RespondFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := json.NewDecoder(newBounded(f, maxEvidence)).Decode(m); err != nil {
		return nil, fmt.Errorf("%s: %w", certificate.RespondFile, err)
	}
	return m, nil
}
