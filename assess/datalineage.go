package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/openlineage"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// LineagePrefix begins a source of lineage: lineage:PATH, a file or folder of OpenLineage
// events. They hold no asset, and say where data goes.
const LineagePrefix = "lineage:"

// PipelinesPrefix begins a source of definitions: pipelines:PATH, a file or folder of DAGs
// of Airflow's and compiled pipelines of Kubeflow's. They hold no asset, and declare where
// data goes.
const PipelinesPrefix = "pipelines:"

// Lineage is a file or folder that says where data goes.
type Lineage struct {
	Path string
	// Declares is true of definitions of pipelines, false of events.
	Declares bool
}

// Lineages are the files that say where data goes, among sources. The error names a source
// without a path.
func Lineages(sources []string) (out []Lineage, err error) {
	for _, s := range sources {
		p, ok := strings.CutPrefix(s, LineagePrefix)
		hint := "lineage:PATH, a file or folder of OpenLineage events"
		declares := false
		if !ok {
			p, declares = strings.CutPrefix(s, PipelinesPrefix)
			hint = "pipelines:PATH, a file or folder of Airflow's DAGs or Kubeflow's compiled pipelines"
		}
		if !ok && !declares {
			continue
		}
		if p == "" {
			return nil, &SourceError{s, "it names no file", hint}
		}
		if _, err := os.Stat(p); err != nil {
			return nil, &SourceError{s, "it cannot be read", "name a file or folder that is there"}
		}
		out = append(out, Lineage{p, declares})
	}
	return out, nil
}

// maxSeenFlows bounds how many different flows are kept.
const maxSeenFlows = 200_000

// seenFlows gathers flows, each once.
type seenFlows struct {
	list []data.SeenFlow
	at   map[flowKey]bool
	lost bool
}

type flowKey struct {
	from, to string
	declared bool
}

func (s *seenFlows) add(from, to, evidence string) { s.put(from, to, evidence, false) }

func (s *seenFlows) put(from, to, evidence string, declared bool) {
	k := flowKey{from, to, declared}
	if s.at == nil {
		s.at = map[flowKey]bool{}
	}
	if from == "" || to == "" || s.at[k] {
		return
	}
	if len(s.list) >= maxSeenFlows {
		s.lost = true
		return
	}
	s.at[k] = true
	s.list = append(s.list, data.SeenFlow{From: from, To: to, Evidence: evidence, Declared: declared})
}

// SeeFlows adds to what is known of data what OpenLineage events and definitions of pipelines
// below paths and data events in logs say. What cannot be read is named in Broken, and nothing unseen is then
// taken for not there.
func SeeFlows(ctx context.Context, k *data.Known, snap *estate.Snapshot, paths []Lineage, logs []Log) error {
	var seen seenFlows
	jobs := jobsByName(snap)
	for _, l := range paths {
		if l.Declares {
			if err := declareFlows(ctx, k, snap, l.Path, &seen); err != nil {
				return err
			}
			continue
		}
		root := l.Path
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil:
				k.Broken = append(k.Broken, name+": it cannot be read")
				return nil
			case d.IsDir(), !isLog(name) && name != root:
				return nil
			}
			if err := lineageFile(name, jobs, &seen); err != nil {
				k.Broken = append(k.Broken, fmt.Sprintf("%s: %s", name, err))
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	r := &logReader{clusters: clustersOf(snap)}
	runners := runnersOf(snap)
	shown := 0
	r.take = func(name, _ string) (int, error) {
		in, closeAll, err := openLog(name)
		if err != nil {
			return 0, err
		}
		defer closeAll()
		return events.Each(in, func(text json.RawMessage) error {
			if dataEvent(text, runners, &seen) {
				shown++
				watch(k, text)
			}
			return ctx.Err()
		})
	}
	for _, l := range logs {
		if err := r.walk(ctx, l); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			k.Broken = append(k.Broken, err.Error())
		}
	}
	k.Broken = append(k.Broken, r.problems...)
	if seen.lost {
		k.Broken = append(k.Broken, fmt.Sprintf("more than %d different flows were seen; those after are not kept", maxSeenFlows))
	}
	k.Flows = append(k.Flows, seen.list...)
	k.Watched = k.Watched || shown > 0
	return nil
}

