package reference

import (
	"fmt"
	"strings"
)

// keySet are the condition keys.
type keySet struct {
	all    []*Key
	byName map[string]*Key // lower case, those without a chosen part
	// chosen holds the others, by their beginning up to the colon or, where the
	// chosen part stands before it, under "".
	chosen map[string][]chosenKey
}

// chosenKey is a key with a part that the request chooses.
type chosenKey struct {
	key     *Key
	pattern string // lower case, * for the chosen part
}

// loadKeys unpacks the condition keys; a line is name, type, g if global.
func (t *table) loadKeys() (*keySet, error) {
	t.keysOnce.Do(func() {
		var text string
		if text, t.keysErr = t.keyPart.unpack("keys"); t.keysErr == nil {
			t.keysErr = t.keys.parse(text)
		}
	})
	return &t.keys, t.keysErr
}

func (s *keySet) parse(text string) error {
	s.byName, s.chosen = map[string]*Key{}, map[string][]chosenKey{}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			return fmt.Errorf("reference: key %.40q: %d fields", line, len(f))
		}
		typ, many := strings.CutPrefix(f[1], "ArrayOf")
		k := &Key{Name: f[0], Type: keyType(typ), Many: many, Global: f[2] == "g"}
		if k.Type == 0 {
			return fmt.Errorf("reference: key %.80s: unknown type %.20q", f[0], f[1])
		}
		s.all = append(s.all, k)
		name := strings.ToLower(k.Name)
		if pattern := stars(name); pattern != name {
			at := beginning(pattern)
			s.chosen[at] = append(s.chosen[at], chosenKey{k, pattern})
			continue
		}
		s.byName[name] = k
	}
	return nil
}

func keyType(name string) Type {
	for t := String; t <= Binary; t++ {
		if t.String() == name {
			return t
		}
	}
	return 0
}

// stars puts * for each ${…} of a name.
func stars(name string) string {
	for {
		from := strings.Index(name, "${")
		if from < 0 {
			return name
		}
		to := strings.IndexByte(name[from:], '}')
		if to < 0 {
			return name
		}
		name = name[:from] + "*" + name[from+to+1:]
	}
}

// beginning is what stands before a key's first colon; "" if that has a chosen
// part.
func beginning(name string) string {
	head, _, _ := strings.Cut(name, ":")
	if strings.Contains(head, "*") {
		return ""
	}
	return head
}

func (t *table) key(name string) (*Key, bool) {
	s, err := t.loadKeys()
	if err != nil {
		return nil, false
	}
	var room [128]byte
	low := lower(name, room[:0])
	if k, ok := s.byName[string(low)]; ok {
		return k, true
	}
	text := string(low)
	if k, ok := s.byChoice(text, beginning(text)); ok {
		return k, true
	}
	if k, ok := s.byChoice(text, ""); ok {
		return k, true
	}
	return ofProvider(text)
}

// ofProvider is a key that a token of an OpenID Connect provider sets, whatever
// the provider: HOST[/PATH]:CLAIM. The claims are those of the User Guide's
// chapter "IAM and AWS STS condition context keys".
func ofProvider(name string) (*Key, bool) {
	i := strings.LastIndexByte(name, ':')
	if i < 0 || !strings.Contains(name[:i], ".") || strings.ContainsAny(name[:i], "*?$") {
		return nil, false
	}
	switch name[i+1:] {
	case "amr":
		return &Key{Name: name, Type: String, Many: true}, true
	case "aud", "azp", "email", "oaud", "sub":
		return &Key{Name: name, Type: String}, true
	}
	return nil, false
}

// byChoice looks among the keys with a chosen part, which must not be empty.
// The longest pattern wins: events:metadata/x/matcher is not the key of a
// metadata called "x/matcher".
func (s *keySet) byChoice(name, at string) (*Key, bool) {
	var best chosenKey
	for _, c := range s.chosen[at] {
		if len(c.pattern) > len(best.pattern) && glob(strings.ReplaceAll(c.pattern, "*", "?*"), name) {
			best = c
		}
	}
	return best.key, best.key != nil
}

func (t *table) allKeys() []*Key {
	s, err := t.loadKeys()
	if err != nil {
		return nil
	}
	return append([]*Key(nil), s.all...)
}
