package assess_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// world is a small estate in words: assets by id, each "TYPE CONFIG".
type world struct {
	assets  []estate.Asset
	covered []estate.Coverage
	blind   []estate.BlindSpot
	sources []estate.SourceStatus
}

const acct = "111122223333"

// put adds or replaces an asset. Kubernetes objects take their place from the id.
func (w *world) put(id, typ, config string, reads ...estate.Read) *world {
	a := estate.Asset{ID: id, Type: typ, Config: json.RawMessage(config), Cloud: estate.AWS, Account: acct, Source: "src",
		Name: id[strings.LastIndexAny(id, "/:")+1:], Reads: append([]estate.Read{{Operation: "x:List", Status: estate.ReadOK}}, reads...)}
	if rest, ok := strings.CutPrefix(id, "k8s://"); ok {
		parts := strings.Split(rest, "/")
		a.Cloud, a.Account, a.Region = estate.Kubernetes, parts[0], parts[1]
		var object struct {
			Metadata struct {
				Labels            map[string]string `json:"labels"`
				CreationTimestamp time.Time         `json:"creationTimestamp"`
			} `json:"metadata"`
		}
		_ = json.Unmarshal(a.Config, &object)
		a.Tags, a.Created = object.Metadata.Labels, object.Metadata.CreationTimestamp
		if a.Tags == nil {
			a.Tags = map[string]string{}
		}
	}
	if a.Tags == nil && a.Type == "AWS::S3::Bucket" {
		a.Tags = map[string]string{}
	}
	w.assets = slices.DeleteFunc(w.assets, func(x estate.Asset) bool { return x.ID == id })
	w.assets = append(w.assets, a)
	cov := estate.Coverage{Type: typ, Account: a.Account, Region: a.Region}
	if !slices.Contains(w.covered, cov) {
		w.covered = append(w.covered, cov)
	}
	return w
}

func (w *world) drop(id string) *world {
	w.assets = slices.DeleteFunc(w.assets, func(x estate.Asset) bool { return x.ID == id })
	return w
}

// refuse makes the list of a type one that was refused.
func (w *world) refuse(typ, operation string) *world {
	w.covered = slices.DeleteFunc(w.covered, func(c estate.Coverage) bool { return c.Type == typ })
	w.assets = slices.DeleteFunc(w.assets, func(x estate.Asset) bool { return x.Type == typ })
	w.blind = append(w.blind, estate.BlindSpot{Source: "src", Account: acct, Operation: operation, Types: []string{typ}, Status: estate.ReadDenied, Why: "AccessDenied", Hint: "grant " + operation})
	return w
}

func (w *world) snapshot(t *testing.T) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(firstNoon)
	for _, a := range w.assets {
		b.Asset(a)
	}
	for _, c := range w.covered {
		b.Covered(c)
	}
	for _, x := range w.blind {
		b.BlindSpot(x)
	}
	b.Source(estate.SourceStatus{Source: "src", Status: "complete", Assets: len(w.assets)})
	snap, err := b.Build()
	if err == nil {
		snap, err = assess.Understood(context.Background(), snap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

var firstNoon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	role    = "arn:aws:iam::" + acct + ":role/serving"
	bucket  = "arn:aws:s3:::lake"
	bucket2 = "arn:aws:s3:::lake-two"
	group   = "arn:aws:ec2:eu-west-1:" + acct + ":security-group/sg-1"
	scaling = "arn:aws:autoscaling:eu-west-1:" + acct + ":autoScalingGroup:1:autoScalingGroupName/gpu"
	llm     = "k8s://c/ml/Deployment/llm"
	reader  = "k8s://c/ml/Role/reader"
	held    = "k8s://c/ml/NetworkPolicy/held"
	abac    = "arn:aws:iam::" + acct + ":role/abac"
)

func roleConfig(name, more string) string {
	return fmt.Sprintf(`{"RoleName":%q,"Arn":"arn:aws:iam::%s:role/%s","RoleId":"AROA%s","CreateDate":"2026-01-01T00:00:00Z","Description":"serves",
		"AssumeRolePolicyDocument":{"Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}%s}`, name, acct, name, name, more)
}

func inlinePolicy(actions, on string) string {
	return fmt.Sprintf(`,"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Statement":[{"Effect":"Allow","Action":[%s],"Resource":[%s]}]}}]`, actions, on)
}

func deployment(image string, replicas int) string {
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"llm","namespace":"ml","labels":{"app":"llm"}},
		"spec":{"replicas":%d,"selector":{"matchLabels":{"app":"llm"}},"template":{"metadata":{"labels":{"app":"llm"}},"spec":{"serviceAccountName":"llm","containers":[{"name":"s","image":%q}]}}}}`, replicas, image)
}

func pod(name, image, account string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":%q,"namespace":"ml","labels":{"app":"llm"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"llm","controller":true}]},
		"spec":{"serviceAccountName":%q,"nodeName":"n","containers":[{"name":"s","image":%q}]}}`, name, account, image)
}

