package aws

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// spec says how assets of one type are read.
type spec struct {
	kind  estate.Kind
	edges []edge
	// more reads what edges cannot say: nested structures, roots, parts.
	more func(*reading)
}

// edge is one declared relation: every value at path becomes a target of rel.
type edge struct {
	rel  estate.RelationType
	path string
	to   linker
}

// linker relates the asset to what the value at n means.
type linker func(n node, rel estate.RelationType)

// Understand reads one AWS asset. It never panics, whatever the configuration
// holds, and does not change or keep the asset.
//
// An asset of a type no reading knows has KindUnknown and no relations. A
// configuration that is absent gives kind alone.
func Understand(a *estate.Asset) estate.Understanding { return understand(a).out }

// understand is the reading behind Understand and Policies.
func understand(a *estate.Asset) *reading {
	s, known := specFor(a.Type)
	r := &reading{a: a, seen: map[estate.Relation]bool{}, parts: map[string]bool{}}
	r.out.Kind = s.kind
	if !known || len(a.Config) == 0 {
		return r
	}
	cfg, err := decode(a.Config)
	if err != nil {
		r.problem("config", err.Error())
		return r
	}
	r.self, _ = ParseARN(a.ID)
	r.cfg = node{r: r, path: "config", v: cfg}
	r.common()
	if parent, _, isPart := strings.Cut(a.ID, "#"); isPart {
		r.relate(parent, estate.Contains, a.ID, "id")
	}
	for _, e := range s.edges {
		for n := range r.cfg.each(e.path) {
			e.to(n, e.rel)
		}
	}
	if s.more != nil {
		s.more(r)
	}
	return r
}

// decode reads a configuration, which is one JSON object.
func decode(raw json.RawMessage) (map[string]any, error) {
	var cfg map[string]any
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return nil, err
	}
	return cfg, nil
}

// reading is the reading of one asset in progress.
type reading struct {
	a     *estate.Asset
	self  ARN // zero when the id is no ARN
	cfg   node
	out   estate.Understanding
	seen  map[estate.Relation]bool
	parts map[string]bool

	policies []Policy
}

// relate notes a relation once, with its first evidence.
func (r *reading) relate(from string, rel estate.RelationType, to, evidence string) {
	if from == "" || to == "" || from == to && rel != estate.RoutesTo {
		return
	}
	key := estate.Relation{From: from, To: to, Type: rel}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.out.Relations = append(r.out.Relations, estate.Relation{
		From: from, To: to, Type: rel, Tier: estate.Declared, Evidence: evidence})
}

// part notes an asset that this configuration holds or names; the first of an
// id stands.
func (r *reading) part(p estate.Asset) {
	if p.ID == "" || r.parts[p.ID] {
		return
	}
	r.parts[p.ID] = true
	p.Cloud, p.Source = estate.AWS, r.a.Source
	r.out.Parts = append(r.out.Parts, p)
}

// ownPart is a part that belongs to this asset's account and region and is
// contained by it.
func (r *reading) ownPart(p estate.Asset, evidence string) {
	p.Account, p.Region = r.account(), r.region()
	r.part(p)
	r.relate(r.a.ID, estate.Contains, p.ID, evidence)
}

// problem notes a place that could not be understood, once a path.
func (r *reading) problem(path, why string) {
	for _, p := range r.out.Problems {
		if p.Path == path {
			return
		}
	}
	if len(r.out.Problems) < maxProblems {
		r.out.Problems = append(r.out.Problems, estate.Problem{Path: path, Why: why})
	}
}

// maxProblems bounds the problems of one asset: a hostile configuration must
// not become a report of its own.
const maxProblems = 64

// root marks the asset as the root of an AI workload; the first reason stands.
func (r *reading) root(class, family, why string) {
	if r.out.Root == nil {
		r.out.Root = &estate.Root{Class: class, Family: family, Why: why}
	}
}

// name is the asset's own name: as collected, or else from its configuration,
// or its id's last part.
func (r *reading) name() string {
	if r.out.Name != "" {
		return r.out.Name
	}
	return r.self.Name()
}

func (r *reading) account() string { return firstOf(r.a.Account, r.self.Account) }
func (r *reading) region() string  { return firstOf(r.a.Region, r.self.Region) }

