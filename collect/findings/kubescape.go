package findings

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// kubescapeResult is what one resource's controls say, in a report of format
// version 2.
type kubescapeResult struct {
	ResourceID string `json:"resourceID"`
	Controls   []struct {
		ControlID string          `json:"controlID"`
		Name      string          `json:"name"`
		Status    json.RawMessage `json:"status"` // a word, or an object since 2.3
		Rules     []struct {
			Status string `json:"status"`
			Paths  []struct {
				Failed string `json:"failedPath"`
				Review string `json:"reviewPath"`
				Fix    struct {
					Path string `json:"path"`
				} `json:"fixPath"`
			} `json:"paths"`
		} `json:"rules"`
	} `json:"controls"`
}

// kubescapeSummary is what a report says of a control as a whole.
type kubescapeSummary struct {
	ScoreFactor float64 `json:"scoreFactor"`
}

func fitsKubescape(names map[string]bool) bool {
	return names["summaryDetails"] || any1(names, "results", "resources") && any1(names, "customerGUID", "reportGUID", "clusterAPIServerInfo", "clusterCloudProvider") ||
		all(names, "results.", "resourceID", "controls")
}

// readKubescape reads the report. Scores and the cluster's name may stand behind
// the results, which therefore wait in a short form.
func readKubescape(s *stream, p *page) error {
	return s.documents(func() error {
		if v, _, err := s.enter(); err != nil || v != anObject {
			return notObject(s, p, v, err)
		}
		k := kubescape{scores: map[string]float64{}, objects: map[string]estate.ForeignResource{}}
		err := s.members(func(name string) error { return k.member(s, p, name) })
		k.flush(p)
		return err
	})
}

type kubescape struct {
	cluster, made, version string
	scores                 map[string]float64
	objects                map[string]estate.ForeignResource // of ids that do not tell
	waiting                []waiting
}

type waiting struct {
	id string
	e  entry
}

func (k *kubescape) member(s *stream, p *page, name string) error {
	switch name {
	case "clusterName":
		_, err := s.decode(&k.cluster)
		return err
	case "generationTime":
		_, err := s.decode(&k.made)
		return err
	case "metadata":
		var m struct {
			Scan struct {
				Version string `json:"kubescapeVersion"`
			} `json:"scanMetadata"`
			Cluster struct {
				Context string `json:"contextName"`
			} `json:"clusterMetadata"`
		}
		_, err := s.decode(&m)
		k.version, k.cluster = m.Scan.Version, first(k.cluster, m.Cluster.Context)
		return err
	case "summaryDetails":
		return k.summary(s, p)
	case "results":
		_, err := s.elements(func() error { return k.result(s, p) })
		return err
	case "resources":
		_, err := s.elements(func() error { return k.resource(s) })
		return err
	}
	return s.skip()
}

// summary reads the controls' scores.
func (k *kubescape) summary(s *stream, p *page) error {
	if v, _, err := s.enter(); err != nil || v != anObject {
		return notObject(s, p, v, err)
	}
	return s.members(func(name string) error {
		if name != "controls" {
			return s.skip()
		}
		if v, _, err := s.enter(); err != nil || v != anObject {
			return notObject(s, p, v, err)
		}
		return s.members(func(id string) error {
			var sum kubescapeSummary
			_, err := s.decode(&sum)
			k.scores[id] = sum.ScoreFactor
			return err
		})
	})
}

// resource reads what an object is, for those whose ids do not tell.
func (k *kubescape) resource(s *stream) error {
	var r struct {
		ID     string `json:"resourceID"`
		Object struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			} `json:"metadata"`
			Name      string `json:"name"`
			Namespace string `json:"namespace"`
		} `json:"object"`
		Source struct {
			Relative string `json:"relativePath"`
		} `json:"source"`
	}
	odd, err := s.decode(&r)
	if err != nil || odd != nil {
		return err
	}
	o := estate.ForeignResource{Kind: r.Object.Kind, Name: first(r.Object.Metadata.Name, r.Object.Name), Namespace: first(r.Object.Metadata.Namespace, r.Object.Namespace), File: r.Source.Relative}
	if _, tells := k.parse(r.ID); !tells && o.Kind != "" && o.Name != "" && len(k.objects) < s.lim.results {
		k.objects[clip(r.ID, 500)] = o
	}
	return nil
}

