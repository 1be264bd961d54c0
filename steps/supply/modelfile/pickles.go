package modelfile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile/pickle"
)

// legacyTorch starts the files that torch wrote before version 1.6: a pickle of
// its magic number.
var legacyTorch = []byte("\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.")

var levels = map[pickle.Level]Severity{
	pickle.Note: Info, pickle.Undecided: Undecided, pickle.Suspicious: Medium, pickle.Dangerous: High, pickle.Critical: Critical,
}

// pickleFile reads a file of one or more pickles, with what lies behind them.
func (s *scanner) pickleFile(it item) string {
	head := s.head(it, 0, len(legacyTorch))
	legacy := bytes.Equal(head, legacyTorch)
	pos, streams := int64(0), 0
	joblib := false
	for pos < it.size {
		if streams > 0 && !s.morePickle(it, pos) {
			break
		}
		res := s.pickleAt(it, pos, false)
		streams++
		joblib = joblib || res.Arrays > 0
		if !res.Stopped || res.End <= pos || streams >= 10_000 {
			pos = it.size
			break
		}
		pos = res.End
		if legacy && streams == 5 {
			break
		}
	}
	switch {
	case legacy:
		// The fifth pickle lists the storages; their bytes follow.
		return "torch-legacy"
	case pos < it.size:
		s.behind(it, pos)
	}
	if joblib {
		return "joblib"
	}
	return "pickle"
}

// morePickle says whether another pickle seems to start at pos.
func (s *scanner) morePickle(it item, pos int64) bool {
	h := s.head(it, pos, 2)
	if len(h) == 2 && h[0] == 0x80 && h[1] <= 5 {
		return true
	}
	res, err := pickle.Scan(s.ctx, it.r, pos, it.size, pickle.Options{Strict: true, MaxOps: 1 << 20, Vouched: s.vouched})
	return err == nil && (res.Stopped && res.Ops > 1 || armed(res))
}

// armed says whether a pickle would import or call something that is refused.
func armed(res pickle.Result) bool {
	for _, f := range res.Findings {
		if f.Level >= pickle.Suspicious {
			return true
		}
	}
	return false
}

// behind looks at bytes after the last STOP, which no unpickler reads.
func (s *scanner) behind(it item, pos int64) {
	n := it.size - pos
	head := s.head(it, pos, 4096)
	if len(bytes.Trim(head, "\x00\n\r ")) == 0 {
		return
	}
	rest := item{path: it.path, r: io.NewSectionReader(it.r, pos, n), size: n}
	if isExecutable(head, rest) {
		s.find(it, "hidden-executable", High, pos, "CWE-506", fmt.Sprintf("%s lies behind the pickle", executableKind(head)))
		return
	}
	if bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		s.find(it, "polyglot", Medium, pos, "CWE-436", "a zip archive lies behind the pickle; which of the two is read depends on the loader")
		s.member(it, "behind-pickle.zip", rest.r, n, roleNone, nil)
		return
	}
	s.find(it, "trailing-data", Low, pos, "", fmt.Sprintf("%d bytes lie behind the pickle", n))
}

// pickleAt runs one pickle and translates its findings.
func (s *scanner) pickleAt(it item, pos int64, strict bool) pickle.Result {
	res, err := s.pickleRun(it, pos, strict)
	s.tell(it, res)
	if err != nil {
		s.unread(it, err)
	}
	return res
}

func (s *scanner) pickleRun(it item, pos int64, strict bool) (pickle.Result, error) {
	opt := pickle.Options{MaxOps: s.lim.Ops, Strict: strict, Payload: s.payloads(it), Loaded: s.loaded(it), Vouched: s.vouched}
	if s.tensors != nil {
		opt.Tensor = func(t pickle.Tensor) { s.torchTensor(it, t) }
	}
	return pickle.Scan(s.ctx, it.r, pos, it.size, opt)
}

