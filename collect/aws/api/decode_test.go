package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// decode reads a body as the reply of an operation.
func decode(t testing.TB, service, name, body string, header ...string) (string, error) {
	t.Helper()
	svc, err := load(service)
	if err != nil {
		t.Fatal(err)
	}
	op, ok := svc.ops[name]
	if !ok {
		t.Fatalf("no operation %s:%s", service, name)
	}
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	out, err := decodeReply(svc, op, &http.Response{StatusCode: 200, Header: h}, []byte(body))
	return string(out), err
}

// TestWhatIsNoItemIsMalformed: a list that holds something else than items
// must not become one of empty items, in which nothing is open to the world.
func TestWhatIsNoItemIsMalformed(t *testing.T) {
	group := func(inner string) string {
		return `<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-1</groupId>` + inner + `</item></securityGroupInfo></DescribeSecurityGroupsResponse>`
	}
	for name, body := range map[string]string{
		"strange_item":         group(`<ipPermissions><unexpected>1</unexpected></ipPermissions>`),
		"strange_item_alone":   group(`<ipPermissions><unexpected/></ipPermissions>`),
		"strange_member":       group(`<ipPermissions><item><unexpected>1</unexpected></item></ipPermissions>`),
		"text_for_a_list":      group(`<ipPermissions>1</ipPermissions>`),
		"text_for_an_item":     group(`<ipPermissions><item>1</item></ipPermissions>`),
		"text_among_members":   group(`<ipPermissions><item><ipProtocol>tcp</ipProtocol>x</item></ipPermissions>`),
		"strange_item_of_text": `<R><vpcSet><item><vpcId>v</vpcId><tagSet><unexpected>1</unexpected></tagSet></item></vpcSet></R>`,
	} {
		op := "DescribeSecurityGroups"
		if strings.Contains(body, "vpcSet") {
			op = "DescribeVpcs"
		}
		if got, err := decode(t, "ec2", op, body); err == nil {
			t.Errorf("%s: read as %s", name, got)
		}
	}
	if got, err := decode(t, "ec2", "DescribeSecurityGroups", group("\n <ipPermissions>\n <item><ipProtocol>tcp</ipProtocol><new>1</new></item></ipPermissions><new2>x</new2>")); err != nil || !strings.Contains(got, `"IpProtocol":"tcp"`) {
		t.Errorf("a newer API: %s, %v", got, err)
	}
	if got, err := decode(t, "s3", "ListObjectsV2", `<L><Contents><unexpected>1</unexpected></Contents></L>`); err == nil {
		t.Errorf("flattened: read as %s", got)
	}
}

