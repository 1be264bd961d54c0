package network

import "github.com/sevenfold-sec/sevenfold/finding"

// Observed are flows that were seen.
type Observed struct{}

func (o *Observed) criterion(*jury, *party) finding.Criterion { return finding.Criterion{} }
