package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
	"github.com/sevenfold-sec/sevenfold/sigstore"
)

func newGateWaive(g *globals) *cobra.Command {
	var w finding.Waiver
	var key string
	only := false
	cmd := &cobra.Command{
		Use:   "waive CRITERION WORKLOAD",
		Short: "Accept a failing or undecided criterion by name, with reason and expiry",
		Long: "Adds a waiver to gate.waivers of sevenfold.yaml. Where gate.approvers names keys it counts\n" +
			"only with --key, the private key of one of them.\n\n" +
			"  sevenfold gate waive network.egress fraud-model --reason 'the proxy comes in May' \\\n" +
			"      --owner jo@acme.example --expires 2027-05-31\n\n" +
			"An approver signs a wider pilot or a weaker fail_on likewise, which prints the line to add:\n\n" +
			"  sevenfold gate waive pilot=5 fraud-model --key approver.pem\n" +
			"  sevenfold gate waive fail_on=critical --key approver.pem\n" +
			"  sevenfold gate waive 'signer=release@acme.example https://accounts.acme.example trusted_root.json' --key approver.pem",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := g.wants("gate waive", "text"); err != nil {
				return err
			}
			if setting, value, ok := strings.Cut(args[0], "="); ok {
				return g.loosen(setting, value, args[1:], key)
			}
			if len(args) != 2 {
				return usage("it is not said which workload the waiver is for", "sevenfold gate waive CRITERION WORKLOAD")
			}
			w.Criterion, w.Workload = args[0], args[1]
			return g.waive(w, key, only)
		},
	}
	cmd.Flags().StringVar(&w.Reason, "reason", "", "why it is accepted")
	cmd.Flags().StringVar(&w.Owner, "owner", "", "who accepts it")
	cmd.Flags().StringVar(&w.Expires, "expires", "", "last `DAY` it counts: 2027-01-31")
	cmd.Flags().StringVar(&key, "key", "", "private key `FILE` of an approver (PKCS #8 PEM, Ed25519)")
	cmd.Flags().BoolVar(&only, "print", false, "print the line to add and change no file")
	return cmd
}

func (g *globals) waive(w finding.Waiver, key string, only bool) error {
	day, err := time.Parse(time.DateOnly, w.Expires)
	switch {
	case !gate.Covers(w.Criterion):
		return usage(fmt.Sprintf("no criterion is called %q", w.Criterion), "criteria are named STEP.LINE (audit.drift), all of a step STEP.*; sevenfold assess --format json lists them")
	case strings.TrimSpace(w.Reason) == "" || strings.TrimSpace(w.Owner) == "":
		return usage("a waiver needs a reason and an owner", "--reason 'why it is accepted' --owner NAME")
	case err != nil:
		return usage(fmt.Sprintf("%q is not a day", w.Expires), "--expires 2027-01-31")
	case !time.Now().Before(day.AddDate(0, 0, 1)):
		return usage("the waiver would have expired already, on "+w.Expires, "--expires with a day to come")
	}
	file := g.config
	if file == "" {
		file = scopeFile
	}
	text, err := os.ReadFile(file)
	if err != nil && (g.config != "" || !errors.Is(err, fs.ErrNotExist)) {
		return usage("configuration: "+err.Error(), "sevenfold init writes one")
	}
	if len(text) > strict.MaxBytes {
		return usage(fmt.Sprintf("configuration: %s is larger than %d bytes", file, strict.MaxBytes), "sevenfold init writes one")
	}
	read, err := scope.Parse(file, text)
	if err != nil {
		what, hint := splitHints(err.Error())
		return usage(what, hint)
	}
	if w, err = g.signed(w, key, read.Gate.Approvers); err != nil {
		return err
	}
	line := scope.WaiverLine(w)
	if only {
		return g.write(func(out io.Writer) error { _, err := fmt.Fprintln(out, line); return err })
	}
	next, err := scope.AddWaiver(file, text, w)
	if err != nil {
		return &failure{code: exitUsage, what: err.Error(), where: file, hint: "add to gate.waivers by hand: " + line}
	}
	to := *g
	to.out = file
	if err := to.write(func(out io.Writer) error { _, err := out.Write(next); return err }); err != nil {
		return err
	}
	fmt.Fprintf(g.stdout, "waived %s for %s until %s, in %s\n", w.Criterion, printable(w.Workload), w.Expires, file)
	return nil
}

