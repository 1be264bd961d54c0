package playbook

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// CACAO is what Export writes and Import reads: OASIS CACAO Security Playbooks 2.0.
// What CACAO has no words for (an action of a cloud, with its parameters) stands in a
// step extension; beside it stands a manual command that says the same to people, so
// that another orchestrator asks for it instead of passing over it.
const (
	specVersion = "cacao-2.0"
	stamp       = "2026-01-01T00:00:00.000Z"
	// ExtensionSchema is what names the extension.
	ExtensionSchema = "https://github.com/sevenfold-sec/sevenfold/docs/schema/cacao-step.json"
)

// uuid is stable: of a namespace and a name, as version 5 spells it.
func uuid(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

var extensionID = "extension-definition--" + uuid("extension", ExtensionSchema)

type cacaoVariable struct {
	Type        string  `json:"type"`
	Description string  `json:"description,omitempty"`
	Value       *string `json:"value,omitempty"`
	External    bool    `json:"external,omitempty"`
}

type cacaoCommand struct {
	Type       string `json:"type"`
	Command    string `json:"command,omitempty"`
	CommandB64 string `json:"command_b64,omitempty"`
}

// cacaoExtension is what is ours of a step.
type cacaoExtension struct {
	ID     string            `json:"id"`
	Phase  string            `json:"phase,omitempty"`
	Stays  bool              `json:"stays,omitempty"`
	Do     string            `json:"do,omitempty"`
	On     string            `json:"on,omitempty"`
	With   map[string]string `json:"with,omitempty"`
	Out    map[string]string `json:"out,omitempty"`
	Ask    string            `json:"ask,omitempty"`
	Of     string            `json:"of,omitempty"`
	Answer string            `json:"answer,omitempty"`
	Max    int               `json:"max,omitempty"`
}

type cacaoStep struct {
	Type         string                     `json:"type"`
	Name         string                     `json:"name,omitempty"`
	Description  string                     `json:"description,omitempty"`
	Delay        int64                      `json:"delay,omitempty"`
	Timeout      int64                      `json:"timeout,omitempty"` // milliseconds
	OnCompletion string                     `json:"on_completion,omitempty"`
	OnSuccess    string                     `json:"on_success,omitempty"`
	OnFailure    string                     `json:"on_failure,omitempty"`
	Variables    map[string]json.RawMessage `json:"step_variables,omitempty"`
	Commands     []cacaoCommand             `json:"commands,omitempty"`
	Agent        string                     `json:"agent,omitempty"`
	Condition    string                     `json:"condition,omitempty"`
	OnTrue       string                     `json:"on_true,omitempty"`
	OnFalse      string                     `json:"on_false,omitempty"`
	NextSteps    []string                   `json:"next_steps,omitempty"`
	Switch       string                     `json:"switch,omitempty"`
	Cases        map[string]string          `json:"cases,omitempty"`
	Extensions   map[string]json.RawMessage `json:"step_extensions,omitempty"`
}

type cacaoPlaybook struct {
	Type        string                    `json:"type"`
	SpecVersion string                    `json:"spec_version"`
	ID          string                    `json:"id"`
	Name        string                    `json:"name"`
	Description string                    `json:"description,omitempty"`
	Types       []string                  `json:"playbook_types,omitempty"`
	CreatedBy   string                    `json:"created_by"`
	Created     string                    `json:"created"`
	Modified    string                    `json:"modified"`
	Labels      []string                  `json:"labels,omitempty"`
	Variables   map[string]cacaoVariable  `json:"playbook_variables,omitempty"`
	Start       string                    `json:"workflow_start"`
	Exception   string                    `json:"workflow_exception,omitempty"`
	Workflow    map[string]cacaoStep      `json:"workflow"`
	Agents      map[string]map[string]any `json:"agent_definitions,omitempty"`
	Extensions  map[string]map[string]any `json:"extension_definitions,omitempty"`
}

var cacaoKinds = map[Kind]string{Action: "action", Manual: "action", Parallel: "parallel", If: "if-condition", While: "while-condition", Switch: "switch-condition"}

// Export writes a playbook as CACAO 2.0. The same playbook gives the same text.
func Export(p *Playbook) ([]byte, error) {
	x := &exporter{p: p, agents: map[string]map[string]any{}}
	out := cacaoPlaybook{
		Type: "playbook", SpecVersion: specVersion, ID: "playbook--" + uuid("playbook", p.ID), Name: p.ID, Description: strings.TrimSpace(p.Title + "\n" + p.About), Types: []string{"mitigation"},
		CreatedBy: "identity--" + uuid("identity", "sevenfold"), Created: stamp, Modified: stamp, Start: x.id("start", "start"), Workflow: map[string]cacaoStep{}, Agents: x.agents,
		Extensions: map[string]map[string]any{extensionID: {"type": "extension-definition", "name": "sevenfold step", "created_by": "identity--" + uuid("identity", "sevenfold"), "schema": ExtensionSchema, "version": "1"}},
	}
	if len(p.Variables) > 0 {
		out.Variables = map[string]cacaoVariable{}
	}
	for _, v := range p.Variables {
		out.Variables["__"+v.Name+"__"] = cacaoVariable{Type: v.Type, Description: v.About, Value: v.Value, External: v.Required}
	}
	out.Workflow[out.Start] = cacaoStep{Type: "start", OnCompletion: x.ref(p.Start)}
	out.Workflow[x.id("end", "end")] = cacaoStep{Type: "end"}
	for _, id := range p.Order {
		s, err := x.step(p.Steps[id])
		if err != nil {
			return nil, err
		}
		out.Workflow[x.ref(id)] = s
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(out)
	return b.Bytes(), err
}

type exporter struct {
	p      *Playbook
	agents map[string]map[string]any
}

func (x *exporter) id(kind, name string) string { return kind + "--" + uuid(x.p.ID, kind, name) }

// ref is a step's id in CACAO; that of the end where a chain ends.
func (x *exporter) ref(id string) string {
	s := x.p.Steps[id]
	if s == nil {
		return x.id("end", "end")
	}
	return x.id(cacaoKinds[s.Kind], id)
}

// agent is who does a step.
func (x *exporter) agent(s *Step) string {
	kind, name := "organization", "sevenfold"
	if s.Kind == Manual {
		kind, name = "individual", s.Of
		if name == "" {
			name = "responder"
		}
	}
	id := kind + "--" + uuid("agent", kind, name)
	x.agents[id] = map[string]any{"type": kind, "name": name}
	return id
}

func (x *exporter) step(s *Step) (cacaoStep, error) {
	ext, err := json.Marshal(cacaoExtension{ID: s.ID, Phase: s.Phase, Stays: s.Stays, Do: s.Do, On: s.On, With: s.With, Out: s.Out, Ask: s.Ask, Of: s.Of, Answer: s.Answer, Max: s.Max})
	if err != nil {
		return cacaoStep{}, err
	}
	c := cacaoStep{Type: cacaoKinds[s.Kind], Name: s.ID, Description: s.Title, Timeout: s.Timeout.Milliseconds(), Extensions: map[string]json.RawMessage{extensionID: ext}}
	if s.OnFailure != "" {
		c.OnSuccess, c.OnFailure = x.ref(s.Next), x.ref(s.OnFailure)
	} else {
		c.OnCompletion = x.ref(s.Next)
	}
	switch s.Kind {
	case Action:
		c.Agent = x.agent(s)
		text := s.Do + " on " + spelt(s.On)
		for _, k := range keys(s.With) {
			text += ", " + k + " " + spelt(s.With[k])
		}
		c.Commands = []cacaoCommand{{Type: "manual", Command: text}}
	case Manual:
		c.Agent = x.agent(s)
		text := s.Ask
		for _, name := range textReferences(s.Ask) {
			text = strings.ReplaceAll(text, "$"+name, "__"+name+"__:value")
		}
		c.Commands = []cacaoCommand{{Type: "manual", Command: text}}
	case If:
		c.Condition, c.OnTrue = s.Condition.root.cacao(), x.ref(s.Then)
		if s.Else != "" {
			c.OnFalse = x.ref(s.Else)
		}
	case While:
		c.Condition, c.OnTrue = s.Condition.root.cacao(), x.ref(s.Then)
	case Parallel:
		for _, b := range s.Branches {
			c.NextSteps = append(c.NextSteps, x.ref(b))
		}
	case Switch:
		c.Switch, c.Cases = "__"+plainName(s.Switch)+"__:value", map[string]string{}
		for v, to := range s.Cases {
			c.Cases[v] = x.ref(to)
		}
		if s.Default != "" {
			c.Cases["default"] = x.ref(s.Default)
		}
	}
	return c, nil
}

// spelt is a parameter as CACAO names variables.
func spelt(value string) string {
	if name, ok := reference(value); ok {
		return "__" + name + "__:value"
	}
	return literal(value)
}

// Import reads a CACAO 2.0 playbook. What this version would not really do (a command
// for a shell, another playbook, a delay) is refused with the step it stands in: a step
// that is passed over must not look done.
func Import(name string, text []byte) (*Playbook, error) {
	at := Place{File: name}
	if len(text) > MaxBytes {
		return nil, &Problem{Place: at, Text: fmt.Sprintf("a playbook is at most %d bytes, this has %d", MaxBytes, len(text))}
	}
	var c cacaoPlaybook
	if err := json.Unmarshal(text, &c); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at.Line = 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		}
		return nil, &Problem{Place: at, Text: "no CACAO playbook: " + err.Error()}
	}
	if c.Type != "playbook" || c.SpecVersion != specVersion {
		return nil, &Problem{Place: at, Text: fmt.Sprintf("type %q and spec_version %q are not those of CACAO 2.0", c.Type, c.SpecVersion), Mend: `"type": "playbook", "spec_version": "cacao-2.0"`}
	}
	m := &importer{file: name, c: &c, p: &Playbook{ID: importedName(c.Name), Title: c.Description, Steps: map[string]*Step{}, Source: text, Format: "cacao"}, names: map[string]string{}}
	m.playbook()
	if len(m.errs) == 0 {
		m.errs = m.p.check()
	}
	if len(m.errs) > 0 {
		return nil, errors.Join(m.errs...)
	}
	return m.p, nil
}

