package parts

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

type npmEntry struct {
	Version  string `json:"version"`
	Name     string `json:"name"`
	Resolved string `json:"resolved"`
	Link     bool   `json:"link"`
	Dev      bool   `json:"dev"`
	Licence  any    `json:"license"`
	// Dependencies are entries in version 1, and ranges of versions since.
	Dependencies json.RawMessage `json:"dependencies"`
}

// packageLock reads package-lock.json of versions 1 to 3.
func packageLock(f *file) error {
	var lock struct {
		Version      int                  `json:"lockfileVersion"`
		Packages     map[string]*npmEntry `json:"packages"`
		Dependencies map[string]*npmEntry `json:"dependencies"`
	}
	if err := f.decode(&lock); err != nil {
		return err
	}
	if lock.Version == 0 && lock.Packages == nil && lock.Dependencies == nil {
		return errors.New("it is no lock of npm: it has no version and no packages")
	}
	for at, e := range lock.Packages {
		i := strings.LastIndex(at, "node_modules/")
		if i < 0 || e == nil || e.Link {
			continue
		}
		name := at[i+len("node_modules/"):]
		if e.Name != "" {
			name = e.Name
		}
		f.npm(name, e)
	}
	if lock.Packages == nil {
		f.npmTree(lock.Dependencies, 0)
	}
	return nil
}

func (f *file) npm(name string, e *npmEntry) {
	if real, ok := strings.CutPrefix(e.Version, "npm:"); ok { // an alias of version 1
		if i := strings.LastIndexByte(real, '@'); i > 0 {
			name, e.Version = real[:i], real[i+1:]
		}
	}
	p := Part{Kind: Package, Ecosystem: "npm", Name: name, Version: e.Version, Pinned: e.Version != ""}
	if l, ok := e.Licence.(string); ok {
		p.Licences = []string{l}
	}
	if e.Dev {
		p.Facts = map[string]string{"dev": "true"}
	}
	if strings.HasPrefix(e.Resolved, "http://") {
		f.notice("index-without-tls", High, 0, name, "CWE-494", "%s is fetched without a checked certificate", name)
	}
	if strings.Contains(e.Version, ":") { // of version 1: where it is from
		p.Facts, p.Version, p.Pinned = map[string]string{"url": withoutUser(e.Version)}, "", commit.MatchString(e.Version[strings.LastIndexByte(e.Version, '#')+1:])
	}
	f.add(p, 0)
}

func (f *file) npmTree(deps map[string]*npmEntry, depth int) {
	if depth > 64 {
		f.problem("dependencies nest deeper than 64")
		return
	}
	for name, e := range deps {
		if e != nil {
			f.npm(name, e)
			var below map[string]*npmEntry
			if len(e.Dependencies) > 0 && json.Unmarshal(e.Dependencies, &below) != nil {
				f.problem("what %s depends on cannot be read", clip(name, 100))
			}
			f.npmTree(below, depth+1)
		}
	}
}

// nodePackage reads an installed package's own package.json, and what that of a project
// declares.
func nodePackage(f *file) error {
	if !strings.Contains("/"+f.path, "/node_modules/") {
		return projectPackage(f)
	}
	var e npmEntry
	if err := f.decode(&e); err != nil {
		return err
	}
	if e.Name != "" && e.Version != "" {
		f.npm(e.Name, &e)
	}
	return nil
}

// yarnLock reads yarn.lock of yarn 1 and of berry.
func yarnLock(f *file) error {
	name, at := "", 0
	return f.each(func(n int, line string) {
		switch {
		case line == "" || line[0] == '#' || strings.HasPrefix(line, "__metadata"):
			name = ""
		case line[0] != ' ':
			spec, _, _ := strings.Cut(strings.Trim(strings.TrimSuffix(line, ":"), `"`), ",")
			name, at = yarnName(strings.Trim(spec, `"`)), n
		case name != "" && strings.HasPrefix(strings.TrimPrefix(line[min(2, len(line)):], `"`), "version"):
			_, version, _ := strings.Cut(line, "version")
			f.pkg("npm", name, strings.Trim(strings.TrimSpace(version), `": `), true, at)
			name = ""
		}
	})
}

