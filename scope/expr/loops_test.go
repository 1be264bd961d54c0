package expr

import (
	"encoding/json"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Only ranges that multiply count: each is a factor in what a large
// configuration costs.
func TestLoops(t *testing.T) {
	for source, want := range map[string]int{
		`config.A == 1`:              0,
		`config.A.exists(a, a == 1)`: 1,
		`config.A.filter(a, a > 1).map(a, a + 1).exists(a, a == 3)`:              1,
		`config.A.exists(a, a.B.exists(b, b.C.all(c, c > 0)))`:                   1,
		`config.A.exists(a, [1, 2, 3].exists(n, a.N == n))`:                      1,
		`[1, 2, 3].exists(n, config.A.exists(a, a == n))`:                        1,
		`config.A.exists(a, ["x", "y"].exists(k, a[k].exists(b, b == 1)))`:       1,
		`config.A.exists(a, config.B.exists(b, a == b))`:                         2,
		`config.A.exists(a, a.B.exists(b, a.C.exists(c, b == c)))`:               2,
		`config.A.exists(a, config.B.exists(b, config.C.exists(c, a + b == c)))`: 3,
		`config.A.exists(a, a.B.exists(b, config.C.exists(c, b == c)))`:          2,
		`config.A.filter(a, config.B.exists(b, a == b)).size() > 0`:              2,
		`config.A.exists(a, listOf(config.B[a]).exists(b, b == 1))`:              2,
	} {
		env, err := environment()
		if err != nil {
			t.Fatal(err)
		}
		parsed, iss := env.Compile(source)
		if iss.Err() != nil {
			t.Fatalf("%s: %v", source, iss.Err())
		}
		if got := loops(parsed.NativeRep().Expr()); got != want {
			t.Errorf("%s: %d, want %d", source, got, want)
		}
	}
}

// What isRead passes is what readStatement would give, member for member.
func TestIsReadIsAFixpoint(t *testing.T) {
	word := rapid.SampledFrom([]string{"s3:*", "*", "Allow", "aws:SourceIp", "aws:sourceip", ""})
	some := rapid.OneOf(rapid.Map(word, func(s string) any { return s }), rapid.Map(rapid.SliceOfN(word, 0, 2), func(l []string) any {
		out := []any{}
		for _, s := range l {
			out = append(out, s)
		}
		return out
	}), rapid.Just(any(1.0)), rapid.Just(any(nil)))
	inner := rapid.MapOfN(word, some, 0, 2)
	object := rapid.Map(inner, func(m map[string]any) any { return m })
	member := rapid.OneOf(some, object, rapid.Map(rapid.MapOfN(word, object, 0, 2), func(m map[string]any) any { return m }))
	keys := []string{"Effect", "Sid", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
	rapid.Check(t, func(t *rapid.T) {
		raw := map[string]any{}
		for _, k := range keys {
			if rapid.Bool().Draw(t, "has "+k) {
				raw[k] = member.Draw(t, k)
			}
		}
		if rapid.Bool().Draw(t, "sound effect") {
			raw["Effect"] = "Deny"
		}
		read, err := readStatement(raw)
		if isRead(raw) && (err != nil || !reflect.DeepEqual(read, raw)) {
			t.Fatalf("%v passes as read, but reads as %v, %v", raw, read, err)
		}
		if err == nil && !isRead(read) {
			if _, named := read["Sid"].(string); named {
				t.Fatalf("%v has been read, but does not pass as that", read)
			}
		}
	})
}

// Masking leaves what it was given alone, and hands it back where it holds no
// secret.
func TestMaskLeavesItsArgument(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":[{"b":"plain"},[]],"c":{}}`:                        `{"a":[{"b":"plain"},[]],"c":{}}`,
		`{"a":[{"Password":"correct-horse-9","b":1}],"c":true}`:  `{"a":[{"Password":"•••","b":1}],"c":true}`,
		`[{"name":"API_KEY","value":"abcdefgh12"},{"name":"x"}]`: `[{"name":"API_KEY","value":"•••"},{"name":"x"}]`,
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		before, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got := mask("", v)
		out, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != want {
			t.Errorf("%s became %s, want %s", text, out, want)
		}
		if after, err := json.Marshal(v); err != nil || string(after) != string(before) {
			t.Errorf("the argument became %s, %v", after, err)
		}
		if m, ok := v.(map[string]any); ok && text == want {
			clear(got.(map[string]any))
			if len(maps.Clone(m)) != 0 {
				t.Error("a value without secrets was copied")
			}
		}
	}
}

// The short cuts of IsSecret decide as the patterns they spare.
func TestSecretShortCuts(t *testing.T) {
	part := rapid.SampledFrom([]string{"sk-", "hf_", "xoxb-", "AIza", "eyJ", "ghp_", "-----BEGIN PRIVATE KEY-----", "abcdefghij", "0123456789", ".", "é", "-",
		"pass", "Word", "API", "Key", "_key", "connection", "String", "TOKEN", "İ", "credentials", "value"})
	text := rapid.Map(rapid.SliceOfN(part, 0, 6), func(p []string) string { return strings.Join(p, "") })
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		if got, want := hasForm(s), secretForms.MatchString(s); got != want {
			t.Fatalf("form of %q: %v, want %v", s, got, want)
		}
		if got, want := namesSecret(s), secretWords.MatchString(camel.ReplaceAllString(s, "${1}_${2}")); got != want {
			t.Fatalf("name %q: %v, want %v", s, got, want)
		}
	})
}

// Evidence shows of a statement what it says, not what it leaves out.
func TestShowOfStatementsIsBrief(t *testing.T) {
	e, err := CompileValue(`openStatements(config.Policy)`)
	if err != nil {
		t.Fatal(err)
	}
	a := &estate.Asset{Config: json.RawMessage(`{"Policy":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}}`), Reads: []estate.Read{rootOK}}
	s := NewSubject(a, nil, nil, time.Now())
	defer s.Release()
	if got, want := e.Show(s), `[{"Action":["s3:GetObject"],"Effect":"Allow","Principal":{"AWS":["*"]},"Resource":["*"]}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
