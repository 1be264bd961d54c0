package certificate

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestRevocation(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Revocation{Workload: "w", Name: "n", Serial: 7, At: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC), Why: "withdrawn", Certificate: strings.Repeat("ab", 32)}
	file, err := EncodeRevocation(want, private)
	if err != nil {
		t.Fatal(err)
	}
	got, err := OpenRevocation(file, Keys(other, public))
	if err != nil || *got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	if !IsRevocation(file) || IsRevocation([]byte("{}")) || IsRevocation(nil) {
		t.Error("what a revocation is")
	}
	if _, err := Open(file, Keys(public)); err == nil {
		t.Error("a revocation passes for a certificate")
	}
	if _, err := OpenRevocation(file, Keys(other)); !errors.Is(err, ErrSigner) {
		t.Errorf("another key: %v", err)
	}
	for i := range file {
		changed := bytes.Clone(file)
		changed[i] ^= 1
		if _, err := OpenRevocation(changed, Keys(public)); err == nil {
			t.Fatalf("byte %d changed: %s", i, changed)
		}
	}
	for name, change := range map[string]func(*Revocation){
		"no workload": func(r *Revocation) { r.Workload = "" }, "no serial": func(r *Revocation) { r.Serial = 0 },
		"a serial after which none can come": func(r *Revocation) { r.Serial = 1<<63 - 1 }, "no digest": func(r *Revocation) { r.Certificate = "sha256:x" },
	} {
		r := want
		change(&r)
		if _, err := EncodeRevocation(r, private); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	rs := Revocations{}
	rs.Add(&want)
	rs.Add(&Revocation{Workload: "w", Serial: 3})
	if rs.Why("w", 8) != "" || rs.Why("v", 1) != "" || !strings.Contains(rs.Why("w", 7), "certificate 7 was revoked on 2026-11-28T12:00:00Z: withdrawn") {
		t.Errorf("%q", rs.Why("w", 7))
	}
}
