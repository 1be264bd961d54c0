package assess

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/probe"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/respond"
	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// Quiet tells how long step 4 has not seen a scenario on a workload.
type Quiet interface {
	// Last is when a signal of the scenario was last seen, zero: never; and since when
	// events are looked at, zero: not known.
	Last(ctx context.Context, workload, scenario string) (last, since time.Time, err error)
}

// Returning is what the checks of a return need beside the estate.
type Returning struct {
	// Quiet tells what detections saw; nil: nothing does.
	Quiet Quiet
	// Standing is what containment changed and was not taken back.
	Standing []playbook.Effect
	// Versions reads stores; nil: nothing can.
	Versions Versions
}

// ReturnChecks answer what return to production asks of an incident's workload, from an
// estate that was read just now.
func ReturnChecks(ctx context.Context, i *respond.Incident, res *Result, o Options, with Returning) respond.Checks {
	at := slices.IndexFunc(res.Workloads.List, func(w finding.Workload) bool { return w.Name == i.Workload || w.ID == i.Workload })
	if at < 0 {
		none := func() (respond.Light, string) {
			return respond.Unknown, fmt.Sprintf("the estate has no workload %q: say it at incident open --workload", i.Workload)
		}
		return respond.Checks{"artifact": none, "lineage": none, "behaviour": none, "permissions": none, "drift": none, "quiet": none}
	}
	r := &returning{ctx: ctx, i: i, res: res, o: o, w: &res.Workloads.List[at], Returning: with}
	if n := slices.IndexFunc(o.Scope.Respond.Returns, func(s scope.Return) bool { return s.Workload == r.w.Name }); n >= 0 {
		r.set = &o.Scope.Respond.Returns[n]
	}
	return respond.Checks{
		"artifact": r.artifact, "lineage": r.lineage, "behaviour": r.behaviour,
		"permissions": func() (respond.Light, string) { return r.differs(true) },
		"drift":       func() (respond.Light, string) { return r.differs(false) },
		"quiet":       func() (respond.Light, string) { return r.silence(with.Quiet) },
	}
}

type returning struct {
	ctx context.Context
	i   *respond.Incident
	res *Result
	o   Options
	w   *finding.Workload
	set *scope.Return // nil: nothing is set for the workload
	Returning
}

// near reports whether an asset is of the workload or touched by it.
func (r *returning) near(asset string) bool {
	return slices.Contains(r.w.Members, asset) || slices.Contains(r.w.Touches, asset) || slices.Contains(r.w.Roots, asset)
}

// drifts reports whether a difference of an asset is one of the workload: it is near, starts
// it, or is what containment acts on.
func (r *returning) drifts(asset string) bool {
	return r.near(asset) || slices.Contains(respond.Starters(r.res.Snapshot, r.w), asset) || r.contained(asset)
}

// baseline is the approved one, or why there is none that counts.
func (r *returning) baseline() (*audit.Approved, string) {
	switch b := r.o.Baseline; {
	case b == nil:
		return nil, "no baseline is approved: sevenfold baseline approve"
	case b.Refused != "":
		return nil, "the baseline does not count: " + b.Refused
	case b.Drift == nil:
		return nil, "what differs from the baseline was not told"
	default:
		return b, ""
	}
}

// rights reports whether a difference is one of who may do what.
func isRights(snap *estate.Snapshot, rec *audit.Record) bool {
	if strings.Contains(rec.Type, "IAM") || strings.Contains(rec.Type, "rbac.") || strings.Contains(rec.Type, "ServiceAccount") || strings.HasSuffix(rec.Type, "Policy") {
		return true
	}
	n, ok := snap.Find(rec.Asset)
	if !ok {
		return false
	}
	k := snap.Asset(n).Kind
	return k == estate.KindIdentity || k == estate.KindPolicy
}

// contained reports whether an asset is what containment acts on, a part of that, or
// something that containment made beside it, which all bear our name.
func (r *returning) contained(asset string) bool {
	for _, e := range r.Standing {
		t := e.Call.Target
		if asset == t || strings.HasPrefix(asset, t+"#") || strings.HasSuffix(asset, "/"+t) || strings.Contains(asset, "/sevenfold-") || strings.Contains(asset, "#policy/sevenfold-") {
			return true
		}
	}
	return false
}

