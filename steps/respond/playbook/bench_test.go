package playbook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// BenchmarkThousandRuns runs a thousand playbooks at the same time, each with a journal
// of its own, and tells the processor time and the most memory that was in use.
func BenchmarkThousandRuns(b *testing.B) {
	p, err := Load("k.yaml", []byte(killed))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		dir := b.TempDir()
		stop, most := make(chan bool), uint64(0)
		var watch sync.WaitGroup
		watch.Add(1)
		go func() {
			defer watch.Done()
			for {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapInuse+m.StackInuse)
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}()
		before := cpu(b)
		var runs sync.WaitGroup
		for i := range 1000 {
			runs.Add(1)
			go func() {
				defer runs.Done()
				j, err := OpenJournal(filepath.Join(dir, fmt.Sprint(i)), nil)
				if err != nil {
					b.Error(err)
					return
				}
				defer j.Close() //nolint:errcheck // each event was synced when it was written
				if err := Begin(j, p, nil); err != nil {
					b.Error(err)
					return
				}
				out, err := Resume(context.Background(), j, Options{Actor: quick{}})
				if err != nil || out.Status != Done {
					b.Error(out, err)
				}
			}()
		}
		runs.Wait()
		close(stop)
		watch.Wait()
		b.ReportMetric((cpu(b) - before).Seconds(), "cpu-s/1000runs")
		b.ReportMetric(float64(most)/(1<<20), "MB")
		if most > 200<<20 {
			b.Errorf("%d MB were in use, more than 200", most>>20)
		}
	}
}

// quick is an actor that does nothing, but that "bad" fails.
type quick struct{}

func (quick) Prepare(context.Context, Call) (json.RawMessage, error) {
	return json.RawMessage(`{"was":"open"}`), nil
}

func (quick) Applied(context.Context, Call, json.RawMessage) (bool, map[string]string, error) {
	return false, nil, nil
}

func (quick) Apply(_ context.Context, c Call, _ json.RawMessage) (map[string]string, error) {
	if c.Target == "bad" {
		return nil, errors.New("refused")
	}
	return map[string]string{"status": "closed", "n": "1"}, nil
}

func (quick) Verify(context.Context, Call, json.RawMessage) error { return nil }
func (quick) Undo(context.Context, Call, json.RawMessage) error   { return nil }

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
