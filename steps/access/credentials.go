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
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Key is one long-lived way to act as an identity: an access key, an API key of one
// service (Bedrock), a token of a service account that lies in a Secret, a password.
type Key struct {
	Identity string `json:"identity"`
	// Type is "access key", "API key", "token", "password" or "certificate"; Service
	// is what an API key is for.
	Type    string `json:"type"`
	ID      string `json:"id,omitempty"`
	Service string `json:"service,omitempty"`
	Active  bool   `json:"active"`
	// MFA says of a password whether a second factor guards it: yes, no, unknown.
	MFA     string    `json:"mfa,omitempty"`
	Created time.Time `json:"created,omitzero"`
	// AgeDays is its age in whole days when the estate was read; -1: not told.
	AgeDays int       `json:"ageDays"`
	Expires time.Time `json:"expires,omitzero"`
	// LastUsed is the last use that the provider or a log knows of; zero: never, or,
	// with UsageKnown unset, not told.
	LastUsed   time.Time `json:"lastUsed,omitzero"`
	UsageKnown bool      `json:"usageKnown"`
	// Scope is what of AI its identity may touch, strongest first, in words.
	Scope     string   `json:"scope"`
	Owner     string   `json:"owner,omitempty"`
	Workloads []string `json:"workloads"`
	// Faults say what is wrong with it, Unknown what nobody can tell.
	Faults  []string `json:"faults"`
	Unknown []string `json:"unknown"`

	workloads []string // ids
}

// KeyLimits are how old a key may become, and for how long it may lie unused.
type KeyLimits struct{ Age, Stale time.Duration }

// KeyLimitsOf are those that a scope sets, and 90 days for what it does not.
func KeyLimitsOf(k scope.Keys) KeyLimits {
	const usual = scope.KeyDays * 24 * time.Hour
	return KeyLimits{cmp.Or(k.Age, usual), cmp.Or(k.Unused, usual)}
}

// readKeys reads access keys and keys of services, by principalKey of the user.
func readKeys(snap *estate.Snapshot) (map[string][]Key, error) {
	out := map[string][]Key{}
	for n, a := range snap.Assets() {
		if a.Referenced || a.Type != "AWS::IAM::AccessKey" && a.Type != "AWS::IAM::ServiceSpecificCredential" {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.ID, err)
		}
		user, _, _ := strings.Cut(a.ID, "#")
		out[principalKey(user)] = append(out[principalKey(user)], readKey(user, a, config))
	}
	return out, nil
}

func readKey(user string, a *estate.Asset, config json.RawMessage) Key {
	k := Key{Identity: user, Type: "access key", ID: a.Name, AgeDays: -1, Workloads: []string{}, Faults: []string{}, Unknown: []string{}}
	var c struct {
		AccessKeyID                 string `json:"AccessKeyId"`
		ServiceSpecificCredentialID string `json:"ServiceSpecificCredentialId"`
		Status, ServiceName         string
		CreateDate, ExpirationDate  any
		Last                        *struct {
			AccessKeyLastUsed struct{ LastUsedDate any }
		} `json:"GetAccessKeyLastUsed"`
	}
	if json.Unmarshal(config, &c) != nil {
		k.Active = true
		k.Unknown = append(k.Unknown, "its configuration does not have the shape of the provider's reply")
		return k
	}
	k.ID, k.Active, k.Created, k.Expires = cmp.Or(c.AccessKeyID, c.ServiceSpecificCredentialID, a.Name), c.Status != "Inactive" && c.Status != "Expired", timeIn(c.CreateDate), timeIn(c.ExpirationDate)
	if a.Type == "AWS::IAM::ServiceSpecificCredential" {
		k.Type, k.Service = "API key", strings.TrimSuffix(c.ServiceName, ".amazonaws.com")
		return k
	}
	if c.Last != nil {
		k.UsageKnown, k.LastUsed = true, timeIn(c.Last.AccessKeyLastUsed.LastUsedDate)
	} else {
		k.UsageKnown = readOf(a, "iam:GetAccessKeyLastUsed").Known()
	}
	return k
}

