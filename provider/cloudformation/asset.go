package cloudformation

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// complete settles what the resource itself says nothing of.
func (c *conversion) complete(d *draft, s spot) {
	// The id's own member follows from the id.
	if d.live.ID != "" && !strings.ContainsAny(d.live.ID, "{.") && strings.HasPrefix(d.id, "arn:") {
		d.config[d.live.ID] = d.id
	}
	// AWS gives a name to what is given none.
	names := []string{d.live.Name}
	if sc := schemas()[d.typ]; sc != nil {
		for _, p := range sc.id {
			if target, renamed := s.as[p]; renamed {
				names = append(names, target)
			} else if k := member(&d.live.Root, p); k != nil {
				names = append(names, k.Name)
			}
		}
	}
	for _, name := range names {
		if k := d.live.Root.Named(name); k != nil && d.config[name] == nil && len(k.Kids) == 0 {
			d.config[name] = unborn.Later{}
		}
	}
	root := d.live.Root
	keys := map[string]bool{}
	for _, r := range d.live.Reads {
		keys[r.Key] = true
	}
	root.Kids = slices.DeleteFunc(slices.Clone(root.Kids), func(k *unborn.Shape) bool { return keys[k.Name] })
	c.unsaid(d.config, s, &root)
}

// replies settles the replies that no resource configures, once all parts are
// in: what a new thing has, as far as it is known, else they are not read.
func (c *conversion) replies(d *draft) {
	heard := map[string]bool{}
	for _, r := range d.reads {
		heard[r.Key] = true
	}
	service, _, _ := serviceOf(d.typ)
	for _, r := range d.live.Reads {
		if heard[r.Key] {
			continue
		}
		if d.r != nil && len(c.loose[d.typ]) == 0 && len(c.loose[service]) == 0 {
			if body, said := d.rule.newborn[r.Key]; said {
				status := estate.ReadAbsent
				if body != nil {
					status = estate.ReadOK
					d.config[r.Key] = maps.Clone(body)
				}
				d.read(r.Operation, r.Key, status)
				continue
			}
		}
		r.Status, r.Why = estate.ReadSkipped, "the template does not say"
		if d.r == nil {
			r.Why = "the template does not make it, only a part of it"
		}
		d.reads[r.Key+"\x00"+r.Operation] = r
	}
}

// finish completes all drafts.
func (c *conversion) finish() Output {
	for _, id := range slices.Sorted(maps.Keys(c.drafts)) {
		d := c.drafts[id]
		c.replies(d)
		c.out.Assets = append(c.out.Assets, c.assetOf(d))
	}
	c.summary()
	return c.out
}

// assetOf is the finished asset.
func (c *conversion) assetOf(d *draft) estate.Asset {
	var unknown []string
	config, _ := unborn.Take(d.config, func(v any, at string) (gone, ok bool) {
		switch v.(type) {
		case unborn.Later:
			unknown = append(unknown, at)
			return true, true
		case none:
			return true, true
		}
		return false, false
	}).(map[string]any)
	a := estate.Asset{ID: d.id, Type: d.typ, Cloud: estate.AWS, Tags: d.tags, Source: c.in.Source}
	if d.where != nil {
		a.Account, a.Region = d.where.Account, d.where.Region
	}
	if d.live.Global && d.typ != bucketType {
		a.Region = ""
	}
	a.Account = cmp.Or(unborn.Account(d.id), a.Account)
	a.Name = cmp.Or(d.name, d.id[strings.LastIndexAny(d.id, "/:")+1:])
	if d.live.Name != "" && !strings.ContainsAny(d.live.Name, ".[{") {
		if s := str(config[d.live.Name]); s != "" && !strings.HasPrefix(s, prefix) {
			a.Name = s
		}
	}
	body, err := json.Marshal(config)
	if err != nil { // values come from JSON; nothing else can stand there
		body = []byte("{}")
	}
	a.Config = body
	slices.Sort(unknown)
	a.Unknown = slices.Compact(unknown)
	for _, k := range slices.Sorted(maps.Keys(d.reads)) {
		a.Reads = append(a.Reads, d.reads[k])
	}
	return a
}
