package assess

import (
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/aws"
	"github.com/sevenfold-sec/sevenfold/collect/findings"
	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
)

// Call is one call that a run would make, for --dry-run.
type Call struct {
	Source    string   `json:"source"`
	Operation string   `json:"operation"`
	Where     string   `json:"where,omitempty"`
	Per       string   `json:"per,omitempty"`
	Grants    []string `json:"grants,omitempty"`
}

// Plan lists the calls that reading the sources would make, and makes none.
func Plan(sources []string) ([]Call, error) {
	var out []Call
	for _, s := range sources {
		c, err := open(s, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		switch c := c.(type) {
		case *aws.Collector:
			for _, p := range c.Plan() {
				out = append(out, Call{s, p.Operation, p.Where, p.Per, p.Grants})
			}
		case *kubernetes.Collector:
			for _, p := range c.Plan() {
				out = append(out, Call{Source: s, Operation: p})
			}
		case *findings.Collector:
			out = append(out, Call{Source: s, Operation: "read every report in the folder; no call to anybody"})
		default:
			out = append(out, Call{Source: s, Operation: "read every JSON and YAML file in the folder; no call to anybody"})
		}
	}
	return out, nil
}

// Grants returns the least read-only grants that the sources need, each a
// document with a comment that says where it goes.
func Grants(sources []string) ([]string, error) {
	var out []string
	for _, s := range sources {
		c, err := open(s, nil, nil, nil)
		if err != nil {
			return nil, err
		}
		switch c := c.(type) {
		case *aws.Collector:
			docs := c.Policy()
			for i, doc := range docs {
				out = append(out, fmt.Sprintf("# %s: managed policy %d of %d for the role that sevenfold reads with\n%s\n", s, i+1, len(docs), doc))
			}
		case *kubernetes.Collector:
			out = append(out, "# "+s+"\n"+strings.TrimRight(kubernetes.Policy(true), "\n")+"\n")
		}
	}
	return out, nil
}
