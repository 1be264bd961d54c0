package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// block is the size, in bytes, up to which policies are packed together: one
// look-up unpacks one block.
const block = 128 << 10

// levels are the letters that stand for access levels in the table.
var levels = []struct{ word, letter string }{{"Permissions management", "P"}, {"Tagging", "T"}, {"Write", "W"}, {"Read", "R"}, {"List", "L"}}

// pack lays the table out. A head of text lines ends with an empty line:
//
//	source NAME VERSION DATE SHA256      DATE is - where the package has none
//	keys PACKED RAW                      the condition keys
//	services PACKED RAW                  the text of all services
//	service PREFIX FIRST COUNT OFFSET LENGTH   FIRST is its first action's number; its text within services
//	policies PACKED RAW FIRST-ARN        one block of managed policies
//
// and is followed by the packed parts in the order of their lines. The texts
// are tab-separated lines; read.go of package reference says which.
func (t *table) pack() ([]byte, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	var head, body []byte
	add := func(word, text, more string) {
		packed := enc.EncodeAll([]byte(text), nil)
		head = fmt.Appendf(head, "%s %d %d%s\n", word, len(packed), len(text), more)
		body = append(body, packed...)
	}
	for _, s := range t.sources {
		if s.date == "" {
			s.date = "-"
		}
		head = fmt.Appendf(head, "source %s %s %s %s\n", s.name, s.version, s.date, s.sha256)
	}
	keys, number := t.keyText()
	add("keys", keys, "")

	var services strings.Builder
	var lines []byte
	first := 0
	for _, s := range t.services {
		from := services.Len()
		if err := s.write(&services, number, slices.Contains(t.rcp, s.prefix)); err != nil {
			return nil, fmt.Errorf("service %s: %w", s.prefix, err)
		}
		lines = fmt.Appendf(lines, "service %s %d %d %d %d\n", s.prefix, first, len(s.actions), from, services.Len()-from)
		first += len(s.actions)
	}
	add("services", services.String(), "")
	head = append(head, lines...)

	for rest := t.policies; len(rest) > 0; {
		var text strings.Builder
		n := 0
		for ; n < len(rest) && text.Len() < block; n++ {
			p := rest[n]
			fmt.Fprintf(&text, "%s\t%s\t%s\t%s\t%s\n", p.arn, p.version, p.created, p.updated, p.document)
		}
		add("policies", text.String(), " "+rest[0].arn)
		rest = rest[n:]
	}
	return append(append(head, '\n'), body...), nil
}

// keyText writes the condition keys and numbers them.
func (t *table) keyText() (string, map[string]int) {
	names := make([]string, 0, len(t.keys))
	for n := range t.keys {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	number := map[string]int{}
	for i, n := range names {
		k := t.keys[n]
		global := ""
		if k.global {
			global = "g"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", k.Name, k.Type, global)
		number[n] = i
	}
	return b.String(), number
}

func (s *service) write(b *strings.Builder, number map[string]int, rcp bool) error {
	flag := ""
	if rcp {
		flag = "rcp"
	}
	fmt.Fprintf(b, "S\t%s\t%s\n", s.name, flag)
	at := map[string]int{}
	for i, r := range s.types {
		keys, err := numbers(r.Keys, number)
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "T\t%s\t%s\t%s\n", r.Name, r.ARN, keys)
		at[r.Name] = i
	}
	for _, a := range s.actions {
		keys, err := numbers(a.Keys, number)
		if err != nil {
			return err
		}
		letter := ""
		for _, l := range levels {
			if letter == "" && strings.Contains(a.AccessLevel, l.word) {
				letter = l.letter
			}
		}
		if letter == "" {
			return fmt.Errorf("%s: unknown access level %q", a.Name, a.AccessLevel)
		}
		fmt.Fprintf(b, "A\t%s\t%s\t%s\t%s", a.Name, letter, keys, tidy(a.Depends))
		for _, u := range a.Types {
			i, ok := at[u.Name]
			if !ok {
				return fmt.Errorf("%s: unknown resource type %q", a.Name, u.Name)
			}
			keys, err := numbers(u.Keys, number)
			if err != nil {
				return err
			}
			if own, err := numbers(s.types[i].Keys, number); err == nil && own == keys && keys != "" {
				keys = "=" // all that the type has
			}
			required := ""
			if u.Required {
				required = "!"
			}
			fmt.Fprintf(b, "\t%d%s/%s/%s", i, required, keys, tidy(u.Depends))
		}
		b.WriteByte('\n')
	}
	return nil
}

// numbers spells a list of condition keys as their numbers, rising.
func numbers(keys []string, number map[string]int) (string, error) {
	var ns []int
	for _, k := range keys {
		n, ok := number[strings.ToLower(k)]
		if !ok {
			return "", fmt.Errorf("condition key %q is declared nowhere", k)
		}
		ns = append(ns, n)
	}
	slices.Sort(ns)
	var out []string
	for _, n := range slices.Compact(ns) {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ","), nil
}

// tidy sorts a list of actions and takes out what stands twice.
func tidy(actions []string) string {
	actions = slices.Clone(actions)
	slices.Sort(actions)
	return strings.Join(slices.Compact(actions), ",")
}
