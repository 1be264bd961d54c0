package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// thing is an asset of a test: a root of workload Name, or what scales Of, or
// what the root Of is made from.
type thing struct {
	id, region, of, uses string
	root                 bool
	n                    float64 // units; -1: known after apply
	worker               float64 // units of another role beside them
	size                 string
	power                float64
	image                string
}

func (x thing) config() json.RawMessage {
	text, _ := json.Marshal(map[string]any{"n": x.n, "size": x.size, "power": x.power, "image": x.image, "worker": x.worker})
	return text
}

// scaleOf reads a thing's configuration.
func scaleOf(a *estate.Asset, config json.RawMessage) (estate.Scale, error) {
	var c struct {
		N, Power, Worker float64
		Size, Image      string
	}
	if len(config) == 0 {
		return estate.Scale{}, nil
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return estate.Scale{}, err
	}
	essence, _ := json.Marshal(c.Image)
	s := estate.Scale{Capacities: []estate.Capacity{{Path: "n", Units: c.N, Size: c.Size, Family: strings.SplitN(c.Size, ".", 2)[0], Power: c.Power}}, Essence: essence}
	if c.Worker > 0 {
		s.Capacities = append(s.Capacities, estate.Capacity{Path: "roles.worker", Units: c.Worker, Item: "worker"})
	}
	if c.N < 0 {
		s.Capacities[0].Units, s.Capacities[0].Unknown, s.Capacities[0].Why = 0, true, "known after apply"
	}
	return s, nil
}

// sideOf builds and judges one side. fails are the findings that fail, by
// asset, of the workload that owns it; status overrides a criterion.
func sideOf(t interface{ Fatal(...any) }, s *scope.Scope, things []thing, fails map[string]string, status map[string]finding.CriterionStatus) Side {
	b := estate.NewBuilder(time.Unix(1, 0))
	for _, x := range things {
		a := estate.Asset{ID: x.id, Type: "T", Cloud: estate.AWS, Account: "1", Region: x.region, Name: x.id, Kind: estate.KindCompute, Config: x.config(),
			Reads: []estate.Read{{Operation: "t:Get", Status: estate.ReadOK}}}
		if x.root {
			a.Root = &estate.Root{Class: estate.ClassEndpoint, Why: "a test"}
		}
		b.Asset(a)
		if x.of != "" {
			b.Relation(estate.Relation{From: x.id, To: x.of, Type: estate.Scales, Tier: estate.Declared})
		}
		if x.uses != "" {
			b.Relation(estate.Relation{From: x.id, To: x.uses, Type: estate.Uses, Tier: estate.Declared})
		}
	}
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	ws, err := s.Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	out := Side{Snapshot: snap, Workloads: ws, Criteria: map[string][]finding.Criterion{}}
	for _, w := range ws.List {
		c := finding.Criterion{ID: "audit.deviations", Status: finding.CriterionPass, Reason: "fine"}
		for asset, control := range fails {
			if slices.Contains(w.Members, asset) {
				f := finding.Finding{ID: finding.NewID(control, asset, ""), Control: control, Status: finding.Fail, Asset: asset, Title: control + " is wrong", Fix: finding.Fix{Text: "Mend it."}}
				out.Findings = append(out.Findings, f)
				c.Status, c.Reason, c.Findings = finding.CriterionFail, "1 open deviation", append(c.Findings, f.ID)
			}
		}
		drift := finding.Criterion{ID: "audit.drift", Status: finding.CriterionPass, Reason: "none"}
		if v, ok := status["audit.drift"]; ok {
			drift.Status, drift.Reason = v, "as told"
		}
		out.Criteria[w.ID] = []finding.Criterion{c, drift}
	}
	return out
}

