package terraform

import (
	"cmp"
	"encoding/json"
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
	places    *places
	resources map[string]*Resource
	ids       map[string]string // by address
	byName    map[string]string // asset type, NUL, name -> id
	sharing   map[string]int    // ids without an account or region -> resources that would have them
	besides   map[string]bool   // the providers of those
	drafts    map[string]*draft
	out       Output
	// loose counts, by reply, the parts whose owner is not known: any thing of
	// the type may have one.
	loose map[string][]string
	rules map[string]*rule // by resource type
	// strange lists the addresses of types that have no rule, by type.
	strange map[string][]string
	// novel are the attributes that neither a rule nor the provider's schema
	// knows, by type and path: the first address that sets one.
	novel map[string]map[string]string
}

// draft is one asset being put together.
type draft struct {
	id, typ string
	live    *unborn.Live
	r       *Resource // nil if only parts of it are in the plan
	rule    *rule
	config  map[string]any
	reads   map[string]estate.Read // by key, then operation
	said    map[string]bool        // root members an attribute stands for
	unsaid  []string
	partial []string
	tags    map[string]string
	where   place
	cloud   estate.Cloud
	asset   *estate.Asset // set where the asset is made whole at once
}

func newConversion(in Input) *conversion {
	c := &conversion{in: in, resources: make(map[string]*Resource, len(in.Resources)), ids: map[string]string{}, byName: map[string]string{},
		rules: byResource(), drafts: map[string]*draft{}, loose: map[string][]string{}, strange: map[string][]string{}, novel: map[string]map[string]string{}}
	c.out = Output{Of: map[string][]string{}, Unconverted: map[string]Unconverted{}, Unsaid: map[string][]string{}, Partial: map[string][]string{}}
	c.places = newPlaces(&c.in)
	for i := range in.Resources {
		c.resources[in.Resources[i].Address] = &in.Resources[i]
	}
	return c
}

// main makes the asset a resource is.
func (c *conversion) main(r *Resource) {
	if r.Mode == "data" {
		return
	}
	if k, ok := kubernetesKinds[r.Type]; ok {
		c.kubernetes(r, k)
		return
	}
	rule := c.rules[r.Type]
	switch {
	case rule == nil:
		c.unconverted(r)
		return
	case rule.onto != nil || rule.spread != nil:
		return
	}
	d := c.draft(c.identity(r.Address), rule.typ)
	if d.r != nil && d.r != r {
		c.blind(r, estate.ReadMalformed, fmt.Sprintf("%s and %s are both %s: the plan says two things of one asset", d.r.Address, r.Address, d.id),
			"remove one of the two from the configuration")
		c.out.Unconverted[r.Address] = Unconverted{Why: "another resource of the plan is the same asset, " + d.id}
		return
	}
	d.r, d.rule, d.where = r, rule, c.places.of(r)
	c.out.Of[r.Address] = append(c.out.Of[r.Address], d.id)
	maps.Copy(d.config, rule.with)
	for k := range rule.with {
		d.said[k] = true
	}
	c.members(d.config, spot{r: r, as: rule.as}, r.Values, r.Unknown, &d.live.Root, func(m string) { d.said[m] = true })
	sayableOf(r.Type, rule.as, &d.live.Root).unsay(d.config, &d.live.Root, false)
	for _, read := range d.live.Reads {
		if read.Key == "" {
			d.read(read.Operation, "", estate.ReadOK)
		}
	}
	if r.Born {
		for k, v := range rule.born {
			d.config[k], d.said[k] = v, true
		}
	}
	if name := c.nameOf(d); name != "" {
		c.byName[d.typ+"\x00"+name] = d.id
	}
	c.tags(d)
	if rule.more != nil {
		rule.more(c, d, r)
	}
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
	d := &draft{id: id, typ: typ, live: l, config: map[string]any{}, reads: map[string]estate.Read{}, said: map[string]bool{}, cloud: estate.AWS}
	c.drafts[id] = d
	return d
}

// read notes how an operation of the draft ended.
func (d *draft) read(operation, key string, status estate.ReadStatus) {
	d.reads[key+"\x00"+operation] = estate.Read{Operation: operation, Key: key, Status: status}
}

// answered notes that the reply under key is said by the plan.
func (d *draft) answered(key string, status estate.ReadStatus) {
	for _, r := range d.live.Reads {
		if r.Key == key {
			d.read(r.Operation, key, status)
		}
	}
}

// silent reports whether nothing has been said of the reply under key.
func (d *draft) silent(key string) bool {
	for _, r := range d.live.Reads {
		if _, ok := d.reads[key+"\x00"+r.Operation]; r.Key == key && ok {
			return false
		}
	}
	return true
}

