package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// holder is what lock.json says of the run that holds lock.db.
type holder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// lock holds a write transaction on lock.db. The operating system ends it with
// the process, and SQLite knows how to lock files on every system we build for;
// lock.json beside it only says who.
func (e *sqliteEngine) lock(context.Context) (func() error, error) {
	conn, err := sqlite.OpenConn(filepath.Join(e.dir, "lock.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("locking state %s: %w", e.dir, err)
	}
	conn.SetBusyTimeout(0)
	if err := sqlitex.ExecuteTransient(conn, "BEGIN EXCLUSIVE", nil); err != nil {
		err = errors.Join(err, conn.Close())
		if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
			return nil, e.lockedBy()
		}
		return nil, e.explain(fmt.Errorf("locking state %s: %w", e.dir, err))
	}
	host, _ := os.Hostname()
	text, err := json.Marshal(holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		err = os.WriteFile(e.holderFile(), text, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking state %s: %w", e.dir, err), conn.Close())
	}
	return func() error { return errors.Join(os.Remove(e.holderFile()), conn.Close()) }, nil
}

func (e *sqliteEngine) holderFile() string { return filepath.Join(e.dir, "lock.json") }

func (e *sqliteEngine) lockedBy() error {
	held := &LockedError{State: e.dir}
	text, err := os.ReadFile(e.holderFile())
	if err != nil {
		return held
	}
	var h holder
	if json.Unmarshal(text, &h) == nil {
		held.PID, held.Host, held.Since = h.PID, h.Host, h.Since
	}
	return held
}