// changed makes one change an asset that differs.
func changed(before, after []thing) []Change {
	at := func(list []thing, id string) (thing, bool) {
		i := slices.IndexFunc(list, func(x thing) bool { return x.id == id })
		if i < 0 {
			return thing{}, false
		}
		return list[i], true
	}
	var out []Change
	for _, x := range after {
		old, existed := at(before, x.id)
		switch {
		case !existed:
			out = append(out, Change{Address: "r." + x.id, After: []string{x.id}})
		case old != x:
			out = append(out, Change{Address: "r." + x.id, Before: []string{x.id}, After: []string{x.id}})
		}
	}
	for _, x := range before {
		if _, still := at(after, x.id); !still {
			out = append(out, Change{Address: "r." + x.id, Before: []string{x.id}})
		}
	}
	return out
}

func TestDecide(t *testing.T) {
	pilot := scope.Default()
	pilot.Declared = []scope.Declared{{Name: "w", Pilot: scope.Pilot{Replicas: 3}}}
	yes := func(finding.Workload) (bool, int, string) { return true, 0, "" }
	upTo8 := func(finding.Workload) (bool, int, string) { return true, 8, "" }
	no := func(finding.Workload) (bool, int, string) { return false, 0, "it has none" }
	w := func(n float64) thing { return thing{id: "w", root: true, region: "eu", n: n} }
	large := func(x thing, size string, power float64) thing { x.size, x.power = size, power; return x }
	image := func(x thing, image string) thing { x.image = image; return x }
	in := func(x thing, region string) thing { x.region = region; return x }
	scaler := func(n float64) thing { return thing{id: "s", of: "w", region: "eu", n: n} }
	tests := map[string]struct {
		before, after []thing
		certified     Certified
		beforeFails   map[string]string
		afterFails    map[string]string
		beforeStatus  map[string]finding.CriterionStatus
		afterStatus   map[string]finding.CriterionStatus
		opaque        string
		replace       [2]string // id before, id after, of one resource
		want          gate.Word
		text          string
	}{
		"nothing":                        {before: []thing{w(2)}, after: []thing{w(2)}, certified: no, want: gate.Admit},
		"grows without":                  {before: []thing{w(2)}, after: []thing{w(4)}, certified: no, want: gate.Refuse, text: "n of w grows from 2 to 4; beyond its pilot of 3 that needs a certificate: it has none"},
		"grows with":                     {before: []thing{w(2)}, after: []thing{w(4)}, certified: yes, want: gate.Admit, text: "covered by its certificate"},
		"grows within the pilot":         {before: []thing{w(2)}, after: []thing{w(3)}, certified: no, want: gate.Admit, text: "within its pilot of 3"},
		"grows within the limit":         {before: []thing{w(2)}, after: []thing{w(8)}, certified: upTo8, want: gate.Admit},
		"grows beyond the limit":         {before: []thing{w(2)}, after: []thing{w(9)}, certified: upTo8, want: gate.Refuse, text: "allows 8 in all, it would have 9"},
		"roles add up":                   {before: []thing{w(2)}, after: []thing{{id: "w", root: true, region: "eu", n: 2, worker: 2}}, certified: no, want: gate.Refuse, text: "beyond its pilot of 3"},
		"roles beyond the limit":         {before: []thing{w(5)}, after: []thing{{id: "w", root: true, region: "eu", n: 5, worker: 4}}, certified: upTo8, want: gate.Refuse, text: "allows 8 in all, it would have 9"},
		"shrinks":                        {before: []thing{w(9)}, after: []thing{w(8)}, certified: no, want: gate.Admit},
		"shrinks a broken one":           {before: []thing{w(9)}, after: []thing{w(8)}, beforeFails: map[string]string{"w": "c"}, afterFails: map[string]string{"w": "c"}, certified: no, want: gate.Admit},
		"goes":                           {before: []thing{w(9)}, certified: no, want: gate.Admit},
		"is new, within":                 {after: []thing{w(3)}, certified: no, want: gate.Admit},
		"is new, beyond":                 {after: []thing{w(4)}, certified: yes, want: gate.Refuse, text: "it did not exist before"},
		"an autoscaler's limit":          {before: []thing{w(1), scaler(3)}, after: []thing{w(1), scaler(4)}, certified: no, want: gate.Refuse, text: "n of s grows"},
		"an autoscaler counts once":      {before: []thing{w(1)}, after: []thing{w(1), scaler(3)}, certified: no, want: gate.Admit},
		"larger units":                   {before: []thing{large(w(1), "m.large", 1)}, after: []thing{large(w(1), "m.xlarge", 2)}, certified: no, want: gate.Refuse, text: "from 1 × m.large to 1 × m.xlarge"},
		"smaller units":                  {before: []thing{large(w(1), "m.xlarge", 2)}, after: []thing{large(w(1), "m.large", 1)}, certified: no, want: gate.Admit},
		"other units":                    {before: []thing{large(w(1), "m.xlarge", 2)}, after: []thing{large(w(1), "p.large", 1)}, certified: no, want: gate.Refuse},
		"units of any size, new":         {after: []thing{large(w(1), "p.huge", 9)}, certified: no, want: gate.Admit},
		"another region":                 {before: []thing{in(w(3), "eu")}, after: []thing{in(w(3), "eu"), {id: "s", of: "w", region: "us", n: 0}}, certified: no, want: gate.Admit},
		"known after apply":              {before: []thing{w(2)}, after: []thing{w(-1)}, certified: yes, want: gate.Unclear, text: "known only later"},
		"was not known":                  {before: []thing{w(-1)}, after: []thing{w(4)}, certified: yes, want: gate.Unclear},
		"grows and changes":              {before: []thing{image(w(2), "a")}, after: []thing{image(w(4), "b")}, certified: yes, want: gate.Refuse, text: "changes in the same plan (r.w): apply that first"},
		"changes only":                   {before: []thing{image(w(9), "a")}, after: []thing{image(w(9), "b")}, certified: no, want: gate.Admit},
		"breaks":                         {before: []thing{w(2)}, after: []thing{image(w(2), "b")}, afterFails: map[string]string{"w": "open"}, certified: yes, want: gate.Refuse, text: "would newly fail: open is wrong, on w (open). Mend it."},
		"breaks what is broken":          {before: []thing{w(2)}, after: []thing{image(w(2), "b")}, beforeFails: map[string]string{"w": "old"}, afterFails: map[string]string{"w": "new"}, certified: yes, want: gate.Refuse, text: "new is wrong"},
		"new on what is broken":          {after: []thing{w(2)}, afterFails: map[string]string{"w": "new"}, certified: yes, want: gate.Refuse},
		"newly unknown":                  {before: []thing{w(2)}, after: []thing{w(2)}, afterStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionUnknown}, certified: yes, want: gate.Unclear, text: "audit.drift was pass and could not be told any more"},
		"unknown before":                 {before: []thing{w(2)}, after: []thing{w(2)}, beforeStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionUnknown}, afterStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionUnknown}, certified: no, want: gate.Admit},
		"unknown, then fails":            {before: []thing{w(2)}, after: []thing{w(2)}, beforeStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionUnknown}, afterStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionFail}, certified: no, want: gate.Refuse, text: "would newly fail: as told"},
		"waived, then open":              {before: []thing{w(2)}, after: []thing{w(2)}, beforeStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionWaived}, afterStatus: map[string]finding.CriterionStatus{"audit.drift": finding.CriterionUnknown}, certified: no, want: gate.Unclear},
		"scales what was not read":       {after: []thing{{id: "s", of: "w", region: "eu", n: 4}}, certified: yes, want: gate.Unclear, text: "it scales w, which was not read"},
		"scales it less":                 {before: []thing{{id: "s", of: "w", region: "eu", n: 4}}, after: []thing{{id: "s", of: "w", region: "eu", n: 3}}, certified: no, want: gate.Admit},
		"opaque":                         {before: []thing{w(2)}, after: []thing{w(2)}, opaque: "nobody can say", certified: no, want: gate.Unclear, text: "nobody can say"},
		"replaced, larger":               {before: []thing{w(2), {id: "arn:c/1", n: 2, region: "eu"}}, after: []thing{w(2), {id: "arn:c/2", n: 4, region: "eu"}}, replace: [2]string{"arn:c/1", "arn:c/2"}, certified: no, want: gate.Refuse, text: "n of arn:c/2 grows from 2 to 4"},
		"replaced, as large":             {before: []thing{w(5), {id: "arn:c/1", n: 5, region: "eu"}}, after: []thing{w(5), {id: "arn:c/2", n: 5, region: "eu"}}, replace: [2]string{"arn:c/1", "arn:c/2"}, certified: no, want: gate.Admit},
		"replaced, larger, certified":    {before: []thing{w(2), {id: "arn:c/1", n: 2, region: "eu"}}, after: []thing{w(2), {id: "arn:c/2", n: 4, region: "eu"}}, replace: [2]string{"arn:c/1", "arn:c/2"}, certified: yes, want: gate.Admit},
		"replaced by another, certified": {before: []thing{w(2), {id: "arn:c/1", n: 2, region: "eu", image: "a"}}, after: []thing{w(2), {id: "arn:c/2", n: 4, region: "eu", image: "b"}}, replace: [2]string{"arn:c/1", "arn:c/2"}, certified: yes, want: gate.Refuse, text: "apply that first"},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			use := func(list []thing, id string) []thing {
				list = slices.Clone(list)
				for i := range list {
					if list[i].id == "w" && id != "" {
						list[i].uses = id
					}
				}
				return list
			}
			tt.before, tt.after = use(tt.before, tt.replace[0]), use(tt.after, tt.replace[1])
			changes := changed(tt.before, tt.after)
			if tt.replace[0] != "" {
				changes = []Change{{Address: "r.c", Before: []string{tt.replace[0]}, After: []string{tt.replace[1]}}}
			}
			if tt.opaque != "" {
				changes = append(changes, Change{Address: "r.o", Opaque: tt.opaque})
			}
			got, err := Decide(Input{Before: sideOf(t, pilot, tt.before, tt.beforeFails, tt.beforeStatus), After: sideOf(t, pilot, tt.after, tt.afterFails, tt.afterStatus),
				Changes: changes, Scale: scaleOf, Certified: tt.certified})
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, r := range got.Reasons {
				texts = append(texts, r.Text)
			}
			if got.Decision != tt.want || !strings.Contains(strings.Join(texts, "\n"), tt.text) {
				t.Errorf("got %s %q, want %s %q", got.Decision, texts, tt.want, tt.text)
			}
		})
	}
}

