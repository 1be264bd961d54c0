package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/files"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// EventsPrefix begins a source of events: events:PATH[,cluster=NAME], a file or a
// folder of logs of CloudTrail or of a Kubernetes API server. NAME is the cluster
// whose API server wrote them, which its events do not say.
const EventsPrefix = "events:"

// maxKept bounds how many acts are held in memory; the window is narrow, so that
// it takes an estate of a size that no single log file has.
const maxKept = 2_000_000

// maxLooked bounds how many files of folders of exports are looked into for logs.
const maxLooked = 50_000

// Log is where events are read from.
type Log struct {
	Path string
	// Cluster is the one that audit events of Kubernetes are of; empty: the only
	// one there is, and nobody's where there are several.
	Cluster string
	// Folder says that the path is a folder of exports, in which logs may lie among
	// other files.
	Folder bool
}

// Logs are the logs that sources name: events:PATH, and folders of exports, which
// may hold some. A source of another kind has none. It is an error if a source of
// events names what it does not know.
func Logs(sources []string) ([]Log, error) {
	var out []Log
	for _, s := range sources {
		rest, isLog := strings.CutPrefix(s, EventsPrefix)
		switch {
		case isLog:
			path, options, _ := strings.Cut(rest, ",")
			l := Log{Path: path}
			for o := range strings.SplitSeq(options, ",") {
				name, value, _ := strings.Cut(o, "=")
				switch {
				case o == "":
				case name == "cluster" && value != "":
					l.Cluster = value
				default:
					return nil, &SourceError{s, fmt.Sprintf("%q is no option of a log", o), "events:PATH, or events:PATH,cluster=NAME for audit logs of a cluster"}
				}
			}
			if path == "" {
				return nil, &SourceError{s, "it names no file", "events:PATH, a file or a folder of logs"}
			}
			out = append(out, l)
		case strings.HasPrefix(s, "dir:"):
			if o, err := files.ParseSource(s); err == nil { // reading it tells what is wrong with it
				out = append(out, Log{o.Root, o.Cluster, true})
			}
		}
	}
	return out, nil
}

// Explain tells of each difference who made it, by the events in logs. problems
// name the files that could not be read, with the place: who made what, they
// leave open. snap is the estate as it is: where it has one cluster, that is whose
// audit logs are.
func Explain(ctx context.Context, b *audit.Approved, logs []Log, snap *estate.Snapshot) (problems []string) {
	if b == nil || b.Drift == nil {
		return nil
	}
	r := &logReader{clusters: clustersOf(snap, b.Snapshot)}
	r.from, r.to = span(b.Drift)
	wanted := slices.ContainsFunc(b.Drift.Records, func(r audit.Record) bool { return r.By == nil && r.Status != audit.StatusUnknown })
	for _, l := range logs {
		if l.Folder && !wanted {
			continue
		}
		if err := r.walk(ctx, l); err != nil {
			r.problems = append(r.problems, err.Error())
		}
	}
	why := fmt.Sprintf("none of %d events in the logs shows it", r.seen)
	switch {
	case len(r.problems) > 0:
		why += fmt.Sprintf("; of %d logs not everything could be read", len(r.problems))
	case r.read == 0:
		why = "no log of events was given; --source events:PATH reads CloudTrail's and Kubernetes' audit logs"
	}
	b.Drift.Who(r.acts, why)
	return r.problems
}

// clustersOf are the clusters of which either snapshot read something.
func clustersOf(snaps ...*estate.Snapshot) []string {
	set := map[string]bool{}
	for _, s := range snaps {
		for _, a := range s.Assets() {
			if a.Cloud == estate.Kubernetes && a.Account != "" && !a.Referenced && len(a.Reads) > 0 {
				set[a.Account] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// logReader reads logs and keeps the acts within the window.
type logReader struct {
	clusters   []string
	from, to   time.Time
	acts       []events.Event
	read, seen int // files, events
	looked     int // files of folders of exports
	problems   []string
	// take reads one file, of a cluster or of none, and returns how many events it
	// holds; nil: keep does.
	take func(name, cluster string) (int, error)
}

// keep reads a file and keeps the acts within the window.
func (r *logReader) keep(name, cluster string) (int, error) {
	return readLog(name, func(e events.Event) {
		if !e.Time.Before(r.from) && !e.Time.After(r.to) && len(r.acts) < maxKept {
			if e.Object != nil {
				e.Cluster = cluster
			}
			r.acts = append(r.acts, e)
		}
	})
}

func (r *logReader) walk(ctx context.Context, l Log) error {
	cluster := l.Cluster
	if cluster == "" && len(r.clusters) == 1 {
		cluster = r.clusters[0]
	}
	return filepath.WalkDir(l.Path, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && l.Folder:
			return nil // the reader of exports tells of it
		case err != nil:
			r.problems = append(r.problems, err.Error())
			return nil
		case d.IsDir() && l.Folder && name != l.Path && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case d.IsDir(), !isLog(name) && name != l.Path:
			return nil
		}
		if l.Folder {
			if r.looked++; r.looked > maxLooked {
				r.problems = append(r.problems, fmt.Sprintf("%s: only the first %d files were looked into for logs\nhint: name the logs: --source events:PATH", l.Path, maxLooked))
				return fs.SkipAll
			}
			if !holdsEvents(name) {
				return nil
			}
		}
		r.read++
		take := r.take
		if take == nil {
			take = r.keep
		}
		n, err := take(name, cluster)
		r.seen += n
		if err != nil {
			r.problems = append(r.problems, fmt.Sprintf("%s: %s", name, err))
		}
		return nil
	})
}

// span is the time in which all differences came about, with an hour around it
// for clocks.
func span(d *audit.Drift) (from, to time.Time) {
	for i, r := range d.Records {
		if i == 0 || r.LastSame.Before(from) {
			from = r.LastSame
		}
		if r.FirstSeen.After(to) {
			to = r.FirstSeen
		}
	}
	return from.Add(-time.Hour), to.Add(time.Hour)
}

func isLog(name string) bool {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	for _, ext := range []string{".json", ".jsonl", ".ndjson", ".log"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// headBytes is how much of a file tells whether it is a log.
const headBytes = 8 << 10

// holdsEvents reports whether a file begins like a log.
func holdsEvents(name string) bool {
	in, closeAll, err := openLog(name)
	if err != nil {
		return false // the reader of exports tells of it
	}
	defer closeAll()
	head, _ := io.ReadAll(io.LimitReader(in, headBytes))
	return events.Looks(head)
}

// openLog opens a file, packed or not. A file without a byte holds no event.
func openLog(name string) (in io.Reader, closeAll func(), err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	var head [2]byte
	n, err := io.ReadFull(f, head[:])
	in = io.MultiReader(bytes.NewReader(head[:n]), f)
	if err == io.EOF || n < 2 || head != [2]byte{0x1f, 0x8b} {
		return in, func() { f.Close() }, nil
	}
	zip, err := gzip.NewReader(in)
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return zip, func() { zip.Close(); f.Close() }, nil
}

// readLog reads one file, packed or not.
func readLog(name string, fn func(events.Event)) (int, error) {
	in, closeAll, err := openLog(name)
	if err != nil {
		return 0, err
	}
	defer closeAll()
	return events.Read(in, fn)
}

// eventLogs takes logs of events in a folder of exports: they hold no asset, and
// drift reads them.
type eventLogs struct{}

var _ estate.Format = eventLogs{}

// Read implements estate.Format.
func (eventLogs) Read(doc estate.Document, _ estate.Sink) bool {
	return events.Looks(doc.Body[:min(len(doc.Body), headBytes)])
}
