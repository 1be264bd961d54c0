package moto

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// Ask makes a request of the server as of an AWS service ("s3", "sqs") and gives what it
// answered; anything but success ends the test. url begins with the server's. The
// signature is none: moto checks no signature. headers are names and values by turns.
func Ask(t testing.TB, method, url, service, body string, headers ...string) (http.Header, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s %v", method, url, resp.Status, text, err)
	}
	return resp.Header, string(text)
}
