package terraform

import (
	"cmp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// place is where a resource lives.
type place struct{ partition, region, account string }

// places tells where the resources of each provider configuration live.
type places struct {
	in      *Input
	account map[string]string // by provider key
	region  map[string]string
	// one is the account of all ARNs seen, if there is one alone.
	one string
}

// newPlaces learns accounts and regions from what is known: the options, the
// providers' own configuration, the data sources that ask for them, and the
// ARNs of resources that exist already.
func newPlaces(in *Input) *places {
	p := &places{in: in, account: map[string]string{}, region: map[string]string{}}
	accounts := map[string]map[string]bool{} // by provider key, then all under "*"
	saw := func(key, account string) {
		if !unborn.IsAccount(account) {
			return
		}
		for _, k := range []string{key, "*"} {
			if accounts[k] == nil {
				accounts[k] = map[string]bool{}
			}
			accounts[k][account] = true
		}
	}
	regions := map[string]map[string]bool{}
	for key, cfg := range in.Providers {
		p.region[key] = cfg.Region
		if unborn.IsAccount(cfg.Account) {
			p.account[key] = cfg.Account
			saw(key, cfg.Account)
		}
	}
	for i := range in.Resources {
		r := &in.Resources[i]
		if !strings.HasPrefix(r.Type, "aws_") {
			continue
		}
		switch {
		case r.Mode == "data" && r.Type == "aws_caller_identity":
			if id := str(r.Values["account_id"]); unborn.IsAccount(id) {
				p.account[r.ProviderKey] = id
				saw(r.ProviderKey, id)
			}
		case r.Mode == "data" && r.Type == "aws_region":
			if name := cmp.Or(str(r.Values["region"]), str(r.Values["name"]), str(r.Values["id"])); name != "" && p.region[r.ProviderKey] == "" {
				p.region[r.ProviderKey] = name
			}
		case r.Mode != "data":
			a := strings.SplitN(str(r.Values["arn"]), ":", 6)
			if len(a) != 6 {
				continue
			}
			saw(r.ProviderKey, a[4])
			if a[3] != "" && r.Values["region"] == nil {
				if regions[r.ProviderKey] == nil {
					regions[r.ProviderKey] = map[string]bool{}
				}
				regions[r.ProviderKey][a[3]] = true
			}
		}
	}
	for key, found := range accounts {
		if p.account[key] == "" && len(found) == 1 {
			for a := range found {
				p.account[key] = a
			}
		}
	}
	for key, found := range regions {
		if p.region[key] == "" && len(found) == 1 {
			for r := range found {
				p.region[key] = r
			}
		}
	}
	p.one = p.account["*"]
	return p
}

// of is where a resource lives, as far as it is known.
func (p *places) of(r *Resource) place {
	out := place{
		region:  cmp.Or(str(r.Values["region"]), p.region[r.ProviderKey], p.in.Region),
		account: cmp.Or(p.account[r.ProviderKey], p.in.Account),
	}
	if out.account == "" && p.solitary(r.ProviderKey) {
		out.account = p.one
	}
	out.partition = unborn.Partition(out.region)
	return out
}

// solitary reports whether the plan uses one AWS account as far as it shows: no
// provider configuration assumes a role or names accounts of its own.
func (p *places) solitary(key string) bool {
	aws := 0
	for k := range p.in.Providers {
		if name := k[strings.LastIndexByte(k, ':')+1:]; name == "aws" || strings.HasPrefix(name, "aws.") {
			aws++
		}
	}
	return aws <= 1 || key == ""
}

func str(v any) string {
	s, _ := v.(string)
	return s
}
