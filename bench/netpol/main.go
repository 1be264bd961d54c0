// Command netpol runs our Kubernetes engine on the test directories of
// github.com/np-guard/netpol-analyzer (Apache License 2.0) and compares with
// the connections that its own tests expect:
//
//	netpol [-v] CHECKOUT
//
// CHECKOUT is a folder that holds its tests/ and test_outputs/connlist/. Of
// each directory that has an expected list, every pair of workloads and of a
// workload and an address outside is compared, port by port: the same, not
// known to us, or different. docs/network-kubernetes.md explains each
// difference.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

func main() {
	verbose := flag.Bool("v", false, "print each difference")
	blocks := flag.Bool("blocks-match-pods", true, "address blocks of NetworkPolicies match pods, as the conformance tests of Kubernetes expect; to netpol-analyzer they do not")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "netpol: give the folder of a checkout\nhint: netpol [-v] CHECKOUT")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *verbose, reach.Is(*blocks)); err != nil {
		fmt.Fprintln(os.Stderr, "netpol:", err)
		os.Exit(1)
	}
}

// tally counts the pairs of one directory or of all.
type tally struct{ same, unknown, different int }

func run(checkout string, verbose bool, blocks reach.Answer) error {
	dirs, err := os.ReadDir(filepath.Join(checkout, "tests"))
	if err != nil {
		return fmt.Errorf("%w\nhint: the folder must hold tests/ and test_outputs/connlist/", err)
	}
	var all tally
	var compared, agreeing, without int
	reasons := map[string]*tally{}
	for _, d := range dirs {
		expected, err := readExpected(checkout, d.Name())
		if err != nil {
			return err
		}
		if expected == nil {
			without++
			continue
		}
		compared++
		t, differences, err := compare(filepath.Join(checkout, "tests", d.Name()), expected, blocks, reasons)
		if err != nil {
			return fmt.Errorf("%s: %w", d.Name(), err)
		}
		all.same, all.unknown, all.different = all.same+t.same, all.unknown+t.unknown, all.different+t.different
		if t.different == 0 {
			agreeing++
		}
		if verbose && len(differences) > 0 {
			fmt.Printf("%s: %d the same, %d unknown, %d different\n", d.Name(), t.same, t.unknown, t.different)
			for _, line := range differences {
				fmt.Println("\t" + line)
			}
		}
	}
	fmt.Printf("%d directories: %d compared, %d without an expected list\n", len(dirs), compared, without)
	fmt.Printf("%d directories without a difference\n", agreeing)
	fmt.Printf("pairs: %d the same, %d unknown to us, %d different\n", all.same, all.unknown, all.different)
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Printf("\t%s: %d unknown to us, %d different\n", r, reasons[r].unknown, reasons[r].different)
	}
	return nil
}
