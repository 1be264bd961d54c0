package modelfile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// scanner is one run of Scan.
type scanner struct {
	ctx       context.Context
	lim       Limits
	rep       Report
	worst     map[string]int // rank by member path
	seen      map[string]bool
	unpacked  int64
	members   int
	depth     int
	dropped   int
	tensors   func(tensorAt)   // told of every tensor, if somebody asks
	records   map[string]entry // of the torch archive being read, by name
	recordsOf item             // that archive
}

// item is a file or a member of one, as a scanner reads it.
type item struct {
	path string // as reported
	r    io.ReaderAt
	size int64
	role role
	// siblings are the names beside it in its folder, nil where unknown.
	siblings []string
}

// role is what the container says of a member.
type role uint8

const (
	roleNone   role = iota
	roleTensor      // raw bytes of a tensor, which no loader interprets
	roleCode        // TorchScript source
	roleKeras       // a member of a Keras archive
	rolePickle      // the loader will unpickle it whatever it looks like
)

func (it item) base() string {
	name := it.path
	if i := strings.LastIndexByte(name, '!'); i >= 0 {
		name = name[i+1:]
	}
	return path.Base(strings.ReplaceAll(name, `\`, "/"))
}

// ext is the lower-case extension with its dot.
func (it item) ext() string { return strings.ToLower(path.Ext(it.base())) }

// head returns up to n bytes at off; a read error other than the end is kept.
func (s *scanner) head(it item, off int64, n int) []byte {
	if off < 0 || off >= it.size {
		return nil
	}
	b := make([]byte, min(int64(n), it.size-off))
	got, err := it.r.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.unread(it, err)
	}
	return b[:got]
}

// whole reads an item that must be understood as a whole, if it is within
// Limits.Header.
func (s *scanner) whole(it item) ([]byte, bool) { return s.atMost(it, s.lim.Header) }

// atMost is whole with a limit that may be lower.
func (s *scanner) atMost(it item, limit int64) ([]byte, bool) {
	if limit = min(limit, s.lim.Header); it.size > limit {
		s.find(it, "limit-header", Undecided, -1, "CWE-400", fmt.Sprintf("%d bytes have to be read as a whole; the limit is %d", it.size, limit))
		return nil, false
	}
	b := s.head(it, 0, int(it.size))
	return b, int64(len(b)) == it.size
}

func (s *scanner) unread(it item, err error) {
	s.find(it, "unreadable", Undecided, -1, "", "could not be read: "+err.Error())
}

// find records a finding once for each member, rule and text.
func (s *scanner) find(it item, rule string, sev Severity, off int64, cwe, text string) {
	s.add(Finding{Rule: rule, Severity: sev, Member: it.path, Offset: off, CWE: cwe, Text: clip(text, 600)})
}

func (s *scanner) add(f Finding) {
	s.worst[f.Member] = max(s.worst[f.Member], rank(f.Severity))
	key := f.Member + "\x00" + f.Rule + "\x00" + f.Text
	if s.seen[key] {
		return
	}
	if len(s.rep.Findings) >= s.lim.Findings {
		s.dropped++
		return
	}
	s.seen[key] = true
	if f.Member == s.rep.Name {
		f.Member = ""
	}
	s.rep.Findings = append(s.rep.Findings, f)
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// Scan says what the file name would do to whoever loads it. The name serves for
// its extension and for messages; r and size are the file. The report is always
// complete in itself: a read error, a limit and the end of ctx are findings of
// it, and make the verdict unknown unless something worse was seen.
func Scan(ctx context.Context, name string, r io.ReaderAt, size int64, lim Limits) Report {
	return ScanBeside(ctx, name, r, size, nil, lim)
}

// ScanBeside is Scan for a file of a folder whose names are known: some formats
// keep their raw weights in a file that only the one beside it explains.
func ScanBeside(ctx context.Context, name string, r io.ReaderAt, size int64, beside []string, lim Limits) Report {
	return run(ctx, name, r, size, beside, lim, nil)
}

func run(ctx context.Context, name string, r io.ReaderAt, size int64, beside []string, lim Limits, tensors func(tensorAt)) (rep Report) {
	s := &scanner{tensors: tensors, ctx: ctx, lim: lim.filled(), worst: map[string]int{}, seen: map[string]bool{}}
	s.rep = Report{Name: name, Size: size}
	it := item{path: name, r: r, size: size, siblings: beside}
	defer func() {
		// A parser that panics has met something nobody thought of. The caller's
		// gate must hear "unknown", not fall over.
		if p := recover(); p != nil {
			s.find(it, "internal", Undecided, -1, "CWE-248", fmt.Sprintf("a parser failed on this file: %v", p))
		}
		rep = s.finish()
	}()
	s.rep.Format = s.dispatch(it)
	if s.lim.Digest {
		s.digest(it)
	}
	return s.rep
}

func (s *scanner) digest(it item) {
	sum, err := s.sum(it.r, it.size)
	if err != nil {
		s.unread(it, err)
	}
	s.rep.SHA256 = sum
}

// sum is the SHA-256 of size bytes, "" with the error if not all can be read.
func (s *scanner) sum(r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, &contextReader{s.ctx, io.NewSectionReader(r, 0, size)}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// contextReader ends a long read when the caller's time is over.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// finish draws the verdicts.
func (s *scanner) finish() Report {
	if err := s.ctx.Err(); err != nil {
		s.find(item{path: s.rep.Name}, "time", Undecided, -1, "", "the time given ran out: "+err.Error())
	}
	if s.dropped > 0 {
		s.rep.Findings = append(s.rep.Findings, Finding{Rule: "limit-findings", Severity: Undecided, Offset: -1, Text: fmt.Sprintf("%d more findings were not kept", s.dropped)})
		s.worst[s.rep.Name] = max(s.worst[s.rep.Name], 1)
	}
	worst := 0
	for _, w := range s.worst {
		worst = max(worst, w)
	}
	s.rep.Verdict = verdicts[worst]
	for i := range s.rep.Members {
		m := &s.rep.Members[i]
		m.Verdict = verdicts[s.worst[m.Path]]
	}
	return s.rep
}

// member reads one member of a container. The path is the container's and the
// member's name.
func (s *scanner) member(parent item, name string, r io.ReaderAt, size int64, as role, siblings []string) {
	it := item{path: parent.path + "!" + printable(name), r: r, size: size, role: as, siblings: siblings}
	if !s.enter(parent) {
		return
	}
	defer func() { s.depth-- }()
	i := len(s.rep.Members)
	s.rep.Members = append(s.rep.Members, Member{Path: it.path, Size: size})
	s.rep.Members[i].Format = s.dispatch(it)
	if s.lim.Digest {
		// What could not be unpacked is a finding already; a member too large to be
		// unpacked once more goes without.
		s.rep.Members[i].SHA256, _ = s.sum(r, size)
	}
}

// printable keeps a member's name from steering the terminal it is shown on.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(name, "?"))
}

// enter counts one more member, one level down; false if a limit is reached.
func (s *scanner) enter(parent item) bool {
	if s.members++; s.members > s.lim.Members {
		s.find(parent, "limit-members", Undecided, -1, "CWE-400", fmt.Sprintf("more than %d members; further ones were not read", s.lim.Members))
		return false
	}
	if s.ctx.Err() != nil {
		return false
	}
	if s.depth >= s.lim.Depth {
		s.find(parent, "limit-depth", Undecided, -1, "CWE-674", fmt.Sprintf("archives are nested deeper than %d", s.lim.Depth))
		return false
	}
	s.depth++
	return true
}
