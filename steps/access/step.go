package access

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Ownerless is the control that findings of identities without owner name. No
// expression over one asset decides it: it needs what the identity may touch.
const Ownerless = "identity-without-owner"

// Rules lists the findings that this step gives, whatever the estate.
func Rules() []finding.Rule {
	return []finding.Rule{{
		ID: Ownerless, Step: "access", Title: "An identity that may touch AI has no owner", Severity: finding.High,
		Asks: "does somebody answer for each user, role and service account that may touch AI assets?",
		Why: "When a model is stolen or a job runs that nobody asked for, somebody must know whether the identity that did it is meant to exist. " +
			"One that nobody answers for is not reviewed, keeps its keys and rights, and is the first that nobody misses when it is misused.",
		Fix:        "Name who answers for it: a tag owner on the user or role, a label owner on the service account or its namespace, or the owner of the workload that runs as it in sevenfold.yaml. If nobody claims it, take its rights away.",
		InvalidFor: []string{"service-linked roles, which AWS keeps", "roles of IAM Identity Center, whose holders are assigned there", "principals of other accounts, of the internet, and names that a cluster takes from elsewhere", "service accounts of kube-system, which come with the cluster"},
	}}
}

// Step is the access step as far as it is built: the overview, findings of
// identities without owner, and for each workload who can act on it.
type Step struct {
	seen      *Overview
	aside     bool // its criteria are not asked for
	plain     bool // its relations are not
	relations estate.Addition
	beside    Beside
	limits    KeyLimits
}

// New returns the step.
func New() *Step { return &Step{limits: KeyLimitsOf(scope.Keys{})} }

// Limits sets how old keys may become, and for how long they may lie unused.
func (s *Step) Limits(l KeyLimits) *Step {
	s.limits = l
	return s
}

// Aside leaves the criteria out, for commands that ask for another step's: who is
// there and whom nobody answers for is found all the same.
func (s *Step) Aside(aside bool) *Step {
	s.aside = aside
	return s
}

// Plain leaves the relations out, for those who ask for criteria alone.
func (s *Step) Plain(plain bool) *Step {
	s.plain = plain
	return s
}

// Rests says what the judgement rests on beside snapshot and workloads. With logs or
// reviews, which may be long and come from elsewhere, it is not told.
func (s *Step) Rests() (on string, ok bool) {
	ok = s.beside.Usage == nil && len(s.beside.Reviews) == 0 && s.beside.Refused == "" && s.beside.Now.IsZero()
	return fmt.Sprint(s.limits.Age, s.limits.Stale, s.aside), ok
}

// Heeds reports whether it matters to the judgement that an amount which an asset asks
// for changes (see estate.ScaleRule). How many there are of a thing says nothing of who
// may act on it.
func (*Step) Heeds(*estate.Asset, int64, int64) bool { return false }

// ID implements assess.Step.
func (*Step) ID() string { return "access" }

// Needs implements assess.Step.
func (*Step) Needs() []estate.RelationType { return nil }

// Gives implements assess.Step.
func (*Step) Gives() []estate.RelationType { return nil }

// Derive implements assess.Step.
func (*Step) Derive(context.Context, *estate.Snapshot) (estate.Addition, error) {
	return estate.Addition{}, nil
}

// Seen is the overview that Judge made; nil before.
func (s *Step) Seen() *Overview { return s.seen }

// Judge implements assess.Step: all access criteria.
func (s *Step) Judge(ctx context.Context, snap *estate.Snapshot, workloads *scope.Workloads) (finding.Judgement, error) {
	v := newView(snap, workloads.List)
	v.limits, v.once, v.bare = s.limits, true, s.plain
	var beside []func(context.Context) error
	if !s.aside {
		beside = append(beside, v.climb) // both only ask
	}
	o, err := v.survey(ctx, beside...)
	if err != nil {
		return finding.Judgement{}, err
	}
	var criteria []sentence
	if !s.aside {
		if criteria, err = v.judge(ctx, o); err != nil {
			return finding.Judgement{}, err
		}
	}
	s.seen, s.relations = o, v.relations
	amazon := v.amazon
	if s.aside { // nobody asks any more, and what follows needs room
		v, amazon = nil, nil
	}
	j := finding.Judgement{Criteria: map[string][]finding.Criterion{}}
	found := map[string]string{} // identity -> finding
	for i := range o.Identities {
		id := &o.Identities[i]
		if !id.Ownerless() {
			continue
		}
		f := id.finding(o.Taken)
		j.Findings = append(j.Findings, f)
		found[id.ID] = f.ID
	}
	if s.aside {
		return j, nil
	}
	for i := range o.Workloads {
		for _, id := range criteria[i].nobodys {
			if f, ok := found[id]; ok {
				criteria[i].list[0].Findings = append(criteria[i].list[0].Findings, f)
			}
		}
		j.Criteria[o.Workloads[i].ID] = criteria[i].list
	}
	if err := s.besides(ctx, amazon, o, workloads.List, j.Criteria); err != nil {
		return finding.Judgement{}, err
	}
	return j, nil
}

