package sigma

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// oracle interprets a rule the slow way, on what encoding/json and yaml make of
// event and rule: no index, no compiled form, patterns as regular expressions.
// It shares nothing with the engine.
type oracle struct{ event any }

func (o *oracle) rule(t fataler, detection map[string]any) bool {
	var conds []string
	switch c := detection["condition"].(type) {
	case string:
		conds = []string{c}
	case []any:
		for _, x := range c {
			conds = append(conds, x.(string))
		}
	}
	var names []string
	for k := range detection {
		if k != "condition" {
			names = append(names, k)
		}
	}
	slices.Sort(names)
	for _, c := range conds {
		if o.condition(t, c, names, detection) {
			return true
		}
	}
	return false
}

// condition replaces identifiers by their truth and reduces text until one
// word is left.
func (o *oracle) condition(t fataler, text string, names []string, detection map[string]any) bool {
	truth := func(b bool) string { return map[bool]string{true: "T", false: "F"}[b] }
	words := strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(text))
	var out []string
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case i+2 < len(words) && words[i+1] == "of":
			re := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(words[i+2]), `\*`, ".*") + "$")
			n, hits := 0, 0
			for _, name := range names {
				if words[i+2] == "them" && name[0] != '_' || words[i+2] != "them" && re.MatchString(name) {
					n++
					if o.identifier(detection[name]) {
						hits++
					}
				}
			}
			out = append(out, truth(w == "all" && hits == n || w != "all" && hits > 0))
			i += 2
		case slices.Contains(names, w):
			out = append(out, truth(o.identifier(detection[w])))
		default:
			out = append(out, map[string]string{"and": "&&", "or": "||", "not": "!", "(": "(", ")": ")"}[w])
		}
	}
	// Go's own parser knows the same precedence.
	expr, err := parser.ParseExpr(strings.Join(out, " "))
	if err != nil {
		t.Fatalf("the oracle cannot read %q: %v", out, err)
	}
	return o.truth(t, expr)
}

func (o *oracle) truth(t fataler, e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "T"
	case *ast.ParenExpr:
		return o.truth(t, e.X)
	case *ast.UnaryExpr:
		return !o.truth(t, e.X)
	case *ast.BinaryExpr:
		if e.Op == token.LAND {
			return o.truth(t, e.X) && o.truth(t, e.Y)
		}
		return o.truth(t, e.X) || o.truth(t, e.Y)
	}
	t.Fatalf("the oracle cannot read %T", e)
	return false
}

type fataler interface{ Fatalf(string, ...any) }

func (o *oracle) identifier(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if !o.item(k, x) {
				return false
			}
		}
		return true
	case []any:
		for _, x := range v {
			if m, ok := x.(map[string]any); ok && o.identifier(m) || !ok && o.item("", x) {
				return true
			}
		}
		return false
	}
	return o.item("", v)
}

// values finds a field's values by walking the event for every path.
func values(v any, path string) (out []any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			out = append(out, values(x, path)...)
		}
	case map[string]any:
		if path == "" {
			return []any{v}
		}
		for k, x := range v {
			if k == path {
				out = append(out, values(x, "")...)
			} else if rest, ok := strings.CutPrefix(path, k+"."); ok {
				out = append(out, values(x, rest)...)
			}
		}
	default:
		if path == "" {
			return []any{v}
		}
	}
	return out
}

func written(v any) (string, bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	case map[string]any: // an object is its JSON
		text, err := json.Marshal(v)
		return string(text), err == nil
	}
	return "", false
}

func (o *oracle) item(key string, v any) bool {
	parts := strings.Split(key, "|")
	field, mods := parts[0], parts[1:]
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	hits := 0
	for _, x := range list {
		if o.value(field, mods, x) {
			hits++
		}
	}
	result := hits > 0
	if slices.Contains(mods, "all") {
		result = hits == len(list)
	}
	return result != slices.Contains(mods, "neq")
}

