package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// logged is a log of CloudTrail's as its reader tells it: each act on the bucket
// lake as "who action request".
func logged(t testing.TB, acts ...string) []events.Event {
	t.Helper()
	var out []events.Event
	for i, a := range acts {
		parts := strings.SplitN(a, " ", 3)
		text := fmt.Sprintf(`{"eventID":"e%d","eventName":%q,"eventSource":"s3.amazonaws.com","eventTime":%q,"recipientAccountId":"1","readOnly":false,"userIdentity":{"userName":%q},"requestParameters":{"bucketName":"lake","set":%s}}`,
			i, parts[1], eleven.Format(time.RFC3339), parts[0], parts[2])
		if _, err := events.Read(strings.NewReader(text), func(e events.Event) { out = append(out, e) }); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// lake is a record of a bucket that differs in some places, "ATTRIBUTE BEFORE
// AFTER" each.
func lake(places ...string) Record {
	r := Record{Asset: "arn:aws:s3:::lake", Account: "1", What: WhatChanged, Status: StatusOpen, Consequence: Attribute,
		LastSame: eleven.Add(-time.Hour), FirstSeen: eleven.Add(time.Hour)}
	for _, p := range places {
		parts := strings.SplitN(p, " ", 3)
		r.Changes = append(r.Changes, Change{parts[0], json.RawMessage(parts[1]), json.RawMessage(parts[2])})
	}
	r.identify()
	return r
}

// inShort is each record with who made it: "principals: consequence attributes".
func inShort(d *Drift) []string {
	out := []string{}
	for i := range d.Records {
		r := &d.Records[i]
		who := "nobody known"
		if r.By != nil {
			who = strings.Join(append([]string{r.By.Principal}, r.By.Also...), " or ")
		}
		var at []string
		for _, c := range r.Gravest() {
			at = append(at, c.Attribute)
		}
		out = append(out, fmt.Sprintf("%s: %s %s", who, r.Consequence, strings.Join(at, ", ")))
	}
	slices.Sort(out)
	return out
}

const (
	suspended = `config.GetBucketVersioning.Status "Enabled" "Suspended"`
	tagged    = `tags.z null "ml"`
	opened    = `config.GetBucketPolicy.Policy null "{}"`
	isPublic  = `config.GetBucketPolicyStatus.IsPublic false true`
)

// One act is one record, and each names who did it.
func TestActs(t *testing.T) {
	for name, tt := range map[string]struct {
		r    Record
		log  []string
		want []string
	}{
		"two acts": {lake(tagged, suspended),
			[]string{`mallory PutBucketVersioning {"Status":"Suspended"}`, `alice PutBucketTagging {"Key":"z","Value":"ml"}`},
			[]string{"alice: cosmetic tags.z", "mallory: attribute config.GetBucketVersioning.Status"}},
		"no events": {lake(tagged, suspended), nil, []string{"nobody known: attribute config.GetBucketVersioning.Status, tags.z"}},
		"a log that tells of one act only": {lake(tagged, suspended), []string{`alice PutBucketTagging {"Key":"z","Value":"ml"}`},
			[]string{"alice: cosmetic tags.z", "nobody known: attribute config.GetBucketVersioning.Status"}},
		"one act with what follows from it": {lake(opened, isPublic), []string{`mallory PutBucketPolicy {"bucketPolicy":{}}`},
			[]string{"mallory: attribute config.GetBucketPolicy.Policy, config.GetBucketPolicyStatus.IsPublic"}},
		"one act of many attributes": {lake(`config.A 1 2`, `config.B 1 2`), []string{`jo UpdateThing {"a":2}`}, []string{"jo: attribute config.A, config.B"}},
		"an act that set the other value": {lake(suspended),
			[]string{`mallory PutBucketVersioning {"Status":"Suspended"}`, `bob PutBucketVersioning {"Status":"Enabled"}`},
			[]string{"mallory: attribute config.GetBucketVersioning.Status"}},
		"only an act that set the other value": {lake(suspended), []string{`bob PutBucketVersioning {"Status":"Enabled"}`},
			[]string{"nobody known: attribute config.GetBucketVersioning.Status"}},
		"two principals at one time": {lake(suspended),
			[]string{`mallory PutBucketVersioning {"Status":"Suspended"}`, `bob PutBucketVersioning {"Status":"Suspended"}`},
			[]string{"bob or mallory: attribute config.GetBucketVersioning.Status"}},
		"the same principal twice": {lake(suspended),
			[]string{`bob PutBucketVersioning {"Status":"Suspended"}`, `bob PutBucketVersioning {"Status":"Suspended"}`},
			[]string{"bob: attribute config.GetBucketVersioning.Status"}},
		"the request names the member": {lake(`config.RootAccess "Disabled" "Enabled"`, `config.InstanceType "a" "b"`),
			[]string{`mallory UpdateThing {"rootAccess":"Enabled"}`, `alice UpdateThing {"instanceType":"b"}`},
			[]string{"alice: attribute config.InstanceType", "mallory: attribute config.RootAccess"}},
		"the request names the item": {lake(`config.List[one] null 1`, `config.List[two] null 1`),
			[]string{`mallory PutThing {"item":"one"}`, `alice PutThing {"item":"two"}`},
			[]string{"alice: attribute config.List[two]", "mallory: attribute config.List[one]"}},
		"two spellings of a key contradict nothing": {lake(`config.KmsKeyId "arn:aws:kms:x" "arn:aws:kms:y"`),
			[]string{`jo UpdateThing {"kmsKeyId":"alias/y"}`}, []string{"jo: attribute config.KmsKeyId"}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			d := &Drift{Records: []Record{tt.r}}
			d.Who(logged(t, tt.log...), "why not")
			if diff := cmp.Diff(tt.want, inShort(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Who accepted both acts as one record accepted each; who accepts one afterwards
// accepts that one.
func TestActsAccepted(t *testing.T) {
	r := lake(tagged, suspended)
	log := logged(t, `mallory PutBucketVersioning {"Status":"Suspended"}`, `alice PutBucketTagging {"Key":"z"}`)
	accepted := func(id string) []string {
		d := &Drift{Records: []Record{r}}
		d.Accept([]Signed{{Acceptance: Acceptance{Record: id, Until: "2027-01-31"}}}, eleven)
		d.Who(log, "")
		var out []string
		for i := range d.Records {
			if d.Records[i].Status == StatusAccepted {
				out = append(out, d.Records[i].Attribute())
			}
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff([]string{"config.GetBucketVersioning.Status", "tags.z"}, accepted(r.ID)); diff != "" {
		t.Errorf("the whole (-want +got):\n%s", diff)
	}
	one := lake(tagged)
	if diff := cmp.Diff([]string{"tags.z"}, accepted(one.ID)); diff != "" {
		t.Errorf("a part (-want +got):\n%s", diff)
	}
}

// A move to another zone stays with the act that moved the asset.
func TestActsOfAnotherZone(t *testing.T) {
	d := &Drift{Records: []Record{lake(tagged, suspended)}}
	d.Zones(func(string) (string, string) { return "dev", "" }, func(string) (string, string) { return "prod", "" })
	d.Who(logged(t, `mallory PutBucketVersioning {"Status":"Suspended"}`, `alice PutBucketTagging {"Key":"z"}`), "")
	if diff := cmp.Diff([]string{"alice: attribute zone, tags.z", "mallory: attribute config.GetBucketVersioning.Status"}, inShort(d)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever the log says, no change is lost or told twice, and what is remembered
// of it gives the same records, with the same ids, without it.
func TestActsProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		places := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{tagged, suspended, opened, isPublic, `config.A 1 2`, `tags.y "a" null`}), 1, 6, rapid.ID).Draw(rt, "places")
		acts := rapid.SliceOfN(rapid.SampledFrom([]string{`alice PutBucketTagging {"Key":"z","Value":"ml"}`, `mallory PutBucketVersioning {"Status":"Suspended"}`,
			`bob PutBucketVersioning {"Status":"Enabled"}`, `eve PutBucketPolicy {}`, `jo UpdateThing {"a":2}`, `mo UpdateThing {}`}), 0, 5).Draw(rt, "acts")
		zoned := rapid.Bool().Draw(rt, "zoned")
		zones := func(d *Drift) {
			if zoned {
				d.Zones(func(string) (string, string) { return "dev", "" }, func(string) (string, string) { return "prod", "" })
			}
		}
		r := lake(places...)
		first := &Drift{Records: []Record{r}}
		zones(first)
		first.Who(logged(t, acts...), "")
		var told []string
		for i := range first.Records {
			for _, c := range first.Records[i].Changes {
				if c.Attribute != ZoneAttribute {
					told = append(told, c.Attribute)
				}
			}
		}
		var want []string
		for _, c := range r.Changes {
			want = append(want, c.Attribute)
		}
		slices.Sort(told)
		slices.Sort(want)
		if diff := cmp.Diff(want, told); diff != "" {
			rt.Fatalf("(-changed +told):\n%s", diff)
		}
		again := &Drift{Records: []Record{lake(places...)}}
		again.Credit(first.Actors())
		zones(again)
		ids := func(d *Drift) (out []string) {
			for _, r := range d.Records {
				out = append(out, r.ID)
			}
			return out
		}
		if diff := cmp.Diff(ids(first), ids(again)); diff != "" {
			rt.Fatalf("(-first +remembered):\n%s\n%v\n%v", diff, inShort(first), inShort(again))
		}
	})
}
