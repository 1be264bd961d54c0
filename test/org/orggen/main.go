// Orggen writes the logs of a made-up organisation, as CloudTrail delivers them: a
// packed file of {"Records":[…]} a day.
//
//	go run ./test/org/orggen -out DIR -days 30 -seed 1
//	go run ./test/org/orggen -out DIR -skip 30 -days 35 -attacks detonation-logs.tar.gz
//
// With -attacks, each day from -skip on has one attack in it, rewritten to the
// organisation; attacks.json beside the logs says which events are whose.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/sevenfold-sec/sevenfold/test/org"
)

func main() {
	out := flag.String("out", "", "folder to write into")
	seed := flag.Uint64("seed", 1, "seed")
	skip := flag.Int("skip", 0, "days that are lived and not written")
	days := flag.Int("days", 30, "days to write")
	principals := flag.Int("principals", 150, "principals at the beginning")
	attacks := flag.String("attacks", "", "archive of detonation logs, one a day")
	scaleOn := flag.Int("scale-on", 0, "day on which production is scaled")
	scaleBy := flag.Int("scale-by", 10, "by how much")
	begin := flag.String("begin", "2026-01-05", "first day")
	flag.Parse()
	first, err := time.Parse(time.DateOnly, *begin)
	if err != nil {
		fmt.Fprintln(os.Stderr, "orggen: -begin:", err)
		os.Exit(2)
	}
	if err := write(*out, *skip, *days, *attacks, org.Config{Seed: *seed, Principals: *principals, Begin: first, ScaleOn: *scaleOn, ScaleBy: *scaleBy}); err != nil {
		fmt.Fprintln(os.Stderr, "orggen:", err)
		os.Exit(1)
	}
}

func write(out string, skip, days int, archive string, cfg org.Config) error {
	var attacks []org.Attack
	if archive != "" {
		var err error
		if attacks, err = org.ReadAttacks(archive); err != nil {
			return err
		}
		cfg.Shapes = org.ShapesOf(attacks)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	o := org.New(cfg)
	whose := map[string][]string{}
	for day := range skip + days {
		date := o.Date()
		records := o.Day()
		if day < skip {
			continue
		}
		if len(attacks) > 0 {
			a := attacks[(day-skip)%len(attacks)]
			records = append(records, o.Inject(a, o.Victim(), date)...)
			slices.SortStableFunc(records, func(a, b org.Record) int { return a.Time.Compare(b.Time) })
		}
		var b bytes.Buffer
		b.WriteString(`{"Records":[`)
		for i, r := range records {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(r.Text)
			if r.Attack != "" {
				var e struct {
					ID string `json:"eventID"`
				}
				if err := json.Unmarshal(r.Text, &e); err != nil {
					return err
				}
				whose[r.Attack] = append(whose[r.Attack], e.ID)
			}
		}
		b.WriteString("]}\n")
		f, err := os.Create(filepath.Join(out, date.Format("2006-01-02")+".json.gz"))
		if err != nil {
			return err
		}
		z := gzip.NewWriter(f)
		if _, err := z.Write(b.Bytes()); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	if archive == "" {
		return nil
	}
	text, err := json.MarshalIndent(whose, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "attacks.txt"), text, 0o644) // no log, by its name
}
