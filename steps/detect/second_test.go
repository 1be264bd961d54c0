package detect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/incident"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/steps/detect/rules"
	"github.com/sevenfold-sec/sevenfold/steps/detect/sigma"
)

// office is where four weeks of work were learnt, of machines and people in an account of AWS
// and in a cluster, with the rules shipped.
type office struct {
	t     *testing.T
	d     *Detector
	model *behaviour.Model
	spent *incident.Budget
	told  []*incident.Incident
	day   time.Time
	n     int
}

var shipped = sync.OnceValues(func() (*sigma.Set, error) {
	list, err := rules.Load()
	if err != nil {
		return nil, err
	}
	set, problems := sigma.Compile(list)
	if len(problems) > 0 {
		return nil, fmt.Errorf("%v", problems)
	}
	return set, nil
})

func newOffice(t *testing.T) *office {
	t.Helper()
	set, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, model: behaviour.New(), spent: incident.NewBudget(3), day: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)}
	o.d = &Detector{Model: o.model, Observer: NewObserver(nil, nil), Rules: set, Proofs: NewProofKey("a-token"),
		Engine: incident.New(incident.Options{Budget: o.spent, Raise: func(i *incident.Incident) { o.told = append(o.told, i) }})}
	for range 28 {
		o.work()
	}
	o.spent.Spend(true)
	o.told = nil
	return o
}

// work is a day of ordinary work.
func (o *office) work() {
	for i := range 24 {
		at := func(minute int) int64 { return o.day.Add(time.Duration(60*8+10*i+minute) * time.Minute).UnixMilli() }
		role := ocsf.Actor{Type: "AssumedRole", ID: fmt.Sprintf("arn:aws:iam::111122223333:role/%s-%d", []string{"train", "serve", "report"}[i%3], i)}
		account := ocsf.Actor{Type: "serviceAccount", ID: fmt.Sprintf("system:serviceaccount:ml:%s-%d", []string{"train", "serve"}[i%2], i)}
		person := ocsf.Actor{Type: "user", ID: fmt.Sprintf("person%d@example.org", i%8)}
		thing := func(n int) []ocsf.Resource { return []ocsf.Resource{{ID: fmt.Sprint("thing", (i+n)%6)}} }
		for j, e := range []ocsf.Event{
			{Source: ocsf.CloudTrail, Service: "s3.amazonaws.com", Action: "GetObject", ReadOnly: ocsf.Yes, Actor: role, SourceIP: "10.1.0.1", UserAgent: "boto3/1", Region: "eu-west-1", Account: "111122223333", Resources: thing(0)},
			{Source: ocsf.CloudTrail, Service: "sagemaker.amazonaws.com", Action: []string{"CreateTrainingJob", "InvokeEndpoint", "ListModels"}[i%3], ReadOnly: ocsf.No, Actor: role, SourceIP: "10.1.0.1", UserAgent: "boto3/1", Region: "eu-west-1", Account: "111122223333", Resources: thing(1)},
			{Source: ocsf.KubernetesAudit, Class: ocsf.ClassAPIActivity, Action: "list pods", ReadOnly: ocsf.Yes, Actor: account, SourceIP: "10.2.0.1", UserAgent: "controller/1", Resources: thing(2)},
			{Source: ocsf.KubernetesAudit, Class: ocsf.ClassAPIActivity, Service: "batch", Action: "get jobs", ReadOnly: ocsf.Yes, Actor: person, SourceIP: "203.0.113.9", UserAgent: "kubectl/v1.34", Resources: thing(o.day.Day() % 5)},
		} {
			if j > 0 && (i+o.day.YearDay())%5 == 0 { // not all do all each day, or nothing could be ranked
				e.Action = fmt.Sprint("get odd", (i+j+o.day.YearDay())%7)
			}
			o.n++
			e.ID, e.Time = fmt.Sprint("w", o.n), at(j)
			o.d.Take(&e)
		}
	}
	o.day = o.day.AddDate(0, 0, 1)
}

// again goes on from what is written down, as a run does after a kill.
func (o *office) again() {
	o.t.Helper()
	model, err := o.model.MarshalBinary()
	if err != nil {
		o.t.Fatal(err)
	}
	groups, err := json.Marshal(o.d.Engine)
	if err != nil {
		o.t.Fatal(err)
	}
	o.model = &behaviour.Model{}
	engine := incident.New(incident.Options{Budget: o.spent, Raise: func(i *incident.Incident) { o.told = append(o.told, i) }})
	if err := errors.Join(o.model.UnmarshalBinary(model), json.Unmarshal(groups, engine)); err != nil {
		o.t.Fatal(err)
	}
	o.d.Model, o.d.Engine = o.model, engine
}

// take sends records of synthetic attacks as they are, or as if they had happened, and returns
// which incidents hold any of them.
func (o *office) take(records []json.RawMessage, marked bool, act func(*ocsf.Event)) (in []*incident.Incident) {
	o.t.Helper()
	ids := map[string]bool{}
	for _, r := range records {
		if !marked {
			o.n++
			r = bytes.ReplaceAll(r, []byte(markerBegin), []byte(fmt.Sprint("x", o.n, ".")))
		}
		var e ocsf.Event
		if bytes.Contains(r, []byte("audit.k8s.io")) {
			e = *events(o.t, r)[0]
		} else if err := ocsf.DecodeCloudTrail(r, &e); err != nil {
			o.t.Fatal(err)
		}
		if act != nil {
			act(&e)
		}
		ids[e.ID] = true
		o.d.Take(&e)
	}
	for _, i := range o.told {
		for _, s := range i.Signals {
			if ids[s.Event] {
				in = append(in, i)
				break
			}
		}
	}
	return in
}

