package cloudformation

import (
	"fmt"
	"regexp"
	"strings"
)

const form = "cloudformation:TEMPLATE|FOLDER[,parameters=FILE][,account=ID][,region=NAME][,stack=NAME]"

var (
	accountID  = regexp.MustCompile(`^[0-9]{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
	stackName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)
)

// ParseSource reads a source as the command line spells it:
// cloudformation:TEMPLATE|FOLDER[,parameters=FILE][,account=ID][,region=NAME][,stack=NAME].
// The options hold where the files do not say. Convert is left to the caller.
func ParseSource(s string) (Options, error) {
	rest, ok := strings.CutPrefix(s, "cloudformation:")
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
		to := map[string]*string{"account": &o.Account, "region": &o.Region, "stack": &o.Stack, "parameters": &o.Parameters}[key]
		if to == nil {
			return Options{}, fmt.Errorf("source %q: unknown option %q (known: parameters, account, region, stack)", s, key)
		}
		*to = value
		rest = rest[:i]
	}
	o.Path = rest
	switch {
	case o.Path == "":
		return Options{}, fmt.Errorf("source %q: no path after cloudformation:", s)
	case o.Account != "" && !accountID.MatchString(o.Account):
		return Options{}, fmt.Errorf("source %q: account %q is not a 12-digit account id", s, o.Account)
	case o.Region != "" && !regionName.MatchString(o.Region):
		return Options{}, fmt.Errorf("source %q: region %q is not spelt like one (eu-west-1)", s, o.Region)
	case o.Stack != "" && !stackName.MatchString(o.Stack):
		return Options{}, fmt.Errorf("source %q: stack %q is not a name of letters, digits and dashes", s, o.Stack)
	}
	return o, nil
}
