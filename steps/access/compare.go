package access

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// Side is one side of a comparison of policies.
type Side struct {
	// Name of a file, or the ARN of a policy or identity of the estate.
	Name string
	// Document is the policy's text; nil for one of the estate.
	Document []byte
}

// Comparison answers whether one policy is broader than another.
type Comparison struct {
	// Broader is "yes", "no" or "unknown".
	Broader string `json:"broader"`
	// Witness is a request that the new policy allows and the old does not.
	Witness *Difference `json:"witness,omitempty"`
	// Unknown says what an unknown answer hangs on.
	Unknown []string `json:"unknown,omitempty"`
}

// Difference is a request in which two policies differ.
type Difference struct {
	Principal string `json:"principal,omitempty"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	// Context maps condition keys to a string or a list of strings; keys that are
	// not there are absent from the request.
	Context map[string]any `json:"context,omitempty"`
}

// Compare decides whether the policies of next allow what those of old do not.
// snap may be nil where both sides are documents. The error is an *Asking if a
// side names nothing that is there.
func Compare(ctx context.Context, snap *estate.Snapshot, old, next Side) (Comparison, error) {
	w := iam.NewWorld()
	var m *Amazon
	if snap != nil {
		var err error
		if m, err = NewAmazon(ctx, snap); err != nil {
			return Comparison{}, err
		}
		w = m.world
	}
	w.Actions(actionNames())
	var sides [2][]*iam.Policy
	for i, s := range []Side{old, next} {
		var err error
		if sides[i], err = policiesOf(w, m, s); err != nil {
			return Comparison{}, err
		}
	}
	got := w.Compare(sides[0], sides[1])
	out := Comparison{Broader: got.Broader, Unknown: got.Unknown}
	if got.Witness != nil {
		out.Witness = &Difference{
			Principal: got.Witness.Principal, Action: got.Witness.Action, Resource: got.Witness.Resource,
			Context: valuesOf(got.Witness.Context),
		}
	}
	return out, nil
}

// actionNames are all actions of the reference.
var actionNames = sync.OnceValue(func() []string {
	out := make([]string, 0, reference.Count())
	for _, s := range reference.Services() {
		for _, a := range reference.Actions(s.Prefix) {
			out = append(out, a.String())
		}
	}
	return out
})

func policiesOf(w *iam.World, m *Amazon, s Side) ([]*iam.Policy, error) {
	if s.Document != nil {
		doc, err := documentIn(s.Document)
		if err != nil {
			return nil, &Asking{What: fmt.Sprintf("%s: %v", s.Name, err), Mend: "give a file with a policy document: {\"Version\":\"2012-10-17\",\"Statement\":[…]}"}
		}
		p := w.Parse(s.Name, doc)
		return []*iam.Policy{p}, nil
	}
	if m == nil {
		return nil, &Asking{What: fmt.Sprintf("there is no file %q", s.Name), Mend: "give a file with a policy document, or the ARN of a policy of the estate"}
	}
	if n, ok := m.snap.Find(s.Name); ok && m.snap.Asset(n).Type == "AWS::IAM::ManagedPolicy" && !m.snap.Asset(n).Referenced {
		r := &reader{snap: m.snap, world: w, managed: map[string]*iam.Policy{}, places: map[string]source{}, compiled: map[[sha256.Size]byte]*iam.Policy{}}
		if err := r.managedPolicy(n, m.snap.Asset(n)); err != nil {
			return nil, err
		}
		return []*iam.Policy{r.attachedPolicy(s.Name)}, nil
	}
	if strings.HasPrefix(s.Name, "arn:aws:iam::aws:policy/") {
		if doc, ok := reference.Managed(s.Name); ok {
			return []*iam.Policy{w.Parse(s.Name, doc)}, nil
		}
	}
	p, _, err := m.who(s.Name)
	if err != nil {
		return nil, &Asking{What: fmt.Sprintf("%q is no file, and no policy or identity of the estate", s.Name), Mend: "give a file with a policy document, or an ARN that sevenfold inventory lists"}
	}
	out := p.Policies
	if p.Unread != "" {
		out = append(out[:len(out):len(out)], iam.Unread(p.ARN, p.Unread))
	}
	return out, nil
}

// documentIn finds the policy document in a file: the file itself, or the reply
// of the AWS command line that holds one.
func documentIn(text []byte) (json.RawMessage, error) {
	if len(strings.TrimSpace(string(text))) == 0 {
		return nil, fmt.Errorf("the file is empty")
	}
	var top map[string]json.RawMessage
	if err := json.Unmarshal(text, &top); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	for _, member := range []string{"PolicyVersion", "Document", "PolicyDocument", "Policy", "AssumeRolePolicyDocument"} {
		if inner, ok := top[member]; ok && top["Statement"] == nil {
			if member == "PolicyVersion" {
				return documentIn(inner)
			}
			return inner, nil
		}
	}
	return text, nil
}

// valuesOf writes a key with one value as a text and others as lists.
func valuesOf(context map[string][]string) map[string]any {
	if len(context) == 0 {
		return nil
	}
	out := map[string]any{}
	for k, vs := range context {
		if len(vs) == 1 {
			out[k] = vs[0]
		} else {
			out[k] = vs
		}
	}
	return out
}
