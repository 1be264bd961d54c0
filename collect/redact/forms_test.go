package redact

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// masked is what becomes of a text, the masks shortened to their kind.
func masked(s string, script bool) string {
	out, _ := maskForms([]byte(s), nil, script)
	text := string(out)
	for {
		i := strings.Index(text, Prefix)
		if i < 0 {
			return text
		}
		rest := text[i+len(Prefix):]
		kind, _, _ := strings.Cut(rest, ",")
		text = text[:i] + "<" + kind + ">" + rest[strings.IndexByte(rest, ')')+1:]
	}
}

func TestAssignmentsInScripts(t *testing.T) {
	for in, want := range map[string]string{
		"export DB_PASSWORD=hunter22":                    "export DB_PASSWORD=<password>",
		"DB_PASSWORD='two words' x":                      "DB_PASSWORD='<password>' x",
		`API_KEY="abc123" run`:                           `API_KEY="<api-key>" run`,
		"api_key: abc123\nmodel: x":                      "api_key: <api-key>\nmodel: x",
		`{"auth_token": "abc123"}`:                       `{"auth_token": "<token>"}`,
		"password = abc123":                              "password = <password>",
		"serve --api-key abc123 --port 80":               "serve --api-key <api-key> --port 80",
		"serve --api-key=abc123 --port 80":               "serve --api-key=<api-key> --port 80",
		"A_TOKEN=abc123;B_TOKEN=def456":                  "A_TOKEN=<token>;B_TOKEN=<token>",
		"--NotebookApp.token='' --x":                     "--NotebookApp.token='' --x",
		"--ServerApp.token= --ip=0.0.0.0":                "--ServerApp.token= --ip=0.0.0.0",
		"TOKEN=$(cat /t) KEY=$X API_KEY=${Y}":            "TOKEN=$(cat /t) KEY=$X API_KEY=${Y}",
		"PASSWORD=os.environ['X']":                       "PASSWORD=os.environ['X']",
		"--api-key --next":                               "--api-key --next",
		"--max-tokens 4096 --tokenizer x --pad-token 12": "--max-tokens 4096 --tokenizer x --pad-token 12",
		"password: <fill in>":                            "password: <fill in>",
		"# the password is in the vault":                 "# the password is in the vault",
		"token":                                          "token",
		"":                                               "",
	} {
		if got := masked(in, true); got != want {
			t.Errorf("%s\n got  %s\n want %s", in, got, want)
		}
	}
}

func TestFormsWithinTexts(t *testing.T) {
	for in, want := range map[string]string{
		"clone https://x:abcd1234@git.example/r now":         "clone https://x:<url-password>@git.example/r now",
		"see " + github + ", and " + slack + ".":             "see <github-token>, and <slack-token>.",
		"id " + awsID + " key " + awsSecret:                  "id " + awsID + " key <aws-secret-access-key>",
		"key " + awsSecret + " alone":                        "key " + awsSecret + " alone",
		"host=h user=u password=abcd1234 dbname=d":           "host=h user=u password=<password> dbname=d",
		"Server=h;Password=abcd1234;X=1 y":                   "Server=h;Password=<password>;X=1 y",
		"https://a.blob.example/x?sv=1&sig=abcd1234 y":       "https://a.blob.example/x?sv=1&sig=<azure-sas> y",
		"https://h/?key=abcd1234&page_token=abcd y":          "https://h/?key=abcd1234&page_token=<token> y",
		"before\n" + pemKey + "\nafter":                      "before\n<private-key>\nafter",
		"Bearer " + jwtToken:                                 "Bearer <jwt>",
		"eyJhbGciOiJub3BlIn0.x.y z":                          "eyJhbGciOiJub3BlIn0.x.y z",
		"https://x:***@h https://x:${P}@h https://x:@h a://": "https://x:***@h https://x:${P}@h https://x:@h a://",
		"xghp_" + github[4:] + " z":                          "xghp_" + github[4:] + " z",
		openai:                                               "<openai-key>", "a" + openai: "a" + openai,
	} {
		if got := masked(in, false); got != want {
			t.Errorf("%s\n got  %s\n want %s", in, got, want)
		}
	}
}

func TestReferences(t *testing.T) {
	for v, want := range map[string]bool{
		"arn:aws:secretsmanager:x": true, "{{resolve:x}}": true, "${X}": true, "$X": true, "ssm:/a": true, "vault:a": true, "/etc/token": true, "prod/db/password": true,
		"projects/p/secrets/s/versions/1": true, "https://kv.vault.azure.net/x": true, "%DB%": true, "secret/data/app": true, "op://v/i/f": true, "file:///x": true,
		"hunter22": false, "a/B7+xQ9zPq2Lm4Rt6Yv8Nw0Kj3Hg5Fd/Sa1Zx": false, awsSecret: false, "abc": false, "Zm9vXqRT/YmFyQUJD": false,
	} {
		if got := reference(v); got != want {
			t.Errorf("%s: %v", v, got)
		}
	}
}

func TestPackedUserData(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte("#cloud-config\nwrite_files:\n- content: |\n    api_key: Q7rT9wX2\n"))
	_ = z.Close()
	packed := base64.StdEncoding.EncodeToString(b.Bytes())
	if kind := encodedKind([]byte(packed)); kind != "user-data" {
		t.Errorf("packed user data: %q", kind)
	}
	for _, s := range []string{"", "short", "not base64 at all, is it?", b64std("#!/bin/sh\necho hello world\n"), packed[:40]} {
		if kind := encodedKind([]byte(s)); kind != "" {
			t.Errorf("%q: %q", s, kind)
		}
	}
}

func TestJSONInStringsIsFollowedSoFar(t *testing.T) {
	text := `{"Environment":{"Variables":{"DB_PASSWORD":"Canary-1"}}}`
	for range maxNested {
		text = `{"definition":` + js(text) + `}`
		if got := config(t, "", text); strings.Contains(got, "Canary") {
			t.Errorf("passed: %s", got)
		}
	}
	if got := config(t, "", `{"definition":"{not json"}`); got != `{"definition":"{not json"}` {
		t.Error(got)
	}
}

func TestWhatIsNotJSONIsRefused(t *testing.T) {
	for _, text := range []string{`{"a":"b`, `{"a":[`, `}`, `{"a":"\`} {
		if out, err := Config("", json.RawMessage(text), nil); err == nil {
			t.Errorf("%s became %s", text, out)
		}
	}
}

// FuzzText: masks are within bounds, and a masked text is left alone.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"a://b:c1d2@e", "x=" + github, ";password=abcd;", pemKey, jwtToken, "--token 'a b'", "AKIA", awsID + " " + awsSecret, "k: \"v", "?sig=a&se=1", "=", ":", "-----BEGIN "} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, script bool) {
		once, changed := maskForms(bytes.Clone(text), testKey, script)
		if changed == bytes.Equal(once, text) {
			t.Fatalf("changed %v: %q", changed, once)
		}
		for at := 0; ; {
			start, end, kind := find(text, at)
			if end == 0 {
				return
			}
			if start < at || end <= start || end > len(text) || kind == "" {
				t.Fatalf("%q: [%d:%d] %s after %d", text, start, end, kind, at)
			}
			at = end
		}
	})
}