// likeRegexp is a Sigma string as a regular expression.
func likeRegexp(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte(`*?\`, s[i+1]) >= 0:
			i++
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		case s[i] == '*':
			b.WriteString(".*")
		case s[i] == '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(s[i : i+1]))
		}
	}
	return b.String()
}

func (o *oracle) value(field string, mods []string, want any) bool {
	has := func(m string) bool { return slices.Contains(mods, m) }
	got := values(o.event, field)
	some := func(f func(s string, v any) bool) bool {
		return slices.ContainsFunc(got, func(v any) bool { s, ok := written(v); return ok && f(s, v) })
	}
	if field == "" {
		text, _ := json.Marshal(o.event)
		low, word := strings.ToLower(string(text)), strings.ToLower(fmt.Sprint(want))
		return strings.Contains(low, word)
	}
	switch {
	case has("exists"):
		return (len(got) > 0) == want.(bool)
	case want == nil:
		return !slices.ContainsFunc(got, func(v any) bool { return v != nil })
	case has("fieldref"):
		other := values(o.event, want.(string))
		return some(func(s string, _ any) bool {
			return slices.ContainsFunc(other, func(v any) bool { x, ok := written(v); return ok && strings.EqualFold(x, s) })
		})
	case has("cidr"):
		p := netip.MustParsePrefix(want.(string))
		return some(func(s string, _ any) bool { a, err := netip.ParseAddr(s); return err == nil && p.Contains(a) })
	case has("re"):
		flags := ""
		for _, f := range []string{"i", "m", "s"} {
			if has(f) {
				flags += "(?" + f + ")"
			}
		}
		re := regexp.MustCompile(flags + want.(string))
		return some(func(s string, _ any) bool { return re.MatchString(s) })
	}
	for _, op := range []string{"lt", "lte", "gt", "gte"} {
		if has(op) {
			w := toFloat(want)
			return some(func(s string, _ any) bool {
				f, err := strconv.ParseFloat(s, 64)
				return err == nil && map[string]bool{"lt": f < w, "lte": f <= w, "gt": f > w, "gte": f >= w}[op]
			})
		}
	}
	if has("hour") {
		return some(func(s string, _ any) bool {
			at, err := time.Parse(time.RFC3339, s)
			return err == nil && float64(at.UTC().Hour()) == toFloat(want)
		})
	}
	switch want := want.(type) {
	case bool:
		return some(func(s string, _ any) bool { return strings.EqualFold(s, strconv.FormatBool(want)) })
	case int, float64:
		return some(func(s string, v any) bool {
			if s == fmt.Sprint(want) {
				return true
			}
			_, isNumber := v.(json.Number)
			f, err := strconv.ParseFloat(s, 64)
			return isNumber && err == nil && f == toFloat(want)
		})
	}
	src := likeRegexp(want.(string))
	if has("base64") {
		src = regexp.QuoteMeta(base64.StdEncoding.EncodeToString([]byte(want.(string))))
	}
	if !has("contains") && !has("endswith") {
		src = "^" + src
	}
	if !has("contains") && !has("startswith") {
		src += "$"
	}
	if !has("cased") {
		src = "(?i)" + src
	}
	re := regexp.MustCompile("(?s)" + src)
	return some(func(s string, _ any) bool { return re.MatchString(s) })
}

func toFloat(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	return 0
}

// drawn makes a rule and an event of a small vocabulary, so that they meet often.
var (
	fieldNames = []string{"eventName", "eventSource", "userAgent", "errorCode", "requestParameters.a", "requestParameters.list", "userIdentity.arn", "n", "sourceIPAddress", "when", "missing"}
	words      = []string{"GetObject", "getobject", "PutObject", "s3.amazonaws.com", "iam.amazonaws.com", "curl/8", "a*b", `a\b`, "Denied", "arn:aws:iam::1:role/X", "", "10.1.2.3", "192.0.2.7", "2026-11-02T18:30:15Z", "5", "true"}
	patterns   = append([]string{"Get*", "*Object", "?etObject", "*o*e*", "GetObject*", `a\*b`, `a\\b`, "*", "**", "?"}, words...)
)

func drawItem(t *rapid.T) (string, any) {
	field := rapid.SampledFrom(fieldNames).Draw(t, "field")
	pick := func(from []string) any {
		n := rapid.IntRange(1, 3).Draw(t, "n")
		if n == 1 {
			return rapid.SampledFrom(from).Draw(t, "v")
		}
		var list []any
		for range n {
			list = append(list, rapid.SampledFrom(from).Draw(t, "v"))
		}
		return list
	}
	switch rapid.IntRange(0, 13).Draw(t, "kind") {
	case 0:
		return field + "|contains", pick(patterns)
	case 1:
		return field + "|startswith", pick(patterns)
	case 2:
		return field + "|endswith", pick(patterns)
	case 3:
		return field + "|contains|all", pick(patterns)
	case 4:
		return field + "|re", pick([]string{"^Get", "Object$", "G.*t", "(?:Put|Get)Ob", "a.b", "x{3,}", "[a-z]+/[0-9]"})
	case 5:
		return field + "|re|i", pick([]string{"^get", "OBJECT$", "s3", "curl"})
	case 6:
		return field + "|exists", rapid.Bool().Draw(t, "b")
	case 7:
		return field, nil
	case 8:
		return field + "|" + rapid.SampledFrom([]string{"lt", "lte", "gt", "gte"}).Draw(t, "op"), rapid.IntRange(0, 9).Draw(t, "num")
	case 9:
		return field + "|cidr", pick([]string{"10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"})
	case 10:
		return field + "|fieldref", rapid.SampledFrom(fieldNames).Draw(t, "other")
	case 11:
		return field + "|cased", pick(words)
	case 12:
		if rapid.Bool().Draw(t, "num") {
			return field, rapid.IntRange(0, 9).Draw(t, "num")
		}
		return field + "|neq", pick(patterns)
	}
	return field, pick(patterns)
}

func drawEvent(t *rapid.T) map[string]any {
	e := map[string]any{"eventVersion": "1", "eventTime": "2026-11-02T09:30:15Z", "eventID": "x",
		"eventName":   rapid.SampledFrom([]string{"GetObject", "PutObject", "x", "a*b"}).Draw(t, "name"),
		"eventSource": rapid.SampledFrom([]string{"s3.amazonaws.com", "iam.amazonaws.com"}).Draw(t, "source")}
	set := func(f string, v any) {
		if rapid.Bool().Draw(t, f) {
			e[f] = v
		}
	}
	word := func() any { return rapid.SampledFrom(words).Draw(t, "w") }
	set("userAgent", rapid.SampledFrom([]string{"curl/8", "x", "GetObject", "Denied"}).Draw(t, "ua"))
	set("errorCode", rapid.SampledFrom([]any{"Denied", nil, "5"}).Draw(t, "ec"))
	set("sourceIPAddress", rapid.SampledFrom([]string{"10.1.2.3", "192.0.2.7", "s3.amazonaws.com"}).Draw(t, "ip"))
	set("n", rapid.SampledFrom([]any{5, 5.0, "5", 7, true, nil, []any{1, 9}}).Draw(t, "num"))
	set("when", "2026-11-02T18:30:15Z")
	set("requestParameters", map[string]any{"a": word(), "list": []any{word(), word(), map[string]any{"deep": word()}}})
	set("userIdentity", map[string]any{"type": "IAMUser", "arn": rapid.SampledFrom([]string{"arn:aws:iam::1:role/X", "GetObject"}).Draw(t, "arn")})
	return e
}

func TestEngineAgainstOracle(t *testing.T) {
	hits := 0
	rapid.Check(t, func(t *rapid.T) {
		detection := map[string]any{}
		names := []string{"sel_a", "sel_b", "filter_x", "_hidden"}
		for _, n := range names {
			switch rapid.IntRange(0, 4).Draw(t, "shape") {
			case 0:
				var list []any
				for range 2 {
					k, v := drawItem(t)
					list = append(list, map[string]any{k: v})
				}
				detection[n] = list
			case 1:
				detection[n] = []any{rapid.SampledFrom([]string{"GetObject", "nowhere", "denied", "CURL"}).Draw(t, "keyword")}
			default:
				m := map[string]any{}
				for range rapid.IntRange(1, 2).Draw(t, "items") {
					k, v := drawItem(t)
					m[k] = v
				}
				detection[n] = m
			}
		}
		detection["condition"] = rapid.SampledFrom([]string{"sel_a", "sel_a and sel_b", "sel_a or sel_b", "not sel_a", "sel_a and not filter_x", "1 of sel_*", "all of sel_*", "1 of them", "all of them",
			"(sel_a or sel_b) and not 1 of filter_*", "not (sel_a and not sel_b)", "sel_a and (sel_b or _hidden) and not filter_x"}).Draw(t, "condition")
		doc, err := yaml.Marshal(map[string]any{"title": "t", "logsource": map[string]any{"product": "aws", "service": "cloudtrail"}, "detection": detection})
		if err != nil {
			t.Fatal(err)
		}
		rules, problems := Parse("r.yml", doc)
		set, more := Compile(rules)
		if len(problems)+len(more) > 0 {
			t.Fatalf("%v %v\n%s", problems, more, doc)
		}
		m := set.NewMatcher()
		for range 4 {
			raw, _ := json.Marshal(drawEvent(t))
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(raw, &e); err != nil {
				t.Fatal(err)
			}
			got := false
			m.Match(&e, func(Match) { got = true })
			if want := ask(t, raw, doc); got != want {
				t.Fatalf("engine %v, oracle %v\n%s\n%s", got, want, doc, raw)
			}
			if got {
				hits++
			}
		}
	})
	if hits == 0 {
		t.Error("no rule was ever met: the test proves nothing")
	}
}

// ask asks the oracle about one rule file and one event.
func ask(t fataler, raw, doc []byte) bool {
	var rule struct{ Detection map[string]any }
	if err := yaml.Unmarshal(doc, &rule); err != nil {
		t.Fatalf("%v", err)
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var event any
	if err := d.Decode(&event); err != nil {
		t.Fatalf("%v", err)
	}
	return (&oracle{event}).rule(t, rule.Detection)
}

// TestSigmaHQAgainstOracle tries every rule of SigmaHQ on every public event.
func TestSigmaHQAgainstOracle(t *testing.T) {
	set, _ := loadSigmaHQ(t, "rules/cloud/aws")
	files, _ := filepath.Glob(filepath.Join(os.Getenv("SEVENFOLD_CORPORA_UNPACKED"), "*", "*.json"))
	texts := map[*Rule][]byte{}
	for _, r := range set.Rules() {
		b, err := os.ReadFile(filepath.Join(sigmaHQ(t), "rules/cloud/aws", r.File))
		if err != nil {
			t.Fatal(err)
		}
		texts[r] = b
	}
	m, n, hits := set.NewMatcher(), 0, 0
	for _, p := range files {
		f, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		rd, _ := ocsf.NewReader(f, ocsf.Options{})
		var e ocsf.Event
		for rd.Next(&e) == nil {
			if n++; n%3 != 0 {
				continue
			}
			got := map[*Rule]bool{}
			m.Match(&e, func(x Match) { got[x.Rule] = true })
			for r, text := range texts {
				if want := ask(t, e.Raw, text); want != got[r] {
					t.Errorf("%s: engine %v, oracle %v on %s", r.Title, got[r], want, e.ID)
				} else if want {
					hits++
				}
			}
		}
		f.Close()
	}
	t.Logf("%d events, %d hits", n, hits)
}
