package assess_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

func owner(kind, name string) string {
	return fmt.Sprintf(`"ownerReferences":[{"apiVersion":"apps/v1","kind":%q,"name":%q,"controller":true}]`, kind, name)
}

func replicaSet(name, image string, n int) string {
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":%q,"namespace":"ml","uid":"u","annotations":{"deployment.kubernetes.io/desired-replicas":"%d"},%s},
		"spec":{"replicas":%d,"template":{"spec":{"serviceAccountName":"llm","containers":[{"name":"s","image":%q}]}}}}`, name, n, owner("Deployment", "llm"), n, image)
}

func ownedPod(name, set, image string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"ml","uid":"u",%s},
		"spec":{"serviceAccountName":"llm","containers":[{"name":"s","image":%q}]}}`, name, owner("ReplicaSet", set), image)
}

func job(image string) string {
	return fmt.Sprintf(`{"metadata":{"name":"nightly-1","namespace":"ml","uid":"u",%s},"spec":{"parallelism":1,"template":{"spec":{"containers":[{"name":"j","image":%q}]}}}}`,
		strings.ReplaceAll(owner("CronJob", "nightly"), "apps/v1", "batch/v1"), image)
}

func node(taint, label, kubelet string) string {
	return fmt.Sprintf(`{"metadata":{"name":"n","uid":"u","labels":{"pool":%q}},"spec":{"taints":[%s]},"status":{"nodeInfo":{"kubeletVersion":%q,"kernelVersion":%q}}}`, label, taint, kubelet, kubelet)
}

const (
	gpuTaint   = `{"key":"gpu","effect":"NoSchedule"}`
	stateTaint = `,{"key":"node.kubernetes.io/not-ready","effect":"NoExecute","timeAdded":"2026-11-20T12:00:00Z"}`
	ml         = "k8s://c/ml/"
)

// cluster is a namespace with one of each thing that makes others.
func cluster() *world {
	w := &world{}
	w.put(llm, "apps/v1/Deployment", deployment("llm:1", 2))
	w.put(ml+"HorizontalPodAutoscaler.autoscaling/llm", "autoscaling/v2/HorizontalPodAutoscaler",
		`{"metadata":{"name":"llm","namespace":"ml","uid":"u"},"spec":{"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"llm"},"minReplicas":1,"maxReplicas":4}}`)
	w.put(ml+"ReplicaSet/llm-1", "apps/v1/ReplicaSet", replicaSet("llm-1", "llm:1", 2))
	w.put(ml+"Pod/llm-1-a", "v1/Pod", ownedPod("llm-1-a", "llm-1", "llm:1"))
	w.put(ml+"Pod/llm-1-b", "v1/Pod", ownedPod("llm-1-b", "llm-1", "llm:1"))
	w.put(ml+"CronJob/nightly", "batch/v1/CronJob", `{"metadata":{"name":"nightly","namespace":"ml","uid":"u"},"spec":{"schedule":"0 1 * * *","jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"j","image":"job:1"}]}}}}}}`)
	w.put(ml+"StatefulSet/db", "apps/v1/StatefulSet", `{"metadata":{"name":"db","namespace":"ml","uid":"u"},"spec":{"replicas":1,"template":{"spec":{"containers":[{"name":"d","image":"db:1"}]}}}}`)
	w.put(ml+"ControllerRevision/db-1", "apps/v1/ControllerRevision", `{"metadata":{"name":"db-1","namespace":"ml","uid":"u",`+owner("StatefulSet", "db")+`},"revision":1,"data":{"spec":{"template":{"spec":{"containers":[{"name":"d","image":"db:1"}]}}}}}`)
	w.put("k8s://c//Node/n", "v1/Node", node(gpuTaint, "gpu", "v1.34.1"))
	return w
}

