package assess

import (
	"github.com/sevenfold-sec/sevenfold/collect/cloudformation"
	providerCloudFormation "github.com/sevenfold-sec/sevenfold/provider/cloudformation"
)

// convertCloudFormation joins the reader of templates and what the resources
// mean, which do not know each other.
func convertCloudFormation(in cloudformation.Input) cloudformation.Converted {
	list := make([]providerCloudFormation.Resource, len(in.Resources))
	for i, r := range in.Resources {
		properties, _ := openValues(r.Properties).(map[string]any)
		list[i] = providerCloudFormation.Resource{Address: r.Address, Type: r.Type, Properties: properties, Account: r.Account, Region: r.Region,
			Doubt: r.Doubt, File: r.File, Line: r.Line}
	}
	out := providerCloudFormation.Convert(providerCloudFormation.Input{Resources: list, Source: in.Source})
	return cloudformation.Converted{Assets: out.Assets, BlindSpots: out.BlindSpots}
}

// openValues hands a value's open places from one package's words to the
// other's. Values without any are passed on as they are.
func openValues(v any) any {
	switch v := v.(type) {
	case *cloudformation.Open:
		o := &providerCloudFormation.Open{Why: v.Why}
		for _, p := range v.Parts {
			o.Parts = append(o.Parts, providerCloudFormation.Part(p))
		}
		return o
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = openValues(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = openValues(e)
		}
		return out
	}
	return v
}
