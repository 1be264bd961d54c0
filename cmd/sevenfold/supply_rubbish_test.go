//go:build unix

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whole documents of each kind, to be cut in half.
const (
	wholeLock   = `{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0"},"node_modules/b":{"version":"2.0.0"}}}`
	wholeOSV    = `{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":["1.0.0"]}]}`
	wholeLog    = `{"version":"1.1","query_timestamp":"2026-11-20T10:00:00Z","query_name":"api.mistral.ai.","rcode":"NOERROR","srcaddr":"10.0.1.5","srcids":{}}`
	wholeBundle = `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},"messageSignature":{"messageDigest":{"algorithm":"SHA2_256","digest":"AAAA"},"signature":"AAAA"}}`
	wholePickle = "\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02K\x03e."
	wholeScope  = "services:\n  - {name: mistral, endpoint: api.mistral.ai}\nsupply: {stale_after: 7d}\n"
	hugeNumber  = "99999999999999999999999999999999999999999999e999999999"
)

// rubbish are what a person may name by mistake.
var rubbish = []string{"empty", "directory", "pipe", "truncated", "binary", "wrong", "huge"}

// lay puts one kind of rubbish at a path: whole is what a good file holds, huge one with
// a number beyond all bounds.
func lay(t *testing.T, kind, path, whole, huge string) {
	t.Helper()
	noise := make([]byte, 4096)
	for i := range noise {
		noise[i] = byte(i*i>>3 ^ i*131)
	}
	content := map[string][]byte{"empty": {}, "truncated": []byte(whole[:len(whole)*3/5]), "binary": noise, "wrong": []byte(`{"format_version":"1.2","terraform_version":"1.9.0","planned_values":{"root_module":{}}}` + "\n"), "huge": []byte(huge)}[kind]
	var err error
	switch kind {
	case "directory":
		err = os.Mkdir(path, 0o700)
	case "pipe":
		err = syscall.Mkfifo(path, 0o600)
	default:
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// rubbishVerbs has each way of a supply verb to be given a file: FILE stands for it in
// the arguments, and DIR for the folder of the test.
var rubbishVerbs = []struct{ name, args, file, whole, huge string }{
	{"scan", "supply scan FILE", "model.pkl", wholePickle, "\x80\x04I" + hugeNumber + "\n."},
	{"bom", "supply bom FILE", "package-lock.json", wholeLock, `{"lockfileVersion":` + hugeNumber + `,"packages":{}}`},
	{"services", "supply services FILE", "mcp.json", `{"mcpServers":{"a":{"url":"https://api.mistral.ai/mcp"}}}`, `{"mcpServers":{"a":{"timeout":` + hugeNumber + `}}}`},
	{"observe", "supply services observe FILE", "dns.json", wholeLog, strings.Replace(wholeLog, `"1.1"`, hugeNumber, 1) + "\n" + hugeNumber + " 1 10.0.0.1 TCP_MISS/200 1 CONNECT api.mistral.ai:443 - D/1 -"},
	{"records", "supply watch --osv FILE", "X-1.json", wholeOSV, strings.Replace(wholeOSV, `"X-1"`, hugeNumber, 1)},
	{"scores", "supply watch --epss FILE", "epss.csv", "cve,epss,percentile\nCVE-2026-1,0.5,0.5\nCVE-2026-2,0.5,0.5\n"[:50], "CVE-2026-1," + hugeNumber + ",1\n"},
	{"exploited", "supply watch --kev FILE", "kev.json", `{"vulnerabilities":[{"cveID":"CVE-2026-1"}]}`, `{"vulnerabilities":[{"cveID":` + hugeNumber + `}]}`},
	{"upkeep", "supply upkeep --from FILE", "pypi.json", `{"info":{"name":"a","version":"1"},"releases":{"1":[{"upload_time_iso_8601":"2026-01-01T00:00:00Z"}]}}`, `{"info":{"name":"a","version":"1"},"releases":{"1":[{"size":` + hugeNumber + `,"upload_time_iso_8601":5}]}}`},
	{"verify", "supply verify DIR/good.bin --signature FILE --key DIR/key.pem", "b.sigstore.json", wholeBundle, strings.Replace(wholeBundle, `"x"`, hugeNumber, 1)},
	{"verified", "supply verify FILE --signature DIR/bundle.json --key DIR/key.pem", "model.bin", wholePickle, hugeNumber},
	{"key", "supply verify DIR/good.bin --signature DIR/bundle.json --key FILE", "k.pem", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQ==\n-----END PUBLIC KEY-----\n", hugeNumber},
	{"root", "supply verify DIR/good.bin --signature DIR/bundle.json --identity a --root FILE", "ca.pem", "-----BEGIN CERTIFICATE-----\nMFkwEwYHKoZIzj0CAQ==\n-----END CERTIFICATE-----\n", hugeNumber},
	{"trusted root", "supply verify DIR/good.bin --signature DIR/bundle.json --identity a --issuer b --trusted-root FILE", "r.json", `{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1","tlogs":[],"certificateAuthorities":[]}`, `{"mediaType":` + hugeNumber + `}`},
	{"review", "supply review approve pkg:pypi/a@1 --reason x --key FILE", "p.pem", "-----BEGIN PRIVATE KEY-----\nMFkwEwYHKoZIzj0CAQ==\n-----END PRIVATE KEY-----\n", hugeNumber},
	{"configuration", "supply services fingerprint -c FILE", "sevenfold.yaml", wholeScope, "supply: {stale_after: " + hugeNumber + "}\n"},
}

// rubbishAnswers reads what is said of each: lines of verb, rubbish, exit code and a
// part of what is printed, with | between them.
func rubbishAnswers(t *testing.T) map[[2]string][2]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "supply_rubbish.txt"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[[2]string][2]string{}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || cells[3] == "" {
			t.Fatalf("%q is no line of four", line)
		}
		out[[2]string{cells[0], cells[1]}] = [2]string{cells[2], cells[3]}
	}
	return out
}

// TestSupplyRubbish gives each supply verb what is none of its files.
func TestSupplyRubbish(t *testing.T) {
	answers := rubbishAnswers(t)
	for _, v := range rubbishVerbs {
		for _, kind := range rubbish {
			t.Run(v.name+" "+kind, func(t *testing.T) {
				dir := t.TempDir()
				file := filepath.Join(dir, v.file)
				lay(t, kind, file, v.whole, v.huge)
				for name, content := range map[string][]byte{"good.bin": []byte("weights"), "bundle.json": []byte(wholeBundle), "key.pem": publicPEM(t)} {
					if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
						t.Fatal(err)
					}
				}
				args := strings.Fields(strings.NewReplacer("FILE", file, "DIR", dir).Replace(v.args))
				args = append(args, "--state", filepath.Join(dir, "state"))
				var out bytes.Buffer
				done := make(chan int, 1)
				go func() { done <- run(args, &out, &out) }()
				select {
				case code := <-done:
					want, known := answers[[2]string{v.name, kind}]
					said := strings.ReplaceAll(out.String(), dir, "")
					if got := string(rune('0' + code)); !known || got != want[0] || !strings.Contains(said, want[1]) {
						t.Errorf("exit %s, want %q\n%s", got, want, said)
					}
				case <-time.After(5 * time.Minute):
					t.Fatal("it is waited for")
				}
			})
		}
	}
	if want := len(rubbishVerbs) * len(rubbish); len(answers) != want {
		t.Errorf("%d answers to %d questions", len(answers), want)
	}
}

func publicPEM(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