// A region that the workload was not in is growth, beyond the pilot.
func TestNewRegionIsGrowth(t *testing.T) {
	before := []thing{{id: "w", root: true, region: "eu", n: 2}, {id: "c", region: "eu", n: 2}}
	after := []thing{{id: "w", root: true, region: "eu", n: 2, uses: "x"}, {id: "x", region: "us", n: 2}}
	got, err := Decide(Input{Before: sideOf(t, scope.Default(), before, nil, nil), After: sideOf(t, scope.Default(), after, nil, nil),
		Changes: []Change{{Address: "r.x", Before: []string{"c"}, After: []string{"x"}}}, Scale: scaleOf,
		Certified: func(finding.Workload) (bool, int, string) { return false, 0, "none" }})
	if err != nil {
		t.Fatal(err)
	}
	if got.Decision != gate.Refuse || !strings.Contains(fmt.Sprint(got.Reasons), "it is new in us") {
		t.Errorf("got %+v", got)
	}
}

// Whatever the plan: what has no certificate never ends larger than it was and
// than its pilot; what only shrinks is always admitted.
func TestGrowthWithoutCertificateIsNeverAdmitted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scope.Default()
		pilot := rapid.IntRange(0, 3).Draw(t, "pilot")
		names := []string{"a", "b"}
		for _, n := range names {
			s.Declared = append(s.Declared, scope.Declared{Name: n, Pilot: scope.Pilot{Replicas: pilot}})
		}
		draw := func(side string) (out []thing) {
			for _, n := range names {
				if !rapid.Bool().Draw(t, side+n) {
					continue
				}
				out = append(out, thing{id: n, root: true, region: "eu", n: float64(rapid.IntRange(0, 5).Draw(t, side+n+"units"))})
				if rapid.Bool().Draw(t, side+n+"scaler") {
					out = append(out, thing{id: "s" + n, of: n, region: "eu", n: float64(rapid.IntRange(0, 5).Draw(t, side+n+"limit"))})
				}
			}
			return out
		}
		before, after := draw("before"), draw("after")
		certified := map[string]bool{"a": rapid.Bool().Draw(t, "a certified"), "b": rapid.Bool().Draw(t, "b certified")}
		got, err := Decide(Input{Before: sideOf(t, s, before, nil, nil), After: sideOf(t, s, after, nil, nil), Changes: changed(before, after), Scale: scaleOf,
			Certified: func(w finding.Workload) (bool, int, string) { return certified[w.Name], 0, "none" }})
		if err != nil {
			t.Fatal(err)
		}
		want := gate.Admit
		for _, n := range names {
			was, is := sizeIn(before, n), sizeIn(after, n)
			grown := is["n"] > was["n"] || is["s"] > was["s"]
			existed := slices.ContainsFunc(before, func(x thing) bool { return x.id == n })
			if grown && max(is["n"], is["s"]) > float64(pilot) && !(certified[n] && existed) {
				want = gate.Refuse
			}
		}
		if got.Decision != want {
			t.Fatalf("got %s, want %s\nbefore %+v\nafter %+v\n%+v", got.Decision, want, before, after, got.Reasons)
		}
	})
}

