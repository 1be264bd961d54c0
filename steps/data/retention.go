package data

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// Kept is what is said of how long one store keeps one label.
type Kept struct {
	Store  string `json:"store"`
	Label  string `json:"label"`
	Days   int    `json:"days"`   // its period; 0 where none is stated
	Status string `json:"status"` // met, unmet, unknown
	// Rules are the checks of it.
	Rules []KeptRule `json:"rules"`
	// Copies are what else holds the label because this store does.
	Copies []string `json:"copies"`
}

// KeptRule is one check.
type KeptRule struct {
	What   string `json:"what"`
	Status string `json:"status"` // met, unmet, unknown
	Why    string `json:"why"`
	Do     string `json:"do,omitempty"`
}

// Retained is the answer to how long labelled data is kept.
type Retained struct {
	Stores []Kept `json:"stores"`
	// Unclassified are stores of workloads that nobody has looked into.
	Unclassified []string `json:"unclassified"`
	Open         []Case   `json:"openErasures"`
}

// The words of a check.
const (
	met      = "met"
	unmet    = "unmet"
	notKnown = "unknown"
)

// period is how long data of a label may be kept for the purposes of a workload: the
// shortest that is stated.
func (w *World) period(label string, purposes []string) (time.Duration, bool) {
	var shortest time.Duration
	found := false
	for _, r := range w.scope.Data.Retention {
		if r.Label != label || r.Purpose != "" && !slices.Contains(purposes, r.Purpose) {
			continue
		}
		if !found || r.Keep < shortest {
			shortest, found = r.Keep, true
		}
	}
	return shortest, found
}

// keeps holds a place against the period of a label.
func (w *World) keeps(id, label string, purposes []string) Kept {
	k := Kept{Store: id, Label: label, Status: met, Rules: []KeptRule{}, Copies: []string{}}
	for _, c := range w.ahead().From(id) {
		if a := w.asset(c); a != nil && c != id && slices.Contains(w.labelNames(c), label) {
			ac, _ := part(c)
			ic, _ := part(id)
			if ac != ic {
				k.Copies = append(k.Copies, c)
			}
		}
	}
	limit, ok := w.period(label, purposes)
	if !ok {
		k.Status = notKnown
		k.Rules = append(k.Rules, KeptRule{"period", notKnown, "no period is stated for " + label, "data: retention: - {label: " + label + ", keep: 730d}"})
		return k
	}
	k.Days = int(limit.Hours() / 24)
	container, path := part(id)
	n, found := w.snap.Find(container)
	if !found {
		k.Status = notKnown
		return k
	}
	f := w.facts(n)
	switch f.a.Type {
	case "AWS::S3::Bucket":
		k.Rules = w.bucketKeeps(f, path, k.Days)
	case "AWS::Logs::LogGroup":
		k.Rules = []KeptRule{logKeeps(f, k.Days)}
	case "AWS::DynamoDB::Table":
		k.Rules = []KeptRule{tableKeeps(f)}
	default:
		k.Rules = []KeptRule{{"expiry", notKnown, "no rule of " + f.a.Type + " ends data by its age, and whether a job does is not known", "delete by age within the application, and scan again"}}
	}
	k.Rules = append(k.Rules, w.ages(container, path, label, limit)...)
	for _, r := range k.Rules {
		switch {
		case r.Status == unmet:
			k.Status = unmet
		case r.Status == notKnown && k.Status == met:
			k.Status = notKnown
		}
	}
	return k
}

// ages holds the oldest object that a scan found a label in against the period.
func (w *World) ages(container, path, label string, limit time.Duration) []KeptRule {
	cov := w.coverage(container, path)
	if cov.summary == nil {
		return []KeptRule{{"age of what lies there", notKnown, "nobody has looked into it", ""}}
	}
	for _, l := range cov.summary.Labels {
		if !slices.Contains(w.labelsOf(l), label) || l.Oldest.IsZero() {
			continue
		}
		age := cov.summary.Taken.Sub(l.Oldest)
		if age > limit {
			return []KeptRule{{"age of what lies there", unmet, fmt.Sprintf("the oldest object with %s is %d days old", l.Type, int(age.Hours()/24)), "delete what is over its period"}}
		}
	}
	return nil
}

// lifecycle is one rule of a bucket.
type lifecycle struct {
	prefix  string
	partial bool // it asks for tags or sizes too, and so binds not all
	rule    map[string]any
}

