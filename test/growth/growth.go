// Package growth lends tests the table of kinds that grow, in rooms that may not
// know the provider it belongs to.
package growth

import (
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// Table is provider/kubernetes' own.
func Table() []kubernetes.Growing { return kubernetes.Growth() }

// Kind is a kind that grows.
type Kind = kubernetes.Growing

// Amount is an amount of a kind.
type Amount = estate.Amount
