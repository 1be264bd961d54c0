package access

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam"
)

// units are the organisations of the estate: which policies hold at which root,
// unit and account.
type units struct {
	ids     map[string]string // account -> organisation's id
	masters map[string]string // organisation's id -> management account
	scps    map[estate.Node][]*iam.Policy
	rcps    map[estate.Node][]*iam.Policy
	// enabled says of an organisation's root whether a type of policy is in force
	// there; a type that is not in it was not told.
	enabled map[estate.Node]map[string]bool
	// missing says what of the organisations' policies was not read; missingSCPs and
	// missingRCPs say it of one kind.
	missing, missingSCPs, missingRCPs string
	none                              map[string]bool // accounts that are in no organisation
	known                             bool            // the estate holds anything of an organisation
	whole                             bool            // its accounts were listed to the end
	// outside are the accounts that are in none of the organisations read.
	outside []*iam.Account
	// named are the ids of organisations that policies name.
	named map[string]bool
	// more says that there may be policies beside those read.
	more string
}

// elsewhere stands for the organisation of an account that is in none of those
// read.
const elsewhere = "another organisation"

// organisationID finds the ids of organisations in policies.
var organisationID = regexp.MustCompile(`\bo-[a-z0-9]{10,32}\b`)

// names notes the organisations that a document names.
func (u *units) names(document []byte) {
	if !bytes.Contains(document, []byte("o-")) {
		return
	}
	for _, id := range organisationID.FindAll(document, -1) {
		u.named[string(id)] = true
	}
}

// settle gives accounts outside of every organisation read an organisation of
// their own: conditions that ask for one of those are not met by them. Where a
// policy names another organisation, they may be in that, and it stays open.
func (u *units) settle() {
	for id := range u.named {
		if _, ours := u.masters[id]; !ours {
			return
		}
	}
	for _, a := range u.outside {
		a.Organization, a.Path = elsewhere, elsewhere+"/"
	}
}

const (
	scpType    = "SERVICE_CONTROL_POLICY"
	rcpType    = "RESOURCE_CONTROL_POLICY"
	allowEvery = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	allowAll   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// blind notes which operations were refused, and what that hides of
// organisations.
func (r *reader) blind() {
	for _, b := range r.snap.BlindSpots() {
		if b.Asset != "" {
			continue
		}
		if r.refused[b.Account] == nil {
			r.refused[b.Account] = map[string]string{}
		}
		if r.refused[b.Account][b.Operation] == "" {
			r.refused[b.Account][b.Operation] = string(b.Status)
		}
	}
}

// unlisted are, by the prefix of their actions, the refusals for which
// resources that have policies of their own may not all be known.
func (r *reader) unlisted() map[string][]estate.BlindSpot {
	out := map[string][]estate.BlindSpot{}
	for _, b := range r.snap.BlindSpots() {
		service, _, ok := strings.Cut(b.Operation, ":")
		if b.Asset != "" || !ok {
			continue
		}
		for _, t := range b.Types {
			if t == "AWS::IAM::Role" {
				out["sts"] = append(out["sts"], b)
			} else if ownReads[t] != "" {
				out[service] = append(out[service], b)
			}
		}
	}
	return out
}

// refusal says how an operation failed in an account; empty if it did not.
func (r *reader) refusal(account, operation string) string {
	if s := r.refused[account][operation]; s != "" {
		return s
	}
	return r.refused[""][operation]
}

// organisations reads the organisations' policies and where they hold.
func (r *reader) organisations(ctx context.Context) error {
	u := &r.units
	*u = units{named: u.named, ids: map[string]string{}, masters: map[string]string{}, none: map[string]bool{},
		scps: map[estate.Node][]*iam.Policy{}, rcps: map[estate.Node][]*iam.Policy{}, enabled: map[estate.Node]map[string]bool{}}
	var missing, scps, rcps []string
	policies := 0
	for n, a := range r.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !strings.HasPrefix(a.Type, "AWS::Organizations::") || a.Referenced && a.Type != controlPolicyType {
			continue
		}
		var err error
		switch a.Type {
		case "AWS::Organizations::Organization":
			err = r.organisation(n, a)
		case "AWS::Organizations::Account":
			err = r.member(n)
		case "AWS::Organizations::Root":
			u.known = true
			err = r.enabledAt(n, a)
		case controlPolicyType:
			u.known = true
			policies++
			var why, kind string
			kind, why, err = r.control(n, a)
			switch {
			case why == "":
			case kind == rcpType:
				rcps = append(rcps, why)
			case kind == scpType:
				scps = append(scps, why)
			default:
				missing = append(missing, why)
			}
		}
		if err != nil {
			return err
		}
	}
	listed := false
	for _, c := range r.snap.Coverage() {
		listed = listed || c.Type == controlPolicyType
		u.whole = u.whole || c.Type == "AWS::Organizations::Account"
		if c.Type == "AWS::Organizations::Organization" && u.ids[c.Account] == "" && !u.known {
			u.none[c.Account] = true
		}
	}
	switch {
	case !u.known || listed:
	case policies == 0:
		missing = append(missing, "the organisation's policies were not listed")
	default:
		u.more = "the organisation's policies were not all listed"
	}
	u.missing, u.missingSCPs, u.missingRCPs = firstFew(missing), firstFew(scps), firstFew(rcps)
	return nil
}

