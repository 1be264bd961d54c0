package exposure

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Rule is what is known of one door of one system.
type Rule struct {
	// ID is stable, in kebab-case: "ray-dashboard".
	ID    string
	Title string // what is wrong where nobody is asked who he is
	// Systems are names of estate/software's; Types are types of assets. One of
	// them tells that the rule is about a service.
	Systems, Types []string
	// When are conditions of which one must hold for the door to be there; none:
	// it always is. Unless are those under which it is not.
	When, Unless []Setting
	// Ports are where it listens unless told otherwise, the main one first.
	Ports []Port
	// PortAt says where another main port is given.
	PortAt []Setting
	// Bind says on which address it listens: where that is given, and what holds
	// otherwise, of the program and of the published image. A door on loopback is
	// none.
	Bind Bind
	// Off are settings that switch the asking off, On those that switch it on,
	// Always those that demand it whatever Off says. Default holds without any.
	Off, On, Always []Setting
	Default         Auth
	// Files are paths at which configuration may be mounted that would decide,
	// FileAt where such a file is named otherwise.
	Files  []string
	FileAt []Setting
	// Why says why Default holds, or what the danger is.
	Why string
	// Decide takes the place of Off to Files where settings hang together.
	Decide func(*Service) (Auth, string)

	Severity string   // critical, high, medium or low, where nobody is asked
	CVE, CWE []string // of the door itself
	Source   string   // the documentation that says so
	// Control is the control that asks of the same setting, by id; empty if none.
	Control string
}

// Port is a port of a service.
type Port struct {
	Proto  reach.Protocol
	Number uint16
	What   string // what listens there
}

// String is "tcp/8265".
func (p Port) String() string { return fmt.Sprintf("%s/%d", p.Proto, p.Number) }

// Bind says on which address a service listens.
type Bind struct {
	At             []Setting
	Program, Image string // empty: all addresses
}

// Setting is one place where something is set, and what of it counts. Exactly
// one of Flag, Env, Word, Note, Path, Image and Before is given.
type Setting struct {
	Flag  string // of the command line
	Env   string // a variable; * at its end stands for anything
	Word  string // a word of the command line that stands alone
	Note  string // an annotation or label
	Path  string // a setting of a cloud's service
	Image string // a pattern of the image's name
	// Before holds for images of a version older than this, From for those not.
	Before, From []int
	// Is are the values that count, without regard to case, * for anything; none
	// given: any value but the empty one. Not are values that do not.
	Is, Not []string
	// Own says that a value that is not seen is one of its own making, and none of
	// Is: nobody keeps "none" in a Secret.
	Own bool
	// Bare says that a flag counts by standing there, whatever its value.
	Bare bool
}

// String names the place: "--api-key", "variable VLLM_API_KEY".
func (s Setting) String() string {
	name := ""
	switch {
	case s.Flag != "":
		name = s.Flag
	case s.Env != "":
		name = "variable " + s.Env
	case s.Word != "":
		name = "word " + s.Word
	case s.Note != "":
		name = "annotation or label " + s.Note
	case s.Path != "":
		name = "setting " + s.Path
	case s.Image != "":
		return "the image " + s.Image
	case s.Before != nil:
		return "a version before " + dotted(s.Before)
	case s.From != nil:
		return "a version from " + dotted(s.From)
	}
	return name
}

func dotted(v []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", "."), "[]")
}

// find returns the setting's value and whether it is there; unread says why it
// may be there without being seen.
func (s Setting) find(on *Service) (v Value, found bool, unread string) {
	if on.Unread != "" {
		return Value{}, false, on.Unread
	}
	switch {
	case s.Flag != "":
		if v, found = on.flag(s.Flag); found {
			return v, true, ""
		}
		return v, false, on.WordsUnread
	case s.Word != "":
		return known(s.Word), on.hasWord(s.Word), on.WordsUnread
	case s.Env != "":
		for _, name := range sorted(on.Env) {
			if glob(s.Env, name) {
				return on.Env[name], true, ""
			}
		}
		return v, false, on.EnvUnread
	case s.Note != "":
		text, found := on.Notes[s.Note]
		return known(text), found, ""
	case s.Path != "":
		v, found = on.Settings[s.Path]
		return v, found, ""
	case s.Image != "":
		return known(on.Image), glob(s.Image, on.Image), ""
	case s.Before != nil:
		return known("older"), older(on.version(), s.Before...), ""
	case s.From != nil:
		v := on.version()
		return known("newer"), len(v) > 0 && !older(v, s.From...), ""
	}
	return v, false, ""
}

// holds says whether the setting is set to what counts.
func (s Setting) holds(on *Service) (reach.Answer, string) {
	v, found, unread := s.find(on)
	switch {
	case !found && unread != "":
		return reach.Unknown, fmt.Sprintf("%s may be set: %s", s, unread)
	case !found:
		return reach.No, ""
	case s.Bare:
		if v.Known && slices.ContainsFunc(s.Not, func(p string) bool { return glob(p, v.Text) }) {
			return reach.No, ""
		}
		return reach.Yes, s.String()
	case len(s.Is) == 0 && len(s.Not) == 0:
		return reach.Is(v.given()), s.String()
	case !v.Known && s.Own:
		return reach.No, ""
	case !v.Known:
		return reach.Unknown, fmt.Sprintf("the value of %s is not seen", s)
	}
	is := len(s.Is) == 0 && v.Text != "" || slices.ContainsFunc(s.Is, func(p string) bool { return glob(p, v.Text) })
	not := slices.ContainsFunc(s.Not, func(p string) bool { return glob(p, v.Text) })
	if is && !not {
		return reach.Yes, fmt.Sprintf("%s is %q", s, v.Text)
	}
	return reach.No, ""
}

// anyOf says whether one of the settings holds, and which, or why that is not
// known.
func anyOf(settings []Setting, on *Service) (reach.Answer, string) {
	out, why := reach.No, ""
	for _, s := range settings {
		switch answer, because := s.holds(on); answer {
		case reach.Yes:
			return reach.Yes, because
		case reach.Unknown:
			if out == reach.No {
				out, why = reach.Unknown, because
			}
		}
	}
	return out, why
}

// Short ways to write settings.
func flags(names ...string) (out []Setting) {
	for _, n := range names {
		out = append(out, Setting{Flag: n})
	}
	return out
}

func envs(names ...string) (out []Setting) {
	for _, n := range names {
		out = append(out, Setting{Env: n})
	}
	return out
}

func words(names ...string) (out []Setting) {
	for _, n := range names {
		out = append(out, Setting{Word: n})
	}
	return out
}

// values makes settings count by these values only.
func values(settings []Setting, is ...string) []Setting {
	out := slices.Clone(settings)
	for i := range out {
		out[i].Is = is
	}
	return out
}

// own makes settings count values that are not seen as ones of their own making.
func own(settings []Setting) []Setting {
	out := slices.Clone(settings)
	for i := range out {
		out[i].Own = true
	}
	return out
}

func tcp(number uint16, what string) Port { return Port{reach.TCP, number, what} }
