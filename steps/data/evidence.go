package data

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope"
)

// Evidence are tables for an auditor: what the law asks, what the estate shows, and what
// that rests on.
type Evidence struct {
	Estate   string    `json:"estate"`
	Taken    time.Time `json:"taken"`
	Snapshot string    `json:"snapshot"`
	Tables   []Table   `json:"tables"`
}

// Table is one table.
type Table struct {
	Law    string     `json:"law"`
	Asks   string     `json:"asks"`
	Head   []string   `json:"head"`
	Rows   [][]string `json:"rows"`
	Remark string     `json:"remark,omitempty"`
}

// Evidence draws the tables. A cell that is not known says so.
func (w *World) Evidence(workloads *scope.Workloads) *Evidence {
	j := &jury{w: w, workloads: workloads, told: map[string]bool{}}
	e := &Evidence{Estate: w.scope.Estate, Taken: w.snap.Taken(), Snapshot: w.snap.Hash()}
	used := w.uses(j)
	e.Tables = append(e.Tables, w.article5(used), w.article30(used), w.article32(used), w.article35(used), w.hipaa(used))
	return e
}

// use is a label at a place of a workload.
type use struct {
	workload, owner, purpose, place, label string
}

func (w *World) uses(j *jury) (out []use) {
	for i := range j.workloads.List {
		p := j.party(&j.workloads.List[i])
		for _, id := range p.places {
			labels := w.labelNames(id)
			if len(labels) == 0 {
				why := "none found"
				if u := w.unclassified(id); u != "" {
					why = "not known: " + u
				}
				out = append(out, use{p.Name, p.Owner, p.Purpose, id, why})
			}
			for _, l := range labels {
				if slices.Contains(scope.Labels(), l) || !slices.Contains(w.policy, l) {
					out = append(out, use{p.Name, p.Owner, p.Purpose, id, l})
				}
			}
		}
	}
	return out
}

func isLabel(u use) bool { return u.label != "none found" && !strings.HasPrefix(u.label, "not known") }

func (w *World) grounds(u use) (name, basis, dpia string) {
	for _, q := range w.scope.Data.Purposes {
		if q.Label == u.label && (len(q.Workloads) == 0 || slices.Contains(q.Workloads, u.workload)) {
			dpia = "not evidenced"
			if q.DPIA.Where != "" && !q.DPIA.Approved.IsZero() {
				dpia = q.DPIA.Where + ", approved " + q.DPIA.Approved.Format(time.DateOnly)
				if !q.DPIA.Expires.IsZero() {
					dpia += ", until " + q.DPIA.Expires.Format(time.DateOnly)
					if w.snap.Taken().After(q.DPIA.Expires.AddDate(0, 0, 1)) {
						dpia += " (expired)"
					}
				}
			}
			return q.Name, q.Basis, dpia
		}
	}
	return "not stated", "not stated", "not evidenced"
}

func (w *World) article5(used []use) Table {
	t := Table{Law: "GDPR, article 5", Asks: "lawfulness, purpose limitation, minimisation, storage limitation, integrity and confidentiality", Head: []string{"workload", "store", "data", "purpose", "basis", "kept", "approved there"}}
	for _, u := range used {
		name, basis, _ := w.grounds(u)
		kept, approved := "", ""
		if isLabel(u) {
			k := w.keeps(u.place, u.label, w.purposesOf(u.workload))
			kept = fmt.Sprintf("%d days, %s", k.Days, k.Status)
			if k.Days == 0 {
				kept = "no period stated"
			}
			if a := w.asset(u.place); a != nil {
				approved = "not stated"
				for _, r := range w.scope.Data.Approved {
					if r.Label == u.label {
						approved = "no"
					}
				}
				if approved == "no" && slices.ContainsFunc(w.scope.Data.Approved, func(r scope.Approval) bool {
					return r.Label == u.label && slices.ContainsFunc(r.Systems, func(s string) bool {
						c, p, ok := w.find(s)
						pc, pp := part(u.place)
						return s == u.workload || a.Name == s || w.asset(pc) != nil && w.asset(pc).Name == s || ok && c == pc && strings.HasPrefix(pp, p)
					})
				}) {
					approved = "yes"
				}
			}
		} else {
			name, basis = "", ""
		}
		t.Rows = append(t.Rows, []string{u.workload, u.place, u.label, name, basis, kept, approved})
	}
	return t
}

