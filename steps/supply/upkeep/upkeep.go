// Package upkeep keeps what registries, deps.dev and OpenSSF Scorecard say of packages:
// when versions were published, which were withdrawn or deprecated, and whether the
// repository behind them is looked after. It reads their documents as they are and asks
// nobody.
package upkeep

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Book is what is known of packages and repositories.
type Book struct {
	Packages map[string]*Package `json:"packages,omitempty"` // by Key
	Projects map[string]*Project `json:"projects,omitempty"` // by repository: github.com/OWNER/NAME
}

// Package is what is known of one package.
type Package struct {
	Taken    time.Time           `json:"taken"` // the day it was said
	Versions map[string]*Release `json:"versions,omitempty"`
	// Listed says that Versions are all that its registry has.
	Listed     bool   `json:"listed,omitempty"`
	Repository string `json:"repository,omitempty"` // github.com/OWNER/NAME
	// Inactive says that its makers call it so.
	Inactive bool `json:"inactive,omitempty"`
}

// Release is one version. Published is zero where nobody says.
type Release struct {
	Published  time.Time `json:"published,omitzero"`
	Withdrawn  bool      `json:"withdrawn,omitempty"` // yanked
	Deprecated bool      `json:"deprecated,omitempty"`
	Why        string    `json:"why,omitempty"`
}

// Project is what is known of one repository. Score and Maintained are from 0 to 10, -1
// where Scorecard does not say.
type Project struct {
	Taken      time.Time `json:"taken"`
	Score      float64   `json:"score"`
	Maintained float64   `json:"maintained"`
	Archived   bool      `json:"archived,omitempty"`
}

// New is an empty book.
func New() *Book { return &Book{Packages: map[string]*Package{}, Projects: map[string]*Project{}} }

// systems are deps.dev's names of ecosystems, and OSV's.
var systems = map[string]string{"PYPI": "PyPI", "NPM": "npm", "GO": "Go", "MAVEN": "Maven", "CARGO": "crates.io", "RUBYGEMS": "RubyGems", "NUGET": "NuGet"}

// SystemOf is deps.dev's name of an ecosystem as OSV spells it, "" where it has none.
func SystemOf(ecosystem string) string {
	for s, e := range systems {
		if e == ecosystem {
			return s
		}
	}
	return ""
}

// Key names a package: names that its registry takes for one are one.
func Key(ecosystem, name string) string {
	if ecosystem == "PyPI" {
		name = strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(name))
		for strings.Contains(name, "--") {
			name = strings.ReplaceAll(name, "--", "-")
		}
	}
	return ecosystem + ":" + name
}

// Errors of documents.
var (
	errForm  = errors.New("it is no answer of deps.dev (package, version, batch, project), of PyPI or npm, and no result of Scorecard")
	errEmpty = errors.New("it names no package and no repository")
)

type versionKey struct {
	System, Name, Version string
}

// document is any of the forms, told apart by their members.
type document struct {
	// deps.dev: a package, a version, a batch of versions, a project.
	PackageKey       *versionKey
	VersionKey       *versionKey
	Versions         json.RawMessage
	Responses        []struct{ Version json.RawMessage }
	PublishedAt      time.Time
	IsDeprecated     bool
	DeprecatedReason string
	RelatedProjects  []struct {
		ProjectKey   struct{ ID string }
		RelationType string
	}
	Links      []struct{ Label, URL string }
	ProjectKey *struct{ ID string }
	Scorecard  json.RawMessage
	// Scorecard's own.
	Repo   *struct{ Name string }
	Date   string
	Score  *float64
	Checks []check
	// PyPI.
	Info *struct {
		Name, Version string
		Yanked        bool
		YankedReason  string `json:"yanked_reason"`
		Classifiers   []string
		ProjectURLs   map[string]string `json:"project_urls"`
	}
	Releases map[string][]struct {
		Uploaded     time.Time `json:"upload_time_iso_8601"`
		Yanked       bool
		YankedReason string `json:"yanked_reason"`
	}
	// npm.
	Name       string
	Time       map[string]any
	DistTags   json.RawMessage `json:"dist-tags"`
	Repository any
}

type check struct {
	Name   string
	Score  float64
	Reason string
}

