package aws

import "slices"

// TimeMembers are the members of any configuration, at its root or in a reply,
// that say when a thing was made or changed: they change by themselves.
func TimeMembers() []string { return slices.Clone(times) }