// differs looks for open differences from the baseline: of rights, or of all else.
func (r *returning) differs(rights bool) (respond.Light, string) {
	b, why := r.baseline()
	if b == nil {
		return respond.Unknown, why
	}
	var bad, held, unseen []string
	for n := range b.Drift.Records {
		rec := &b.Drift.Records[n]
		if rec.Status == audit.StatusAccepted || isRights(r.res.Snapshot, rec) != rights || !rights && !r.drifts(rec.Asset) {
			continue
		}
		if rec.What == audit.WhatUnseen {
			unseen = append(unseen, rec.Asset)
			continue
		}
		if text := rec.ID + " " + rec.Asset; r.contained(rec.Asset) {
			held = append(held, text)
		} else {
			bad = append(bad, text)
		}
	}
	what := map[bool]string{true: "who may do what", false: "the workload"}[rights]
	switch {
	case len(bad) > 0:
		return respond.Red, fmt.Sprintf("%s differs from the baseline of %s: %s", what, b.Approved.Format(time.DateOnly), strings.Join(bad[:min(len(bad), 5)], ", "))
	case len(held) > 0 && len(unseen) == 0:
		return respond.Held, "what containment changed stands: " + strings.Join(held[:min(len(held), 5)], ", ") + ": sevenfold respond incident undo " + r.i.ID + ", then check again"
	case len(unseen) > 0:
		return respond.Unknown, "could not be read again: " + strings.Join(unseen[:min(len(unseen), 5)], ", ")
	}
	return respond.Green, fmt.Sprintf("%s equals the baseline of %s", what, b.Approved.Format(time.DateOnly))
}

// artifact: what is served is named by its hash, and it is the one that was approved
// and signed.
func (r *returning) artifact() (respond.Light, string) {
	b, why := r.baseline()
	if b == nil {
		return respond.Unknown, why
	}
	now, loose := served(r.res.Snapshot, r.w)
	then, _ := served(b.Snapshot, r.w)
	switch {
	case len(loose) > 0:
		return respond.Red, "served by a name that can be moved, not by a hash: " + strings.Join(loose[:min(len(loose), 3)], ", ")
	case len(now) == 0 && (r.w.Type == estate.ClassPipeline || r.w.Type == estate.ClassTraining):
		return respond.Green, "a " + string(r.w.Type) + " serves nothing"
	case len(now) == 0:
		return respond.Unknown, "the graph shows no hash of what is served"
	}
	for _, h := range now {
		if !slices.Contains(then, h) {
			return respond.Red, h + " is not what the signed baseline has"
		}
	}
	return respond.Green, fmt.Sprintf("%d artefacts have the hashes of the signed baseline", len(now))
}

// served are the artefacts that a workload loads or serves: those named by a hash, and
// those that are not.
func served(snap *estate.Snapshot, w *finding.Workload) (hashes, loose []string) {
	for _, id := range slices.Concat(w.Members, w.Touches) {
		n, ok := snap.Find(id)
		if !ok {
			continue
		}
		for e := range snap.Out(n) {
			if e.Type != estate.Loads {
				continue
			}
			to := snap.Asset(e.Node).ID
			if strings.Contains(to, "@sha256:") {
				hashes = append(hashes, to)
			} else {
				loose = append(loose, to)
			}
		}
	}
	slices.Sort(hashes)
	slices.Sort(loose)
	return slices.Compact(hashes), slices.Compact(loose)
}

// lineage: nothing poisoned is upstream of the workload, and no model of it was made of
// what was. That something elsewhere was poisoned says nothing of the workload: where
// nothing else is named, somebody has to say that nothing of it was.
func (r *returning) lineage() (respond.Light, string) {
	var good, bad, untold, aside []string
	for _, t := range r.i.Poisoned() {
		light, why := r.clean(&t)
		switch light {
		case respond.Green:
			good = append(good, why)
		case respond.Held:
			aside = append(aside, why)
		case respond.Red:
			bad = append(bad, why)
		default:
			untold = append(untold, why)
		}
	}
	none := r.i.Unpoisoned()
	switch {
	case len(bad) > 0:
		return respond.Red, strings.Join(append(bad, untold...), "; ")
	case len(untold) > 0:
		return respond.Unknown, strings.Join(untold, "; ")
	case len(good) > 0:
		return respond.Green, strings.Join(append(good, aside...), "; ")
	case none != nil:
		return respond.Green, strings.Join(append([]string{fmt.Sprintf("%s says that nothing it has was poisoned: %s", none.By, none.Nothing)}, aside...), "; ")
	}
	aside = append(aside, fmt.Sprintf("which data or model of it was touched is not said: sevenfold respond incident taint %s --asset ID, or --nothing REASON", r.i.ID))
	return respond.Unknown, strings.Join(aside, "; ")
}

