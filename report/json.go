package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// JSON writes the report by schema sevenfold/report/v1, indented. Characters
// that could steer a terminal or reorder its text are written as escapes, so
// that a hostile asset name is harmless even where JSON is printed raw.
//
// Findings are written one by one: there may be a million of them, and their text
// is many times what they are held in.
func JSON(w io.Writer, doc *Document) error {
	head, err := json.MarshalIndent(doc.full(nil), "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	start, ok := bytes.CutSuffix(escapeUnsafe(head), []byte("[]\n}")) // the findings are the last member
	if !ok {
		return errors.New("encode report: the findings are not its last member")
	}
	out := bufio.NewWriterSize(w, 1<<16) // keeps its first error for Flush
	_, _ = out.Write(start)
	_, _ = out.WriteString("[")
	var one bytes.Buffer
	enc := json.NewEncoder(&one)
	enc.SetIndent("    ", "  ")
	for i, f := range doc.Findings {
		one.Reset()
		if err := enc.Encode(fullFindingOf(f)); err != nil {
			return fmt.Errorf("encode report: finding %s: %w", f.ID, err)
		}
		if i > 0 {
			_, _ = out.WriteString(",")
		}
		_, _ = out.WriteString("\n    ")
		_, _ = out.Write(escapeUnsafe(bytes.TrimSuffix(one.Bytes(), []byte("\n"))))
	}
	if len(doc.Findings) > 0 {
		_, _ = out.WriteString("\n  ")
	}
	_, _ = out.WriteString("]\n}\n")
	return out.Flush()
}

// writeJSON writes any value the way all our JSON is written.
func writeJSON(w io.Writer, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	_, err := w.Write(escapeUnsafe(buf.Bytes()))
	return err
}

// escapeUnsafe rewrites steering characters in encoded JSON as \u escapes. They
// can stand only inside strings there, where the escape means the same.
func escapeUnsafe(b []byte) []byte {
	var out []byte
	kept := 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf && b[i] != 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if steers(r) {
			out = append(out, b[kept:i]...)
			out = appendEscape(out, r)
			kept = i + n
		}
		i += n
	}
	if out == nil {
		return b
	}
	return append(out, b[kept:]...)
}

// appendEscape writes r as JSON's \uXXXX, as a surrogate pair above U+FFFF.
func appendEscape(out []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		out = fmt.Appendf(out, `\u%04x`, 0xd800+(r>>10))
		r = 0xdc00 + (r & 0x3ff)
	}
	return fmt.Appendf(out, `\u%04x`, r)
}
