package wire_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

func outputs(t *testing.T, service, operation string) []api.Member {
	t.Helper()
	op, ok := api.Operation(service, operation)
	if !ok {
		t.Fatalf("the model has no %s:%s", service, operation)
	}
	return op.Outputs()
}

func TestFit(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 30, 15, 0, time.UTC)
	leave := func(api.Member) (any, error) { return nil, nil }
	refuse := func(api.Member) (any, error) { return nil, errors.New("required and not given") }
	for _, tt := range []struct {
		name, service, op string
		doc               map[string]any
		blank             wire.Blank
		want              map[string]any
		err               string
	}{
		{"times_and_lists", "sagemaker", "ListModels", map[string]any{"Models": []map[string]any{{"ModelName": "m", "ModelArn": "arn:m", "CreationTime": at}}}, refuse,
			map[string]any{"Models": []any{map[string]any{"ModelName": "m", "ModelArn": "arn:m", "CreationTime": 1772353815.0}}}, ""},
		{"a_policy_spelt_out", "secretsmanager", "GetResourcePolicy", map[string]any{"ResourcePolicy": map[string]any{"Version": "2012-10-17"}}, leave,
			map[string]any{"ResourcePolicy": `{"Version":"2012-10-17"}`}, ""},
		{"a_required_member_left_out", "sagemaker", "ListModels", map[string]any{}, refuse, nil, "required and not given"},
		{"a_required_member_may_be_left_out", "sagemaker", "ListModels", map[string]any{}, leave, map[string]any{}, ""},
		{"no_such_member", "sagemaker", "ListModels", map[string]any{"Colour": "red"}, leave, nil, "Colour: the model has no such member"},
		{"below", "sagemaker", "ListModels", map[string]any{"Models": []any{map[string]any{"Colour": "red"}}}, leave, nil, "Models: element 0: Colour: the model has no such member"},
		{"no_list", "sagemaker", "ListModels", map[string]any{"Models": "m"}, leave, nil, "Models: string is no list"},
		{"no_time", "sagemaker", "ListModels", map[string]any{"Models": []any{map[string]any{"CreationTime": "today"}}}, leave, nil, "no RFC 3339 time"},
		{"no_whole_number", "sagemaker", "DescribeNotebookInstance", map[string]any{"VolumeSizeInGB": 1.5}, leave, nil, "VolumeSizeInGB: float64 is no integer"},
		{"a_whole_number", "sagemaker", "DescribeNotebookInstance", map[string]any{"VolumeSizeInGB": 5.0}, leave, map[string]any{"VolumeSizeInGB": 5.0}, ""},
		{"no_such_word", "bedrock", "GetGuardrail", map[string]any{"status": "Perhaps"}, leave, nil, `status: "Perhaps" is none of`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := wire.Fit(outputs(t, tt.service, tt.op), tt.doc, tt.blank)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
