package assess

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	actaws "github.com/sevenfold-sec/sevenfold/act/aws"
	actkubernetes "github.com/sevenfold-sec/sevenfold/act/kubernetes"
	"github.com/sevenfold-sec/sevenfold/collect/kubernetes"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
)

// Responders are the actions that can be done in the clouds and clusters that the
// sources name, with the rights of responder: a role that is assumed, a cluster's subject that
// is acted as, or empty for the machine's own. In a cluster a role is nobody, and actions are
// done as the kubeconfig's user. Sources that are read from files have none. Nothing is
// contacted yet.
func Responders(ctx context.Context, sources []string, responder string) (respond.Actions, error) {
	var list []respond.Action
	for _, s := range sources {
		kind, rest, _ := strings.Cut(s, ":")
		switch kind {
		case "aws":
			c, err := amazonResponder(ctx, rest, responder)
			if err != nil {
				return nil, err
			}
			for _, a := range actaws.Actions(c) {
				list = append(list, a)
			}
		case "kubernetes":
			name, _, _ := strings.Cut(rest, ",")
			subject, err := actkubernetes.Subject(responder)
			if err != nil {
				return nil, err
			}
			d, entry, err := actkubernetes.Connect("", name, subject)
			if err != nil {
				return nil, err
			}
			for _, a := range actkubernetes.Actions(d, kubernetes.ClusterName(entry)) {
				list = append(list, a)
			}
		}
	}
	seen := map[string]bool{}
	for _, a := range list {
		if seen[a.ID()] {
			return nil, &SourceError{Source: strings.Join(sources, " "), What: "containment acts in one account and one cluster at a time", Mend: "name the one with --source"}
		}
		seen[a.ID()] = true
	}
	return respond.NewActions(list...), nil
}

// amazonResponder connects as the collector does, and assumes the responder's role.
func amazonResponder(ctx context.Context, options, responder string) (*actaws.Client, error) {
	var load []func(*config.LoadOptions) error
	for o := range strings.SplitSeq(options, ",") {
		k, v, _ := strings.Cut(o, "=")
		switch k {
		case "profile":
			load = append(load, config.WithSharedConfigProfile(v))
		case "regions":
			region, _, _ := strings.Cut(v, "+")
			load = append(load, config.WithRegion(region))
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("aws: %w", err)
	}
	if cfg.Credentials == nil {
		return nil, fmt.Errorf("aws: no credentials are configured")
	}
	if strings.Contains(responder, ":role/") {
		cfg.Credentials = aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), responder, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "sevenfold-respond"
		}))
	}
	return actaws.New(cfg), nil
}
