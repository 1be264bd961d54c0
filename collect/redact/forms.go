package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// form is a kind of secret that is recognised by how it is written.
type form struct {
	prefix string
	kind   string
	least  int // characters after the prefix, at least
	chars  *[256]bool
	mixed  bool // needs upper case, lower case and digits
}

func charset(ranges string) *[256]bool {
	var t [256]bool
	for i := 0; i < len(ranges); i++ {
		if i+2 < len(ranges) && ranges[i+1] == '-' {
			for c := int(ranges[i]); c <= int(ranges[i+2]); c++ {
				t[c] = true
			}
			i += 2
			continue
		}
		t[ranges[i]] = true
	}
	return &t
}

var (
	alnum  = charset("a-zA-Z0-9")
	word   = charset("a-zA-Z0-9_")
	dashed = charset("a-zA-Z0-9_-")
	dotted = charset("a-zA-Z0-9_.-")
	b64    = charset("a-zA-Z0-9+/=")
	hexa   = charset("a-f0-9")
)

// forms by first character. The shapes are those the providers document for
// their tokens, with lengths a little below the shortest issued.
var forms = func() (t [256][]form) {
	for _, f := range []form{
		{"ghp_", "github-token", 36, alnum, false}, {"gho_", "github-token", 36, alnum, false}, {"ghu_", "github-token", 36, alnum, false},
		{"ghs_", "github-token", 36, alnum, false}, {"ghr_", "github-token", 36, alnum, false}, {"github_pat_", "github-token", 50, word, false},
		{"glpat-", "gitlab-token", 20, dashed, false}, {"gldt-", "gitlab-token", 20, dashed, false}, {"glrt-", "gitlab-token", 20, dashed, false},
		{"xoxb-", "slack-token", 20, dashed, false}, {"xoxp-", "slack-token", 20, dashed, false}, {"xoxa-", "slack-token", 20, dashed, false},
		{"xoxr-", "slack-token", 20, dashed, false}, {"xoxs-", "slack-token", 20, dashed, false}, {"xapp-", "slack-token", 20, dashed, false},
		{"hooks.slack.com/services/", "slack-webhook", 30, charset("a-zA-Z0-9/"), false},
		{"sk-ant-", "anthropic-key", 24, dashed, false}, {"sk-proj-", "openai-key", 24, dashed, false}, {"sk-svcacct-", "openai-key", 24, dashed, false},
		{"sk-", "openai-key", 32, alnum, true},
		{"hf_", "huggingface-token", 30, alnum, false}, {"hvs.", "vault-token", 24, dashed, false},
		{"AIza", "google-api-key", 35, dashed, false}, {"ya29.", "google-oauth-token", 20, dashed, false}, {"GOCSPX-", "google-oauth-secret", 24, dashed, false},
		{"sk_live_", "stripe-key", 20, alnum, false}, {"rk_live_", "stripe-key", 20, alnum, false}, {"sk_test_", "stripe-key", 20, alnum, false},
		{"whsec_", "stripe-key", 24, b64, false},
		{"npm_", "npm-token", 36, alnum, false}, {"pypi-AgEI", "pypi-token", 50, dashed, false}, {"dckr_pat_", "docker-token", 24, dashed, false},
		{"dop_v1_", "digitalocean-token", 64, hexa, false}, {"SG.", "sendgrid-key", 60, dotted, false}, {"nvapi-", "nvidia-key", 48, dashed, false},
		{"gsk_", "groq-key", 40, alnum, false}, {"xai-", "xai-key", 60, alnum, false}, {"r8_", "replicate-token", 36, alnum, false},
		{"pcsk_", "pinecone-key", 40, word, false}, {"lsv2_pt_", "langsmith-key", 32, word, false}, {"lsv2_sk_", "langsmith-key", 32, word, false},
		{"AGE-SECRET-KEY-1", "private-key", 50, alnum, false}, {"dapi", "databricks-token", 32, hexa, false},
	} {
		t[f.prefix[0]] = append(t[f.prefix[0]], f)
	}
	return t
}()

// trigger marks the bytes at which a form may begin.
var trigger = func() (t [256]bool) {
	for c := range 256 {
		t[c] = len(forms[c]) > 0
	}
	for _, c := range "e-:=A" { // JWT, PEM, URL, assignment, access key id
		t[c] = true
	}
	return t
}()

