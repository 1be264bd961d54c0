package assess

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
)

// Known is what a watch says to the criteria of workloads of an estate.
func (w *Watch) Known(snap *estate.Snapshot) *detect.Known {
	k := &detect.Known{Learnt: w.Learnt, Fresh: w.Fresh, Days: map[string]int{}, Seen: w.Seen, Budget: w.Budget.PerDay(), Proofs: w.Proofs, Told: len(w.Incidents), Rules: w.Ruled.Keys}
	k.Realised, k.Over = w.Budget.Realised()
	for _, a := range snap.Assets() {
		if a.Kind == estate.KindIdentity {
			if n := w.Model.DaysOf(a.ID); n > 0 {
				k.Days[a.ID] = n
			}
		}
	}
	for _, i := range w.Incidents {
		switch i.Status {
		case "open":
			i.Signals = nil // who reads a bundle needs the fact, not the events
			k.Incidents = append(k.Incidents, i)
		case "fine":
			k.False++
		}
	}
	return k
}

// detectEvidence adds to a bundle what detection knew.
func detectEvidence(files map[string][]byte, k *detect.Known) error {
	if k == nil {
		return nil
	}
	text, err := json.Marshal(k)
	files[certificate.DetectFile] = text
	return err
}

// detectAgain reads it; nil where there is none.
func detectAgain(b certificate.Bundle) (*detect.Known, error) {
	if !b.Has(certificate.DetectFile) {
		return nil, nil
	}
	f, err := os.Open(b.Path(certificate.DetectFile))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var k detect.Known
	if err := json.NewDecoder(newBounded(f, maxEvidence)).Decode(&k); err != nil {
		return nil, fmt.Errorf("%s: %w", certificate.DetectFile, err)
	}
	return &k, nil
}
