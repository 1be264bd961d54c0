package admission

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// Registration writes the webhook's registration: one webhook a kind, whose
// match condition lets through what does not grow. The API server evaluates the
// conditions itself; so with the webhook down nothing grows and everything
// shrinks. What a condition cannot make out goes to the webhook.
func Registration(list []Kind) string {
	var b strings.Builder
	b.WriteString(`# Generated from the table of kinds that grow (provider/kubernetes/growth.go) by
# go test ./assess -run TestGateManifests -update. Do not edit.
#
# The webhook adds what the floor cannot know: the time, whether the object is
# still what was certified, what else its workload has, and every kind but the
# floor's. Only growth is sent to it, element by element: every element must have
# had one of its name with at least as many. So when it is down growth stops and
# everything else goes on. The controller fills in the certificate authority.
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: sevenfold-gate
webhooks:
`)
	known := []string{}
	for _, k := range list {
		operations, resources := "CREATE, UPDATE", k.Resource
		if k.Scales {
			resources += ", " + k.Resource + "/scale"
			known = append(known, quoted(k.Group+"/"+k.Resource))
		}
		b.WriteString(entry(k.Resource+"."+cmp.Or(k.Group, "core"), k.Group, operations, resources))
		for _, c := range k.conditions() {
			fmt.Fprintf(&b, "  - name: %s\n    expression: %s\n", c[0], yamlText(c[1]))
		}
	}
	// What else can be scaled: nobody knows by which field of the object itself,
	// but the pods it is scaled for are held.
	b.WriteString(entry("scale.others", "*", "CREATE, UPDATE", "*/scale"))
	fmt.Fprintf(&b, "  - name: another-kind\n    expression: %s\n", yamlText("!((request.resource.group + '/' + request.resource.resource) in ["+strings.Join(known, ", ")+"])"))
	fmt.Fprintf(&b, "  - name: grows\n    expression: %s\n", yamlText(scaleGrows))
	return b.String()
}

// Rights writes the role by which the gate may read the objects of kinds.
func Rights(list []Kind) string {
	var b strings.Builder
	b.WriteString(`# Generated from the table of kinds that grow (provider/kubernetes/growth.go) by
# go test ./assess -run TestGateManifests -update. Do not edit.
#
# What the gate reads: the objects whose growth it holds.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sevenfold-gate-reads}
rules:
`)
	groups := map[string][]string{}
	for _, k := range list {
		groups[k.Group] = append(groups[k.Group], k.Resource)
	}
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		slices.Sort(groups[g])
		fmt.Fprintf(&b, "- {apiGroups: [%s], resources: [%s], verbs: [get, list, watch]}\n", yamlText(g), strings.Join(groups[g], ", "))
	}
	b.WriteString(`---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sevenfold-gate-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sevenfold-gate-reads}
subjects:
- {kind: ServiceAccount, name: sevenfold-gate, namespace: sevenfold-system}
`)
	return b.String()
}

func entry(name, group, operations, resources string) string {
	return fmt.Sprintf(`- name: %s.gate.sevenfold.dev
  admissionReviewVersions: [v1]
  clientConfig:
    service: {namespace: sevenfold-system, name: sevenfold-gate, path: /admit, port: 443}
  failurePolicy: Fail
  matchPolicy: Equivalent
  sideEffects: NoneOnDryRun
  timeoutSeconds: 5
  namespaceSelector: {matchLabels: {sevenfold.dev/gate: enforced}}
  rules:
  - {apiGroups: [%s], apiVersions: ["*"], operations: [%s], resources: [%s], scope: Namespaced}
  matchConditions:
`, name, yamlText(group), operations, strings.ReplaceAll(resources, "*/scale", `"*/scale"`))
}

func yamlText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func quoted(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }

// scaleGrows is of a Scale, which leaves out a zero.
const scaleGrows = "object.spec.?replicas.orValue(0) > (oldObject == null ? 0 : oldObject.spec.?replicas.orValue(0))"

// byTheCluster are the controllers of every cluster that make what was let
// through as the size of something else: they go on with the webhook down, so
// that what is lost with a node comes back and a rollout ends.
var byTheCluster = map[string][]string{
	"ReplicaSet": {"deployment-controller"},
	"Pod":        {"replicaset-controller", "replication-controller", "statefulset-controller", "daemon-set-controller", "job-controller"},
}

// conditions are the match conditions of a kind: names and expressions.
func (k *Kind) conditions() [][2]string {
	var out [][2]string
	if names := byTheCluster[k.Kind]; names != nil {
		users := []string{quoted("system:kube-controller-manager")}
		for _, n := range names {
			users = append(users, quoted("system:serviceaccount:kube-system:"+n))
		}
		out = append(out, [2]string{"not-made-by-the-cluster", "!(request.userInfo.username in [" + strings.Join(users, ", ") + "])"})
	}
	if k.Kind == "Pod" {
		out = append(out, [2]string{"not-a-mirror-pod", "!('system:nodes' in request.userInfo.?groups.orValue([]) && object.metadata.?annotations[?'kubernetes.io/config.mirror'].hasValue())"})
	}
	return append(out, [2]string{"grows", k.grows()})
}

