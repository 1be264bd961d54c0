package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// No more than so many begin by themselves within an hour; the reason is in the incident. Goes on
// with what contained before.
func (c *aloneOnCluster) hourlyBound() {
	t := c.t
	stopped := func() bool { return c.at("apps", "deployments", "score-5", "spec", "replicas") == int64(0) }
	c.config(clusterServer, "  automatic_per_hour: 1")
	c.attack("apps", "deployments", "score-5")
	c.watch(0)
	i := c.last()
	if i.State != respond.Detected || stopped() || !said(i, "which is the bound (respond.automatic_per_hour)") {
		t.Fatalf("beyond the bound: %+v", i)
	}
	before := i.Head
	c.watch(0)
	if c.last().Head != before {
		t.Error("the reason is written each time")
	}
	c.config(clusterServer, "  automatic_per_hour: 100")
	c.watch(0)
	if i = c.last(); i.State != respond.Contained || !stopped() {
		t.Fatalf("below the bound: %+v", i)
	}
}

// Where two people approve it waits for two, says so, and goes on when both did.
func (c *aloneOnCluster) twoPeople() {
	t := c.t
	c.config(clusterSchedule, "  automatic_per_hour: 100", `  two_people: ["k8s.suspend-cronjob"]`)
	c.attack("batch", "cronjobs", "retrain-2")
	for range 2 {
		c.watch(0)
		i := c.last()
		if i.State != respond.Preserved || c.suspended("retrain-2") || len(i.Waits) != 1 || i.Waits[0].Needs != 2 || !said(i, "stops and waits for people: approval of suspend") {
			t.Fatalf("%+v", i)
		}
		if !slices.ContainsFunc(i.Calls, func(k respond.Called) bool { return strings.Contains(k.For, "suspend") && k.Who == "ana" }) {
			t.Errorf("who leads is not told: %+v", i.Calls)
		}
	}
	i := c.last()
	c.do(0, "answer", i.ID, "--step", "suspend", "--approve", "--by", "ana")
	c.do(2, "answer", i.ID, "--step", "suspend", "--approve", "--by", "ANA")
	c.do(2, "answer", i.ID, "--step", "suspend", "--approve", "--by", "mallory")
	c.watch(0)
	if c.suspended("retrain-2") {
		t.Fatal("one person was enough")
	}
	c.do(0, "answer", i.ID, "--step", "suspend", "--approve", "--by", "bo")
	c.watch(0)
	if i = c.last(); i.State != respond.Contained || !c.suspended("retrain-2") || len(i.Runs) != 1 {
		t.Fatalf("approved by two: %+v", i)
	}
}

