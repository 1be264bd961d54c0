package playbook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// check finds what makes a graph unsound: references to nothing, cycles, steps that
// nobody reaches, branches that meet, values that do not fit.
func (p *Playbook) check() []error {
	c := &checker{p: p}
	for i := range p.Variables {
		c.variable(&p.Variables[i])
	}
	for _, id := range p.Order {
		c.step(p.Steps[id])
	}
	if len(c.errs) > 0 {
		return c.errs
	}
	c.cycles()
	if len(c.errs) > 0 {
		return c.errs
	}
	c.reached()
	c.apart()
	return c.errs
}

type checker struct {
	p    *Playbook
	errs []error
}

func (c *checker) bad(at Place, mend, format string, args ...any) {
	if len(c.errs) < 20 {
		c.errs = append(c.errs, &Problem{Place: at, Text: fmt.Sprintf(format, args...), Mend: mend})
	}
}

func (c *checker) variable(v *Variable) {
	if !slices.Contains([]string{"string", "integer", "bool"}, v.Type) {
		c.bad(v.Place, "type: string, integer or bool", "variable %s is of type %q, which is not known", v.Name, v.Type)
		return
	}
	if v.Value != nil {
		if err := fits(*v, *v.Value); err != nil {
			c.bad(v.Place, "", "%v", err)
		}
	}
}

// fits says whether a value is of a variable's type. The error does not show it: it
// may be anything a person typed.
func fits(v Variable, value string) error {
	var err error
	switch v.Type {
	case "integer":
		_, err = strconv.ParseInt(value, 10, 64)
	case "bool":
		_, err = strconv.ParseBool(value)
	}
	if err != nil {
		return fmt.Errorf("variable %s is of type %s, and its value is not", v.Name, v.Type)
	}
	if len(value) > 4096 || strings.ContainsRune(value, 0) {
		return fmt.Errorf("variable %s has a value that is too long or holds a zero byte", v.Name)
	}
	return nil
}

func (c *checker) step(s *Step) {
	for _, to := range s.edges() {
		if c.p.Steps[to] == nil {
			c.bad(s.Place, "steps are: "+strings.Join(c.p.Order[:min(len(c.p.Order), 12)], ", "), "step %s leads to %q, and there is no such step", s.ID, to)
		}
	}
	if s.Stays && s.Kind != Action {
		c.bad(s.Place, "say it of the action itself", "step %s stays, and is no action", s.ID)
	}
	if s.Phase != "" && !slices.Contains(Phases(), s.Phase) {
		c.bad(s.Place, "phases are: "+strings.Join(Phases(), ", "), "step %s has phase %q, which is not known", s.ID, s.Phase)
	}
	switch s.Kind {
	case Action:
		if !actionName.MatchString(s.Do) {
			c.bad(s.Place, "as in: aws.iam.quarantine-role", "step %s does %q, which is no name of an action", s.ID, s.Do)
		}
		c.value(s, "on", s.On)
		for _, k := range keys(s.With) {
			c.value(s, k, s.With[k])
		}
	case Manual:
		if strings.TrimSpace(s.Ask) == "" {
			c.bad(s.Place, "", "step %s asks nothing", s.ID)
		}
		for _, name := range textReferences(s.Ask) {
			c.declared(s, name)
		}
	case If, While:
		if s.Condition == nil {
			c.bad(s.Place, "", "step %s has no condition", s.ID)
			break
		}
		for _, name := range s.Condition.Variables() {
			c.declared(s, name)
		}
		if s.Kind == While && s.Max == 0 {
			c.bad(s.Place, "max: 10", "step %s does not say how often it runs at most", s.ID)
		}
	case Switch:
		c.declared(s, plainName(s.Switch))
	case Parallel:
	default:
		c.bad(s.Place, "kinds are: action, manual, parallel, if, while, switch", "step %s is of kind %q, which is not known", s.ID, s.Kind)
	}
	for _, name := range s.sets() {
		c.declared(s, name)
	}
}