// places are the ways to attack an office, by number of the attacker.
func (o *office) places() map[string]func(who int) []json.RawMessage {
	made := func(records []json.RawMessage, _ string, err error) []json.RawMessage {
		if err != nil {
			o.t.Fatal(err)
		}
		return records
	}
	return map[string]func(int) []json.RawMessage{
		"cloud": func(who int) []json.RawMessage {
			role := fmt.Sprintf("arn:aws:iam::111122223333:role/%s-%d", []string{"train", "serve", "report"}[who%3], who)
			return made(Play("T1562.008", role, "eu-west-1", fmt.Sprint("198.51.100.", who), "aws-cli/2", o.day.Add(11*time.Hour)))
		},
		"cluster": func(who int) []json.RawMessage {
			return made(PlayOnCluster("AML.T0020", ClusterObject{"batch", "v1", "cronjobs", "ml", fmt.Sprint("retrain", who)}, fmt.Sprintf("person%d@example.org", who), fmt.Sprint("198.51.100.", who), o.d.Proofs, o.day.Add(11*time.Hour)))
		},
	}
}

// What is played is told of each time, and teaches nothing: not who does what, not the ranks,
// nor the budget.
func TestADrillIsNeverLearnt(t *testing.T) {
	o := newOffice(t)
	state := func() (string, string, string) {
		model, err := o.model.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		learnt := 0.0
		text, err := json.Marshal(o.spent)
		if err != nil {
			t.Fatal(err)
		}
		told, _ := o.spent.Realised()
		var b struct {
			Count map[string]float64 `json:"count"`
		}
		if err := json.Unmarshal(text, &b); err != nil {
			t.Fatal(err)
		}
		for _, n := range b.Count {
			learnt += n
		}
		return string(model), fmt.Sprintf("%.6f", told), fmt.Sprintf("%.6f", learnt)
	}
	for name, place := range o.places() {
		// The budget's clock goes on with a drill's time as with any other's: so that only the
		// drill's own part is seen, it stands where the drill begins.
		o.d.Engine.Pass(o.day.Add(11*time.Hour + time.Minute))
		model, told, learnt := state()
		for round := range 4 {
			in := o.take(place(1), true, nil)
			if len(in) != 1 {
				t.Fatalf("%s: drill %d is part of %d incidents", name, round, len(in))
			}
			for _, s := range in[0].Signals {
				if !s.Played || s.Held != 0 {
					t.Errorf("%s: %s played %v, held back as %d", name, s.Action, s.Played, s.Held)
				}
			}
		}
		if m, n, l := state(); m != model || n != told || l != learnt {
			t.Errorf("%s: the model changed: %v, told a day %s, was %s; groups learnt %s, were %s", name, m != model, n, told, l, learnt)
		}
		// Who then does so, and be it the same, is told of, apart from the drill.
		in := o.take(place(1), false, nil)
		if len(in) != 1 {
			t.Fatalf("%s: what happened after a drill is part of %d incidents", name, len(in))
		}
		for _, s := range in[0].Signals {
			if s.Played {
				t.Errorf("%s: an incident and a drill are one: %s", name, s.Action)
			}
		}
		o.work()
	}
}

// Who does what another did shortly before is told of, whoever else did it in between and
// whatever was killed and went on, until somebody has said that it is fine.
func TestASecondAttackerIsTold(t *testing.T) {
	for _, name := range []string{"cloud", "cluster"} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			var first *incident.Incident
			for n := range 3 {
				in := o.take(o.places()[name](n+1), false, nil)
				if len(in) != 1 || in[0] == first || len(in[0].Principals) != 1 {
					t.Fatalf("attacker %d is part of %d incidents", n+1, len(in))
				}
				if why := said(in[0]); !strings.Contains(why, "organisation 0 of") || strings.Contains(why, "organisation 1 of") || strings.Contains(why, "organisation 2 of") {
					t.Errorf("attacker %d is told of as if others did so: %s", n+1, why)
				}
				first = in[0]
				o.again()
				o.work()
				if n == 1 {
					for range holdDays + 1 { // what no incident took is learnt by then
						o.work()
					}
				}
			}
		})
	}
}

// said is what the model says of an incident's signals.
func said(i *incident.Incident) (why string) {
	for _, s := range i.Signals {
		if s.By == "model" {
			why += strings.Join(s.Why, "; ") + "\n"
		}
	}
	return why
}

// holdDays is longer than the model holds back what no incident took.
const holdDays = 5

// What a person closes is news again when the same principal does it; what is said to be fine
// is learnt.
func TestWhatWasJudgedIsForgottenOrLearnt(t *testing.T) {
	for _, fine := range []bool{false, true} {
		o := newOffice(t)
		attack := o.places()["cloud"]
		first := o.take(attack(1), false, nil)
		if len(first) != 1 {
			t.Fatalf("%d incidents", len(first))
		}
		o.model.Judged(map[string]bool{first[0].ID: fine, "I-other": true})
		o.work()
		again := o.take(attack(1), false, nil)
		if fine == (len(again) == 1) {
			t.Errorf("fine %v: the same again is part of %d incidents", fine, len(again))
		}
		for _, i := range o.take(attack(2), false, nil) {
			if known := strings.Contains(said(i), "organisation 2 of"); known != fine {
				t.Errorf("fine %v: of another is said %s", fine, said(i))
			}
		}
	}
}
