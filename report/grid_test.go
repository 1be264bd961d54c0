package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// gridSample has every answer, a path of many steps and one that nothing passes.
func gridSample() *NetworkPage {
	zones := []Heading{{"training", "7 things"}, {"serving", "4 things"}, {"internet", ""}}
	peering := []WayHop{{"pod train/feature-export", "NetworkPolicy train/all egress[0] allows"}, {"eni-0a11", ""}, {"sg-0a11", "egress rule 1 (tcp/8000)"}, {"rtb-0a11", "10.20.0.0/16 to pcx-0c33"}, {"pcx-0c33", ""}, {"sg-0b22", "ingress rule 2 (tcp/8000)"}, {"eni-0b22", ""}}
	return &NetworkPage{
		Estate: "harbour", Taken: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), Version: "1.0", Again: "sevenfold network matrix",
		Headline: "1 of 5 crossings between zones breaks an intent.", Lead: "1 could not be told.",
		Grids: []Grid{
			{Title: "Zones", Note: "May one open a connection to another?", Rows: zones, Columns: zones, Cells: []GridCell{
				{0, 1, Way{From: "training", To: "serving", Reach: ReachViolated, Says: "against: no path", Ports: []string{"tcp/8000"}, Path: peering}},
				{1, 0, Way{From: "serving", To: "training", Reach: ReachNo, Says: "keeps: no path", Because: []string{"no ingress rule of [sg-0a11] allows 10.20.2.12"}}},
				{0, 2, Way{From: "training", To: "internet", Reach: ReachUnknown, Perhaps: []string{"all"}, Because: []string{"route table rtb-0a12 was not read", "", "b", "c", "d", "e"}}},
				{2, 1, Way{From: "internet", To: "serving", Reach: ReachIntended, Says: "meant by: the front door", Ports: []string{"tcp/443"}, Path: peering[:2]}},
				{1, 2, Way{From: "serving", To: "internet", Reach: ReachYes, Ports: []string{"all"}}},
			}},
			{Title: "Stores", Rows: []Heading{{"eta", "training"}}, Columns: []Heading{{"models", ""}}, Cells: []GridCell{{0, 0, Way{From: "eta", To: "models", Reach: ReachBroken, Says: "declared, and cannot", Because: []string{"no route"}}}}},
			{Title: "Nothing", Empty: "Nothing stands in a network."},
		},
		Notes: []NetworkNote{{Title: "Shared addresses", Why: "A rule cannot tell them apart.", Items: []string{"a and b: 10.0.0.0/8"}, Bad: true}},
	}
}

func network(t fataler, p *NetworkPage) string {
	t.Helper()
	var buf bytes.Buffer
	if err := Network(&buf, p); err != nil {
		t.Fatalf("network page: %v", err)
	}
	return buf.String()
}

// styleText is left out of the golden file, which is about what is written.
var styleText = regexp.MustCompile(`(?s)<style>.*?</style>|sha256-.*?=&#39;`)

func TestNetworkGolden(t *testing.T) {
	golden(t, "network.html", styleText.ReplaceAllString(network(t, gridSample()), "…"))
}

var networkTags = regexp.MustCompile(`^(html|head|meta|link|title|style|body|a|header|main|section|article|div|span|p|h[1-3]|ul|li|table|thead|tbody|tr|th|td|small|b|i|br|code|details|summary|figure|svg|g|defs|path|rect|text|use)$`)

// checkNetwork walks the page as a browser reads it: no script, one style, no handler,
// no address but within the page, and each of those leads somewhere.
func checkNetwork(t fataler, out string) {
	t.Helper()
	checkHarmless(t, out)
	ids, wanted, styles, depth := map[string]bool{}, map[string]bool{}, 0, 0
	z := html.NewTokenizer(strings.NewReader(out))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		switch kind {
		case html.CommentToken:
			t.Fatalf("a comment: %s", token)
		case html.EndTagToken:
			depth--
		case html.StartTagToken, html.SelfClosingTagToken:
			if kind == html.StartTagToken && token.Data != "meta" && token.Data != "link" && token.Data != "br" {
				depth++
			}
			if !networkTags.MatchString(token.Data) {
				t.Fatalf("element %s", token)
			}
			if token.Data == "style" {
				styles++
			}
		}
		for _, a := range token.Attr {
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcset", a.Key == "action":
				t.Fatalf("attribute in %s", token)
			case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
				wanted[a.Val[1:]] = true
			case a.Key == "href" && a.Val != "data:,":
				t.Fatalf("address in %s", token)
			case a.Key == "id" && ids[a.Val]:
				t.Fatalf("id %s stands twice", a.Val)
			case a.Key == "id":
				ids[a.Val] = true
			case a.Key == "class" && strings.Contains(a.Val, "ZgotmplZ"):
				t.Fatalf("class in %s", token)
			}
		}
	}
	for id := range wanted {
		if !ids[id] {
			t.Fatalf("#%s leads nowhere", id)
		}
	}
	if styles != 1 || depth != 0 {
		t.Fatalf("%d styles, %d elements left open", styles, depth)
	}
}

