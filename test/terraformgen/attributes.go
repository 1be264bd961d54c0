package terraformgen

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// attributesHead explains the text that Attributes writes.
const attributesHead = `# The attributes of the resource types that provider/terraform converts, as the
# providers' own schemas name them. Written by test/terraformgen from the classes
# that the Cloud Development Kit for Terraform generates out of these schemas:
%s#
# One resource type begins with "=", further types of the same body follow on
# that line. Below it stands one attribute a line, blocks indented: its name, its
# kind, and how it is set. Kinds: s string, n number, b boolean, ? anything, {
# block that may stand once, o object; [ a list, < a set, ( a map of what follows.
# How: ! required, - computed only, ~ (of blocks) computed where it is not
# configured, nothing: optional. "@PATH": the block holds what stands at PATH.
`

// pack is a package of generated classes.
type pack struct{ dir, name string }

var packs = [...]pack{{"aws", "@cdktf/provider-aws"}, {"kubernetes", "@cdktf/provider-kubernetes"}}

// Attributes condenses the generated classes of the AWS and Kubernetes providers
// to the text of provider/terraform/attributes.txt. Folder holds the two
// packages unpacked, as aws and kubernetes (npm pack, then tar). Types are the
// resource types; one that no package has is listed in the head.
func Attributes(folder string, types []string) (string, error) {
	w := &attributeWriter{seen: map[string]string{}}
	sources, bodies, missing := "", map[string][]string{}, []string{}
	for _, p := range packs {
		source, err := versions(filepath.Join(folder, p.dir), p.name)
		if err != nil {
			return "", err
		}
		sources += "#   " + source + "\n"
		for _, tf := range types {
			rest, ok := strings.CutPrefix(tf, p.dir+"_")
			if !ok {
				continue
			}
			root, err := classesOf(filepath.Join(folder, p.dir, "lib", strings.ReplaceAll(rest, "_", "-")), tf)
			if os.IsNotExist(err) {
				missing = append(missing, tf)
				continue
			} else if err != nil {
				return "", err
			}
			body := w.flat(root)
			bodies[body] = append(bodies[body], tf)
			w.roots = append(w.roots, root)
		}
	}
	if len(missing) > 0 {
		sources += "# These types are in neither: " + strings.Join(missing, " ") + "\n"
	}
	out := strings.Builder{}
	fmt.Fprintf(&out, attributesHead, sources)
	written := map[string]bool{}
	for _, root := range w.roots {
		body := w.flat(root)
		if written[body] {
			continue
		}
		written[body] = true
		fmt.Fprintf(&out, "= %s\n", strings.Join(bodies[body], " "))
		w.write(&out, root, bodies[body][0], 0)
	}
	return out.String(), nil
}

// versions names a package, its version, and the provider's.
func versions(dir, name string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return "", err
	}
	var p struct {
		Version string
		Cdktf   struct {
			Provider struct{ Name, Version string }
		}
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	return fmt.Sprintf("%s %s, by npm %s %s", p.Cdktf.Provider.Name, p.Cdktf.Provider.Version, name, p.Version), nil
}

// attribute is one attribute of a class.
type attribute struct {
	name, kind, how string
	kids            []attribute
}

// The lines of a generated class that say something of its attributes.
var (
	classLine    = regexp.MustCompile(`^class (\w+) extends cdktf\.(TerraformResource|ComplexObject|ComplexList|ComplexMap) `)
	howLine      = regexp.MustCompile(`^\s*// (\w+) - computed: (true|false), optional: (true|false), required: (true|false)`)
	getLine      = regexp.MustCompile(`this\.get(String|Number|Boolean|List|NumberList|StringMap|NumberMap|BooleanMap)Attribute\('(\w+)'\)`)
	interpolated = regexp.MustCompile(`this\.interpolationForAttribute\('(\w+)'\)`)
	newLine      = regexp.MustCompile(`this\._\w+ = new (?:\w+\.)?(\w+)\(this, "(\w+)"(?:, (true|false))?\)`)
	hclName      = regexp.MustCompile(`^\s*(\w+): \{$`)
	hclType      = regexp.MustCompile(`^\s*type: "(\w+)",$`)
	hclFunction  = regexp.MustCompile(`^function (\w+)ToHclTerraform\(|^    synthesizeHclAttributes\(`)
	resetLine    = regexp.MustCompile(`^    reset(\w+)\(\) \{$`)
	typeLine     = regexp.MustCompile(`\.tfResourceType = "(\w+)"`)
)

// scalars are the kinds by the name of the getter.
var scalars = map[string]string{"String": "s", "Number": "n", "Boolean": "b", "List": "[s", "NumberList": "[n", "StringMap": "(s", "NumberMap": "(n", "BooleanMap": "(b"}

// class is what one generated class says.
type class struct {
	attributes []attribute
	nested     map[string]string // attribute -> class
}

// reader reads the files of one resource.
type reader struct {
	classes map[string]*class
	structs map[string]map[string]bool // by class name in lower case: attributes that are single objects, not blocks
	root    string
	at      *class
	inHCL   string // class the converter at hand is for
	hcl     string // attribute at hand there
	how     map[string]string
}

