package scan

import (
	"bytes"
	"strings"
)

// Passwords that people choose have neither a form nor the randomness of keys: what tells
// one is that something called a password is set to it. Half of the work is to tell it from
// what programs and forms write in its place.

// passwordWords are how a password is called, at the end of a name; the short ones only as
// a word of their own.
var passwordWords = []struct {
	word  string
	whole bool
}{
	{"password", false}, {"passwd", false}, {"passphrase", false}, {"passcode", false}, {"passwort", false}, {"kennwort", false},
	{"contrasena", false}, {"motdepasse", false}, {"senha", true}, {"wachtwoord", false}, {"pwd", true}, {"pass", true}, {"pw", true},
}

// endsInPassword is where the name begins that ends before k, if it is called a password;
// -1 if not.
func endsInPassword(b []byte, k int) int {
	if k < 2 || !is(b[k-1], isLet) || !is(b[k-2], isLet) {
		return -1
	}
	switch string([]byte{b[k-2] | 0x20, b[k-1] | 0x20}) { // most names are told by two letters
	case "rd", "wd", "se", "de", "rt", "na", "ha", "ss", "pw":
	default:
		return -1
	}
	for _, p := range passwordWords {
		s := k - len(p.word)
		if s < 0 || !bytes.EqualFold(b[s:k], []byte(p.word)) {
			continue
		}
		if p.whole && s > 0 && is(b[s-1], isLet) && (!is(b[s], isUp) || is(b[s-1], isUp)) {
			continue
		}
		for s > 0 && k-s < 64 && (is(b[s-1], isTok) || b[s-1] == '.') {
			s--
		}
		return s
	}
	return -1
}

// assigned reads a password that is set by the ':', '=' or '>' at i. It returns where it
// ends, or 0.
func (r *run) assigned(i int) int {
	b := r.b
	k := i
	for k > r.floor && i-k < 4 && (b[k-1] == ' ' || b[k-1] == '"' || b[k-1] == '\'' || b[k-1] == '\\' || b[k-1] == '`' || b[k-1] == ']') {
		k--
	}
	name := endsInPassword(b, k)
	if name < 0 || name < r.floor {
		return 0
	}
	j := i + 1
	if b[i] == '>' {
		if name == 0 || b[name-1] != '<' {
			return 0 // no tag
		}
	} else if j < len(b) && (b[i] == '=' && b[j] == '>' || b[i] == ':' && b[j] == '=') {
		j++
	} else if j < len(b) && b[j] == '=' || i > 0 && (b[i-1] == '=' || b[i-1] == '!') {
		return 0 // a comparison
	}
	direct := j
	for j < len(b) && j-direct < 16 && (b[j] == ' ' || b[j] == '\t') {
		j++
	}
	spaced := j > direct || k < i
	if j >= len(b) {
		return 0
	}
	end, quoted := j, byte(0)
	escape := 0
	if b[j] == '\\' && j+1 < len(b) {
		escape = 1
	}
	switch q := b[j+escape]; {
	case b[i] == '>':
		end = till(b, j, "<\n")
		if end >= len(b) || b[end] != '<' {
			return 0
		}
		quoted = '<'
	case q == '"' || q == '\'' || q == '`':
		j, quoted = j+1+escape, q
		stop := string(q) + "\n"
		if escape == 1 {
			stop += "\\"
		}
		if end = till(b, j, stop); end >= len(b) || b[end] == '\n' {
			return 0
		}
	default:
		end = till(b, j, " \t\r\n,;&<>\"'`\\|")
		for end > j && (b[end-1] == ':' || b[end-1] == '}' || b[end-1] == ']' || b[end-1] == ')' && bytes.IndexByte(b[j:end], '(') < 0) {
			end--
		}
		if k-name <= 4 && spaced && b[i] == ':' && is(b[name], isUp) {
			return 0 // --- PASS: TestOfSomething
		}
		if b[i] == ':' && bytes.IndexByte(b[j:end], ':') >= 0 {
			return 0 // the fields of a line of the system's users
		}
	}
	if score := r.password(name, j, end, quoted != 0, spaced); score > 0 {
		return r.emit("PASSWORD", j, end, score, "it is set as a password")
	}
	return 0
}

// till is the first place from i on of one of the bytes, or the end; a password is not
// longer than this goes.
func till(b []byte, i int, stops string) int {
	e := i
	for e < len(b) && e-i < 160 && strings.IndexByte(stops, b[e]) < 0 {
		e++
	}
	return e
}

// password weighs what something called a password is set to.
func (r *run) password(name, s, e int, quoted, spaced bool) float64 {
	b := r.b
	v := b[s:e]
	if len(v) < 4 || len(v) > 100 || standsIn(v) {
		return 0
	}
	if len(v) >= 10 && entropy(v) >= 3.3 && random(v) {
		return 0 // a key, which generic finds, and known ones by their prefix
	}
	for _, rule := range r.s.rules.byStart[v[0]] {
		if rule.match(b, s) > 0 {
			return 0
		}
	}
	letters, digits, marks, spaces := 0, 0, 0, 0
	for _, c := range v {
		switch {
		case is(c, isLet) || c >= 0x80:
			letters++
		case is(c, isDig):
			digits++
		case c == ' ':
			spaces++
		case c != '_' && c != '-' && c != '.' && c != '/':
			marks++
		}
	}
	mixed := digits > 0 && letters > 0 || marks > 0 && letters+digits > 0
	if quoted {
		switch {
		case spaces > 0 && !bytes.EqualFold(b[max(name, s-20):s], v) && !phrased(b[name:s]):
			return 0 // a sentence that is shown to somebody
		case mixed:
			return .75
		}
		return .6
	}
	if mixed && !reference(v) {
		return .7
	}
	// A word, or a number: where a whole line sets it, as files of settings do. In programs it
	// is a variable's name or a type's.
	if reference(v) {
		return 0
	}
	if ends := e >= len(b) || b[e] == '\n' || b[e] == '\r'; !r.lineStart(name) || !ends {
		if !spaced && r.forCommand(name, s) && (ends || b[e] == ' ' && e+1 < len(b) && b[e+1] > ' ' || b[e] == '"' || b[e] == '\'' || b[e] == '`') {
			return .55
		}
		return 0
	}
	if spaced && camel(v) {
		return 0 // a type
	}
	return .55
}

