package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

// A permissions boundary gives nothing: what it does not name its holder may not
// do, whatever else says so. One that is put on somebody narrows; one that is
// taken off, or gives way to one that allows more, opens.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html

// bounding reports whether a relation is that of somebody with his boundary.
func bounding(evidence string) bool { return strings.Contains(evidence, "PermissionsBoundary") }

// boundaryOf is the boundary of a role or user, "" for none.
func boundaryOf(config json.RawMessage) string {
	type bounded struct {
		PermissionsBoundary struct {
			PermissionsBoundaryArn string
		}
	}
	var x struct {
		bounded
		GetRole, GetUser struct {
			bounded
			Role, User bounded
		}
	}
	if len(config) == 0 || json.Unmarshal(config, &x) != nil {
		return ""
	}
	for _, b := range []bounded{x.bounded, x.GetRole.bounded, x.GetRole.Role, x.GetUser.bounded, x.GetUser.User} {
		if arn := b.PermissionsBoundary.PermissionsBoundaryArn; arn != "" {
			return arn
		}
	}
	return ""
}

// unbounded tells what the boundary of a role or user kept from him and keeps no
// more.
func (c *comparison) unbounded(a *estate.Asset, was, is json.RawMessage) ([]string, error) {
	if a.Type != "AWS::IAM::Role" && a.Type != "AWS::IAM::User" {
		return nil, nil
	}
	before, after := boundaryOf(was), boundaryOf(is)
	switch {
	case before == "" || before == after:
		return nil, nil
	case after == "":
		return []string{"its holder may do what its boundary " + before + " kept from it"}, nil
	}
	old, err := readPolicy(c.before, before)
	if err != nil {
		return nil, err
	}
	now, err := readPolicy(c.after, after)
	if err != nil {
		return nil, err
	}
	if old == nil || now == nil {
		return []string{fmt.Sprintf("its boundary is %s instead of %s, and nobody read whether that allows more", after, before)}, nil
	}
	more, _ := newGrants(old, now, c.after)
	for i := range more {
		more[i] = "under its other boundary " + more[i]
	}
	return more, nil
}

// readPolicy is a managed policy that a snapshot read, with its configuration,
// nil for one that it did not read or could not read whole.
func readPolicy(s *estate.Snapshot, arn string) (*estate.Asset, error) {
	n, found := s.Find(arn)
	if !found || s.Asset(n).Referenced {
		return nil, nil
	}
	config, err := s.Config(n)
	if err != nil {
		return nil, err
	}
	out := whole(s.Asset(n), config)
	if policies, problems := aws.Policies(out); len(policies) == 0 || len(problems) > 0 {
		return nil, nil
	}
	return out, nil
}

// mayHoldPolicy reports whether an asset's configuration mentions a policy: the
// others, which are most, need not be read for one.
func mayHoldPolicy(a *estate.Asset) bool {
	return bytes.Contains(a.Config, []byte("Statement")) || bytes.Contains(a.Config, []byte("olicy"))
}

// unreadable lists the places, or the lists in which they stand, of an asset's
// policies that are no policy: texts that are no JSON.
func unreadable(a *estate.Asset) []string {
	if !mayHoldPolicy(a) {
		return nil
	}
	var out []string
	_, problems := aws.Policies(a)
	for _, p := range problems {
		if p.Why == aws.NoObject {
			out = append(out, listOf(p.Path))
		}
	}
	return out
}

// listOf is the place of the first list on the way to a place, or the place.
func listOf(path string) string {
	list, _, _ := strings.Cut(path, "[")
	return list
}

// illegible takes out of two configurations the policies that one of them does not
// tell, since what stands there is no JSON, and says so.
func (c *comparison) illegible(p pair, was, is map[string]any) ([]lostRead, error) {
	a := c.after.Asset(p.a)
	if a.Cloud != estate.AWS {
		return nil, nil
	}
	// A snapshot out of a state holds the configurations apart from the assets.
	before, err := c.before.ConfigWhole(p.b)
	if err != nil {
		return nil, err
	}
	after, err := c.after.ConfigWhole(p.a)
	if err != nil {
		return nil, err
	}
	var out []lostRead
	done := map[string]bool{}
	for _, side := range []struct {
		asset *estate.Asset
		now   bool
	}{{whole(a, after), true}, {whole(c.before.Asset(p.b), before), false}} {
		for _, place := range unreadable(side.asset) {
			pointer := strings.ReplaceAll(strings.TrimPrefix(place, "config"), ".", "/")
			if done[pointer] {
				continue
			}
			done[pointer] = true
			there := erase(was, pointer)
			if gone := erase(is, pointer); !gone && !there {
				continue
			}
			l := lostRead{asset: a, operation: attribute(pointer), now: side.now, why: "the policy that stands there cannot be read: " + aws.NoObject, hint: "look at it where it is kept, and export it anew"}
			if !side.now {
				l.why, l.hint = "the baseline could not read the policy that stood there, so there is nothing to compare with: "+aws.NoObject, lookAndApprove
			}
			out = append(out, l)
		}
	}
	slices.SortFunc(out, func(x, y lostRead) int { return strings.Compare(x.operation, y.operation) })
	return out, nil
}
