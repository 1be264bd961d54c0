package terraform

import "encoding/json"

// again finds a member that one object of a JSON value has more than once, whatever the
// letters are escaped as, and where its second name ends; -1 if none has. Terraform
// never writes one: of two values a reader takes the one or the other, and what was
// looked at here would not be what is done. The value must be valid JSON.
func again(value []byte) (name string, at int) {
	var objects []map[string]struct{} // those that are open; nil for a list
	named := false                    // the next text names a member
	for i := 0; i < len(value); i++ {
		switch c := value[i]; c {
		case '{':
			objects, named = append(objects, map[string]struct{}{}), true
		case '[':
			objects, named = append(objects, nil), false
		case '}', ']':
			objects, named = objects[:len(objects)-1], false
		case ',':
			named = objects[len(objects)-1] != nil
		case '"':
			from, escaped := i, false
			for i++; value[i] != '"'; i++ {
				if value[i] == '\\' {
					escaped = true
					i++
				}
			}
			if !named {
				continue
			}
			named = false
			text := string(value[from+1 : i])
			if escaped {
				_ = json.Unmarshal(value[from:i+1], &text)
			}
			open := objects[len(objects)-1]
			if _, had := open[text]; had {
				return text, i + 1
			}
			open[text] = struct{}{}
		}
	}
	return "", -1
}
