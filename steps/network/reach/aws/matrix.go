package aws

import (
	"net/netip"
	"runtime"
	"slices"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Matrix answers for all pairs of interfaces of a network, class by class.
type Matrix struct {
	Classes []Class

	network *Network
	bounds  []netip.Addr
	nets    [][]int32 // the classes of each net
	looks   []int32   // what routers and ACLs see of each net
	own     map[string]bool
	sets    []*Interface         // one bearer of each set of groups
	rows    [][]layer            // by receiving class
	tagged  map[*Interface]int32 // the classes of what relays use

	carried  []carried // by receiving class
	arrivals sync.Map  // at APIs

	mu     sync.Mutex
	allows []Allow
	ids    map[string]int32
}

// layer is the set of classes that reach a class with the same ports.
type layer struct {
	allow int32
	from  reach.Bits
}

// Matrix computes all pairs.
func (n *Network) Matrix() *Matrix {
	m := &Matrix{network: n, ids: map[string]int32{}}
	m.classify()
	m.intern(Allow{})
	m.intern(allowAll)
	m.rows, m.carried = make([][]layer, len(m.Classes)), make([]carried, len(m.Classes))
	m.each(func(w *worker, to int32) {
		for from := range m.nets {
			w.pair(int32(from), to, nil)
		}
	})
	return m
}

// each runs a job for every net, on all processors.
func (m *Matrix) each(job func(w *worker, net int32)) {
	next := make(chan int32)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			w := &worker{m: m, judged: map[judgement]int32{}, joined: map[[3]int32]int32{}, ways: map[[3]int32][]way{}, refs: map[[2]int32]map[string]bool{}}
			for net := range next {
				job(w, net)
			}
		})
	}
	for net := range m.nets {
		next <- int32(net)
	}
	close(next)
	wg.Wait()
}

// Reach is what the interfaces of class from may open to those of class to,
// directly or through load balancers, endpoint services and APIs; for a class
// with itself, to the other members.
func (m *Matrix) Reach(from, to int) Allow { return m.Direct(from, to).or(m.Through(from, to)) }

// Direct is what Reach is without anything in between that takes connections.
func (m *Matrix) Direct(from, to int) Allow {
	for _, l := range m.rows[to] {
		if l.from.Has(from) {
			return m.allow(l.allow)
		}
	}
	return Allow{}
}

// Pairs counts the ordered pairs of classes with an answer other than no.
func (m *Matrix) Pairs() int {
	total := 0
	m.each(func(_ *worker, net int32) {
		for _, to := range m.nets[net] {
			m.Through(0, int(to))
		}
	})
	for to, row := range m.rows {
		all := reach.NewBits(len(m.Classes))
		for _, l := range row {
			all.Add(l.from)
		}
		for _, l := range m.carried[to].row {
			all.Add(l.from)
		}
		total += all.Count()
	}
	return total
}

// intern gives equal answers one number; 0 is nothing.
func (m *Matrix) intern(a Allow) int32 {
	key := a.Sure.String() + "|" + a.Maybe.String()
	m.mu.Lock()
	defer m.mu.Unlock()
	id, ok := m.ids[key]
	if !ok {
		id = int32(len(m.allows))
		m.ids[key] = id
		m.allows = append(m.allows, a)
	}
	return id
}

func (m *Matrix) allow(id int32) Allow {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.allows[id]
}

// worker computes pairs of nets, remembering what it worked out.
type worker struct {
	m      *Matrix
	judged map[judgement]int32
	joined map[[3]int32]int32
	ways   map[[3]int32][]way
	refs   map[[2]int32]map[string]bool
}

// judgement is a question to a set of groups. The other end's set counts only
// if a rule may name it.
type judgement struct {
	set, peer int32
	way       int8
	named     reach.Answer
	addr      netip.Addr
}

// pair computes what the classes of one net open to those of another; with
// bearers, only pairs with one of them.
func (w *worker) pair(from, to int32, bearers reach.Bits) {
	m, n := w.m, w.m.network
	src, dst := m.Classes[m.nets[from][0]].first, m.Classes[m.nets[to][0]].first
	key := [3]int32{m.looks[from], m.looks[to], 0}
	if src.Subnet == dst.Subnet {
		key[2] = 1
	}
	ways, known := w.ways[key]
	if !known {
		ways = n.ways(src, dst, netip.Addr{}, netip.Addr{}, false)
		w.ways[key] = ways
	}
	for i := range ways {
		if ways[i].carries.Maybe.IsEmpty() {
			continue
		}
		carries := int32(1)
		if !ways[i].carries.isAll() {
			carries = m.intern(ways[i].carries)
		}
		for _, b := range m.nets[to] {
			for _, a := range m.nets[from] {
				if bearers != nil && !bearers.Has(int(a)) && !bearers.Has(int(b)) {
					continue
				}
				w.put(a, b, &ways[i], carries)
			}
		}
	}
}

// put adds what one way lets class a open to class b.
func (w *worker) put(a, b int32, y *way, carries int32) {
	m := w.m
	sa, sb := m.Classes[a].set, m.Classes[b].set
	egress := w.judge(judgement{sa, sb, outward, y.named[outward], y.to})
	if egress == 0 {
		return
	}
	ingress := w.judge(judgement{sb, sa, inward, y.named[inward], y.seen})
	if ingress == 0 {
		return
	}
	key := [3]int32{carries, egress, ingress}
	id, ok := w.joined[key]
	if !ok {
		id = m.intern(m.allow(carries).and(m.allow(egress)).and(m.allow(ingress)))
		w.joined[key] = id
	}
	if id != 0 {
		m.add(a, b, id)
	}
}

func (w *worker) judge(j judgement) int32 {
	f, p := w.m.sets[j.set], w.m.sets[j.peer]
	if !w.refers(j.set, int(j.way), p) {
		// No rule names the other end's groups: all such ends are judged alike.
		p, j.peer = &Interface{}, -1
	}
	if id, ok := w.judged[j]; ok {
		return id
	}
	id := w.m.intern(w.m.network.passes(f.Groups, f.GroupsUnread, int(j.way), side{j.addr, p.Groups, p.GroupsUnread, j.named}))
	w.judged[j] = id
	return id
}

// refers reports whether the rules of a set of groups may name an interface by
// one of its groups.
func (w *worker) refers(set int32, way int, p *Interface) bool {
	key := [2]int32{set, int32(way)}
	refs, ok := w.refs[key]
	if !ok {
		refs = map[string]bool{}
		for _, id := range w.m.sets[set].Groups {
			if g := w.m.network.groups[id]; g != nil {
				for _, r := range g.rules[way] {
					for _, ref := range r.perm.Groups {
						refs[ref] = true
					}
				}
			}
		}
		w.refs[key] = refs
	}
	if len(refs) == 0 {
		return false
	}
	return p.GroupsUnread || slices.ContainsFunc(p.Groups, func(id string) bool { return refs[id] })
}

// add puts class a into the row of b, joined with what other ways gave. Only
// one worker writes a row.
func (m *Matrix) add(a, b, id int32) {
	for _, l := range m.rows[b] {
		if l.from.Has(int(a)) {
			if l.allow == id {
				return
			}
			l.from.Clear(int(a))
			id = m.intern(m.allow(l.allow).or(m.allow(id)))
			break
		}
	}
	for _, l := range m.rows[b] {
		if l.allow == id {
			l.from.Set(int(a))
			return
		}
	}
	bits := reach.NewBits(len(m.Classes))
	bits.Set(int(a))
	m.rows[b] = append(m.rows[b], layer{id, bits})
}
