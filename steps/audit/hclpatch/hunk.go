package hclpatch

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// context is how many lines that stay are shown on either side of a change.
const context = 3

// header is the first line of a block: it says nothing but what follows.
var header = regexp.MustCompile(`^[a-z]+( +"?[A-Za-z0-9_-]+"?){0,2} *\{\s*$`)

// hunk is the change of a file as one hunk of a unified diff. Lines that stay
// are shown from first to end only, those of the resources that change: what
// stands beside them is nobody's business, and may be a secret. One line more is
// shown where a change ends with its resource, or no tool would find the place.
func hunk(file string, before, after []byte, first, end int) (string, error) {
	a, b := lines(before), lines(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	// What is put in between two empty lines may as well stand before the first.
	for head == len(a)-tail && head > end && a[head-1] == b[len(b)-tail-1] {
		head, tail = head-1, tail+1
	}
	from, to := max(head-context, first, 0), len(a)-tail
	from = min(from, head)
	stop := max(to, min(to+context, end))
	if stop == to && to < len(a) {
		if next := strings.TrimSpace(a[to]); next != "" && !header.MatchString(next) {
			return "", errors.New("a patch would show what stands behind the resource; put an empty line there")
		}
		stop++
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n@@ -%s +%s @@\n", file, file, span(from, stop-from), span(from, stop-from+len(b)-len(a)))
	for _, part := range []struct {
		mark string
		text []string
	}{{" ", a[from:head]}, {"-", a[head:to]}, {"+", b[head : len(b)-tail]}, {" ", a[to:stop]}} {
		for _, l := range part.text {
			out.WriteString(part.mark + l)
			if !strings.HasSuffix(l, "\n") {
				out.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	return out.String(), nil
}

// span is a range of a hunk's heading: the first line, from 1, and how many.
func span(from, n int) string {
	if n == 0 {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, n)
}

// lines splits a text behind its line breaks.
func lines(text []byte) []string {
	var out []string
	for len(text) > 0 {
		i := bytes.IndexByte(text, '\n') + 1
		if i == 0 {
			i = len(text)
		}
		out = append(out, string(text[:i]))
		text = text[i:]
	}
	return out
}
