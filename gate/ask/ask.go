// Package ask answers one question to programs of others: may this workload grow to
// so many replicas or instances, now? A rollout controller, a pipeline step or an
// operator of one's own asks it before it scales.
//
//	g := ask.Gate{Dir: "/certificates", Trusted: keys, Estate: "acme"}
//	d, err := g.May("fraud-model", 12)
//	if err != nil || d.Decision != gate.Admit { … }
//
// It reads certificates that lie in a folder (sevenfold gate certify writes them)
// and nothing else, and makes no call. Whoever cannot be asked admits nothing.
package ask

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

// Gate is what is asked.
type Gate struct {
	// Dir holds certificates, and revocations of them: every file in it whose name
	// does not begin with a dot.
	Dir string
	// Trusted are those whose signature counts, Approvers those that sign waivers.
	Trusted   certificate.Trust
	Approvers []ed25519.PublicKey
	// Estate the certificates must be of; empty: any.
	Estate string
	// Pilot is how far a workload without a certificate may go; 0: 1.
	Pilot int
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// May says whether a workload, by id or name, may have n replicas or instances. Up
// to the pilot it always may. An error says that nobody could be asked, which is no
// admission.
func (g Gate) May(workload string, n int) (gate.Decision, error) {
	if n < 0 {
		return gate.Decision{}, fmt.Errorf("%d replicas cannot be asked for", n)
	}
	pilot := max(g.Pilot, 1)
	if n <= pilot {
		return gate.Decision{Decision: gate.Admit, Reasons: []gate.Reason{{Workload: workload, Weight: gate.Admit, Text: fmt.Sprintf("%d is within its pilot of %d", n, pilot)}}}, nil
	}
	best, refused, err := g.newest(workload)
	if err != nil {
		return gate.Decision{}, err
	}
	refuse := func(text string) (gate.Decision, error) {
		return gate.Refused([]gate.Reason{{Workload: workload, Weight: gate.Refuse, Text: text}}), nil
	}
	switch {
	case best == nil && len(refused) > 0:
		return refuse(refused[0])
	case best == nil:
		return refuse(fmt.Sprintf("beyond its pilot of %d it needs a certificate, and has none: sevenfold gate certify %s --out FILE", pilot, workload))
	}
	p := best.Predicate
	if limit := p.Scale.Limit; limit > 0 && n > limit {
		return refuse(fmt.Sprintf("certificate %d lets it grow to %d, not to %d: its limit stands in sevenfold.yaml (workloads: scale)", p.Serial, limit, n))
	}
	return gate.Decision{Decision: gate.Admit, Reasons: []gate.Reason{{Workload: p.Workload.Name, Weight: gate.Admit,
		Text: fmt.Sprintf("certificate %d counts until %s", p.Serial, p.Expires.UTC().Format(time.RFC3339))}}}, nil
}

// newest is the workload's certificate of the highest serial. One that is refused
// hides those before it: they were replaced.
func (g Gate) newest(workload string) (best *certificate.Statement, refused []string, err error) {
	entries, err := os.ReadDir(g.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("the folder of certificates: %w", err)
	}
	now := time.Now
	if g.Now != nil {
		now = g.Now
	}
	revoked := certificate.Revocations{}
	check := certificate.Check{Trusted: g.Trusted, Approvers: g.Approvers, Estate: g.Estate, Workload: workload, Now: now(), Revoked: revoked.Why}
	texts, names := [][]byte{}, []string{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		text, err := read(filepath.Join(g.Dir, e.Name()))
		if errors.Is(err, errFolder) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if !certificate.IsRevocation(text) {
			texts, names = append(texts, text), append(names, e.Name())
		} else if r, err := certificate.OpenRevocation(text, g.Trusted); err == nil {
			revoked.Add(r) // one that nobody trusted signed ends nothing
		}
	}
	highest := int64(-1)
	for i, text := range texts {
		claimed, err := certificate.Peek(text)
		if err != nil || claimed.Predicate.Workload.ID != workload && claimed.Predicate.Workload.Name != workload {
			continue // of another workload, or nothing that says whose it is
		}
		s, reasons := certificate.Verify(text, check)
		if s == nil {
			refused = append(refused, names[i]+": "+reasons[0].Text)
			continue // whoever wrote it cannot hide a good one
		}
		if s.Predicate.Serial < highest {
			continue
		}
		highest = s.Predicate.Serial
		best, refused = s, nil
		if len(reasons) > 0 {
			best, refused = nil, []string{names[i] + ": " + reasons[0].Text}
		}
	}
	return best, refused, nil
}

var errFolder = errors.New("a folder")

// read reads no more than a certificate may have.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errFolder
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: errors.New("this is no file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read from
	return io.ReadAll(io.LimitReader(f, certificate.MaxBytes+1))
}
