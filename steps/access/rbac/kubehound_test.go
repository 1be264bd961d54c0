package rbac

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// around is the cluster that the attack manifests are applied to: two nodes, and
// an account in kube-system that may do everything, as some controller always
// can.
const around = `{apiVersion: v1, kind: Namespace, metadata: {name: default}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: vault}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: kube-system}}
---
{apiVersion: v1, kind: Node, metadata: {name: worker}}
---
{apiVersion: v1, kind: Node, metadata: {name: control, labels: {node-role.kubernetes.io/control-plane: ""}}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: cluster-admin}, rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: controller}, roleRef: {kind: ClusterRole, name: cluster-admin}, subjects: [{kind: ServiceAccount, name: controller, namespace: kube-system}]}
---
{apiVersion: v1, kind: Secret, metadata: {name: pod-create-token, namespace: default, annotations: {kubernetes.io/service-account.name: pod-create-sa}}, type: kubernetes.io/service-account-token}`

// kubehound reads the attack manifests by the name of their file.
func kubehound(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/kubehound.txtar")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range txtar.Parse(text).Files {
		out[strings.TrimSuffix(f.Name, ".yaml")] = strings.TrimSpace(string(f.Data))
	}
	if len(out) != 24 {
		t.Fatalf("%d manifests, want 24", len(out))
	}
	return out
}

