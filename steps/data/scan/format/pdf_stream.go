package format

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"io"
	"unicode/utf16"
)

// page unpacks a stream of commands or objects.
func (r *reader) page(dict, body []byte) ([]byte, error) {
	for _, filter := range filtersOf(dict) {
		var in io.Reader
		switch filter {
		case "FlateDecode", "Fl":
			z, err := zlib.NewReader(bytes.NewReader(body))
			if err != nil {
				return nil, problem("a part of the document is damaged")
			}
			defer z.Close()
			in = z
		case "ASCII85Decode", "A85":
			body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte("<~"))
			if i := bytes.IndexByte(body, '~'); i >= 0 {
				body = body[:i]
			}
			in = ascii85.NewDecoder(bytes.NewReader(body))
		case "ASCIIHexDecode", "AHx":
			body, _, _ = bytes.Cut(body, []byte(">"))
			body = bytes.Join(bytes.Fields(body), nil)
			if len(body)%2 == 1 {
				body = append(body, '0')
			}
			in = hex.NewDecoder(bytes.NewReader(body))
		default:
			return nil, problem("a part of the document is packed in a way that is not read")
		}
		out, err := io.ReadAll(io.LimitReader(in, maxPDF))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, zlib.ErrChecksum) {
			return nil, problem("a part of the document is damaged")
		}
		r.rep.Bytes += int64(len(out))
		if r.rep.Bytes > r.lim.Bytes {
			return nil, errEnough
		}
		body = out
	}
	return body, nil
}

// filtersOf are the names behind /Filter, one or a list of them.
func filtersOf(dict []byte) (out []string) {
	_, rest, ok := bytes.Cut(dict, []byte("/Filter"))
	if !ok {
		return nil
	}
	rest = bytes.TrimLeft(rest, " \r\n\t")
	list := len(rest) > 0 && rest[0] == '['
	rest = bytes.TrimLeft(rest, "[ \r\n\t")
	for len(rest) > 0 && rest[0] == '/' {
		end := 1
		for end < len(rest) && (rest[end] >= 'A' && rest[end] <= 'Z' || rest[end] >= 'a' && rest[end] <= 'z' || rest[end] >= '0' && rest[end] <= '9') {
			end++
		}
		out = append(out, string(rest[1:end]))
		rest = bytes.TrimLeft(rest[end:], " \r\n\t")
		if !list {
			break
		}
	}
	if len(out) == 0 {
		return []string{"one that a reference names"}
	}
	return out
}

// plainParts are a document's bytes without its streams.
func plainParts(b []byte) (out []byte) {
	for {
		i := bytes.Index(b, []byte("stream"))
		if i < 0 {
			return append(out, b...)
		}
		out = append(out, b[:i]...)
		j := bytes.Index(b[i:], []byte("endstream"))
		if j < 0 {
			return out
		}
		b = b[i+j+len("endstream"):]
	}
}

// spoken are the names of what people wrote, in objects of documents: values of forms, notes,
// links, and who made it.
var spoken = [][]byte{[]byte("/V"), []byte("/DV"), []byte("/TU"), []byte("/Contents"), []byte("/RC"), []byte("/URI"), []byte("/Author"), []byte("/Title"), []byte("/Subject"), []byte("/Keywords"), []byte("/T")}

// fields are the texts that stand behind such names, a line each. The name of a form's field
// stands before its value, where its object gives them so.
func fields(b []byte) (out []byte) {
	for i := 0; i < len(b); i++ {
		if b[i] != '/' {
			continue
		}
		for _, name := range spoken {
			if !bytes.HasPrefix(b[i:], name) {
				continue
			}
			k := i + len(name)
			for k < len(b) && (b[k] == ' ' || b[k] == '\r' || b[k] == '\n') {
				k++
			}
			var text []byte
			switch {
			case k < len(b) && b[k] == '(':
				text, i = literal(b, k)
			case k+1 < len(b) && b[k] == '<' && b[k+1] != '<':
				end := bytes.IndexByte(b[k:], '>')
				if end < 0 {
					continue
				}
				text = make([]byte, hex.DecodedLen(end))
				n, _ := hex.Decode(text, bytes.Join(bytes.Fields(b[k+1:k+end]), nil)) // up to what is no number
				text, i = text[:n], k+end
			default:
				continue
			}
			if out = append(out, ofText(text)...); string(name) == "/T" {
				out = append(out, ": "...)
			} else {
				out = append(out, '\n')
			}
			break
		}
	}
	return out
}

// ofText is a text string of a document: UTF-16 where a mark says so.
func ofText(s []byte) []byte {
	if !bytes.HasPrefix(s, []byte{0xFE, 0xFF}) {
		return s
	}
	var u []uint16
	for s = s[2:]; len(s) > 1; s = s[2:] {
		u = append(u, uint16(s[0])<<8|uint16(s[1]))
	}
	return []byte(string(utf16.Decode(u)))
}
