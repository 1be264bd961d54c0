package cloudformation

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// files writes a folder of files and returns it.
func files(t testing.TB, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// properties reads a template and returns the properties of its resources by
// address, and the reasons why something is open.
func properties(t testing.TB, text string, o Options) (map[string]map[string]any, []estate.BlindSpot) {
	t.Helper()
	o.Path = filepath.Join(files(t, map[string]string{"t.yaml": text}), "t.yaml")
	in, spots, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, r := range in.Resources {
		out[r.Address] = r.Properties
	}
	return out, spots
}

// ref is an open value that refers to a resource.
func ref(resource, attribute string) *Open {
	return &Open{Parts: []Part{{Resource: resource, Attribute: attribute}}}
}

// open is an open value for a reason that begins so.
func open(why string) *Open { return &Open{Why: why} }

// sameOpen compares open values: parts where there are any, else how the reason
// begins.
var sameOpen = cmp.Comparer(func(a, b *Open) bool {
	if a == nil || b == nil {
		return a == b
	}
	if len(a.Parts) > 0 || len(b.Parts) > 0 {
		return cmp.Equal(a.Parts, b.Parts)
	}
	return a.Why != "" && b.Why != "" && (strings.HasPrefix(a.Why, b.Why) || strings.HasPrefix(b.Why, a.Why))
})

// TestFunctions settles one value of every kind.
func TestFunctions(t *testing.T) {
	const head = `
Parameters:
  Given: {Type: String, Default: here}
  Missing: {Type: String}
  Count: {Type: Number, Default: 3}
  Many: {Type: CommaDelimitedList, Default: "a, b,c"}
  None: {Type: CommaDelimitedList, Default: ""}
  Hidden: {Type: String, NoEcho: true, Default: hunter2hunter2}
  Stored: {Type: "AWS::SSM::Parameter::Value<String>", Default: /ami}
  Env: {Type: String, Default: prod}
Mappings:
  Sizes: {prod: {type: ml.g5.xlarge, list: [x, y]}, test: {type: ml.t3.medium}}
Conditions:
  Prod: !Equals [!Ref Env, prod]
  Test: !Not [!Condition Prod]
  Open: !Equals [!Ref Missing, x]
  Both: !And [!Condition Prod, !Condition Open]
  Neither: !And [!Condition Test, !Condition Open]
  Either: !Or [!Condition Prod, !Condition Open]
  Round: !Not [!Condition Round]
Resources:
  B: {Type: "AWS::S3::Bucket", Properties: {BucketName: b}}
  R:
    Type: AWS::IAM::Role
    Properties:
      V: `
	tests := map[string]struct {
		yaml string
		want any
	}{
		"text":                     {`plain`, "plain"},
		"date_stays_text":          {`2012-10-17`, "2012-10-17"},
		"account_stays_text":       {`012345678901`, "012345678901"},
		"number":                   {`1.5`, json.Number("1.5")},
		"switch":                   {`true`, true},
		"null":                     {`null`, nil},
		"parameter":                {`!Ref Given`, "here"},
		"parameter_of_a_list":      {`!Ref Many`, []any{"a", "b", "c"}},
		"parameter_empty_list":     {`!Ref None`, []any{}},
		"parameter_missing":        {`!Ref Missing`, open("parameter Missing has no default")},
		"parameter_masked":         {`!Ref Hidden`, "sevenfold:masked(noecho,14)"},
		"parameter_of_a_store":     {`!Ref Stored`, open("parameter Stored takes its value from Parameter Store")},
		"resource":                 {`!Ref B`, ref("t/B", "")},
		"resource_unknown":         {`!Ref Nothing`, open("Ref Nothing: the template has no such")},
		"attribute":                {`!GetAtt B.Arn`, ref("t/B", "Arn")},
		"attribute_of_two":         {`!GetAtt [B, Arn]`, ref("t/B", "Arn")},
		"attribute_deep":           {`!GetAtt B.Endpoint.Address`, ref("t/B", "Endpoint.Address")},
		"attribute_of_nothing":     {`!GetAtt Nothing.Arn`, open("Fn::GetAtt Nothing.Arn: the template has no such")},
		"region":                   {`!Ref AWS::Region`, "eu-west-1"},
		"partition":                {`!Ref AWS::Partition`, "aws"},
		"stack":                    {`!Ref AWS::StackName`, "t"},
		"stack_id":                 {`!Ref AWS::StackId`, open("AWS::StackId is known only")},
		"sub":                      {`!Sub "${Given}-${AWS::AccountId}-${Count}"`, "here-111122223333-3"},
		"sub_literal":              {`!Sub "${!Literal} ${Given}"`, "${Literal} here"},
		"sub_with_variables":       {`!Sub ["${a}/${b}", {a: !Ref Given, b: [1]}]`, open("Fn::Sub is given what it does not take")},
		"sub_with_variable":        {`!Sub ["${a}/${Given}", {a: z}]`, "z/here"},
		"sub_unclosed":             {`!Sub "a${b"`, "a${b"},
		"sub_of_a_resource":        {`!Sub "${B.Arn}/*"`, &Open{Parts: []Part{{Resource: "t/B", Attribute: "Arn"}, {Text: "/*"}}}},
		"sub_open":                 {`!Sub "x-${Missing}"`, open("parameter Missing")},
		"join":                     {`!Join ["-", [a, !Ref Given, !Ref Count]]`, "a-here-3"},
		"join_of_a_resource":       {`!Join ["", [!GetAtt B.Arn, "/*"]]`, &Open{Parts: []Part{{Resource: "t/B", Attribute: "Arn"}, {Text: "/*"}}}},
		"join_of_a_list":           {`!Join [",", !Ref Many]`, "a,b,c"},
		"join_not_a_list":          {`!Join [",", 7]`, open("Fn::Join is given what it does not take")},
		"select":                   {`!Select [1, !Ref Many]`, "b"},
		"select_by_text":           {`!Select ["0", [x, y]]`, "x"},
		"select_beyond":            {`!Select [9, [x, y]]`, open("Fn::Select is given what")},
		"select_of_open":           {`!Select [0, !GetAZs ""]`, open("the zones of a region")},
		"split":                    {`!Split ["/", "a/b"]`, []any{"a", "b"}},
		"split_of_a_resource":      {`!Select [1, !Split [":", !GetAtt B.Arn]]`, open("it hangs on what is known only")},
		"if_true":                  {`!If [Prod, 1, 2]`, json.Number("1")},
		"if_false":                 {`!If [Test, 1, 2]`, json.Number("2")},
		"if_open":                  {`!If [Open, 1, 2]`, open("condition Open is not settled: parameter Missing")},
		"if_open_and_the_same":     {`!If [Open, same, same]`, "same"},
		"if_both_open":             {`!If [Both, 1, 2]`, open("condition Both is not settled")},
		"if_false_and_open":        {`!If [Neither, 1, 2]`, json.Number("2")},
		"if_true_or_open":          {`!If [Either, 1, 2]`, json.Number("1")},
		"if_round":                 {`!If [Round, 1, 2]`, open("condition Round")},
		"if_unheard":               {`!If [Unheard, 1, 2]`, open("the template has no condition Unheard")},
		"no_value":                 {`{a: !Ref "AWS::NoValue", b: 1}`, map[string]any{"b": json.Number("1")}},
		"no_value_in_a_list":       {`[1, !If [Test, 2, !Ref "AWS::NoValue"]]`, []any{json.Number("1")}},
		"find":                     {`!FindInMap [Sizes, !Ref Env, type]`, "ml.g5.xlarge"},
		"find_list":                {`!FindInMap [Sizes, prod, list]`, []any{"x", "y"}},
		"find_nothing":             {`!FindInMap [Sizes, dev, type]`, open("mapping Sizes has no dev, type")},
		"find_default":             {`!FindInMap [Sizes, dev, type, {DefaultValue: d}]`, "d"},
		"find_open":                {`!FindInMap [Sizes, !Ref Missing, type]`, open("parameter Missing")},
		"base64":                   {`{"Fn::Base64": !Sub "echo ${Given}"}`, "ZWNobyBoZXJl"},
		"import":                   {`!ImportValue other-Role`, open("Fn::ImportValue other-Role")},
		"cidr":                     {`!Cidr [10.0.0.0/16, 2, 8]`, []any{"10.0.0.0/24", "10.0.1.0/24"}},
		"cidr_six":                 {`!Cidr ["2001:db8::/56", 2, 64]`, []any{"2001:db8::/64", "2001:db8:0:1::/64"}},
		"cidr_too_many":            {`!Cidr [10.0.0.0/24, 3, 8]`, open("Fn::Cidr is given what")},
		"length":                   {`{"Fn::Length": !Ref Many}`, json.Number("3")},
		"to_json":                  {`{"Fn::ToJsonString": {a: !Ref Given, b: [1, true]}}`, `{"a":"here","b":[1,true]}`},
		"to_json_open":             {`{"Fn::ToJsonString": {a: !Ref B}}`, open("a text of JSON")},
		"macro":                    {`{"Fn::Transform": {Name: Mine}}`, open("macro Mine")},
		"macro_beside":             {`{a: 1, "Fn::Transform": {Name: "AWS::Include"}}`, open("macro AWS::Include")},
		"function_unheard":         {`!Tomorrow x`, open("sevenfold does not know the function Fn::Tomorrow")},
		"secret":                   {`"{{resolve:secretsmanager:db:SecretString:password}}"`, open("a dynamic reference is read from Secrets Manager")},
		"secret_in_a_text":         {`!Sub "postgres://u:{{resolve:ssm-secure:pw}}@h"`, open("a dynamic reference is read from Parameter Store")},
		"secret_joined":            {`!Join ["", ["{{resolve:secretsmanager:", !Ref B, "}}"]]`, open("a dynamic reference")},
		"condition_of_a_policy":    {`{Condition: {Bool: {"aws:SecureTransport": "false"}}}`, map[string]any{"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}}}},
		"merge_key":                {`{<<: {a: 1, b: 2}, a: 3}`, map[string]any{"a": json.Number("3"), "b": json.Number("2")}},
		"reference_to_what_isnt":   {`!Ref Never`, open("Ref Never")},
		"ref_of_something_strange": {`{Ref: [1, 2]}`, open("Ref : the template has no such")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := properties(t, head+tt.yaml+"\n", Options{Account: "111122223333", Region: "eu-west-1"})
			if diff := cmp.Diff(tt.want, got["t/R"]["V"], sameOpen); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestWithoutAPlace leaves open what hangs on account and region.
func TestWithoutAPlace(t *testing.T) {
	got, spots := properties(t, "Resources: {R: {Type: T, Properties: {A: !Ref 'AWS::AccountId', B: !Sub 'x-${AWS::Region}'}}}", Options{})
	want := map[string]any{"A": open("the account is not known"), "B": open("the region is not known")}
	if diff := cmp.Diff(want, got["t/R"], sameOpen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i, hint := range []string{"account=ID", "region=NAME"} {
		if len(spots) != 2 || spots[i].Status != estate.ReadSkipped || !strings.Contains(spots[i].Hint, hint) || !strings.Contains(spots[i].Why, "t/R.") {
			t.Errorf("blind spots: %+v", spots)
		}
	}
}

// TestConditions decides which resources there are.
func TestConditions(t *testing.T) {
	const text = `
Parameters: {Env: {Type: String, Default: prod}, Missing: {Type: String}}
Conditions: {Prod: !Equals [!Ref Env, prod], Test: !Not [!Condition Prod], Open: !Equals [!Ref Missing, x]}
Resources:
  A: {Type: T, Condition: Prod}
  B: {Type: T, Condition: Test}
  C: {Type: T, Condition: Open}
  D: {Type: T, Properties: {V: !Ref B}}
`
	dir := files(t, map[string]string{"t.yaml": text})
	in, spots, err := Read(context.Background(), Options{Path: filepath.Join(dir, "t.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	doubt := map[string]bool{}
	for _, r := range in.Resources {
		doubt[r.Address] = r.Doubt != ""
	}
	if diff := cmp.Diff(map[string]bool{"t/A": false, "t/C": true, "t/D": false}, doubt); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	said := false
	for _, s := range spots {
		said = said || strings.Contains(s.Why, "whether it is made at all is not known") && s.Operation == "t/C"
	}
	if !said {
		t.Errorf("nothing says that C is in doubt: %+v", spots)
	}
}

// TestLoops writes loops out.
func TestLoops(t *testing.T) {
	const text = `
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: "a,b"}, Missing: {Type: CommaDelimitedList}}
Resources:
  Fn::ForEach::Buckets:
    - N
    - !Ref Names
    - Bucket${N}:
        Type: AWS::S3::Bucket
        Properties:
          BucketName: !Sub "x-${N}"
          Other: !Ref N
          Fn::ForEach::Tags: [K, [p, q], {"Tag${K}": "${N}-${K}"}]
  Fn::ForEach::Lost: [N, !Ref Missing, {"L${N}": {Type: T}}]
  Fn::ForEach::Broken: [N]
`
	got, spots := properties(t, text, Options{})
	want := map[string]map[string]any{
		"t/Bucketa": {"BucketName": "x-a", "Other": "a", "Tagp": "a-p", "Tagq": "a-q"},
		"t/Bucketb": {"BucketName": "x-b", "Other": "b", "Tagp": "b-p", "Tagq": "b-q"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	lost := 0
	for _, s := range spots {
		if s.Status == estate.ReadFailed && strings.HasPrefix(s.Operation, "t/Fn::ForEach::") {
			lost++
		}
	}
	if lost != 2 {
		t.Errorf("two loops cannot be written out: %+v", spots)
	}
}

// TestParameters reads the values of parameters in every form.
func TestParameters(t *testing.T) {
	const text = `
Parameters: {A: {Type: String}, B: {Type: String, Default: d}, C: {Type: CommaDelimitedList}}
Resources: {R: {Type: T, Properties: {A: !Ref A, B: !Ref B, C: !Ref C}}}
`
	for name, values := range map[string]string{
		"command_line": `[{"ParameterKey":"A","ParameterValue":"1"},{"ParameterKey":"C","ParameterValue":"x,y"},{"ParameterKey":"B","UsePreviousValue":true}]`,
		"pipeline":     `{"Parameters":{"A":"1","C":"x,y"},"Tags":{}}`,
		"plain":        `{"A":1,"C":["x","y"]}`,
		"pairs":        `["A=1","C=x,y"]`,
		"yaml":         "A: '1'\nC: [x, y]\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, map[string]string{"t.yaml": text, "p": values})
			in, _, err := Read(context.Background(), Options{Path: filepath.Join(dir, "t.yaml"), Parameters: filepath.Join(dir, "p")})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"A": "1", "B": "d", "C": []any{"x", "y"}}
			if diff := cmp.Diff(want, in.Resources[0].Properties); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for name, values := range map[string]string{"a_word": `"x"`, "no_pair": `["A"]`, "no_key": `[{"ParameterValue":"1"}]`, "an_object": `{"A":{"b":1}}`, "broken": `{"A":`} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, map[string]string{"t.yaml": text, "p": values})
			_, _, err := Read(context.Background(), Options{Path: filepath.Join(dir, "t.yaml"), Parameters: filepath.Join(dir, "p")})
			if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "p")) {
				t.Errorf("error %v does not name the file", err)
			}
		})
	}
}

// TestBadFiles refuses what is no template, and says where and what to do.
func TestBadFiles(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		n, m := string(rune('0'+i)), string(rune('1'+i))
		bomb += "a" + m + ": &a" + m + " [*a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + ", *a" + n + "]\n"
	}
	tests := map[string]struct{ text, place, what, mend string }{
		"empty":                {"", "", "the file is empty", "template"},
		"comment_only":         {"# nothing\n", "", "the file is empty", "template"},
		"cut_json":             {"{\n \"Resources\": {\n  \"A\": {", ":3", "the file ends in the middle", "copy it again"},
		"broken_json":          {"{\n \"Resources\": {]", ":2", "not JSON", "validate-template"},
		"broken_yaml":          {"Resources:\n  A: [1\n", "", "not YAML", "validate-template"},
		"tab":                  {"Resources:\n\tA: 1\n", ":2", "not YAML", "validate-template"},
		"twice_yaml":           {"Resources:\n  A: {Type: T}\n  B: {Type: T}\n  A: {Type: T}\n", ":4", `"A" stands here and on line 2`, "keep one"},
		"twice_json":           {"{\"Resources\": {\n\"A\": {\"Type\": \"T\"},\n\"A\": {\"Type\": \"T\"}}}", ":3", `"A" stands here and on line 2`, "keep one"},
		"bomb":                 {bomb + "Resources: {}\n", "", "values once its anchors are written out", "anchors"},
		"anchor_in_itself":     {"Resources: &r {A: *r}\n", "", "", ""},
		"deep":                 {"Resources: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), "", "nested deeper", "repeats itself"},
		"deep_json":            {"{\"Resources\": " + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}", "", "nested deeper", "repeats itself"},
		"two_documents":        {"Resources: {}\n---\nResources: {}\n", ":2", "a second document", "one template a file"},
		"two_values":           {`{"Resources":{}} {"Resources":{}}`, "", "more stands after", "one template a file"},
		"no_resources":         {"Parameters: {}\n", "", "it has no Resources", "get-template"},
		"resources_a_list":     {"Resources: [1]\n", "", "Resources is no object", "logical ids"},
		"a_word":               {"hello\n", "", "it has no Resources", "get-template"},
		"plan":                 {`{"format_version":"1.2","terraform_version":"1.13","resource_changes":[]}`, "", "a plan or state of Terraform", "terraform:"},
		"manifest":             {"apiVersion: v1\nkind: Pod\n", "", "a Kubernetes manifest", "dir:"},
		"template_body":        {`{"TemplateBody":"Resources: ["}`, "", "not YAML", "validate-template"},
		"complex_key":          {"Resources: {? [a] : b}\n", "", "a key that is no text", "word"},
		"change_set_valueless": {`{"ChangeSetName":"c","Changes":[{"ResourceChange":{"LogicalResourceId":"A","ResourceType":"T","Action":"Add"}}]}`, "", "says nothing of any property", "include-property-values"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(files(t, map[string]string{"t.yaml": tt.text}), "t.yaml")
			_, _, err := Read(context.Background(), Options{Path: path})
			e, ok := err.(*Error)
			if !ok {
				t.Fatalf("error %v", err)
			}
			if !strings.HasPrefix(e.Error(), path+tt.place) || !strings.Contains(e.What, tt.what) || !strings.Contains(e.Mend, tt.mend) || e.Mend == "" {
				t.Errorf("%s\nhint: %s", e, e.Mend)
			}
		})
	}
}

// TestTwiceIsOpen leaves a value open whose name stands twice deep in a template.
func TestTwiceIsOpen(t *testing.T) {
	for name, text := range map[string]string{
		"yaml": "Resources:\n  R:\n    Type: T\n    Properties:\n      A: 1\n      B: 2\n      A: 3\n      A: 4\n",
		"json": "{\"Resources\":{\"R\":{\"Type\":\"T\",\"Properties\":{\n\"A\":1,\n\"B\":2,\n\"A\":3}}}}",
	} {
		t.Run(name, func(t *testing.T) {
			got, spots := properties(t, text, Options{})
			if _, open := got["t/R"]["A"].(*Open); !open || got["t/R"]["B"] != json.Number("2") {
				t.Errorf("%v", got)
			}
			if len(spots) != 1 || !strings.Contains(spots[0].Why, "\"A\" stands on line") {
				t.Errorf("%+v", spots)
			}
		})
	}
}

// TestRepetitionIsBounded ends a template that grows without end in its
// evaluation, where no anchor shows it.
func TestRepetitionIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("Transform: AWS::LanguageExtensions\nMappings: {M: {k: {v: " + strings.Repeat("x", 100000) + "}}}\nResources:\n")
	for i := range 5 {
		b.WriteString(strings.Repeat(" ", 2+i*2) + "Fn::ForEach::L" + string(rune('a'+i)) + ": [V" + string(rune('a'+i)) + ", [" + strings.Repeat("q,", 40) + "r], {\n")
	}
	b.WriteString("R: {Type: T, Properties: {V: !FindInMap [M, k, v]}}\n" + strings.Repeat("}]\n", 5))
	path := filepath.Join(files(t, map[string]string{"t.yaml": b.String()}), "t.yaml")
	if _, _, err := Read(context.Background(), Options{Path: path}); err == nil {
		t.Error("forty to the fifth values were written out")
	}
}

// TestShapesOfFiles reads a template in every wrapping.
func TestShapesOfFiles(t *testing.T) {
	const body = `{"Resources":{"B":{"Type":"AWS::S3::Bucket","Properties":{"BucketName":{"Fn::Sub":"x-${AWS::AccountId}"}}}}}`
	quoted, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	const yamlBody = "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n      BucketName: !Sub x-${AWS::AccountId}\n"
	quotedYAML, err := json.Marshal(yamlBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"json": body, "yaml": yamlBody, "get_template_object": `{"TemplateBody":` + body + `,"StagesAvailable":["Original"]}`,
		"get_template_text": `{"TemplateBody":` + string(quoted) + `}`, "get_template_yaml": `{"TemplateBody":` + string(quotedYAML) + `}`,
		"braces_in_yaml":  `{Resources: {B: {Type: "AWS::S3::Bucket", Properties: {BucketName: !Sub "x-${AWS::AccountId}"}}}}`,
		"byte_order_mark": "\ufeff" + yamlBody,
		"change_set": `{"ChangeSetName":"c","StackName":"t","StackId":"arn:aws:cloudformation:eu-west-1:111122223333:stack/t/1","Changes":[
			{"ResourceChange":{"Action":"Add","LogicalResourceId":"B","ResourceType":"AWS::S3::Bucket","AfterContext":"{\"Properties\":{\"BucketName\":\"x-111122223333\"}}"}},
			{"ResourceChange":{"Action":"Remove","LogicalResourceId":"Gone","ResourceType":"AWS::S3::Bucket"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := properties(t, text, Options{Account: "111122223333"})
			if diff := cmp.Diff(map[string]map[string]any{"t/B": {"BucketName": "x-111122223333"}}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// addresses reads a path and lists what it holds.
func addresses(t *testing.T, o Options) ([]string, []estate.BlindSpot) {
	t.Helper()
	in, spots, err := Read(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range in.Resources {
		out = append(out, r.Address+" "+r.Account+" "+r.Region)
	}
	return out, spots
}

// TestFolders reads folders of templates, and what cdk synth writes.
func TestFolders(t *testing.T) {
	const one = `{"Resources":{"A":{"Type":"T"}}}`
	t.Run("templates", func(t *testing.T) {
		dir := files(t, map[string]string{"net.yaml": one, "net.json": one, "a/template.yaml": one, "b/template.yaml": one, "values.yaml": "a: 1\n", "chart.yaml": "{{ .Values }}: [\n",
			"broken.yaml": "AWSTemplateFormatVersion: [\n", "node_modules/x.json": one, ".git/x.json": one, "notes.txt": one})
		got, spots := addresses(t, Options{Path: dir})
		if diff := cmp.Diff([]string{"a-template/A  ", "b-template/A  ", "net/A  ", "net-yaml/A  "}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(spots) != 1 || spots[0].Status != estate.ReadMalformed || !strings.Contains(spots[0].Why, "broken.yaml") {
			t.Errorf("blind spots: %+v", spots)
		}
	})
	t.Run("nothing_in_it", func(t *testing.T) {
		if _, _, err := Read(context.Background(), Options{Path: files(t, map[string]string{"values.yaml": "a: 1\n"})}); err == nil || !strings.Contains(err.Error(), "no template in the folder") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("all_broken", func(t *testing.T) {
		if _, _, err := Read(context.Background(), Options{Path: files(t, map[string]string{"t.yaml": "AWSTemplateFormatVersion: [\n"})}); err == nil || !strings.Contains(err.Error(), "t.yaml") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cdk", func(t *testing.T) {
		dir := files(t, map[string]string{
			"manifest.json": `{"version":"38.0.1","artifacts":{
				"Tree":{"type":"cdk:tree"},
				"Web":{"type":"aws:cloudformation:stack","environment":"aws://111122223333/eu-west-1","properties":{"templateFile":"Web.template.json","stackName":"web-prod","parameters":{"P":"given"}}},
				"Loose":{"type":"aws:cloudformation:stack","environment":"aws://unknown-account/unknown-region","properties":{"templateFile":"Loose.template.json"}},
				"Lost":{"type":"aws:cloudformation:stack","properties":{"templateFile":"../Lost.json"}},
				"assembly-Prod":{"type":"cdk:cloud-assembly","properties":{"directoryName":"assembly-Prod"}}}}`,
			"Web.template.json": `{"Parameters":{"P":{"Type":"String"}},"Resources":{"A":{"Type":"T","Properties":{"V":{"Ref":"P"}}},
				"Inner":{"Type":"AWS::CloudFormation::Stack","Properties":{"TemplateURL":{"Fn::Join":["",["https://s3.",{"Ref":"AWS::URLSuffix"},"/x"]]},"Parameters":{"Q":{"Fn::GetAtt":["A","Arn"]}}},
				 "Metadata":{"aws:asset:path":"Inner.nested.template.json","aws:asset:property":"TemplateURL"}},
				"B":{"Type":"T","Properties":{"V":{"Fn::GetAtt":["Inner","Outputs.Out"]}}}}}`,
			"Inner.nested.template.json":      `{"Parameters":{"Q":{"Type":"String"}},"Resources":{"C":{"Type":"T","Properties":{"V":{"Ref":"Q"}}}},"Outputs":{"Out":{"Value":{"Fn::GetAtt":["C","Arn"]}}}}`,
			"Loose.template.json":             one,
			"assembly-Prod/manifest.json":     `{"version":"38.0.1","artifacts":{"Api":{"type":"aws:cloudformation:stack","environment":"aws://444455556666/us-east-1","properties":{"templateFile":"Api.template.json"}}}}`,
			"assembly-Prod/Api.template.json": one,
			"asset.1234/index.js":             "x",
			"Web.assets.json":                 `{"version":"1"}`,
		})
		in, spots, err := Read(context.Background(), Options{Path: dir, Region: "eu-north-1"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]any{}
		for _, r := range in.Resources {
			got[r.Address+" "+r.Account+" "+r.Region] = r.Properties["V"]
		}
		want := map[string]any{"web-prod/A 111122223333 eu-west-1": "given", "web-prod/Inner/C 111122223333 eu-west-1": ref("web-prod/A", "Arn"),
			"web-prod/B 111122223333 eu-west-1": ref("web-prod/Inner/C", "Arn"), "Loose/A  eu-north-1": nil, "Api/A 444455556666 us-east-1": nil}
		if diff := cmp.Diff(want, got, sameOpen); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(spots) != 1 || !strings.Contains(spots[0].Why, "Lost") {
			t.Errorf("blind spots: %+v", spots)
		}
	})
}

// TestNested follows stacks that lie beside, and says which do not.
func TestNested(t *testing.T) {
	dir := files(t, map[string]string{
		"main.yaml": `
Resources:
  Net: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: ./net/net.yaml, Parameters: {Name: !Ref Topic, Cidr: 10.0.0.0/16}}}
  Far: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: "https://s3.amazonaws.com/b/t.yaml"}}
  Lost: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: lost.yaml}}
  Out: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: /etc/passwd}}
  Self: {Type: "AWS::CloudFormation::Stack", Properties: {TemplateURL: main.yaml}}
  Maybe: {Type: "AWS::CloudFormation::Stack", Condition: Open, Properties: {TemplateURL: net/net.yaml}}
  Topic: {Type: "AWS::SNS::Topic"}
  User: {Type: T, Properties: {V: !GetAtt Net.Outputs.Vpc, W: !GetAtt Net.Outputs.None, X: !GetAtt Far.Outputs.Y}}
