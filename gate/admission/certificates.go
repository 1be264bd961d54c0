package admission

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/gate/certificate"
)

// Folder reads the certificates of a cluster from a folder: every file in it,
// but those whose names begin with a dot, is one. Whether their criteria follow
// from their evidence is checked where the bundles are (gate verify --bundle).
type Folder struct {
	Dir string
	// Cluster is the name that stands in the ids of its objects,
	// k8s://CLUSTER/….
	Cluster string
	// Keys are those whose signature counts, Approvers those that sign waivers.
	Keys, Approvers []ed25519.PublicKey
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

var _ Grants = Folder{}

// Current implements Grants. A file that is no valid certificate is among the
// refused; only a folder that cannot be read is an error.
func (f Folder) Current(context.Context) ([]Grant, []Refused, error) {
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		return nil, nil, fmt.Errorf("%w\nhint: put what sevenfold gate certify writes into the folder, and name it by --certificates", err)
	}
	var grants []Grant
	var refused []Refused
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(f.Dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			continue
		}
		g, r := f.read(path, now())
		if r != nil {
			refused = append(refused, *r)
		} else {
			grants = append(grants, g)
		}
	}
	return grants, refused, nil
}

func (f Folder) read(path string, now time.Time) (Grant, *Refused) {
	text, err := readBounded(path)
	if err != nil {
		return Grant{}, &Refused{Why: fmt.Sprintf("the certificate in %s cannot be read (%v)", path, err)}
	}
	s, reasons := certificate.Verify(text, certificate.Check{Trusted: f.Keys, Approvers: f.Approvers, Now: now})
	if s == nil {
		return Grant{}, &Refused{Why: fmt.Sprintf("%s is refused: %s", path, reasons[0].Text)}
	}
	g := f.grant(s)
	switch {
	case len(reasons) > 0:
		r := &Refused{Workload: g.Workload, Serial: g.Serial, Why: fmt.Sprintf("certificate %d of workload %s is refused: %s; certify it again: sevenfold gate certify %s",
			g.Serial, g.Name, reasons[0].Text, g.Name)}
		for object := range g.Limits {
			r.Objects = append(r.Objects, object)
		}
		return Grant{}, r
	case len(g.Limits) == 0:
		return Grant{}, &Refused{Workload: g.Workload, Serial: g.Serial, Why: fmt.Sprintf("certificate %d of workload %s names no Deployment and no StatefulSet of cluster %q (--cluster names the one meant)",
			g.Serial, g.Name, f.Cluster)}
	}
	return g, nil
}

// readBounded reads no more than a certificate may have.
func readBounded(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read from
	return io.ReadAll(io.LimitReader(file, certificate.MaxBytes+1))
}

// grant is what a statement allows in the cluster: its limit for each member
// that scales there.
func (f Folder) grant(s *certificate.Statement) Grant {
	p := &s.Predicate
	g := Grant{Workload: p.Workload.ID, Name: p.Workload.Name, Serial: p.Serial, Expires: p.Expires,
		Limits: map[string]int{}, Digests: map[string]string{}, Pilot: map[string]int{}}
	limit := p.Scale.Limit
	if limit == 0 {
		limit = math.MaxInt32 // no limit
	}
	for id, digest := range s.Members() {
		object, ok := strings.CutPrefix(id, "k8s://"+f.Cluster+"/")
		namespace, _, _ := strings.Cut(object, "/")
		if _, scales := within(object, namespace); !ok || !scales || strings.Count(object, "/") != 2 {
			continue
		}
		g.Limits[object], g.Digests[object], g.Pilot[object] = limit, digest, p.Scale.Pilot
	}
	return g
}