// firstFew joins the first of several reasons.
func firstFew(why []string) string {
	slices.Sort(why)
	if k := len(why); k > 3 {
		why = append(why[:3], fmt.Sprintf("and %d more", k-3))
	}
	return strings.Join(why, "; ")
}

// organisation reads an organisation's id and management account.
func (r *reader) organisation(n estate.Node, a *estate.Asset) error {
	config, err := r.snap.Config(n)
	if err != nil {
		return fmt.Errorf("%s: %w", a.ID, err)
	}
	var c struct{ Id, MasterAccountId string }
	if json.Unmarshal(config, &c) != nil || c.Id == "" {
		return nil
	}
	u := &r.units
	u.known = true
	u.masters[c.Id] = c.MasterAccountId
	u.ids[a.Account] = c.Id
	if c.MasterAccountId != "" {
		u.ids[c.MasterAccountId] = c.Id
	}
	return nil
}

// member notes the organisation of an account, which its ARN there names.
func (r *reader) member(n estate.Node) error {
	config, err := r.snap.Config(n)
	if err != nil {
		return fmt.Errorf("%s: %w", r.snap.Asset(n).ID, err)
	}
	var c struct{ Id, Arn string }
	if len(config) == 0 || json.Unmarshal(config, &c) != nil {
		return nil
	}
	if arn, ok := aws.ParseARN(c.Arn); ok && arn.Service == "organizations" {
		r.inOrganisation(c.Id, arn)
	}
	return nil
}

// inOrganisation notes what the ARN of something in an organisation says:
// arn:aws:organizations::MANAGEMENT:account/o-…/ACCOUNT.
func (r *reader) inOrganisation(account string, arn aws.ARN) {
	parts := strings.Split(arn.Resource, "/")
	if len(parts) < 2 || !strings.HasPrefix(parts[1], "o-") {
		return
	}
	r.units.known = true
	if account != "" {
		r.units.ids[account] = parts[1]
	}
	if arn.Account != "" {
		r.units.masters[parts[1]] = arn.Account
	}
}

// enabledAt reads which types of policy are in force under a root.
func (r *reader) enabledAt(n estate.Node, a *estate.Asset) error {
	config, err := r.snap.Config(n)
	if err != nil {
		return fmt.Errorf("%s: %w", a.ID, err)
	}
	if arn, ok := aws.ParseARN(a.ID); ok {
		r.inOrganisation("", arn)
	}
	var c struct {
		PolicyTypes []struct{ Type, Status string }
	}
	var has map[string]json.RawMessage
	if json.Unmarshal(config, &c) != nil || json.Unmarshal(config, &has) != nil || has["PolicyTypes"] == nil || later(a, "config.PolicyTypes") {
		return nil
	}
	on := map[string]bool{scpType: false, rcpType: false}
	for _, t := range c.PolicyTypes {
		on[t.Type] = t.Status == "ENABLED"
	}
	r.units.enabled[n] = on
	return nil
}

