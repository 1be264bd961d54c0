package unborn

import (
	"slices"
	"strings"
)

// Fill completes a template: every {NAME} becomes what piece gives for the name,
// {NAME,OTHER} the first that is not empty, {NAME|lower} in small letters,
// {NAME|last} what is behind its last / or :, {NAME|host} without https://.
// "@ec2:vpc/{id}" is short for an ARN of {partition}, {region} and {account}. It
// returns "" for an empty template and where a piece is not known.
func Fill(template string, piece func(name string) string) string {
	if rest, ok := strings.CutPrefix(template, "@"); ok {
		service, resource, _ := strings.Cut(rest, ":")
		template = "arn:{partition}:" + service + ":{region}:{account}:" + resource
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		var name string
		name, template, _ = strings.Cut(rest, "}")
		name, how, _ := strings.Cut(name, "|")
		v := ""
		for one := range strings.SplitSeq(name, ",") {
			if v = piece(one); v != "" {
				break
			}
		}
		if v == "" {
			return ""
		}
		switch how {
		case "lower":
			v = strings.ToLower(v)
		case "host":
			v = strings.TrimPrefix(v, "https://")
		case "last":
			v = v[strings.LastIndexAny(v, "/:")+1:]
		}
		b.WriteString(v)
	}
}

// byName are the things of SageMaker that others name by their name alone: from
// endpoint to configuration to model, and the scripts of notebooks.
var byName = [...]string{"@sagemaker:endpoint/", "@sagemaker:endpoint-config/", "@sagemaker:model/", "@sagemaker:notebook-instance-lifecycle-config/"}

// FillBeside is Fill for the template of a thing that its neighbours name by its
// name alone, where the account or the region is not known: they stay empty, as
// they do in the id that the understanding of a neighbour completes, so that both
// are one. It returns "" where anything else is not known, and for everything else:
// whose ARN stands in policies must not have one that is half empty.
func FillBeside(template string, piece func(name string) string) string {
	if !slices.ContainsFunc(byName[:], func(t string) bool { return strings.HasPrefix(template, t) }) {
		return ""
	}
	const open = "\x00"
	id := Fill(template, func(name string) string {
		v := piece(name)
		switch {
		case v != "":
		case name == "account" || name == "region":
			return open
		case name == "partition":
			return Partition(piece("region"))
		}
		return v
	})
	return strings.ReplaceAll(id, open, "")
}

// identifiers end the names of members that hold what names another thing.
var identifiers = [...]string{"arn", "arns", "id", "ids", "name", "names", "role", "rolearn", "key", "bucket", "cluster", "subnets", "subnet",
	"securitygroups", "topic", "jobrole", "servicerole", "taskdefinition", "compute", "computeenvironment", "securityconfiguration", "source", "target",
	"connections", "targetkeyid", "repository", "repositories", "vpczoneidentifier", "managedpolicies"}

// Identifier reports whether a member holds what names another thing: there a
// reference to a resource is that thing. In a URL or a policy it may be part of
// a longer text. More are the endings that one language has besides, in small
// letters.
func Identifier(member string, more ...string) bool {
	m := strings.ToLower(member)
	for _, end := range identifiers {
		if strings.HasSuffix(m, end) {
			return true
		}
	}
	for _, end := range more {
		if strings.HasSuffix(m, end) {
			return true
		}
	}
	return false
}

// Partition names the partition a region belongs to; "aws" where it is one of
// none of the others.
func Partition(region string) string {
	for _, p := range [...][2]string{{"cn-", "aws-cn"}, {"us-gov-", "aws-us-gov"}, {"us-isob-", "aws-iso-b"}, {"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"}, {"eu-isoe-", "aws-iso-e"}, {"eusc-", "aws-eusc"}} {
		if strings.HasPrefix(region, p[0]) {
			return p[1]
		}
	}
	return "aws"
}

// IsAccount reports whether s is spelt like an AWS account id: twelve digits.
func IsAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// Account is the account that an ARN names; "" if it is no ARN or names none.
func Account(arn string) string {
	if p := strings.SplitN(arn, ":", 6); len(p) == 6 && p[0] == "arn" && IsAccount(p[4]) {
		return p[4]
	}
	return ""
}
