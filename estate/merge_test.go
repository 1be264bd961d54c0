package estate

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func read(operation, key string, status ReadStatus) Read {
	return Read{Operation: operation, Key: key, Status: status}
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name    string
		parts   []Asset
		config  string
		reads   string // operation key status, joined
		unknown []string
		doubts  int
	}{
		{name: "describe_beats_list", parts: []Asset{
			{Config: json.RawMessage(`{"Name":"short","OnlyInList":1}`), Reads: []Read{read("s:ListThings", "", ReadOK)}},
			{Config: json.RawMessage(`{"Name":"long","Arn":"x"}`), Reads: []Read{read("s:DescribeThing", "", ReadOK)}},
		}, config: `{"Arn":"x","Name":"long","OnlyInList":1}`, reads: "s:DescribeThing  ok; s:ListThings  ok"},
		{name: "denied_describe_leaves_the_list", parts: []Asset{
			{Config: json.RawMessage(`{"Name":"short"}`), Reads: []Read{read("s:ListThings", "", ReadOK)}},
			{Reads: []Read{read("s:DescribeThing", "", ReadDenied)}},
		}, config: `{"Name":"short"}`, reads: "s:DescribeThing  denied; s:ListThings  ok"},
		{name: "better_status_of_one_operation", parts: []Asset{
			{Reads: []Read{read("s:GetP", "GetP", ReadSkipped)}},
			{Config: json.RawMessage(`{"GetP":{"a":1}}`), Reads: []Read{read("s:GetP", "GetP", ReadOK)}},
			{Reads: []Read{read("s:GetP", "GetP", ReadDenied)}},
		}, config: `{"GetP":{"a":1}}`, reads: "s:GetP GetP ok"},
		{name: "an_operation_is_taken_whole", parts: []Asset{
			{Config: json.RawMessage(`{"GetP":{"a":1}}`), Reads: []Read{read("s:GetP", "GetP", ReadOK)}},
			{Config: json.RawMessage(`{"GetP":{"b":2}}`), Reads: []Read{read("s:GetP", "GetP", ReadFailed)}},
		}, config: `{"GetP":{"a":1}}`, reads: "s:GetP GetP ok"},
		{name: "two_witnesses_disagree", parts: []Asset{
			{Source: "live", Config: json.RawMessage(`{"Public":{"Acl":true,"Policy":true}}`), Reads: []Read{read("s:GetThing", "", ReadOK)}},
			{Source: "dir", Config: json.RawMessage(`{"Public":{"Acl":true,"Policy":false}}`), Reads: []Read{read("s:GetThing", "", ReadOK)}},
		}, config: `{"Public":{"Acl":true,"Policy":false}}`, reads: "s:GetThing  ok", unknown: []string{"/Public/Policy"}, doubts: 1},
		{name: "one_witness_lacks_it", parts: []Asset{
			{Source: "live", Config: json.RawMessage(`{"Name":"n","Public":true}`), Reads: []Read{read("s:GetThing", "", ReadOK)}},
			{Source: "dir", Config: json.RawMessage(`{"Name":"n"}`), Reads: []Read{read("s:GetThing", "", ReadOK)}},
		}, config: `{"Name":"n","Public":true}`, reads: "s:GetThing  ok", unknown: []string{"/Public"}, doubts: 1},
		{name: "a_part_that_repeats_the_root_read_is_no_witness", parts: []Asset{
			{Config: json.RawMessage(`{"Name":"n"}`), Reads: []Read{read("s:GetThing", "", ReadOK)}},
			{Config: json.RawMessage(`{"GetP":{}}`), Reads: []Read{read("s:GetThing", "", ReadOK), read("s:GetP", "GetP", ReadOK)}},
		}, config: `{"GetP":{},"Name":"n"}`, reads: "s:GetP GetP ok; s:GetThing  ok"},
		{name: "other_type", parts: []Asset{{Type: "A"}, {Type: "B"}}, doubts: 1},
		{name: "a_reference_is_no_witness", parts: []Asset{{Type: "A"}, {Type: "B", Referenced: true}}},
		{name: "tags", parts: []Asset{{Tags: map[string]string{"a": "1"}}, {Tags: map[string]string{"a": "2"}}}, doubts: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				slices.Reverse(tt.parts)
				s := build(t, func(b *Builder) {
					for _, p := range tt.parts {
						p.ID = "id"
						b.Asset(p)
					}
				})
				a := s.Asset(0)
				var reads []string
				for _, r := range a.Reads {
					reads = append(reads, r.Operation+" "+r.Key+" "+string(r.Status))
				}
				if string(a.Config) != tt.config || strings.Join(reads, "; ") != tt.reads || !slices.Equal(a.Unknown, tt.unknown) || len(s.BlindSpots()) != tt.doubts {
					t.Errorf("config %s\nreads %v\nunknown %v\nblind spots %+v", a.Config, reads, a.Unknown, s.BlindSpots())
				}
				if a.Referenced {
					t.Error("an asset that was read is called a reference")
				}
			}
		})
	}
}

// So many places differ that the member as a whole is in doubt.
func TestMergeGivesUpOnDetail(t *testing.T) {
	var one, two []string
	for i := range 2 * maxConflicts {
		one, two = append(one, itoa(i)), append(two, itoa(i+1))
	}
	s := build(t, func(b *Builder) {
		for _, list := range [][]string{one, two} {
			b.Asset(Asset{ID: "id", Config: json.RawMessage(`{"L":[` + strings.Join(list, ",") + `]}`), Reads: []Read{read("s:GetThing", "", ReadOK)}})
		}
	})
	if a := s.Asset(0); !slices.Equal(a.Unknown, []string{"/L"}) {
		t.Errorf("unknown %v", a.Unknown)
	}
}
