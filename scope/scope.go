// Package scope reads sevenfold.yaml: which sources an estate has, what its
// zones are, which assets make a workload, and what the gate asks of it.
//
// A file that says something sevenfold does not understand is refused whole,
// with the place of each mistake: a setting that is silently ignored is a door
// left open.
package scope

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// The zones an asset can be in. Unzoned is where no zone claims it.
const (
	ZoneTraining    = "training"
	ZoneServing     = "serving"
	ZonePipeline    = "pipeline"
	ZoneManagement  = "management"
	ZoneDevelopment = "development"
	ZoneProduction  = "production"
	Unzoned         = "unzoned"
)

// Zones lists the zones a file may describe.
var zones = []string{ZoneTraining, ZoneServing, ZonePipeline, ZoneManagement, ZoneDevelopment, ZoneProduction}

// Scope is what sevenfold.yaml says. It must not be changed once it is in use.
type Scope struct {
	Estate  string
	Sources []string
	// Zones in the fixed order of their names' vocabulary.
	Zones []Zone
	// Declared workloads in the order of the file.
	Declared []Declared
	Access   Access
	Data     Data
	Network  Network
	Services []Service
	Respond  Respond
	Supply   Supply
	Gate     Gate
	// Held are settings that were taken back to their defaults because no
	// approver signed them.
	Held []Loosening
	// File is the path it was read from; empty for Default.
	File string
	// Digest tells what was read: two scopes of one digest say the same. Empty for one
	// that was put together otherwise.
	Digest string
}

// Zone says which assets are in a zone: those that match, or whose address
// lies in one of the ranges.
type Zone struct {
	Name  string
	Match *expr.Expr // nil: by address only
	CIDRs []netip.Prefix
	Place strict.Place
}

// Declared is a workload as the file declares it.
type Declared struct {
	Name    string
	Match   *expr.Expr // nil: the discovered workload of this name
	Owner   string
	Deputy  string
	Owners  []string // further people
	Purpose string
	Zone    string // empty: by the zones' matches
	Pilot   Pilot
	// Limit bounds what it may be scaled to with a certificate; 0: no limit.
	Limit int
	// Ignore says that what matches is no AI workload.
	Ignore bool
	Place  strict.Place
}

// Pilot bounds what a workload may be scaled to without a certificate.
type Pilot struct {
	Replicas int // replicas or instances; 1 unless set
	// Signature of an approver, where the gate names any.
	Signature string
}

// Gate says when a workload is held back.
type Gate struct {
	// FailOn is the least severity that counts; high unless set.
	FailOn finding.Severity
	// FailOnSignature is an approver's word that a FailOn below high is meant.
	FailOnSignature string
	// Approvers are public keys; where there are any, a waiver, a pilot above 1
	// and a FailOn weaker than high count only if one of them signed it.
	Approvers []ed25519.PublicKey
	Waivers   []finding.Waiver
	// Signers are who may sign certificates without a key of their own. Where there
	// are approvers, only those are here that one of them signed.
	Signers []Signer
}

// Signer is an identity whose keyless (Sigstore) signature of a certificate counts.
type Signer struct {
	// Identity is the address or URI in the signing certificate, Issuer the URL of
	// the identity provider that vouches for it; both count letter by letter.
	Identity, Issuer string
	// TrustedRoot is the trusted_root.json file the signature is held against,
	// relative to the folder of the file that names it.
	TrustedRoot string
	// SHA256 is the digest that file must have, in lower-case hex; empty: any.
	SHA256 string
	// Signature of an approver, where the gate names any.
	Signature string
	Place     strict.Place
}

// loosening is what an approver signs of a signer. It holds the root by its digest:
// whoever may replace the root's file could make himself any identity.
func (s *Signer) loosening() Loosening {
	return Loosening{Setting: "signer", Value: s.Identity + " " + s.Issuer + " " + s.SHA256}
}

// Default is the scope of a run without a file: no zones, nothing declared,
// the gate at high.
func Default() *Scope {
	return &Scope{Digest: "default", Gate: Gate{FailOn: finding.High}, Supply: Supply{StaleAfter: StaleDays * 24 * time.Hour}}
}

// Load reads a file. The error joins a *strict.Problem for each mistake.
func Load(path string) (*Scope, error) {
	if info, err := os.Stat(path); err == nil && info.Mode()&os.ModeNamedPipe != 0 && !strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/proc/") {
		return nil, fmt.Errorf("scope: %s is a pipe, which would be waited for: name a file", path) // a shell's <(…) is below /dev
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("scope: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, strict.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("scope: %s: %w", path, err)
	}
	s, err := Parse(path, data)
	if err != nil {
		return nil, err
	}
	s.File = path
	return s, nil
}
