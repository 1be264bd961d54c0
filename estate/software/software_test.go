package software

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCommands(t *testing.T) {
	for name, c := range map[string]struct {
		words []string
		want  []string
	}{
		"plain":      {[]string{"vllm", "serve", "m"}, []string{"vllm serve m"}},
		"shell":      {[]string{"/bin/sh", "-c", "a b && exec c d | e; f"}, []string{"a b", "c d", "e", "f"}},
		"variables":  {[]string{"env", "A=b", "torchrun", "--n=2"}, []string{"torchrun --n=2"}},
		"lines":      {[]string{"bash", "-lc", "pip install x\npython t.py \\\n --a b"}, []string{"pip install x", "python t.py --a b"}},
		"tini":       {[]string{"tini", "-g", "--", "start-notebook.sh"}, []string{"start-notebook.sh"}},
		"background": {[]string{"sh", "-c", "ollama serve & sleep 5"}, []string{"ollama serve", "sleep 5"}},
		"nothing":    {nil, nil},
	} {
		var got []string
		for _, words := range Commands(c.words) {
			got = append(got, strings.Join(words, " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestEverySystemCanBeRecognised: each has a way, and no way is of two.
func TestEverySystemCanBeRecognised(t *testing.T) {
	seen := map[string]string{}
	for _, s := range signatures {
		if len(s.images)+len(s.programs) == 0 {
			t.Errorf("%s can only be guessed at", s.name)
		}
		if (len(s.ports) == 0) != (len(s.env) == 0) {
			t.Errorf("%s: a port without a variable, or the reverse, never counts", s.name)
		}
		if s.plain && s.class != "" {
			t.Errorf("%s makes no workload and has the class of one", s.name)
		}
		for _, p := range append(slices.Clone(s.images), s.programs...) {
			if other := seen[p]; other != "" && other != s.name {
				t.Errorf("%q stands for %s and %s", p, other, s.name)
			}
			seen[p] = s.name
		}
	}
}

func TestRecognise(t *testing.T) {
	tests := []struct {
		name string
		c    Container
		want []string
	}{
		{"image of a mirror", Container{Image: "registry.example:5000/mirror/vllm/vllm-openai:v0.11.0@sha256:ab"}, []string{"vLLM"}},
		{"an exporter is not its system", Container{Image: "acme/vllm-openai-exporter"}, nil},
		{"command in a shell", Container{Words: []string{"sh", "-c", "pip install x && exec ollama serve"}}, []string{"Ollama"}},
		{"two systems", Container{Image: "rayproject/ray:2.49.0", Words: []string{"python3", "-m", "sglang.launch_server"}}, []string{"SGLang", "Ray"}},
		{"a port alone", Container{Ports: []string{"8265"}}, nil},
		{"a port and a variable", Container{Ports: []string{"8265"}, Env: map[string]string{"RAY_ADDRESS": "x"}}, []string{"Ray"}},
		{"a database", Container{Image: "redis:8"}, []string{"Redis"}},
		{"of Docker's library", Container{Image: "docker.io/library/postgres:17"}, []string{"PostgreSQL"}},
		{"one that only calls itself so", Container{Image: "acme/redis-proxy"}, nil},
		{"nothing", Container{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, m := range Recognise(tt.c) {
				got = append(got, m.System)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add("vllm/vllm-openai:v1", "sh -c 'vllm serve m'", "8000", "VLLM_API_KEY")
	f.Add("", "", "", "")
	f.Add("::@@//", "\\\n&&||", "x", "=")
	f.Fuzz(func(t *testing.T, image, words, port, variable string) {
		for _, m := range Recognise(Container{Image: image, Words: strings.Split(words, " "), Ports: []string{port}, Env: map[string]string{variable: ""}}) {
			if m.System == "" || m.Evidence == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}

// What takes references apart from behind says the same as what splits them.
func TestPatternsFitBySegments(t *testing.T) {
	slow := func(full, pattern string) bool {
		have, want := strings.Split(full, "/"), strings.Split(pattern, "/")
		if len(want) > len(have) {
			return false
		}
		return slices.EqualFunc(want, have[len(have)-len(want):], func(p, s string) bool {
			ok, err := path.Match(p, s)
			return ok && err == nil
		})
	}
	segment := rapid.SampledFrom([]string{"", "a", "ab", "b", "nim", "*", "?", "a*", "[", `\`, "[ab]", "nvcr.io", "nvcr.io:443"})
	some := rapid.SliceOfN(segment, 1, 4)
	fit := 0
	rapid.Check(t, func(t *rapid.T) {
		full, pattern := strings.Join(some.Draw(t, "full"), "/"), strings.Join(some.Draw(t, "pattern"), "/")
		got, want := ends(full, pattern), slow(full, pattern)
		if got != want {
			t.Fatalf("%q ends as %q: got %v, want %v", full, pattern, got, want)
		}
		if want {
			fit++
		}
	})
	if fit == 0 {
		t.Error("no pattern fitted anything")
	}
}