Parameters: {P: {Type: String}}
Conditions: {Open: !Equals [!Ref P, x]}
`,
		"net/net.yaml": `
Parameters: {Name: {Type: String}, Cidr: {Type: String}}
Resources: {Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: !Ref Cidr, Name: !Ref Name}}}
Outputs: {Vpc: {Value: !Ref Vpc}}
`})
	in, spots, err := Read(context.Background(), Options{Path: filepath.Join(dir, "main.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	got, doubt := map[string]any{}, map[string]bool{}
	for _, r := range in.Resources {
		got[r.Address], doubt[r.Address] = r.Properties, r.Doubt != ""
	}
	want := map[string]any{"main/Topic": map[string]any{}, "main/Net/Vpc": map[string]any{"CidrBlock": "10.0.0.0/16", "Name": ref("main/Topic", "")},
		"main/Maybe/Vpc": map[string]any{"CidrBlock": open("parameter Cidr"), "Name": open("parameter Name")},
		"main/User":      map[string]any{"V": ref("main/Net/Vpc", ""), "W": open("the nested stack has no output None"), "X": open("what the nested stack Far gives")}}
	if diff := cmp.Diff(want, got, sameOpen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !doubt["main/Maybe/Vpc"] || doubt["main/Net/Vpc"] {
		t.Errorf("doubt: %v", doubt)
	}
	for _, id := range []string{"Far", "Lost", "Out", "Self"} {
		found := false
		for _, s := range spots {
			found = found || s.Operation == "main/"+id && s.Hint != ""
		}
		if !found {
			t.Errorf("nothing says that the template of %s is not at hand: %+v", id, spots)
		}
	}
	// In a folder the nested template is no stack of its own.
	list, _ := addresses(t, Options{Path: dir})
	for _, a := range list {
		if strings.HasPrefix(a, "net/") {
			t.Errorf("the nested template is read twice: %v", list)
		}
	}
}

// TestImports finds what one stack of a folder exports for another.
func TestImports(t *testing.T) {
	dir := files(t, map[string]string{
		"a.yaml": `{Resources: {R: {Type: "AWS::IAM::Role"}}, Outputs: {Out: {Value: !GetAtt R.Arn, Export: {Name: !Sub "${AWS::StackName}-Role"}}}}`,
		"b.yaml": `{Resources: {F: {Type: T, Properties: {Role: !ImportValue a-Role, Other: !ImportValue c-Role}}}}`,
	})
	in, _, err := Read(context.Background(), Options{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	for _, r := range in.Resources {
		if r.Address == "b/F" {
			got = r.Properties
		}
	}
	want := map[string]any{"Role": ref("a/R", "Arn"), "Other": open("Fn::ImportValue c-Role")}
	if diff := cmp.Diff(want, got, sameOpen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMacros says what is rewritten unseen.
func TestMacros(t *testing.T) {
	_, spots := properties(t, "Transform: [AWS::LanguageExtensions, Mine]\nResources: {R: {Type: T, Fn::Transform: {Name: Yours}}, N: {Properties: {}}}\n", Options{})
	var why []string
	for _, s := range spots {
		why = append(why, s.Why)
	}
	want := []string{"t/Transform: macro Mine rewrites the template: what it makes of it is not seen", "t/R: macro Yours rewrites it: what it makes of it is not seen",
		"t/N: line 2: a resource without a Type"}
	if diff := cmp.Diff(want, why, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseSource(t *testing.T) {
	got, err := ParseSource("cloudformation:a,b/t.yaml,parameters=p/q.json,account=111122223333,region=eu-west-1,stack=prod-1")
	if err != nil {
		t.Fatal(err)
	}
	want := Options{Path: "a,b/t.yaml", Parameters: "p/q.json", Account: "111122223333", Region: "eu-west-1", Stack: "prod-1",
		Source: "cloudformation:a,b/t.yaml,parameters=p/q.json,account=111122223333,region=eu-west-1,stack=prod-1"}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Options{}, "Convert")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, s := range []string{"terraform:x", "cloudformation:", "cloudformation:t,colour=red", "cloudformation:t,account=1", "cloudformation:t,region=Europe", "cloudformation:t,stack=a/b"} {
		if _, err := ParseSource(s); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
}
