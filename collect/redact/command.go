package redact

import "bytes"

// programs whose options carry a password under a letter that means other
// things elsewhere.
var programs = map[string]struct {
	user string // options whose value is USER:PASSWORD
	pass string // options whose value is the password
	glue string // an option with the password stuck to it
}{
	"curl": {user: "-u --user --proxy-user -U"}, "wget": {}, "http": {user: "-a --auth"}, "https": {user: "-a --auth"},
	"redis-cli": {pass: "-a --pass"}, "redis-server": {pass: "--requirepass --masterauth"}, "redis-benchmark": {pass: "-a"}, "valkey-cli": {pass: "-a --pass"},
	"mysql": {glue: "-p"}, "mysqldump": {glue: "-p"}, "mysqladmin": {glue: "-p"}, "mariadb": {glue: "-p"}, "mariadb-dump": {glue: "-p"}, "mongosh": {pass: "-p"}, "mongo": {pass: "-p"},
	"sshpass": {glue: "-p", pass: "-p"}, "clickhouse-client": {}, "cypher-shell": {pass: "-p"}, "ldapsearch": {pass: "-w"}, "sqlcmd": {pass: "-P"},
}

// command follows the words of a command line, be they the words of a text or
// the elements of a list.
type command struct {
	program string
	expect  string // "user" or "pass": what the next word is
}

// word takes the next word and returns where in it a secret stands.
func (c *command) word(w []byte) (start, end int) {
	expect := c.expect
	c.expect = ""
	if expect != "" && len(w) > 0 && w[0] != '-' {
		return credential(w, 0, expect == "user")
	}
	if len(w) == 0 {
		return 0, 0
	}
	if w[0] != '-' {
		base := bytes.TrimLeft(w[bytes.LastIndexByte(w, '/')+1:], "\"'")
		if _, known := programs[string(base)]; known {
			c.program = string(base)
		}
		return 0, 0
	}
	p := programs[c.program]
	switch name, _, inline := bytes.Cut(w, []byte("=")); {
	case listed(p.user, name) && inline:
		return credential(w, len(name)+1, true)
	case listed(p.pass, name) && inline:
		return credential(w, len(name)+1, false)
	case listed(p.user, w):
		c.expect = "user"
	case listed(p.pass, w):
		c.expect = "pass"
	case p.user != "" && len(w) > 2 && w[1] == p.user[1]: // -uUSER:PASSWORD
		return credential(w, 2, true)
	case p.glue != "" && len(w) > 2 && bytes.HasPrefix(w, []byte(p.glue)):
		return credential(w, 2, false)
	}
	return 0, 0
}

// listed reports whether an option is one of a list.
func listed(list string, option []byte) bool {
	for list != "" {
		head := list
		if i := bytes.IndexByte([]byte(list), ' '); i >= 0 {
			head, list = list[:i], list[i+1:]
		} else {
			list = ""
		}
		if head == string(option) {
			return true
		}
	}
	return false
}

// credential is the secret in w from at: after the colon of USER:PASSWORD, or
// all of it. A reference is none.
func credential(w []byte, at int, user bool) (start, end int) {
	end = len(w)
	for at < end && (w[at] == '"' || w[at] == '\'') {
		at++
	}
	for end > at && (w[end-1] == '"' || w[end-1] == '\'') {
		end--
	}
	if user {
		i := bytes.IndexByte(w[at:end], ':')
		if i < 0 {
			return 0, 0
		}
		at += i + 1
	}
	if v := w[at:end]; len(v) == 0 || !literal("password", string(v)) || code(v) {
		return 0, 0
	}
	return at, end
}

// commands finds the secrets of command lines in a text, one after the other;
// it remembers the program between calls and never looks back.
type commands struct {
	command
	at int
}

func (c *commands) find(s []byte, from int) (start, end int, kind string) {
	i := max(c.at, from)
	for i < len(s) {
		switch b := s[i]; {
		case b == ' ' || b == '\t' || b == '\\':
			i++
			continue
		case b == '\n' || b == ';' || b == '|' || b == '&' || b == '(' || b == ')' || b == '`':
			c.command = command{}
			i++
			continue
		}
		j := i
		for j < len(s) && s[j] > ' ' && bytes.IndexByte([]byte(";|&()`"), s[j]) < 0 {
			j++
		}
		c.at = max(j, i+1)
		if a, b := c.word(s[i:j]); b > a {
			return i + a, i + b, "password"
		}
		i = c.at
	}
	c.at = i
	return 0, 0, ""
}
