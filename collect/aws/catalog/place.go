package catalog

import (
	"maps"
	"slices"
	"strings"
)

// arn is a parsed ARN.
type arn struct{ partition, service, region, account, resource string }

// parseARN splits an ARN; ok is false for anything else.
func parseARN(s string) (arn, bool) {
	if !strings.HasPrefix(s, "arn:") {
		return arn{}, false
	}
	p := strings.SplitN(s, ":", 6)
	if len(p) < 6 || !strings.HasPrefix(p[1], "aws") {
		return arn{}, false
	}
	return arn{p[1], p[2], p[3], p[4], p[5]}, true
}

// walkStrings calls f for every string of a value with the member it stands
// under, until f returns false.
func walkStrings(v any, key string, depth int, f func(key, s string) bool) bool {
	if depth > maxDepth {
		return true
	}
	switch t := v.(type) {
	case string:
		return f(key, t)
	case []any:
		for _, e := range t {
			if !walkStrings(e, key, depth+1, f) {
				return false
			}
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(t)) {
			if k == "Statement" {
				continue // policies name other people's resources
			}
			if !walkStrings(t[k], k, depth+1, f) {
				return false
			}
		}
	}
	return true
}

// findARN returns some ARN in a value, or nothing.
func findARN(v any, depth int) string {
	found := ""
	walkStrings(v, "", depth, func(_, s string) bool {
		if _, ok := parseARN(s); ok {
			found = s
		}
		return found == ""
	})
	return found
}

// arnServices are the services whose ARNs a reply holds, by their API models'
// names.
func arnServices(body map[string]any, x *index) []string {
	var out []string
	walkStrings(body, "", 0, func(key, s string) bool {
		if a, ok := parseARN(s); ok && !strings.Contains(strings.ToLower(key), "role") {
			for _, name := range x.words[canonical(a.service)] {
				if !slices.Contains(out, name) {
					out = append(out, name)
				}
			}
		}
		return true
	})
	return out
}

// guessPlace reads account, region and partition from a reply: from the ARNs
// of the service itself, then from owner and zone members. What the content
// does not say stays empty. foreign is the account of other services' ARNs, a
// weaker witness: a role may be another account's.
func guessPlace(body any, prefix string) (s Scope, foreign string) {
	zone, owner := "", ""
	walkStrings(body, "", 0, func(key, v string) bool {
		if a, ok := parseARN(v); ok {
			if s.Partition == "" {
				s.Partition = a.partition
			}
			switch {
			case a.service == prefix && !strings.Contains(key, "Source"):
				if s.Account == "" && accountNumber.MatchString(a.account) {
					s.Account = a.account
				}
				if s.Region == "" {
					s.Region = a.region
				}
			case foreign == "" && accountNumber.MatchString(a.account):
				foreign = a.account
			}
			return true
		}
		switch key {
		case "OwnerId", "ownerId", "VpcOwnerId", "AWSAccountId", "registryId":
			if owner == "" && accountNumber.MatchString(v) {
				owner = v
			}
		case "AvailabilityZone":
			if r := regionWord.FindString(v); r != "" || zone != "" {
				zone = first(zone, r)
			} else if len(v) > 2 && regionWord.MatchString(v[:len(v)-1]) {
				zone = v[:len(v)-1]
			}
		}
		return s.Account == "" || s.Region == ""
	})
	s.Account = first(s.Account, owner)
	s.Region = first(s.Region, zone)
	return s, foreign
}

// first returns the first string that is not empty.
func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// partitionOf is the partition a region lies in.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}
