package parts

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// tool reads the tools that code offers to agents: the functions an MCP server
// decorates, and those it registers.
func (c *coder) tool(x *call, last string, line int) {
	var name, description string
	switch {
	case last == "tool" && x.named["description"] != "":
		name, description = firstOf(x.named["name"], x.first("")), x.named["description"]
	case (last == "registerTool" || last == "tool") && !c.python && len(x.positional) > 0:
		name, description = x.positional[0], x.named["description"]
		if description == "" && len(x.positional) > 1 {
			description = x.positional[1]
		}
	case (last == "Tool" || last == "StructuredTool" || last == "AddTool") && firstOf(x.named["description"], x.named["Description"]) != "":
		name, description = firstOf(x.named["name"], x.named["Name"]), firstOf(x.named["description"], x.named["Description"])
	default:
		return
	}
	c.file.tool(firstOf(name, "tool"), description, line)
}

var bareTool = regexp.MustCompile(`(?m)^[ \t]*@(?:[A-Za-z_][A-Za-z0-9_]*\.)*(?:tool|function_tool)\s*(?:\([^\n]*\))?\s*\n(?:[ \t]*@[^\n]*\n)*[ \t]*(?:async[ \t]+)?def[ \t]+([A-Za-z0-9_]+)`)

// bareTools are functions decorated as tools, with their docstrings.
func (c *coder) bareTools(text string) {
	for _, m := range bareTool.FindAllStringSubmatchIndex(text, 10_000) {
		rest := text[m[3]:]
		t := tokens(rest[:min(len(rest), 20_000)], true)
		s := &scanner{t: t, python: true}
		depth := 0
		for i := range t {
			switch t[i].text {
			case "(":
				depth++
			case ")":
				depth--
			}
			if depth == 0 && t[i].text == ")" {
				c.file.tool(text[m[2]:m[3]], s.docstring(i), lineOf([]byte(text), m[2])+c.offset)
				break
			}
		}
	}
}

func (f *file) tool(name, description string, line int) {
	f.add(Part{Kind: Tool, Ecosystem: "tool", Name: name, Facts: map[string]string{"description": clip(strings.Join(strings.Fields(clean(description)), " "), 200)}}, line)
	f.poison(name, description, line)
}

// clean leaves out what is not seen on a screen.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return -1
		}
		return r
	}, s)
}

// hidden reports characters that a person does not see and a model reads: tags,
// zero-width and direction marks.
func hidden(r rune) bool {
	return r >= 0xE0000 && r <= 0xE007F || r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E || r >= 0x2060 && r <= 0x2064 || r == 0xFEFF || r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF
}

// poisons are the ways in which a description speaks to the model instead of saying
// what the tool does. Sources: Invariant Labs, tool poisoning; MITRE ATLAS AML.T0051.
var poisons = []struct {
	rule     string
	severity Severity
	match    *regexp.Regexp
	text     string
}{
	{"tool-hidden-instruction", High, regexp.MustCompile(`(?i)<\s*(important|system|secret|instructions?|admin|critical)\s*>`), "it holds a block addressed to the model"},
	{"tool-hidden-instruction", High, regexp.MustCompile(`(?i)\b(do not|don't|never|without)\s+(tell|mention|inform|notify|reveal|show|telling|informing|alert)\w*\b.{0,40}\b(the\s+)?users?\b`), "it asks that the user be kept in the dark"},
	{"tool-hidden-instruction", High, regexp.MustCompile(`(?i)\b(ignore|disregard|forget|override)\b.{0,30}\b(previous|prior|above|earlier|all|other|system)\b.{0,30}\b(instructions?|prompts?|rules?|messages?|guidelines?)\b`), "it tells the model to set its instructions aside"},
	{"tool-reads-secrets", Critical, regexp.MustCompile(`(?i)(~/\.ssh|id_rsa|id_ed25519|\.aws/credentials|\.env\b|mcp\.json|\.kube/config|\.netrc|/etc/passwd|\.git-credentials|\.npmrc|private key|api[_ -]?keys?\b.{0,30}\b(pass|send|include|read)|\b(read|cat|open|send|include|contents? of)\b.{0,60}\b(credentials?|secrets?|tokens?|passwords?)\b)`), "it leads the model to secrets"},
	{"tool-shadows-others", High, regexp.MustCompile(`(?i)\b(when(ever)?|before|after|instead of)\b.{0,40}\b(using|calling|use|call|invoking)\b.{0,40}\b(any|all|every|other|another|the)\b.{0,30}\btools?\b|\bmust\b.{0,40}\b(call|use|invoke|run)\b.{0,20}\bthis tool\b.{0,20}\b(first|before)\b`), "it tells the model how to use other tools"},
	{"tool-exfiltrates", High, regexp.MustCompile(`(?i)\b(send|post|forward|upload|exfiltrate|append|pass|include|bcc|copy)\b.{0,80}\b(conversation|chat history|previous messages|system prompt|all (the )?(messages|emails|data|context)|contents? of)\b`), "it has what was said carried out"},
	{"tool-commands", High, regexp.MustCompile(`(?i)(curl|wget)\s+[^\n]{0,80}\|\s*(ba)?sh|\bbase64\s+(-d|--decode)\b|\brm\s+-rf\b|powershell\s+-e`), "it holds a command line"},
}

