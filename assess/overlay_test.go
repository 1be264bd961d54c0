package assess

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// A plan that changes nothing leaves the estate as it is, on both sides.
func TestAnEmptyPlanChangesNothing(t *testing.T) {
	base := harbour(t).Seen
	laid, err := Lay(context.Background(), base, &terraform.Plan{})
	if err != nil {
		t.Fatal(err)
	}
	if laid.Before != base || laid.After != base {
		t.Error("the sides are not the estate")
	}
	// And it would be, were it put together anew.
	for _, planned := range []bool{false, true} {
		anew, err := newLaying(base, &terraform.Plan{}).build(context.Background(), planned)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := anew.Hash(), base.Hash(); got != want {
			d, err := estate.Diff(base, anew)
			t.Fatalf("the estate is not what it was: %+v %v", d, err)
		}
	}
}

// What both sides share is understood once; each is what it is when it is put
// together by itself.
func TestBothSidesAreWhatEachIsByItself(t *testing.T) {
	base := harbour(t).Seen
	ctx := context.Background()
	unknown := estate.Asset{ID: "arn:aws:sqs:eu-west-1:220000000001:told-by-the-plan", Type: "AWS::SQS::Queue", Cloud: estate.AWS, Account: "220000000001", Region: "eu-west-1",
		Config: json.RawMessage(`{"QueueName":"told-by-the-plan"}`), Reads: []estate.Read{{Operation: "plan", Status: estate.ReadOK}}}
	var read []estate.Node
	for n, a := range base.Assets() {
		if made, err := newLaying(base, &terraform.Plan{}).understood(a); err != nil {
			t.Fatal(err)
		} else if !made {
			read = append(read, n)
		}
	}
	differ := 0
	draw := rand.New(rand.NewPCG(7, 12))
	for i := range 8 {
		p := &terraform.Plan{}
		if i%2 == 0 { // the plan knows more than the estate
			p.Before, p.After = append(p.Before, unknown), append(p.After, unknown)
		}
		for _, at := range draw.Perm(len(read))[:draw.IntN(6)] {
			n := read[at]
			was := *base.Asset(n)
			var err error
			if was.Config, err = base.Config(n); err != nil {
				t.Fatal(err)
			}
			is := was
			switch draw.IntN(4) {
			case 0:
				p.Changes = append(p.Changes, terraform.Change{Address: "x.y", Removed: []string{was.ID}, Before: []estate.Asset{was}})
			case 1: // managed, and left as it is
				p.After = append(p.After, is)
			case 2:
				is.Config = json.RawMessage(strings.Replace(strings.Replace(string(was.Config), "{", `{"Description":"changed",`, 1), ",}", "}", 1))
				p.After = append(p.After, is)
			case 3: // nothing of it is left
				is.Config = json.RawMessage(`{}`)
				p.After = append(p.After, is)
			}
			p.Before = append(p.Before, was)
		}
		laid, err := Lay(ctx, base, p)
		if err != nil {
			t.Fatal(err)
		}
		for planned, got := range map[bool]*estate.Snapshot{false: laid.Before, true: laid.After} {
			alone := newLaying(base, p)
			alone.orphan()
			want, err := alone.build(ctx, planned)
			if err != nil {
				t.Fatal(err)
			}
			if got.Hash() != want.Hash() {
				d, err := estate.Diff(want, got)
				t.Fatalf("plan %d, planned %v: %+v %v", i, planned, d, err)
			}
		}
		if laid.Before.Hash() != laid.After.Hash() {
			differ++
		}
	}
	if differ == 0 {
		t.Error("no plan changed anything")
	}
}