// importedName makes a name of ours of any.
func importedName(s string) string {
	s = strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s), "-0123456789")
	if s == "" {
		return "imported"
	}
	return s[:min(len(s), 80)]
}

type importer struct {
	file  string
	c     *cacaoPlaybook
	p     *Playbook
	errs  []error
	names map[string]string // ids of CACAO to ours
}

func (m *importer) bad(step, mend, format string, args ...any) {
	if len(m.errs) < 20 {
		what := fmt.Sprintf(format, args...)
		if step != "" {
			what = "step " + step + ": " + what
		}
		m.errs = append(m.errs, &Problem{Place: Place{File: m.file}, Text: what, Mend: mend})
	}
}

func (m *importer) playbook() {
	for _, name := range keys(m.c.Variables) {
		v := m.c.Variables[name]
		types := map[string]string{"bool": "bool", "boolean": "bool", "integer": "integer", "long": "integer"}
		t := types[v.Type]
		if t == "" {
			t = "string"
		}
		plain := strings.ReplaceAll(plainName(name), "-", "_")
		if !variableName.MatchString(plain) {
			m.bad("", "", "%q is no name of a variable", name)
		}
		m.p.Variables = append(m.p.Variables, Variable{Name: plain, Type: t, About: v.Description, Value: v.Value, Required: v.External, Place: Place{File: m.file}})
	}
	if m.c.Exception != "" {
		m.bad("", "give the steps on_failure instead", "workflow_exception is not done by this version")
	}
	if len(m.c.Workflow) > MaxSteps {
		m.bad("", "", "a playbook has at most %d steps", MaxSteps)
		return
	}
	taken := map[string]bool{}
	for _, id := range keys(m.c.Workflow) {
		s := m.c.Workflow[id]
		if s.Type == "start" || s.Type == "end" {
			continue
		}
		name := importedName(s.Name)
		var ext cacaoExtension
		if raw := s.Extensions[extensionID]; raw != nil && json.Unmarshal(raw, &ext) == nil && stepName.MatchString(ext.ID) {
			name = ext.ID
		}
		if taken[name] || s.Name == "" {
			name = importedName(s.Type) + "-" + fmt.Sprint(len(taken))
		}
		taken[name] = true
		m.names[id] = name
	}
	for _, id := range m.order() {
		if s := m.c.Workflow[id]; s.Type != "start" && s.Type != "end" {
			m.step(id, &s)
		}
	}
	start, ok := m.c.Workflow[m.c.Start]
	if !ok || start.Type != "start" {
		m.bad("", "", "workflow_start %q is no start step", m.c.Start)
		return
	}
	m.p.Start = m.next(m.c.Start, start.OnCompletion)
	if m.p.Start == "" {
		m.bad("", "", "the start leads to nothing")
	}
}

