package data

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// Summary is what one survey found in a store: types, counts and places, no value.
// It is what the state keeps for the steps.
type Summary struct {
	Store string `json:"store"`
	// Copied is the folder whose files somebody said are the store's; empty where the
	// store itself was read.
	Copied  string    `json:"copied,omitempty"`
	Taken   time.Time `json:"taken"`
	Scanner string    `json:"scanner"`
	// Objects and Bytes are what the listing told of, Examined and Read what was
	// looked into; Undecided are those examined of which something is not known.
	Objects   int   `json:"objects"`
	Bytes     int64 `json:"bytes"`
	Examined  int   `json:"examined"`
	Read      int64 `json:"read"`
	Undecided int   `json:"undecided"`
	// Whole is true where every object was picked to be read from front to back.
	Whole   bool           `json:"whole"`
	Labels  []StoreLabel   `json:"labels"`
	Strata  []StratumFound `json:"strata"`
	Reasons []Reason       `json:"reasons,omitempty"`
	// Missing are types that could not be looked for.
	Missing []string `json:"missing,omitempty"`
	// Others are databases of the same server, which a survey of this one does not see.
	Others []string `json:"others,omitempty"`
	// Oldest is the age of the oldest object; zero where nothing tells.
	Oldest time.Time `json:"oldest,omitzero"`
}

// StoreLabel is one type found in a store.
type StoreLabel struct {
	Type        string           `json:"type"`
	Group       scan.Group       `json:"group"`
	Sensitivity scan.Sensitivity `json:"sensitivity"`
	Country     string           `json:"country,omitempty"` // subject region
	Objects     int              `json:"objects"`
	Count       int64            `json:"count"`
	Confidence  float64          `json:"confidence"`
	Oldest      time.Time        `json:"oldest,omitzero"`
	// Keys are items that hold it, at most some; Dirs the folders of all of them,
	// and More whether there are further ones.
	Keys []string `json:"keys"`
	Dirs []string `json:"dirs"`
	More bool     `json:"more,omitempty"`
}

// StratumFound is what was found in one stratum.
type StratumFound struct {
	Name    string   `json:"name"`
	Objects int      `json:"objects"`
	Bytes   int64    `json:"bytes"`
	Read    int      `json:"read"`  // objects looked into
	Draws   int      `json:"draws"` // records drawn; 0 where everything was read
	Types   []string `json:"types"`
	// Bound is the prevalence that types which were not found lie below; 0 where
	// everything was read, 1 where nothing is known. It rests on Recall, the lowest share
	// of values that the scanner was measured to see among those types, and RecallOf says
	// whose that is; empty where it is assumed.
	Bound    float64 `json:"bound"`
	Recall   float64 `json:"recall,omitempty"`
	RecallOf string  `json:"recall_of,omitempty"`
	Assumes  string  `json:"assumes,omitempty"`
	// Unknown is how many of the objects looked into could not be examined.
	Unknown int `json:"unknown"`
}

// Promise says what a stratum's reading is worth, in one line.
func (s StratumFound) Promise(confidence float64) string {
	found := "0 found"
	if len(s.Types) > 0 {
		found = strings.Join(s.Types, ", ") + " found; of all else 0"
	}
	switch {
	case s.Read == s.Unknown:
		return "nothing is known"
	case s.Bound == 0 && s.Unknown == 0:
		return found + " in all of it"
	case s.Bound == 0:
		return found + fmt.Sprintf(" in what could be read: %d of %d objects could not", s.Unknown, s.Objects)
	}
	text := found + fmt.Sprintf(" in %d: prevalence below %s at %.0f%%", s.Draws, Percent(s.Bound), 100*confidence)
	if s.RecallOf != "" {
		text += fmt.Sprintf(", at the %.0f%% of %s that the scanner sees", 100*s.Recall, s.RecallOf)
	}
	if s.Unknown > 0 {
		text += fmt.Sprintf(", but for the %d objects that could not be read", s.Unknown)
	}
	if s.Assumes != "" {
		text += ", if " + s.Assumes
	}
	return text
}

// Percent writes a share.
func Percent(p float64) string {
	switch {
	case p >= .1:
		return fmt.Sprintf("%.0f%%", 100*p)
	case p >= .001:
		return fmt.Sprintf("%.2f%%", 100*p)
	}
	return fmt.Sprintf("%.4f%%", 100*p)
}

// Reason is why something is not known, and of how many items.
type Reason struct {
	Why   string `json:"why"`
	Items int    `json:"items"`
}

// Bounds of a summary.
const (
	maxKeys    = 20
	maxDirs    = 500
	maxReasons = 50
)

