package aws

import (
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Credential is one long-lived way of proving to be a user.
type Credential struct {
	// Type is "password", "access key" or "certificate".
	Type string
	// ID is the access key's id; empty where only the credential report speaks.
	ID string
	// Active says that it can be used now.
	Active bool
	// MFA says that the user has a second factor. It guards a password; an
	// access key is guarded only where a policy demands it.
	MFA bool
	// Created is when it was made or last changed, LastUsed when it was last
	// used; zero: never, or not said.
	Created, LastUsed time.Time
	// Evidence is the path in the configuration.
	Evidence string
}

// Identity is what the configuration of a user, role or account says of how
// it can be used and when it was.
type Identity struct {
	Credentials []Credential
	// Reported is whether a credential report's row, or the key and login calls
	// themselves, were read: without it no credentials is not "has none".
	Reported bool
	// MFA says that a second factor is registered.
	MFA bool
	// LastUsed is the last use of a role or of any credential; zero: never
	// within what AWS tracks (400 days for roles), or not said.
	LastUsed time.Time
	// UsageKnown says whether LastUsed being zero means "never".
	UsageKnown bool
	Problems   []estate.Problem
}

// ReadIdentity reads an IAM user, role, or account root asset.
func ReadIdentity(a *estate.Asset) Identity {
	r := &reading{a: a, seen: map[estate.Relation]bool{}, parts: map[string]bool{}}
	var id Identity
	cfg, err := decode(a.Config)
	if err != nil {
		return Identity{Problems: []estate.Problem{{Path: "config", Why: err.Error()}}}
	}
	r.cfg = node{r: r, path: "config", v: cfg}
	id.fromReport(r.cfg.at("GetCredentialReport"))
	id.fromKeys(r.cfg.at("ListAccessKeys"))
	for _, path := range []string{"RoleLastUsed", "GetRole.Role.RoleLastUsed", "GetRole.RoleLastUsed"} {
		if n := r.peek(path); n.ok() {
			id.UsageKnown = true
			id.used(parseTime(n.at("LastUsedDate").v))
		}
	}
	id.used(parseTime(r.peek("PasswordLastUsed").v))
	id.Problems = r.out.Problems
	return id
}

func (id *Identity) used(at time.Time) {
	if at.After(id.LastUsed) {
		id.LastUsed = at
	}
}

// fromReport reads a row of the credential report, whose columns are words:
// "true", "false", "N/A", "no_information", "not_supported" and times.
func (id *Identity) fromReport(row node) {
	if !row.ok() {
		return
	}
	id.Reported, id.UsageKnown = true, true
	yes := func(column string) bool { return strings.EqualFold(row.text(column), "true") }
	at := func(column string) time.Time { return parseTime(row.at(column).words()) }
	id.MFA = yes("mfa_active")
	root := row.text("user") == "<root_account>"
	// The root user always has a password; the report says "not_supported".
	if yes("password_enabled") || root {
		id.add(Credential{Type: "password", Active: true, MFA: id.MFA, Created: at("password_last_changed"),
			LastUsed: at("password_last_used"), Evidence: row.path + ".password_enabled"})
	}
	for _, kind := range []struct{ prefix, typ string }{
		{"access_key_1", "access key"}, {"access_key_2", "access key"}, {"cert_1", "certificate"}, {"cert_2", "certificate"},
	} {
		made := at(kind.prefix + "_last_rotated")
		if yes(kind.prefix+"_active") || !made.IsZero() {
			id.add(Credential{Type: kind.typ, Active: yes(kind.prefix + "_active"), MFA: id.MFA, Created: made,
				LastUsed: at(kind.prefix + "_last_used_date"), Evidence: row.path + "." + kind.prefix + "_active"})
		}
	}
}

func (id *Identity) add(c Credential) {
	id.Credentials = append(id.Credentials, c)
	id.used(c.LastUsed)
}

// fromKeys gives the report's keys their ids, by the time they were made, and
// adds those the report, which may be four hours old, does not know.
func (id *Identity) fromKeys(reply node) {
	if !reply.ok() {
		return
	}
	for n := range reply.each("AccessKeyMetadata[]") {
		c := Credential{Type: "access key", ID: n.text("AccessKeyId"), Active: n.text("Status") == "Active",
			MFA: id.MFA, Created: parseTime(n.at("CreateDate").v), Evidence: n.path}
		if old := id.sameKey(c); old != nil {
			old.ID, old.Active = c.ID, c.Active
			continue
		}
		if id.Reported {
			id.UsageKnown = false // the key is newer than what tells its use
		}
		id.add(c)
	}
	id.Reported = true
}

// sameKey finds the report's entry for a key: made in the same second, and not
// yet given an id.
func (id *Identity) sameKey(c Credential) *Credential {
	for i := range id.Credentials {
		old := &id.Credentials[i]
		if old.Type == c.Type && old.ID == "" && old.Created.Truncate(time.Second).Equal(c.Created.Truncate(time.Second)) {
			return old
		}
	}
	return nil
}