func lifecycles(f facts) (out []lifecycle) {
	for _, v := range f.list("GetBucketLifecycleConfiguration.Rules") {
		r := object(v)
		if textOf(r, "Status") != "Enabled" {
			continue
		}
		l := lifecycle{prefix: textOf(r, "Prefix"), rule: r}
		filter := object(r["Filter"])
		if p := textOf(filter, "Prefix"); p != "" {
			l.prefix = p
		}
		and := object(filter["And"])
		if p := textOf(and, "Prefix"); p != "" {
			l.prefix = p
		}
		for _, m := range []map[string]any{filter, and} {
			for name := range m {
				l.partial = l.partial || name != "Prefix" && name != "And"
			}
		}
		out = append(out, l)
	}
	return out
}

// bucketKeeps holds the lifecycle rules of a bucket against a period in days.
func (w *World) bucketKeeps(f facts, path string, days int) []KeptRule {
	const key = "GetBucketLifecycleConfiguration"
	name := f.a.Name
	if !f.known(key) {
		return []KeptRule{{"expiry", notKnown, key + " was not read", "grant s3:GetLifecycleConfiguration"}}
	}
	rules := slices.DeleteFunc(lifecycles(f), func(l lifecycle) bool { return !strings.HasPrefix(path, l.prefix) || l.partial })
	partial := slices.ContainsFunc(lifecycles(f), func(l lifecycle) bool { return l.partial || strings.HasPrefix(l.prefix, path) && l.prefix != path })
	least := func(read func(map[string]any) (float64, bool)) (int, bool) {
		n, ok := 0, false
		for _, l := range rules {
			if v, is := read(l.rule); is && (!ok || int(v) < n) {
				n, ok = int(v), true
			}
		}
		return n, ok
	}
	put := fmt.Sprintf("aws s3api put-bucket-lifecycle-configuration --bucket %s --lifecycle-configuration '{\"Rules\":[{\"ID\":\"retention\",\"Status\":\"Enabled\",\"Filter\":{\"Prefix\":\"%s\"},\"Expiration\":{\"Days\":%d},\"NoncurrentVersionExpiration\":{\"NoncurrentDays\":1},\"AbortIncompleteMultipartUpload\":{\"DaysAfterInitiation\":7}}]}'", name, path, max(days-1, 1))
	within := func(what string, n int, ok bool, none string) KeptRule {
		switch {
		case ok && n <= days:
			return KeptRule{what, met, fmt.Sprintf("ends after %d days, of %d", n, days), ""}
		case ok:
			return KeptRule{what, unmet, fmt.Sprintf("ends after %d days, %d are allowed", n, days), put}
		case partial:
			return KeptRule{what, notKnown, "rules bind a part of it only: by tag, size or prefix", put}
		}
		return KeptRule{what, unmet, none, put}
	}
	ends, ok := least(func(r map[string]any) (float64, bool) { return numberOf(object(r["Expiration"])["Days"]) })
	out := []KeptRule{within("expiry", ends, ok, "no lifecycle rule ends it")}
	versions := f.text("GetBucketVersioning.Status")
	switch {
	case !f.known("GetBucketVersioning"):
		out = append(out, KeptRule{"old versions", notKnown, "GetBucketVersioning was not read", ""})
	case versions != "": // suspended, too: what was kept before is kept
		old, has := least(func(r map[string]any) (float64, bool) {
			e := object(r["NoncurrentVersionExpiration"])
			if kept, some := numberOf(e["NewerNoncurrentVersions"]); some && kept > 0 {
				return 0, false // so many old versions of each object stay for ever
			}
			return numberOf(e["NoncurrentDays"])
		})
		r := within("old versions", ends+old, ok && has, "versions that were overwritten or deleted stay for ever")
		out = append(out, r)
		if !slices.ContainsFunc(rules, func(l lifecycle) bool { return truthOf(object(l.rule["Expiration"]), "ExpiredObjectDeleteMarker") }) && !ok {
			out = append(out, KeptRule{"delete markers", unmet, "markers of deleted objects stay, and with them their keys", put})
		}
	}
	if _, has := least(func(r map[string]any) (float64, bool) {
		return numberOf(object(r["AbortIncompleteMultipartUpload"])["DaysAfterInitiation"])
	}); !has {
		out = append(out, KeptRule{"unfinished uploads", unmet, "parts of uploads that nobody ended stay for ever, and no listing of objects shows them", put})
	} else {
		out = append(out, KeptRule{"unfinished uploads", met, "a rule ends them", ""})
	}
	return append(out, w.bucketHolds(f, days)...)
}

