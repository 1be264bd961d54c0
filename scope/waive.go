package scope

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// WaiverLine writes a waiver as one item of gate.waivers.
func WaiverLine(w finding.Waiver) string {
	line := fmt.Sprintf("- {criterion: %q, workload: %s, reason: %s, owner: %s, expires: %s", w.Criterion, quoted(w.Workload), quoted(w.Reason), quoted(w.Owner), w.Expires)
	if w.Signature != "" {
		line += ", signature: " + quoted(w.Signature)
	}
	return line + "}"
}

// quoted writes a string as a double-quoted YAML scalar; JSON's are such.
func quoted(s string) string {
	text, _ := json.Marshal(s) // a string always can
	return string(text)
}

// AddWaiver returns the text of a scope file with a waiver added, all else left
// as it is written. name is what messages call the file. It is an error if the
// text has no place where a line can be added: the waiver then has to be put
// there by hand.
func AddWaiver(name string, text []byte, w finding.Waiver) ([]byte, error) {
	before, err := Parse(name, text)
	if err != nil {
		return nil, err
	}
	out, err := insertWaiver(text, WaiverLine(w))
	if err != nil {
		return nil, err
	}
	after, err := Parse(name, out)
	if err != nil || !slices.Equal(after.Gate.Waivers, append(slices.Clone(before.Gate.Waivers), w)) {
		return nil, errNoPlace
	}
	return out, nil
}

var errNoPlace = errors.New("gate.waivers is not written as a list of lines, one can not be added to it")

func insertWaiver(text []byte, line string) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(bytes.Clone(text), '\n')
	}
	if len(doc.Content) == 0 {
		return fmt.Appendf(bytes.Clone(text), "gate:\n  waivers:\n    %s\n", line), nil
	}
	root := doc.Content[0]
	gate := member(root, "gate")
	if gate == nil {
		if root.Style&yaml.FlowStyle != 0 {
			return nil, errNoPlace
		}
		return fmt.Appendf(bytes.Clone(text), "gate:\n  waivers:\n    %s\n", line), nil
	}
	if gate.Kind != yaml.MappingNode || gate.Style&yaml.FlowStyle != 0 || len(gate.Content) == 0 {
		return nil, errNoPlace
	}
	waivers := member(gate, "waivers")
	if waivers == nil {
		indent := strings.Repeat(" ", gate.Content[0].Column-1)
		return insertLines(text, lastLine(gate), indent+"waivers:", indent+"  "+line), nil
	}
	if waivers.Kind != yaml.SequenceNode || waivers.Style&yaml.FlowStyle != 0 || len(waivers.Content) == 0 {
		return nil, errNoPlace
	}
	lines := strings.Split(string(text), "\n")
	first := lines[waivers.Content[0].Line-1]
	return insertLines(text, lastLine(waivers), first[:max(0, strings.IndexByte(first, '-'))]+line), nil
}

// member returns the value of a key in a mapping, nil if it has none.
func member(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// lastLine is the number of the last line on which something of n begins.
func lastLine(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, lastLine(c))
	}
	return last
}

// insertLines puts lines after the line with a number, from 1.
func insertLines(text []byte, after int, more ...string) []byte {
	lines := strings.Split(string(text), "\n")
	return []byte(strings.Join(slices.Insert(lines, after, more...), "\n"))
}
