package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// obj is a JSON object of a configuration.
type obj = map[string]any

// generator sends made-up assets to a builder.
type generator struct {
	r       *rand.Rand
	builder *estate.Builder
	faulty  float64
	day     int     // since the first snapshot
	changed float64 // share of the assets that differ from it
	stats   stats
	err     error
}

// hex returns so many random hexadecimal digits.
func (g *generator) hex(digits int) string {
	return fmt.Sprintf("%016x%016x", g.r.Uint64(), g.r.Uint64())[:digits]
}

// bad draws whether the next asset has a fault.
func (g *generator) bad() bool {
	if g.r.Float64() >= g.faulty {
		return false
	}
	g.stats.Faulty++
	return true
}

// pick returns one of many.
func pick[T any](g *generator, of []T) T { return of[g.r.IntN(len(of))] }

// some returns one to most of many.
func some[T any](g *generator, of []T, most int) []T {
	out := make([]T, 1+g.r.IntN(most))
	for i := range out {
		out[i] = pick(g, of)
	}
	return out
}

// date returns a time in the two years before the estate was read, as the AWS
// command line prints it.
func (g *generator) date() string {
	return taken.Add(-hours(24 + g.r.IntN(2*365*24))).Format("2006-01-02T15:04:05+00:00")
}

// recent returns a time in the two months before.
func (g *generator) recent() string {
	return taken.Add(-hours(24 + g.r.IntN(60*24))).Format("2006-01-02T15:04:05+00:00")
}

var teams = []string{"fraud", "pricing", "search", "vision", "forecast", "chat", "claims", "routing", "speech", "platform"}

var stages = []string{"prod", "staging", "dev", "train"}

// name makes one up.
func (g *generator) name(kind string) string {
	return pick(g, teams) + "-" + pick(g, stages) + "-" + kind + "-" + g.hex(6)
}

// tags as most replies spell them.
func (g *generator) tags(name string) []obj {
	return []obj{
		{"Key": "Name", "Value": name}, {"Key": "team", "Value": pick(g, teams)}, {"Key": "env", "Value": pick(g, stages)},
		{"Key": "cost-center", "Value": fmt.Sprintf("cc-%04d", g.r.IntN(200))}, {"Key": "managed-by", "Value": "terraform"},
	}
}

// send encodes an asset's configuration and sends it. Keys of the configuration
// that are operations were read with it; absent are those that the provider
// said there is nothing for.
func (g *generator) send(a estate.Asset, root string, config obj, absent ...string) {
	if g.differs() {
		config["Setting"] = fmt.Sprintf("day %d", g.day)
		g.stats.Changed++
	}
	data, err := json.Marshal(config)
	if err != nil {
		g.err = fmt.Errorf("%s: %w", a.ID, err)
		return
	}
	a.Config = data
	service, _, _ := strings.Cut(root, ":")
	a.Reads = append(a.Reads, estate.Read{Operation: root, Status: estate.ReadOK})
	for _, key := range operations {
		if _, ok := config[key]; ok {
			a.Reads = append(a.Reads, estate.Read{Operation: service + ":" + key, Key: key, Status: estate.ReadOK})
		}
	}
	for _, key := range absent {
		a.Reads = append(a.Reads, estate.Read{Operation: service + ":" + key, Key: key, Status: estate.ReadAbsent})
	}
	a.Source = string(a.Cloud)
	g.builder.Asset(a)
	g.builder.Covered(estate.Coverage{Type: a.Type, Account: a.Account, Region: a.Region})
	g.stats.Read++
	g.stats.Bytes += len(data)
	g.stats.Types[a.Type]++
}

// differs draws whether the next asset has another setting than on the first day.
// It draws from the day alone, so that all else stays as it was.
func (g *generator) differs() bool {
	if g.day == 0 {
		return false
	}
	return rand.New(rand.NewPCG(uint64(g.stats.Read), uint64(g.day))).Float64() < g.changed
}

// operations are the further replies that configurations here hold.
var operations = []string{
	"GetBucketPolicy", "GetBucketAcl", "GetBucketEncryption", "GetBucketVersioning", "GetBucketLogging", "GetPublicAccessBlock", "GetBucketTagging",
	"GetBucketLocation", "GetKeyPolicy", "GetKeyRotationStatus", "ListAliases", "GetResourcePolicy", "GetPolicy", "GetRepositoryPolicy", "GetLifecyclePolicy",
	"GetTrailStatus", "GetEventSelectors", "ListTags", "GetAccessKeyLastUsed", "ListMFADevices", "GetLoginProfile",
}
