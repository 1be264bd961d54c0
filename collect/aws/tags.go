package aws

import (
	"sort"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/collect/aws/catalog"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// tagSweep is the session's sink. It remembers which assets came without tags,
// so that one sweep of the tagging service can supply them, and which services
// the assets are of, so that tagged things of no type read are not passed over
// in silence.
type tagSweep struct {
	estate.Sink
	s *session

	mu       sync.Mutex
	untagged map[string]estate.Asset // by id; identity members only
}

func newTagSweep(s *session) *tagSweep {
	return &tagSweep{Sink: s.sink, s: s, untagged: map[string]estate.Asset{}}
}

// Asset passes the asset on.
func (t *tagSweep) Asset(a estate.Asset) {
	if a.Tags == nil && strings.HasPrefix(a.ID, "arn:") && !strings.Contains(a.ID, "#") {
		t.mu.Lock()
		t.untagged[a.ID] = estate.Asset{ID: a.ID, Type: a.Type, Cloud: a.Cloud, Account: a.Account, Region: a.Region, Source: a.Source}
		t.mu.Unlock()
	}
	t.Sink.Asset(a)
}

// sweepTags asks the tagging service of every region for what is tagged.
func (s *session) sweepTags(regions []string) {
	if len(s.c.opts.Services) > 0 {
		return
	}
	var g errgroup.Group
	g.SetLimit(itemsAtOnce)
	unseen := make([]map[string]int, len(regions))
	for i, name := range regions {
		g.Go(func() error { unseen[i] = s.sweepRegion(name); return nil })
	}
	_ = g.Wait()
	s.tags.mu.Lock()
	s.tags.untagged = nil
	s.tags.mu.Unlock()
	s.sayUnseen(unseen)
}

// sweepRegion supplies the tags of one region and counts the tagged things of
// services the catalogue does not know.
func (s *session) sweepRegion(name string) map[string]int {
	unseen := map[string]int{}
	r := s.region(name)
	if s.c.outOfTime() {
		s.tagsUnread(name)
		return nil
	}
	if r.ctx.Err() != nil {
		return nil
	}
	req := api.Request{Service: "resourcegroupstaggingapi", Operation: "GetResources", Region: name}
	for page, err := range s.pages(r.ctx, req) {
		if err != nil {
			f := asFailure(err)
			if s.c.outOfTime() {
				s.tagsUnread(name)
				return unseen
			}
			s.blind(s.sink, req, f, "", []string{""}, []string{"tag:GetResources"})
			return unseen
		}
		for id, tags := range catalog.TaggedResources(page) {
			if a, ok := s.tags.take(id); ok {
				a.Tags = tags
				s.tags.Sink.Asset(a)
			} else if service := arnService(id); !s.c.knowsARN(service) {
				unseen[service]++
			}
		}
	}
	return unseen
}

// tagsUnread says that a region's tags were not read in time.
func (s *session) tagsUnread(region string) {
	s.sink.BlindSpot(estate.BlindSpot{
		Source: s.c.opts.Source, Account: s.account, Region: region, Operation: "resourcegroupstaggingapi:GetResources",
		Status: estate.ReadFailed, Why: "not read: stopped after " + s.c.spent().String(), Hint: moreTime,
	})
}

// take returns the untagged asset with an id and forgets it.
func (t *tagSweep) take(id string) (estate.Asset, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a, ok := t.untagged[id]
	delete(t.untagged, id)
	return a, ok
}

// arnService is the service an ARN belongs to.
func arnService(arn string) string {
	part := strings.SplitN(arn, ":", 4)
	if len(part) < 4 {
		return ""
	}
	return part[2]
}

// sayUnseen names the services whose tagged things are of no type read.
func (s *session) sayUnseen(counts []map[string]int) {
	total := map[string]int{}
	for _, m := range counts {
		for k, n := range m {
			total[k] += n
		}
	}
	if len(total) == 0 {
		return
	}
	names := make([]string, 0, len(total))
	for k := range total {
		names = append(names, k)
	}
	sort.Strings(names)
	s.sink.BlindSpot(estate.BlindSpot{
		Source: s.c.opts.Source, Account: s.account, Operation: "tag:GetResources", Status: estate.ReadSkipped,
		Why:  "the account has tagged resources of services that are not read: " + strings.Join(names, ", "),
		Hint: "a file under collect/aws/catalog/services adds a service",
	})
}

// knowsARN reports whether the catalogue reads a service, by the name ARNs and
// IAM actions give it.
func (c *Collector) knowsARN(service string) bool {
	for _, g := range c.groups {
		if g.service.ActionPrefix() == service || g.service.Service == service {
			return true
		}
	}
	return false
}
