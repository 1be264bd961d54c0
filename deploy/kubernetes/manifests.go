// Package kubernetes holds the manifests of the gate, as they are applied to a
// cluster: the ScaleVerdict definition, rights, policies, webhook and its
// Deployment.
package kubernetes

import "embed"

// FS holds the manifests; in the order of their names they can be applied one
// after another.
//
//go:embed *.yaml
var FS embed.FS
