package modelfile

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// A chat template is a program in Jinja that runs on whoever serves the model.
// Frameworks run it in a sandbox, though not all do (CVE-2024-34359), so it is
// judged by default deny: what it may call is listed, and what leads to the
// interpreter is refused wherever it stands.

// mayCall are the functions and methods that chat templates call.
var mayCall = wordSet(`
	range namespace raise_exception strftime_now dict list tojson loop.cycle loop.changed caller
	strip lstrip rstrip split rsplit splitlines startswith endswith lower upper title capitalize replace join items keys values get
	append extend pop update insert index count find rfind format isdigit isalpha isspace strftime now removeprefix removesuffix
	is_sequence selectattr rejectattr map select reject length trim default first last int float string safe indent dictsort groupby
	tool_calls render_tools render_content format_parameters format_function_declaration`)

// macros are templates' own functions.
var macroPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\{%[-+]?\s*macro\s+([A-Za-z_]\w*)`) })

type danger struct {
	word, why string
}

// dangers are looked for in the code of a template, strings included: an index
// by a string reaches attributes too.
var dangers = []danger{
	{"__", "a name with double underscores leads to the interpreter"},
	{`\x5f`, "an escaped underscore hides a name"},
	{`\u005f`, "an escaped underscore hides a name"},
	{`\u0000005f`, "an escaped underscore hides a name"},
	{`\137`, "an escaped underscore hides a name"},
	{`\n{`, "an escaped character hides a name"},
	{"|attr(", "the attr filter reaches any attribute"},
	{"attr(", "the attr filter reaches any attribute"},
	{"'attr'", "the attr filter reaches any attribute"},
	{`"attr"`, "the attr filter reaches any attribute"},
	{"lipsum", "lipsum is a way to the interpreter"},
	{"url_for", "a web framework's function"},
	{"get_flashed_messages", "a web framework's function"},
	{"popen", "runs a command"},
	{"subprocess", "runs a command"},
	{"os.system", "runs a command"},
	{"environ", "reads the environment"},
	{"%c", "builds a string from character codes"},
	{"func_globals", "leads to the interpreter"},
	{"gi_frame", "leads to the interpreter"},
	{"mro(", "leads to the interpreter"},
	{"eval(", "evaluates code"},
	{"exec(", "evaluates code"},
	{"open(", "opens a file"},
	{"getattr", "reaches any attribute"},
	{"request.", "a web framework's object"},
	{"config.", "a web framework's object"},
	{"self.", "the template's own object leads to the interpreter"},
}

var (
	callPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`([A-Za-z_][\w.]*)\s*\(`) })
	quotePattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`) })
	loadsPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^%(?:import|include|extends|from)\b.*`) })
	// Underscores that are joined to something, put in by replace, or an attribute
	// that is no plain text.
	buildsPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`['"]_+['"]\s*[*~+]|[~+]\s*['"]_+['"]|replace\([^,()]+,\s*['"]_+['"]|\battribute\s*=\s*[^'"\s]`)
	})
	indexPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\[[^\]]*[~+*%][^\]]*\]`) })
)

// jinja judges a template found under key.
func (s *scanner) jinja(it item, key, text string) {
	code := templateCode(text)
	if code == "" {
		return
	}
	lower := strings.ToLower(code)
	for _, d := range dangers {
		if i := strings.Index(lower, d.word); i >= 0 {
			s.find(it, "template-injection", High, -1, "CWE-1336", fmt.Sprintf("%s: %s in template code: %.120q", key, d.why, around(lower, i)))
			return
		}
	}
	if m := loadsPattern().FindString(code); m != "" {
		s.find(it, "template-injection", High, -1, "CWE-1336", fmt.Sprintf("%s loads another template: %.60q", key, m))
	}
	if m := buildsPattern().FindString(code); m != "" {
		s.find(it, "template-computed", Medium, -1, "CWE-1336", fmt.Sprintf("%s puts a name with underscores together: %.60q", key, m))
	}
	if m := loopPattern().FindString(code); m != "" {
		s.find(it, "template-loop", Medium, -1, "CWE-834", fmt.Sprintf("%s counts without end: %.60q", key, m))
	}
	if m := ordersPattern().FindString(text); m != "" {
		s.find(it, "template-orders", Medium, -1, "CWE-506", fmt.Sprintf("%s tells the model what its user is not to see: %.60q", key, m))
	}
	own := map[string]bool{}
	for _, m := range macroPattern().FindAllStringSubmatch(text, -1) {
		own[m[1]] = true
	}
	bare := quotePattern().ReplaceAllString(code, "''")
	for _, m := range callPattern().FindAllStringSubmatch(bare, -1) {
		name := m[1]
		last := name[strings.LastIndexByte(name, '.')+1:]
		if !mayCall[last] && !mayCall[name] && !own[last] && !keyword[last] {
			s.find(it, "template-call", Medium, -1, "CWE-1336", fmt.Sprintf("%s calls %.60q, which chat templates have no need of", key, name))
		}
	}
	if m := indexPattern().FindString(bare); m != "" && strings.Contains(m, "''") {
		s.find(it, "template-computed", Medium, -1, "CWE-1336", fmt.Sprintf("%s indexes by a text that it puts together: %.60q", key, m))
	}
}

var (
	// loopPattern finds ranges of more than a million.
	loopPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`\brange\s*\([^)]*(?:\d{7,}|\*\*\s*\d|\d+\s*\*\s*\d+\s*\*)`)
	})
	// ordersPattern finds orders to the model that are meant to be hidden, which templates
	// carry to every conversation: they only lay out messages.
	ordersPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\bignore (?:all |any |the )*(?:previous|prior|above|earlier) (?:instruction|message|prompt)|\b(?:never|do not|don't) (?:mention|reveal|disclose) (?:this|it|that you)\b|\bdo not tell the user\b|<script\b|<iframe\b`)
	})
)

var keyword = wordSet("if elif for in and or not is set else call filter with block macro print do")

func wordSet(words string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		out[w] = true
	}
	return out
}

// templateCode returns what stands between the marks of code, each piece with a
// mark in front: "%" for statements, "{" for expressions. Blanks after the mark
// and around the filter bar are dropped.
func templateCode(text string) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 || i+1 >= len(text) {
			break
		}
		mark := text[i+1]
		if mark != '{' && mark != '%' {
			text = text[i+1:]
			continue
		}
		closing := "}}"
		if mark == '%' {
			closing = "%}"
		}
		rest := text[i+2:]
		j := strings.Index(rest, closing)
		if j < 0 {
			j = len(rest)
		}
		b.WriteByte('\n')
		b.WriteByte(mark)
		b.WriteString(strings.TrimLeft(rest[:j], "-+ \t\r\n"))
		text = rest[j:]
	}
	out := b.String()
	for _, p := range []string{" |", "| ", "|\n", "attr ("} {
		out = strings.ReplaceAll(out, p, strings.TrimSpace(strings.ReplaceAll(p, " ", "")))
	}
	return out
}

func around(s string, i int) string {
	return s[max(0, i-40):min(len(s), i+60)]
}