// found lists every edge and way of a cluster as "from technique to", with the
// decision where it is not allow.
func found(w *World) []string {
	var out []string
	note := func(from Ref, technique string, to Ref, d Decision) {
		s := fmt.Sprintf("%s: %s: %s", from, technique, to)
		if d != Allow {
			s += " " + d.String()
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, e := range w.Edges() {
		note(e.From, e.Technique, e.To, e.Decision)
	}
	for _, e := range w.Escalations(Options{}) {
		note(e.Principal, e.Technique, e.Target, e.Decision)
	}
	slices.Sort(out)
	return out
}

// attack is what one manifest opens, and near misses of it: changes of its text
// that close the way.
type attack struct {
	opens []string
	miss  [][2]string
}

const admins = ": Administrator"

var attacks = map[string]attack{
	"CE_MODULE_LOAD":      {[]string{"Pod default/modload-pod: kernel-module: Node"}, [][2]string{{"SYS_MODULE", "SYS_TIME"}}},
	"CE_NET_MITM":         {[]string{"Pod default/netadmin-pod: network-interception: Node conditional"}, [][2]string{{"hostNetwork: true", "hostNetwork: false"}, {"NET_ADMIN", "NET_BIND_SERVICE"}}},
	"CE_NSENTER":          {[]string{"Pod default/nsenter-pod: nsenter: Node"}, [][2]string{{"privileged: true", "privileged: false"}, {"hostPID: true", "hostPID: false"}}},
	"CE_PRIV_MOUNT":       {[]string{"Pod default/priv-pod: privileged-mount: Node"}, [][2]string{{"privileged: true", "privileged: false"}}},
	"CE_SYS_PTRACE":       {[]string{"Pod default/sys-ptrace-pod: ptrace: Node"}, [][2]string{{"hostPID: true", "hostPID: false"}, {"SYS_PTRACE", "SYS_NICE"}}},
	"CE_UMH_CORE_PATTERN": {[]string{"Pod default/umh-core-pod: core-pattern: Node"}, [][2]string{{"path: /proc/sys/kernel", "path: /proc/sys/net"}, {"mountPath: /sysproc", "readOnly: true, mountPath: /sysproc"}}},
	"CE_VAR_LOG_SYMLINK":  {[]string{"Pod default/varlog-pod: log-symlink: Node conditional"}, [][2]string{{"pods/log", "pods/status"}, {"path: /var/log", "path: /var/tmp"}, {"mountPath: /host/var/log", "readOnly: true, mountPath: /host/var/log"}}},
	"CONTROL_POD":         {},
	// That a Service leads to the pod is told by the network's step; what is in the
	// pod then is told here.
	"ENDPOINT_EXPLOIT":           {[]string{"Pod default/endpoints-pod: nsenter: Node"}, [][2]string{{"privileged: true", "privileged: false"}}},
	"EXPLOIT_HOST_READ_TRAVERSE": {[]string{"Pod default/host-read-exploit-pod: host-read: Node conditional", "Pod default/host-read-exploit-pod: host-tokens: Node"}, [][2]string{{"hostPath: {path: /root/.ssh}}, {name: host-pod-dir, hostPath: {path: /var/lib/kubelet/pods}", "emptyDir: {}}, {name: host-pod-dir, emptyDir: {}"}}},
	"EXPLOIT_HOST_WRITE":         {[]string{"Pod default/host-write-exploit-pod: host-write: Node"}, [][2]string{{"hostPath: {path: /}", "emptyDir: {}"}}},
	// A node speaks as system:nodes, which the manifest lets list pods.
	"IDENTITY_ASSUME": {[]string{"ServiceAccount default/pod-create-sa: create-pod: Group system:nodes"}, [][2]string{{"system:nodes", "other:nodes"}}},
	// Users and groups lie in no namespace, so that the API server grants nothing
	// of what this Role says; the same rules for the whole cluster are a way.
	"IDENTITY_IMPERSONATE": {nil, nil},
	"POD_CREATE":           {[]string{"ServiceAccount default/pod-create-sa: create-pod: Node", "ServiceAccount default/pod-create-sa: create-pod: ServiceAccount default/pod-exec-sa", "ServiceAccount default/pod-create-sa: create-pod" + admins}, [][2]string{{"create]", "watch]"}, {"resources: [pods]", "resources: [pods/status]"}, {"namespace: default, name: create-pods", "namespace: vault, name: create-pods"}}},
	"POD_EXEC":             {[]string{"ServiceAccount default/pod-exec-sa: exec: ServiceAccount default/pod-patch-sa", "ServiceAccount default/pod-exec-sa: exec: Node"}, [][2]string{{"pods/exec", "pods/status"}, {"verbs: [create]", "verbs: [create], resourceNames: [none]"}}},
	"POD_PATCH":            {[]string{"ServiceAccount default/pod-patch-sa: change-pod: ServiceAccount default/pod-exec-sa", "ServiceAccount default/pod-patch-sa: change-pod: Node"}, [][2]string{{"patch]", "watch]"}}},
	"ROLE_BIND_ALL":        {[]string{"ServiceAccount default/rolebind-sa-crb-cr-rb-r: bind: NamespaceAdministrator vault"}, [][2]string{{`name: admin, namespace: vault}, rules: [{apiGroups: ['*']`, `name: admin, namespace: vault}, rules: [{apiGroups: [none]`}}},
	"ROLE_BIND_CRB_CR": {[]string{"ServiceAccount default/rolebind-sa-crb-cr-crb-cr: bind" + admins, "ServiceAccount default/rolebind-sa-crb-cr-rb-cr: bind: ServiceAccount kube-system/controller", "ServiceAccount default/rolebind-sa-crb-cr-rb-r: bind: NamespaceAdministrator default"},
		[][2]string{{"verbs: [bind]", "verbs: [get]"}, {"verbs: [create]", "verbs: [get]"}}},
	"ROLE_BIND_RB_CR-SA": {[]string{"ServiceAccount default/rolebind-sa-rb-cr-rb-cr: bind: NamespaceAdministrator default", "ServiceAccount default/rolebind-sa-rb-cr-rb-r: bind: NamespaceAdministrator default"}, [][2]string{{"verbs: [bind]", "verbs: [get]"}}},
	"ROLE_BIND_RB_R-SA":  {[]string{"ServiceAccount default/rolebind-sa-rb-r-rb-r: bind: NamespaceAdministrator default", "ServiceAccount default/rolebind-sa-rb-r-rb-crb: bind: NamespaceAdministrator default"}, [][2]string{{"verbs: [bind]", "verbs: [get]"}}},
	"ROLE_BIND_RB_R-UG":  {[]string{"Group group-rb-r-rb-r: bind: NamespaceAdministrator default", "User user-rb-r-rb-crb: bind: NamespaceAdministrator default"}, [][2]string{{"namespace: default", "namespace: vault"}}},
	"SHARE_PS_NAMESPACE": {[]string{"Container default/sharedps-pod1/sharedps-pod1-a: shared-process-namespace: Container default/sharedps-pod1/sharedps-pod1-b"}, [][2]string{{"shareProcessNamespace: true", "shareProcessNamespace: false"}}},
	"TOKEN_BRUTEFORCE":   {[]string{"ServiceAccount default/tokenget-sa: read-token-secret: ServiceAccount default/pod-create-sa"}, [][2]string{{"verbs: [get]", "verbs: [update]"}, {"verbs: [get]", "verbs: [get], resourceNames: [other]"}}},
	"TOKEN_LIST":         {[]string{"ServiceAccount default/tokenlist-sa: read-token-secret: ServiceAccount default/pod-create-sa"}, [][2]string{{"verbs: [list]", "verbs: [delete]"}}},
}

// harmless are the manifests' own near misses, and the pod without faults.
var harmless = []string{"-fail", "control-pod: ", "impersonate-sa: "}

// whole is the cluster with all manifests, one of them changed.
func whole(t testing.TB, changed string, change [2]string) *World {
	t.Helper()
	list := []string{around}
	for name, text := range kubehound(t) {
		if name == changed {
			other := strings.ReplaceAll(text, change[0], change[1])
			if other == text {
				t.Fatalf("%s does not hold %q", name, change[0])
			}
			text = other
		}
		list = append(list, text)
	}
	return world(t, list...)
}

// Every attack manifest of KubeHound is found, and none of its near misses.
func TestKubeHound(t *testing.T) {
	all := found(whole(t, "", [2]string{}))
	for _, s := range all {
		for _, none := range harmless {
			from, rest, _ := strings.Cut(s, ": ")
			if strings.Contains(from+": ", none) && !strings.HasPrefix(rest, "runs-as") {
				t.Errorf("a false alarm: %s", s)
			}
		}
	}
	for name := range kubehound(t) {
		a, ok := attacks[name]
		if !ok {
			t.Errorf("nothing is said of %s", name)
		}
		for _, s := range a.opens {
			if !slices.Contains(all, s) {
				t.Errorf("%s: not found: %s", name, s)
			}
		}
		for _, change := range a.miss {
			left := found(whole(t, name, change))
			gone := false
			for _, s := range a.opens {
				gone = gone || !slices.Contains(left, s)
			}
			if !gone {
				t.Errorf("%s with %q for %q: still found: %q", name, change[1], change[0], a.opens)
			}
		}
	}
}

// The impersonation that KubeHound's Role does not give in fact is a way where a
// ClusterRoleBinding gives it.
func TestImpersonationForTheWholeCluster(t *testing.T) {
	w := world(t, around+role("", "imp", `{apiGroups: [""], resources: [users, groups], verbs: [impersonate]}`)+bound("", "ClusterRole", "imp", "{kind: ServiceAccount, name: impersonate-sa, namespace: default}"))
	if got := found(w); !slices.Contains(got, "ServiceAccount default/impersonate-sa: impersonate"+admins) {
		t.Errorf("%q", got)
	}
}
