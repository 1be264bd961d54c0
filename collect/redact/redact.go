// Package redact keeps secrets out of everything sevenfold stores. It stands
// between the collectors and whatever takes their assets, and replaces secret
// values in configurations, tags and messages.
//
// # What a masked value looks like
//
//	sevenfold:masked(KIND,LENGTH,HASH8)
//
// KIND is what was found ("password", "github-token", "private-key", …;
// "default-password" is one that stands in a program's manual and hides nothing),
// LENGTH its bytes, HASH8 the first eight hex digits of an HMAC-SHA256 of the
// value under Options.Key: the same secret keeps its hash from run to run, so
// that one secret in two places, and a changed value of a ConfigMap, can be seen, while the hash tells nothing without the key. Without a key the hash is
// left out.
//
// A control tests value.startsWith("sevenfold:masked("): a variable, parameter
// or tag that held a secret in clear begins so. In texts of several words,
// scripts and arguments like --api-key=…, only the secret's own characters are
// replaced: test those with contains.
//
// # What counts as a secret
//
// A literal value whose name says secret (DB_PASSWORD, --api-key, HF_TOKEN) in
// the places where a user names things: environment variables, job arguments,
// hyperparameters, stack parameters, tags, command lines, user data. Any string
// of an unmistakable form (provider keys and tokens, JWT, private keys in PEM,
// passwords in URLs, connection strings and headers), NAME=VALUE with a secret
// name in any text, what a sentence announces ("password is …") if it looks made
// up, passwords among the options of well-known programs (curl -u), conditions
// on aws:Referer and aws:UserAgent. All data and annotations of a Kubernetes
// Secret, but for the one that names the account whose token it holds. The digests of the values of a ConfigMap, which few tries would guess,
// become masks of the kind "value". A secret that neither its name nor its form
// gives away stays.
// References (secretsmanager ARNs, valueFrom, ${…}, {{resolve:…}}, paths) are
// not secrets, nor are identifiers: an access key id (AKIA…) stays.
package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Prefix begins every masked value.
const Prefix = "sevenfold:masked("

// Options of a masking sink.
type Options struct {
	// Key of the keyed hash, kept with the state; nil leaves the hash out.
	Key []byte
}

// Sink masks what passes through it. It is safe for concurrent use if the sink
// behind it is.
type Sink struct {
	next estate.Sink
	key  []byte
}

var _ estate.Sink = (*Sink)(nil)

// New returns a sink that masks and passes on to next.
func New(next estate.Sink, opts Options) *Sink {
	return &Sink{next: next, key: slices.Clone(opts.Key)}
}

// Asset masks the configuration, tags and messages of a and passes it on. A
// configuration that is not JSON is dropped and reported: what cannot be read
// cannot be masked.
func (s *Sink) Asset(a estate.Asset) {
	if len(a.Config) > 0 {
		config, err := Config(a.Type, a.Config, s.key)
		if err != nil {
			s.next.BlindSpot(estate.BlindSpot{Source: a.Source, Account: a.Account, Region: a.Region, Operation: "redact:config", Asset: a.ID,
				Status: estate.ReadMalformed, Why: "the configuration is not JSON, so secrets in it could not be masked; it is not stored",
				Hint: "run again; if it stays, export this resource anew"})
		}
		a.Config = config
	}
	a.Tags = s.tags(a.Tags)
	a.Reads = s.reads(a.Reads)
	s.next.Asset(a)
}

// BlindSpot masks the provider's words.
func (s *Sink) BlindSpot(b estate.BlindSpot) {
	b.Why, b.Hint = Text(b.Why, s.key), Text(b.Hint, s.key)
	s.next.BlindSpot(b)
}

// Covered passes on.
func (s *Sink) Covered(c estate.Coverage) { s.next.Covered(c) }

// Called passes on.
func (s *Sink) Called(operation string) { s.next.Called(operation) }

// tags masks values by name and form; the map is copied only if it changes.
func (s *Sink) tags(tags map[string]string) map[string]string {
	out, copied := tags, false
	for name, value := range tags {
		masked := Text(value, s.key)
		if kind := nameKind(name); kind != "" && literal(kind, value) {
			masked = mask(kind, []byte(value), s.key)
		}
		if masked == value {
			continue
		}
		if !copied {
			out, copied = maps.Clone(tags), true
		}
		out[name] = masked
	}
	return out
}

func (s *Sink) reads(reads []estate.Read) []estate.Read {
	for i, r := range reads {
		if why := Text(r.Why, s.key); why != r.Why {
			reads = slices.Clone(reads)
			reads[i].Why = why
			return append(reads[:i+1:i+1], s.reads(reads[i+1:])...)
		}
	}
	return reads
}

// Config masks the secrets in the configuration of an asset of type typ. It
// returns config itself, not a copy, if there are none, and an error if it is
// not JSON.
func Config(typ string, config json.RawMessage, key []byte) (json.RawMessage, error) {
	m := masters.Get().(*masker)
	defer masters.Put(m)
	m.key, m.depth = key, 0
	start := place{}
	switch typ {
	case "v1/Secret":
		start.secret = true
	case "v1/ConfigMap":
		start.configMap = true
	}
	if group, _, ok := strings.Cut(typ, "/"); ok && strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
		start.custom = true
	}
	out, err := m.document(config, start)
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Text masks secrets of unmistakable form in a plain text.
func Text(text string, key []byte) string {
	if len(text) < 8 {
		return text
	}
	out, changed := maskForms([]byte(text), key, false)
	if !changed {
		return text
	}
	return string(out)
}

// manuals are the passwords of programs' own manuals that a control asks about:
// MinIO's, and that of Kubeflow Pipelines' manifests. Everybody knows them, so
// that a store has one is a fault to be told, and its value no secret.
var manuals = []string{"minioadmin", "minio123"}

// mask spells the replacement of value.
func mask(kind string, value, key []byte) string {
	if slices.Contains(manuals, string(value)) {
		kind = "default-password"
	}
	b := make([]byte, 0, 64)
	b = append(b, Prefix...)
	b = append(b, kind...)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(len(value)), 10)
	if len(key) > 0 {
		h := hmac.New(sha256.New, key)
		h.Write(value)
		b = append(b, ',')
		b = hex.AppendEncode(b, h.Sum(nil)[:4])
	}
	return string(append(b, ')'))
}
