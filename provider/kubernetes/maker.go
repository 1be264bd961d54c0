package kubernetes

import (
	"regexp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// What controllers put behind the name of what they make: the hash of a pod
// template in the alphabet Kubernetes writes hashes in, the minute of a run.
var (
	templateHash = regexp.MustCompile(`^(.+)-[bcdfghjklmnpqrstvwxz2456789]{6,10}$`)
	runMinute    = regexp.MustCompile(`^(.+)-[0-9]{6,10}$`)
)

// makerOf names the object that, by its name, made a ReplicaSet or Job: exports
// of Deployments and pods often leave out the ReplicaSets between them. It is ""
// for any other id, and may name an object that is not there.
func makerOf(id string) string {
	at := strings.LastIndexByte(id, '/')
	if at < 0 {
		return ""
	}
	place, name := id[:at], id[at+1:]
	if before, ok := strings.CutSuffix(place, "/ReplicaSet"); ok {
		if m := templateHash.FindStringSubmatch(name); m != nil {
			return before + "/Deployment/" + m[1]
		}
	}
	if before, ok := strings.CutSuffix(place, "/Job"); ok {
		if m := runMinute.FindStringSubmatch(name); m != nil {
			return before + "/CronJob/" + m[1]
		}
	}
	return ""
}

// maker joins a ReplicaSet or Job that was not read to the Deployment or CronJob
// that was and whose name it bears.
func (d *derivation) maker(s *estate.Snapshot, a *estate.Asset) {
	if !strings.HasPrefix(a.ID, "k8s://") {
		return
	}
	id := makerOf(a.ID)
	if n, ok := s.Find(id); id != "" && ok && !s.Asset(n).Referenced {
		d.relations = append(d.relations, estate.Relation{From: id, To: a.ID, Type: estate.Contains, Tier: estate.Possible, Evidence: "the name " + a.ID[strings.LastIndexByte(a.ID, '/')+1:]})
	}
}
