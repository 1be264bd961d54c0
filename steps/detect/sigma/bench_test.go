package sigma

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// manyRules are n rules of the shapes SigmaHQ's for CloudTrail have: most ask
// an operation, one in twenty only a user agent or an ARN.
func manyRules(n int) string {
	var b strings.Builder
	services := []string{"iam", "ec2", "s3", "sagemaker", "bedrock", "kms", "lambda", "sts"}
	for i := range n {
		s := services[i%len(services)]
		fmt.Fprintf(&b, "---\ntitle: r%d\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n", i)
		switch {
		case i%20 == 0:
			fmt.Fprintf(&b, "  sel: {userAgent|contains: tool-%d}\n  condition: sel\n", i)
		case i%20 == 7:
			fmt.Fprintf(&b, "  sel: {userIdentity.arn|re: '.+:user/bad-%d-.+'}\n  ok: {errorCode: null}\n  condition: sel and ok\n", i)
		case i%20 < 12:
			fmt.Fprintf(&b, "  sel: {eventSource: %s.amazonaws.com, eventName: [Delete%d, Put%d]}\n  condition: sel\n", s, i, i)
		default:
			fmt.Fprintf(&b, "  sel: {eventSource: %s.amazonaws.com, eventName|startswith: [Create, Update]}\n  what: {requestParameters|contains: x-%d}\n  filter_main: {userIdentity.invokedBy|exists: true}\n  condition: sel and what and not 1 of filter_*\n", s, i)
		}
	}
	return b.String()
}

// benchEvents are public CloudTrail records as they lie, or two of our own.
func benchEvents(tb testing.TB) [][]byte {
	var out [][]byte
	files, _ := filepath.Glob(filepath.Join(os.Getenv("SEVENFOLD_CORPORA_UNPACKED"), "*", "*.json"))
	for _, p := range files {
		f, err := os.Open(p)
		if err != nil {
			tb.Fatal(err)
		}
		rd, _ := ocsf.NewReader(f, ocsf.Options{})
		var e ocsf.Event
		for rd.Next(&e) == nil {
			out = append(out, e.Raw)
		}
		f.Close()
	}
	if len(out) == 0 {
		for _, name := range []string{"GetObject", "CreateModel", "DescribeInstances", "UpdateEndpoint"} {
			out = append(out, []byte(fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/R/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/R"}}},"eventTime":"2026-11-02T09:30:15Z","eventSource":"sagemaker.amazonaws.com","eventName":%q,"awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","requestParameters":{"endpointName":"fraud","endpointConfigName":"fraud-2"},"eventID":"e"}`, name)))
		}
	}
	return out
}

// BenchmarkRules decodes and matches: the whole of what an event costs here.
func BenchmarkRules(b *testing.B) {
	for _, n := range []int{0, 60, 600, 6000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := manyRules(n)
			if dir := os.Getenv("SEVENFOLD_SIGMAHQ"); dir != "" && n > 0 {
				files, _ := filepath.Glob(filepath.Join(dir, "rules/cloud/aws/cloudtrail/*.yml"))
				for _, p := range files {
					t, err := os.ReadFile(p)
					if err != nil {
						b.Fatal(err)
					}
					text += "\n---\n" + string(t)
				}
			}
			rules, _ := Parse("r.yml", []byte(text))
			s, _ := Compile(rules)
			m := s.NewMatcher()
			events := benchEvents(b)
			hits := 0
			var e ocsf.Event
			for _, raw := range events { // which rules a pair of keys can meet is found out once
				if ocsf.DecodeCloudTrail(raw, &e) == nil {
					m.Match(&e, func(Match) {})
				}
			}
			b.ReportAllocs()
			from := cpu(b)
			for i := 0; b.Loop(); i++ {
				if err := ocsf.DecodeCloudTrail(events[i%len(events)], &e); err != nil {
					b.Fatal(err)
				}
				m.Match(&e, func(Match) { hits++ })
			}
			b.ReportMetric(float64(len(s.Rules())), "rules")
			b.ReportMetric(float64(b.N)/(cpu(b)-from).Seconds(), "events/CPU-s")
			b.ReportMetric(float64(hits)/float64(b.N), "hits/event")
		})
	}
}

// cpu is the processor time the process has used: on a machine others use too,
// the clock says nothing.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