func (c *checker) value(s *Step, what, value string) {
	if name, ok := reference(value); ok {
		c.declared(s, name)
	} else if strings.ContainsRune(value, 0) {
		c.bad(s.Place, "", "step %s: %s holds a zero byte", s.ID, what)
	}
}

func (c *checker) declared(s *Step, name string) {
	if _, ok := c.p.Variable(name); !ok {
		c.bad(s.Place, "declare it under variables:", "step %s uses variable %q, which is not declared", s.ID, name)
	}
}

// cycles follows every edge; what comes back to a step on its own way is refused:
// repetition is what while is for, which ends.
func (c *checker) cycles() {
	const white, grey, black = 0, 1, 2
	colour := map[string]int{}
	var way []string
	var visit func(id string)
	visit = func(id string) {
		colour[id] = grey
		way = append(way, id)
		for _, to := range c.p.Steps[id].edges() {
			switch colour[to] {
			case grey:
				loop := append(slices.Clone(way[slices.Index(way, to):]), to)
				c.bad(c.p.Steps[id].Place, "repeat steps by while:, which has a max", "the steps run in a circle: %s", strings.Join(loop, " -> "))
			case white:
				visit(to)
			}
		}
		way = way[:len(way)-1]
		colour[id] = black
	}
	for _, id := range c.p.Order {
		if colour[id] == white {
			visit(id)
		}
	}
}

// reached refuses steps no run comes to: somebody believes that they are done.
func (c *checker) reached() {
	seen := c.from(c.p.Start)
	for _, id := range c.p.Order {
		if !seen[id] {
			c.bad(c.p.Steps[id].Place, "", "no run comes to step %s", id)
		}
	}
}

// from is all that can be reached from a step, itself included.
func (c *checker) from(start string) map[string]bool {
	seen := map[string]bool{}
	todo := []string{start}
	for len(todo) > 0 {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if id == "" || seen[id] || c.p.Steps[id] == nil {
			continue
		}
		seen[id] = true
		todo = append(todo, c.p.Steps[id].edges()...)
	}
	return seen
}

// apart refuses blocks that lead out of themselves: a chain inside a control step
// ends there, and branches that run at the same time share no step and no variable.
func (c *checker) apart() {
	for _, id := range c.p.Order {
		s := c.p.Steps[id]
		after := c.from(s.Next)
		owner := map[string]string{}
		setter := map[string]string{}
		for _, head := range s.heads() {
			for inner := range c.from(head) {
				if after[inner] {
					c.bad(s.Place, "end the block before it", "a block of step %s leads to %s, which comes after it", id, inner)
					continue
				}
				if s.Kind != Parallel {
					continue
				}
				if other := owner[inner]; other != "" && other != head {
					c.bad(s.Place, "", "branches %s and %s of step %s both run %s", other, head, id, inner)
				}
				owner[inner] = head
				for _, v := range c.p.Steps[inner].sets() {
					if other := setter[v]; other != "" && other != head {
						c.bad(s.Place, "", "branches %s and %s of step %s both set variable %s", other, head, id, v)
					}
					setter[v] = head
				}
			}
		}
	}
}

// textReferences are the variables that a text for people names as $name.
func textReferences(text string) []string {
	var out []string
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			continue
		}
		if text[i+1] == '$' {
			i++
			continue
		}
		j := i + 1
		for j < len(text) && (letter(text[j]) || j > i+1 && text[j] >= '0' && text[j] <= '9') {
			j++
		}
		if j > i+1 {
			out = append(out, text[i+1:j])
		}
		i = j - 1
	}
	return out
}

// Render puts the values of variables into a text for people, once: what a value says
// is never read for references again.
func Render(text string, vars map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		if text[i+1] == '$' {
			b.WriteByte('$')
			i++
			continue
		}
		j := i + 1
		for j < len(text) && (letter(text[j]) || j > i+1 && text[j] >= '0' && text[j] <= '9') {
			j++
		}
		if v, ok := vars[text[i+1:j]]; ok {
			b.WriteString(v)
		} else {
			b.WriteString(text[i:j])
		}
		i = j - 1
	}
	return b.String()
}