var encoded = regexp.MustCompile(`[A-Za-z0-9+/]{120,}={0,2}`)

// poison examines what a tool says of itself to the model that may call it.
func (f *file) poison(name, description string, line int) {
	unseen := 0
	var smuggled strings.Builder
	emoji := false
	for _, r := range description {
		if r >= 0xE0020 && r <= 0xE007E {
			smuggled.WriteRune(r - 0xE0000)
		}
		if hidden(r) && !(emoji && (r == 0xFE0F || r == 0x200D)) {
			unseen++
		}
		emoji = r > 0x2190 && !hidden(r) || emoji && (r == 0xFE0F || r == 0x200D) || unicode.In(r, unicode.So)
	}
	if unseen > 0 {
		f.notice("tool-invisible-text", Critical, line, name, "CWE-451", "tool %s: its description holds %d characters that nobody sees and a model reads", name, unseen)
	}
	told := map[string]bool{}
	for _, p := range poisons {
		for _, text := range []string{clean(description), smuggled.String()} {
			if p.match.MatchString(text) && !told[p.rule] {
				told[p.rule] = true
				f.notice(p.rule, p.severity, line, name, "CWE-1427", "tool %s: %s", name, p.text)
			}
		}
	}
	if encoded.MatchString(description) {
		f.notice("tool-encoded-text", Medium, line, name, "CWE-451", "tool %s: its description holds a long encoded run", name)
	}
	if len(description) > 4000 {
		f.notice("tool-long-description", Low, line, name, "CWE-451", "tool %s: its description is %d bytes long, more than saying what it does takes", name, len(description))
	}
}

// mcpServer is one server in a client's configuration. Source: the configuration
// files of Claude Desktop, VS Code and Cursor.
type mcpServer struct {
	Command string            `json:"command"`
	Args    []string          `json:"args"`
	URL     string            `json:"url"`
	Env     map[string]string `json:"env"`
	Headers map[string]string `json:"headers"`
	Tools   []mcpTool         `json:"tools"`
	Allow   []string          `json:"alwaysAllow"`
	Auto    []string          `json:"autoApprove"`
}

type mcpTool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Input       json.RawMessage `json:"inputSchema"`
}

// mcpConfig reads which MCP servers a client starts or calls.
func mcpConfig(f *file) error {
	var c struct {
		Claude map[string]mcpServer `json:"mcpServers"`
		Code   map[string]mcpServer `json:"servers"`
		Tools  []mcpTool            `json:"tools"`
	}
	if err := f.decode(&c); err != nil {
		return err
	}
	all := maps.Clone(c.Claude)
	if all == nil {
		all = map[string]mcpServer{}
	}
	maps.Copy(all, c.Code)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		f.mcp(name, all[name])
	}
	f.mcpTools(c.Tools)
	return nil
}

func (f *file) mcp(name string, s mcpServer) {
	line := 0
	if i := bytes.Index(f.data, []byte(`"`+name+`"`)); i >= 0 {
		line = lineOf(f.data, i)
	}
	p := Part{Kind: Tool, Ecosystem: "mcp", Name: name, Facts: map[string]string{}}
	if s.URL != "" {
		p.Facts["url"] = withoutUser(s.URL)
		if strings.HasPrefix(s.URL, "http://") && !loopback(hostOf(s.URL)) {
			f.notice("service-without-tls", High, line, name, "CWE-319", "MCP server %s is called without TLS", name)
		}
		f.add(Part{Kind: Service, Name: firstOf(hostOf(s.URL), name), Facts: map[string]string{"vendor": "MCP server " + name, "by": "mcp"}}, line)
	}
	if s.Command != "" {
		p.Facts["command"] = clip(s.Command+" "+strings.Join(withoutKeys(s.Args), " "), 200)
		f.mcpPackage(&p, s, line)
	}
	for _, set := range []map[string]string{s.Env, s.Headers} {
		for _, k := range slices.Sorted(maps.Keys(set)) {
			v := strings.TrimPrefix(set[k], "Bearer ")
			if looksLikeKey(v) || len(v) >= 20 && secretName.MatchString(k) && !strings.ContainsAny(v, "${}<> ") {
				f.notice("key-in-source", Critical, line, name, "CWE-798", "MCP server %s: %s holds a secret (%d characters, not shown)", name, k, len(v))
			}
		}
	}
	if len(s.Allow)+len(s.Auto) > 0 {
		f.notice("tool-never-asks", Medium, line, name, "CWE-862", "MCP server %s: %d of its tools run without anybody being asked", name, len(s.Allow)+len(s.Auto))
	}
	f.add(p, line)
	f.mcpTools(s.Tools)
}

