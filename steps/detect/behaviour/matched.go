package behaviour

// Matched says how surprising it is that an event, which Observe has just taken, sets
// off a rule, among all matches that kind of principal sets off; first says that it is
// the first such match of the day.
func (m *Model) Matched(o *Observation, rule string) (surprise float64, why Term, first bool) {
	n := &m.now
	if n.self == nil || n.who != keyOf(1, o.Principal) {
		return 0, why, false
	}
	f, first := m.look(item{ofRule, keyOf(19, rule)}, n.self, n.group, n.account, n.day)
	if !first {
		return 0, why, false
	}
	r := &m.ranks[o.Kind][ofRule]
	f.surprise = max(0, r.rank(f.bits)+scarcity(r.perDay()))
	r.learn(f.bits)
	why = f.term(o)
	why.Item = "of this rule"
	return f.surprise, why, true
}

// PatternOf identifies who did what, on what, from where, how and with which outcome,
// and who pointed at it.
func PatternOf(o *Observation, by string) uint64 {
	return uint64(key(pattern(o)).and(keyOf(22, by)))
}

// pattern is who did what, on what, from where, how and with which outcome.
func pattern(o *Observation) uint64 {
	k := keyOf(20, o.Principal)
	for _, s := range []string{o.Service, o.Action, o.Resource, o.Source, o.Agent, o.Error} {
		k = k.and(keyOf(21, s))
	}
	return uint64(k)
}
