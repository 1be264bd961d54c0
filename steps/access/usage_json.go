package access

import (
	"encoding/json"
	"time"
)

// usageFile is a Usage as an evidence bundle keeps it, so that criteria that rest
// on it can be judged again without the logs.
type usageFile struct {
	Events   int                        `json:"events"`
	Refused  int                        `json:"refused"`
	Outside  int                        `json:"outside"`
	From     time.Time                  `json:"from"`
	To       time.Time                  `json:"to"`
	Broken   []string                   `json:"broken,omitempty"`
	Unmapped map[string]int             `json:"unmapped,omitempty"`
	Seen     map[string]observationFile `json:"seen"`
	Gains    []Gain                     `json:"gains,omitempty"`
	Trials   []Trial                    `json:"trials,omitempty"`
	By       map[string]callerFile      `json:"by"`
	Taken    map[string]time.Time       `json:"taken,omitempty"`
}

type observationFile struct {
	First   time.Time      `json:"first"`
	Last    time.Time      `json:"last"`
	Events  int            `json:"events"`
	Regions map[string]int `json:"regions,omitempty"`
	Days    []int64        `json:"days"`
	Data    []string       `json:"data,omitempty"`
	Verbs   []string       `json:"verbs,omitempty"`
}

type callerFile struct {
	Name     string               `json:"name"`
	First    time.Time            `json:"first,omitzero"`
	Last     time.Time            `json:"last,omitzero"`
	Actions  map[string]doneFile  `json:"actions,omitempty"`
	Keys     map[string]time.Time `json:"keys,omitempty"`
	Refused  map[string]int       `json:"refused,omitempty"`
	Unmapped map[string]int       `json:"unmapped,omitempty"`
}

type doneFile struct {
	Count     int                  `json:"count"`
	First     time.Time            `json:"first"`
	Last      time.Time            `json:"last"`
	Event     string               `json:"event,omitempty"`
	Untold    bool                 `json:"untold,omitempty"`
	Derived   bool                 `json:"derived,omitempty"`
	Resources map[string]placeFile `json:"resources"`
}

type placeFile struct {
	Count    int                   `json:"count"`
	Last     time.Time             `json:"last"`
	Contexts []map[string][]string `json:"contexts,omitempty"`
	Open     bool                  `json:"open,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (u *Usage) MarshalJSON() ([]byte, error) {
	f := usageFile{u.Events, u.Refused, u.Outside, u.From, u.To, u.Broken, u.Unmapped, map[string]observationFile{}, u.Gains, u.Trials, map[string]callerFile{}, u.taken}
	for name, o := range u.Seen {
		f.Seen[name] = observationFile{o.First, o.Last, o.Events, o.Regions, ordered(o.days), ordered(o.data), ordered(o.verbs)}
	}
	for key, c := range u.by {
		one := callerFile{c.name, c.first, c.last, map[string]doneFile{}, c.keys, c.refused, c.unmapped}
		for action, d := range c.actions {
			did := doneFile{d.count, d.first, d.last, d.event, d.untold, d.derived, map[string]placeFile{}}
			for on, p := range d.resources {
				at := placeFile{Count: p.count, Last: p.last, Open: p.open}
				for _, spelt := range ordered(p.contexts) {
					at.Contexts = append(at.Contexts, p.contexts[spelt])
				}
				did.Resources[on] = at
			}
			one.Actions[action] = did
		}
		f.By[key] = one
	}
	return json.Marshal(f)
}

// UnmarshalJSON implements json.Unmarshaler.
func (u *Usage) UnmarshalJSON(text []byte) error {
	var f usageFile
	if err := json.Unmarshal(text, &f); err != nil {
		return err
	}
	*u = *NewUsage(f.From, f.To)
	u.Events, u.Refused, u.Outside, u.Broken, u.Gains, u.Trials = f.Events, f.Refused, f.Outside, f.Broken, f.Gains, f.Trials
	u.Unmapped = copied(f.Unmapped)
	for name, o := range f.Seen {
		u.Seen[name] = &Observation{o.First, o.Last, o.Events, copied(o.Regions), setOf(o.Days), setOf(o.Data), setOf(o.Verbs)}
	}
	for role, at := range f.Taken {
		u.taken[role] = at
	}
	for key, c := range f.By {
		one := &caller{c.Name, c.First, c.Last, map[string]*done{}, map[string]time.Time{}, copied(c.Refused), copied(c.Unmapped)}
		for id, at := range c.Keys {
			one.keys[id] = at
		}
		for action, d := range c.Actions {
			did := &done{d.Count, d.First, d.Last, d.Event, d.Untold, d.Derived, map[string]*place1{}}
			for on, p := range d.Resources {
				at := &place1{p.Count, p.Last, map[string]map[string][]string{}, p.Open}
				for _, context := range p.Contexts {
					at.contexts[spell(context)] = context
				}
				did.resources[on] = at
			}
			one.actions[action] = did
		}
		u.by[key] = one
	}
	return nil
}

func setOf[K comparable](list []K) map[K]bool {
	out := map[K]bool{}
	for _, k := range list {
		out[k] = true
	}
	return out
}
