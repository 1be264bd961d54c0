package estate

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
)

// Digest is the SHA-256 of a configuration in canonical spelling; zero for an
// asset that has none.
type Digest [sha256.Size]byte

func digestOf(config []byte) Digest {
	if config == nil {
		return Digest{}
	}
	return sha256.Sum256(config)
}

// ConfigDigest returns the digest of an asset's configuration without reading
// what is kept outside memory.
func (s *Snapshot) ConfigDigest(n Node) Digest {
	s.gives(n)
	s.digestOnce.Do(func() {
		if s.digests == nil {
			s.digests = make([]Digest, len(s.assets))
		}
		blocks(len(s.assets), 1<<10, func(lo, hi int) {
			for n := lo; n < hi; n++ {
				if s.digests[n] == (Digest{}) {
					s.digests[n] = digestOf(s.assets[n].Config)
				}
			}
		})
	})
	return s.digests[n]
}

// hashBlock is how many assets are hashed together; it is part of the hash's
// definition.
const hashBlock = 1 << 12

// Hash returns "sha256:" and 64 hexadecimal digits over everything the
// snapshot says: assets with their configurations, tags, reads and kinds,
// relations, blind spots, coverage, and each source's status. It does not
// depend on the order in which things were sent, on Taken, nor on the counters
// of the sources (assets, calls, seconds).
func (s *Snapshot) Hash() string {
	s.hashOnce.Do(func() {
		if s.hash == "" {
			s.hash = s.contentHash()
		}
	})
	return s.hash
}

func (s *Snapshot) contentHash() string {
	s.givesAll()
	if len(s.assets) > 0 {
		s.ConfigDigest(0)
	}
	h := sha256.New()
	fmt.Fprintf(h, "sevenfold snapshot 1\n%d assets\n", len(s.assets))
	for _, sum := range s.sums(true) {
		h.Write(sum[:])
	}
	h.Write(s.framing())
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// sums are the hashes of all blocks, with the digests of configurations or without.
func (s *Snapshot) sums(configs bool) []Digest {
	out := make([]Digest, (len(s.assets)+hashBlock-1)/hashBlock)
	blocks(len(s.assets), hashBlock, func(lo, hi int) {
		out[lo/hashBlock] = s.blockHash(lo, hi, configs)
	})
	return out
}

// blockHash is the hash of the assets lo to hi-1 and the relations that start
// at them. Ends are node numbers: they follow from the ids.
func (s *Snapshot) blockHash(lo, hi int, configs bool) Digest {
	h := sha256.New()
	buf := make([]byte, 0, 1<<16)
	for n := lo; n < hi; n++ {
		buf = appendAsset(buf, s.assets[n])
		if configs {
			buf = append(buf, s.digests[n][:]...)
		}
		to, labels := s.graph.out.row(Node(n))
		buf = binary.AppendUvarint(buf, uint64(len(to)))
		for i, t := range to {
			l := &s.graph.labels[labels[i]]
			buf = binary.AppendUvarint(buf, uint64(t))
			buf = appendString(appendString(appendString(buf, l.Type), l.Tier), l.Evidence)
			if len(buf) > 1<<15 {
				h.Write(buf)
				buf = buf[:0]
			}
		}
		if len(buf) > 1<<15 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	return Digest(h.Sum(nil))
}

// framing encodes what is said of the snapshot as a whole.
func (s *Snapshot) framing() []byte {
	b := binary.AppendUvarint(nil, uint64(len(s.blind)))
	for _, x := range s.blind {
		b = appendString(appendString(appendString(b, x.Source), x.Account), x.Region)
		b = appendString(appendString(b, x.Operation), x.Asset)
		b = binary.AppendUvarint(b, uint64(len(x.Types)))
		for _, t := range x.Types {
			b = appendString(b, t)
		}
		b = appendString(appendString(appendString(b, x.Status), x.Why), x.Hint)
	}
	b = appendCoverage(b, s.coverage)
	b = binary.AppendUvarint(b, uint64(len(s.sources)))
	for _, x := range s.sources {
		b = appendCoverage(appendString(appendString(b, x.Source), x.Status), x.Covered)
	}
	return b
}

func appendCoverage(b []byte, cs []Coverage) []byte {
	b = binary.AppendUvarint(b, uint64(len(cs)))
	for _, c := range cs {
		b = appendString(appendString(appendString(b, c.Type), c.Account), c.Region)
	}
	return b
}

// AssetDigest returns the SHA-256 of all that the snapshot says of an asset: its
// fields and the digest of its configuration. Relations are not in it. It reads
// nothing that is kept outside memory.
func (s *Snapshot) AssetDigest(n Node) Digest {
	config := s.ConfigDigest(n)
	return sha256.Sum256(append(appendAsset(make([]byte, 0, 512), s.assets[n]), config[:]...))
}

// ConfigWhole returns an asset's configuration like Config, and an error if it is
// not the one that ConfigDigest says: whoever can write to a store can change
// the one and leave the other.
func (s *Snapshot) ConfigWhole(n Node) (json.RawMessage, error) {
	config, err := s.Config(n)
	if err != nil {
		return nil, err
	}
	if digestOf(config) != s.ConfigDigest(n) {
		return nil, fmt.Errorf("configuration of %s: %w", s.assets[n].ID, ErrAltered)
	}
	return config, nil
}

// ErrAltered says that a stored configuration is not the one that was stored.
var ErrAltered = errors.New("it is not the one that was stored under its digest")

// Recheck computes Hash again from what the snapshot holds, every configuration
// read. An error names the first asset that is not as its digest says.
func (s *Snapshot) Recheck(ctx context.Context) (string, error) {
	err := s.Each(ctx, func(n Node, a *Asset, config json.RawMessage) error {
		if digestOf(config) != s.ConfigDigest(n) {
			return fmt.Errorf("configuration of %s: %w", a.ID, ErrAltered)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return s.contentHash(), nil
}