// bucketHolds looks for what keeps data beyond its period: locks and replicas.
func (w *World) bucketHolds(f facts, days int) (out []KeptRule) {
	const lock = "GetObjectLockConfiguration"
	switch d := object(f.at(lock + ".ObjectLockConfiguration.Rule.DefaultRetention")); {
	case !f.known(lock):
		out = append(out, KeptRule{"object lock", notKnown, lock + " was not read", ""})
	case d != nil:
		n, _ := numberOf(d["Days"])
		if years, ok := numberOf(d["Years"]); ok {
			n = years * 365
		}
		if int(n) > days {
			out = append(out, KeptRule{"object lock", unmet, fmt.Sprintf("objects are locked for %d days (%s), longer than the %d they may be kept: nothing can delete them before", int(n), textOf(d, "Mode"), days), "shorten the lock's default for new objects; what is locked in compliance mode stays until then"})
		}
	}
	if f.text(lock+".ObjectLockConfiguration.ObjectLockEnabled") == "Enabled" && object(f.at(lock+".ObjectLockConfiguration.Rule.DefaultRetention")) == nil {
		out = append(out, KeptRule{"object lock", notKnown, "objects may be locked or held one by one, and which are was not read: no rule ends those before", "aws s3api get-object-retention and get-object-legal-hold tell of one object"})
	}
	const replicas = "GetBucketReplication"
	if !f.known(replicas) {
		return append(out, KeptRule{"replicas", notKnown, replicas + " was not read", ""})
	}
	for _, v := range f.list(replicas + ".ReplicationConfiguration.Rules") {
		r := object(v)
		to := textOf(object(r["Destination"]), "Bucket")
		if textOf(r, "Status") != "Enabled" || to == "" {
			continue
		}
		n, ok := w.snap.Find(to)
		if !ok || w.snap.Asset(n).Referenced {
			out = append(out, KeptRule{"replica " + to, notKnown, "the replica's own rules were not read; a lifecycle rule here does not end what lies there", ""})
			continue
		}
		there := w.facts(n)
		if len(lifecycles(there)) == 0 && there.known("GetBucketLifecycleConfiguration") {
			out = append(out, KeptRule{"replica " + to, unmet, "the replica has no lifecycle rule: what ends here stays there", "give the replica the same rules"})
		}
		if textOf(object(r["DeleteMarkerReplication"]), "Status") != "Enabled" {
			out = append(out, KeptRule{"deletions in " + to, unmet, "deletions are not replicated: what is erased here stays there", "delete in the replica too, and by version"})
		}
	}
	return out
}

func logKeeps(f facts, days int) KeptRule {
	if !f.known("") {
		return KeptRule{"expiry", notKnown, "its description was not read", ""}
	}
	do := fmt.Sprintf("aws logs put-retention-policy --log-group-name %s --retention-in-days %d", f.a.Name, days)
	n, ok := numberOf(f.cfg["retentionInDays"])
	switch {
	case !ok:
		return KeptRule{"expiry", unmet, "it is kept for ever", do}
	case int(n) > days:
		return KeptRule{"expiry", unmet, fmt.Sprintf("ends after %d days, %d are allowed", int(n), days), do}
	}
	return KeptRule{"expiry", met, fmt.Sprintf("ends after %d days, of %d", int(n), days), ""}
}

func tableKeeps(f facts) KeptRule {
	if !f.known("DescribeTimeToLive") {
		return KeptRule{"expiry", notKnown, "DescribeTimeToLive was not read", ""}
	}
	if f.text("DescribeTimeToLive.TimeToLiveDescription.TimeToLiveStatus") == "ENABLED" {
		return KeptRule{"expiry", notKnown, "items end at the time each holds; whether that is within the period is not known", ""}
	}
	return KeptRule{"expiry", unmet, "no time to live is set: items stay for ever", "set one, or delete by age"}
}

// purposesOf are the purposes that the policy states for a workload.
func (w *World) purposesOf(workload string) (out []string) {
	for _, q := range w.scope.Data.Purposes {
		if len(q.Workloads) == 0 || slices.Contains(q.Workloads, workload) {
			out = append(out, q.Name)
		}
	}
	return out
}

// snapshots are backups of a database that hold what it held.
func (w *World) snapshots(n estate.Node) (out []string) {
	id := w.snap.Asset(n).ID
	name := w.snap.Asset(n).Name
	for _, m := range w.index.backups {
		switch a := w.snap.Asset(m); a.Type {
		case "AWS::RDS::DBSnapshot", "AWS::RDS::DBClusterSnapshot":
			if f := w.facts(m); f.text("DBInstanceIdentifier") == name || f.text("DBClusterIdentifier") == name {
				out = append(out, a.ID)
			}
		case "AWS::EC2::Snapshot":
			if f := w.facts(m); f.text("VolumeId") != "" && strings.HasSuffix(id, "/"+f.text("VolumeId")) {
				out = append(out, a.ID)
			}
		}
	}
	return out
}

