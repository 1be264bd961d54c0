package expr

import (
	"encoding/json"
	"errors"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Subject is one asset as expressions see it. It decodes the configuration at
// most once, and only when an expression looks at it, so the same Subject
// should serve all expressions on an asset. It is not safe for concurrent use.
type Subject struct {
	asset  *estate.Asset
	load   func() (json.RawMessage, error)
	zone   func() (string, bool)
	now    time.Time
	doc    *document
	config any
	tags   any
	// Setting gives an account-wide setting of the asset's account and region by
	// its type, nil where none was read; may be nil.
	Setting  func(typ string) (*estate.Asset, json.RawMessage)
	settings map[string]*Subject
	// Accounts are the accounts of the estate the asset is part of: those from
	// which assets have been read. What they trust in one another is no stranger's.
	Accounts []string
	// Owned says that another asset that has been read describes this one, as a
	// Deployment does its pods: what is wrong is told there.
	Owned bool
	// Behind lists what a Service leads to; nil where nothing was read of it.
	Behind func() []Member
	behind ref.Val
}

// documents keeps the tapes of finished subjects for the next ones.
var documents = sync.Pool{New: func() any { return new(document) }}

// NewSubject returns an asset as expressions see it. load gives its
// configuration (nil: Asset.Config) and zone its zone, false when that could
// not be decided (nil: not decided); now is the time ages are counted from.
func NewSubject(a *estate.Asset, load func() (json.RawMessage, error), zone func() (string, bool), now time.Time) *Subject {
	return &Subject{asset: a, load: load, zone: zone, now: now}
}

// Release returns the memory of a subject that will not be used again.
func (s *Subject) Release() {
	if s.doc != nil {
		documents.Put(s.doc)
		s.doc, s.config = nil, nil
	}
	for _, other := range s.settings {
		if other != nil {
			other.Release()
		}
	}
}

// Asset is the asset the subject stands for.
func (s *Subject) Asset() *estate.Asset { return s.asset }

// Now is the time ages are counted from.
func (s *Subject) Now() time.Time { return s.now }

var _ cel.Activation = (*Subject)(nil)

// Parent implements cel.Activation.
func (s *Subject) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (s *Subject) ResolveName(name string) (any, bool) {
	switch name {
	case "config":
		if s.config == nil {
			s.config = s.decode()
		}
		return s.config, true
	case "tags":
		if s.tags == nil {
			s.tags = tagsOf(s.asset)
		}
		return s.tags, true
	case "id":
		return types.String(s.asset.ID), true
	case "type":
		return types.String(s.asset.Type), true
	case "name":
		return types.String(s.asset.Name), true
	case "account":
		if s.asset.Account == "" {
			return unknown("account", ""), true
		}
		return types.String(s.asset.Account), true
	case "region":
		return types.String(s.asset.Region), true
	case "cloud":
		return types.String(s.asset.Cloud), true
	case "kind":
		return types.String(s.asset.Kind), true
	case "zone":
		if s.zone != nil {
			if z, ok := s.zone(); ok {
				return types.String(z), true
			}
		}
		return unknown("zone", ""), true
	case "setting":
		return settingMap{s}, true
	case "accounts":
		return types.NewStringList(types.DefaultTypeAdapter, s.Accounts), true
	case "owned":
		return types.Bool(s.Owned), true
	case "behind":
		if s.behind == nil {
			var members []Member
			if s.Behind != nil {
				members = s.Behind()
			}
			s.behind = behindList(members)
		}
		return s.behind, true
	case "now":
		return types.Timestamp{Time: s.now}, true
	}
	return nil, false
}

func (s *Subject) decode() any {
	text := s.asset.Config
	if s.load != nil {
		var err error
		if text, err = s.load(); err != nil {
			return types.WrapErr(err)
		}
	}
	if s.asset.Referenced && len(text) == 0 {
		return unknown("config", "")
	}
	d := documents.Get().(*document)
	if err := d.parse(string(text)); err != nil {
		documents.Put(d)
		return types.WrapErr(configError{err})
	}
	if d.nodes[0].kind != nodeObject {
		documents.Put(d)
		return types.WrapErr(configError{errors.New("the configuration is not a JSON object")})
	}
	s.doc = d
	return &object{place: place{doc: d, unk: pointers(s.asset.Unknown)}, missing: s.missing}
}

type configError struct{ error }

func (e configError) Error() string { return "the configuration cannot be read: " + e.error.Error() }

// missing decides what a root key that is not there means: nil if the provider
// was asked and said that there is none, else an unknown. The empty key asks
// whether there may be any further key at all.
func (s *Subject) missing(key string) ref.Val {
	if IsOperation(key) {
		for _, r := range s.asset.Reads {
			if r.Key == key && r.Status == estate.ReadAbsent {
				return nil
			}
		}
		return unknown("config", key)
	}
	known := false
	for _, r := range s.asset.Reads {
		if key == "" && !r.Status.Known() || r.Key == "" && !r.Status.Known() {
			return unknown("config", key)
		}
		known = known || r.Key == ""
	}
	if !known {
		return unknown("config", key)
	}
	return nil
}

// IsOperation reports whether a root key of a configuration names the operation
// whose reply stands under it (GetBucketPolicy) and is no member of the primary
// reply itself.
func IsOperation(key string) bool {
	for _, verb := range [...]string{"Get", "List", "Describe", "BatchGet", "Search"} {
		if rest, ok := cutPrefix(key, verb); ok && rest[0] >= 'A' && rest[0] <= 'Z' {
			return true
		}
	}
	return false
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) > len(prefix) && s[:len(prefix)] == prefix {
		return s[len(prefix):], true
	}
	return "", false
}
