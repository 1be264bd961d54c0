package api

import (
	"bufio"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// testdata/endpoints.txt is what botocore's own endpoint resolver says:
// service, region, variant, host, signing region, signing name.
func TestEndpointsAreBotocores(t *testing.T) {
	f, err := os.Open("testdata/endpoints.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	n := 0
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) != 6 {
			t.Fatalf("line %q", lines.Text())
		}
		n++
		c := New(aws.Config{}, Options{})
		c.env.fips, c.env.dual = w[2] == "fips", w[2] == "dual"
		svc, err := load(w[0])
		if err != nil {
			t.Fatal(err)
		}
		to, err := c.resolve(svc, &operation{}, Request{Service: w[0], Region: w[1]})
		if err != nil {
			t.Errorf("%s: %v", lines.Text(), err)
			continue
		}
		if got := strings.Join([]string{to.host, to.signRegion, to.signName}, " "); got != strings.Join(w[3:], " ") {
			t.Errorf("%s %s %s: got %s, want %s", w[0], w[1], w[2], got, strings.Join(w[3:], " "))
		}
	}
	if n < 700 {
		t.Errorf("only %d endpoints compared", n)
	}
}