// signed signs a waiver with an approver's key. Without one, where approvers
// are named, it says that the waiver will not count.
func (g *globals) signed(w finding.Waiver, file string, approvers []ed25519.PublicKey) (finding.Waiver, error) {
	if file == "" {
		if len(approvers) > 0 {
			printFailure(g.stderr, &failure{what: "this waiver does not count yet: gate.approvers asks for an approver's signature",
				hint: "let one of them run the same command with --key"})
		}
		return w, nil
	}
	key, err := privateKey(file)
	if err != nil {
		return w, err
	}
	if err := g.known(key, approvers); err != nil {
		return w, err
	}
	return gate.SignWaiver(w, key), nil
}

// known refuses a key that is not among the approvers: what it signs would not
// count.
func (g *globals) known(key ed25519.PrivateKey, approvers []ed25519.PublicKey) error {
	public := key.Public().(ed25519.PublicKey)
	if slices.ContainsFunc(approvers, func(a ed25519.PublicKey) bool { return a.Equal(public) }) {
		return nil
	}
	return usage("the key is none of gate.approvers, so what it signs would not count", "add its public key to gate.approvers, or use the key of one of them")
}

// loosen prints an approver's signature of a wider pilot, a weaker fail_on or
// longer limits of keys.
func (g *globals) loosen(setting, value string, workload []string, file string) error {
	l := scope.Loosening{Setting: setting, Value: value}
	var line string
	if setting == "signer" && len(workload) == 0 {
		return g.approveSigner(value, file)
	}
	switch {
	case file == "":
		return usage("an approver signs with a key", "--key with the private key of one of gate.approvers")
	case setting == "pilot" && len(workload) == 1:
		l.Workload = workload[0]
		line = "pilot: {replicas: " + value + ", signature: %s}"
	case setting == "fail_on" && len(workload) == 0:
		line = "fail_on: " + value + "\nfail_on_signature: %s"
	case setting == "keys" && len(workload) == 0:
		age, unused, _ := strings.Cut(value, " ")
		line = "access: {keys: {age: " + age + ", unused: " + unused + ", signature: %s}}"
	default:
		return usage(fmt.Sprintf("%q is no setting that is signed like this", setting), "pilot=N WORKLOAD, fail_on=SEVERITY, 'keys=AGE UNUSED', or 'signer=IDENTITY ISSUER FILE'")
	}
	// The file itself says whether the value can stand.
	probe := fmt.Sprintf("gate: {fail_on: %q}\n", value)
	switch setting {
	case "pilot":
		probe = fmt.Sprintf("workloads: [{name: w, pilot: {replicas: %s}}]\n", value)
	case "keys":
		age, unused, _ := strings.Cut(value, " ")
		probe = fmt.Sprintf("access: {keys: {age: %q, unused: %q}}\n", age, unused)
	}
	if _, err := scope.Parse("value", []byte(probe)); err != nil || strings.ContainsAny(value, "{}\n,") {
		return usage(fmt.Sprintf("%s cannot be %q", setting, value), "pilot=5 WORKLOAD, fail_on=critical, or 'keys=120d 90d'")
	}
	key, err := privateKey(file)
	if err != nil {
		return err
	}
	return g.write(func(w io.Writer) error {
		_, err := fmt.Fprintf(w, line+"\n", l.Sign(key))
		return err
	})
}

// approveSigner prints the entry of gate.signers for an identity, its issuer and the
// trusted root it is held against, with the root's digest, signed by an approver.
func (g *globals) approveSigner(value, keyFile string) error {
	const hint = "sevenfold gate waive 'signer=IDENTITY ISSUER TRUSTED_ROOT.json' --key approver.pem"
	if keyFile == "" {
		return usage("an approver signs with a key", "--key with the private key of one of gate.approvers")
	}
	parts := strings.Fields(value)
	if len(parts) != 3 {
		return usage(fmt.Sprintf("%q is not an identity, an issuer and a trusted root", value), hint)
	}
	text, err := readSmall(parts[2], sigstore.MaxRoot)
	if err != nil {
		return usage("trusted root: "+err.Error(), hint)
	}
	if _, err := sigstore.ParseRoot(text); err != nil {
		return &failure{code: exitUsage, what: err.Error(), where: parts[2], hint: hint}
	}
	sum := fmt.Sprintf("%x", sha256.Sum256(text))
	line := fmt.Sprintf("{identity: %s, issuer: %s, trusted_root: %s, sha256: %s", quote(parts[0]), quote(parts[1]), quote(parts[2]), sum)
	if _, err := scope.Parse("value", []byte("gate: {signers: ["+line+"}]}\n")); err != nil {
		what, _ := splitHints(err.Error())
		return usage(what, hint)
	}
	key, err := privateKey(keyFile)
	if err != nil {
		return err
	}
	signature := scope.Loosening{Setting: "signer", Value: parts[0] + " " + parts[1] + " " + sum}.Sign(key)
	return g.write(func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "- %s, signature: %s}\n", line, signature)
		return err
	})
}
