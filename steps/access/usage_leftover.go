package access

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
	"github.com/sevenfold-sec/sevenfold/steps/access/rbac"
)

// Leftover is a grant that was made for an experiment and outlived it.
type Leftover struct {
	// Grant is what was made, by which call or since when; To is who has it.
	Grant Gain `json:"grant"`
	// Experiment is what it was made for, with its end.
	Experiment Experiment `json:"experiment"`
	// Because says what ties the two together.
	Because string `json:"because"`
	// Status is UseUnused if it was not used since the experiment's end, and
	// UseUnknown if nobody can tell, with Why.
	Status UseStatus `json:"status"`
	Why    string    `json:"why"`
	// Mend are the commands that take it back.
	Mend []string `json:"mend"`

	workloads []string // ids of those that have the resource whose policy gives it
}

// Experiment is a job, a notebook or the like that ended.
type Experiment struct {
	ID    string    `json:"id"`
	Kind  string    `json:"kind"`
	Name  string    `json:"name"`
	Began time.Time `json:"began,omitzero"`
	Ended time.Time `json:"ended"`
	// End is the event that shows the end; empty where the estate does.
	End string `json:"end,omitempty"`
	// Role it ran as, and By who began it; empty where that is not told.
	Role string `json:"role,omitempty"`
	By   string `json:"by,omitempty"`
}

// lead is how long before an experiment's begin a grant may be made for it.
const lead = 24 * time.Hour

// jobShape says where an experiment's reply keeps begin, end, status and role.
type jobShape struct {
	kind, status string
	ends         []string
	done         []string
	roles        []string
}

// jobShapes are the kinds of experiments. Source: the SageMaker API Reference.
var jobShapes = map[string]jobShape{
	"AWS::SageMaker::TrainingJob":             {"training-job", "TrainingJobStatus", words("TrainingEndTime LastModifiedTime"), words("Completed Failed Stopped"), words("RoleArn")},
	"AWS::SageMaker::ProcessingJob":           {"processing-job", "ProcessingJobStatus", words("ProcessingEndTime LastModifiedTime"), words("Completed Failed Stopped"), words("RoleArn")},
	"AWS::SageMaker::HyperParameterTuningJob": {"hyper-parameter-tuning-job", "HyperParameterTuningJobStatus", words("HyperParameterTuningEndTime LastModifiedTime"), words("Completed Failed Stopped"), words("RoleArn")},
	"AWS::SageMaker::AutoMLJob":               {"automl-job", "AutoMLJobStatus", words("EndTime LastModifiedTime"), words("Completed Failed Stopped"), words("RoleArn")},
	"AWS::SageMaker::TransformJob":            {"transform-job", "TransformJobStatus", words("TransformEndTime"), words("Completed Failed Stopped"), nil},
	"AWS::SageMaker::InferenceExperiment":     {"inference-experiment", "Status", words("CompletionTime LastModifiedTime"), words("Completed Cancelled"), words("RoleArn")},
	"AWS::SageMaker::NotebookInstance":        {"notebook-instance", "NotebookInstanceStatus", words("LastModifiedTime"), words("Stopped Failed"), words("RoleArn")},
}