var secretName = regexp.MustCompile(`(?i)(key|token|secret|password|authorization)`)

func withoutKeys(args []string) []string {
	out := slices.Clone(args)
	for i, a := range out {
		_, v, joined := strings.Cut(a, "=")
		if looksLikeKey(a) || joined && (looksLikeKey(v) || secretName.MatchString(a)) || i > 0 && secretName.MatchString(args[i-1]) {
			out[i] = "…"
		}
	}
	return out
}

// mcpPackage reads which package a server is started from, and whether its version
// is fixed.
func (f *file) mcpPackage(p *Part, s mcpServer, line int) {
	runner := s.Command[strings.LastIndexByte(s.Command, '/')+1:]
	eco := map[string]string{"npx": "npm", "bunx": "npm", "pnpx": "npm", "uvx": "PyPI", "pipx": "PyPI"}[runner]
	if runner == "docker" || runner == "podman" {
		for i := len(s.Args) - 1; i >= 0; i-- {
			if a := s.Args[i]; !strings.HasPrefix(a, "-") && strings.Contains(a, "/") && !strings.ContainsAny(a, "=,") && (i == 0 || !strings.HasPrefix(s.Args[i-1], "-") || s.Args[i-1] == "--rm" || s.Args[i-1] == "-i") {
				f.image(a, line)
				p.Pinned = imageDigest.MatchString(a)
				return
			}
		}
	}
	if eco == "" {
		return
	}
	for _, a := range s.Args {
		if a == "run" || strings.HasPrefix(a, "-") {
			continue
		}
		name, version := a, ""
		if i := strings.LastIndexByte(a, '@'); i > 0 {
			name, version = a[:i], a[i+1:]
		} else if n, v, ok := strings.Cut(a, "=="); ok {
			name, version = n, v
		}
		pinned := version != "" && version != "latest" && !strings.ContainsAny(version, "^~*")
		p.Facts["package"], p.Pinned = a, pinned
		if eco == "PyPI" {
			name = PyName(name)
		}
		if !pinned {
			version = ""
			f.notice("floating-tool", High, line, p.Name, "CWE-829", "MCP server %s runs the newest %s each time: whoever may publish it runs code with the agent's rights", p.Name, name)
		}
		f.pkg(eco, name, version, pinned, line)
		return
	}
}

func (f *file) mcpTools(list []mcpTool) {
	for _, t := range list {
		line := 0
		if i := bytes.Index(f.data, []byte(`"`+t.Name+`"`)); i >= 0 {
			line = lineOf(f.data, i)
		}
		f.tool(firstOf(t.Name, "tool"), t.Description, line)
		f.schema(t.Name, t.Input, line)
	}
}

// schema examines the descriptions of a tool's parameters: they reach the model too.
func (f *file) schema(name string, input json.RawMessage, line int) {
	var s struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(input, &s) != nil {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(s.Properties)) {
		var p struct {
			Description string `json:"description"`
		}
		if json.Unmarshal(s.Properties[k], &p) == nil && p.Description != "" {
			f.poison(name+" parameter "+k, p.Description, line)
		}
	}
}

// jsonFile reads JSON of any name that holds a bill of materials, a client's list of
// MCP servers, or a list of tools.
func jsonFile(f *file) error {
	head := f.data[:min(len(f.data), 64<<10)]
	switch {
	case bytes.Contains(head, []byte(`"bomFormat"`)), bytes.Contains(head, []byte(`"spdxVersion"`)), bytes.Contains(head, []byte(`openvex.dev`)), bytes.Contains(head, []byte(`spdx.org/rdf/3`)):
		return bill(f)
	case bytes.Contains(head, []byte(`"mcpServers"`)):
		return mcpConfig(f)
	case bytes.Contains(head, []byte(`"inputSchema"`)) && bytes.Contains(head, []byte(`"tools"`)):
		return mcpConfig(f)
	}
	// Of others nothing is read, but what is damaged may have been one of those.
	body := bytes.TrimSpace(f.data)
	switch {
	case len(body) == 0:
		return nil
	case bytes.IndexByte(head, 0) >= 0:
		return errors.New("it is no text: damaged, or not in UTF-8")
	case bytes.IndexByte([]byte(":{[,"), body[len(body)-1]) >= 0:
		return errors.New("it is cut short")
	}
	return nil
}
