// Package software recognises which system a container runs: a model server, a
// notebook, a vector store. It is one table for all who ask: providers, which
// make workloads of what they find, and steps, which know its dangers.
package software

import (
	"path"
	"slices"
	"strings"
)

// Container is what tells a system. All of it may be empty.
type Container struct {
	Image string
	Words []string // command and arguments
	Ports []string // declared, as numbers
	Env   map[string]string
}

// How says by what a system was recognised, the strongest first.
type How int

// The ways.
const (
	ByCommand How = iota
	ByImage
	ByLikeness // a port together with a variable: a guess
)

// Match is a system that a container shows.
type Match struct {
	System string
	// Class is the class of workload it is, an estate.Class…; empty where that
	// hangs on what runs it.
	Class string
	// Plain says that it makes no AI workload by itself: a database, an exporter.
	Plain bool
	// Rank is its place in the order of precedence: where a pod holds several
	// systems, the lowest is what the pod is for.
	Rank int
	How  How
	// Evidence is the command or image; of a likeness the port, and Variable its
	// variable.
	Evidence, Variable string
}

// Recognise returns all systems a container shows: those recognised by command
// or image first, each group in order of precedence.
func Recognise(c Container) []Match {
	var sure, like []Match
	run := Commands(c.Words)
	ref := ParseImage(c.Image)
	full := ref.Registry + "/" + ref.Path
	for i := range signatures {
		s := &signatures[i]
		m := Match{System: s.name, Class: s.class, Plain: s.plain, Rank: i}
		if p := s.program(run); p != "" {
			m.How, m.Evidence = ByCommand, p
			sure = append(sure, m)
		} else if c.Image != "" && s.image(full) {
			m.How, m.Evidence = ByImage, c.Image
			sure = append(sure, m)
		} else if port, variable := s.weak(&c); port != "" {
			m.How, m.Evidence, m.Variable = ByLikeness, port, variable
			like = append(like, m)
		}
	}
	return append(sure, like...)
}

// Systems are the names of all systems known, in order of precedence.
func Systems() []string {
	out := make([]string, len(signatures))
	for i := range signatures {
		out[i] = signatures[i].name
	}
	return out
}

// image reports whether one of a signature's patterns fits a reference, given as
// registry and path.
func (s *signature) image(full string) bool {
	return slices.ContainsFunc(s.images, func(pattern string) bool { return ends(full, pattern) })
}

// ends reports whether a reference ends as a pattern says, segment by segment. It
// takes both apart from behind and keeps nothing: every container of a cluster is
// held against every pattern, and nearly none fits.
func ends(full, pattern string) bool {
	for {
		was, segment := cutLast(full)
		before, want := cutLast(pattern)
		if !strings.ContainsAny(want, `*?[\`) {
			if want != segment {
				return false
			}
		} else if ok, err := path.Match(want, segment); !ok || err != nil {
			return false
		}
		switch {
		case len(want) == len(pattern): // all of it fits
			return true
		case len(segment) == len(full): // and no segment is left
			return false
		}
		full, pattern = was, before
	}
}

// cutLast takes the last segment off a path.
func cutLast(path string) (before, segment string) {
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		return path[:i], path[i+1:]
	}
	return "", path
}

// program returns the command by which a container runs the system, "" if none.
func (s *signature) program(commands [][]string) string {
	for _, words := range commands {
		for _, p := range s.programs {
			want := strings.Fields(p)
			if len(words) >= len(want) && slices.EqualFunc(want, words[:len(want)], sameWord) {
				return p
			}
		}
	}
	return ""
}

func sameWord(want, word string) bool {
	word = base(word)
	return word == want || want == "python" && (word == "python3" || strings.HasPrefix(word, "python3."))
}

// weak returns the port and variable by which a container looks like the
// system; both or nothing.
func (s *signature) weak(c *Container) (port, variable string) {
	for _, p := range c.Ports {
		if slices.Contains(s.ports, p) {
			port = p
		}
	}
	for name := range c.Env {
		for _, prefix := range s.env {
			if strings.HasPrefix(name, prefix) && (variable == "" || name < variable) {
				variable = name
			}
		}
	}
	if port == "" || variable == "" {
		return "", ""
	}
	return port, variable
}

// base is a program's name without its folder.
func base(word string) string { return word[strings.LastIndex(word, "/")+1:] }

// SplitWords takes shell scripts given as one argument apart.
func SplitWords(words []string) []string {
	var out []string
	for _, w := range words {
		if strings.ContainsAny(w, " \n\t;|&") {
			w = strings.NewReplacer("\\\n", " ", ";", " ; ", "&&", " ; ", "||", " ; ", "|", " ; ", "&", " ; ", "\n", " ; ").Replace(w)
			for _, f := range strings.Fields(w) {
				out = append(out, strings.Trim(f, `"'`))
			}
			continue
		}
		out = append(out, w)
	}
	return out
}

// wrappers run the program that follows them.
var wrappers = []string{"exec", "nohup", "time", "env", "sudo", "tini", "dumb-init", "uv", "run", "poetry", "nice", "--", "-g", "-s", "-c", "-lc", "-ec", "-xc", "-euc", "-exc", "sh", "bash", "ash", "set", "do", "then", "else", "if", "while", "until", "{", "(", "!", "command", "-e", "-x", "-u", "-ex", "-eu", "-eux", "opentelemetry-instrument"}

// Commands cuts a container's words (command and arguments) into the commands they run, each beginning
// with its program.
func Commands(words []string) [][]string {
	var out [][]string
	var now []string
	for _, w := range append(SplitWords(words), ";") {
		if w == ";" {
			if len(now) > 0 {
				out = append(out, now)
			}
			now = nil
			continue
		}
		if len(now) == 0 && (slices.Contains(wrappers, w) || slices.Contains(wrappers, base(w)) || strings.Contains(w, "=") && !strings.HasPrefix(w, "-")) {
			continue
		}
		now = append(now, w)
	}
	return out
}
