package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// LiveFire is the way of marked synthetic events in live fire: into a running detection
// as detect prove sends them, and back as the proofs that it notes.
type LiveFire struct {
	// Principal is the ARN of the role that plays the attacker, Region where.
	Principal, Region string
	// Send sends the records of one attack to where the detection takes events in.
	Send func(ctx context.Context, marker string, records []json.RawMessage) error
	// Proofs are those that the detection has noted.
	Proofs func(ctx context.Context) ([]detect.Proof, error)

	sent map[string][]string // markers of attacks, by exercise
}

var _ respond.Range = (*LiveFire)(nil)

// What a synthetic attack comes with: an address for documentation (RFC 5737), and the
// program that is used most.
const (
	fireAddress = "203.0.113.77"
	fireAgent   = "aws-cli/2.31.4"
	firePoll    = 250 * time.Millisecond
)

// Fire implements respond.Range.
func (f *LiveFire) Fire(ctx context.Context, exercise, _ string, s respond.Signal) error {
	records, marker, err := detect.Play(s.Play, f.Principal, f.Region, fireAddress, fireAgent, time.Now())
	if err != nil {
		return err
	}
	if err := f.Send(ctx, marker, records); err != nil {
		return err
	}
	if f.sent == nil {
		f.sent = map[string][]string{}
	}
	f.sent[exercise] = append(f.sent[exercise], marker)
	return nil
}

// Seen implements respond.Range.
func (f *LiveFire) Seen(ctx context.Context, exercise string) (string, time.Time, error) {
	if len(f.sent[exercise]) == 0 {
		return "", time.Time{}, errors.New("no events were sent")
	}
	for {
		list, err := f.Proofs(ctx)
		if err != nil {
			return "", time.Time{}, fmt.Errorf("what the detection noted: %w", err)
		}
		for _, p := range list {
			if p.Found && slices.Contains(f.sent[exercise], p.Marker) {
				return p.Incident, p.At.Add(time.Duration(p.Seconds * float64(time.Second))), nil
			}
		}
		select {
		case <-ctx.Done():
			return "", time.Time{}, ctx.Err()
		case <-time.After(firePoll):
		}
	}
}
