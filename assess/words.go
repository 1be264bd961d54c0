package assess

import "strings"

// splitHint takes the hint lines out of an error's text; a hint already known
// goes first.
func splitHint(text, known string) (why, hint string) {
	var whys, hints []string
	if known != "" {
		hints = append(hints, known)
	}
	for _, line := range strings.Split(text, "\n") {
		if h, ok := strings.CutPrefix(strings.TrimSpace(line), "hint:"); ok {
			hints = append(hints, strings.TrimSpace(h))
		} else {
			whys = append(whys, line)
		}
	}
	return strings.Join(whys, "\n"), strings.Join(hints, "; ")
}
