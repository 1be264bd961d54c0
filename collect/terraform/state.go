package terraform

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// rawState is one element of resources in a state file of version 4.
type rawState struct {
	Module    string `json:"module"`
	Mode      string `json:"mode"`
	Type      string `json:"type"`
	Name      string `json:"name"`
	Provider  string `json:"provider"`
	Instances []struct {
		IndexKey   any             `json:"index_key"`
		Deposed    string          `json:"deposed"`
		Attributes map[string]any  `json:"attributes"`
		Flat       json.RawMessage `json:"attributes_flat"`
		Sensitive  []any           `json:"sensitive_attributes"`
	} `json:"instances"`
}

// states reads the resources of a state file.
func (r *reader) states(key string) error {
	return r.elements(key, func(i int) error {
		var s rawState
		where := fmt.Sprintf("resources[%d]", i)
		if err := r.value(where, &s); err != nil {
			return err
		}
		if s.Type == "" || s.Name == "" {
			return r.fail(r.dec.InputOffset(), where, "a resource without type and name", "terraform show -json > state.json prints the state in a form that is read")
		}
		r.stateResource(s)
		return nil
	})
}

func (r *reader) stateResource(s rawState) {
	provider, key := providerOf(s.Provider)
	for _, in := range s.Instances {
		address := s.Type + "." + s.Name
		if s.Mode == "data" {
			address = "data." + address
		}
		if s.Module != "" {
			address = s.Module + "." + address
		}
		switch k := in.IndexKey.(type) {
		case string:
			address += "[" + strconv.Quote(k) + "]"
		case json.Number:
			address += "[" + k.String() + "]"
		}
		if in.Deposed != "" {
			address += " (deposed " + in.Deposed + ")"
		}
		if in.Attributes == nil && len(in.Flat) > 0 {
			r.file.blind = append(r.file.blind, estate.BlindSpot{Operation: address, Asset: "terraform://" + address, Status: estate.ReadMalformed,
				Why: "its attributes are in the form of Terraform 0.11", Hint: "terraform refresh with a current Terraform writes them anew"})
			continue
		}
		sensitive := map[string]any{}
		for _, path := range in.Sensitive {
			mark(sensitive, path)
		}
		values, unknown := r.file.mask.masked(in.Attributes, nil, sensitive)
		r.file.resources = append(r.file.resources, Resource{Address: address, Type: s.Type, Mode: mode(s.Mode), Provider: provider, ProviderKey: key, Values: values, Unknown: unknown})
	}
}

// mark notes one path of attributes as sensitive. An index masks the whole
// list: what is beside a secret may be masked, never shown.
func mark(mask map[string]any, path any) {
	steps, _ := path.([]any)
	for i, s := range steps {
		m, _ := s.(map[string]any)
		name, ok := m["value"].(string)
		if !ok {
			return
		}
		last := i == len(steps)-1
		if !last {
			if next, _ := steps[i+1].(map[string]any); next != nil {
				if _, named := next["value"].(string); !named {
					last = true
				}
			}
		}
		if last {
			mask[name] = true
			return
		}
		inner, ok := mask[name].(map[string]any)
		if !ok {
			if mask[name] == true {
				return
			}
			inner = map[string]any{}
			mask[name] = inner
		}
		mask = inner
	}
}

// providerOf takes a state's provider apart:
// module.m.provider["registry.terraform.io/hashicorp/aws"].west.
func providerOf(s string) (source, key string) {
	module, rest, found := strings.Cut(s, `provider["`)
	if !found {
		return s, ""
	}
	source, alias, _ := strings.Cut(rest, `"]`)
	key = source[strings.LastIndexByte(source, '/')+1:] + alias
	if module != "" {
		key = strings.TrimSuffix(module, ".") + ":" + key
	}
	return source, key
}
