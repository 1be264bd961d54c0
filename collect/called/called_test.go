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

// What Envoy's documentation calls its default format, Istio's, and S3's server access log.
const (
	envoyText = `[2026-11-28T10:00:00.310Z] "POST /v1/chat/completions HTTP/2" 200 - 154 0 226 100 "192.0.2.1, 10.0.35.28" "nsq2http" "cc21d9b0-cf5c-432b-8c7e-98aeb7988cd2" "api.openai.com" "104.18.7.192:443"`
	istioText = `[2026-11-28T10:00:00.310Z] "- - -" 0 - - - "-" 820 5420 3000 - "-" "-" "-" "-" "162.159.140.245:443" outbound|443||api.openai.com 10.244.0.7:40212 162.159.140.245:443 10.244.0.7:40198 api.openai.com -`
	s3Text    = `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be vendor-models [28/Nov/2026:10:00:00 +0000] 10.0.1.9 arn:aws:sts::1:assumed-role/app/i-0abc 3E57427F3EXAMPLE REST.GET.OBJECT llm/w.safetensors "GET /llm/w.safetensors?x=%22 HTTP/1.1" 200 - 113 113 7 6 "-" "aws-cli/2" - s9lzHYrFp76ZVxRcpX9= SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader vendor-models.s3.eu-west-1.amazonaws.com TLSV1.2 - -`
)

func TestAccessLogs(t *testing.T) {
	of := func(host, by, how, when string) string { return host + " by " + by + " " + how + " " + when }
	ten := "2026-11-28T10:00:00.31Z"
	const bucket = "vendor-models.s3.eu-west-1.amazonaws.com"
	tests := []struct {
		name, text, want string // want: "" if the line was read and tells of no call
		unnamed          int
		bad              bool
	}{
		{"Envoy", envoyText, of("api.openai.com", "10.0.35.28", "proxy", ten), 0, false},
		{"Envoy of a node", "2026-11-28T10:00:01.5Z stdout F " + envoyText, of("api.openai.com", "10.0.35.28", "proxy", ten), 0, false},
		{"Envoy, a port", strings.Replace(envoyText, `"api.openai.com"`, `"API.openai.com:443"`, 1), of("api.openai.com", "10.0.35.28", "proxy", ten), 0, false},
		{"Envoy, of nobody", strings.Replace(envoyText, "192.0.2.1, 10.0.35.28", "-", 1), of("api.openai.com", nobody, "proxy", ten), 0, false},
		{"Envoy, quotes in the user agent", strings.Replace(envoyText, "nsq2http", `a" "b" "api.example.com" "1.2.3.4:1`, 1), of("api.openai.com", nobody, "proxy", ten), 0, false},
		{"Envoy, a caller who writes the field of callers", strings.Replace(envoyText, "192.0.2.1, ", `9.9.9.9" "ua, `, 1), of("api.openai.com", nobody, "proxy", ten), 0, false},
		{"Envoy refused it itself", strings.Replace(envoyText, "104.18.7.192:443", "-", 1), "", 0, false},
		{"Envoy, a connection within", `[2026-11-28T10:00:00.310Z] "- - -" 0 - 12 34 5 - "-" "-" "-" "-" "10.0.0.1:5432"`, "", 0, false},
		{"Envoy, a connection to somewhere", `[2026-11-28T10:00:00.310Z] "- - -" 0 - 12 34 5 - "-" "-" "-" "-" "tcp://104.18.7.192:443"`, "", 1, false},
		{"Envoy of itself", "[2026-11-28 10:00:00.310][1][info][main] [source/server/server.cc:1] starting", "", 0, false},
		{"Istio", istioText, of("api.openai.com", "10.244.0.7", "proxy", ten), 0, false},
		{"Istio without a name", strings.Replace(istioText, "10.244.0.7:40198 api.openai.com", "10.244.0.7:40198 -", 1), "", 1, false},
		{"Istio, HTTP", strings.NewReplacer(`"- - -" 0 - - - "-"`, `"POST /v1 HTTP/1.1" 200 - via_upstream - "-"`, `"-" "162`, `"api.mistral.ai" "162`, "api.openai.com -", "outbound_.443_._.x -").Replace(istioText), of("api.mistral.ai", "10.244.0.7", "proxy", ten), 0, false},
		{"Istio's agent", "2026-11-28T10:00:00.000000Z\tinfo\tReadiness succeeded", "", 0, false},
		{"cut off", envoyText[:120], "", 0, true},
		{"a format of one's own", strings.Replace(envoyText, `"104`, `x "104`, 1), "", 0, true},
		{"half of Istio's", istioText[:strings.LastIndex(istioText, " 162.")], "", 0, true},
		{"a day that is none", strings.Replace(envoyText, "2026-11-28", "2026-13-28", 1), "", 0, true},
		{"S3", s3Text, of(bucket, "arn:aws:iam::1:role/app", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3, a user", strings.Replace(s3Text, "sts::1:assumed-role/app/i-0abc", "iam::1:user/a", 1), of(bucket, "arn:aws:iam::1:user/a", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3, anybody", strings.Replace(s3Text, "arn:aws:sts::1:assumed-role/app/i-0abc", "-", 1), of(bucket, "10.0.1.9", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3, by path", strings.Replace(s3Text, " vendor-models.s3", " s3", 1), of(bucket, "arn:aws:iam::1:role/app", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3, a host that a client made up", strings.Replace(s3Text, " "+bucket, " api.example.com", 1), of("vendor-models.s3.amazonaws.com", "arn:aws:iam::1:role/app", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3, another zone", strings.Replace(s3Text, "10:00:00 +0000", "12:00:00 +0200", 1), of(bucket, "arn:aws:iam::1:role/app", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3, one field more", s3Text + " eu-west-1", of(bucket, "arn:aws:iam::1:role/app", "api", "2026-11-28T10:00:00Z"), 0, false},
		{"S3 refused it", strings.Replace(s3Text, `1.1" 200 -`, `1.1" 403 AccessDenied`, 1), "", 0, false},
		{"S3's own work", strings.Replace(strings.Replace(s3Text, "REST.GET.OBJECT", "S3.EXPIRE.OBJECT", 1), `"GET /llm/w.safetensors?x=%22 HTTP/1.1" 200 -`, "- - -", 1), "", 0, false},
		{"S3, cut off", s3Text[:260], "", 0, true},
		{"S3, a month that is none", strings.Replace(s3Text, "Nov", "Nul", 1), "", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := Log{}
			err := l.Read(strings.NewReader(tt.text + "\n"))
			var unread *UnreadError
			if errors.As(err, &unread) != tt.bad || err != nil && !tt.bad || l.Unnamed != tt.unnamed {
				t.Errorf("%v, %d unnamed", err, l.Unnamed)
			}
			got := ""
			for _, c := range l.Calls() {
				got += of(c.Host, c.By, c.How, c.First.Format(time.RFC3339Nano))
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

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
	for _, s := range []string{resolver, trail, envoy, envoyText, istioText, s3Text, coreDNS, squid, `{"Records":[` + trail + `]}`, "\x1f\x8b\x08"} {
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
