package assess

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/steps/audit/hclpatch"
)

// SizedTerraform writes a proposal for Terraform: where one resource of the sources
// holds all of today's policies, as the diff of the file it is written in, else as
// blocks to be put there, with what they replace named before them.
func SizedTerraform(s *access.Sized, sources []string, controls *control.Set) (string, error) {
	if s.Decision != "proved" || strings.HasPrefix(s.Principal, "k8s://") {
		return "", nil
	}
	at, _ := writtenIn(sources, controls.Variables())
	var notes []string
	if len(s.Policies) == 1 && len(s.Sources) == 1 {
		for _, w := range slices.Concat(at[s.Sources[0]], at[s.Principal]) {
			if w.typ != "aws_iam_policy" && w.typ != "aws_iam_role_policy" && w.typ != "aws_iam_user_policy" {
				continue
			}
			text, err := encoded(s.Policies[0])
			if err != nil {
				return "", err
			}
			m, ok := w.mend(hclpatch.Edit{Set: map[string]string{"policy": text}}, nil, "access rightsize")
			if !ok {
				notes = append(notes, w.address+" holds it; its source was not found beside "+w.root.source)
				continue
			}
			p, err := w.root.tree.Combine(m)
			switch {
			case err != nil:
				notes = append(notes, w.address+": "+err.Error())
			case p.Left[0] != nil:
				notes = append(notes, w.address+": "+p.Left[0].Error())
			case hides(p.Diff):
				notes = append(notes, w.address+": a diff would show a secret that stands beside the change")
			default:
				return commented(append([]string{"for git apply, or patch -p1, in " + w.root.folder}, p.Notes...)) + p.Diff, nil
			}
		}
	}
	for _, src := range append([]string{s.Principal}, s.Sources...) {
		for _, w := range at[src] {
			notes = append(notes, "it takes the place of what "+w.address+" gives")
		}
	}
	blocks, err := s2blocks(s)
	return commented(slices.Compact(notes)) + blocks, err
}

// s2blocks are resources that make the policies and attach them.
func s2blocks(s *access.Sized) (string, error) {
	arn, ok := aws.ParseARN(s.Principal)
	if !ok {
		return "", nil
	}
	kind := "role"
	if strings.HasPrefix(arn.Resource, "user/") {
		kind = "user"
	}
	var b strings.Builder
	for i, doc := range s.Policies {
		text, err := encoded(doc)
		if err != nil {
			return "", err
		}
		label := labelOf(s.Names[i])
		fmt.Fprintf(&b, "resource \"aws_iam_policy\" %q {\n  name   = %s\n  policy = %s\n}\n\nresource \"aws_iam_%s_policy_attachment\" %q {\n  %s       = %s\n  policy_arn = aws_iam_policy.%s.arn\n}\n\n",
			label, quoted(s.Names[i]), strings.ReplaceAll(text, "\n", "\n  "), kind, label, kind, quoted(arn.Name()), label)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// labelOf makes a name one that a resource may bear.
func labelOf(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
}

// quoted writes a text as HCL does: what would be a template stands for itself.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	// JSON spells <, > and & in a way that HCL takes too.
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(string(text))
}

// encoded writes a JSON document as a call of jsonencode.
func encoded(doc json.RawMessage) (string, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("jsonencode(")
	hclOf(&b, v, "")
	b.WriteString(")")
	return b.String(), nil
}

// hclOf writes a value; the members of a policy come in the order people write them.
func hclOf(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteString("{\n")
		order := []string{"Version", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
		keys := slices.SortedFunc(maps.Keys(v), func(x, y string) int {
			i, j := slices.Index(order, x), slices.Index(order, y)
			if i >= 0 && j >= 0 {
				return i - j
			}
			return strings.Compare(x, y)
		})
		for _, k := range keys {
			name := k
			if strings.Trim(k, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
				name = quoted(k)
			}
			fmt.Fprintf(b, "%s  %s = ", indent, name)
			hclOf(b, v[k], indent+"  ")
			b.WriteString("\n")
		}
		b.WriteString(indent + "}")
	case []any:
		if len(v) == 1 {
			if s, ok := v[0].(string); ok {
				b.WriteString("[" + quoted(s) + "]")
				return
			}
		}
		b.WriteString("[\n")
		for _, x := range v {
			b.WriteString(indent + "  ")
			hclOf(b, x, indent+"  ")
			b.WriteString(",\n")
		}
		b.WriteString(indent + "]")
	case string:
		b.WriteString(quoted(v))
	case json.Number:
		b.WriteString(v.String())
	case bool:
		fmt.Fprint(b, v)
	default:
		b.WriteString("null")
	}
}
