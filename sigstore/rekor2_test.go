package sigstore_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/sigstore"
	"github.com/sevenfold-sec/sevenfold/test/fakesigstore"
)

// What a log of version 2 and a time-stamp authority say is held as the promise and the
// proof of version 1 are: whatever is changed, or not there, verifies for nobody.
func TestRekor2(t *testing.T) {
	d := fakesigstore.New(t)
	r := d.Rekor2()
	statement := []byte(`{"_type":"https://in-toto.io/Statement/v1","subject":[]}`)
	entry := func(b *sigstore.Bundle) *sigstore.Entry { return &b.Material.Entries[0] }
	checkpoint := func(b *sigstore.Bundle, old, new string) {
		c := &entry(b).Proof.Checkpoint
		if !strings.Contains(c.Envelope, old) {
			t.Errorf("%q is not in %q", old, c.Envelope)
		}
		c.Envelope = strings.Replace(c.Envelope, old, new, 1)
	}
	of := func(root map[string]any, name string) map[string]any { return root[name].([]any)[0].(map[string]any) }
	stamped := func(change func()) func(*sigstore.Bundle) {
		return func(b *sigstore.Bundle) {
			before := *r
			change()
			sig := b.Message
			if sig == nil {
				t.Fatal("it signs no file")
			}
			b.Material.Stamps.RFC3161[0].Signed = r.Stamp(sig.Signature)
			*r = before
		}
	}
	stranger := fakesigstore.New(t).Rekor2()
	for name, tt := range map[string]struct {
		change func(*sigstore.Bundle)
		root   func(map[string]any)
		want   string // empty: it holds
		open   bool   // it is not known, and not refused
	}{
		"as signed":                     {},
		"a stamp that bears its signer": {change: stamped(func() { r.Embed = true })},
		"the signer in the stamp alone": {change: stamped(func() { r.Embed = true }), root: func(root map[string]any) {
			chain := of(root, "timestampAuthorities")["certChain"].(map[string]any)
			chain["certificates"] = chain["certificates"].([]any)[1:]
		}},
		"the signer nowhere": {root: func(root map[string]any) {
			chain := of(root, "timestampAuthorities")["certChain"].(map[string]any)
			chain["certificates"] = chain["certificates"].([]any)[1:]
		}, want: "does not name (timestampAuthorities)"},
		"no stamp":                     {change: func(b *sigstore.Bundle) { b.Material.Stamps = nil }, want: "nothing says when", open: true},
		"a time that nobody signed":    {change: func(b *sigstore.Bundle) { b.Material.Stamps = nil; entry(b).Time = d.At.Unix() }, want: "nothing says when", open: true},
		"a stamp of another signature": {change: func(b *sigstore.Bundle) { b.Material.Stamps.RFC3161[0].Signed = r.Stamp([]byte("other")) }, want: "of another signature"},
		"a stamp of a stranger":        {change: func(b *sigstore.Bundle) { b.Material.Stamps.RFC3161[0].Signed = stranger.Stamp(b.Message.Signature) }, want: "does not name (timestampAuthorities)"},
		"a stranger's stamp beside it": {change: func(b *sigstore.Bundle) {
			b.Material.Stamps.RFC3161 = append(b.Material.Stamps.RFC3161, sigstore.Stamp{Signed: stranger.Stamp(b.Message.Signature)})
		}},
		"a stranger by an authority's name": {change: func(b *sigstore.Bundle) {
			s := *stranger
			s.StamperCert = r.StamperCert
			b.Material.Stamps.RFC3161[0].Signed = s.Stamp(b.Message.Signature)
		}, want: "not signed by its authority"},
		"after the certificate ended":    {change: stamped(func() { r.At = r.At.Add(30 * time.Minute) }), want: "still to come"},
		"before the certificate counted": {change: stamped(func() { r.At = r.At.Add(-30 * time.Minute) }), want: "its certificate counted from"},
		"before the authority counted":   {change: stamped(func() { r.At = r.At.Add(-2 * time.Hour) }), want: "does not count its authority"},
		"rubbish for a stamp":            {change: func(b *sigstore.Bundle) { b.Material.Stamps.RFC3161[0].Signed = []byte("\x30\x03abc") }, want: "cannot be read", open: true},
		"too many stamps":                {change: func(b *sigstore.Bundle) { b.Material.Stamps.RFC3161 = slices.Repeat(b.Material.Stamps.RFC3161, 33) }, want: "33 time stamps", open: true},
		"no authority in the root":       {root: func(root map[string]any) { root["timestampAuthorities"] = nil }, want: "does not name (timestampAuthorities)"},
		"a log that counts no more": {root: func(root map[string]any) {
			of(root, "tlogs")["publicKey"].(map[string]any)["validFor"].(map[string]any)["end"] = d.At.Add(-time.Minute).Format(time.RFC3339)
		}, want: "does not count that log"},
		"a log at a port":         {root: func(root map[string]any) { of(root, "tlogs")["baseUrl"] = "https://" + fakesigstore.Host + ":3000" }},
		"a log elsewhere":         {root: func(root map[string]any) { of(root, "tlogs")["baseUrl"] = "https://other.example" }, want: "the log of the trusted root is"},
		"a log by its key alone":  {root: func(root map[string]any) { delete(of(root, "tlogs"), "logId") }, want: "none of the trusted root"},
		"no proof":                {change: func(b *sigstore.Bundle) { entry(b).Proof = nil }, want: "bears no proof", open: true},
		"another index":           {change: func(b *sigstore.Bundle) { entry(b).LogIndex = 7 }, want: "number 7"},
		"another body":            {change: func(b *sigstore.Bundle) { entry(b).Body[20] ^= 1 }, want: "does not lead"},
		"another file":            {change: func(b *sigstore.Bundle) { b.Message.Digest.Digest[3] ^= 1 }, want: "other content"},
		"another version":         {change: func(b *sigstore.Bundle) { entry(b).Kind.Version = "0.0.3" }, want: "0.0.3", open: true},
		"another kind":            {change: func(b *sigstore.Bundle) { entry(b).Kind.Kind = "dsse" }, want: "is read of a file", open: true},
		"no signature of the log": {change: func(b *sigstore.Bundle) { checkpoint(b, "\u2014 "+fakesigstore.Host, "\u2014 x") }, want: "did not sign the checkpoint"},
		"another origin":          {change: func(b *sigstore.Bundle) { checkpoint(b, fakesigstore.Host, "x.example") }, want: "x.example"},
		"another size":            {change: func(b *sigstore.Bundle) { checkpoint(b, "\n2\n", "\n3\n") }, want: "of another tree"},
		"no size":                 {change: func(b *sigstore.Bundle) { checkpoint(b, "\n2\n", "\n") }, want: "checkpoint"},
		"a log since nobody knows when": {root: func(root map[string]any) {
			delete(of(root, "tlogs")["publicKey"].(map[string]any)["validFor"].(map[string]any), "start")
		}, want: "validFor.start"},
		"a digest that is too short":      {root: func(root map[string]any) { of(root, "tlogs")["logId"] = map[string]any{"keyId": []byte("short")} }, want: "no SHA-256"},
		"certificates of nobody's":        {root: func(root map[string]any) { of(root, "timestampAuthorities")["certChain"] = nil }, want: "timestampAuthorities[0] has no certificate"},
		"an authority since nobody knows": {root: func(root map[string]any) { of(root, "timestampAuthorities")["validFor"] = map[string]any{} }, want: "validFor.start"},
	} {
		t.Run(name, func(t *testing.T) {
			root := r.Root()
			if tt.root != nil {
				tt.root(root)
			}
			text, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			b := r.Blob([]byte("weights"))
			if tt.change != nil {
				tt.change(b)
			}
			parsed, err := sigstore.ParseRoot(text)
			if err == nil {
				_, err = sigstore.Signer{Root: parsed, Identity: fakesigstore.Identity, Issuer: fakesigstore.Issuer}.VerifyBlob(b)
			}
			held(t, err, tt.want, tt.open)
		})
	}
	// The same of envelopes, in each form that they are logged in.
	text, err := json.Marshal(r.Root())
	if err != nil {
		t.Fatal(err)
	}
	root, err := sigstore.ParseRoot(text)
	if err != nil {
		t.Fatal(err)
	}
	s := sigstore.Signer{Root: root, Identity: fakesigstore.Identity, Issuer: fakesigstore.Issuer}
	for _, form := range []string{fakesigstore.AsDSSE, fakesigstore.AsHashed} {
		for name, tt := range map[string]struct {
			change func(*sigstore.Bundle)
			want   string
		}{
			"as signed":       {},
			"another payload": {func(b *sigstore.Bundle) { b.Envelope.Payload = []byte(`{}`) }, "other content"},
			"another type":    {func(b *sigstore.Bundle) { b.Envelope.PayloadType = "x" }, map[string]string{fakesigstore.AsDSSE: "not that of its certificate's key", fakesigstore.AsHashed: "other content"}[form]},
			"another's entry": {func(b *sigstore.Bundle) { b.Material.Entries = r.Envelope([]byte(`{"a":1}`), form).Material.Entries }, "other content"},
			"of a file":       {func(b *sigstore.Bundle) { b.Material.Entries = r.Blob(statement).Material.Entries }, "other content"},
		} {
			t.Run(form+"/"+name, func(t *testing.T) {
				b := r.Envelope(statement, form)
				if tt.change != nil {
					tt.change(b)
				}
				held(t, s.Verify(b), tt.want, false)
			})
		}
	}
}