// yarnName is the package that an entry is of, an alias's own; "" of what lies in the
// same tree.
func yarnName(spec string) string {
	i := strings.IndexByte(spec[min(1, len(spec)):], '@')
	if i < 0 {
		return spec
	}
	name, from := spec[:i+1], spec[i+2:]
	for _, local := range []string{"workspace:", "link:", "portal:"} {
		if strings.HasPrefix(from, local) {
			return ""
		}
	}
	if real, ok := strings.CutPrefix(from, "npm:"); ok {
		if i := strings.IndexByte(real[min(1, len(real)):], '@'); i >= 0 {
			return real[:i+1]
		}
	}
	return name
}

// pnpmLock reads pnpm-lock.yaml: the keys of packages are NAME@VERSION, in old
// versions /NAME/VERSION.
func pnpmLock(f *file) error {
	var lock struct {
		Packages map[string]yaml.Node `yaml:"packages"`
	}
	if err := yaml.Unmarshal(f.data, &lock); err != nil {
		return err
	}
	for key, node := range lock.Packages {
		var said struct {
			Name    string `yaml:"name"`
			Version string `yaml:"version"`
		}
		_ = node.Decode(&said) // an entry without members says neither
		name, version := pnpmName(key)
		fromElsewhere := strings.ContainsAny(version, ":/") || version == "" || version[0] < '0' || version[0] > '9'
		switch {
		case strings.HasPrefix(key, "file:") || strings.HasPrefix(key, "link:") || strings.HasPrefix(version, "file:") || strings.HasPrefix(version, "link:"):
			// Of the same tree, which is read by itself.
		case said.Name != "" && said.Version != "":
			f.pkg("npm", said.Name, said.Version, true, node.Line)
		case fromElsewhere && said.Version != "" && name != "":
			f.pkg("npm", name, said.Version, true, node.Line)
		case fromElsewhere:
			f.problem("package %q names no version", clip(key, 60))
		default:
			f.pkg("npm", name, version, true, node.Line)
		}
	}
	return nil
}

// pnpmName takes a key apart: NAME@VERSION(PEERS), in old versions /NAME/VERSION_PEERS,
// with the registry's host before it where that is another.
func pnpmName(key string) (name, version string) {
	key, _, _ = strings.Cut(key, "(")
	own := strings.HasPrefix(key, "/")
	key = strings.TrimPrefix(key, "/")
	scope := ""
	if strings.HasPrefix(key, "@") {
		i := strings.IndexByte(key, '/')
		if i < 0 {
			return "", ""
		}
		scope, key = key[:i+1], key[i+1:]
	}
	i := strings.IndexAny(key, "@/")
	if i <= 0 {
		return "", ""
	}
	name, version = scope+key[:i], key[i+1:]
	if key[i] == '@' {
		if strings.Contains(version, ":") {
			return name, version
		}
		version, _, _ = strings.Cut(version, "_")
		return name, version
	}
	if !own && scope == "" && strings.Contains(key[:i], ".") && strings.Contains(version, "/") {
		return pnpmName("/" + version)
	}
	version, _, _ = strings.Cut(version, "_")
	return name, version
}

