package sigma

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// event makes a CloudTrail event with more members.
func event(t testing.TB, more string) *ocsf.Event {
	t.Helper()
	raw := `{"eventTime":"2026-11-02T18:30:15Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"x"`
	if more != "" {
		raw += "," + more
	}
	var e ocsf.Event
	if err := ocsf.DecodeCloudTrail([]byte(raw+"}"), &e); err != nil {
		t.Fatal(err)
	}
	return &e
}

func compileText(t testing.TB, text string, lines ...*Pipeline) *Set {
	t.Helper()
	rules, problems := Parse("rule.yml", []byte(text))
	s, more := Compile(rules, lines...)
	if len(problems)+len(more) > 0 {
		t.Fatalf("%v %v", problems, more)
	}
	return s
}

func met(s *Set, e *ocsf.Event) bool {
	hit := false
	s.NewMatcher().Match(e, func(Match) { hit = true })
	return hit
}

func ruleOf(items string) string {
	return "title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel:\n    " + strings.ReplaceAll(items, "\n", "\n    ") + "\n  condition: sel\n"
}

// TestModifiers holds each modifier to the specification's words.
func TestModifiers(t *testing.T) {
	b64 := `"requestParameters":{"c":"x SQBFAFgA y","plain":"Zm9v","deep":"aGVsbG8gbWltaWthdHogd29ybGQ="}`
	tests := []struct {
		name, item, more string
		want             bool
	}{
		{"windash slash", `requestParameters.c|windash|contains: ' -enc'`, `"requestParameters":{"c":"run /enc x"}`, true},
		{"windash en dash", `requestParameters.c|windash|contains: ' -enc'`, `"requestParameters":{"c":"run –enc x"}`, true},
		{"windash keeps inner dashes", `requestParameters.c|windash|contains: 'a-b'`, `"requestParameters":{"c":"a/b"}`, false},
		{"base64", `requestParameters.plain|base64: foo`, b64, true},
		{"base64offset", `requestParameters.deep|base64offset|contains: mimikatz`, b64, true},
		{"base64offset none", `requestParameters.deep|base64offset|contains: mimidogz`, b64, false},
		{"wide base64", `requestParameters.c|wide|base64|contains: IEX`, b64, true},
		{"utf16le is wide", `requestParameters.c|utf16le|base64|contains: IEX`, b64, true},
		{"utf16be", `requestParameters.c|utf16be|base64: IEX`, `"requestParameters":{"c":"AEkARQBY"}`, true},
		{"utf16 has a mark", `requestParameters.c|utf16|base64: IEX`, `"requestParameters":{"c":"//5JAEUAWAA="}`, true},
		{"hour", `eventTime|hour: 18`, ``, true},
		{"hour and a comparison", `eventTime|hour|gte: 19`, ``, false},
		{"minute day week month year", "eventTime|minute: 30\neventTime|day: 2\neventTime|week: 45\neventTime|month: 11\neventTime|year: 2026", ``, true},
		{"cidr six", `sourceIPAddress|cidr: 2001:db8::/32`, `"sourceIPAddress":"2001:db8::7"`, true},
		{"cidr of a mapped address", `sourceIPAddress|cidr: 10.0.0.0/8`, `"sourceIPAddress":"::ffff:10.1.1.1"`, true},
		{"cidr is no prefix of text", `sourceIPAddress|cidr: 10.0.0.0/8`, `"sourceIPAddress":"10.example.com"`, false},
		{"re is cased", `eventName|re: ^getobject$`, ``, false},
		{"re i", `eventName|re|i: ^getobject$`, ``, true},
		{"re m", `requestParameters.c|re|m: ^b$`, `"requestParameters":{"c":"a\nb\nc"}`, true},
		{"re without m", `requestParameters.c|re: ^b$`, `"requestParameters":{"c":"a\nb\nc"}`, false},
		{"re s", `requestParameters.c|re|s: a.b`, `"requestParameters":{"c":"a\nb"}`, true},
		{"cased", `eventName|cased: getobject`, ``, false},
		{"default is not cased", `eventName: getobject`, ``, true},
		{"exists though null", `errorCode|exists: true`, `"errorCode":null`, true},
		{"exists false", `errorCode|exists: false`, ``, true},
		{"null of what is not there", `errorCode: null`, ``, true},
		{"empty is not null", `errorCode: ''`, ``, false},
		{"empty", `requestParameters.c: ''`, `"requestParameters":{"c":""}`, true},
		{"fieldref", `requestParameters.a|fieldref: requestParameters.b`, `"requestParameters":{"a":"x","b":"X"}`, true},
		{"fieldref begins", `requestParameters.a|fieldref|startswith: requestParameters.b`, `"requestParameters":{"a":"xyz","b":"x"}`, true},
		{"fieldref neq", `requestParameters.a|fieldref|neq: requestParameters.b`, `"requestParameters":{"a":"x","b":"y"}`, true},
		{"neq of several", "eventName|neq:\n  - GetObject\n  - PutObject", ``, false},
		{"gt of text that is a number", `requestParameters.n|gt: 5`, `"requestParameters":{"n":"6"}`, true},
		{"gt of no number", `requestParameters.n|gt: 5`, `"requestParameters":{"n":"six"}`, false},
		{"number is written otherwise", `requestParameters.n: 5`, `"requestParameters":{"n":5.0}`, true},
		{"escaped star", `requestParameters.c: 'a\*b'`, `"requestParameters":{"c":"axb"}`, false},
		{"two backslashes and a star", `requestParameters.c: 'a\\*'`, `"requestParameters":{"c":"a\\b"}`, true},
		{"all over a list", "requestParameters.c|contains|all:\n  - foo\n  - bar", `"requestParameters":{"c":["xfoo","xbar"]}`, true},
		{"object as text", `requestParameters|contains: '"Principal":"*"'`, `"requestParameters":{"p":{"Principal":"*"}}`, true},
		{"object as text, star escaped", `requestParameters|contains: '"Principal":"\*"'`, `"requestParameters":{"p":{"Principal":"*"}}`, true},
		{"turkish i does not panic", `userAgent|contains: 'x'`, `"userAgent":"İİİİx"`, true},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			s := compileText(t, ruleOf(tt.item))
			if got := met(s, event(t, tt.more)); got != tt.want {
				t.Errorf("%s on %s: %v", tt.item, tt.more, got)
			}
		})
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct{ text, why string }{
		"unknown modifier": {ruleOf("eventName|glob: x"), "no modifier"},
		"look-around":      {ruleOf("eventName|re: '(?=x)y'"), "look-around"},
		"back-reference":   {ruleOf(`eventName|re: '(a)\1'`), "back-references"},
		"huge repetition":  {ruleOf(`eventName|re: '(((a{100}){100}){100}){100}'`), ""},
		"placeholder":      {ruleOf("eventName|expand: '%x%'"), "placeholder"},
		"bad network":      {ruleOf("sourceIPAddress|cidr: 10.0.0.0"), "no network"},
		"null in a text":   {ruleOf("eventName|contains: null"), "null"},
		"wildcard encoded": {ruleOf("eventName|base64: 'a*b'"), "wildcard"},
		"number wanted":    {ruleOf("eventName|gt: x"), "number"},
		"no condition":     {"title: t\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  sel: {a: b}\n", "condition is missing"},
		"condition":        {strings.Replace(ruleOf("eventName: x"), "condition: sel", "condition: sel and", 1), "ends too early"},
		"pipe":             {strings.Replace(ruleOf("eventName: x"), "condition: sel", "condition: sel | count() > 5", 1), "correlation"},
		"unknown name":     {strings.Replace(ruleOf("eventName: x"), "condition: sel", "condition: nope", 1), "no search identifier"},
		"source not read":  {strings.Replace(ruleOf("eventName: x"), "aws", "windows", 1), "none of the sources"},
		"twice":            {ruleOf("eventName: x\neventName: y"), "twice"},
		"no yaml":          {"title: [", ""},
		"a list":           {"- a\n- b\n", "a rule is a map"},
		"aliases":          {"a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n", "more or deeper"},
		"windash bomb":     {ruleOf("eventName|windash|contains: ' -a -b -c -d -e -f -g -h -i -j -k -l'"), "more than"},
		"large":            {strings.Repeat("#", maxRuleFile+1), "more than a rule file"},
		"level":            {ruleOf("eventName: x") + "level: grave\n", "level"},
	} {
		rules, problems := Parse("r.yml", []byte(tt.text))
		_, more := Compile(rules)
		problems = append(problems, more...)
		if len(problems) == 0 || !strings.Contains(problems[0].String(), tt.why) {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

func TestConditionsInAList(t *testing.T) {
	s := compileText(t, strings.Replace(ruleOf("eventName: Nothing")+"", "condition: sel", "other: {eventName: GetObject}\n  condition: [sel, other]", 1))
	if !met(s, event(t, "")) {
		t.Error("conditions in a list are alternatives")
	}
}

func TestFilter(t *testing.T) {
	text := strings.Replace(ruleOf("eventName: GetObject"), "title: t", "title: t\nid: r-1", 1) +
		"---\ntitle: f\nlogsource: {product: aws}\nfilter:\n  rules: [r-1]\n  sel: {userAgent|startswith: adm_}\n  condition: not sel\n"
	s := compileText(t, text)
	if !met(s, event(t, "")) || met(s, event(t, `"userAgent":"adm_x"`)) {
		t.Error("the filter must take away what it selects and nothing else")
	}
}

func TestPipeline(t *testing.T) {
	p, err := ParsePipeline([]byte("name: p\nvars: {admins: [adm_*, root]}\ntransformations:\n- {type: field_name_mapping, mapping: {user: [userAgent, userIdentity.arn]}}\n- {type: value_placeholders}\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := compileText(t, ruleOf("user|expand: '%admins%'"), p)
	if !met(s, event(t, `"userIdentity":{"arn":"root"}`)) || !met(s, event(t, `"userAgent":"adm_y"`)) || met(s, event(t, `"userAgent":"x"`)) {
		t.Error("mapped to two fields, with two values")
	}
	for _, bad := range []string{"transformations: [{type: odd}]", "transformations: [{type: field_name_mapping, mapping: {a: {b: c}}}]", "nope: 1", "transformations: [{type: field_name_prefix, rule_conditions: [{type: odd}]}]"} {
		if _, err := ParsePipeline([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestOCSFRules(t *testing.T) {
	s := compileText(t, "title: t\ntaxonomy: ocsf\nlogsource: {category: ai_operation}\ndetection:\n  sel: {message_context.total_tokens|gte: 1000, ai_model.name|contains: claude}\n  condition: sel\n")
	in := `{"id":"l","call_type":"acompletion","model":"claude-3","startTime":1793612415.5,"prompt_tokens":900,"completion_tokens":%d,"status":"success"}`
	for tokens, want := range map[int]bool{200: true, 50: false} {
		rd, _ := ocsf.NewReader(strings.NewReader(fmt.Sprintf(in, tokens)), ocsf.Options{})
		var e ocsf.Event
		if err := rd.Next(&e); err != nil {
			t.Fatal(err)
		}
		if got := met(s, &e); got != want {
			t.Errorf("%d tokens: %v", tokens, got)
		}
	}
}

func TestLoadFS(t *testing.T) {
	rules, problems := LoadFS(fstest.MapFS{"a/x.yml": {Data: []byte(ruleOf("eventName: x"))}, "a/bad.yaml": {Data: []byte("title: [")}, "a/readme.md": {Data: []byte("no")}})
	if len(rules) != 1 || len(problems) != 1 || problems[0].File != "a/bad.yaml" {
		t.Errorf("%v %v", rules, problems)
	}
}

// TestHostileExpressions: what takes other engines minutes takes us no time.
func TestHostileExpressions(t *testing.T) {
	s := compileText(t, ruleOf(`userAgent|re: '^(a+)+$'`))
	if met(s, event(t, `"userAgent":"`+strings.Repeat("a", 50_000)+`!"`)) {
		t.Error("it does not match")
	}
	s = compileText(t, ruleOf(`userAgent: '*a*a*a*a*a*a*a*a*a*a*b'`))
	if met(s, event(t, `"userAgent":"`+strings.Repeat("a", 50_000)+`"`)) {
		t.Error("it does not match")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(ruleOf("eventName|contains: x")))
	f.Add([]byte("title: c\ncorrelation: {type: event_count, rules: [a], timespan: 1h, condition: {gte: 2}}\n"))
	f.Add([]byte("title: f\nlogsource: {product: aws}\nfilter: {rules: [any], sel: {a|re|i: x}, condition: not 1 of s*}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules, _ := Parse("r.yml", text)
		s, _ := Compile(rules)
		met(s, event(t, `"userAgent":"x"`))
	})
}