func (k *kubescape) result(s *stream, p *page) error {
	var r kubescapeResult
	odd, err := s.decode(&r)
	if odd != nil {
		p.oddity(odd.Error())
		return nil
	}
	if err != nil {
		return err
	}
	for _, c := range r.Controls {
		e := entry{tool: "kubescape", name: "Kubescape", check: c.ControlID, status: kubescapeStatus(c.Status), about: estate.ForeignCheck{Title: c.Name}}
		if e.status != estate.ForeignPass {
			var paths []string
			for _, rule := range c.Rules {
				for _, at := range rule.Paths {
					if where := first(at.Failed, at.Review, at.Fix.Path); where != "" && len(paths) < 4 && rule.Status != "passed" {
						paths = append(paths, where)
					}
				}
			}
			e.message = line(strings.Join(paths, ", "), s.lim.message)
		}
		if len(k.waiting) >= s.lim.results {
			p.lost++
			continue
		}
		k.waiting = append(k.waiting, waiting{clip(r.ResourceID, 500), e})
	}
	return nil
}

// kubescapeStatus reads a control's outcome: an exception is somebody's muting,
// and what is skipped was not decided.
func kubescapeStatus(raw json.RawMessage) estate.ForeignStatus {
	var word string
	var full struct {
		Status string `json:"status"`
		Sub    string `json:"subStatus"`
	}
	if json.Unmarshal(raw, &word) != nil && json.Unmarshal(raw, &full) == nil {
		word = full.Status
	}
	switch {
	case full.Sub == "w/exceptions":
		return estate.ForeignMuted
	case word == "failed":
		return estate.ForeignFail
	case word == "passed" || word == "irrelevant":
		return estate.ForeignPass
	}
	return estate.ForeignUnknown
}

func (k *kubescape) flush(p *page) {
	p.ran("kubescape", "Kubescape", k.version)
	when := moment(k.made)
	for _, w := range k.waiting {
		e := w.e
		e.version, e.time, e.resource = k.version, when, k.subject(w.id)
		if score, ok := k.scores[e.check]; ok {
			e.severity = kubescapeSeverity(score)
		}
		p.add(e)
	}
	k.waiting = nil
}

// subject reads GROUP/VERSION/NAMESPACE/KIND/NAME, in files behind path=HASH/api=.
// Other ids are looked up among the resources.
func (k *kubescape) subject(id string) estate.ForeignResource {
	o, tells := k.parse(id)
	if other, ok := k.objects[id]; ok && !tells {
		o = other
		o.Cluster, o.Type = k.cluster, o.Kind
	}
	return o
}

func (k *kubescape) parse(id string) (o estate.ForeignResource, tells bool) {
	_, api, inFile := strings.Cut(id, "/api=")
	if !inFile {
		api = id
	}
	parts := strings.Split(strings.TrimPrefix(api, "/"), "/")
	if n := len(parts); (n == 4 || n == 5) && apiVersion.MatchString(parts[n-4]) {
		return estate.ForeignResource{Kind: parts[n-2], Namespace: parts[n-3], Name: parts[n-1], Cluster: k.cluster, Type: parts[n-2]}, true
	}
	return estate.ForeignResource{Name: id, Cluster: k.cluster}, false
}

// apiVersion matches the version of a Kubernetes API.
var apiVersion = regexp.MustCompile(`^v[0-9]+(?:(?:alpha|beta)[0-9]+)?$`)

// kubescapeSeverity is Kubescape's own word for a score from 0 to 10.
func kubescapeSeverity(score float64) string {
	switch {
	case score >= 9:
		return "Critical"
	case score >= 7:
		return "High"
	case score >= 4:
		return "Medium"
	case score >= 1:
		return "Low"
	}
	return "Unknown"
}
