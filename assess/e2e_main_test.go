package assess_test

import (
	"os"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/mysql"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

// childState, in the environment, makes this binary a run on a full disk: see
// TestFullDisk.
const childState = "ASSESS_TEST_FULL_STATE"

func TestMain(m *testing.M) {
	if state := os.Getenv(childState); state != "" {
		os.Exit(saveOnFullDisk(state))
	}
	code := m.Run()
	postgres.Stop()
	mysql.Stop()
	os.Exit(code)
}
