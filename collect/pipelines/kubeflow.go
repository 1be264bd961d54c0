package pipelines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of what a pipeline may hold.
const (
	maxTasks = 20_000
	maxDepth = 30      // of pipelines within pipelines
	maxSteps = 100_000 // from an artifact to the tasks that make it
)

// kube reads one pipeline of Kubeflow's.
type kube struct {
	d          *Definition
	file       string
	pipeline   string
	components *yaml.Node
	executors  *yaml.Node
	root       value // where artifacts are put
	rootAsked  bool
	tasks      int
	steps      int
}

// value is a parameter's value as far as the definition settles it.
type value struct {
	text string
	why  string // why it is not known; "" where it is
}

// inputs are what a component is given.
type inputs struct {
	params    map[string]value
	artifacts map[string][]string // the tasks that make each
}

// kubeflow reads all documents of a file.
func (d *Definition) kubeflow(name string, text []byte) error {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	found := false
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return errors.New("it is damaged: " + lineOf(err))
		}
		if len(doc.Content) == 0 {
			continue
		}
		n := doc.Content[0]
		job := n
		if spec := get(n, "pipelineSpec"); spec != nil { // a job: the pipeline, and what it is given
			n = spec
		}
		switch {
		case get(n, "pipelineInfo") != nil && get(n, "root") != nil:
			found = true
			if err := d.pipeline(name, n, get(job, "runtimeConfig")); err != nil {
				return err
			}
		case textOf(get(n, "kind")) == "Workflow" && bytes.Contains(text, []byte("pipelines.kubeflow.org/")):
			found = true
			d.unknown(name, n.Line, "it was compiled by Kubeflow Pipelines 1, into Argo's form, which is not read: compile it by version 2")
		}
	}
	if !found {
		return ErrOther
	}
	return nil
}

var yamlLine = regexp.MustCompile(`line \d+`)

// lineOf is the line of a decoder's error, without what it quotes of the file.
func lineOf(err error) string {
	if at := yamlLine.FindString(err.Error()); at != "" {
		return at + " is no YAML"
	}
	return "it is no YAML"
}

// pipeline reads one pipeline, with what a job gives it if there is one.
func (d *Definition) pipeline(file string, spec, runtime *yaml.Node) error {
	k := &kube{d: d, file: file, pipeline: textOf(get(spec, "pipelineInfo", "name")), components: get(spec, "components"), executors: get(spec, "deploymentSpec", "executors")}
	if k.pipeline == "" {
		return fmt.Errorf("line %d: the pipeline has no name (pipelineInfo.name)", spec.Line)
	}
	if k.executors == nil {
		k.executors = get(spec, "deploymentConfig", "executors")
	}
	k.root = value{why: "the definition does not say where artifacts are put (defaultPipelineRoot)"}
	for _, n := range []*yaml.Node{get(spec, "defaultPipelineRoot"), get(runtime, "gcsOutputDirectory")} {
		if t := textOf(n); t != "" {
			k.root = value{text: t}
		}
	}
	root := get(spec, "root")
	in := inputs{map[string]value{}, map[string][]string{}}
	each(get(root, "inputDefinitions", "parameters"), func(name string, n *yaml.Node) {
		v := value{why: "it is given when the pipeline is run"}
		if def := get(n, "defaultValue"); def != nil && def.Kind == yaml.ScalarNode {
			v = value{text: def.Value}
		}
		in.params[name] = v
	})
	each(get(runtime, "parameterValues"), func(name string, n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			in.params[name] = value{text: n.Value}
		} else {
			in.params[name] = value{why: "it is a list or a mapping"}
		}
	})
	each(get(root, "inputDefinitions", "artifacts"), func(name string, n *yaml.Node) {
		d.unknown(file, n.Line, "%s is given the artifact %s when it is run", k.id(""), name)
	})
	if get(root, "dag") == nil {
		return fmt.Errorf("line %d: the pipeline has no tasks (root.dag)", root.Line)
	}
	k.dag("", get(root, "dag"), in, 0)
	return nil
}

// id is a task's by its path; the pipeline's own for "".
func (k *kube) id(path string) string {
	return strings.TrimSuffix("kubeflow://"+k.pipeline+"/"+path, "/")
}

