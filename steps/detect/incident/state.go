package incident

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// open is a group that has not ended, written down.
type open struct {
	Incident Incident           `json:"incident"`
	Best     map[string]float64 `json:"best"`
	Nodes    []string           `json:"nodes"`
	Stages   [len(Stages)]bool  `json:"stages"`
	Raised   bool               `json:"raised"`
	Withheld bool               `json:"withheld,omitempty"`
	Drill    string             `json:"drill,omitempty"`
}

// engineState is an engine written down.
type engineState struct {
	Format int                 `json:"format"`
	Groups []open              `json:"groups"`
	Hands  map[string][]string `json:"hands"`
	Swept  time.Time           `json:"swept"`
	Day    time.Time           `json:"day"`
	// Late are those of a backfill.
	Late json.RawMessage `json:"late,omitempty"`
	// Drills are those of synthetic attacks.
	Drills json.RawMessage `json:"drills,omitempty"`
}

// MarshalJSON writes down the groups that have not ended, so that who begins anew
// with them goes on as if nothing had happened.
func (e *Engine) MarshalJSON() ([]byte, error) {
	s := engineState{Format: 1, Groups: []open{}, Hands: e.hands, Swept: e.swept, Day: e.day}
	for _, part := range []struct {
		of   *Engine
		into *json.RawMessage
	}{{e.late, &s.Late}, {e.drills, &s.Drills}} {
		if part.of == nil {
			continue
		}
		text, err := part.of.MarshalJSON()
		if err != nil {
			return nil, err
		}
		*part.into = text
	}
	for _, g := range e.groups {
		if g.into != nil {
			continue
		}
		o := open{g.incident, g.best, make([]string, 0, len(g.nodes)), g.stages, g.raised, g.withheld, g.drill}
		for n := range g.nodes {
			o.Nodes = append(o.Nodes, n)
		}
		slices.Sort(o.Nodes)
		s.Groups = append(s.Groups, o)
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON wrote into an engine that New returned.
func (e *Engine) UnmarshalJSON(text []byte) error {
	var s engineState
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("the open groups of signals: %w", err)
	}
	if s.Format != 1 {
		return fmt.Errorf("the open groups of signals have format %d, this sevenfold knows 1", s.Format)
	}
	e.groups, e.byNode, e.hands, e.swept, e.day = nil, map[string]*group{}, s.Hands, s.Swept, s.Day
	e.late, e.drills = nil, nil
	for _, part := range []struct {
		text  json.RawMessage
		into  **Engine
		drill bool
	}{{s.Late, &e.late, e.drill}, {s.Drills, &e.drills, true}} {
		if len(part.text) == 0 {
			continue
		}
		*part.into = e.another(part.drill)
		if err := (*part.into).UnmarshalJSON(part.text); err != nil {
			return err
		}
	}
	if e.hands == nil {
		e.hands = map[string][]string{}
	}
	for _, o := range s.Groups {
		g := &group{incident: o.Incident, best: o.Best, nodes: map[string]bool{}, stages: o.Stages, raised: o.Raised, withheld: o.Withheld, drill: o.Drill}
		if e.drill {
			e.byNode[g.drill] = g
		}
		if g.best == nil {
			g.best = map[string]float64{}
		}
		for _, n := range o.Nodes {
			g.nodes[n] = true
			if !e.drill {
				e.byNode[n] = g
			}
		}
		e.groups = append(e.groups, g)
	}
	return nil
}
