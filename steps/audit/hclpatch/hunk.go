package hclpatch

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// context is how many lines that stay are shown on either side of a change.
const context = 3

// header is the first line of a block, or an empty one: it says nothing of what
// is in it.
var header = regexp.MustCompile(`^[a-z]+( +"?[A-Za-z0-9_-]+"?){0,2} *\{ *\}?\s*$`)

// piece is a run of lines that an edit may have changed: those of a block and of
// what was put behind it, before and after. What lies between two pieces stays.
type piece struct {
	aFrom, aTo int // lines before
	bFrom, bTo int // lines after
}

// change is a run of lines within a piece that was replaced.
type change struct {
	piece
	within piece
}

// diff is the change of a file as a unified diff, empty if there is none. Lines
// that stay are shown only within the blocks that the edits are of: what stands
// beside them is nobody's business, and may be a secret. One line more is shown
// where a change ends with its block, or no tool would find the place. tail is
// put at the end of the file besides.
func diff(file string, before, after, tail []byte, edits []Edit) (string, error) {
	if len(tail) > 0 && len(after) > 0 && !bytes.HasSuffix(after, []byte("\n")) {
		after = append(slices.Clip(after), '\n')
	}
	a, b := lines(before), lines(slices.Concat(after, tail))
	if slices.Equal(a, b) {
		return "", nil
	}
	pieces, err := piecesOf(file, before, after, edits)
	if err != nil {
		return "", err
	}
	if n := len(lines(after)); len(tail) > 0 {
		end := piece{len(a), len(a), n, len(b)}
		if last := len(a) - 1; last >= 0 && (harmless(a[last]) || a[last] != b[n-1]) {
			end.aFrom, end.bFrom = last, n-1
		}
		if k := len(pieces) - 1; k >= 0 && end.aFrom < pieces[k].aTo {
			pieces[k].aTo, pieces[k].bTo = end.aTo, end.bTo
		} else {
			pieces = append(pieces, end)
		}
	}
	hunks, err := hunksOf(a, b, pieces)
	if err != nil || len(hunks) == 0 {
		return "", err
	}
	from := "a/" + file
	if before == nil {
		from = "/dev/null"
	}
	return fmt.Sprintf("--- %s\n+++ b/%s\n%s", from, file, strings.Join(hunks, "")), nil
}

// harmless reports whether a line says nothing that could be a secret.
func harmless(line string) bool {
	line = strings.TrimSpace(line)
	return line == "" || line == "}" || header.MatchString(line)
}

// piecesOf are the blocks that edits are of, in the order of the file.
func piecesOf(file string, before, after []byte, edits []Edit) ([]piece, error) {
	var out []piece
	seen := map[string]bool{}
	for i := range edits {
		e := &edits[i]
		if seen[e.title()] {
			continue
		}
		seen[e.title()] = true
		from, to, err := e.find(file, before)
		if err != nil {
			// It was put there by another edit, and is part of that one's piece.
			continue
		}
		start, _, err := e.find(file, after)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.title(), err)
		}
		out = append(out, piece{aFrom: lineAt(before, from), aTo: lineAt(before, to) + 1, bFrom: lineAt(after, start)})
	}
	slices.SortFunc(out, func(x, y piece) int { return x.aFrom - y.aFrom })
	aLines, bLines := len(lines(before)), len(lines(after))
	for i := range out {
		next, there := aLines, bLines
		if i+1 < len(out) {
			next, there = out[i+1].aFrom, out[i+1].bFrom
		}
		out[i].bTo = there - (next - out[i].aTo)
	}
	return out, nil
}

func lineAt(text []byte, offset int) int { return bytes.Count(text[:offset], []byte("\n")) }

