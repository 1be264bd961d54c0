package redact

import "strings"

// maxWords bounds how much of a name is looked at.
const maxWords = 12

// words holds what splitWords makes of a name: it splits a name at separators and case changes into lower-case words
// without allocating: DB_PASSWORD, db-password, dbPassword, --db.password.
type words struct {
	buf  [96]byte
	word [maxWords][2]uint8
	n    int
}

func splitWords[S string | []byte](w *words, name S) {
	w.n = 0
	size, start := 0, 0
	end := func() {
		if size > start && w.n < maxWords {
			w.word[w.n] = [2]uint8{uint8(start), uint8(size)}
			w.n++
		}
		start = size
	}
	for i := 0; i < len(name) && size < len(w.buf); i++ {
		c := name[i]
		upper := c >= 'A' && c <= 'Z'
		if !upper && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			end()
			continue
		}
		if upper && i > 0 {
			before := name[i-1]
			lowerBefore := before >= 'a' && before <= 'z' || before >= '0' && before <= '9'
			lowerAfter := before >= 'A' && before <= 'Z' && i+1 < len(name) && name[i+1] >= 'a' && name[i+1] <= 'z'
			if lowerBefore || lowerAfter {
				end()
			}
		}
		if upper {
			c += 'a' - 'A'
		}
		w.buf[size] = c
		size++
	}
	end()
}

// is compares without allocating.
func (w *words) is(i int, s string) bool {
	return i >= 0 && i < w.n && string(w.buf[w.word[i][0]:w.word[i][1]]) == s
}

// numbered reports whether the last word is a number.
func (w *words) numbered() bool {
	for _, c := range w.buf[w.word[w.n-1][0]:w.word[w.n-1][1]] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// weakly reports whether a name may hold a secret or the way of using one
// ("auth"): the value has to tell.
func weakly[S string | []byte](name S) bool {
	var w words
	splitWords(&w, name)
	return w.is(w.n-1, "auth") || w.is(w.n-1, "phrase")
}

// single words that say secret, and the kind they give.
var secretWords = map[string]string{
	"password": "password", "passwd": "password", "passwort": "password", "pwd": "password", "passphrase": "password", "pass": "password",
	"secret": "secret", "secrets": "secret", "token": "token", "apikey": "api-key", "apitoken": "token", "authtoken": "token", "accesstoken": "token",
	"credential": "credential", "credentials": "credential", "creds": "credential", "privatekey": "private-key", "secretkey": "secret",
	"clientsecret": "secret", "pgpassword": "password", "dbpassword": "password", "mypassword": "password", "bearer": "token", "pat": "token",
	"authkey": "api-key", "accesskey": "api-key", "authorization": "credential", "requirepass": "password", "masterauth": "password", "passcode": "password",
}

// qualified words say secret only before "key".
var keyOwners = map[string]string{
	"api": "api-key", "access": "api-key", "private": "private-key", "auth": "api-key", "encryption": "secret", "signing": "secret", "account": "api-key",
	"storage": "api-key", "sas": "api-key", "shared": "api-key", "master": "secret", "hmac": "secret", "service": "api-key", "license": "api-key", "fernet": "secret",
	"openai": "api-key", "anthropic": "api-key", "wandb": "api-key", "subscription": "api-key", "session": "secret", "jwt": "secret", "app": "api-key",
}

// A name that ends so speaks about a secret and does not hold it.
var aboutWords = wordSet(`url uri urls endpoint host port name names id ids arn arns path paths file files dir directory type types ttl expiry
	expiration expires timeout length len limit limits count size max min enabled disabled policy policies rotation version versions region
	audience issuer scope scopes algorithm alg provider prefix suffix ref refs reference manager store budget usage header param parameter days
	seconds minutes hours ms age location bucket lambda function role selector class rate window interval required mode source format field
	fields column env var variable changed rotated status state last used reset vocab pad eos bos unk index mask ids per step steps stage
	service svc server address backend engine kind label namespace mount mounts optional hash digest fingerprint cost price chunk batch`)

// A name that begins so is a switch or a number about it.
var switchWords = wordSet(`max min num number n count avg mean total use enable enabled disable disabled require required skip no allow has is with
	without rotate expire verify validate check generate create tags pad eos bos unk mask`)

func wordSet(s string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		set[w] = true
	}
	return set
}

