package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// The files of the baseline in an evidence bundle.
const (
	baselineStatementFile = certificate.BaselineDir + "baseline.json"
	baselineSnapshotFile  = certificate.BaselineDir + "snapshot.jsonl.gz"
	baselinePapersFile    = certificate.BaselineDir + "papers.json"
)

// baselineEvidence adds to a bundle what is needed to hold the estate against its
// baseline again: the statement, the snapshot, and what explains differences.
func baselineEvidence(ctx context.Context, files map[string][]byte, b *audit.Approved) error {
	if b == nil {
		return nil
	}
	papers, err := json.MarshalIndent(b.Papers, "", "  ")
	if err != nil {
		return err
	}
	files[baselinePapersFile] = append(papers, '\n')
	if b.Refused != "" {
		return nil
	}
	files[baselineStatementFile] = b.Papers.File
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := b.Snapshot.Export(ctx, zip); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	files[baselineSnapshotFile] = packed.Bytes()
	return nil
}

// baselineAgain reads the baseline of a bundle and holds the estate against it as
// it was when the certificate was issued; nil if there was none. Its keys are
// those that counted then: whoever trusts the certificate's signature trusts who
// issued it to have known them, and where the scope names approvers, they are.
func baselineAgain(ctx context.Context, bundle certificate.Bundle, snap *estate.Snapshot, o Options) (*audit.Approved, error) {
	if !bundle.Has(baselinePapersFile) {
		return nil, nil
	}
	text, err := os.ReadFile(bundle.Path(baselinePapersFile))
	if err != nil {
		return nil, err
	}
	out := &audit.Approved{Now: o.Now}
	if err := json.Unmarshal(text, &out.Papers); err != nil {
		return nil, fmt.Errorf("%s: %w", baselinePapersFile, err)
	}
	out.Version, out.Refused, out.Hint = out.Papers.Version, out.Papers.Refused, out.Papers.Hint
	if out.Refused != "" {
		return out, nil
	}
	h := Holding{Trusted: o.Scope.Gate.Approvers, Estate: o.Scope.Estate, Now: o.Now}
	if len(h.Trusted) == 0 {
		if h.Trusted, err = publicKeys(out.Papers.Keys); err != nil {
			return nil, err
		}
	}
	if out.Papers.File, err = os.ReadFile(bundle.Path(baselineStatementFile)); err != nil {
		return nil, err
	}
	b, err := Baselines{}.Check(out.Papers.File, h.Trusted, h.Estate, 0)
	if err != nil {
		return nil, err
	}
	if out.Snapshot, err = readEvidence(bundle.Path(baselineSnapshotFile)); err != nil {
		return nil, err
	}
	if out.Snapshot.Hash() != b.Snapshot {
		return nil, errors.New("its snapshot is another than the one that was approved")
	}
	if err := sameEstate(b, snap); err != nil {
		return nil, err
	}
	if err := hold(ctx, out, b, snap); err != nil {
		return nil, err
	}
	out.Drift.Seen(out.Papers.Seen)
	out.Drift.Credit(out.Papers.By)
	if err := zones(o.Scope, out.Drift, out.Snapshot, snap); err != nil {
		return nil, err
	}
	out.Drift.Accept(h.readAcceptances(out.Papers.Acceptances), h.Now)
	return out, nil
}

func publicKeys(ids []string) ([]ed25519.PublicKey, error) {
	var out []ed25519.PublicKey
	for _, id := range ids {
		key, err := certificate.ParsePublic(id)
		if err != nil {
			return nil, err
		}
		out = append(out, key)
	}
	return out, nil
}