// What is to be contained is gone before anything was done: nothing is changed, nothing is
// called contained, and what comes next is said.
func (c *aloneOnCluster) targetGone() {
	t := c.t
	c.config(clusterSchedule, "  automatic_per_hour: 100")
	c.attack("batch", "cronjobs", "retrain-3")
	if err := c.of("batch", "v1", "cronjobs").Delete(context.Background(), "retrain-3", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c.watch(0)
	c.gone(c.last(), 0)
}

// gone checks an incident whose target is gone, of which so many changes were begun.
func (c *aloneOnCluster) gone(i *respond.Incident, begun int) {
	t := c.t
	t.Helper()
	before := i.Head
	for range 2 {
		c.watch(0)
	}
	if i = c.last(); i.State != respond.Preserved || len(i.Runs) != 1 || len(i.Changes) != begun || i.Head != before {
		t.Fatalf("%+v", i)
	}
	if !said(i, "not found") || !said(i, "failed") {
		t.Errorf("why is not said: %+v", i.Entries)
	}
	for _, k := range i.Changes {
		if k.Stands == "verified" {
			t.Errorf("%+v", k)
		}
	}
	if shown := c.do(0, "show", i.ID); !strings.Contains(shown, "is gone") || !strings.Contains(shown, "--playbook") {
		t.Errorf("what comes next is not said: %s", shown)
	}
	// Nothing is left that holds anything back.
	c.do(0, "undo", i.ID, "--by", "bo", "--note", "it was deleted")
	for _, k := range c.last().Changes {
		if k.Stands != "undone" {
			t.Errorf("%+v", k)
		}
	}
}

// It vanishes between the intent and the change.
func (c *aloneOnCluster) targetGoneBeforeApply() {
	t := c.t
	c.config(clusterServer, "  automatic_per_hour: 100")
	c.attack("apps", "deployments", "score-3")
	c.hears(func(answered bool, method, path string) bool {
		if answered && method == http.MethodPost && strings.Contains(path, "networkpolicies") {
			c.hears(nil) // after the first of three measures
			if err := c.of("apps", "v1", "deployments").Delete(context.Background(), "score-3", metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		}
		return true
	})
	c.watch(0)
	if len(c.policies("score-3")) != 1 {
		t.Fatalf("%v: %+v", c.changed, c.last())
	}
	c.gone(c.last(), 1)
	if left := c.policies("score-3"); len(left) != 0 {
		t.Errorf("a policy for nothing stays: %v", left)
	}
}

// The name is taken out of the scope file while the run is under way: what is under way is
// finished and told, the next change is not made, a person can go on or take back.
func (c *aloneOnCluster) killSwitch() {
	t := c.t
	c.config(clusterServer, "  automatic_per_hour: 100")
	c.attack("apps", "deployments", "score-0")
	c.hears(func(answered bool, method, path string) bool {
		if !answered && method == http.MethodPost && strings.Contains(path, "networkpolicies") {
			c.hears(nil)
			c.config("", "  automatic_per_hour: 100")
		}
		return true
	})
	errs := c.watch(0)
	i := c.last()
	if !strings.Contains(errs, "names "+clusterServer+" no more") || len(c.changed) != 1 || i.State != respond.Preserved || c.at("apps", "deployments", "score-0", "spec", "replicas") != int64(3) {
		t.Fatalf("%s %v %+v", errs, c.changed, i)
	}
	if len(i.Changes) != 1 || i.Changes[0].Stands != "verified" || !said(i, "1 change stands") {
		t.Errorf("what was done is not told: %+v %+v", i.Changes, i.Entries)
	}
	before := i.Head
	c.watch(0) // off is off
	if c.last().Head != before || len(c.changed) != 1 {
		t.Errorf("it goes on: %v", c.changed)
	}
	shown := c.do(0, "show", i.ID)
	if !strings.Contains(shown, "incident contain "+i.ID+" --apply --by NAME") || !strings.Contains(shown, "incident undo "+i.ID) {
		t.Errorf("what comes next is not said: %s", shown)
	}
	j, err := c.desk().Run(i.ID, i.Runs[0])
	if err == nil {
		err = j.Hold() // as who runs it does
	}
	if err != nil {
		t.Fatal(err)
	}
	busy := c.do(2, "contain", i.ID, "--apply", "--by", "ana")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(busy, "being run by another process") || !strings.Contains(busy, "ack") {
		t.Errorf("two run it, or how to take it over is not said: %s", busy)
	}
	c.do(0, "contain", i.ID, "--apply", "--by", "ana")
	if i = c.last(); i.State != respond.Contained || i.Taken != "ana" || len(i.Runs) != 1 || len(c.policies("score-0")) != 2 || c.at("apps", "deployments", "score-0", "spec", "replicas") != int64(0) {
		t.Errorf("a person cannot go on: %+v", i)
	}
	if !c.threeMeasures() {
		t.Errorf("something was done twice: %v", c.changed)
	}
}

// threeMeasures reports whether clusterServer's measures were each done once: two policies, which
// are made at one path, and a scale.
func (c *aloneOnCluster) threeMeasures() bool {
	made := slices.DeleteFunc(slices.Clone(c.changed), func(what string) bool { return !strings.HasPrefix(what, http.MethodPost+" ") })
	return len(c.changed) == 3 && len(made) == 2
}

// A person takes it in hand while the run is under way: detection does no more, the person
// goes on with the same run.
func (c *aloneOnCluster) takenOver() {
	t := c.t
	c.config(clusterServer, "  automatic_per_hour: 100")
	c.attack("apps", "deployments", "score-1")
	c.hears(func(answered bool, method, path string) bool {
		if answered && method == http.MethodPost && strings.Contains(path, "networkpolicies") {
			c.hears(nil)
			// As the verb does, and not by it: a request has its time, a process on a busy machine none.
			if _, err := c.desk().Ack(c.attacks()[0].ID, "bo"); err != nil {
				t.Error(err)
			}
		}
		return true
	})
	errs := c.watch(0)
	i := c.last()
	if !strings.Contains(errs, "bo has it in hand") || i.Taken != "bo" || i.State != respond.Preserved || len(c.changed) != 1 || len(i.Changes) != 1 {
		t.Fatalf("%s %v %+v", errs, c.changed, i)
	}
	before := i.Head
	c.watch(0)
	if c.last().Head != before || len(c.changed) != 1 {
		t.Errorf("it goes on: %v", c.changed)
	}
	c.do(0, "contain", i.ID, "--apply", "--by", "bo")
	if i = c.last(); i.State != respond.Contained || len(i.Runs) != 1 || len(c.changed) != 3 {
		t.Errorf("%v %+v", c.changed, i)
	}
}

// The process is killed at one request after another, before it comes to the API server and
// before its answer comes back, then at random times: nothing is lost or done twice, and the chains hold.
func (c *aloneOnCluster) killed() {
	t := c.t
	c.config(clusterServer, "  automatic_per_hour: 100")
	whole := time.Duration(0) // what the longest look took
	for round, target := range []string{"score-2", "score-4"} {
		if round > 0 {
			c = onCluster(t)
			c.config(clusterServer, "  automatic_per_hour: 100")
		}
		c.attack("apps", "deployments", target)
		c.changed = nil
		kills, at := 0, 0
		r := rand.New(rand.NewPCG(11, uint64(round)))
		for {
			n := 0
			c.hears(func(answered bool, _, _ string) bool {
				if round > 0 || answered != (at%2 == 1) {
					return true
				}
				if n++; n == at/2+1 {
					c.hears(nil)
					c.kill()
					return answered
				}
				return true
			})
			spared := func() bool { return true }
			if round > 0 && at < 12 {
				// Within what a whole look takes here, from its first moment.
				spared = time.AfterFunc(time.Duration(r.Int64N(int64(whole))), c.kill).Stop
			}
			began := time.Now()
			_, errs, code := c.sevenfold("respond", "watch", "--once", "--detection", c.detection)
			spared()
			c.settled()
			whole = max(whole, time.Since(began))
			at++
			if code == -1 {
				kills++
				continue
			}
			if code != 0 {
				t.Fatalf("%d %s", code, errs)
			}
			if c.last().State == respond.Contained && (round == 0 || at >= 12) {
				break
			}
			if at > 200 { // some fifteen do
				t.Fatalf("nothing came of %d looks: %+v", at, c.last())
			}
		}
		c.hears(nil)
		i := c.last()
		if i.State != respond.Contained || len(i.Runs) != 1 || !strings.HasSuffix(i.Workload, target) || len(i.Changes) != 3 || kills == 0 {
			t.Fatalf("%d kills: %+v", kills, i)
		}
		if !c.threeMeasures() {
			t.Errorf("%d kills: changed %v", kills, c.changed)
		}
		if len(c.policies(target)) != 2 || c.at("apps", "deployments", target, "spec", "replicas") != int64(0) {
			t.Errorf("it is not contained: %v", c.policies(target))
		}
		for _, k := range i.Changes {
			if k.Stands != "verified" {
				t.Errorf("%+v", k)
			}
		}
		t.Logf("%s: killed %d times, %d events, %d pieces of evidence", target, kills, len(i.Entries), len(i.Evidence))
	}
}

// Live fire in a cluster: its rules see the marked events, which are a drill, and of which nothing
// is contained. Whoever gives his own acts the mark of a drill is none.
func (c *aloneOnCluster) liveFire() {
	t := c.t
	c.config(clusterSchedule, "  automatic_per_hour: 100")
	before := len(c.attacks())
	answers := filepath.Join(c.dir, "answers")
	if err := os.WriteFile(answers, []byte("bo\nana\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := c.sevenfold("respond", "exercise", "live", "retrain-5", "--scenario", clusterSchedule, "--snapshot", "latest", "--by", "ana", "--to", c.detection+"/events", "--detect-within", "30m", "--answers", answers, "--format", "json")
	var rec respond.Record
	if err := json.Unmarshal([]byte(out), &rec); err != nil || code != 0 || len(rec.Gaps) != 0 || rec.Detect <= 0 || rec.Contain < rec.Detect {
		t.Fatalf("%d %v %s%s", code, err, out, errs)
	}
	if _, errs, code := c.sevenfold("respond", "exercise", "live", "retrain-5", "--scenario", clusterSchedule, "--snapshot", "latest", "--by", "ana", "--to", c.detection+"/events", "--principal", "system:serviceaccount:ml:x"); code != 2 || !strings.Contains(errs, "the cluster's own") {
		t.Errorf("%d %s", code, errs)
	}
	c.watch(0)
	if len(c.attacks()) != before+1 || !c.attacks()[0].Exercise || c.suspended("retrain-5") || len(c.changed) != 0 {
		t.Fatalf("a drill is taken for an attack: %v %+v", c.changed, c.attacks()[0])
	}
	c.config(clusterServer, "  automatic_per_hour: 100")
	c.attackAs("sevenfold-proof.AML.T0020~0011223344556677.1", "apps", "deployments", "score-5")
	c.watch(0)
	if i := c.last(); i.Exercise || i.State != respond.Contained || c.at("apps", "deployments", "score-5", "spec", "replicas") != int64(0) {
		t.Errorf("an attack is taken for a drill: %+v", i)
	}
}
