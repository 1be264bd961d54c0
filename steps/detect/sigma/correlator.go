package sigma

import (
	"cmp"
	"container/heap"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// Bounds of what a correlator holds in memory.
const (
	maxGroups = 100_000   // of one correlation
	maxItems  = 1_000_000 // of all correlations
	minItems  = 10_000    // of one group; four times the threshold if that is more
	maxRefs   = 100       // told of one match
	// maxGrace is how much later than a window's end an event of it may come.
	maxGrace = 15 * time.Minute
)

// Correlator keeps what correlations need of the events before. Times are
// those of the events: they may come out of order, and the same event twice
// counts once. It is for one goroutine.
type Correlator struct {
	set    *Set
	groups map[*chain]map[string]*window
	due    deadlines
	clock  int64
	items  int // held in all windows
	// Late counts events too old for any window, Evicted groups given up since
	// there were too many, Overflow events of a group pushed out by newer ones.
	Late, Evicted, Overflow int64
}

// NewCorrelator makes a correlator.
func (s *Set) NewCorrelator() *Correlator {
	return &Correlator{set: s, groups: map[*chain]map[string]*window{}}
}

// window is what one group of one correlation has seen.
type window struct {
	ch     *chain
	key    string
	group  []string
	items  []item // by time
	seen   map[string]bool
	values map[string]int // how often each value, of value_count
	fired  int64
	end    int64 // of conditions decided at the end
	at     int   // in deadlines, -1 if not there
}

type item struct {
	time  int64
	rule  int
	value string
	num   float64
	ref   Ref
	id    string // in seen
	event *ocsf.Event
	taken map[string]string
}

// Feed takes a match of a detection and calls hit for it, unless it is of
// interest to correlations only, and for every correlation it completes. What
// is kept of the event is a copy without its bytes.
func (c *Correlator) Feed(m Match, hit func(Match)) {
	c.Advance(m.Event.Time, hit)
	if !c.set.silent[m.Rule] {
		hit(m)
	}
	if len(c.set.chains.of[m.Rule]) > 0 {
		m.Event = m.Event.Slim()
		c.feed(m, hit)
	}
}

func (c *Correlator) feed(m Match, hit func(Match)) {
	for _, f := range c.set.chains.of[m.Rule] {
		it := item{time: m.Event.Time, rule: f.index, event: m.Event, taken: m.taken, ref: Ref{ID: m.Event.ID, Time: m.Event.Time, Principal: m.Event.Actor.ID}}
		group, ok := pick(m, f.group)
		if !ok {
			continue // an event that does not say belongs to no group
		}
		if len(f.value) > 0 {
			values, ok := pick(m, f.value)
			if !ok {
				continue
			}
			it.value = strings.Join(values, "\x00")
			num, err := strconv.ParseFloat(it.value, 64)
			if it.num = num; err != nil {
				it.num = math.NaN()
			}
		}
		c.put(f.chain, group, it, hit)
	}
}

// pick takes the values of fields from a match.
func pick(m Match, fields []string) (values []string, ok bool) {
	values = make([]string, len(fields))
	for i, f := range fields {
		v, ok := m.taken[f]
		if !ok {
			return nil, false
		}
		values[i] = v
	}
	return values, true
}

func (c *Correlator) put(ch *chain, group []string, it item, hit func(Match)) {
	if (ch.c.Type == "value_sum" || ch.c.Type == "value_avg" || ch.c.Type == "value_percentile" && ch.c.Percentile >= 0) && math.IsNaN(it.num) {
		return
	}
	byKey := c.groups[ch]
	if byKey == nil {
		byKey = map[string]*window{}
		c.groups[ch] = byKey
	}
	key := strings.Join(group, "\x00")
	w := byKey[key]
	if w == nil {
		if len(byKey) >= maxGroups {
			c.evict(byKey, nil)
		}
		w = &window{ch: ch, key: key, group: group, at: -1, fired: math.MinInt64, seen: map[string]bool{}, values: map[string]int{}}
		byKey[key] = w
	}
	it.id = strconv.Itoa(it.rule) + "\x00" + it.ref.ID
	if w.seen[it.id] {
		return
	}
	span := ch.c.Timespan.Milliseconds()
	if n := len(w.items); n > 0 && it.time <= w.items[n-1].time-span {
		c.Late++
		return
	}
	w.seen[it.id] = true
	w.values[it.value]++
	i, _ := slices.BinarySearchFunc(w.items, it.time+1, func(a item, t int64) int { return cmp.Compare(a.time, t) })
	w.items = slices.Insert(w.items, i, it)
	c.items++
	for c.items > maxItems && len(byKey) > 1 {
		c.evict(byKey, w)
	}
	if !ch.c.rising() {
		if w.at < 0 {
			grace := min(span/10, maxGrace.Milliseconds())
			w.end = w.items[0].time + span + grace
			heap.Push(&c.due, w)
		}
		w.bound(c, ch)
		return
	}
	newest := w.items[len(w.items)-1].time
	w.drop(c, func(x item) bool { return x.time <= newest-span })
	w.bound(c, ch)
	if v := w.value(); ch.c.holds(v) && (w.fired == math.MinInt64 || newest > w.fired+span) {
		w.fired = newest
		c.tell(w, w.items, v, hit)
	}
}

// bound pushes out the oldest items of a group that has too many.
func (w *window) bound(c *Correlator, ch *chain) {
	most := minItems
	for _, v := range ch.c.Bounds {
		if ch.c.Type == "event_count" || ch.c.Type == "value_count" {
			most = max(most, 4*int(v))
		}
	}
	for len(w.items) > most {
		c.Overflow++
		n := 0
		w.drop(c, func(item) bool { n++; return n == 1 })
	}
}

// drop takes the items away from the front as long as gone says so.
func (w *window) drop(c *Correlator, gone func(item) bool) {
	n := 0
	for n < len(w.items) && gone(w.items[n]) {
		it := &w.items[n]
		delete(w.seen, it.id)
		if w.values[it.value]--; w.values[it.value] == 0 {
			delete(w.values, it.value)
		}
		n++
	}
	w.items = slices.Delete(w.items, 0, n)
	c.items -= n
}

// value is what the correlation's condition is about.
func (w *window) value() float64 {
	switch w.ch.c.Type {
	case "event_count":
		return float64(len(w.items))
	case "value_count":
		return float64(len(w.values))
	case "temporal":
		seen := map[int]bool{}
		for _, it := range w.items {
			seen[it.rule] = true
		}
		return float64(len(seen))
	case "temporal_ordered":
		return float64(longestInOrder(w.items, len(w.ch.feeds)))
	case "value_sum", "value_avg":
		sum := 0.0
		for _, it := range w.items {
			sum += it.num
		}
		if w.ch.c.Type == "value_avg" {
			sum /= float64(len(w.items))
		}
		return sum
	}
	return percentile(w.items, w.ch.c.Percentile)
}

// longestInOrder is how many of the rules, in the order they are named, were
// met one after the other: equal times are in order.
func longestInOrder(items []item, rules int) int {
	best := make([]int, rules+1) // best[r]: the longest row that ends with rule r-1
	most := 0
	for i := 0; i < len(items); {
		j := i
		for j < len(items) && items[j].time == items[i].time {
			j++
		}
		same := slices.Clone(items[i:j])
		slices.SortStableFunc(same, func(a, b item) int { return a.rule - b.rule })
		for _, it := range same {
			n := slices.Max(best[:it.rule+1]) + 1
			best[it.rule+1] = max(best[it.rule+1], n)
			most = max(most, n)
		}
		i = j
	}
	return most
}

// percentile is the value below or at which p percent of the values lie (the
// nearest rank).
func percentile(items []item, p float64) float64 {
	nums := make([]float64, len(items))
	for i, it := range items {
		nums[i] = it.num
	}
	slices.Sort(nums)
	return nums[max(0, int(math.Ceil(p/100*float64(len(nums))))-1)]
}

// tell makes a correlation's match and feeds it to those that name it.
func (c *Correlator) tell(w *window, items []item, v float64, hit func(Match)) {
	last := items[len(items)-1]
	m := Match{Rule: w.ch.rule, Event: last.event, Group: w.group, Value: v, taken: map[string]string{}}
	for k, x := range last.taken {
		m.taken[k] = x
	}
	for i, name := range w.ch.c.GroupBy {
		m.taken[name] = w.group[i]
	}
	for _, it := range items[max(0, len(items)-maxRefs):] {
		m.Events = append(m.Events, it.ref)
	}
	m.why = []string{validText(w.ch.c.String() + ": " + strconv.FormatFloat(v, 'g', 6, 64))}
	if !c.set.silent[w.ch.rule] {
		hit(m)
	}
	c.feed(m, hit)
}

// Advance says that the time is t, Unix milliseconds, and decides the windows
// that end before it. Feed does it by the events' own times.
func (c *Correlator) Advance(t int64, hit func(Match)) {
	c.clock = max(c.clock, t)
	for len(c.due) > 0 && c.due[0].end <= c.clock {
		c.close(heap.Pop(&c.due).(*window), hit)
	}
}

// Flush decides all windows that are open: the events have ended.
func (c *Correlator) Flush(hit func(Match)) {
	for len(c.due) > 0 {
		c.close(heap.Pop(&c.due).(*window), hit)
	}
}

// close decides a window at its end; what came after it opens the next.
func (c *Correlator) close(w *window, hit func(Match)) {
	span := w.ch.c.Timespan.Milliseconds()
	end := w.items[0].time + span
	n := 0
	for n < len(w.items) && w.items[n].time < end {
		n++
	}
	in := slices.Clone(w.items[:n])
	all := w.items
	w.items = in
	if w.ch.c.Type == "value_percentile" && w.ch.c.Percentile < 0 {
		c.shares(w, hit)
	} else if v := w.value(); w.ch.c.holds(v) {
		c.tell(w, in, v, hit)
	}
	w.items = all
	i := 0
	w.drop(c, func(item) bool { i++; return i <= n })
	if len(w.items) == 0 {
		delete(c.groups[w.ch], w.key)
		return
	}
	w.end = w.items[0].time + span + min(span/10, maxGrace.Milliseconds())
	heap.Push(&c.due, w)
}

// shares tells each value whose share of all values is within bounds.
func (c *Correlator) shares(w *window, hit func(Match)) {
	byValue := map[string][]item{}
	var order []string
	for _, it := range w.items {
		if byValue[it.value] == nil {
			order = append(order, it.value)
		}
		byValue[it.value] = append(byValue[it.value], it)
	}
	for _, v := range order {
		if share := 100 * float64(len(byValue[v])) / float64(len(w.items)); w.ch.c.holds(share) {
			c.tell(w, byValue[v], share, hit)
		}
	}
}

// evict gives up the group that was silent longest among a few.
func (c *Correlator) evict(byKey map[string]*window, keep *window) {
	var oldest *window
	n := 0
	for _, w := range byKey {
		if w == keep {
			continue
		}
		if oldest == nil || w.items[len(w.items)-1].time < oldest.items[len(oldest.items)-1].time {
			oldest = w
		}
		if n++; n == 8 {
			break
		}
	}
	if oldest.at >= 0 {
		heap.Remove(&c.due, oldest.at)
	}
	delete(byKey, oldest.key)
	c.items -= len(oldest.items)
	c.Evicted++
}

// deadlines are windows by when they are to be decided.
type deadlines []*window

func (d deadlines) Len() int           { return len(d) }
func (d deadlines) Less(i, j int) bool { return d[i].end < d[j].end }
func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].at, d[j].at = i, j
}

// Push implements heap.Interface.
func (d *deadlines) Push(x any) {
	w := x.(*window)
	w.at = len(*d)
	*d = append(*d, w)
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	old := *d
	w := old[len(old)-1]
	w.at = -1
	*d = old[:len(old)-1]
	return w
}