// sizeIn is the model: what a workload and its autoscaler ask for.
func sizeIn(list []thing, name string) map[string]float64 {
	out := map[string]float64{}
	for _, x := range list {
		if x.id == name {
			out["n"] = x.n
		}
		if x.of == name {
			out["s"] = x.n
		}
	}
	return out
}

// Many pilots of one block are no pilot.
func TestACrowdIsNoPilot(t *testing.T) {
	one := func(i int) thing { return thing{id: fmt.Sprint("g", i), root: true, region: "eu", n: 1} }
	decide := func(s *scope.Scope, before, after []thing) gate.Word {
		t.Helper()
		var changes []Change
		for i, x := range after {
			c := Change{Address: fmt.Sprintf("module.m[%q].aws_instance.g[%d]", "k", i), After: []string{x.id}}
			if i < len(before) {
				c.Before, c.Idle = []string{x.id}, true
			}
			changes = append(changes, c)
		}
		got, err := Decide(Input{Before: sideOf(t, s, before, nil, nil), After: sideOf(t, s, after, nil, nil), Changes: changes, Scale: scaleOf,
			Certified: func(finding.Workload) (bool, int, string) { return false, 0, "none" }})
		if err != nil {
			t.Fatal(err)
		}
		return got.Decision
	}
	if got := decide(scope.Default(), nil, []thing{one(0)}); got != gate.Admit {
		t.Errorf("one: %s", got)
	}
	if got := decide(scope.Default(), nil, []thing{one(0), one(1)}); got != gate.Refuse {
		t.Errorf("two new: %s", got)
	}
	if got := decide(scope.Default(), []thing{one(0)}, []thing{one(0), one(1)}); got != gate.Refuse {
		t.Errorf("one more: %s", got)
	}
	if got := decide(scope.Default(), []thing{one(0), one(1)}, []thing{one(0), one(1)}); got != gate.Admit {
		t.Errorf("as before: %s", got)
	}
	declared := scope.Default()
	declared.Declared = []scope.Declared{{Name: "g0", Pilot: scope.Pilot{Replicas: 1}}, {Name: "g1", Pilot: scope.Pilot{Replicas: 1}}}
	if got := decide(declared, nil, []thing{one(0), one(1)}); got != gate.Admit {
		t.Errorf("declared: %s", got)
	}
}