func TestNetworkPageIsSelfContained(t *testing.T) {
	out := network(t, gridSample())
	checkNetwork(t, out)
	if !strings.Contains(html.UnescapeString(out), "style-src '"+hashOf(pageStyle+gridStyle)+"'") {
		t.Error("the policy does not allow the page's own style")
	}
}

// hostilePage has one text everywhere a text can stand.
func hostilePage(s string) *NetworkPage {
	ways := []Way{
		{From: s, To: s, Reach: Reach(s), Word: s, Says: s, Ports: []string{s}, Perhaps: []string{s}, Path: []WayHop{{s, s}, {s, s}}, Because: []string{s, s, s, s, s, s}},
		{From: s, To: s, Reach: ReachNo, Because: []string{s}}, {},
	}
	h := []Heading{{s, s}, {"sg-" + s, s}}
	p := &NetworkPage{Estate: s, Version: s, Headline: s, Lead: s, Again: s, Ways: ways, Notes: []NetworkNote{{s, s, []string{s}, true}}}
	g := Grid{Title: s, Note: s, Empty: s, Rows: h, Columns: h}
	for i, w := range ways {
		g.Cells = append(g.Cells, GridCell{i % 2, i / 2, w})
	}
	g.Cells = append(g.Cells, GridCell{-1, 0, ways[0]}, GridCell{0, 7, ways[0]}, GridCell{0, 0, ways[1]})
	p.Grids = []Grid{g, {Title: s, Empty: s}}
	return p
}

func TestNetworkHostileNames(t *testing.T) {
	for _, name := range []string{
		hostile, "</style><img src=x onerror=alert(1)>", "</title></svg><script>alert(1)</script>", "\" onmouseover=\"alert(1)", "javascript:alert(1)", "{{.}}", "<!--", "-->", "]]>",
		"\x1b]0;title\x07", strings.Repeat("a", 70_000), strings.Repeat("界", 500), strings.Repeat("\u0301", 500), "", " ", "\u2028\u202e", "\xff",
	} {
		checkNetwork(t, network(t, hostilePage(name)))
	}
}