func TestDecode(t *testing.T) {
	tests := map[string]struct {
		service, op, body, want string
	}{
		"json_epoch_time": {"sagemaker", "ListEndpoints", `{"Endpoints":[{"EndpointName":"e","CreationTime":1700000000.25}]}`,
			`{"Endpoints":[{"EndpointName":"e","CreationTime":"2023-11-14T22:13:20.250000+00:00"}]}`},
		"json_null_is_left_out":   {"sagemaker", "ListEndpoints", `{"NextToken":null,"Endpoints":[]}`, `{"Endpoints":[]}`},
		"json_unknown_is_skipped": {"sagemaker", "ListEndpoints", `{"New":{"a":[1,{"b":"]}"}]},"Endpoints":[]}`, `{"Endpoints":[]}`},
		"json_escapes_stay":       {"kms", "GetKeyPolicy", `{"Policy":"{\"a\":\"\\u00e9\\\\\"}"}`, `{"Policy":"{\"a\":\"\\u00e9\\\\\"}"}`},
		"json_white_space":        {"sagemaker", "ListEndpoints", " { \"Endpoints\" : [ ] , \"NextToken\" : \"x\" } ", `{"Endpoints":[],"NextToken":"x"}`},
		"json_map":                {"sqs", "GetQueueAttributes", `{"Attributes":{"a":"1","b":null}}`, `{"Attributes":{"a":"1","b":null}}`},
		"restjson_location_names": {"apigateway", "GetRestApis", `{"item":[{"id":"1","createdDate":1700000000}],"position":"p"}`,
			`{"items":[{"id":"1","createdDate":"2023-11-14T22:13:20+00:00"}],"position":"p"}`},
		"restjson_moto_time": {"bedrock", "ListGuardrails", `{"guardrails":[{"createdAt":"2024-05-06 07:08:09.123456+00:00"}]}`,
			`{"guardrails":[{"createdAt":"2024-05-06T07:08:09.123456+00:00"}]}`},
		"query": {"iam", "ListUsers", `<ListUsersResponse xmlns="x"><ListUsersResult><IsTruncated>false</IsTruncated><Users><member><UserName>a &amp; b</UserName></member><member/></Users></ListUsersResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></ListUsersResponse>`,
			`{"IsTruncated":false,"Users":[{"UserName":"a & b"},{}]}`},
		"query_policy_document": {"iam", "GetRolePolicy", `<R><GetRolePolicyResult><PolicyDocument>%7B%22Version%22%3A%20%222012-10-17%22%2C%22S%22%3A%22a%2Bb+c%22%7D</PolicyDocument></GetRolePolicyResult></R>`,
			`{"PolicyDocument":{"Version":"2012-10-17","S":"a+b+c"}}`},
		"query_broken_policy_stays_text": {"iam", "GetRolePolicy", `<R><GetRolePolicyResult><PolicyDocument>%7Boops</PolicyDocument></GetRolePolicyResult></R>`,
			`{"PolicyDocument":"%7Boops"}`},
		"query_map": {"sns", "GetTopicAttributes", `<R><GetTopicAttributesResult><Attributes><entry><key>k</key><value>v</value></entry></Attributes></GetTopicAttributesResult></R>`,
			`{"Attributes":{"k":"v"}}`},
		"ec2_names": {"ec2", "DescribeVpcs", `<DescribeVpcsResponse><requestId>1</requestId><vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault><tagSet/></item></vpcSet></DescribeVpcsResponse>`,
			`{"Vpcs":[{"VpcId":"vpc-1","IsDefault":true,"Tags":[]}]}`},
		"restxml_flattened_apart": {"s3", "ListObjectsV2", `<ListBucketResult><Contents><Key>a</Key></Contents><Name>b</Name><Contents><Key>c</Key></Contents></ListBucketResult>`,
			`{"Name":"b","Contents":[{"Key":"a"},{"Key":"c"}]}`},
		"restxml_attribute": {"s3", "GetBucketAcl", `<AccessControlPolicy><AccessControlList><Grant><Grantee xmlns:xsi="x" xsi:type="Group"><URI>u</URI></Grantee></Grant></AccessControlList></AccessControlPolicy>`,
			`{"Grants":[{"Grantee":{"Type":"Group","URI":"u"}}]}`},
		"restxml_payload":        {"s3", "GetBucketPolicy", `{"Version":"x"}`, `{"Policy":"{\"Version\":\"x\"}"}`},
		"restxml_oldest_region":  {"s3", "GetBucketLocation", `<?xml version="1.0"?><LocationConstraint xmlns="x"/>`, `{"LocationConstraint":null}`},
		"restxml_comment_cdata":  {"s3", "GetBucketVersioning", `<V><!-- x --><Status><![CDATA[Enabled]]></Status></V>`, `{"Status":"Enabled"}`},
		"restxml_nothing_set":    {"s3", "GetBucketLogging", `<BucketLoggingStatus/>`, `{}`},
		"integer_with_plus_zero": {"s3", "ListObjectsV2", `<L><KeyCount>007</KeyCount></L>`, `{"KeyCount":7}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := decode(t, tt.service, tt.op, tt.body)
			if err != nil || got != tt.want {
				t.Errorf("got %s, %v\nwant %s", got, err, tt.want)
			}
			if !json.Valid([]byte(got)) {
				t.Error("that is no JSON")
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat("<a>", 50000)
	tests := map[string]struct{ service, op, body, says string }{
		"cut_json":          {"sagemaker", "ListEndpoints", `{"Endpoints":[{"End`, "no JSON"},
		"cut_xml":           {"iam", "ListUsers", `<R><ListUsersResult><Users><member>`, "ends in the middle"},
		"cut_after_result":  {"iam", "ListUsers", `<R><ListUsersResult></ListUsersResult>`, "ends in the middle"},
		"html":              {"ec2", "DescribeVpcs", "\n<HTML><body>sign in</body></HTML>", "HTML"},
		"empty":             {"sagemaker", "ListEndpoints", " ", "empty"},
		"array":             {"sagemaker", "ListEndpoints", `[]`, "no JSON object"},
		"other_document":    {"sagemaker", "ListEndpoints", `{"error":"maintenance"}`, "no member that the service's model knows"},
		"other_xml":         {"ec2", "DescribeVpcs", `<status><code>1</code></status>`, "no member that the service's model knows"},
		"no_result":         {"iam", "ListUsers", `<R><Other/></R>`, "no ListUsersResult"},
		"text_for_list":     {"sagemaker", "ListEndpoints", `{"Endpoints":"x"}`, "Endpoints: a string stands where the model has a list"},
		"number_for_text":   {"sagemaker", "ListEndpoints", `{"Endpoints":[{},{"EndpointName":5}]}`, "Endpoints[1].EndpointName: a number stands where the model has a string"},
		"object_for_text":   {"lambda", "ListFunctions", `{"Functions":[{"Handler":{}}]}`, "Functions[0].Handler: a object"},
		"text_for_boolean":  {"kms", "DescribeKey", `{"KeyMetadata":{"Enabled":"true"}}`, "KeyMetadata.Enabled: a string"},
		"fraction":          {"sagemaker", "DescribeNotebookInstance", `{"VolumeSizeInGB":5.5}`, "VolumeSizeInGB: "},
		"bad_time":          {"sagemaker", "ListEndpoints", `{"Endpoints":[{"CreationTime":"soon"}]}`, "Endpoints[0].CreationTime: \"soon\" is no timestamp"},
		"time_out_of_range": {"sagemaker", "ListEndpoints", `{"Endpoints":[{"CreationTime":1e300}]}`, "no time in seconds"},
		"member_twice":      {"sagemaker", "ListEndpoints", `{"NextToken":"a","NextToken":"b"}`, "twice"},
		"key_twice":         {"sqs", "GetQueueAttributes", `{"Attributes":{"a":"1","a":"2"}}`, "twice"},
		"xml_twice":         {"s3", "GetBucketVersioning", `<V><Status>a</Status><Status>b</Status></V>`, "Status: the member stands there twice"},
		"xml_tags_cross":    {"s3", "GetBucketVersioning", `<V><Status>a</V></Status>`, "tags do not match"},
		"xml_boolean":       {"ec2", "DescribeVpcs", `<R><vpcSet><item><isDefault>maybe</isDefault></item></vpcSet></R>`, "Vpcs[0].IsDefault: \"maybe\" is no boolean"},
		"xml_entry_half":    {"sns", "GetTopicAttributes", `<R><GetTopicAttributesResult><Attributes><entry><key>k</key></entry></Attributes></GetTopicAttributesResult></R>`, "map entry lacks"},
		"xml_deep":          {"ec2", "DescribeVpcs", deep, "ends in the middle"},
		"xml_entity":        {"s3", "GetBucketVersioning", `<!DOCTYPE x [<!ENTITY e "Enabled">]><V><Status>&e;</Status></V>`, "no XML"},
		"not_utf8":          {"sagemaker", "ListEndpoints", "{\"NextToken\":\"\xff\"}", "UTF-8"},
		"json_deep":         {"sagemaker", "ListEndpoints", `{"Endpoints":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "no JSON"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := decode(t, tt.service, tt.op, tt.body)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %.200s, %v; want an error that says %q", got, err, tt.says)
			}
		})
	}
}

func TestErrorUnderStatus200(t *testing.T) {
	_, err := decode(t, "s3", "GetBucketVersioning", `<Error><Code>InternalError</Code><Message>try again</Message></Error>`)
	var se *serviceError
	if !errors.As(err, &se) || se.Code != "InternalError" {
		t.Errorf("got %v, want the service's InternalError", err)
	}
}

func TestHeadersAndStatus(t *testing.T) {
	got, err := decode(t, "s3", "ListObjectsV2", `<L/>`, "x-amz-request-charged", "requester")
	if want := `{"RequestCharged":"requester"}`; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestErrorsDoNotQuoteValues(t *testing.T) {
	_, err := decode(t, "lambda", "GetFunctionConfiguration", `{"Environment":{"Variables":"hunter2hunter2"}}`)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v; want an error without the value", err)
	}
}

func TestISOTime(t *testing.T) {
	for in, want := range map[string]string{
		"1700000000":                       "2023-11-14T22:13:20+00:00",
		"1700000000.123":                   "2023-11-14T22:13:20.123000+00:00",
		"1.7E9":                            "2023-11-14T22:13:20+00:00",
		"-1":                               "1969-12-31T23:59:59+00:00",
		"2023-11-14T22:13:20Z":             "2023-11-14T22:13:20+00:00",
		"2023-11-14T22:13:20.5Z":           "2023-11-14T22:13:20.500000+00:00",
		"2023-11-14T22:13:20+02:00":        "2023-11-14T22:13:20+02:00",
		"2023-11-14T22:13:20":              "2023-11-14T22:13:20+00:00",
		"2023-11-14 22:13:20.000001+00:00": "2023-11-14T22:13:20.000001+00:00",
		"Tue, 14 Nov 2023 22:13:20 GMT":    "2023-11-14T22:13:20+00:00",
		"2023-11-14":                       "2023-11-14T00:00:00+00:00",
	} {
		if got, err := isoTime(in); err != nil || got != want {
			t.Errorf("isoTime(%q) = %s, %v; want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"", "NaN", "Inf", "1e400", "tomorrow", "2023-13-40T00:00:00Z"} {
		if got, err := isoTime(in); err == nil {
			t.Errorf("isoTime(%q) = %s, want an error", in, got)
		}
	}
}

// A time written for the wire reads back as the same instant.
func TestTimesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "µs")).UTC()
		format := rapid.SampledFrom([]string{"iso8601", "rfc822", "unixTimestamp"}).Draw(t, "format")
		if format == "rfc822" {
			at = at.Truncate(time.Second)
		}
		s, err := isoTime(formatTime(at, format))
		if err != nil {
			t.Fatal(err)
		}
		back, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || back.Sub(at).Abs() > time.Microsecond { // a double holds no more
			t.Fatalf("%s wrote %s and read %s (%v)", at, formatTime(at, format), back, err)
		}
	})
}

// Any text comes through appendString as encoding/json reads it.
func TestAppendString(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		var back string
		if err := json.Unmarshal(appendString(nil, s), &back); err != nil || back != s {
			t.Fatalf("%q came back as %q (%v)", s, back, err)
		}
	})
}

var jsonSeeds = []string{`{"Endpoints":[{"EndpointName":"e","CreationTime":1}],"NextToken":"t"}`, `{}`, `[]`, `{"Endpoints":null}`, `{"a":{"b":[1,2,"\"]"]}}`, `{"Endpoints":[[]]}`, `{"Endpoints":[null]}`}

// FuzzJSON: whatever comes, no panic, and what is given out is JSON.
func FuzzJSON(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, q := range [][2]string{{"sagemaker", "ListEndpoints"}, {"sagemaker", "DescribeTrainingJob"}, {"sqs", "GetQueueAttributes"}, {"lambda", "ListFunctions"}, {"bedrock", "GetCustomModel"}} {
			if out, err := decode(t, q[0], q[1], body); err == nil && !json.Valid([]byte(out)) {
				t.Fatalf("%s:%s made %s of %s", q[0], q[1], out, body)
			}
		}
		jsonError([]byte(body))
	})
}

// FuzzXML: the same for the XML protocols.
func FuzzXML(f *testing.F) {
	for _, s := range []string{`<R><ListUsersResult><Users><member><UserName>a</UserName></member></Users></ListUsersResult></R>`,
		`<AccessControlPolicy><AccessControlList><Grant><Grantee xsi:type="Group"/></Grant></AccessControlList></AccessControlPolicy>`,
		`<L><Contents><Key>a</Key></Contents><Contents/></L>`, `<Error><Code>x</Code></Error>`, `<a`, `<?xml version="1.0" encoding="latin1"?><a/>`,
		`<R><vpcSet><item><isDefault>true</isDefault><tagSet><item/></tagSet></item></vpcSet></R>`,
		`<R><GetTopicAttributesResult><Attributes><entry><key>k</key><value>v</value></entry></Attributes></GetTopicAttributesResult></R>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, q := range [][2]string{{"iam", "ListUsers"}, {"s3", "GetBucketAcl"}, {"s3", "ListObjectsV2"}, {"ec2", "DescribeVpcs"}, {"sns", "GetTopicAttributes"}, {"s3", "GetBucketLocation"}} {
			if out, err := decode(t, q[0], q[1], body); err == nil && !json.Valid([]byte(out)) {
				t.Fatalf("%s:%s made %s of %s", q[0], q[1], out, body)
			}
		}
		xmlError([]byte(body))
	})
}

func BenchmarkDecodeJSON(b *testing.B) {
	body := `{"Endpoints":[` + strings.Repeat(`{"EndpointName":"an-endpoint","EndpointArn":"arn:aws:sagemaker:eu-west-1:123456789012:endpoint/an-endpoint","CreationTime":1700000000.5,"LastModifiedTime":1700000000,"EndpointStatus":"InService"},`, 999) + `{}]}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(b, "sagemaker", "ListEndpoints", body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeXML(b *testing.B) {
	body := `<R><vpcSet>` + strings.Repeat(`<item><vpcId>vpc-0123456789abcdef0</vpcId><ownerId>123456789012</ownerId><state>available</state><cidrBlock>10.0.0.0/16</cidrBlock><isDefault>false</isDefault><tagSet><item><key>Name</key><value>main</value></item></tagSet></item>`, 1000) + `</vpcSet></R>`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(b, "ec2", "DescribeVpcs", body); err != nil {
			b.Fatal(err)
		}
	}
}