// What is for machine learning and belongs to no workload has nobody whose
// certificate could let it grow; other things are nobody's business.
func TestStraysForLearning(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after float64
		size          string
		want          gate.Word
	}{
		"grows":            {2, 20, "p4.huge", gate.Refuse},
		"a pilot":          {0, 1, "p4.huge", gate.Admit},
		"shrinks":          {20, 2, "p4.huge", gate.Admit},
		"unknown":          {2, -1, "p4.huge", gate.Unclear},
		"is for no models": {2, 20, "m5.large", gate.Admit},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			before, after := []thing{{id: "g", region: "eu", n: tt.before, size: tt.size}}, []thing{{id: "g", region: "eu", n: tt.after, size: tt.size}}
			if tt.before == 0 {
				before = nil
			}
			got, err := Decide(Input{Before: sideOf(t, scope.Default(), before, nil, nil), After: sideOf(t, scope.Default(), after, nil, nil), Changes: changed(before, after), Scale: scaleOf,
				Certified: func(finding.Workload) (bool, int, string) { return true, 0, "" },
				ForLearning: func(_ *estate.Asset, c estate.Capacity) string {
					if strings.HasPrefix(c.Size, "p4") {
						return c.Size + " carries accelerators"
					}
					return ""
				}})
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != tt.want {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
		})
	}
}

