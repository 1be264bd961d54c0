package truth

import (
	"context"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// around answers for what an account holds beside identities.
type around struct {
	carriers []Carrier
	facts    map[string]bool
}

func (a around) Carriers(_, kind string) (list []iam.Carrier, complete bool) {
	for _, c := range a.carriers {
		if c.Type == kind {
			list = append(list, iam.Carrier{ARN: c.ARN, Type: c.Type, Role: c.Role})
		}
	}
	return list, true
}

func (a around) Fact(name string, _, _ *iam.Principal, _ *iam.Carrier) (holds, known bool) {
	if a.facts == nil {
		return true, true
	}
	holds, known = a.facts[name]
	return holds, known
}

// Found asks the engine who becomes administrator, in the form that Judge takes:
// by principal and technique, of the way's steps too, with the decision. Ways
// that end in what a service does at a caller's word are left out. facts say what
// is so beside policies; nil: everything that a route may require.
func (x *Export) Found(account string, carriers []Carrier, facts map[string]bool) (map[string]map[string]string, error) {
	routes, err := reference.Routes()
	if err != nil {
		return nil, err
	}
	all, err := x.World(account).Escalations(context.Background(), routes, around{carriers, facts})
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]string{}
	for _, e := range all {
		if e.Gain == "bounded" {
			continue
		}
		if out[e.Principal] == nil {
			out[e.Principal] = map[string]string{}
		}
		for _, s := range e.Path {
			out[e.Principal][s.Technique] = e.Decision.String()
		}
		out[e.Principal][e.Technique] = e.Decision.String()
	}
	return out, nil
}