// adopts is an object that says anew who controls it.
const adopts = "object.metadata.?ownerReferences.orValue([]).exists(r, r.?controller.orValue(false) && " +
	"!(oldObject != null && oldObject.metadata.?ownerReferences.orValue([]).exists(s, s == r)))"

// grows is true of growth, and of what it cannot make out.
func (k *Kind) grows() string {
	var any []string
	changes := []string{"object.?spec != oldObject.?spec"}
	if k.Target != "" {
		any = append(any, targets(k))
	}
	switch {
	case k.EveryNode:
		any = append(any, "oldObject == null", everyNode)
	case len(k.Amounts) == 0:
		any = append(any, "oldObject == null")
	default:
		if k.Made > 0 {
			any = append(any, "oldObject == null")
		}
		for _, m := range k.Amounts {
			root, _, _ := strings.Cut(strings.TrimPrefix(m.At+"."+m.Units, "."), ".")
			if root == "metadata" {
				root = "metadata.?annotations"
			}
			if c := "object.?" + root + " != oldObject.?" + root; !slices.Contains(changes, c) {
				changes = append(changes, c)
			}
		}
		any = append(any, k.amountsGrow())
		var known []string
		for _, v := range k.Versions {
			known = append(known, quoted(v))
		}
		any = append(any, "!(request.resource.version in ["+strings.Join(known, ", ")+"])")
	}
	for _, place := range k.Pods {
		any = append(any, "(oldObject != null && "+walk{devicesGrow, true}.step(place, "object", "oldObject", 1)+")")
	}
	object := adopts + " || ((oldObject == null || " + strings.Join(changes, " || ") + ") && (" + strings.Join(any, " || ") + "))"
	if k.Scales {
		return "request.?subResource.orValue('') == 'scale' ? " + scaleGrows + " : (" + object + ")"
	}
	return object
}

// targets is of an autoscaler that is pointed at something else and asks for
// anything. Its amounts stand at its root.
func targets(k *Kind) string {
	var asks []string
	for _, m := range k.Amounts {
		asks = append(asks, amountGrows(m, "object", ""))
	}
	return "(oldObject != null && object" + optional(k.Target) + " != oldObject" + optional(k.Target) + " && (" + strings.Join(asks, " || ") + "))"
}

// everyNode is of a DaemonSet that may run where it did not.
const everyNode = "object.spec.template.spec.?affinity != oldObject.spec.template.spec.?affinity || " +
	"object.spec.template.spec.?tolerations != oldObject.spec.template.spec.?tolerations || " +
	"oldObject.spec.template.spec.?nodeSelector.orValue({}).exists(k, object.spec.template.spec.?nodeSelector.orValue({})[?k].orValue('') != oldObject.spec.template.spec.nodeSelector[k])"

// amountsGrow is of more of any amount.
func (k *Kind) amountsGrow() string {
	var order []string
	at := map[string][]estate.Amount{}
	for _, m := range k.Amounts {
		if at[m.At] == nil {
			order = append(order, m.At)
		}
		at[m.At] = append(at[m.At], m)
	}
	var any []string
	for _, place := range order {
		any = append(any, over(place, func(n, o string) string {
			var more []string
			for _, m := range at[place] {
				more = append(more, amountGrows(m, n, o))
			}
			return strings.Join(more, " || ")
		}))
	}
	return strings.Join(any, " || ")
}

// amountGrows is of one amount in an element and in the one before; o is empty
// if there was none. What is no number makes the expression fail, and with it
// the request: only objects no controller takes are like that.
func amountGrows(m estate.Amount, n, o string) string {
	now, was := amountOf(m, n), "0"
	if o != "" {
		was = amountOf(m, o)
	}
	grows := now + " > " + was
	if m.Size != "" && o != "" {
		size := optional(m.Size)
		grows = "(" + grows + " || " + now + " > 0 && " + n + size + " != " + o + size + ")"
	}
	return grows
}

// amountOf is the units of an element.
func amountOf(m estate.Amount, e string) string {
	if m.Units == "" {
		return "1"
	}
	var places []string
	for place := range strings.SplitSeq(m.Units, "|") {
		places = append(places, e+optional(place))
	}
	at := places[0]
	for _, p := range places[1:] {
		at += ".or(" + p + ")"
	}
	number := fmt.Sprintf("int(%s.orValue(%d))", at, int64(m.Absent))
	if len(places) > 1 { // or CEL takes the place for a number by the default
		number = fmt.Sprintf("int(dyn(%s.orValue(dyn(%d))))", at, int64(m.Absent))
	}
	if m.ZeroIsNoLimit {
		number = fmt.Sprintf("[%s].map(v, v == 0 ? %d : v)[0]", number, int64(estate.NoLimit))
	}
	return number
}

