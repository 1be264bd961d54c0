package cloudformation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// conversion is one Convert in progress.
type conversion struct {
	in        Input
	resources map[string]*Resource
	ids       map[string]string // by address
	byName    map[string]string // asset type, account, region and name, between NULs -> id
	sharing   map[string]int    // ids without an account or region -> resources that would have them
	drafts    map[string]*draft
	out       Output
	rules     map[string]*rule
	depth     int // of references that lead to references
	// loose lists, by asset type, the parts whose owner is not known: any thing of
	// the type may have one.
	loose map[string][]string
	// strange lists the addresses of types that are not understood, by type; novel
	// the properties that no schema has, by type and path: the first address.
	strange map[string][]string
	novels  map[string]map[string]string
}

// draft is one asset being put together.
type draft struct {
	id, typ string
	live    *unborn.Live
	r       *Resource // nil if only parts of it are in the template
	rule    *rule
	config  map[string]any
	reads   map[string]estate.Read // by key, then operation
	tags    map[string]string
	where   *Resource // whose account and region are its own
	name    string
}

func newConversion(in Input) *conversion {
	c := &conversion{in: in, resources: make(map[string]*Resource, len(in.Resources)), ids: map[string]string{}, byName: map[string]string{}, rules: rules(),
		drafts: map[string]*draft{}, loose: map[string][]string{}, strange: map[string][]string{}, novels: map[string]map[string]string{}}
	c.out = Output{Of: map[string][]string{}}
	for i := range in.Resources {
		c.resources[in.Resources[i].Address] = &in.Resources[i]
	}
	for i := range in.Resources { // what is named in a template is found by its name
		r := &in.Resources[i]
		if rule := c.rules[r.Type]; rule != nil && rule.onto == nil && rule.parts == nil {
			if name := c.attribute(r.Address, ""); name != "" {
				c.byName[r.Type+"\x00"+r.Account+"\x00"+r.Region+"\x00"+name] = c.identity(r.Address)
			}
		}
	}
	return c
}

// main makes the asset a resource is.
func (c *conversion) main(r *Resource) {
	rule := c.rules[r.Type]
	switch {
	case rule == nil:
		c.notUnderstood(r)
		return
	case rule.onto != nil || rule.parts != nil:
		return
	}
	d := c.draft(c.identity(r.Address), rule.typ)
	if d.r != nil && d.r != r {
		c.blind(r, estate.ReadMalformed, fmt.Sprintf("%s and %s are both %s: the templates say two things of one asset", d.r.Address, r.Address, d.id),
			"remove one of the two, or read the stacks apart")
		return
	}
	d.r, d.rule, d.where = r, rule, r
	c.out.Of[r.Address] = append(c.out.Of[r.Address], d.id)
	c.tags(d)
	root := &d.live.Root
	s := spot{r: r, as: rule.as, rule: rule}
	if sc := schemas()[r.Type]; sc != nil {
		s.said = &sc.property
	}
	own := maps.Clone(r.Properties)
	delete(own, "Tags") // see tags
	delete(own, "TagList")
	c.members(d.config, s, own, root)
	for _, read := range d.live.Reads {
		if _, said := d.config[read.Key]; said || read.Key == "" {
			d.read(read.Operation, read.Key, estate.ReadOK)
		}
	}
	if rule.more != nil {
		rule.more(c, d, r)
	}
	c.complete(d, s)
}

// draft finds or begins the asset of an id.
func (c *conversion) draft(id, typ string) *draft {
	if d := c.drafts[id]; d != nil {
		return d
	}
	l := shapes()[typ]
	if l == nil {
		l = unborn.NoLive()
	}
	d := &draft{id: id, typ: typ, live: l, config: map[string]any{}, reads: map[string]estate.Read{}}
	c.drafts[id] = d
	return d
}

// read notes how an operation of the draft ended.
func (d *draft) read(operation, key string, status estate.ReadStatus) {
	d.reads[key+"\x00"+operation] = estate.Read{Operation: operation, Key: key, Status: status}
}

// answered notes that the reply under key is said by the template.
func (d *draft) answered(key string, status estate.ReadStatus) {
	for _, r := range d.live.Reads {
		if r.Key == key {
			d.read(r.Operation, key, status)
		}
	}
}

// reply sets the reply under key.
func (d *draft) reply(key string, body any) {
	d.config[key] = body
	d.answered(key, estate.ReadOK)
}

