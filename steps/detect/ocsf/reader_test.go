package ocsf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// read gives what a stream holds: "source action id" of each event, "! reason"
// of what was rejected.
func read(t testing.TB, r io.Reader, o Options) []string {
	t.Helper()
	rd, err := NewReader(r, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range 1_000_000 {
		var e Event
		var bad *Rejected
		switch err := rd.Next(&e); {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			out = append(out, "! "+bad.Reason)
		case err != nil:
			t.Fatal(err)
		default:
			out = append(out, fmt.Sprintf("%s %s %s", e.Source, e.Action, e.ID))
		}
	}
	t.Fatal("no end")
	return nil
}

func trail(id string) string {
	return fmt.Sprintf(`{"eventVersion":"1.09","eventTime":"2026-11-02T09:30:15Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":%q}`, id)
}

func TestReaderWaysIn(t *testing.T) {
	a, b := trail("a"), trail("b")
	quoted := strings.ReplaceAll(a, `"`, `\"`)
	ab := []string{"cloudtrail GetObject a", "cloudtrail GetObject b"}
	tests := []struct {
		name, in string
		want     []string
	}{
		{"file", `{"Records":[` + a + `,` + b + `]}`, ab},
		{"file with more members", `{"x":{"y":[1]},"Records": [` + a + ` , ` + b + `], "z":"]}"} `, ab},
		{"lines", a + "\n" + b + "\n", ab},
		{"byte order mark", "\xef\xbb\xbf" + a + "\r\n" + b, ab},
		{"array", `[` + a + `,` + b + `]`, ab},
		{"eventbridge", `{"version":"0","id":"e","detail-type":"AWS API Call via CloudTrail","source":"aws.s3","detail":` + a + `}` + "\n" + `{"detail-type":"x","detail":` + b + `}`, ab},
		{"cloudwatch subscription", `{"messageType":"DATA_MESSAGE","owner":"1","logEvents":[{"id":"1","message":"` + quoted + `"}]}`, ab[:1]},
		{"lookup-events", `{"Events":[{"EventId":"a","EventName":"GetObject","CloudTrailEvent":"` + quoted + `"}]}`, ab[:1]},
		{"lake", `{"eventCategory":"Management","eventData":` + a + `}`, ab[:1]},
		{"broken record in a list", `{"Records":[` + a + `,{"eventVersion":"1",oops},` + b + `]}`, []string{ab[0], "! byte 20: expected a member's name", ab[1]}},
		{"record without its end in a list", `{"Records":[` + a + `,{"eventVersion":"1","x":{"y":1,` + b + `]}`, []string{ab[0], "! byte 31: expected a member's name", ab[1]}},
		{"broken line", a + "\n{\"eventVersion\":\"1\",\n" + b, []string{ab[0], "! a record without an end", ab[1]}},
		{"quote never closed", a + "\n{\"eventVersion\":\"1.0\n" + b, []string{ab[0], "! byte 20: a string without an end", ab[1]}},
		{"rubbish between", a + "\nrubbish\n" + b, []string{ab[0], "! neither a record nor a list of records", ab[1]}},
		{"cut off", `{"Records":[` + a + `,` + b[:40], []string{ab[0], "! a record cut off by the end of the file", "! the file ends in the middle of a list"}},
		{"nothing", ``, nil},
		{"unknown format", `{"foo":1}`, []string{"! JSON of a format that is not known; a mapping says how to read it"}},
		{"kubernetes", `{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"auditID":"k","stage":"ResponseComplete","verb":"create","user":{"username":"u"},"objectRef":{"resource":"pods","subresource":"exec","namespace":"n","name":"p"},"requestReceivedTimestamp":"2026-11-02T09:30:15.123456Z"}]}`,
			[]string{"kubernetes-audit create pods/exec k/ResponseComplete"}},
		{"bedrock", `{"schemaType":"ModelInvocationLog","schemaVersion":"1.0","timestamp":"2026-11-02T09:30:15Z","accountId":"1","identity":{"arn":"arn:aws:sts::1:assumed-role/R/s"},"region":"us-east-1","requestId":"q","operation":"Converse","modelId":"m","input":{"inputTokenCount":7},"output":{"outputTokenCount":9}}`,
			[]string{"bedrock-invocation Converse q"}},
		{"gcp", `[{"insertId":"g","logName":"projects/p/logs/cloudaudit.googleapis.com%2Factivity","timestamp":"2026-11-02T09:30:15.1Z","protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","serviceName":"aiplatform.googleapis.com","methodName":"google.cloud.aiplatform.v1.ModelService.ExportModel","resourceName":"projects/p/models/1"}}]`,
			[]string{"gcp-audit google.cloud.aiplatform.v1.ModelService.ExportModel g"}},
		{"azure activity", `{"records":[{"time":"2026-11-02T09:30:15Z","resourceId":"/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.COGNITIVESERVICES/ACCOUNTS/A","operationName":"MICROSOFT.COGNITIVESERVICES/ACCOUNTS/LISTKEYS/ACTION","category":"Administrative","resultType":"Success","correlationId":"c"}]}`,
			[]string{"azure-activity MICROSOFT.COGNITIVESERVICES/ACCOUNTS/LISTKEYS/ACTION sha256:6d6a"}},
		{"azure sign-in", `{"time":"2026-11-02T09:30:15Z","category":"SignInLogs","operationName":"Sign-in activity","tenantId":"t","properties":{"id":"s","userPrincipalName":"u@x","ipAddress":"192.0.2.1","status":{"errorCode":50126},"authenticationRequirement":"singleFactorAuthentication"}}`,
			[]string{"azure-signin Sign-in activity s"}},
		{"otlp", `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"bot"}}]},"scopeSpans":[{"scope":{"name":"x"},"spans":[{"traceId":"t","spanId":"1","name":"chat gpt","startTimeUnixNano":"1793612415000000000","attributes":[{"key":"gen_ai.request.model","value":{"stringValue":"gpt"}},{"key":"gen_ai.usage.input_tokens","value":{"intValue":"12"}}]},{"traceId":"t","spanId":"2","name":"GET","startTimeUnixNano":"1793612415000000000"}]}]}]}`,
			[]string{"genai-span chat gpt t/1", "! genai-span: not a record of this format"}},
		{"litellm", `{"id":"l","call_type":"acompletion","model":"gpt","startTime":1793612415.5,"prompt_tokens":3,"completion_tokens":4,"status":"success","metadata":{"user_api_key_alias":"team"}}`,
			[]string{"litellm acompletion l"}},
		{"envoy", `{"start_time":"2026-11-02T09:30:15.000Z","method":"POST","x-envoy-origin-path":"/v1/chat/completions","response_code":200,"gen_ai.request.model":"gpt","gen_ai.usage.input_tokens":3,"x-request-id":"v"}`,
			[]string{"envoy-ai POST /v1/chat/completions v"}},
		{"capture", `{"captureData":{"endpointInput":{"observedContentType":"text/csv","mode":"INPUT","data":"1,2","encoding":"CSV"}},"eventMetadata":{"eventId":"d","inferenceTime":"2026-11-02T09:30:15Z"},"eventVersion":"0"}`,
			[]string{"sagemaker-capture InvokeEndpoint d"}},
		{"flow log", "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n2 1 eni-1 10.0.0.1 10.0.0.2 1 443 6 10 8000 1793612415 1793612475 ACCEPT OK\n2 1 eni-1 - - - - - - - 1793612415 1793612475 - NODATA\n2 1 x\n",
			[]string{"vpc-flow traffic sha256:", "! vpc-flow: 3 columns where the format has 14"}},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "_"), func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.DataErrReader(strings.NewReader(tt.in))} {
				got := read(t, r, Options{})
				if len(got) != len(tt.want) {
					t.Fatalf("got %q, want %q", got, tt.want)
				}
				for i := range got {
					if !strings.HasPrefix(got[i], strings.TrimSuffix(tt.want[i], "6d6a")) {
						t.Errorf("got %q, want %q", got[i], tt.want[i])
					}
				}
			}
		})
	}
}

