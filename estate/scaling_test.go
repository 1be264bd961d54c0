package estate

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// read is an asset whose root and reply GetX were read.
func readAsset(unknown ...string) *Asset {
	return &Asset{ID: "x", Reads: []Read{{Operation: "s:Describe", Status: ReadOK}, {Operation: "s:GetX", Key: "GetX", Status: ReadOK}}, Unknown: unknown}
}

func letters(size string) (string, float64) {
	family, n, _ := strings.Cut(size, ".")
	power, _ := strconv.ParseFloat(n, 64)
	return family, power
}

func TestScaleRuleReadsAmounts(t *testing.T) {
	group := Amount{At: "Groups[Name]", Units: "Wanted|Running", Size: "Type", Whole: true, Order: letters}
	for name, tt := range map[string]struct {
		rule    Amount
		asset   *Asset
		config  string
		want    []Capacity
		essence string
	}{
		"lists_by_name": {group, readAsset(), `{"Groups":[{"Name":"b","Wanted":3,"Type":"g.4","Role":"r"},{"Name":"a","Wanted":1,"Type":"g.2"}]}`,
			[]Capacity{{Path: "Groups[a]", Units: 1, Size: "g.2", Family: "g", Power: 2}, {Path: "Groups[b]", Units: 3, Size: "g.4", Family: "g", Power: 4}},
			`{"Groups":[{"Name":"b","Role":"r"},{"Name":"a"}]}`},
		"second_place_counts_where_the_first_is_absent": {group, readAsset(), `{"Groups":[{"Name":"a","Running":2}]}`,
			[]Capacity{{Path: "Groups[a]", Units: 2}}, `{"Groups":[{"Name":"a"}]}`},
		"both_places_go": {group, readAsset(), `{"Groups":[{"Name":"a","Running":2,"Wanted":5}]}`, []Capacity{{Path: "Groups[a]", Units: 5}}, `{"Groups":[{"Name":"a"}]}`},
		"one_name_twice": {group, readAsset(), `{"Groups":[{"Name":"a","Wanted":1},{"Name":"a","Wanted":2}]}`,
			[]Capacity{{Path: "Groups[a]", Units: 1}, {Path: "Groups[a]#2", Units: 2}}, `{"Groups":[{"Name":"a"},{"Name":"a"}]}`},
		"no_name":                        {group, readAsset(), `{"Groups":[{"Wanted":1}]}`, []Capacity{{Path: "Groups[0]", Units: 1}}, `{"Groups":[{}]}`},
		"none_is_asked_for":              {group, readAsset(), `{"Groups":[{"Name":"a","Type":"g.2"}]}`, nil, `{"Groups":[{"Name":"a","Type":"g.2"}]}`},
		"zero_is_said":                   {Amount{Units: "N"}, readAsset(), `{"N":0}`, []Capacity{{Path: "N"}}, `{}`},
		"absent_means_one":               {Amount{Units: "A.N", Absent: 1}, readAsset(), `{}`, []Capacity{{Path: "A.N", Units: 1}}, `{}`},
		"null_is_absent":                 {Amount{Units: "A.N", Absent: 1}, readAsset(), `{"A":{"N":null}}`, []Capacity{{Path: "A.N", Units: 1}}, `{"A":{"N":null}}`},
		"zero_lifts":                     {Amount{Units: "N", ZeroIsNoLimit: true}, readAsset(), `{"N":0}`, []Capacity{{Path: "N", Units: NoLimit}}, `{}`},
		"more_than_no_limit_is_no_limit": {Amount{Units: "N"}, readAsset(), `{"N":99999999999}`, []Capacity{{Path: "N", Units: NoLimit}}, `{}`},
		"objects_by_key": {Amount{At: "Roles{}", Units: "n", Absent: 1}, readAsset(), `{"Roles":{"W":{"n":4},"M":{}}}`,
			[]Capacity{{Path: "Roles.M.n", Units: 1}, {Path: "Roles.W.n", Units: 4}}, `{"Roles":{"M":{},"W":{}}}`},
		"a_name_with_dots": {Amount{Units: "notes.(a.b/c)", Text: true}, readAsset(), `{"notes":{"a.b/c":"7","d":1}}`, []Capacity{{Path: "notes[a.b/c]", Units: 7}}, `{"notes":{"d":1}}`},
		"text_with_a_unit": {Amount{Units: "N", Text: true, Fraction: true}, readAsset(), `{"N":"1.5 vCPU"}`, []Capacity{{Path: "N", Units: 1.5}}, `{}`},
		"a_choice_of_sizes_is_its_largest": {Amount{Units: "N", Size: "/T", Order: letters}, readAsset(), `{"N":1,"T":["g.8","g.2"]}`,
			[]Capacity{{Path: "N", Units: 1, Size: "g.2, g.8", Family: "g", Power: 8}}, `{}`},
		"sizes_of_two_families_have_no_order": {Amount{Units: "N", Size: "/T", Order: letters}, readAsset(), `{"N":1,"T":["h.8","g.2"]}`,
			[]Capacity{{Path: "N", Units: 1, Size: "g.2, h.8"}}, `{}`},
		"a_number_as_size": {Amount{Size: "M", SizeUnit: "MB"}, readAsset(), `{"M":512}`, []Capacity{{Path: "M", Units: 1, Size: "512 MB"}}, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ScaleRule{Amounts: []Amount{tt.rule}}.Read(tt.asset, json.RawMessage(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.Capacities, cmpopts.IgnoreFields(Capacity{}, "Item", "Times")); diff != "" {
				t.Errorf("capacities (-want +got):\n%s", diff)
			}
			if string(got.Essence) != tt.essence {
				t.Errorf("essence %s, want %s", got.Essence, tt.essence)
			}
		})
	}
}