// part adds a resource that is a part of other assets.
func (c *conversion) part(r *Resource) {
	rule := c.rules[r.Type]
	if rule == nil || rule.onto == nil && rule.parts == nil {
		return
	}
	if rule.onto == nil {
		c.novelty(r)
		rule.more(c, nil, r)
		return
	}
	d := c.ownerDraft(r, rule.onto)
	if d == nil {
		return
	}
	if key := rule.onto.key; key != "" {
		reply := d.live.Root.Named(key)
		body := map[string]any{}
		s := spot{r: r, as: rule.as, rule: rule, members: key}
		if sc := schemas()[r.Type]; sc != nil {
			s.said = &sc.property
		}
		c.members(body, s, r.Properties, reply)
		c.unsaid(body, s, reply)
		d.reply(key, body)
		if r.Doubt != "" {
			d.config[key] = unborn.Later{}
		}
	} else {
		c.novelty(r)
	}
	if rule.more != nil {
		rule.more(c, d, r)
	}
}

// ownerDraft is the asset a part belongs to; nil, with a blind spot, if it is
// not known.
func (c *conversion) ownerDraft(r *Resource, o *onto) *draft {
	return c.draftOf(r, o, r.Properties[o.property])
}

func (c *conversion) draftOf(r *Resource, o *onto, v any) *draft {
	id := c.owner(r, o, v)
	if id == "" {
		c.loose[o.typ] = append(c.loose[o.typ], r.Address)
		c.blind(r, estate.ReadFailed, "which "+o.typ+" it belongs to is not known: its "+o.property+" is open", "refer to the resource itself, or say account and region")
		return nil
	}
	d := c.draft(id, o.typ)
	if d.where == nil {
		d.where = r
	}
	c.out.Of[r.Address] = append(c.out.Of[r.Address], id)
	return d
}

// novelty notes the properties of a resource that no schema has, where they are
// not converted one by one.
func (c *conversion) novelty(r *Resource) {
	sc := schemas()[r.Type]
	if sc == nil {
		return
	}
	for _, k := range slices.Sorted(maps.Keys(r.Properties)) {
		if sc.by[k] == nil {
			c.novel(spot{r: r, rel: k})
		}
	}
}

// novel notes a property that the type's schema, as far as it is known here,
// does not have.
func (c *conversion) novel(at spot) {
	if c.novels[at.r.Type] == nil {
		c.novels[at.r.Type] = map[string]string{}
	}
	if first, have := c.novels[at.r.Type][at.rel]; !have || at.r.Address < first {
		c.novels[at.r.Type][at.rel] = at.r.Address
	}
}

// tags takes a resource's tags and spells them where the reply keeps them.
func (c *conversion) tags(d *draft) {
	v, given := d.r.Properties["Tags"]
	if !given {
		v, given = d.r.Properties["TagList"]
	}
	tags := map[string]string{}
	whole := true
	switch v := v.(type) {
	case nil:
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			t := c.textOf(v[k])
			tags[k] = t
			whole = whole && (t != "" || v[k] == "")
		}
	case []any:
		for _, e := range v {
			m, _ := e.(map[string]any)
			k := c.textOf(m["Key"])
			if k == "" {
				whole = false
				continue
			}
			t := c.textOf(m["Value"])
			tags[k] = t
			whole = whole && (t != "" || m["Value"] == "" || m["Value"] == nil)
		}
	default:
		whole = false
	}
	if given && whole || !given {
		d.tags = tags
	}
	if d.live.Tags == "" {
		return
	}
	key, inner, nested := strings.Cut(d.live.Tags, ".")
	var value any = unborn.Later{}
	if d.tags != nil {
		value = d.live.TagBody(d.tags)
	}
	if nested {
		d.reply(key, map[string]any{inner: value})
		return
	}
	d.config[key] = value
}

// blind notes a blind spot at a resource.
func (c *conversion) blind(r *Resource, status estate.ReadStatus, why, hint string) {
	c.out.BlindSpots = append(c.out.BlindSpots, estate.BlindSpot{Source: c.in.Source, Operation: r.Address, Asset: prefix + r.Address,
		Status: status, Why: fmt.Sprintf("%s:%d: %s: %s", r.File, r.Line, r.Address, why), Hint: hint})
}
