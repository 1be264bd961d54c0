package expr

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A variable's name says that its value is a credential when one of these is
// its last word, or its last but one before a word such as "value".
var secretWords = regexp.MustCompile(`(?i)(^|[_.-])(password|passwd|passphrase|pwd|secret|token|credentials?|api[_.-]?key|access[_.-]?key|secret[_.-]?key|private[_.-]?key|auth[_.-]?key|signing[_.-]?key|encryption[_.-]?key|client[_.-]?secret|connection[_.-]?string)([_.-]?(value|text|plain|plaintext|prod|dev|[0-9]))?$`)

// camel puts an underscore before each capital that starts a word.
var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// Forms of credential that are one whatever the variable is called: the
// issuers' own published prefixes.
var secretForms = regexp.MustCompile(`^(sk-[A-Za-z0-9_-]{20,}|sk-ant-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{35}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\..*|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*)$`)

// userinfo finds a password inside a URL.
var userinfo = regexp.MustCompile(`^[a-z][a-z0-9+.-]*://[^/\s:@]*:([^/\s@]+)@`)

// hasForm reports whether a value has the form of a credential. Every string
// of a configuration that is shown comes by here: the shortest form is a prefix
// and ten characters, and what begins otherwise needs no pattern.
func hasForm(value string) bool {
	return len(value) >= 15 && strings.IndexByte("shgxAe-", value[0]) >= 0 && secretForms.MatchString(value)
}

// namesSecret reports whether a variable's name says that it holds a
// credential.
func namesSecret(name string) bool {
	lower := strings.ToLower(name)
	for _, part := range [...]string{"pass", "pwd", "secret", "token", "credential", "key", "string"} {
		if strings.Contains(lower, part) {
			return secretWords.MatchString(camel.ReplaceAllString(name, "${1}_${2}"))
		}
	}
	return false
}

// reference finds values that point at a secret and are none.
var reference = regexp.MustCompile(`^(arn:|\{\{resolve:|ssm:|vault:|secretsmanager:|projects/|file:|/|\.{0,2}/|\$\(|\$\{|https?://[^@]*$|s3://)`)

// secretNames are the names of the variables whose literal value is a
// credential. It takes an object of names to values (Lambda) or a list of
// objects with name and value (ECS, Kubernetes), and never tells a value.
func secretNames(v any) (any, error) {
	out := []string{}
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if s, ok := v[name].(string); ok && IsSecret(name, s) {
				out = append(out, name)
			}
		}
	case []any:
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("a variable is a %T, not an object", e)
			}
			name, _ := first(m, "name", "Name").(string)
			if value, ok := first(m, "value", "Value").(string); ok && IsSecret(name, value) {
				out = append(out, name)
			}
		}
	default:
		return nil, fmt.Errorf("variables are a %T, neither object nor list", v)
	}
	return out, nil
}

func first(m map[string]any, keys ...string) any {
	for _, k := range keys {
		if v, ok := m[k]; ok {
			return v
		}
	}
	return nil
}

// IsSecret reports whether a variable's literal value is a credential: it has
// the form of one, or bears a password in a URL, or its name says so and the
// value is neither a reference to a secret nor a switch or number.
func IsSecret(name, value string) bool {
	value = strings.TrimSpace(value)
	// A collector has found and masked it already.
	if strings.Contains(value, "sevenfold:masked(") {
		return true
	}
	if hasForm(value) {
		return true
	}
	if strings.Contains(value, "://") {
		if m := userinfo.FindStringSubmatch(value); m != nil && !strings.HasPrefix(m[1], "$") && !strings.HasPrefix(m[1], "{") {
			return true
		}
	}
	if !namesSecret(name) {
		return false
	}
	switch strings.ToLower(value) {
	case "", "true", "false", "yes", "no", "none", "null", "on", "off", "enabled", "disabled",
		"empty", "unset", "default", "required", "not-needed": // what clients of a server without keys are given
		return false
	}
	return len(value) >= 4 && !reference.MatchString(value)
}