// Credentials lists the long-lived credentials of every identity that may touch
// something of a workload, worst first, by an overview of the same snapshot. u may
// be nil; what its logs show counts as use.
func Credentials(ctx context.Context, snap *estate.Snapshot, workloads []finding.Workload, o *Overview, u *Usage, limits KeyLimits) ([]Key, error) {
	held, err := readKeys(snap)
	if err != nil {
		return nil, err
	}
	out := []Key{}
	for i := range o.Identities {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		id := &o.Identities[i]
		mine := held[principalKey(id.ID)]
		for _, c := range id.Credentials {
			k := slices.IndexFunc(mine, func(k Key) bool { return k.ID == c.ID && c.ID != "" })
			if k < 0 {
				mine = append(mine, fromCredential(id, c))
				continue
			}
			mine[k].LastUsed, mine[k].UsageKnown = later2(mine[k].LastUsed, c.LastUsed), mine[k].UsageKnown || id.UsageKnown
			if mine[k].Created.IsZero() {
				mine[k].Created = c.Created
			}
		}
		for _, k := range mine {
			k.Owner, k.Scope = id.Owner, id.May()
			for w := range workloads {
				if id.TouchesWorkload(w) {
					k.Workloads, k.workloads = append(k.Workloads, workloads[w].Name), append(k.workloads, workloads[w].ID)
				}
			}
			k.lastIn(u, id.ID, snap, o.Taken)
			k.judge(o.Taken, limits)
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Key) int {
		return cmp.Or(cmp.Compare(len(b.Workloads), len(a.Workloads)), cmp.Compare(len(b.Faults), len(a.Faults)), cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func fromCredential(id *Identity, c Credential) Key {
	k := Key{Identity: id.ID, Type: c.Type, ID: c.ID, Active: c.Active, Created: c.Created, LastUsed: c.LastUsed, AgeDays: -1, UsageKnown: id.UsageKnown || !c.LastUsed.IsZero(), Workloads: []string{}, Faults: []string{}, Unknown: []string{}}
	if c.Type == "password" {
		k.MFA = cmp.Or(id.MFA, "unknown")
		if c.MFA {
			k.MFA = "yes"
		}
	}
	return k
}

// lastIn adds what logs, and what IAM tells of services, know of a key's use.
func (k *Key) lastIn(u *Usage, id string, snap *estate.Snapshot, taken time.Time) {
	if !k.Created.IsZero() {
		k.AgeDays = max(0, int(taken.Sub(k.Created).Hours()/24))
	}
	if u != nil {
		if c := u.by[principalKey(id)]; c != nil && k.ID != "" {
			k.LastUsed = later2(k.LastUsed, c.keys[k.ID])
		}
	}
	if k.Type != "API key" {
		return
	}
	n, ok := snap.Find(id)
	if !ok {
		return
	}
	config, err := snap.Config(n)
	if err != nil {
		return
	}
	// IAM tells no last use of such keys; the service's is the nearest there is.
	if last := readLastAccess(config); last != nil {
		if at, told := last.services[k.Service]; told {
			k.LastUsed, k.UsageKnown = later2(k.LastUsed, at), true
		}
	}
}

// judge says what is wrong with a key.
func (k *Key) judge(taken time.Time, limits KeyLimits) {
	if !k.Active || !k.Expires.IsZero() && k.Expires.Before(taken) {
		return
	}
	if k.Type == "password" {
		switch k.MFA {
		case "no":
			k.Faults = append(k.Faults, "no second factor guards it")
		case "unknown":
			k.Unknown = append(k.Unknown, "whether a second factor guards it was not read (iam:ListMFADevices)")
		}
		return
	}
	switch {
	case k.Created.IsZero():
		k.Unknown = append(k.Unknown, "how old it is was not read")
	case taken.Sub(k.Created) > limits.Age:
		k.Faults = append(k.Faults, fmt.Sprintf("it is %d days old, %d are allowed", k.AgeDays, int(limits.Age.Hours()/24)))
	}
	switch {
	case !k.LastUsed.IsZero() && taken.Sub(k.LastUsed) > limits.Stale:
		k.Faults = append(k.Faults, fmt.Sprintf("it was last used on %s, more than %d days ago", day(k.LastUsed), int(limits.Stale.Hours()/24)))
	case k.LastUsed.IsZero() && k.UsageKnown && k.AgeDays > int(limits.Stale.Hours()/24):
		k.Faults = append(k.Faults, "it was never used")
	case k.LastUsed.IsZero() && !k.UsageKnown:
		k.Unknown = append(k.Unknown, "when it was last used was not read")
	}
	switch {
	case k.Type == "token":
		k.Faults = append(k.Faults, "it never ends: pods get short-lived tokens without it")
	case k.Type == "API key" && k.Expires.IsZero():
		k.Faults = append(k.Faults, "it never ends")
	}
}

// KeyFault says of a workload's credentials what is wrong, and what is not known;
// both empty if nothing is. examined counts the active credentials.
func KeyFault(workload string, keys []Key) (fault, unknown string, examined int) {
	var bad, dark []string
	for i := range keys {
		k := &keys[i]
		if !k.Active || !slices.Contains(k.workloads, workload) {
			continue
		}
		examined++
		what := strings.TrimSpace(k.Type+" "+k.ID) + " of " + k.Identity
		if len(k.Faults) > 0 {
			bad = append(bad, what+": "+k.Faults[0])
		} else if len(k.Unknown) > 0 {
			dark = append(dark, what+": "+k.Unknown[0])
		}
	}
	if len(bad) > 0 {
		fault = countOf(len(bad), "long-lived or stale credential", "long-lived or stale credentials") + ": " + some(bad)
	}
	if len(dark) > 0 {
		unknown = countOf(len(dark), "credential", "credentials") + " of which it is not known: " + some(dark)
	}
	return fault, unknown, examined
}

// Mend are the commands that end a key.
func (k *Key) Mend() []string {
	arn, ok := aws.ParseARN(k.Identity)
	switch {
	case ok && k.Type == "access key" && k.ID != "":
		user := " --user-name " + word(arn.Name()) + " --access-key-id " + word(k.ID)
		return []string{"aws iam update-access-key" + user + " --status Inactive", "aws iam delete-access-key" + user}
	case ok && k.Type == "API key" && k.ID != "":
		user := " --user-name " + word(arn.Name()) + " --service-specific-credential-id " + word(k.ID)
		return []string{"aws iam update-service-specific-credential" + user + " --status Inactive", "aws iam delete-service-specific-credential" + user}
	}
	if _, r, ok := ref(k.ID); ok && k.Type == "token" {
		return []string{"kubectl -n " + word(r.Namespace) + " delete secret " + word(r.Name)}
	}
	return []string{}
}
