package cloudformation

import (
	"regexp"

	"github.com/sevenfold-sec/sevenfold/estate/source"
)

var stackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)

// ParseSource reads a source as the command line spells it:
// cloudformation:TEMPLATE|FOLDER[,parameters=FILE][,account=ID][,region=NAME][,stack=NAME].
// The options hold where the files do not say. Convert is left to the caller.
func ParseSource(s string) (Options, error) {
	o := Options{Source: s}
	path, err := source.Parse(s, "cloudformation:TEMPLATE|FOLDER[,parameters=FILE][,account=ID][,region=NAME][,stack=NAME]",
		source.Option{Key: "parameters", To: &o.Parameters}, source.Account(&o.Account), source.Region(&o.Region),
		source.Option{Key: "stack", To: &o.Stack, Form: stackName, Should: "is not a name of letters, digits and dashes"})
	if err != nil {
		return Options{}, err
	}
	o.Path = path
	return o, nil
}
