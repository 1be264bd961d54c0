package hclpatch

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"pgregory.net/rapid"
)

func treeOf(files map[string]string) *Tree {
	in := fstest.MapFS{}
	for name, text := range files {
		in[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return &Tree{Files: in, Variables: map[string]Variable{"key": {"string", "ARN of the key."}, "ids": {"list(string)", "Ids."}}}
}

// fataler is what a test and a property have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// applied is what a folder of files is after git has applied a diff.
func applied(t fataler, dir string, files map[string]string, diff string) map[string]string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatalf("%v", err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatalf("%v", err)
		}
	}
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(diff)
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil && diff != "" {
		t.Fatalf("git apply: %v: %s\n%s", err, out, diff)
	}
	got := map[string]string{}
	for _, pattern := range []string{"*", "*/*", "*/*/*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatalf("%v", err)
		}
		for _, path := range names {
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				continue
			}
			rel, _ := filepath.Rel(dir, path)
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatalf("%v", err)
			}
			got[filepath.ToSlash(rel)] = string(text)
		}
	}
	return got
}

const two = `resource "a" "b" {
  x = 1
}

locals {
  pw = "correct horse battery staple"
}

resource "a" "c" {
  x = 1

  d {
    y = 1
  }
}
`

func setIn(file, name, path, expression string) Mend {
	return Mend{Name: name + "." + path, File: file, Edit: Edit{Type: "a", Name: name, Set: map[string]string{path: expression}}}
}

const declaredKey = "variable \"key\" {\n  description = \"ARN of the key.\"\n  type        = string\n}\n"

