package respond

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// recordsFile holds records, contactsFile when contacts were last reached.
const (
	recordsFile  = "records.json"
	contactsFile = "contacts.json"
)

// Shelf keeps records of rehearsals and exercises beside the incidents.
type Shelf struct{ Folder string }

var _ Records = Shelf{}

func (s Shelf) read(file string, into any) error {
	text, err := os.ReadFile(filepath.Join(s.Folder, file))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s in the state cannot be read (%w)\nhint: restore the state from a copy", file, err)
	}
	return nil
}

func (s Shelf) write(file string, v any) error {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return err
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(s.Folder, ".write-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone after the rename
	_, err = tmp.Write(append(text, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), filepath.Join(s.Folder, file))
}

// Records implements Records.
func (s Shelf) Records(workload string) ([]Record, error) {
	var all []Record
	if err := s.read(recordsFile, &all); err != nil {
		return nil, err
	}
	if _, err := s.sound(all, workload); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r Record) bool { return workload != "" && r.Workload != workload }), nil
}

// sound gives those records of which the journal says the same; the others are in the error.
func (s Shelf) sound(all []Record, workload string) (good []Record, err error) {
	desk := Desk{Folder: filepath.Join(s.Folder, "incidents")}
	var errs []error
	for n := range all {
		r := &all[n]
		if r.Kind == Tabletop && (workload == "" || r.Workload == workload) {
			if err := desk.sound(r); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		good = append(good, *r)
	}
	return good, errors.Join(errs...)
}

// Good are all records that can be relied on; the error names those that cannot, and the
// others are there. Nothing may be decided by them alone: see Records.
func (s Shelf) Good() ([]Record, error) {
	var all []Record
	if err := s.read(recordsFile, &all); err != nil {
		return nil, err
	}
	return s.sound(all, "")
}

// alone runs fn while no other process changes the shelf.
func (s Shelf) alone(fn func() error) error {
	if err := os.MkdirAll(s.Folder, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(s.Folder, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // ends the lock
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("records: %w", err)
	}
	return fn()
}

// Keep adds a record, in the place of an older one of the same name.
func (s Shelf) Keep(r Record) error {
	return s.alone(func() error {
		all, err := s.Records("")
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(o Record) bool { return o.ID == r.ID })
		return s.write(recordsFile, append(all, r))
	})
}

// KeepPlayed adds the record of a tabletop that was played, as its journal has it.
func (s Shelf) KeepPlayed(id string) error {
	i, err := Desk{Folder: filepath.Join(s.Folder, "incidents")}.Show(id)
	if err != nil {
		return err
	}
	if i.table == nil || i.table.record == nil {
		return fmt.Errorf("%s was not played to its end\nhint: sevenfold respond exercise tabletop --resume %s --by NAME", id, id)
	}
	return s.alone(func() error {
		all, err := s.Records("")
		if err != nil || slices.ContainsFunc(all, func(r Record) bool { return r.ID == id }) {
			return err
		}
		return s.write(recordsFile, append(all, *i.table.record))
	})
}

// Change changes the record of a name, if there is one.
func (s Shelf) Change(id string, fn func(*Record)) error {
	return s.alone(func() error {
		all, err := s.Records("")
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(r Record) bool { return r.ID == id })
		if i < 0 {
			return nil
		}
		fn(&all[i])
		return s.write(recordsFile, all)
	})
}

// Close closes a gap of a record: by whom, and how.
func (s Shelf) Close(id, gap, by, how string) error {
	if by == "" || strings.TrimSpace(how) == "" {
		return errors.New("who closed it, and how, is not said\nhint: --by NAME --note HOW")
	}
	closed, before := false, ""
	err := s.Change(id, func(r *Record) {
		for k := range r.Gaps {
			switch {
			case r.Gaps[k].ID != gap:
			case r.Gaps[k].Closed != "":
				before = r.Gaps[k].Closed
			default:
				r.Gaps[k].Closed, closed = by+": "+how, true
			}
		}
	})
	switch {
	case err != nil || closed:
		return err
	case before != "":
		return fmt.Errorf("gap %s of %s was closed already, by %s", gap, id, before)
	}
	return fmt.Errorf("no exercise %s has a gap %s\nhint: sevenfold respond exercise list", id, gap)
}

// Checked implements Records.
func (s Shelf) Checked(contact string) time.Time {
	all := map[string]time.Time{}
	if s.read(contactsFile, &all) != nil {
		return time.Time{} // what cannot be read was not checked
	}
	return all[contactKey(contact)]
}

// Reached notes that a contact was reached.
func (s Shelf) Reached(contact string, at time.Time) error {
	return s.alone(func() error {
		all := map[string]time.Time{}
		if err := s.read(contactsFile, &all); err != nil {
			return err
		}
		all[contactKey(contact)] = at
		return s.write(contactsFile, all)
	})
}

// contactKey names a contact without telling it: an address may be a secret.
func contactKey(contact string) string { return hashText(contact)[:16] }

// Remembered is all that a shelf holds, as one document: what a certificate's evidence
// takes along, so that who checks it judges by the same records.
type Remembered struct {
	Kept     []Record             `json:"records"`
	Contacts map[string]time.Time `json:"contacts"` // when reached, by a digest of the contact
}

var _ Records = (*Remembered)(nil)

// Records implements Records.
func (m *Remembered) Records(workload string) ([]Record, error) {
	return slices.DeleteFunc(slices.Clone(m.Kept), func(r Record) bool { return workload != "" && r.Workload != workload }), nil
}

// Checked implements Records.
func (m *Remembered) Checked(contact string) time.Time { return m.Contacts[contactKey(contact)] }

// Remember reads all that the shelf holds, which may be nothing.
func (s Shelf) Remember() (*Remembered, error) {
	m := &Remembered{Contacts: map[string]time.Time{}}
	var err error
	if m.Kept, err = s.Records(""); err == nil {
		err = s.read(contactsFile, &m.Contacts)
	}
	return m, err
}
