package report

import (
	"cmp"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Drawing is what the page draws: for each workload, by its id, what it is made
// of and what it touches. A workload without a picture is shown without one.
type Drawing map[string]Picture

// Picture is one workload with its surroundings.
type Picture struct {
	Nodes []PictureNode
	Edges []PictureEdge
	// Left counts the assets that were left out because the picture holds
	// pictureNodes already.
	Left int
}

// PictureNode is one asset in a picture.
type PictureNode struct {
	ID, Name, Type string
	Kind           estate.Kind
	Root           bool // a root of the workload
	Member         bool // part of the workload; else only touched by it
	Unread         bool // known only because another asset names it
}

// PictureEdge is one relation between two nodes of a picture, by their ids.
type PictureEdge struct {
	From, To string
	Type     estate.RelationType
	Tier     estate.Tier
}

// family is what a relation is about; the drawing tells four apart by line.
type family int

const (
	familyRights family = iota
	familyData
	familyMake
	familyPlace
)

// families names them for the legend and as classes of the style sheet.
var families = [...]struct{ Class, Title string }{
	{"rights", "rights: runs as, trusts, grants"},
	{"data", "data: reads, writes, logs to"},
	{"make", "made of: serves, trains, loads, uses"},
	{"place", "place: contains, member of, routes to, triggers"},
}

func familyOf(t estate.RelationType) family {
	switch t {
	case estate.RunsAs, estate.Trusts, estate.Grants, estate.Attached, estate.Governs:
		return familyRights
	case estate.Reads, estate.Writes, estate.LogsTo, estate.EncryptsBy:
		return familyData
	case estate.Serves, estate.Trains, estate.Loads, estate.Uses, estate.Scales:
		return familyMake
	}
	return familyPlace
}

// column is where a kind stands in a drawing, left to right: who may act, the
// network, what runs, what it is made of, what it holds.
func column(k estate.Kind) int {
	switch k {
	case estate.KindIdentity, estate.KindPolicy:
		return 0
	case estate.KindNetwork, estate.KindEventSource:
		return 1
	case estate.KindModel, estate.KindImage, estate.KindPackage, estate.KindService:
		return 3
	case estate.KindStore, estate.KindDataset, estate.KindSecret:
		return 4
	}
	return 2
}

// columnTitles head the columns.
var columnTitles = [...]string{"who may act", "network and events", "what runs", "what it is made of", "what it holds"}

// group is one box of a drawing: an asset, or several alike.
type group struct {
	nodes  []PictureNode
	faults int // findings on its assets
	col    int
	row    int // order within its column
	dummy  bool
	x, y   int // middle of its left side
	w, h   int
}

// Bounds of a drawing: a column with more boxes than columnBoxes has its like
// assets joined into one box, and a picture takes no more assets than
// pictureNodes.
const (
	columnBoxes  = 7
	rootsApart   = 2 // more roots of one type are the runs of one job: one box
	pictureNodes = 4000
)

// groups parts a picture's nodes into the boxes to draw.
func groups(p Picture, faults map[string]int) []*group {
	var columns [len(columnTitles)][]PictureNode
	for _, n := range p.Nodes {
		c := column(n.Kind)
		if n.Root {
			c = 2
		}
		columns[c] = append(columns[c], n)
	}
	var out []*group
	for c, nodes := range columns {
		slices.SortFunc(nodes, func(a, b PictureNode) int {
			return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
		})
		for _, g := range join(nodes, faults) {
			g.col = c
			out = append(out, g)
		}
	}
	return out
}

// join makes one box of each node, or fewer where the column would be too tall:
// first of assets alike in type, part and state, then in kind and state only.
func join(nodes []PictureNode, faults map[string]int) []*group {
	runs := map[string]int{} // roots by type
	for _, n := range nodes {
		if n.Root {
			runs[n.Type]++
		}
	}
	keys := []func(PictureNode) string{
		func(n PictureNode) string {
			if n.Root && runs[n.Type] > rootsApart {
				return "runs " + n.Type // of one job: alike but for their dates
			}
			return "one " + n.ID
		},
		func(n PictureNode) string {
			return n.Type + state(n, faults)
		},
		func(n PictureNode) string { return "kind " + string(n.Kind) + state(n, faults) },
	}
	var out []*group
	for _, key := range keys {
		byKey := map[string]*group{}
		out = nil
		for _, n := range nodes {
			k := key(n)
			g := byKey[k]
			if g == nil {
				g = &group{}
				byKey[k] = g
				out = append(out, g)
			}
			g.nodes = append(g.nodes, n)
			g.faults += faults[n.ID]
		}
		if len(out) <= columnBoxes {
			break
		}
	}
	return out
}

// state keeps faulty assets apart from sound ones, and parts from neighbours.
func state(n PictureNode, faults map[string]int) string {
	s := ""
	if n.Root {
		s += " root"
	}
	if n.Member {
		s += " member"
	}
	if faults[n.ID] > 0 {
		s += " faulty"
	}
	return s
}

// Draw makes the pictures of workloads: their members, the assets they touch,
// and the relations among those. Members come first, so that a workload with
// more assets than fit keeps what it is made of.
func Draw(snap *estate.Snapshot, workloads []finding.Workload) Drawing {
	d := make(Drawing, len(workloads))
	for i := range workloads {
		d[workloads[i].ID] = draw(snap, &workloads[i])
	}
	return d
}

func draw(snap *estate.Snapshot, w *finding.Workload) Picture {
	var p Picture
	in := map[estate.Node]bool{}
	var order []estate.Node
	add := func(ids []string, member bool) {
		for _, id := range ids {
			n, ok := snap.Find(id)
			if !ok || in[n] {
				continue
			}
			if len(order) == pictureNodes {
				p.Left++
				continue
			}
			in[n] = true
			order = append(order, n)
			a := snap.Asset(n)
			p.Nodes = append(p.Nodes, PictureNode{ID: a.ID, Name: a.Name, Type: a.Type, Kind: a.Kind,
				Root: slices.Contains(w.Roots, id), Member: member, Unread: a.Referenced})
		}
	}
	add(w.Roots, true)
	add(w.Members, true)
	add(w.Touches, false)
	for _, n := range order {
		from := snap.Asset(n).ID
		for e := range snap.Out(n) {
			if in[e.Node] && e.Node != n {
				p.Edges = append(p.Edges, PictureEdge{From: from, To: snap.Asset(e.Node).ID, Type: e.Type, Tier: e.Tier})
			}
		}
	}
	return p
}
