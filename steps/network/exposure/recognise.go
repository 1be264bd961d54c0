package exposure

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/software"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Auth is whether callers must prove who they are. The zero value is Unknown.
type Auth uint8

// The answers.
const (
	Unknown Auth = iota // it hangs on what was not read
	No                  // nobody is asked
	Yes                 // callers are asked
)

// String is the answer in a word.
func (a Auth) String() string { return [...]string{"unknown", "no", "yes"}[a] }

// Exposure is one door of a service: whoever reaches the ports meets it.
type Exposure struct {
	Rule *Rule
	// Ports are where it listens, by settings or by default. PortsKnown is false
	// where the port is given in a way that is not seen: then they are the ports
	// the container declares, or the default ones.
	Ports      []Port
	PortsKnown bool
	Auth       Auth
	// Because says what Auth rests on, in words.
	Because string
	// How says by what the system was told, in words. Sure is false where that is
	// a likeness only; Auth is then never No.
	How  string
	Sure bool
}

// Reach is the ports as a set.
func (e *Exposure) Reach() reach.Ports {
	var out reach.Ports
	for _, p := range e.Ports {
		out = out.Union(reach.Port(p.Proto, p.Number))
	}
	return out
}

// Recognise returns the doors of a service, in the order of the rules. One that
// listens on loopback only is none. Of a service whose configuration was not
// read, what its type tells is returned with Auth unknown; what a container runs
// only its configuration tells, so that one without doors may have some where
// Undecided says why.
func Recognise(s Service) []Exposure {
	matches := software.Recognise(container(&s))
	var out []Exposure
	for i := range rules {
		r := &rules[i]
		how, sure, told := r.told(&s, matches)
		if !told || !r.there(&s) {
			continue
		}
		e := Exposure{Rule: r, How: how, Sure: sure}
		open := false
		if e.Ports, e.PortsKnown, open = r.listens(&s); !open {
			continue
		}
		e.Auth, e.Because = r.asks(&s)
		if !sure && e.Auth == No {
			e.Auth, e.Because = Unknown, "it only looks like it: "+how
		}
		out = append(out, e)
	}
	return out
}

// Undecided says why a service may have doors that Recognise does not find, ""
// if what tells them was read. An image of the company's own that bears no
// known name and is given no command was read, and tells nothing.
func (s *Service) Undecided() string {
	switch {
	case s.Unread != "":
		return s.Unread
	case s.Settings != nil:
		return ""
	case s.WordsUnread != "":
		return "its command: " + s.WordsUnread
	case s.Image == "" && len(s.Words) == 0:
		return "neither image nor command is said"
	}
	return ""
}

// Rules are all rules, in order. The caller must not change them.
func Rules() []Rule { return rules }

func container(s *Service) software.Container {
	c := software.Container{Image: s.Image, Words: s.Words, Env: map[string]string{}}
	for name, v := range s.Env {
		c.Env[name] = v.Text
	}
	for _, p := range s.Ports {
		c.Ports = append(c.Ports, strconv.Itoa(int(p)))
	}
	return c
}

// told says by what the rule is about the service.
func (r *Rule) told(s *Service, matches []software.Match) (how string, sure, told bool) {
	if slices.Contains(r.Types, s.Type) {
		return s.Type, true, true
	}
	for _, m := range matches {
		if !slices.Contains(r.Systems, m.System) {
			continue
		}
		switch m.How {
		case software.ByCommand:
			return "command " + strconv.Quote(m.Evidence), true, true
		case software.ByImage:
			return "image " + m.Evidence, true, true
		}
		return "port " + m.Evidence + " together with variable " + m.Variable, false, true
	}
	return "", false, false
}

// there says whether the door is there; where that is not known it is.
func (r *Rule) there(s *Service) bool {
	if len(r.When) > 0 {
		if answer, _ := anyOf(r.When, s); answer == reach.No {
			return false
		}
	}
	answer, _ := anyOf(r.Unless, s)
	return answer != reach.Yes
}

// listens finds the ports, and whether others than the host itself reach them.
func (r *Rule) listens(s *Service) (ports []Port, sure, open bool) {
	ports, sure = slices.Clone(r.Ports), true
	main := func(v Value) {
		n, err := strconv.ParseUint(v.Text, 10, 16)
		switch {
		case v.Known && err == nil && n > 0:
			ports[0].Number = uint16(n)
		case v.given():
			sure = false
			if len(s.Ports) > 0 {
				ports = nil
				for _, p := range s.Ports {
					ports = append(ports, tcp(p, "declared"))
				}
			}
		}
	}
	address, bound := r.Bind.Program, false
	if r.ofImage(s) {
		address = r.Bind.Image
	}
	for _, at := range r.Bind.At {
		if v, found, _ := at.find(s); found && v.given() {
			address, bound = v.Text, true
			if !v.Known {
				address = ""
			}
			break
		}
	}
	if loopback(address) {
		return nil, false, false
	}
	if _, port, ok := cutPort(address); ok && bound {
		main(known(port))
	}
	for _, at := range r.PortAt {
		if v, found, _ := at.find(s); found {
			main(v)
			break
		}
	}
	return ports, sure, true
}

// cutPort takes the port off an address; ":4000" and "[::]:4000" have one, "::"
// has none.
func cutPort(address string) (host, port string, ok bool) {
	address = strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://")
	i := strings.LastIndexByte(address, ':')
	if i < 0 || strings.Count(address, ":") > 1 && !strings.HasPrefix(address, "[") {
		return address, "", false
	}
	return address[:i], address[i+1:], address[i+1:] != ""
}

// ofImage says whether the image is the published one of the system: its
// defaults hold then, whatever command is given.
func (r *Rule) ofImage(s *Service) bool {
	for _, m := range software.Recognise(software.Container{Image: s.Image}) {
		if slices.Contains(r.Systems, m.System) {
			return true
		}
	}
	return false
}

// asks says whether callers must prove who they are.
func (r *Rule) asks(s *Service) (Auth, string) {
	if s.Unread != "" {
		return Unknown, s.Unread
	}
	if r.Decide != nil {
		return r.Decide(s)
	}
	always, why := anyOf(r.Always, s)
	if always == reach.Yes {
		return Yes, why
	}
	off, whyOff := anyOf(r.Off, s)
	if off == reach.Yes {
		if always == reach.Unknown {
			return Unknown, why
		}
		return No, whyOff
	}
	on, whyOn := anyOf(r.On, s)
	if on == reach.Yes {
		if off == reach.Unknown {
			return Unknown, whyOff
		}
		return Yes, whyOn
	}
	if file := r.file(s); file != "" {
		return Unknown, file
	}
	switch {
	case r.Default != Yes && on == reach.Unknown:
		return Unknown, whyOn
	case r.Default != Yes && always == reach.Unknown:
		return Unknown, why
	case r.Default != No && off == reach.Unknown:
		return Unknown, whyOff
	}
	return r.Default, r.Why
}

// file says which file that is not read may decide.
func (r *Rule) file(s *Service) string {
	for _, m := range s.Mounts {
		for _, f := range r.Files {
			if glob(f, m) || glob(f+"/*", m) {
				return "it may be set in what is mounted at " + m + ", which is not read"
			}
		}
	}
	if answer, why := anyOf(r.FileAt, s); answer != reach.No {
		return "it may be set in a file that is not read: " + why
	}
	return ""
}

func sorted[V any](m map[string]V) []string { return slices.SortedFunc(maps.Keys(m), cmp.Compare) }
