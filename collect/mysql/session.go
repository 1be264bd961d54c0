package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"

	my "github.com/go-sql-driver/mysql"
)

// session is one connection. The driver's own interfaces are used, not those of package
// sql: the driver takes a server's packets to be as long as they ought to be and panics where
// they are not, and package sql would keep its locks.
type session struct {
	conn   driver.Conn
	broken error // why nothing is asked any more
}

// errProtocol is what answers being no server.
var errProtocol = errors.New("what answers does not speak MySQL's protocol")

// dial connects.
func dial(ctx context.Context, cfg *my.Config) (s *session, err error) {
	s = &session{}
	defer s.caught(&err)
	connector, err := my.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	ctx, end := context.WithTimeout(ctx, connectTimeout)
	defer end()
	s.conn, err = connector.Connect(ctx)
	return s, err
}

// caught makes an error of a panic, after which nothing more is asked.
func (s *session) caught(err *error) {
	if p := recover(); p != nil {
		s.broken = fmt.Errorf("%w: %v", errProtocol, p)
		*err = s.broken
	}
}

// close ends the connection.
func (s *session) close() {
	var err error
	defer s.caught(&err)
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// do runs a statement without an answer.
func (s *session) do(ctx context.Context, statement string) (err error) {
	defer s.caught(&err)
	if s.broken != nil {
		return s.broken
	}
	_, err = s.conn.(driver.ExecerContext).ExecContext(ctx, statement, nil)
	return err
}

// ask gives each row of an answer as text, NULL as nil; the bytes change after the call.
func (s *session) ask(ctx context.Context, query string, args []string, each func(row [][]byte) error) (err error) {
	defer s.caught(&err)
	if s.broken != nil {
		return s.broken
	}
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := s.conn.(driver.QueryerContext).QueryContext(ctx, query, named)
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	row := make([][]byte, len(values))
	scratch := make([][]byte, len(values))
	for {
		switch err := rows.Next(values); {
		case errors.Is(err, io.EOF):
			return rows.Close()
		case err != nil:
			_ = rows.Close()
			return err
		}
		for i, v := range values {
			row[i] = text(v, &scratch[i])
		}
		if err := each(row); err != nil {
			// The rest of the answer would be read only to be thrown away.
			s.broken = err
			_ = s.conn.Close()
			return err
		}
	}
}

// text writes a value as the server sent it.
func text(v driver.Value, scratch *[]byte) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case []byte:
		if v == nil {
			return []byte{}
		}
		return v
	case string:
		*scratch = append((*scratch)[:0], v...)
	case int64:
		*scratch = strconv.AppendInt((*scratch)[:0], v, 10)
	case uint64:
		*scratch = strconv.AppendUint((*scratch)[:0], v, 10)
	case float32:
		*scratch = strconv.AppendFloat((*scratch)[:0], float64(v), 'g', -1, 32)
	case float64:
		*scratch = strconv.AppendFloat((*scratch)[:0], v, 'g', -1, 64)
	default:
		*scratch = fmt.Append((*scratch)[:0], v)
	}
	return *scratch
}
