package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Inventory is what `sevenfold inventory --format json` prints: the assets, the
// workloads they make up, and what could not be seen.
// docs/schema/inventory.schema.json describes it.
type Inventory struct {
	Assets     []InventoryAsset    `json:"assets"`
	Workloads  []InventoryWorkload `json:"workloads"`
	BlindSpots []BlindSpot         `json:"blindspots"`
}

// InventoryAsset is one asset. Kind is empty for a type no provider reads;
// Workload names the workloads it is a part of, joined by ", ".
type InventoryAsset struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Kind     string `json:"kind"`
	Zone     string `json:"zone"`
	Workload string `json:"workload"`
	Name     string `json:"name,omitempty"`
	Account  string `json:"account,omitempty"`
	Region   string `json:"region,omitempty"`
	Source   string `json:"source,omitempty"`
	// Referenced is set when the asset is only named by another.
	Referenced bool `json:"referenced,omitempty"`
}

// InventoryWorkload is one AI workload without its verdict.
type InventoryWorkload struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type"`
	Zone    string `json:"zone"`
	Owner   string `json:"owner"`
	Purpose string `json:"purpose,omitempty"`
	// Roots, Members and Touches are ids of assets.
	Roots   []string `json:"roots"`
	Members []string `json:"members"`
	Touches []string `json:"touches"`
	Why     string   `json:"why,omitempty"`
}

// InventoryJSON writes the inventory, its lists never null.
func InventoryJSON(w io.Writer, inv *Inventory) error {
	out := Inventory{
		Assets: list(inv.Assets),
		Workloads: listEach(inv.Workloads, func(w *InventoryWorkload) {
			w.Roots, w.Members, w.Touches = list(w.Roots), list(w.Members), list(w.Touches)
		}),
		BlindSpots: listEach(inv.BlindSpots, func(b *BlindSpot) { b.Criteria = list(b.Criteria) }),
	}
	return writeJSON(w, out)
}

// assetsListed is the largest inventory whose assets are listed one by one
// unless asked for: more are summed up by type.
const assetsListed = 60

// InventoryText writes the inventory for a terminal: workloads, then assets
// (by type when there are many, one by one with all), then blind spots by what
// would end them.
func InventoryText(w io.Writer, inv *Inventory, opt Options, all bool) error {
	t := &text{page: newPage(opt), ix: newIndex(&Document{BlindSpots: inv.BlindSpots}), opt: Options{}}
	t.para(0, fmt.Sprintf("%s, %s, %s.", many(len(inv.Assets), "asset"), many(len(inv.Workloads), "AI workload"), many(len(inv.BlindSpots), "blind spot")))
	t.section("workloads")
	rows := [][]string{{"name", "class", "zone", "owner", "parts", "touches"}}
	for _, w := range inv.Workloads {
		rows = append(rows, []string{orNone(w.Name, w.ID), w.Type, orNone(w.Zone, "none"), orNone(w.Owner, "none named"), number(len(w.Members)), number(len(w.Touches))})
	}
	if len(inv.Workloads) == 0 {
		t.line("  none found")
	} else {
		t.columns(rows)
	}
	t.section("assets")
	if all || len(inv.Assets) <= assetsListed {
		t.assets(inv.Assets)
	} else {
		t.types(inv.Assets)
		t.para(2, "`sevenfold inventory --all` lists them one by one, `--format json` with every detail.")
	}
	t.blind(nil)
	_, err := io.WriteString(w, t.finish())
	return err
}

func (t *text) assets(assets []InventoryAsset) {
	rows := [][]string{{"kind", "type", "zone", "workload", "id"}}
	for _, a := range assets {
		rows = append(rows, []string{kindWord(a.Kind), a.Type, orNone(a.Zone, "none"), orNone(a.Workload, "-"), a.ID})
	}
	t.columns(rows)
}

// types sums assets up by type, most frequent first.
func (t *text) types(assets []InventoryAsset) {
	type sum struct {
		kind, typ         string
		n, parts, unzoned int
	}
	byType := map[string]*sum{}
	var sums []*sum
	for _, a := range assets {
		s := byType[a.Type]
		if s == nil {
			s = &sum{kind: a.Kind, typ: a.Type}
			byType[a.Type] = s
			sums = append(sums, s)
		}
		s.n++
		if a.Workload != "" {
			s.parts++
		}
		if a.Zone == "" {
			s.unzoned++
		}
	}
	slices.SortFunc(sums, func(a, b *sum) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.typ, b.typ)) })
	rows := [][]string{{"assets", "kind", "type", "in a workload", "without zone"}}
	for _, s := range sums {
		rows = append(rows, []string{number(s.n), kindWord(s.kind), s.typ, number(s.parts), number(s.unzoned)})
	}
	t.columns(rows)
}

func kindWord(kind string) string {
	if kind == string(estate.KindUnknown) {
		return "unread type"
	}
	return kind
}

// columnMax is the widest a column of a table gets; the last one is never cut.
const columnMax = 44

// columns writes rows as a table, the first row being its head. Every value is
// made safe here.
func (t *text) columns(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = line(row[i])
			if i < len(row)-1 {
				row[i] = middle(row[i], columnMax)
			}
			widths[i] = max(widths[i], cells(row[i]))
		}
	}
	for r, row := range rows {
		parts := make([]string, 0, len(row))
		for i, c := range row {
			parts = append(parts, pad(c, widths[i]))
		}
		s := "  " + strings.TrimRight(strings.Join(parts, "  "), " ")
		if r == 0 {
			s = t.dim(s)
		}
		t.line(s)
	}
}
