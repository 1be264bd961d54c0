package control

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// rulesFolder holds what is said of many controls at once: which types of asset
// are AI, which controls ask one question of several types, and which
// requirement of a framework a weakness offends.
const rulesFolder = catalogueFolder + "/rules"

// AI says how near to AI the assets of a control are. It is a rule on their
// types (catalogue/rules/ai.yaml) unless control.yaml says otherwise.
type AI string

// The degrees of AI.
const (
	// NotAI is what every estate has.
	NotAI AI = ""
	// AISystem is an AI service itself: what trains, keeps or serves a model, or
	// a product that does nothing else.
	AISystem AI = "system"
	// AIInfrastructure is what AI runs on and reads from: clusters and batch
	// queues, data preparation, search and vector stores, registries of images.
	AIInfrastructure AI = "infrastructure"
)

// Framework is a catalogue of requirement ids, with where they come from.
type Framework struct {
	Name, Version, Source, Licence string
	// IDs are its ids, in order.
	IDs []string
}

// Question is one question that several controls ask of assets of different
// types: each has its own fields to look at, and it counts once.
type Question struct {
	Name, Asks string
	Controls   []string
}

type aiRule struct {
	System         []string `key:"system,required"`
	Infrastructure []string `key:"infrastructure,required"`
}

type questionRule struct {
	Questions map[string]questionEntry `key:"questions,required"`
}

type questionEntry struct {
	Asks     string        `key:"asks,required"`
	Controls []strict.Text `key:"controls,required"`
}

type bridgeRule struct {
	Bridges []bridge `key:"bridges,required"`
}

// bridge leads from a weakness to the requirements that forbid it.
type bridge struct {
	When  []strict.Text `key:"when,required"`
	AI    bool          `key:"ai"` // only of controls on AI
	Means []strict.Text `key:"means,required"`
}

// rules are those of all file systems of a set.
type rules struct {
	ai        aiRule
	questions map[string]questionEntry
	bridges   []bridge
}

// read takes in the rules of one file system; a folder of own controls may
// leave any of them out.
func (r *rules) read(f fs.FS) []error {
	var errs []error
	for name, v := range map[string]any{"ai.yaml": &aiRule{}, "questions.yaml": &questionRule{}, "bridges.yaml": &bridgeRule{}} {
		switch err := decode(f, rulesFolder+"/"+name, v); {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			errs = append(errs, fmt.Errorf("rule left out: %w", err))
			continue
		}
		switch v := v.(type) {
		case *aiRule:
			r.ai.System = append(r.ai.System, v.System...)
			r.ai.Infrastructure = append(r.ai.Infrastructure, v.Infrastructure...)
		case *questionRule:
			if r.questions == nil {
				r.questions = map[string]questionEntry{}
			}
			maps.Copy(r.questions, v.Questions)
		case *bridgeRule:
			r.bridges = append(r.bridges, v.Bridges...)
		}
	}
	return errs
}

// check names the ids of bridges that no catalogue has, and leaves out the
// bridges that hold one.
func (r *rules) check(kinds map[string]string) []error {
	var errs []error
	r.bridges = slices.DeleteFunc(r.bridges, func(b bridge) bool {
		before := len(errs)
		for _, id := range slices.Concat(b.When, b.Means) {
			if kinds[id.Value] != "framework" {
				errs = append(errs, fmt.Errorf("bridge left out: %w", id.Problemf("framework id %q is in no catalogue", id.Value)))
			}
		}
		return len(errs) > before
	})
	return errs
}

// degree is how near to AI assets of these types are: as near as the farthest.
func (r *rules) degree(types []string) AI {
	out := AISystem
	for _, t := range types {
		starts := func(prefix string) bool { return strings.HasPrefix(t, prefix) }
		switch {
		case slices.ContainsFunc(r.ai.System, starts):
		case slices.ContainsFunc(r.ai.Infrastructure, starts):
			out = AIInfrastructure
		default:
			return NotAI
		}
	}
	return out
}

// requirements adds to a control's own ids those its weaknesses lead to.
func (r *rules) requirements(c *Control) []string {
	out := slices.Clone(c.Frameworks)
	for _, b := range r.bridges {
		if b.AI && c.AI == NotAI || !slices.ContainsFunc(b.When, func(id strict.Text) bool { return slices.Contains(c.Frameworks, id.Value) }) {
			continue
		}
		for _, id := range b.Means {
			if !slices.Contains(out, id.Value) {
				out = append(out, id.Value)
			}
		}
	}
	return out
}

// asked lists the questions that controls of the set share, by name, and what
// is wrong with what is said of them.
func (r *rules) asked(s *Set) ([]Question, []error) {
	var out []Question
	var errs []error
	taken := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(r.questions)) {
		q := Question{Name: name, Asks: r.questions[name].Asks}
		for _, id := range r.questions[name].Controls {
			switch {
			case s.Find(id.Value) == nil:
				errs = append(errs, id.Problemf("question %s names the control %q, which is not there", name, id.Value))
			case taken[id.Value] != "":
				errs = append(errs, id.Problemf("control %q is in the questions %s and %s", id.Value, taken[id.Value], name))
			default:
				taken[id.Value] = name
				q.Controls = append(q.Controls, id.Value)
			}
		}
		out = append(out, q)
	}
	return out, errs
}

// Frameworks lists the catalogues of framework ids, by name.
func (s *Set) Frameworks() []Framework { return slices.Clone(s.frameworks) }

// Questions lists the questions that several controls share, by name.
func (s *Set) Questions() []Question { return slices.Clone(s.questions) }

// Distinct counts the questions the set asks, one that several controls ask of
// different types once, and how many of those are asked of AI systems and of
// what AI runs on. A question asked of both counts with the systems.
func (s *Set) Distinct() (all, system, infrastructure int) {
	shared := map[string]string{}
	for _, q := range s.questions {
		for _, id := range q.Controls {
			shared[id] = q.Name
		}
	}
	degree := map[string]AI{}
	for _, c := range s.controls {
		name := "control " + c.ID
		if q, ok := shared[c.ID]; ok {
			name = "question " + q
		}
		if old := degree[name]; old == AISystem || old == AIInfrastructure && c.AI == NotAI {
			continue
		}
		degree[name] = c.AI
	}
	for _, d := range degree {
		switch d {
		case AISystem:
			system++
		case AIInfrastructure:
			infrastructure++
		}
	}
	return len(degree), system, infrastructure
}

// inOrder returns the keys of a catalogue as people count: 5.2 before 5.10.
func inOrder(entries map[string]string) []string {
	return slices.SortedFunc(maps.Keys(entries), compareIDs)
}

// compareIDs compares ids with numbers in them by their values.
func compareIDs(a, b string) int {
	for a != "" && b != "" {
		x, restA := piece(a)
		y, restB := piece(b)
		if x != y {
			if len(x) != len(y) && digit(x[0]) && digit(y[0]) {
				return len(x) - len(y)
			}
			return strings.Compare(x, y)
		}
		a, b = restA, restB
	}
	return len(a) - len(b)
}

// piece cuts the leading number, or the leading character that is none.
func piece(s string) (string, string) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	n = max(n, 1)
	return s[:n], s[n:]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
