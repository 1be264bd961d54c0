package assess

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// CheckAutomatic refuses names under respond.automatic of which there is no scenario.
func CheckAutomatic(s *scope.Scope, all []*respond.Scenario) error {
	var errs []error
	for _, a := range s.Respond.Automatic {
		if !slices.ContainsFunc(all, func(sc *respond.Scenario) bool { return sc.ID == a.Scenario }) {
			names := make([]string, 0, len(all))
			for _, sc := range all {
				names = append(names, sc.ID)
			}
			errs = append(errs, &strict.Problem{Place: a.Place, Message: fmt.Sprintf("no scenario is called %q, so that its playbook cannot be automatic", a.Scenario), Hint: "there are: " + strings.Join(names, ", ")})
		}
	}
	return errors.Join(errs...)
}

// automaticWithin is how old the last event of a detection may be for something to be done
// of it by itself: later people decide.
const automaticWithin = time.Hour

// Sound says what of a detection's incident is not as detections tell: of such one nothing is
// opened and nothing done.
func Sound(i *detect.Incident) error {
	unclean := func(s string) bool { return s == "" || len(s) > 4096 || strings.ContainsFunc(s, unicode.IsControl) }
	switch {
	case unclean(i.ID) || len(i.ID) > 64:
		return fmt.Errorf("an incident has no id that could be one: %.70q", i.ID)
	case i.First.IsZero() || i.Last.Before(i.First) || len(i.Signals) == 0:
		return fmt.Errorf("incident %s has no signals, or ends before it begins", i.ID)
	case slices.ContainsFunc(i.Principals, unclean):
		return fmt.Errorf("incident %s names a principal that is none", i.ID)
	}
	for _, s := range i.Signals {
		if unclean(s.Principal) || unclean(s.Action) || slices.ContainsFunc(s.Things, unclean) {
			return fmt.Errorf("incident %s has a signal without principal or action, or with a thing that is none", i.ID)
		}
	}
	return nil
}

// Aim finds the one scenario and workload that a detection's incident shows, of the scenarios
// that may act by themselves: a rule of the scenario matched what somebody did as, or to, a
// thing of the workload. Synthetic events show nothing. Where it is not one, why says so, and
// nothing may be done by itself.
func Aim(i *detect.Incident, allowed []scope.Automatic, ranked map[string][]respond.Ranked, now time.Time) (aim *respond.Ranked, why string) {
	switch {
	case now.Sub(i.Last) > automaticWithin:
		return nil, fmt.Sprintf("its last event is of %s, more than %s ago", i.Last.UTC().Format(time.RFC3339), automaticWithin)
	case i.Last.Sub(now) > 5*time.Minute:
		return nil, fmt.Sprintf("its last event is of %s, which is to come", i.Last.UTC().Format(time.RFC3339))
	}
	shipped, err := shippedRules()
	if err != nil {
		return nil, err.Error()
	}
	var hits []respond.Ranked
	seen := map[string]bool{}
	ruled := false
	for _, list := range ranked {
		for n := range list {
			k := &list[n]
			if !slices.ContainsFunc(allowed, func(a scope.Automatic) bool { return a.Scenario == k.Scenario.ID }) {
				continue
			}
			for j := range i.Signals {
				s := &i.Signals[j]
				if s.Synthetic || s.Rule == "" || !watches(k.Scenario, s.Rule, shipped) {
					continue
				}
				ruled = true
				if touches(k, s) && !seen[k.Workload.ID+"\x00"+k.Scenario.ID] {
					seen[k.Workload.ID+"\x00"+k.Scenario.ID] = true
					hits = append(hits, *k)
				}
			}
		}
	}
	switch {
	case len(hits) == 1:
	case len(hits) > 1:
		var names []string
		for _, k := range hits {
			names = append(names, k.Scenario.ID+" on "+k.Workload.Name)
		}
		slices.Sort(names)
		return nil, "it may be " + strings.Join(names, " or ") + ": which of them is for people to say"
	case !ruled:
		return nil, "no rule of a scenario under respond.automatic matched (what is merely unusual names none)"
	default:
		return nil, "what a rule matched was done by and to nothing of a workload in the latest snapshot"
	}
	k := &hits[0]
	if w := k.Wiring(); len(w.Ready) == 0 {
		return nil, fmt.Sprintf("no containing step of %s on %s is ready without people: %s", k.Scenario.ID, k.Workload.Name, strings.Join(w.Missing, "; "))
	}
	return k, ""
}

// watches reports whether a rule, by its key, is one of a scenario's.
func watches(s *respond.Scenario, key string, shipped map[string]shippedRule) bool {
	for _, g := range s.Signals {
		for _, name := range g.Rules {
			if slices.Contains(shipped[name].keys, key) {
				return true
			}
		}
	}
	return false
}

// touches reports whether a signal is of a workload's own: done by one of its members or
// what its playbook is bound to, or to such a thing.
func touches(k *respond.Ranked, s *detect.Signal) bool {
	ids := slices.Concat(k.Workload.Roots, k.Workload.Members)
	for _, v := range k.Values {
		ids = append(ids, v)
	}
	service, _, _ := strings.Cut(s.Action, ":")
	account := ""
	if f := strings.SplitN(s.Principal, ":", 6); len(f) == 6 && f[0] == "arn" {
		account = f[4]
	}
	for _, id := range ids {
		if id == s.Principal || slices.Contains(s.Things, id) {
			return true
		}
		for _, t := range s.Things {
			if logNamed(id, t, service, account) {
				return true
			}
		}
	}
	return false
}

// logNamed reports whether an asset is what a log calls by less than its id: CloudTrail by a bare
// name, within service and account; a cluster's audit log by namespace/resources/name.
func logNamed(id, thing, service, account string) bool {
	if rest, ok := strings.CutPrefix(id, "k8s://"); ok {
		p := strings.Split(rest, "/") // cluster, namespace, kind, name
		if len(p) < 4 {
			return false
		}
		n := len(p)
		t := strings.Split(thing, "/")
		return len(t) == 3 && t[0] == p[1] && t[2] == p[n-1] && slices.Contains(plurals(p[n-2]), t[1])
	}
	f := strings.SplitN(id, ":", 6)
	return len(f) == 6 && account != "" && f[2] == service && f[4] == account && detect.Short(id) == thing
}

// plurals are what the API may call the resources of a kind, the likeliest first.
func plurals(kind string) []string {
	k := strings.ToLower(kind)
	out := []string{k + "s", k + "es"}
	if s, ok := strings.CutSuffix(k, "y"); ok {
		out = append([]string{s + "ies"}, out...)
	}
	return out
}
