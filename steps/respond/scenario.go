package respond

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

//go:embed catalogue
var catalogue embed.FS

// Scenario is a kind of incident that can befall an AI workload.
type Scenario struct {
	ID    string `yaml:"scenario"`
	Title string `yaml:"title"`
	About string `yaml:"about"`
	// Classes of workload that it can befall: estate.Root.Class.
	Classes []string `yaml:"classes"`
	// ATLAS and ATTACK are the techniques it is made of.
	ATLAS  []string `yaml:"atlas"`
	ATTACK []string `yaml:"attack"`
	// Weight is what it costs where it happens, 1 to 5, before the estate is known.
	Weight   int        `yaml:"weight"`
	Severity []Severity `yaml:"severity"`
	Signals  []Signal   `yaml:"signals"`
	Owner    string     `yaml:"owner"`
	// Bind says which asset of a workload a variable of the playbook is: the first of
	// one of the types.
	Bind        map[string][]string `yaml:"bind"`
	Eradicate   string              `yaml:"eradicate"`
	Verify      string              `yaml:"verify"`
	Communicate string              `yaml:"communicate"`
	// Laws are those whose clocks may run: see Duties.
	Laws     []string           `yaml:"laws"`
	Playbook *playbook.Playbook `yaml:"-"`
	severity []*playbook.Condition
}

// Severity is one line of a scenario's rule: the first whose condition holds counts, one
// without a condition always holds.
type Severity struct {
	Is string `yaml:"is"`
	If string `yaml:"if"`
}

// Signal is one way to see that a scenario happens.
type Signal struct {
	ID        string   `yaml:"id" json:"id"`
	What      string   `yaml:"what" json:"what"`
	Telemetry []string `yaml:"telemetry" json:"telemetry"`
	// Rules are the files of step 4's rules, without folder and ending, that watch for it;
	// Behaviour says that the model of normal behaviour sees it too. With neither, nothing
	// of this version watches for it.
	Rules     []string `yaml:"rules" json:"rules,omitempty"`
	Behaviour bool     `yaml:"behaviour" json:"behaviour,omitempty"`
	// Watch is a command of ours that looks for it where no detection does; whether it is
	// run is not known. Wants is the telemetry, or the model, that would make it live.
	Watch string `yaml:"watch" json:"watch,omitempty"`
	Wants string `yaml:"wants" json:"wants,omitempty"`
	// Play is the technique of the synthetic attack that shows it; empty: none is played.
	Play string `yaml:"play" json:"play,omitempty"`
}

// severityFacts are the variables that a rule may ask of.
var severityFacts = []string{"zone", "class", "stores", "models", "identities", "tools"}

var technique = regexp.MustCompile(`^(AML\.T[0-9]{4}(\.[0-9]{3})?|T[0-9]{4}(\.[0-9]{3})?)$`)

// Scenarios loads the catalogue, and what a company has of its own: folders of a
// scenario.yaml and a playbook.yaml, of which one with a name of the catalogue's takes
// its place. One that is broken is in the error, and the others are there.
func Scenarios(own ...fs.FS) ([]*Scenario, error) {
	builtIn, err := fs.Sub(catalogue, "catalogue")
	if err != nil {
		return nil, err
	}
	by := map[string]*Scenario{}
	var errs []error
	for _, f := range append([]fs.FS{builtIn}, own...) {
		entries, err := fs.ReadDir(f, ".")
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, e := range entries {
			if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			s, err := loadScenario(f, e.Name())
			if err != nil {
				errs = append(errs, err)
				continue
			}
			by[s.ID] = s
		}
	}
	out := make([]*Scenario, 0, len(by))
	for _, s := range by {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *Scenario) int { return strings.Compare(a.ID, b.ID) })
	return out, errors.Join(errs...)
}

func loadScenario(f fs.FS, dir string) (*Scenario, error) {
	file := path.Join(dir, "scenario.yaml")
	text, err := fs.ReadFile(f, file)
	if err != nil {
		return nil, err
	}
	s := &Scenario{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	file2 := path.Join(dir, "playbook.yaml")
	if text, err = fs.ReadFile(f, file2); err != nil {
		return nil, err
	}
	if s.Playbook, err = playbook.Load(file2, text); err != nil {
		return nil, err
	}
	if err := s.check(dir); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := Executable(s.Playbook); err != nil {
		return nil, fmt.Errorf("%s: %w", file2, err)
	}
	return s, nil
}

// Executable refuses a playbook that contains nothing: at least one step of phase
// contain has to be an action, not a request to somebody.
func Executable(p *playbook.Playbook) error {
	for _, s := range p.Actions() {
		if s.Phase == "contain" {
			return nil
		}
	}
	return fmt.Errorf("playbook %s has no executable containment step\nhint: give a step phase: contain and do: an action; sevenfold respond plan --actions lists them", p.ID)
}

func (s *Scenario) check(dir string) error {
	switch {
	case s.ID != dir || s.Playbook.ID != s.ID:
		return fmt.Errorf("folder, scenario and playbook have one name: %s, %s, %s", dir, s.ID, s.Playbook.ID)
	case s.Title == "" || s.Owner == "" || s.Eradicate == "" || s.Verify == "" || s.Communicate == "":
		return errors.New("title, owner, eradicate, verify and communicate are said")
	case len(s.Classes) == 0 || len(s.Signals) == 0 || len(s.Severity) == 0:
		return errors.New("classes, signals and severity are said")
	case s.Weight < 1 || s.Weight > 5:
		return fmt.Errorf("weight is 1 to 5, not %d", s.Weight)
	case len(s.ATLAS) == 0:
		return errors.New("no technique of ATLAS is named")
	}
	for _, id := range append(slices.Clone(s.ATLAS), s.ATTACK...) {
		if !technique.MatchString(id) {
			return fmt.Errorf("%q is no id of a technique", id)
		}
	}
	for _, g := range s.Signals {
		if g.ID == "" || g.What == "" || len(g.Telemetry) == 0 {
			return errors.New("a signal says id, what and telemetry")
		}
	}
	for name := range s.Bind {
		if _, ok := s.Playbook.Variable(name); !ok {
			delete(s.Bind, name) // bound for nothing: the playbook does not ask for it
		}
	}
	for _, law := range s.Laws {
		if _, err := Regime(law); err != nil {
			return err
		}
	}
	for _, v := range s.Severity {
		if !slices.Contains([]string{"critical", "high", "medium", "low"}, v.Is) {
			return fmt.Errorf("severity %q is none of critical, high, medium, low", v.Is)
		}
		var c *playbook.Condition
		if v.If != "" {
			var err error
			if c, err = playbook.ParseCondition(v.If); err != nil {
				return err
			}
			for _, name := range c.Variables() {
				if !slices.Contains(severityFacts, name) {
					return fmt.Errorf("severity asks of %q; it may ask of %s", name, strings.Join(severityFacts, ", "))
				}
			}
		}
		s.severity = append(s.severity, c)
	}
	if s.severity[len(s.severity)-1] != nil {
		return errors.New("the last severity has a condition: there has to be one that always holds")
	}
	return nil
}

// Techniques are all it is made of.
func (s *Scenario) Techniques() []string { return append(slices.Clone(s.ATLAS), s.ATTACK...) }

// SeverityOf decides the rule for some facts. A condition that cannot be told holds:
// unknown is not mild.
func (s *Scenario) SeverityOf(facts map[string]string) string {
	for i, c := range s.severity {
		if c == nil {
			return s.Severity[i].Is
		}
		if yes, err := c.Holds(facts); yes || err != nil {
			return s.Severity[i].Is
		}
	}
	return "critical"
}