func joined(path, name string) string { return strings.TrimPrefix(path+"/"+name, "/") }

// dag reads the tasks of a pipeline, or of one within it.
func (k *kube) dag(path string, dag *yaml.Node, in inputs, depth int) {
	if depth > maxDepth {
		k.d.unknown(k.file, dag.Line, "pipelines within pipelines go deeper than %d", maxDepth)
		return
	}
	tasks := get(dag, "tasks")
	if tasks == nil || tasks.Kind != yaml.MappingNode {
		k.d.unknown(k.file, dag.Line, "the tasks of %s are written in a form that is not read", k.id(path))
	}
	each(tasks, func(name string, task *yaml.Node) {
		if k.tasks++; k.tasks > maxTasks {
			if k.tasks == maxTasks+1 {
				k.d.unknown(k.file, task.Line, "it has more than %d tasks; those from here on are not read", maxTasks)
			}
			return
		}
		comp := get(k.components, textOf(get(task, "componentRef", "name")))
		if comp == nil {
			k.d.unknown(k.file, task.Line, "the component of %s is not in the file", k.id(joined(path, name)))
			return
		}
		given := k.given(path, tasks, task, comp, in)
		if inner := get(comp, "dag"); inner != nil {
			k.dag(joined(path, name), inner, given, depth+1)
			return
		}
		k.run(joined(path, name), task, comp, given)
	})
}

// given are the inputs of a task. What another task makes is not known, but who made it is:
// a parameter carries data as an artifact does.
func (k *kube) given(path string, tasks, task, comp *yaml.Node, in inputs) inputs {
	out := inputs{map[string]value{}, map[string][]string{}}
	each(get(comp, "inputDefinitions", "parameters"), func(name string, n *yaml.Node) {
		if def := get(n, "defaultValue"); def != nil && def.Kind == yaml.ScalarNode {
			out.params[name] = value{text: def.Value}
		}
	})
	each(get(task, "inputs", "parameters"), func(name string, n *yaml.Node) {
		constant := get(n, "runtimeValue", "constant")
		if constant == nil {
			constant = get(n, "runtimeValue", "constantValue", "stringValue")
		}
		switch from := textOf(get(n, "componentInputParameter")); {
		case constant != nil && constant.Kind == yaml.ScalarNode:
			out.params[name] = k.filled(constant.Value, in)
		case constant != nil:
			out.params[name] = value{why: "it is a list or a mapping"}
			for _, uri := range constants(constant) {
				k.d.unknown(k.file, constant.Line, "the parameter %s holds the address %s, and which way it is used is not known", name, plain(uri))
			}
		case from != "":
			out.params[name] = in.param(from)
			if makers := in.artifacts["parameter "+from]; len(makers) > 0 {
				out.artifacts["parameter "+name] = makers
			}
		case get(n, "taskOutputParameter") != nil:
			producer := textOf(get(n, "taskOutputParameter", "producerTask"))
			out.params[name] = value{why: "the task " + producer + " makes it when it runs"}
			out.artifacts["parameter "+name] = k.makers(path, tasks, producer, "parameters", textOf(get(n, "taskOutputParameter", "outputParameterKey")), 0)
		default:
			out.params[name] = value{why: "it is made when the pipeline runs"}
		}
	})
	each(get(task, "inputs", "artifacts"), func(name string, n *yaml.Node) {
		made := get(n, "taskOutputArtifact")
		if made == nil {
			from := textOf(get(n, "componentInputArtifact"))
			out.artifacts[name] = in.artifacts[from]
			if from == "" {
				k.d.unknown(k.file, n.Line, "where the artifact %s of %s is from is written in a form that is not read", name, k.id(path))
			}
			return
		}
		out.artifacts[name] = k.makers(path, tasks, textOf(get(made, "producerTask")), "artifacts", textOf(get(made, "outputArtifactKey")), 0)
	})
	// Of a loop each round has one item of a list: its own name for it.
	for _, loop := range []string{"parameterIterator", "artifactIterator"} {
		item, items := textOf(get(task, loop, "itemInput")), textOf(get(task, loop, "items", "inputParameter"))
		if item == "" {
			item, items = textOf(get(task, "iterator", loop, "itemInput")), textOf(get(task, "iterator", loop, "items", "inputParameter"))
		}
		if item != "" {
			out.params[item] = value{why: "it is an item of a list"}
			out.artifacts["parameter "+item] = out.artifacts["parameter "+items]
			if raw := get(task, loop, "items", "raw"); raw != nil {
				for _, uri := range addresses.FindAllString(raw.Value, -1) {
					k.d.unknown(k.file, raw.Line, "a loop goes over the address %s, and which way it is used is not known", plain(uri))
				}
			}
		}
	}
	return out
}

