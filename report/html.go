package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's template, style and script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"unicode/utf8"
)

//go:embed page/page.html.tmpl
var pageTemplate string

//go:embed page/style.css
var pageStyle string

//go:embed page/script.js
var pageScript string

// Bounds of the page. With them it stays below 4 MB for 10,000 findings over
// 200 workloads; what is left out is counted, with the command that shows it.
const (
	pageFindings  = 1500
	pageWorkloads = 20
	pageRows      = 300
	pageSpots     = 100
	// foldFindings is how many findings are shown without being asked for.
	foldFindings = 200
)

// HTML writes the report as one self-contained page. It asks nothing of any
// other host: style and script stand inside and are named by hash in a content
// security policy that allows nothing else. It is whole without its script,
// which adds searching and copying. drawing may be nil.
func HTML(w io.Writer, doc *Document, drawing Drawing) error {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return fmt.Errorf("parse page template: %w", err)
	}
	var buf bytes.Buffer
	if err := t.Execute(&buf, newHTMLPage(doc, drawing)); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	_, err = w.Write(harmless(buf.Bytes()))
	return err
}

// policy is the content security policy: nothing is loaded, nothing is sent,
// and only this very style and script act.
func policy() string {
	return fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; img-src data:; base-uri 'none'; form-action 'none'",
		hashOf(pageStyle), hashOf(pageScript))
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// harmless replaces characters that steer or reorder text, wherever a value
// brought them in.
func harmless(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 || steers(r) {
			out = utf8.AppendRune(out, utf8.RuneError)
		} else {
			out = append(out, b[i:i+n]...)
		}
		i += n
	}
	return out
}
