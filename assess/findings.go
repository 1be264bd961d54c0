package assess

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/collect/files"
	"github.com/sevenfold-sec/sevenfold/collect/findings"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// openFindings opens a folder or file of other tools' reports.
func openFindings(source string, bad func(error) error) (Collector, error) {
	o, err := findings.ParseSource(source)
	if err != nil {
		return nil, bad(err)
	}
	if _, err := os.Stat(o.Root); err != nil {
		return nil, &SourceError{source, err.Error(), "give a report of Prowler, Security Hub, Trivy, Checkov or Kubescape, or the folder they are in"}
	}
	return findings.New(o), nil
}

// folder is a folder of exports that may hold reports of other tools: those in
// JSON are taken out as it is read, tables and SARIF after it.
type folder struct {
	exports *files.Collector
	reports *findings.Collector
}

// newFolder makes the reader of exports one of reports too.
func newFolder(o files.Options) folder {
	o.Formats = append([]estate.Format{findings.NewFormat()}, o.Formats...)
	return folder{files.New(o), findings.Beside(o.Root, o.Source)}
}

// Collect implements Collector.
func (f folder) Collect(ctx context.Context, sink estate.Sink) error {
	if err := f.exports.Collect(ctx, sink); err != nil {
		return err
	}
	return f.reports.Collect(ctx, sink)
}

// addressed is a plan or state that says which assets its resources are: other
// tools name resources by their addresses.
type addressed struct {
	*terraform.Collector
	source string
	wanted bool

	mu sync.Mutex
	of map[string][]string
}

// newAddressed opens a plan or state.
func newAddressed(o terraform.Options, source string) *addressed {
	a := &addressed{source: source, of: map[string][]string{}}
	convert := o.Convert
	o.Convert = func(side terraform.Side) terraform.Converted {
		out := convert(side)
		a.mu.Lock()
		defer a.mu.Unlock()
		for address, ids := range out.Of {
			a.of[address] = append(a.of[address], ids...)
		}
		return out
	}
	a.Collector = terraform.New(o)
	return a
}

// Collect implements Collector.
func (a *addressed) Collect(ctx context.Context, sink estate.Sink) error {
	if err := a.Collector.Collect(ctx, sink); err != nil || !a.wanted {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	config, err := json.Marshal(estate.Addresses{Of: a.of})
	if err != nil {
		return err
	}
	sink.Asset(estate.Asset{ID: a.source + "#addresses", Type: estate.AddressesType, Config: config, Source: a.source,
		Reads: []estate.Read{{Operation: "terraform:read", Status: estate.ReadOK}}})
	return nil
}

// wantAddresses has the plans and states among the collectors say what their
// addresses are, if a source may name resources by them.
func wantAddresses(collectors []Collector, sources []string) {
	if !slices.ContainsFunc(sources, func(s string) bool { return strings.HasPrefix(s, "findings:") || strings.HasPrefix(s, "dir:") }) {
		return
	}
	for _, c := range collectors {
		if a, ok := c.(*addressed); ok {
			a.wanted = true
		}
	}
}

// records counts what sources say that is no thing in the estate.
func records(snap *estate.Snapshot) int {
	n := 0
	for _, a := range snap.Assets() {
		if estate.IsRecord(a.Type) {
			n++
		}
	}
	return n
}
