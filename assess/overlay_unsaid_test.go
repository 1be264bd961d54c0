package assess

import (
	"slices"
	"testing"

	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// What a plan has no word for stays as it was read, and is unknown where nothing
// was read: in a member or an item that the plan adds.
func TestUnsaidUnderWhatAPlanAdds(t *testing.T) {
	const id = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint-config/e"
	side := func(config string, unknown ...string) *estate.Asset {
		return &estate.Asset{ID: id, Type: "AWS::SageMaker::EndpointConfig", Config: []byte(config), Unknown: unknown}
	}
	const read = `{"ProductionVariants":[{"VariantName":"a","InitialInstanceCount":1}]}`
	for name, tt := range map[string]struct {
		after *estate.Asset
		want  []string
	}{
		"item_changes": {side(`{"ProductionVariants":[{"VariantName":"a","InitialInstanceCount":2}]}`, "/ProductionVariants/0/InstancePools"), nil},
		"item_added": {side(`{"ProductionVariants":[{"VariantName":"a","InitialInstanceCount":1},{"VariantName":"b"}]}`, "/ProductionVariants/0/InstancePools", "/ProductionVariants/1/InstancePools"),
			[]string{"/ProductionVariants/0/InstancePools", "/ProductionVariants/1/InstancePools"}},
		"member_added": {side(`{"ProductionVariants":[{"VariantName":"a","InitialInstanceCount":1}],"DataCaptureConfig":{"KmsKeyId":"k"}}`, "/DataCaptureConfig/X", "/ProductionVariants/0/InstancePools"),
			[]string{"/DataCaptureConfig/X"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &laying{plan: &terraform.Plan{Unsaid: map[string][]string{id: tt.after.Unknown}}}
			got, err := l.patch(*side(read), side(read), tt.after)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got.Unknown)
			if !slices.Equal(got.Unknown, tt.want) {
				t.Errorf("unknown %v, want %v in %s", got.Unknown, tt.want, got.Config)
			}
		})
	}
}
