package exposure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// ContainerType is the type under which the Kubernetes provider gives the
// containers of pods, whatever holds them.
const ContainerType = "kubernetes/Container"

// maskPrefix is how the value of a secret begins that was masked when it was
// read: it is set, and what it is is not known.
const maskPrefix = "sevenfold:masked("

// Services reads what the rules need from an asset: one service for a container
// (ContainerType), one for each container of an ECS task definition, one for
// the head of a Ray cluster of KubeRay, one for a cloud's own service that a
// rule names. Other assets give none. notes are annotations and labels of the
// object that holds the container or of the ingress before it; nil where they
// are not known.
//
// It never fails: what cannot be read makes the service's answers unknown, with
// the reason.
func Services(a *estate.Asset, notes map[string]string) []Service {
	cloud := byType[a.Type]
	if a.Type != ContainerType && a.Type != taskDefinition && !isRay(a.Type) && !cloud {
		return nil
	}
	unread := unreadOf(a)
	var config map[string]any
	dec := json.NewDecoder(bytes.NewReader(a.Config))
	dec.UseNumber()
	if err := dec.Decode(&config); err != nil && unread == "" {
		unread = "its configuration cannot be read: " + err.Error()
	}
	name := a.Name
	if name == "" {
		name = a.ID
	}
	base := Service{Name: name, Type: a.Type, Notes: notes, Unread: unread}
	if unread != "" {
		return []Service{base}
	}
	switch {
	case a.Type == ContainerType:
		kubernetesContainer(&base, config)
		later(&base, a.Unknown, "")
		return []Service{base}
	case a.Type == taskDefinition:
		return taskContainers(base, config, a.Unknown)
	case isRay(a.Type):
		return rayHead(base, config)
	}
	if base.Notes == nil {
		base.Notes = metadataNotes(config)
	}
	base.Settings = map[string]Value{}
	flatten(base.Settings, "", config, 0)
	for _, p := range a.Unknown {
		path := strings.ReplaceAll(strings.TrimPrefix(p, "/"), "/", ".")
		base.Settings[path] = Value{} // known after apply
	}
	return []Service{base}
}

const taskDefinition = "AWS::ECS::TaskDefinition"

// byType are the types that rules name.
var byType = func() map[string]bool {
	m := map[string]bool{}
	for i := range rules {
		for _, t := range rules[i].Types {
			m[t] = true
		}
	}
	return m
}()

// unreadOf says why nothing is known of an asset, "" if its configuration was
// read.
func unreadOf(a *estate.Asset) string {
	if a.Referenced || len(a.Config) == 0 {
		return "its configuration was not read"
	}
	for _, r := range a.Reads {
		if r.Key == "" && !r.Status.Known() {
			return "its configuration was not read: " + r.Operation + " was " + string(r.Status)
		}
	}
	return ""
}

// later marks what a plan knows only after apply.
func later(s *Service, pointers []string, under string) {
	const why = "it is known only after apply"
	for _, p := range pointers {
		p, inside := strings.CutPrefix(p, under)
		if !inside {
			continue
		}
		switch first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/"); first {
		case "env", "envFrom", "environment", "secrets", "environmentFiles":
			s.EnvUnread = why
		case "command", "args", "entryPoint":
			s.WordsUnread = why
		case "image":
			s.WordsUnread, s.EnvUnread = why, why
		case "":
			s.Unread = why
		}
	}
}

func kubernetesContainer(s *Service, c map[string]any) {
	s.Image = text(c["image"])
	s.Words = append(texts(c["command"]), texts(c["args"])...)
	if source := text(c["source"]); source != "" { // the script of a workflow's step
		s.Words = append(s.Words, source)
	}
	s.Env = map[string]Value{}
	for _, e := range list(c["env"]) {
		m := object(e)
		if name := text(m["name"]); name != "" {
			s.Env[name] = value(m["value"], m["valueFrom"] != nil)
		}
	}
	if len(list(c["envFrom"])) > 0 {
		s.EnvUnread = "variables are taken in whole from a Secret or ConfigMap (envFrom), which is not read"
	}
	for _, p := range list(c["ports"]) {
		s.port(object(p)["containerPort"])
	}
	for _, m := range list(c["volumeMounts"]) {
		if path := text(object(m)["mountPath"]); path != "" {
			s.Mounts = append(s.Mounts, path)
		}
	}
}