func TestCombine(t *testing.T) {
	add := func(text string) Mend {
		return Mend{Name: "adder", File: "main.tf", Edit: Edit{Type: "a", Name: "b", Add: text}}
	}
	tests := map[string]struct {
		files map[string]string
		mends []Mend
		want  map[string]string // what differs after
		left  map[int]string
		notes []string
	}{
		"several_in_one_file": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "b", "x", "2"), setIn("main.tf", "c", "d.y", "2"), setIn("main.tf", "b", "z", "3"), add(`resource "n" "LABEL" {}`)},
			map[string]string{"main.tf": strings.NewReplacer("  x = 1\n}", "  x = 2\n  z = 3\n}\n\nresource \"n\" \"b\" {}", "y = 1", "y = 2").Replace(two)}, nil, nil},
		"several_files": {map[string]string{"main.tf": two, "m/main.tf": "resource \"a\" \"b\" {\n}\n"}, []Mend{setIn("main.tf", "b", "x", "2"), setIn("m/main.tf", "b", "x", "5")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = 2", 1), "m/main.tf": "resource \"a\" \"b\" {\n  x = 5\n}\n"}, nil, nil},
		"same_twice": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "b", "x", "2"), setIn("main.tf", "b", "x", "2")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = 2", 1)}, nil, nil},
		"conflict": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "b", "x", "2"), setIn("main.tf", "b", "x", "3"), setIn("main.tf", "c", "x", "3")},
			map[string]string{"main.tf": strings.Replace(strings.Replace(two, "x = 1", "x = 2", 1), "x = 1", "x = 3", 1)},
			map[int]string{1: `main.tf: resource "a.b": x: the mend of b.x says otherwise`}, nil},
		"conflict_of_blocks": {map[string]string{"main.tf": two}, []Mend{add("resource \"n\" \"LABEL\" {\n  v = 1\n}"), add("resource \"n\" \"LABEL\" {\n  v = 2\n}"), add("resource \"n\" \"LABEL\" {\n  v = 1\n}")},
			map[string]string{"main.tf": strings.Replace(two, "  x = 1\n}", "  x = 1\n}\n\nresource \"n\" \"b\" {\n  v = 1\n}", 1)},
			map[int]string{1: `resource.n.b: the mend of adder says otherwise`}, nil},
		"added_and_then_set": {map[string]string{"main.tf": two}, []Mend{add("resource \"n\" \"LABEL\" {\n  v = 1\n}"),
			{Name: "other", File: "main.tf", Edit: Edit{Type: "a", Name: "b", Add: "resource \"n\" \"LABEL\" {\n  w = 2\n}"}, Else: []Edit{{Type: "n", Name: "b", Set: map[string]string{"w": "2"}}}}},
			map[string]string{"main.tf": strings.Replace(two, "  x = 1\n}", "  x = 1\n}\n\nresource \"n\" \"b\" {\n  v = 1\n  w = 2\n}", 1)}, nil, nil},
		"default_covered": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "b", "k", "9"), {Name: "d", File: "main.tf", Edit: Edit{Type: "a", Name: "b", Default: map[string]string{"k": "8"}}}},
			map[string]string{"main.tf": strings.Replace(two, "  x = 1\n}", "  x = 1\n  k = 9\n}", 1)}, nil, nil},
		"broken_one_left": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "z", "x", "2"), setIn("main.tf", "b", "d.y.z", "1"), setIn("main.tf", "c", "d", "1"), setIn("gone.tf", "b", "x", "1"), setIn("main.tf", "c", "x", "1")},
			map[string]string{"main.tf": strings.Replace(two, "  x = 1\n}", "  x = 1\n\n  d {\n\n    y {\n      z = 1\n    }\n  }\n}", 1)},
			map[int]string{0: "written 0 times", 2: "it is a block here", 3: "not exist", 4: ErrSaid.Error()}, nil},
		"in_another_file": {map[string]string{"main.tf": two, "more.tf": "resource \"n\" \"b\" {}\n"}, []Mend{add(`resource "n" "LABEL" {}`)}, nil,
			map[int]string{0: "n.b is in more.tf already and says something else"}, nil},
		"variable_in_a_new_file": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "b", "x", "var.key"), setIn("main.tf", "c", "x", "var.key")},
			map[string]string{"main.tf": strings.ReplaceAll(two, "x = 1", "x = var.key"), "variables.tf": declaredKey}, nil, nil},
		"variable_beside_others": {map[string]string{"main.tf": two, "variables.tf": "variable \"v\" {}\n"}, []Mend{setIn("main.tf", "b", "x", "var.key"), setIn("main.tf", "c", "x", "[var.key, var.ids, var.odd]")},
			map[string]string{"main.tf": strings.Replace(strings.Replace(two, "x = 1", "x = var.key", 1), "x = 1", "x = [var.key, var.ids, var.odd]", 1),
				"variables.tf": "variable \"v\" {}\n\n" + declaredKey + "\nvariable \"ids\" {\n  description = \"Ids.\"\n  type        = list(string)\n}\n\nvariable \"odd\" {\n  description = \"Left open by a mend of sevenfold.\"\n  type        = any\n}\n"}, nil, nil},
		"variable_where_others_are": {map[string]string{"main.tf": two, "inputs.tf": "variable \"v\" {\n}\nvariable \"w\" {\n}"}, []Mend{setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "inputs.tf": "variable \"v\" {\n}\nvariable \"w\" {\n}\n\n" + declaredKey}, nil, nil},
		"variable_in_the_same_file": {map[string]string{"main.tf": "variable \"v\" {}\n" + two}, []Mend{setIn("main.tf", "c", "x", "var.key")},
			map[string]string{"main.tf": "variable \"v\" {}\n" + strings.Replace(two, "  x = 1\n\n", "  x = var.key\n\n", 1) + "\n" + declaredKey}, nil, nil},
		"variable_declared": {map[string]string{"main.tf": two, "v.tf": "variable \"key\" {}\n"}, []Mend{setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = var.key", 1)}, nil, nil},
		"variable_declared_in_JSON": {map[string]string{"main.tf": two, "v.tf.json": `{"variable": {"key": {}}}`}, []Mend{setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = var.key", 1)}, nil, nil},
		"variable_of_a_mend_left_out": {map[string]string{"main.tf": two}, []Mend{setIn("main.tf", "b", "x", "2"), setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = 2", 1)}, map[int]string{1: "says otherwise"}, nil},
		"variable_beside_a_secret": {map[string]string{"main.tf": two, "variables.tf": "# correct horse battery staple"}, []Mend{setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "variables_2.tf": declaredKey}, nil, nil},
		"variable_behind_a_secret": {map[string]string{"main.tf": two, "variables.tf": "# mine\n# correct horse battery staple\n"}, []Mend{setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "variables.tf": "# mine\n# correct horse battery staple\n\n" + declaredKey}, nil, nil},
		"variable_behind_one_line": {map[string]string{"main.tf": two, "variables.tf": "# correct horse battery staple\n"}, []Mend{setIn("main.tf", "b", "x", "var.key")},
			map[string]string{"main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "variables_2.tf": declaredKey}, nil, nil},
		"handed_down": {map[string]string{"main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "m/main.tf": "module \"n\" {\n  source = \"./n\"\n}\n", "m/n/main.tf": two},
			[]Mend{{Name: "x", File: "m/n/main.tf", Modules: []string{"m", "n"}, Edit: Edit{Type: "a", Name: "b", Set: map[string]string{"x": "var.key"}}}},
			map[string]string{"main.tf": "module \"m\" {\n  source = \"./m\"\n  key    = var.key\n}\n", "variables.tf": declaredKey, "m/main.tf": "module \"n\" {\n  source = \"./n\"\n  key    = var.key\n}\n", "m/variables.tf": declaredKey,
				"m/n/main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "m/n/variables.tf": declaredKey}, nil, nil},
		"given_already": {map[string]string{"main.tf": "module \"m\" {\n  source = \"./m\"\n  key    = \"k\"\n}\n", "m/main.tf": two},
			[]Mend{{Name: "x", File: "m/main.tf", Modules: []string{"m"}, Edit: Edit{Type: "a", Name: "b", Set: map[string]string{"x": "var.key"}}}},
			map[string]string{"m/main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "m/variables.tf": declaredKey}, nil, nil},
		"call_not_here": {map[string]string{"main.tf": "module \"m\" {\n  source = \"git::m\"\n}\n", "m/main.tf": two},
			[]Mend{{Name: "x", File: "m/main.tf", Modules: []string{"m"}, Edit: Edit{Type: "a", Name: "b", Set: map[string]string{"x": "var.key"}}}},
			map[string]string{"m/main.tf": strings.Replace(two, "x = 1", "x = var.key", 1), "m/variables.tf": declaredKey}, nil,
			[]string{"m: give module m the variable key where it is called: the call is not in this folder, or not with a path as its source"}},
		"no_hcl": {map[string]string{"main.tf": "resource {{{"}, []Mend{setIn("main.tf", "b", "x", "2")}, nil, map[int]string{0: "it is no HCL"}, nil},
		"none":   {map[string]string{"main.tf": two}, nil, nil, nil, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := treeOf(tt.files).Combine(tt.mends...)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.mends {
				why := ""
				if p.Left[i] != nil {
					why = p.Left[i].Error()
				}
				if want := tt.left[i]; (why == "") != (want == "") || !strings.Contains(why, want) || (why != "") == slices.Contains(p.Made, i) {
					t.Errorf("mend %d is left out for %q, want %q; made are %v", i, why, want, p.Made)
				}
			}
			if d := cmp.Diff(tt.notes, p.Notes); d != "" {
				t.Error(d)
			}
			want := maps.Clone(tt.files)
			maps.Copy(want, tt.want)
			if d := cmp.Diff(want, applied(t, t.TempDir(), tt.files, p.Diff)); d != "" {
				t.Errorf("%s\n%s", d, p.Diff)
			}
			if d := cmp.Diff(slices.Sorted(maps.Keys(tt.want)), p.Files); d != "" && len(tt.want) > 0 {
				t.Error(d)
			}
			if strings.Contains(p.Diff, "correct horse") {
				t.Errorf("it shows a neighbour:\n%s", p.Diff)
			}
		})
	}
}

// Whatever the mends are, git takes the patch of all, the files stay HCL, each
// mend that is made holds, and no line between the resources is shown.
func TestCombineProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var source strings.Builder
		n := rapid.IntRange(1, 5).Draw(t, "resources")
		for i := range n {
			fmt.Fprintf(&source, "resource \"a\" \"r%d\" {\n", i)
			for _, at := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"p", "q", "long_name"}), func(s string) string { return s }).Draw(t, "attributes") {
				fmt.Fprintf(&source, "  %s = %d\n", at, rapid.IntRange(0, 3).Draw(t, "value"))
			}
			if rapid.Bool().Draw(t, "block") {
				source.WriteString("  d {\n    p = 0\n  }\n")
			}
			source.WriteString("}\n" + rapid.SampledFrom([]string{"\n", "", "\nlocals {\n  s = \"secret\"\n}\n\n", "locals {\n  s = \"secret\"\n}\n", "# secret\n"}).Draw(t, "between"))
		}
		text := source.String()
		if rapid.Bool().Draw(t, "cut") {
			text = strings.TrimRight(text, "\n")
		}
		var mends []Mend
		for range rapid.IntRange(0, 8).Draw(t, "mends") {
			m := Mend{Name: "m", File: "main.tf", Edit: Edit{Type: "a", Name: fmt.Sprintf("r%d", rapid.IntRange(0, n-1).Draw(t, "of"))}}
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				m.Set = map[string]string{rapid.SampledFrom([]string{"p", "q", "new", "d.p", "d?.q", "e.f.g"}).Draw(t, "path"): rapid.SampledFrom([]string{"1", "2", "var.key"}).Draw(t, "to")}
			case 1:
				m.Default = map[string]string{rapid.SampledFrom([]string{"p", "new", "d.z"}).Draw(t, "path"): "var.ids"}
			case 2:
				m.Append = map[string]string{".": "w {\n  type = " + rapid.SampledFrom([]string{"1", "2"}).Draw(t, "to") + "\n}\n"}
			default:
				m.Add = "resource \"n\" \"LABEL\" {\n  v = " + rapid.SampledFrom([]string{"1", "var.key"}).Draw(t, "to") + "\n}\n"
			}
			mends = append(mends, m)
		}
		files := map[string]string{"main.tf": text}
		p, err := treeOf(files).Combine(mends...)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(p.Diff, "secret") {
			t.Fatalf("it shows what stands between:\n%s", p.Diff)
		}
		dir, err := os.MkdirTemp("", "combine")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		after := applied(t, dir, files, p.Diff)
		all := ""
		for name, text := range after {
			if _, diags := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos); diags.HasErrors() {
				t.Fatalf("%v\n%s", diags, text)
			}
			all += text
		}
		if strings.Count(all, "secret") != strings.Count(text, "secret") {
			t.Fatalf("something between is gone:\n%s", all)
		}
		for _, v := range []string{"key", "ids"} {
			if declared := strings.Count(all, "variable \""+v+"\""); declared > 1 || strings.Contains(all, "var."+v) != (declared == 1) {
				t.Fatalf("%s is declared %d times in\n%s", v, declared, all)
			}
		}
		for _, i := range p.Made {
			e := mends[i].Edit
			e.Add, e.Append, e.Default = "", nil, nil
			if got, err := e.apply("main.tf", []byte(after["main.tf"])); err != nil || string(got) != after["main.tf"] {
				t.Fatalf("mend %v does not hold (%v) in\n%s", mends[i], err, after["main.tf"])
			}
		}
	})
}

// Whatever the tree says, a patch leaves HCL and is one that git takes.
func FuzzCombine(f *testing.F) {
	f.Add("main.tf", two, "variables.tf", "variable \"v\" {}\n")
	f.Add("main.tf", two, "x.tf.json", `{"variable": {"key": 1}}`)
	f.Add("m/main.tf", two, "main.tf", "module \"m\" {\n  source = \"./m\"\n}\n")
	f.Fuzz(func(t *testing.T, one, text, other, beside string) {
		tree := treeOf(map[string]string{one: text, other: beside})
		p, err := tree.Combine(Mend{Name: "k", File: one, Modules: []string{"m"}, Edit: Edit{Type: "a", Name: "b", Set: map[string]string{"x": "var.key"}, Add: "resource \"n\" \"LABEL\" {}"}},
			Mend{Name: "l", File: other, Edit: Edit{Type: "a", Name: "c", Default: map[string]string{"d.z": "var.ids"}}})
		if err == nil && (p.Diff == "") != (len(p.Made) == 0) {
			t.Errorf("made %v by %q", p.Made, p.Diff)
		}
	})
}
