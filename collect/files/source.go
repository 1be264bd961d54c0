package files

import (
	"fmt"
	"regexp"
	"strings"
)

// ParseSource reads a source as the command line spells it:
// dir:PATH[,account=ID][,region=NAME][,cluster=NAME]. A path that holds a comma is taken as it
// stands as long as what follows the comma is not one of the options.
func ParseSource(s string) (Options, error) {
	rest, ok := strings.CutPrefix(s, "dir:")
	if !ok {
		return Options{}, fmt.Errorf("source %q: expected dir:PATH[,account=ID][,region=NAME][,cluster=NAME]", s)
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
		case "cluster":
			o.Cluster = value
		default:
			if !strings.ContainsAny(key, "/.\\") {
				return Options{}, fmt.Errorf("source %q: unknown option %q (known: account, region, cluster)", s, key)
			}
		}
		if key != "account" && key != "region" && key != "cluster" {
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
	case o.Cluster != "" && !clusterName.MatchString(o.Cluster):
		return Options{}, fmt.Errorf("source %q: cluster %q is not a name of letters, digits, dots, dashes, colons and slashes", s, o.Cluster)
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

// clusterName matches the names of clusters as kubeconfig files spell them, ARNs
// of EKS clusters among them.
var clusterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}$`)
