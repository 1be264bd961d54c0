package terraform

import (
	_ "embed" // for shapes.txt
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

//go:embed shapes.txt
var shapesText string

// shapes are read once.
var shapes = sync.OnceValue(func() map[string]*unborn.Live { return unborn.ParseLive(shapesText) })

// member finds the member an attribute stands for; nil if there is none. A
// block is named in the singular, the list it makes in the plural.
func member(s *unborn.Shape, attribute string) *unborn.Shape {
	f := unborn.Fold(attribute)
	if k := s.Folded(f); k != nil {
		return k
	}
	for _, plural := range [...]string{f + "s", f + "es", strings.TrimSuffix(f, "y") + "ies"} {
		if k := s.Folded(plural); k != nil && strings.HasPrefix(k.Code, "[") {
			return k
		}
	}
	return nil
}