// classesOf reads one resource's folder and returns its attributes. A folder
// that makes another resource type is an error.
func classesOf(dir, tf string) ([]attribute, error) {
	files := []string{filepath.Join(dir, "index.js")}
	if _, err := os.Stat(files[0]); err != nil {
		return nil, err
	}
	more, err := filepath.Glob(filepath.Join(dir, "index-structs", "structs*.js"))
	if err != nil {
		return nil, err
	}
	r := &reader{classes: map[string]*class{}, structs: map[string]map[string]bool{}}
	typ := ""
	for _, name := range append(more, files...) {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(strings.NewReader(string(text)))
		lines.Buffer(nil, 64<<20) // the last line is a source map
		for lines.Scan() {
			if m := typeLine.FindStringSubmatch(lines.Text()); m != nil {
				typ = m[1]
			}
			r.line(lines.Text())
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if typ != tf {
		return nil, fmt.Errorf("%s makes %q, not %s", dir, typ, tf)
	}
	return r.expand(r.root, nil)
}

func (r *reader) line(line string) {
	if m := classLine.FindStringSubmatch(line); m != nil {
		r.at, r.how, r.inHCL = &class{nested: map[string]string{}}, map[string]string{}, ""
		r.classes[m[1]] = r.at
		if m[2] == "TerraformResource" {
			r.root = m[1]
		}
		return
	}
	if m := hclFunction.FindStringSubmatch(line); m != nil {
		if r.inHCL = strings.ToLower(m[1]); m[1] == "" {
			r.inHCL = strings.ToLower(r.root)
		}
		return
	}
	if r.inHCL != "" {
		if m := hclName.FindStringSubmatch(line); m != nil {
			r.hcl = m[1]
		} else if m := hclType.FindStringSubmatch(line); m != nil && m[1] == "struct" {
			if r.structs[r.inHCL] == nil {
				r.structs[r.inHCL] = map[string]bool{}
			}
			r.structs[r.inHCL][r.hcl] = true
		} else if line == "}" {
			r.inHCL = ""
		}
		return
	}
	if r.at == nil {
		return
	}
	if m := resetLine.FindStringSubmatch(line); m != nil { // what can be reset is optional
		for i := range r.at.attributes {
			if a := &r.at.attributes[i]; a.how == "!" && strings.EqualFold(strings.ReplaceAll(a.name, "_", ""), m[1]) {
				a.how = ""
			}
		}
		return
	}
	if m := howLine.FindStringSubmatch(line); m != nil {
		r.how[m[1]] = how(m[2], m[3], m[4])
		return
	}
	if m := newLine.FindStringSubmatch(line); m != nil {
		if kind, ok := scalars[m[1]]; ok { // a map of the kit's own
			r.add(m[2], kind)
			return
		}
		kind := "{"
		if m[3] == "false" {
			kind = "[{"
		} else if m[3] == "true" {
			kind = "<{"
		}
		r.at.nested[m[2]] = m[1]
		r.add(m[2], kind)
		return
	}
	if m := getLine.FindStringSubmatch(line); m != nil {
		kind := scalars[m[1]]
		if strings.Contains(line, "cdktf.Fn.tolist(") {
			kind = strings.Replace(kind, "[", "<", 1)
		}
		r.add(m[2], kind)
		return
	}
	if m := interpolated.FindStringSubmatch(line); m != nil {
		r.add(m[1], "?")
	}
}

// how is the sign for how an attribute is set.
func how(computed, optional, required string) string {
	switch {
	case required == "true":
		return "!"
	case computed == "true" && optional == "true":
		return "~"
	case computed == "true":
		return "-"
	}
	return ""
}

// add notes an attribute of the class at hand, once.
func (r *reader) add(name, kind string) {
	how, said := r.how[name]
	if !said {
		how = "!" // until it turns out that it can be reset
	}
	if !slices.ContainsFunc(r.at.attributes, func(a attribute) bool { return a.name == name }) {
		r.at.attributes = append(r.at.attributes, attribute{name: name, kind: kind, how: how})
	}
}

// expand puts the nested classes in their places. A class within itself is an
// error.
func (r *reader) expand(name string, within []string) ([]attribute, error) {
	c := r.classes[name]
	if c == nil || slices.Contains(within, name) {
		return nil, fmt.Errorf("class %s of %s is not there, or holds itself", name, r.root)
	}
	var out []attribute
	for _, a := range c.attributes {
		inner := c.nested[a.name]
		if inner == "" {
			out = append(out, a)
			continue
		}
		if list, ok := strings.CutSuffix(inner, "List"); ok && r.classes[list+"OutputReference"] != nil {
			inner = list + "OutputReference"
		} else if m, ok := strings.CutSuffix(inner, "Map"); ok && r.classes[m+"OutputReference"] != nil {
			inner, a.kind = m+"OutputReference", "({"
		} else if len(c.nested) > 0 && a.kind == "{" && r.structs[strings.ToLower(strings.TrimSuffix(name, "OutputReference"))][a.name] {
			a.kind = "o"
		}
		kids, err := r.expand(inner, append(within, name))
		if err != nil {
			return nil, err
		}
		a.kids = kids
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

// attributeWriter writes bodies, each once.
type attributeWriter struct {
	roots [][]attribute
	seen  map[string]string // body -> path
}

// flat is a body as text, by which equal ones are found.
func (w *attributeWriter) flat(list []attribute) string {
	var b strings.Builder
	for _, a := range list {
		b.WriteString(a.name + " " + a.kind + a.how + "(" + w.flat(a.kids) + ")")
	}
	return b.String()
}

func (w *attributeWriter) write(b *strings.Builder, list []attribute, path string, depth int) {
	for _, a := range list {
		fmt.Fprintf(b, "%s%s %s%s", strings.Repeat("\t", depth), a.name, a.kind, a.how)
		body := w.flat(a.kids)
		at := path + "." + a.name
		if have, ok := w.seen[body]; ok && len(body) > 100 {
			fmt.Fprintf(b, " @%s\n", have)
			continue
		}
		w.seen[body] = at
		b.WriteByte('\n')
		w.write(b, a.kids, at, depth+1)
	}
}