func TestReaderBounds(t *testing.T) {
	big := `{"eventVersion":"1","x":"` + strings.Repeat("y", 3<<20) + `"}`
	in := `{"Records":[` + trail("a") + `,` + big + `,` + trail("b") + `]}`
	got := read(t, strings.NewReader(in), Options{MaxEvent: 1 << 20})
	want := []string{"cloudtrail GetObject a", "! a record of more than 1048576 bytes", "cloudtrail GetObject b"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
	for name, in := range map[string]string{"backslashes": `{"a":"` + strings.Repeat(`\`, 5<<20), "brackets": strings.Repeat("[", 5<<20), "braces": strings.Repeat(`{"a":`, 1<<20), "quotes": strings.Repeat(`"`, 1<<16)} {
		if got := read(t, strings.NewReader(in), Options{MaxEvent: 1 << 20}); len(got) == 0 || !strings.HasPrefix(got[0], "!") {
			t.Errorf("%s: %.200q", name, got)
		}
	}
}

func TestReaderMapping(t *testing.T) {
	m, err := ParseMapping([]byte("source: gw\nfields: {time: ts, action: [op, verb], actor.id: who.name, ai.model: model, resource: things}\nconstants: {service: gw}\nfailed: {path: ok, values: ['false']}\n"))
	if err != nil {
		t.Fatal(err)
	}
	rd, _ := NewReader(strings.NewReader(`{"ts":1793612415,"verb":"ask","who":{"name":"eve"},"model":"m","ok":false,"things":["a","b"]}`), Options{Mapping: m})
	var e Event
	if err := rd.Next(&e); err != nil {
		t.Fatal(err)
	}
	if e.Action != "ask" || e.Actor.ID != "eve" || !e.Failed || e.AI.Model != "m" || e.Service != "gw" || len(e.Resources) != 2 || e.Time != 1793612415000 {
		t.Errorf("%+v", e)
	}
	for _, bad := range []string{"fields: {nope: x}", "fields: {time: ts}", "class: odd\nfields: {time: t, action: a}", "fields: [1]", "fields: {time: {a: 1}, action: b}", "unknown: 1"} {
		if _, err := ParseMapping([]byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"Records":[`+trail("a")+`,{"eventVersion":"1",oops},`+trail("b")+`]}`), 1)
	f.Add([]byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n2 1 eni-1 10.0.0.1 10.0.0.2 1 443 6 10 8000 1793612415 1793612475 ACCEPT OK\n"), 7)
	f.Add([]byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"spanId":"1"}]}]}]}`), 3)
	f.Add([]byte(`{"logEvents":[{"message":"{\"a\":1}"}]} [ "x" ]`), 3)
	f.Add([]byte(lakeFile(f, false, policyEvent, instancesEvent)), 5)
	f.Add([]byte(`{"QueryResultRows":[[{"eventJson":"{}"},{"eventID":"a"}]],"NextToken":"x"}`), 2)
	f.Add([]byte("2026-11-02T09:30:15.123Z "+trail("a")), 9)
	f.Fuzz(func(t *testing.T, in []byte, piece int) {
		whole := read(t, strings.NewReader(string(in)), Options{MaxEvent: 4096})
		pieces := read(t, &chunks{in, 1 + abs(piece)%97}, Options{MaxEvent: 4096})
		if fmt.Sprint(whole) != fmt.Sprint(pieces) {
			t.Errorf("read whole: %q\nread in pieces: %q", whole, pieces)
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

// chunks gives out n bytes at a time.
type chunks struct {
	rest []byte
	n    int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.n)], c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// TestCorpusFiles reads the public files as they lie: every record is an event.
func TestCorpusFiles(t *testing.T) {
	records := corpus(t)
	n := 0
	err := filepath.Walk(os.Getenv("SEVENFOLD_CORPORA_UNPACKED"), func(p string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || filepath.Ext(p) != ".json" {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		for _, s := range read(t, f, Options{}) {
			if strings.HasPrefix(s, "!") {
				t.Errorf("%s: %s", p, s)
			}
			n++
		}
		return nil
	})
	if err != nil || n < len(records) {
		t.Errorf("%d events of at least %d: %v", n, len(records), err)
	}
}

func BenchmarkReader(b *testing.B) {
	records := [][]byte{[]byte(assumedRoleEvent)}
	if os.Getenv("SEVENFOLD_CORPORA_UNPACKED") != "" {
		records = corpus(b)
	}
	var file strings.Builder
	file.WriteString(`{"Records":[`)
	const n = 20_000
	for i := range n {
		if i > 0 {
			file.WriteByte(',')
		}
		file.Write(records[i%len(records)])
	}
	file.WriteString("]}")
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		rd, _ := NewReader(strings.NewReader(file.String()), Options{})
		var e Event
		got := 0
		for rd.Next(&e) == nil {
			got++
		}
		if got != n {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "events/s")
}
