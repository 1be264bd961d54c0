package aws

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// connect takes the machine's AWS configuration (environment, profile, single
// sign-on, instance role; AWS_ENDPOINT_URL is honoured) and, if a role is
// named, assumes it.
func (c *Collector) connect(ctx context.Context, role string) (Client, string, error) {
	var opts []func(*config.LoadOptions) error
	if c.opts.Profile != "" {
		opts = append(opts, config.WithSharedConfigProfile(c.opts.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return nil, "", err
	}
	home := cfg.Region
	if home == "" {
		home = "us-east-1"
		if len(c.opts.Regions) > 0 {
			home = c.opts.Regions[0]
		}
		cfg.Region = home
	}
	if role != "" {
		p := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "sevenfold"
		})
		cfg.Credentials = aws.NewCredentialsCache(p)
	}
	if cfg.Credentials == nil {
		return nil, "", fmt.Errorf("no credentials are configured")
	}
	return api.New(cfg, api.Options{AttemptTimeout: c.opts.Bounds.Answer}), home, nil
}
