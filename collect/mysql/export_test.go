package mysql

import (
	"context"
	"time"
)

// Patience sets how long a server may be silent, and returns how long it was before.
func Patience(d time.Duration) (before time.Duration) {
	before, patience = patience, d
	return before
}

// Try runs a statement in the reader's own session.
func Try(ctx context.Context, r *Reader, statement string) error {
	return r.s.do(ctx, statement)
}