// clean decides of one poisoned thing whether the workload is rid of it; Held: it never
// had anything of it.
func (r *returning) clean(t *respond.Taint) (respond.Light, string) {
	hit, ok := Downstream(r.res.Snapshot, t.Asset)
	if !ok {
		return respond.Unknown, "the graph has no " + t.Asset
	}
	on := slices.DeleteFunc(slices.Clone(hit), func(id string) bool { return !r.near(id) })
	if len(on) == 0 && !r.near(t.Asset) {
		return respond.Held, fmt.Sprintf("%s is not upstream of it (%d assets are downstream)", t.Asset, len(hit))
	}
	by := strings.Join(on[:min(len(on), 4)], ", ")
	if len(t.Versions) == 0 {
		return respond.Red, fmt.Sprintf("%s is upstream of it, by %s, and which of its versions are poisoned is not said (sevenfold respond incident taint %s --version)", t.Asset, orSelf(by), r.i.ID)
	}
	since := t.Since
	for _, v := range t.Versions {
		if r.Versions == nil {
			return respond.Unknown, "which version of " + t.Asset + " is the current one cannot be told here"
		}
		current, written, err := r.Versions(r.ctx, t.Asset, v)
		switch {
		case err != nil:
			return respond.Unknown, "which version of " + t.Asset + " is the current one: " + strings.ReplaceAll(err.Error(), "\n", " ")
		case current:
			return respond.Red, fmt.Sprintf("the poisoned version %s of %s is the current one", v, t.Asset)
		case t.Since.IsZero() && (since.IsZero() || written.Before(since)):
			since = written
		}
	}
	if since.IsZero() {
		return respond.Unknown, "since when " + t.Asset + " was poisoned is not known: --since TIME"
	}
	return r.trainedBefore(t, since, on)
}

func orSelf(s string) string {
	if s == "" {
		return "itself"
	}
	return s
}

// trainedBefore decides whether the models and the runs that made them, of those
// downstream that the workload has, are older than the poison.
func (r *returning) trainedBefore(t *respond.Taint, since time.Time, on []string) (respond.Light, string) {
	var bad, untold []string
	for _, id := range on {
		n, ok := r.res.Snapshot.Find(id)
		if !ok {
			continue
		}
		if a := r.res.Snapshot.Asset(n); a.Kind != estate.KindModel && !isRun(a) {
			continue
		}
		switch at := madeAt(r.res.Snapshot, n); {
		case at.IsZero():
			untold = append(untold, id)
		case !at.Before(since):
			bad = append(bad, id)
		}
	}
	switch {
	case len(bad) > 0:
		return respond.Red, fmt.Sprintf("made since %s was poisoned (%s): %s", t.Asset, since.UTC().Format(time.RFC3339), strings.Join(bad[:min(len(bad), 4)], ", "))
	case len(untold) > 0:
		return respond.Unknown, "when they were made is not known: " + strings.Join(untold[:min(len(untold), 4)], ", ")
	}
	return respond.Green, fmt.Sprintf("no poisoned version of %s is the current one, and no model here was made since %s", t.Asset, since.UTC().Format(time.RFC3339))
}

// isRun reports whether an asset is one run that makes something, not what starts runs.
func isRun(a *estate.Asset) bool {
	return strings.HasSuffix(a.Type, "TrainingJob") || a.Type == "batch/v1/Job"
}

// madeAt is when an asset was made: what the provider says of it, else when the latest of
// the runs began that make it; zero where that is not known.
func madeAt(snap *estate.Snapshot, n estate.Node) time.Time {
	if at := snap.Asset(n).Created; !at.IsZero() {
		return at
	}
	var latest time.Time
	for e := range snap.In(n) {
		if e.Type != estate.Trains && e.Type != estate.Writes || !isRun(snap.Asset(e.Node)) {
			continue // what starts runs is older than what they make
		}
		at := snap.Asset(e.Node).Created
		if at.IsZero() {
			return at
		}
		if at.After(latest) {
			latest = at
		}
	}
	return latest
}

// Versions tells of an object whether a version, or another of its content, is the
// current one, and when it was written.
type Versions func(ctx context.Context, object, version string) (current bool, written time.Time, err error)

