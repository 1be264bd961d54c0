package estate

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

// A pod whose Deployment was not exported is the only one to show what runs; a
// pod whose Deployment was is no second root.
func TestRootUnlessItsOwnerWasRead(t *testing.T) {
	for name, read := range map[string]bool{"owner read": true, "owner known by name only": false} {
		b := NewBuilder(time.Unix(1, 0))
		b.Asset(Asset{ID: "pod", Type: "v1/Pod", Config: json.RawMessage(`{}`)})
		if read {
			b.Asset(Asset{ID: "owner", Type: "apps/v1/ReplicaSet", Config: json.RawMessage(`{}`)})
		}
		snap, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		snap, err = snap.Understood(context.Background(), func(a *Asset) Understanding {
			if a.ID != "pod" {
				return Understanding{}
			}
			return Understanding{Root: &Root{Class: ClassEndpoint}, RootUnless: []string{"owner"},
				Relations: []Relation{{From: "owner", To: "pod", Type: Contains, Tier: Declared}}}
		})
		if err != nil {
			t.Fatal(err)
		}
		n, _ := snap.Find("pod")
		if root := snap.Asset(n).Root != nil; root == read {
			t.Errorf("%s: the pod is a root: %v", name, root)
		}
	}
}
