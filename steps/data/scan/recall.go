package scan

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed recall.txt
var recallTable string

// AssumedRecall is the share of values that is taken to be found of types for which no
// corpus of others was measured. On values made by their own rules it is above 0.99.
const AssumedRecall = .95

var recalls = sync.OnceValue(func() map[string]float64 {
	m := map[string]float64{}
	for line := range strings.Lines(recallTable) {
		if f := strings.Fields(line); len(f) == 2 && f[0] != "#" {
			if v, err := strconv.ParseFloat(f[1], 64); err == nil && v > 0 && v <= 1 {
				m[f[0]] = v
			}
		}
	}
	return m
})

// Recall is the share of the values of a type that the scanner finds, from 0 to 1, as
// measured on texts of others; false where it is AssumedRecall.
func Recall(kind string) (float64, bool) {
	if v, ok := recalls()[kind]; ok {
		return v, true
	}
	return AssumedRecall, false
}

// LeastRecall is the lowest recall of the types that are not among those found, and the
// type it is of, empty where it is the assumed one. Finding nothing of a type proves as much
// less as its recall is lower.
func LeastRecall(found []string) (float64, string) {
	least, of := AssumedRecall, ""
	for kind, v := range recalls() {
		if !slices.Contains(found, kind) && (v < least || v == least && kind < of) {
			least, of = v, kind
		}
	}
	return least, of
}
