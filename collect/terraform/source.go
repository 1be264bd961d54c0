package terraform

import (
	"fmt"
	"regexp"
	"strings"
)

const form = "terraform:PLAN.json|STATE[,account=ID][,region=NAME][,cluster=NAME]"

var (
	accountID   = regexp.MustCompile(`^[0-9]{12}$`)
	regionName  = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	clusterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)
)

// ParseSource reads a source as the command line spells it:
// terraform:PLAN.json|STATE[,account=ID][,region=NAME][,cluster=NAME]. The
// options hold where the file does not say: a plan of what is all new may not
// tell whose account it is for. Convert is left to the caller.
func ParseSource(s string) (Options, error) {
	rest, ok := strings.CutPrefix(s, "terraform:")
	if !ok {
		return Options{}, fmt.Errorf("source %q: expected %s", s, form)
	}
	o := Options{Source: s}
	for {
		i := strings.LastIndexByte(rest, ',')
		if i < 0 {
			break
		}
		key, value, ok := strings.Cut(rest[i+1:], "=")
		if !ok || strings.ContainsAny(key, `/.\`) {
			break // part of the path
		}
		to := map[string]*string{"account": &o.Account, "region": &o.Region, "cluster": &o.Cluster}[key]
		if to == nil {
			return Options{}, fmt.Errorf("source %q: unknown option %q (known: account, region, cluster)", s, key)
		}
		*to = value
		rest = rest[:i]
	}
	o.Path = rest
	switch {
	case o.Path == "":
		return Options{}, fmt.Errorf("source %q: no path after terraform:", s)
	case o.Account != "" && !accountID.MatchString(o.Account):
		return Options{}, fmt.Errorf("source %q: account %q is not a 12-digit account id", s, o.Account)
	case o.Region != "" && !regionName.MatchString(o.Region):
		return Options{}, fmt.Errorf("source %q: region %q is not spelt like one (eu-west-1)", s, o.Region)
	case o.Cluster != "" && !clusterName.MatchString(o.Cluster):
		return Options{}, fmt.Errorf("source %q: cluster %q is not a name of letters, digits, dots, dashes, colons and slashes", s, o.Cluster)
	}
	return o, nil
}