// taskContainers are the containers of a task definition of ECS.
func taskContainers(base Service, config map[string]any, unknown []string) []Service {
	var out []Service
	for i, d := range list(config["containerDefinitions"]) {
		c, s := object(d), base
		s.Name = text(c["name"])
		s.Image = text(c["image"])
		s.Words = append(texts(c["entryPoint"]), texts(c["command"])...)
		s.Env = map[string]Value{}
		for _, e := range list(c["environment"]) {
			s.Env[text(object(e)["name"])] = value(object(e)["value"], false)
		}
		for _, e := range list(c["secrets"]) {
			s.Env[text(object(e)["name"])] = Value{}
		}
		if len(list(c["environmentFiles"])) > 0 {
			s.EnvUnread = "variables are taken in from a file (environmentFiles), which is not read"
		}
		for _, p := range list(c["portMappings"]) {
			s.port(object(p)["containerPort"])
		}
		for _, m := range list(c["mountPoints"]) {
			s.Mounts = append(s.Mounts, text(object(m)["containerPath"]))
		}
		later(&s, unknown, fmt.Sprintf("/containerDefinitions/%d", i))
		out = append(out, s)
	}
	for _, p := range unknown {
		if p == "" || p == "/containerDefinitions" {
			base.Unread = "its containers are known only after apply"
			return []Service{base}
		}
	}
	return out
}

// isRay recognises KubeRay's kinds, which hold the head's parameters beside its
// container.
func isRay(typ string) bool {
	return strings.HasPrefix(typ, "ray.io/") && slices.ContainsFunc([]string{"/RayCluster", "/RayService", "/RayJob"}, func(k string) bool { return strings.HasSuffix(typ, k) })
}

// rayHead is the head as the operator starts it: `ray start --head` with the
// parameters given, the dashboard on all addresses unless they say otherwise.
// https://docs.ray.io/en/latest/cluster/kubernetes/user-guides/config.html
func rayHead(base Service, config map[string]any) []Service {
	spec := object(config["spec"])
	for _, inner := range []string{"rayClusterSpec", "rayClusterConfig"} {
		if s := object(spec[inner]); s != nil {
			spec = s
		}
	}
	head := object(spec["headGroupSpec"])
	if head == nil {
		return nil
	}
	s := base
	containers := list(object(object(head["template"])["spec"])["containers"])
	if len(containers) > 0 {
		kubernetesContainer(&s, object(containers[0]))
	} else {
		s.Env = map[string]Value{}
	}
	// The command the container may have runs beside the operator's.
	s.Words = append(s.Words, ";", "ray", "start", "--head")
	params := object(head["rayStartParams"])
	if _, said := params["dashboard-host"]; !said {
		s.Words = append(s.Words, "--dashboard-host=0.0.0.0")
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		s.Words = append(s.Words, "--"+name+"="+scalar(params[name]))
	}
	if text(object(spec["authOptions"])["mode"]) == "token" {
		s.Env["RAY_AUTH_MODE"] = known("token")
	}
	return []Service{s}
}

func metadataNotes(config map[string]any) map[string]string {
	out := map[string]string{}
	meta := object(config["metadata"])
	for _, k := range []string{"labels", "annotations"} {
		for name, v := range object(meta[k]) {
			out[name] = scalar(v)
		}
	}
	return out
}

// maxDepth bounds how deep a configuration is read.
const maxDepth = 12

// flatten writes members out by path; of a list its length.
func flatten(out map[string]Value, path string, v any, depth int) {
	switch v := v.(type) {
	case map[string]any:
		if depth > maxDepth {
			return
		}
		for name, member := range v {
			at := name
			if path != "" {
				at = path + "." + name
			}
			flatten(out, at, member, depth+1)
		}
	case []any:
		out[path] = known(strconv.Itoa(len(v)))
	case nil:
	default:
		out[path] = value(v, false)
	}
}

func (s *Service) port(v any) {
	if n, err := strconv.ParseUint(scalar(v), 10, 16); err == nil && n > 0 {
		s.Ports = append(s.Ports, uint16(n))
	}
}

// value is what a variable or setting holds.
func value(v any, elsewhere bool) Value {
	s := scalar(v)
	switch {
	case elsewhere:
		return Value{}
	case strings.HasPrefix(s, maskPrefix):
		return Value{Text: s} // the mask says which kind of secret it is, and no more
	case s != "" && strings.Trim(s, "*") == "":
		return Value{} // blotted out by whoever exported it
	}
	return known(s)
}

func object(v any) map[string]any { m, _ := v.(map[string]any); return m }
func list(v any) []any            { l, _ := v.([]any); return l }
func text(v any) string           { s, _ := v.(string); return s }

func texts(v any) (out []string) {
	for _, e := range list(v) {
		out = append(out, scalar(e))
	}
	return out
}

// scalar is a string, number or truth value as text.
func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
