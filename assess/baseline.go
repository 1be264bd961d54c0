package assess

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/store"
)

// BaselineType is the predicate type of a baseline's statement.
const BaselineType = baselineTypes + "v1"

const baselineTypes = "https://github.com/sevenfold-sec/sevenfold/attestation/baseline/"

// Baseline is what an approval states: which snapshot a named person takes
// ownership of, with what was open then.
type Baseline struct {
	Estate string `json:"estate"`
	// Version rises by one with every approval in a state.
	Version int64 `json:"version"`
	// Snapshot is the content hash of what was approved, Taken when it was read.
	Snapshot string           `json:"snapshot"`
	Taken    time.Time        `json:"taken"`
	Approved time.Time        `json:"approved"`
	By       string           `json:"by"`
	Tool     certificate.Tool `json:"tool"`
	// Assets is how many there are; Table is the SHA-256 of the list of their
	// digests, which the state keeps.
	Assets int    `json:"assets"`
	Table  string `json:"table"`
	// Sources that were read, and the accounts and clusters they showed.
	Sources  []string `json:"sources"`
	Accounts []string `json:"accounts"`
	// Workloads and Findings are the facts of the time: what there was to judge,
	// and every open finding.
	Workloads []BaselineWorkload `json:"workloads"`
	Findings  []BaselineFinding  `json:"findings"`
	// Listed is everything unread and every open deviation by name, with who took it
	// over and when.
	Listed []Listed `json:"listed"`
	// Sections are the SHA-256 of parts of this statement: they say which part was
	// changed where the signature does not hold.
	Sections map[string]string `json:"sections"`
	// Head says that the state has a head since this approval, so that one that is
	// missing was taken away. Baselines of earlier versions do not say it.
	Head bool `json:"head,omitempty"`
}

// BaselineWorkload is a workload of the time.
type BaselineWorkload struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// BaselineFinding is a finding that was open.
type BaselineFinding struct {
	ID       string           `json:"id"`
	Control  string           `json:"control"`
	Asset    string           `json:"asset"`
	Severity finding.Severity `json:"severity"`
	Status   finding.Outcome  `json:"status"`
}

