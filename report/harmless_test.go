package report

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// fataler is what the checks need of a test, a fuzz run or a property.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkHarmless fails on text that could steer a terminal or reorder itself.
func checkHarmless(t fataler, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("not UTF-8")
	}
	for i, r := range out {
		if steers(r) {
			t.Fatalf("%U at byte %d: %q", r, i, out[max(0, i-40):min(len(out), i+40)])
		}
	}
}

// allowedTags are the elements the page's own template has.
var allowedTags = regexp.MustCompile(`^(html|head|meta|link|title|style|script|body|a|header|footer|nav|main|section|article|div|span|p|h[1-4]|ul|ol|li|dl|dt|dd|table|thead|tbody|tr|th|td|small|b|i|em|br|code|pre|details|summary|figure|figcaption|form|fieldset|legend|label|input|output|svg|g|defs|marker|path|rect|text)$`)

// checkPage walks the page as a browser reads it: one script and one style of
// ours, no handler, no inline style, no address outside the page, and no
// element that the template does not have.
func checkPage(t fataler, out string) {
	t.Helper()
	scripts := 0
	z := html.NewTokenizer(strings.NewReader(out))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		if kind == html.CommentToken {
			t.Fatalf("a comment: %s", z.Raw())
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		token := z.Token()
		if !allowedTags.MatchString(token.Data) {
			t.Fatalf("element %s", token)
		}
		if token.Data == "script" {
			scripts++
		}
		for _, a := range token.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "action":
				t.Fatalf("attribute in %s", token)
			case a.Key == "href" && !strings.HasPrefix(a.Val, "#") && a.Val != "data:,":
				t.Fatalf("address in %s", token)
			}
		}
	}
	if scripts != 1 {
		t.Fatalf("%d scripts", scripts)
	}
}

// mention finds what a forge would make a mention or reference of.
var mention = regexp.MustCompile(`(^|[^0-9A-Za-z&])[@#][0-9A-Za-z]`)

// ownMarkup is what the renderer itself writes.
var ownMarkup = regexp.MustCompile(`</?(details|summary|b|code|span)>|&#[0-9]+;`)

// checkMarkdown fails on markup that only a value can have brought in.
func checkMarkdown(t fataler, out string) {
	t.Helper()
	if len(out) > markdownLimit {
		t.Fatalf("%d bytes", len(out))
	}
	fenced := ""
	for _, l := range strings.Split(out, "\n") {
		if fenced != "" {
			if l == fenced {
				fenced = ""
			}
			continue
		}
		if strings.HasPrefix(l, "```") {
			fenced = strings.TrimSuffix(l, "sh")
			continue
		}
		bare := ownMarkup.ReplaceAllString(l, "")
		if strings.ContainsAny(bare, "<>[]`") || mention.MatchString(strings.TrimLeft(bare, "#")) {
			t.Fatalf("markup in %q", l)
		}
	}
	if fenced != "" {
		t.Fatalf("a code block is left open")
	}
	if strings.Count(out, "<details>") != strings.Count(out, "</details>") {
		t.Fatalf("details are left open")
	}
}

// check runs every renderer over doc and holds each to its rules.
func check(t fataler, doc *Document, drawing Drawing) {
	t.Helper()
	for format, f := range formats {
		var b strings.Builder
		var err error
		if format == "html" {
			err = HTML(&b, doc, drawing)
		} else {
			err = f(&b, doc)
		}
		if err != nil {
			t.Fatalf("%s: %v", format, err)
		}
		checkHarmless(t, b.String())
		switch format {
		case "html":
			checkPage(t, b.String())
		case "md":
			checkMarkdown(t, b.String())
		}
	}
}

func TestHostileNames(t *testing.T) {
	names := []string{
		hostile, "</style><img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "\" onmouseover=\"alert(1)", "javascript:alert(1)",
		"{{.}}", "`````\n# x", "|a|b|", "@octocat and #12 and GH-3", "www.evil.example https://evil.example", "<!--", "-->", "]]>", "\x1b]0;title\x07",
		strings.Repeat("a", 70_000), strings.Repeat("`", 5_000), "", " ", "\u2028\u2029",
	}
	for _, name := range names {
		check(t, hostileDoc(name), Drawing{name: hostilePicture(name)})
	}
}

// hostilePicture draws a workload with one name for everything.
func hostilePicture(name string) Picture {
	return Picture{
		Nodes: []PictureNode{{ID: name, Name: name, Type: name, Kind: estate.Kind(name), Root: true, Member: true}, {ID: name + "2", Name: name, Type: name, Kind: estate.KindStore}},
		Edges: []PictureEdge{{From: name, To: name + "2", Type: estate.RelationType(name), Tier: estate.Tier(name)}},
	}
}