// part adds a resource that is a part of another's asset.
func (c *conversion) part(r *Resource) {
	rule := c.rules[r.Type]
	if r.Mode == "data" || rule == nil {
		return
	}
	if rule.spread != nil {
		c.spread(r, rule)
		return
	}
	if rule.onto == nil {
		return
	}
	id := c.owner(r, rule.onto)
	if id == "" {
		c.loose[rule.onto.typ+"\x00"+rule.onto.key] = append(c.loose[rule.onto.typ+"\x00"+rule.onto.key], r.Address)
		c.out.Unconverted[r.Address] = Unconverted{Why: fmt.Sprintf("which %s it belongs to (%s) is known only after apply", rule.onto.typ, rule.onto.attribute)}
		c.blind(r, estate.ReadFailed, "which "+rule.onto.typ+" it belongs to is known only after apply: its "+rule.onto.attribute+" refers to no resource of the plan",
			"refer to the resource itself ("+rule.onto.attribute+" = TYPE.NAME.id), or apply in two steps")
		return
	}
	d := c.draft(id, rule.onto.typ)
	if d.r == nil && d.where == (place{}) {
		d.where = c.places.of(r)
	}
	c.out.Of[r.Address] = append(c.out.Of[r.Address], id)
	if key := rule.onto.key; key != "" {
		reply := d.live.Root.Named(key)
		body, _ := d.config[key].(map[string]any)
		if body == nil {
			body = map[string]any{}
		}
		for m, v := range rule.with {
			body[m] = v
		}
		c.members(body, spot{r: r, as: rule.as}, r.Values, r.Unknown, reply, nil)
		sayableOf(r.Type, rule.as, reply).unsay(body, reply, true)
		d.config[key] = body
		d.answered(key, estate.ReadOK)
	}
	if rule.onto.key == "" {
		for _, attribute := range attributes(r.Values, nil) {
			c.unknownTo(spot{r: r}.step(attribute), r.Values[attribute])
		}
	}
	if rule.more != nil {
		rule.more(c, d, r)
	}
}

// spread adds a resource to each of the assets it is a part of.
func (c *conversion) spread(r *Resource, rule *rule) {
	for _, o := range rule.spread {
		ids := c.owners(r, o)
		for _, id := range ids {
			if id == "" {
				c.loose[o.typ+"\x00"] = append(c.loose[o.typ+"\x00"], r.Address)
				c.blind(r, estate.ReadFailed, "which "+o.typ+" it belongs to is known only after apply: its "+o.attribute+" refers to no resource of the plan",
					"refer to the resources themselves ("+o.attribute+" = [TYPE.NAME.name]), or apply in two steps")
				continue
			}
			d := c.draft(id, o.typ)
			if d.r == nil && d.where == (place{}) {
				d.where = c.places.of(r)
			}
			c.out.Of[r.Address] = append(c.out.Of[r.Address], id)
			rule.more(c, d, r)
		}
	}
	if c.out.Of[r.Address] == nil {
		c.out.Unconverted[r.Address] = Unconverted{Why: "what it belongs to is known only after apply"}
	}
}

// gone notes that a part this side no longer has is absent from its asset.
func (c *conversion) gone(r *Resource) {
	rule := c.rules[r.Type]
	if r.Mode != "data" && rule != nil && rule.spread != nil {
		for _, o := range rule.spread {
			for _, id := range c.owners(r, o) {
				if d := c.drafts[id]; d != nil {
					rule.less(c, d, r)
				}
			}
		}
		return
	}
	if r.Mode == "data" || rule == nil || rule.onto == nil || rule.onto.key == "" && rule.less == nil {
		return
	}
	id := c.owner(r, rule.onto)
	d := c.drafts[id]
	if rule.less != nil {
		if d != nil {
			rule.less(c, d, r)
		}
		return
	}
	if id == "" || d == nil && c.ownedElsewhere(id) {
		return
	}
	if d == nil {
		d = c.draft(id, rule.onto.typ)
		d.where = c.places.of(r)
	}
	if _, still := d.config[rule.onto.key]; still && !d.silent(rule.onto.key) && c.partStays(d, rule) {
		return
	}
	delete(d.config, rule.onto.key)
	if rule.left != nil {
		d.config[rule.onto.key] = maps.Clone(rule.left)
		d.answered(rule.onto.key, estate.ReadOK)
		return
	}
	d.answered(rule.onto.key, estate.ReadAbsent)
}

// partStays reports whether another resource of this side makes the same part.
func (c *conversion) partStays(d *draft, rule *rule) bool {
	for address, ids := range c.out.Of {
		r := c.resources[address]
		if r == nil || !slices.Contains(ids, d.id) {
			continue
		}
		if other := c.rules[r.Type]; other != nil && other.onto != nil && other.onto.key == rule.onto.key {
			return true
		}
	}
	return false
}