// TestWhatIsNotKnownIsNeverZero: each of these would read as "nothing asked
// for" or as a small number if the doubt were dropped.
func TestWhatIsNotKnownIsNeverZero(t *testing.T) {
	n := Amount{Units: "A.N", Absent: 1}
	group := Amount{At: "G[Name]", Units: "N", Size: "T", Whole: true}
	reply := Amount{Units: "GetX.N", Absent: NoLimit}
	denied := &Asset{ID: "x", Reads: []Read{{Operation: "s:List", Status: ReadOK}, {Operation: "s:Describe", Status: ReadDenied, Why: "AccessDenied"}}}
	for name, tt := range map[string]struct {
		rule   Amount
		asset  *Asset
		config string
		path   string
		why    string
	}{
		"a_string":               {n, readAsset(), `{"A":{"N":"3"}}`, "A.N", "A.N is a string, not a number"},
		"a_list":                 {n, readAsset(), `{"A":{"N":[3]}}`, "A.N", "A.N is a list"},
		"negative":               {n, readAsset(), `{"A":{"N":-1}}`, "A.N", "less than nothing"},
		"not_whole":              {n, readAsset(), `{"A":{"N":1.5}}`, "A.N", "not a whole number"},
		"too_large_to_read":      {n, readAsset(), `{"A":{"N":1e999}}`, "A.N", "not a number that can be read"},
		"its_object_is_a_list":   {n, readAsset(), `{"A":[]}`, "A.N", "A is a list, not an object"},
		"known_later":            {n, readAsset("/A/N"), `{"A":{}}`, "A.N", "known only later"},
		"known_later_with_value": {n, readAsset("/A/N"), `{"A":{"N":1}}`, "A.N", "known only later"},
		"its_object_known_later": {n, readAsset("/A"), `{}`, "A.N", "known only later"},
		"everything_known_later": {n, readAsset(""), `{}`, "A.N", "known only later"},
		"the_list_known_later":   {group, readAsset("/G"), `{}`, "G[Name]", "known only later"},
		"an_item_known_later":    {group, readAsset("/G/0"), `{"G":[{"Name":"a"}]}`, "G[a]", "known only later"},
		"the_size_known_later":   {group, readAsset("/G/0/T"), `{"G":[{"Name":"a","N":1}]}`, "G[a]", "known only later"},
		"a_size_that_is_no_text": {group, readAsset(), `{"G":[{"Name":"a","N":1,"T":true}]}`, "G[a]", "where a size must stand"},
		"one_of_the_sizes":       {group, readAsset(), `{"G":[{"Name":"a","N":1,"T":["x",1]}]}`, "G[a]", "where a size must stand"},
		"the_list_is_an_object":  {group, readAsset(), `{"G":{"Name":"a"}}`, "G[Name]", "not a list"},
		"an_item_is_text":        {group, readAsset(), `{"G":["a"]}`, "G[0]", "not an object"},
		"describe_refused":       {n, denied, `{"Name":"x"}`, "A.N", "s:Describe was not read (denied): AccessDenied"},
		"list_in_describe":       {group, denied, `{"Name":"x"}`, "G[Name]", "s:Describe was not read"},
		"nothing_read":           {n, &Asset{ID: "x"}, `{}`, "A.N", "no read of the configuration says so"},
		"reply_not_there":        {reply, readAsset(), `{}`, "GetX.N", "no read of the configuration says so"},
		"no_configuration":       {n, readAsset(), ``, "A.N", "was not read"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ScaleRule{Amounts: []Amount{tt.rule}}.Read(tt.asset, json.RawMessage(tt.config))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Capacities) != 1 {
				t.Fatalf("capacities %+v, want one", got.Capacities)
			}
			c := got.Capacities[0]
			if !c.Unknown || c.Path != tt.path || !strings.Contains(c.Why, tt.why) || c.Units != 0 {
				t.Errorf("got %+v, want unknown %s because %q", c, tt.path, tt.why)
			}
		})
	}
	described := &Asset{ID: "x", Reads: []Read{{Operation: "s:ListThings", Status: ReadSkipped}, {Operation: "s:DescribeThing", Status: ReadOK}}}
	if got, err := (ScaleRule{Amounts: []Amount{n}}).Read(described, json.RawMessage(`{}`)); err != nil || got.Capacities[0].Unknown {
		t.Errorf("a description in an export without its list: %+v, %v", got.Capacities, err)
	}
	absent := &Asset{ID: "x", Reads: []Read{{Operation: "s:GetX", Key: "GetX", Status: ReadAbsent}}}
	got, err := ScaleRule{Amounts: []Amount{reply}}.Read(absent, json.RawMessage(`{}`))
	if diff := cmp.Diff([]Capacity{{Path: "GetX.N", Units: NoLimit}}, got.Capacities); err != nil || diff != "" {
		t.Errorf("the provider said that there is none: %v (-want +got):\n%s", err, diff)
	}
}

