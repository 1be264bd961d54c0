package catalog

import (
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// listing says whether a type was listed to the end.
type listing struct {
	more bool     // a reply said that there is more, or an item made no sense
	from []string // the files that listed it
}

// read notes a reply of the list.
func (l *listing) read(r *reply) {
	l.more = l.more || truncated(r.body)
	if n := len(l.from); n == 0 || l.from[n-1] != r.doc.Path {
		l.from = append(l.from, r.doc.Path)
	}
}

// Cut notes a file that was not read whole, whether the damage lies before, in or
// behind what it lists: none of its lists was read to the end. Of a file of which
// no document came, the path tells what it would have listed.
func (e *Export) Cut(doc estate.Document) {
	n := e.x.readPath(doc.Path)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.torn == nil {
		e.torn = map[string]bool{}
	}
	e.torn[doc.Path] = true
	for _, op := range n.ops {
		for _, u := range op.uses {
			if u.role == lists || u.resource != nil && u.resource.Single {
				e.lost = append(e.lost, listKey{typ: u.resource.Type, account: first(n.account, doc.Account), region: first(n.region, doc.Region)})
			}
		}
	}
}

// broken reports whether a list was not read to its end.
func (e *Export) broken(k listKey, l *listing) bool {
	return l.more || slices.ContainsFunc(l.from, func(path string) bool { return e.torn[path] }) ||
		slices.ContainsFunc(e.lost, func(t listKey) bool {
			return t.typ == k.typ && (t.account == "" || t.account == k.account) && (t.region == "" || k.region == "" || t.region == k.region)
		})
}

// cover reports the listings that lack nothing: of what is listed for each
// parent, those with a whole list for every parent of a covered type.
func (e *Export) cover(sink estate.Sink) {
	whole, below, broken := map[listKey]bool{}, map[listKey]int{}, map[listKey]bool{}
	for k, l := range e.lists {
		place := listKey{k.typ, k.account, k.region, ""}
		switch {
		case e.broken(k, l):
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