// summarise draws together what was seen.
func summarise(uri string, seen *Survey, p sample.Plan, o Surveying) Summary {
	s := Summary{Store: uri, Copied: o.Copied, Taken: o.Now, Scanner: o.Scanner, Objects: p.Objects, Bytes: p.Bytes, Examined: len(seen.Items), Labels: []StoreLabel{}, Strata: []StratumFound{}}
	strata := map[string]*StratumFound{}
	s.Whole = true
	for i := range p.Strata {
		t := &p.Strata[i]
		f := strata[t.Name]
		if f == nil { // strata of one name and several ways are one to a reader
			f = &StratumFound{Name: t.Name, Types: []string{}, Assumes: t.Assumes}
			strata[t.Name] = f
		}
		f.Objects, f.Bytes = f.Objects+t.Objects, f.Bytes+t.Bytes
		if t.Draws > 0 {
			s.Whole, f.Bound = false, 1
		}
	}
	labels := map[string]*StoreLabel{}
	reasons, missing := map[string]int{}, map[string]bool{}
	for i := range seen.Items {
		it := &seen.Items[i]
		r := &it.Reading
		f := strata[it.Stratum]
		f.Read++
		f.Draws += r.Draws
		s.Read += r.Examined.Bytes
		if it.Modified.Before(s.Oldest) || s.Oldest.IsZero() {
			s.Oldest = it.Modified
		}
		if r.Verdict == scan.Unknown {
			f.Unknown++
		}
		if r.Verdict == scan.Unknown || len(r.Reasons) > 0 || slices.ContainsFunc(r.Unknown, tellsOfPeople) {
			s.Undecided++
		}
		for _, why := range r.Reasons {
			if _, ok := reasons[why]; ok || len(reasons) < maxReasons {
				reasons[why]++
			}
		}
		for _, m := range r.Unknown {
			missing[m] = true
		}
		here := map[string]bool{}
		for _, l := range r.Labels {
			if !slices.Contains(f.Types, l.Type) {
				f.Types = append(f.Types, l.Type)
			}
			merge(labels, l, it, here)
		}
		for _, c := range r.Class {
			if c.Name == scan.SourceCode && c.Confidence >= .7 {
				merge(labels, scan.Label{Type: "SOURCE_CODE", Group: "source code", Sensitivity: scan.Medium, Confidence: c.Confidence, Count: 1}, it, here)
			}
		}
	}
	for _, l := range labels {
		slices.Sort(l.Dirs)
		s.Labels = append(s.Labels, *l)
	}
	slices.SortFunc(s.Labels, byCount)
	for _, f := range strata {
		slices.Sort(f.Types)
		if f.Bound == 1 {
			f.Recall, f.RecallOf = scan.LeastRecall(f.Types)
			f.Bound = sample.Options{Prevalence: p.Prevalence, Confidence: p.Confidence, Recall: f.Recall}.Bound(f.Draws)
		} else {
			f.Draws = 0
		}
		s.Strata = append(s.Strata, *f)
	}
	slices.SortFunc(s.Strata, func(a, b StratumFound) int { return strings.Compare(a.Name, b.Name) })
	for why, n := range reasons {
		s.Reasons = append(s.Reasons, Reason{why, n})
	}
	slices.SortFunc(s.Reasons, func(a, b Reason) int { return cmp.Or(b.Items-a.Items, strings.Compare(a.Why, b.Why)) })
	for m := range missing {
		s.Missing = append(s.Missing, m)
	}
	slices.Sort(s.Missing)
	return s
}

// tellsOfPeople reports whether a type that could not be looked for is one that a label
// hangs on. A company's name alone is no personal data.
func tellsOfPeople(typ string) bool { return typ != "ORGANIZATION" }

func merge(labels map[string]*StoreLabel, l scan.Label, it *Seen, here map[string]bool) {
	t := labels[l.Type]
	if t == nil {
		t = &StoreLabel{Type: l.Type, Group: l.Group, Sensitivity: l.Sensitivity, Country: l.Country, Keys: []string{}, Dirs: []string{}}
		labels[l.Type] = t
	}
	t.Count += l.Count
	t.Confidence = max(t.Confidence, l.Confidence)
	if here[l.Type] {
		return
	}
	here[l.Type] = true
	t.Objects++
	if !it.Modified.IsZero() && (t.Oldest.IsZero() || it.Modified.Before(t.Oldest)) {
		t.Oldest = it.Modified
	}
	if len(t.Keys) < maxKeys && !it.Masked { // one without what it holds of somebody names no place
		t.Keys = append(t.Keys, it.Key)
	}
	d := dirOf(it.Key)
	if before, _, cut := strings.Cut(d, "("); it.Masked && cut {
		d = dirOf(before)
	}
	if !slices.Contains(t.Dirs, d) {
		if len(t.Dirs) < maxDirs {
			t.Dirs = append(t.Dirs, d)
		} else {
			t.More = true
		}
	}
}
