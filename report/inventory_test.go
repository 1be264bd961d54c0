package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// someInventory has n buckets, one role and one workload.
func someInventory(n int) *Inventory {
	inv := &Inventory{
		Workloads:  []InventoryWorkload{{ID: "w", Name: "eta", Type: "model endpoint", Zone: "serving", Members: []string{"role"}, Touches: []string{"b0"}, Roots: []string{"role"}}},
		BlindSpots: []BlindSpot{{What: "buckets", Why: "AccessDenied", Hint: "grant s3:ListAllMyBuckets"}},
		Assets:     []InventoryAsset{{ID: "arn:aws:iam::1:role/eta", Type: "AWS::IAM::Role", Kind: "identity", Workload: "eta", Zone: "serving"}, {ID: "odd", Type: "AWS::New::Thing"}},
	}
	for i := range n {
		inv.Assets = append(inv.Assets, InventoryAsset{ID: fmt.Sprintf("arn:aws:s3:::bucket-%d", i), Type: "AWS::S3::Bucket", Kind: "store"})
	}
	return inv
}

func inventoryText(t *testing.T, inv *Inventory, all bool) string {
	t.Helper()
	var buf bytes.Buffer
	if err := InventoryText(&buf, inv, Options{Width: 100}, all); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestInventoryText(t *testing.T) {
	golden(t, "inventory.txt", inventoryText(t, someInventory(4), false))
	golden(t, "inventory-types.txt", inventoryText(t, someInventory(100), false))
}

// 100,000 assets are summed up unless asked for.
func TestInventoryTextIsShort(t *testing.T) {
	big := someInventory(100_000)
	if n := strings.Count(inventoryText(t, big, false), "\n"); n > 40 {
		t.Errorf("%d lines", n)
	}
	if n := strings.Count(inventoryText(t, big, true), "\n"); n < 100_000 {
		t.Errorf("asked for all, got %d lines", n)
	}
}

func TestInventoryTextIsHarmless(t *testing.T) {
	inv := &Inventory{Assets: []InventoryAsset{{ID: hostile, Type: hostile, Kind: hostile, Zone: hostile, Workload: hostile}},
		Workloads:  []InventoryWorkload{{ID: hostile, Name: hostile, Type: hostile, Owner: hostile}},
		BlindSpots: []BlindSpot{{What: hostile, Why: hostile, Hint: hostile}}}
	checkHarmless(t, inventoryText(t, inv, true))
}
