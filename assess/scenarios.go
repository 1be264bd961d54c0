package assess

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// atlas are the techniques of MITRE ATLAS by id, from the catalogue of the controls, which
// is whole. That of ATT&CK is not: an id that it lacks may exist.
var atlas = sync.OnceValues(func() (map[string]string, error) {
	text, err := fs.ReadFile(controls.FS, "catalogue/atlas.yaml")
	if err != nil {
		return nil, err
	}
	var table struct{ Entries map[string]string }
	err = yaml.Unmarshal(text, &table)
	return table.Entries, err
})

// Scenarios are those of the catalogue and a company's own, of which those are left out,
// and are in the error, that call an action there is not or name a technique that ATLAS
// does not know.
func Scenarios(own ...fs.FS) ([]*respond.Scenario, error) {
	list, broken := respond.Scenarios(own...)
	known := Known()
	techniques, err := atlas()
	errs := []error{broken, err}
	list = slices.DeleteFunc(list, func(s *respond.Scenario) bool {
		err := Doable(s.Playbook, known)
		for _, id := range s.ATLAS {
			if _, ok := techniques[id]; !ok && techniques != nil {
				err = errors.Join(err, fmt.Errorf("%s/scenario.yaml: ATLAS has no technique %s\nhint: https://atlas.mitre.org/techniques", s.ID, id))
			}
		}
		if err != nil {
			errs = append(errs, err)
		}
		return err != nil
	})
	return list, errors.Join(errs...)
}

// Doable refuses a playbook that calls an action which is not among those known, or gives
// one a parameter it has not.
func Doable(p *playbook.Playbook, known respond.Actions) error {
	var errs []error
	for _, s := range p.Actions() {
		a := known[s.Do]
		if a == nil {
			errs = append(errs, &playbook.Problem{Place: s.Place, Text: fmt.Sprintf("step %s does %s, and there is no such action", s.ID, s.Do), Mend: "sevenfold respond plan --actions lists them"})
			continue
		}
		errs = append(errs, parameters(s, a))
	}
	return errors.Join(errs...)
}

// parameters compares those a step gives with those its action has.
func parameters(s *playbook.Step, a respond.Action) error {
	has := map[string]bool{}
	for name := range a.Params() {
		optional := strings.HasSuffix(name, "?")
		name = strings.TrimSuffix(name, "?")
		has[name] = true
		if _, given := s.With[name]; !given && !optional {
			return &playbook.Problem{Place: s.Place, Text: fmt.Sprintf("step %s: %s needs %s", s.ID, s.Do, name), Mend: "with: {" + name + ": …}: " + a.Params()[name]}
		}
	}
	for name := range s.With {
		if !has[name] {
			return &playbook.Problem{Place: s.Place, Text: fmt.Sprintf("step %s: %s has no parameter %s", s.ID, s.Do, name), Mend: "sevenfold respond plan --actions lists them"}
		}
	}
	return nil
}
