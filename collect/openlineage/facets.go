package openlineage

import (
	"slices"
	"strings"
)

// Facets are those of a data set that say where its content lies or comes from. One of them
// that is not of its form makes its event none.
type Facets struct {
	// Symlinks are further names of the same data set: the table of a catalogue beside the
	// folder its rows lie in.
	Symlinks struct {
		Identifiers []Identifier `json:"identifiers"`
	} `json:"symlinks"`
	// DataSource is the store that a data set is in whose namespace is only a name.
	DataSource struct {
		URI string `json:"uri"`
	} `json:"dataSource"`
	// ColumnLineage are, by column of an output, the columns that it was made of.
	ColumnLineage struct {
		Fields map[string]struct {
			InputFields []Identifier `json:"inputFields"`
		} `json:"fields"`
		// Dataset are those that all columns hang on, as what a filter reads does.
		Dataset []Identifier `json:"dataset"`
	} `json:"columnLineage"`
}

// Identifier names a data set within a facet.
type Identifier struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// Addresses are all addresses of a data set, its own first: those of its symlinks, and its
// data source's where that is the address of a store and the namespace is none.
func (d Dataset) Addresses() []string {
	out := []string{d.Address()}
	add := func(address string) {
		if !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	for _, i := range d.Facets.Symlinks.Identifiers {
		if i.Name != "" {
			add(i.Address())
		}
	}
	if uri := bare(d.Facets.DataSource.URI); strings.Contains(uri, "://") && !strings.Contains(d.Namespace, "://") {
		scheme, rest, _ := strings.Cut(uri, "://")
		host, path, _ := strings.Cut(rest, "/")
		if host != "" && path != "" { // a server alone does not say which of its data
			add(Dataset{Namespace: scheme + "://" + host, Name: path}.Address())
		}
	}
	return out
}

// Address is the data set that is named, as Dataset.Address tells it.
func (i Identifier) Address() string { return Dataset{Namespace: i.Namespace, Name: i.Name}.Address() }

// Sources are the addresses of data sets that the outputs of an event were made of by their
// columns, and that are not among its inputs; in order, each once.
func (e *Event) Sources() []string {
	known := map[string]bool{}
	for _, d := range e.Inputs {
		for _, a := range d.Addresses() {
			known[a] = true
		}
	}
	var out []string
	add := func(list []Identifier) {
		for _, i := range list {
			if a := i.Address(); i.Name != "" && !known[a] {
				known[a] = true
				out = append(out, a)
			}
		}
	}
	for _, d := range e.Outputs {
		for _, f := range d.Facets.ColumnLineage.Fields {
			add(f.InputFields)
		}
		add(d.Facets.ColumnLineage.Dataset)
	}
	slices.Sort(out)
	return out
}
