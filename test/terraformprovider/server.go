package main

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// server answers what validate and plan ask; the embedded interface, which is
// nil, stands for the rest, which nobody asks.
type server struct {
	tfprotov5.ProviderServer
	name    string
	schemas map[string]*tfprotov5.Schema
}

var errNoCloud = errors.New("this provider knows no cloud")

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	out := &tfprotov5.GetMetadataResponse{ServerCapabilities: &tfprotov5.ServerCapabilities{}}
	for name := range s.schemas {
		out.Resources = append(out.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	return out, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	return &tfprotov5.GetProviderSchemaResponse{
		Provider: &tfprotov5.Schema{Block: &tfprotov5.SchemaBlock{Attributes: []*tfprotov5.SchemaAttribute{
			{Name: "region", Type: tftypes.String, Optional: true}, {Name: "profile", Type: tftypes.String, Optional: true}}}},
		ResourceSchemas: s.schemas, DataSourceSchemas: map[string]*tfprotov5.Schema{},
	}, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, r *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: r.Config}, nil
}

func (s *server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (s *server) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil // Terraform itself holds the schema
}

func (s *server) UpgradeResourceState(context.Context, *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	return nil, errNoCloud
}

func (s *server) ReadResource(context.Context, *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return nil, errNoCloud
}

func (s *server) ApplyResourceChange(context.Context, *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	return nil, errNoCloud
}

// PlanResourceChange plans what is configured, and leaves open what is computed.
func (s *server) PlanResourceChange(_ context.Context, r *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	schema := s.schemas[r.TypeName]
	if schema == nil {
		return nil, errors.New("there is no resource type " + r.TypeName)
	}
	typ := schema.ValueType()
	proposed, err := r.ProposedNewState.Unmarshal(typ)
	if err != nil {
		return nil, err
	}
	if proposed.IsNull() {
		return &tfprotov5.PlanResourceChangeResponse{PlannedState: r.ProposedNewState}, nil
	}
	planned, err := open(schema.Block, proposed)
	if err != nil {
		return nil, err
	}
	value, err := tfprotov5.NewDynamicValue(typ, planned)
	if err != nil {
		return nil, err
	}
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: &value}, nil
}

// open makes the computed attributes of a body that are not configured unknown.
func open(b *tfprotov5.SchemaBlock, v tftypes.Value) (tftypes.Value, error) {
	if v.IsNull() || !v.IsKnown() {
		return v, nil
	}
	members := map[string]tftypes.Value{}
	if err := v.As(&members); err != nil {
		return v, err
	}
	for _, a := range b.Attributes {
		if a.Computed && members[a.Name].IsNull() {
			members[a.Name] = tftypes.NewValue(a.Type, tftypes.UnknownValue)
		}
	}
	for _, n := range b.BlockTypes {
		in := members[n.TypeName]
		if in.IsNull() || !in.IsKnown() {
			continue
		}
		if n.Nesting == tfprotov5.SchemaNestedBlockNestingModeSingle {
			one, err := open(n.Block, in)
			if err != nil {
				return v, err
			}
			members[n.TypeName] = one
			continue
		}
		var list []tftypes.Value
		if err := in.As(&list); err != nil {
			return v, err
		}
		for i := range list {
			one, err := open(n.Block, list[i])
			if err != nil {
				return v, err
			}
			list[i] = one
		}
		members[n.TypeName] = tftypes.NewValue(in.Type(), list)
	}
	return tftypes.NewValue(v.Type(), members), nil
}
