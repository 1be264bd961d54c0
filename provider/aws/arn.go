package aws

import (
	"slices"
	"strings"
)

// ARN is an Amazon resource name taken apart. Resource keeps everything after
// the fifth colon.
type ARN struct {
	Partition, Service, Region, Account, Resource string
}

// ParseARN takes an ARN apart. It reports false for anything that is not
// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE; region and account may be
// empty.
func ParseARN(s string) (ARN, bool) {
	p := strings.SplitN(s, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[1] == "" || p[2] == "" || p[5] == "" {
		return ARN{}, false
	}
	return ARN{p[1], p[2], p[3], p[4], p[5]}, true
}

// String is the ARN as AWS spells it.
func (a ARN) String() string {
	return strings.Join([]string{"arn", a.Partition, a.Service, a.Region, a.Account, a.Resource}, ":")
}

// Name is the last part of the resource: what follows its last slash, or else
// its last colon.
func (a ARN) Name() string {
	if i := strings.LastIndexByte(a.Resource, '/'); i >= 0 {
		return a.Resource[i+1:]
	}
	return a.Resource[strings.LastIndexByte(a.Resource, ':')+1:]
}

// partitionOf names the partition a region belongs to; regions of the public
// cloud, and an unknown or empty one, are in "aws".
func partitionOf(region string) string {
	for prefix, partition := range map[string]string{
		"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso",
		"us-isob-": "aws-iso-b", "eu-isoe-": "aws-iso-e", "us-isof-": "aws-iso-f",
		"eusc-": "aws-eusc",
	} {
		if strings.HasPrefix(region, prefix) {
			return partition
		}
	}
	return "aws"
}

// isAccount reports whether s is an account number.
func isAccount(s string) bool {
	return len(s) == 12 && !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// sortedKeys returns a map's keys in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
