package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Derive joins what no single object names: what services, network policies
// and disruption budgets select by label, the roles an aggregated role is made
// of, the accelerators workloads are given by resource claims (their roots are
// sent as assets to be merged), and the EC2 instances, EBS volumes and file systems behind nodes and
// persistent volumes, whose ids name no account.
//
// What is selected is a set: objects that select alike share one, so that
// services and pods cost an edge each and never one for each pair. It reads
// configurations of Kubernetes assets only and returns an error only when the
// snapshot cannot be read.
func Derive(s *estate.Snapshot) ([]estate.Asset, []estate.Relation, error) {
	d := &derivation{sets: map[string]bool{}, targets: map[place]*candidates{}, cloud: map[string]string{}, roles: map[string][]role{}}
	for n, a := range s.Assets() {
		if err := d.gather(s, n, a); err != nil {
			return nil, nil, err
		}
	}
	for _, x := range d.selecting {
		d.sel(x)
	}
	for _, g := range d.aggregated {
		for _, role := range d.roles[g.cluster] {
			if role.id != g.id && slices.ContainsFunc(g.selectors, func(s selector) bool { return s.matches(role.labels) }) {
				d.join(g.id, role.id, estate.Uses, "config.aggregationRule and the labels of ClusterRoles")
			}
		}
	}
	d.claimants(s)
	for _, h := range d.handles {
		if to := d.cloud[h.resource]; to != "" {
			for _, t := range h.types {
				d.join(h.from, to, t, h.evidence)
			}
		}
	}
	return d.assets, d.relations, nil
}

type place struct{ cluster, namespace string }

// target is what a selector may choose.
type target struct {
	id     string
	labels map[string]string
}

// candidates are the targets of one namespace, all and by label.
type candidates struct {
	all []target
	by  map[pair][]target
}

type pair struct{ key, value string }

// selecting is an object with a selector.
type selecting struct {
	place
	id       string
	verb     estate.RelationType
	selector selector
	evidence string
}

type role struct {
	id     string
	labels map[string]string
}

type aggregate struct {
	id, cluster string
	selectors   []selector
}

// handle is a cloud resource named by its bare id.
type handle struct {
	from, resource, evidence string
	types                    []estate.RelationType
}

type derivation struct {
	targets    map[place]*candidates
	selecting  []selecting
	roles      map[string][]role
	aggregated []aggregate
	handles    []handle
	devices    []device
	cloud      map[string]string // bare id -> ARN
	sets       map[string]bool
	assets     []estate.Asset
	relations  []estate.Relation
}

