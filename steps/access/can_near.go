package access

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// shown is how many names close to a wrong one are named.
const shown = 3

// near lists the names closest to one that does not exist, closest first.
func near(word string, names []string) []string {
	type ranked struct {
		name string
		at   int
	}
	word = strings.ToLower(word)
	all := make([]ranked, 0, len(names))
	for _, n := range names {
		low := strings.ToLower(n)
		at := distance(word, low)
		for _, cut := range []string{":", "/"} { // the end of an id, if an end was written
			if i := strings.LastIndex(low, cut); i >= 0 {
				at = min(at, distance(word, low[i+1:]))
			}
		}
		all = append(all, ranked{n, at})
	}
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.name, b.name)) })
	var out []string
	for _, r := range all[:min(shown, len(all))] {
		out = append(out, r.name)
	}
	return out
}

// distance is the number of letters to insert, delete or replace on the way from
// one word to the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		corner := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := corner
			if a[i-1] != b[j-1] {
				cost++
			}
			corner = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// unescaped is a policy document as the IAM API returns it, in percent-encoding,
// made plain.
func unescaped(s string) string {
	if strings.HasPrefix(strings.TrimSpace(s), "%") {
		if plain, err := url.PathUnescape(s); err == nil {
			return plain
		}
	}
	return s
}
