package scan

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The words and letters counted eight at a time are those counted one by one.
func TestFreeTextAgrees(t *testing.T) {
	slow := func(b []byte) bool {
		if len(b) < 20 {
			return false
		}
		b = b[:min(len(b), 400)]
		letters, run, words := 0, 0, 0
		for _, c := range b {
			if is(c, isLet) || c >= 0x80 {
				letters++
				if run++; run == 2 {
					words++
				}
				continue
			}
			run = 0
		}
		return words >= 4 && letters*10 > 4*len(b) && bytes.Count(b, []byte(" "))+bytes.Count(b, []byte("\n")) >= 3
	}
	if freeText([]byte("ana.sousa@harbour-mail.example")) {
		t.Error("an address is no prose")
	}
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.StringOfN(rapid.SampledFrom([]rune("abZ19 .,-é")), 0, 90, -1).Draw(t, "text"))
		if freeText(b) != slow(b) {
			t.Fatalf("%q: %v", b, freeText(b))
		}
	})
}
