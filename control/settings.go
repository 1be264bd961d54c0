package control

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// settingForm finds the types of setting an expression asks for.
var settingForm = regexp.MustCompile(`setting\[\??"([^"]+)"\]`)

// Settings are the account-wide settings of a snapshot that controls ask for: a
// bucket is not public in an account that blocks public buckets.
type Settings struct {
	byScope  map[scopeKey]setting
	accounts []string
}

type scopeKey struct{ typ, account, region string }

type setting struct {
	asset  *estate.Asset
	config json.RawMessage
}

// Settings reads the settings the controls of the set ask for from a snapshot.
func (s *Set) Settings(snap *estate.Snapshot) (*Settings, error) {
	wanted := map[string]bool{}
	for _, c := range s.controls {
		for _, m := range settingForm.FindAllStringSubmatch(c.Applies()+" "+c.Fails(), -1) {
			wanted[m[1]] = true
		}
	}
	out := &Settings{byScope: map[scopeKey]setting{}}
	accounts := map[string]bool{}
	for n, a := range snap.Assets() {
		if a.Referenced {
			continue
		}
		if a.Cloud == estate.AWS && a.Account != "" {
			accounts[a.Account] = true
		}
		if !wanted[a.Type] {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			return nil, err
		}
		out.byScope[scopeKey{a.Type, a.Account, a.Region}] = setting{a, config}
		// One that holds for all regions may bear the region it was asked in.
		if _, taken := out.byScope[scopeKey{a.Type, a.Account, ""}]; !taken && globalSettings[a.Type] {
			out.byScope[scopeKey{a.Type, a.Account, ""}] = setting{a, config}
		}
	}
	out.accounts = slices.Sorted(maps.Keys(accounts))
	return out, nil
}

// Accounts are the cloud accounts from which the snapshot holds assets that have
// been read, in order: the estate's own, for Context.Accounts.
func (s *Settings) Accounts() []string { return s.accounts }

// globalSettings hold for all regions of an account.
var globalSettings = map[string]bool{"AWS::S3::AccountPublicAccessBlock": true}

// For returns the settings one asset stands under, for Context.Setting.
func (s *Settings) For(a *estate.Asset) func(typ string) (*estate.Asset, json.RawMessage) {
	return func(typ string) (*estate.Asset, json.RawMessage) {
		for _, region := range []string{a.Region, ""} {
			if found, ok := s.byScope[scopeKey{typ, a.Account, region}]; ok {
				return found.asset, found.config
			}
		}
		return nil, nil
	}
}
