package catalog

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// cover reports the listings that lack nothing: of what is listed for each
// parent, those with a whole list for every parent of a covered type.
func (e *Export) cover(sink estate.Sink) {
	whole, below, broken := map[listKey]bool{}, map[listKey]int{}, map[listKey]bool{}
	for k, l := range e.lists {
		place := listKey{k.typ, k.account, k.region, ""}
		switch {
		case l.more:
			broken[place] = true
		case k.parent == "":
			whole[place] = true
		default:
			below[place]++
		}
	}
	for k := range whole {
		if broken[k] || k.account == "" {
			delete(whole, k)
		}
	}
	for _, r := range e.x.resources {
		if r.Parent == "" || r.Recursive || r.From != "" {
			continue
		}
		for parent := range whole {
			k := listKey{r.Type, parent.account, parent.region, ""}
			if parent.typ == r.Parent && !broken[k] && below[k] >= e.known.count(r.Parent, parent.account, parent.region) {
				whole[k] = true
			}
		}
	}
	for k := range whole {
		sink.Covered(estate.Coverage{Type: k.typ, Account: k.account, Region: k.region})
	}
}

// truncated reports whether a list reply says that there is more.
func truncated(body map[string]any) bool {
	for k, v := range body {
		switch {
		case !pageTokens[k]:
		case k == "Marker", k == "position":
		case strings.HasPrefix(k, "Has"), k == "IsTruncated", k == "Truncated":
			if v == true {
				return true
			}
		case !empty(v):
			return true
		}
	}
	return false
}