// Add reads one document, said on the day given. The error says what is wrong with it.
func (b *Book) Add(text []byte, said time.Time) error {
	text = bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\xef\xbb\xbf"))
	if len(text) > 0 && text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return errors.New("it is no JSON")
		}
		if len(list) == 0 {
			return errEmpty
		}
		for _, one := range list {
			if err := b.Add(one, said); err != nil {
				return err
			}
		}
		return nil
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return errors.New("it is no JSON, or is cut short")
		}
		return errForm
	}
	switch {
	case d.Responses != nil:
		for _, r := range d.Responses {
			if len(r.Version) == 0 || string(r.Version) == "null" {
				continue // deps.dev does not know that version
			}
			if err := b.Add(r.Version, said); err != nil {
				return err
			}
		}
		return nil
	case d.VersionKey != nil:
		return b.version(&d, said)
	case d.PackageKey != nil:
		return b.listed(&d, said)
	case d.ProjectKey != nil:
		return b.project(&d, said)
	case d.Repo != nil && d.Checks != nil:
		return b.scorecard(d.Repo.Name, d.Date, d.Score, d.Checks)
	case d.Info != nil && d.Info.Name != "":
		return b.pypi(&d, said)
	case d.Name != "" && len(d.DistTags) > 0:
		return b.npm(&d, said)
	}
	return errForm
}

// of is the package of a name, whose record becomes the newer one.
func (b *Book) of(ecosystem, name string, said time.Time) (*Package, error) {
	if ecosystem == "" || name == "" {
		return nil, errEmpty
	}
	k := Key(ecosystem, name)
	p := b.Packages[k]
	if p == nil {
		p = &Package{Versions: map[string]*Release{}}
		b.Packages[k] = p
	}
	if p.Versions == nil {
		p.Versions = map[string]*Release{}
	}
	if said.After(p.Taken) {
		p.Taken = said
	}
	return p, nil
}

func (b *Book) version(d *document, said time.Time) error {
	p, err := b.of(systems[strings.ToUpper(d.VersionKey.System)], d.VersionKey.Name, said)
	if err != nil || d.VersionKey.Version == "" {
		return cmp.Or(err, errEmpty)
	}
	p.release(d.VersionKey.Version, Release{Published: d.PublishedAt, Deprecated: d.IsDeprecated, Why: d.DeprecatedReason})
	for _, r := range d.RelatedProjects {
		if r.RelationType == "SOURCE_REPO" && r.ProjectKey.ID != "" {
			p.Repository = strings.ToLower(r.ProjectKey.ID)
		}
	}
	for _, l := range d.Links {
		if p.Repository == "" && l.Label == "SOURCE_REPO" {
			p.Repository = repositoryOf(l.URL)
		}
	}
	return nil
}

// release keeps what is said of a version: what one document knows another may not.
func (p *Package) release(version string, r Release) {
	was := p.Versions[version]
	if was == nil {
		was = &Release{}
		p.Versions[version] = was
	}
	if !r.Published.IsZero() {
		was.Published = r.Published
	}
	was.Withdrawn, was.Deprecated = was.Withdrawn || r.Withdrawn, was.Deprecated || r.Deprecated
	was.Why = cmp.Or(clip(r.Why), was.Why)
}

// clip bounds the words of a registry.
func clip(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}

func (b *Book) listed(d *document, said time.Time) error {
	p, err := b.of(systems[strings.ToUpper(d.PackageKey.System)], d.PackageKey.Name, said)
	if err != nil {
		return err
	}
	var all []struct {
		VersionKey       versionKey
		PublishedAt      time.Time
		IsDeprecated     bool
		DeprecatedReason string
	}
	if len(d.Versions) > 0 && json.Unmarshal(d.Versions, &all) != nil {
		return errForm
	}
	for _, v := range all {
		if v.VersionKey.Version == "" {
			return errForm
		}
		p.release(v.VersionKey.Version, Release{Published: v.PublishedAt, Deprecated: v.IsDeprecated, Why: v.DeprecatedReason})
	}
	p.Listed = p.Listed || len(all) > 0
	return nil
}

func (b *Book) project(d *document, said time.Time) error {
	var s struct {
		Date         string
		OverallScore *float64
		Checks       []check
	}
	if len(d.Scorecard) > 0 && json.Unmarshal(d.Scorecard, &s) != nil {
		return errForm
	}
	if d.ProjectKey.ID == "" {
		return errEmpty
	}
	if s.OverallScore == nil && len(s.Checks) == 0 {
		if k := strings.ToLower(d.ProjectKey.ID); b.Projects[k] == nil {
			b.Projects[k] = &Project{Taken: said, Score: -1, Maintained: -1}
		}
		return nil
	}
	return b.scorecard(d.ProjectKey.ID, s.Date, s.OverallScore, s.Checks)
}

