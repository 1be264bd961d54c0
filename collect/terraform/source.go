package terraform

import "github.com/sevenfold-sec/sevenfold/estate/source"

// ParseSource reads a source as the command line spells it:
// terraform:PLAN.json|STATE[,account=ID][,region=NAME][,cluster=NAME]. The
// options hold where the file does not say: a plan of what is all new may not
// tell whose account it is for. Convert is left to the caller.
func ParseSource(s string) (Options, error) {
	o := Options{Source: s}
	path, err := source.Parse(s, "terraform:PLAN.json|STATE[,account=ID][,region=NAME][,cluster=NAME]",
		source.Account(&o.Account), source.Region(&o.Region), source.Cluster(&o.Cluster))
	if err != nil {
		return Options{}, err
	}
	o.Path = path
	return o, nil
}
