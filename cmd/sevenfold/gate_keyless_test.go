package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sevenfold-sec/sevenfold/test/fakesigstore"
	"github.com/sevenfold-sec/sevenfold/test/race"
)

// TestKeyless runs testdata/keyless on a double of Fulcio and Rekor.
func TestKeyless(t *testing.T) {
	if race.Enabled {
		t.Skip("each command is a process that starts anew, seconds of work under the detector; act/sigstore holds the same of the parts")
	}
	d, other := fakesigstore.New(t), fakesigstore.New(t)
	var err error
	if d.CT, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close) // scripts run after this function
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "keyless"), RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "approver": approver},
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("SERVICES", server.URL)
			e.Setenv("WRONG", fakesigstore.Token+"x")
			if err := os.Mkdir(filepath.Join(e.WorkDir, "certs"), 0o700); err != nil {
				return err
			}
			for name, text := range map[string][]byte{"token": []byte(fakesigstore.Token), "root.json": d.Root(d.LogKey.Public()), "published.json": d.RootWithCT(d.CT.Public()), "other.json": other.Root(other.LogKey.Public())} {
				if err := os.WriteFile(filepath.Join(e.WorkDir, name), text, 0o600); err != nil {
					return err
				}
			}
			return os.CopyFS(filepath.Join(e.WorkDir, "exports"), os.DirFS(filepath.Join("testdata", "exports")))
		},
	})
}