// constants are the addresses within a list or a mapping.
func constants(n *yaml.Node) (out []string) {
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode && isAddress(c.Value) {
			out = append(out, c.Value)
		}
		out = append(out, constants(c)...)
	}
	return out
}

func (in inputs) param(name string) value {
	if v, ok := in.params[name]; ok {
		return v
	}
	return value{why: "nothing gives it a value"}
}

// makers are the tasks that make an output of a task; of one that is itself a pipeline those
// within it.
func (k *kube) makers(path string, tasks *yaml.Node, task, kind, key string, depth int) []string {
	comp := get(k.components, textOf(get(tasks, task, "componentRef", "name")))
	at := joined(path, task)
	inner := get(comp, "dag")
	if k.steps++; k.steps == maxSteps {
		k.d.unknown(k.file, tasks.Line, "its artifacts come by too many ways to follow them all")
	}
	if inner == nil || depth > maxDepth || k.steps >= maxSteps {
		return []string{k.id(at)}
	}
	out := get(inner, "outputs", kind, key)
	var made []string
	take := func(sel *yaml.Node) {
		outKey := textOf(get(sel, "outputArtifactKey"))
		if kind == "parameters" {
			outKey = textOf(get(sel, "outputParameterKey"))
		}
		if producer := textOf(get(sel, "producerSubtask")); producer != "" {
			made = append(made, k.makers(at, get(inner, "tasks"), producer, kind, outKey, depth+1)...)
		}
	}
	for _, list := range []*yaml.Node{get(out, "artifactSelectors"), get(out, "valueFromOneof", "parameterSelectors")} {
		if list != nil {
			for _, sel := range list.Content {
				take(sel)
			}
		}
	}
	take(get(out, "valueFromParameter"))
	if len(made) == 0 {
		k.d.unknown(k.file, inner.Line, "which task within %s makes its output %s is not said", k.id(at), key)
	}
	return made
}

// placeholder stands in a command for a parameter's value.
var placeholder = regexp.MustCompile(`\{\{\$\.inputs\.parameters\[['"]([^'"]+)['"]\]\}\}|\{\{\$\.inputs\.parameters\.([A-Za-z0-9_-]+)\}\}`)

// filled puts the values of parameters into a text.
func (k *kube) filled(text string, in inputs) value {
	why := ""
	out := placeholder.ReplaceAllStringFunc(text, func(p string) string {
		m := placeholder.FindStringSubmatch(p)
		v := in.param(m[1] + m[2])
		if v.why != "" {
			why = v.why
		}
		return v.text
	})
	if why == "" && strings.Contains(out, "{{$") {
		why = "it is made when the pipeline runs"
	}
	return value{out, why}
}

// run reads a task that runs a container, or imports an artifact.
func (k *kube) run(path string, task, comp *yaml.Node, in inputs) {
	job := k.id(path)
	k.d.Tasks = append(k.d.Tasks, job)
	at := fmt.Sprintf("%s:%d", k.file, task.Line)
	exec := get(k.executors, textOf(get(comp, "executorLabel")))
	if exec == nil {
		k.d.unknown(k.file, task.Line, "what runs as %s is not in the file", job)
		return
	}
	if imp := get(exec, "importer"); imp != nil {
		k.imports(job, imp, in)
		return
	}
	for _, name := range names(in.artifacts) {
		for _, maker := range in.artifacts[name] {
			what := "artifact " + name
			if strings.HasPrefix(name, "parameter ") {
				what = name
			}
			k.d.flow(maker, job, at+", "+what)
		}
	}
	if outs := get(comp, "outputDefinitions", "artifacts"); outs != nil && len(outs.Content) > 0 {
		if k.root.why == "" && isAddress(k.root.text) {
			k.d.flow(job, plain(k.root.text), at+", its artifacts, below the pipeline's root")
		} else if !k.rootAsked {
			k.rootAsked = true
			why := k.root.why
			if why == "" {
				why = "the pipeline's root is no address that is known"
			}
			k.d.unknown(k.file, outs.Line, "%s makes artifacts, and %s", job, why)
		}
	}
	for _, name := range names(in.params) {
		if v := in.params[name]; v.why == "" && isAddress(v.text) {
			k.d.given(k.file, task.Line, job, name, v.text)
		} else if v.why != "" && len(in.artifacts["parameter "+name]) == 0 && locates(name) {
			k.d.unknown(k.file, task.Line, "%s is told a place by the parameter %s: %s", job, name, v.why)
		}
	}
	box := get(exec, "container")
	if box == nil {
		k.d.unknown(k.file, exec.Line, "%s is run in a way that is not read", job)
		return
	}
	k.command(job, box, in)
}