func (s *scanner) tell(it item, res pickle.Result) {
	for _, f := range res.Findings {
		s.add(Finding{Rule: f.Rule, Severity: levels[f.Level], Member: it.path, Offset: f.Off, Trail: f.Trail, CWE: f.CWE, Text: clip(f.Text, 600)})
	}
}

// loaded reads what a pickle has torch load out of a bytes value, as torch does.
func (s *scanner) loaded(it item) func(off int64, r io.ReaderAt, n int64) {
	return func(off int64, r io.ReaderAt, n int64) {
		if !s.enter(it) {
			return
		}
		defer func() { s.depth-- }()
		s.dispatch(item{path: fmt.Sprintf("%s!bytes@%d", it.path, off), r: r, size: n, role: rolePickle})
	}
}

// vouched says whether the caller answers for a global.
func (s *scanner) vouched(module, name string) bool {
	full := module + "." + name
	for _, v := range s.lim.Vouched {
		if v == full {
			return true
		}
		if prefix, all := strings.CutSuffix(v, "*"); all && strings.HasSuffix(prefix, ".") && strings.HasPrefix(full, prefix) {
			return true
		}
	}
	return false
}

// payloads looks at strings and bytes inside a pickle: whoever wrote them may
// unpickle or run them later.
func (s *scanner) payloads(it item) func(off, n int64, head []byte) {
	return func(off, n int64, head []byte) {
		if len(head) < 4 {
			return
		}
		switch {
		case head[0] == 0x80 && head[1] >= 2 && head[1] <= 5:
			s.nested(it, off, n, "pickle")
		case bytes.HasPrefix(head, []byte("PK\x03\x04")), n > 32 && packed(head, it):
			s.aside(it, fmt.Sprintf("bytes@%d", off), io.NewSectionReader(it.r, off, n), n)
		case isExecutable(head, it) && (head[0] != '#' || n > 64):
			s.find(it, "hidden-executable", High, off, "CWE-506", executableKind(head)+" is kept as data in the pickle")
		case head[0] == 'g' && head[1] == 'A' || head[0] == 'Y' || head[0] == 'K' || head[0] == 'H' && head[1] == '4' || head[0] == 'e' && head[1] == 'J':
			s.encoded(it, off, n, base64.StdEncoding.DecodeString)
		case head[0] == '8' && head[1] == '0' && head[2] == '0' || head[0] == '6' && head[1] == '3' || head[0] == '2' && head[1] == '8':
			s.encoded(it, off, n, hex.DecodeString)
		case head[0] == 'c' || head[0] == '(' || head[0] == '}':
			s.nested(it, off, n, "text")
		}
	}
}

