package assess

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/collect/redact"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// ObjectDigest tells what an object is in the words of a
// certificate, given the object as the API server has it: it goes the way an
// object goes that is surveyed, from reader over masking to essence. cluster is
// the name that stands in ids. The function returned is safe for concurrent
// use; it is gate/admission's Digest.
func ObjectDigest(cluster string) func(kind, namespace, name string, object json.RawMessage) (string, error) {
	return func(kind, namespace, name string, object json.RawMessage) (string, error) {
		var got objectSink
		m := kubernetes.Manifest{}
		if !m.Read(estate.Document{Path: "object.json", Body: object, Cluster: cluster}, redact.New(&got, redact.Options{})) {
			return "", errors.New("it does not look like an object")
		}
		want := "k8s://" + cluster + "/" + namespace + "/" + kind + "/" + name
		for i := range got.assets {
			if got.assets[i].ID == want {
				return EssenceDigest(&got.assets[i], got.assets[i].Config)
			}
		}
		return "", fmt.Errorf("it does not read as %s: %s", want, strings.Join(got.why, "; "))
	}
}

// objectSink keeps what it is sent.
type objectSink struct {
	assets []estate.Asset
	why    []string
}

var _ estate.Sink = (*objectSink)(nil)

// Asset implements estate.Sink.
func (s *objectSink) Asset(a estate.Asset) { s.assets = append(s.assets, a) }

// BlindSpot implements estate.Sink.
func (s *objectSink) BlindSpot(b estate.BlindSpot) { s.why = append(s.why, b.Why) }

// Covered implements estate.Sink.
func (s *objectSink) Covered(estate.Coverage) {}

// Called implements estate.Sink.
func (s *objectSink) Called(string) {}