// optional is a place as optional steps from something.
func optional(place string) string {
	var b strings.Builder
	for place != "" {
		if inner, ok := strings.CutPrefix(place, "("); ok {
			var name string
			name, place, _ = strings.Cut(inner, ")")
			b.WriteString("[?" + quoted(name) + "]")
		} else {
			end := strings.IndexByte(place, '.')
			step := place
			if end >= 0 {
				step, place = place[:end], place[end:]
			} else {
				place = ""
			}
			b.WriteString(".?" + step)
		}
		place = strings.TrimPrefix(place, ".")
	}
	return b.String()
}

// over is of any element at a place, from the object, of which leaf is true.
// leaf is asked with an element and the one of its name before, which is empty
// where there was none.
func over(place string, leaf func(n, o string) string) string {
	w := walk{leaf: leaf}
	return "(oldObject == null ? " + w.step(place, "object", "", 1) + " : " + w.step(place, "object", "oldObject", 1) + ")"
}

// walk writes the way to the elements at a place.
type walk struct {
	leaf func(n, o string) string
	// pairs asks only for elements that were there before.
	pairs bool
}

func (w walk) step(place, n, o string, depth int) string {
	if place == "" {
		return "(" + w.leaf(n, o) + ")"
	}
	// plain steps, then perhaps one into a list or an object's members
	i := strings.IndexAny(place, "[{")
	plain, rest := place, ""
	if i >= 0 {
		plain, rest = place[:i], place[i:]
	}
	a, b := fmt.Sprintf("n%d", depth), fmt.Sprintf("o%d", depth)
	there := func(e string) string { return e + optional(plain) + ".orValue(null)" }
	match := func(elements func(e string) string, same, sub string) string {
		inner := func(old string) string { return w.step(sub, a, old, depth+1) }
		if w.pairs {
			return elements(n) + ".exists(" + a + ", " + elements(o) + ".exists(" + b + ", " + same + inner(b) + "))"
		}
		fresh := inner("")
		if o == "" {
			return elements(n) + ".exists(" + a + ", " + fresh + ")"
		}
		return elements(n) + ".exists(" + a + ", !(" + elements(o) + ".exists(" + b + ", " + same + "!(" + inner(b) + ")) || !(" + fresh + ")))"
	}
	if rest == "" {
		return match(func(e string) string { return "[" + there(e) + "].filter(x, x != null)" }, "", "")
	}
	end := strings.IndexAny(rest, "]}")
	by, sub := rest[1:end], strings.TrimPrefix(rest[end+1:], ".")
	if rest[0] == '{' {
		// members are matched by key, so a and b are keys
		members := func(e string) string { return e + optional(plain) + ".orValue({})" }
		both := a + " in " + members(o) + " && " + members(o) + "[" + a + "] != null && "
		if w.pairs {
			return members(n) + ".exists(" + a + ", " + members(n) + "[" + a + "] != null && " + both + w.step(sub, members(n)+"["+a+"]", members(o)+"["+a+"]", depth+1) + ")"
		}
		fresh := members(n) + "[" + a + "] != null && (" + w.step(sub, members(n)+"["+a+"]", "", depth+1) + ")"
		if o == "" {
			return members(n) + ".exists(" + a + ", " + fresh + ")"
		}
		return members(n) + ".exists(" + a + ", !((" + both + "!(" + w.step(sub, members(n)+"["+a+"]", members(o)+"["+a+"]", depth+1) + ")) || !(" + fresh + ")))"
	}
	list := func(e string) string { return e + optional(plain) + ".orValue([])" }
	if by == "" {
		// Items without names cannot be matched: any change of a list that asks
		// for something goes to the webhook.
		fresh := list(n) + ".exists(" + a + ", " + w.step(sub, a, "", depth+1) + ")"
		if o == "" {
			return fresh
		}
		return "(" + list(n) + " != " + list(o) + " && " + fresh + ")"
	}
	name := func(e string) string { return e + ".?" + by + ".orValue('')" }
	if w.pairs {
		return match(list, name(a)+" == "+name(b)+" && ", sub)
	}
	twice := list(n) + ".exists(p, !" + list(n) + ".exists_one(q, " + name("p") + " == " + name("q") + "))"
	return "(" + twice + " || " + match(list, name(a)+" == "+name(b)+" && ", sub) + ")"
}

// devicesGrow is of a pod specification that asks for more devices.
func devicesGrow(n, o string) string {
	var any []string
	for _, group := range []string{"containers", "initContainers"} {
		limits := func(c string) string { return c + ".?resources.?limits.orValue({})" }
		any = append(any, n+".?"+group+".orValue([]).exists(c, "+limits("c")+".exists(k, k.contains('/') && string(c.resources.limits[k]) != '0' && !"+
			o+".?"+group+".orValue([]).exists(d, d.?name.orValue('') == c.?name.orValue('') && k in "+limits("d")+" && ("+
			"c.resources.limits[k] == d.resources.limits[k] || int(c.resources.limits[k]) <= int(d.resources.limits[k])))))")
	}
	return strings.Join(append(any, n+".?resourceClaims.orValue([]).exists(c, !(c in "+o+".?resourceClaims.orValue([])))"), " || ")
}
