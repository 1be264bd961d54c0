package store

import (
	"fmt"
	"strings"
)

// sql returns a query's text and arguments. The text serves both engines:
// SQLite numbers $1, $2 in the order in which they first stand.
func (q query) sql() (string, []any) {
	var text strings.Builder
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	text.WriteString("SELECT hash, taken, assets, relations, sources, frame, manifest FROM snapshot WHERE 1 = 1")
	if q.hash != "" {
		text.WriteString(" AND hash = " + arg(q.hash))
	}
	if q.before != nil {
		text.WriteString(" AND taken <= " + arg(*q.before))
	}
	text.WriteString(" ORDER BY taken DESC, seq DESC")
	if q.limit > 0 {
		text.WriteString(" LIMIT " + arg(int64(q.limit)))
	}
	return text.String(), args
}

// missingBody says that a body is listed but not stored.
func missingBody(id int64) error { return &lostError{id} }

type lostError struct{ id int64 }

func (e *lostError) Error() string { return fmt.Sprintf("body %d is listed but not stored", e.id) }
