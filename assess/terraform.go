package assess

import (
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/collect/redact"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
	providerTerraform "github.com/sevenfold-sec/sevenfold/provider/terraform"
)

// ReadPlan reads a Terraform or OpenTofu plan and returns its changes as assets
// in the providers' own words, secrets masked under key as everywhere (nil: no
// hash). source is the path of the plan, or written as on the command line:
// terraform:PLAN.json[,account=ID][,region=NAME][,cluster=NAME]. Its error is a
// *SourceError or a *terraform.Error; both have a hint.
func ReadPlan(source string, key []byte) (*terraform.Plan, error) {
	o, err := terraformOptions(source)
	if err != nil {
		return nil, err
	}
	return readPlan(o, key)
}

func readPlan(o terraform.Options, key []byte) (*terraform.Plan, error) {
	o.Convert = func(side terraform.Side) terraform.Converted {
		out := convertTerraform(side)
		out.Assets, out.BlindSpots = maskAll(out.Assets, out.BlindSpots, key)
		return out
	}
	o.Key = key
	return terraform.Read(o)
}

// terraformOptions reads a source, or takes what has no kind for a path.
func terraformOptions(source string) (terraform.Options, error) {
	if len(source) < len("terraform:") || source[:len("terraform:")] != "terraform:" {
		return terraform.Options{Path: source, Source: "terraform:" + source}, nil
	}
	return terraform.ParseSource(source)
}

// convertTerraform joins the reader of plans and what the resources mean, which
// do not know each other.
func convertTerraform(side terraform.Side) terraform.Converted {
	in := providerTerraform.Input{
		Resources: resourcesOf(side.Resources), Gone: resourcesOf(side.Gone), Providers: map[string]providerTerraform.Provider{},
		Account: side.Account, Region: side.Region, Cluster: side.Cluster, Source: side.Source,
	}
	for key, p := range side.Providers {
		in.Providers[key] = providerTerraform.Provider(p)
	}
	out := providerTerraform.Convert(in)
	c := terraform.Converted{Assets: out.Assets, Of: out.Of, Unconverted: map[string]terraform.Unconverted{}, Unsaid: out.Unsaid, Partial: out.Partial, BlindSpots: out.BlindSpots}
	for address, u := range out.Unconverted {
		c.Unconverted[address] = terraform.Unconverted(u)
	}
	return c
}

func resourcesOf(list []terraform.Resource) []providerTerraform.Resource {
	out := make([]providerTerraform.Resource, len(list))
	for i, r := range list {
		out[i] = providerTerraform.Resource{Address: r.Address, Type: r.Type, Mode: r.Mode, Provider: r.Provider, ProviderKey: r.ProviderKey,
			Values: r.Values, Unknown: r.Unknown, Born: r.Born, Configured: r.Configured}
		if r.References == nil {
			continue
		}
		out[i].References = func(path []string) []providerTerraform.Reference {
			found := r.References(path)
			refs := make([]providerTerraform.Reference, len(found))
			for i, f := range found {
				refs[i] = providerTerraform.Reference(f)
			}
			return refs
		}
	}
	return out
}

// maskAll passes assets through the masking sink.
func maskAll(assets []estate.Asset, spots []estate.BlindSpot, key []byte) ([]estate.Asset, []estate.BlindSpot) {
	kept := &keeper{}
	sink := redact.New(kept, redact.Options{Key: key})
	for _, a := range assets {
		sink.Asset(a)
	}
	for _, b := range spots {
		sink.BlindSpot(b)
	}
	return kept.assets, kept.spots
}

// keeper is a sink that keeps what it gets.
type keeper struct {
	mu     sync.Mutex
	assets []estate.Asset
	spots  []estate.BlindSpot
}

func (k *keeper) Asset(a estate.Asset) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.assets = append(k.assets, a)
}

func (k *keeper) BlindSpot(b estate.BlindSpot) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spots = append(k.spots, b)
}

func (*keeper) Covered(estate.Coverage) {}
func (*keeper) Called(string)           {}

// maxPlaces bounds the accounts and regions of an estate that a plan is tried
// at.
const maxPlaces = 64

// placed is an account and region of AWS.
type placed struct{ account, region string }

// PlaceOver reads a plan again that is to be laid over an estate, if need be. A
// plan may not say which account it is for: what it then leaves without an id
// ("sg-0ab of some account") is looked for in the accounts and regions of the
// estate, and the reading that the estate knows most of is taken.
func PlaceOver(p *terraform.Plan, source string, key []byte, base *estate.Snapshot) (*terraform.Plan, error) {
	if base == nil || !homeless(p) {
		return p, nil
	}
	best, most := p, known(p, base)
	tried := map[placed]bool{}
	for _, a := range base.Assets() {
		at := placed{a.Account, a.Region}
		if a.Cloud != estate.AWS || a.Referenced || a.Account == "" || a.Region == "" || tried[at] || len(tried) >= maxPlaces {
			continue
		}
		tried[at] = true
		o, err := terraformOptions(source)
		if err != nil {
			return nil, err
		}
		o.Account, o.Region = at.account, at.region
		tryOut, err := readPlan(o, key)
		if err != nil {
			return nil, err
		}
		if n := known(tryOut, base); n > most {
			best, most = tryOut, n
		}
	}
	return best, nil
}

// homeless reports whether a plan has resources of AWS and tells no account at
// all: where it tells one, that is the one its other resources are in.
func homeless(p *terraform.Plan) bool {
	for _, side := range [][]estate.Asset{p.Before, p.After} {
		if slices.ContainsFunc(side, func(a estate.Asset) bool { return a.Cloud == estate.AWS && a.Account != "" }) {
			return false
		}
	}
	return slices.ContainsFunc(p.Changes, func(c terraform.Change) bool { return strings.HasPrefix(c.Type, "aws_") })
}

// known counts the assets of a plan that an estate has read.
func known(p *terraform.Plan, base *estate.Snapshot) int {
	n := 0
	for _, side := range [][]estate.Asset{p.Before, p.After} {
		for _, a := range side {
			if at, ok := base.Find(a.ID); ok && !base.Asset(at).Referenced {
				n++
			}
		}
	}
	return n
}