// A scaling group grows the workload whose launch template it is made from, and
// what takes the place of a workload's configuration is the workload's, though
// nothing names it yet.
func TestWhatAWorkloadAnswersFor(t *testing.T) {
	no := func(finding.Workload) (bool, int, string) { return false, 0, "it has none" }
	decide := func(before, after []thing, changes []Change) gate.Decision {
		t.Helper()
		got, err := Decide(Input{Before: sideOf(t, scope.Default(), before, nil, nil), After: sideOf(t, scope.Default(), after, nil, nil), Changes: changes, Scale: scaleOf, Certified: no})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	template := thing{id: "w", root: true, region: "eu", n: 0}
	group := func(n float64) thing { return thing{id: "g", region: "eu", uses: "w", n: n} }
	if got := decide([]thing{template, group(1)}, []thing{template, group(5)}, changed([]thing{group(1)}, []thing{group(5)})); got.Decision != gate.Refuse {
		t.Errorf("a group of its template: %+v", got)
	}
	endpoint := thing{id: "w", root: true, region: "eu", n: 1}
	old, fresh := endpoint, endpoint
	old.uses = "c1"
	got := decide([]thing{old, {id: "c1", region: "eu", n: 1}}, []thing{fresh, {id: "c2", region: "eu", n: 8}}, []Change{{Address: "r.c", Before: []string{"c1"}, After: []string{"c2"}}})
	if got.Decision != gate.Refuse {
		t.Errorf("a configuration nobody names yet: %+v", got)
	}
}

// A hole that no workload is known to reach is told, and over no estate it
// leaves the question open.
func TestHolesBesideWorkloads(t *testing.T) {
	x := []thing{{id: "b", region: "eu", n: 0}}
	open := sideOf(t, scope.Default(), x, nil, nil)
	open.Findings = []finding.Finding{{ID: "F-1", Control: "c", Status: finding.Fail, Severity: finding.High, Asset: "b", Title: "Open"}}
	for known, want := range map[bool]gate.Word{true: gate.Admit, false: gate.Unclear} {
		in := Input{Before: sideOf(t, scope.Default(), x, nil, nil), After: open, Changes: []Change{{Address: "r.b", Before: []string{"b"}, After: []string{"b"}}}, Scale: scaleOf,
			Certified: func(finding.Workload) (bool, int, string) { return false, 0, "" }, Known: known, FailOn: finding.High}
		got, err := Decide(in)
		if err != nil {
			t.Fatal(err)
		}
		if got.Decision != want || len(got.Reasons) != 1 {
			t.Errorf("known %v: %+v", known, got)
		}
		in.FailOn = finding.Critical
		if got, _ := Decide(in); got.Decision != gate.Admit || len(got.Reasons) != 0 {
			t.Errorf("below fail_on: %+v", got)
		}
	}
}