// shape is as much of an object as Derive reads.
type shape struct {
	Spec struct {
		Selector    json.RawMessage `json:"selector"`
		PodSelector json.RawMessage `json:"podSelector"`
		Template    template        `json:"template"`
		JobTemplate struct {
			Spec struct {
				Template template `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
		ProviderID string `json:"providerID"`
		CSI        struct {
			Driver       string `json:"driver"`
			VolumeHandle string `json:"volumeHandle"`
			ReadOnly     bool   `json:"readOnly"`
		} `json:"csi"`
		AWS struct {
			VolumeID string `json:"volumeID"`
		} `json:"awsElasticBlockStore"`
	} `json:"spec"`
	AggregationRule struct {
		Selectors []selector `json:"clusterRoleSelectors"`
	} `json:"aggregationRule"`
}

type template struct {
	Metadata struct {
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
}

// behind lists the AWS types that stand behind Kubernetes objects.
var behind = map[string]bool{
	"AWS::EC2::Instance": true, "AWS::EC2::Volume": true, "AWS::EFS::FileSystem": true, "AWS::EFS::AccessPoint": true,
	"AWS::FSx::FileSystem": true,
}

// gather notes what one asset brings to the joins.
func (d *derivation) gather(s *estate.Snapshot, n estate.Node, a *estate.Asset) error {
	if behind[a.Type] {
		d.cloud[a.ID[strings.LastIndex(a.ID, "/")+1:]] = a.ID
		return nil
	}
	if a.Referenced {
		d.maker(s, a)
		return nil
	}
	if a.Cloud != estate.Kubernetes {
		return nil
	}
	group, kind := split(a.Type)
	key := kind + "." + group
	where := place{a.Account, a.Region}
	if key == "Pod." {
		d.target(where, a.ID, a.Tags)
		return nil
	}
	if !derives[key] {
		return nil
	}
	config, err := s.Config(n)
	if err != nil {
		return fmt.Errorf("configuration of %s: %w", a.ID, err)
	}
	var x shape
	if json.Unmarshal(config, &x) != nil {
		return nil //nolint:nilerr // Understand has named what is wrong with it
	}
	switch {
	case d.selects(key, where, a, &x):
	case key == "ClusterRole."+rbac:
		d.roles[a.Account] = append(d.roles[a.Account], role{a.ID, a.Tags})
		if len(x.AggregationRule.Selectors) > 0 {
			d.aggregated = append(d.aggregated, aggregate{a.ID, a.Account, x.AggregationRule.Selectors})
		}
	case key == "Node.":
		if rest, ok := strings.CutPrefix(x.Spec.ProviderID, "aws://"); ok {
			d.handles = append(d.handles, handle{a.ID, rest[strings.LastIndex(rest, "/")+1:], "config.spec.providerID", []estate.RelationType{estate.Uses}})
		}
	case key == "ResourceClaim.resource.k8s.io" || key == "ResourceClaimTemplate.resource.k8s.io":
		if class := deviceClass(config); class != "" {
			d.devices = append(d.devices, device{n, class})
		}
	case key == "PersistentVolume.":
		d.disk(a.ID, &x)
	case key == "CronJob.batch":
		d.target(where, a.ID, x.Spec.JobTemplate.Spec.Template.Metadata.Labels)
	default:
		d.target(where, a.ID, x.Spec.Template.Metadata.Labels)
	}
	return nil
}

// selects notes what a kind with a selector selects; false for other kinds.
func (d *derivation) selects(key string, where place, a *estate.Asset, x *shape) bool {
	switch key {
	case "Service.":
		var pairs map[string]string
		if json.Unmarshal(x.Spec.Selector, &pairs) == nil && len(pairs) > 0 {
			d.selecting = append(d.selecting, selecting{where, a.ID, estate.RoutesTo, selector{MatchLabels: pairs}, "config.spec.selector"})
		}
	case "NetworkPolicy.networking.k8s.io":
		// The member may be left out, which means every pod.
		sel, _ := parseSelector(x.Spec.PodSelector)
		d.selecting = append(d.selecting, selecting{where, a.ID, estate.Governs, sel, "config.spec.podSelector"})
	case "PodDisruptionBudget.policy":
		if sel, ok := parseSelector(x.Spec.Selector); ok {
			d.selecting = append(d.selecting, selecting{where, a.ID, estate.Governs, sel, "config.spec.selector"})
		}
	default:
		return false
	}
	return true
}

// target notes what a selector may choose, under each of its labels.
func (d *derivation) target(where place, id string, labels map[string]string) {
	all := d.targets[where]
	if all == nil {
		all = &candidates{by: map[pair][]target{}}
		d.targets[where] = all
	}
	t := target{id, labels}
	all.all = append(all.all, t)
	for k, v := range labels {
		all.by[pair{k, v}] = append(all.by[pair{k, v}], t)
	}
}

// candidates returns the fewest targets that must be looked at for a selector.
func (d *derivation) candidates(x *selecting) []target {
	in := d.targets[x.place]
	if in == nil {
		return nil
	}
	least := in.all
	for k, v := range x.selector.MatchLabels {
		if some := in.by[pair{k, v}]; len(some) < len(least) {
			least = some
		}
	}
	return least
}

// derives lists the kinds whose configuration Derive reads.
var derives = map[string]bool{
	"Service.": true, "NetworkPolicy.networking.k8s.io": true, "PodDisruptionBudget.policy": true, "ClusterRole." + rbac: true,
	"ResourceClaim.resource.k8s.io": true, "ResourceClaimTemplate.resource.k8s.io": true,
	"Node.": true, "PersistentVolume.": true, "CronJob.batch": true, "Job.batch": true, "Deployment.apps": true,
	"ReplicaSet.apps": true, "StatefulSet.apps": true, "DaemonSet.apps": true, "ReplicationController.": true,
	"Rollout.argoproj.io": true,
}

// disk notes the disk or file system behind a volume.
func (d *derivation) disk(id string, x *shape) {
	verbs := []estate.RelationType{estate.Reads, estate.Writes}
	if x.Spec.CSI.ReadOnly {
		verbs = verbs[:1]
	}
	add := func(resource, evidence string) {
		d.handles = append(d.handles, handle{id, resource, evidence, verbs})
	}
	switch x.Spec.CSI.Driver {
	case "ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", "fsx.csi.aws.com", "fsx.openzfs.csi.aws.com":
		add(x.Spec.CSI.VolumeHandle, "config.spec.csi.volumeHandle")
	case "efs.csi.aws.com": // fs-1[:path[:access point]]
		for _, part := range strings.Split(x.Spec.CSI.VolumeHandle, ":") {
			if strings.HasPrefix(part, "fs-") || strings.HasPrefix(part, "fsap-") {
				add(part, "config.spec.csi.volumeHandle")
			}
		}
	}
	if v := x.Spec.AWS.VolumeID; v != "" {
		add(v[strings.LastIndex(v, "/")+1:], "config.spec.awsElasticBlockStore.volumeID")
	}
}

// sel joins an object to the set it selects, and the set to its members the
// first time it is met.
func (d *derivation) sel(x selecting) {
	name := x.selector.String()
	id := "set://k8s/" + x.cluster + "/" + x.namespace + "/pods?" + name
	d.join(x.id, id, x.verb, x.evidence)
	if d.sets[id] {
		return
	}
	d.sets[id] = true
	if name == "" {
		name = "all"
	}
	d.assets = append(d.assets, estate.Asset{
		ID: id, Type: estate.SetType, Cloud: estate.Kubernetes, Account: x.cluster, Region: x.namespace,
		Name: "pods in " + x.namespace + " with " + name,
	})
	for _, t := range d.candidates(&x) {
		if x.selector.matches(t.labels) {
			d.join(id, t.id, estate.Contains, "labels "+strings.Join(slices.Sorted(maps.Keys(x.selector.MatchLabels)), ", "))
		}
	}
}

func (d *derivation) join(from, to string, t estate.RelationType, evidence string) {
	d.relations = append(d.relations, estate.Relation{From: from, To: to, Type: t, Tier: estate.Declared, Evidence: evidence})
}