// ownedElsewhere reports whether an asset goes with its part.
func (c *conversion) ownedElsewhere(id string) bool {
	for i := range c.in.Gone {
		r := &c.in.Gone[i]
		if rule := c.rules[r.Type]; rule != nil && rule.onto == nil && rule.spread == nil && c.ownID(r, rule) == id {
			return true
		}
	}
	return false
}

// nameOf is the asset's name as the live reader would give it.
func (c *conversion) nameOf(d *draft) string {
	if d.live.Name != "" && !strings.ContainsAny(d.live.Name, ".[{") {
		if s := str(d.config[d.live.Name]); s != "" && !strings.HasPrefix(s, prefix) {
			return s
		}
	}
	if strings.HasPrefix(d.id, prefix) {
		return ""
	}
	return d.id[strings.LastIndexAny(d.id, "/:")+1:]
}

// given notes which tags are not the resource's own but its provider's.
func (c *conversion) given(d *draft) {
	masks, _ := d.r.Unknown.(map[string]any)
	all, has := d.r.Values["tags_all"].(map[string]any)
	if !has || masks["tags"] != nil || masks["tags_all"] != nil {
		return
	}
	own, _ := d.r.Values["tags"].(map[string]any)
	names := []string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, set := own[name]; !set {
			names = append(names, name)
		}
	}
	list, _ := json.Marshal(names) // texts have a spelling
	d.reads[estate.GivenTags] = estate.Read{Operation: estate.GivenTags, Key: estate.GivenTags, Status: estate.ReadOK, Why: string(list)}
}

// tags takes the tags the resource will have, the provider's own among them,
// and spells them where the reply keeps them.
func (c *conversion) tags(d *draft) {
	masks, _ := d.r.Unknown.(map[string]any)
	var v, mask any
	for _, attribute := range [...]string{"tags_all", "tags"} {
		if _, has := d.r.Values[attribute]; has || masks[attribute] != nil {
			v, mask = d.r.Values[attribute], masks[attribute]
			if mask != true {
				break
			}
		}
	}
	if d.live.Tags == "" {
		return
	}
	key, _, _ := strings.Cut(d.live.Tags, ".")
	if v == nil && mask == nil {
		if _, has := d.r.Values["tags"]; !has {
			return
		}
	}
	if m, partly := mask.(map[string]any); mask == true || partly && len(m) > 0 {
		return
	}
	m, _ := v.(map[string]any)
	d.tags = map[string]string{}
	for k, v := range m {
		d.tags[k] = str(v)
	}
	d.said[key] = true
	c.given(d)
	body := d.live.TagBody(d.tags)
	if body == nil {
		return
	}
	if _, inner, nested := strings.Cut(d.live.Tags, "."); nested {
		d.config[key] = map[string]any{inner: body}
		d.answered(key, estate.ReadOK)
		return
	}
	d.config[key] = body
}

// blind notes a blind spot at a resource.
func (c *conversion) blind(r *Resource, status estate.ReadStatus, why, hint string) {
	c.out.BlindSpots = append(c.out.BlindSpots, estate.BlindSpot{Source: c.in.Source, Operation: r.Address, Asset: prefix + r.Address,
		Status: status, Why: why, Hint: hint})
}

// finish completes all drafts.
func (c *conversion) finish() Output {
	c.countAttachments()
	for _, id := range slices.Sorted(maps.Keys(c.drafts)) {
		d := c.drafts[id]
		if d.asset == nil {
			d.others()
			c.complete(d)
			d.asset = c.assetOf(d)
		}
		if len(d.unsaid) > 0 {
			c.out.Unsaid[id] = d.unsaid
		}
		if len(d.partial) > 0 {
			c.out.Partial[id] = d.partial
		}
		c.out.Assets = append(c.out.Assets, *d.asset)
	}
	c.summary()
	return c.out
}

// countAttachments tells of each new managed policy how many identities of the
// plan it is attached to: nobody else can know of it yet.
func (c *conversion) countAttachments() {
	count := map[string]int{}
	for _, d := range c.drafts {
		list, _ := d.config["AttachedManagedPolicies"].([]any)
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				count[str(m["PolicyArn"])]++
			}
		}
	}
	for id, d := range c.drafts {
		if d.typ == "AWS::IAM::ManagedPolicy" && d.r != nil && d.r.Born && len(c.loose["AWS::IAM::Role\x00"]) == 0 {
			d.config["AttachmentCount"], d.said["AttachmentCount"] = count[id], true
		}
	}
}

