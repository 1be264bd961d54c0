package assess

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
	"github.com/sevenfold-sec/sevenfold/stream"
)

// RowOf is an event as the archive keeps it. Its texts are the event's.
func RowOf(e *ocsf.Event) stream.Row {
	r := stream.Row{Time: e.Time, ID: e.ID, Source: e.Source.String(), Class: int32(e.Class), Account: e.Account, Region: e.Region, Service: e.Service, Action: e.Action,
		Principal: e.Actor.ID, ActorType: e.Actor.Type, SourceIP: e.SourceIP, Failed: e.Failed, Raw: e.Raw}
	if !e.Source.OwnID() {
		r.Sum = hash(e.Raw)
	}
	if e.AI != nil {
		r.Model = e.AI.Model
	}
	return r
}

// eventOf reads an archived event again.
func eventOf(d *ocsf.Decoder, r *stream.Row, e *ocsf.Event) error {
	return d.Restore(ocsf.SourceOf(r.Source), r.Raw, [...]string{r.Account, r.Region, r.ActorType, r.Principal, r.Model}, e)
}

// Archived gives the archived events that are looked for, in order of time as far as
// files go, until take returns an error. What cannot be read any more is rejected.
func (f *EventFiles) Archived(a *stream.Archive, q stream.Query, mapping *ocsf.Mapping, take func(*ocsf.Event) error) (err error) {
	d := ocsf.Decoder{Mapping: mapping}
	f.Files += len(a.Segments())
	problem := a.Find(q, func(row stream.Row) bool {
		var e ocsf.Event
		if bad := eventOf(&d, &row, &e); bad != nil {
			f.reject("archive, event "+row.ID, &ocsf.Rejected{Reason: bad.Error()})
			return true
		}
		if f.duplicate(&e) {
			f.Duplicates++
			return true
		}
		f.note(&e)
		err = take(&e)
		return err == nil
	})
	if problem != nil {
		for line := range strings.SplitSeq(problem.Error(), "\n") {
			f.reject("archive", &ocsf.Rejected{Reason: line})
		}
	}
	return err
}
