package kubernetes

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseImage(t *testing.T) {
	for ref, want := range map[string]struct{ full, ecr string }{
		"nginx":                               {"docker.io/library/nginx:latest", ""},
		"nginx:1.27":                          {"docker.io/library/nginx:1.27", ""},
		"acme/web@sha256:ab":                  {"docker.io/acme/web@sha256:ab", ""},
		"localhost/web":                       {"localhost/web:latest", ""},
		"reg:5000/a/b":                        {"reg:5000/a/b:latest", ""},
		"ghcr.io/a/b:v1@sha256:cd":            {"ghcr.io/a/b:v1@sha256:cd", ""},
		"index.docker.io/nginx":               {"docker.io/library/nginx:latest", ""},
		"docker://quay.io/a/b:2":              {"quay.io/a/b:2", ""},
		"1.dkr.ecr.eu-west-1.amazonaws.com/a": {"1.dkr.ecr.eu-west-1.amazonaws.com/a:latest", "arn:aws:ecr:eu-west-1:1:repository/a"},
		"1.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b:c":    {"1.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b:c", "arn:aws-cn:ecr:cn-north-1:1:repository/a/b"},
		"1.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a:c": {"1.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a:c", "arn:aws-us-gov:ecr:us-gov-west-1:1:repository/a"},
		"amazonaws.com/dkr/ecr":                          {"amazonaws.com/dkr/ecr:latest", ""},
	} {
		i := parseImage(ref)
		if i.String() != want.full || i.ecr() != want.ecr {
			t.Errorf("%s: %s and %q, want %s and %q", ref, i, i.ecr(), want.full, want.ecr)
		}
	}
}

// A full reference means itself: whoever parses it again finds the same image.
func TestImageIsStable(t *testing.T) {
	segment := rapid.StringMatching(`[a-z][a-z0-9]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		ref := strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "path"), "/")
		if rapid.Bool().Draw(t, "registry") {
			ref = segment.Draw(t, "host") + ".example:5000/" + ref
		}
		if rapid.Bool().Draw(t, "tag") {
			ref += ":" + segment.Draw(t, "tagname")
		}
		if rapid.Bool().Draw(t, "digest") {
			ref += "@sha256:" + segment.Draw(t, "hex")
		}
		once := parseImage(ref)
		if twice := parseImage(once.String()); twice != once {
			t.Fatalf("%s: %+v, then %+v", ref, once, twice)
		}
	})
}

func TestSelectorExpressions(t *testing.T) {
	labels := map[string]string{"app": "a", "empty": ""}
	for name, c := range map[string]struct {
		selector selector
		want     bool
	}{
		"nothing":        {selector{}, true},
		"in":             {selector{MatchExpressions: []requirement{{"app", "In", []string{"b", "a"}}}}, true},
		"in_other":       {selector{MatchExpressions: []requirement{{"app", "In", []string{"b"}}}}, false},
		"in_missing":     {selector{MatchExpressions: []requirement{{"x", "In", []string{""}}}}, false},
		"not_in":         {selector{MatchExpressions: []requirement{{"app", "NotIn", []string{"a"}}}}, false},
		"not_in_missing": {selector{MatchExpressions: []requirement{{"x", "NotIn", []string{"a"}}}}, true},
		"exists_empty":   {selector{MatchExpressions: []requirement{{"empty", "Exists", nil}}}, true},
		"exists_not":     {selector{MatchExpressions: []requirement{{"x", "DoesNotExist", nil}}}, true},
		"both":           {selector{MatchLabels: map[string]string{"app": "a"}, MatchExpressions: []requirement{{"x", "Exists", nil}}}, false},
		"unheard_of":     {selector{MatchExpressions: []requirement{{"app", "Like", []string{"a"}}}}, false},
		"empty_value":    {selector{MatchLabels: map[string]string{"x": ""}}, false},
	} {
		if got := c.selector.matches(labels); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	a := selector{MatchLabels: map[string]string{"b": "1", "a": "2"}, MatchExpressions: []requirement{{"z", "In", []string{"2", "1"}}, {"c", "Exists", nil}}}
	b := selector{MatchLabels: map[string]string{"a": "2", "b": "1"}, MatchExpressions: []requirement{{"c", "Exists", nil}, {"z", "In", []string{"1", "2"}}}}
	if a.String() != b.String() {
		t.Errorf("the same selector is spelt %q and %q", &a, &b)
	}
}

// Every reader and pod path is of a kind the table names.
func TestTablesFit(t *testing.T) {
	for key := range readers {
		_, isCustom := customs[key]
		if _, ok := kinds[key]; !ok && !isCustom {
			t.Errorf("%s is read and has no kind", key)
		}
	}
	for key := range podPaths {
		if _, ok := kinds[key]; !ok {
			t.Errorf("%s has pods and no kind", key)
		}
	}
}

func FuzzParseImage(f *testing.F) {
	for _, s := range []string{"nginx", "a/b:c@sha256:d", "1.dkr.ecr.eu-west-1.amazonaws.com/a", "", "::@@//"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		i := parseImage(ref)
		i.ecr()
		identify([]*container{{image: ref, words: []string{ref}}})
	})
}
