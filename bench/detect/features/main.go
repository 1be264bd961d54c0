// Features writes what detection sees of made-up organisations as numbers, for outlier
// models of others: the same organisations, attacks and days as bench/detect's.
//
//	SEVENFOLD_CORPORA=DIR go run ./bench/detect/features -out DIR -seeds 21,22,23
//
// A file a seed, seed-N.csv: day, time in seconds, principal's number, the attack's number
// (-1 for none), and then the numbers. These are of each event, for service, action, action by program,
// resource, network, program, region, hours of the day, refusal and parameters: how many bits it is
// that its principal, its peer group and the organisation show that on a day, by the days they
// showed it before; how much its action may change; whether a person acts; calls of the hour
// against the principal's largest hour. Events that show nothing for the first time that day are
// left out, as the behaviour model leaves them out.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/test/org"
)

const (
	learnDays = 30
	liveDays  = 35
)

func main() {
	out := flag.String("out", "", "folder to write into")
	seeds := flag.String("seeds", "21,22,23", "seeds")
	flag.Parse()
	attacks, err := org.ReadAttacks(filepath.Join(os.Getenv("SEVENFOLD_CORPORA"), "stratus-red-team", "detonation-logs.tar.gz"))
	if err == nil {
		err = os.MkdirAll(*out, 0o755)
	}
	for s := range strings.SplitSeq(*seeds, ",") {
		if err == nil {
			err = write(*out, s, attacks)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "features: %v\nhint: SEVENFOLD_CORPORA names the folder of public corpora\n", err)
		os.Exit(1)
	}
}

// habit is on how many days somebody showed something.
type habit struct{ days, last int }

// crowd is a principal, a peer group or the organisation.
type crowd struct {
	days, last int
	shown      map[string]*habit
}

// see counts an item on a day and says how many bits it is that it is shown, before that.
func (c *crowd) see(item string, day int, active bool) float64 {
	h := c.shown[item]
	if h == nil {
		h = &habit{last: -1}
		c.shown[item] = h
	}
	bits := -math.Log2(math.Min(1, (float64(h.days)+0.05)/(float64(c.days)+1)))
	if h.last != day || active {
		h.days++
		h.last = day
	}
	return bits
}

type writer struct {
	w      *bufio.Writer
	selves map[string]*crowd
	groups map[string]*crowd
	all    *crowd
	hours  map[string]*[3]float64 // hour, calls, largest
	number map[string]int
}

func newCrowd() *crowd { return &crowd{last: -1, shown: map[string]*habit{}} }

func write(out, seed string, attacks []org.Attack) error {
	n, err := strconv.ParseUint(seed, 10, 64)
	if err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(out, "seed-"+seed+".csv"))
	if err != nil {
		return err
	}
	defer f.Close()
	w := &writer{w: bufio.NewWriterSize(f, 1<<20), selves: map[string]*crowd{}, groups: map[string]*crowd{}, all: newCrowd(), hours: map[string]*[3]float64{}, number: map[string]int{}}
	o := org.New(org.Config{Seed: n, Shapes: org.ShapesOf(attacks)})
	groups := map[string]string{}
	observer := detect.NewObserver(func(p string) string { return groups[p] }, assess.ActionLevel)
	for day := range learnDays + liveDays {
		date := o.Date()
		records := o.Day()
		for _, p := range o.People {
			groups[p.ARN()] = p.Job
		}
		if day >= learnDays {
			records = append(records, o.Inject(attacks[(day-learnDays+int(n)*7)%len(attacks)], o.Victim(), date)...)
			slices.SortStableFunc(records, func(a, b org.Record) int { return a.Time.Compare(b.Time) })
		}
		for _, r := range records {
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(r.Text, &e); err != nil {
				return err
			}
			obs := observer.Observe(&e)
			attack := slices.IndexFunc(attacks, func(a org.Attack) bool { return a.Technique == r.Attack })
			w.event(day, date, &obs, attack)
		}
	}
	if err := w.w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// event writes one, if it shows something for the first time today.
func (w *writer) event(day int, date time.Time, o *behaviour.Observation, attack int) {
	self, group := w.selves[o.Principal], w.groups[o.Group]
	if self == nil {
		self = newCrowd()
		w.selves[o.Principal] = self
		w.number[o.Principal] = len(w.number)
	}
	if group == nil {
		group = newCrowd()
		w.groups[o.Group] = group
	}
	if self.last != day {
		for _, c := range []*crowd{self, group, w.all} {
			c.days++
		}
		self.last = day
	}
	hour := w.hours[o.Principal]
	if hour == nil {
		hour = &[3]float64{}
		w.hours[o.Principal] = hour
	}
	if h := float64(o.Time.Unix() / 3600); h > hour[0] {
		hour[2] = max(hour[2], hour[1])
		hour[0], hour[1] = h, 0
	}
	hour[1]++
	fresh := false
	var numbers []float64
	action := o.Service + ":" + o.Action
	for i, item := range [...]string{o.Service, action, action + " by " + o.Agent, o.Service + " " + o.Resource, o.Source, o.Agent, o.Region, fmt.Sprint(o.Time.UTC().Hour() / 3), o.Error, action + " with " + o.Shape} {
		if i == 3 && o.Resource == "" || i == 8 && o.Error == "" || i == 9 && o.Shape == "" {
			numbers = append(numbers, 0, 0, 0)
			continue
		}
		item = strconv.Itoa(i) + item
		h := self.shown[item]
		first := h == nil || h.last != day
		fresh = fresh || first
		numbers = append(numbers, self.see(item, day, false), group.see(item, day, first), w.all.see(item, day, first))
	}
	if !fresh {
		return
	}
	person := 0.0
	if o.Kind == behaviour.Person {
		person = 1
	}
	numbers = append(numbers, float64(o.Level), person, math.Log2(1+hour[1]/(1+hour[2])))
	fmt.Fprintf(w.w, "%d,%d,%d,%d", day, int(o.Time.Sub(date).Seconds()), w.number[o.Principal], attack)
	for _, v := range numbers {
		fmt.Fprintf(w.w, ",%.3f", v)
	}
	w.w.WriteByte('\n')
}