func TestNoForeignAddresses(t *testing.T) {
	out := render(t, "html", harbour())
	checkPage(t, out)
	if regexp.MustCompile(`(?i)(https?:)?//[a-z0-9.-]+\.[a-z]{2,}[/"')]|url\(\s*['"]?(?:[^#'")]|http)|@import`).MatchString(out) {
		t.Error("the page names an address outside itself")
	}
}

// FuzzRenderers puts any text everywhere a name can stand.
func FuzzRenderers(f *testing.F) {
	for _, s := range []string{hostile, "", "a", "<b>", "`@x`", "\x9b", "\u202e", "a\r\nb", "# x\n- [x](y)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		check(t, hostileDoc(s), Drawing{s: hostilePicture(s)})
	})
}

func TestRandomDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := randomDocument(t)
		doc.Tally()
		check(t, doc, randomDrawing(t, doc))
	})
}

// someText is mostly text that tries something.
func someText(t *rapid.T, label string) string {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{hostile, "eta", "", "<svg onload=x>", "a|b", "@x #1"})).Draw(t, label)
}

func randomDocument(t *rapid.T) *Document {
	doc := &Document{Estate: someText(t, "estate"), Taken: sampleTime, Snapshot: someText(t, "snapshot")}
	for range rapid.IntRange(0, 6).Draw(t, "findings") {
		doc.Findings = append(doc.Findings, finding.Finding{
			ID: rapid.SampledFrom([]string{"F-1", "F-2", "F-3", "F-0a"}).Draw(t, "id"), Control: someText(t, "control"), Asset: someText(t, "asset"), Title: someText(t, "title"),
			Status:   rapid.SampledFrom([]finding.Outcome{finding.Fail, finding.Unknown, "odd"}).Draw(t, "status"),
			Severity: rapid.SampledFrom([]finding.Severity{finding.Critical, finding.Low, "odd", ""}).Draw(t, "severity"),
			Evidence: []finding.Evidence{{What: someText(t, "what"), Where: someText(t, "where"), Value: someText(t, "value")}},
			Fix:      finding.Fix{Text: someText(t, "fix"), Commands: []string{someText(t, "command")}, Effort: someText(t, "effort")},
		})
	}
	ids := []string{"audit.deviations", "audit.ownership", "access.scope", "respond.owners", "odd", ""}
	for range rapid.IntRange(0, 5).Draw(t, "workloads") {
		w := Workload{ID: someText(t, "wid"), Name: someText(t, "name"), Verdict: rapid.SampledFrom([]finding.Verdict{finding.Ready, finding.NotReady, "odd"}).Draw(t, "verdict")}
		for range rapid.IntRange(0, 4).Draw(t, "criteria") {
			w.Criteria = append(w.Criteria, finding.Criterion{ID: rapid.SampledFrom(ids).Draw(t, "cid"), Reason: someText(t, "reason"), Hint: someText(t, "hint"),
				Status:   rapid.SampledFrom([]finding.CriterionStatus{finding.CriterionPass, finding.CriterionFail, finding.CriterionUnknown, finding.CriterionWaived, "odd"}).Draw(t, "cstatus"),
				Findings: rapid.SliceOfN(rapid.SampledFrom([]string{"F-1", "F-2", "F-3", "F-9"}), 0, 3).Draw(t, "refs")})
		}
		doc.Workloads = append(doc.Workloads, w)
	}
	for range rapid.IntRange(0, 3).Draw(t, "spots") {
		doc.BlindSpots = append(doc.BlindSpots, BlindSpot{What: someText(t, "spot"), Why: someText(t, "why"), Hint: someText(t, "hint"), Criteria: []string{rapid.SampledFrom(ids).Draw(t, "hides")}})
	}
	return doc
}

func randomDrawing(t *rapid.T, doc *Document) Drawing {
	d := Drawing{}
	for _, w := range doc.Workloads {
		d[w.ID] = randomPicture(t)
	}
	return d
}

func randomPicture(t *rapid.T) Picture {
	kinds := []estate.Kind{estate.KindIdentity, estate.KindNetwork, estate.KindCompute, estate.KindModel, estate.KindStore, ""}
	var p Picture
	n := rapid.IntRange(0, 45).Draw(t, "nodes")
	for i := range n {
		p.Nodes = append(p.Nodes, PictureNode{ID: string(rune('A' + i)), Name: someText(t, "node"), Type: rapid.SampledFrom([]string{"AWS::S3::Bucket", "v1/Pod", ""}).Draw(t, "type"),
			Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Root: i == 0, Member: rapid.Bool().Draw(t, "member")})
	}
	for range rapid.IntRange(0, 60).Draw(t, "edges") {
		end := rapid.IntRange(0, max(0, n))
		p.Edges = append(p.Edges, PictureEdge{From: string(rune('A' + end.Draw(t, "from"))), To: string(rune('A' + end.Draw(t, "to"))),
			Type: rapid.SampledFrom([]estate.RelationType{estate.Reads, estate.RunsAs, estate.Serves, "odd"}).Draw(t, "relation"), Tier: estate.Declared})
	}
	return p
}
