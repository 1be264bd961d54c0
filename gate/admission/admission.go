// Package admission is the gate of a Kubernetes cluster: it turns certificates
// into the ScaleVerdicts by which the API server refuses growth (Controller),
// and answers the API server's questions about growth itself (Webhook).
//
// # Who refuses what
//
// The floor is an admission policy inside the API server, which goes by the copy
// of the ScaleVerdict that the namespace carries. It needs nothing of ours to
// run, but knows neither the time nor what an object looked like when it was
// certified. The webhook knows both. Growth passes only if both let it through; only growth is
// sent to the webhook. So when this package's parts are down, growth stops and
// shrinking goes on.
//
// # Words
//
// An object's key is KIND/NAME within its namespace, NAMESPACE/KIND/NAME within
// the cluster; KIND is spelt as in ids, with the group of custom kinds. The
// pilot is how far an object may grow without a certificate. Units are what it
// grows in: replicas, pods, workers. An object is covered if a controller that
// the gate knows made it for another object that is held: then the other's size
// bounds it.
package admission

import (
	"context"
	"encoding/json"
	"time"
)

// Grant is what one valid certificate allows in a cluster. Objects are named
// NAMESPACE/KIND/NAME.
type Grant struct {
	// Workload is the workload's id, Name how people call it.
	Workload, Name string
	// Serial rises with every certificate of the workload, from 1.
	Serial  int64
	Expires time.Time
	// Limits are the greatest numbers of units.
	Limits map[string]int
	// Shared is the greatest number of units of all the objects together; 0: no
	// limit.
	Shared int
	// Digests say what the objects were when they were certified. An object
	// without one is held to its pilot.
	Digests map[string]string
	// Pilot is what stays allowed when the certificate does not hold; an object
	// without one has the namespace's.
	Pilot map[string]int
}

// Refused is a certificate that does not count, and why.
type Refused struct {
	Workload string
	// Serial is 0 unless the certificate is signed by a trusted key: then an
	// older one does not count either.
	Serial int64
	// Objects it names, NAMESPACE/KIND/NAME; they are told why.
	Objects []string
	// Why reads on after "because": "its certificate expired on …".
	Why string
}

// Grants are the certificates at hand. Current gives those that count now and
// those that do not; an error says that the certificates could not be read.
type Grants interface {
	Current(ctx context.Context) ([]Grant, []Refused, error)
}

// Digest tells what an object is apart from its scale and what changes by
// itself, in the words the certificate uses: object is as the API server sends
// it. An error means that it cannot be told.
type Digest func(kind, namespace, name string, object json.RawMessage) (string, error)

// Held is an object of a held kind.
type Held struct {
	Kind, Name, UID, Version string
	// Ending is set while it is being deleted, Done when it has run to its end.
	Ending, Done bool
	// Object is what is kept of it.
	Object func() (json.RawMessage, error)
}

// Cluster is what the gate needs of a cluster. Implementations are safe for
// concurrent use.
type Cluster interface {
	// Gated lists the namespaces that have a ScaleVerdict to be kept: those that
	// are gated, and those prepared for it. Ones being deleted are left out.
	Gated() []string
	// Seen returns an object as last seen; false if there was none.
	Seen(namespace, kind, name string) (json.RawMessage, bool)
	// Held lists the objects of held kinds in a namespace as last seen.
	Held(namespace string) []Held
	// Watching reports whether all objects of a kind have been seen. A kind that
	// the API server does not have is not watched.
	Watching(kind string) bool
	// Object reads one object as it is now; false if there is none.
	Object(ctx context.Context, namespace, kind, name string) (json.RawMessage, bool, error)
	// Verdict returns the spec of a namespace's ScaleVerdict as last seen.
	Verdict(namespace string) (json.RawMessage, bool)
	// WriteVerdict makes or replaces it.
	WriteVerdict(ctx context.Context, namespace string, spec json.RawMessage) error
	// Annotations returns the annotations of a gated namespace as last seen.
	Annotations(namespace string) map[string]string
	// Annotate sets annotations of a namespace; others stay.
	Annotate(ctx context.Context, namespace string, annotations map[string]string) error
	// Probe asks for growth that must be refused, without having it stored.
	Probe(ctx context.Context) []Probe
	// Event tells of something that happened in a namespace, where its people
	// look for it. what is one word of the API's spelling.
	Event(ctx context.Context, namespace, what, message string) error
	// Note reads a text that all replicas of the gate share, with its version; both
	// are empty if there is none yet.
	Note(ctx context.Context, name string) (text []byte, version string, err error)
	// WriteNote makes or replaces it if its version is still the one given, empty if
	// there was none; first is false if somebody else was.
	WriteNote(ctx context.Context, name string, text []byte, version string) (next string, first bool, err error)
	// Trust makes the API server trust a certificate authority (PEM) when it
	// calls the webhook, besides those it trusts already.
	Trust(ctx context.Context, authority []byte) error
	// Run watches the cluster until ctx ends, and calls changed whenever
	// something of the above may have changed; ready is called once all was
	// seen.
	Run(ctx context.Context, ready, changed func()) error
}