// What controllers do with what they own is no drift, whether lists were read to
// their end or the estate is an export of mixed objects; what somebody does is one
// record, and hides behind no controller's name.
func TestDriftOfWhatControllersMake(t *testing.T) {
	scale := func(n int) func(*world) {
		return func(w *world) {
			w.put(llm, "apps/v1/Deployment", deployment("llm:1", n))
			w.put(ml+"ReplicaSet/llm-1", "apps/v1/ReplicaSet", replicaSet("llm-1", "llm:1", n))
			w.put(ml+"Pod/llm-1-c", "v1/Pod", ownedPod("llm-1-c", "llm-1", "llm:1"))
		}
	}
	tests := map[string]struct {
		act  func(*world)
		want []string
	}{
		"autoscaled":                   {scale(3), nil},
		"scaled_beyond_the_autoscaler": {scale(9), []string{"changed " + llm + " config.spec.replicas"}},
		"rolled_out": {func(w *world) {
			w.put(llm, "apps/v1/Deployment", deployment("llm:2", 2))
			w.put(ml+"ReplicaSet/llm-1", "apps/v1/ReplicaSet", replicaSet("llm-1", "llm:1", 0))
			w.put(ml+"ReplicaSet/llm-2", "apps/v1/ReplicaSet", replicaSet("llm-2", "llm:2", 2))
			w.drop(ml + "Pod/llm-1-a").drop(ml + "Pod/llm-1-b")
			w.put(ml+"Pod/llm-2-a", "v1/Pod", ownedPod("llm-2-a", "llm-2", "llm:2"))
		}, []string{"changed " + llm + " config.spec.template.spec.containers[s].image"}},
		"pod_made_anew": {func(w *world) {
			w.drop(ml+"Pod/llm-1-a").put(ml+"Pod/llm-1-z", "v1/Pod", ownedPod("llm-1-z", "llm-1", "llm:1"))
		}, nil},
		"old_set_cleaned_away": {func(w *world) {
			w.drop(ml+"ReplicaSet/llm-1").drop(ml+"Pod/llm-1-a").drop(ml+"Pod/llm-1-b").
				put(ml+"ReplicaSet/llm-1b", "apps/v1/ReplicaSet", replicaSet("llm-1b", "llm:1", 2)).put(ml+"Pod/llm-1b-a", "v1/Pod", ownedPod("llm-1b-a", "llm-1b", "llm:1"))
		}, nil},
		"set_by_hand_under_its_name": {func(w *world) { w.put(ml+"ReplicaSet/llm-x", "apps/v1/ReplicaSet", replicaSet("llm-x", "evil:1", 1)) },
			[]string{"added " + ml + "ReplicaSet/llm-x "}},
		"template_of_an_owned_set": {func(w *world) { w.put(ml+"ReplicaSet/llm-1", "apps/v1/ReplicaSet", replicaSet("llm-1", "evil:1", 2)) },
			[]string{"changed " + ml + "ReplicaSet/llm-1 config.spec.template.spec.containers[s].image"}},
		"schedule_runs":        {func(w *world) { w.put(ml+"Job/nightly-1", "batch/v1/Job", job("job:1")) }, nil},
		"job_of_another_image": {func(w *world) { w.put(ml+"Job/nightly-1", "batch/v1/Job", job("evil:1")) }, []string{"added " + ml + "Job/nightly-1 "}},
		"revision_is_renumbered": {func(w *world) {
			w.put(ml+"ControllerRevision/db-1", "apps/v1/ControllerRevision", `{"metadata":{"name":"db-1","namespace":"ml","uid":"u",`+owner("StatefulSet", "db")+`},"revision":3,"data":{"spec":{"template":{"spec":{"containers":[{"name":"d","image":"db:1"}]}}}}}`)
		}, nil},
		"slice_of_a_service": {func(w *world) {
			w.put(ml+"EndpointSlice.discovery.k8s.io/s", "discovery.k8s.io/v1/EndpointSlice", `{"metadata":{"name":"s","namespace":"ml","uid":"u"}}`)
		}, nil},
		"node_joins": {func(w *world) {
			w.put("k8s://c//Node/m", "v1/Node", strings.Replace(node(gpuTaint, "gpu", "v1.34.1"), `"n"`, `"m"`, 1))
		}, nil},
		"node_is_another_machine": {func(w *world) {
			w.drop("k8s://c//Node/n").put("k8s://c//Node/m", "v1/Node", node(gpuTaint, "gpu", "v1.34.1"))
		}, nil},
		"node_is_not_ready": {func(w *world) { w.put("k8s://c//Node/n", "v1/Node", node(gpuTaint+stateTaint, "gpu", "v1.34.1")) }, nil},
		"node_taint":        {func(w *world) { w.put("k8s://c//Node/n", "v1/Node", node("", "gpu", "v1.34.1")) }, []string{"changed k8s://c//Node/n config.spec.taints"}},
		"node_label":        {func(w *world) { w.put("k8s://c//Node/n", "v1/Node", node(gpuTaint, "cpu", "v1.34.1")) }, []string{"changed k8s://c//Node/n tags.pool"}},
		"node_kubelet":      {func(w *world) { w.put("k8s://c//Node/n", "v1/Node", node(gpuTaint, "gpu", "v1.35.0")) }, []string{"changed k8s://c//Node/n config.nodeInfo.kubeletVersion"}},
	}
	for name, tt := range tests {
		for _, listed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/listed_%v", name, listed), func(t *testing.T) {
				before, after := cluster(), cluster()
				tt.act(after)
				if !listed {
					before.covered, after.covered = nil, nil
				}
				if diff := cmp.Diff(tt.want, told(t, before, after)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// told are the records between two worlds in words.
func told(t *testing.T, before, after *world) []string {
	t.Helper()
	d, err := audit.Compare(context.Background(), before.snapshot(t), after.snapshot(t))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range d.Records {
		out = append(out, r.What+" "+r.Asset+" "+r.Attribute())
	}
	slices.Sort(out)
	return out
}

// Coverage that is lost is told, whoever owns what is missing.
func TestDriftOfControllersUnseen(t *testing.T) {
	before, after := cluster(), cluster()
	after.drop(ml + "Pod/llm-1-a").drop(ml + "Pod/llm-1-b")
	after.covered = slices.DeleteFunc(after.covered, func(c estate.Coverage) bool { return c.Type == "v1/Pod" })
	if got := told(t, before, after); !slices.Contains(got, "unseen v1/Pod in c list") || slices.ContainsFunc(got, func(r string) bool { return !strings.HasPrefix(r, audit.WhatUnseen) }) {
		t.Errorf("the list of pods is lost: %q", got)
	}
	before.covered, after.covered = nil, nil
	if got := told(t, before, after); len(got) != 1 || !strings.HasPrefix(got[0], audit.WhatUnseen) {
		t.Errorf("no pod is seen any more: %q", got)
	}
}

// Values that are withheld are compared by digests: one record names the key and
// never the value; keys that come and go are told; a rotated secret is not.
func TestDriftOfWithheldValues(t *testing.T) {
	const settings = ml + "ConfigMap/settings"
	digest := func(v string) string {
		if v == "" {
			return `"sevenfold:masked(value,71)"`
		}
		return fmt.Sprintf(`"sevenfold:masked(value,71,%s)"`, v)
	}
	configMap := func(values map[string]string) string {
		var data, digests []string
		for k, v := range values {
			data = append(data, fmt.Sprintf("%q:null", k))
			if v != "none" {
				digests = append(digests, fmt.Sprintf("%q:%s", k, digest(v)))
			}
		}
		return fmt.Sprintf(`{"metadata":{"name":"settings","namespace":"ml"},"data":{%s},"valueDigests":{"data":{%s}}}`, strings.Join(data, ","), strings.Join(digests, ","))
	}
	put := func(values map[string]string) *world {
		w := (&world{}).put(settings, "v1/ConfigMap", configMap(values))
		for k := range values {
			w.assets[0].Unknown = append(w.assets[0].Unknown, "/data/"+k)
		}
		return w
	}
	type kv = map[string]string
	tests := map[string]struct {
		was, is kv
		want    []string
	}{
		"same":             {kv{"a": "11111111"}, kv{"a": "11111111"}, nil},
		"value":            {kv{"a": "11111111", "b": "22222222"}, kv{"a": "33333333", "b": "22222222"}, []string{"changed " + settings + " config.data.a"}},
		"key_added":        {kv{"a": "11111111"}, kv{"a": "11111111", "b": "22222222"}, []string{"changed " + settings + " config.data.b"}},
		"key_removed":      {kv{"a": "11111111", "b": "22222222"}, kv{"a": "11111111"}, []string{"changed " + settings + " config.data.b"}},
		"older_baseline":   {kv{"a": "none"}, kv{"a": "11111111"}, []string{"unseen " + settings + " values"}},
		"older_and_added":  {kv{"a": "none"}, kv{"a": "11111111", "b": "22222222"}, []string{"changed " + settings + " config.data.b", "unseen " + settings + " values"}},
		"state_lost_key":   {kv{"a": "11111111"}, kv{"a": ""}, []string{"unseen " + settings + " values"}},
		"state_has_no_key": {kv{"a": ""}, kv{"a": ""}, []string{"unseen " + settings + " values"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, told(t, put(tt.was), put(tt.is))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	t.Run("secrets_in_clear", func(t *testing.T) {
		function := func(password, endpoint string) *world {
			return (&world{}).put("arn:aws:lambda:eu-west-1:"+acct+":function:f", "AWS::Lambda::Function",
				fmt.Sprintf(`{"FunctionName":"f","Environment":{"Variables":{"DB_PASSWORD":%q,"ENDPOINT":%q}}}`, password, endpoint))
		}
		const id = "changed arn:aws:lambda:eu-west-1:" + acct + ":function:f config.Environment.Variables."
		was := function("sevenfold:masked(password,14,8fc0fd93)", "https://u:sevenfold:masked(url-password,8,00000000)@a")
		for name, tt := range map[string]struct {
			is   *world
			want []string
		}{
			"rotated":      {function("sevenfold:masked(password,9,11111111)", "https://u:sevenfold:masked(url-password,7,11111111)@a"), nil},
			"plain":        {function("sevenfold:masked(password,14,8fc0fd93)", "https://u:sevenfold:masked(url-password,8,00000000)@b"), []string{id + "ENDPOINT"}},
			"taken_out":    {function("${secret}", "https://u:sevenfold:masked(url-password,8,00000000)@a"), []string{id + "DB_PASSWORD"}},
			"another_kind": {function("sevenfold:masked(default-password,8,11111111)", "https://u:sevenfold:masked(url-password,8,00000000)@a"), []string{id + "DB_PASSWORD"}},
		} {
			if diff := cmp.Diff(tt.want, told(t, was, tt.is)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
	t.Run("keys_of_a_secret", func(t *testing.T) {
		secret := func(more string) *world {
			return (&world{}).put(ml+"Secret/k", "v1/Secret", `{"metadata":{"name":"k","namespace":"ml"},"type":"Opaque"`+more+`}`)
		}
		for name, tt := range map[string]struct {
			was, is string
			want    []string
		}{
			"one_more_unnamed": {`,"dataKeys":1`, `,"dataKeys":2`, []string{"changed " + ml + "Secret/k config.dataKeys"}},
			"one_more":         {`,"dataKeys":1,"keyNames":["a"]`, `,"dataKeys":2,"keyNames":["a","b"]`, []string{"changed " + ml + "Secret/k config.keyNames"}},
			"renamed":          {`,"dataKeys":1,"keyNames":["a"]`, `,"dataKeys":1,"keyNames":["b"]`, []string{"changed " + ml + "Secret/k config.keyNames"}},
			"all_gone":         {`,"dataKeys":1,"keyNames":["a"]`, `,"dataKeys":0,"keyNames":[]`, []string{"changed " + ml + "Secret/k config.keyNames"}},
			"older_baseline":   {``, `,"dataKeys":2,"keyNames":["a","b"]`, []string{"unseen " + ml + "Secret/k dataKeys"}},
			"names_not_kept":   {`,"dataKeys":2`, `,"dataKeys":2,"keyNames":["a","b"]`, []string{"unseen " + ml + "Secret/k keyNames"}},
		} {
			if diff := cmp.Diff(tt.want, told(t, secret(tt.was), secret(tt.is))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

// A place that two readings contradict each other on is unseen, and the reason is
// that, naming both.
func TestDriftOfContradictions(t *testing.T) {
	const id = "arn:aws:sagemaker:eu-west-1:" + acct + ":notebook-instance/nb"
	one := func(root string) *world {
		return (&world{}).put(id, "AWS::SageMaker::NotebookInstance", `{"NotebookInstanceName":"nb","RootAccess":"`+root+`"}`)
	}
	after := one("Disabled")
	second := one("Enabled").assets[0]
	second.Source = "dir:old"
	after.assets = append(after.assets, second)
	d, err := audit.Compare(context.Background(), one("Disabled").snapshot(t), after.snapshot(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Records) != 1 || d.Records[0].What != audit.WhatUnseen {
		t.Fatalf("records %v", describe(d))
	}
	r := d.Records[0]
	for _, word := range []string{"two readings disagree on config/RootAccess", `"src"`, `"dir:old"`} {
		if !strings.Contains(r.Why, word) {
			t.Errorf("%q does not say %s", r.Why, word)
		}
	}
	if strings.Contains(r.Why, "plan") || strings.Contains(r.Hint, "apply") {
		t.Errorf("nobody plans here: %q, %q", r.Why, r.Hint)
	}
}
