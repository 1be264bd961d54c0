// Package sample plans which parts of a store are read so that what was not
// found can be bounded: "0 found in n draws: fewer than x of the records, at 95%".
//
// # The promise
//
// A stratum is the objects of one prefix, format, size and age. In each, n places
// are drawn, each byte as likely as another, and at each place one record is
// counted, however many are read with it: records of one object resemble each
// other, so that the neighbours of a drawn record are no further draws. Of n
// records drawn so, none with a value, at a detector that sees a share r of the
// values, leaves a prevalence below 1 - (1-c)^(1/(n·r)) at confidence c.
//
// The draws come from a seed and the stratum's name alone: two plans of one
// listing are the same.
package sample

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"
)

// Item is an object of a listing.
type Item struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
	// Paged is true of a table of a database, of which single pages can be read.
	Paged bool
}

// Options of a plan. A zero field takes the default.
type Options struct {
	Seed uint64
	// Prevalence that is to be excluded in each stratum, a share of the records; 0.001.
	Prevalence float64
	// Confidence of that; 0.95.
	Confidence float64
	// Recall is the share of values that the detector sees; 0.95.
	Recall float64
	// Budget is how many bytes may be read; one percent of the listing, and at
	// least 64 MiB.
	Budget int64
	// All reads everything, whatever the budget.
	All bool
	// Now is what ages are reckoned from; the newest object's time.
	Now time.Time
}

// The sizes of what is read at a place drawn, in bytes.
const (
	Block    = 16 << 10 // of a text
	HeadRead = 64 << 10 // of the beginning, which holds the names of columns
	page     = 8 << 10  // of a table
	rowGroup = 1 << 20  // for a row of a columnar file: a page of each column
	whole    = 1 << 20  // an object up to this is read whole
	minBytes = 64 << 20
)

func (o Options) filled(total int64) Options {
	def := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.Prevalence, .001)
	def(&o.Confidence, .95)
	def(&o.Recall, .95)
	if o.Budget == 0 {
		o.Budget = max(total/100, minBytes)
	}
	return o
}

// Draws is how many records must be drawn to exclude the prevalence asked for.
func (o Options) Draws() int {
	o = o.filled(0)
	return int(math.Ceil(math.Log(1-o.Confidence) / math.Log(1-o.Prevalence*o.Recall)))
}

// Bound is the prevalence that n draws without a hit exclude; 1 for none.
func (o Options) Bound(n int) float64 {
	if n <= 0 {
		return 1
	}
	o = o.filled(0)
	return min(1, (1-math.Pow(1-o.Confidence, 1/float64(n)))/o.Recall)
}

// The ways an object is read.
const (
	Whole  = "whole"  // from front to back
	Ranges = "ranges" // its beginning and the places drawn, cut at the ends of lines
	Groups = "groups" // the rows drawn of a columnar file
	Pages  = "pages"  // the pages drawn of a database's table
	Head   = "head"   // its beginning: what is packed cannot be read from the middle
)

// Pick is an object with the places drawn in it, in bytes, in order.
type Pick struct {
	Item   int // its place in the listing
	Places []int64
}

// Stratum is the objects that are alike.
type Stratum struct {
	Name    string `json:"name"`
	Objects int    `json:"objects"`
	Bytes   int64  `json:"bytes"`
	// Way is how its objects are read, and Draws how many places are drawn: 0 where
	// everything is read.
	Way   string `json:"way"`
	Draws int    `json:"draws"`
	// Reads are the bytes that the plan reads, Requests the requests that takes.
	Reads    int64 `json:"reads"`
	Requests int64 `json:"requests"`
	// Bound is the prevalence that finding nothing would exclude; 0 where everything
	// is read.
	Bound float64 `json:"bound"`
	// Assumes is what the bound rests on beside the draw; empty for nothing.
	Assumes string `json:"assumes,omitempty"`

	Picks  []Pick `json:"-"`
	items  []int
	format string
}

// Plan says what is read of a listing.
type Plan struct {
	Seed       uint64    `json:"seed"`
	Prevalence float64   `json:"prevalence"`
	Confidence float64   `json:"confidence"`
	Recall     float64   `json:"recall"`
	Objects    int       `json:"objects"`
	Bytes      int64     `json:"bytes"`
	Reads      int64     `json:"reads"`
	Requests   int64     `json:"requests"`
	Budget     int64     `json:"budget"`
	Strata     []Stratum `json:"strata"`
	// Empty is how many objects hold no byte.
	Empty int `json:"empty"`
}

