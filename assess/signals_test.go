package assess

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// What scenarios name is there: files of rules and attacks that are played.
func TestRespondSignalsNameWhatIs(t *testing.T) {
	shipped, err := shippedRules()
	if err != nil {
		t.Fatal(err)
	}
	list, err := respond.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, sc := range list {
		for _, g := range sc.Signals {
			for _, r := range g.Rules {
				named++
				if shipped[r].source == "" {
					t.Errorf("%s: signal %s: rule %s is not shipped, or of no log that is known", sc.ID, g.ID, r)
				}
			}
			if g.Play != "" {
				if _, _, err := detect.Play(g.Play, "arn:aws:iam::111122223333:role/a", "eu-west-1", "203.0.113.7", "x", time.Now()); err != nil {
					t.Errorf("%s: signal %s: %v", sc.ID, g.ID, err)
				}
			}
		}
	}
	if named < 20 {
		t.Errorf("%d rules are named", named)
	}
}

// trailed is an estate of one role in an account whose trail is as said.
func trailed(t *testing.T, logging string, taken time.Time) (*estate.Snapshot, *scope.Workloads) {
	t.Helper()
	const role = "arn:aws:iam::111122223333:role/score"
	b := estate.NewBuilder(taken)
	b.Asset(estate.Asset{ID: role, Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: "111122223333", Name: "score", Tags: map[string]string{}, Config: json.RawMessage(`{}`),
		Reads: []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}})
	status, read := estate.ReadOK, `,"GetTrailStatus":{"IsLogging":`+logging+`}`
	if logging == "" {
		status, read = estate.ReadDenied, ""
	}
	b.Asset(estate.Asset{ID: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/t", Type: "AWS::CloudTrail::Trail", Cloud: estate.AWS, Account: "111122223333", Region: "eu-west-1", Name: "t", Tags: map[string]string{},
		Config: json.RawMessage(`{"Name":"t","GetEventSelectors":{"EventSelectors":[{"ReadWriteType":"All","IncludeManagementEvents":true,"DataResources":[],"ExcludeManagementEventSources":[]}]}` + read + `}`), Reads: []estate.Read{{Operation: "cloudtrail:DescribeTrails", Status: estate.ReadOK}, {Operation: "cloudtrail:GetEventSelectors", Status: estate.ReadOK}, {Operation: "cloudtrail:GetTrailStatus", Status: status}}})
	snap, err := b.Build()
	if err == nil {
		snap, err = Understood(context.Background(), snap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return snap, &scope.Workloads{List: []finding.Workload{{ID: "w", Name: "score", Members: []string{role}}}}
}

func TestRespondSignalsLive(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	set, problems := control.Load(controls.FS)
	if problems != nil {
		t.Fatal(problems)
	}
	shipped, _ := shippedRules()
	keys := shipped["cloudtrail_ai_data_events_dropped"].keys
	mature := detect.Known{Learnt: detect.Learnt{Mature: true}, Rules: keys, Seen: []detect.Seen{{Source: "cloudtrail", Events: 9, Last: now.Add(-time.Hour)}}}
	signal := respond.Signal{ID: "trail-stopped", Telemetry: []string{"cloudtrail-management"}, Rules: []string{"cloudtrail_ai_data_events_dropped"}}
	with := func(fn func(k *detect.Known)) *detect.Known { k := mature; fn(&k); return &k }
	for _, c := range []struct {
		name    string
		known   *detect.Known
		logging string
		signal  respond.Signal
		want    string
		why     string
	}{
		{"live", &mature, "true", signal, "live", ""},
		{"the model too", &mature, "true", respond.Signal{ID: "x", Telemetry: signal.Telemetry, Behaviour: true}, "live", ""},
		{"nothing learnt", nil, "true", signal, "unknown", "nothing was learnt yet"},
		{"learns still", with(func(k *detect.Known) { k.Learnt = detect.Learnt{Why: []string{"learnt for 2 days, of 14"}} }), "true", signal, "off", "2 days"},
		{"the trail is stopped", &mature, "false", signal, "off", "not recorded"},
		{"whether it logs was not read", &mature, "", signal, "unknown", "could not be read"},
		{"stale", with(func(k *detect.Known) { k.Seen = []detect.Seen{{Source: "cloudtrail", Last: now.AddDate(0, 0, -3)}} }), "true", signal, "off", "newest event"},
		{"nothing came", with(func(k *detect.Known) { k.Seen = nil }), "true", signal, "unknown", "no event of cloudtrail"},
		{"without rules", with(func(k *detect.Known) { k.Rules = []string{} }), "true", signal, "off", "left out"},
		{"rules not known", with(func(k *detect.Known) { k.Rules = nil }), "true", signal, "unknown", "which rules match"},
		{"nothing watches", &mature, "true", respond.Signal{ID: "vendor-notice", Telemetry: []string{"people"}}, "off", "no rule or model"},
		{"not taken in", &mature, "true", respond.Signal{ID: "x", Telemetry: []string{"dns-logs"}, Behaviour: true}, "off", "takes in dns-logs"},
		{"another log", &mature, "true", respond.Signal{ID: "x", Telemetry: signal.Telemetry, Rules: []string{"kube_job_by_anonymous"}}, "off", "other logs"},
	} {
		snap, workloads := trailed(t, c.logging, now)
		o := Options{Scope: scope.Default(), Controls: set, Detect: c.known}
		got := signalsOf(o)(snap, workloads).Live(context.Background(), "w", c.signal)
		if got.Status() != c.want || !strings.Contains(got.Why(), c.why) {
			t.Errorf("%s: %+v, want %s %q", c.name, got, c.want, c.why)
		}
	}
}

func TestReturnQuietTold(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	snap, workloads := trailed(t, "true", now)
	told := func(status string, drill bool, who string) detect.Incident {
		return detect.Incident{ID: "I-1", Status: status, Drill: drill, Last: now.Add(-2 * time.Hour), Principals: []string{who}}
	}
	role := "arn:aws:iam::111122223333:role/score"
	seen := []detect.Seen{{Source: "cloudtrail", First: now.AddDate(0, 0, -20), Last: now.Add(-time.Hour)}}
	watch := func(list ...detect.Incident) *Watch {
		return &Watch{Learnt: detect.Learnt{Mature: true}, Seen: seen, Incidents: list}
	}
	for _, c := range []struct {
		name  string
		watch *Watch
		want  respond.Light
		why   string
	}{
		{"no state", nil, respond.Unknown, "no detection has looked"},
		{"quiet", watch(), respond.Green, ""},
		{"told", watch(told("open", false, role)), respond.Red, "last seen"},
		{"closed counts too", watch(told("closed", false, role)), respond.Red, "last seen"},
		{"a drill", watch(told("closed", true, role)), respond.Green, ""},
		{"fine", watch(told("fine", false, role)), respond.Green, ""},
		{"of others", watch(told("open", false, "arn:aws:iam::999999999999:role/x")), respond.Green, ""},
		{"immature", &Watch{Seen: seen}, respond.Unknown, "learnt enough"},
		{"stale", &Watch{Learnt: detect.Learnt{Mature: true}, Seen: []detect.Seen{{Last: now.AddDate(0, 0, -2)}}}, respond.Unknown, "silence says nothing"},
		{"since an hour", &Watch{Learnt: detect.Learnt{Mature: true}, Seen: []detect.Seen{{First: now.Add(-time.Hour), Last: now}}}, respond.Unknown, "not been looked at for"},
	} {
		r := &returning{ctx: context.Background(), i: &respond.Incident{}, o: Options{Now: now}, w: &workloads.List[0], set: &scope.Return{Quiet: 24 * time.Hour}}
		light, why := r.silence(&Told{Watch: c.watch, Snap: snap, Workloads: workloads, Now: now})
		if light != c.want || !strings.Contains(why, c.why) {
			t.Errorf("%s: %v %s, want %v %q", c.name, light, why, c.want, c.why)
		}
	}
}