// control reads one policy of an organisation. why says that where it holds was
// not read, kind is what that leaves open; empty if it may be either.
func (r *reader) control(n estate.Node, a *estate.Asset) (kind, why string, err error) {
	config, err := r.snap.Config(n)
	if err != nil {
		return "", "", fmt.Errorf("%s: %w", a.ID, err)
	}
	var c struct {
		Type          string
		PolicySummary struct{ Type string }
		Content       json.RawMessage
	}
	broken := len(config) > 0 && json.Unmarshal(config, &c) != nil
	kind = c.Type
	if kind == "" {
		kind = c.PolicySummary.Type
	}
	guards := kind == rcpType || strings.Contains(a.ID, "resource_control_policy/") || strings.HasSuffix(a.ID, "/p-RCPFullAWSAccess")
	if kind != "" && kind != scpType && kind != rcpType {
		return "", "", nil // backup, tags and the like are written in other languages
	}
	if kind == "" && strings.Contains(a.ID, "service_control_policy/") {
		kind = scpType
	}
	if guards {
		kind = rcpType
	}
	var p *iam.Policy
	switch {
	case strings.HasSuffix(a.ID, fullAccess):
		p = r.world.Parse(a.ID, []byte(allowAll))
	case guards && strings.HasSuffix(a.ID, "/p-RCPFullAWSAccess"):
		p = r.world.Parse(a.ID, []byte(allowEvery))
	case broken:
		p = iam.Unread(a.ID, "its configuration does not have the shape of the provider's reply")
	case later(a, "config.Content"):
		p = iam.Unread(a.ID, "its content is known after apply")
	case len(c.Content) == 0:
		p = iam.Unread(a.ID, "its content was not read")
	default:
		p = r.compile(a.ID, c.Content, source{n, "config.Content"})
		r.orders |= markOf(c.Content)
	}
	into := r.units.scps
	if guards {
		into = r.units.rcps
	}
	for e := range r.snap.Out(n) {
		if e.Type == estate.Governs {
			into[e.Node] = append(into[e.Node], p)
		}
	}
	if !a.Referenced && readOf(a, "organizations:ListTargetsForPolicy") != estate.ReadOK && !strings.Contains(string(config), `"Targets"`) {
		return kind, "what " + a.ID + " is attached to was not read", nil
	}
	return kind, "", nil
}

// account makes an account known with its place in an organisation.
func (r *reader) account(id string) {
	if len(id) != 12 || r.world.Account(id) != nil {
		return
	}
	a := &iam.Account{ID: id}
	defer r.world.AddAccount(a)
	r.principal(&iam.Principal{ARN: "arn:aws:iam::" + id + ":root", Kind: iam.Root, Account: id})
	u := &r.units
	rungs := rungsOf(r.snap, id)
	org := u.ids[id]
	for _, n := range rungs {
		if arn, ok := aws.ParseARN(r.snap.Asset(n).ID); ok && arn.Service == "organizations" {
			if parts := strings.Split(arn.Resource, "/"); len(parts) > 1 && strings.HasPrefix(parts[1], "o-") {
				org = parts[1]
				if u.masters[org] == "" {
					u.masters[org] = arn.Account
				}
			}
		}
	}
	if org == "" {
		r.apart(a)
		return
	}
	a.Organization, a.Management = org, u.masters[org] == id
	if a.Management {
		a.Path = r.path(org, rungs)
		return
	}
	if u.missing != "" {
		a.Unread = u.missing
		return
	}
	if len(rungs) == 0 || !strings.HasPrefix(nameAt(r.snap, rungs[len(rungs)-1]), "r-") {
		a.Unread = "where it stands in organisation " + org + " was not read"
		return
	}
	a.Path = r.path(org, rungs)
	a.UnreadSCPs, a.UnreadRCPs = u.missingSCPs, u.missingRCPs
	r.levels(a, rungs)
}

