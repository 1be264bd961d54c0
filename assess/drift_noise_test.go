package assess_test

import (
	"context"
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// shuffle puts the items of lists that are sets into another order: of AWS all
// but those whose order says something.
func shuffle(v any, r *rand.Rand, ordered func(string) bool, name string) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			shuffle(x, r, ordered, k)
		}
	case []any:
		if !ordered(name) {
			r.Shuffle(len(v), func(i, j int) { v[i], v[j] = v[j], v[i] })
		}
		for _, x := range v {
			shuffle(x, r, ordered, name)
		}
	}
}

// Whatever changes by itself, as often and wherever it may, is no difference.
func TestDriftOfNoise(t *testing.T) {
	base, err := harbourEstate()
	if err != nil {
		t.Fatal(err)
	}
	base = rewrite(t, base, same)
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Int64().Draw(t, "seed")
		r := rand.New(rand.NewSource(seed))
		touched := 0
		after := rewrite(t, base, func(assets []estate.Asset) []estate.Asset {
			for i := range assets {
				a := &assets[i]
				if len(a.Config) == 0 || r.Intn(3) > 0 {
					continue
				}
				tree := decode(t, a.Config)
				noise(a, tree, r)
				a.Config = encode(t, tree)
				touched++
			}
			r.Shuffle(len(assets), func(i, j int) { assets[i], assets[j] = assets[j], assets[i] })
			return assets
		})
		d, err := audit.Compare(context.Background(), base, after)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Records) != 0 || touched == 0 {
			t.Fatalf("seed %d: %d touched, %d records\n%s", seed, touched, len(d.Records), describe(d))
		}
	})
}

// noise changes what changes by itself in one configuration.
func noise(a *estate.Asset, tree map[string]any, r *rand.Rand) {
	if a.Cloud == estate.AWS {
		ordered := func(name string) bool {
			return slices.Contains([]string{"Command", "command", "Args", "args", "ContainerEntrypoint", "ContainerArguments", "Steps", "Rules", "Containers", "commands", "stages", "Actions", "BootstrapActions"}, name)
		}
		shuffle(tree, r, ordered, "")
		for _, name := range []string{"LastModifiedTime", "LastUpdatedTime", "lastModifiedAt", "updatedAt", "LastModified"} {
			if _, has := tree[name]; has {
				tree[name] = "2026-11-21T07:00:00Z"
			}
		}
		if a.Tags != nil {
			a.Tags["aws:autoscaling:groupName"] = "g"
			a.Tags["aws:cloudformation:stack-name"] = "s"
		}
	} else {
		tree["status"] = map[string]any{"observedGeneration": json.Number("7"), "conditions": []any{}}
		if meta, ok := tree["metadata"].(map[string]any); ok {
			meta["resourceVersion"], meta["managedFields"] = "99999", []any{map[string]any{"manager": "kubectl"}}
			meta["generation"] = json.Number("12")
			if notes, ok := meta["annotations"].(map[string]any); ok {
				notes["kubectl.kubernetes.io/last-applied-configuration"] = "{}"
			}
		}
	}
	switch a.Type {
	case "AWS::AutoScaling::AutoScalingGroup":
		within(tree, "MinSize", "DesiredCapacity", "MaxSize", r)
	case "AWS::SageMaker::Endpoint":
		tree["EndpointStatus"] = "Updating"
	case "AWS::IAM::Role":
		tree["RoleLastUsed"] = map[string]any{"LastUsedDate": "2026-11-21T07:00:00Z", "Region": "eu-west-1"}
	case "AWS::EKS::Nodegroup":
		if scaling, ok := tree["scalingConfig"].(map[string]any); ok {
			within(scaling, "minSize", "desiredSize", "maxSize", r)
		}
	case "AWS::SecretsManager::Secret":
		tree["LastRotatedDate"], tree["VersionIdsToStages"] = "2026-11-21T07:00:00Z", map[string]any{"v9": []any{"AWSCURRENT"}}
	}
	if strings.HasSuffix(a.Type, "::KMS::Key") && tree["GetKeyRotationStatus"] != nil {
		if s, ok := tree["GetKeyRotationStatus"].(map[string]any); ok {
			s["NextRotationDate"] = "2027-11-21T07:00:00Z"
		}
	}
}

// within draws a wish between its limits.
func within(tree map[string]any, low, wish, high string, r *rand.Rand) {
	number := func(name string) int {
		n, _ := tree[name].(json.Number)
		i, _ := n.Int64()
		return int(i)
	}
	if lo, hi := number(low), number(high); hi > lo {
		tree[wish] = json.Number([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}[min(9, lo+r.Intn(hi-lo+1))])
	}
}