// New plans the reading of a listing. Where the finest strata of a format would cost
// more than the budget, coarser ones are taken: first without the age, then without
// the size, then without the prefix. If even those cost more, fewer places are drawn,
// and the bounds say so.
func New(items []Item, o Options) Plan {
	total := int64(0)
	var newest time.Time
	for _, i := range items {
		total += i.Size
		if i.Modified.After(newest) {
			newest = i.Modified
		}
	}
	o = o.filled(total)
	if o.Now.IsZero() {
		o.Now = newest
	}
	p := Plan{Seed: o.Seed, Prevalence: o.Prevalence, Confidence: o.Confidence, Recall: o.Recall, Objects: len(items), Bytes: total, Budget: o.Budget}
	p.Strata, p.Empty = strata(items, o, levels(items, o))
	share := 1.0
	if !o.All {
		share = fit(p.Strata, o)
	}
	for i := range p.Strata {
		p.Strata[i].draw(items, o, share)
		p.Reads += p.Strata[i].Reads
		p.Requests += p.Strata[i].Requests
	}
	return p
}

// coarsest is the level at which strata are told apart by format alone.
const coarsest = 3

// levels chooses how finely each format is parted: the cheapest formats first, each as
// finely as the budget allows when all others are parted coarsely.
func levels(items []Item, o Options) map[string]int {
	n := o.Draws()
	costs := [coarsest + 1]map[string]int64{}
	for level := range costs {
		costs[level] = map[string]int64{}
		all, _ := strata(items, o, nil, level)
		for i := range all {
			costs[level][all[i].format] += all[i].cost(n)
		}
	}
	left := o.Budget
	formats := make([]string, 0, len(costs[coarsest]))
	for f, c := range costs[coarsest] {
		formats = append(formats, f)
		left -= c
	}
	slices.SortFunc(formats, func(a, b string) int {
		return cmp.Or(cmp.Compare(costs[coarsest][a], costs[coarsest][b]), strings.Compare(a, b))
	})
	out := map[string]int{}
	for _, f := range formats {
		out[f] = coarsest
		for level := range coarsest {
			if more := costs[level][f] - costs[coarsest][f]; o.All || more <= left {
				out[f] = level
				left -= max(more, 0)
				break
			}
		}
	}
	return out
}

func cost(all []Stratum, o Options, share float64) (sum int64) {
	for i := range all {
		sum += all[i].cost(draws(o, share))
	}
	return sum
}

func draws(o Options, share float64) int { return max(1, int(float64(o.Draws())*share)) }

// fit finds the share of the draws that the budget allows.
func fit(all []Stratum, o Options) float64 {
	low, high := 0.0, 1.0
	if cost(all, o, 1) <= o.Budget {
		return 1
	}
	for range 20 {
		if mid := (low + high) / 2; cost(all, o, mid) <= o.Budget {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// cost is at most what n draws read; everything where that is no more.
func (s *Stratum) cost(n int) int64 {
	heads := int64(min(n, s.Objects))
	sum := int64(0)
	switch s.Way {
	case Ranges:
		sum = int64(n)*Block + heads*HeadRead
	case Groups:
		sum = int64(n)*rowGroup + heads*HeadRead
	case Pages:
		sum = int64(n) * page
	case Head:
		sum = heads * HeadRead * 4
	default:
		sum = heads * (s.Bytes / int64(max(s.Objects, 1)))
	}
	return min(sum, s.Bytes)
}

// strata parts a listing, each format at its level, or all at one.
func strata(items []Item, o Options, levels map[string]int, flat ...int) (out []Stratum, empty int) {
	prefixes := mostBytes(items, 50)
	at := map[string]int{}
	for i, it := range items {
		if it.Size == 0 {
			empty++
			continue
		}
		format, way := kind(it)
		level := levels[format]
		if len(flat) > 0 {
			level = flat[0]
		}
		name := []string{format}
		if level < 3 {
			p := firstSegment(it.Key)
			if !prefixes[p] {
				p = "other prefixes"
			}
			name = append(name, p)
		}
		if level < 2 || it.Size <= whole {
			name = append(name, sizeClass(it.Size))
		}
		if level < 1 {
			name = append(name, ageClass(o.Now.Sub(it.Modified)))
		}
		key := strings.Join(name, " · ")
		n, ok := at[key+way]
		if !ok {
			n = len(out)
			at[key+way] = n
			out = append(out, Stratum{Name: key, Way: way, format: format})
		}
		out[n].Objects++
		out[n].Bytes += it.Size
		out[n].items = append(out[n].items, i)
	}
	slices.SortFunc(out, func(a, b Stratum) int { return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Way, b.Way)) })
	return out, empty
}

// mostBytes are the first segments of keys that hold the most.
func mostBytes(items []Item, n int) map[string]bool {
	sum := map[string]int64{}
	for _, i := range items {
		sum[firstSegment(i.Key)] += i.Size
	}
	names := make([]string, 0, len(sum))
	for k := range sum {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(sum[b], sum[a]), strings.Compare(a, b)) })
	out := map[string]bool{}
	for _, k := range names[:min(n, len(names))] {
		out[k] = true
	}
	return out
}

