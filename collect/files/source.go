package files

import "github.com/sevenfold-sec/sevenfold/estate/source"

// ParseSource reads a source as the command line spells it:
// dir:PATH[,account=ID][,region=NAME][,cluster=NAME]. A path that holds a comma is taken as it
// stands as long as what follows the comma is not one of the options.
func ParseSource(s string) (Options, error) {
	o := Options{Source: s}
	root, err := source.Parse(s, "dir:PATH[,account=ID][,region=NAME][,cluster=NAME]",
		source.Account(&o.Account), source.Region(&o.Region), source.Cluster(&o.Cluster))
	if err != nil {
		return Options{}, err
	}
	o.Root = root
	return o, nil
}

// isAccount reports whether s is spelt like an AWS account id.
func isAccount(s string) bool {
	if len(s) != 12 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
