package admission

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Bounds of a ScaleVerdict, as its definition has them.
const (
	maxListed    = 2000
	maxWorkloads = 1000
	maxReason    = 600
)

// Verdict is the spec of a ScaleVerdict: how far the objects of a namespace may
// grow. Keys are KIND/NAME.
type Verdict struct {
	Unlisted int               `json:"unlisted"`
	Limits   map[string]int    `json:"limits,omitempty"`
	Reasons  map[string]string `json:"reasons,omitempty"`
	Expires  map[string]string `json:"expires,omitempty"` // RFC 3339
	Serials  map[string]int64  `json:"serials,omitempty"` // by workload id
	// BreakGlass says by whom, until when and why the gate is open, if it is.
	BreakGlass string `json:"breakGlass,omitempty"`

	// What the webhook needs beyond that, by the same keys: what may be had
	// without a certificate, the name of the workload certified, and what the
	// object was then. Only what is written costs the API server anything.
	pilots  map[string]int
	names   map[string]string
	digests map[string]string
	// covers are the sizes of what bounds objects that were made for others, for
	// the floor, which does not know owners.
	covers map[string]int
	// grants are the certificates by which objects are listed.
	grants map[string]*Grant
}

// limit is how far an object may grow by this verdict.
func (v *Verdict) limit(key string) int {
	if n, ok := v.Limits[key]; ok {
		return n
	}
	return v.Unlisted
}

func (v *Verdict) pilot(key string) int {
	if n, ok := v.pilots[key]; ok {
		return n
	}
	return v.Unlisted
}

// why says why the limit is what it is, and how to raise it.
func (v *Verdict) why(key string) string {
	if r, ok := v.Reasons[key]; ok {
		return r
	}
	return "no valid certificate names it; certify the workload it belongs to: sevenfold gate certify WORKLOAD"
}

// equal compares what is written, an empty map being none.
func (v *Verdict) equal(w *Verdict) bool {
	return v.Unlisted == w.Unlisted && v.BreakGlass == w.BreakGlass && maps.Equal(v.Limits, w.Limits) && maps.Equal(v.Reasons, w.Reasons) &&
		maps.Equal(v.Expires, w.Expires) && maps.Equal(v.Serials, w.Serials)
}

// outlook is what verdicts are drawn up from.
type outlook struct {
	grants   []Grant
	refused  []Refused
	floor    map[string]int64 // the highest serial seen, by workload
	now      time.Time
	unlisted int
	kinds    *kinds
	digest   Digest
	seen     func(namespace, kind, name string) (json.RawMessage, bool)
	// known are the digests of objects, NAMESPACE/KIND/NAME, that have not
	// changed since they were found to be what was certified.
	known map[string]string
}

// verdict draws up the verdict of a namespace. Serials of the one before stay.
func (o *outlook) verdict(namespace string, before *Verdict) *Verdict {
	v := &Verdict{Unlisted: o.unlisted, Limits: map[string]int{}, Reasons: map[string]string{}, Expires: map[string]string{},
		digests: map[string]string{}, Serials: map[string]int64{}, pilots: map[string]int{}, names: map[string]string{}, grants: map[string]*Grant{}}
	if before != nil {
		maps.Copy(v.Serials, before.Serials)
	}
	for _, r := range o.refused {
		for _, object := range r.Objects {
			if key, ok := o.kinds.within(object, namespace); ok && len(v.Reasons) < maxListed {
				v.Reasons[key] = reason("%s", r.Why)
				v.saw(r.Workload, r.Serial, o.floor)
			}
		}
	}
	for i := range o.grants {
		o.add(v, &o.grants[i], namespace)
	}
	return v
}

// add enters what one grant says of a namespace.
func (o *outlook) add(v *Verdict, g *Grant, namespace string) {
	for _, object := range slices.Sorted(maps.Keys(g.Limits)) {
		key, ok := o.kinds.within(object, namespace)
		if !ok {
			continue
		}
		if _, listed := v.Limits[key]; !listed && len(v.Limits) >= maxListed {
			continue // unlisted: held to the pilot
		}
		v.saw(g.Workload, g.Serial, o.floor)
		limit, why, digest := o.judge(g, object, key, namespace)
		pilot := o.unlisted
		if n, ok := g.Pilot[object]; ok {
			pilot = max(n, 0)
		}
		if had, listed := v.Limits[key]; listed && had >= max(limit, pilot) {
			continue // another certificate allows as much
		}
		v.Limits[key], v.Reasons[key], v.pilots[key] = max(limit, pilot), why, pilot
		v.names[key], v.grants[key] = g.Name, g
		delete(v.Expires, key)
		delete(v.digests, key)
		if digest != "" {
			v.Expires[key], v.digests[key] = g.Expires.UTC().Format(time.RFC3339), digest
		}
	}
}