// packed says whether data starts as a compressed stream or archive.
func packed(head []byte, it item) bool {
	for _, m := range []string{"\x1f\x8b\x08", "\xfd7zXZ\x00", "\x28\xb5\x2f\xfd", "\x04\x22\x4d\x18", "7z\xbc\xaf\x27\x1c"} {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return isBzip2(head, it)
}

// aside scans data that looks like an archive or packed stream. No loader of the
// pickle opens it, and chance makes such heads too, so that it counts only if
// what is inside would do harm.
func (s *scanner) aside(it item, name string, r io.ReaderAt, n int64) {
	if !s.enter(it) {
		return
	}
	defer func() { s.depth-- }()
	t := &scanner{ctx: s.ctx, lim: s.lim, worst: map[string]int{}, seen: map[string]bool{}, depth: s.depth, members: s.members, unpacked: s.unpacked}
	t.dispatch(item{path: it.path + "!" + name, r: r, size: n})
	s.members, s.unpacked = t.members, t.unpacked
	for _, f := range t.rep.Findings {
		if rank(f.Severity) >= 2 {
			s.add(f)
		}
	}
}

// nested runs a pickle that is kept as data.
func (s *scanner) nested(it item, off, n int64, kind string) {
	if kind == "text" || s.depth >= s.lim.Depth {
		res, err := pickle.Scan(s.ctx, it.r, off, off+n, pickle.Options{Strict: true, MaxOps: 1 << 16, Vouched: s.vouched})
		if err != nil || !armed(res) || !res.Stopped && res.Calls == 0 {
			return
		}
	}
	if !s.enter(it) {
		return
	}
	defer func() { s.depth-- }()
	res, err := s.pickleRun(it, off, true)
	if err != nil {
		s.unread(it, err)
	}
	if !armed(res) {
		// Data that only starts as pickles do; what a limit left unread is not that.
		res.Findings = slices.DeleteFunc(res.Findings, func(f pickle.Finding) bool { return !strings.HasPrefix(f.Rule, "pickle-limit") })
	}
	s.tell(it, res)
	if armed(res) {
		s.find(it, "nested-pickle", High, off, "CWE-502", "a pickle kept as data inside this one would run code when unpickled")
	}
}

// encoded decodes a text that may hide a pickle.
func (s *scanner) encoded(it item, off, n int64, decode func(string) ([]byte, error)) {
	const most = 1 << 20
	if n < 24 || n > most {
		return
	}
	raw := s.head(it, off, int(n))
	out, err := decode(string(bytes.TrimSpace(raw)))
	if err != nil || len(out) < 8 {
		return
	}
	if out[0] != 0x80 && (bytes.HasPrefix(out, []byte("\x1f\x8b")) || isZlib(out, it)) {
		s.aside(it, fmt.Sprintf("decoded@%d", off), bytesAt(out), int64(len(out)))
		return
	}
	res, err := pickle.Scan(s.ctx, bytesAt(out), 0, int64(len(out)), pickle.Options{Strict: true, MaxOps: 1 << 16, Vouched: s.vouched})
	if err == nil && armed(res) && (res.Stopped || res.Calls > 0) {
		s.find(it, "nested-pickle", High, off, "CWE-502", "an encoded pickle inside this one would run code when unpickled: "+res.Findings[0].Text)
	}
}

// polyglot tries what else a loader may take the file for: pickle loaders read
// from the first byte whatever it is, zip readers look at the end.
func (s *scanner) polyglot(it item, head []byte, format string) {
	// Pickle loaders take a zip's first byte for a persistent id and refuse.
	if format != "pickle" && format != "zip" {
		const enough = 1 << 16
		res, err := pickle.Scan(s.ctx, it.r, 0, it.size, pickle.Options{Strict: true, MaxOps: enough, Vouched: s.vouched})
		if res.LongText {
			s.find(it, "limit-text", Undecided, 0, "CWE-400", "a text of more than 64 MiB starts the file as a pickle would; what follows it was not read as one")
		}
		if err == nil && res.Ops >= enough {
			// So many opcodes are no accident: it is a pickle, whatever its name.
			res = s.pickleAt(it, 0, true)
		}
		if err == nil && armed(res) && (res.Calls > 0 || res.Stopped) {
			s.pickleAt(it, 0, true)
			s.find(it, "polyglot", Medium, 0, "CWE-436", "the file is a pickle as well, and pickle loaders would run it")
		}
	}
	if at := hdf5At(head); format != "hdf5" && at > 0 {
		s.find(it, "polyglot", Medium, int64(at), "CWE-436", "the file is an HDF5 file as well")
		s.hdf5(it)
	}
	if format != "tar" && len(head) >= 512 && string(head[257:262]) == "ustar" {
		s.find(it, "polyglot", Medium, 257, "CWE-436", "the file is a tar archive as well")
		s.tar(it)
	}
	if format != "zip" && it.size > 22 && it.role != roleTensor {
		if tail := s.head(it, it.size-22, 22); bytes.HasPrefix(tail, []byte("PK\x05\x06")) {
			// TensorFlow Lite's metadata is a zip of labels behind the model.
			if format != "tflite" {
				s.find(it, "polyglot", Medium, it.size-22, "CWE-436", "the file ends as a zip archive, and zip readers would open it")
			}
			s.zip(it)
		}
	}
}
