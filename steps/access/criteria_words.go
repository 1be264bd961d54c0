package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// blank is what leaves a criterion of a workload undecided, in words; empty if
// nothing does.
func (j *jury) blank(s *standing) string {
	var why []string
	if n := s.undecided; n > 0 {
		why = append(why, fmt.Sprintf("who may touch %s is not decided in this version (%s)", countOf(n, "asset", "assets"), strings.Join(s.types, ", ")))
	}
	if len(s.dark) > 0 {
		why = append(why, "of what it has in clusters not everything was read: "+some(s.dark))
	}
	if len(s.unlisted) > 0 {
		why = append(why, "users and roles were not all listed of account "+strings.Join(s.unlisted, ", "))
	}
	if s.open > 0 {
		why = append(why, fmt.Sprintf("whether %s can act on it could not be told (%s)", countOf(s.open, "principal", "principals"), some(s.openWhy)))
	}
	if s.assets+s.undecided+s.clustered == 0 {
		why = append(why, "it has no asset that somebody could act on")
	}
	return strings.Join(why, "; ")
}

// some names the first few of a list.
func some(list []string) string {
	const most = 3
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

func (j *jury) claims(s *standing, what string, examined, of int) []finding.Claim {
	return []finding.Claim{
		{Claim: "assets whose access was decided", Examined: s.assets + s.decided, Of: s.assets + s.undecided + s.clustered, Source: "policies, boundaries, organisation, trust, bindings"},
		{Claim: what, Examined: examined, Of: of, Source: "policies, boundaries, organisation, trust"},
	}
}

// rule puts a criterion together: fail if there is a fault, else unknown if
// something is blank, else pass.
func rule(id, fault, blank, pass, hint string, claims []finding.Claim) finding.Criterion {
	c := finding.Criterion{ID: id, Evidence: claims, Findings: []string{}, Hint: hint}
	switch {
	case fault != "":
		c.Status, c.Reason = finding.CriterionFail, fault
		if blank != "" {
			c.Reason += "; besides, " + blank
		}
	case blank != "":
		c.Status, c.Reason = finding.CriterionUnknown, blank
	default:
		c.Status, c.Reason, c.Hint = finding.CriterionPass, pass, ""
	}
	return c
}

// identities is access.identities: everyone who can act on or as the workload is
// known.
func (j *jury) identities(w int, s *standing) finding.Criterion {
	fault, blank := "", j.blank(s)
	if s.ownerless > 0 {
		fault = fmt.Sprintf("nobody answers for %d of %s who can act on it", s.ownerless, countOf(s.can, "identity", "identities"))
	}
	if s.kindless > 0 {
		blank = join2(fmt.Sprintf("of %s it is not told whether people or machines act as them", countOf(s.kindless, "identity", "identities")), blank)
	}
	known := max(0, s.can-s.ownerless-s.kindless)
	return rule("access.identities", fault, blank, fmt.Sprintf("%s can act on it, each known with an owner or in need of none", countOf(s.can, "identity", "identities")),
		"sevenfold access --workload "+j.v.workloads[w].Name, j.claims(s, "identities that can act on it, known", known, s.can+s.open))
}

// escalation is access.escalation: nobody who can act on or as the workload can
// become administrator.
func (j *jury) escalation(_ int, s *standing) finding.Criterion {
	fault, blank := "", join2(j.climbErr, j.blank(s))
	switch n := len(s.climbs) + len(s.admins); {
	case n > 0:
		fault = fmt.Sprintf("%s can become administrator, or is one: %s", countOf(n, "identity that acts on or as it", "identities that act on or as it"), some(slices.Concat(s.admins, s.climbs)))
	case len(s.mayClimb) > 0:
		blank = join2("it hangs on conditions, or on what was not read, whether "+some(s.mayClimb)+" can become administrator", blank)
	}
	return rule("access.escalation", fault, blank, "no identity that acts on or as it can become administrator", "sevenfold access escalations",
		j.claims(s, "identities that act on or as it, without a way to administrator", max(0, s.can+len(s.runsAs)-len(s.climbs)-len(s.mayClimb)-len(s.admins)), s.can+len(s.runsAs)))
}

// scope is access.scope: nothing beyond the task, no stranger. What is granted
// and never used is access.unused.
func (j *jury) scope(_ int, s *standing) finding.Criterion {
	var faults []string
	blank := j.blank(s)
	if n := len(s.strangers); n > 0 {
		faults = append(faults, fmt.Sprintf("%s can reach its model, data or endpoint: %s", countOf(n, "stranger", "strangers"), some(s.strangers)))
	}
	if len(s.admins) > 0 {
		faults = append(faults, "it runs as an administrator: "+some(s.admins))
	}
	if len(s.beyond) > 0 {
		faults = append(faults, "what it runs as can change what belongs to other workloads: "+some(s.beyond))
	}
	if len(s.shared) > 0 {
		faults = append(faults, "training and serving run as the same: "+some(s.shared))
	}
	if len(s.given) > 0 {
		blank = join2("AWS RAM shares of it "+some(s.given)+": whom that lets do what is to be asked", blank)
	}
	if len(s.maybe) > 0 {
		blank = join2("strangers can reach it under conditions: "+some(s.maybe), blank)
	}
	return rule("access.scope", strings.Join(faults, "; "), blank, "no stranger reaches it, and the roles it runs as change nothing of other workloads", "sevenfold access who-can ACTION RESOURCE, for each asset",
		j.claims(s, "roles it runs as, kept to it", max(0, len(s.runsAs)-len(s.admins)-len(s.shared)), len(s.runsAs)))
}

// credentials is access.credentials: no long-lived or stale key of who can act
// on the workload.
func (j *jury) credentials(w int, s *standing) finding.Criterion {
	fault, blank := "", j.blank(s)
	if n := len(s.keys); n > 0 {
		fault = fmt.Sprintf("%s of who can act on it: %s", countOf(n, "long-lived key", "long-lived keys"), some(s.keys))
		if len(s.stale) > 0 {
			fault += fmt.Sprintf("; %d of them older than %d days or not used for %d", len(s.stale), int(j.v.limits.Age.Hours()/24), int(j.v.limits.Stale.Hours()/24))
		}
	}
	if len(s.unkeyed) > 0 {
		blank = join2("the credentials of "+some(s.unkeyed)+" were not read", blank)
	}
	return rule("access.credentials", fault, blank, "nobody who can act on it has a key that does not end by itself", "sevenfold access --workload "+j.v.workloads[w].Name,
		j.claims(s, "identities that can act on it, whose credentials were read", s.can-len(s.unkeyed), s.can))
}
