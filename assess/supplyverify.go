package assess

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/local"
	"github.com/sevenfold-sec/sevenfold/steps/supply"
	"github.com/sevenfold-sec/sevenfold/steps/supply/signature"
)

// VerifyFiles holds files against a signature. bundle is its file, found beside the
// files where it is empty. The error says that there is nothing to hold or nothing to
// hold it against.
func VerifyFiles(ctx context.Context, path, bundle string, t signature.Trust, now time.Time) (*supply.Proof, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if bundle == "" {
		if bundle = path + ".sigstore.json"; info.IsDir() {
			bundle = filepath.Join(path, "model.sig")
		}
	}
	text, err := readBundle(bundle)
	if err != nil {
		return nil, err
	}
	p := &supply.Proof{Taken: now, Verdict: "unknown"}
	say := func(err error) *supply.Proof {
		var no *signature.RefusedError
		if p.Why = err.Error(); errors.As(err, &no) {
			p.Verdict = "refused"
		}
		return p
	}
	signed, err := signature.Verify(text, t)
	if err != nil {
		return say(err), nil
	}
	files := map[string]string{}
	var unread error
	err = local.Walk(ctx, []string{path}, local.Options{}, func(e *local.Entry) error {
		name := beneath([]string{path}, e.Path())
		sum, err := entryDigest(e)
		if err != nil && unread == nil {
			unread = fmt.Errorf("%s could not be read: %w", name, err)
		}
		files[name] = sum
		return nil
	})
	if err != nil {
		return nil, err
	}
	if unread != nil {
		return say(unread), nil
	}
	own := ""
	if rel, err := filepath.Rel(path, bundle); err == nil {
		own = filepath.ToSlash(rel)
	}
	match := func() error { return signed.Match(files, own) }
	if name, sum, one := only(files); one && !info.IsDir() {
		match = func() error { return signed.MatchFile(name, sum) }
	}
	if err := match(); err != nil {
		return say(err), nil
	}
	p.Verdict, p.Signer, p.Files = "verified", signed.Signer, len(signed.Files)
	for _, sum := range signed.Files {
		p.Sums = append(p.Sums, strings.TrimPrefix(sum, "sha256:"))
	}
	if sum := files[own]; sum != "" { // the bundle lies among them, and is examined with them
		p.Sums = append(p.Sums, strings.TrimPrefix(sum, "sha256:"))
	}
	slices.Sort(p.Sums)
	p.Sums = slices.Compact(p.Sums)
	return p, nil
}

// only is the one entry of a map that has one.
func only(files map[string]string) (name, sum string, one bool) {
	for n, s := range files {
		name, sum = n, s
	}
	return name, sum, len(files) == 1
}

// readBundle reads a signature's file, and nothing that would be waited for. A shell's
// <(…) is below /dev.
func readBundle(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() && !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/"):
		return nil, fmt.Errorf("the signature %s is no file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, signature.MaxBundle+1))
	if err == nil && len(text) > signature.MaxBundle {
		err = fmt.Errorf("the signature %s has more than %d MiB: it is something else", path, signature.MaxBundle>>20)
	}
	return text, err
}

func entryDigest(e *local.Entry) (string, error) {
	in, err := e.Stream()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(h, in)
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), errors.Join(err, in.Close())
}

// NotExaminedError says that nobody looked into what is to be reviewed.
type NotExaminedError struct{ Subject string }

// Error implements error.
func (e *NotExaminedError) Error() string {
	return "nothing is known of " + e.Subject + ", so that nobody can tell what a review is of"
}

// Say signs and keeps a person's word on what is known of its subject today. A
// *NotExaminedError says that nothing is.
func (s Supply) Say(ctx context.Context, r supply.Review, key ed25519.PrivateKey) error {
	k, err := s.Known(ctx, r.Taken)
	if err != nil {
		return err
	}
	if r.Digest = k.DigestOf(r.Subject); r.Digest == "" {
		return &NotExaminedError{r.Subject}
	}
	if err := r.Sign(key); err != nil {
		return err
	}
	return s.Review(ctx, r)
}