// Listed is something unread or an open deviation that a baseline was approved
// with.
type Listed struct {
	ID   string    `json:"id"`
	Kind string    `json:"kind"` // as that of Open
	What string    `json:"what"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	// All says that it was not named but taken over with all others.
	All bool `json:"all"`
	// Types are those of Open.
	Types []string `json:"types,omitempty"`
}

type baselineStatement struct {
	Type          string                `json:"_type"`
	Subject       []certificate.Subject `json:"subject"`
	PredicateType string                `json:"predicateType"`
	Predicate     Baseline              `json:"predicate"`
}

// The kinds of open things.
const (
	openBlind    = "blind spot"
	openUnlisted = "never listed"
	openNamed    = "known by name only"
	openFault    = "deviation"
)

// Open is one thing that keeps a baseline from being approved unless it is
// listed by name.
type Open struct {
	// ID is the same from run to run, as long as what it names is.
	ID string `json:"id"`
	// Kind is "blind spot", "never listed", "known by name only" or "deviation".
	Kind string `json:"kind"`
	What string `json:"what"`
	// Types are all that were never listed in one place.
	Types []string `json:"types,omitempty"`
}

// Open lists what is unread and the open deviations of a result: blind spots
// first, then the types that no source listed, place by place, then the assets
// that workloads reach and that are known by name only. A stated bound on
// finished work is none.
func (r *Result) Open(o Options) []Open {
	out := []Open{}
	told := map[string]bool{} // sources of which something is said
	for _, b := range r.Snapshot.BlindSpots() {
		if b.Status == estate.ReadSkipped {
			continue
		}
		what := b.Operation
		for _, more := range []string{b.Asset, b.Account, b.Region} {
			if more != "" {
				what += " " + more
			}
		}
		told[b.Source] = true
		out = append(out, Open{ID: blindID(b), Kind: openBlind, What: what + ": " + string(b.Status)})
	}
	for _, s := range r.Snapshot.Sources() {
		id := blindID(estate.BlindSpot{Source: s.Source, Operation: "source"})
		switch {
		case s.Status == "failed":
			out = append(out, Open{ID: id, Kind: openBlind, What: "source " + s.Source + " could not be read"})
		case s.Status != "complete" && !told[s.Source]:
			out = append(out, Open{ID: id, Kind: openBlind, What: "source " + s.Source + " is " + s.Status})
		}
	}
	unread := audit.New(o.Controls, o.Scope.Gate.FailOn).Unread(r.Snapshot, r.Workloads)
	for _, u := range unread.Unlisted {
		id := blindID(estate.BlindSpot{Operation: openUnlisted, Account: u.Account, Region: u.Region, Types: u.Types})
		out = append(out, Open{ID: id, Kind: openUnlisted, What: u.String(), Types: u.Types})
	}
	for _, asset := range unread.NamedOnly {
		out = append(out, Open{ID: blindID(estate.BlindSpot{Operation: openNamed, Asset: asset}), Kind: openNamed, What: asset})
	}
	for _, f := range r.Findings {
		out = append(out, Open{ID: f.ID, Kind: openFault, What: fmt.Sprintf("%s %s: %s (%s)", f.Severity, f.Status, f.Title, f.Asset)})
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(out, func(o Open) bool { was := seen[o.ID]; seen[o.ID] = true; return was })
}

// blindID is the name of a blind spot, the same from run to run.
func blindID(b estate.BlindSpot) string {
	return "B-" + strings.TrimPrefix(finding.NewID(b.Operation, b.Account+" "+b.Region+" "+b.Asset, b.Source+" "+strings.Join(b.Types, ",")), "F-")
}

// Approval says who approves, and what is taken over by name.
type Approval struct {
	Key ed25519.PrivateKey
	By  string
	// Accept are ids of Open; All takes over every one.
	Accept  []string
	All     bool
	Version string // of sevenfold
	// Heads keeps how far the state has come; the zero value keeps nothing.
	Heads Heads
}

// NothingReadError says that there is nothing to approve: no asset was read, and not because
// there is none. A baseline of it would make everything that is there tomorrow a deviation, or
// worse, be taken for a company that owns nothing.
type NothingReadError struct {
	// Sources are those that were not read to the end.
	Sources []string
}

// Error implements error.
func (e *NothingReadError) Error() string {
	return "nothing was read, so that there is nothing to approve: " + strings.Join(e.Sources, ", ")
}

// unread is a *NothingReadError where the snapshot holds nothing that was read, and a source
// was not read to the end.
func (r *Result) unread() error {
	for _, a := range r.Seen.Assets() {
		if !a.Referenced {
			return nil
		}
	}
	var open []string
	for _, s := range r.Seen.Sources() {
		if s.Status != "complete" {
			open = append(open, s.Source+" ("+s.Status+")")
		}
	}
	if len(open) == 0 && len(r.Seen.Sources()) > 0 {
		return nil
	}
	return &NothingReadError{open}
}

// Approve signs the snapshot that was judged as the next version of the state's
// baseline and returns its file. What is open and not listed is returned instead,
// and nothing is approved. unknown are ids of a.Accept that name nothing open. Where nothing
// was read it is a *NothingReadError, whatever is accepted.
func (r *Result) Approve(ctx context.Context, st store.Store, o Options, a Approval) (b *Baseline, file []byte, left []Open, unknown []string, err error) {
	if err := r.unread(); err != nil {
		return nil, nil, nil, nil, err
	}
	named := map[string]bool{}
	for _, id := range a.Accept {
		named[id] = true
	}
	b = &Baseline{Estate: o.Scope.Estate, Snapshot: r.Seen.Hash(), Taken: r.Seen.Taken(), Approved: o.Now.UTC().Truncate(time.Second), By: a.By,
		Tool: certificate.Tool{Name: "sevenfold", Version: a.Version, Controls: o.Controls.Digest()}, Assets: r.Seen.Len(),
		Sources: []string{}, Accounts: accountsOf(r.Seen), Workloads: []BaselineWorkload{}, Findings: []BaselineFinding{}, Listed: []Listed{}, Head: a.Heads.Store != nil}
	for _, x := range r.Open(o) {
		if !a.All && !named[x.ID] {
			left = append(left, x)
		}
		b.Listed = append(b.Listed, Listed{ID: x.ID, Kind: x.Kind, What: x.What, By: a.By, At: b.Approved, All: !named[x.ID], Types: x.Types})
		delete(named, x.ID)
	}
	if unknown = slices.Sorted(maps.Keys(named)); len(unknown) > 0 || len(left) > 0 {
		return nil, nil, left, unknown, nil
	}
	for _, s := range r.Seen.Sources() {
		b.Sources = append(b.Sources, s.Source)
	}
	for _, w := range r.Workloads.List {
		b.Workloads = append(b.Workloads, BaselineWorkload{w.ID, w.Name})
	}
	for _, f := range r.Findings {
		b.Findings = append(b.Findings, BaselineFinding{f.ID, f.Control, f.Asset, f.Severity, f.Status})
	}
	if file, err = (Baselines{st}).save(ctx, b, r.Seen, a.Key); err != nil {
		return nil, nil, nil, nil, err
	}
	h := a.Heads
	if h.Folder == "" || h.Key == nil {
		h.Key = a.Key // a database holds no key of its own
	}
	return b, file, nil, nil, h.Anew(ctx, b.Approved)
}

// accountsOf are the accounts and clusters that a snapshot read something of.
func accountsOf(s *estate.Snapshot) []string {
	set := map[string]bool{}
	for _, a := range s.Assets() {
		if !a.Referenced && len(a.Reads) > 0 && a.Account != "" {
			set[a.Account] = true
		}
	}
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

// Baselines are the approved baselines that a state keeps.
type Baselines struct{ Store store.Store }

// Where they stand among what the steps have learnt. A baseline's version is
// that of its blob.
const (
	auditStep   = "audit"
	baselineKey = "baseline"
	tableKey    = "baseline-table"
)

// save keeps a baseline as the next version.
func (k Baselines) save(ctx context.Context, b *Baseline, s *estate.Snapshot, key ed25519.PrivateKey) ([]byte, error) {
	last, err := k.Last(ctx)
	if err != nil {
		return nil, err
	}
	b.Version = last + 1
	table := tableOf(s)
	b.Table = sum(table)
	b.Sections = b.sections()
	payload, err := json.Marshal(baselineStatement{certificate.StatementType,
		[]certificate.Subject{{Name: "estate " + b.Estate, Digest: certificate.Digest{SHA256: strings.TrimPrefix(b.Snapshot, "sha256:")}}}, BaselineType, *b})
	if err != nil {
		return nil, err
	}
	file, err := certificate.Seal(payload, key)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	// The list goes first: a baseline without its list would be refused, a list
	// without its baseline is nothing.
	if _, err := k.Store.PutBlob(ctx, auditStep, fmt.Sprintf("%s/%s", tableKey, b.Table), table); err != nil {
		return nil, err
	}
	version, err := k.Store.PutBlob(ctx, auditStep, baselineKey, file)
	if err == nil && version != b.Version {
		err = fmt.Errorf("the state took the baseline as version %d, it says %d: another run approved one meanwhile; approve again", version, b.Version)
	}
	return file, err
}

// sections are the digests of the parts of a statement.
func (b *Baseline) sections() map[string]string {
	out := map[string]string{}
	for name, part := range map[string]any{"findings": b.Findings, "listed": b.Listed, "workloads": b.Workloads, "sources": b.Sources, "accounts": b.Accounts,
		"head": []any{b.Estate, b.Version, b.Snapshot, b.Taken, b.Approved, b.By, b.Tool, b.Assets, b.Table}} {
		text, _ := json.Marshal(part) // plain values
		out[name] = sum(text)
	}
	return out
}

func sum(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// tableOf lists the digest of every asset, a line each: 32 hexadecimal digits and
// the id. It says which asset of a baseline was changed.
func tableOf(s *estate.Snapshot) []byte {
	var b bytes.Buffer
	b.Grow(s.Len() * 96)
	for n, a := range s.Assets() {
		d := s.AssetDigest(n)
		b.WriteString(hex.EncodeToString(d[:16]))
		b.WriteByte(' ')
		b.WriteString(strings.ReplaceAll(a.ID, "\n", " "))
		b.WriteByte('\n')
	}
	return b.Bytes()
}
