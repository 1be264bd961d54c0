package source

import (
	"regexp"
	"strings"
	"testing"
)

type options struct{ account, region, cluster, colour string }

func parse(s string) (string, options, error) {
	var o options
	path, err := Parse(s, "dir:PATH[,account=ID]", Account(&o.account), Region(&o.region), Cluster(&o.cluster),
		Option{Key: "colour", To: &o.colour, Form: regexp.MustCompile(`^red$`), Should: "is not red"})
	return path, o, err
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		in, path string
		options  options
		err      string
	}{
		{"dir:x", "x", options{}, ""},
		{"dir:a,b/c,account=111122223333,region=us-gov-west-1,cluster=arn:aws:eks:eu-west-1:1:cluster/c,colour=red", "a,b/c",
			options{"111122223333", "us-gov-west-1", "arn:aws:eks:eu-west-1:1:cluster/c", "red"}, ""},
		{"dir:a,b/c=d", "a,b/c=d", options{}, ""},             // a path, by its slash
		{"dir:a,v1.2=d.json", "a,v1.2=d.json", options{}, ""}, // by its dot
		{"dir:x,acount=1", "", options{}, `unknown option "acount" (known: account, region, cluster, colour)`},
		{"dir:x,account=1", "", options{}, `account "1" is not a 12-digit`},
		{"dir:x,region=west", "", options{}, "region"},
		{"dir:x,region=europe-west-west-west-west-1", "", options{}, "region"},
		{"dir:x,cluster=a b", "", options{}, "cluster"},
		{"dir:x,colour=blue", "", options{}, `colour "blue" is not red`},
		{"dir:x,account=", "", options{}, "account is empty"},
		{"dir:x,account=111122223333,account=444455556666", "", options{}, "account is given twice"},
		{"dir:", "", options{}, "no path after dir:"},
		{"dir:,colour=red", "", options{}, "no path after dir:"},
		{"folder:x", "", options{}, "expected dir:PATH"},
		{"", "", options{}, "expected dir:PATH"},
	} {
		path, got, err := parse(tt.in)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: error %v, want %q", tt.in, err, tt.err)
			}
			continue
		}
		if err != nil || path != tt.path || got != tt.options {
			t.Errorf("%s: %q %+v %v, want %q %+v", tt.in, path, got, err, tt.path, tt.options)
		}
	}
}

// FuzzParse holds that what is taken is spelt right, and is what was given.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"dir:x,region=eu-west-1", "dir:,,=", "dir:x,account=111122223333,", ":", "dir:=,=,="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, o, err := parse(s)
		if err != nil {
			return
		}
		if !strings.HasPrefix(s, "dir:"+path) || path == "" {
			t.Errorf("%q has the path %q", s, path)
		}
		if o.account != "" && !IsAccount(o.account) || o.region != "" && !IsRegion(o.region) || o.colour != "" && o.colour != "red" {
			t.Errorf("%q gives %+v", s, o)
		}
	})
}
