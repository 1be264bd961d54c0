package rbac

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// enforceLabel is the label by which a namespace enforces a Pod Security level.
const enforceLabel = "pod-security.kubernetes.io/enforce"

type namespace struct{ enforce string }

type node struct{ control bool }

// Pod is a pod, or a template that others are made from.
type Pod struct {
	Ref
	// Account it runs as; the zero Ref if that is not said.
	Account Ref
	// Token says that the account's token is in it.
	Token bool
	// Node it runs on; empty if on none yet, or of a template.
	Node string
	// Escapes are the ways out of it to its node.
	Escapes []Escape
	// Shared lists its containers if they see each other's processes.
	Shared []string
	// LogWriter says that it can write where the node keeps logs.
	LogWriter bool

	mount *bool // whether the token is mounted; nil: as the account says
}

// Escape is a way from a container to its node.
type Escape struct {
	// Technique names it: privileged, host-pid, kernel-module, …
	Technique string
	// Decision is Allow, or Conditional if it hangs on Why.
	Decision Decision
	// Why says what of the pod opens it.
	Why string
}

// podPaths says where kinds keep the pod they are or run.
var podPaths = map[string][]string{
	"Pod.": {}, "ReplicationController.": {"spec", "template"}, "Deployment.apps": {"spec", "template"}, "ReplicaSet.apps": {"spec", "template"},
	"StatefulSet.apps": {"spec", "template"}, "DaemonSet.apps": {"spec", "template"}, "Job.batch": {"spec", "template"},
	"CronJob.batch": {"spec", "jobTemplate", "spec", "template"},
}

// podShape is as much of a pod as is read.
type podShape struct {
	Spec podSpec `json:"spec"`
}

type podSpec struct {
	Account     string `json:"serviceAccountName"`
	OldAccount  string `json:"serviceAccount"`
	Automount   *bool  `json:"automountServiceAccountToken"`
	Node        string `json:"nodeName"`
	HostPID     bool   `json:"hostPID"`
	HostNetwork bool   `json:"hostNetwork"`
	Share       bool   `json:"shareProcessNamespace"`
	Volumes     []struct {
		Name     string `json:"name"`
		HostPath *struct {
			Path string `json:"path"`
		} `json:"hostPath"`
	} `json:"volumes"`
	Containers []container `json:"containers"`
	Init       []container `json:"initContainers"`
}

type container struct {
	Name     string `json:"name"`
	Security struct {
		Privileged   bool `json:"privileged"`
		Capabilities struct {
			Add []string `json:"add"`
		} `json:"capabilities"`
	} `json:"securityContext"`
	Mounts []struct {
		Name     string `json:"name"`
		Path     string `json:"mountPath"`
		ReadOnly bool   `json:"readOnly"`
	} `json:"volumeMounts"`
}

// template reads a pod or the template of what runs pods.
func (w *World) template(o *object, root place, group, kind string, text []byte) {
	for _, name := range podPaths[kind+"."+group] {
		root = root.at(name)
	}
	if len(podPaths[kind+"."+group]) > 0 {
		var err error
		if text, err = json.Marshal(root.v); err != nil {
			root.wrong("%v", err)
			return
		}
	}
	var shape podShape
	if err := json.Unmarshal(text, &shape); err != nil {
		root.wrong("is not a pod: %v", err)
		return
	}
	if o.ref.Namespace == "" {
		o.ref.Namespace = "default"
	}
	s := &shape.Spec
	p := &Pod{Ref: o.ref, Node: s.Node, mount: s.Automount}
	account := s.Account
	if account == "" {
		account = s.OldAccount
	}
	if account == "" {
		account = "default"
	}
	p.Account = Ref{KindAccount, o.ref.Namespace, account}
	p.escapes(s)
	if s.Share && len(s.Containers) > 1 {
		for i := range s.Containers {
			p.Shared = append(p.Shared, s.Containers[i].Name)
		}
	}
	w.pods = append(w.pods, p)
}

// AccountOf returns the service account that a pod, or what runs pods, acts as.
func (w *World) AccountOf(r Ref) (Ref, bool) {
	for _, p := range w.pods {
		if p.Ref == r {
			return p.Account, p.Account.Name != ""
		}
	}
	return Ref{}, false
}