// others puts an unknown element at the end of each list that holds only what
// this plan adds: what else the thing has.
func (d *draft) others() {
	for _, at := range d.partial {
		within, steps := d.config, strings.Split(strings.TrimPrefix(at, "/"), "/")
		for _, step := range steps[:len(steps)-1] {
			within, _ = within[step].(map[string]any)
		}
		if within == nil {
			continue
		}
		member := steps[len(steps)-1]
		switch v := within[member].(type) {
		case []any:
			if !slices.Contains(v, any(unborn.Later{})) {
				within[member] = append(v, unborn.Later{})
			}
		case nil:
			within[member] = []any{unborn.Later{}}
		}
	}
}

// inReply adds an element to a list in a reply. Of a thing that is not new the
// plan shows only what it adds.
func (d *draft) inReply(key, list string, v any) {
	reply, _ := d.config[key].(map[string]any)
	if reply == nil {
		reply = map[string]any{list: []any{}}
		if d.r == nil || !d.r.Born {
			d.partial = append(d.partial, "/"+key+"/"+list)
		}
	}
	if have, ok := reply[list].([]any); ok {
		reply[list] = append(have, v)
	}
	d.config[key] = reply
	d.answered(key, estate.ReadOK)
}

// complete settles what the plan says nothing of.
func (c *conversion) complete(d *draft) {
	root := &d.live.Root
	keys := map[string]bool{}
	for _, r := range d.live.Reads {
		keys[r.Key] = true
	}
	born := d.r != nil && d.r.Born
	for key := range keys {
		if key == "" || !d.silent(key) {
			continue
		}
		if d.rule != nil && born && len(c.loose[d.typ+"\x00"+key]) == 0 && len(c.loose[d.typ+"\x00"]) == 0 {
			if body, said := d.rule.newborn[key]; said {
				if body == nil {
					d.answered(key, estate.ReadAbsent)
				} else {
					d.config[key] = maps.Clone(body)
					d.answered(key, estate.ReadOK)
				}
				continue
			}
		}
		for _, r := range d.live.Reads {
			if r.Key == key {
				r.Status, r.Why = estate.ReadSkipped, "the plan does not say"
				d.reads[key+"\x00"+r.Operation] = r
			}
		}
	}
	if d.r == nil {
		for _, r := range d.live.Reads {
			if r.Key == "" {
				r.Status, r.Why = estate.ReadSkipped, "the plan does not manage it, only a part of it"
				d.reads["\x00"+r.Operation] = r
			}
		}
		return
	}
	// The id's own member follows from the id.
	if d.live.ID != "" && !strings.ContainsAny(d.live.ID, "{.") && strings.HasPrefix(d.id, "arn:") {
		d.config[d.live.ID] = d.id
		d.said[d.live.ID] = true
	}
	for _, m := range root.Kids {
		if _, set := d.config[m.Name]; keys[m.Name] || d.said[m.Name] || set {
			continue
		}
		d.unsaid = append(d.unsaid, "/"+unborn.Pointer(m.Name))
	}
}

// assetOf is the finished asset.
func (c *conversion) assetOf(d *draft) *estate.Asset {
	var unknown []string
	config, _ := take(d.config, &unknown, &d.unsaid).(map[string]any)
	a := &estate.Asset{ID: d.id, Type: d.typ, Cloud: d.cloud, Account: d.where.account, Region: d.where.region, Tags: d.tags, Source: c.in.Source}
	if d.live.Global && d.typ != "AWS::S3::Bucket" {
		a.Region = ""
	}
	a.Account = cmp.Or(unborn.Account(d.id), a.Account)
	a.Name = cmp.Or(c.nameOf(d), d.id[strings.LastIndexAny(d.id, "/:")+1:])
	body, err := json.Marshal(config)
	if err != nil { // values come from JSON; nothing else can stand there
		body = []byte("{}")
	}
	a.Config = body
	a.Unknown = append(unknown, d.unsaid...)
	slices.Sort(a.Unknown)
	a.Unknown = slices.Compact(a.Unknown)
	for _, k := range slices.Sorted(maps.Keys(d.reads)) {
		a.Reads = append(a.Reads, d.reads[k])
	}
	return a
}

// take removes what is known later from a configuration and lists where it
// stood, and where what no plan says.
func take(v any, unknown, silent *[]string) any {
	return unborn.Take(v, func(v any, at string) (gone, ok bool) {
		switch v.(type) {
		case unborn.Later:
			*unknown = append(*unknown, at)
			return true, true
		case unsaid:
			*silent = append(*silent, at)
			return true, true
		case null:
			*unknown = append(*unknown, at)
			return false, true
		}
		return false, false
	})
}