// forCommand reports whether the name at a place, whose value begins at s, is a variable of
// the environment that is set for one command: capitals with '=', at the begin of a line or
// behind an option that hands it on.
func (r *run) forCommand(at, s int) bool {
	b := r.b
	for _, c := range b[at:s] {
		if is(c, isLet) && !is(c, isUp) {
			return false
		}
	}
	if b[s-1] != '=' || r.lineStart(at) {
		return b[s-1] == '='
	}
	before := bytes.ToLower(bytes.TrimRight(b[max(0, at-16):at], " \"'"))
	for _, w := range []string{" -e", "--env", "--build-arg", " env", " export", "&&", ";", "$", "sudo", "\"-e\",", " run"} {
		if bytes.HasSuffix(before, []byte(w)) {
			return true
		}
	}
	return false
}

// camel reports whether a word has a capital behind a small letter.
func camel(v []byte) bool {
	for i := 1; i < len(v); i++ {
		if is(v[i], isUp) && is(v[i-1], isLet) && !is(v[i-1], isUp) {
			return true
		}
	}
	return false
}

// phrased reports whether the name before a value is one of a phrase, which has spaces.
func phrased(name []byte) bool { return bytes.Contains(bytes.ToLower(name), []byte("phrase")) }

// lineStart reports whether nothing stands on a name's line before it but what begins the
// lines of settings.
func (r *run) lineStart(at int) bool {
	from := max(0, at-24)
	if i := bytes.LastIndexByte(r.b[from:at], '\n'); i >= 0 {
		from += i + 1
	} else if from > 0 {
		return false
	}
	switch strings.ToLower(strings.Trim(string(r.b[from:at]), " \t-\"'")) {
	case "", "export", "set", "env", "setenv", "arg":
		return true
	}
	return false
}

// reference reports whether a value that is not quoted names something else: a variable, a
// member, a call, a file.
func reference(v []byte) bool {
	dots, calls := 0, false
	for i, c := range v {
		switch c {
		case '.':
			if i > 0 && i+1 < len(v) && is(v[i-1], isLet) && is(v[i+1], isLet) {
				dots++
			}
		case '(', '[', '{':
			calls = i > 0 && is(v[i-1], isTok)
		}
		if calls {
			return true
		}
	}
	if dots > 0 && bytes.IndexAny(v, "!@#$%^&*+=?") < 0 {
		return true
	}
	if len(v) > 2 && v[0] == '0' && v[1]|0x20 == 'x' {
		return true
	}
	return v[0] == '/' || v[0] == '.' || v[0] == '~' || v[0] == '&' || v[0] == '*' || v[0] == '!' || v[0] == '(' || v[len(v)-1] == ')' || v[len(v)-1] == '('
}

// standsIn reports whether a value stands in a password's place.
func standsIn(v []byte) bool {
	switch v[0] {
	case '$', '{', '<', '%', '[', ':':
		return true
	}
	if same(v) {
		return true
	}
	low := strings.ToLower(string(v))
	switch low {
	case "null", "none", "true", "false", "undefined", "string", "text", "varchar", "char", "byte", "bytes", "required", "optional", "hidden",
		"secret", "any", "object", "int", "integer", "number", "boolean", "bool", "value", "empty", "changeme", "change_me", "change-me", "example",
		"input", "field", "type", "data", "todo", "redacted", "masked", "removed", "plain", "basic", "default", "forgot", "reset", "username", "user",
		"password", "passwd", "passwort", "pass", "pwd", "passphrase", "md5", "sha1", "sha256", "sha512", "sha-256", "bcrypt", "scrypt", "argon2", "argon2id", "pbkdf2",
		"compat", "files", "systemd", "securestring", "nvarchar", "str", "self", "this", "prompt", "stdin", "generate", "generated", "random", "disabled", "enabled", "yes", "no", "off", "on", "unset", "blank":
		return true
	}
	for _, w := range []string{"${", "{{", "***", "•", "://", "%s", "%v", "{0}", "$("} {
		if strings.Contains(low, w) {
			return true
		}
	}
	for _, w := range []string{"enc(", "enc[", "vault:", "arn:", "ssm:", "secretref", "env:", "env.", "getenv", "environ", "os.", "process.env"} {
		if strings.HasPrefix(low, w) { // it names where the value is
			return true
		}
	}
	// Words that say it is none, and nothing but words: a digit or a sign makes it one.
	for _, w := range []string{"xxx", "your", "example", "placeholder", "redacted", "..."} {
		if strings.Contains(low, w) && strings.Trim(low, "abcdefghijklmnopqrstuvwxyz_-.<> ") == "" {
			return true
		}
	}
	if i := strings.Index(low, "passw"); i >= 0 { // a name made of the word, but not password1
		return strings.Trim(low, "abcdefghijklmnopqrstuvwxyzäöüß_-. ") == ""
	}
	return false
}
