package control

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Terraform is how a fault is mended where the asset is written in Terraform or
// OpenTofu: in the block of the resource that is the asset.
type Terraform struct {
	Resource string // type of the resource
	// Set gives attributes their expressions, in HCL; nested blocks by dots, with
	// "?" behind the name of a block that is not to be made where it is missing.
	Set map[string]string
	// Default is Set for attributes that say nothing yet.
	Default map[string]string
	// Append are blocks that are put into the block a path names, "." being the
	// resource's.
	Append map[string]string
	// Add are blocks to be put behind the resource's; LABEL stands for its name.
	Add string
}

// Variable is what fixes for Terraform leave to the company, as var.NAME.
type Variable struct {
	// Type is its constraint in HCL, Description what it is, in a sentence.
	Type        string `key:"type,required"`
	Description string `key:"description,required"`
}

// variablesFile declares the variables that fixes name.
const variablesFile = catalogueFolder + "/fixes/variables.yaml"

type variableList struct {
	Variables map[string]Variable `key:"variables,required"`
}

// variables reads those of a file system, which need not have any.
func (l *loader) variables(f fs.FS) {
	if _, err := fs.Stat(f, variablesFile); errors.Is(err, fs.ErrNotExist) {
		return
	}
	var list variableList
	if err := decode(f, variablesFile, &list); err != nil {
		l.errs = append(l.errs, fmt.Errorf("variables left out: %w", err))
		return
	}
	for name, v := range list.Variables {
		if _, taken := l.set.variables[name]; !taken {
			l.set.variables[name] = v
		}
	}
}

// Variables are what the fixes leave to the company, by name. One that is named
// by a fix and is not among them is declared without saying what it is for.
func (s *Set) Variables() map[string]Variable { return maps.Clone(s.variables) }

// fixDefinition is the fix as control.yaml has it.
type fixDefinition struct {
	Text       string                 `key:"text,required"`
	Commands   []string               `key:"commands"`
	Patch      string                 `key:"patch"`
	Terraform  []terraformDefinition  `key:"terraform"`
	Kubernetes []kubernetesDefinition `key:"kubernetes"`
	Effort     strict.Text            `key:"effort,required"`
	Grows      strict.Text            `key:"grows"`
	Disrupts   []string               `key:"disrupts"`
}

type terraformDefinition struct {
	Resource strict.Text       `key:"resource,required"`
	Set      map[string]string `key:"set"`
	Default  map[string]string `key:"default"`
	Append   map[string]string `key:"append"`
	Add      strict.Text       `key:"add"`
}

var (
	resourceForm  = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)+$`)
	attributeForm = regexp.MustCompile(`^([a-z][a-z0-9_]*\??\.)*[a-z][a-z0-9_]*$`)
	blockForm     = regexp.MustCompile(`^(\.|([a-z][a-z0-9_]*\??\.)*[a-z][a-z0-9_]*\??)$`)
)

// fix checks how a fault is mended.
func (b *builder) fix(d fixDefinition) (finding.Fix, []Terraform, []Kubernetes) {
	b.oneOf(d.Effort, "effort", efforts)
	grows := finding.GrowsNot
	if d.Grows.Value != "" {
		b.oneOf(d.Grows, "grows", finding.Growths())
		grows = finding.Growth(d.Grows.Value)
	}
	var out []Terraform
	for _, t := range d.Terraform {
		if !resourceForm.MatchString(t.Resource.Value) {
			b.bad(t.Resource, "%q is no type of a Terraform resource", t.Resource.Value)
		}
		if len(t.Set)+len(t.Default)+len(t.Append) == 0 && t.Add.Value == "" {
			b.bad(t.Resource, "the fix of %s neither sets nor adds anything", t.Resource.Value)
		}
		for _, paths := range []map[string]string{t.Set, t.Default} {
			for _, path := range slices.Sorted(maps.Keys(paths)) {
				if !attributeForm.MatchString(path) {
					b.bad(t.Resource, "%q is no attribute; join the names of blocks and attribute by dots", path)
				}
			}
		}
		for _, path := range slices.Sorted(maps.Keys(t.Append)) {
			if !blockForm.MatchString(path) {
				b.bad(t.Resource, "%q is no block; join the names of blocks by dots", path)
			}
		}
		out = append(out, Terraform{Resource: t.Resource.Value, Set: t.Set, Default: t.Default, Append: t.Append, Add: t.Add.Value})
	}
	return finding.Fix{Text: d.Text, Commands: d.Commands, Patch: d.Patch, Effort: d.Effort.Value, Grows: grows, Disrupts: d.Disrupts}, out, b.kubernetes(d.Kubernetes)
}
