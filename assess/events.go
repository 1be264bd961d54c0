package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/audit"
	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
)

// EventsPrefix begins a source of events: events:PATH, a file or a folder of logs
// of CloudTrail or of a Kubernetes API server.
const EventsPrefix = "events:"

// maxKept bounds how many acts are held in memory; the window is narrow, so that
// it takes an estate of a size that no single log file has.
const maxKept = 2_000_000

// Explain tells of each difference who made it, by the logs at paths. problems
// name the files that could not be read, with the place: who made what, they
// leave open.
func Explain(ctx context.Context, b *audit.Approved, paths []string) (problems []string) {
	if b == nil || b.Drift == nil {
		return nil
	}
	if len(paths) == 0 {
		b.Drift.Who(nil, "no log of events was given; --source events:PATH reads CloudTrail's and Kubernetes' audit logs")
		return nil
	}
	from, to := span(b.Drift)
	var acts []events.Event
	seen := 0
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				problems = append(problems, err.Error())
				return nil
			}
			if d.IsDir() || !isLog(name) && name != path {
				return nil
			}
			n, err := readLog(name, func(e events.Event) {
				if !e.Time.Before(from) && !e.Time.After(to) && len(acts) < maxKept {
					acts = append(acts, e)
				}
			})
			seen += n
			if err != nil {
				problems = append(problems, fmt.Sprintf("%s: %s", name, err))
			}
			return nil
		})
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	why := fmt.Sprintf("none of %d events in the logs shows it", seen)
	if len(problems) > 0 {
		why += fmt.Sprintf("; of %d logs not everything could be read", len(problems))
	}
	b.Drift.Who(acts, why)
	return problems
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

// readLog reads one file, packed or not.
func readLog(name string, fn func(events.Event)) (int, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var head [2]byte
	n, err := io.ReadFull(f, head[:])
	if err == io.EOF {
		return 0, nil // nothing happened
	}
	in := io.MultiReader(bytes.NewReader(head[:n]), f)
	if n == 2 && head == [2]byte{0x1f, 0x8b} {
		zip, err := gzip.NewReader(in)
		if err != nil {
			return 0, err
		}
		defer zip.Close()
		in = zip
	}
	return events.Read(in, fn)
}
