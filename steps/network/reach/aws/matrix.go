package aws

import (
	"net/netip"
	"runtime"
	"sync"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Matrix answers for all pairs of interfaces of a network, class by class.
type Matrix struct {
	Classes []Class

	network    *Network
	bounds     []netip.Addr
	nets       [][]int32 // the classes of each net
	looks      []int32   // what routers and ACLs see of each net
	own        map[string]bool
	sets       []*Interface       // one bearer of each set of groups
	bearing    map[string][]int32 // the sets each group is in
	unreadSets []int32
	rows       [][]layer            // by receiving class
	tagged     map[*Interface]int32 // the classes of what relays use

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
			w := m.worker()
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
	judged map[uint64]int32
	joined map[[3]int32]int32
	ways   map[[3]int32][]way
	refs   []reach.Bits // by set and direction; see refers
	addrs  map[netip.Addr]uint64
}

func (m *Matrix) worker() *worker {
	return &worker{m: m, judged: map[uint64]int32{}, joined: map[[3]int32]int32{}, ways: map[[3]int32][]way{},
		refs: make([]reach.Bits, 2*len(m.sets)), addrs: map[netip.Addr]uint64{}}
}

// judgement is a question to a set of groups. The other end's set counts only
// if a rule may name it. number is the address's.
type judgement struct {
	set, peer int32
	way       int8
	named     reach.Answer
	addr      netip.Addr
	number    uint64
}

// number gives an address a small number.
func (w *worker) number(a netip.Addr) uint64 {
	id, ok := w.addrs[a]
	if !ok {
		id = uint64(len(w.addrs))
		w.addrs[a] = id
	}
	return id
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
		y := &ways[i]
		if y.carries.Maybe.IsEmpty() {
			continue
		}
		carries := int32(1)
		if !y.carries.isAll() {
			carries = m.intern(y.carries)
		}
		out := judgement{way: outward, named: y.named[outward], addr: y.to, number: w.number(y.to)}
		in := judgement{way: inward, named: y.named[inward], addr: y.seen, number: w.number(y.seen)}
		for _, b := range m.nets[to] {
			for _, a := range m.nets[from] {
				if bearers == nil || bearers.Has(int(a)) || bearers.Has(int(b)) {
					w.put(a, b, carries, out, in)
				}
			}
		}
	}
}

// put adds what one way lets class a open to class b.
func (w *worker) put(a, b, carries int32, out, in judgement) {
	m := w.m
	out.set, out.peer = m.Classes[a].set, m.Classes[b].set
	egress := w.judge(out)
	if egress == 0 {
		return
	}
	in.set, in.peer = out.peer, out.set
	ingress := w.judge(in)
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
	// Ends that no rule names by their groups are judged alike.
	p, peer := &Interface{}, uint64(0)
	if w.refers(j.set, int(j.way)).Has(int(j.peer)) {
		p, peer = w.m.sets[j.peer], uint64(j.peer)+1
	}
	// Sets and addresses number less than a million each: there are no more of
	// either than classes, of which more could not be held.
	key := uint64(j.set)<<43 | peer<<23 | j.number<<3 | uint64(j.way)<<2 | uint64(j.named)
	if id, ok := w.judged[key]; ok {
		return id
	}
	f := w.m.sets[j.set]
	id := w.m.intern(w.m.network.passes(f.Groups, f.GroupsUnread, int(j.way), side{addr: j.addr, groups: p.Groups, groupsUnread: p.GroupsUnread, named: j.named}))
	w.judged[key] = id
	return id
}

// refers is the sets of groups that the rules of a set may name.
func (w *worker) refers(set int32, way int) reach.Bits {
	known := &w.refs[2*int(set)+way]
	if *known != nil {
		return *known
	}
	out := reach.NewBits(len(w.m.sets) + 1)
	for _, id := range w.m.sets[set].Groups {
		g := w.m.network.groups[id]
		if g == nil {
			continue
		}
		for _, r := range g.rules[way] {
			for _, ref := range r.perm.Groups {
				for _, s := range w.m.bearing[ref] {
					out.Set(int(s))
				}
			}
			if len(r.perm.Groups) > 0 {
				for _, s := range w.m.unreadSets {
					out.Set(int(s))
				}
			}
		}
	}
	*known = out
	return out
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
