package sigstore

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// holds says why a proof does not lead from an entry to the tree that the log signed.
func (p *Proof) holds(body []byte, l *log) error {
	if p.LogIndex < 0 || p.TreeSize <= 0 || p.LogIndex >= p.TreeSize {
		return fmt.Errorf("the log's proof is of entry %d in a tree of %d", p.LogIndex, p.TreeSize)
	}
	root, err := p.root(sha256.Sum256(append([]byte{0}, body...)))
	if err != nil {
		return err
	}
	if !bytes.Equal(root[:], p.RootHash) {
		return errors.New("the log's proof does not lead from what was logged to the tree it names")
	}
	return p.Checkpoint.holds(p, l)
}

// root climbs from a leaf to the root (RFC 9162, section 2.1.3.2).
func (p *Proof) root(at [sha256.Size]byte) ([sha256.Size]byte, error) {
	wrong := errors.New("the log's proof has not as many hashes as its tree is high")
	node, last := uint64(p.LogIndex), uint64(p.TreeSize-1)
	for _, h := range p.Hashes {
		if len(h) != sha256.Size || last == 0 {
			return at, wrong
		}
		if node&1 == 1 || node == last {
			at = join(h, at[:])
			if node&1 == 0 {
				n := bits.TrailingZeros64(node)
				node, last = node>>n, last>>n
			}
		} else {
			at = join(at[:], h)
		}
		node, last = node>>1, last>>1
	}
	if last != 0 {
		return at, wrong
	}
	return at, nil
}

func join(a, b []byte) [sha256.Size]byte {
	return sha256.Sum256(slices.Concat([]byte{1}, a, b))
}

// holds says why a checkpoint is not the log's word on the tree of a proof. It is a
// signed note: origin, size and root in lines, an empty line, signatures. Those of
// witnesses are passed over: a trusted root names none.
func (c Checkpoint) holds(p *Proof, l *log) error {
	text, signatures, ok := strings.Cut(c.Envelope, "\n\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) < 3 {
		return errors.New("the log's checkpoint is no signed note")
	}
	if lines[1] != strconv.FormatInt(p.TreeSize, 10) || lines[2] != base64.StdEncoding.EncodeToString(p.RootHash) {
		return errors.New("the log's checkpoint is of another tree than its proof")
	}
	// Rekor 1 writes the tree's number behind its own name, of which alone it signs.
	origin, _, _ := strings.Cut(lines[0], " - ")
	for line := range strings.Lines(signatures) {
		rest, dash := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "\u2014 ")
		name, b64, _ := strings.Cut(rest, " ")
		raw, err := base64.StdEncoding.DecodeString(b64)
		if !dash || name != origin || err != nil || len(raw) <= 4 || !bytes.Equal(raw[:4], l.hint[:]) { // four bytes name the key
			continue
		}
		if checks(l.key, []byte(text+"\n"), raw[4:]) {
			return nil
		}
	}
	return errors.New("the log did not sign the checkpoint of its tree")
}

// sctOID is the extension with the words of certificate logs.
var sctOID = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

// published holds a certificate to the logs of certificates, where the root names any:
// one of them must have signed for it.
func (s Signer) published(leaf, issuer *x509.Certificate) error {
	if len(s.Root.ct) == 0 {
		return nil
	}
	var list []byte
	for _, e := range leaf.Extensions {
		if e.Id.Equal(sctOID) {
			if rest, err := asn1.Unmarshal(e.Value, &list); err != nil || len(rest) > 0 {
				return errors.New("the words of certificate logs in its certificate cannot be read")
			}
		}
	}
	if len(list) < 2 || int(binary.BigEndian.Uint16(list)) != len(list)-2 {
		return errors.New("its certificate bears no word of a certificate log, and the trusted root names some (ctlogs)")
	}
	tbs, err := withoutSCT(leaf.RawTBSCertificate)
	if err != nil {
		return err
	}
	for list = list[2:]; len(list) >= 2; {
		n := int(binary.BigEndian.Uint16(list))
		if len(list) < 2+n {
			break
		}
		if s.logged(list[2:2+n], tbs, issuer) {
			return nil
		}
		list = list[2+n:]
	}
	return errors.New("no certificate log of the trusted root (ctlogs) signed for its certificate")
}

// logged reports whether one SCT (RFC 6962, section 3.2) is a log's of the root.
func (s Signer) logged(sct, tbs []byte, issuer *x509.Certificate) bool {
	if len(sct) < 1+32+8+2 || sct[0] != 0 {
		return false
	}
	id, when := sct[1:33], sct[33:41]
	extensions := 2 + int(binary.BigEndian.Uint16(sct[41:]))
	rest := sct[41:]
	if len(rest) < extensions+4 {
		return false
	}
	ext, algorithm, sig := rest[:extensions], rest[extensions:extensions+2], rest[extensions+4:]
	if int(binary.BigEndian.Uint16(rest[extensions+2:])) != len(sig) || algorithm[0] != 4 { // SHA-256
		return false
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(when)))
	i := slices.IndexFunc(s.Root.ct, func(l log) bool { return bytes.Equal(l.id[:], id) && l.holds(at) })
	if i < 0 {
		return false
	}
	by := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	size := []byte{byte(len(tbs) >> 16), byte(len(tbs) >> 8), byte(len(tbs))}
	text := slices.Concat([]byte{0, 0}, when, []byte{0, 1}, by[:], size, tbs, ext)
	return checks(s.Root.ct[i].key, text, sig)
}

// withoutSCT is a certificate's content as the log signed it, before its word was in it.
func withoutSCT(raw []byte) ([]byte, error) {
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(raw, &outer); err != nil {
		return nil, err
	}
	var fields [][]byte
	for rest := outer.Bytes; len(rest) > 0; {
		var field asn1.RawValue
		after, err := asn1.Unmarshal(rest, &field)
		if err != nil {
			return nil, err
		}
		rest = after
		if field.Class != asn1.ClassContextSpecific || field.Tag != 3 {
			fields = append(fields, field.FullBytes)
			continue
		}
		var list []asn1.RawValue
		if _, err := asn1.Unmarshal(field.Bytes, &list); err != nil {
			return nil, err
		}
		kept := []asn1.RawValue{}
		for _, e := range list {
			var id asn1.ObjectIdentifier
			if _, err := asn1.Unmarshal(e.Bytes, &id); err != nil {
				return nil, err
			}
			if !id.Equal(sctOID) {
				kept = append(kept, e)
			}
		}
		inner, err := asn1.Marshal(kept)
		if err != nil {
			return nil, err
		}
		field, err = wrapped(asn1.ClassContextSpecific, 3, inner)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field.FullBytes)
	}
	out, err := wrapped(asn1.ClassUniversal, asn1.TagSequence, slices.Concat(fields...))
	return out.FullBytes, err
}

// wrapped is a constructed value around others.
func wrapped(class, tag int, content []byte) (asn1.RawValue, error) {
	full, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: true, Bytes: content})
	return asn1.RawValue{FullBytes: full}, err
}
