package respond

import (
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// reviewed is an after-action report: all of it comes from the record and the journal,
// so that writing it again writes the same.
type reviewed struct {
	Incident *Incident
	Record   *Record
	// Spans are how long each state took from the one before.
	Spans []span
	Lines []line
	// Scored are a tabletop's injects; Wall says when it was played, apart from the time
	// that it played.
	Scored []Scored
	Wall   string
}

// line is an entry with its time as the report tells it.
type line struct {
	At string
	Entry
}

type span struct {
	State State
	At    string
	Took  string
}

func review(in *Incident, r *Record) reviewed {
	c := *in
	i := &c
	i.Clocks = slices.Clone(in.Clocks)
	for n := range i.Clocks { // a deadline that draws near is not the report's business
		switch i.Clocks[n].Status {
		case "told":
		case "ended":
			i.Clocks[n].Status = "does not apply after all"
		default:
			i.Clocks[n].Status = "not told"
		}
	}
	v := reviewed{Incident: i, Record: r}
	if i.table != nil {
		v.played(i)
		return v
	}
	clock := time.TimeOnly
	if n := len(i.Entries); n > 0 && i.Entries[0].Time.UTC().Format(time.DateOnly) != i.Entries[n-1].Time.UTC().Format(time.DateOnly) {
		clock = time.DateTime // of an incident of days the hour alone says little
	}
	for _, e := range i.Entries {
		v.Lines = append(v.Lines, line{e.Time.UTC().Format(clock), e})
	}
	var last time.Time
	for _, s := range States() {
		at, ok := i.At[s]
		if !ok {
			continue
		}
		took := ""
		if !last.IsZero() {
			took = at.Sub(last).Round(time.Second).String()
		}
		v.Spans = append(v.Spans, span{s, at.UTC().Format(time.RFC3339), took})
		last = at
	}
	return v
}

// Markdown writes the after-action report of an incident or exercise. r is nil for an
// incident.
func Markdown(w io.Writer, i *Incident, r *Record) error {
	v := review(i, r)
	i = v.Incident
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# After-action report %s\n\n%s\n", i.ID, escape(i.Title))
	line("- Scenario: %s\n- Workload: %s\n- State: %s", i.Scenario, escape(orText(i.Workload, "not said")), i.State)
	if r != nil {
		line("- Kind: %s", r.Kind)
		if r.Kind == Tabletop {
			line("- Score: %d of 100", r.Score)
		}
		for _, t := range []struct {
			what string
			took time.Duration
		}{{"detect", r.Detect}, {"acknowledge", r.Acknowledge}, {"contain", r.Contain}, {"return", r.Return}} {
			if t.what == "return" && t.took == 0 {
				continue
			}
			if t.what == "detect" && r.Kind == Tabletop {
				continue // around a table nothing is detected
			}
			line("- Time to %s: %s", t.what, tookText(t.took))
		}
	}
	if v.Wall != "" {
		line("\nAll times below are of the exercise, from its start. %s", v.Wall)
		line("\n## What happened, and how it was answered\n\n| inject | to | came | until | answered | by | answer | expected | points |\n|---|---|---|---|---|---|---|---|---|")
		for _, s := range v.Scored {
			line("| %s | %s | %s | %s | %s | %s | %s | %s | %s |", s.Inject, s.Role, minutes(s.Came), minutes(s.Until), escape(s.When()), escape(orText(s.By, "-")), escape(orText(s.Answer, "-")), escape(s.Expected), s.Score())
		}
	}
	line("\n## How it went\n\n| state | reached | took |\n|---|---|---|")
	for _, s := range v.Spans {
		line("| %s | %s | %s |", s.State, s.At, s.Took)
	}
	line("\n## What was decided and done\n\n| time | who | what |\n|---|---|---|")
	for _, e := range v.Lines {
		line("| %s | %s | %s |", e.At, escape(orText(e.By, "-")), escape(strings.TrimSuffix(e.What+": "+e.Text, ": ")))
	}
	if len(i.Changes) > 0 {
		line("\n## What was changed\n\n| step | action | on | stands |\n|---|---|---|---|")
		for _, c := range i.Changes {
			line("| %s | %s | %s | %s |", escape(c.Step), escape(c.Action), escape(c.Target), escape(strings.TrimSpace(c.Stands+" "+c.Why)))
		}
	}
	if r != nil {
		line("\n## Gaps\n")
		for _, g := range r.Gaps {
			box := " "
			if g.Closed != "" {
				box = "x"
			}
			line("- [%s] %s: %s %s", box, g.ID, escape(g.Text), escape(g.Closed))
		}
		if len(r.Gaps) == 0 {
			line("None.")
		}
	}
	if len(i.Clocks) > 0 {
		line("\n## Duties\n\n| duty | to | by | stands |\n|---|---|---|---|")
		for _, c := range i.Clocks {
			line("| %s | %s | %s | %s |", escape(c.What), escape(c.To), c.Deadline.UTC().Format(time.RFC3339), c.Status)
		}
	}
	line("\nThe journal's last event has the hash `%s`.", i.Head)
	_, err := io.WriteString(w, b.String())
	return err
}

func tookText(d time.Duration) string {
	if d == 0 {
		return "not measured"
	}
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

var unsafe = strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "[", `\[`, "`", "'")

// escape makes a text fit a table of Markdown.
func escape(s string) string { return unsafe.Replace(s) }

// HTML writes the same as one page without scripts, links or outside parts.
func HTML(w io.Writer, i *Incident, r *Record) error { return page.Execute(w, review(i, r)) }

var page = template.Must(template.New("page").Funcs(template.FuncMap{"took": tookText, "minutes": minutes, "stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339) }}).Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>After-action report {{.Incident.ID}}</title>
<style>
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin-bottom:0}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #8884;vertical-align:top;overflow-wrap:anywhere}
td:first-child,td:nth-child(2){white-space:nowrap}.done td:last-child{width:75%}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.8rem;margin:1.2rem 0}
.facts div{border:1px solid #8884;border-radius:.5rem;padding:.6rem .8rem}.facts b{display:block;font-size:1.15rem;overflow-wrap:anywhere}
.open{color:#b3261e}.closed{color:#2e7d32}
@media (prefers-color-scheme:dark){.open{color:#ff8a80}.closed{color:#a5d6a7}}
code{overflow-wrap:anywhere}
th{white-space:nowrap;overflow-wrap:normal}
.injects td:nth-child(-n+4),.injects td:last-child{white-space:nowrap;overflow-wrap:normal}
@media (max-width:44rem){
.stack thead{display:none}.stack,.stack tbody,.stack tr,.stack td{display:block}
.stack tr{border-bottom:1px solid #8884;padding:.5rem 0}
.stack td,.injects td:nth-child(-n+4),.injects td:last-child{border:0;padding:.1rem .2rem;white-space:normal;overflow-wrap:anywhere}
.stack td:first-child{font-weight:600}.stack td[data-is]::before{content:attr(data-is) ": ";opacity:.7}
}
@media print{.stack tr{break-inside:avoid}}
</style></head><body>
<h1>After-action report {{.Incident.ID}}</h1>
<p>{{.Incident.Title}}{{if .Incident.Workload}} — {{.Incident.Workload}}{{end}}</p>
<div class="facts"><div>Scenario<b>{{.Incident.Scenario}}</b></div><div>State<b>{{.Incident.State}}</b></div>
{{with .Record}}<div>Kind<b>{{.Kind}}</b></div>{{if eq .Kind "tabletop"}}<div>Score<b>{{.Score}} of 100</b></div>{{end}}{{if ne .Kind "tabletop"}}<div>To detect<b>{{took .Detect}}</b></div>{{end}}<div>To acknowledge<b>{{took .Acknowledge}}</b></div><div>To contain<b>{{took .Contain}}</b></div>{{if .Return}}<div>To return<b>{{took .Return}}</b></div>{{end}}{{end}}</div>
{{if .Wall}}<p>All times below are of the exercise, from its start. {{.Wall}}</p>
<h2>What happened, and how it was answered</h2><table class="injects stack"><thead><tr><th>Inject</th><th>Came</th><th>Until</th><th>Answered</th><th>Answer</th><th>Expected</th><th>Points</th></tr></thead><tbody>{{range .Scored}}<tr><td>{{.Inject}}<br><small>to {{.Role}}</small></td><td data-is="Came">{{minutes .Came}}</td><td data-is="Until">{{minutes .Until}}</td><td data-is="Answered">{{.When}}{{if .By}} <small>{{.By}}</small>{{end}}</td><td data-is="Answer">{{or .Answer "-"}}</td><td data-is="Expected">{{.Expected}}</td><td data-is="Points">{{.Score}}</td></tr>{{end}}</tbody></table>{{end}}
<h2>How it went</h2><table><thead><tr><th>State</th><th>Reached</th><th>Took</th></tr></thead><tbody>{{range .Spans}}<tr><td>{{.State}}</td><td>{{.At}}</td><td>{{.Took}}</td></tr>{{end}}</tbody></table>
<h2>What was decided and done</h2><table class="done"><thead><tr><th>Time</th><th>Who</th><th>What</th></tr></thead><tbody>{{range .Lines}}<tr><td>{{.At}}</td><td>{{or .By "-"}}</td><td>{{.What}}{{if .Text}}: {{.Text}}{{end}}</td></tr>{{end}}</tbody></table>
{{if .Incident.Changes}}<h2>What was changed</h2><table class="changed stack"><thead><tr><th>Step</th><th>Action</th><th>On</th><th>Stands</th></tr></thead><tbody>{{range .Incident.Changes}}<tr><td>{{.Step}}</td><td data-is="Action">{{.Action}}</td><td data-is="On">{{.Target}}</td><td data-is="Stands">{{.Stands}} {{.Why}}</td></tr>{{end}}</tbody></table>{{end}}
{{with .Record}}<h2>Gaps</h2>{{if .Gaps}}<ul>{{range .Gaps}}<li class="{{if .Closed}}closed{{else}}open{{end}}">{{if .Closed}}Closed{{else}}Open{{end}} — {{.ID}}: {{.Text}} {{.Closed}}</li>{{end}}</ul>{{else}}<p>None.</p>{{end}}{{end}}
{{if .Incident.Clocks}}<h2>Duties</h2><table class="stack"><thead><tr><th>Duty</th><th>To</th><th>By</th><th>Stands</th></tr></thead><tbody>{{range .Incident.Clocks}}<tr><td>{{.Duty}}</td><td data-is="To">{{.To}}</td><td data-is="By">{{stamp .Deadline}}</td><td data-is="Stands">{{.Status}}</td></tr>{{end}}</tbody></table>{{end}}
<p>The journal's last event has the hash <code>{{.Incident.Head}}</code>.</p>
</body></html>
`))
