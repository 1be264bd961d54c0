package scan

import (
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Values are found whatever spaces, hyphens and digits they are written with, at their
// places in the text as it was.
func TestUnusualCharacters(t *testing.T) {
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ text, kind, value string }{
		{"card 4111\u00a01111\u00a01111\u00a01111 was used", "CREDIT_CARD", "4111\u00a01111\u00a01111\u00a01111"},
		{"card 4111\u20111111\u20111111\u20111111 was used", "CREDIT_CARD", "4111\u20111111\u20111111\u20111111"},
		{"card 4111\u202f1111\u202f1111\u202f1111", "CREDIT_CARD", "4111\u202f1111\u202f1111\u202f1111"},
		{"card ４１１１１１１１１１１１１１１１.", "CREDIT_CARD", "４１１１１１１１１１１１１１１１"},
		{"mail jane\u200b.doe@example.com now", "EMAIL_ADDRESS", "jane\u200b.doe@example.com"},
		{"mail jane＠example.com now", "EMAIL_ADDRESS", "jane＠example.com"},
		{"IBAN DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "IBAN_CODE", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"},
		{"call (415)\u00a0555\u20110132 – today", "PHONE_NUMBER", "(415)\u00a0555\u20110132"},
		{"GET /signup?email=jane%40example.com&x=1", "EMAIL_ADDRESS", "jane%40example.com"},
		{"see https://example.com/u?mail=jane@example.com&n=1", "EMAIL_ADDRESS", "jane@example.com"},
		{"see https://example.com/u?ssn=536-22-1234 there", "US_SSN", "536-22-1234"},
	} {
		found := false
		spans := s.Text([]byte(tt.text))
		for _, sp := range spans {
			found = found || sp.Type == tt.kind && tt.text[sp.Start:sp.End] == tt.value
		}
		if !found {
			t.Errorf("%q: %+v", tt.text, spans)
		}
		c := s.Column("x")
		c.Add([]byte(tt.value))
		if l := c.Labels(); len(l) == 0 && tt.kind != "PHONE_NUMBER" {
			t.Errorf("a cell %q has no label", tt.value)
		}
	}
}

// Offsets lead back to where they were, whatever was replaced.
func TestPlainlyLeadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringOfN(rapid.SampledFrom([]rune("ab1@ \u00a0\u200b\u00ad\u2011１é\u2014٣")), 0, 40, -1).Draw(t, "text"))
		plain, shifts := plainly(text)
		at := 0
		for i := 0; i < len(text); {
			r, n := utf8.DecodeRune(text[i:])
			if !dropped(r) {
				if got := back(shifts, at); got != i {
					t.Fatalf("offset %d of %q leads back to %d, not %d of %q", at, plain, got, i, text)
				}
				if plainRune(r) != 0 {
					at++
				} else {
					at += n
				}
			}
			i += n
		}
		if at != len(plain) {
			t.Fatalf("%q became %q", text, plain)
		}
	})
}
