package upkeep

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

const (
	depsPackage = `{"packageKey":{"system":"PYPI","name":"Old_Pkg"},"versions":[
		{"versionKey":{"system":"PYPI","name":"old-pkg","version":"1.0"},"publishedAt":"2019-01-02T00:00:00Z","isDefault":false},
		{"versionKey":{"system":"PYPI","name":"old-pkg","version":"1.1"},"publishedAt":"2020-01-02T00:00:00Z","isDefault":true,"isDeprecated":true,"deprecatedReason":"use new-pkg"}]}`
	depsVersion = `{"versionKey":{"system":"PYPI","name":"old-pkg","version":"1.1"},"publishedAt":"2020-01-02T00:00:00Z","isDeprecated":true,"licenses":["MIT"],
		"links":[{"label":"SOURCE_REPO","url":"https://github.com/Acme/Old.git"}],"relatedProjects":[{"projectKey":{"id":"github.com/acme/old"},"relationType":"SOURCE_REPO"}]}`
	depsProject = `{"projectKey":{"id":"github.com/acme/old"},"starsCount":3,"scorecard":{"date":"2026-11-20T00:00:00Z","repository":{"name":"github.com/acme/old"},
		"checks":[{"name":"Maintained","score":0,"reason":"project is archived","documentation":{"shortDescription":"x"}}],"overallScore":2.4}}`
	scorecard = `{"date":"2026-11-20","repo":{"name":"github.com/acme/fine","commit":"c"},"scorecard":{"version":"v5"},"score":7.1,"checks":[{"name":"Maintained","score":10,"reason":"30 commits","details":null}],"metadata":null}`
	pypiFresh = `{"info":{"name":"fine","version":"2.0","classifiers":["Development Status :: 5 - Production/Stable"],"project_urls":{"Source":"https://github.com/acme/fine"},"yanked":false,"yanked_reason":null},
		"releases":{"1.9":[{"upload_time_iso_8601":"2026-09-01T00:00:00.000000Z","yanked":true,"yanked_reason":"leaks keys"}],"2.0":[{"upload_time_iso_8601":"2026-11-27T08:00:00.000000Z","yanked":false,"yanked_reason":null}],"1.8":[{"upload_time_iso_8601":"2026-08-01T00:00:00Z","yanked":false}]},"urls":[]}`
	npmDoc = `{"_id":"left","name":"left","dist-tags":{"latest":"1.0.0"},"time":{"created":"2026-01-01T00:00:00.000Z","modified":"2026-01-01T00:00:00.000Z","1.0.0":"2026-01-01T00:00:00.000Z"},"versions":{"1.0.0":{"name":"left","deprecated":"no longer supported"}},"repository":{"type":"git","url":"git+https://github.com/acme/left.git"}}`
	batch  = `{"responses":[{"request":{"versionKey":{"system":"GO","name":"example.org/m","version":"v1.0.0"}},"version":{"versionKey":{"system":"GO","name":"example.org/m","version":"v1.0.0"},"publishedAt":"2026-01-01T00:00:00Z"}},{"request":{},"version":null}],"nextPageToken":""}`
)

func book(t *testing.T, docs ...string) *Book {
	t.Helper()
	b := New()
	for _, d := range docs {
		if err := b.Add([]byte(d), now.AddDate(0, 0, -1)); err != nil {
			t.Fatalf("%.60s: %v", d, err)
		}
	}
	return b
}

func texts(s Standing) string {
	var out []string
	for _, r := range s.Remarks {
		out = append(out, string(r.Kind)+": "+r.Text)
	}
	if s.Unknown != "" {
		out = append(out, "unknown: "+s.Unknown)
	}
	for _, o := range s.Open {
		out = append(out, "open: "+o)
	}
	return strings.Join(out, "; ")
}

func TestStandings(t *testing.T) {
	b := book(t, depsPackage, depsVersion, depsProject, scorecard, pypiFresh, npmDoc, batch)
	for _, tt := range []struct{ ecosystem, name, version, want string }{
		{"PyPI", "old.pkg", "1.1", "unkept: version 1.1 is deprecated: use new-pkg; unkept: its newest version is of 2020-01-02; unkept: its repository github.com/acme/old is archived"},
		{"PyPI", "old-pkg", "9.9", "withdrawn: its registry lists no version 9.9"},
		{"PyPI", "fine", "2.0", "fresh: version 2.0 was published on 2026-11-27, less than 7 days ago"},
		{"PyPI", "fine", "1.9", "withdrawn: version 1.9 was withdrawn: leaks keys"},
		{"PyPI", "fine", "1.8", ""},
		{"npm", "left", "1.0.0", "unkept: version 1.0.0 is deprecated: no longer supported; open: what Scorecard says of github.com/acme/left"},
		{"Go", "example.org/m", "v1.0.0", "open: when its newest version was published; open: its repository"},
		{"Go", "example.org/m", "v1.1.0", "unknown: what is known of it does not name version v1.1.0"},
		{"Go", "example.org/other", "v1", "unknown: nobody brought what its registry says"},
		{"Debian:12", "curl", "8", "unknown: of Debian:12 nothing is read"},
		{"PyPI", "fine", "", "unknown: its version is not known"},
	} {
		if got := texts(b.Of(tt.ecosystem, tt.name, tt.version, now, Defaults)); got != tt.want {
			t.Errorf("%s %s: %s\nwant %s", tt.name, tt.version, got, tt.want)
		}
	}
	if s := b.Of("PyPI", "fine", "1.8", now, Defaults); s.Score == nil || *s.Score != 7.1 {
		t.Errorf("Scorecard's word is lost: %+v", s)
	}
	if got := texts(b.Of("PyPI", "fine", "1.8", now.AddDate(0, 2, 0), Defaults)); !strings.HasPrefix(got, "unknown: what its registry says is of 2026-11-28") {
		t.Errorf("old words count: %s", got)
	}
	var none *Book
	if s := none.Of("PyPI", "fine", "1.8", now, Defaults); s.Unknown == "" {
		t.Error("without a book something is known")
	}
}

func TestRubbishIsRefused(t *testing.T) {
	for _, text := range []string{"", "x", "{}", "[]", "null", "7", `{"packageKey":{"system":"PYPI"}}`, `{"versionKey":{"system":"NOSUCH","name":"a","version":"1"}}`, `{"versionKey":{"system":"PYPI","name":"a"}}`,
		`{"packageKey":{"system":"PYPI","name":"a"},"versions":[{"versionKey":{}}]}`, `{"packageKey":{"system":"PYPI","name":"a"},"versions":{"1":2}}`, depsPackage[:200], `{"repo":{"name":"github.com/a/b"},"checks":[],"score":3}`,
		`{"repo":{"name":"x"},"checks":[],"date":"2026-01-01"}`, `{"projectKey":{"id":""}}`, `[` + scorecard + `,{}]`, `{"code":5,"message":"package not found"}`} {
		if err := New().Add([]byte(text), now); err == nil {
			t.Errorf("%.80q is taken for something", text)
		}
	}
}

func FuzzAdd(f *testing.F) {
	for _, d := range []string{depsPackage, depsVersion, depsProject, scorecard, pypiFresh, npmDoc, batch, "[[]]"} {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b := New()
		if b.Add(text, now) == nil {
			for k := range b.Packages {
				ecosystem, name, _ := strings.Cut(k, ":")
				b.Of(ecosystem, name, "1.0", now, Defaults)
			}
		}
	})
}
