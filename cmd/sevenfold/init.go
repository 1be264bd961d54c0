package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
)

func newInit(g *globals) *cobra.Command {
	force, schema, grantsOf := false, false, ""
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Look around, write sevenfold.yaml, print the exact read-only grants needed",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := g.wants("init", "text"); err != nil {
				return err
			}
			if schema {
				_, err := g.stdout.Write(scope.Schema())
				return err
			}
			if grantsOf != "" {
				return printGrants(g.stdout, grantsOf)
			}
			file := g.config
			if file == "" {
				file = scopeFile
			}
			sources := g.sources
			if len(sources) == 0 {
				sources = ambientSources()
			}
			asked := sources
			if len(asked) == 0 {
				asked = []string{"aws", "kubernetes"} // the policies are compiled in: nothing need be found to print them
			}
			grants, err := assess.Grants(asked)
			if err != nil {
				return err
			}
			if err := writeScope(file, sources, force); err != nil {
				return err
			}
			key, err := g.initKey()
			if err != nil {
				return err
			}
			return g.write(func(w io.Writer) error { return welcome(w, file, key, sources, grants) })
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace a sevenfold.yaml that is there")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of sevenfold.yaml for your editor, and do nothing else")
	cmd.Flags().StringVar(&grantsOf, "grants", "", "print only the grants of `CLOUD` (aws, kubernetes), to be piped on, and do nothing else")
	return cmd
}

// initKey makes the key that certificates are signed with and returns its
// public half; empty where the state is a database, which keeps none.
func (g *globals) initKey() (string, error) {
	s := session{g: g}
	if s.folder() == "" {
		return "", nil
	}
	key, err := s.signingKey("")
	if err != nil {
		return "", err
	}
	return certificate.KeyID(key.Public().(ed25519.PublicKey)), nil
}

// printGrants writes a cloud's grants as documents and nothing else: for AWS
// one JSON policy, or several one after the other as JSON allows, for
// Kubernetes YAML.
func printGrants(w io.Writer, cloud string) error {
	if cloud != "aws" && cloud != "kubernetes" {
		return usage(fmt.Sprintf("no grants are known for %q", cloud), "sevenfold init --grants aws, or --grants kubernetes")
	}
	docs, err := assess.Grants([]string{cloud})
	if err != nil {
		return err
	}
	for _, d := range docs {
		if cloud == "aws" {
			d = withoutComments(d)
		} else {
			d = withoutSecrets + d
		}
		if _, err := fmt.Fprint(w, d); err != nil {
			return err
		}
	}
	return nil
}

// withoutSecrets tells how the Kubernetes grant is had without one right.
const withoutSecrets = "# Without the right to list secrets: take out the rule for [secrets]; they are then a blind spot.\n"

// withoutComments drops the lines that JSON has no place for.
func withoutComments(doc string) string {
	var out strings.Builder
	for l := range strings.Lines(doc) {
		if !strings.HasPrefix(l, "#") {
			out.WriteString(l)
		}
	}
	return out.String()
}

// writeScope writes a commented sevenfold.yaml; one that is there stays unless
// forced.
func writeScope(file string, sources []string, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(file, flags, 0o644) //nolint:gosec // a configuration to be shared with the team
	if errors.Is(err, fs.ErrExist) {
		return &failure{code: exitUsage, what: "configuration is there already", where: file, hint: "sevenfold init --force replaces it; -c FILE writes another"}
	}
	if err != nil {
		return usage(err.Error(), "choose a folder you may write to, or -c FILE")
	}
	_, err = f.WriteString(scopeText(sources))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// scopeText is the configuration a user starts from: it loads as it stands, and
// everything a first run does not need is a comment.
func scopeText(sources []string) string {
	quoted := make([]string, len(sources))
	for i, s := range sources {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	list := "sources: [" + strings.Join(quoted, ", ") + "]"
	if len(sources) == 0 {
		list = "# sources: [\"aws:regions=eu-west-1\", kubernetes:prod, dir:exports]   # nothing was found by itself"
	}
	return `# What sevenfold assesses, and by which rules. sevenfold init --schema prints
# the JSON Schema for your editor.
estate: my-company

# Where to read. aws takes profile=, role= (several joined by +) and regions=.
` + list + `

# Zones are CEL over assets; tags are cloud tags and Kubernetes labels.
# zones:
#   training: {match: 'tags.env == "train"'}
#   serving:  {match: 'type == "AWS::SageMaker::Endpoint"'}
#   development: {cidrs: [10.8.0.0/16]}

# Workloads are found by themselves; here they get owner, purpose and limits.
# workloads:
#   - name: fraud-model
#     match: 'tags.app == "fraud"'
#     owner: ml-platform@example.com
#     purpose: score card payments
#     pilot: {replicas: 2}        # up to here it may run without a certificate
#     limit: {replicas: 40}       # and up to here with one; left out, there is no limit

gate:
  fail_on: high                   # deviations from here on hold a workload back
#  waivers:
#    - {criterion: audit.drift, workload: fraud-model, reason: …, owner: …, expires: 2027-01-31}
`
}

// welcome says what was found and what to do next.
func welcome(w io.Writer, file, key string, sources, grants []string) error {
	fmt.Fprintf(w, "wrote %s\n", file)
	if key != "" {
		fmt.Fprintf(w, "certificates are signed with the key in the state; who checks them needs its public half:\n  %s\n", key)
	}
	if len(sources) == 0 {
		fmt.Fprintf(w, "\nNo AWS credentials and no kubeconfig were found. Give what follows to whoever runs the\naccount or cluster: the role that sevenfold reads AWS with, the user or service account it\nreads Kubernetes with. All of it is reads.\n\n")
	} else {
		fmt.Fprintf(w, "found: %s\n\nThe grants sevenfold needs, all of them reads:\n\n", strings.Join(sources, ", "))
	}
	for _, g := range grants {
		if strings.Contains(g, "ClusterRole") {
			fmt.Fprint(w, withoutSecrets)
		}
		fmt.Fprintln(w, g)
	}
	fmt.Fprintf(w, "sevenfold init --grants aws or --grants kubernetes prints them alone, for a file or a pipe.\n")
	if len(sources) == 0 {
		_, err := fmt.Fprintf(w, "Next: name a source in %s, then sevenfold assess.\n", file)
		return err
	}
	_, err := fmt.Fprintf(w, "Next: sevenfold assess --dry-run lists the calls; sevenfold assess makes them.\n")
	return err
}
