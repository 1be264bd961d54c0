package moto

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	StopShared()
	http.DefaultClient.CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// create makes a queue by the plainest request there is.
func create(t *testing.T, s *Server, queue string) {
	t.Helper()
	script := filepath.Join(t.TempDir(), "make.py")
	err := os.WriteFile(script, []byte("import boto3, sys\nprint(boto3.client('sqs').create_queue(QueueName=sys.argv[1])['QueueUrl'])\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(s.Python(t, script, queue)); !strings.HasSuffix(strings.TrimSpace(got), Account+"/"+queue) {
		t.Fatalf("queue made: %q, want one of account %s", got, Account)
	}
}

// data asks moto for everything it holds.
func data(t *testing.T, s *Server) string {
	t.Helper()
	resp, err := http.Get(s.URL + "/moto-api/data.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTwoServersAreApart(t *testing.T) {
	a, b := Start(t), Start(t)
	create(t, a, "one")
	if !strings.Contains(data(t, a), "one") {
		t.Error("the server does not hold what was made in it")
	}
	if strings.Contains(data(t, b), `"one"`) {
		t.Error("the other server holds it too")
	}
}

func TestSharedIsEmptied(t *testing.T) {
	s := Shared(t)
	create(t, s, "left_over")
	again := Shared(t)
	if again != s {
		t.Errorf("a second server was started: %s, first %s", again.URL, s.URL)
	}
	if strings.Contains(data(t, again), "left_over") {
		t.Error("what the last test made is still there")
	}
}

func TestMissingVenvSaysWhatToDo(t *testing.T) {
	t.Setenv("SEVENFOLD_TEST_VENV", t.TempDir())
	if _, err := start(); err == nil || !strings.Contains(err.Error(), "make test") {
		t.Errorf("start without an environment: %v, want a hint at make test", err)
	}
}

func TestEnvironmentHoldsNothingOfTheUser(t *testing.T) {
	t.Setenv("AWS_PROFILE", "someone")
	for _, kv := range environ() {
		if strings.HasPrefix(kv, "AWS_") {
			t.Errorf("%s reaches the server", kv)
		}
	}
}
