package modelfile

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// executableKind names the kind of program a head is, "" if it is none.
func executableKind(h []byte) string {
	switch {
	case len(h) < 4:
	case string(h[:4]) == "\x7fELF":
		return "an ELF program"
	case h[0] == 'M' && h[1] == 'Z' && isPE(h):
		return "a Windows program"
	case bytes.HasPrefix(h, []byte("#!/")), bytes.HasPrefix(h, []byte("#! /")):
		return "a script"
	case string(h[:4]) == "\xfe\xed\xfa\xce", string(h[:4]) == "\xfe\xed\xfa\xcf", string(h[:4]) == "\xce\xfa\xed\xfe", string(h[:4]) == "\xcf\xfa\xed\xfe":
		return "a Mach-O program"
	case string(h[:4]) == "\xca\xfe\xba\xbe":
		return "a Java class or a universal Mach-O program"
	case string(h[:4]) == "\x00asm":
		return "a WebAssembly module"
	case len(h) > 20 && string(h[:4]) == "L\x00\x00\x00" && h[4] == 1 && h[5] == 0x14:
		return "a Windows shortcut"
	case string(h[:4]) == "dex\n":
		return "an Android program"
	}
	return ""
}

// isPE checks for the PE signature, where the head reaches it; an old MS-DOS
// program counts if its header makes sense.
func isPE(h []byte) bool {
	if len(h) < 64 {
		return false
	}
	at := binary.LittleEndian.Uint32(h[60:])
	if int64(at)+4 <= int64(len(h)) && at >= 4 {
		return string(h[at:at+2]) == "PE" || string(h[at:at+2]) == "NE" || string(h[at:at+2]) == "LE"
	}
	return bytes.Contains(h, []byte("This program"))
}

func isExecutable(h []byte, it item) bool {
	kind := executableKind(h)
	if kind == "a script" {
		switch it.ext() {
		case ".sh", ".py", ".pl", ".rb", ".bash", ".js":
			return false
		}
	}
	return kind != ""
}

// executable reports a program. Under a name that does not say so it is hidden.
func (s *scanner) executable(it item) string {
	head := s.head(it, 0, 4096)
	kind := executableKind(head)
	switch it.ext() {
	case ".so", ".dll", ".exe", ".dylib", ".class", ".wasm", ".jar":
		s.find(it, "executable", Medium, 0, "CWE-829", kind+" among model files")
	default:
		s.find(it, "hidden-executable", High, 0, "CWE-506", fmt.Sprintf("%s under the name %.80q", kind, it.base()))
	}
	return "executable"
}

// source is code of a language that this package does not judge.
func (s *scanner) source(it item) string {
	if b, ok := s.whole(it); ok {
		s.secrets(it, "source", string(b))
	}
	s.find(it, "source-code", Undecided, -1, "CWE-829", "source code, which this scanner does not judge; whoever loads the model with remote code allowed runs it")
	return "source"
}

// text is prose, vocabularies and tables.
func (s *scanner) text(it item) string {
	b := s.head(it, 0, int(min(it.size, 1<<20)))
	s.secrets(it, "text", string(b))
	if bytes.Contains(b, []byte("{%")) && bytes.Contains(b, []byte("%}")) && it.ext() != ".md" {
		s.jinja(it, it.base(), string(b))
	}
	return "text"
}

// template is a chat template in a file of its own.
func (s *scanner) template(it item) string {
	if b, ok := s.whole(it); ok {
		s.jinja(it, it.base(), string(b))
		s.secrets(it, it.base(), string(b))
	}
	return "jinja"
}
