package assess_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

// A state knows its mask key by a name that does not tell it, refuses another one,
// and begins anew when told to.
func TestMaskKeys(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	for name, where := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "state") },
		"postgres": func(t *testing.T) string { return postgres.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			st, err := store.Open(ctx, where(t))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			keys := assess.MaskKeys{Store: st}
			for i, step := range []struct {
				key     []byte
				anew    bool
				refused bool
			}{{nil, false, false}, {one, false, false}, {one, false, false}, {nil, false, false}, {two, false, true}, {two, true, false}, {two, false, false}, {one, false, true}} {
				err := keys.Use(ctx, step.key, step.anew)
				var other *assess.MaskKeyError
				if refused := errors.As(err, &other); refused != step.refused || err != nil && !refused {
					t.Errorf("step %d: %v, refused: want %v", i, err, step.refused)
				}
				if other != nil && (other.Noted == other.Given || !strings.HasPrefix(other.Noted, "hmac-sha256:")) {
					t.Errorf("step %d: %+v", i, other)
				}
			}
		})
	}
}
