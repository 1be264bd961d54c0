package modelfile

import (
	"io"
	"strings"
	"testing"
)

// The filtered bytes are what an archiver made of the plain ones.
func TestBCJ(t *testing.T) {
	for _, tt := range bcjCases {
		got, err := io.ReadAll(newBCJ(strings.NewReader(unhex(tt.filtered))))
		if err != nil || string(got) != unhex(tt.plain) {
			t.Errorf("%s: got %x, %v, want %s", tt.name, got, err, tt.plain)
		}
	}
}