// order is that in which a run comes to the steps; those it never comes to, last.
func (m *importer) order() []string {
	var out []string
	seen := map[string]bool{}
	var walk func(id string)
	walk = func(id string) {
		s, ok := m.c.Workflow[id]
		if !ok || seen[id] {
			return
		}
		seen[id] = true
		out = append(out, id)
		for _, to := range append([]string{s.OnTrue, s.OnFalse}, s.NextSteps...) {
			walk(to)
		}
		for _, k := range keys(s.Cases) {
			walk(s.Cases[k])
		}
		walk(s.OnFailure)
		walk(s.OnSuccess)
		walk(s.OnCompletion)
	}
	walk(m.c.Start)
	for _, id := range keys(m.c.Workflow) {
		walk(id)
	}
	return out
}

// next is our name of a step that is led to; empty for an end.
func (m *importer) next(from, id string) string {
	s, ok := m.c.Workflow[id]
	switch {
	case id == "":
		return ""
	case !ok:
		m.bad(from, "", "it leads to %q, and there is no such step", id)
		return ""
	case s.Type == "end":
		return ""
	case s.Type == "start":
		m.bad(from, "", "it leads back to the start")
		return ""
	}
	return m.names[id]
}

func (m *importer) step(id string, c *cacaoStep) {
	s := &Step{ID: m.names[id], Title: c.Description, Place: Place{File: m.file}, Timeout: time.Duration(c.Timeout) * time.Millisecond}
	m.p.Steps[s.ID] = s
	m.p.Order = append(m.p.Order, s.ID)
	s.Next = m.next(id, c.OnCompletion)
	if c.OnSuccess != "" {
		s.Next = m.next(id, c.OnSuccess)
	}
	s.OnFailure = m.next(id, c.OnFailure)
	if c.Delay > 0 {
		m.bad(id, "ask a person to wait, with a timeout", "a delay is not done by this version")
	}
	if len(c.Variables) > 0 {
		m.bad(id, "move them to playbook_variables", "variables of one step are not known here")
	}
	if s.Timeout < 0 || s.Timeout > 90*24*time.Hour {
		m.bad(id, "", "timeout %d", c.Timeout)
	}
	var ext cacaoExtension
	if raw := c.Extensions[extensionID]; raw != nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if err := d.Decode(&ext); err != nil {
			m.bad(id, "", "its extension: %v", err)
		}
	}
	for other := range c.Extensions {
		if other != extensionID {
			m.bad(id, "", "extension %s is not known here", other)
		}
	}
	s.Phase, s.Stays = ext.Phase, ext.Stays
	switch c.Type {
	case "action":
		m.action(id, s, c, &ext)
	case "if-condition", "while-condition":
		s.Kind = If
		cond, err := ParseCondition(c.Condition)
		if err != nil {
			m.bad(id, "", "%v", err)
		}
		s.Condition, s.Then, s.Else = cond, m.next(id, c.OnTrue), m.next(id, c.OnFalse)
		if c.Type == "while-condition" {
			s.Kind, s.Max = While, ext.Max
			if s.Max == 0 {
				s.Max = MaxLoop
			}
		}
		if s.Then == "" {
			m.bad(id, "", "on_true leads to nothing")
		}
	case "parallel":
		s.Kind = Parallel
		for _, n := range c.NextSteps {
			if to := m.next(id, n); to != "" {
				s.Branches = append(s.Branches, to)
			}
		}
		if len(s.Branches) < 2 {
			m.bad(id, "", "parallel has fewer than two branches that do anything")
		}
	case "switch-condition":
		s.Kind, s.Switch, s.Cases = Switch, plainName(c.Switch), map[string]string{}
		for v, to := range maps.All(c.Cases) {
			if v == "default" {
				s.Default = m.next(id, to)
			} else if n := m.next(id, to); n != "" {
				s.Cases[v] = n
			}
		}
		if len(s.Cases) == 0 {
			m.bad(id, "", "no case leads to anything")
		}
	case "playbook-action":
		m.bad(id, "put its steps here", "another playbook is not called by this version")
	default:
		m.bad(id, "action, parallel, if-condition, while-condition, switch-condition", "type %q is not known", c.Type)
	}
}