func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// finding says that nobody answers for an identity, or, if its tags were not
// read, that it is not known.
func (i *Identity) finding(now time.Time) finding.Finding {
	rule := Rules()[0]
	f := finding.Finding{ID: finding.NewID(Ownerless, i.ID, ""), Control: Ownerless, Step: "access", Status: finding.Fail, Severity: i.severity(), Asset: i.ID,
		Title: rule.Title, Fix: finding.Fix{Text: rule.Fix, Effort: "minutes", Grows: finding.GrowsNot, Commands: i.mend()}, Frameworks: []string{}, Techniques: []string{}}
	f.Evidence = append(f.Evidence, finding.Evidence{What: "owner", Where: "tags, and the workloads that run as it", Value: "none"})
	if !i.OwnerKnown {
		f.Status, f.Title = finding.Unknown, "Could not tell: "+rule.Asks
		f.Evidence[0].Value = "its tags were not read"
		f.Fix = finding.Fix{Text: "Read the tags of users and roles too (iam:ListUserTags, iam:ListRoleTags or the account's authorization details), then assess again.", Effort: "minutes"}
	}
	f.Evidence = append(f.Evidence, finding.Evidence{What: "it may touch", Where: i.by(), Value: i.May()},
		finding.Evidence{What: "it is", Where: "credentials and trust policy", Value: string(i.Kind) + ": " + i.Why},
		finding.Evidence{What: "last used", Where: "what the provider tracks", Value: i.LastUse()})
	if old := i.OldestKey(); !old.IsZero() {
		f.Evidence = append(f.Evidence, finding.Evidence{What: "oldest active key", Where: "credentials", Value: fmt.Sprintf("%d days old", int(now.Sub(old).Hours()/24))})
	}
	return f
}

// by names the widest grant.
func (i *Identity) by() string {
	if len(i.Grants) == 0 {
		return "policies"
	}
	return i.Grants[0].Via
}

// May says in words what an identity may touch, strongest first; "nothing of AI".
func (i *Identity) May() string {
	var parts []string
	for _, t := range i.Touches {
		s := fmt.Sprintf("%s %d", t.Level, t.Assets)
		switch {
		case t.Conditional == t.Assets:
			s += " under conditions"
		case t.Conditional > 0:
			s += fmt.Sprintf(" (%d under conditions)", t.Conditional)
		}
		parts = append(parts, s)
	}
	untold := ""
	if i.Unknown > 0 {
		untold = "; of " + countOf(i.Unknown, "asset", "assets") + " it could not be told"
	}
	if len(parts) == 0 {
		return "nothing of AI" + untold
	}
	return strings.Join(parts, ", ") + untold
}

// LastUse says in words when an identity was last used.
func (i *Identity) LastUse() string {
	switch {
	case !i.LastUsed.IsZero() && i.UsedAt != "":
		return i.LastUsed.Format(time.DateOnly) + ", " + i.UsedAt
	case !i.LastUsed.IsZero():
		return i.LastUsed.Format(time.DateOnly)
	case i.UsageKnown:
		return "never"
	default:
		return "not told"
	}
}

// OldestKey is when the oldest active credential other than a password was
// made; zero if there is none or nobody said.
func (i *Identity) OldestKey() time.Time {
	var old time.Time
	for _, c := range i.Credentials {
		if c.Active && c.Type != "password" && !c.Created.IsZero() && (old.IsZero() || c.Created.Before(old)) {
			old = c.Created
		}
	}
	return old
}

// severity by the strongest level it may use for certain; where all hangs on
// conditions, one less.
func (i *Identity) severity() finding.Severity {
	grade := func(level string) int {
		switch level {
		case "administer":
			return 3
		case "change", "run":
			return 2
		}
		return 1
	}
	best := 0
	for _, t := range i.Touches {
		g := grade(t.Level)
		if t.Conditional == t.Assets {
			g--
		}
		best = max(best, g)
	}
	return []finding.Severity{finding.Info, finding.Low, finding.Medium, finding.High}[best]
}

// mend are the commands that name an owner.
func (i *Identity) mend() []string {
	if arn, ok := aws.ParseARN(i.ID); ok {
		name := arn.Name()
		switch {
		case strings.HasPrefix(arn.Resource, "role/"):
			return []string{"aws iam tag-role --role-name " + word(name) + " --tags Key=owner,Value=TEAM"}
		case strings.HasPrefix(arn.Resource, "user/"):
			return []string{"aws iam tag-user --user-name " + word(name) + " --tags Key=owner,Value=TEAM"}
		}
	}
	if rest, ok := strings.CutPrefix(i.ID, "k8s://"); ok {
		if p := strings.Split(rest, "/"); len(p) == 4 {
			return []string{"kubectl -n " + word(p[1]) + " label serviceaccount " + word(p[3]) + " owner=TEAM"}
		}
	}
	return nil
}

// word makes s one word of a shell command.
func word(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@=,+") == "" {
		return cmp.Or(s, "''")
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