// experiments are those that ended: by the estate, and by the logs.
func (m *Amazon) experiments(u *Usage) (out []Experiment, err error) {
	begun := map[string]Trial{}
	for _, t := range u.Trials {
		key := t.Account + "\x00" + t.Kind + "\x00" + t.Name
		if t.Begin {
			begun[key] = t
			continue
		}
		b := begun[key]
		out = append(out, Experiment{ID: t.Kind + "/" + t.Name, Kind: t.Kind, Name: t.Name, Began: b.Time, Ended: t.Time, End: t.Event, Role: b.Role, By: cmp.Or(b.By, t.By)})
	}
	for n, a := range m.snap.Assets() {
		if e, ok := tagged(a); ok {
			out = append(out, e)
		}
		shape, ok := jobShapes[a.Type]
		group, kind := "", ""
		if a.Cloud == estate.Kubernetes {
			group, kind = groupKind(a.Type)
		}
		isJob := group == "batch" && kind == "Job"
		if a.Referenced || !ok && !isJob {
			continue
		}
		config, err := m.snap.Config(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.ID, err)
		}
		var e Experiment
		if isJob {
			e, ok = ranJob(a, config)
		} else {
			e, ok = shape.read(a, config)
		}
		if !ok {
			continue
		}
		if b, ok := begun[accountOf(a)+"\x00"+e.Kind+"\x00"+e.Name]; ok {
			e.By, e.Role = b.By, cmp.Or(e.Role, b.Role)
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b Experiment) int { return cmp.Or(a.Ended.Compare(b.Ended), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// endTags are tags by which people say until when an identity is meant to be
// there, compared as ownerKeys are.
var endTags = []string{"expires", "expires-on", "expiry", "expiration", "valid-until", "experiment-end", "delete-after", "remove-after"}

// tagged is the experiment that an identity's own tag declares: it is meant for
// something that ends on a day.
func tagged(a *estate.Asset) (e Experiment, ok bool) {
	if a.Referenced || a.Type != "AWS::IAM::Role" && a.Type != "AWS::IAM::User" && !strings.Contains(a.ID, "/ServiceAccount/") {
		return e, false
	}
	for _, k := range ordered(a.Tags) {
		name := strings.ToLower(k[strings.LastIndexByte(k, '/')+1:])
		if !slices.Contains(endTags, strings.NewReplacer("_", "-", ":", "-").Replace(name)) {
			continue
		}
		v := strings.TrimSpace(a.Tags[k])
		end := timeIn(v)
		if d, err := time.Parse(time.DateOnly, v); err == nil {
			end = d.AddDate(0, 0, 1)
		}
		if !end.IsZero() {
			return Experiment{ID: a.ID, Kind: "tag", Name: k + "=" + v, Began: time.Unix(0, 0).UTC(), Ended: end, Role: a.ID}, true
		}
	}
	return e, false
}

func (s *jobShape) read(a *estate.Asset, config json.RawMessage) (e Experiment, ok bool) {
	var c map[string]any
	if json.Unmarshal(config, &c) != nil {
		return e, false
	}
	if status, _ := c[s.status].(string); !slices.Contains(s.done, status) {
		return e, false
	}
	e = Experiment{ID: a.ID, Kind: s.kind, Name: a.Name, Began: timeIn(c["CreationTime"])}
	for _, at := range s.ends {
		if e.Ended = timeIn(c[at]); !e.Ended.IsZero() {
			break
		}
	}
	for _, at := range s.roles {
		if role, _ := c[at].(string); role != "" {
			e.Role = role
		}
	}
	if d, ok := c["TrainingJobDefinition"].(map[string]any); ok && e.Role == "" {
		e.Role, _ = d["RoleArn"].(string)
	}
	return e, !e.Ended.IsZero() && !e.Began.IsZero()
}

// timeIn reads a time as the AWS command line prints it, or in seconds.
func timeIn(v any) time.Time {
	switch v := v.(type) {
	case string:
		for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999-0700", "2006-01-02T15:04:05"} {
			if t, err := time.Parse(form, v); err == nil {
				return t.UTC()
			}
		}
	case float64:
		if v > 0 && v < 1e11 {
			return time.Unix(int64(v), 0).UTC()
		}
	}
	return time.Time{}
}

func ranJob(a *estate.Asset, config json.RawMessage) (e Experiment, ok bool) {
	var j struct {
		Metadata struct{ CreationTimestamp time.Time }
		Spec     struct {
			Template struct {
				Spec struct{ ServiceAccountName string }
			}
		}
		Status struct {
			CompletionTime time.Time
			Conditions     []struct {
				Type, Status       string
				LastTransitionTime time.Time
			}
		}
	}
	if json.Unmarshal(config, &j) != nil {
		return e, false
	}
	e = Experiment{ID: a.ID, Kind: "Job", Name: a.Name, Began: j.Metadata.CreationTimestamp, Ended: j.Status.CompletionTime}
	for _, c := range j.Status.Conditions {
		if c.Type == "Failed" && c.Status == "True" && e.Ended.IsZero() {
			e.Ended = c.LastTransitionTime
		}
	}
	e.Role = "k8s://" + a.Account + "/" + a.Region + "/ServiceAccount/" + cmp.Or(j.Spec.Template.Spec.ServiceAccountName, "default")
	return e, !e.Ended.IsZero() && !e.Began.IsZero()
}

// leftovers are the grants that were made for an experiment, are there still, and
// were not used since its end. of are the identities asked about; only limits the
// answer to them.
func (m *Amazon) leftovers(ctx context.Context, u *Usage, sight *Sight, of map[string]*manager, only bool) ([]Leftover, error) {
	all, err := m.experiments(u)
	if err != nil {
		return nil, err
	}
	keys := map[string]bool{}
	for id := range of {
		keys[principalKey(id)] = true
	}
	held, err := readKeys(m.snap)
	if err != nil {
		return nil, err
	}
	out := []Leftover{}
	for _, g := range m.gains(u) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if only && !keys[principalKey(g.To)] || !m.standing(&g, held) {
			continue
		}
		// The last experiment that it can have been made for counts: until it ended
		// there was a use for it.
		for i := len(all) - 1; i >= 0; i-- {
			e := &all[i]
			because := tied(&g, e)
			if because == "" || e.Ended.After(u.To) {
				continue
			}
			l := Leftover{Grant: g, Experiment: *e, Because: because, Mend: takeBack(&g)}
			if l.Status, l.Why = m.since(&g, e.Ended, u, sight, held); l.Status != UseUsed {
				out = append(out, l)
			}
			break
		}
	}
	return out, nil
}

// tied says what ties a grant to an experiment; empty if nothing does. That one was
// made while the other ran is not enough.
func tied(g *Gain, e *Experiment) string {
	if e.Began.IsZero() || g.Time.Before(e.Began.Add(-lead)) || g.Time.After(e.Ended) {
		return ""
	}
	switch {
	case e.Kind == "tag" && principalKey(e.Role) == principalKey(g.To):
		return "its tag says until when it is meant to be there: " + e.Name
	case e.Role != "" && principalKey(e.Role) == principalKey(g.To):
		return "it was given to the role that " + e.Kind + " " + e.Name + " ran as, while it ran or within a day before"
	case e.By != "" && g.By != "" && principalKey(e.By) == principalKey(g.By):
		return "who began " + e.Kind + " " + e.Name + " made it, while it ran or within a day before"
	case e.Name != "" && len(e.Name) >= 6 && (strings.Contains(g.To, e.Name) || strings.Contains(g.Grant, e.Name) || strings.Contains(g.Resource, e.Name)):
		return "it bears the name of " + e.Kind + " " + e.Name
	}
	return ""
}

// gains are the grants that the logs show, and those whose date the estate tells.
func (m *Amazon) gains(u *Usage) []Gain {
	out := continued(u.Gains)
	known := func(g Gain) bool {
		return slices.ContainsFunc(u.Gains, func(o Gain) bool {
			return principalKey(o.To) == principalKey(g.To) && o.Grant == g.Grant && o.Call == g.Call
		})
	}
	for n, a := range m.snap.Assets() {
		if a.Referenced {
			continue
		}
		var g Gain
		group := ""
		if a.Cloud == estate.Kubernetes {
			group, _ = groupKind(a.Type)
		}
		if a.Type == "AWS::KMS::Key" {
			out = append(out, m.keyGains(a.ID, n, u)...)
			continue
		}
		switch {
		case a.Type == "AWS::IAM::Role" && !strings.Contains(a.ID, ":role/aws-"):
			g = Gain{Call: "iam:CreateRole", To: a.ID}
		case a.Type == "AWS::IAM::AccessKey":
			user, _, _ := strings.Cut(a.ID, "#")
			g = Gain{Call: "iam:CreateAccessKey", To: user, Grant: a.Name}
		case a.Type == "AWS::IAM::ServiceSpecificCredential":
			user, _, _ := strings.Cut(a.ID, "#")
			g = Gain{Call: "iam:CreateServiceSpecificCredential", To: user, Grant: a.Name}
		case group == rbac.Group && strings.HasSuffix(a.Type, "Binding"):
			g = Gain{Call: "create binding", Grant: a.ID}
		default:
			continue
		}
		config, err := m.snap.Config(n)
		if err != nil {
			continue
		}
		var c struct {
			CreateDate any
			Metadata   struct{ CreationTimestamp any }
			Subjects   []roleSubject
		}
		if json.Unmarshal(config, &c) != nil {
			continue
		}
		g.Account = cmp.Or(a.Account, accountOf(a))
		g.Time = timeIn(c.CreateDate)
		if a.Cloud == estate.Kubernetes {
			g.Time = timeIn(c.Metadata.CreationTimestamp)
		}
		if g.Time.IsZero() || known(g) {
			continue
		}
		if g.To != "" {
			out = append(out, g)
			continue
		}
		for _, logged := range u.Gains {
			if logged.Grant == g.Grant && logged.To == "" {
				g.Event, g.By, g.Call, g.Time = logged.Event, logged.By, logged.Call, logged.Time
			}
		}
		for _, s := range c.Subjects {
			if s.Kind == "ServiceAccount" {
				one := g
				one.To = "k8s://" + a.Account + "/" + cmp.Or(s.Namespace, a.Region) + "/ServiceAccount/" + s.Name
				out = append(out, one)
			}
		}
	}
	return slices.DeleteFunc(out, func(g Gain) bool { return g.To == "" })
}

// grantCall is the call by which a key is given to somebody beside its policy.
const grantCall = "kms:CreateGrant"

// keyGains are the grants of a key to users and roles; who made one, a log may
// tell.
func (m *Amazon) keyGains(key string, n estate.Node, u *Usage) (out []Gain) {
	config, err := m.snap.Config(n)
	if err != nil {
		return nil
	}
	var c struct {
		ListGrants struct {
			Grants []struct {
				GrantId, GranteePrincipal string
				CreationDate              any
			}
		}
	}
	if json.Unmarshal(config, &c) != nil {
		return nil
	}
	for _, k := range c.ListGrants.Grants {
		g := Gain{Time: timeIn(k.CreationDate), Call: grantCall, To: k.GranteePrincipal, Grant: key + " grant " + k.GrantId, Account: accountOf(m.snap.Asset(n))}
		if g.Time.IsZero() || m.named(g.To) == nil {
			continue
		}
		for _, logged := range u.Gains {
			if logged.Call == grantCall && logged.Grant == k.GrantId {
				g.Event, g.By = logged.Event, logged.By
			}
		}
		out = append(out, g)
	}
	return out
}

// grantSince says whether a grant of a key was used after a time: by any call on
// a key that its user made then, since the log does not tell which grant served it.
func grantSince(p *iam.Principal, end time.Time, u *Usage) (UseStatus, string) {
	if c := u.by[principalKey(p.ARN)]; c != nil {
		for action, d := range c.actions {
			if strings.HasPrefix(action, "kms:") && d.last.After(end) {
				return UseUsed, ""
			}
		}
	}
	return UseUnknown, "no call on a key by it is in the logs since, which may leave out those of KMS"
}

// standing reports whether a grant is there still.
func (m *Amazon) standing(g *Gain, held map[string][]Key) bool {
	if strings.HasPrefix(g.To, "k8s://") {
		n, ok := m.snap.Find(g.Grant)
		return ok && !m.snap.Asset(n).Referenced
	}
	if g.Resource != "" {
		return m.standsOn(g)
	}
	p := m.named(g.To)
	if p == nil {
		return false
	}
	switch {
	case g.Call == grantCall:
		return strings.Contains(g.Grant, " grant ") // those of the estate; a log's say who made them
	case g.Call == "iam:CreateAccessKey" || g.Call == "iam:CreateServiceSpecificCredential":
		return slices.ContainsFunc(held[principalKey(p.ARN)], func(k Key) bool { return k.ID == g.Grant && k.Active })
	case g.Grant == "" || g.Call == "iam:AddUserToGroup":
		return true
	}
	return len(policyOf(p, g.Grant)) > 0
}

// named finds a user or role by an ARN that may lack its path.
func (m *Amazon) named(arn string) *iam.Principal {
	if p, ok := m.world.Principal(m.canonical(arn)); ok {
		return p
	}
	key := principalKey(arn)
	for _, p := range m.world.Principals() {
		if (p.Kind == iam.User || p.Kind == iam.Role) && principalKey(p.ARN) == key {
			return p
		}
	}
	return nil
}

// policyOf are the ids of a principal's policies that a grant names.
func policyOf(p *iam.Principal, grant string) (out []string) {
	for _, pol := range p.Policies {
		if pol.ID == grant || strings.HasSuffix(pol.ID, "#policy/"+grant) {
			out = append(out, pol.ID)
		}
	}
	return out
}

// since says whether a grant was used after a time.
func (m *Amazon) since(g *Gain, end time.Time, u *Usage, sight *Sight, held map[string][]Key) (UseStatus, string) {
	if strings.HasPrefix(g.To, "k8s://") {
		return sinceInCluster(g, end, u)
	}
	if g.Resource != "" {
		return m.sinceOn(g, end, u, sight)
	}
	p := m.named(g.To)
	if p == nil {
		return UseUnknown, "it was not read"
	}
	if g.Call == grantCall {
		whole := m.IdentityUse(p, lateUsage(end, u), sight)
		if whole.Status == UseUnused {
			return UseUnused, "its user was not used since: " + whole.Why
		}
		return grantSince(p, end, u)
	}
	if g.Call == "iam:CreateAccessKey" {
		return keySince(held[principalKey(p.ARN)], p, g, end, u)
	}
	whole := m.IdentityUse(p, lateUsage(end, u), sight)
	if whole.Status == UseUnused {
		return UseUnused, "it was not used since: " + whole.Why
	}
	names := policyOf(p, g.Grant)
	if g.Grant == "" || len(names) == 0 {
		if whole.LastUsed.After(end) {
			return UseUsed, ""
		}
		return whole.Status, whole.Why
	}
	status, why := UseUnused, "no action of the policy was used since"
	for _, one := range whole.Grants {
		if !slices.Contains(names, one.Policy) {
			continue
		}
		for _, a := range one.Used {
			if a.From == "IAM" || a.Last.After(end) {
				return UseUsed, ""
			}
		}
		if len(one.Unknown) > 0 {
			status, why = UseUnknown, one.Unknown[0].Why
		}
	}
	return status, why
}

// lateUsage is what logs say of the time after an end.
func lateUsage(end time.Time, u *Usage) *Usage {
	late := NewUsage(end, u.To)
	late.by, late.Seen, late.Broken, late.taken = u.by, u.Seen, u.Broken, u.taken
	return late
}

// keySince says whether an access key was used after a time.
func keySince(held []Key, p *iam.Principal, g *Gain, end time.Time, u *Usage) (UseStatus, string) {
	if c := u.by[principalKey(p.ARN)]; c != nil && c.keys[g.Grant].After(end) {
		return UseUsed, ""
	}
	for _, k := range held {
		switch {
		case k.ID != g.Grant:
		case k.LastUsed.After(end):
			return UseUsed, ""
		case !k.LastUsed.IsZero():
			return UseUnused, "its last use was on " + day(k.LastUsed)
		case k.UsageKnown:
			return UseUnused, "it was never used"
		}
	}
	return UseUnknown, "when it was last used was not read (iam:GetAccessKeyLastUsed)"
}

func sinceInCluster(g *Gain, end time.Time, u *Usage) (UseStatus, string) {
	user := ""
	if _, r, ok := ref(g.To); ok {
		user = "system:serviceaccount:" + r.Namespace + ":" + r.Name
	}
	o := u.Observed(g.Account)
	switch c := u.by[g.Account+"\x00"+user]; {
	case c != nil && c.last.After(end):
		return UseUsed, ""
	case o.Events == 0 || len(u.Broken) > 0 || o.First.After(end.Add(slack)):
		return UseUnknown, "the audit events do not cover the time since the experiment's end"
	}
	return UseUnused, "no audit event shows the service account since"
}

// takeBack are the commands that take a grant back.
func takeBack(g *Gain) []string {
	if g.Resource != "" {
		sid := g.Grant
		if strings.HasPrefix(sid, "#") {
			sid = ""
		}
		return append([]string{}, revokeOwn(g.Resource, sid)...)
	}
	at := g.To[strings.LastIndexByte(g.To, '/')+1:]
	name := func(kind string) string { return " --" + kind + "-name " + word(at) }
	switch g.Call {
	case "iam:AttachRolePolicy":
		return []string{"aws iam detach-role-policy" + name("role") + " --policy-arn " + word(g.Grant)}
	case "iam:PutRolePolicy":
		return []string{"aws iam delete-role-policy" + name("role") + " --policy-name " + word(g.Grant)}
	case "iam:AttachUserPolicy":
		return []string{"aws iam detach-user-policy" + name("user") + " --policy-arn " + word(g.Grant)}
	case "iam:PutUserPolicy":
		return []string{"aws iam delete-user-policy" + name("user") + " --policy-name " + word(g.Grant)}
	case "iam:AddUserToGroup":
		return []string{"aws iam remove-user-from-group" + name("user") + " --group-name " + word(g.Grant)}
	case "iam:CreateAccessKey":
		return []string{"aws iam update-access-key" + name("user") + " --access-key-id " + word(g.Grant) + " --status Inactive", "aws iam delete-access-key" + name("user") + " --access-key-id " + word(g.Grant)}
	case "iam:CreateServiceSpecificCredential":
		return []string{"aws iam delete-service-specific-credential" + name("user") + " --service-specific-credential-id " + word(g.Grant)}
	}
	if key, id, ok := strings.Cut(g.Grant, " grant "); ok && g.Call == grantCall {
		return []string{"aws kms revoke-grant --key-id " + word(key) + " --grant-id " + word(id)}
	}
	if _, r, ok := ref(g.Grant); ok {
		if r.Namespace != "" {
			return []string{"kubectl -n " + word(r.Namespace) + " delete " + strings.ToLower(r.Kind) + " " + word(r.Name)}
		}
		return []string{"kubectl delete " + strings.ToLower(r.Kind) + " " + word(r.Name)}
	}
	return []string{}
}