// goMod reads go.mod, which since Go 1.17 names every module that is linked. The standard
// library is linked as well: of the release that the toolchain line asks for, or else of the
// least that the go line allows. It is not pinned, since a newer one that is there builds.
func goMod(f *file) error {
	var least, toolchain string
	var said int
	block, replaced := "", map[string]string{}
	type need struct {
		path, version string
		line          int
	}
	var needs []need
	err := f.each(func(n int, line string) {
		line, _, _ = strings.Cut(line, "//")
		if block == "" { // a directive's bracket may follow without a blank
			line = strings.Replace(line, "(", " (", 1)
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		case words[0] == ")":
			block = ""
		case block == "" && len(words) == 2 && words[0] == "go":
			least, said = words[1], cmp.Or(said, n)
		case block == "" && len(words) == 2 && words[0] == "toolchain":
			// Some name theirs by a suffix (go1.24.1-acme); "default" names none.
			if v, ok := strings.CutPrefix(words[1], "go"); ok {
				toolchain, _, _ = strings.Cut(v, "-")
				said = n
			}
		case block == "" && len(words) > 2 && (words[0] == "require" || words[0] == "replace"):
			block, words = words[0], words[1:]
			defer func() { block = "" }()
			fallthrough
		default:
			if block == "require" && len(words) >= 2 {
				needs = append(needs, need{words[0], words[1], n})
			}
			if i := strings.Index(line, "=>"); block == "replace" && i > 0 {
				to := strings.Fields(line[i+2:])
				from := words[0]
				if words[1] != "=>" { // one version alone
					from += "@" + words[1]
				}
				replaced[from] = strings.Join(to, "@")
			}
		}
	})
	for _, x := range needs {
		to, ok := replaced[x.path+"@"+x.version]
		if !ok {
			to, ok = replaced[x.path]
		}
		if ok {
			path, version, found := strings.Cut(to, "@")
			if !found {
				continue // a folder of one's own
			}
			x.path, x.version = path, version
		}
		f.pkg("Go", x.path, strings.TrimPrefix(x.version, "v"), true, x.line)
	}
	if v := cmp.Or(toolchain, least); v != "" {
		f.add(Part{Kind: Package, Ecosystem: "Go", Name: "stdlib", Version: v, Facts: map[string]string{"go": least}}, said)
	}
	return err
}

// goSum lists every version that was considered, linked or not; Settle leaves out what
// a go.mod beside it settles.
func goSum(f *file) error {
	return f.each(func(n int, line string) {
		words := strings.Fields(line)
		if len(words) == 3 && !strings.HasSuffix(words[1], "/go.mod") {
			f.add(Part{Kind: Package, Ecosystem: "Go", Name: words[0], Version: strings.TrimPrefix(words[1], "v"), Pinned: true, Facts: map[string]string{"considered": "true"}}, n)
		}
	})
}

func gemfileLock(f *file) error {
	section, remote := "", ""
	return f.each(func(n int, line string) {
		if line != "" && line[0] != ' ' {
			section = line
		}
		if at, ok := strings.CutPrefix(line, "  remote: "); ok {
			remote = at
		}
		if (section == "GEM" || section == "GIT") && strings.HasPrefix(line, "    ") && len(line) > 4 && line[4] != ' ' {
			name, version, ok := strings.Cut(strings.TrimSpace(line), " (")
			if ok {
				version, _, _ = strings.Cut(strings.TrimSuffix(version, ")"), "-")
				p := Part{Kind: Package, Ecosystem: "RubyGems", Name: name, Version: version, Pinned: true}
				if section == "GIT" { // by the revision that stands there
					p.Facts = map[string]string{"url": withoutUser(remote)}
				}
				f.add(p, n)
			}
		}
	})
}

func gradleLock(f *file) error {
	return f.each(func(n int, line string) {
		coordinates, _, ok := strings.Cut(line, "=")
		parts := strings.Split(coordinates, ":")
		if ok && len(parts) == 3 && line[0] != '#' {
			f.pkg("Maven", parts[0]+":"+parts[1], parts[2], true, n)
		}
	})
}

