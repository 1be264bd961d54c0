package catalog

import "testing"

func TestDefaultLoads(t *testing.T) {
	c, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Resources()) < 80 {
		t.Errorf("got %d resources, want many", len(c.Resources()))
	}
}
