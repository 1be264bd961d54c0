package cloudformation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Bounds of a folder.
const (
	maxFiles       = 2000
	maxFolderDepth = 12
)

// reader is one Read in progress.
type reader struct {
	opts   Options
	ctx    context.Context
	given  map[string]any // values of parameters, from the file of them
	stacks []*stack
	spots  []estate.BlindSpot
	// nodes and bytes are what may still be produced; spent is set when either is
	// used up.
	nodes, bytes int
	spent        bool
	exports      map[string]*export
	open         map[string]*reason
	// eaten are the files that are parts of a stack read already.
	eaten map[string]bool
	files int
}

// load reads and parses a file.
func load(path string) (*node, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Path: path, What: plain(err), Mend: "give a template, what aws cloudformation get-template printed, or a folder of them", Err: err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, &Error{Path: path, What: "not a regular file", Mend: "give the path of a file or folder"}
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, &Error{Path: path, What: plain(err), Mend: "check that the file may be read", Err: err}
	}
	if len(text) > MaxSize {
		return nil, &Error{Path: path, What: fmt.Sprintf("larger than %d bytes", MaxSize), Mend: "CloudFormation takes templates of one megabyte: is this one?"}
	}
	return parse(path, text)
}

// plain is an error of the file system without the path, which stands before
// it anyway.
func plain(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// find makes the stacks of the source.
func (r *reader) find() error {
	info, err := os.Stat(r.opts.Path)
	if err != nil {
		return &Error{Path: r.opts.Path, What: plain(err), Mend: "give a template, what aws cloudformation get-template printed, or a folder of them", Err: err}
	}
	if !info.IsDir() {
		return r.file(r.opts.Path)
	}
	if n, err := load(filepath.Join(r.opts.Path, "manifest.json")); err == nil && n.get("artifacts").is(object) {
		return r.assembly(r.opts.Path, n, 0)
	}
	return r.folder()
}

// file reads one file that was named.
func (r *reader) file(path string) error {
	root, err := load(path)
	if err != nil {
		return err
	}
	if root.get("artifacts").is(object) && root.get("version") != nil {
		return r.assembly(filepath.Dir(path), root, 0)
	}
	if isChangeSet(root) {
		return r.changeSet(path, root)
	}
	root, err = templateOf(path, root)
	if err != nil {
		return err
	}
	name := r.opts.Stack
	if name == "" {
		name = nameOf(path)
	}
	r.add(path, name, root, r.opts.Account, r.opts.Region, nil)
	return nil
}

// templateOf takes the template out of what get-template prints, and refuses
// what holds none.
func templateOf(path string, root *node) (*node, error) {
	if body := root.get("TemplateBody"); body != nil && root.get("Resources") == nil {
		if body.is(text) {
			inner, err := parse(path, []byte(body.text))
			if err != nil {
				return nil, err
			}
			body = inner
		}
		root = body
	}
	if err := root.noTwice(path, 2); err != nil {
		return nil, err
	}
	if root.get("Resources").is(object) {
		return root, nil
	}
	e := &Error{Path: path, Line: root.line, What: "no CloudFormation template: it has no Resources", Mend: "give a template, what aws cloudformation get-template printed, or a folder of them"}
	switch {
	case root.get("resource_changes") != nil || root.get("terraform_version") != nil:
		e.What, e.Mend = "this is a plan or state of Terraform, not a template", "read it with terraform:"+path
	case root.get("apiVersion") != nil:
		e.What, e.Mend = "this is a Kubernetes manifest, not a template", "read it with dir:"+path
	case root.get("Resources") != nil:
		e.Line, e.What, e.Mend = root.get("Resources").line, "Resources is no object", "write the resources under their logical ids"
	case root.get("Fragment") != nil || root.get("resources") != nil:
		e.Mend = "write Resources with a capital letter"
	}
	return nil, e
}

// nameOf is a stack's name after its file.
func nameOf(path string) string {
	name := filepath.Base(path)
	for _, end := range [...]string{".json", ".yaml", ".yml", ".txt", ".template", ".cfn", ".cform"} {
		name = strings.TrimSuffix(name, end)
	}
	return cleaned(name)
}

// cleaned makes a name of letters, digits and dashes.
func cleaned(name string) string {
	out := strings.Map(func(c rune) rune {
		if c < 128 && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-') {
			return c
		}
		return '-'
	}, name)
	if out == "" {
		return "template"
	}
	return out
}

