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
// but those whose names begin with a dot, is one, or the revocation of one. Whether their criteria follow
// from their evidence is checked where the bundles are (gate verify --bundle).
type Folder struct {
	Dir string
	// Cluster is the name that stands in the ids of its objects,
	// k8s://CLUSTER/….
	Cluster string
	// Kinds are those held; what a certificate says of others is not heard.
	Kinds []Kind
	// Trusted are those whose signature counts, Approvers those that sign waivers.
	Trusted   certificate.Trust
	Approvers []ed25519.PublicKey
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
	type paper struct {
		path string
		text []byte
	}
	var papers []paper
	var grants []Grant
	var refused []Refused
	revoked := certificate.Revocations{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(f.Dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			continue
		}
		text, err := readBounded(path)
		switch {
		case err != nil:
			refused = append(refused, Refused{Why: fmt.Sprintf("the certificate in %s cannot be read (%v)", path, err)})
		case !certificate.IsRevocation(text):
			papers = append(papers, paper{path, text})
		default:
			r, err := certificate.OpenRevocation(text, f.Trusted)
			if err != nil {
				refused = append(refused, Refused{Why: fmt.Sprintf("the revocation in %s does not count: %v", path, err)})
				continue
			}
			revoked.Add(r)
			// The next serial is the first that counts again, whatever becomes of the file.
			refused = append(refused, Refused{Workload: r.Workload, Serial: r.Serial + 1, Why: fmt.Sprintf("of workload %s %s", r.Name, r.Says())})
		}
	}
	for _, p := range papers {
		g, r := f.read(p.path, p.text, revoked, now())
		if r != nil {
			refused = append(refused, *r)
		} else {
			grants = append(grants, g)
		}
	}
	return grants, refused, nil
}

func (f Folder) read(path string, text []byte, revoked certificate.Revocations, now time.Time) (Grant, *Refused) {
	s, reasons := certificate.Verify(text, certificate.Check{Trusted: f.Trusted, Approvers: f.Approvers, Now: now, Revoked: revoked.Why})
	if s == nil {
		return Grant{}, &Refused{Why: fmt.Sprintf("%s is refused: %s", path, reasons[0].Text)}
	}
	g := f.grant(s)
	switch {
	case len(reasons) > 0:
		r := &Refused{Workload: g.Workload, Serial: g.Serial, Why: fmt.Sprintf("certificate %d of workload %s is refused: %s; certify it again: sevenfold gate certify %s",
			g.Serial, g.Name, reasons[0].Text, g.Name)}
		if revoked.Why(g.Workload, g.Serial) != "" {
			r.Serial = revoked[g.Workload].Serial + 1
		}
		for object := range g.Limits {
			r.Objects = append(r.Objects, object)
		}
		return Grant{}, r
	case len(g.Limits) == 0:
		return Grant{}, &Refused{Workload: g.Workload, Serial: g.Serial, Why: fmt.Sprintf("certificate %d of workload %s names nothing of cluster %q that scales (--cluster names the one meant)",
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
		Shared: p.Scale.Limit, Limits: map[string]int{}, Digests: map[string]string{}, Pilot: map[string]int{}}
	all := newKinds(f.Kinds)
	limit := p.Scale.Limit
	if limit == 0 {
		limit = math.MaxInt32 // no limit
	}
	for id, digest := range s.Members() {
		object, ok := strings.CutPrefix(id, "k8s://"+f.Cluster+"/")
		namespace, _, _ := strings.Cut(object, "/")
		if _, scales := all.within(object, namespace); !ok || !scales || namespace == "" {
			continue
		}
		g.Limits[object], g.Digests[object], g.Pilot[object] = limit, digest, p.Scale.Pilot
	}
	return g
}
