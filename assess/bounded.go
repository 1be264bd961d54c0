package assess

import (
	"fmt"
	"io"
)

// maxEvidence bounds an unpacked snapshot: a million assets are some two
// gigabytes.
const maxEvidence = 8 << 30

// bounded is a reader that fails, not ends, at its bound: what is cut off must
// not look whole.
type bounded struct {
	r    io.Reader
	left int64
	max  int64
}

func newBounded(r io.Reader, limit int64) io.Reader { return &bounded{r, limit, limit} }

// Read implements io.Reader.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("more than %d bytes unpacked", b.max)
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}