// saw notes the serial of a certificate, or the highest one seen elsewhere.
func (v *Verdict) saw(workload string, serial int64, floor map[string]int64) {
	had, noted := v.Serials[workload]
	if serial = max(serial, floor[workload]); serial > had && (noted || len(v.Serials) < maxWorkloads) {
		v.Serials[workload] = serial
	}
}

// judge says how far a grant lets one object grow, and why; digest is empty if
// the grant does not hold for it.
func (o *outlook) judge(g *Grant, object, key, namespace string) (limit int, why, digest string) {
	again := fmt.Sprintf("certify it again: sevenfold gate certify %s", g.Name)
	certified, limit := g.Digests[object], g.Limits[object]
	switch {
	case g.Serial < o.floor[g.Workload]:
		return 0, reason("certificate %d of workload %s is older than certificate %d, which has been seen; give the gate the newest, or %s", g.Serial, g.Name, o.floor[g.Workload], again), ""
	case !o.now.Before(g.Expires):
		return 0, reason("certificate %d of workload %s expired on %s; %s", g.Serial, g.Name, g.Expires.UTC().Format(time.RFC3339), again), ""
	case g.Serial <= 0 || limit < 0 || limit > math.MaxInt32 || certified == "":
		return 0, reason("certificate %d of workload %s does not say what was certified of it; %s", g.Serial, g.Name, again), ""
	}
	if why := o.changed(g.Name, object, key, namespace, certified); why != "" {
		return 0, why, ""
	}
	return limit, reason("certificate %d of workload %s allows %d until %s; for more, raise the workload's limit and run sevenfold gate certify %s",
		g.Serial, g.Name, limit, g.Expires.UTC().Format(time.RFC3339), g.Name), certified
}

// changed says why an object is not what was certified; empty if it is, or is
// not there: it may be made as it was certified, and the webhook looks.
func (o *outlook) changed(workload, object, key, namespace, certified string) string {
	if o.known[object] == certified {
		return ""
	}
	kind, name, _ := strings.Cut(key, "/")
	live, there := o.seen(namespace, kind, name)
	if !there {
		return ""
	}
	why := o.digest.differs(workload, kind, namespace, name, certified, live)
	if why == "" {
		o.known[object] = certified
	}
	return why
}

// differs says why an object is not what was certified; empty if it is.
func (d Digest) differs(workload, kind, namespace, name, certified string, object json.RawMessage) string {
	switch got, err := d(kind, namespace, name, object); {
	case err != nil:
		return reason("it cannot be told whether it is still what was certified (%v); certify it again: sevenfold gate certify %s", err, workload)
	case got != certified:
		return reason("it was changed since workload %s was certified; certify it again: sevenfold gate certify %s", workload, workload)
	}
	return ""
}

// newest keeps of each workload's grants the one with the highest serial, the
// later expiry deciding between equals, in order of the workloads.
func newest(grants []Grant) []Grant {
	best := map[string]Grant{}
	for _, g := range grants {
		b, ok := best[g.Workload]
		if !ok || g.Serial > b.Serial || g.Serial == b.Serial && g.Expires.After(b.Expires) {
			best[g.Workload] = g
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b Grant) int { return cmp.Compare(a.Workload, b.Workload) })
}

// reason is one line within the bounds of a ScaleVerdict: the API server shows
// no message with a line break.
func reason(format string, args ...any) string {
	text := strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason-len("…")], "") + "…"
	}
	return text
}

// parseVerdict reads a spec.
func parseVerdict(spec json.RawMessage) (*Verdict, error) {
	v := &Verdict{}
	if err := json.Unmarshal(spec, v); err != nil {
		return nil, err
	}
	return v, nil
}
