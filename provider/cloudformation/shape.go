package cloudformation

import (
	_ "embed" // for shapes.txt
	"sync"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

//go:embed shapes.txt
var shapesText string

// shapes are read once.
var shapes = sync.OnceValue(func() map[string]*unborn.Live { return unborn.ParseLive(shapesText) })

// member finds the member a property stands for; nil if there is none.
func member(s *unborn.Shape, property string) *unborn.Shape { return s.Folded(unborn.Fold(property)) }