// find returns the first secret of unmistakable form in s at or after from.
func find(s []byte, from int) (start, end int, kind string) {
	for i := from; i < len(s); i++ {
		c := s[i]
		if !trigger[c] {
			continue
		}
		switch c {
		case ':':
			if start, end := userinfo(s, i); end > 0 {
				return start, end, "url-password"
			}
			continue
		case '=':
			if start, end, kind := connection(s, i); end > 0 && start >= from {
				return start, end, kind
			}
			continue
		case '-':
			if end := pem(s, i); end > 0 {
				return i, end, "private-key"
			}
			continue
		}
		if i > 0 && word[s[i-1]] {
			continue
		}
		if end, kind := token(s, i); end > 0 {
			return i, end, kind
		}
	}
	return 0, 0, ""
}

// longest bounds how far a prefixed token is followed.
const longest = 4096

// token tries the prefixed forms, JWT and the secret beside an access key id.
func token(s []byte, i int) (end int, kind string) {
	for k := range forms[s[i]] {
		f := &forms[s[i]][k]
		if len(s)-i < len(f.prefix)+f.least || string(s[i:i+len(f.prefix)]) != f.prefix {
			continue
		}
		end := run(s[:min(len(s), i+longest)], i+len(f.prefix), f.chars)
		if body := s[i+len(f.prefix) : end]; len(body) >= f.least && varied(body, f.mixed) {
			return end, f.kind
		}
	}
	if s[i] == 'e' && (i == 0 || !dashed[s[i-1]]) { // not within a longer run, which would be read again and again
		if end := jwt(s, i); end > 0 {
			return end, "jwt"
		}
	}
	return 0, ""
}

func run(s []byte, i int, chars *[256]bool) int {
	for i < len(s) && chars[s[i]] {
		i++
	}
	return i
}

// varied refuses examples (xxxx…) and, if mixed, words of one case.
func varied(s []byte, mixed bool) bool {
	var seen [256]bool
	distinct, classes := 0, 0
	for _, c := range s {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
		switch {
		case c >= '0' && c <= '9':
			classes |= 1
		case c >= 'A' && c <= 'Z':
			classes |= 2
		case c >= 'a' && c <= 'z':
			classes |= 4
		}
	}
	return distinct >= 8 && (!mixed || classes == 7)
}

// jwt recognises header.payload.signature whose header is JSON with "alg".
func jwt(s []byte, i int) int {
	if len(s)-i < 40 || s[i+1] != 'y' || s[i+2] != 'J' {
		return 0
	}
	head := run(s, i, dashed)
	if head >= len(s) || s[head] != '.' || head-i > 4096 {
		return 0
	}
	body := run(s, head+1, dashed)
	if body >= len(s) || s[body] != '.' || body-head < 6 {
		return 0
	}
	end := run(s, body+1, dashed)
	if end-body < 10 {
		return 0
	}
	header := make([]byte, base64.RawURLEncoding.DecodedLen(head-i))
	n, _ := base64.RawURLEncoding.Decode(header, s[i:head])
	if !bytes.Contains(header[:n], []byte(`"alg"`)) {
		return 0
	}
	return end
}

// pem recognises a private key block.
func pem(s []byte, i int) int {
	const begin = "-----BEGIN "
	if i > 0 && s[i-1] == '-' || len(s)-i < len(begin) || string(s[i:i+len(begin)]) != begin {
		return 0
	}
	line := s[i+len(begin) : min(len(s), i+len(begin)+40)]
	if k := bytes.Index(line, []byte("PRIVATE KEY")); k < 0 || bytes.Contains(line[:k], []byte("---")) {
		return 0
	}
	rest := s[i+len(begin):]
	if k := bytes.Index(rest, []byte("-----END ")); k >= 0 {
		tail := rest[k+len("-----END "):]
		if j := bytes.Index(tail, []byte("-----")); j >= 0 {
			return i + len(begin) + k + len("-----END ") + j + 5
		}
	}
	return len(s)
}

