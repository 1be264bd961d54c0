package catalog

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	accountNumber = regexp.MustCompile(`^\d{12}$`)
	regionWord    = regexp.MustCompile(`\b(?:af|ap|ca|cn|eu|il|me|mx|sa|us|us-gov|us-iso|us-isob)-(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-\d\b`)
	anyAccount    = regexp.MustCompile(`(?:^|[^0-9a-zA-Z])(\d{12})(?:[^0-9a-zA-Z]|$)`)
)

// named is what a path says of a reply.
type named struct {
	ops             []*operation
	services        []string
	subjects        []string
	account, region string
}

// readPath reads [ACCOUNT/]SERVICE/OPERATION[/SUBJECT].json and what people
// make of it: service and operation in one name, subject in the file's name
// after "_", ":" or "-", camel or kebab case.
func (x *index) readPath(path string) named {
	var n named
	comps := strings.Split(trimExtensions(path), "/")
	for i := len(comps) - 1; i >= 0; i-- {
		ops, before, after := x.operationIn(comps[i])
		if len(ops) == 0 {
			continue
		}
		n.ops = ops
		words := append(slices.Clone(comps[:i]), before)
		n.services = x.servicesIn(words)
		if after != "" {
			n.subjects = append(n.subjects, unescape(after))
		}
		for _, s := range comps[i+1:] {
			n.subjects = append(n.subjects, unescape(s))
		}
		n.account, n.region = placeIn(comps[:i+1])
		if own := ofServices(ops, n.services); len(own) > 0 {
			n.ops = own
		}
		n.subjects = slices.DeleteFunc(n.subjects, func(s string) bool { return s == "" || s == n.region })
		return n
	}
	n.services = x.servicesIn(comps)
	n.account, n.region = placeIn(comps)
	return n
}

// trimExtensions removes what file formats add to a name.
func trimExtensions(path string) string {
	for {
		trimmed := path
		for _, ext := range []string{".gz", ".json", ".yaml", ".yml", ".txt", ".out", ".jsonl"} {
			trimmed = strings.TrimSuffix(trimmed, ext)
		}
		if trimmed == path {
			return path
		}
		path = trimmed
	}
}

// unescape undoes URL encoding in a file name.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// word is a run of letters and digits in a path component.
type word struct{ start, end int }

// wordsOf splits a component.
func wordsOf(s string) []word {
	var out []word
	start := -1
	for i := 0; i <= len(s); i++ {
		alnum := i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z')
		switch {
		case alnum && start < 0:
			start = i
		case !alnum && start >= 0:
			out = append(out, word{start, i})
			start = -1
		}
	}
	return out
}

// maxWords is the most words an operation's kebab name has, with room.
const maxWords = 9

// operationIn finds the longest run of words that is an operation's name and
// returns what stands before and after it.
func (x *index) operationIn(comp string) (ops []*operation, before, after string) {
	words := wordsOf(comp)
	best := 0
	for i := range words {
		var key strings.Builder
		for j := i; j < len(words) && j < i+maxWords; j++ {
			key.WriteString(strings.ToLower(comp[words[j].start:words[j].end]))
			found := x.byKey[key.String()]
			if len(found) > 0 && key.Len() > best {
				best = key.Len()
				ops = found
				before = comp[:words[i].start]
				after = strings.TrimLeft(comp[words[j].end:], "-_.:@ =")
			}
		}
	}
	return ops, before, after
}

// servicesIn finds the services that path components name, alone or among
// other words; the nearest to the file comes first.
func (x *index) servicesIn(comps []string) []string {
	var out []string
	add := func(key string) bool {
		found := x.words[key]
		for _, s := range found {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return len(found) > 0
	}
	for i := len(comps) - 1; i >= 0; i-- {
		if add(canonical(comps[i])) {
			return out
		}
		words := wordsOf(comps[i])
		for n := min(len(words), 4); n > 0; n-- {
			for j := 0; j+n <= len(words); j++ {
				if add(canonical(comps[i][words[j].start:words[j+n-1].end])) {
					return out
				}
			}
		}
	}
	return out
}

// placeIn finds an account number and a region in path components.
func placeIn(comps []string) (account, region string) {
	for _, c := range comps {
		if m := anyAccount.FindStringSubmatch(c); m != nil {
			account = m[1]
		}
		if m := regionWord.FindString(strings.ReplaceAll(c, "_", "-")); m != "" {
			region = m
		}
	}
	return account, region
}