func (w *World) article30(used []use) Table {
	t := Table{Law: "GDPR, article 30", Asks: "the record of processing: purposes, categories of data and subjects, recipients, transfers, time limits", Head: []string{"workload", "controller's owner", "purpose", "data", "types found", "subject regions", "recipients", "region", "time limit"}}
	for _, u := range used {
		if !slices.Contains(personal, u.label) {
			continue
		}
		name, _, _ := w.grounds(u)
		var types, regions []string
		for _, l := range w.LabelsOf(u.place) {
			if l.Label == u.label {
				types, regions = append(types, l.Types...), append(regions, l.Regions...)
			}
		}
		var to []string
		for _, c := range w.ahead().From(u.place) {
			if a := w.asset(c); a != nil && slices.Contains(w.labelNames(c), u.label) && len(to) < 5 && a.ID != u.place {
				to = append(to, short(c))
			}
		}
		limit := "not stated"
		if d, ok := w.period(u.label, w.purposesOf(u.workload)); ok {
			limit = fmt.Sprintf("%.0f days", d.Hours()/24)
		}
		container, _ := part(u.place)
		region := "not read"
		if a := w.asset(container); a != nil && a.Region != "" {
			region = a.Region
		}
		t.Rows = append(t.Rows, []string{u.workload, orNot(u.owner), name, u.label, orNot(strings.Join(types, ", ")), orNot(strings.Join(regions, ", ")), strings.Join(to, ", "), region, limit})
	}
	return t
}

func orNot(s string) string {
	if s == "" {
		return "not known"
	}
	return s
}

func (w *World) article32(used []use) Table {
	t := Table{Law: "GDPR, article 32", Asks: "security of processing: encryption, confidentiality, availability, testing", Head: append([]string{"store", "data"}, scope.DataControls()...)}
	seen := map[string]bool{}
	for _, u := range used {
		container, _ := part(u.place)
		if !isLabel(u) || seen[container+u.label] {
			continue
		}
		seen[container+u.label] = true
		t.Rows = append(t.Rows, append([]string{container, u.label}, w.controlCells(container)...))
	}
	return t
}

func (w *World) controlCells(container string) (out []string) {
	n, ok := w.snap.Find(container)
	for _, c := range scope.DataControls() {
		if !ok {
			out = append(out, "not known")
			continue
		}
		got, why := w.held(c, n)
		out = append(out, [...]string{"not known: ", "yes: ", "NO: "}[got]+why)
	}
	return out
}

func (w *World) article35(used []use) Table {
	t := Table{Law: "GDPR, article 35", Asks: "an impact assessment where the risk is high", Head: []string{"workload", "data", "purpose", "assessment"}}
	seen := map[string]bool{}
	for _, u := range used {
		if !slices.Contains(personal, u.label) || seen[u.workload+u.label] {
			continue
		}
		seen[u.workload+u.label] = true
		name, _, dpia := w.grounds(u)
		t.Rows = append(t.Rows, []string{u.workload, u.label, name, dpia})
	}
	return t
}

func (w *World) hipaa(used []use) Table {
	t := Table{Law: "HIPAA, 45 CFR 164.312", Asks: "technical safeguards: access control (a), audit controls (b), integrity (c), authentication (d), transmission security (e)",
		Head: []string{"store", "(a)(1) not open to everyone", "(a)(2)(iv) encryption", "(b) who read it is logged", "(c) versions and backup"}, Remark: "(d) who may sign in is the access step's (sevenfold access), (e) transmission that of controls on the store's policy (sevenfold audit)."}
	seen := map[string]bool{}
	for _, u := range used {
		container, _ := part(u.place)
		if u.label != scope.LabelPHI || seen[container] {
			continue
		}
		seen[container] = true
		cells := map[string]string{}
		for i, c := range w.controlCells(container) {
			cells[scope.DataControls()[i]] = c
		}
		t.Rows = append(t.Rows, []string{container, cells[scope.DataPrivate], cells[scope.DataEncryption] + "; company's key " + cells[scope.DataCompanyKey], cells[scope.DataAccessLog], cells[scope.DataVersioning] + "; backup " + cells[scope.DataBackup]})
	}
	return t
}

// Markdown writes the tables.
func (e *Evidence) Markdown(out io.Writer) error {
	fmt.Fprintf(out, "# Evidence on data: %s\n\nTaken %s, snapshot `%s`.\n", cell(e.Estate), e.Taken.Format(time.RFC3339), e.Snapshot)
	for _, t := range e.Tables {
		fmt.Fprintf(out, "\n## %s\n\nAsked: %s.\n\n", t.Law, t.Asks)
		if len(t.Rows) == 0 {
			fmt.Fprintln(out, "Nothing of this kind is known of any store that was looked into.")
		} else {
			fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(t.Head, " | "), strings.Repeat("---|", len(t.Head)))
			for _, r := range t.Rows {
				for i := range r {
					r[i] = cell(r[i])
				}
				fmt.Fprintf(out, "| %s |\n", strings.Join(r, " | "))
			}
		}
		if t.Remark != "" {
			fmt.Fprintf(out, "\n%s\n", t.Remark)
		}
	}
	return nil
}

// cell keeps a text within its cell.
func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", "`", "'").Replace(s)
}