// retention decides data.retention: periods are stated and met, and what was to be
// erased is.
func (j *jury) retention(p *party) finding.Criterion {
	c := finding.Criterion{ID: "data.retention"}
	if p.nothing(&c) {
		return c
	}
	claim := finding.Claim{Claim: "stores and labels held against their period", Source: "sevenfold.yaml, data: retention; lifecycle rules; data scan"}
	var fails, unsure []string
	purposes := j.w.purposesOf(p.Name)
	for _, id := range p.places {
		if why := j.w.unclassified(id); why != "" {
			unsure = append(unsure, id+": "+why)
			c.Hint = j.scanHint(id)
		}
		for _, label := range j.w.labelNames(id) {
			if _, is := j.w.scope.Data.DemandsOf(label); !is {
				continue // a type under a label that is asked of itself
			}
			claim.Of++
			k := j.w.keeps(id, label, purposes)
			if k.Status != notKnown {
				claim.Examined++
			}
			for _, r := range k.Rules {
				text := fmt.Sprintf("%s, %s: %s: %s", id, label, r.What, r.Why)
				switch r.Status {
				case unmet:
					fails = append(fails, text)
					var do []string
					if strings.HasPrefix(r.Do, "aws ") {
						do = []string{r.Do}
					}
					c.Findings = append(c.Findings, j.find(Overdue, id, label+r.What, finding.Medium, []finding.Evidence{{What: r.What, Where: "store", Value: r.Why}, {What: "period", Where: "sevenfold.yaml, data: retention", Value: fmt.Sprintf("%s %d days", label, k.Days)}}, do))
				case notKnown:
					unsure = append(unsure, text)
					if c.Hint == "" {
						c.Hint = r.Do
					}
				}
			}
			for _, s := range j.backups(id) {
				unsure = append(unsure, fmt.Sprintf("%s holds %s too, and nothing says when it ends", s, label))
			}
		}
	}
	for i := range j.w.known.Erasures {
		e := &j.w.known.Erasures[i]
		if e.Closed || !e.touches(p) {
			continue
		}
		fails = append(fails, fmt.Sprintf("erasure %s, begun on %s, is not done", e.ID, e.Begun.Format("2006-01-02")))
		c.Findings = append(c.Findings, j.find(OpenErase, p.root(), e.ID, finding.High, []finding.Evidence{{What: "case", Where: "state", Value: e.ID}, {What: "places left", Where: "case", Value: fmt.Sprint(len(e.Places))}, {What: "models trained on it", Where: "case", Value: fmt.Sprint(len(e.Models))}}, nil))
	}
	for _, id := range p.unread {
		unsure = append(unsure, id+" was not read")
	}
	c.Evidence = []finding.Claim{claim}
	if claim.Of == 0 && len(fails)+len(unsure) == 0 {
		c.Evidence = []finding.Claim{{Claim: "stores looked into, in which no label was found", Examined: len(p.places), Of: len(p.places), Source: "data scan, kept in the state"}}
	}
	verdictOf(&c, fails, unsure, fmt.Sprintf("what %d stores keep ends within its period", len(p.places)))
	return c
}

func (j *jury) backups(id string) []string {
	container, _ := part(id)
	if n, ok := j.w.snap.Find(container); ok {
		return j.w.snapshots(n)
	}
	return nil
}

// Retained tells how long labelled data is kept, of the stores of all workloads.
func (w *World) Retained(workloads *scope.Workloads) *Retained {
	j := &jury{w: w, workloads: workloads, told: map[string]bool{}}
	out := &Retained{Stores: []Kept{}, Unclassified: []string{}, Open: []Case{}}
	seen := map[string]bool{}
	for i := range j.workloads.List {
		p := j.party(&j.workloads.List[i])
		purposes := w.purposesOf(p.Name)
		for _, id := range p.places {
			if why := w.unclassified(id); why != "" && !seen[id] {
				out.Unclassified = append(out.Unclassified, id+": "+why)
			}
			for _, label := range w.labelNames(id) {
				if _, is := w.scope.Data.DemandsOf(label); is && !seen[id+label] {
					out.Stores = append(out.Stores, w.keeps(id, label, purposes))
				}
				seen[id+label] = true
			}
			seen[id] = true
		}
	}
	for _, e := range w.known.Erasures {
		if !e.Closed {
			out.Open = append(out.Open, e)
		}
	}
	slices.Sort(out.Unclassified)
	slices.SortStableFunc(out.Stores, func(a, b Kept) int { return strings.Compare(a.Store+a.Label, b.Store+b.Label) })
	return out
}

// Exit is the exit code that it stands for.
func (r *Retained) Exit() int {
	code := 0
	if len(r.Unclassified) > 0 || len(r.Stores) == 0 {
		code = 3
	}
	for _, k := range r.Stores {
		switch k.Status {
		case unmet:
			return 1
		case notKnown:
			code = 3
		}
	}
	if len(r.Open) > 0 {
		return 1
	}
	return code
}