// userinfo recognises the password in scheme://user:password@host, i standing
// at the scheme's colon.
func userinfo(s []byte, i int) (start, end int) {
	if i+6 > len(s) || s[i+1] != '/' || s[i+2] != '/' || i == 0 || !alnum[s[i-1]] {
		return 0, 0
	}
	colon := 0
	for j := i + 3; j < len(s) && j < i+1024; j++ {
		switch s[j] {
		case ':':
			if colon == 0 {
				colon = j
			}
		case '/', '?', '#', ' ', '\t', '\n', '"', '\'', '<', '>', '\\':
			return 0, 0
		case '@':
			if colon > 0 && j > colon+1 && literal("password", string(s[colon+1:j])) {
				return colon + 1, j
			}
			return 0, 0
		}
	}
	return 0, 0
}

// connection recognises the secret of a connection string or URL query: i
// stands at the '=' after a name such as Password, AccountKey or sig.
func connection(s []byte, i int) (start, end int, kind string) {
	from := i
	for from > 0 && i-from < 60 && dotted[s[from-1]] {
		from--
	}
	if i-from < 3 {
		return 0, 0, ""
	}
	before := byte(';')
	if from > 0 {
		before = s[from-1]
	}
	query := before == '?' || before == '&'
	near := s[max(0, i-512):min(len(s), i+512)]
	list := before == ';' && bytes.IndexByte(near, ';') >= 0
	libpq := before == ' ' && (bytes.Contains(near, []byte("host=")) || bytes.Contains(near, []byte("dbname=")))
	switch {
	case query || list || libpq:
		kind = connectionKind(string(s[from:i]), near)
	default: // NAME=VALUE anywhere: options, messages, definitions
		kind = nameKind(s[from:i])
	}
	if kind == "" || i+1 >= len(s) {
		return 0, 0, ""
	}
	if q := s[i+1]; q == '"' || q == '\'' {
		n := bytes.IndexByte(s[i+2:min(len(s), i+2+longest)], q)
		if n < 4 || !literal(kind, string(s[i+2:i+2+n])) || code(s[i+2:i+2+n]) {
			return 0, 0, ""
		}
		return i + 2, i + 2 + n, kind
	}
	end = i + 1
	for end < len(s) && s[end] != ';' && s[end] != '&' && s[end] > ' ' && s[end] != '"' && s[end] != '\'' && s[end] != '\\' {
		end++
	}
	if !query && !list && !libpq {
		for end > i+1 && bytes.IndexByte([]byte(":,.)]}"), s[end-1]) >= 0 { // of the sentence around it
			end--
		}
	}
	value := string(s[i+1 : end])
	if len(value) < 4 || !literal(kind, strings.TrimRight(value, ":,.)")) || !query && !list && !libpq && code(s[i+1:end]) {
		return 0, 0, ""
	}
	return i + 1, end, kind
}

func connectionKind(name string, s []byte) string {
	if name == "sig" && (bytes.Contains(s, []byte("sv=")) || bytes.Contains(s, []byte("se="))) {
		return "azure-sas"
	}
	if name == "X-Amz-Signature" || name == "X-Amz-Security-Token" {
		return "presigned-url"
	}
	return nameKind(name)
}

// accessKeySecret finds the 40 characters of a secret access key in a text that
// also holds an access key id; the id itself is an identifier and stays.
func accessKeySecret(s []byte, from int) (start, end int, kind string) {
	if !hasAccessKeyID(s) {
		return 0, 0, ""
	}
	for i := from; i < len(s); {
		if !b64[s[i]] || s[i] == '=' {
			i++
			continue
		}
		j := run(s, i, b64)
		if tok := bytes.TrimRight(s[i:j], "="); len(tok) == 40 && varied(tok, true) {
			return i, i + 40, "aws-secret-access-key"
		}
		i = j
	}
	return 0, 0, ""
}

func hasAccessKeyID(s []byte) bool {
	for _, p := range []string{"AKIA", "ASIA"} {
		for at := 0; ; {
			k := bytes.Index(s[at:], []byte(p))
			if k < 0 {
				break
			}
			k += at
			j := run(s, k, alnum)
			if j-k == 20 && (k == 0 || !word[s[k-1]]) {
				return true
			}
			at = k + 4
		}
	}
	return false
}
