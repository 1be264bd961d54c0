package report

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// The policy names the very style and script that the page holds: a browser
// hashes what stands between the tags.
func TestPolicyFitsThePage(t *testing.T) {
	out := render(t, "html", harbour())
	for tag, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
		m := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(out, -1)
		if len(m) != 1 {
			t.Fatalf("%d %s elements", len(m), tag)
		}
		want := fmt.Sprintf("%s &#39;%s&#39;", directive, strings.ReplaceAll(hashOf(m[0][1]), "+", "&#43;"))
		if !strings.Contains(out, want) {
			t.Errorf("the policy does not allow the page's own %s: no %s", tag, want)
		}
	}
	if !strings.Contains(out, "default-src &#39;none&#39;") || strings.Contains(out, "unsafe-") {
		t.Error("the policy is not strict")
	}
}

// Ten thousand findings over two hundred workloads make a page below 4 MB that
// says what it leaves out.
func TestPageIsBounded(t *testing.T) {
	doc := crowd(400, 25)
	drawing := Drawing{}
	for _, w := range doc.Workloads {
		drawing[w.ID] = bigPicture()
	}
	for i := range 5000 {
		doc.BlindSpots = append(doc.BlindSpots, BlindSpot{What: fmt.Sprint("asset ", i), Why: "denied", Hint: fmt.Sprint("grant ", i)})
	}
	var buf bytes.Buffer
	if err := HTML(&buf, doc, drawing); err != nil {
		t.Fatal(err)
	}
	if buf.Len() > 4_000_000 {
		t.Errorf("%d bytes", buf.Len())
	}
	for _, want := range []string{"100 less pressing workloads are left out", "The 1500 worst of 10000 findings are on this page", "380 more workloads", "4900 more causes"} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// node walks a parsed page.
func each(n *html.Node, f func(*html.Node)) {
	f(n)
	for c := range n.ChildNodes() {
		each(c, f)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// Headings come in order, every table has a head, every label a field, ids are
// unique and links lead somewhere.
func TestPageIsAccessible(t *testing.T) {
	for name, doc := range samples() {
		root, err := html.Parse(strings.NewReader(render(t, "html", doc)))
		if err != nil {
			t.Fatal(err)
		}
		level, ids, links := 0, map[string]bool{}, []string{}
		each(root, func(n *html.Node) {
			if n.Type != html.ElementNode {
				return
			}
			if id := attr(n, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: id %s twice", name, id)
				}
				ids[id] = true
			}
			switch n.Data {
			case "h1", "h2", "h3", "h4":
				l := int(n.Data[1] - '0')
				if l > level+1 {
					t.Errorf("%s: %s after h%d", name, n.Data, level)
				}
				level = l
			case "a":
				links = append(links, strings.TrimPrefix(attr(n, "href"), "#"))
			case "th":
				if attr(n, "scope") == "" {
					t.Errorf("%s: a heading without scope", name)
				}
			case "svg":
				if attr(n, "aria-hidden") == "" && attr(n, "aria-label") == "" {
					t.Errorf("%s: a drawing without words", name)
				}
			case "input":
				if n.Parent.Data != "label" {
					t.Errorf("%s: a field without label", name)
				}
			}
		})
		if name == "zero" || name == "empty" {
			if ids["next"] {
				t.Errorf("%s: a ladder with nothing to climb", name)
			}
		}
		for _, l := range links {
			if !ids[l] {
				t.Errorf("%s: a link to %q leads nowhere", name, l)
			}
		}
	}
}

func TestPageShowsWhatMatters(t *testing.T) {
	out := render(t, "html", harbour())
	for _, want := range []string{
		"3 of 4 workloads are not ready, 1 could not be told.", "Bucket policy lets everyone read", "grant s3:ListAllMyBuckets",
		"aws s3api put-public-access-block", "47 assets", "12 more assets not drawn", "no owner, zone or purpose is declared",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q", want)
		}
	}
	if !strings.Contains(render(t, "html", empty()), "nothing can be called ready") {
		t.Error("an empty estate is called ready")
	}
}

// A report narrowed to one step shows that step, and says that it is not all.
func TestNarrowedReports(t *testing.T) {
	doc := harbour()
	for i := range doc.Workloads {
		w := &doc.Workloads[i]
		w.Criteria = slices.DeleteFunc(w.Criteria, func(c finding.Criterion) bool { return !strings.HasPrefix(c.ID, "access.") })
	}
	doc.Tally()
	for format := range formats {
		out := render(t, format, doc)
		if strings.Contains(out, "Supply chain") && format != "html" || strings.Contains(out, "supply  network") {
			t.Errorf("%s shows steps it was not asked for", format)
		}
		if format == "html" && (!strings.Contains(out, "This report is narrowed") || strings.Contains(out, `<h3>Supply chain</h3>`)) {
			t.Error("the page does not say that it is narrowed")
		}
	}
}

// A waiver is never silent: who, until when and why stand in each report.
func TestWaiversAreNamed(t *testing.T) {
	for _, format := range []string{"txt", "md", "html", "json"} {
		out := strings.NewReplacer("<span>&#64;</span>", "@", "&#58;", ":", "&#64;", "@").Replace(render(t, format, allReady()))
		for _, want := range []string{"ciso@calm.example", "2027-01-31", "first week"} {
			if !strings.Contains(out, want) {
				t.Errorf("%s does not say %q", format, want)
			}
		}
	}
}

func TestPartialSourcesAreNotEverything(t *testing.T) {
	doc := allReady()
	doc.Sources[0].Status = "partial"
	if out := render(t, "html", doc); strings.Contains(out, "Everything in scope") || !strings.Contains(out, "not every source was read completely") {
		t.Error("a partial source is called everything")
	}
}

func TestClassesNeverComeFromValues(t *testing.T) {
	for _, got := range []string{statusClass("x y"), verdictClass("x y"), severityClass("x y"), stepClass("x y")} {
		if strings.Contains(got, " ") || got == "" {
			t.Errorf("class %q", got)
		}
	}
}

func BenchmarkHTML10k(b *testing.B) {
	doc := crowd(200, 50)
	for b.Loop() {
		var buf bytes.Buffer
		if err := HTML(&buf, doc, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkText10k(b *testing.B) {
	doc := crowd(200, 50)
	for b.Loop() {
		var buf bytes.Buffer
		if err := Text(&buf, doc, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
