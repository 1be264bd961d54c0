package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// decoder turns one opened file into pieces and blind spots.
type decoder struct {
	file  candidate
	lim   limits
	emit  func(piece) error
	blind func(estate.BlindSpot)
	// bytes counts the text read, after inflation.
	bytes int64
}

// run reads the file. The error is emit's; what is wrong with the file goes to
// blind.
func (d *decoder) run(r io.Reader) error {
	if d.file.gzip {
		z, err := inflate(r, d.lim)
		if err != nil {
			d.report(estate.ReadMalformed, err.Error(), "pack the file again, or name it without .gz")
			return nil
		}
		r = z
	}
	buffer := buffered(r)
	defer unbuffered(buffer)
	text, err := decoded(buffer)
	if err != nil {
		d.report(estate.ReadMalformed, reason(err), "export it again as UTF-8")
		return nil
	}
	counted := &counter{r: text}
	defer func() { d.bytes = counted.n }()
	in := newInput(counted)
	defer in.release()
	first, ok := in.next()
	switch {
	case !ok && !errors.Is(in.err, io.EOF):
		d.readError(in.err)
		return nil
	case !ok:
		if d.file.sniff {
			return nil
		}
		return d.emit(piece{empty: true, body: []byte(`{"Error":{"Code":"EmptyOutput","Message":"the file is empty","Operation":""}}`)})
	case d.file.sniff && first != '{' && first != '[':
		return d.refusal(in, true)
	case first == 'A' || first == 'a':
		if !d.file.yaml {
			return d.refusal(in, false)
		}
	}
	if d.file.yaml {
		return d.yaml(in)
	}
	return d.json(in)
}

// refusal reads a file that begins like the text of a refused call.
func (d *decoder) refusal(in *input, quiet bool) error {
	head := make([]byte, 4096)
	n, _ := io.ReadFull(in.rest(), head)
	if body := errorReply(head[:n]); body != nil {
		return d.emit(piece{body: body})
	}
	if !quiet {
		d.report(estate.ReadMalformed, "line 1, column 1 (byte 0): expected a value, found "+show(head[0]),
			"export with --output json")
	}
	return nil
}

func (d *decoder) json(in *input) error {
	s := &splitter{in: in, lim: d.lim, emit: d.emitting, note: d.note, list: mayList(d.file.path)}
	err := s.run()
	var broken *damage
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &broken):
		var stop *stopped
		if errors.As(err, &stop) {
			return stop.error
		}
		return err
	case broken.cause != nil:
		d.readError(broken.cause)
		return nil //nolint:nilerr // said; the other files are read on
	}
	hint := "export it again; nothing after this place was read"
	if broken.truncated {
		hint = "the export was cut short: run it again to the end (disk space, time-outs)"
	}
	if strings.Contains(broken.what, "expected a value") && s.documents == 0 && s.elements == 0 {
		hint = "export with --output json; if it is YAML name it .yaml"
	}
	d.report(estate.ReadMalformed, fmt.Sprintf("%s; read before it: %s", broken, s.progress()), hint)
	return nil
}

// progress says what was given out so far.
func (s *splitter) progress() string {
	switch {
	case s.documents == 0 && s.elements == 0:
		return "nothing"
	case s.elements == 0:
		return fmt.Sprintf("%d whole documents", s.documents)
	case s.documents == 0:
		return fmt.Sprintf("%d elements", s.elements)
	}
	return fmt.Sprintf("%d whole documents and %d elements", s.documents, s.elements)
}

func (d *decoder) emitting(p piece) error {
	if err := d.emit(p); err != nil {
		return &stopped{err}
	}
	return nil
}

func (d *decoder) yaml(in *input) error {
	first, _ := in.next()
	rest := in.rest()
	text, err := io.ReadAll(io.LimitReader(rest, d.lim.yaml+1))
	if err != nil {
		d.readError(err)
		return nil
	}
	if int64(len(text)) > d.lim.yaml {
		if first == '{' || first == '[' { // JSON under a YAML name is streamed
			again := newInput(io.MultiReader(bytes.NewReader(text), rest))
			defer again.release()
			return d.json(again)
		}
		d.report(estate.ReadSkipped, "YAML above "+size(d.lim.yaml)+" is not read",
			"export it as JSON (-o json), which is read in a stream, or split it")
		return nil
	}
	if crowded(text, d.lim) {
		d.report(estate.ReadSkipped, fmt.Sprintf("YAML that may hold more than %d values is not read", d.lim.nodes),
			"export it as JSON (-o json), which is read in a stream, or split it")
		return nil
	}
	err = yamlPieces(text, d.lim, d.emit, d.note)
	var stop *stopped
	switch {
	case errors.As(err, &stop):
		return stop.error
	case err != nil && errorReply(text) != nil:
		return d.emit(piece{body: errorReply(text)})
	case err != nil:
		d.report(estate.ReadMalformed, err.Error(), "mend the line or export it again")
	}
	return nil
}

// rest reads the window and what follows it.
func (in *input) rest() io.Reader {
	window := bytes.NewReader(in.buf[in.lo:in.hi])
	if in.err != nil {
		return io.MultiReader(window, failing{in.err})
	}
	return io.MultiReader(window, in.r)
}

// failing is a reader that only fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// readError reports an error below the text: the disk, or the compression.
func (d *decoder) readError(err error) {
	status, hint := failure(err)
	if errors.Is(err, errBomb) {
		status, hint = estate.ReadSkipped, "unpack it and export it in smaller parts"
	} else if d.file.gzip {
		status, hint = estate.ReadMalformed, "pack the file again"
	}
	d.report(status, reason(err), hint)
}

// note reports a part that was left out.
func (d *decoder) note(t trouble) {
	at := t.at.String()
	if t.at.offset == 0 && t.at.line > 0 {
		at = fmt.Sprintf("line %d", t.at.line)
	}
	d.report(estate.ReadSkipped, at+": "+t.what, t.hint)
}

func (d *decoder) report(status estate.ReadStatus, why, hint string) {
	d.blind(estate.BlindSpot{Operation: d.file.path, Status: status, Why: why, Hint: hint})
}

// mayList reports whether a damaged file may be used up to the damage: half of
// a list is a list, half of one resource's rules is a false picture. The
// command line's get-… operations answer about one resource.
func mayList(name string) bool {
	op := path.Base(name)
	if dir := path.Base(path.Dir(name)); strings.HasPrefix(dir, "get-") || strings.HasPrefix(dir, "describe-") {
		return false // OPERATION/SUBJECT.json
	}
	if strings.HasPrefix(op, "get-") {
		return strings.HasPrefix(op, "get-account-authorization-details") || strings.HasPrefix(op, "get-resources")
	}
	return true
}
