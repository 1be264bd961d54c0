package control

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// peersFolder holds what other tools ask, by their ids, and where the answer
// stands here.
const peersFolder = catalogueFolder + "/peers"

// Peer is another tool whose questions stand beside ours.
type Peer struct {
	Name, Version, Source, Licence string
	Checks                         []Answer // what it asks of single assets
	Requirements                   []Answer // what its framework asks of a company
}

// Answer says where a question of a peer is answered: by controls, by criteria
// of the load table, or not, and then why.
type Answer struct {
	ID  string
	Of  string // of a check: provider and service, as the peer calls them
	Has int    // of a requirement: how many checks the peer itself has for it
	// Controls answer it on single assets, Criteria for a workload whole.
	Controls, Criteria []string
	// Why says what is left unasked, and the reason; alone, nothing answers.
	Why string
}

type peerFile struct {
	Name         string                 `key:"name,required"`
	Version      string                 `key:"version,required"`
	Source       string                 `key:"source,required"`
	Licence      string                 `key:"licence,required"`
	Checks       map[string]answerEntry `key:"checks,required"`
	Requirements map[string]answerEntry `key:"requirements"`
}

type answerEntry struct {
	Of       string   `key:"of"`
	Checks   int      `key:"checks"`
	Controls []string `key:"controls"`
	Criteria []string `key:"criteria"`
	Why      string   `key:"why"`
}

// ReadPeers reads the peers of a file system of controls, by name. Which
// controls and criteria there are it does not ask. The error names each file
// that could not be read.
func ReadPeers(f fs.FS) ([]Peer, error) {
	files, err := fs.Glob(f, peersFolder+"/*.yaml")
	if err != nil {
		return nil, err
	}
	var out []Peer
	var errs []error
	for _, name := range files {
		var p peerFile
		if err := decode(f, name, &p); err != nil {
			errs = append(errs, fmt.Errorf("peer left out: %w", err))
			continue
		}
		peer := Peer{Name: p.Name, Version: p.Version, Source: p.Source, Licence: p.Licence}
		peer.Checks, peer.Requirements = answersOf(p.Checks), answersOf(p.Requirements)
		for _, a := range slices.Concat(peer.Checks, peer.Requirements) {
			if len(a.Controls)+len(a.Criteria) == 0 && a.Why == "" {
				errs = append(errs, fmt.Errorf("%s: %s names neither control nor criterion, and no why", name, a.ID))
			}
		}
		out = append(out, peer)
	}
	slices.SortFunc(out, func(a, b Peer) int { return strings.Compare(a.Name, b.Name) })
	return out, errors.Join(errs...)
}

func answersOf(entries map[string]answerEntry) []Answer {
	var out []Answer
	for _, id := range slices.SortedFunc(maps.Keys(entries), compareIDs) {
		e := entries[id]
		out = append(out, Answer{id, e.Of, e.Checks, e.Controls, e.Criteria, e.Why})
	}
	slices.SortStableFunc(out, func(a, b Answer) int { return strings.Compare(a.Of, b.Of) })
	return out
}

// tally counts the answers of a list by what answers them.
type tally struct{ control, criterion, not int }

func count(list []Answer) tally {
	var t tally
	for _, a := range list {
		switch {
		case len(a.Controls) > 0:
			t.control++
		case len(a.Criteria) > 0:
			t.criterion++
		default:
			t.not++
		}
	}
	return t
}

func (t tally) String() string {
	return fmt.Sprintf("%d, of which a control answers %d, a criterion alone %d, nothing %d", t.control+t.criterion+t.not, t.control, t.criterion, t.not)
}

// writePeer writes one peer's questions beside ours.
func writePeer(w io.Writer, p *Peer) {
	bare := 0
	for _, a := range p.Requirements {
		if a.Has == 0 {
			bare++
		}
	}
	fmt.Fprintf(w, "\n# Beside %s\n\n%s %s, its AI checks and the requirements of its AI framework, by id; its texts stay with it.\n", p.Name, p.Name, p.Version)
	fmt.Fprintf(w, "Source: %s. Licence: %s.\n\n", p.Source, p.Licence)
	fmt.Fprintf(w, "- Checks: %s.\n- Requirements: %s. For %d of them it has no check itself.\n\n", count(p.Checks), count(p.Requirements), bare)
	fmt.Fprint(w, "A criterion is a line of the load table; one whose step is not built yet answers unknown, never ready.\n")
	fmt.Fprint(w, "\n## Its checks\n\n| check | of | answered by | what is left, and why |\n|---|---|---|---|\n")
	for _, a := range p.Checks {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", a.ID, cell(a.Of), answeredBy(&a), cell(a.Why))
	}
	fmt.Fprint(w, "\n## Its requirements\n\n| requirement | its checks | answered by | what is left, and why |\n|---|---|---|---|\n")
	for _, a := range p.Requirements {
		fmt.Fprintf(w, "| %s | %d | %s | %s |\n", a.ID, a.Has, answeredBy(&a), cell(a.Why))
	}
}

func answeredBy(a *Answer) string {
	var parts []string
	for _, id := range a.Controls {
		parts = append(parts, link(id))
	}
	for _, id := range a.Criteria {
		parts = append(parts, "criterion `"+id+"`")
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// link leads to a control's own part of the page.
func link(id string) string { return "[" + id + "](#" + id + ")" }
