// Package source reads how people spell a source that lies in files:
// SCHEME:PATH[,OPTION=VALUE]… (dir:, terraform:, cloudformation:). The options
// are each reader's own; how they are told from the path, and how accounts,
// regions and clusters are spelt, is the same for all.
package source

import (
	"fmt"
	"regexp"
	"strings"
)

// Option is one word that may follow the path.
type Option struct {
	// Key is the word before the "=".
	Key string
	// To takes the value; it stays as it is where the option is not given.
	To *string
	// Form is how a value is spelt; nil: any that is not empty. Should says so in
	// words, behind the value: "is not a 12-digit account id".
	Form   *regexp.Regexp
	Should string
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	regionForm  = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$`)
	clusterForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/@-]{0,252}$`)
)

// Account is the option account, an AWS account id.
func Account(to *string) Option {
	return Option{"account", to, accountForm, "is not a 12-digit account id"}
}

// Region is the option region; partitions of every spelling are among them.
func Region(to *string) Option {
	return Option{"region", to, regionForm, "is not spelt like one (eu-west-1)"}
}

// Cluster is the option cluster, as kubeconfig files spell names; ARNs of EKS
// clusters are among them.
func Cluster(to *string) Option {
	return Option{"cluster", to, clusterForm, "is not a name of letters, digits, dots, dashes, colons and slashes"}
}

// IsAccount reports whether s is spelt like an AWS account id.
func IsAccount(s string) bool { return accountForm.MatchString(s) }

// IsRegion reports whether s is spelt like a region of AWS.
func IsRegion(s string) bool { return regionForm.MatchString(s) }

// Parse takes a source apart and fills the options; form is what it shall look
// like, scheme first ("dir:PATH[,account=ID]"). A path may hold commas: what
// follows a comma and has no "=", or looks like a path before it, is part of the
// path. An option that is not known, empty, given twice or spelt wrong is an
// error, which names the source.
func Parse(s, form string, options ...Option) (path string, err error) {
	scheme, _, _ := strings.Cut(form, ":")
	rest, ok := strings.CutPrefix(s, scheme+":")
	if !ok {
		return "", fmt.Errorf("source %q: expected %s", s, form)
	}
	given := map[string]bool{}
	for i := strings.LastIndexByte(rest, ','); i >= 0; i = strings.LastIndexByte(rest, ',') {
		key, value, ok := strings.Cut(rest[i+1:], "=")
		if !ok || strings.ContainsAny(key, `/.\`) {
			break // part of the path
		}
		o := find(options, key)
		switch {
		case o == nil:
			return "", fmt.Errorf("source %q: unknown option %q (known: %s)", s, key, known(options))
		case given[key]:
			return "", fmt.Errorf("source %q: option %s is given twice", s, key)
		case value == "":
			return "", fmt.Errorf("source %q: option %s is empty", s, key)
		case o.Form != nil && !o.Form.MatchString(value):
			return "", fmt.Errorf("source %q: %s %q %s", s, key, value, o.Should)
		}
		given[key], *o.To = true, value
		rest = rest[:i]
	}
	if rest == "" {
		return "", fmt.Errorf("source %q: no path after %s:", s, scheme)
	}
	return rest, nil
}

func find(options []Option, key string) *Option {
	for i := range options {
		if options[i].Key == key {
			return &options[i]
		}
	}
	return nil
}

func known(options []Option) string {
	var keys []string
	for _, o := range options {
		keys = append(keys, o.Key)
	}
	return strings.Join(keys, ", ")
}
