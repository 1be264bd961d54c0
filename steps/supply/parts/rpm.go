package parts

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// rpmDatabase reads the packages that RPM installed, from the SQLite file in which RPM
// since 4.16 keeps them: one header a row. Own reader: the engine that the state uses
// was not made for files of strangers, and of the format two kinds of page suffice.
// Sources: sqlite.org/fileformat2.html, and rpm's docs/manual/format_header.md.
func rpmDatabase(f *file) error {
	db, err := openTables(f.data)
	if err != nil {
		return err
	}
	root, err := db.root("Packages")
	if err != nil {
		return err
	}
	n := 0
	err = db.rows(root, func(columns [][]byte) error {
		if len(columns) < 2 {
			return errors.New("a row of Packages without a header")
		}
		p, err := rpmHeader(columns[len(columns)-1])
		if err != nil {
			return err
		}
		if n++; p.Name != "gpg-pubkey" { // keys are kept as packages
			f.add(p, 0)
		}
		return nil
	})
	if err == nil && n == 0 {
		err = errors.New("it lists no package")
	}
	return err
}

// rpmOther tells of RPM's older databases, which are not read.
func rpmOther(*file) error {
	return errors.New("RPM's database in the format of Berkeley DB or of its own (ndb): it is not read: give a bill of the image beside it")
}

// rpmPending tells of changes of the database that were not written back to it.
func rpmPending(f *file) error {
	if len(f.data) > 0 {
		return errors.New("RPM's database has changes that were not written back into it: they are not read")
	}
	return nil
}

// Tags of RPM's headers.
const (
	rpmName      = 1000
	rpmVersion   = 1001
	rpmRelease   = 1002
	rpmEpoch     = 1003
	rpmLicence   = 1014
	rpmModule    = 5096
	rpmString    = 6
	rpmInteger   = 4
	maxRPMFields = 1 << 16
	maxColumns   = 64 // a table of RPM has two
)

// rpmHeader reads name, epoch, version and release of one header: two counts, the
// index, and the data that it points into.
func rpmHeader(b []byte) (Part, error) {
	p := Part{Kind: Package, Ecosystem: rpmEcosystem, Pinned: true}
	if len(b) < 8 {
		return p, errors.New("a header of RPM is cut off")
	}
	fields, size := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	if fields > maxRPMFields || 8+16*fields+size > int64(len(b)) {
		return p, errors.New("a header of RPM is longer than what is there")
	}
	index, data := b[8:8+16*fields], b[8+16*fields:8+16*fields+size]
	text := func(entry []byte) string {
		at := int64(int32(binary.BigEndian.Uint32(entry[8:])))
		if at < 0 || at >= int64(len(data)) {
			return ""
		}
		s, _, _ := bytes.Cut(data[at:], []byte{0})
		return string(s)
	}
	var version, release, epoch string
	for ; len(index) > 0; index = index[16:] {
		tag, kind := binary.BigEndian.Uint32(index), binary.BigEndian.Uint32(index[4:])
		switch {
		case tag == rpmName && kind == rpmString:
			p.Name = text(index)
		case tag == rpmVersion && kind == rpmString:
			version = text(index)
		case tag == rpmRelease && kind == rpmString:
			release = text(index)
		case tag == rpmLicence && kind != rpmInteger:
			if l := text(index); l != "" {
				p.Licences = []string{l}
			}
		case tag == rpmModule && kind == rpmString:
			if m := text(index); m != "" {
				p.Facts = map[string]string{"module": m}
			}
		case tag == rpmEpoch && kind == rpmInteger:
			if at := int64(int32(binary.BigEndian.Uint32(index[8:]))); at >= 0 && at+4 <= int64(len(data)) {
				epoch = fmt.Sprint(binary.BigEndian.Uint32(data[at:])) + ":"
			}
		}
	}
	if p.Name == "" || version == "" {
		return p, errors.New("a header of RPM names no package and version")
	}
	p.Version = strings.TrimPrefix(epoch, "0:") + version
	if release != "" {
		p.Version += "-" + release
	}
	return p, nil
}

// rpmEcosystem stands for the release until the image's os-release says which.
const rpmEcosystem = "rpm"

// tables reads the tables of an SQLite file.
type tables struct {
	data []byte
	page int
	left int // pages that may still be visited: a file that loops is not as long as it says
	work int // bytes of rows that may still be read: rows that overlap are not as many
}

var errTables = errors.New("it is damaged as a database of SQLite")

