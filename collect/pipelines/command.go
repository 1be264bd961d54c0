package pipelines

import (
	"regexp"
	"slices"
	"strings"
)

// command reads a command line of a task that the file holds whole: copies between stores by
// the providers' own programs, and what only talks to whoever watches. False if it does
// anything else, or hangs on what is known only when it runs.
func (a *air) command(e *expr, arg, job, at string) bool {
	v := a.argument(e, arg)
	if v == nil || e.star {
		return false
	}
	a.templates = true
	text, whole, ok := a.text(v, 0)
	a.templates = false
	text = template.ReplaceAllString(text, "\x00")
	if !ok || !whole || text == "" || strings.ContainsAny(text, "$`<(){}*?~") { // what a shell puts in is not known
		return false
	}
	var flows [][2]string
	for line := range strings.SplitSeq(strings.NewReplacer("\\\n", " ", "&&", "\n", "||", "\n", ";", "\n").Replace(text), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		words := shellWords(line)
		if words == nil {
			return false
		}
		if from, to, copies := copied(words); copies {
			if from == "" && to == "" {
				return false
			}
			flows = append(flows, [2]string{from, to})
			continue
		}
		if !slices.Contains(talking, words[0]) {
			return false
		}
	}
	for _, f := range flows {
		if f[0] != "" {
			a.d.flow(f[0], job, at)
		}
		if f[1] != "" {
			a.d.flow(job, f[1], at)
		}
	}
	return true
}

// template is what Airflow fills in when the task runs.
var template = regexp.MustCompile(`\{\{[^{}]*\}\}`)

// literal reports whether arguments are texts that the file holds whole, or are not there.
func (a *air) literal(e *expr, arguments []string) bool {
	if e.star || len(e.items) > 0 {
		return false
	}
	for _, name := range arguments {
		if v := a.argument(e, name); v != nil {
			if _, whole, ok := a.text(v, 0); !ok || !whole {
				return false
			}
			if name == "files" {
				return false
			}
		}
	}
	return true
}

// talking are commands that move no stored data.
var talking = []string{"echo", "sleep", "date", "exit", "true", "false", ":", "printf", "pwd", "hostname", "whoami", "set", "test", "["}

// shellWords takes a line apart; nil where it does more than run one command.
func shellWords(line string) []string {
	var out []string
	var word strings.Builder
	in, quote := false, rune(0)
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			in, quote = true, c
		case c == ' ' || c == '\t':
			if in {
				out = append(out, word.String())
				word.Reset()
				in = false
			}
		case c == '|' || c == '&' || c == '>' || c == '\\':
			return nil
		default:
			in = true
			word.WriteRune(c)
		}
	}
	if quote != 0 {
		return nil
	}
	if in {
		out = append(out, word.String())
	}
	return out
}

// copied are the two ends of a copy between stores, those of them that are stores: `aws s3 cp`,
// mv and sync, `gsutil cp`, mv and rsync, `gcloud storage cp`, mv and rsync. Copies is false where a
// command is none.
func copied(words []string) (from, to string, copies bool) {
	var ends []string
	for i, w := range words {
		if i < 2 || strings.HasPrefix(w, "-") {
			continue
		}
		if prior := words[i-1]; strings.HasPrefix(prior, "--") && !strings.Contains(prior, "=") && !slices.Contains(bare, prior) {
			continue // the value of an option
		}
		ends = append(ends, w)
	}
	switch {
	case len(words) > 3 && words[0] == "aws" && words[1] == "s3", len(words) > 3 && words[0] == "gcloud" && words[1] == "storage":
	case len(words) > 2 && words[0] == "gsutil":
		for len(words) > 2 && strings.HasPrefix(words[1], "-") { // gsutil -m cp
			words = words[1:]
		}
		ends = ends[:0]
		for _, w := range words[1:] {
			if !strings.HasPrefix(w, "-") {
				ends = append(ends, w)
			}
		}
	default:
		return "", "", false
	}
	if len(ends) != 3 || !slices.Contains([]string{"cp", "mv", "sync", "rsync"}, ends[0]) {
		return "", "", false
	}
	at := func(end string) string {
		known, _, open := strings.Cut(end, "\x00")
		if !isAddress(known) {
			return ""
		}
		return place(plain(known), !open, false)
	}
	if strings.HasPrefix(ends[1], "\x00") || strings.HasPrefix(ends[2], "\x00") {
		return "", "", true // whether that is a store only Airflow knows
	}
	for _, end := range ends[1:] {
		if strings.Contains(end, "://\x00") || strings.Contains(end, "://") && at(end) == "" || strings.Count(at(end), "/") < 3 && strings.Contains(end, "\x00") {
			return "", "", true // the bucket is not known
		}
	}
	return at(ends[1]), at(ends[2]), true
}

// bare are long options of those programs that take no value.
var bare = []string{"--recursive", "--quiet", "--delete", "--only-show-errors", "--no-progress", "--exact-timestamps", "--size-only", "--dryrun", "--no-sign-request", "--follow-symlinks", "--no-follow-symlinks", "--force-glacier-transfer"}
