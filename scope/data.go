package scope

import (
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// The labels that a policy knows without being told.
const (
	LabelPII          = "PII"
	LabelPHI          = "PHI"
	LabelPCI          = "PCI"
	LabelFinancial    = "financial"
	LabelCredentials  = "credentials"
	LabelSourceCode   = "source code"
	LabelConfidential = "confidential"
)

// Labels lists them.
func Labels() []string {
	return []string{LabelPII, LabelPHI, LabelPCI, LabelFinancial, LabelCredentials, LabelSourceCode, LabelConfidential}
}

// The controls a label may demand of the store it lies in.
const (
	DataEncryption = "encryption"  // at rest, with any key
	DataCompanyKey = "company-key" // with a key the company manages itself
	DataPrivate    = "private"     // not open to everyone
	DataVersioning = "versioning"  // what is overwritten can be had back
	DataAccessLog  = "access-log"  // who read what is logged
	DataBackup     = "backup"      // a copy elsewhere, or point-in-time recovery
	DataReaders    = "readers"     // who may read it does, or is stated to be allowed to
	DataMasking    = "masking"     // its columns or values are masked from most who read it
)

// DataControls lists them.
func DataControls() []string {
	return []string{DataEncryption, DataCompanyKey, DataPrivate, DataVersioning, DataAccessLog, DataBackup, DataReaders, DataMasking}
}

// defaultDemands are what labels demand where the file does not say.
var defaultDemands = map[string][]string{
	LabelPII:          {DataEncryption, DataPrivate, DataAccessLog, DataReaders},
	LabelPHI:          {DataEncryption, DataCompanyKey, DataPrivate, DataVersioning, DataAccessLog, DataBackup, DataReaders},
	LabelPCI:          {DataEncryption, DataCompanyKey, DataPrivate, DataAccessLog, DataReaders},
	LabelFinancial:    {DataEncryption, DataPrivate},
	LabelCredentials:  {DataEncryption, DataPrivate, DataReaders},
	LabelSourceCode:   {DataEncryption, DataPrivate},
	LabelConfidential: {DataEncryption, DataPrivate, DataAccessLog},
}

// defaultTags are the tags by which stores are commonly labelled.
var defaultTags = []string{"DataClassification", "data-classification", "data_classification", "dataclass", "data-class", "Sensitivity"}

// Data is the policy on labelled data: where it may be, under which controls, for what
// purpose, and how long.
type Data struct {
	Approved  []Approval
	Retention []Retention
	Demands   []Demand
	// Readers are those who may read data of a label.
	Readers  []Readers
	Purposes []Purpose
	// Declassifiers are jobs whose output has fewer labels than their input.
	Declassifiers []Declassifier
	// Declared are labels that somebody states of assets.
	Declared []DeclaredLabel
	// Tags are the keys of tags whose value is a label; the common ones unless set.
	Tags []string
}

// Approval lists the systems data of a label may be in: ids or names of assets,
// addresses of stores, names of workloads, zone:NAME.
type Approval struct {
	Label   string
	Systems []string
	Place   strict.Place
}

// Readers lists the principals that may read stores with a label: ids or names of
// identities, a star standing for any letters.
type Readers struct {
	Label      string
	Principals []string
	Place      strict.Place
}

// MayRead reports whether somebody states that a principal may read data of a label, and
// whether anybody states who may.
func (d *Data) MayRead(label, principal string) (may, stated bool) {
	name := principal[strings.LastIndexAny(principal, "/:")+1:]
	for _, r := range d.Readers {
		if r.Label != label {
			continue
		}
		stated = true
		for _, p := range r.Principals {
			if expr.Glob(p, principal) || expr.Glob(p, name) {
				return true, true
			}
		}
	}
	return false, stated
}

// Retention is how long data of a label is kept.
type Retention struct {
	Label   string
	Purpose string // for one purpose only; empty: for all
	Keep    time.Duration
	Place   strict.Place
}

// Demand is what a label demands of the stores it lies in.
type Demand struct {
	Label    string
	Controls []string
	Regions  []string // it may lie in; empty: anywhere
	Place    strict.Place
}

// Purpose is what data of a label is used for, and on what ground.
type Purpose struct {
	Label, Name, Basis string
	Workloads          []string // empty: all
	DPIA               Document
	Processors         []Processor
	Place              strict.Place
}

// Document is a document of record. Dates are zero where the file gives none.
type Document struct {
	Where             string
	Approved, Expires time.Time
}

// Processor is somebody who processes the data for the company.
type Processor struct {
	Name  string
	Terms Document
}

// Declassifier is a job that takes labels away, as somebody declares; it counts once
// its output has been scanned after it ran.
type Declassifier struct {
	Job     string
	Removes []string
	Reason  string
	Place   strict.Place
}

// DeclaredLabel is a label that the file gives to what matches.
type DeclaredLabel struct {
	Label string
	Match *expr.Expr
	Place strict.Place
}

// DemandsOf returns what a label demands: by the file, else by default; false if
// nobody says.
func (d *Data) DemandsOf(label string) (Demand, bool) {
	for _, m := range d.Demands {
		if m.Label == label {
			return m, true
		}
	}
	c, ok := defaultDemands[label]
	return Demand{Label: label, Controls: slices.Clone(c)}, ok
}

// TagKeys are the keys of tags whose value is a label.
func (d *Data) TagKeys() []string {
	if len(d.Tags) > 0 {
		return d.Tags
	}
	return slices.Clone(defaultTags)
}

// LabelOf gives a word its label's spelling: "pii" is PII. Words nobody declared stay.
func LabelOf(word string) string {
	w := strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(strings.TrimSpace(word)))
	for _, l := range Labels() {
		if strings.ToLower(l) == w {
			return l
		}
	}
	switch w {
	case "personal", "personal data", "personally identifiable information":
		return LabelPII
	case "health", "protected health information", "medical":
		return LabelPHI
	case "card", "cardholder", "cardholder data", "payment":
		return LabelPCI
	case "secret", "secrets", "credential":
		return LabelCredentials
	case "restricted", "highly confidential", "internal confidential":
		return LabelConfidential
	}
	return strings.TrimSpace(word)
}

