package sigstore

import (
	"bytes"
	"testing"
)

// Whatever is read is written again as it was, and nothing else is read.
func FuzzParse(f *testing.F) {
	for _, b := range []Bundle{
		{MediaType: MediaType, Material: Material{PublicKey: &PublicKey{"h"}}, Envelope: &Envelope{Payload: []byte("{}"), PayloadType: "t", Signatures: []Signature{{Sig: []byte("s")}}}},
		{MediaType: MediaType, Material: Material{Certificate: &Certificate{[]byte("c")}, Entries: []Entry{{Time: 1, Promise: &Promise{}, Proof: &Proof{TreeSize: 1, Hashes: [][]byte{}}}}},
			Envelope: &Envelope{Payload: []byte("{}"), Signatures: []Signature{{Sig: []byte("s")}}}},
	} {
		text, err := b.Pack()
		if err != nil {
			f.Fatal(err)
		}
		if _, err := Parse(text); err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle+json;version=0.1"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := b.Pack(); err != nil || !bytes.Equal(again, text) {
			t.Errorf("%q was read as %q", text, again)
		}
		s := Signer{Root: &Root{}, Identity: "i", Issuer: "j"}
		_ = s.Verify(b) // must not panic
		b.Message, b.Envelope = &Message{}, nil
		if _, err := s.VerifyBlob(b); err == nil {
			t.Error("what nobody signed verifies")
		}
	})
}

func FuzzParseRoot(f *testing.F) {
	f.Add([]byte(`{"tlogs":[{"publicKey":{"rawBytes":"AA=="}}],"certificateAuthorities":[{"certChain":{"certificates":[]}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r, err := ParseRoot(text); err == nil && (len(r.authorities) == 0 || len(r.logs) == 0) {
			t.Error("a root that decides nothing was read")
		}
	})
}
