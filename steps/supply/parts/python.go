package parts

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var pyRun = regexp.MustCompile(`[-_.]+`)

// PyName is a name as PyPI compares it. Source: PEP 503.
func PyName(name string) string { return strings.ToLower(pyRun.ReplaceAllString(name, "-")) }

// requirement matches a line of PEP 508, as far as a bill needs it: name, extras,
// specifiers or a direct reference.
var requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(@\s*\S+|\(?[^;#]*\)?)?`)

// requirements reads requirements.txt and what pip freeze prints.
func requirements(f *file) error {
	carried, from := "", 0
	return f.each(func(n int, line string) {
		if carried != "" {
			line, n, carried = carried+line, from, ""
		}
		if strings.HasSuffix(line, "\\") {
			carried, from = strings.TrimSuffix(line, "\\")+" ", n
			return
		}
		if i := strings.Index(line, " #"); i >= 0 {
			line = line[:i]
		}
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "-e ") || strings.HasPrefix(line, "--editable"):
			f.direct(strings.TrimSpace(line[strings.IndexAny(line, " =")+1:]), n)
		case strings.HasPrefix(line, "--extra-index-url"):
			f.notice("extra-index", Medium, n, "", "CWE-427", "pip asks this index beside the first for every name: whoever registers a private name there is installed (dependency confusion)")
		case strings.HasPrefix(line, "--index-url http://") || strings.HasPrefix(line, "-i http://") || strings.HasPrefix(line, "--trusted-host"):
			f.notice("index-without-tls", High, n, "", "CWE-494", "packages are fetched without a checked certificate")
		case line[0] == '-':
			f.included(line, n)
		case strings.Contains(line, "://") && !strings.Contains(line, "@ ") && !requirementWithReference(line):
			f.direct(line, n)
		default:
			f.requirementLine(line, n)
		}
	})
}

// included tells of a file that this one includes and that nothing reads by itself.
func (f *file) included(line string, n int) {
	for _, flag := range []string{"-r", "--requirement", "-c", "--constraint"} {
		rest, ok := strings.CutPrefix(line, flag)
		name := strings.TrimSpace(strings.TrimPrefix(rest, "="))
		if !ok || name == "" || flag == "-r" && rest == name && strings.HasPrefix(name, "-") {
			continue
		}
		switch {
		case strings.HasPrefix(name, "-"):
		case strings.Contains(name, "://"):
			f.problem("line %d includes %s, which is elsewhere", n, clip(withoutUser(name), 80))
		case flag[len(flag)-1] != 'c' && flag != "--constraint" && !Wanted(path.Join(path.Dir(f.path), name)):
			f.problem("line %d includes %s, whose name does not say that it is one of requirements", n, clip(name, 80))
		}
		return
	}
}

func requirementWithReference(line string) bool {
	at := strings.IndexByte(line, '@')
	return at > 0 && at < strings.Index(line, "://")
}

func (f *file) requirementLine(line string, n int) {
	m := requirement.FindStringSubmatch(line)
	if m == nil {
		f.problem("line %d is no requirement: %s", n, clip(line, 60))
		return
	}
	spec := strings.Trim(strings.TrimSpace(m[2]), "()")
	spec, hashes, _ := strings.Cut(spec, " --")
	spec = strings.TrimSpace(spec)
	if ref, ok := strings.CutPrefix(spec, "@"); ok {
		f.reference(m[1], strings.TrimSpace(ref), n)
		return
	}
	p := Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(m[1])}
	if v, ok := strings.CutPrefix(spec, "==="); ok {
		p.Version, p.Pinned = strings.TrimSpace(v), true
	} else if v, ok := strings.CutPrefix(spec, "=="); ok && !strings.Contains(v, ",") && !strings.HasSuffix(v, ".*") {
		p.Version, p.Pinned = strings.TrimSpace(v), true
	} else if spec != "" {
		p.Facts = map[string]string{"range": spec}
	}
	if _, sum, ok := strings.Cut(hashes, "sha256:"); ok {
		p.Facts = map[string]string{"hash": "sha256:" + strings.Fields(sum)[0]}
	}
	f.add(p, n)
}

// reference is a package fetched from where the file says.
func (f *file) reference(name, ref string, n int) {
	p := Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(name), Facts: map[string]string{"url": withoutUser(ref)}}
	if i := strings.LastIndexByte(ref, '@'); commit.MatchString(ref[i+1:]) {
		p.Pinned, p.Facts["commit"] = true, ref[i+1:][:40]
	}
	f.add(p, n)
	if strings.HasPrefix(ref, "git+http://") || strings.HasPrefix(ref, "http://") {
		f.notice("index-without-tls", High, n, name, "CWE-494", "%s is fetched without a checked certificate", name)
	}
}

func (f *file) direct(ref string, n int) {
	if name, ok := strings.CutPrefix(ref, "."); ok && !strings.Contains(name, "://") {
		return // the project itself
	}
	u, err := url.Parse(ref)
	if err != nil {
		return
	}
	name := path.Base(strings.TrimSuffix(u.Path, ".git"))
	if at := strings.IndexByte(name, '@'); at > 0 {
		name = strings.TrimSuffix(name[:at], ".git")
	}
	if egg, ok := strings.CutPrefix(u.Fragment, "egg="); ok {
		name = egg
	}
	f.reference(name, ref, n)
}

