// Package report turns one assessment into what people and other programs
// read: JSON by a published schema, text for a terminal, Markdown for a pull
// request, SARIF for code scanning, and one self-contained HTML page.
//
// Every renderer takes the same Document and treats each value in it as
// hostile: names of assets come from the estate, and whoever may create a
// bucket may choose what is printed here.
package report

import (
	"encoding/json"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// Schema names the shape of the JSON report; docs/schema/report-v1.schema.json
// describes it.
const Schema = "sevenfold/report/v1"

// Document is one assessment. Its JSON form is the report of schema
// sevenfold/report/v1; fields that only the other renderers need stay out of it.
type Document struct {
	// Schema is set to the constant Schema by JSON, whatever it was.
	Schema string `json:"schema"`
	Tool   Tool   `json:"tool"`
	// Estate is the name sevenfold.yaml gives; empty without one.
	Estate string `json:"estate,omitempty"`
	// Taken is when the snapshot was taken, Snapshot its content hash ("sha256:…").
	Taken     time.Time         `json:"taken"`
	Snapshot  string            `json:"snapshot"`
	Sources   []Source          `json:"sources"`
	Workloads []Workload        `json:"workloads"`
	Findings  []finding.Finding `json:"findings"`
	// BlindSpots are what could not be read, parsed or decided.
	BlindSpots []BlindSpot `json:"blindspots"`
	Counts     Counts      `json:"counts"`
	// Overview is who may touch AI; JSON holds the strongest of them. Listed
	// says how many of them the text report lists: none unless set, all if below
	// zero.
	Overview *Overview `json:"identities,omitempty"`
	Listed   int       `json:"-"`

	// Mending is what mending costs now and after scaling, in all; MarshalJSON
	// fills it from the findings and Patches.
	Mending *Mending `json:"mending,omitempty"`
	// Patches mend what is written in Terraform, one for each plan or state.
	Patches []Patch `json:"-"`

	// Controls say why each control matters; the renderers that speak to people
	// and SARIF's rules use them. A control that is missing here is shown
	// without its reason.
	Controls []Control `json:"-"`
	// Access is who direct policy names; the page shows it.
	Access []Access `json:"-"`
	// Command is what the reader types to run this again, for the places where
	// a renderer leaves something out; "sevenfold assess" when empty.
	Command string `json:"-"`
}

// Tool is the program that made the report.
type Tool struct {
	Version string `json:"version"`
}

// Source says how far one source was read.
type Source struct {
	Source string `json:"source"`
	Status string `json:"status"` // complete | partial | failed
	Assets int    `json:"assets"`
	Calls  int    `json:"calls"`
	// Seconds of wall time.
	Seconds float64 `json:"seconds"`
}

// Workload is one AI workload with its verdict and its full load table.
type Workload struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"` // training job, model endpoint, …
	Zone  string `json:"zone"`
	Owner string `json:"owner"`
	// Purpose as declared; additive to the schema's required members.
	Purpose  string              `json:"purpose,omitempty"`
	Verdict  finding.Verdict     `json:"verdict"`
	Criteria []finding.Criterion `json:"criteria"`
	// Waived says on how many waivers the verdict rests; MarshalJSON fills it
	// from Criteria.
	Waived *Waivers `json:"waived,omitempty"`
}

// BlindSpot is what could not be seen, in words, with the criteria it leaves
// undecided and what would end it.
type BlindSpot struct {
	What     string   `json:"what"`
	Why      string   `json:"why"`
	Criteria []string `json:"criteria"`
	Hint     string   `json:"hint"`

	// Service ("s3"), Operation within it ("GetBucketPolicy") and Status
	// ("denied") group many blind spots for people; empty for a file.
	Service   string `json:"-"`
	Operation string `json:"-"`
	Status    string `json:"-"`
}

// Access is who direct policy names for one asset of a workload.
type Access struct {
	Workload string // id
	Asset    string
	Grants   []AccessGrant
	Unread   []string // what was not read and may name others
}

// AccessGrant is one way in which policy names a principal.
type AccessGrant struct {
	Principal string
	Class     string // everyone, account, group, person, user, machine or service
	Via       string // the policy and statement
	// Conditional is set when the statement has conditions, which nobody weighed.
	Conditional bool
}

// Control is what a reader needs to know of a control beyond its findings.
type Control struct {
	ID    string
	Step  string
	Title string // what is true when it fails, or what it asks
	Why   string // why it matters, in one or two sentences
	// Severity its findings have before their context is known.
	Severity finding.Severity
	// Fix is the general mend, without an asset's name in it.
	Fix string
	// InvalidFor lists whom the control does not concern.
	InvalidFor []string
}

// Counts sum up the document. Tally fills them.
type Counts struct {
	Assets     int            `json:"assets"`
	Relations  int            `json:"relations"`
	Workloads  VerdictCounts  `json:"workloads"`
	Criteria   StatusCounts   `json:"criteria"`
	Findings   FindingCounts  `json:"findings"`
	BlindSpots int            `json:"blindspots"`
	Kinds      map[string]int `json:"kinds"` // assets by kind; "unknown" for a type nobody reads
}

// VerdictCounts count workloads by verdict.
type VerdictCounts struct {
	Ready    int `json:"ready"`
	NotReady int `json:"not-ready"`
	Unknown  int `json:"unknown"`
}

// Total is the number of workloads counted.
func (c VerdictCounts) Total() int { return c.Ready + c.NotReady + c.Unknown }

// StatusCounts count criteria, over all workloads, by status.
type StatusCounts struct {
	Pass    int `json:"pass"`
	Fail    int `json:"fail"`
	NA      int `json:"n/a"`
	Unknown int `json:"unknown"`
	Waived  int `json:"waived"`
}