func firstSegment(key string) string {
	first, _, deeper := strings.Cut(key, "/")
	if !deeper {
		return "/"
	}
	if strings.Contains(first, "@") || strings.Contains(first, "%40") {
		return "addresses of people/" // a stratum's name is told
	}
	return first + "/"
}

// kind tells the format by the name, and how an object of it is read.
func kind(it Item) (format, way string) {
	ext := strings.TrimPrefix(strings.ToLower(path.Ext(it.Key)), ".")
	if ext == "" || len(ext) > 10 || strings.Contains(ext, "/") {
		ext = "no extension"
	}
	switch ext {
	case "csv", "tsv", "tab", "jsonl", "ndjson", "log", "txt", "md", "sql", "no extension":
		way = Ranges
	case "parquet", "pq":
		way = Groups
	case "gz", "zst", "bz2", "xz", "tgz", "zip", "tar", "json", "avro", "tfrecord", "tfrecords", "xml", "html":
		way = Head
	default:
		way = Whole
	}
	if it.Paged {
		way = Pages
	}
	if it.Size <= whole {
		way = Whole
	}
	return ext, way
}

func sizeClass(n int64) string {
	switch {
	case n <= whole:
		return "up to 1 MiB"
	case n <= 100<<20:
		return "up to 100 MiB"
	}
	return "over 100 MiB"
}

func ageClass(d time.Duration) string {
	switch {
	case d <= 30*24*time.Hour:
		return "last 30 days"
	case d <= 365*24*time.Hour:
		return "last year"
	}
	return "older"
}

// ranged is about how many requests it takes to read an object of a size to its end: one, or
// ranges that grow to 8 MiB.
func ranged(size int64) int64 {
	if size <= 1<<20 {
		return 1
	}
	return 3 + (size+8<<20-1)>>23
}

// draw draws the places.
func (s *Stratum) draw(items []Item, o Options, share float64) {
	n := draws(o, share)
	if o.All || s.cost(n) >= s.Bytes {
		s.Way, s.Reads = Whole, s.Bytes
		for _, i := range s.items {
			s.Requests += ranged(items[i].Size)
			s.Picks = append(s.Picks, Pick{Item: i})
		}
		return
	}
	s.Draws, s.Bound = n, o.Bound(n)
	seed := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, o.Seed), s.Name+s.Way...))
	r := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:16]))) //nolint:gosec // two runs must agree
	places := make([]int64, n)
	for i := range places {
		places[i] = r.Int64N(s.Bytes)
	}
	slices.Sort(places)
	before, next := int64(0), 0
	for _, i := range s.items {
		end := before + items[i].Size
		p := Pick{Item: i}
		for next < n && places[next] < end {
			p.Places = append(p.Places, places[next]-before)
			next++
		}
		if before = end; len(p.Places) > 0 {
			s.Picks = append(s.Picks, p)
			reads, requests := s.reads(p, items[i].Size)
			s.Reads, s.Requests = s.Reads+reads, s.Requests+requests
		}
	}
	if s.Way == Head {
		s.Assumes = "the beginning of a packed or unbroken object is like the rest of it, which cannot be read from the middle"
	}
}

// reads is what reading a pick costs.
func (s *Stratum) reads(p Pick, size int64) (bytes, requests int64) {
	n := int64(len(p.Places))
	switch s.Way {
	case Ranges:
		return min(size, n*Block+HeadRead), n + 1
	case Groups:
		return min(size, n*rowGroup+HeadRead), 3 * n
	case Pages:
		return min(size, n*page), 1
	case Head:
		return min(size, 4*HeadRead), 1
	}
	return size, 1
}
