package files

import (
	"fmt"
	"regexp"
	"strings"
)

// ParseSource reads a source as the command line spells it:
// dir:PATH[,account=ID][,region=NAME]. A path that holds a comma is taken as it
// stands as long as what follows the comma is not one of the two options.
func ParseSource(s string) (Options, error) {
	rest, ok := strings.CutPrefix(s, "dir:")
	if !ok {
		return Options{}, fmt.Errorf("source %q: expected dir:PATH[,account=ID][,region=NAME]", s)
	}
	o := Options{Source: s}
	for {
		i := strings.LastIndexByte(rest, ',')
		if i < 0 {
			break
		}
		key, value, ok := strings.Cut(rest[i+1:], "=")
		if !ok {
			break
		}
		switch key {
		case "account":
			o.Account = value
		case "region":
			o.Region = value
		default:
			if !strings.ContainsAny(key, "/.\\") {
				return Options{}, fmt.Errorf("source %q: unknown option %q (known: account, region)", s, key)
			}
		}
		if key != "account" && key != "region" {
			break
		}
		rest = rest[:i]
	}
	o.Root = rest
	switch {
	case o.Root == "":
		return Options{}, fmt.Errorf("source %q: no path after dir:", s)
	case o.Account != "" && !isAccount(o.Account):
		return Options{}, fmt.Errorf("source %q: account %q is not a 12-digit account id", s, o.Account)
	case o.Region != "" && !regionName.MatchString(o.Region):
		return Options{}, fmt.Errorf("source %q: region %q is not spelt like one (eu-west-1)", s, o.Region)
	}
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

// regionName matches every AWS region's spelling, partitions included.
var regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$`)
