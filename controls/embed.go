// Package controls holds the controls that come with sevenfold, as data: one
// folder a control, and the catalogue of framework and technique ids they may
// name. Adding a control touches its own folder only.
package controls

import "embed"

// FS is the folder of controls.
//
//go:embed */*
var FS embed.FS