// escapes finds the ways out of a pod to its node. Sources: Kubernetes, "Pod
// Security Standards" (what the levels forbid and why); KubeHound's attack
// reference.
func (p *Pod) escapes(s *podSpec) {
	add := func(technique string, d Decision, why string) {
		e := Escape{technique, d, why}
		if !slices.Contains(p.Escapes, e) {
			p.Escapes = append(p.Escapes, e)
		}
	}
	host := map[string]string{}
	for _, v := range s.Volumes {
		if v.HostPath != nil {
			host[v.Name] = path.Clean("/" + v.HostPath.Path)
		}
	}
	for _, c := range slices.Concat(s.Containers, s.Init) {
		has := func(capability string) bool {
			return slices.ContainsFunc(c.Security.Capabilities.Add, func(have string) bool {
				have = strings.TrimPrefix(strings.ToUpper(have), "CAP_")
				return have == capability || have == "ALL"
			})
		}
		switch {
		case c.Security.Privileged && s.HostPID:
			add("nsenter", Allow, "container "+c.Name+" is privileged and sees the node's processes")
		case c.Security.Privileged:
			add("privileged-mount", Allow, "container "+c.Name+" is privileged and can mount the node's disks")
		}
		if has("SYS_MODULE") {
			add("kernel-module", Allow, "container "+c.Name+" may load kernel modules (SYS_MODULE)")
		}
		if s.HostPID && has("SYS_PTRACE") {
			d := Conditional // the default AppArmor profile, where a node has one, refuses it
			if has("SYS_ADMIN") {
				d = Allow
			}
			add("ptrace", d, "container "+c.Name+" may trace the node's processes (hostPID, SYS_PTRACE)")
		}
		if has("SYS_ADMIN") && !c.Security.Privileged {
			add("sys-admin", Conditional, "container "+c.Name+" has SYS_ADMIN, which mounts what the node's kernel and AppArmor do not forbid")
		}
		if has("DAC_READ_SEARCH") {
			add("open-by-handle", Conditional, "container "+c.Name+" may open the node's files by handle (DAC_READ_SEARCH)")
		}
		if s.HostNetwork && (has("NET_ADMIN") || has("NET_RAW")) {
			add("network-interception", Conditional, "container "+c.Name+" may read and change the node's traffic (hostNetwork with NET_ADMIN or NET_RAW), from which credentials can be taken")
		}
		for _, m := range c.Mounts {
			if at, ok := host[m.Name]; ok {
				p.sees(c.Name, at, m.ReadOnly, add)
			}
		}
	}
}

// sockets of container runtimes, by which any container can be made.
var sockets = []string{"docker.sock", "containerd.sock", "crio.sock", "dockershim.sock"}

// sees weighs a path of the node that a container sees.
func (p *Pod) sees(container, at string, readOnly bool, add func(string, Decision, string)) {
	what := "container " + container + " sees " + at + " of the node"
	holds := func(dir string) bool { return at == "/" || at == dir || strings.HasPrefix(dir, at+"/") }
	in := func(dir string) bool { return at == dir || strings.HasPrefix(at, dir+"/") }
	if slices.Contains(sockets, path.Base(at)) || holds("/run/containerd/containerd.sock") || holds("/var/run/docker.sock") {
		add("runtime-socket", Allow, what+", a container runtime's socket, and can have any container made")
	}
	if holds("/var/log") || in("/var/log") {
		p.LogWriter = p.LogWriter || !readOnly
	}
	if !readOnly && (holds("/proc/sys/kernel") || in("/proc/sys/kernel") || at == "/proc") {
		add("core-pattern", Allow, what+" and can have the kernel run a program of its choice")
	}
	switch {
	case !readOnly && (at == "/" || holds("/etc") || in("/etc") || holds("/root") || in("/root") || holds("/usr") || in("/usr") || holds("/var/lib/kubelet") || in("/var/lib/kubelet") || in("/opt/cni") || in("/home")):
		add("host-write", Allow, what+" and can write there")
	case holds("/var/lib/kubelet") || in("/var/lib/kubelet"):
		add("host-tokens", Allow, what+", where the tokens of all its pods lie")
	case holds("/etc/kubernetes") || in("/etc/kubernetes") || holds("/root") || in("/root") || in("/home") || holds("/home"):
		add("host-read", Conditional, what+", where credentials of the node may lie")
	case !readOnly && at != "/dev/null" && !in("/var/log"):
		add("host-path", Conditional, what+" and can write there; whether that leads further is not known")
	}
}
