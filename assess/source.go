package assess

import (
	"fmt"
	"os"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/collect/cloudformation"
	"github.com/sevenfold-sec/sevenfold/collect/files"
	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/collect/mlflow"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// SourceError is a source that cannot be opened as it is written.
type SourceError struct {
	Source, What, Mend string
}

// Error implements error.
func (e *SourceError) Error() string { return fmt.Sprintf("source %q: %s", e.Source, e.What) }

// Hint is the mend.
func (e *SourceError) Hint() string { return e.Mend }

// Config says that the configuration is at fault, not the estate.
func (*SourceError) Config() bool { return true }

// plannedSources are those of the design that this version cannot read.
var plannedSources = []string{"azure", "gcp"}

const sourceForms = "sources are aws[:profile=P,role=ARN,regions=R], kubernetes[:CONTEXT], dir:PATH, terraform:PLAN.json|STATE, cloudformation:TEMPLATE|FOLDER, mlflow:https://HOST|REPLIES.json, findings:REPORTS"

// open returns the collector of a source as the command line writes it. key is that
// of the digests in masks, mask the sink that masks.
func open(source string, resume *Resume, key []byte, mask func(estate.Sink) estate.Sink) (Collector, error) {
	kind, _, _ := strings.Cut(source, ":")
	bad := func(err error) error {
		what, mend, _ := strings.Cut(err.Error(), "\nhint: ")
		what = strings.TrimPrefix(what, fmt.Sprintf("source %q: ", source))
		if mend == "" {
			mend = sourceForms
		}
		return &SourceError{Source: source, What: what, Mend: mend}
	}
	switch kind {
	case "aws":
		o, err := aws.ParseSource(source)
		if err != nil {
			return nil, bad(err)
		}
		o.Mask = mask
		if resume != nil {
			o.Resume = resume
		}
		c, err := aws.New(o)
		if err != nil {
			return nil, bad(err)
		}
		return c, nil
	case "kubernetes":
		_, context, _ := strings.Cut(source, ":")
		return kubernetes.New(kubernetes.Options{Context: context}), nil
	case "dir":
		return openFolder(source, bad)
	case "terraform":
		o, err := terraform.ParseSource(source)
		if err != nil {
			return nil, bad(err)
		}
		if _, err := os.Stat(o.Path); err != nil {
			return nil, &SourceError{source, err.Error(), "give the JSON of a plan (terraform show -json PLANFILE > plan.json) or a state"}
		}
		o.Convert, o.Key = convertTerraform, key
		return newAddressed(o, source), nil
	case "mlflow":
		o, err := mlflow.ParseSource(source)
		if err != nil {
			return nil, bad(err)
		}
		if _, err := os.Stat(o.Path); o.Path != "" && err != nil {
			return nil, &SourceError{source, err.Error(), "give the address of the server, or a file of its registry's replies"}
		}
		return mlflow.New(o), nil
	case "findings":
		return openFindings(source, bad)
	case "cloudformation":
		o, err := cloudformation.ParseSource(source)
		if err != nil {
			return nil, bad(err)
		}
		for _, path := range []string{o.Path, o.Parameters} {
			if path == "" {
				continue
			}
			if _, err := os.Stat(path); err != nil {
				return nil, &SourceError{source, err.Error(), "give a template, what aws cloudformation get-template printed, or a folder of them; parameters=FILE names the values of its parameters"}
			}
		}
		o.Convert = convertCloudFormation
		return cloudformation.New(o), nil
	}
	for _, p := range plannedSources {
		if p == kind {
			return nil, &SourceError{source, "not built yet in this version", sourceForms}
		}
	}
	return nil, &SourceError{source, "no such kind of source", sourceForms}
}

// openFolder opens a folder of exports with the formats of every provider.
func openFolder(source string, bad func(error) error) (Collector, error) {
	o, err := files.ParseSource(source)
	if err != nil {
		return nil, bad(err)
	}
	if _, err := os.Stat(o.Root); err != nil {
		return nil, &SourceError{source, err.Error(), "give a folder of exports, or a file, that exists and may be read"}
	}
	export, err := catalog.NewExport()
	if err != nil {
		return nil, fmt.Errorf("catalogue of AWS services: %w", err)
	}
	o.Formats = []estate.Format{eventLogs{}, &kubernetes.Manifest{}, export}
	return newFolder(o), nil
}
