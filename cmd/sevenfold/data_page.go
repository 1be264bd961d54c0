package main

import (
	"html/template"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// flowsTemplate is the page of data flows: one row of boxes for each way, drawn by the
// page's own style, without a script.
var flowsTemplate = template.Must(template.New("flows").Funcs(template.FuncMap{"last": lastPart, "word": approvalWord}).Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>sevenfold: where labelled data goes</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1b1b1b;background:#fff}
.way{display:flex;flex-wrap:wrap;align-items:center;gap:.3rem;margin:.3rem 0 1rem;padding:0;list-style:none}
.way li{border:1px solid #777;border-radius:.3rem;padding:.2rem .5rem;overflow-wrap:anywhere}
.way li+li::before{content:"";} .by{color:#555;font-size:.8rem}
.no{border-left:.4rem solid #b00020;padding-left:.6rem} .unknown{border-left:.4rem solid #8a6d00;padding-left:.6rem} .yes{border-left:.4rem solid #1b6e3c;padding-left:.6rem}
h2{font-size:1.05rem;margin:.6rem 0 0}
</style>
<h1>Where labelled data goes</h1>
{{range .Stops}}<section class="{{.Approved}}"><h2>{{.Label}} in {{last .System}}: {{word .Approved}}</h2>
<div class="by">{{.System}} ({{.Type}}), {{.Origin}}, {{.Tier}}</div>
{{if .Path}}<ol class="way"><li title="{{(index .Path 0).From}}">{{last (index .Path 0).From}}</li>{{range .Path}}<span class="by" title="{{.Evidence}}">{{.Tier}} &rarr;</span><li title="{{.To}}">{{last .To}}</li>{{end}}</ol>{{end}}</section>
{{else}}<p>No label is known of anything.</p>{{end}}
{{if .Possible}}<h1>What is possible beside it</h1><p>By permission and by network; nothing declares or shows it.</p>
{{range .Possible}}<section class="{{.Approved}}"><h2>{{range $i, $l := .Labels}}{{if $i}}, {{end}}{{$l}}{{end}} of {{last .Store}} by {{last .Taker}}: {{word .Approved}}</h2>
<div class="by">{{.Reason}}</div>
{{range .Systems}}<ol class="way"><li title="{{(index .Path 0).From}}">{{last (index .Path 0).From}}</li>{{range .Path}}<span class="by" title="{{.Evidence}}">{{.Tier}} &rarr;</span><li title="{{.To}}">{{last .To}}</li>{{end}}<span class="by">{{word .Approved}}</span></ol>{{end}}{{if .More}}<p>and {{.More}} systems more</p>{{end}}</section>
{{end}}{{if .PossibleMore}}<p>and {{.PossibleMore}} possible flows more</p>{{end}}{{end}}
{{if .PossibleUnknown}}<h2>Who could take its data is not known</h2><ul>{{range .PossibleUnknown}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{if .Unclassified}}<h2>Not looked into</h2><ul>{{range .Unclassified}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{if .Unseen}}<h2>Flows that nobody declared would not be seen</h2><ul>{{range .Unseen}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{if .Open}}<h2>Left open by definitions of pipelines</h2><ul>{{range .Open}}<li>{{.}}</li>{{end}}</ul>{{end}}
{{if .Lowered}}<h2>Declassifiers that do not count</h2><ul>{{range .Lowered}}<li>{{.}}</li>{{end}}</ul>{{end}}
</html>
`))

func flowsPage(w io.Writer, f *data.Flows) error { return flowsTemplate.Execute(w, f) }

func lastPart(id string) string {
	if i := strings.LastIndexAny(id, ":"); i >= 0 && i+1 < len(id) && strings.HasPrefix(id, "arn:") {
		id = id[i+1:]
	}
	return strings.NewReplacer("#prefix/", "/", "#object/", "/").Replace(id)
}

func approvalWord(state string) string {
	return map[string]string{"no": "not approved", "yes": "approved", "unknown": "no system is stated for this label"}[state]
}
