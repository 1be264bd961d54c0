package org

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Record is one CloudTrail record with when it was.
type Record struct {
	Time time.Time
	Text []byte
	// Attack names the technique that it is part of; empty for ordinary work.
	Attack string
}

// Date is the beginning of the day that comes next.
func (o *Org) Date() time.Time { return o.cfg.Begin.AddDate(0, 0, o.day) }

// Day makes the next day's records, in order of time.
func (o *Org) Day() []Record {
	date := o.Date()
	if o.cfg.ScaleBy > 1 && o.cfg.ScaleOn > 0 && o.day >= o.cfg.ScaleOn && !o.scaled {
		o.scale()
	}
	o.change(date)
	var out []Record
	for _, p := range o.People {
		if p.since > o.day || p.until > 0 && p.until <= o.day {
			continue
		}
		if p.Person || p.User {
			out = o.personDay(out, p, date)
		} else {
			out = o.machineDay(out, p, date)
		}
	}
	for range o.poisson(o.cfg.NoveltyADay) {
		out = o.rareDeed(out, date)
	}
	slices.SortStableFunc(out, func(a, b Record) int { return a.Time.Compare(b.Time) })
	o.day++
	return out
}

func (o *Org) poisson(mean float64) int {
	if mean > 50 {
		return max(0, int(mean+math.Sqrt(mean)*o.rng.NormFloat64()+0.5))
	}
	n, p, limit := 0, 1.0, math.Exp(-mean)
	for {
		if p *= o.rng.Float64(); p < limit {
			return n
		}
		n++
	}
}

// change is what a day brings that lasts.
func (o *Org) change(date time.Time) {
	if o.day == 0 {
		return
	}
	weekday := date.Weekday() != time.Saturday && date.Weekday() != time.Sunday
	size := float64(o.cfg.Principals) / 150
	if weekday {
		for range o.poisson(size / 4) { // joiners
			o.join(jobs[o.rng.IntN(7)])
		}
	}
	for range o.poisson(size / 5) {
		o.join(jobs[7+o.rng.IntN(len(jobs)-7)])
	}
	for range o.poisson(size / 6) { // leavers
		if p := o.People[o.rng.IntN(len(o.People))]; p.Person && p.until == 0 {
			p.until = o.day
		}
	}
	for _, team := range o.teams { // releases
		if weekday && o.rng.Float64() < 0.12 {
			o.release(team)
		}
	}
	for range o.poisson(0.5 * size) { // new services, one after another
		p := o.People[o.rng.IntN(len(o.People))]
		if p.Person {
			a := o.novel[min(len(o.novel)-1, int(o.rng.ExpFloat64()*2)+o.day/15)%len(o.novel)]
			p.adopted = append(p.adopted, o.habit(p, a, 0.4, 3))
		}
	}
	if o.day > 35 && o.day <= 45 { // an office moves
		for _, p := range o.People {
			if (p.Person || p.User) && strings.HasPrefix(p.address, o.offices[0]) && o.rng.Float64() < 0.25 {
				p.address = o.offices[2] + p.address[strings.LastIndexByte(p.address, '.'):]
			}
		}
	}
	if o.day > 0 && o.day%21 == 0 { // a group gets a duty
		job := jobs[o.rng.IntN(7)]
		a := o.rare[o.rng.IntN(len(o.rare))]
		for _, p := range o.People {
			if p.Job == job.name && o.rng.Float64() < 0.4 {
				p.sometimes = append(p.sometimes, o.habit(p, a, 0.2, 1))
			}
		}
	}
}

// release changes what some machines of a team do, for good.
func (o *Org) release(team string) {
	a := o.tail[o.rng.IntN(len(o.tail))]
	if o.rng.Float64() < 0.5 {
		a = o.rare[o.rng.IntN(len(o.rare))]
	}
	job := jobs[7+o.rng.IntN(len(jobs)-7)]
	for _, p := range o.People {
		if p.Team != team || p.Person || p.User {
			continue
		}
		if p.Job == job.name && o.rng.Float64() < 0.25 {
			p.core = append(p.core, o.habit(p, a, 0.8, 3))
		}
		for i := range p.core {
			if h := &p.core[i]; h.kind != "" && o.rng.Float64() < 0.08 {
				pool := o.pool(h.kind, team)
				h.things = append(h.things, pool[o.rng.IntN(len(pool))])
			}
		}
	}
}

// scale multiplies the machines of the AI workloads and what they do.
func (o *Org) scale() {
	o.scaled = true
	for _, job := range jobs {
		if !job.ai {
			continue
		}
		n := 0
		for _, p := range o.People {
			if p.Job == job.name && p.until == 0 {
				p.pace *= 3
				n++
			}
		}
		for range n * (o.cfg.ScaleBy - 1) {
			o.join(job).pace *= 3
		}
	}
}

func jobOf(name string) *job {
	return jobs[slices.IndexFunc(jobs, func(j *job) bool { return j.name == name })]
}

