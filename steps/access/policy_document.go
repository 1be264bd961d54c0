package access

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
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
	case strings.HasSuffix(a.ID, ":root"):
		return "account"
	case a.Kind == estate.KindService:
		return "service"
	default:
		return "machine"
	}
}

// grant is a grant by a rule of a cluster.
func (d *direct) grant(holder estate.Node, via string, actions []string) Grant {
	who := d.who(holder)
	return Grant{Principal: d.snap.Asset(holder).ID, Class: who.class, Via: via, Owner: who.owner, Actions: actions,
		LastUsed: who.lastUsed, UsageKnown: who.usageKnown, OldestKey: who.oldestKey}
}