// start is the estate that was approved.
func start() *world {
	w := &world{}
	w.put(role, "AWS::IAM::Role", roleConfig("serving", inlinePolicy(`"s3:GetObject"`, `"arn:aws:s3:::lake/*"`)))
	w.put(bucket, "AWS::S3::Bucket", `{"Name":"lake","CreationDate":"2026-01-01T00:00:00Z","GetBucketVersioning":{"Status":"Enabled"}}`,
		estate.Read{Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: estate.ReadOK},
		estate.Read{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadAbsent})
	w.put(group, "AWS::EC2::SecurityGroup", `{"GroupId":"sg-1","GroupName":"web","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}`)
	w.put(scaling, "AWS::AutoScaling::AutoScalingGroup", `{"AutoScalingGroupName":"gpu","MinSize":1,"MaxSize":8,"DesiredCapacity":2}`)
	w.put(abac, "AWS::IAM::Role", roleConfig("abac", strings.Replace(inlinePolicy(`"s3:GetObject"`, `"arn:aws:s3:::other/*"`), `"Effect"`, `"Condition":{"StringEquals":{"aws:ResourceTag/team":"ml"}},"Effect"`, 1)))
	w.put(held, "networking.k8s.io/v1/NetworkPolicy", `{"kind":"NetworkPolicy","metadata":{"name":"held","namespace":"ml"},"spec":{"podSelector":{}}}`)
	w.put(llm, "apps/v1/Deployment", deployment("llm:1", 2))
	w.put("k8s://c/ml/Pod/llm-1", "v1/Pod", pod("llm-1", "llm:1", "llm"))
	w.put("k8s://c//Namespace/ml", "v1/Namespace", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ml"}}`)
	w.put(reader, "rbac.authorization.k8s.io/v1/Role", `{"kind":"Role","metadata":{"name":"reader","namespace":"ml"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["get"]}]}`)
	return w
}

func TestDriftCases(t *testing.T) {
	versioned := `{"Name":"lake","CreationDate":"2026-01-01T00:00:00Z","GetBucketVersioning":{"Status":"Enabled"}}`
	tests := map[string]struct {
		act  func(*world)
		want []string // "what consequence status asset", each once
		path string   // some new way says this
	}{
		"nothing": {act: func(*world) {}},
		"a setting": {act: func(w *world) {
			w.put(bucket, "AWS::S3::Bucket", strings.Replace(versioned, "Enabled", "Suspended", 1), estate.Read{Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: estate.ReadOK}, estate.Read{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadAbsent})
		}, want: []string{"changed attribute open " + bucket}},
		"words": {act: func(w *world) {
			w.put(role, "AWS::IAM::Role", strings.Replace(roleConfig("serving", inlinePolicy(`"s3:GetObject"`, `"arn:aws:s3:::lake/*"`)), "serves", "serves all", 1))
		}, want: []string{"changed cosmetic open " + role}},
		"a role may do more": {act: func(w *world) {
			w.put(role, "AWS::IAM::Role", roleConfig("serving", inlinePolicy(`"s3:GetObject","s3:PutObject"`, `"arn:aws:s3:::lake/*"`)))
		}, want: []string{"changed new path open " + role}, path: "its holder may s3:PutObject on arn:aws:s3:::lake/*"},
		"a role may do less": {act: func(w *world) { w.put(role, "AWS::IAM::Role", roleConfig("serving", "")) }, want: []string{"changed attribute open " + role}},
		"actions in another order, and a narrower resource": {act: func(w *world) {
			w.put(role, "AWS::IAM::Role", roleConfig("serving", inlinePolicy(`"s3:GetObject"`, `"arn:aws:s3:::lake/a/*"`)))
		}, want: []string{"changed attribute open " + role}},
		"a stranger is trusted": {act: func(w *world) {
			w.put(role, "AWS::IAM::Role", strings.Replace(roleConfig("serving", inlinePolicy(`"s3:GetObject"`, `"arn:aws:s3:::lake/*"`)), `{"Service":"sagemaker.amazonaws.com"}`, `{"Service":"sagemaker.amazonaws.com","AWS":"arn:aws:iam::999999999999:root"}`, 1))
		}, want: []string{"changed new path open " + role}, path: "999999999999"},
		"a bucket is opened to everyone": {act: func(w *world) {
			w.put(bucket, "AWS::S3::Bucket", `{"Name":"lake","CreationDate":"2026-01-01T00:00:00Z","GetBucketVersioning":{"Status":"Enabled"},"GetBucketPolicy":{"Policy":{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::lake/*"}]}}}`,
				estate.Read{Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: estate.ReadOK}, estate.Read{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadOK})
		}, want: []string{"changed new path open " + bucket}, path: "* may s3:GetObject"},
		"a port is opened": {act: func(w *world) {
			w.put(group, "AWS::EC2::SecurityGroup", `{"GroupId":"sg-1","GroupName":"web","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"},{"CidrIp":"10.0.0.0/8"}]}]}`)
		}, want: []string{"changed new path open " + group}, path: "lets in 0.0.0.0/0"},
		"a port is opened outwards": {act: func(w *world) {
			w.put(group, "AWS::EC2::SecurityGroup", `{"GroupId":"sg-1","GroupName":"web","VpcId":"vpc-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}],"IpPermissionsEgress":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}`)
		}, want: []string{"changed new path open " + group}, path: "lets out to 0.0.0.0/0"},
		"a tag that a policy asks for": {act: func(w *world) {
			for i := range w.assets {
				if w.assets[i].ID == bucket {
					w.assets[i].Tags = map[string]string{"team": "ml"}
				}
			}
		}, want: []string{"changed new path open " + bucket}, path: "its tag team now meets what " + abac},
		"a namespace admits all pods": {act: func(w *world) {
			w.put("k8s://c//Namespace/ml", "v1/Namespace", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ml","labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`)
		}, want: []string{"changed new path open k8s://c//Namespace/ml"}, path: "admits privileged pods"},
		"a network policy lets in all": {act: func(w *world) {
			w.put(held, "networking.k8s.io/v1/NetworkPolicy", `{"kind":"NetworkPolicy","metadata":{"name":"held","namespace":"ml"},"spec":{"podSelector":{},"ingress":[{}]}}`)
		}, want: []string{"changed new path open " + held}, path: "network policy held lets in from everybody"},
		"scaling within its limits": {act: func(w *world) {
			w.put(scaling, "AWS::AutoScaling::AutoScalingGroup", `{"AutoScalingGroupName":"gpu","MinSize":1,"MaxSize":8,"DesiredCapacity":7}`)
		}},
		"its limit raised": {act: func(w *world) {
			w.put(scaling, "AWS::AutoScaling::AutoScalingGroup", `{"AutoScalingGroupName":"gpu","MinSize":1,"MaxSize":80,"DesiredCapacity":2}`)
		}, want: []string{"changed attribute open " + scaling}},
		"a bucket is gone": {act: func(w *world) { w.drop(bucket) }, want: []string{"removed attribute open " + bucket}},
		"buckets are not listed any more": {act: func(w *world) { w.refuse("AWS::S3::Bucket", "s3:ListAllMyBuckets") },
			want: []string{"unseen attribute unknown " + bucket}},
		"one reply is refused": {act: func(w *world) {
			w.put(bucket, "AWS::S3::Bucket", `{"Name":"lake","CreationDate":"2026-01-01T00:00:00Z"}`, estate.Read{Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: estate.ReadDenied, Grant: "s3:GetBucketVersioning"}, estate.Read{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadAbsent})
		}, want: []string{"unseen attribute unknown " + bucket}},
		"a bucket under another name": {act: func(w *world) {
			w.drop(bucket).put(bucket2, "AWS::S3::Bucket", strings.ReplaceAll(versioned, `"lake"`, `"lake-two"`), estate.Read{Operation: "s3:GetBucketVersioning", Key: "GetBucketVersioning", Status: estate.ReadOK}, estate.Read{Operation: "s3:GetBucketPolicy", Key: "GetBucketPolicy", Status: estate.ReadAbsent})
		}, want: []string{"renamed attribute open " + bucket2}},
		"a role made anew": {act: func(w *world) {
			w.put(role, "AWS::IAM::Role", strings.Replace(strings.Replace(roleConfig("serving", inlinePolicy(`"s3:GetObject"`, `"arn:aws:s3:::lake/*"`)), "AROAserving", "AROAother", 1), "2026-01-01", "2026-11-20", 1))
		}, want: []string{"recreated attribute open " + role}},
		"another image": {act: func(w *world) {
			w.put(llm, "apps/v1/Deployment", deployment("llm:2", 2)).drop("k8s://c/ml/Pod/llm-1").put("k8s://c/ml/Pod/llm-2", "v1/Pod", pod("llm-2", "llm:2", "llm"))
		}, want: []string{"changed attribute open " + llm}},
		"pods come and go": {act: func(w *world) {
			w.drop("k8s://c/ml/Pod/llm-1")
			for i := range 5 {
				w.put(fmt.Sprintf("k8s://c/ml/Pod/llm-x%d", i), "v1/Pod", pod(fmt.Sprintf("llm-x%d", i), "llm:1", "llm"))
			}
		}},
		"a pod that bears the controller's name and runs something else": {act: func(w *world) {
			w.put("k8s://c/ml/Pod/llm-miner", "v1/Pod", pod("llm-miner", "miner:1", "llm"))
		}, want: []string{"added new path open k8s://c/ml/Pod/llm-miner"}},
		"a deployment is gone with its pods": {act: func(w *world) { w.drop(llm).drop("k8s://c/ml/Pod/llm-1") }, want: []string{"removed attribute open " + llm}},
		"a namespace is gone with all in it": {act: func(w *world) {
			w.drop(llm).drop("k8s://c/ml/Pod/llm-1").drop("k8s://c//Namespace/ml").drop(reader)
		}, want: []string{"removed attribute open k8s://c//Namespace/ml"}},
		"a role of a cluster may do more": {act: func(w *world) {
			w.put(reader, "rbac.authorization.k8s.io/v1/Role", `{"kind":"Role","metadata":{"name":"reader","namespace":"ml"},"rules":[{"apiGroups":[""],"resources":["pods","secrets"],"verbs":["get"]}]}`)
		}, want: []string{"changed new path open " + reader}, path: "its subjects may get on secrets"},
		"a new role": {act: func(w *world) {
			w.put("arn:aws:iam::"+acct+":role/new", "AWS::IAM::Role", roleConfig("new", inlinePolicy(`"s3:*"`, `"*"`)))
		}, want: []string{"added new path open arn:aws:iam::" + acct + ":role/new"}, path: "its holder may s3:* on *"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			after := start()
			tt.act(after)
			d, err := audit.Compare(context.Background(), start().snapshot(t), after.snapshot(t))
			if err != nil {
				t.Fatal(err)
			}
			got, paths := []string{}, ""
			for i := range d.Records {
				r := &d.Records[i]
				got = append(got, fmt.Sprintf("%s %s %s %s", r.What, r.Consequence, r.Status, r.Asset))
				paths += strings.Join(r.Paths, "\n")
			}
			if tt.want == nil {
				tt.want = []string{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, describe(d))
			}
			if !strings.Contains(paths, tt.path) {
				t.Errorf("no way says %q:\n%s", tt.path, paths)
			}
		})
	}
}