func TestScaleRuleRefuses(t *testing.T) {
	for _, config := range []string{`[]`, `"x"`, `1`, `{"a":1} {}`, `{"a":`, `{"a":1`, `x`, strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 600)} {
		if got, err := (ScaleRule{Volatile: []string{"b"}}).Read(&Asset{ID: "arn:x"}, json.RawMessage(config)); err == nil || !strings.Contains(err.Error(), "arn:x") {
			t.Errorf("%.20s: %+v, %v", config, got, err)
		}
	}
}

func TestVolatileLeavesNoEmptyHolder(t *testing.T) {
	rule := ScaleRule{Volatile: []string{"metadata.annotations.(a/b)", "status", "L[].s"}}
	for config, want := range map[string]string{
		`{"metadata":{"name":"x","annotations":{"a/b":"1"}},"status":{}}`:           `{"metadata":{"name":"x"}}`,
		`{"metadata":{"name":"x","annotations":{"a/b":"1","c":"2"}}}`:               `{"metadata":{"annotations":{"c":"2"},"name":"x"}}`,
		`{"metadata":{"name":"x"},"L":[{"s":1},{"s":2,"t":3}],"big":1e2,"l":"<&>"}`: `{"L":[{},{"t":3}],"big":1e2,"l":"<&>","metadata":{"name":"x"}}`,
	} {
		got, err := rule.Read(readAsset(), json.RawMessage(config))
		if err != nil || string(got.Essence) != want {
			t.Errorf("%s: %s, %v, want %s", config, got.Essence, err, want)
		}
	}
}

// propRule reads amounts and volatile members spread over a configuration of
// the shape genConfig makes.
var propRule = ScaleRule{
	Amounts:  []Amount{{At: "G[Name]", Units: "N", Size: "T", Whole: true, Order: letters}, {Units: "Min"}, {Units: "S.Max", Absent: NoLimit}},
	Volatile: []string{"Status", "S.At", "G[].Current"},
}

type propConfig struct {
	amounts, volatile []int
	rest              []string
}