// dpkgStatus reads the installed packages of Debian and what descends from it. The
// release is set by what reads the image: see Release.
func dpkgStatus(f *file) error {
	var name, version, source, status string
	flush := func() {
		if name != "" && strings.Contains(status+" ", " installed ") {
			p := Part{Kind: Package, Ecosystem: "Debian", Name: name, Version: version, Pinned: true}
			if source != "" {
				s, v, ok := strings.Cut(source, " (")
				p.Facts = map[string]string{"source": s}
				if ok {
					p.Facts["sourceVersion"] = strings.TrimSuffix(v, ")")
				}
			}
			f.add(p, 0)
		}
		name, version, source, status = "", "", "", ""
	}
	err := f.each(func(_ int, line string) {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "":
			flush()
		case "Package":
			name = value
		case "Version":
			version = value
		case "Source":
			source = value
		case "Status":
			status = value
		}
	})
	flush()
	return err
}

// dpkgPackage reads one installed package, which has no state of its own.
func dpkgPackage(f *file) error {
	f.data = append([]byte("Status: install ok installed\n"), f.data...)
	return dpkgStatus(f)
}

func apkInstalled(f *file) error {
	var name, version, origin, licence string
	flush := func() {
		if name != "" && version != "" {
			p := Part{Kind: Package, Ecosystem: "Alpine", Name: name, Version: version, Pinned: true}
			if origin != "" {
				p.Facts = map[string]string{"source": origin}
			}
			if licence != "" {
				p.Licences = []string{licence}
			}
			f.add(p, 0)
		}
		name, version, origin, licence = "", "", "", ""
	}
	err := f.each(func(_ int, line string) {
		if line == "" {
			flush()
			return
		}
		if len(line) < 2 || line[1] != ':' {
			return
		}
		switch line[0] {
		case 'P':
			name = line[2:]
		case 'V':
			version = line[2:]
		case 'o':
			origin = line[2:]
		case 'L':
			licence = line[2:]
		}
	})
	flush()
	return err
}

// Release reads /etc/os-release and returns the ecosystem of its packages as OSV
// spells it: "Debian:12", "Alpine:v3.20", "Ubuntu:24.04:LTS" as "Ubuntu:24.04".
func Release(osRelease []byte) (string, error) {
	set := map[string]string{}
	for line := range strings.Lines(string(osRelease)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			set[k] = strings.Trim(v, `"'`)
		}
	}
	version := set["VERSION_ID"]
	major, rest, _ := strings.Cut(version, ".")
	switch set["ID"] {
	case "debian":
		if version == "" {
			return "", errors.New("Debian without a release (testing or unstable)")
		}
		return "Debian:" + major, nil
	case "ubuntu":
		return "Ubuntu:" + version, nil
	case "alpine":
		minor, _, _ := strings.Cut(rest, ".")
		return "Alpine:v" + major + "." + minor, nil
	case "rhel", "centos":
		return "Red Hat:" + major, nil
	case "opensuse-leap":
		return "openSUSE:Leap " + version, nil
	case "azurelinux", "mariner":
		return "Azure Linux:" + major, nil
	case "openEuler":
		return "openEuler:" + version, nil
	case "rocky":
		return "Rocky Linux:" + major, nil
	case "almalinux":
		return "AlmaLinux:" + major, nil
	}
	return "", fmt.Errorf("system %q is not known", set["ID"])
}

// Located sets the release of a system's packages, by its os-release. Where that is
// not known, what they have cannot be told.
func (a *Answer) Located(osRelease []byte) {
	eco, err := "", error(errors.New("no os-release"))
	if osRelease != nil {
		eco, err = Release(osRelease)
	}
	told, some := false, false
	for i := range a.Parts {
		p := &a.Parts[i]
		if p.Kind != Package || p.Ecosystem != "Debian" && p.Ecosystem != "Alpine" && p.Ecosystem != rpmEcosystem {
			continue
		}
		some = true
		if err != nil {
			if !told {
				a.Problems = append(a.Problems, Problem{p.Places[0].Path, "which release its packages are of is not known: " + err.Error()})
				told = true
			}
			p.Ecosystem = ""
			continue
		}
		p.Ecosystem = eco
	}
	if osRelease != nil && !some {
		a.Problems = append(a.Problems, Problem{"etc/os-release", "no list of the packages of this system was found: which it has is not known"})
	}
}
