package files

import (
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"sort"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// unread gathers documents that no format understood: documents of one folder
// with the same members are one blind spot, so that a stray folder of settings
// does not bury the rest.
type unread struct {
	groups map[string]*unreadGroup
	order  []string
}

type unreadGroup struct {
	dir, shape string
	paths      []string
	count      int
}

func (u *unread) add(doc estate.Document) {
	dir, shape := path.Dir(doc.Path), shapeOf(doc.Body)
	id := dir + "\x00" + shape
	g := u.groups[id]
	if g == nil {
		g = &unreadGroup{dir: dir, shape: shape}
		if u.groups == nil {
			u.groups = map[string]*unreadGroup{}
		}
		u.groups[id] = g
		u.order = append(u.order, id)
	}
	g.count++
	if n := len(g.paths); n < 4 && (n == 0 || g.paths[n-1] != doc.Path) {
		g.paths = append(g.paths, doc.Path)
	}
}

// layoutHint is the mend for a document nobody understands.
const layoutHint = "name it as the provider's command line does, [ACCOUNT/]SERVICE/OPERATION[/SUBJECT].json " +
	"(s3api/get-bucket-policy/BUCKET.json), export Kubernetes objects with kind and apiVersion, " +
	"or move it out of the folder if it is no export"

func (u *unread) blindSpots() []estate.BlindSpot {
	var out []estate.BlindSpot
	for _, id := range u.order {
		g := u.groups[id]
		why := "no format understands this document; " + g.shape
		if g.count > 1 {
			why = fmt.Sprintf("no format understands %d documents here (%s); %s", g.count, strings.Join(g.paths, ", "), g.shape)
		}
		out = append(out, estate.BlindSpot{Operation: g.paths[0], Status: estate.ReadMalformed, Why: why, Hint: layoutHint})
	}
	return out
}

// shapeOf describes a document by the names of its members, never by values.
func shapeOf(body []byte) string {
	if len(body) > 0 && body[0] == '[' {
		var items []json.RawMessage
		if json.Unmarshal(body, &items) != nil || len(items) == 0 || items[0][0] != '{' {
			return "it is a list"
		}
		return "it is a list of objects with " + memberNames(items[0])
	}
	return "it is an object with " + memberNames(body)
}

func memberNames(body []byte) string {
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil || len(members) == 0 {
		return "no members"
	}
	names := make([]string, 0, len(members))
	for name := range members {
		names = append(names, clip(name, 40))
	}
	sort.Strings(names)
	rest := ""
	if len(names) > 8 {
		rest = fmt.Sprintf(" and %d more", len(names)-8)
		names = names[:8]
	}
	return "the members " + strings.Join(names, ", ") + rest
}

// cliError is what the AWS command line prints when a call is refused; with
// 2>&1 it lands in the export.
var cliError = regexp.MustCompile(`(?s)^\s*(?:aws: \[ERROR\]: )?An error occurred \(([A-Za-z0-9.:_-]+)\)(?: when calling the ([A-Za-z0-9]+) operation)?(?: \([^)]*\))?[^:]*: ?(.{0,600})`)

// errorReply turns such text into the document
// {"Error":{"Code","Message","Operation"}}: it tells a format that, say, a
// bucket has no policy (NoSuchBucketPolicy) or that reading it was denied.
func errorReply(text []byte) []byte {
	m := cliError.FindSubmatch(text)
	if m == nil {
		return nil
	}
	body, err := json.Marshal(map[string]any{"Error": map[string]string{
		"Code": string(m[1]), "Operation": string(m[2]), "Message": strings.TrimSpace(string(m[3])),
	}})
	if err != nil {
		return nil
	}
	return body
}
