package truth

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed documented/*.json
var documented embed.FS

// Case is one request with all the policies that bear on it, and what AWS
// decides.
type Case struct {
	Name   string `json:"name"`
	Expect string `json:"expect"` // allow, deny, conditional or unknown
	Why    string `json:"why"`
	// Source is the page of the provider that says so.
	Source string `json:"source"`
	// IdentityPolicies are those of the principal, its groups' included.
	IdentityPolicies []json.RawMessage `json:"identityPolicies"`
	Boundary         json.RawMessage   `json:"boundary,omitempty"`
	Session          []json.RawMessage `json:"session,omitempty"`
	// SCPs are the service control policies of the principal's account, level by
	// level from the organisation's root to the account; none: in no organisation.
	SCPs [][]json.RawMessage `json:"scps,omitempty"`
	// RCPs are the resource control policies of the resource's account, likewise.
	RCPs           [][]json.RawMessage `json:"rcps,omitempty"`
	ResourcePolicy json.RawMessage     `json:"resourcePolicy,omitempty"`
	// Unread names members above that somebody failed to read: they may hold more
	// than stands here.
	Unread []string `json:"unread,omitempty"`
	// ManagementAccount says that the principal's account manages the organisation.
	ManagementAccount bool    `json:"managementAccount,omitempty"`
	Request           Request `json:"request"`
}

// Request is what is asked.
type Request struct {
	// Principal is the ARN of a user, of a role's session, of a federated user, of
	// an account's root or of an identity provider; a service's name; or * for
	// nobody signed in.
	Principal string `json:"principal"`
	// Role is the session's role, where its path matters.
	Role     string `json:"role,omitempty"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// ResourceAccount is the account of a resource whose ARN names none; empty:
	// the principal's.
	ResourceAccount string `json:"resourceAccount,omitempty"`
	// Context are condition keys with their values. A key that is not named is
	// absent, or anything if Open.
	Context map[string][]string `json:"context,omitempty"`
	Open    bool                `json:"open,omitempty"`
}

const casesSchema = "sevenfold/iam-cases/v1"

// Documented returns the cases after the provider's documentation, by file and
// place in it.
func Documented() ([]Case, error) {
	names, err := fs.Glob(documented, "documented/*.json")
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, name := range names {
		text, err := documented.ReadFile(name)
		if err != nil {
			return nil, err
		}
		cases, err := ReadCases(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		all = append(all, cases...)
	}
	return all, nil
}

// ReadCases reads a file of cases. Unknown members and words are errors that
// name the case.
func ReadCases(text []byte) ([]Case, error) {
	var file struct {
		Schema string `json:"schema"`
		Cases  []Case `json:"cases"`
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", dec.InputOffset(), err)
	}
	if file.Schema != casesSchema {
		return nil, fmt.Errorf("schema %q, this program reads %q", file.Schema, casesSchema)
	}
	for i := range file.Cases {
		c := &file.Cases[i]
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("case %q (number %d): %w", c.Name, i+1, err)
		}
	}
	return file.Cases, nil
}

func (c *Case) check() error {
	if !slices.Contains([]string{"allow", "deny", "conditional", "unknown"}, c.Expect) {
		return fmt.Errorf("expects %q", c.Expect)
	}
	if c.Request.Principal == "" || c.Request.Resource == "" || !strings.Contains(c.Request.Action, ":") {
		return fmt.Errorf("principal, action and resource are all needed")
	}
	for _, u := range c.Unread {
		if !slices.Contains([]string{"identityPolicies", "boundary", "session", "scps", "rcps", "resourcePolicy"}, u) {
			return fmt.Errorf("unread names %q", u)
		}
	}
	return nil
}

// keys lists the condition keys that the case's policies ask about, as they are
// written there.
func (c *Case) keys() []string {
	var out []string
	collect := func(docs ...json.RawMessage) {
		for _, d := range docs {
			var v any
			if json.Unmarshal(d, &v) == nil {
				out = keysOf(v, out)
			}
		}
	}
	collect(c.IdentityPolicies...)
	collect(c.Session...)
	collect(c.Boundary, c.ResourcePolicy)
	for _, level := range append(slices.Clone(c.SCPs), c.RCPs...) {
		collect(level...)
	}
	return out
}

// keysOf finds the members of conditions and the variables in values.
func keysOf(v any, out []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if operators, ok := x.(map[string]any); ok && name == "Condition" {
				for _, keys := range operators {
					if m, ok := keys.(map[string]any); ok {
						for k := range m {
							out = append(out, k)
						}
					}
				}
			}
			out = keysOf(x, out)
		}
	case []any:
		for _, x := range v {
			out = keysOf(x, out)
		}
	case string:
		for _, part := range strings.Split(v, "${")[1:] {
			name, _, _ := strings.Cut(part, "}")
			name, _, _ = strings.Cut(name, ",")
			if strings.Contains(name, ":") {
				out = append(out, name)
			}
		}
	}
	return out
}
