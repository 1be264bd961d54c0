package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/store"
)

// DataSaid is what the state remembers of data: surveys and erasures.
func DataSaid(ctx context.Context, st store.Store) (k data.Known, err error) {
	if k.Summaries, err = (Surveys{st}).Summaries(ctx); err != nil {
		return k, err
	}
	k.Erasures, err = (Erasures{st}).List(ctx)
	return k, err
}

// DataWorld puts together what is known of an estate's data, with its workloads.
func DataWorld(ctx context.Context, snap *estate.Snapshot, s *scope.Scope, k data.Known) (*data.World, *scope.Workloads, error) {
	workloads, err := s.Workloads(snap)
	if err != nil {
		return nil, nil, err
	}
	w, err := data.NewWorld(ctx, snap, s, k)
	return w, workloads, err
}

// dataEvidence adds to a bundle what scans and events said of data.
func dataEvidence(files map[string][]byte, k data.Known) error {
	if len(k.Summaries)+len(k.Flows)+len(k.Erasures) == 0 && !k.Watched && len(k.Broken) == 0 {
		return nil
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := json.NewEncoder(zip).Encode(k); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	files[certificate.DataFile] = packed.Bytes()
	return nil
}

// dataAgain reads it. The certificate's digests say that it is what was put there.
func dataAgain(b certificate.Bundle) (k data.Known, err error) {
	if !b.Has(certificate.DataFile) {
		return k, nil
	}
	f, err := os.Open(b.Path(certificate.DataFile))
	if err != nil {
		return k, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(newBounded(zip, maxEvidence)).Decode(&k)
	}
	if err != nil {
		return k, fmt.Errorf("%s: %w", certificate.DataFile, err)
	}
	return k, nil
}
