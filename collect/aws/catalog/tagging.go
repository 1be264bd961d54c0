package catalog

import "iter"

// TaggedResources yields the ARN and tags of each resource in a reply of the
// tagging service (GetResources).
func TaggedResources(body any) iter.Seq2[string, map[string]string] {
	return func(yield func(string, map[string]string) bool) {
		list, _ := Lookup(body, "ResourceTagMappingList").([]any)
		for _, e := range list {
			id := text(Lookup(e, "ResourceARN"))
			tags := tagMap(Lookup(e, "Tags"))
			if id == "" || tags == nil {
				continue
			}
			if !yield(id, tags) {
				return
			}
		}
	}
}