// maybeSecret is a quick look before a name is split: every secret word holds
// one of these pairs of letters.
func maybeSecret[S string | []byte](name S) bool {
	if len(name) < 3 || len(name) > 120 {
		return false
	}
	for i := 0; i+1 < len(name); i++ {
		switch name[i] | 0x20 {
		case 'p':
			if c := name[i+1] | 0x20; c == 'a' || c == 'w' { // password, pat, pwd
				return true
			}
		case 's', 'k', 't', 'c', 'b', 'a':
			switch string([]byte{name[i] | 0x20, name[i+1] | 0x20}) {
			case "se", "ke", "to", "cr", "be", "au":
				return true
			}
		}
	}
	return false
}

// nameKind returns the kind of secret a name announces, or "".
func nameKind[S string | []byte](name S) string {
	if !maybeSecret(name) {
		return ""
	}
	var w words
	splitWords(&w, name)
	for w.n > 1 && w.numbered() { // DB_PASSWORD_2
		w.n--
	}
	if w.n == 0 {
		return ""
	}
	if aboutWords[string(w.buf[w.word[w.n-1][0]:w.word[w.n-1][1]])] || w.n > 1 && switchWords[string(w.buf[w.word[0][0]:w.word[0][1]])] {
		return ""
	}
	kind := ""
	for i := range w.n {
		word := w.buf[w.word[i][0]:w.word[i][1]]
		if w.is(i, "key") && i > 0 {
			if k := keyOwners[string(w.buf[w.word[i-1][0]:w.word[i-1][1]])]; k != "" {
				if kind == "" || kind == "token" {
					kind = k
				}
				continue
			}
		}
		if k := secretWords[string(word)]; k != "" {
			if string(word) == "pass" && w.is(i+1, "phrase") {
				kind = k
				continue
			}
			// "pass" and "pat" alone are ordinary words in longer names.
			if (k == "password" && string(word) == "pass" || string(word) == "pat") && i != w.n-1 {
				continue
			}
			kind = k
		}
	}
	return kind
}

// literal reports whether value stands for itself and is not a reference, a
// placeholder or a switch.
func literal(kind, value string) bool {
	v := strings.TrimSpace(value)
	v = strings.Trim(v, `"'`)
	if v == "" || strings.Contains(v, Prefix) {
		return false
	}
	switch strings.ToLower(v) {
	case "true", "false", "none", "null", "nil", "yes", "no", "on", "off", "redacted", "<redacted>", "undefined", "auto", "default", "required", "disabled", "enabled", "expired", "invalid", "missing", "wrong", "unknown", "empty", "unset", "revoked":
		return false
	}
	if strings.Trim(v, "*xX.") == "" { // a mask, or an example
		return false
	}
	if kind == "token" && strings.Trim(v, "0123456789.") == "" && len(v) < 16 {
		return false // a number of tokens
	}
	return !reference(v)
}

var referencePrefixes = []string{
	"arn:", "{{", "${", "$(", "$", "ssm:", "/aws/", "vault:", "secretsmanager:", "aws-secretsmanager", "@Microsoft.KeyVault(", "file:", "env:", "secret:", "op://",
	"awssm:", "gcp:secret", "sm://", "k8s:", "kms:", "<", "alias/", "!Ref", "!Sub", "s3://", "gs://",
}

// reference reports whether v names a place where a secret is kept.
func reference(v string) bool {
	for _, p := range referencePrefixes {
		if strings.HasPrefix(v, p) {
			return true
		}
	}
	switch {
	case strings.Contains(v, "/secrets/") || strings.Contains(v, ".vault.azure.net"):
		return true
	case strings.HasPrefix(v, "%") && strings.HasSuffix(v, "%"):
		return true
	case strings.HasPrefix(v, "http://") || strings.HasPrefix(v, "https://"):
		return true // a URL with a password in it is found by its form
	}
	return strings.IndexByte(v, '/') >= 0 && pathLike(v)
}

// pathLike reports whether v reads like a path of plain words
// ("prod/db/password", "/etc/token"): base64 may hold slashes too, but not only
// between words of one case with few digits.
func pathLike(v string) bool {
	segments := 0
	for seg := range strings.SplitSeq(v, "/") {
		if seg == "" {
			continue
		}
		segments++
		digits, upper, lower := 0, 0, 0
		for i := range len(seg) {
			switch c := seg[i]; {
			case c >= '0' && c <= '9':
				digits++
			case c >= 'A' && c <= 'Z':
				upper++
			case c >= 'a' && c <= 'z':
				lower++
			case c == '-' || c == '_' || c == '.' || c == ':':
			default:
				return false
			}
		}
		if len(seg) > 48 || digits > 4 || upper > 2 && lower > 0 {
			return false
		}
	}
	return segments >= 1
}
