package aws

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Scale takes the configuration of an AWS asset apart into the capacities it
// asks for and its essence; estate.Scale says what these are. A type without an
// entry in ScaleRules asks for nothing that scales. Every type's essence goes
// without the times of creation and change.
//
// An amount is unknown where the asset says so (Unknown), where the reply it
// would stand in was not read (Reads), and where it is no number; a caller who
// makes an asset up (of a plan) must say in Reads which replies it stands for.
//
// It is an error if config is not one JSON object.
func Scale(a *estate.Asset, config json.RawMessage) (estate.Scale, error) {
	return scaleRules()[a.Type].with(general(a, config)).Read(a, config)
}

// scaleRule is estate's, with what this package adds to it.
type scaleRule struct{ estate.ScaleRule }

func (r scaleRule) with(volatile []string) estate.ScaleRule {
	r.Volatile = slices.Concat(r.Volatile, volatile)
	return r.ScaleRule
}

// ScaleRules are the rules by type, without what is true of every type. The
// caller may keep and change the map.
func ScaleRules() map[string]estate.ScaleRule {
	out := map[string]estate.ScaleRule{}
	for typ, r := range scaleRules() {
		out[typ] = r.ScaleRule
	}
	return out
}

// ScaleRule is the rule of one type, without what is true of every type; without
// amounts for a type that asks for none. It must not be changed.
func ScaleRule(typ string) estate.ScaleRule { return scaleRules()[typ].ScaleRule }

// WithoutScale says of the types that are roots of AI workloads, or that an
// autoscaler grows, and have no amount, why they have none.
func WithoutScale() map[string]string { return maps.Clone(withoutScale) }

// general lists what changes by itself in any type: at the root, and in each
// reply that stands under its operation's name.
func general(a *estate.Asset, config json.RawMessage) []string {
	out := slices.Clone(times)
	for _, r := range a.Reads {
		if r.Key != "" {
			for _, name := range times {
				out = append(out, r.Key+"."+name)
			}
		}
	}
	return out
}

// sizeWord is the part of an instance type that says how large it is.
var sizeWord = regexp.MustCompile(`^(nano|micro|small|medium|large|xlarge|xlplus|([0-9]{1,3})xlarge|metal|metal-([0-9]{1,3})xl)$`)

// instanceSize puts an instance type in order: family is what stands around the
// size ("ml.g5", "db.r6g", "r6g.search"), power grows with it, 8 for xlarge. A
// type spelt another way has no power.
func instanceSize(typ string) (family string, power float64) {
	parts := strings.Split(strings.ToLower(typ), ".")
	for i, word := range parts {
		m := sizeWord.FindStringSubmatch(word)
		if i == 0 || m == nil {
			continue
		}
		if n, err := strconv.Atoi(m[2] + m[3]); err == nil {
			power = 8 * float64(n)
		} else {
			power = sizeWords[word]
		}
		return strings.Join(slices.Delete(parts, i, i+1), "."), power
	}
	return strings.ToLower(typ), 0
}

// sizeWords is the power of the sizes that are not so many times xlarge. The
// whole machine is its family's largest.
var sizeWords = map[string]float64{"nano": 0.25, "micro": 0.5, "small": 1, "medium": 2, "large": 4, "xlarge": 8, "xlplus": 12, "metal": 8 * 1000}

// glueWorker matches Glue's worker types: a letter for what they are made for,
// and so many times the first.
var glueWorker = regexp.MustCompile(`^([A-Z])\.([0-9]*)X$`)

// workerSize puts a Glue worker type in order. G.025X is a quarter of G.1X.
func workerSize(typ string) (family string, power float64) {
	m := glueWorker.FindStringSubmatch(typ)
	if m == nil {
		return typ, 0
	}
	n, err := strconv.ParseFloat(m[2], 64)
	if err != nil {
		return typ, 0
	}
	if strings.HasPrefix(m[2], "0") { // 025 is 0.25
		n, _ = strconv.ParseFloat("0."+m[2][1:], 64)
	}
	return m[1], n
}

// amountSize puts sizes that are numbers in order ("2048 MB").
func amountSize(size string) (family string, power float64) {
	number, unit, _ := strings.Cut(size, " ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 {
		return size, 0
	}
	return unit, n
}

// trackingSize puts the sizes of MLflow tracking servers in order.
func trackingSize(size string) (family string, power float64) {
	return "tracking server", map[string]float64{"Small": 1, "Medium": 2, "Large": 3}[size]
}

// Scales reports whether assets of a type ask for an amount.
func Scales(typ string) bool {
	_, ok := scaleRules()[typ]
	return ok
}
