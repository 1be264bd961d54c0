package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// attacks are sent beside the load, each by another principal: it has a leaked key taken
// out of quarantine, stops the trail and leaves the organisation.
type attacks struct {
	mu     sync.Mutex
	sent   map[string]time.Time // by the principal's name, those not yet told
	delays []time.Duration
	all    int
}

// interval is how often one is sent.
const interval = 500 * time.Millisecond

// lateInTheDay is when in the newest day sent an attack is: a day takes less than a tenth
// of a second, and one whose day is over for long is a backfill, which has a budget of its own.
const lateInTheDay = 18 * time.Hour

func (a *attacks) send(ctx context.Context, p *process) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var refused int64
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		name := fmt.Sprintf("intruder%06d", n)
		text := attack(name, n, time.Unix(p.clock.Load(), 0).UTC().Add(lateInTheDay))
		a.mu.Lock()
		a.sent[name], a.all = time.Now(), a.all+1
		a.mu.Unlock()
		if err := p.post(ctx, text, &refused); err != nil {
			a.mu.Lock()
			if _, waits := a.sent[name]; waits && ctx.Err() != nil { // cut off by the end
				delete(a.sent, name)
				a.all--
			}
			a.mu.Unlock()
			return err
		}
	}
}

// attack is what one intruder does, at a time of the load's. Each is in an account of its
// own: one comes every few days of the load's, and what all users of one account do by
// then is no news there.
func attack(name string, n int, at time.Time) []byte {
	type record map[string]any
	var records []record
	account := fmt.Sprintf("%012d", 900_000_000_000+n)
	for i, call := range [][2]string{{"iam", "DetachUserPolicy"}, {"cloudtrail", "StopLogging"}, {"cloudtrail", "DeleteTrail"}, {"guardduty", "DeleteDetector"}, {"organizations", "LeaveOrganization"}} {
		records = append(records, record{
			"eventVersion": "1.11", "eventTime": at.Format(time.RFC3339), "eventSource": call[0] + ".amazonaws.com", "eventName": call[1],
			"awsRegion": "ap-south-1", "sourceIPAddress": fmt.Sprintf("203.%d.113.9", n%250), "userAgent": "python-requests/" + name,
			"eventID": fmt.Sprintf("attack-%s-%d", name, i), "recipientAccountId": account,
			"userIdentity":      record{"type": "IAMUser", "userName": name, "arn": "arn:aws:iam::" + account + ":user/" + name, "accountId": account, "accessKeyId": "AKIA" + name},
			"requestParameters": record{"name": name, "policyArn": "arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3-" + name, "userName": name},
		})
	}
	text, err := json.Marshal(record{"Records": records})
	if err != nil {
		panic(err) // of texts and numbers
	}
	return text
}

// told takes a line that tells an incident.
func (a *attacks) told(line []byte, at time.Time) {
	var i struct {
		Signals []struct {
			Event string `json:"event"`
		} `json:"signals"`
	}
	if json.Unmarshal(line, &i) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range i.Signals {
		var name string
		if n, _ := fmt.Sscanf(s.Event, "attack-%14s", &name); n == 1 {
			if sent, waits := a.sent[name]; waits {
				a.delays = append(a.delays, at.Sub(sent))
				delete(a.sent, name)
			}
		}
	}
}

// sum is how many were sent and told, and how long that took: half of them, 99 in 100,
// and the slowest.
func (a *attacks) sum() (sent, told int, p50, p99, slowest float64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.delays)
	if n := len(a.delays); n > 0 {
		at := func(share float64) float64 { return a.delays[min(n-1, int(share*float64(n)))].Seconds() }
		p50, p99, slowest = at(0.5), at(0.99), a.delays[n-1].Seconds()
	}
	return a.all, len(a.delays), p50, p99, slowest
}
