package detect

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// ProofKey is what marks of synthetic events of a cluster are signed with. An API server takes
// the id of an audit event from whoever sends the request (header Audit-ID), so that a mark in
// the id alone would let an attacker call his own acts a drill.
type ProofKey []byte

// NewProofKey is the key of a detection that takes events in for a token; none for none.
func NewProofKey(token string) ProofKey {
	if token == "" {
		return nil
	}
	sum := sha256.Sum256([]byte("sevenfold synthetic events\x00" + token))
	return sum[:]
}

// sign is what a key says of a synthetic event: of its mark, and of all by which it was found.
func (k ProofKey) sign(mark string, e *ocsf.Event) string {
	h := hmac.New(sha256.New, k)
	said := []string{mark, strconv.FormatInt(e.Time, 10), e.Actor.ID, e.Actor.SourceID, e.Service, e.Action, e.Region, strconv.FormatBool(e.Failed)}
	for _, r := range e.Resources {
		said = append(said, r.ID)
	}
	for _, s := range said {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// played is the marker of a synthetic event of a cluster that this key signed; "" for any other.
func (k ProofKey) played(e *ocsf.Event) string {
	if len(k) == 0 || !strings.HasPrefix(e.RequestID, markerBegin) {
		return ""
	}
	at := strings.LastIndexByte(e.RequestID, '.')
	mark, signed := e.RequestID[:at], e.RequestID[at+1:]
	if !hmac.Equal([]byte(signed), []byte(k.sign(mark, e))) {
		return ""
	}
	return MarkerOf(mark)
}

// ClusterObject is what an attack on a cluster is played on, as its API serves it: of group
// "batch" (empty: core) and version "v1" the resource "cronjobs".
type ClusterObject struct {
	Group, Version, Resource, Namespace, Name string
}

// clusterPlays are the techniques that are played on an object of a cluster: it is read, then
// changed by a person where the pipeline alone does so.
var clusterPlays = []string{"AML.T0031", "AML.T0020"}

// PlaysOnCluster reports whether there is an attack on an object of a cluster that plays a
// technique.
func PlaysOnCluster(technique string) bool { return slices.Contains(clusterPlays, technique) }

// PlayOnCluster makes the audit events of a synthetic attack by a user on an object, as an API
// server writes them (audit.k8s.io/v1). The change is a dry run, so that whoever reads the log
// sees that nothing was changed, and rules, which pass over what was refused, see it. Each event
// is marked, and the mark signed by key.
func PlayOnCluster(technique string, o ClusterObject, user, address string, key ProofKey, now time.Time) (records []json.RawMessage, marker string, err error) {
	switch {
	case !PlaysOnCluster(technique):
		return nil, "", fmt.Errorf("no attack on a cluster plays %s: there are %s", technique, strings.Join(clusterPlays, ", "))
	case len(key) == 0:
		return nil, "", errors.New("there is no token, so that marks of a cluster's events cannot be signed")
	case o.Version == "" || o.Resource == "" || o.Namespace == "" || o.Name == "":
		return nil, "", fmt.Errorf("%+v is no object of a namespace", o)
	case user == "" || strings.HasPrefix(user, "system:"):
		return nil, "", fmt.Errorf("%q is no person's name: who is called system: is the cluster's own", user)
	}
	marker = technique + "~" + token(8)
	at := "/apis/" + o.Group + "/" + o.Version
	if o.Group == "" {
		at = "/api/" + o.Version
	}
	at += "/namespaces/" + o.Namespace + "/" + o.Resource + "/" + o.Name
	for i, call := range [][2]string{{"get", at}, {"patch", at + "?dryRun=All&fieldManager=kubectl-patch"}} {
		e := map[string]any{
			"kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "stage": "ResponseComplete", "requestURI": call[1], "verb": call[0],
			"user": map[string]any{"username": user, "groups": []string{"system:authenticated"}}, "sourceIPs": []string{address}, "userAgent": "kubectl/v1.34.1 (linux/amd64) kubernetes/93248f9",
			"objectRef":      map[string]any{"resource": o.Resource, "namespace": o.Namespace, "name": o.Name, "apiGroup": o.Group, "apiVersion": o.Version},
			"responseStatus": map[string]any{"metadata": map[string]any{}, "code": 200},
			"annotations":    map[string]any{"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
		}
		when := now.Add(time.Duration(i) * time.Second).UTC().Format("2006-01-02T15:04:05.000000Z")
		e["requestReceivedTimestamp"], e["stageTimestamp"] = when, when
		mark := fmt.Sprintf("%s%s.%d", markerBegin, marker, i)
		// Signed is what a detection reads of it, so it is read as there.
		e["auditID"] = mark + "."
		text, err := json.Marshal(e)
		if err != nil {
			return nil, "", err
		}
		var read ocsf.Event
		if err := (&ocsf.Decoder{}).Decode(ocsf.KubernetesAudit, text, &read); err != nil {
			return nil, "", fmt.Errorf("an event of %+v: %w", o, err)
		}
		e["auditID"] = mark + "." + key.sign(mark, &read)
		if text, err = json.Marshal(e); err != nil {
			return nil, "", err
		}
		records = append(records, text)
	}
	return records, marker, nil
}
