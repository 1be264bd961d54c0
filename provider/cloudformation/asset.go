package cloudformation

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// complete settles what the resource itself says nothing of.
func (c *conversion) complete(d *draft, s spot) {
	// The id's own member follows from the id.
	if d.live.id != "" && !strings.ContainsAny(d.live.id, "{.") && strings.HasPrefix(d.id, "arn:") {
		d.config[d.live.id] = d.id
	}
	// AWS gives a name to what is given none.
	names := []string{d.live.name}
	if sc := schemas()[d.typ]; sc != nil {
		for _, p := range sc.id {
			if target, renamed := s.as[p]; renamed {
				names = append(names, target)
			} else if k := d.live.root.member(p); k != nil {
				names = append(names, k.name)
			}
		}
	}
	for _, name := range names {
		if k := d.live.root.named(name); k != nil && d.config[name] == nil && len(k.kids) == 0 {
			d.config[name] = later{}
		}
	}
	root := d.live.root
	keys := map[string]bool{}
	for _, r := range d.live.reads {
		keys[r.Key] = true
	}
	root.kids = slices.DeleteFunc(slices.Clone(root.kids), func(k *shape) bool { return keys[k.name] })
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
	for _, r := range d.live.reads {
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
	config, _ := take(d.config, "", &unknown).(map[string]any)
	a := estate.Asset{ID: d.id, Type: d.typ, Cloud: estate.AWS, Tags: d.tags, Source: c.in.Source}
	if d.where != nil {
		a.Account, a.Region = d.where.Account, d.where.Region
	}
	if d.live.global && d.typ != bucketType {
		a.Region = ""
	}
	if p := strings.SplitN(d.id, ":", 6); len(p) == 6 && p[0] == "arn" && isAccount(p[4]) {
		a.Account = p[4]
	}
	a.Name = first(d.name, d.id[strings.LastIndexAny(d.id, "/:")+1:])
	if d.live.name != "" && !strings.ContainsAny(d.live.name, ".[{") {
		if s := str(config[d.live.name]); s != "" && !strings.HasPrefix(s, unborn) {
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

// take removes what is known later from a configuration and lists where it
// stood. In a list null keeps the place.
func take(v any, at string, unknown *[]string) any {
	switch v := v.(type) {
	case later:
		*unknown = append(*unknown, at)
		return nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			here := at + "/" + pointer(k)
			if _, open := v[k].(later); open {
				*unknown = append(*unknown, here)
				continue
			}
			if _, gone := v[k].(none); gone {
				continue
			}
			out[k] = take(v[k], here, unknown)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = take(e, at+"/"+strconv.Itoa(i), unknown)
		}
		return out
	}
	return v
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(name string) string { return pointerEscapes.Replace(name) }