func held(t *testing.T, err error, want string, unknown bool) {
	t.Helper()
	var open *sigstore.OpenError
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("got %v, want %q", err, want)
	case errors.As(err, &open) != unknown:
		t.Errorf("%v: unknown %t, want %t", err, !unknown, unknown)
	}
}

// A stamp in which any bit is changed tells the same time or none: what is not signed of it
// says nothing.
func FuzzStamp(f *testing.F) {
	r := fakesigstore.New(f).Rekor2()
	r.Embed = true
	text, err := json.Marshal(r.Root())
	if err != nil {
		f.Fatal(err)
	}
	root, err := sigstore.ParseRoot(text)
	if err != nil {
		f.Fatal(err)
	}
	sig := []byte("signature")
	stamp := r.Stamp(sig)
	holds := func(t *testing.T, der []byte) {
		times, _, err := sigstore.Stamped(sigstore.Signer{Root: root}, &sigstore.Stamps{RFC3161: []sigstore.Stamp{{Signed: der}}}, sig)
		if err == nil && len(times) > 0 && !times[0].Equal(r.At.Truncate(time.Second)) {
			t.Errorf("%x tells %s", der, times[0])
		}
	}
	f.Add(0, byte(0), []byte{})
	for i := 0; i < len(stamp); i += 7 {
		f.Add(i, byte(1<<(i%8)), []byte{})
	}
	f.Add(0, byte(0), []byte("\x30\x05\x30\x03\x02\x01\x02"))
	f.Fuzz(func(t *testing.T, at int, bits byte, instead []byte) {
		if len(instead) > 0 {
			holds(t, instead)
			return
		}
		if at < 0 || at >= len(stamp) {
			return
		}
		changed := slices.Clone(stamp)
		changed[at] ^= bits
		holds(t, changed)
	})
}
