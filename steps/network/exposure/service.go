package exposure

import (
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/software"
)

// Value is a setting's value. One that is set but cannot be seen (from a
// Secret, masked, known after apply) has Known false.
type Value struct {
	Text  string
	Known bool
}

func known(text string) Value { return Value{text, true} }

// given says whether the value is set to something.
func (v Value) given() bool { return !v.Known || v.Text != "" }

// Service is what is known of one container or one service of a cloud.
type Service struct {
	// Name is for people: the container's name or the resource's id.
	Name string
	// Type is the asset's type, as estate spells it ("kubernetes/Container",
	// "AWS::MSK::Cluster").
	Type string

	Image string
	Words []string // command and arguments
	Env   map[string]Value
	Ports []uint16 // declared
	// Mounts are paths at which files are mounted: configuration may stand there.
	Mounts []string
	// Notes are annotations and labels of the object, or of the ingress before it.
	Notes map[string]string
	// Settings are a cloud service's own, by path ("VPCOptions.SubnetIds"); a
	// list is its length.
	Settings map[string]Value

	// Why parts were not read, empty where they were: sets of variables taken in
	// whole (envFrom), the command, all of it.
	EnvUnread, WordsUnread, Unread string
}

// words are the command line's words, those of a shell line singly.
func (s *Service) words() []string { return software.SplitWords(s.Words) }

// hasWord says whether a program or word stands in the command line; a path's
// last part counts too.
func (s *Service) hasWord(want string) bool {
	for _, w := range s.words() {
		if glob(want, w) || glob(want, w[strings.LastIndexByte(w, '/')+1:]) {
			return true
		}
	}
	return false
}

// flag is the value of a command line flag: --name=value or --name value, ""
// where it stands alone. The last one counts; - and _ in its name are one. A
// value that names a variable is that variable's.
func (s *Service) flag(name string) (Value, bool) {
	list := s.words()
	want := strings.ReplaceAll(name, "_", "-")
	for i := len(list) - 1; i >= 0; i-- {
		head, value, joined := strings.Cut(list[i], "=")
		if strings.ReplaceAll(head, "_", "-") != want {
			continue
		}
		if !joined && i+1 < len(list) && list[i+1] != ";" && !strings.HasPrefix(list[i+1], "--") {
			value = list[i+1]
		}
		return s.expand(strings.Trim(value, `"'`)), true
	}
	return Value{}, false
}

// expand takes the place of a variable in a flag's value.
func (s *Service) expand(text string) Value {
	i := strings.IndexByte(text, '$')
	if i < 0 {
		return known(text)
	}
	if name := strings.Trim(text[i+1:], "(){}"); i == 0 && name != "" {
		if v, ok := s.Env[name]; ok {
			return v
		}
	}
	return Value{} // set, and not to be seen
}

// tag is the image's tag as numbers, nil where it names no version.
func (s *Service) version() []int {
	tag := strings.TrimPrefix(software.ParseImage(s.Image).Tag, "v")
	var out []int
	for part := range strings.SplitSeq(tag, ".") {
		digits := part
		if i := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
			digits = part[:i]
		}
		n, err := strconv.Atoi(digits)
		if err != nil {
			break
		}
		out = append(out, n)
		if digits != part {
			break
		}
	}
	return out
}

// older says whether a version is less than another, false if it is not known.
func older(v []int, than ...int) bool {
	if len(v) == 0 {
		return false
	}
	for i, n := range than {
		have := 0
		if i < len(v) {
			have = v[i]
		}
		if have != n {
			return have < n
		}
	}
	return false
}

// glob matches in lower case; * stands for anything.
func glob(pattern, text string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	text = strings.ToLower(text)
	if len(parts) == 1 {
		return parts[0] == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(text, p)
		if i < 0 {
			return false
		}
		text = text[i+len(p):]
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// loopback says whether an address, with or without a port and scheme, is the
// host's own.
func loopback(address string) bool {
	a := strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(address), "http://"), "https://")
	return strings.HasPrefix(a, "127.") || a == "localhost" || strings.HasPrefix(a, "localhost:") || a == "::1" || strings.HasPrefix(a, "[::1]")
}