// scorecard takes a result, which carries its own day.
func (b *Book) scorecard(repository, day string, score *float64, checks []check) error {
	k := repositoryOf(repository)
	if k == "" {
		return errEmpty
	}
	p := &Project{Score: -1, Maintained: -1}
	for _, form := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(form, day); err == nil {
			p.Taken = t
			break
		}
	}
	if p.Taken.IsZero() {
		return errors.New("the result of Scorecard has no date")
	}
	if old := b.Projects[k]; old != nil && old.Taken.After(p.Taken) && old.Score >= 0 {
		return nil
	}
	if score != nil {
		p.Score = *score
	}
	for _, c := range checks {
		if c.Name == "Maintained" {
			p.Maintained = c.Score
			p.Archived = strings.Contains(strings.ToLower(c.Reason), "archived")
		}
	}
	b.Projects[k] = p
	return nil
}

func (b *Book) pypi(d *document, said time.Time) error {
	p, err := b.of("PyPI", d.Info.Name, said)
	if err != nil {
		return err
	}
	for v, files := range d.Releases {
		r := Release{Withdrawn: len(files) > 0}
		for _, f := range files {
			if r.Published.IsZero() || f.Uploaded.Before(r.Published) {
				r.Published = f.Uploaded
			}
			r.Withdrawn = r.Withdrawn && f.Yanked // as long as one file stands, the release does
			r.Why = cmp.Or(f.YankedReason, r.Why)
		}
		if len(files) > 0 {
			p.release(v, r)
			p.Listed = true
		}
	}
	if d.Info.Yanked && d.Info.Version != "" {
		p.release(d.Info.Version, Release{Withdrawn: true, Why: d.Info.YankedReason})
	}
	p.Inactive = slices.Contains(d.Info.Classifiers, "Development Status :: 7 - Inactive")
	for _, k := range slices.Sorted(maps.Keys(d.Info.ProjectURLs)) {
		if low := strings.ToLower(k); p.Repository == "" && (strings.Contains(low, "source") || strings.Contains(low, "repo") || strings.Contains(low, "code") || low == "homepage") {
			p.Repository = repositoryOf(d.Info.ProjectURLs[k])
		}
	}
	return nil
}

func (b *Book) npm(d *document, said time.Time) error {
	p, err := b.of("npm", d.Name, said)
	if err != nil {
		return err
	}
	var versions map[string]struct {
		Deprecated any
	}
	if len(d.Versions) > 0 && json.Unmarshal(d.Versions, &versions) != nil {
		return errForm
	}
	for v, x := range versions {
		r := Release{}
		if at, ok := d.Time[v].(string); ok {
			r.Published, _ = time.Parse(time.RFC3339, at)
		}
		switch why := x.Deprecated.(type) {
		case string:
			r.Deprecated, r.Why = why != "", why
		case bool:
			r.Deprecated = why
		}
		p.release(v, r)
		p.Listed = true
	}
	switch r := d.Repository.(type) {
	case string:
		p.Repository = repositoryOf(r)
	case map[string]any:
		if u, ok := r["url"].(string); ok {
			p.Repository = repositoryOf(u)
		}
	}
	return nil
}

// repositoryOf is a repository's name from an address of it: HOST/OWNER/NAME, "" if it is
// none of a forge that has such.
func repositoryOf(address string) string {
	s := strings.ToLower(strings.TrimSpace(address))
	if i := strings.Index(s, "://"); i >= 0 {
		s = s[i+3:]
	}
	s = strings.TrimPrefix(strings.TrimPrefix(s, "git@"), "www.")
	s = strings.Replace(s, "github.com:", "github.com/", 1)
	p := strings.SplitN(s, "/", 4)
	if len(p) < 3 || !strings.Contains(p[0], ".") || p[1] == "" || p[2] == "" {
		return ""
	}
	name, _, _ := strings.Cut(p[2], "#")
	name, _, _ = strings.Cut(name, "?")
	return p[0] + "/" + p[1] + "/" + strings.TrimSuffix(name, ".git")
}

// Merge takes another book in: its word goes before what was there.
func (b *Book) Merge(o *Book) {
	if b.Packages == nil {
		b.Packages = map[string]*Package{}
	}
	if b.Projects == nil {
		b.Projects = map[string]*Project{}
	}
	maps.Copy(b.Packages, o.Packages)
	for k, p := range o.Projects {
		if old := b.Projects[k]; old == nil || !old.Taken.After(p.Taken) || old.Score < 0 {
			b.Projects[k] = p
		}
	}
}
