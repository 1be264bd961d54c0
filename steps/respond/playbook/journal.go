package playbook

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Event is one line of a journal. Hash covers all other members and so, by Prev, all
// events before.
type Event struct {
	Seq  int64           `json:"seq"` // from 1
	Time time.Time       `json:"time"`
	Type string          `json:"type"`
	Step string          `json:"step,omitempty"` // which pass of which step
	By   string          `json:"by,omitempty"`   // a person; empty: the run itself
	Data json.RawMessage `json:"data,omitempty"`
	Prev string          `json:"prev"`
	Hash string          `json:"hash"`
}

// sum is the hash an event must have.
func (e *Event) sum() string {
	c := *e
	c.Hash = ""
	text, err := json.Marshal(c)
	if err != nil { // Data that is no JSON: see Append
		return ""
	}
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// ChainError says where a journal is not as it was written.
type ChainError struct {
	File string
	Line int
	What string
}

// Error implements error.
func (e *ChainError) Error() string {
	return fmt.Sprintf("%s: line %d: %s\nhint: the journal was altered or damaged; restore it from a copy or from an export", e.File, e.Line, e.What)
}

// ConflictError says that somebody else wrote since the journal was last read.
type ConflictError struct {
	File  string
	Since []Event
}

// Error implements error.
func (e *ConflictError) Error() string {
	last := e.Since[len(e.Since)-1]
	who := last.By
	if who == "" {
		who = "the playbook"
	}
	return fmt.Sprintf("%s: %s wrote %q at %s meanwhile\nhint: look at it, and say it again", filepath.Base(e.File), who, last.Type, last.Time.Format(time.RFC3339))
}

// BusyError says that another process is running the same playbook.
type BusyError struct{ File string }

// Error implements error.
func (e *BusyError) Error() string {
	return filepath.Base(e.File) + " is being run by another process\nhint: wait for it to end; it can be watched with show"
}

// Journal is an append-only file of events, each synced to disk before Append
// returns. Its methods may be called from many goroutines only under a lock of the
// caller; several processes keep apart by themselves.
type Journal struct {
	path   string
	file   *os.File
	run    *os.File // held while a run goes on
	events []Event
	size   int64 // of what was read and written so far
	now    func() time.Time
}

// maxLine bounds one event.
const maxLine = 4 << 20

// OpenJournal opens or makes a journal and checks it from its first event. A last
// line that a killed process did not finish is cut off: nobody was told that it was
// written. now may be nil.
func OpenJournal(path string, now func() time.Time) (*Journal, error) {
	if now == nil {
		now = time.Now
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{path: path, file: f, now: now}
	err = j.locked(func() error {
		_, err := j.refresh()
		return err
	})
	if err == nil && len(j.events) == 0 {
		err = syncFolder(path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// syncFolder makes a new file's name last.
func syncFolder(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close ends the use of the journal, and its run.
func (j *Journal) Close() error {
	err := j.file.Close()
	if j.run != nil {
		err = errors.Join(err, j.run.Close())
	}
	return err
}

// Hold keeps other processes from running the same journal until Close. Events that
// people append are let through.
func (j *Journal) Hold() error {
	if j.run != nil {
		return nil
	}
	f, err := os.OpenFile(j.path+".run", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return &BusyError{j.path}
		}
		return fmt.Errorf("journal: %w", err)
	}
	j.run = f
	return nil
}

// Events are all there are; the caller must not change them.
func (j *Journal) Events() []Event { return j.events }

// Head is the hash of the last event; empty for none.
func (j *Journal) Head() string {
	if len(j.events) == 0 {
		return ""
	}
	return j.events[len(j.events)-1].Hash
}

// locked runs fn while no other process writes.
func (j *Journal) locked(fn func() error) error {
	if err := unix.Flock(int(j.file.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	defer unix.Flock(int(j.file.Fd()), unix.LOCK_UN) //nolint:errcheck // ends with the file too
	return fn()
}

// refresh reads what was appended since, and returns it.
func (j *Journal) refresh() ([]Event, error) {
	if _, err := j.file.Seek(j.size, io.SeekStart); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	known := len(j.events)
	in := bufio.NewReader(j.file)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			if len(line) > 0 { // begun and never finished
				err = j.file.Truncate(j.size)
				if err == nil {
					err = j.file.Sync()
				}
				if err != nil {
					return nil, fmt.Errorf("journal: %w", err)
				}
			}
			return j.events[known:], nil
		}
		if err != nil {
			return nil, fmt.Errorf("journal: %w", err)
		}
		if len(line) > maxLine {
			return nil, &ChainError{j.path, len(j.events) + 1, "the line is too long"}
		}
		if err := j.take(line); err != nil {
			return nil, err
		}
		j.size += int64(len(line))
	}
}

// take checks one line against the chain and keeps it.
func (j *Journal) take(line []byte) error {
	var e Event
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return &ChainError{j.path, len(j.events) + 1, "this is no event: " + err.Error()}
	}
	switch {
	case e.Seq != int64(len(j.events)+1):
		return &ChainError{j.path, len(j.events) + 1, fmt.Sprintf("event %d stands where %d should", e.Seq, len(j.events)+1)}
	case e.Prev != j.Head():
		return &ChainError{j.path, len(j.events) + 1, "it does not follow the event before it"}
	case e.Hash != e.sum():
		return &ChainError{j.path, len(j.events) + 1, "its content is not what its hash says"}
	}
	j.events = append(j.events, e)
	return nil
}

// Append writes one event after those read so far; a *ConflictError if there are
// others by now, which are then read.
func (j *Journal) Append(typ, step, by string, data any) (Event, error) {
	return j.append(typ, step, by, data, false)
}

// Add is Append for what holds whatever was written meanwhile: what the run itself
// has done, and answers.
func (j *Journal) Add(typ, step, by string, data any) (Event, error) {
	return j.append(typ, step, by, data, true)
}

func (j *Journal) append(typ, step, by string, data any, behind bool) (e Event, err error) {
	var raw json.RawMessage
	if data != nil {
		if raw, err = json.Marshal(data); err != nil {
			return e, fmt.Errorf("journal: %w", err)
		}
	}
	err = j.locked(func() error {
		since, err := j.refresh()
		if err != nil {
			return err
		}
		if len(since) > 0 && !behind {
			return &ConflictError{j.path, since}
		}
		// A clock that was put back does not make an event older than those before.
		now := j.now().UTC().Round(0)
		if n := len(j.events); n > 0 && now.Before(j.events[n-1].Time) {
			now = j.events[n-1].Time
		}
		e = Event{Seq: int64(len(j.events) + 1), Time: now, Type: typ, Step: step, By: by, Data: raw, Prev: j.Head()}
		e.Hash = e.sum()
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		line = append(line, '\n')
		if len(line) > maxLine {
			return fmt.Errorf("journal: an event of %d bytes is too long", len(line))
		}
		if _, err := j.file.WriteAt(line, j.size); err != nil {
			return fmt.Errorf("journal: %w\nhint: make room on the disk", err)
		}
		if err := j.file.Sync(); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
		j.size += int64(len(line))
		j.events = append(j.events, e)
		return nil
	})
	return e, err
}

// Refresh reads what others have written since.
func (j *Journal) Refresh() error {
	return j.locked(func() error {
		_, err := j.refresh()
		return err
	})
}
