package aws

import "slices"

// Alike returns what names the class of an interface, by its id: two interfaces of
// one name have the same answers, whoever asks, and may take one another's place. It
// costs no table of all pairs. Of an interface that the model lacks it is the id.
func (n *Network) Alike() func(id string) string {
	bounds, tags := n.bounds(), n.tags()
	named := n.named()
	return func(id string) string {
		f := n.ifaces[id]
		if f == nil {
			return id
		}
		key := pieces(append([]byte(f.Subnet), 0), bounds, f)
		groups := f.Groups
		if !slices.IsSorted(groups) {
			groups = slices.Sorted(slices.Values(groups))
		}
		for _, g := range groups {
			key = append(append(key, g...), 0)
		}
		if f.GroupsUnread {
			key = append(key, '?')
		}
		if n.hiders[f] {
			key = append(key, '!')
		}
		key = append(append(key, 1), tags[f]...)
		if named[f.ID] || named[f.Instance] {
			key = append(append(key, 2), f.ID...)
		}
		return string(key)
	}
}

// named are the interfaces and instances that routes lead to.
func (n *Network) named() map[string]bool {
	out := map[string]bool{}
	for _, t := range n.model.RouteTables {
		for _, r := range t.Routes {
			out[r.Target] = true
		}
	}
	delete(out, "")
	return out
}