type dataYAML struct {
	Approved      []approval      `key:"approved" doc:"Systems approved for data of a label."`
	Retention     []retention     `key:"retention" doc:"How long data of a label is kept."`
	Readers       []readers       `key:"readers" doc:"Who may read stores with a label."`
	Controls      []demand        `key:"controls" doc:"What a label demands of the stores it lies in; defaults stand for labels left out."`
	Purposes      []purpose       `key:"purposes" doc:"What data of a label is used for, on which legal basis."`
	Declassifiers []declassifier  `key:"declassifiers" doc:"Jobs whose output has fewer labels than their input; it counts once the output was scanned after they ran."`
	Labels        []declaredLabel `key:"labels" doc:"Labels stated of assets."`
	Tags          []string        `key:"tags" doc:"Keys of tags whose value is a label: DataClassification."`
}

type approval struct {
	strict.Place
	Label   strict.Text `key:"label,required" doc:"Label of the data: PII, PHI, PCI, financial, credentials, source code, confidential, or a type (EMAIL_ADDRESS)."`
	Systems []string    `key:"systems,required" doc:"Systems it may be in: assets by id or name, s3://BUCKET/PREFIX, workloads, zone:NAME."`
}

type retention struct {
	strict.Place
	Label   strict.Text `key:"label,required" doc:"Label of the data."`
	Purpose string      `key:"purpose" doc:"For this purpose only."`
	Keep    strict.Text `key:"keep,required" doc:"How long: 730d, 12h."`
}

type readers struct {
	strict.Place
	Label      strict.Text `key:"label,required" doc:"Label of the data."`
	Principals []string    `key:"principals,required" doc:"Identities by ARN or name; * stands for any letters."`
}

type demand struct {
	strict.Place
	Label   strict.Text   `key:"label,required" doc:"Label of the data."`
	Require []strict.Text `key:"require" doc:"encryption, company-key, private, versioning, access-log, backup, readers, masking."`
	Regions []strict.Text `key:"regions" doc:"Regions it may lie in; anywhere unless given."`
}

