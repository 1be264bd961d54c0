package reference

import (
	"fmt"
	"sort"
	"strings"
	"time"
)

// Text of a service, tab-separated:
//
//	S  NAME  [rcp]
//	T  NAME  ARN  KEYS                      resource types
//	A  NAME  LEVEL  KEYS  DEPENDS  USE…     actions; USE is TYPE[!]/KEYS/DEPENDS
//
// KEYS are numbers of condition keys, or = for all those of the resource type;
// TYPE is the number of a resource type of this service, ! says that it is
// required; DEPENDS are actions, comma-separated.

// parser reads the text of one service. Lists of keys and of actions repeat, so
// each is made once.
type parser struct {
	*service
	keys    []*Key
	picked  map[string][]*Key
	split   map[string][]string
	actions []Action
}

// parse reads the text of one service.
func (s *service) parse(text string, keys []*Key) error {
	p := &parser{service: s, keys: keys, picked: map[string][]*Key{}, split: map[string][]string{}}
	most := min(s.Count, strings.Count(text, "\nA\t")) // a damaged head asks for no memory
	p.actions = make([]Action, 0, most)
	s.actions, s.low = make([]*Action, 0, most), make([]string, 0, most)
	s.byName = make(map[string]*Action, most)
	n := 0
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		n++
		if err := p.line(line); err != nil {
			return fmt.Errorf("reference: service %s, line %d: %w", s.Prefix, n, err)
		}
	}
	if len(s.actions) != s.Count {
		return fmt.Errorf("reference: service %s: %d actions, the head says %d", s.Prefix, len(s.actions), s.Count)
	}
	return nil
}

// next cuts a line's first field off.
func next(line *string) string {
	field, rest, _ := strings.Cut(*line, "\t")
	*line = rest
	return field
}

func (p *parser) line(line string) error {
	fields := strings.Count(line, "\t") + 1
	switch kind := next(&line); {
	case kind == "S" && fields == 3:
		p.Name = next(&line)
		p.RCP = line == "rcp"
		return nil
	case kind == "T" && fields == 4:
		r := &Resource{Name: next(&line), ARN: next(&line)}
		p.types = append(p.types, r)
		var err error
		r.Keys, err = p.pick(line)
		return err
	case kind == "A" && fields >= 5:
		return p.action(line, fields-5)
	default:
		return fmt.Errorf("unknown line that begins %.20q", kind)
	}
}

func (p *parser) action(line string, uses int) error {
	name, letter := next(&line), next(&line)
	keys, err := p.pick(next(&line))
	if err != nil {
		return err
	}
	a := Action{ID: p.First + len(p.actions), Service: p.Prefix, Name: name, Level: level(letter), Keys: keys, Depends: p.list(next(&line))}
	if a.Level == 0 {
		return fmt.Errorf("unknown access level %.20q", letter)
	}
	if uses > 0 {
		a.Uses = make([]Use, uses)
	}
	for i := range a.Uses {
		if a.Uses[i], err = p.use(next(&line)); err != nil {
			return fmt.Errorf("action %.80q: %w", a.Name, err)
		}
	}
	low := strings.ToLower(a.Name)
	if k := len(p.low); k > 0 && p.low[k-1] >= low {
		return fmt.Errorf("action %.80q out of order", a.Name)
	}
	p.actions = append(p.actions, a)
	at := &p.actions[len(p.actions)-1]
	p.service.actions = append(p.service.actions, at)
	p.low = append(p.low, low)
	p.byName[low] = at
	return nil
}

func (p *parser) use(text string) (Use, error) {
	which, rest, ok := strings.Cut(text, "/")
	keys, depends, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return Use{}, fmt.Errorf("bad use %.40q", text)
	}
	which, required := strings.CutSuffix(which, "!")
	i, err := number(which, len(p.types)-1)
	if err != nil {
		return Use{}, fmt.Errorf("resource type: %w", err)
	}
	u := Use{Resource: p.types[i], Required: required, Keys: p.types[i].Keys, Depends: p.list(depends)}
	if keys != "=" {
		u.Keys, err = p.pick(keys)
	}
	return u, err
}

func level(letter string) Level {
	switch letter {
	case "L":
		return List
	case "R":
		return Read
	case "W":
		return Write
	case "T":
		return Tagging
	case "P":
		return Permissions
	}
	return 0
}

// list reads a list of actions.
func (p *parser) list(text string) []string {
	if text == "" {
		return nil
	}
	out, ok := p.split[text]
	if !ok {
		out = strings.Split(text, ",")
		p.split[text] = out
	}
	return out
}

// pick returns the keys of which text has the numbers.
func (p *parser) pick(text string) ([]*Key, error) {
	if text == "" {
		return nil, nil
	}
	out, ok := p.picked[text]
	if ok {
		return out, nil
	}
	out = make([]*Key, 0, strings.Count(text, ",")+1)
	for n := range strings.SplitSeq(text, ",") {
		i, err := number(n, len(p.keys)-1)
		if err != nil {
			return nil, fmt.Errorf("condition key: %w", err)
		}
		out = append(out, p.keys[i])
	}
	p.picked[text] = out
	return out, nil
}

// load unpacks a block of policies; a line is ARN, version, created, updated,
// document.
func (b *block) load() error {
	b.once.Do(func() {
		text, err := b.unpack("policies from " + b.first)
		for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
			if err != nil {
				break
			}
			err = b.line(line)
		}
		if b.err = err; err != nil {
			b.policies = nil
		}
	})
	return b.err
}

func (b *block) line(line string) error {
	f := strings.SplitN(line, "\t", 5)
	if len(f) != 5 {
		return fmt.Errorf("reference: policies from %s: a line with %d fields", b.first, len(f))
	}
	created, err := time.Parse(time.DateOnly, f[2])
	if err != nil {
		return fmt.Errorf("reference: policy %s: %w", f[0], err)
	}
	updated, err := time.Parse(time.DateOnly, f[3])
	if err != nil {
		return fmt.Errorf("reference: policy %s: %w", f[0], err)
	}
	k := len(b.policies)
	if k == 0 && f[0] != b.first || k > 0 && b.policies[k-1].ARN >= f[0] {
		return fmt.Errorf("reference: policy %s out of order", f[0])
	}
	b.policies = append(b.policies, Policy{f[0], f[1], created, updated, []byte(f[4])})
	return nil
}

func (t *table) policy(arn string) (Policy, bool) {
	i := sort.Search(len(t.blocks), func(i int) bool { return t.blocks[i].first > arn }) - 1
	if i < 0 || t.blocks[i].load() != nil {
		return Policy{}, false
	}
	ps := t.blocks[i].policies
	j := sort.Search(len(ps), func(j int) bool { return ps[j].ARN >= arn })
	if j == len(ps) || ps[j].ARN != arn {
		return Policy{}, false
	}
	return ps[j], true
}

func (t *table) policyARNs() []string {
	var out []string
	for _, b := range t.blocks {
		if b.load() != nil {
			continue
		}
		for _, p := range b.policies {
			out = append(out, p.ARN)
		}
	}
	return out
}
