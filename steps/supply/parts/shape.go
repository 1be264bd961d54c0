package parts

import (
	"bytes"
	"fmt"
	"regexp"
	"unicode/utf8"
)

// shaped wraps a reader of lines, which takes whatever it does not know for nothing: a
// file of another shape than its tool writes is an error, not an empty one.
func shaped(what string, sign *regexp.Regexp, read reader) reader {
	return func(f *file) error {
		switch {
		case len(bytes.TrimSpace(f.data)) == 0:
			return nil
		case bytes.IndexByte(f.data, 0) >= 0 || !utf8.Valid(f.data):
			return fmt.Errorf("it is no text, and so no %s", what)
		case !sign.Match(f.data):
			return fmt.Errorf("it is no %s: nothing in it is as one has it", what)
		}
		return read(f)
	}
}

// The signs by which each is known.
var (
	lockSign    = regexp.MustCompile(`(?m)^\s*(\[\[packages?\]\]|\[metadata\]|(lock-)?version\s*=)`)
	yarnSign    = regexp.MustCompile(`(?m)^(# yarn lockfile|__metadata:|"?@?[^\s@"]+@.*:\s*$)`)
	goModSign   = regexp.MustCompile(`(?m)^\s*(module|require|go)\s`)
	goSumSign   = regexp.MustCompile(`(?m)^\S+ v\S+ h1:\S`)
	gemSign     = regexp.MustCompile(`(?m)^(GEM|PATH|GIT|PLATFORMS|DEPENDENCIES)\s*$`)
	gradleSign  = regexp.MustCompile(`(?m)^(empty=|[^#:\s]+:[^:\s]+:[^=\s]+=)`)
	controlSign = regexp.MustCompile(`(?m)^Package: \S`)
	apkSign     = regexp.MustCompile(`(?m)^[CP]:\S`)
	pnpmSign    = regexp.MustCompile(`(?m)^(lockfileVersion|packages|importers):`)
	condaSign   = regexp.MustCompile(`(?m)^(dependencies|name|channels|package):`)
	dockerSign  = regexp.MustCompile(`(?im)^\s*(FROM|ARG|RUN|COPY|#\s*syntax)\b`)
)
