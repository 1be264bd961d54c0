package main

import (
	"fmt"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// cluster is one Kubernetes cluster in the making.
type cluster struct {
	*generator
	name string
	left int
}

// cluster makes one cluster of about size objects: namespaces of ten
// deployments with their sets, pods, services and settings.
func (g *generator) cluster(number, size int) {
	c := &cluster{generator: g, name: fmt.Sprintf("cluster-%04d", number), left: size}
	c.object("v1", "Node", "", fmt.Sprintf("ip-10-0-%d-1", number%250), obj{"spec": obj{"podCIDR": "10.4.0.0/24", "providerID": "aws:///eu-west-1a/i-" + c.hex(17)},
		"status": obj{"nodeInfo": obj{"kubeletVersion": "v1.34.1", "osImage": "Bottlerocket OS", "architecture": "amd64"}, "capacity": obj{"cpu": "8", "memory": "32Gi", "nvidia.com/gpu": "4"}}})
	for i := 0; c.left > 0; i++ {
		ns := fmt.Sprintf("%s-%02d", teams[i%len(teams)], i/len(teams))
		c.object("v1", "Namespace", "", ns, obj{"spec": obj{"finalizers": []string{"kubernetes"}}, "status": obj{"phase": "Active"}})
		for range 10 {
			c.application(ns)
		}
	}
}

// object sends one object, while there is room.
func (c *cluster) object(version, kind, namespace, name string, body obj) {
	if c.left <= 0 {
		return
	}
	c.left--
	meta := obj{"name": name, "uid": c.hex(32), "resourceVersion": fmt.Sprint(c.r.IntN(1 << 28)), "creationTimestamp": taken.Add(-hours(c.r.IntN(9000))).Format("2006-01-02T15:04:05Z"), "generation": 1 + c.r.IntN(9)}
	if namespace != "" {
		meta["namespace"] = namespace
	}
	for k, v := range body {
		if k == "labels" || k == "ownerReferences" || k == "annotations" {
			meta[k] = v
			delete(body, k)
		}
	}
	body["apiVersion"], body["kind"], body["metadata"] = version, kind, meta
	typ := version + "/" + kind
	c.send(estate.Asset{ID: "k8s://" + c.name + "/" + namespace + "/" + kind + "/" + name, Type: typ, Cloud: estate.Kubernetes, Account: c.name, Region: namespace, Name: name}, "kubernetes:list", body)
}

// application is what one service of a team is made of: 12 objects.
func (c *cluster) application(ns string) {
	app := pick(c.generator, teams) + "-" + c.hex(5)
	labels := obj{"app": app, "app.kubernetes.io/name": app, "app.kubernetes.io/part-of": ns, "team": pick(c.generator, teams), "pod-template-hash": c.hex(10)}
	bad, gpu := c.bad(), c.r.IntN(20) == 0
	if bad {
		c.stats.Faulty += 4 // its deployment, set and three pods
	}
	spec := c.pod(app, bad, gpu)
	template := obj{"metadata": obj{"labels": labels}, "spec": spec}
	c.object("v1", "ServiceAccount", ns, app, obj{"labels": labels, "automountServiceAccountToken": false})
	c.object("v1", "ConfigMap", ns, app, obj{"labels": labels, "data": obj{"app.yaml": "workers: " + fmt.Sprint(c.r.IntN(64)) + "\nlog: info\n", "features.json": "{\"rollout\": " + fmt.Sprint(c.r.IntN(100)) + "}"}})
	c.object("v1", "Secret", ns, app, obj{"labels": labels, "type": "Opaque"})
	c.object("rbac.authorization.k8s.io/v1", "Role", ns, app, obj{"rules": []obj{{"apiGroups": []string{""}, "resources": []string{"configmaps"}, "resourceNames": []string{app}, "verbs": []string{"get", "watch"}}}})
	c.object("rbac.authorization.k8s.io/v1", "RoleBinding", ns, app, obj{"roleRef": obj{"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": app},
		"subjects": []obj{{"kind": "ServiceAccount", "name": app, "namespace": ns}}})
	c.object("apps/v1", "Deployment", ns, app, obj{"labels": labels, "annotations": obj{"deployment.kubernetes.io/revision": fmt.Sprint(c.r.IntN(40))},
		"spec": obj{"replicas": 3, "revisionHistoryLimit": 10, "selector": obj{"matchLabels": obj{"app": app}}, "strategy": obj{"type": "RollingUpdate"}, "template": template}})
	set := app + "-" + c.hex(10)
	c.object("apps/v1", "ReplicaSet", ns, set, obj{"labels": labels, "ownerReferences": owner("apps/v1", "Deployment", app, c.hex(32)),
		"spec": obj{"replicas": 3, "selector": obj{"matchLabels": obj{"app": app}}, "template": template}})
	for range 3 {
		c.object("v1", "Pod", ns, set+"-"+c.hex(5), obj{"labels": labels, "ownerReferences": owner("apps/v1", "ReplicaSet", set, c.hex(32)), "spec": spec,
			"status": obj{"phase": "Running", "hostIP": "10.0.0.1", "podIP": fmt.Sprintf("10.4.%d.%d", c.r.IntN(250), c.r.IntN(250)), "qosClass": "Guaranteed", "startTime": "2026-10-01T00:00:00Z"}})
	}
	c.object("v1", "Service", ns, app, obj{"labels": labels, "spec": obj{"type": "ClusterIP", "clusterIP": fmt.Sprintf("172.20.%d.%d", c.r.IntN(250), c.r.IntN(250)), "selector": obj{"app": app},
		"ports": []obj{{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}}}})
	c.object("networking.k8s.io/v1", "NetworkPolicy", ns, app, obj{"spec": obj{"podSelector": obj{"matchLabels": obj{"app": app}}, "policyTypes": []string{"Ingress"},
		"ingress": []obj{{"from": []obj{{"namespaceSelector": obj{"matchLabels": obj{"team": pick(c.generator, teams)}}}}, "ports": []obj{{"port": 8080}}}}}})
}

func owner(version, kind, name, uid string) []obj {
	return []obj{{"apiVersion": version, "kind": kind, "name": name, "uid": uid, "controller": true, "blockOwnerDeletion": true}}
}

// pod is an application's pod specification.
func (c *cluster) pod(app string, bad, gpu bool) obj {
	limits := obj{"cpu": "2", "memory": "4Gi"}
	if gpu {
		limits["nvidia.com/gpu"] = "1"
	}
	container := func(name string) obj {
		return obj{
			"name": name, "image": "registry.example/" + app + "/" + name + "@sha256:" + c.hex(32) + c.hex(32), "imagePullPolicy": "IfNotPresent",
			"ports":     []obj{{"containerPort": 8080, "protocol": "TCP"}},
			"env":       []obj{{"name": "STAGE", "value": pick(c.generator, stages)}, {"name": "WORKERS", "value": fmt.Sprint(c.r.IntN(64))}},
			"envFrom":   []obj{{"configMapRef": obj{"name": app}}},
			"resources": obj{"limits": limits, "requests": limits}, "terminationMessagePath": "/dev/termination-log",
			"securityContext": obj{"privileged": bad, "runAsNonRoot": true, "runAsUser": 1000, "allowPrivilegeEscalation": bad, "readOnlyRootFilesystem": true, "capabilities": obj{"drop": []string{"ALL"}}},
			"livenessProbe":   obj{"httpGet": obj{"path": "/healthz", "port": 8080}, "periodSeconds": 10, "timeoutSeconds": 1 + c.r.IntN(5)},
			"volumeMounts":    []obj{{"name": "config", "mountPath": "/etc/app", "readOnly": true}, {"name": "scratch", "mountPath": "/tmp"}},
		}
	}
	return obj{
		"serviceAccountName": app, "automountServiceAccountToken": false, "restartPolicy": "Always", "dnsPolicy": "ClusterFirst", "schedulerName": "default-scheduler", "nodeName": "ip-10-0-0-1",
		"containers": []obj{container("app"), container("proxy")}, "terminationGracePeriodSeconds": 30, "securityContext": obj{"fsGroup": 1000, "seccompProfile": obj{"type": "RuntimeDefault"}},
		"volumes":     []obj{{"name": "config", "configMap": obj{"name": app}}, {"name": "scratch", "emptyDir": obj{}}},
		"tolerations": []obj{{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}},
	}
}