// VersionsBy asks the store by the responder's actions; nil where those have none.
func VersionsBy(actions respond.Actions) Versions {
	read := actions["aws.s3.restore-version"]
	if read == nil {
		return nil
	}
	return func(ctx context.Context, object, version string) (bool, time.Time, error) {
		text, err := read.Read(ctx, object, map[string]string{"version": version})
		if err != nil {
			return false, time.Time{}, err
		}
		var said struct {
			Versions []struct {
				Version, ETag, Modified string
				Latest, Deleted         bool
			}
		}
		if err := json.Unmarshal(text, &said); err != nil {
			return false, time.Time{}, err
		}
		var latest, etag string
		var written time.Time
		for _, v := range said.Versions {
			if v.Version == version {
				etag = v.ETag
				written, _ = time.Parse(time.RFC3339, v.Modified) // zero: asked for
			}
			if v.Latest && !v.Deleted {
				latest = v.ETag
			}
		}
		return latest != "" && latest == etag, written, nil
	}
}

// Downstream are the assets that what lies in one can have reached: jobs that read it,
// what they write and train, what serves or loads that. The blast radius of poisoned
// data. It is false where the graph has no such asset.
func Downstream(snap *estate.Snapshot, from string) ([]string, bool) {
	n, ok := snap.Find(from)
	if !ok { // an object: its bucket
		if bucket, _, isObject := strings.Cut(from, "/"); isObject && strings.HasPrefix(from, "arn:") {
			n, ok = snap.Find(bucket)
		}
	}
	if !ok {
		return nil, false
	}
	seen := map[estate.Node]bool{n: true}
	ahead := []estate.Node{n}
	for len(ahead) > 0 {
		at := ahead[len(ahead)-1]
		ahead = ahead[:len(ahead)-1]
		step := func(to estate.Node) {
			if !seen[to] {
				seen[to] = true
				ahead = append(ahead, to)
			}
		}
		for e := range snap.In(at) { // who takes from it
			if e.Type == estate.Reads || e.Type == estate.Serves || e.Type == estate.Loads || e.Type == estate.Uses {
				step(e.Node)
			}
		}
		for e := range snap.Out(at) { // what it makes of that
			if e.Type == estate.Writes || e.Type == estate.Trains {
				step(e.Node)
			}
		}
	}
	delete(seen, n)
	out := make([]string, 0, len(seen))
	for m := range seen {
		if a := snap.Asset(m); a.Type != estate.SetType {
			out = append(out, a.ID)
		}
	}
	slices.Sort(out)
	return out, true
}

// behaviour runs the probes that are set, and reads the runs of garak.
func (r *returning) behaviour() (respond.Light, string) {
	if r.set == nil || r.set.Probes == "" {
		return respond.Unknown, "no probes are set (respond.return); accuracy alone shows no backdoor"
	}
	file := r.set.Probes
	if !filepath.IsAbs(file) {
		file = filepath.Join(filepath.Dir(r.o.Scope.File), file)
	}
	set, err := probe.Load(file)
	if err != nil {
		return respond.Unknown, strings.ReplaceAll(err.Error(), "\n", " ")
	}
	var bad, untold []string
	results := probe.Run(r.ctx, nil, set.Probes)
	for i := range set.Garak {
		results = append(results, set.Garak[i].Judge(filepath.Dir(file), r.i.At[respond.Recovering]))
	}
	for _, p := range results {
		switch {
		case p.Err != nil:
			untold = append(untold, p.Name+": "+strings.ReplaceAll(p.Err.Error(), "\n", " "))
		case !p.OK:
			bad = append(bad, p.Name+": "+p.Why)
		}
	}
	switch {
	case len(bad) > 0:
		return respond.Red, strings.Join(append(bad, untold...), "; ")
	case len(untold) > 0:
		return respond.Unknown, strings.Join(untold, "; ")
	}
	why := fmt.Sprintf("%d probes answer as the known-good model does", len(set.Probes))
	if n := len(set.Garak); n > 0 {
		why += fmt.Sprintf("; %d runs of garak pass as it does", n)
	}
	return respond.Green, why
}

// quiet: no detection of the scenario for the time that was set.
func (r *returning) silence(q Quiet) (respond.Light, string) {
	switch {
	case r.set == nil:
		return respond.Unknown, "how long it has to be quiet is not set (respond.return)"
	case q == nil:
		return respond.Unknown, "nothing here tells what detections saw"
	}
	last, since, err := q.Last(r.ctx, r.w.ID, r.i.Scenario)
	switch {
	case err != nil:
		return respond.Unknown, err.Error()
	case r.o.Now.Sub(last) < r.set.Quiet:
		return respond.Red, fmt.Sprintf("last seen %s, less than %s ago", last.Format(time.RFC3339), r.set.Quiet)
	}
	if since.IsZero() || r.o.Now.Sub(since) < r.set.Quiet {
		return respond.Unknown, "events have not been looked at for " + r.set.Quiet.String() + " yet"
	}
	return respond.Green, "not seen for " + r.set.Quiet.String()
}