// FuzzNetworkPage puts any text everywhere a name can stand.
func FuzzNetworkPage(f *testing.F) {
	for _, s := range []string{hostile, "", "a", "<b>", "\x9b", "\u202e", "a\r\nb", "'\"&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { checkNetwork(t, network(t, hostilePage(s))) })
}

// What cannot be told is never shown as anything better.
func TestNetworkUnknownIsNotSafe(t *testing.T) {
	for _, r := range []Reach{"", "odd", "YES", ReachUnknown} {
		out := network(t, &NetworkPage{Ways: []Way{{From: "a", To: "b", Reach: r}}})
		if !strings.Contains(out, `<p class="verdict unknown">`) || !strings.Contains(out, `class="go unsure"`) {
			t.Errorf("%q is not shown as unknown", r)
		}
	}
}

func TestNetworkEmpty(t *testing.T) {
	for name, p := range map[string]*NetworkPage{"zero": {}, "no_cells": {Grids: []Grid{{Title: "Zones", Rows: []Heading{{"internet", ""}}, Columns: []Heading{{"internet", ""}}, Empty: "No zone holds anything."}}}} {
		out := network(t, p)
		checkNetwork(t, out)
		if name == "no_cells" && !strings.Contains(out, "<p>No zone holds anything.</p>") {
			t.Error("an empty grid does not say so")
		}
	}
}

// fullPage is two grids of n by n in which every crossing is asked and most are open.
func fullPage(n int) *NetworkPage {
	p := &NetworkPage{Estate: "harbour", Headline: "Many."}
	for g := range 2 {
		grid := Grid{Title: fmt.Sprint("Grid ", g)}
		for i := range n {
			grid.Rows = append(grid.Rows, Heading{fmt.Sprintf("team-%02d-training-cluster", i), "training"})
		}
		grid.Columns = grid.Rows
		for i := range n * n {
			w := Way{From: grid.Rows[i/n].Name, To: grid.Rows[i%n].Name, Reach: worstReach[i%len(worstReach)], Ports: []string{"tcp/443", "tcp/8000", fmt.Sprint("udp/", i)}, Says: "against: no path between training and production"}
			for h := range 8 {
				w.Path = append(w.Path, WayHop{fmt.Sprintf("sg-0a1100000000%04d", i+h), fmt.Sprintf("sg-0a1100000000%04d ingress rule %d (tcp/8000)", i+h, h)})
			}
			grid.Cells = append(grid.Cells, GridCell{i / n, i % n, w})
		}
		p.Grids = append(p.Grids, grid)
	}
	return p
}

func TestNetworkPageIsBounded(t *testing.T) {
	for _, n := range []int{60, 150} {
		out := network(t, fullPage(n))
		checkNetwork(t, out)
		if len(out) > 2<<20 {
			t.Errorf("%d by %d: %d bytes", n, n, len(out))
		}
		if got := strings.Count(out, `<article class="route"`); got != gridWays {
			t.Errorf("%d ways are drawn, want %d", got, gridWays)
		}
		ways := 2*n*n - 2*(n*n/6) - gridWays
		if !strings.Contains(out, fmt.Sprintf(">%d less pressing ways are left out", ways)) {
			t.Errorf("%d ways left out are not told", ways)
		}
		if told := strings.Contains(out, "90 rows and 90 columns"); told != (n == 150) {
			t.Errorf("%d by %d: rows and columns left out told: %v", n, n, told)
		}
	}
}

func TestGridKeepsTheWorst(t *testing.T) {
	g := Grid{}
	for i := range gridSide + 20 {
		g.Rows = append(g.Rows, Heading{Name: fmt.Sprint("r", i)})
	}
	g.Columns = g.Rows[:2]
	for i := range g.Rows {
		r := ReachNo
		if i == len(g.Rows)-1 {
			r = ReachViolated
		}
		g.Cells = append(g.Cells, GridCell{i, 1, Way{Reach: r}})
	}
	out := network(t, &NetworkPage{Grids: []Grid{g}})
	if !strings.Contains(out, ">r79</text>") || strings.Contains(out, ">r78</text>") {
		t.Error("of too many rows the worst is not kept")
	}
}

// Of two answers to one question the worse is shown, whatever their order.
func TestGridShowsTheWorse(t *testing.T) {
	for _, two := range [][2]Reach{{ReachNo, ReachViolated}, {ReachViolated, ReachNo}} {
		g := Grid{Rows: []Heading{{"a", ""}}, Columns: []Heading{{"b", ""}}, Cells: []GridCell{{0, 0, Way{Reach: two[0]}}, {0, 0, Way{Reach: two[1]}}}}
		if out := network(t, &NetworkPage{Grids: []Grid{g}}); !strings.Contains(out, `class="c violated"`) {
			t.Errorf("%v: the better is shown", two)
		}
	}
}

func TestFolded(t *testing.T) {
	tests := []struct {
		in   string
		want []string
	}{
		{"", nil}, {"one two", []string{"one two"}}, {"one two three", []string{"one two", "three"}},
		{"abcdefghijkl", []string{"abcdefgh", "ijkl"}}, {"a b c d e f g h i j k l m n o", []string{"a b c d", "e f g h", "i j k l…"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, folded(tt.in, 8, 3)); diff != "" {
			t.Errorf("folded(%q) (-want +got):\n%s", tt.in, diff)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		for _, l := range folded(line(rapid.String().Draw(t, "text")), 8, 3) {
			if cells(l) > 8 {
				t.Fatalf("%q is longer than a line", l)
			}
		}
	})
}

func TestKindOf(t *testing.T) {
	for name, want := range map[string]string{"sg-0a11": "security group", "tgw-rtb-01": "transit gateway route table", "eni-": "", "i-0a": "instance", "i-am-a-pod": "", "sg-0a/b": "", "pod lab/x": "", "": ""} {
		if got := kindOf(name); got != want {
			t.Errorf("kindOf(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestNetworkReportsWriteErrors(t *testing.T) {
	if err := Network(brokenWriter{}, gridSample()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}
