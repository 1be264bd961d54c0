package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	providerAWS "github.com/sevenfold-sec/sevenfold/provider/aws"
	providerKubernetes "github.com/sevenfold-sec/sevenfold/provider/kubernetes"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// TTL is how long a certificate counts where nothing else is asked for.
const TTL = 7 * 24 * time.Hour

// Certify says how a workload is certified.
type Certify struct {
	Key crypto.Signer
	// Seal signs instead of Key; nil: Key does, in a bare envelope.
	Seal certificate.Sealer
	// TTL is how long the certificate counts; it ends no later than the first
	// of the waivers it rests on.
	TTL    time.Duration
	Serial int64
	// Bundle is the folder the evidence goes to.
	Bundle  string
	Version string
	// Own holds the controls of the user's own; nil if there are none.
	Own fs.FS
}

// FreshFor is how old what was read may be when it is certified: a clean estate
// of last year says nothing of today's.
const FreshFor = 24 * time.Hour

// Certify signs a workload's verdict, if it is ready and rests on what was read
// lately, and writes the evidence bundle. If it is not, the file is nil and the
// decision says why.
func (r *Result) Certify(ctx context.Context, w finding.Workload, o Options, c Certify) (file []byte, d gate.Decision, err error) {
	if age := o.Now.Sub(r.Seen.Taken()); age > FreshFor {
		return nil, gate.Refused([]gate.Reason{{Workload: w.Name, Weight: gate.Refuse,
			Text: fmt.Sprintf("the estate was read on %s, more than %s ago: read it again and certify that", r.Seen.Taken().Format(time.RFC3339), FreshFor)}}), nil
	}
	d = gate.CheckVerdict(w.Name, r.Criteria[w.ID])
	if d.Decision != gate.Admit {
		return nil, d, nil
	}
	files, err := r.evidence(ctx, o, c)
	if err != nil {
		return nil, d, err
	}
	s, err := r.statement(w, o, c)
	if err != nil {
		return nil, d, err
	}
	if s.Predicate.Bundle, err = certificate.WriteBundle(c.Bundle, files); err != nil {
		return nil, d, err
	}
	seal := c.Seal
	if seal == nil {
		seal = certificate.KeySealer(c.Key)
	}
	file, err = certificate.EncodeBy(s, seal)
	return file, d, err
}

// statement is what is signed, but for the bundle's digests.
func (r *Result) statement(w finding.Workload, o Options, c Certify) (*certificate.Statement, error) {
	members, err := Members(r.Snapshot, w)
	if err != nil {
		return nil, err
	}
	issued := o.Now.UTC().Truncate(time.Second)
	p := certificate.Predicate{
		Estate:   o.Scope.Estate,
		Workload: certificate.Workload{ID: w.ID, Name: w.Name, Type: w.Type, Zone: w.Zone, Owner: w.Owner},
		Verdict:  r.Verdicts[w.ID], Snapshot: r.Seen.Hash(), Taken: r.Seen.Taken(),
		Scale:  certificate.Scale{Pilot: r.Workloads.Pilot(w.ID), Limit: r.Workloads.Limit(w.ID)},
		Tool:   certificate.Tool{Name: "sevenfold", Version: c.Version, Controls: o.Controls.Digest()},
		Issued: issued, Expires: issued.Add(c.TTL), Serial: c.Serial, Waivers: []finding.Waiver{},
	}
	for _, k := range r.Criteria[w.ID] {
		evidence, err := certificate.EvidenceOf(k)
		if err != nil {
			return nil, err
		}
		p.Criteria = append(p.Criteria, certificate.Criterion{ID: k.ID, Status: k.Status, Evidence: evidence})
		if k.Waiver == nil || slices.Contains(p.Waivers, *k.Waiver) {
			continue
		}
		p.Waivers = append(p.Waivers, *k.Waiver)
		if ends, err := gate.WaiverEnds(*k.Waiver); err == nil && ends.Before(p.Expires) {
			p.Expires = ends
		}
	}
	return &certificate.Statement{Type: certificate.StatementType, PredicateType: certificate.PredicateType,
		Subject: certificate.Subjects(w.ID, members), Predicate: p}, nil
}

