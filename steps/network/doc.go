// Package network is the network step: who can open a connection to whom, over
// both clouds and clusters, decided from configuration alone; zones and what must
// not pass between them; what flows were seen; what to write so that it holds.
//
// A World is the network of one snapshot. Things of the estate stand in it at
// places: network interfaces, pods, or networks that a provider runs itself.
// Two engines decide (package reach: aws and kube); this package fills them from
// assets, puts their answers together where a connection crosses from one into
// the other, and asks them by classes of places that nothing tells apart.
//
// What was not read makes an answer unknown, with the reason. It is never taken
// for a wall.
package network