var commit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?(#.*)?$`)

// withoutUser leaves the user and the password out of a URL: a token in a
// requirement is a secret.
func withoutUser(ref string) string {
	u, err := url.Parse(ref)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}

// tomlLock reads the [[package]] tables of a lock file that a tool wrote. It knows
// just so much TOML as these tools write.
func tomlLock(ecosystem string) reader {
	return shaped("lock file", lockSign, func(f *file) error {
		var name, version, source string
		at, seen, inside, long := 0, 0, false, ""
		flush := func() {
			if inside && name != "" {
				seen++
				local := strings.Contains(source, "editable") || strings.Contains(source, "virtual") || strings.Contains(source, "directory") || ecosystem == "crates.io" && source == ""
				if ecosystem == "PyPI" {
					name = PyName(name)
				}
				if !local {
					f.pkg(ecosystem, name, version, true, at)
				}
			}
			name, version, source = "", "", ""
		}
		err := f.each(func(n int, line string) {
			line = strings.TrimSpace(line)
			// A text of several lines may hold anything, keys among it.
			if long != "" {
				if strings.Contains(line, long) {
					long = ""
				}
				return
			}
			for _, quotes := range []string{`"""`, "'''"} {
				if strings.Count(line, quotes) == 1 && !strings.HasPrefix(line, "#") {
					long = quotes
					return
				}
			}
			switch {
			case line == "[[package]]" || line == "[[packages]]":
				flush()
				inside, at = true, n
			case strings.HasPrefix(line, "["):
				if inside && (line == "[package.source]" || line == "[packages.vcs]") {
					return
				}
				flush()
				inside = false
			case inside:
				key, value, ok := strings.Cut(line, "=")
				if !ok {
					return
				}
				value = strings.TrimSpace(value)
				switch strings.TrimSpace(key) {
				case "name":
					name = unquote(value)
				case "version":
					version = unquote(value)
				case "source":
					source = value
				}
			}
		})
		flush()
		if err == nil && seen == 0 && strings.Contains(string(f.data), "[[package") {
			return errors.New("its packages have no names")
		}
		return err
	})
}

func unquote(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

func pipfileLock(f *file) error {
	var lock struct {
		Default, Develop map[string]struct {
			Version string `json:"version"`
			Git     string `json:"git"`
			Ref     string `json:"ref"`
		}
	}
	if err := f.decode(&lock); err != nil {
		return err
	}
	for name, p := range lock.Default {
		f.pkg("PyPI", PyName(name), strings.TrimPrefix(p.Version, "=="), true, 0)
	}
	for name, p := range lock.Develop {
		f.add(Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(name), Version: strings.TrimPrefix(p.Version, "=="), Pinned: true, Facts: map[string]string{"dev": "true"}}, 0)
	}
	return nil
}

// wheelMetadata reads the METADATA of an installed distribution.
func wheelMetadata(f *file) error {
	if !strings.Contains(f.path, ".dist-info") && !strings.Contains(f.path, ".egg-info") {
		return nil
	}
	p := Part{Kind: Package, Ecosystem: "PyPI", Pinned: true}
	done := false
	err := f.each(func(_ int, line string) {
		if line == "" {
			done = true
		}
		key, value, ok := strings.Cut(line, ": ")
		if done || !ok {
			return
		}
		switch key {
		case "Name":
			p.Name = PyName(value)
		case "Version":
			p.Version = value
		case "License-Expression":
			p.Licences = []string{value}
		case "License":
			if len(p.Licences) == 0 && len(value) < 60 {
				p.Licences = []string{value}
			}
		}
	})
	if err == nil && (p.Name == "" || p.Version == "") {
		err = errors.New("it names no distribution and version")
	}
	if err == nil {
		f.add(p, 0)
	}
	return err
}

// condaEnvironment reads environment.yml: conda's own packages, and pip's below.
func condaEnvironment(f *file) error {
	var env struct {
		Dependencies []yaml.Node `yaml:"dependencies"`
	}
	if err := yaml.Unmarshal(f.data, &env); err != nil {
		return err
	}
	for _, d := range env.Dependencies {
		if d.Kind == yaml.ScalarNode {
			name, version := d.Value, ""
			if i := strings.LastIndex(name, "::"); i >= 0 {
				name = name[i+2:]
			}
			pinned := false
			if i := strings.IndexAny(name, "=<>! "); i >= 0 {
				spec := name[i:]
				name = name[:i]
				if parts := strings.Split(strings.TrimLeft(spec, "= "), "="); strings.HasPrefix(spec, "=") && !strings.ContainsAny(spec, "*<>!,") {
					version, pinned = parts[0], true
				}
			}
			f.pkg("conda", strings.ToLower(name), version, pinned, d.Line)
			continue
		}
		var pip struct {
			Pip []yaml.Node `yaml:"pip"`
		}
		if err := d.Decode(&pip); err != nil {
			return err
		}
		for _, line := range pip.Pip {
			if !strings.HasPrefix(line.Value, "-") {
				f.requirementLine(line.Value, line.Line)
			}
		}
	}
	return nil
}

func condaLock(f *file) error {
	var lock struct {
		Package []struct {
			Name, Version, Manager string
		} `yaml:"package"`
	}
	if err := yaml.Unmarshal(f.data, &lock); err != nil {
		return err
	}
	for _, p := range lock.Package {
		if p.Manager == "pip" {
			f.pkg("PyPI", PyName(p.Name), p.Version, true, 0)
		} else {
			f.pkg("conda", strings.ToLower(p.Name), p.Version, true, 0)
		}
	}
	return nil
}
