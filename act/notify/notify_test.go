package notify

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var message = Message{ID: "I-1", Severity: "high", Title: "role <x> did iam:CreateUser", Lines: []string{"peer group 0 of 4,112"}, At: time.Unix(0, 0), Body: json.RawMessage(`{"id":"I-1"}`)}

func TestPosts(t *testing.T) {
	var got string
	status := 200
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		w.WriteHeader(status)
	}))
	defer srv.Close()
	for target, want := range map[string]string{
		"webhook:" + srv.URL + "/s3cret":     `{"id":"I-1"}`,
		"slack:" + srv.URL:                   `role \u0026lt;x\u0026gt; did`,
		"pagerduty:routing@" + srv.URL:       `"dedup_key":"I-1"`,
		"pagerduty:routing@" + srv.URL + "/": `"severity":"error"`,
	} {
		s, err := Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		status = 200
		if err := s.Send(context.Background(), message); err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v, sent %s", target, err, got)
		}
		status = 500
		if err := s.Send(context.Background(), message); err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "routing") {
			t.Errorf("%s: a refusal is %v", target, err)
		}
	}
	srv.Close()
	s, _ := Parse("webhook:" + srv.URL + "/s3cret")
	if err := s.Send(context.Background(), message); err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("a server that is gone: %v", err)
	}
}

func TestTargetsThatAreNone(t *testing.T) {
	for _, target := range []string{"", "slack", "slack:", "slack:ftp://x", "pigeon:x", "webhook:env:NOT_SET_ANYWHERE", "email:smtp://h", "email:smtp://h?from=a@b", "email:http://h?from=a&to=b", "pagerduty:k@nothing"} {
		if _, err := Parse(target); err == nil {
			t.Errorf("%q is a target", target)
		}
	}
}

// A small mail server takes one message.
func TestMail(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := make(chan string, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		say := func(s string) { _, _ = c.Write([]byte(s + "\r\n")) }
		say("220 here")
		var data strings.Builder
		in := false
		for r := bufio.NewScanner(c); r.Scan(); {
			switch line := r.Text(); {
			case in && line == ".":
				in = false
				taken <- data.String()
				say("250 taken")
			case in:
				data.WriteString(line + "\n")
			case strings.HasPrefix(line, "DATA"):
				in = true
				say("354 go on")
			case strings.HasPrefix(line, "QUIT"):
				say("221 bye")
				return
			default:
				say("250 ok")
			}
		}
	}()
	s, err := Parse("email:smtp://" + l.Addr().String() + "?from=a@acme.example&to=b@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	m := message
	m.Title = "bad\r\nBcc: x@evil.example"
	if err := s.Send(context.Background(), m); err != nil {
		t.Fatal(err)
	}
	if got := <-taken; !strings.Contains(got, "Subject: [high] bad  Bcc") || strings.Contains(got, "\nBcc") || !strings.Contains(got, "peer group 0 of 4,112") {
		t.Errorf("sent %q", got)
	}
}
