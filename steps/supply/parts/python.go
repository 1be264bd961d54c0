package parts

import (
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var pyRun = regexp.MustCompile(`[-_.]+`)

// PyName is a name as PyPI compares it. Source: PEP 503.
func PyName(name string) string { return strings.ToLower(pyRun.ReplaceAllString(name, "-")) }

// requirement matches a line of PEP 508, as far as a bill needs it: name, extras,
// specifiers or a direct reference.
var requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(@\s*\S+|\(?[^;#]*\)?)?`)

// pipComment begins at the line's start or behind a blank.
var pipComment = regexp.MustCompile(`(?:^|\s)#.*$`)

// requirements reads requirements.txt and what pip freeze prints. Source: pip's
// documentation, "Requirements File Format".
func requirements(f *file) error {
	carried, from := "", 0
	err := f.each(func(n int, line string) {
		if n == 1 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		comment := strings.HasPrefix(strings.TrimSpace(line), "#") // ends what was carried, and carries nothing
		if carried != "" {
			line, n, carried = carried+" "+line, from, ""
		}
		if strings.HasSuffix(line, "\\") && !comment {
			carried, from = strings.TrimSuffix(line, "\\")+" ", n
			return
		}
		f.pipLine(line, n)
	})
	if carried != "" {
		f.pipLine(carried, from)
	}
	return err
}

// pipOptions are those of a whole file that name no package.
var pipOptions = []string{"-i", "--index-url", "--pypi-url", "--no-index", "-f", "--find-links", "--no-binary", "--only-binary", "--prefer-binary", "--require-hashes", "--pre", "--all-releases", "--only-final", "--use-feature", "--hash", "--config-settings", "-C", "--global-option"}

func (f *file) pipLine(line string, n int) {
	line = strings.TrimSpace(pipComment.ReplaceAllString(line, ""))
	option, _, _ := strings.Cut(strings.Replace(line, "=", " ", 1), " ")
	switch {
	case line == "":
	case option == "-e" || option == "--editable":
		f.direct(strings.TrimSpace(line[strings.IndexAny(line, " =")+1:]), n)
	case option == "--extra-index-url":
		f.notice("extra-index", Medium, n, "", "CWE-427", "pip asks this index beside the first for every name: whoever registers a private name there is installed (dependency confusion)")
	case strings.HasPrefix(line, "--index-url http://") || strings.HasPrefix(line, "--index-url=http://") || strings.HasPrefix(line, "-i http://") || option == "--trusted-host":
		f.notice("index-without-tls", High, n, "", "CWE-494", "packages are fetched without a checked certificate")
	case slices.Contains(pipOptions, option):
	case line[0] == '-':
		if !f.included(line, n) {
			f.problem("line %d: %s is no option of pip's", n, clip(option, 40))
		}
	case strings.HasPrefix(line, ".") || strings.HasPrefix(line, "/"):
		f.localFile(line, n)
	case strings.Contains(line, "://") && !strings.Contains(line, "@ ") && !requirementWithReference(line):
		f.direct(line, n)
	default:
		f.requirementLine(line, n)
	}
}

// wheelName takes the name of a wheel apart. Source: PEP 427.
var wheelName = regexp.MustCompile(`^([A-Za-z0-9](?:[A-Za-z0-9._]*[A-Za-z0-9])?)-([A-Za-z0-9_.!+]+)(?:-[0-9][A-Za-z0-9_.]*)?-[^-]+-[^-]+-[^-]+\.whl$`)

// localFile is a package that lies in the same tree: a folder is read by itself, and of
// a file its name must say what it is.
func (f *file) localFile(line string, n int) {
	at, _, _ := strings.Cut(line, " ")
	at, _, _ = strings.Cut(at, "[")
	switch m := wheelName.FindStringSubmatch(path.Base(at)); {
	case m != nil:
		f.add(Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(m[1]), Version: m[2], Facts: map[string]string{"url": at}}, n)
	case strings.HasSuffix(at, ".whl"), strings.HasSuffix(at, ".zip"), strings.HasSuffix(at, ".gz"), strings.HasSuffix(at, ".bz2"):
		f.problem("line %d: which package %s is cannot be told by its name", n, clip(at, 80))
	}
}

// included tells of a file that this one includes and that nothing reads by itself. It
// reports whether the line includes any.
func (f *file) included(line string, n int) bool {
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
		return true
	}
	return false
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
	spec, hashes, _ := strings.Cut(" "+m[2], " -") // options of this line
	spec = strings.Trim(strings.TrimSpace(spec), "()")
	if ref, ok := strings.CutPrefix(spec, "@"); ok {
		f.reference(m[1], strings.TrimSpace(ref), n)
		return
	}
	p := Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(m[1]), Facts: map[string]string{}}
	exact, pinned := strings.CutPrefix(spec, "==")
	exact = strings.TrimSpace(strings.TrimPrefix(exact, "="))
	switch {
	case spec != "" && !strings.ContainsAny(spec[:1], "=<>!~"), pinned && (exact == "" || !strings.Contains(exact, ",") && strings.ContainsAny(exact, " \t")):
		f.problem("line %d is no requirement: %s", n, clip(line, 60))
	case strings.Contains(spec, "${"): // pip puts a variable of the environment there
		f.problem("line %d: the version of %s is set when it is installed", n, p.Name)
		p.Facts["range"] = spec
	case pinned && !strings.Contains(exact, ",") && !strings.HasSuffix(exact, ".*"):
		p.Version, p.Pinned = exact, true
	case spec != "":
		p.Facts["range"] = spec
	}
	if _, sum, ok := strings.Cut(hashes, "sha256:"); ok && sum != "" && !strings.HasPrefix(sum, " ") {
		p.Facts["hash"] = "sha256:" + strings.Fields(sum)[0]
	}
	if len(p.Facts) == 0 {
		p.Facts = nil
	}
	f.add(p, n)
}

// reference is a package fetched from where the file says.
func (f *file) reference(name, ref string, n int) {
	p := Part{Kind: Package, Ecosystem: "PyPI", Name: PyName(name), Facts: map[string]string{"url": withoutUser(ref)}}
	if i := strings.LastIndexByte(ref, '@'); commit.MatchString(ref[i+1:]) {
		p.Pinned, p.Facts["commit"] = true, ref[i+1:][:40]
	}
	if u, err := url.Parse(ref); err == nil {
		if m := wheelName.FindStringSubmatch(path.Base(u.Path)); m != nil && PyName(m[1]) == p.Name {
			p.Version = m[2]
		}
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
		f.problem("line %d: an address that cannot be read", n)
		return
	}
	name := path.Base(strings.TrimSuffix(u.Path, ".git"))
	if at := strings.IndexByte(name, '@'); at > 0 {
		name = strings.TrimSuffix(name[:at], ".git")
	}
	if m := wheelName.FindStringSubmatch(name); m != nil {
		name = m[1]
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
