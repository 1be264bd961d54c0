package iam

import (
	"crypto/sha256"
	"strings"
)

// key32 is the number of a condition key within a World. Keys are compared
// without regard to letter case, as the service does.
type key32 int32

// The keys whose values follow from who asks, for what, and where.
const (
	keyAction    key32 = iota // not a condition key: the action itself, where it is a pattern
	keyResource               // the resource itself, where it is a pattern
	keySession                // the name of a role's session
	keyPrincipal              // the principal himself, in comparisons
	keyPrincipalArn
	keyPrincipalAccount
	keyPrincipalOrgID
	keyPrincipalOrgPaths
	keyPrincipalType
	keyPrincipalIsAWSService
	keyPrincipalServiceName
	keyPrincipalServiceNamesList
	keyUsername
	keyUserID
	keyResourceAccount
	keyS3ResourceAccount
	keyResourceOrgID
	keyResourceOrgPaths
	keyRequestedRegion
	keyCurrentTime
	keyEpochTime
	keySecureTransport
	keyViaAWSService
	keyMFAPresent
	keyFederatedProvider
	keyTokenIssueTime
	keyCallerAccount
	wellKnownKeys
)

var wellKnown = [wellKnownKeys]string{
	keyAction: "(action)", keyResource: "(resource)", keySession: "(session)", keyPrincipal: "(principal)",
	keyPrincipalArn: "aws:PrincipalArn", keyPrincipalAccount: "aws:PrincipalAccount",
	keyPrincipalOrgID: "aws:PrincipalOrgID", keyPrincipalOrgPaths: "aws:PrincipalOrgPaths",
	keyPrincipalType: "aws:PrincipalType", keyPrincipalIsAWSService: "aws:PrincipalIsAWSService",
	keyPrincipalServiceName: "aws:PrincipalServiceName", keyPrincipalServiceNamesList: "aws:PrincipalServiceNamesList",
	keyUsername: "aws:username", keyUserID: "aws:userid",
	keyResourceAccount: "aws:ResourceAccount", keyS3ResourceAccount: "s3:ResourceAccount",
	keyResourceOrgID: "aws:ResourceOrgID", keyResourceOrgPaths: "aws:ResourceOrgPaths",
	keyRequestedRegion: "aws:RequestedRegion", keyCurrentTime: "aws:CurrentTime", keyEpochTime: "aws:EpochTime",
	keySecureTransport: "aws:SecureTransport", keyViaAWSService: "aws:ViaAWSService",
	keyMFAPresent: "aws:MultiFactorAuthPresent", keyFederatedProvider: "aws:FederatedProvider",
	keyTokenIssueTime: "aws:TokenIssueTime", keyCallerAccount: "kms:CallerAccount",
}

// Keys that every request of a signed-in principal carries, so that "absent" is
// no way for a condition on them to end.
var alwaysPresent = map[key32]bool{
	keyAction: true, keyResource: true, keySession: true, keyPrincipal: true, keyCurrentTime: true, keyEpochTime: true, keySecureTransport: true,
	keyViaAWSService: true, keyPrincipalIsAWSService: true, keyRequestedRegion: true,
}

// Keys whose only values are true and false.
var truthValued = map[key32]bool{
	keySecureTransport: true, keyViaAWSService: true, keyPrincipalIsAWSService: true, keyMFAPresent: true,
}

// tagOf says whose tag a condition key reads.
type tagOf uint8

const (
	noTag tagOf = iota
	principalTag
	resourceTag
)

// names numbers condition keys.
type names struct {
	ids      map[string]key32
	services map[string]int32 // numbers of services' prefixes
	text     []string         // as first written
	owner    []tagOf
	tag      []string                    // the tag's own key, in lower case
	actions  map[string]Pattern          // compiled: a few hundred texts stand in every policy
	prints   map[[sha256.Size]byte]int32 // numbers of statements by what they say
}

func newNames() *names {
	n := &names{ids: map[string]key32{}, services: map[string]int32{}, actions: map[string]Pattern{}, prints: map[[sha256.Size]byte]int32{}}
	for _, s := range wellKnown {
		n.id(s)
	}
	return n
}

// actionPattern compiles a pattern of actions, once for each text.
func (n *names) actionPattern(text string) Pattern {
	p, known := n.actions[text]
	if !known {
		p = NewPattern(text, true)
		n.actions[text] = p
	}
	return p
}

func (n *names) id(name string) key32 {
	folded := lower(name)
	if id, ok := n.ids[folded]; ok {
		return id
	}
	id := key32(len(n.text))
	n.ids[strings.Clone(folded)] = id
	n.text = append(n.text, strings.Clone(name))
	owner, tag := noTag, ""
	if head, rest, ok := strings.Cut(folded, "/"); ok {
		switch {
		case head == "aws:principaltag":
			owner, tag = principalTag, rest
		case strings.HasSuffix(head, ":resourcetag"):
			owner, tag = resourceTag, rest
		}
	}
	n.owner, n.tag = append(n.owner, owner), append(n.tag, strings.Clone(tag))
	return id
}

// find is id for a name that may be nobody's: ok is false then.
func (n *names) find(name string) (id key32, ok bool) {
	id, ok = n.ids[lower(name)]
	return id, ok
}
