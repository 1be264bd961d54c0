package assess

import (
	"testing"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/controls"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// A question of another tool that a criterion is said to answer is answered by a
// line of the load table that is there.
func TestPeersNameCriteriaThatAreThere(t *testing.T) {
	peers, err := control.ReadPeers(controls.FS)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, p := range peers {
		for _, list := range [][]control.Answer{p.Checks, p.Requirements} {
			for _, a := range list {
				for _, id := range a.Criteria {
					named++
					if _, ok := gate.Find(id); !ok {
						t.Errorf("%s %s is answered by the criterion %s, which the load table does not have", p.Name, a.ID, id)
					}
				}
			}
		}
	}
	if named < 40 {
		t.Errorf("%d criteria named", named)
	}
}
