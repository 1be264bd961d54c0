package called

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(text string) time.Time { t, _ := time.Parse(time.RFC3339, text); return t }

const (
	resolver = `{"version":"1.100000","account_id":"1","region":"eu-west-1","vpc_id":"vpc-1","query_timestamp":"2026-11-28T10:00:00Z","query_name":"API.openai.com.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"1.2.3.4","Type":"A","Class":"IN"}],"srcaddr":"10.0.1.5","srcport":"5","transport":"UDP","srcids":{"instance":"i-0abc"}}`
	trail    = `{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/app/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/app"}}},"eventTime":"2026-11-28T10:00:00Z","eventSource":"bedrock.amazonaws.com","eventName":"InvokeModel","awsRegion":"eu-west-1","requestParameters":{"modelId":"anthropic.claude-x"}}`
	envoy    = `{"authority":"api.openai.com:443","start_time":"2026-11-28T10:00:00.123Z","downstream_remote_address":"10.0.1.6:4711","response_code":200,"requested_server_name":null}`
	coreDNS  = `2026-11-28T10:00:00.5Z [INFO] 10.244.0.7:41234 - 12345 "A IN api.openai.com. udp 32 false 512" NOERROR qr,rd,ra 90 0.01s`
	squid    = `1795860000.500    456 10.0.1.5 TCP_TUNNEL/200 4567 CONNECT api.openai.com:443 - HIER_DIRECT/1.2.3.4 -`
)

func TestRead(t *testing.T) {
	ten := at("2026-11-28T10:00:00Z")
	tests := []struct {
		name, text string
		want       []Call
		err        string
	}{
		{"Route 53", resolver + "\n", []Call{{Host: "api.openai.com", By: "i-0abc", How: "dns", First: ten, Last: ten}}, ""},
		{"of a container, by its address", strings.Replace(resolver, `"srcids":{"instance":"i-0abc"}`, `"srcids":{}`, 1), []Call{{Host: "api.openai.com", By: "10.0.1.5", How: "dns", First: ten, Last: ten}}, ""},
		{"blocked by a DNS firewall", strings.Replace(resolver, `"srcids"`, `"firewall_rule_action":"BLOCK","srcids"`, 1), nil, ""},
		{"no such name", strings.Replace(resolver, "NOERROR", "NXDOMAIN", 1), nil, ""},
		{"CloudTrail, a line", trail, []Call{{Host: "bedrock-runtime.eu-west-1.amazonaws.com", By: "arn:aws:iam::1:role/app", How: "api", Models: []string{"anthropic.claude-x"}, First: ten, Last: ten}}, ""},
		{"CloudTrail, its document", `{"Records": [` + trail + "," + strings.Replace(trail, "InvokeModel", "ListFoundationModels", 1) + `]}`, []Call{{Host: "bedrock-runtime.eu-west-1.amazonaws.com", By: "arn:aws:iam::1:role/app", How: "api", Models: []string{"anthropic.claude-x"}, First: ten, Last: ten}}, ""},
		{"CloudTrail, spread out", "{\n  \"Records\": [" + trail + "]\n}\n", []Call{{Host: "bedrock-runtime.eu-west-1.amazonaws.com", By: "arn:aws:iam::1:role/app", How: "api", Models: []string{"anthropic.claude-x"}, First: ten, Last: ten}}, ""},
		{"refused by Bedrock", strings.Replace(trail, `"eventName"`, `"errorCode":"AccessDenied","eventName"`, 1), nil, ""},
		{"Envoy", envoy, []Call{{Host: "api.openai.com", By: "10.0.1.6", How: "proxy", First: at("2026-11-28T10:00:00.123Z"), Last: at("2026-11-28T10:00:00.123Z")}}, ""},
		{"Envoy, by the name in TLS", strings.NewReplacer(`"api.openai.com:443"`, `null`, `name":null`, `name":"api.openai.com"`).Replace(envoy), []Call{{Host: "api.openai.com", By: "10.0.1.6", How: "proxy", First: at("2026-11-28T10:00:00.123Z"), Last: at("2026-11-28T10:00:00.123Z")}}, ""},
		{"Envoy refused it itself", strings.Replace(envoy, `{"auth`, `{"upstream_host":null,"auth`, 1), nil, ""},
		{"CoreDNS", "[INFO] plugin/reload: Running\n" + coreDNS, []Call{{Host: "api.openai.com", By: "10.244.0.7", How: "dns", First: at("2026-11-28T10:00:00.5Z"), Last: at("2026-11-28T10:00:00.5Z")}}, ""},
		{"CoreDNS, of no day", strings.TrimPrefix(coreDNS, "2026-11-28T10:00:00.5Z "), nil, "1 of its lines"},
		{"Squid", squid, []Call{{Host: "api.openai.com", By: "10.0.1.5", How: "proxy", First: at("2026-11-28T10:00:00.5Z"), Last: at("2026-11-28T10:00:00.5Z")}}, ""},
		{"Squid, refused", strings.Replace(squid, "TCP_TUNNEL", "TCP_DENIED", 1), nil, ""},
		{"first and last", resolver + "\n" + strings.Replace(resolver, "T10", "T12", 1) + "\n" + strings.Replace(resolver, "T10", "T09", 1), []Call{{Host: "api.openai.com", By: "i-0abc", How: "dns", First: at("2026-11-28T09:00:00Z"), Last: at("2026-11-28T12:00:00Z")}}, ""},
		{"a host that does not matter", strings.Replace(resolver, "API.openai.com.", "example.com.", 1), nil, ""},
		{"a line cut off", resolver + "\n" + resolver[:90], []Call{{Host: "api.openai.com", By: "i-0abc", How: "dns", First: ten, Last: ten}}, "the first is line 2"},
		{"another log", "hello\nworld", nil, "2 of its lines are of no form that is read, the first is line 1"},
		{"another document", "{\n\"a\": 1}", nil, "without CloudTrail's Records"},
		{"half a document", `{"Records":[` + trail, nil, "cannot be read as JSON"},
		{"nothing", "", nil, "empty"},
		{"a huge time", strings.Replace(squid, "1795860000.500", "1e300", 1), nil, "1 of its lines"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var packed bytes.Buffer
			zip := gzip.NewWriter(&packed)
			_, _ = zip.Write([]byte(tt.text))
			_ = zip.Close()
			for _, text := range []string{tt.text, packed.String()} {
				l := Log{Keep: func(h string) bool { return h != "example.com" }}
				err := l.Read(strings.NewReader(text))
				if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				got := l.Calls()
				if len(got) == 0 {
					got = nil
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}

func FuzzReadLog(f *testing.F) {
	for _, s := range []string{resolver, trail, envoy, coreDNS, squid, `{"Records":[` + trail + `]}`, "\x1f\x8b\x08"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := Log{}
		err := l.Read(bytes.NewReader(text))
		var unread *UnreadError
		if errors.As(err, &unread) && unread.Bad == 0 {
			t.Fatal(err)
		}
		for _, c := range l.Calls() {
			if c.Host == "" || c.By == "" || c.First.IsZero() || c.Last.Before(c.First) {
				t.Fatalf("%+v", c)
			}
		}
	})
}