func (p propConfig) text() json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"Min":%d,"S":{"Max":%d,"At":%d,"Role":%q},"Status":%d,"G":[{"Name":"a","N":%d,"T":"g.%d","Current":%d,"Image":%q},{"Name":"b","N":%d,"T":"g.2","Image":%q}],"Policy":{"Principal":%q}}`,
		p.amounts[0], p.amounts[1], p.volatile[0], p.rest[0], p.volatile[1], p.amounts[2], p.amounts[3]+1, p.volatile[2], p.rest[1], p.amounts[4], p.rest[2], p.rest[3]))
}

// TestEssence: what scaling or time changes leaves the essence as it is, and
// whatever else changes changes it; the amounts are what was written.
func TestEssence(t *testing.T) {
	gen := func(rt *rapid.T, label string) propConfig {
		return propConfig{rapid.SliceOfN(rapid.IntRange(0, 40), 5, 5).Draw(rt, label+"amounts"),
			rapid.SliceOfN(rapid.IntRange(0, 40), 3, 3).Draw(rt, label+"volatile"),
			rapid.SliceOfN(rapid.SampledFrom([]string{"", "x", "y"}), 4, 4).Draw(rt, label+"rest")}
	}
	rapid.Check(t, func(rt *rapid.T) {
		a, b := gen(rt, "a"), gen(rt, "b")
		sa, erra := propRule.Read(readAsset(), a.text())
		sb, errb := propRule.Read(readAsset(), b.text())
		if erra != nil || errb != nil {
			rt.Fatal(erra, errb)
		}
		if same := string(sa.Essence) == string(sb.Essence); same != cmp.Equal(a.rest, b.rest) {
			rt.Fatalf("essences equal: %v\n%s\n%s", same, sa.Essence, sb.Essence)
		}
		if same := cmp.Equal(sa.Capacities, sb.Capacities); same != cmp.Equal(a.amounts, b.amounts) {
			rt.Fatalf("capacities equal: %v\n%+v\n%+v", same, sa.Capacities, sb.Capacities)
		}
		whole, err := ScaleRule{}.Read(readAsset(), a.text())
		canonical, err2 := Canonical(a.text())
		if err != nil || err2 != nil || string(whole.Essence) != string(canonical) {
			rt.Fatalf("a rule that takes nothing changed %s to %s (%v, %v)", canonical, whole.Essence, err, err2)
		}
	})
}

// FuzzScaleRule: no configuration makes a rule panic, an essence is canonical,
// and reading an essence again takes nothing more from it.
func FuzzScaleRule(f *testing.F) {
	for _, s := range []string{`{"Min":1,"S":{"Max":2},"G":[{"Name":"a","N":3,"T":"g.1"}]}`, `{"G":[null,1,{"Name":2}],"S":[]}`, `{"G":{"a":1}}`, `{"Min":"x","Min":2}`, `[]`, `{"S":{"At":{}},"Status":null}`} {
		f.Add(s, "/G/0")
	}
	f.Fuzz(func(t *testing.T, config, unknown string) {
		got, err := propRule.Read(readAsset(unknown), json.RawMessage(config))
		if err != nil {
			return
		}
		for _, c := range got.Capacities {
			if c.Units < 0 || c.Unknown != (c.Why != "") {
				t.Errorf("%s: %+v", config, c)
			}
		}
		if config == "" {
			return
		}
		if canonical, err := Canonical(got.Essence); err != nil || string(canonical) != string(got.Essence) {
			t.Errorf("essence %s is not canonical: %v", got.Essence, err)
		}
	})
}

func TestTotal(t *testing.T) {
	for name, tt := range map[string]struct {
		cs    []Capacity
		want  float64
		known bool
	}{
		"nothing":                       {nil, 0, true},
		"two_words_on_one_thing":        {[]Capacity{{Units: 2}, {Units: 5}}, 5, true},
		"items_add_up":                  {[]Capacity{{Units: 2, Item: "a"}, {Units: 5, Item: "b"}}, 7, true},
		"what_multiplies":               {[]Capacity{{Units: 2, Item: "a"}, {Units: 3, Item: "a", Times: true}, {Units: 4, Item: "b"}}, 10, true},
		"two_that_multiply":             {[]Capacity{{Units: 2}, {Units: 3, Times: true}, {Units: 2, Times: true}}, 12, true},
		"none_of_many_hosts":            {[]Capacity{{Units: 2}, {Times: true}, {Units: 2, Times: true}}, 0, true},
		"one_that_multiplies_nothing":   {[]Capacity{{Units: 3, Times: true}}, 0, true},
		"one_unknown_leaves_the_rest":   {[]Capacity{{Units: 2, Item: "a"}, {Unknown: true, Item: "b"}}, 2, false},
		"an_unknown_factor_is_not_zero": {[]Capacity{{Units: 2}, {Unknown: true, Times: true}}, 2, false},
		"unlimited_twice_is_unlimited":  {[]Capacity{{Units: NoLimit}, {Units: 8, Times: true}}, NoLimit, true},
	} {
		if got, known := Total(tt.cs); got != tt.want || known != tt.known {
			t.Errorf("%s: %g, known %v; want %g, %v", name, got, known, tt.want, tt.known)
		}
	}
}

func TestAmountsAloneTellsNothingElse(t *testing.T) {
	rule := ScaleRule{Amounts: []Amount{{Units: "N|Old", Size: "Type"}, {At: "Groups[Name]", Units: "Wanted"}}}
	for name, tt := range map[string]struct {
		was, is string
		want    [][2]int64
		ok      bool
	}{
		"nothing":                    {`{"N":2,"Type":"g.2"}`, `{"N":2,"Type":"g.2"}`, nil, true},
		"an_amount":                  {`{"N":2}`, `{"N":10}`, [][2]int64{{2, 10}}, true},
		"in_order_of_place":          {`{"Groups":[{"Name":"a","Wanted":1},{"Name":"b","Wanted":3}],"N":2}`, `{"Groups":[{"Name":"a","Wanted":4},{"Name":"b","Wanted":0}],"N":5}`, [][2]int64{{1, 4}, {3, 0}, {2, 5}}, true},
		"a_second_place_counts_too":  {`{"N":2,"Old":1}`, `{"N":2,"Old":7}`, [][2]int64{{1, 7}}, true},
		"a_size":                     {`{"N":2,"Type":"g.2"}`, `{"N":2,"Type":"g.4"}`, nil, false},
		"an_amount_and_a_size":       {`{"N":2,"Type":"g.2"}`, `{"N":3,"Type":"g.4"}`, nil, false},
		"another_number":             {`{"N":2,"Port":80}`, `{"N":2,"Port":81}`, nil, false},
		"same_name_elsewhere":        {`{"Part":{"N":2},"N":1}`, `{"Part":{"N":3},"N":1}`, nil, false},
		"it_was_not_there":           {`{}`, `{"N":2}`, nil, false},
		"it_goes":                    {`{"N":2}`, `{}`, nil, false},
		"one_member_for_another":     {`{"N":2}`, `{"Old":2}`, nil, false},
		"a_group_comes":              {`{"Groups":[]}`, `{"Groups":[{"Name":"a","Wanted":1}]}`, nil, false},
		"a_group_by_another_name":    {`{"Groups":[{"Name":"a","Wanted":1}]}`, `{"Groups":[{"Name":"b","Wanted":2}]}`, nil, false},
		"text":                       {`{"N":2}`, `{"N":"3"}`, nil, false},
		"not_whole":                  {`{"N":2}`, `{"N":2.5}`, nil, false},
		"below_nothing":              {`{"N":2}`, `{"N":-1}`, nil, false},
		"more_than_there_can_be":     {`{"N":2}`, `{"N":2147483648}`, nil, false},
		"larger_than_any_number":     {`{"N":2}`, `{"N":99999999999999999999}`, nil, false},
		"no_object":                  {`[2]`, `[3]`, nil, false},
		"not_read":                   {``, `{"N":2}`, nil, false},
		"an_object_where_text_stood": {`{"N":2,"A":"x"}`, `{"N":2,"A":{"x":1}}`, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := rule.AmountsAlone(readAsset(), json.RawMessage(tt.was), json.RawMessage(tt.is))
			if ok != tt.ok || ok && !cmp.Equal(got, tt.want) {
				t.Errorf("got %v %v, want %v %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}
