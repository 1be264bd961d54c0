package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/finding"
)

func textOf(t *testing.T, doc *Document, opt Options) string {
	t.Helper()
	var buf bytes.Buffer
	if err := Text(&buf, doc, opt); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// Six thousand findings are not dumped.
func TestTextStaysShort(t *testing.T) {
	out := textOf(t, crowd(200, 30), Options{})
	if n := strings.Count(out, "\n"); n > 180 {
		t.Errorf("%d lines for 6,000 findings", n)
	}
	if n := len(regexp.MustCompile(`(?m)^  \d+\. `).FindAllString(out, -1)); n != maxBlockers {
		t.Errorf("%d blockers in full", n)
	}
	for _, want := range []string{"12 root causes not shown: `sevenfold assess --format json`", "and 350 more", "and 175 more, less pressing"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestTextShowsTheWorkloadAskedFor(t *testing.T) {
	out := textOf(t, harbour(), Options{Workload: "tide-chat"})
	if strings.Contains(out, "eta-train") || !strings.Contains(out, "Container runs privileged") || !strings.Contains(out, "k8s://harbour/vllm/Deployment/tide-chat") {
		t.Error(out)
	}
	if out := textOf(t, harbour(), Options{Workload: "w-tide-chat"}); !strings.Contains(out, "k8s://harbour/vllm/Deployment/tide-chat") {
		t.Error("an id is not a name")
	}
	if out := textOf(t, harbour(), Options{Workload: "ferry"}); !strings.Contains(out, `No workload is called "ferry"`) || !strings.Contains(out, "eta-train") {
		t.Error(out)
	}
}

// The report ends with the ladder; its last words are the last step's.
func TestTextEndsWithTheLadder(t *testing.T) {
	for name, doc := range samples() {
		if len(doc.Workloads) == 0 {
			continue
		}
		out := textOf(t, doc, Options{})
		i := strings.LastIndex(out, "THE LADDER")
		if i < 0 || i < strings.LastIndex(out, "COULD NOT BE SEEN") || i < strings.LastIndex(out, "WHAT HOLDS") {
			t.Errorf("%s does not end with the ladder", name)
			continue
		}
		if n := len(regexp.MustCompile(`(?m)^  [1-7](-[1-7])? `).FindAllString(out[i:], -1)); n == 0 {
			t.Errorf("%s: %d steps in the ladder", name, n)
		}
	}
}

func TestTextColour(t *testing.T) {
	escape := regexp.MustCompile("\x1b\\[[0-9]+m")
	plain, colored := textOf(t, harbour(), Options{Width: 100}), textOf(t, harbour(), Options{Width: 100, Color: true})
	if escape.MatchString(plain) {
		t.Error("colour unasked")
	}
	if !escape.MatchString(colored) {
		t.Error("no colour")
	}
	if got := escape.ReplaceAllString(colored, ""); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(plain), " ") {
		t.Error("colour says something that words do not")
	}
	for i, l := range strings.Split(colored, "\n") {
		if strings.Count(l, "\x1b[0m")*2 != strings.Count(l, "\x1b[") {
			t.Errorf("line %d leaves colour on: %q", i+1, l)
		}
	}
	hostileOut := textOf(t, hostileDoc(hostile), Options{Color: true})
	checkHarmless(t, escape.ReplaceAllString(hostileOut, ""))
	if strings.Contains(hostileOut, "\x1b[2J") {
		t.Error("a name clears the screen")
	}
}

func TestTextWidth(t *testing.T) {
	for _, width := range []int{80, 120} {
		for i, l := range strings.Split(textOf(t, harbour(), Options{Width: width}), "\n") {
			long := strings.Contains(l, "--public-access") || strings.Contains(l, "$ aws") || strings.Contains(l, "arn:") || strings.Contains(l, "sha256:") ||
				strings.Contains(l, "config.") || strings.Contains(l, "aws:profile")
			if cells(l) > width && !long {
				t.Errorf("width %d, line %d takes %d: %s", width, i+1, cells(l), l)
			}
		}
	}
}

func TestTextASCII(t *testing.T) {
	for name, doc := range samples() {
		if name == "hostile" {
			continue
		}
		out := textOf(t, doc, Options{ASCII: true})
		if i := strings.IndexFunc(out, func(r rune) bool { return r > '~' }); i >= 0 {
			t.Errorf("%s: %q", name, out[i:min(len(out), i+20)])
		}
	}
}

func TestTextOfAnEmptyEstateIsNotReassuring(t *testing.T) {
	out := textOf(t, empty(), Options{})
	if !strings.Contains(out, "nothing can be called ready") {
		t.Error(out)
	}
}

func TestMarkdownFits(t *testing.T) {
	doc := crowd(300, 40)
	for i := range doc.Findings {
		doc.Findings[i].Fix.Commands = []string{strings.Repeat("x", 30_000)}
	}
	var buf bytes.Buffer
	if err := Markdown(&buf, doc); err != nil {
		t.Fatal(err)
	}
	checkMarkdown(t, buf.String())
	var spots bytes.Buffer
	doc.Workloads = doc.Workloads[:24]
	for i := range doc.Workloads {
		doc.Workloads[i].Name = strings.Repeat("|", 5000)
	}
	if err := Markdown(&spots, doc); err != nil {
		t.Fatal(err)
	}
	checkMarkdown(t, spots.String())
}

// What does not fit is said to be left out.
func TestMarkdownSaysWhatItCuts(t *testing.T) {
	m := &markdown{ix: newIndex(harbour())}
	for range 100 {
		m.add("%s", strings.Repeat("a", 1000))
	}
	out := m.bounded()
	if len(out) > markdownLimit || !strings.Contains(out, "left out here") || !strings.Contains(out, "41 parts") {
		t.Errorf("%d bytes, ends %q", len(out), out[len(out)-200:])
	}
}

// Proof that only repeats the title says where and what instead.
func TestEvidenceDoesNotRepeatTheTitle(t *testing.T) {
	f := &finding.Finding{Title: "Bucket is open"}
	tests := []struct {
		in   finding.Evidence
		want string
	}{
		{finding.Evidence{What: "Bucket is open", Where: "config.Policy", Value: "*"}, "config.Policy: *"},
		{finding.Evidence{What: "no block", Where: "config.Block", Value: "absent"}, "no block (config.Block): absent"},
		{finding.Evidence{What: "Bucket is open"}, "Bucket is open"},
		{finding.Evidence{Where: "config.Policy"}, "config.Policy"},
	}
	for _, tt := range tests {
		if got := evidence(f, tt.in); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]string{"": "in no zone", "unzoned": "in no zone", "serving": "zone serving"} {
		if got := zoneWords(in); got != want {
			t.Errorf("zoneWords(%q) = %q", in, got)
		}
	}
}
