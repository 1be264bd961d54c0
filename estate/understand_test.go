package estate

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// What is added to a snapshot is understood by itself as it is with all the rest, or it
// is said that it cannot be.
func TestUnderstoodOfIsWhatUnderstoodIs(t *testing.T) {
	// An asset "x uses y" runs as the service of its name; its part says so.
	understand := func(a *Asset) Understanding {
		var c struct{ Uses, As, Part, Holds string }
		if err := json.Unmarshal(a.Config, &c); err != nil {
			t.Error(err)
		}
		u := Understanding{Kind: KindCompute}
		if c.Uses != "" {
			u.Relations = append(u.Relations, Relation{From: a.ID, To: c.Uses, Type: Uses, Tier: Declared, Evidence: "config.Uses"})
		}
		if c.Part != "" {
			u.Parts = append(u.Parts, Asset{ID: c.Part, Type: c.As, Source: a.Source, Kind: KindService})
			if c.Holds != "" {
				u.Parts[0].Config = json.RawMessage(c.Holds)
			}
		}
		return u
	}
	built := func(assets ...Asset) *Snapshot {
		b := NewBuilder(time.Unix(1, 0))
		for _, a := range assets {
			b.Asset(a)
		}
		s, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	asset := func(id, source, config string) Asset {
		return Asset{ID: id, Type: "T", Source: source, Config: json.RawMessage(config), Reads: []Read{{Operation: "read", Status: ReadOK}}}
	}
	known := []Asset{asset("a", "live", `{"Part":"s","As":"S"}`), asset("b", "live", `{"Uses":"far"}`), asset("h", "live", `{"Part":"p","As":"P","Holds":"{\"n\":1}"}`)}
	for name, tt := range map[string]struct {
		added []Asset
		ok    bool
	}{
		"by_itself":                           {[]Asset{asset("c", "plan", `{"Uses":"a"}`)}, true},
		"known_by_name":                       {[]Asset{asset("far", "plan", `{"Uses":"b"}`)}, true},
		"a_part_that_others_have":             {[]Asset{asset("c", "plan", `{"Part":"s","As":"S"}`)}, true},
		"a_part_by_an_earlier_source":         {[]Asset{asset("c", "called", `{"Part":"s","As":"S"}`)}, true},
		"a_part_of_its_own":                   {[]Asset{asset("c", "plan", `{"Part":"q","As":"S"}`), asset("d", "live", `{"Part":"q","As":"S"}`)}, true},
		"a_part_that_is_told_otherwise":       {[]Asset{asset("c", "plan", `{"Part":"s","As":"other"}`)}, false},
		"a_part_that_holds_the_same":          {[]Asset{asset("c", "live", `{"Part":"p","As":"P","Holds":"{ \"n\": 1 }"}`)}, true},
		"a_part_that_holds_something_else":    {[]Asset{asset("c", "live", `{"Part":"p","As":"P","Holds":"{\"n\":2}"}`)}, false},
		"a_part_that_was_read_for_itself":     {[]Asset{asset("c", "live", `{"Part":"b","As":"T"}`)}, false},
		"a_part_that_is_known_by_name_so_far": {[]Asset{asset("c", "live", `{"Part":"far","As":"S"}`)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			before, err := built(known...).Understood(ctx, understand)
			if err != nil {
				t.Fatal(err)
			}
			with, err := before.With(tt.added, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			var asked []string
			got, ok, err := with.UnderstoodOf(ctx, func(a *Asset) bool {
				for _, x := range tt.added {
					if x.ID == a.ID {
						asked = append(asked, a.ID)
						return true
					}
				}
				return false
			}, understand)
			if err != nil || ok != tt.ok || ok != (got != nil) || len(asked) != len(tt.added) {
				t.Fatalf("got %v %v, asked of %s", ok, err, strings.Join(asked, ", "))
			}
			if !ok {
				return
			}
			want, err := built(append(known, tt.added...)...).Understood(ctx, understand)
			if err != nil {
				t.Fatal(err)
			}
			if got.Hash() != want.Hash() {
				d, err := Diff(want, got)
				t.Errorf("it is not what understanding all makes: %+v %v", d, err)
			}
		})
	}
}
