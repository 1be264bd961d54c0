package modelfile

import (
	"bytes"
	"fmt"
	"regexp"
	"sync"
	"unicode/utf16"
)

var (
	entityPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<!ENTITY\s`) })
	doctypePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<!DOCTYPE[^>\[]*?\b(SYSTEM|PUBLIC)\b`) })
	stylePattern   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<\?xml-stylesheet|<xsl:|xi:include|<\?php`) })
	openvinoOpset  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?s)<layer\s[^>]*?type="([^"]*)"[^>]*?version="([^"]*)"`)
	})
)

// xml reads PMML, OpenVINO and other XML as text: what harms in XML stands in
// its declarations, which are found without a parser that follows them.
func (s *scanner) xml(it item) string {
	b, ok := s.whole(it)
	if !ok {
		return "xml"
	}
	b = narrow(b)
	format := "xml"
	switch {
	case bytes.Contains(b, []byte("<PMML")):
		format = "pmml"
	case bytes.Contains(b[:min(len(b), 4096)], []byte("<net ")):
		format = "openvino"
	}
	if loc := entityPattern().FindIndex(b); loc != nil {
		s.find(it, "xml-entity", High, int64(loc[0]), "CWE-611", fmt.Sprintf("declares an entity, by which XML readers are led to files or to endless text: %.120q", b[loc[0]:min(len(b), loc[0]+120)]))
	}
	if loc := doctypePattern().FindIndex(b); loc != nil {
		s.find(it, "xml-external", High, int64(loc[0]), "CWE-611", "takes its document type from outside")
	}
	if loc := stylePattern().FindIndex(b); loc != nil {
		s.find(it, "xml-active", Medium, int64(loc[0]), "CWE-829", fmt.Sprintf("holds something that a reader may run or follow: %.60q", b[loc[0]:min(len(b), loc[0]+60)]))
	}
	if format == "openvino" {
		s.openVINO(it, b)
	}
	if format == "pmml" && codeWords().Match(b) {
		s.find(it, "metadata-code", Medium, int64(codeWords().FindIndex(b)[0]), "CWE-506", "holds what looks like code")
	}
	if m := javaPattern().Find(b); format == "pmml" && m != nil {
		s.find(it, "pmml-function", Medium, int64(bytes.Index(b, m)), "CWE-470", fmt.Sprintf("%.80q: a class of Java's is called, which its reader looks up by name", m))
	}
	s.secrets(it, format, string(b[:min(len(b), 1<<20)]))
	if err := balanced(b, format); err != nil {
		s.find(it, "xml-broken", Undecided, -1, "", err.Error())
	}
	return format
}

// javaPattern finds functions that PMML's readers in Java take for classes: names with points.
var javaPattern = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`<Apply\s[^>]*function\s*=\s*["'][\w$]+(?:\.[\w$]+)+["']`)
})

// balanced checks that the root element ends.
func balanced(b []byte, format string) error {
	closing := map[string]string{"pmml": "</PMML>", "openvino": "</net>"}[format]
	if closing != "" && !bytes.Contains(b, []byte(closing)) {
		return fmt.Errorf("the document breaks off: no %s", closing)
	}
	return nil
}

// narrow turns UTF-16 into UTF-8, so that a declaration cannot hide in it.
func narrow(b []byte) []byte {
	if len(b) < 4 {
		return b
	}
	big := b[0] == 0xfe && b[1] == 0xff || b[0] == 0 && b[1] == '<'
	little := b[0] == 0xff && b[1] == 0xfe || b[0] == '<' && b[1] == 0
	if !big && !little {
		return b
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		if big {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		} else {
			units = append(units, uint16(b[i+1])<<8|uint16(b[i]))
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// openVINO flags layers that are of no operator set of the runtime's own.
func (s *scanner) openVINO(it item, b []byte) {
	for _, m := range openvinoOpset().FindAllSubmatch(b, -1) {
		if v := string(m[2]); !bytes.HasPrefix(m[2], []byte("opset")) && v != "experimental" && v != "ie_internal_opset" {
			s.find(it, "openvino-extension", Medium, -1, "CWE-829", fmt.Sprintf("the layer type %.60q of %.40q needs a shared library to be loaded", m[1], v))
		}
	}
}