// action takes our own action from the extension, or a manual command as a question.
func (m *importer) action(id string, s *Step, c *cacaoStep, ext *cacaoExtension) {
	if ext.Do != "" {
		s.Kind, s.Do, s.On, s.With, s.Out = Action, ext.Do, ext.On, ext.With, ext.Out
		return
	}
	s.Kind, s.Ask, s.Of, s.Answer = Manual, ext.Ask, ext.Of, ext.Answer
	if s.Ask != "" {
		return
	}
	var texts []string
	for _, cmd := range c.Commands {
		if cmd.Type != "manual" {
			m.bad(id, "ask a person (type manual), or use an action of ours by the extension", "a command of type %q is not run by this version", cmd.Type)
			continue
		}
		t := cmd.Command
		if cmd.CommandB64 != "" {
			raw, err := base64.StdEncoding.DecodeString(cmd.CommandB64)
			if err != nil {
				m.bad(id, "", "command_b64 is no base64")
			}
			t = string(raw)
		}
		texts = append(texts, ourReferences(t))
	}
	s.Ask = strings.Join(texts, "\n")
}

// ourReferences spells __name__:value as $name, and keeps dollars what they are.
func ourReferences(s string) string {
	s = strings.ReplaceAll(s, "$", "$$")
	var b strings.Builder
	for {
		i := strings.Index(s, "__")
		if i < 0 {
			break
		}
		j := strings.Index(s[i+2:], "__:value")
		if j < 0 || !variableName.MatchString(s[i+2:i+2+j]) {
			b.WriteString(s[:i+2])
			s = s[i+2:]
			continue
		}
		b.WriteString(s[:i] + "$" + s[i+2:i+2+j])
		s = s[i+2+j+len("__:value"):]
	}
	return b.String() + s
}

// SameGraph reports whether two playbooks do the same, wherever they were read from.
func SameGraph(a, b *Playbook) bool {
	if a.Start != b.Start || len(a.Steps) != len(b.Steps) || !slices.EqualFunc(a.Variables, b.Variables, func(v, w Variable) bool {
		return v.Name == w.Name && v.Type == w.Type && v.Required == w.Required && (v.Value == nil) == (w.Value == nil) && (v.Value == nil || *v.Value == *w.Value)
	}) {
		return false
	}
	for id, s := range a.Steps {
		t := b.Steps[id]
		if t == nil || s.essence() != t.essence() {
			return false
		}
	}
	return true
}

// essence is what a step does, as a text.
func (s *Step) essence() string {
	c := ""
	if s.Condition != nil {
		c = s.Condition.root.cacao()
	}
	return fmt.Sprint(s.Kind, s.Phase, s.Stays, s.Next, s.OnFailure, s.Timeout, s.Do, s.On, s.With, s.Out, s.Ask, s.Of, s.Answer, s.Branches, c, s.Then, s.Else, s.Max, plainName(s.Switch), s.Cases, s.Default)
}
