// Package house holds the rules of the house that a compiler does not: who may
// import whom, that everything exported is documented, and that files stay
// small enough to read.
package house

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/sevenfold-sec/sevenfold/"

// allowed says which of our packages each room may import, by path prefix; ""
// is everything. A room may always import what lies inside itself: an engine
// belongs to its step. The longest matching room counts.
var allowed = map[string][]string{
	"estate":   {},
	"sigstore": {},
	"finding":  {"estate"},
	"collect":  {"estate"},
	"provider": {"estate"},
	"scope":    {"estate", "finding"},
	"control":  {"estate", "finding", "scope"},
	"controls": {},
	"risk":     {"estate", "finding", "scope"},
	"store":    {"estate", "finding"},
	"stream":   {"estate", "finding"},
	"act":      {"estate", "finding", "sigstore"},
	"steps":    {"estate", "finding", "scope", "provider", "control", "sigstore"},
	"gate":     {"estate", "finding", "scope", "sigstore"},
	"report":   {"estate", "finding", "gate"},
	"assess":   {""},
	"server":   {""},
	"cmd":      {""},
	"bench":    {""},
	"test":     {""},
	"examples": {""},
}

// alone lists rooms whose neighbours may not import each other though they
// share a parent: collect/aws never sees collect/kubernetes.
var alone = map[string]bool{"collect": true, "provider": true, "steps": true, "act": true}

// source is one parsed Go file of ours.
type source struct {
	path string // slash-separated, relative to the repository
	file *ast.File
	text []byte
}

func TestImportRule(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			imported, ours := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module)
			if !ours {
				continue
			}
			if why := refuse(path.Dir(s.path), imported, strings.HasSuffix(s.path, "_test.go")); why != "" {
				t.Errorf("%s imports %s: %s", s.path, imported, why)
			}
		}
	}
}

// refuse returns why the package in folder from may not import to, or "".
// Tests may use anything in test/ and the data they prove (controls).
func refuse(from, to string, isTest bool) string {
	if from == to || isTest && (within(to, "test") || to == "controls") {
		return ""
	}
	room, _, _ := strings.Cut(from, "/")
	rule, known := allowed[room]
	if !known {
		return "no rule for room " + room
	}
	if alone[room] && within(to, room) {
		if cell(from) == cell(to) {
			return ""
		}
		return "rooms inside " + room + " do not know each other"
	}
	if within(to, room) {
		return ""
	}
	for _, p := range rule {
		if p == "" || within(to, p) {
			return ""
		}
	}
	return room + " may import only: " + strings.Join(rule, " ")
}

// cell is the first two elements of a path: collect/aws of collect/aws/api.
func cell(p string) string {
	parts := strings.SplitN(p, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

func within(p, room string) bool { return p == room || strings.HasPrefix(p, room+"/") }

func TestRefuse(t *testing.T) {
	tests := []struct {
		from, to string
		isTest   bool
		ok       bool
	}{
		{"collect/aws", "estate", false, true},
		{"collect/aws", "collect/aws/api", false, true},
		{"collect/aws", "collect/files", false, false},
		{"collect/aws", "finding", false, false},
		{"estate", "finding", false, false},
		{"estate", "test/house", true, true},
		{"steps/audit", "steps/access", false, false},
		{"steps/access", "provider/aws", false, true},
		{"steps/access", "steps/access/iam", false, true},
		{"report", "gate", false, true},
		{"gate", "report", false, false},
		{"assess", "report", false, true},
		{"unheardof", "estate", false, false},
	}
	for _, tt := range tests {
		if why := refuse(tt.from, tt.to, tt.isTest); (why == "") != tt.ok {
			t.Errorf("refuse(%s, %s) = %q, want allowed %v", tt.from, tt.to, why, tt.ok)
		}
	}
}

func TestEstateUsesTheStandardLibraryOnly(t *testing.T) {
	for _, s := range sources(t) {
		if path.Dir(s.path) != "estate" || strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		for _, spec := range s.file.Imports {
			if p := strings.Trim(spec.Path.Value, `"`); strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
				t.Errorf("%s imports %s", s.path, p)
			}
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	for _, s := range sources(t) {
		if n := bytes.Count(s.text, []byte("\n")); n >= 1000 {
			t.Errorf("%s has %d lines", s.path, n)
		}
	}
}

func TestNoInitFunctions(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s registers by init(); use an explicit list", s.path)
			}
		}
	}
}

func TestEverythingExportedIsDocumented(t *testing.T) {
	hasDoc := map[string]bool{}
	for _, s := range sources(t) {
		if strings.HasSuffix(s.path, "_test.go") {
			continue
		}
		dir := path.Dir(s.path)
		hasDoc[dir] = hasDoc[dir] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			for _, name := range undocumented(d) {
				t.Errorf("%s: exported %s has no doc comment", s.path, name)
			}
		}
	}
	for dir, ok := range hasDoc {
		if !ok {
			t.Errorf("package in %s has no package comment", dir)
		}
	}
}

// undocumented lists the exported functions, types, variables and constants a
// declaration makes without saying what they are.
func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || exportedReceiver(d.Recv)) {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		var names []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
					names = append(names, spec.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					if n.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						names = append(names, n.Name)
					}
				}
			}
		}
		return names
	}
	return nil
}

func exportedReceiver(recv *ast.FieldList) bool {
	t := recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if index, ok := t.(*ast.IndexExpr); ok {
		t = index.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

// sources parses every Go file git tracks or would add, nested modules and
// test data apart.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	cmd := exec.Command("git", "ls-files", "-co", "--exclude-standard", "*.go")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var all []source
	for _, p := range strings.Fields(string(out)) {
		if strings.Contains(p, "testdata/") || nested(root, path.Dir(p)) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, p))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ParseComments)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		all = append(all, source{p, file, text})
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files found: the rules looked in the wrong place", len(all))
	}
	return all
}

// nested reports whether dir lies in a module of its own.
func nested(root, dir string) bool {
	for ; dir != "." && dir != "/"; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(root, dir, "go.mod")); err == nil {
			return true
		}
	}
	return false
}
