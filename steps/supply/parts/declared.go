package parts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// What a project declares is what it is made of only where no lock file says more:
// Settle leaves a declared part out beside one of its name that is installed or locked.

// oneVersion is a version and no range.
var oneVersion = regexp.MustCompile(`^v?\d+(\.\d+)+([-+.][0-9A-Za-z.+-]+)?$`)

func (f *file) declare(p Part, line int) {
	if p.Facts == nil {
		p.Facts = map[string]string{}
	}
	p.Facts["declared"] = "true"
	f.add(p, line)
}

// projectPackage reads the dependencies that a project's package.json declares.
func projectPackage(f *file) error {
	var project struct {
		Dependencies, OptionalDependencies, DevDependencies map[string]any
	}
	if err := json.Unmarshal(bytes.TrimPrefix(f.data, []byte("\xef\xbb\xbf")), &project); err != nil {
		return placed(f.data, err)
	}
	for _, list := range []map[string]any{project.Dependencies, project.OptionalDependencies, project.DevDependencies} {
		for name, spec := range list {
			text, _ := spec.(string)
			p := Part{Kind: Package, Ecosystem: "npm", Name: name, Facts: map[string]string{}}
			switch {
			case oneVersion.MatchString(text):
				p.Version, p.Pinned = strings.TrimPrefix(text, "v"), true
			case strings.HasPrefix(text, "file:") || strings.HasPrefix(text, "link:") || strings.HasPrefix(text, "workspace:"):
				continue // the project's own
			case strings.Contains(text, "://"):
				p.Facts["url"] = withoutUser(text)
			case strings.HasPrefix(text, "npm:"):
				if i := strings.LastIndexByte(text, '@'); i > len("npm:") {
					p.Name = text[len("npm:"):i]
				}
			}
			if _, dev := project.DevDependencies[name]; dev {
				p.Facts["dev"] = "true"
			}
			f.declare(p, 0)
		}
	}
	return nil
}

var tomlText = regexp.MustCompile(`"([^"\\]*)"|'([^']*)'`)

// pyProject reads the dependencies that pyproject.toml declares, as PEP 621 and as
// poetry have them. It knows just so much TOML.
func pyProject(f *file) error {
	if bytes.IndexByte(f.data, 0) >= 0 || !utf8.Valid(f.data) {
		return fmt.Errorf("it is no text, and so no pyproject.toml")
	}
	table, inside := "", false
	from := len(f.out.Parts)
	err := f.each(func(n int, line string) {
		line = strings.TrimSpace(line)
		key, value, assigned := strings.Cut(line, "=")
		key = strings.Trim(strings.TrimSpace(key), `"'`)
		switch {
		case line == "" || line[0] == '#':
		case !inside && strings.HasPrefix(line, "["):
			table = strings.Trim(line, "[]")
		case !inside && table == "project" && assigned && key == "dependencies":
			inside = true
			line = value
			fallthrough
		case inside:
			plain := tomlText.ReplaceAllString(line, "")
			if i := strings.IndexByte(plain, '#'); i >= 0 && !strings.ContainsAny(plain[:i], "]") && tomlText.FindString(line) == "" {
				return
			}
			for _, m := range tomlText.FindAllStringSubmatch(line, -1) {
				if text := m[1] + m[2]; text != "" {
					f.requirementLine(text, n)
				}
			}
			inside = !strings.Contains(plain, "]")
		case table == "tool.poetry.dependencies" && assigned && key != "python":
			text := ""
			if m := tomlText.FindStringSubmatch(value); m != nil {
				text = m[1] + m[2]
			}
			p := Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(key)}
			if oneVersion.MatchString(strings.TrimPrefix(text, "==")) {
				p.Version, p.Pinned = strings.TrimPrefix(text, "=="), true
			}
			if !strings.Contains(value, "path") {
				f.add(p, n)
			}
		}
	})
	for i := from; i < len(f.out.Parts); i++ {
		if f.out.Parts[i].Facts == nil {
			f.out.Parts[i].Facts = map[string]string{}
		}
		f.out.Parts[i].Facts["declared"] = "true"
	}
	return err
}