func (o *Org) personDay(out []Record, p *Principal, date time.Time) []Record {
	weekend := date.Weekday() == time.Saturday || date.Weekday() == time.Sunday
	chance := 0.88
	if weekend {
		chance = 0.06
	}
	if p.User {
		chance = 0.6
	}
	if o.rng.Float64() > chance {
		return out
	}
	address := p.address
	if o.rng.Float64() < 0.3 {
		address = p.home
	}
	busy := p.pace
	if p.Job == "analyst" && date.Day() >= 27 {
		busy *= 2.5
	}
	at := func() time.Time {
		h := float64(p.begins) + 8.5*o.rng.Float64() + 0.6*o.rng.NormFloat64()
		if o.rng.Float64() < 0.03 {
			h += 5
		}
		return date.Add(time.Duration(max(0, min(23.99, h)) * float64(time.Hour)))
	}
	if p.Person {
		out = append(out, o.record(p, action{service: "signin", name: "ConsoleLogin"}, "", at(), address, consoleAgents[0], ""))
	}
	for _, list := range [][]habit{p.core, p.sometimes, p.adopted} {
		for i := range list {
			h := &list[i]
			if o.rng.Float64() > h.chance {
				continue
			}
			agent := p.agents[o.rng.IntN(len(p.agents))]
			begin := at()
			for range 1 + o.poisson((h.times-1)*busy) {
				begin = begin.Add(time.Duration(o.rng.ExpFloat64() * float64(2*time.Minute)))
				out = append(out, o.record(p, h.action, o.one(h.things), begin, address, agent, o.slip(h.action, 0.01)))
			}
		}
	}
	for range o.poisson(6 * busy) { // looks around
		a := o.tail[min(len(o.tail)-1, int(o.rng.ExpFloat64()*18))]
		thing := ""
		if a.kind != "" {
			thing = o.one(o.pool(a.kind, p.Team))
		}
		out = append(out, o.record(p, a, thing, at(), address, p.agents[0], o.slip(a, 0.04)))
	}
	return out
}

// slip is the error that a call now and then ends in.
func (o *Org) slip(a action, chance float64) string {
	if o.rng.Float64() > chance {
		return ""
	}
	switch o.rng.IntN(4) {
	case 0:
		return "ThrottlingException"
	case 1:
		return "ResourceNotFoundException"
	}
	if a.service == "ec2" {
		return "Client.UnauthorizedOperation"
	}
	return "AccessDenied"
}

func (o *Org) one(things []string) string {
	if len(things) == 0 {
		return ""
	}
	return things[o.rng.IntN(len(things))]
}

func (o *Org) machineDay(out []Record, p *Principal, date time.Time) []Record {
	job := jobOf(p.Job)
	cycles := o.poisson(float64(job.cycles) * p.pace)
	if p.Job == "training" && date.Weekday() == time.Sunday { // planned retraining
		cycles = 4 * job.cycles
	}
	address := p.address
	if job.nat && o.rng.Float64() < 0.2 {
		address = address[:strings.LastIndexByte(address, '.')+1] + "77"
	}
	for i := range cycles {
		begin := date.Add(time.Duration((float64(i) + o.rng.Float64()) / float64(max(cycles, 1)) * 24 * float64(time.Hour)))
		for j := range p.core {
			h := &p.core[j]
			if o.rng.Float64() > h.chance {
				continue
			}
			begin = begin.Add(time.Duration(o.rng.IntN(20)) * time.Second)
			out = append(out, o.record(p, h.action, o.one(h.things), begin, address, p.agents[0], o.slip(h.action, 0.002)))
		}
	}
	if cycles == 0 {
		return out
	}
	for j := range p.sometimes {
		h := &p.sometimes[j]
		if o.rng.Float64() < h.chance {
			out = append(out, o.record(p, h.action, o.one(h.things), date.Add(time.Duration(o.rng.IntN(86400))*time.Second), address, p.agents[0], ""))
		}
	}
	return out
}

// rareDeed lets somebody do rare work, alone or with what goes with it.
func (o *Org) rareDeed(out []Record, date time.Time) []Record {
	p := o.People[o.rng.IntN(len(o.People))]
	for tries := 0; (!p.Person && !p.User && o.rng.Float64() < 0.8 || p.until > 0 && p.until <= o.day) && tries < 50; tries++ {
		p = o.People[o.rng.IntN(len(o.People))]
	}
	at := date.Add(time.Duration(float64(p.begins)*float64(time.Hour) + 8*o.rng.Float64()*float64(time.Hour)))
	n := 1
	if o.rng.Float64() < 0.35 {
		n = 2 + o.rng.IntN(3)
	}
	a := o.rare[o.rng.IntN(len(o.rare))]
	for range n {
		thing := ""
		if a.kind != "" {
			thing = o.one(o.pool(a.kind, p.Team))
		}
		out = append(out, o.record(p, a, thing, at, p.address, p.agents[0], o.slip(a, 0.1)))
		at = at.Add(time.Duration(20+o.rng.IntN(400)) * time.Second)
		if o.rng.Float64() < 0.6 { // the next is of the same service
			for range 40 {
				if next := o.rare[o.rng.IntN(len(o.rare))]; next.service == a.service {
					a = next
					break
				}
			}
		} else {
			a = o.rare[o.rng.IntN(len(o.rare))]
		}
	}
	return out
}