// apart settles an account that nothing read is said to be in an organisation.
func (r *reader) apart(a *iam.Account) {
	for _, op := range []string{"organizations:DescribeOrganization", "organizations:ListRoots", "organizations:ListPolicies", "organizations:ListAccounts"} {
		if how := r.refusal(a.ID, op); how != "" && !r.units.none[a.ID] {
			a.Unread = "whether an organisation's policies bind it was not read: " + op + " " + how
			return
		}
	}
	switch {
	case r.units.none[a.ID]:
	case r.units.known && r.units.whole:
		a.Assumed = "account " + a.ID + " is outside the organisation: what policies its own has is not known, and none are taken to bind it"
		r.units.outside = append(r.units.outside, a)
	case r.units.known:
		a.Unread = "it is not among the accounts read of the organisation: which policies bind it is not known"
	default:
		a.Assumed = "account " + a.ID + ": no organisation's policies were looked for, so none are taken to bind it"
	}
}

// levels are the policies from the root down to the account.
func (r *reader) levels(a *iam.Account, rungs []estate.Node) {
	u := &r.units
	root := rungs[len(rungs)-1]
	on, told := u.enabled[root]
	scps := 0
	for _, n := range rungs {
		scps += len(u.scps[n])
	}
	if told && on[rcpType] && len(u.rcps) == 0 && a.UnreadRCPs == "" {
		// AWS attaches one to everything as long as they are enabled.
		a.UnreadRCPs = "resource control policies are enabled, and none was read"
	}
	full := r.world.Parse("RCPFullAWSAccess", []byte(allowEvery))
	for i := len(rungs) - 1; i >= 0; i-- {
		n := rungs[i]
		switch at := u.scps[n]; {
		case told && !on[scpType] || !told && scps == 0:
		case len(at) == 0: // AWS keeps at least one attached to each, so one was not read
			a.SCPs = append(a.SCPs, []*iam.Policy{iam.Unread(r.snap.Asset(n).ID, "no service control policy was read that is attached to it")})
		default:
			if u.more != "" {
				at = append(slices.Clip(at), iam.Unread(r.snap.Asset(n).ID, u.more))
			}
			a.SCPs = append(a.SCPs, at)
		}
		if rcps := u.rcps[n]; len(rcps) > 0 && (!told || on[rcpType]) {
			a.RCPs = append(a.RCPs, append([]*iam.Policy{full}, rcps...))
		}
	}
	if !told && scps == 0 {
		a.Assumed = "account " + a.ID + ": no service control policy was read of its organisation, so none is taken to bind it"
	}
}

// path is the account's aws:PrincipalOrgPaths value; empty if not known whole.
func (r *reader) path(org string, rungs []estate.Node) string {
	if len(rungs) < 2 || !strings.HasPrefix(nameAt(r.snap, rungs[len(rungs)-1]), "r-") {
		return ""
	}
	out := org + "/"
	for i := len(rungs) - 1; i > 0; i-- {
		out += nameAt(r.snap, rungs[i]) + "/"
	}
	return out
}

func nameAt(snap *estate.Snapshot, n estate.Node) string {
	arn, ok := aws.ParseARN(snap.Asset(n).ID)
	if !ok {
		return ""
	}
	return arn.Name()
}

// rungsOf is an account and all that it lies in, up to the root.
func rungsOf(snap *estate.Snapshot, account string) []estate.Node {
	var out []estate.Node
	at, found := estate.Node(0), false
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		if at, found = snap.Find("arn:" + partition + ":iam::" + account + ":root"); found {
			break
		}
	}
	for found && !slices.Contains(out, at) {
		out = append(out, at)
		found = false
		for e := range snap.In(at) {
			if e.Type == estate.Contains && isUnit(snap.Asset(e.Node)) {
				at, found = e.Node, true
			}
		}
		if found {
			continue
		}
		for e := range snap.Out(out[len(out)-1]) {
			if e.Type == estate.MemberOf && isUnit(snap.Asset(e.Node)) {
				at, found = e.Node, true
			}
		}
	}
	return out
}

// isUnit reports whether an asset is a root or unit of an organisation. One that
// only another names has no type yet.
func isUnit(a *estate.Asset) bool {
	arn, ok := aws.ParseARN(a.ID)
	return ok && arn.Service == "organizations" && (strings.HasPrefix(arn.Resource, "root/") || strings.HasPrefix(arn.Resource, "ou/"))
}