// hunksOf shows what changed within the pieces.
func hunksOf(a, b []string, pieces []piece) ([]string, error) {
	var out []string
	var run []change // those that one hunk shows
	for _, p := range pieces {
		for _, c := range changes(a, b, p) {
			if n := len(run); n > 0 && c.aFrom-run[n-1].aTo > 2*context || n > 0 && c.within != run[n-1].within && !near(a, run[n-1], c) {
				h, err := hunk(a, b, run)
				if err != nil {
					return nil, err
				}
				out, run = append(out, h), nil
			}
			run = append(run, c)
		}
	}
	if len(run) == 0 {
		return out, nil
	}
	h, err := hunk(a, b, run)
	return append(out, h), err
}

// near reports whether the hunks of two changes in two blocks would touch.
func near(a []string, c, next change) bool {
	_, stop := shown(a, c, c)
	from, _ := shown(a, next, next)
	return from <= stop
}

// shown are the lines that a hunk from one change to another shows.
func shown(a []string, first, last change) (from, stop int) {
	from = min(max(first.aFrom-context, first.within.aFrom, 0), first.aFrom)
	stop = max(last.aTo, min(last.aTo+context, last.within.aTo))
	if stop == last.aTo && stop < len(a) {
		stop++
	}
	return from, stop
}

var errBeside = errors.New("a patch would show what stands behind the resource; put an empty line there")

func all(list []string, is func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !is(s) })
}

// hunk is one hunk that shows some changes.
func hunk(a, b []string, run []change) (string, error) {
	first, last := run[0], run[len(run)-1]
	from, stop := shown(a, first, last)
	if stop > last.within.aTo && last.aTo < len(a) && !harmless(a[stop-1]) {
		return "", errBeside
	}
	for i, c := range run[1:] {
		if gap := a[min(run[i].within.aTo, c.within.aFrom):c.within.aFrom]; c.within != run[i].within && !all(gap, harmless) {
			return "", errBeside
		}
	}
	start := first.bFrom - (first.aFrom - from)
	end := last.bTo + (stop - last.aTo)
	var text strings.Builder
	put := func(mark string, part []string) {
		for _, l := range part {
			text.WriteString(mark + l)
			if !strings.HasSuffix(l, "\n") {
				text.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	fmt.Fprintf(&text, "@@ -%s +%s @@\n", span(from, stop-from), span(start, end-start))
	at := from
	for _, c := range run {
		put(" ", a[at:c.aFrom])
		put("-", a[c.aFrom:c.aTo])
		put("+", b[c.bFrom:c.bTo])
		at = c.aTo
	}
	put(" ", a[at:stop])
	return text.String(), nil
}

// maxTable bounds the comparison of one piece, in lines squared; a larger one is
// shown as one change.
const maxTable = 4 << 20

// changes are the lines of a piece that differ, by the longest common run of
// those that do not.
func changes(a, b []string, p piece) []change {
	x, y := a[p.aFrom:p.aTo], b[p.bFrom:p.bTo]
	head := 0
	for head < len(x) && head < len(y) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < len(x)-head && tail < len(y)-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	x, y = x[head:len(x)-tail], y[head:len(y)-tail]
	at := piece{p.aFrom + head, p.aFrom + head, p.bFrom + head, p.bFrom + head}
	if len(x)*len(y) > maxTable {
		at.aTo, at.bTo = at.aFrom+len(x), at.bFrom+len(y)
		return []change{{at, p}}
	}
	common := table(x, y)
	var out []change
	flush := func() {
		if at.aTo > at.aFrom || at.bTo > at.bFrom {
			out = append(out, change{at, p})
		}
	}
	for i, j := 0, 0; i < len(x) || j < len(y); {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			flush()
			i, j = i+1, j+1
			at = piece{p.aFrom + head + i, p.aFrom + head + i, p.bFrom + head + j, p.bFrom + head + j}
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			i, at.aTo = i+1, at.aTo+1
		default:
			j, at.bTo = j+1, at.bTo+1
		}
	}
	flush()
	return out
}

// table holds how many lines two texts have in common from each pair of places
// on.
func table(x, y []string) [][]int32 {
	out := make([][]int32, len(x)+1)
	for i := range out {
		out[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				out[i][j] = out[i+1][j+1] + 1
			} else {
				out[i][j] = max(out[i+1][j], out[i][j+1])
			}
		}
	}
	return out
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