// locates reports whether a parameter's name says that its value is a place.
func locates(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"uri", "url", "path", "bucket", "table", "dir", "gcs", "s3"}, func(w string) bool { return strings.Contains(name, w) })
}

// imports reads an importer: the artifact it gives lies at its address.
func (k *kube) imports(job string, imp *yaml.Node, in inputs) {
	uri := get(imp, "artifactUri")
	v := value{why: "it is given when the pipeline is run"}
	switch name := textOf(get(uri, "runtimeParameter")); {
	case textOf(get(uri, "constant")) != "":
		v = k.filled(textOf(get(uri, "constant")), in)
	case textOf(get(uri, "constantValue", "stringValue")) != "":
		v = k.filled(textOf(get(uri, "constantValue", "stringValue")), in)
	case name != "":
		v = in.param(name)
	}
	if v.why == "" && isAddress(v.text) {
		k.d.flow(plain(v.text), job, fmt.Sprintf("%s:%d, importer", k.file, imp.Line))
		return
	}
	if v.why == "" {
		v.why = "it is no address that is known"
	}
	k.d.unknown(k.file, imp.Line, "the address that %s imports: %s", job, v.why)
}

// command reads what a container is called with: an address behind an option goes the way the
// option's name says, one in the text of a program any.
func (k *kube) command(job string, box *yaml.Node, in inputs) {
	for _, part := range []string{"command", "args"} {
		list := get(box, part)
		if list == nil {
			continue
		}
		option := ""
		for _, n := range list.Content {
			if n.Kind != yaml.ScalarNode {
				continue
			}
			if placeholder.MatchString(n.Value) { // its parameters were told
				option = ""
				continue
			}
			name, text, cut := strings.Cut(n.Value, "=")
			switch {
			case cut && strings.HasPrefix(name, "-") && isAddress(text):
				k.d.given(k.file, n.Line, job, strings.TrimLeft(name, "-"), text)
			case isAddress(n.Value):
				k.d.given(k.file, n.Line, job, option, n.Value)
			default:
				for _, uri := range addresses.FindAllString(n.Value, -1) {
					k.d.unknown(k.file, n.Line, "the program of %s names %s, and which way it is used is not known", job, plain(uri))
				}
			}
			option = ""
			if strings.HasPrefix(n.Value, "-") && !cut {
				option = strings.TrimLeft(n.Value, "-")
			}
		}
	}
	if env := get(box, "env"); env != nil && env.Kind == yaml.SequenceNode {
		for _, e := range env.Content {
			if v := textOf(get(e, "value")); isAddress(v) {
				k.d.given(k.file, e.Line, job, textOf(get(e, "name")), v)
			}
		}
	}
}

// get is the member of a mapping along names; nil where there is none. Aliases are not
// followed: compilers write none, and they can make a file larger than it is.
func get(n *yaml.Node, names ...string) *yaml.Node {
	for _, name := range names {
		if n == nil || n.Kind != yaml.MappingNode {
			return nil
		}
		var next *yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				next = n.Content[i+1]
			}
		}
		n = next
	}
	return n
}

// each gives the members of a mapping, in the order of the file.
func each(n *yaml.Node, fn func(name string, n *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		fn(n.Content[i].Value, n.Content[i+1])
	}
}

// textOf is a scalar's text, "" of anything else.
func textOf(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
