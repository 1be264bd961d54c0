package access

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope/expr"
)

// documentOf returns the statements of a policy asset's configuration: an
// inline policy's document, or a managed policy's default version.
func documentOf(config json.RawMessage) ([]aws.Statement, []estate.Problem) {
	if len(config) == 0 {
		return nil, nil
	}
	var policy struct {
		PolicyDocument    json.RawMessage
		PolicyVersionList []struct {
			Document         json.RawMessage
			IsDefaultVersion bool
		}
		GetPolicyVersion struct {
			PolicyVersion struct{ Document json.RawMessage }
			Document      json.RawMessage
		}
	}
	if err := json.Unmarshal(config, &policy); err != nil {
		return nil, []estate.Problem{{Path: "config", Why: err.Error()}}
	}
	doc := policy.PolicyDocument
	for _, v := range policy.PolicyVersionList {
		if v.IsDefaultVersion {
			doc = v.Document
		}
	}
	for _, d := range []json.RawMessage{policy.GetPolicyVersion.PolicyVersion.Document, policy.GetPolicyVersion.Document} {
		if len(doc) == 0 {
			doc = d
		}
	}
	return aws.Statements(doc)
}

// names reports whether a statement's actions and resources name an asset of a
// service: an action of that service, and its ARN or something inside it.
func names(s *aws.Statement, service, arn string) bool {
	ofService := func(action string) bool {
		prefix, _, _ := strings.Cut(strings.ToLower(action), ":")
		return expr.Glob(prefix, service)
	}
	if len(s.Actions) > 0 && !slices.ContainsFunc(s.Actions, ofService) {
		return false
	}
	whole := func(action string) bool { return strings.EqualFold(action, service+":*") || action == "*" }
	if len(s.NotActions) > 0 && slices.ContainsFunc(s.NotActions, whole) {
		return false
	}
	covers := func(pattern string) bool { return expr.Glob(pattern, arn) || inside(pattern, arn) }
	if len(s.Resources) > 0 {
		return slices.ContainsFunc(s.Resources, covers)
	}
	return !slices.ContainsFunc(s.NotResources, func(p string) bool { return expr.Glob(p, arn) })
}

// inside reports whether the pattern is for something inside the asset, as
// BUCKET/* is inside BUCKET.
func inside(pattern, arn string) bool {
	head := min(len(pattern), strings.IndexAny(pattern+"*", "*?"))
	return strings.HasPrefix(pattern[:head], arn+"/") || strings.HasPrefix(pattern[:head], arn+":")
}

// identity is what is known of a principal beside its policies.
type identity struct {
	class      string
	owner      string
	lastUsed   time.Time
	usageKnown bool
	oldestKey  time.Time
}

// who reads a principal once.
func (d *direct) who(n estate.Node) identity {
	if known, ok := d.people[n]; ok {
		return known
	}
	a := *d.snap.Asset(n)
	who := identity{class: classOf(&a)}
	for _, key := range ownerTags {
		if v := a.Tags[key]; v != "" {
			who.owner = v
			break
		}
	}
	if config, err := d.snap.Config(n); err == nil && len(config) > 0 && strings.HasPrefix(a.Type, "AWS::IAM::") {
		a.Config = config
		read := aws.ReadIdentity(&a)
		who.lastUsed, who.usageKnown = read.LastUsed, read.UsageKnown
		for _, c := range read.Credentials {
			if c.Type == "password" && c.Active {
				who.class = "person"
			}
			if c.Active && c.Type != "password" && !c.Created.IsZero() && (who.oldestKey.IsZero() || c.Created.Before(who.oldestKey)) {
				who.oldestKey = c.Created
			}
		}
	}
	d.people[n] = who
	return who
}

func classOf(a *estate.Asset) string {
	if class := subjectClass(a); class != "" {
		return class
	}
	switch {
	case a.ID == aws.Everyone:
		return "everyone"
	case a.Kind == estate.KindService:
		return "service"
	case strings.HasSuffix(a.ID, ":root"):
		return "account"
	default:
		return "machine"
	}
}
