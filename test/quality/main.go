// Command quality measures how much of what is wrong sevenfold sees, and how
// much of what it says is wrong: on estates whose faults and near misses are
// written down beside them, and on estates that others planted.
//
//	go run ./test/quality            measure, print what was missed or falsely told
//	go run ./test/quality -write     the same, and write docs/quality.md
//	go run ./test/quality -peers     run other tools on the same labels first (CHECKOV names the program)
//	go run ./test/quality -plan D    print the plan of the Terraform code in D
//	go run ./test/quality -public D  measure the estates of others that lie below D first
//
// It runs at the root of the repository. What the last two found is kept in
// test/quality/recorded, since neither the tools nor those estates are here.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/test/quality/hclplan"
)

// page is what is written.
const page = "docs/quality.md"

func main() {
	write := flag.Bool("write", false, "write "+page)
	peers := flag.Bool("peers", false, "run other tools on the labelled estates; CHECKOV names the program")
	public := flag.String("public", "", "measure the estates of others that lie below this `folder`")
	plan := flag.String("plan", "", "print the plan of the Terraform code in this `folder`, and measure nothing")
	flag.Parse()
	if *plan != "" {
		if err := printPlan(os.Stdout, os.Stderr, *plan); err != nil {
			fmt.Fprintln(os.Stderr, "quality:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(os.Stdout, *write, *peers, *public); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

// madeUp is where the estates that exist as code stand.
var madeUp = hclplan.Options{Account: "333344445555", Region: "eu-west-1", Schema: filepath.Join("provider", "terraform", "attributes.txt")}

func printPlan(out, notes io.Writer, dir string) error {
	text, left, err := hclplan.Plan(dir, madeUp)
	if err != nil {
		return err
	}
	for _, n := range left {
		fmt.Fprintln(notes, n)
	}
	_, err = out.Write(text)
	return err
}

func run(out io.Writer, write, peers bool, public string) error {
	set, problems := control.Load(controls.FS)
	if len(problems) > 0 {
		return fmt.Errorf("controls: %v", problems)
	}
	all, err := measureAll(filepath.Join("test", "quality"), set)
	if err != nil {
		return err
	}
	for _, m := range all {
		m.tell(out)
	}
	if peers {
		if err := recordPeers(out, all); err != nil {
			return err
		}
	}
	if public != "" {
		if err := recordPublic(out, public, set); err != nil {
			return err
		}
	}
	if !write {
		return nil
	}
	text, err := render(all)
	if err != nil {
		return err
	}
	return os.WriteFile(page, []byte(text), 0o644)
}

// measureAll measures every labelled estate below dir, and Harbour.
func measureAll(dir string, set *control.Set) ([]*Measured, error) {
	estates, err := readLabels(dir)
	if err != nil {
		return nil, err
	}
	judged, err := readJudged(filepath.Join(dir, "judged.yaml"))
	if err != nil {
		return nil, err
	}
	var all []*Measured
	for _, l := range estates {
		m, err := measure(l, judged, set)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// tell prints one estate: its figures, and everything that is not as it should be.
func (m *Measured) tell(w io.Writer) {
	fmt.Fprintf(w, "%s (%s): %d of %d faults found, %d of %d near misses flagged, findings: %d true, %d false, %d not judged\n",
		m.Estate, m.Form, len(m.Found), len(m.Faults), len(m.Flagged), m.pairs(), len(m.True), len(m.False), len(m.Open))
	for _, f := range m.Faults {
		switch {
		case m.Unsure[f.ID]:
			fmt.Fprintf(w, "  could not tell %s %s %s: %s\n", f.ID, f.Asset, strings.Join(f.Find, " "), f.Wrong)
		case !m.Found[f.ID]:
			fmt.Fprintf(w, "  missed %s %s %s: %s\n", f.ID, f.Asset, strings.Join(f.Find, " "), f.Wrong)
		}
	}
	for _, f := range m.Flagged {
		fmt.Fprintf(w, "  flagged %s\n", f)
	}
	for _, s := range m.Open {
		fmt.Fprintf(w, "  judge it: {control: %s, assets: [%q], right: , because: }\n", s.Control, s.Asset)
	}
	for _, s := range m.Strange {
		fmt.Fprintf(w, "  label %s\n", s)
	}
}
