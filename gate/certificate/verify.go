package certificate

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/gate"
)

// Skew is how far the clocks of who issues and who checks may differ.
const Skew = 5 * time.Minute

// Check is what a certificate is held against.
type Check struct {
	// Trusted are those whose signature counts.
	Trusted Trust
	Now     time.Time
	// Workload the certificate must be of, by id or name; empty: any.
	Workload string
	// Seen is the highest serial seen for the workload so far, by its id; nil:
	// none is known, and only the expiry protects from an older one.
	Seen func(workload string) int64
	// Revoked says why a workload's certificate of a serial was revoked, empty if it
	// was not; nil: nobody knows of any.
	Revoked func(workload string, serial int64) string
	// Approvers are the keys that sign waivers; where there are any, a waiver
	// counts only if one of them signed it.
	Approvers []ed25519.PublicKey
	// Estate the certificate must be of, by its name in sevenfold.yaml; empty: any.
	Estate string
}

// Verify checks a certificate by itself: form, signature, time, serial,
// subject, and that its verdict follows from its criteria. The statement is nil
// where the file cannot be trusted to say anything. Whether its criteria
// follow from the evidence is for who has the bundle.
func Verify(file []byte, c Check) (*Statement, []gate.Reason) {
	s, err := Open(file, c.Trusted)
	if err != nil {
		workload := ""
		if peeked, perr := Peek(file); perr == nil {
			workload = peeked.Predicate.Workload.Name
		}
		text := err.Error()
		if errors.Is(err, ErrSigner) {
			text += "; give the key it should be signed with by --key"
		}
		return nil, []gate.Reason{{Workload: workload, Text: text}}
	}
	return s, s.refusals(c)
}

// refusals lists why a statement with a good signature does not count.
func (s *Statement) refusals(c Check) []gate.Reason {
	p := &s.Predicate
	var out []gate.Reason
	refuse := func(criterion, format string, args ...any) {
		out = append(out, gate.Reason{Workload: p.Workload.Name, Criterion: criterion, Text: fmt.Sprintf(format, args...)})
	}
	if c.Workload != "" && c.Workload != p.Workload.ID && c.Workload != p.Workload.Name {
		refuse("", "the certificate is of %s (%s), not of %s", p.Workload.Name, p.Workload.ID, c.Workload)
	}
	if c.Estate != "" && c.Estate != p.Estate {
		refuse("", "the certificate is of estate %q, not of %q", p.Estate, c.Estate)
	}
	switch {
	case !c.Now.Before(p.Expires):
		refuse("", "the certificate expired on %s: certify the workload again", p.Expires.Format(time.RFC3339))
	case c.Now.Add(Skew).Before(p.Issued):
		refuse("", "the certificate is issued on %s, which is still to come: set the clocks right, of who issued it or of this machine", p.Issued.Format(time.RFC3339))
	}
	if c.Revoked != nil {
		if why := c.Revoked(p.Workload.ID, p.Serial); why != "" {
			refuse("", "%s", why)
		}
	}
	if c.Seen != nil {
		if seen := c.Seen(p.Workload.ID); p.Serial < seen {
			refuse("", "the certificate has serial %d, and serial %d has been seen: an older one is shown again", p.Serial, seen)
		}
	}
	byID := map[string]bool{}
	criteria := make([]finding.Criterion, 0, len(p.Criteria))
	for _, k := range p.Criteria {
		if byID[k.ID] {
			refuse(k.ID, "the certificate states %s twice", k.ID)
		}
		byID[k.ID] = true
		criteria = append(criteria, finding.Criterion{ID: k.ID, Status: k.Status})
		if k.Status == finding.CriterionFail || k.Status == finding.CriterionUnknown {
			refuse(k.ID, "%s was %s when it was issued", k.ID, k.Status)
		}
		if k.Status == finding.CriterionWaived {
			if why := s.waived(k.ID, c); why != "" {
				refuse(k.ID, "%s", why)
			}
		}
	}
	for _, step := range gate.Table() {
		for _, l := range step.Lines {
			if !byID[l.ID] {
				refuse(l.ID, "the certificate says nothing of %s", l.ID)
			}
		}
	}
	if got := gate.Decide(criteria); got != p.Verdict || got != finding.Ready {
		refuse("", "the certificate says %s, its criteria say %s", p.Verdict, got)
	}
	return out
}

// waived says why no waiver of the certificate covers a criterion now; empty if
// one does.
func (s *Statement) waived(criterion string, c Check) string {
	why := "no waiver in the certificate covers " + criterion
	for _, w := range s.Predicate.Waivers {
		if w.Workload != s.Predicate.Workload.Name || !gate.CoversLine(w.Criterion, criterion) {
			continue
		}
		if until, err := gate.WaiverEnds(w); err != nil || !c.Now.Before(until) {
			why = fmt.Sprintf("the waiver of %s by %s ended on %s", w.Criterion, w.Owner, w.Expires)
			continue
		}
		if len(c.Approvers) > 0 && !gate.Approved(w, c.Approvers) {
			why = fmt.Sprintf("the waiver of %s by %s is not signed by an approver", w.Criterion, w.Owner)
			continue
		}
		return ""
	}
	return why
}
