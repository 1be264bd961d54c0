package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Input is what an action is told: the ARN of its target and its parameters.
type Input struct {
	Target string
	With   map[string]string
}

// arn splits the target; the last part is the resource.
func (in Input) arn() (service, region, account, resource string) {
	p := strings.SplitN(in.Target, ":", 6)
	if len(p) < 6 {
		return "", "", "", in.Target
	}
	return p[2], p[3], p[4], p[5]
}

// partition of the target.
func (in Input) partition() string {
	if p := strings.SplitN(in.Target, ":", 3); len(p) == 3 && p[1] != "" {
		return p[1]
	}
	return "aws"
}

// name is what follows the last slash or colon of the target.
func (in Input) name() string {
	_, _, _, r := in.arn()
	return r[strings.LastIndexAny(r, "/:")+1:]
}

func (in Input) region() string {
	_, r, _, _ := in.arn()
	return r
}

// Action is one measure on one type of resource. Its state is what the measure changes
// and nothing else, in JSON with sorted members, so that equal states are equal bytes.
// It never holds a secret.
type Action struct {
	id, title, target string
	// params are what it is told beside the target, name: what it is; a name that ends
	// in ? may be left out.
	params map[string]string
	// breaks says what stops working for those who did nothing wrong.
	breaks string
	// final says that it cannot be taken back.
	final  bool
	grants []string
	// resource gives what the grants are on; nil: the target. also are those on something else.
	resource func(in Input) string
	also     func(in Input) map[string][]string
	read     func(ctx context.Context, c *Client, in Input) (any, error)
	set      func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error
	// holds reports whether a state is the one that set makes.
	holds func(in Input, state, prior json.RawMessage) bool
	// probe is nil, or asks beside the state whether the measure has the effect it is for.
	probe func(ctx context.Context, c *Client, in Input) error
	put   func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error
	c     *Client
}

// ID is the action's name: aws.iam.quarantine-role.
func (a *Action) ID() string { return a.id }

// Title says what it does, as one clause.
func (a *Action) Title() string { return a.title }

// Target is the CloudFormation type of what it is done to.
func (a *Action) Target() string { return a.target }

// Params are its parameters, name: what it is; a name that ends in ? may be left out.
func (a *Action) Params() map[string]string { return a.params }

// Breaks says what stops working for those who did nothing wrong.
func (a *Action) Breaks() string { return a.breaks }

// Final reports whether it cannot be taken back.
func (a *Action) Final() bool { return a.final }

// Grants are the permissions it needs, by the resource that they are on: an operation of two
// types of resource needs its permission on both.
func (a *Action) Grants(target string, with map[string]string) map[string][]string {
	in := Input{target, with}
	out := map[string][]string{}
	if a.also != nil {
		out = a.also(in)
	}
	if a.resource != nil {
		target = a.resource(in)
	}
	out[target] = slices.Concat(out[target], a.grants)
	return out
}

// Read is the state as it is. A *GoneError says that the target is not there; what cannot be
// read for another reason may be.
func (a *Action) Read(ctx context.Context, target string, with map[string]string) (json.RawMessage, error) {
	if err := a.check(target, with); err != nil {
		return nil, err
	}
	v, err := a.read(ctx, a.c, Input{target, with})
	if err != nil {
		return nil, goneOf(err)
	}
	return canonical(v)
}

// Set changes it; twice is once.
func (a *Action) Set(ctx context.Context, target string, with map[string]string, prior json.RawMessage) error {
	return a.after(ctx, target, with, a.set(ctx, a.c, Input{target, with}, prior))
}

// Holds reports whether a state is the one that Set makes of prior.
func (a *Action) Holds(target string, with map[string]string, state, prior json.RawMessage) bool {
	return a.holds(Input{target, with}, state, prior)
}

// Probe asks, where the state is the one that Set makes, whether that has the effect it is for:
// what goes on in spite of it is the error.
func (a *Action) Probe(ctx context.Context, target string, with map[string]string) error {
	if a.probe == nil {
		return nil
	}
	return a.probe(ctx, a.c, Input{target, with})
}

// Put makes the state what it was before.
func (a *Action) Put(ctx context.Context, target string, with map[string]string, prior json.RawMessage) error {
	if a.final {
		return fmt.Errorf("%s cannot be taken back", a.id)
	}
	return a.after(ctx, target, with, a.put(ctx, a.c, Input{target, with}, prior))
}

// check refuses parameters that are not the action's, and what is no ARN of its type.
func (a *Action) check(target string, with map[string]string) error {
	if !strings.HasPrefix(target, "arn:") || strings.Count(target, ":") < 5 {
		return fmt.Errorf("%s: %q is no ARN\nhint: its target is a %s", a.id, target, a.target)
	}
	if service := (strings.SplitN(a.id, ".", 3))[1]; service != strings.SplitN(target, ":", 4)[2] && arnService[service] != strings.SplitN(target, ":", 4)[2] {
		return fmt.Errorf("%s: %s is of another service\nhint: its target is a %s", a.id, target, a.target)
	}
	for k := range with {
		if _, ok := a.params[k]; !ok {
			if _, ok = a.params[k+"?"]; !ok {
				return fmt.Errorf("%s has no parameter %q", a.id, k)
			}
		}
	}
	for k, what := range a.params {
		if !strings.HasSuffix(k, "?") && with[k] == "" {
			return fmt.Errorf("%s needs %s: %s", a.id, k, what)
		}
	}
	return nil
}

// arnService is how ARNs spell a service that its actions here spell otherwise.
var arnService = map[string]string{"bedrock-agent": "bedrock"}

// canonical is JSON with sorted members and nothing to choose.
func canonical(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var w any
	if err := d.Decode(&w); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// state reads a state back.
func state(raw json.RawMessage) map[string]any {
	m, err := decodeJSON(raw)
	if err != nil {
		return nil // canonical wrote it
	}
	return m
}

// Actions lists what there is, in a fixed order.
func Actions(c *Client) []*Action {
	all := slices.Concat(iamActions(), sagemakerActions(), storeActions(), computeActions(), bedrockActions())
	for _, a := range all {
		a.c = c
	}
	return all
}

// pair is a setting that is one text or nothing: a policy's document, a boundary.
type pair struct {
	get func(ctx context.Context, c *Client, in Input) (value string, there bool, err error)
	put func(ctx context.Context, c *Client, in Input, value string) error
	del func(ctx context.Context, c *Client, in Input) error
	// want is what Set makes of it.
	want func(in Input, had string) string
	// is compares when equality is too strict; nil: equality.
	is func(in Input, state, want string) bool
}

func (p pair) read(ctx context.Context, c *Client, in Input) (any, error) {
	v, there, err := p.get(ctx, c, in)
	if err != nil {
		return nil, err
	}
	if !there {
		return map[string]any{"value": nil}, nil
	}
	return map[string]any{"value": v}, nil
}

func (p pair) set(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
	return p.put(ctx, c, in, p.want(in, text(state(prior), "value")))
}

func (p pair) holds(in Input, now, prior json.RawMessage) bool {
	v, there := state(now)["value"].(string)
	want := p.want(in, text(state(prior), "value"))
	if p.is != nil {
		return there && p.is(in, v, want)
	}
	return there && v == want
}

func (p pair) undo(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
	v, there := state(prior)["value"].(string)
	if there {
		return p.put(ctx, c, in, v)
	}
	return p.del(ctx, c, in)
}

// on makes an action of a setting.
func (p pair) on(a Action) *Action {
	a.read, a.set, a.holds, a.put = p.read, p.set, p.holds, p.undo
	return &a
}