// evidence gathers the files of the bundle: all that is needed to judge again.
func (r *Result) evidence(ctx context.Context, o Options, c Certify) (map[string][]byte, error) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := r.Seen.Export(ctx, zip); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := zip.Close(); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	versions, err := json.MarshalIndent(map[string]string{"sevenfold": c.Version, "controls": o.Controls.Digest()}, "", "  ")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{certificate.SnapshotFile: packed.Bytes(), certificate.VersionsFile: append(versions, '\n')}
	if o.Scope.File != "" {
		text, err := os.ReadFile(o.Scope.File)
		if err != nil {
			return nil, fmt.Errorf("evidence bundle: %w", err)
		}
		files[certificate.ScopeFile] = text
	}
	if err := baselineEvidence(ctx, files, o.Baseline); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := accessEvidence(files, o.Beside); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := detectEvidence(files, r.Detect); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := supplyEvidence(files, o.Supply); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := dataEvidence(files, o.Data); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := flowsEvidence(files, r.Flows); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if err := respondEvidence(files, o.Respond.Records); err != nil {
		return nil, fmt.Errorf("evidence bundle: %w", err)
	}
	if c.Own != nil {
		if err := certificate.Collect(files, certificate.ControlsDir, c.Own); err != nil {
			return nil, fmt.Errorf("evidence bundle: %w", err)
		}
	}
	return files, nil
}