// watch extends the time that events of an account cover.
func watch(k *data.Known, text json.RawMessage) {
	var e struct {
		Account string    `json:"recipientAccountId"`
		At      time.Time `json:"eventTime"`
	}
	if json.Unmarshal(text, &e) != nil || e.Account == "" || e.At.IsZero() {
		return
	}
	for i := range k.Watch {
		if w := &k.Watch[i]; w.Account == e.Account {
			if e.At.Before(w.From) {
				w.From = e.At
			}
			if e.At.After(w.To) {
				w.To = e.At
			}
			return
		}
	}
	k.Watch = append(k.Watch, data.Watch{Account: e.Account, From: e.At, To: e.At})
}

func lineageFile(name string, jobs map[string]string, seen *seenFlows) error {
	in, closeAll, err := openLog(name)
	if err != nil {
		return errors.New("it cannot be opened")
	}
	defer closeAll()
	_, err = openlineage.Each(in, func(e openlineage.Event) error {
		job := jobs[e.Job.Name]
		if job == "" && e.Job.Name != "" {
			job = "openlineage://" + e.Job.Namespace + "/" + e.Job.Name
		}
		by := "OpenLineage run " + e.Run.ID
		for _, d := range e.Inputs {
			for _, address := range d.Addresses() {
				seen.add(address, job, by)
			}
		}
		for _, address := range e.Sources() {
			seen.add(address, job, by+", lineage of columns")
		}
		for _, d := range e.Outputs {
			for _, address := range d.Addresses() {
				seen.add(job, address, by)
			}
		}
		return nil
	})
	return err
}

// jobsByName are the jobs of an estate by name; a name that several have is nobody's.
func jobsByName(snap *estate.Snapshot) map[string]string {
	out := map[string]string{}
	for _, a := range snap.Assets() {
		if a.Name == "" || a.Kind != estate.KindCompute && a.Kind != estate.KindPipeline || strings.Contains(a.ID, "#") {
			continue
		}
		if _, twice := out[a.Name]; twice {
			out[a.Name] = ""
			continue
		}
		out[a.Name] = a.ID
	}
	return out
}

// runnersOf are, of each role, the jobs that run as it.
func runnersOf(snap *estate.Snapshot) map[string][]string {
	out := map[string][]string{}
	for r := range snap.Relations() {
		if r.Type == estate.RunsAs {
			out[r.To] = append(out[r.To], r.From)
		}
	}
	return out
}

// dataEvent takes the flow that an event of S3 shows: between the folder of the object
// and the one job that runs as the caller's role, or else the role itself.
func dataEvent(text json.RawMessage, runners map[string][]string, seen *seenFlows) bool {
	var e struct {
		ID     string `json:"eventID"`
		Source string `json:"eventSource"`
		Name   string `json:"eventName"`
		Error  string `json:"errorCode"`
		Who    struct {
			ARN     string `json:"arn"`
			Session struct {
				Issuer struct {
					ARN string `json:"arn"`
				} `json:"sessionIssuer"`
			} `json:"sessionContext"`
		} `json:"userIdentity"`
		Asked struct {
			Bucket string `json:"bucketName"`
			Key    string `json:"key"`
			Copied string `json:"x-amz-copy-source"`
		} `json:"requestParameters"`
	}
	if json.Unmarshal(text, &e) != nil || e.Source != "s3.amazonaws.com" || e.Asked.Bucket == "" || e.Asked.Key == "" {
		return false
	}
	if e.Error != "" {
		return true
	}
	who := e.Who.Session.Issuer.ARN
	if who == "" {
		who = e.Who.ARN
	}
	if jobs := runners[who]; len(jobs) == 1 {
		who = jobs[0]
	}
	place := folderOf(e.Asked.Bucket, e.Asked.Key)
	by := "CloudTrail " + e.Name + " " + e.ID
	switch {
	case slices.Contains([]string{"GetObject", "SelectObjectContent", "GetObjectTorrent"}, e.Name):
		seen.add(place, who, by)
	case e.Name == "CopyObject", e.Name == "UploadPartCopy":
		from, key, _ := strings.Cut(strings.TrimPrefix(e.Asked.Copied, "/"), "/")
		if from != "" && key != "" {
			seen.add(folderOf(from, key), place, by)
		}
		seen.add(who, place, by)
	case slices.Contains([]string{"PutObject", "UploadPart", "CompleteMultipartUpload"}, e.Name):
		seen.add(who, place, by)
	}
	return true
}

func folderOf(bucket, key string) string {
	for _, mark := range []string{"@", "%40"} {
		if before, _, is := strings.Cut(key, mark); is { // a folder named for somebody is not told
			key = before[:strings.LastIndexByte(before, '/')+1] + "x"
		}
	}
	dir := path.Dir(key)
	if dir == "." {
		return "s3://" + bucket + "/" + key
	}
	return "s3://" + bucket + "/" + dir + "/"
}
