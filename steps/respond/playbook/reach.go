package playbook

// Reachable are the steps that a run with some values may come to, in the file's order.
// A condition on a variable that has no value yet leaves both ways open. Those that are
// reached only because another failed are in fallback.
func (p *Playbook) Reachable(values map[string]string) (steps []*Step, fallback map[string]bool) {
	vars := map[string]string{}
	for _, v := range p.Variables {
		if v.Value != nil {
			vars[v.Name] = *v.Value
		}
	}
	for k, v := range values {
		vars[k] = v
	}
	set := map[string]bool{} // what a run itself will give
	for _, s := range p.Steps {
		for _, name := range s.sets() {
			set[name] = true
		}
	}
	seen := map[string]int{} // 1 after a failure only, 2 in the ordinary course
	var walk func(id string, how int)
	walk = func(id string, how int) {
		if id == "" || seen[id] >= how {
			return
		}
		seen[id] = how
		s := p.Steps[id]
		for _, h := range s.taken(vars, set) {
			walk(h, how)
		}
		walk(s.OnFailure, 1)
		walk(s.Next, how)
	}
	walk(p.Start, 2)
	fallback = map[string]bool{}
	for _, id := range p.Order {
		if seen[id] > 0 {
			steps = append(steps, p.Steps[id])
			fallback[id] = seen[id] == 1
		}
	}
	return steps, fallback
}

// taken are the blocks of a control step that some values do not rule out.
func (s *Step) taken(vars map[string]string, set map[string]bool) []string {
	switch s.Kind {
	case If:
		for _, name := range s.Condition.Variables() {
			if set[name] {
				return s.heads()
			}
		}
		yes, err := s.Condition.Holds(vars)
		switch {
		case err != nil:
			return s.heads()
		case yes:
			return []string{s.Then}
		}
		return []string{s.Else}
	case Switch:
		name := plainName(s.Switch)
		v, ok := vars[name]
		if !ok || set[name] {
			return s.heads()
		}
		if to, ok := s.Cases[v]; ok {
			return []string{to}
		}
		return []string{s.Default}
	}
	return s.heads()
}

// Given are the variables that the run itself gives values to.
func (p *Playbook) Given() map[string]bool {
	out := map[string]bool{}
	for _, s := range p.Steps {
		for _, name := range s.sets() {
			out[name] = true
		}
	}
	return out
}

// Uses are the variables that an action step takes.
func (s *Step) Uses() []string {
	var out []string
	if name, ok := reference(s.On); ok {
		out = append(out, name)
	}
	for _, k := range keys(s.With) {
		if name, ok := reference(s.With[k]); ok {
			out = append(out, name)
		}
	}
	return out
}