// partition is the asset's own, or the one its region belongs to.
func (r *reading) partition() string {
	if r.self.Partition != "" {
		return r.self.Partition
	}
	return partitionOf(r.region())
}

// arn completes a resource with the asset's own partition, region and account.
func (r *reading) arn(service, resource string) string {
	return ARN{r.partition(), service, r.region(), r.account(), resource}.String()
}

// global completes a resource of a service without regions.
func (r *reading) global(service, resource string) string {
	return ARN{r.partition(), service, "", r.account(), resource}.String()
}

// firstOf returns the first string that is not empty.
func firstOf(ss ...string) string {
	for _, s := range ss {
		if s != "" {
			return s
		}
	}
	return ""
}

// common reads what nearly every type has: name, tags, creation time.
func (r *reading) common() {
	r.out.Name = r.a.Name
	if r.out.Name == "" {
		r.out.Name = r.self.Name()
	}
	if r.a.Tags == nil {
		r.out.Tags = r.tags()
	}
	r.out.Created = r.a.Created
	for _, key := range createdKeys {
		if !r.out.Created.IsZero() {
			break
		}
		r.out.Created = parseTime(r.cfg.at(key).v)
	}
}

// createdKeys are the members in which services say when a thing was made.
var createdKeys = []string{"CreationTime", "CreateDate", "CreatedTime", "CreatedDate", "CreationDate", "createdAt",
	"CreatedOn", "creationTime", "creationDate", "CreatedTimestamp", "CreateTime", "CreatedAt", "createTime",
	"LaunchTime", "CreationDateTime", "createdDate", "registeredAt", "ClusterCreateTime", "InstanceCreateTime", "StartTime"}

// parseTime reads RFC 3339 and its neighbours, or seconds since 1970; anything
// else is no time.
func parseTime(v any) time.Time {
	switch t := v.(type) {
	case string:
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05"} {
			if at, err := time.Parse(layout, t); err == nil {
				return at.UTC()
			}
		}
	case float64:
		const year3000, secondsAsMilli = 32503680000, 1e11
		if t > secondsAsMilli { // CloudWatch Logs counts milliseconds
			t /= 1000
		}
		if t > 0 && t < year3000 {
			return time.UnixMilli(int64(t * 1000)).UTC()
		}
	}
	return time.Time{}
}

// tagKeys are the places where services keep tags.
var tagKeys = []string{"Tags", "tags", "TagList", "TagSet", "tagList", "GetBucketTagging.TagSet", "ListTags.Tags",
	"ListTags.TagList", "ListTagsForResource.Tags", "ListTagsForResource.tags", "ListTagsForResource.TagList",
	"GetTags.Tags", "ListResourceTags.Tags", "ListTagsOfResource.Tags", "DescribeTags.Tags", "ListQueueTags.Tags"}

// tags reads the asset's tags, nil if the configuration holds none.
func (r *reading) tags() map[string]string {
	for _, key := range tagKeys {
		n := r.peek(key)
		switch v := n.v.(type) {
		case map[string]any:
			out := map[string]string{}
			for k, val := range n.members() {
				out[k] = val.str()
			}
			return out
		case []any:
			return tagList(n, len(v))
		}
	}
	return nil
}

// peek is cfg.at without a word about what stands on the way.
func (r *reading) peek(path string) node {
	n := node{path: r.cfg.path, v: r.cfg.v}.at(path) // a node without a reading has nowhere to say it
	n.r = r
	return n
}

// tagList reads a list of key and value in any of the services' spellings.
func tagList(n node, size int) map[string]string {
	out := make(map[string]string, size)
	for item := range n.items() {
		m, isObject := item.v.(map[string]any)
		if !isObject {
			item.problem("expected an object, found " + typeName(item.v))
			continue
		}
		for _, spelling := range [][2]string{{"Key", "Value"}, {"key", "value"}, {"TagKey", "TagValue"}} {
			if _, has := m[spelling[0]]; has {
				out[item.text(spelling[0])] = item.text(spelling[1])
			}
		}
	}
	return out
}

// tag looks a tag up in what was collected or read.
func (r *reading) tag(key string) string {
	if v, ok := r.a.Tags[key]; ok {
		return v
	}
	return r.out.Tags[key]
}

// allTags is what tag looks in.
func (r *reading) allTags() map[string]string {
	if r.a.Tags != nil {
		return maps.Clone(r.a.Tags)
	}
	return r.out.Tags
}
