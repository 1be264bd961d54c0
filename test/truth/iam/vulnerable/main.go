// Command vulnerable makes of BishopFox/iam-vulnerable's Terraform code (MIT) what
// the AWS command line would print of an account that has it, and holds the
// policy engine against the labels beside this file. The code is not kept here:
//
//	go run ./test/truth/iam/vulnerable -code CHECKOUT [-out FOLDER]
//
// Labels are in words of ours and name the file that plants each. -out writes
// the account's authorization details, and carriers.json with the resources that
// act as a role.
package main

import (
	_ "embed" // for labels.json
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	truth "github.com/sevenfold-sec/sevenfold/test/truth/iam"
)

//go:embed labels.json
var labelsText []byte

const (
	account = "333344445555"
	region  = "eu-west-1"
	// service is the role that the modules let services share.
	service = "arn:aws:iam::" + account + ":role/privesc-high-priv-service-role"
)

func main() {
	code := flag.String("code", "", "checkout of BishopFox/iam-vulnerable")
	out := flag.String("out", "", "folder to write the account's export to")
	flag.Parse()
	if *code == "" {
		fmt.Fprintln(os.Stderr, "vulnerable: -code is needed\nhint: a checkout of BishopFox/iam-vulnerable, at the commit that labels.json names")
		os.Exit(2)
	}
	if err := run(*code, *out); err != nil {
		fmt.Fprintln(os.Stderr, "vulnerable:", err)
		os.Exit(1)
	}
}

func run(code, out string) error {
	labels, err := truth.ReadLabels(labelsText)
	if err != nil {
		return err
	}
	x, carriers, err := read(code)
	if err != nil {
		return err
	}
	if out != "" {
		if err := write(out, x, carriers); err != nil {
			return err
		}
	}
	// What the code says and an export of identities does not: instances run and
	// are managed, no user has a password yet, and no policy a second version.
	found, err := x.Found(account, carriers, map[string]bool{
		"running": true, "managed-by-ssm": true, "network-way": true, "way-in": false, "login-profile": false, "no-login-profile": true, "key-slot-free": true,
		"two-keys": false, "other-versions": false, "event-source": true, "ecs-cluster": false, "batch-queue": false, "studio-domain": false,
	})
	if err != nil {
		return err
	}
	s := labels.Judge(found)
	for _, list := range []struct {
		what string
		told []string
	}{{"missed", s.Missed}, {"false alarm", s.False}, {"too sure", s.Unsure}} {
		for _, x := range list.told {
			fmt.Printf("%s: %s\n", list.what, x)
		}
	}
	fmt.Printf("%d labels: %d right, %d missed, %d false alarms, %d too sure\n", len(labels.Labels), s.Right, len(s.Missed), len(s.False), len(s.Unsure))
	if s.Right != len(labels.Labels) {
		return fmt.Errorf("not every label is met")
	}
	return nil
}

func write(folder string, x *truth.Export, carriers []truth.Carrier) error {
	for path, v := range map[string]any{
		filepath.Join(folder, account, "iam", "get-account-authorization-details.json"): x,
		filepath.Join(folder, "carriers.json"):                                          carriers,
	} {
		text, err := json.MarshalIndent(v, "", " ")
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o600); err != nil {
			return err
		}
	}
	return nil
}