type purpose struct {
	strict.Place
	Label      strict.Text `key:"label,required" doc:"Label of the data."`
	Purpose    strict.Text `key:"purpose,required" doc:"What it is used for."`
	Basis      strict.Text `key:"basis,required" enum:"consent|contract|legal-obligation|vital-interests|public-task|legitimate-interests" doc:"Legal basis (GDPR, article 6)."`
	Workloads  []string    `key:"workloads" doc:"Workloads that use it so; all unless given."`
	DPIA       document    `key:"dpia" doc:"The data protection impact assessment."`
	Processors []processor `key:"processors" doc:"Who processes it for the company."`
}

type document struct {
	Where    string      `key:"document" doc:"Where it is kept."`
	Approved strict.Text `key:"approved" doc:"Day it was approved: 2026-01-31."`
	Expires  strict.Text `key:"expires" doc:"Last day it counts: 2027-01-31."`
}

type processor struct {
	Name  strict.Text `key:"name,required" doc:"Name of the processor."`
	Terms document    `key:"terms" doc:"The agreement on processing."`
}

type declassifier struct {
	strict.Place
	Job     strict.Text   `key:"job,required" doc:"Id or name of the job, or its family's."`
	Removes []strict.Text `key:"removes,required" doc:"Labels its output no longer has."`
	Reason  string        `key:"reason" doc:"How it takes them away."`
}

type declaredLabel struct {
	strict.Place
	Label strict.Text `key:"label,required" doc:"The label."`
	Match strict.Text `key:"match,required" doc:"CEL over an asset."`
}

func (c *checker) data(y *dataYAML, out *Data) {
	out.Tags = y.Tags
	own := map[string]bool{}
	for _, d := range y.Labels {
		own[d.Label.Value] = true
		out.Declared = append(out.Declared, DeclaredLabel{LabelOf(d.Label.Value), c.expression(d.Match), d.Place})
	}
	label := func(t strict.Text) string {
		l := LabelOf(t.Value)
		if near := strict.Nearest(l, Labels()); near != "" && near != l && !own[l] && !slices.Contains(Labels(), l) {
			c.bad(t, "did you mean "+near+"? a label of your own is declared under data: labels", "%q is no label", t.Value)
		}
		if l == "" {
			c.bad(t, "", "a label is empty")
		}
		return l
	}
	for _, a := range y.Approved {
		out.Approved = append(out.Approved, Approval{label(a.Label), a.Systems, a.Place})
	}
	for _, r := range y.Readers {
		out.Readers = append(out.Readers, Readers{label(r.Label), r.Principals, r.Place})
	}
	for _, r := range y.Retention {
		out.Retention = append(out.Retention, Retention{label(r.Label), r.Purpose, c.period(r.Keep), r.Place})
	}
	seen := map[string]int{}
	for _, d := range y.Controls {
		m := Demand{Label: label(d.Label), Controls: []string{}, Place: d.Place}
		if line, twice := seen[m.Label]; twice {
			c.bad(d.Label, "", "the controls of %s are stated twice, first in line %d", m.Label, line)
		}
		seen[m.Label] = d.Line
		for _, r := range d.Require {
			if !slices.Contains(DataControls(), r.Value) {
				c.bad(r, "one of "+strings.Join(DataControls(), ", "), "%q is no control of a store", r.Value)
			}
			m.Controls = append(m.Controls, r.Value)
		}
		for _, r := range d.Regions {
			m.Regions = append(m.Regions, r.Value)
		}
		out.Demands = append(out.Demands, m)
	}
	for _, p := range y.Purposes {
		q := Purpose{Label: label(p.Label), Name: p.Purpose.Value, Basis: p.Basis.Value, Workloads: p.Workloads, DPIA: c.document(p.DPIA), Place: p.Place}
		for _, x := range p.Processors {
			q.Processors = append(q.Processors, Processor{x.Name.Value, c.document(x.Terms)})
		}
		out.Purposes = append(out.Purposes, q)
	}
	for _, d := range y.Declassifiers {
		r := Declassifier{Job: d.Job.Value, Reason: d.Reason, Place: d.Place}
		for _, l := range d.Removes {
			r.Removes = append(r.Removes, label(l))
		}
		out.Declassifiers = append(out.Declassifiers, r)
	}
}

func (c *checker) document(d document) Document {
	return Document{d.Where, c.day(d.Approved), c.day(d.Expires)}
}