// folder reads every template in and below the folder.
func (r *reader) folder() error {
	type found struct {
		path, rel string
		root      *node
	}
	var all []found
	err := filepath.WalkDir(r.opts.Path, func(path string, d fs.DirEntry, err error) error {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		rel, _ := filepath.Rel(r.opts.Path, path)
		if err != nil {
			r.blind(estate.BlindSpot{Operation: rel, Status: estate.ReadDenied, Why: rel + ": " + plain(err), Hint: "give sevenfold the right to read it"})
			return nil
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			if strings.Count(rel, string(filepath.Separator)) >= maxFolderDepth {
				r.blind(estate.BlindSpot{Operation: rel, Status: estate.ReadSkipped, Why: fmt.Sprintf("%s lies deeper than %d folders", rel, maxFolderDepth), Hint: "read it as a source of its own"})
				return filepath.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".json", ".yaml", ".yml", ".template"}, filepath.Ext(path)) || !d.Type().IsRegular() {
			return nil
		}
		if r.files++; r.files > maxFiles {
			r.blind(estate.BlindSpot{Operation: rel, Status: estate.ReadSkipped, Why: fmt.Sprintf("%s and what follows: more than %d files", rel, maxFiles), Hint: "read the folders below one by one"})
			return filepath.SkipAll
		}
		root, err := load(path)
		if err == nil {
			root, err = templateOf(path, root)
			if err != nil {
				return nil //nolint:nilerr // a file of another kind beside the templates
			}
			all = append(all, found{path, rel, root})
			return nil
		}
		if mayBeTemplate(path) {
			r.blind(estate.BlindSpot{Operation: rel, Status: estate.ReadMalformed, Why: err.Error(), Hint: hintOf(err)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if len(r.spots) > 0 {
			return &Error{Path: r.opts.Path, What: "no template could be read: " + r.spots[0].Why, Mend: r.spots[0].Hint}
		}
		return &Error{Path: r.opts.Path, What: "no template in the folder", Mend: "give a folder with templates (.yaml, .yml, .json, .template), or the output folder of cdk synth"}
	}
	names := map[string]int{}
	for _, f := range all {
		names[nameOf(f.path)]++
	}
	made, taken := map[string]*stack{}, map[string]bool{}
	for _, f := range all {
		name := nameOf(f.path)
		if names[name] > 1 || name == "template" {
			name = nameOf(strings.ReplaceAll(filepath.ToSlash(f.rel), "/", "-"))
		}
		if taken[name] { // the same template as YAML and as JSON
			name = cleaned(strings.ReplaceAll(filepath.ToSlash(f.rel), "/", "-"))
		}
		taken[name] = true
		if r.opts.Stack != "" && len(all) == 1 {
			name = r.opts.Stack
		}
		made[clean(f.path)] = r.add(f.path, name, f.root, r.opts.Account, r.opts.Region, nil)
	}
	r.adopt(made)
	return nil
}

// adopt takes those templates off the list that another of the folder nests.
func (r *reader) adopt(made map[string]*stack) {
	for _, s := range r.stacks {
		for _, id := range s.order {
			if s.resources[id].get("Type").str() == nestedType {
				s.child(id)
			}
		}
	}
	r.stacks = slices.DeleteFunc(r.stacks, func(s *stack) bool { return r.eaten[clean(s.file)] && made[clean(s.file)] == s })
}

func clean(path string) string { return filepath.Clean(path) }

// mayBeTemplate looks at a file that could not be parsed for what only templates
// have.
func mayBeTemplate(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return true
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, MaxSize))
	return bytes.Contains(text, []byte("AWSTemplateFormatVersion")) || bytes.Contains(text, []byte("AWS::"))
}

func hintOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Mend
	}
	return ""
}

// add makes a stack of a template.
func (r *reader) add(path, name string, root *node, account, region string, given map[string]any) *stack {
	s := newStack(r, path, name, root)
	s.name, s.account, s.region = name, account, region
	s.given = func(parameter string) (any, bool) {
		if v, ok := r.given[parameter]; ok {
			return v, true
		}
		v, ok := given[parameter]
		return v, ok
	}
	s.prepare()
	r.stacks = append(r.stacks, s)
	return s
}

// blind notes a blind spot of the source.
func (r *reader) blind(b estate.BlindSpot) {
	b.Source = r.opts.Source
	r.spots = append(r.spots, b)
}