// FindingCounts count findings by status, and the failing ones by severity.
type FindingCounts struct {
	Fail     int `json:"fail"`
	Unknown  int `json:"unknown"`
	Critical int `json:"critical"`
	High     int `json:"high"`
	Medium   int `json:"medium"`
	Low      int `json:"low"`
	Info     int `json:"info"`
}

// Sources turns the snapshot's source states into the report's.
func Sources(states []estate.SourceStatus) []Source {
	out := make([]Source, 0, len(states))
	for _, s := range states {
		out = append(out, Source{Source: s.Source, Status: s.Status, Assets: s.Assets, Calls: s.Calls, Seconds: s.Seconds})
	}
	return out
}

// MarshalJSON writes the document in the shape of the schema: the schema's name
// set, the time in UTC, and every list a list, never null.
func (d Document) MarshalJSON() ([]byte, error) { return json.Marshal(d.full(d.Findings)) }

// full is the document as MarshalJSON writes it, with these findings, which stand
// last. What is told of all findings is told of the document's own.
func (d Document) full(findings []finding.Finding) any {
	type plain Document // without MarshalJSON
	d.Schema = Schema
	d.Taken = d.Taken.UTC()
	d.Sources = list(d.Sources)
	d.Overview = d.Overview.bound()
	d.BlindSpots = listEach(d.BlindSpots, func(b *BlindSpot) { b.Criteria = list(b.Criteria) })
	ix := newIndex(&d)
	d.Mending = ix.mended()
	d.Workloads = listEach(d.Workloads, func(w *Workload) {
		w.Waived = ix.waivers(w)
		w.Criteria = listEach(w.Criteria, func(c *finding.Criterion) {
			c.Evidence, c.Findings = list(c.Evidence), list(c.Findings)
		})
	})
	if d.Counts.Kinds == nil {
		d.Counts.Kinds = map[string]int{}
	}
	return struct {
		plain
		Findings []fullFinding `json:"findings"`
	}{plain(d), fullFindings(findings)}
}

// fullFinding is a finding whose fix keeps its members even when they are empty.
type fullFinding struct {
	finding.Finding
	Fix fullFix `json:"fix"`
}

type fullFix struct {
	Text     string   `json:"text"`
	Commands []string `json:"commands"`
	Patch    string   `json:"patch"`
	Effort   string   `json:"effort"`
	Disrupts []string `json:"disrupts"`
	// What has no growth is a finding of no control, and has no cost.
	Grows finding.Growth `json:"grows,omitempty"`
	Cost  *finding.Cost  `json:"cost,omitempty"`
}

func fullFindings(findings []finding.Finding) []fullFinding {
	out := make([]fullFinding, len(findings))
	for i, f := range findings {
		out[i] = fullFindingOf(f)
	}
	return out
}

func fullFindingOf(f finding.Finding) fullFinding {
	f.Evidence, f.Frameworks, f.Techniques = list(f.Evidence), list(f.Frameworks), list(f.Techniques)
	if f.Risk != nil {
		risk := *f.Risk
		risk.Path, risk.Factors = list(risk.Path), list(risk.Factors)
		f.Risk = &risk
	}
	fix := f.Fix
	return fullFinding{f, fullFix{fix.Text, list(fix.Commands), fix.Patch, fix.Effort, list(fix.Disrupts), fix.Grows, fix.Cost}}
}

// list returns s, or an empty list for nil: consumers iterate, they do not test
// for null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// listEach returns a copy of s with mend applied to each element, so that the
// caller's document is left as it was.
func listEach[T any](s []T, mend func(*T)) []T {
	out := make([]T, len(s))
	copy(out, s)
	for i := range out {
		mend(&out[i])
	}
	return out
}

// Tally fills the counts that follow from the document itself. Assets,
// Relations and Kinds come from the snapshot and are left alone.
func (d *Document) Tally() {
	c := &d.Counts
	c.Workloads, c.Criteria, c.Findings = VerdictCounts{}, StatusCounts{}, FindingCounts{}
	c.BlindSpots = len(d.BlindSpots)
	for i := range d.Workloads {
		switch d.Workloads[i].Verdict {
		case finding.Ready:
			c.Workloads.Ready++
		case finding.NotReady:
			c.Workloads.NotReady++
		default:
			c.Workloads.Unknown++
		}
		for _, cr := range d.Workloads[i].Criteria {
			c.Criteria.add(cr.Status)
		}
	}
	for i := range d.Findings {
		c.Findings.add(&d.Findings[i])
	}
}

// add counts one criterion; a status nobody knows counts as unknown.
func (c *StatusCounts) add(s finding.CriterionStatus) {
	switch s {
	case finding.CriterionPass:
		c.Pass++
	case finding.CriterionFail:
		c.Fail++
	case finding.CriterionNA:
		c.NA++
	case finding.CriterionWaived:
		c.Waived++
	default:
		c.Unknown++
	}
}

// Total is the number of criteria counted.
func (c StatusCounts) Total() int { return c.Pass + c.Fail + c.NA + c.Unknown + c.Waived }

// Held is the number of criteria that do not hold a workload back.
func (c StatusCounts) Held() int { return c.Pass + c.NA + c.Waived }

// add counts one finding.
func (c *FindingCounts) add(f *finding.Finding) {
	if f.Status != finding.Fail {
		c.Unknown++
		return
	}
	c.Fail++
	switch f.Severity {
	case finding.Critical:
		c.Critical++
	case finding.High:
		c.High++
	case finding.Medium:
		c.Medium++
	case finding.Low:
		c.Low++
	default:
		c.Info++
	}
}
