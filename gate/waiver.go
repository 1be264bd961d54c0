package gate

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Lapsed is a waiver that does not count, and why.
type Lapsed struct {
	finding.Waiver
	Why string
}

// Waive marks the failing and undecided criteria of a workload that a waiver
// covers, and returns the waivers that do not count: expired at now or, where
// there are approvers, signed by none of them. A waiver names its workload
// exactly and its criterion exactly or as STEP.*.
func Waive(workload string, criteria []finding.Criterion, waivers []finding.Waiver, approvers []ed25519.PublicKey, now time.Time) (lapsed []Lapsed) {
	for _, w := range waivers {
		if w.Workload != workload {
			continue
		}
		if end, err := WaiverEnds(w); err != nil || !now.Before(end) {
			lapsed = append(lapsed, Lapsed{w, fmt.Sprintf("expired %q", w.Expires)})
			continue
		}
		if len(approvers) > 0 && !Approved(w, approvers) {
			why := "gate.approvers asks for an approver's signature, and it bears none"
			if w.Signature != "" {
				why = "its signature is none of the approvers', or it was changed after it was signed"
			}
			lapsed = append(lapsed, Lapsed{w, why})
			continue
		}
		for i := range criteria {
			c := &criteria[i]
			open := c.Status == finding.CriterionFail || c.Status == finding.CriterionUnknown
			if open && CoversLine(w.Criterion, c.ID) {
				c.Status, c.Was = finding.CriterionWaived, c.Status
				c.Reason = fmt.Sprintf("waived by %s until %s: %s (was: %s)", w.Owner, w.Expires, w.Reason, c.Reason)
				c.Waiver = &w
			}
		}
	}
	return lapsed
}

// WaiverEnds returns the moment a waiver ends to count: the end (UTC) of the
// day it expires on.
func WaiverEnds(w finding.Waiver) (time.Time, error) {
	day, err := time.Parse(time.DateOnly, w.Expires)
	return day.AddDate(0, 0, 1), err
}

// CoversLine reports whether a waiver's criterion, "step.line" or "step.*",
// names the criterion id.
func CoversLine(pattern, id string) bool {
	if step, ok := strings.CutSuffix(pattern, ".*"); ok {
		return strings.HasPrefix(id, step+".")
	}
	return pattern == id
}

// Covers reports whether any line of the load table is named by a waiver's
// criterion; a waiver that covers none is a mistake to be refused.
func Covers(pattern string) bool {
	for _, s := range Table() {
		for _, l := range s.Lines {
			if CoversLine(pattern, l.ID) {
				return true
			}
		}
	}
	return false
}

// SignWaiver returns the waiver with an approver's signature.
func SignWaiver(w finding.Waiver, key ed25519.PrivateKey) finding.Waiver {
	w.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(key, waiverText(w)))
	return w
}

// Approved reports whether one of the keys signed the waiver as it stands.
func Approved(w finding.Waiver, approvers []ed25519.PublicKey) bool {
	sig, err := base64.StdEncoding.DecodeString(w.Signature)
	if err != nil || len(sig) != ed25519.SignatureSize {
		return false
	}
	text := waiverText(w)
	for _, key := range approvers {
		if ed25519.Verify(key, text, sig) {
			return true
		}
	}
	return false
}

// waiverText is what an approver signs: all of a waiver but the signature,
// under a name that no other signature of ours begins with.
func waiverText(w finding.Waiver) []byte {
	w.Signature = ""
	text, _ := json.Marshal(w) // strings only
	return append([]byte("sevenfold waiver 1\n"), text...)
}

// Absent has the completeness of the inventory unknown for a workload of which
// nothing was read, whoever waived it: nobody can accept what is not there.
func Absent(cs []finding.Criterion) {
	for i := range cs {
		if cs[i].ID == inventoryLine && cs[i].Status != finding.CriterionFail {
			cs[i].Status, cs[i].Waiver = finding.CriterionUnknown, nil
			cs[i].Reason = "nothing of it was read: it is declared, and no asset that was read belongs to it"
		}
	}
}

// inventoryLine is the criterion that asks whether everything was read.
const inventoryLine = "audit.inventory"
