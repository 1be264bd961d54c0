package store

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// recursive answers path questions with SQLite's recursive queries over the
// relations as rows: another implementation, by other people.
type recursive struct {
	t    *testing.T
	conn *sqlite.Conn
}

func newRecursive(t *testing.T, s *estate.Snapshot) *recursive {
	t.Helper()
	conn, err := sqlite.OpenConn(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	r := &recursive{t, conn}
	r.run("CREATE TABLE edge (a TEXT, b TEXT, type TEXT, tier TEXT)", nil)
	for e := range s.Relations() {
		r.run("INSERT INTO edge VALUES (?, ?, ?, ?)", nil, e.From, e.To, string(e.Type), string(e.Tier))
	}
	r.run("CREATE INDEX edge_a ON edge (a, b)", nil)
	r.run("CREATE INDEX edge_b ON edge (b, a)", nil)
	return r
}

func (r *recursive) run(sql string, row func(*sqlite.Stmt) error, args ...any) {
	r.t.Helper()
	if err := sqlitex.Execute(r.conn, sql, &sqlitex.ExecOptions{Args: args, ResultFunc: row}); err != nil {
		r.t.Fatal(err)
	}
}

// distances returns how many relations lead from the starts to everything they
// reach.
func (r *recursive) distances(where, step string, starts []string, most int) map[string]int {
	out := map[string]int{}
	r.run("DROP TABLE IF EXISTS start", nil)
	r.run("CREATE TEMP TABLE start (id TEXT)", nil)
	for _, id := range starts {
		r.run("INSERT INTO start VALUES (?)", nil, id)
	}
	r.run(fmt.Sprintf(`WITH RECURSIVE hop (x, y) AS (%s), way (id, n) AS (
			SELECT id, 0 FROM start UNION SELECT y, n + 1 FROM way JOIN hop ON x = id WHERE n < %d)
		SELECT id, min(n) FROM way GROUP BY id`, fmt.Sprintf(step, where), most), func(s *sqlite.Stmt) error {
		out[s.ColumnText(0)] = s.ColumnInt(1)
		return nil
	})
	return out
}

func TestGraphAgainstRecursiveSQL(t *testing.T) {
	filters := []struct {
		f     estate.Filter
		where string
	}{
		{estate.Filter{}, "1 = 1"},
		{estate.Filter{Types: []estate.RelationType{"t0", "t1"}}, "type IN ('t0', 't1')"},
		{estate.Filter{Tiers: []estate.Tier{estate.Declared}}, "tier = 'declared'"},
		{estate.Filter{Except: []estate.RelationType{"t2"}, Tiers: []estate.Tier{estate.Declared, estate.Observed}}, "type <> 't2' AND tier IN ('declared', 'observed')"},
	}
	steps := map[estate.Direction]string{
		estate.Forward:  "SELECT a, b FROM edge WHERE %[1]s",
		estate.Backward: "SELECT b, a FROM edge WHERE %[1]s",
		estate.Both:     "SELECT a, b FROM edge WHERE %[1]s UNION SELECT b, a FROM edge WHERE %[1]s",
	}
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 42))
		s := randomGraph(t, r, 20+r.IntN(60))
		sql := newRecursive(t, s)
		for _, tt := range filters {
			for direction, step := range steps {
				f := tt.f
				f.Direction = direction
				starts := []estate.Node{estate.Node(r.IntN(s.Len())), estate.Node(r.IntN(s.Len()))}
				ids := []string{s.Asset(starts[0]).ID, s.Asset(starts[1]).ID}
				most := s.Len()
				if r.IntN(3) == 0 {
					f.Max = 1 + r.IntN(4)
					most = f.Max
				}
				agree(t, s, f, starts, sql.distances(tt.where, step, ids, most))
			}
		}
	}
}

func randomGraph(t *testing.T, r *rand.Rand, n int) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(noon)
	id := func() string { return fmt.Sprintf("arn:aws:iam::%d:role/r%d", r.IntN(2), r.IntN(n)) }
	for range n * 2 {
		b.Relation(estate.Relation{From: id(), To: id(), Type: estate.RelationType(fmt.Sprintf("t%d", r.IntN(4))),
			Tier: []estate.Tier{estate.Declared, estate.Observed, estate.Possible}[r.IntN(3)], Evidence: fmt.Sprint(r.IntN(3))})
	}
	return build(t, b)
}

func agree(t *testing.T, s *estate.Snapshot, f estate.Filter, starts []estate.Node, want map[string]int) {
	t.Helper()
	var got []string
	for n := range s.Reach(starts, f).All() {
		got = append(got, s.Asset(n).ID)
	}
	var expect []string
	for id := range want {
		expect = append(expect, id)
	}
	slices.Sort(expect)
	if !slices.Equal(got, expect) {
		t.Fatalf("%+v from %v: %d reached, SQL says %d", f, starts, len(got), len(expect))
	}
	for n, a := range s.Assets() {
		p, ok := s.Nearest(starts, s.NewNodeSet(n), f)
		distance, reached := want[a.ID]
		if ok != reached || ok && p.Len() != distance {
			t.Fatalf("%+v from %v to %s: %d relations %v, SQL says %d %v", f, starts, a.ID, p.Len(), ok, distance, reached)
		}
	}
}
