package parts

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// composerLock reads composer.lock of PHP. Source: getcomposer.org, "composer.lock".
func composerLock(f *file) error {
	type entry struct {
		Name     string   `json:"name"`
		Version  string   `json:"version"`
		Licences []string `json:"license"`
	}
	var lock struct {
		Packages    []entry `json:"packages"`
		Development []entry `json:"packages-dev"`
	}
	if err := f.decode(&lock); err != nil {
		return err
	}
	if lock.Packages == nil && lock.Development == nil {
		return errors.New("it is no lock of Composer: it has no packages")
	}
	for i, e := range slices.Concat(lock.Packages, lock.Development) {
		if e.Name == "" {
			f.problem("package %d has no name", i+1)
			continue
		}
		// A branch (dev-main, 1.x-dev) moves.
		moves := strings.HasPrefix(e.Version, "dev-") || strings.HasSuffix(e.Version, "-dev")
		p := Part{Kind: Package, Ecosystem: "Packagist", Name: strings.ToLower(e.Name), Version: e.Version, Pinned: e.Version != "" && !moves, Licences: e.Licences}
		if i >= len(lock.Packages) {
			p.Facts = map[string]string{"dev": "true"}
		}
		f.add(p, 0)
	}
	return nil
}

// nugetLock reads packages.lock.json of .NET: what each framework resolves. Source:
// learn.microsoft.com, "Locking dependencies".
func nugetLock(f *file) error {
	var lock struct {
		Dependencies map[string]map[string]struct {
			Type     string `json:"type"`
			Resolved string `json:"resolved"`
		} `json:"dependencies"`
	}
	if err := f.decode(&lock); err != nil {
		return err
	}
	if lock.Dependencies == nil {
		return errors.New("it is no lock of NuGet: it has no dependencies")
	}
	for _, framework := range lock.Dependencies {
		for name, e := range framework {
			if strings.EqualFold(e.Type, "Project") {
				continue // of the same solution
			}
			f.add(Part{Kind: Package, Ecosystem: "NuGet", Name: name, Version: e.Resolved, Pinned: e.Resolved != ""}, 0)
		}
	}
	return nil
}

// bunLock reads bun.lock: JSON with commas before closing brackets. Source: bun.com,
// "Lockfile".
func bunLock(f *file) error {
	var lock struct {
		Packages map[string][]json.RawMessage `json:"packages"`
	}
	if err := json.Unmarshal(withoutCommas(f.data), &lock); err != nil {
		return err
	}
	if lock.Packages == nil {
		return errors.New("it is no lock of Bun: it has no packages")
	}
	for at, e := range lock.Packages {
		var spec string
		if len(e) == 0 || json.Unmarshal(e[0], &spec) != nil {
			f.problem("package %s cannot be read", clip(at, 100))
			continue
		}
		i := strings.LastIndexByte(spec, '@')
		if j := strings.IndexByte(spec[min(1, len(spec)):], '@'); j >= 0 {
			i = j + 1 // an address may hold more of them
		}
		if i <= 0 {
			f.problem("package %s cannot be read", clip(at, 100))
			continue
		}
		name, version := spec[:i], spec[i+1:]
		p := Part{Kind: Package, Ecosystem: "npm", Name: name, Version: version, Pinned: version != ""}
		switch how, _, _ := strings.Cut(version, ":"); {
		case how == version: // from a registry
		case how == "workspace" || how == "link" || how == "file" || how == "root":
			continue // of the same tree, which is read by itself
		default:
			p.Version, p.Facts = "", map[string]string{"url": withoutUser(version)}
			p.Pinned = commit.MatchString(version[strings.LastIndexByte(version, '#')+1:])
		}
		f.add(p, 0)
	}
	return nil
}

// withoutCommas drops commas that stand before a closing bracket, outside of strings.
func withoutCommas(text []byte) []byte {
	out := make([]byte, 0, len(text))
	comma, quoted := -1, false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
			c = text[i]
		case c == '"':
			quoted, comma = !quoted, -1
		case quoted, c == ' ', c == '\n', c == '\r', c == '\t':
		case c == ',':
			comma = len(out)
		case (c == '}' || c == ']') && comma >= 0:
			out[comma] = ' '
			comma = -1
		default:
			comma = -1
		}
		out = append(out, c)
	}
	return out
}