// Members returns the digest of each member of a workload that a certificate
// vouches for, by id. What a controller makes of another member (the pods of a
// Deployment, the instances of a scaling group) comes and goes with scale and
// says nothing its maker does not; a part of another member stands in that
// one's configuration.
func Members(snap *estate.Snapshot, w finding.Workload) (map[string]string, error) {
	within := map[string]bool{}
	for _, id := range w.Members {
		within[id] = true
	}
	out := map[string]string{}
	for _, id := range w.Members {
		n, ok := snap.Find(id)
		if !ok || made(snap, n, within) {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			return nil, err
		}
		if out[id], err = EssenceDigest(snap.Asset(n), config); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// made reports whether an asset is a part of, or was made by, another member.
func made(snap *estate.Snapshot, n estate.Node, within map[string]bool) bool {
	a := snap.Asset(n)
	if parent, _, part := strings.Cut(a.ID, "#"); part && within[parent] || a.Type == estate.SetType {
		return true
	}
	for e := range snap.In(n) {
		maker := snap.Asset(e.Node)
		if e.Type != estate.Contains || !within[maker.ID] {
			continue
		}
		if a.Cloud == estate.Kubernetes && maker.Cloud == estate.Kubernetes || a.Type == "AWS::EC2::Instance" {
			return true
		}
	}
	return false
}

// Scale takes an asset's configuration apart, as its provider reads it.
func Scale(a *estate.Asset, config json.RawMessage) (estate.Scale, error) {
	switch a.Cloud {
	case estate.AWS:
		return providerAWS.Scale(a, config)
	case estate.Kubernetes:
		return providerKubernetes.Scale(a, config)
	}
	return estate.Scale{Essence: config}, nil
}

// maskHash is the keyed hash in a masked secret: two states mask with two keys,
// and a certificate must be the same in both.
var maskHash = regexp.MustCompile(`(sevenfold:masked\([a-z0-9-]+,[0-9]+),[0-9a-f]{8}\)`)

// EssenceDigest returns the SHA-256, in hexadecimal digits, of what a
// certificate vouches for of an asset: type and essence. An asset known by name
// only has the digest of that.
func EssenceDigest(a *estate.Asset, config json.RawMessage) (string, error) {
	s, err := Scale(a, config)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "sevenfold essence 1\n%s\n", a.Type)
	h.Write(maskHash.ReplaceAll(s.Essence, []byte("$1)")))
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Recheck judges a certificate's evidence again and returns what speaks against
// the certificate. version is that of this sevenfold; load makes the controls of
// the user's own, nil for none, and those that come with sevenfold.
func Recheck(ctx context.Context, s *certificate.Statement, dir, version string, load func(own fs.FS) (*control.Set, error)) ([]gate.Reason, error) {
	p := &s.Predicate
	refuse := func(criterion, format string, args ...any) []gate.Reason {
		return []gate.Reason{{Workload: p.Workload.Name, Criterion: criterion, Text: fmt.Sprintf(format, args...)}}
	}
	b, err := s.OpenBundle(dir)
	if err != nil {
		return refuse("", "%s", err), nil
	}
	snap, err := readEvidence(b.Path(certificate.SnapshotFile))
	if err != nil {
		return refuse("", "the evidence cannot be read: %s", err), nil
	}
	if snap.Hash() != p.Snapshot || !snap.Taken().Equal(p.Taken) {
		return refuse("", "the evidence is of snapshot %s, the certificate of %s", snap.Hash(), p.Snapshot), nil
	}
	o := Options{Scope: scope.Default(), Now: p.Issued}
	if b.Has(certificate.ScopeFile) {
		if o.Scope, err = scope.Load(b.Path(certificate.ScopeFile)); err != nil {
			return refuse("", "the evidence's sevenfold.yaml cannot be read: %s", err), nil
		}
	}
	if o.Controls, err = load(b.Controls()); err != nil {
		return nil, err
	}
	if o.Baseline, err = baselineAgain(ctx, b, snap, o); err != nil {
		return refuse("audit.baseline", "the baseline in the evidence cannot be held against it again: %s", err), ctx.Err()
	}
	if o.Beside, err = accessAgain(b); err != nil {
		return refuse("access.unused", "what logs and reviews said cannot be read from the evidence: %s", err), nil
	}
	if o.Detect, err = detectAgain(b); err != nil {
		return refuse("detect.baseline", "what detection knew cannot be read from the evidence: %s", err), nil
	}
	if o.Supply, err = supplyAgain(b, p.Issued); err != nil {
		return refuse("supply.inventory", "what was examined of the supply chain cannot be read from the evidence: %s", err), nil
	}
	if o.Data, err = dataAgain(b); err != nil {
		return refuse("data.classified", "what scans and events said of data cannot be read from the evidence: %s", err), nil
	}
	if o.FlowsSaid, err = flowsAgain(b); err != nil {
		return refuse("network.observed", "what flow logs said cannot be read from the evidence: %s", err), nil
	}
	if o.Respond.Records, err = respondAgain(b); err != nil {
		return refuse("respond.exercised", "what was exercised cannot be read from the evidence: %s", err), nil
	}
	o.Plain = true
	r, err := Judge(ctx, snap, o)
	if err != nil {
		return nil, err
	}
	return r.agrees(s, o.Controls.Digest() == p.Tool.Controls && version == p.Tool.Version)
}

// readEvidence reads an exported snapshot.
func readEvidence(path string) (*estate.Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	snap, err := estate.Import(newBounded(zip, maxEvidence))
	if err != nil {
		return nil, err
	}
	return snap, zip.Close()
}

// agrees holds a verdict made again to the certificate's. same says that the
// same questions were asked.
func (r *Result) agrees(s *certificate.Statement, same bool) ([]gate.Reason, error) {
	p := &s.Predicate
	i := slices.IndexFunc(r.Workloads.List, func(w finding.Workload) bool { return w.ID == p.Workload.ID })
	if i < 0 {
		return []gate.Reason{{Workload: p.Workload.Name, Text: "the evidence has no workload " + p.Workload.ID}}, nil
	}
	w := r.Workloads.List[i]
	var out []gate.Reason
	stated := map[string]certificate.Criterion{}
	for _, k := range p.Criteria {
		stated[k.ID] = k
	}
	for _, k := range r.Criteria[w.ID] {
		evidence, err := certificate.EvidenceOf(k)
		if err != nil {
			return nil, err
		}
		switch was := stated[k.ID]; {
		case was.Status != k.Status:
			out = append(out, gate.Reason{Workload: w.Name, Criterion: k.ID,
				Text: fmt.Sprintf("judged again from the evidence, %s is %s; the certificate says %s (%s)", k.ID, k.Status, was.Status, k.Reason)})
		case same && was.Evidence != evidence:
			out = append(out, gate.Reason{Workload: w.Name, Criterion: k.ID,
				Text: fmt.Sprintf("judged again, %s rests on other evidence than the certificate says", k.ID)})
		}
	}
	members, err := Members(r.Snapshot, w)
	if err != nil {
		return nil, err
	}
	if again := certificate.Subjects(w.ID, members); !slices.Equal(again, s.Subject) {
		out = append(out, gate.Reason{Workload: w.Name, Text: "the members of the workload in the evidence are not those the certificate vouches for"})
	}
	if again := (certificate.Scale{Pilot: r.Workloads.Pilot(w.ID), Limit: r.Workloads.Limit(w.ID)}); again != p.Scale {
		out = append(out, gate.Reason{Workload: w.Name, Text: fmt.Sprintf("the evidence allows a pilot of %d and a limit of %d, the certificate says %d and %d", again.Pilot, again.Limit, p.Scale.Pilot, p.Scale.Limit)})
	}
	return out, nil
}