func openTables(data []byte) (*tables, error) {
	if len(data) < 100 || string(data[:16]) != "SQLite format 3\x00" {
		return nil, errors.New("it is no database of SQLite")
	}
	page := int(binary.BigEndian.Uint16(data[16:]))
	if page == 1 {
		page = 1 << 16
	}
	if page < 512 || page&(page-1) != 0 || data[20] != 0 || len(data)%page != 0 {
		return nil, errTables
	}
	return &tables{data: data, page: page, left: 2 * len(data) / page, work: 4 * len(data)}, nil
}

// root is the first page of a table.
func (t *tables) root(table string) (root int, err error) {
	err = t.rows(1, func(columns [][]byte) error {
		if len(columns) >= 4 && string(columns[0]) == "table" && string(columns[1]) == table {
			for _, b := range columns[3] {
				root = root<<8 | int(b)
			}
		}
		return nil
	})
	if err == nil && root == 0 {
		err = fmt.Errorf("it has no table %s", table)
	}
	return root, err
}

// rows visits the rows of a table: each column's bytes, numbers big-endian.
func (t *tables) rows(root int, visit func([][]byte) error) error {
	pages := []int{root}
	for len(pages) > 0 {
		n := pages[len(pages)-1]
		pages = pages[:len(pages)-1]
		if t.left--; t.left < 0 || n < 1 || n > len(t.data)/t.page {
			return errTables
		}
		page := t.data[(n-1)*t.page : n*t.page]
		head := 0
		if n == 1 {
			head = 100
		}
		cells := int(binary.BigEndian.Uint16(page[head+3:]))
		size := 8
		switch page[head] {
		case 5: // inner
			size = 12
			pages = append(pages, int(binary.BigEndian.Uint32(page[head+8:])))
		case 13: // leaf
		default:
			return errTables
		}
		if head+size+2*cells > len(page) {
			return errTables
		}
		for i := range cells {
			at := int(binary.BigEndian.Uint16(page[head+size+2*i:]))
			if at+4 > len(page) {
				return errTables
			}
			if size == 12 {
				pages = append(pages, int(binary.BigEndian.Uint32(page[at:])))
				continue
			}
			row, err := t.cell(page, at)
			if t.work -= 64 + len(row); t.work < 0 {
				return errTables
			}
			if err == nil {
				err = record(row, visit)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// varint reads SQLite's numbers of one to nine bytes; n is 0 where it is cut off.
func varint(b []byte) (v uint64, n int) {
	for n < len(b) && n < 9 {
		c := b[n]
		n++
		if n == 9 {
			return v<<8 | uint64(c), n
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, n
		}
	}
	return 0, 0
}

// cell is the content of one row, put together from the pages it flows over into.
func (t *tables) cell(page []byte, at int) ([]byte, error) {
	length, a := varint(page[at:])
	_, b := varint(page[min(at+a, len(page)):])
	at += a + b
	if a == 0 || b == 0 || length > uint64(len(t.data)) {
		return nil, errTables
	}
	total, usable := int(length), t.page
	local := total
	if most := usable - 35; total > most {
		least := (usable-12)*32/255 - 23
		if local = least + (total-least)%(usable-4); local > most {
			local = least
		}
	}
	if at+local > len(page) {
		return nil, errTables
	}
	if local == total {
		return page[at : at+local], nil
	}
	out := append(make([]byte, 0, total), page[at:at+local]...)
	if at+local+4 > len(page) {
		return nil, errTables
	}
	for next := int(binary.BigEndian.Uint32(page[at+local:])); len(out) < total; {
		if t.left--; t.left < 0 || next < 1 || next > len(t.data)/t.page {
			return nil, errTables
		}
		more := t.data[(next-1)*t.page : next*t.page]
		next = int(binary.BigEndian.Uint32(more))
		out = append(out, more[4:min(len(more), 4+total-len(out))]...)
	}
	return out, nil
}

// record cuts a row into its columns.
func record(row []byte, visit func([][]byte) error) error {
	head, n := varint(row)
	if n == 0 || head > uint64(len(row)) || head < uint64(n) {
		return errTables
	}
	var columns [][]byte
	body := row[head:]
	for types := row[n:head]; len(types) > 0; {
		kind, n := varint(types)
		if n == 0 || len(columns) == maxColumns {
			return errTables
		}
		types = types[n:]
		size := uint64(0)
		switch {
		case kind >= 12:
			size = (kind - 12) / 2
		case kind >= 1 && kind <= 4:
			size = kind
		case kind == 5:
			size = 6
		case kind == 6 || kind == 7:
			size = 8
		}
		if size > uint64(len(body)) {
			return errTables
		}
		columns = append(columns, body[:size])
		body = body[size:]
	}
	return visit(columns)
}
