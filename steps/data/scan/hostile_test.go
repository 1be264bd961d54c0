package scan

import (
	"bytes"
	"strings"
	"testing"
)

// No text made to hold a scanner up takes more than a small factor of what others take.
// No clock is held against it: a step for each pair of bytes is hours for half a
// megabyte, and go test's own limit ends that.
func TestHostileTextsTakeLittleTime(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"0", "1:", "1.", "a@", "@a.", "P<", "a://?", "a://b@", "1\u00a0", "+1 ", "-----BEGIN PRIVATE KEY-----", "A1-", "_1", "AKIA", "hf_", "eyJ9.", "%40", "http://a.b?c="} {
		text := bytes.Repeat([]byte(unit), (1<<19)/len(unit))
		s.Text(text)
		c := s.Column("x")
		c.Add(text)
	}
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("A", 70) + "\n-----END PRIVATE KEY-----\n"
	if got := len(s.Text([]byte(strings.Repeat(key, 3)))); got != 3 {
		t.Errorf("%d keys of three", got)
	}
}
