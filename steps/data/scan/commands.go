package scan

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"
)

//go:embed commands.txt
var commandTable string

// commandOption is one way in which a program takes a password.
type commandOption struct {
	name string
	// behind is true where the value can only stand right behind the option.
	behind bool
	// split is the sign between a name and the password; 0 if there is no name.
	split byte
	// lead is what the value must begin with, which is not part of the password.
	lead string
	// operand is the number of the operand that is the password; 0 for an option.
	operand int
}

// commandRow is what a program, or one of its subcommands, takes.
type commandRow struct {
	sub     string // empty where the program needs no further word
	options []commandOption
}

// commandRows are the lines of commands.txt by the name of the program.
var commandRows = sync.OnceValue(func() map[string][]commandRow {
	rows := map[string][]commandRow{}
	for line := range strings.Lines(commandTable) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		names, said, _ := strings.Cut(line, " :")
		var options []commandOption
		for _, f := range strings.Fields(said) {
			options = append(options, optionOf(f))
		}
		for _, name := range strings.Fields(names) {
			program, sub, _ := strings.Cut(name, "/")
			rows[program] = append(rows[program], commandRow{sub, options})
		}
	}
	return rows
})

// optionOf reads one option as commands.txt writes it.
func optionOf(f string) commandOption {
	if f[0] == '#' {
		return commandOption{operand: int(f[1] - '0')}
	}
	if name, lead, ok := strings.Cut(f, "@"); ok {
		return commandOption{name: name, lead: lead}
	}
	switch last := f[len(f)-1]; last {
	case '+':
		return commandOption{name: f[:len(f)-1], behind: true}
	case ':', '%', ',', '/':
		return commandOption{name: f[:len(f)-1], split: last}
	}
	return commandOption{name: f}
}

// programRows are the rows of the program that a word of a command names, by its path and
// with its ending or without; nil if it names none.
func programRows(word []byte) ([]commandRow, bool) {
	if len(word) < 2 || len(word) > 96 {
		return nil, false
	}
	for i := len(word) - 1; i >= 0; i-- {
		if word[i] == '/' || word[i] == '\\' {
			word = word[i+1:]
			break
		}
	}
	if len(word) > 32 {
		return nil, false
	}
	name := strings.ToLower(string(word))
	if cut, ok := strings.CutSuffix(name, ".exe"); ok {
		name = cut
	}
	rows, ok := commandRows()[name]
	return rows, ok
}

// valueless are the beginnings and ends of words in names of options that speak of a
// password and take none.
var valueless = []string{"no", "ask", "show", "prompt", "skip", "disabled", "disable", "change", "reset", "generate", "random", "with", "without",
	"require", "requires", "need", "use", "stdin", "get", "force", "empty", "allow", "blank", "hide", "check", "verify", "rotate", "clear", "print", "save", "store", "remember", "keep", "read", "encrypt", "expire"}

// takesPassword reports whether an option of any program is named for a password it takes.
func takesPassword(name []byte) bool {
	switch string(bytes.TrimLeft(name, "-")) {
	case "requirepass", "masterauth", "storepass", "keypass", "srcstorepass", "deststorepass":
		return true
	}
	if len(name) < 4 || name[0] != '-' || endsInPassword(name, len(name)) < 0 {
		return false
	}
	if name[1] != '-' && (len(name) < 6 || name[1] == 'p' && len(name) > 5 && name[2] == 'p') {
		return false // letters that are written together, or -p with its value
	}
	for _, part := range strings.FieldsFunc(strings.ToLower(string(name)), func(c rune) bool { return c == '-' || c == '_' || c == '.' }) {
		for _, w := range valueless {
			if part == w {
				return false
			}
		}
	}
	return true
}

// placeWords are the words of which writers of manuals make what a reader is to replace; the
// second kind says of what.
var placeWords = map[string]int{
	"my": 1, "your": 1, "the": 1, "a": 1, "new": 1, "old": 1, "some": 1, "super": 1, "very": 1, "strong": 1, "secure": 1, "api": 1, "access": 1, "app": 1, "application": 1, "specific": 1,
	"user": 1, "username": 1, "root": 1, "admin": 1, "db": 1, "database": 1, "here": 1, "goes": 1, "name": 1, "value": 1, "login": 1, "account": 1, "personal": 1, "auth": 1, "redis": 1,
	"mysql": 1, "postgres": 1, "docker": 1, "registry": 1, "hub": 1, "ssh": 1, "sudo": 1, "sample": 1, "dummy": 1, "default": 1, "insert": 1, "actual": 1, "real": 1, "generated": 1, "is": 1, "long": 1,
	"pw": 2, "pwd": 2, "pass": 2, "password": 2, "passwd": 2, "passphrase": 2, "token": 2, "key": 2, "secret": 2, "apikey": 2, "mypass": 2, "mypassword": 2, "yourpassword": 2, "credentials": 2, "pat": 2,
}

// madeOfPlaceWords reports whether a value is such a phrase.
func madeOfPlaceWords(low string) bool {
	of := 0
	for _, part := range strings.FieldsFunc(low, func(c rune) bool { return c == '-' || c == '_' || c == '.' || c == ' ' }) {
		kind := placeWords[part]
		if kind == 0 {
			return false
		}
		of = max(of, kind)
	}
	return of == 2
}

// proseWords are words of sentences that stand behind an option that is spoken of, and in no
// command.
var proseWords = sync.OnceValue(func() map[string]bool {
	words := map[string]bool{}
	for w := range strings.FieldsSeq("option options flag flags switch argument arguments parameter parameters and or to is are was be the a an with for from in into on of if when where which that this it its " +
		"will can must may should not instead then as at by but so than you we they your our his her their has have had also only both either without because while used uses given " +
		"means takes sets specifies prompts requires works does do did would could no yes command value values") {
		words[w] = true
	}
	return words
})
