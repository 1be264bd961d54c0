// Package parts says what a tree of files is made of: packages from lock files,
// software bills and installed systems, models, data sets, notebooks, the AI
// services that code and configuration call, and the tools that agents are given.
//
// Each file is read on its own, from memory, by its name; nothing is executed,
// fetched or resolved. What a file holds but could not be read to its end is a
// Problem, never nothing: a bill of materials that is silent about a damaged lock
// file would be taken for a complete one.
//
// Why own readers and not a library: three extractors of osv-scalibr 0.5.3 link
// 1,055 packages of others, which costs minutes to compile and most of the start
// time this program is allowed; the formats that matter here are small.
package parts

import (
	"cmp"
	"fmt"
	"go/version"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Kind is what a part is.
type Kind string

// The kinds of part.
const (
	Package  Kind = "package"
	Model    Kind = "model"
	Dataset  Kind = "dataset"
	Service  Kind = "service" // an API that is called, by its host
	Tool     Kind = "tool"    // an MCP server or a tool an agent is given
	Notebook Kind = "notebook"
	Image    Kind = "image"
)

// Place is where a part was seen.
type Place struct {
	Path string `json:"path"`
	Line int    `json:"line,omitempty"` // from 1; 0 where a place has none
}

// Part is one thing that something is made of, or calls.
type Part struct {
	Kind Kind `json:"kind"`
	// Ecosystem as OSV spells it: PyPI, npm, Go, Maven, crates.io, RubyGems,
	// Debian:12, Alpine:v3.20, Red Hat; of models Hugging Face, Ollama.
	Ecosystem string `json:"ecosystem,omitempty"`
	Name      string `json:"name"`
	// Version as the ecosystem writes it; empty where the file leaves it open. Of a
	// model: the revision.
	Version string `json:"version,omitempty"`
	// Pinned says that the version is one version and not a range, and of a model
	// or an image that it is named by content.
	Pinned   bool     `json:"pinned,omitempty"`
	Licences []string `json:"licences,omitempty"`
	SHA256   string   `json:"sha256,omitempty"` // hex
	// Facts are further things said of it: url, base, dev, task, call, ….
	Facts  map[string]string `json:"facts,omitempty"`
	Places []Place           `json:"places"`
}

// Key names a part among all: two of one key are one.
func (p *Part) Key() string {
	return strings.Join([]string{string(p.Kind), p.Ecosystem, p.Name, p.Version}, "\x00")
}

// purlTypes are the package-url types of ecosystems. Source: package-url
// specification, purl-types.
var purlTypes = map[string]string{"PyPI": "pypi", "npm": "npm", "Go": "golang", "Maven": "maven", "crates.io": "cargo", "RubyGems": "gem", "conda": "conda",
	"Debian": "deb/debian", "Ubuntu": "deb/ubuntu", "Alpine": "apk/alpine", "Red Hat": "rpm/redhat", "Rocky Linux": "rpm/rocky", "AlmaLinux": "rpm/almalinux", "NuGet": "nuget", "Packagist": "composer",
	"Hugging Face": "huggingface"}

// PURL is the package URL, "" where its kind has none.
func (p *Part) PURL() string {
	base, release, _ := strings.Cut(p.Ecosystem, ":")
	typ, ok := purlTypes[base]
	if !ok || p.Kind != Package && p.Kind != Model {
		return ""
	}
	var name string
	if p.Ecosystem == "Maven" {
		name = strings.Replace(p.Name, ":", "/", 1)
	} else {
		name = p.Name
	}
	segments := strings.Split(name, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
		segments[i] = strings.ReplaceAll(segments[i], "@", "%40")
	}
	out := "pkg:" + typ + "/" + strings.Join(segments, "/")
	if p.Version != "" {
		out += "@" + strings.ReplaceAll(url.QueryEscape(p.Version), "%3A", ":")
	}
	if release != "" {
		out += "?distro=" + url.QueryEscape(release)
	}
	return out
}

// ParsePURL takes a package URL apart into the ecosystem as OSV spells it, name and
// version.
func ParsePURL(text string) (ecosystem, name, version string, ok bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok {
		return "", "", "", false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, qualifiers, _ := strings.Cut(rest, "?")
	if at := strings.LastIndexByte(rest, '@'); at > 0 {
		rest, version = rest[:at], rest[at+1:]
	}
	typ, name, ok := strings.Cut(strings.Trim(rest, "/"), "/")
	if !ok || name == "" {
		return "", "", "", false
	}
	if name, version = unescape(name), unescape(version); typ == "" {
		return "", "", "", false
	}
	typ = strings.ToLower(typ)
	first, last, namespaced := strings.Cut(name, "/")
	q, _ := url.ParseQuery(qualifiers)
	release := ""
	if d := q.Get("distro"); d != "" {
		release = d[strings.LastIndexByte(d, '-')+1:]
	}
	with := func(base string) string {
		if release == "" {
			return base
		}
		if base == "Alpine" && !strings.HasPrefix(release, "v") {
			if parts := strings.Split(release, "."); len(parts) > 2 {
				release = strings.Join(parts[:2], ".")
			}
			release = "v" + release
		}
		return base + ":" + release
	}
	switch typ {
	case "maven":
		return "Maven", strings.Replace(name, "/", ":", 1), version, true
	case "deb":
		if namespaced && first == "ubuntu" {
			return with("Ubuntu"), last, version, true
		}
		return with("Debian"), name[strings.LastIndexByte(name, '/')+1:], version, true
	case "apk":
		return with("Alpine"), name[strings.LastIndexByte(name, '/')+1:], version, true
	case "rpm":
		for eco, t := range purlTypes {
			if t == "rpm/"+first {
				return eco, last, version, true
			}
		}
		return "Red Hat", name[strings.LastIndexByte(name, '/')+1:], version, true
	case "pypi":
		return "PyPI", PyName(name), version, true
	}
	for eco, t := range purlTypes {
		if t == typ {
			return eco, name, version, true
		}
	}
	return typ, name, version, true
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}

// Severity is how bad a notice is.
type Severity string

// The severities.
const (
	Info     Severity = "info"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Notice is something in a file that makes what it describes less safe.
type Notice struct {
	Rule     string   `json:"rule"` // "torch-load-unsafe"
	Severity Severity `json:"severity"`
	Place    Place    `json:"place"`
	Subject  string   `json:"subject,omitempty"` // the part it is about, by name
	Text     string   `json:"text"`
	CWE      string   `json:"cwe,omitempty"`
}

// Problem is a file that holds parts and could not be read to its end.
type Problem struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Answer is what was read.
type Answer struct {
	Parts    []Part    `json:"parts"`
	Notices  []Notice  `json:"notices"`
	Problems []Problem `json:"problems"`
	// Files counts those that say what something is made of.
	Files int `json:"files"`
	// Vex are what bills say of vulnerabilities: not affected, fixed.
	Vex []Vex `json:"vex,omitempty"`
}

// Vex is one statement on one vulnerability of one product.
type Vex struct {
	ID string `json:"id"` // CVE-…, GHSA-…
	// Product is a package URL; empty: all of what the document describes.
	Product string `json:"product,omitempty"`
	Status  string `json:"status"` // not_affected | fixed | affected | under_investigation
	Why     string `json:"why,omitempty"`
	Place   Place  `json:"place"`
}

// MaxFile is how many bytes of one file are read; larger ones are a Problem.
const MaxFile = 64 << 20

// reader reads one file of one kind.
type reader func(f *file) error

// file is one file being read, and what was found in it.
type file struct {
	path string
	data []byte
	out  *Answer
}

func (f *file) add(p Part, line int) {
	p.Places = []Place{{f.path, line}}
	f.out.Parts = append(f.out.Parts, p)
}

func (f *file) pkg(ecosystem, name, version string, pinned bool, line int) {
	if name = strings.TrimSpace(name); name != "" {
		f.add(Part{Kind: Package, Ecosystem: ecosystem, Name: name, Version: version, Pinned: pinned && version != ""}, line)
	}
}

func (f *file) notice(rule string, severity Severity, line int, subject, cwe, format string, args ...any) {
	f.out.Notices = append(f.out.Notices, Notice{rule, severity, Place{f.path, line}, subject, clip(fmt.Sprintf(format, args...), 300), cwe})
}

func (f *file) problem(format string, args ...any) {
	f.out.Problems = append(f.out.Problems, Problem{f.path, clip(fmt.Sprintf(format, args...), 300)})
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// Wanted reports whether a file of this name may say what something is made of.
func Wanted(name string) bool { return readerOf(name) != nil }

// Read reads one file. Of one that is not Wanted, nothing is said.
func Read(name string, data []byte) Answer {
	var a Answer
	read := readerOf(name)
	if read == nil {
		return a
	}
	f := &file{path: name, data: data, out: &a}
	if len(data) > MaxFile {
		f.problem("longer than %d MiB", MaxFile>>20)
		return a
	}
	a.Files = 1
	if err := read(f); err != nil {
		f.problem("%s", err)
	}
	if len(a.Vex) > 0 && others(name) {
		// Whoever made a package does not say what of it concerns those who use it.
		f.notice("vex-of-others", Low, 0, "", "CWE-345", "%d statements on vulnerabilities come with somebody else's package, and are not followed", len(a.Vex))
		a.Vex = nil
	}
	return a
}

// Add puts another answer behind this one.
func (a *Answer) Add(b Answer) {
	a.Parts = append(a.Parts, b.Parts...)
	a.Notices = append(a.Notices, b.Notices...)
	a.Problems = append(a.Problems, b.Problems...)
	a.Vex = append(a.Vex, b.Vex...)
	a.Files += b.Files
}

// maxPlaces bounds the places kept of one part.
const maxPlaces = 20

// Settle joins parts of one key and puts everything in order, so that two runs over
// the same files give the same answer.
func (a *Answer) Settle() {
	a.settleGo()
	settled := map[string]bool{}
	for i := range a.Parts {
		if p := &a.Parts[i]; p.Kind == Package && p.Facts["declared"] == "" {
			settled[p.Ecosystem+"\x00"+p.Name] = true
		}
	}
	a.Parts = slices.DeleteFunc(a.Parts, func(p Part) bool { return p.Facts["declared"] != "" && settled[p.Ecosystem+"\x00"+p.Name] })
	byKey := map[string]*Part{}
	for i := range a.Parts {
		p := &a.Parts[i]
		k := p.Key()
		one := byKey[k]
		if one == nil {
			byKey[k] = p
			continue
		}
		one.Pinned = one.Pinned || p.Pinned
		one.Places = append(one.Places, p.Places...)
		one.SHA256 = cmp.Or(one.SHA256, p.SHA256)
		one.Licences = append(one.Licences, p.Licences...)
		if len(p.Facts) > 0 && one.Facts == nil {
			one.Facts = map[string]string{}
		}
		for name, value := range p.Facts {
			if one.Facts[name] == "" {
				one.Facts[name] = value
			}
		}
	}
	out := make([]Part, 0, len(byKey))
	for _, k := range slices.Sorted(maps.Keys(byKey)) {
		p := *byKey[k]
		slices.SortFunc(p.Places, comparePlaces)
		p.Places = slices.Compact(p.Places)
		p.Places = p.Places[:min(len(p.Places), maxPlaces)]
		slices.Sort(p.Licences)
		p.Licences = slices.Compact(p.Licences)
		out = append(out, p)
	}
	a.Parts = out
	slices.SortFunc(a.Notices, func(x, y Notice) int {
		return cmp.Or(comparePlaces(x.Place, y.Place), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Text, y.Text))
	})
	a.Notices = slices.Compact(a.Notices)
	slices.SortFunc(a.Problems, func(x, y Problem) int { return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Why, y.Why)) })
	a.Problems = slices.Compact(a.Problems)
	slices.SortFunc(a.Vex, func(x, y Vex) int {
		return cmp.Or(cmp.Compare(x.ID, y.ID), cmp.Compare(x.Product, y.Product), comparePlaces(x.Place, y.Place), cmp.Compare(x.Status, y.Status))
	})
}

// settleGo leaves out what a go.sum says where the go.mod beside it settles it: all, if that
// names every module (since Go 1.17), or else what it names itself.
func (a *Answer) settleGo() {
	whole, named := map[string]bool{}, map[string]bool{}
	for i := range a.Parts {
		p := &a.Parts[i]
		if dir, file := path.Split(p.Places[0].Path); p.Ecosystem == "Go" && file == "go.mod" {
			named[dir+"\x00"+p.Name] = true
			whole[dir] = whole[dir] || p.Name == "stdlib" && version.Compare("go"+p.Facts["go"], "go1.17") >= 0
		}
	}
	a.Parts = slices.DeleteFunc(a.Parts, func(p Part) bool {
		dir, _ := path.Split(p.Places[0].Path)
		return p.Facts["considered"] != "" && (whole[dir] || named[dir+"\x00"+p.Name])
	})
}

func comparePlaces(x, y Place) int {
	return cmp.Or(cmp.Compare(x.Path, y.Path), cmp.Compare(x.Line, y.Line))
}

// readerOf finds the reader by the file's name.
func readerOf(name string) reader {
	name = strings.ReplaceAll(name, "\\", "/")
	base := path.Base(name)
	if i := strings.LastIndexByte(base, '!'); i >= 0 {
		base = base[i+1:]
	}
	lower := strings.ToLower(base)
	if r, ok := byName[lower]; ok {
		if strings.HasPrefix(name, ".git/") || (lower == "metadata" || lower == "readme.md") && others(name) && !strings.Contains(name, ".dist-info/") {
			return nil
		}
		return r
	}
	for _, e := range byPath {
		if strings.HasSuffix("/"+name, e.suffix) {
			return e.read
		}
	}
	if strings.HasSuffix(path.Dir("/"+name), "/var/lib/dpkg/status.d") && !strings.HasSuffix(lower, ".md5sums") {
		return shaped("description of an installed package", controlSign, dpkgPackage) // as distroless images have it
	}
	switch {
	case strings.HasPrefix(lower, "requirements") && (strings.HasSuffix(lower, ".txt") || strings.HasSuffix(lower, ".in")),
		strings.HasSuffix(lower, "-requirements.txt"), strings.HasSuffix(lower, "_requirements.txt"),
		strings.HasSuffix(path.Dir("/"+name), "/requirements") && strings.HasSuffix(lower, ".txt"):
		return requirements
	case strings.HasPrefix(lower, "dockerfile") || strings.HasSuffix(lower, ".dockerfile") || strings.HasPrefix(lower, "containerfile"):
		return shaped("Dockerfile", dockerSign, dockerfile)
	case strings.HasSuffix(lower, ".cdx.json") || strings.HasSuffix(lower, ".spdx.json") || strings.HasSuffix(lower, "vex.json"),
		strings.HasPrefix(lower, "bom") && strings.HasSuffix(lower, ".json"), strings.HasPrefix(lower, "sbom") && strings.HasSuffix(lower, ".json"), strings.HasPrefix(lower, "aibom") && strings.HasSuffix(lower, ".json"):
		return bill
	case strings.HasPrefix(lower, "docker-compose") || strings.HasPrefix(lower, "compose."):
		return yamlFile
	}
	switch path.Ext(lower) {
	case ".jar", ".war", ".ear":
		return jar
	}
	if others(name) && lower != "metadata" {
		return nil
	}
	switch path.Ext(lower) {
	case ".py", ".pyi":
		return source
	case ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".go", ".java", ".kt", ".rb", ".rs", ".cs", ".scala", ".php":
		return source
	case ".ipynb":
		return notebook
	case ".yaml", ".yml":
		return yamlFile
	case ".json":
		return jsonFile
	case ".xml":
		if strings.Contains(lower, "policy") {
			return apimPolicy
		}
	}
	return nil
}

// others reports whether a file is code of a package that was installed, which says
// what that package can do and not what is done here.
func others(name string) bool {
	for _, dir := range []string{"node_modules", "site-packages", "dist-packages", "vendor", ".venv", "venv", ".git", "__pycache__", "usr/lib", "usr/share", "lib/python3"} {
		if strings.HasPrefix(name, dir+"/") || strings.Contains(name, "/"+dir+"/") {
			return true
		}
	}
	return false
}

// byName are the readers of files of one name, in lower case.
var byName = map[string]reader{
	"pipfile.lock": pipfileLock, "poetry.lock": tomlLock("PyPI"), "uv.lock": tomlLock("PyPI"), "pdm.lock": tomlLock("PyPI"), "pylock.toml": tomlLock("PyPI"),
	"package-lock.json": packageLock, "npm-shrinkwrap.json": packageLock, ".package-lock.json": packageLock, "yarn.lock": shaped("yarn.lock", yarnSign, yarnLock), "pnpm-lock.yaml": shaped("pnpm-lock.yaml", pnpmSign, pnpmLock),
	"go.mod": shaped("go.mod", goModSign, goMod), "go.sum": shaped("go.sum", goSumSign, goSum), "cargo.lock": tomlLock("crates.io"), "gemfile.lock": shaped("Gemfile.lock", gemSign, gemfileLock), "pom.xml": pom, "gradle.lockfile": shaped("gradle.lockfile", gradleSign, gradleLock),
	"environment.yml": shaped("environment of conda", condaSign, condaEnvironment), "environment.yaml": shaped("environment of conda", condaSign, condaEnvironment), "conda-lock.yml": shaped("lock of conda", condaSign, condaLock), "metadata": wheelMetadata,
	"composer.lock": composerLock, "packages.lock.json": nugetLock, "bun.lock": bunLock,
	".mcp.json": mcpConfig, "mcp.json": mcpConfig, "claude_desktop_config.json": mcpConfig, "mcp_config.json": mcpConfig, "cline_mcp_settings.json": mcpConfig,
	"package.json": nodePackage, "pyproject.toml": pyProject, "readme.md": modelCard, "adapter_config.json": adapterConfig, "mlmodel": mlModel,
}

// byPath are the readers of files at one path below a root.
var byPath = []struct {
	suffix string
	read   reader
}{{"/var/lib/dpkg/status", shaped("list of installed packages", controlSign, dpkgStatus)}, {"/var/lib/rpm/rpmdb.sqlite", rpmDatabase}, {"/usr/lib/sysimage/rpm/rpmdb.sqlite", rpmDatabase}, {"/var/lib/rpm/rpmdb.sqlite-wal", rpmPending}, {"/usr/lib/sysimage/rpm/rpmdb.sqlite-wal", rpmPending},
	{"/var/lib/rpm/Packages", rpmOther}, {"/var/lib/rpm/Packages.db", rpmOther}, {"/usr/lib/sysimage/rpm/Packages.db", rpmOther},
	{"/lib/apk/db/installed", shaped("list of installed packages", apkSign, apkInstalled)}}
