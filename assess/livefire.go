package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/detect"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// LiveFire is the way of marked synthetic events in live fire: into a running detection
// as detect prove sends them, and back as the proofs that it notes.
type LiveFire struct {
	// Principal is the ARN of the role that plays the attacker, Region where; or with an Object
	// the name of a user of the cluster.
	Principal, Region string
	// Object is what of a workload that lives in a cluster is attacked, by audit events of the
	// cluster whose marks Key signs; nil: calls of AWS are played.
	Object *detect.ClusterObject
	Key    detect.ProofKey
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
	var records []json.RawMessage
	var marker string
	var err error
	if f.Object != nil {
		if !OnCluster(s) {
			return errors.New("no attack on a cluster shows it\nhint: --principal with the ARN of a role plays it by calls of AWS")
		}
		records, marker, err = detect.PlayOnCluster(s.Play, *f.Object, f.Principal, fireAddress, f.Key, time.Now())
	} else {
		records, marker, err = detect.Play(s.Play, f.Principal, f.Region, fireAddress, fireAgent, time.Now())
	}
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

// OnCluster reports whether a signal is one that a cluster's audit log shows, and that an attack
// on a cluster plays.
func OnCluster(s respond.Signal) bool {
	return detect.PlaysOnCluster(s.Play) && slices.Contains(s.Telemetry, "kubernetes-audit")
}

// Attacked is the object of a workload that an attack on its cluster is played on: the first of
// its roots that lies in a namespace. nil where there is none.
func Attacked(snap *estate.Snapshot, w *finding.Workload) *detect.ClusterObject {
	for _, id := range w.Roots {
		rest, ok := strings.CutPrefix(id, "k8s://")
		p := strings.Split(rest, "/") // cluster, namespace, kind, name
		n, known := snap.Find(id)
		if !ok || !known || len(p) != 4 || p[1] == "" {
			continue
		}
		t := strings.Split(snap.Asset(n).Type, "/") // group, version, kind; of the core no group
		if len(t) == 2 {
			t = append([]string{""}, t...)
		}
		if len(t) == 3 {
			return &detect.ClusterObject{Group: t[0], Version: t[1], Resource: plurals(t[2])[0], Namespace: p[1], Name: p[3]}
		}
	}
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
