package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// drawing writes a page's drawings and holds that they are well-formed, load nothing and
// run nothing.
func drawing(t fataler, p *NetworkPage) string {
	t.Helper()
	var b bytes.Buffer
	if err := NetworkDrawing(&b, p); err != nil {
		t.Fatalf("%v", err)
	}
	d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
	ids, wanted := map[string]bool{}, map[string]bool{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !networkTags.MatchString(e.Name.Local) || e.Name.Local == "a" {
			t.Fatalf("element %s", e.Name.Local)
		}
		for _, a := range e.Attr {
			switch {
			case strings.HasPrefix(a.Name.Local, "on"), a.Name.Local == "style", a.Name.Local == "src", a.Name.Local == "href" && !strings.HasPrefix(a.Value, "#"):
				t.Fatalf("%s=%q", a.Name.Local, a.Value)
			case a.Name.Local == "href":
				wanted[a.Value[1:]] = true
			case a.Name.Local == "id":
				ids[a.Value] = true
			}
		}
	}
	for id := range wanted {
		if !ids[id] {
			t.Fatalf("#%s leads nowhere", id)
		}
	}
	return b.String()
}

func TestNetworkDrawing(t *testing.T) {
	out := drawing(t, gridSample())
	for _, want := range []string{`<svg xmlns="http://www.w3.org/2000/svg"`, `class="c violated"`, "violated: can be opened, and an intent forbids it"} {
		if !strings.Contains(out, want) {
			t.Errorf("without %s", want)
		}
	}
	way := drawing(t, &NetworkPage{Headline: "Yes", Ways: []Way{{From: "a", To: "b", Reach: ReachYes, Path: []WayHop{{"a", ""}, {"sg-1", "ingress rule 1"}, {"b", ""}}}}})
	if !strings.Contains(way, "ingress rule 1") || !strings.Contains(way, `class="go open"`) {
		t.Errorf("the path is not drawn: %s", way)
	}
	drawing(t, &NetworkPage{})
	drawing(t, fullPage(60))
	for _, s := range []string{hostile, "</style><img src=x onerror=alert(1)>", "]]>", "<!--", "a&b", "\x00\x1b\ufffe", "\xff"} {
		drawing(t, hostilePage(s))
	}
}
