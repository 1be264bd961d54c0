package access

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// lastAccess is what IAM tells of when an identity used which service, and of some
// services which action, within the 400 days it keeps; nil if that was not read.
// Source: IAM User Guide, "Last accessed information": it counts attempts, on the
// data plane too, and not iam:PassRole.
type lastAccess struct {
	services map[string]time.Time            // zero: not in the time that IAM keeps
	actions  map[string]map[string]time.Time // by service; nil where actions are not told
}

// lastAccessed reads what was asked of IAM with usage=yes.
func (m *Amazon) lastAccessed(arn string) *lastAccess {
	n, ok := m.snap.Find(arn)
	if !ok {
		return nil
	}
	config, err := m.snap.Config(n)
	if err != nil {
		return nil
	}
	return readLastAccess(config)
}

func readLastAccess(config json.RawMessage) *lastAccess {
	var c struct {
		Reply *struct {
			JobStatus            string
			IsTruncated          bool
			ServicesLastAccessed []struct {
				ServiceNamespace           string
				LastAuthenticated          *time.Time
				TrackedActionsLastAccessed []struct {
					ActionName       string
					LastAccessedTime *time.Time
				}
			}
		} `json:"GetServiceLastAccessedDetails"`
	}
	if json.Unmarshal(config, &c) != nil || c.Reply == nil || c.Reply.JobStatus != "" && c.Reply.JobStatus != "COMPLETED" {
		return nil
	}
	l := &lastAccess{services: map[string]time.Time{}, actions: map[string]map[string]time.Time{}}
	for _, s := range c.Reply.ServicesLastAccessed {
		name := strings.ToLower(s.ServiceNamespace)
		if name == "" {
			continue
		}
		l.services[name] = stamp(s.LastAuthenticated)
		if len(s.TrackedActionsLastAccessed) == 0 {
			continue
		}
		l.actions[name] = map[string]time.Time{}
		for _, a := range s.TrackedActionsLastAccessed {
			l.actions[name][strings.ToLower(a.ActionName)] = stamp(a.LastAccessedTime)
		}
	}
	return l
}

func stamp(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// action reports whether an action was used since a time; known is false where IAM
// does not tell.
func (l *lastAccess) action(a *reference.Action, since time.Time) (used, known bool) {
	if l == nil || a.String() == passRole {
		return false, false
	}
	last, ok := l.services[a.Service]
	switch {
	case !ok:
		return false, false
	case last.IsZero() || last.Before(since):
		return false, true
	}
	at, tracked := l.actions[a.Service][strings.ToLower(a.Name)]
	if !tracked {
		return false, false
	}
	return !at.IsZero() && !at.Before(since), true
}
