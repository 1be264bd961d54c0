package terraform

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// file is a plan or state as it stands in the file.
type file struct {
	state                           bool
	formatVersion, terraformVersion string
	changes                         []rawChange
	resources                       []Resource // of a state, and the data sources of a plan's prior state
	config                          *configuration
	variables                       map[string]rawVariable
	blind                           []estate.BlindSpot
	mask                            masker
}

// rawChange is one element of resource_changes.
type rawChange struct {
	Address         string `json:"address"`
	PreviousAddress string `json:"previous_address"`
	ModuleAddress   string `json:"module_address"`
	Mode            string `json:"mode"`
	Type            string `json:"type"`
	Name            string `json:"name"`
	Index           any    `json:"index"`
	ProviderName    string `json:"provider_name"`
	Deposed         string `json:"deposed"`
	ActionReason    string `json:"action_reason"`
	Change          struct {
		Actions         []string       `json:"actions"`
		Before          map[string]any `json:"before"`
		After           map[string]any `json:"after"`
		AfterUnknown    any            `json:"after_unknown"`
		BeforeSensitive any            `json:"before_sensitive"`
		AfterSensitive  any            `json:"after_sensitive"`
		Importing       any            `json:"importing"`
	} `json:"change"`
}

type rawVariable struct {
	Value any `json:"value"`
}

// rawModule is a module of values: of a state, or of a plan's prior state.
type rawModule struct {
	Resources []struct {
		Address         string         `json:"address"`
		Mode            string         `json:"mode"`
		Type            string         `json:"type"`
		ProviderName    string         `json:"provider_name"`
		Values          map[string]any `json:"values"`
		SensitiveValues any            `json:"sensitive_values"`
		DeposedKey      string         `json:"deposed_key"`
	} `json:"resources"`
	ChildModules []rawModule `json:"child_modules"`
}

const showPlan = "terraform show -json PLANFILE > plan.json (tofu show -json …) prints the plan so that it can be read"

// read opens and reads a file.
func read(o Options) (*file, error) {
	info, err := os.Stat(o.Path)
	if err != nil {
		return nil, &Error{Path: o.Path, What: reason(err), Mend: "give the JSON of a plan or a state that exists and may be read", Err: err}
	}
	switch {
	case info.IsDir():
		return nil, &Error{Path: o.Path, What: "is a folder", Mend: "give the file: " + showPlan}
	case info.Mode()&os.ModeNamedPipe != 0 && !strings.HasPrefix(o.Path, "/dev/") && !strings.HasPrefix(o.Path, "/proc/"):
		// Opening one waits for whoever writes to it, perhaps for ever, and no signal
		// ends that. A shell's <(…) is below /dev.
		return nil, &Error{Path: o.Path, What: "is a pipe, which would be waited for", Mend: "give a file: " + showPlan}
	case info.Size() > MaxSize:
		return nil, &Error{Path: o.Path, What: fmt.Sprintf("has %d bytes; at most %d are read", info.Size(), MaxSize), Mend: "plan a part of the configuration at a time"}
	}
	in, err := os.Open(o.Path)
	if err != nil {
		return nil, &Error{Path: o.Path, What: reason(err), Mend: "let this user read the file", Err: err}
	}
	defer in.Close()
	return parse(o.Path, in, o.Key)
}

// reason is an error of the file system without the path, which is said once.
func reason(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// parse reads a plan or state. The name is for messages, the key for masks.
func parse(name string, in io.Reader, key []byte) (*file, error) {
	limited := &io.LimitedReader{R: in, N: MaxSize + 1}
	buffered := bufio.NewReaderSize(limited, 64<<10)
	head, _ := buffered.Peek(512)
	if err := unlike(name, head); err != nil {
		return nil, err
	}
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		_, _ = buffered.Discard(3)
	}
	r := &reader{name: name, dec: json.NewDecoder(buffered), limited: limited, seen: map[string]bool{}, file: &file{mask: masker{key}}}
	r.dec.UseNumber()
	if err := r.document(); err != nil {
		return nil, err
	}
	return r.file, nil
}

// unlike recognises by its first bytes what is no JSON document at all.
func unlike(name string, head []byte) error {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	bad := func(what, mend string) error { return &Error{Path: name, Place: "byte 0", What: what, Mend: mend} }
	switch {
	case len(text) == 0:
		return bad("the file is empty", "the command that should have filled it failed: run it again and look at what it says: "+showPlan)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return bad("this is a plan file as terraform plan -out writes it, which only Terraform can read", showPlan)
	case bytes.HasPrefix(head, []byte("\x1f\x8b")):
		return bad("the file is compressed", "unpack it: gunzip -c FILE > plan.json")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), len(head) > 3 && head[0] == '{' && head[1] == 0:
		return bad("the file is UTF-16, as PowerShell's > writes it", "terraform show -json PLANFILE | Out-File -Encoding utf8 plan.json, or run it in cmd")
	case bytes.HasPrefix(text, []byte("{\"@level\"")):
		return bad("this is the log that terraform plan -json prints, not the plan", "terraform plan -out=plan.bin, then "+showPlan)
	case bytes.HasPrefix(text, []byte("Terraform ")), bytes.HasPrefix(text, []byte("OpenTofu ")), bytes.HasPrefix(text, []byte("\x1b[")),
		bytes.HasPrefix(text, []byte("No changes")), bytes.HasPrefix(text, []byte("data.")):
		return bad("this is what terraform prints for people", showPlan)
	case text[0] == '[':
		return bad("a JSON list; a plan is an object", showPlan)
	case text[0] != '{':
		for _, word := range [...]string{"resource ", "provider ", "terraform {", "module ", "variable ", "locals ", "#", "//", "/*"} {
			if bytes.HasPrefix(text, []byte(word)) {
				return bad("this is Terraform's configuration language; what it plans only a plan tells", "terraform plan -out=plan.bin, then "+showPlan)
			}
		}
		return bad("no JSON: it begins with "+strconv.Quote(string(text[:1])), showPlan)
	}
	return nil
}

// reader reads one document member by member.
type reader struct {
	name    string
	dec     *json.Decoder
	limited *io.LimitedReader
	seen    map[string]bool
	file    *file
	version string // of a raw state
	errored bool
}

func (r *reader) fail(at int64, where, what, mend string) error {
	place := fmt.Sprintf("byte %d", at)
	if where != "" {
		place += ", " + where
	}
	return &Error{Path: r.name, Place: place, What: what, Mend: mend}
}

const runAgain = "the file is damaged or cut short: print it again: " + showPlan

// broken words an error of the decoder met while reading where.
func (r *reader) broken(start int64, where string, err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case r.limited.N <= 0:
		return r.fail(MaxSize, where, fmt.Sprintf("the file is larger than %d bytes", MaxSize), "plan a part of the configuration at a time")
	case errors.As(err, &typ):
		if typ.Field != "" {
			where += "." + typ.Field
		}
		return r.fail(start, where, fmt.Sprintf("a %s stands where a plan has %s", typ.Value, kindWord(typ.Type.Kind().String())), showPlan)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return r.fail(r.dec.InputOffset(), where, "the file ends in the middle", runAgain)
	case errors.As(err, &syntax):
		return r.fail(r.place(start), where, syntax.Error(), runAgain)
	}
	return r.fail(start, where, err.Error(), runAgain)
}

// place finds the byte of a syntax error. The decoder counts from where it last
// began to read, so the value that failed is read once more from its start.
func (r *reader) place(start int64) int64 {
	var again json.RawMessage
	var syntax *json.SyntaxError
	if err := json.NewDecoder(io.MultiReader(r.dec.Buffered(), r.limited)).Decode(&again); errors.As(err, &syntax) {
		return r.dec.InputOffset() + syntax.Offset - 1
	}
	return start
}

func kindWord(kind string) string {
	switch kind {
	case "map", "struct", "ptr":
		return "an object"
	case "slice":
		return "a list"
	case "bool":
		return "true or false"
	case "interface":
		return "a value"
	}
	return "a " + kind
}

// document reads the whole file.
func (r *reader) document() error {
	if _, err := r.dec.Token(); err != nil {
		return r.broken(0, "", err)
	}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.broken(r.dec.InputOffset(), "", err)
		}
		key, _ := token.(string)
		if r.seen[key] {
			return r.fail(r.dec.InputOffset(), key, "the member stands twice", showPlan)
		}
		r.seen[key] = true
		if err := r.member(key); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.broken(r.dec.InputOffset(), "", err)
	}
	end := r.dec.InputOffset()
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return r.fail(end, "", "something follows the plan", "keep one plan in a file")
	}
	return r.judge()
}

// value decodes the next value into v.
func (r *reader) value(key string, v any) error {
	start := r.dec.InputOffset()
	if err := r.dec.Decode(v); err != nil {
		return r.broken(start, key, err)
	}
	return nil
}

// once is value, of whose objects none may say anything twice.
func (r *reader) once(key string, v any) error {
	start := r.dec.InputOffset()
	var raw json.RawMessage
	if err := r.dec.Decode(&raw); err != nil {
		return r.broken(start, key, err)
	}
	if name, at := again(raw); at >= 0 {
		return r.fail(r.dec.InputOffset()-int64(len(raw)-at), key, "the member "+strconv.Quote(name)+" stands twice in one object", showPlan)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return r.broken(start, key, err)
	}
	return nil
}

// member reads one member of the document.
func (r *reader) member(key string) error {
	f := r.file
	switch key {
	case "format_version":
		if err := r.value(key, &f.formatVersion); err != nil {
			return err
		}
		return r.supported()
	case "terraform_version":
		return r.value(key, &f.terraformVersion)
	case "version":
		var v any
		if err := r.value(key, &v); err != nil {
			return err
		}
		r.version = fmt.Sprint(v)
	case "resource_changes":
		return r.elements(key, func(i int) error {
			var c rawChange
			if err := r.once(fmt.Sprintf("resource_changes[%d]", i), &c); err != nil {
				return err
			}
			if c.Address == "" || c.Type == "" {
				return r.fail(r.dec.InputOffset(), fmt.Sprintf("resource_changes[%d]", i), "a change without address and type", showPlan)
			}
			if c.Change.After == nil && c.Change.AfterUnknown != true && c.Mode != "data" && (slices.Contains(c.Change.Actions, "create") || slices.Contains(c.Change.Actions, "update")) {
				return r.fail(r.dec.InputOffset(), fmt.Sprintf("resource_changes[%d].change.after", i), "nothing stands where a plan has what "+c.Address+" will be", showPlan)
			}
			f.changes = append(f.changes, c)
			return nil
		})
	case "values":
		return r.values(key, false)
	case "prior_state":
		return r.object(key, func(inner string) error {
			if inner == "values" {
				return r.values("prior_state.values", true)
			}
			return r.skip(inner)
		})
	case "configuration":
		f.config = &configuration{}
		return r.value(key, f.config)
	case "variables":
		return r.value(key, &f.variables)
	case "resources":
		return r.states(key)
	case "errored":
		return r.value(key, &r.errored)
	case "complete":
		complete := true
		if err := r.value(key, &complete); err != nil {
			return err
		}
		if !complete {
			f.blind = append(f.blind, estate.BlindSpot{Operation: "complete", Status: estate.ReadFailed,
				Why: "the plan is not complete: Terraform says that applying it leaves more to plan", Hint: "apply it, plan again, and gate the next plan too"})
		}
	case "deferred_changes":
		return r.elements(key, func(i int) error {
			var d struct {
				Reason string    `json:"reason"`
				Change rawChange `json:"resource_change"`
			}
			if err := r.value(fmt.Sprintf("deferred_changes[%d]", i), &d); err != nil {
				return err
			}
			f.blind = append(f.blind, estate.BlindSpot{Operation: d.Change.Address, Asset: "terraform://" + d.Change.Address, Status: estate.ReadFailed,
				Why: "the change is deferred (" + d.Reason + "): what it will be is not in this plan", Hint: "apply the plan, plan again, and gate the next plan too"})
			return nil
		})
	case "action_invocations":
		return r.elements(key, func(i int) error {
			var a struct {
				Address string `json:"address"`
				Type    string `json:"type"`
			}
			if err := r.value(fmt.Sprintf("action_invocations[%d]", i), &a); err != nil {
				return err
			}
			f.blind = append(f.blind, estate.BlindSpot{Operation: a.Address, Status: estate.ReadFailed,
				Why: "the plan runs an action (" + a.Type + "): what it does stands in no plan", Hint: "look at it by hand"})
			return nil
		})
	default:
		return r.skip(key)
	}
	return nil
}

// skip passes over a value without keeping it.
func (r *reader) skip(key string) error {
	start := r.dec.InputOffset()
	depth := 0
	for {
		token, err := r.dec.Token()
		if err != nil {
			return r.broken(start, key, err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// elements reads a list element by element; null is none.
func (r *reader) elements(key string, each func(i int) error) error {
	start := r.dec.InputOffset()
	token, err := r.dec.Token()
	if err != nil {
		return r.broken(start, key, err)
	}
	if token == nil {
		delete(r.seen, key)
		return nil
	}
	if token != json.Delim('[') {
		return r.fail(start, key, "a plan has a list here", showPlan)
	}
	for i := 0; r.dec.More(); i++ {
		if err := each(i); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.broken(start, key, err)
	}
	return nil
}

// object reads an object member by member; null is none.
func (r *reader) object(key string, each func(member string) error) error {
	start := r.dec.InputOffset()
	token, err := r.dec.Token()
	if err != nil {
		return r.broken(start, key, err)
	}
	if token == nil {
		return nil
	}
	if token != json.Delim('{') {
		return r.fail(start, key, "a plan has an object here", showPlan)
	}
	for r.dec.More() {
		token, err := r.dec.Token()
		if err != nil {
			return r.broken(start, key, err)
		}
		member, _ := token.(string)
		if err := each(member); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return r.broken(start, key, err)
	}
	return nil
}

// values reads the resources of a module of values; of a prior state only the
// data sources count, the rest stands in the changes.
func (r *reader) values(key string, onlyData bool) error {
	return r.object(key, func(member string) error {
		if member != "root_module" {
			return r.skip(member)
		}
		var root rawModule
		if err := r.value(key+".root_module", &root); err != nil {
			return err
		}
		r.module(root, onlyData)
		return nil
	})
}

func (r *reader) module(m rawModule, onlyData bool) {
	for _, x := range m.Resources {
		if onlyData && x.Mode != "data" {
			continue
		}
		address := x.Address
		if x.DeposedKey != "" {
			address += " (deposed " + x.DeposedKey + ")"
		}
		values, unknown := r.file.mask.masked(x.Values, nil, x.SensitiveValues)
		r.file.resources = append(r.file.resources, Resource{Address: address, Type: x.Type, Mode: x.Mode, Provider: x.ProviderName, Values: values, Unknown: unknown})
	}
	for _, c := range m.ChildModules {
		r.module(c, onlyData)
	}
}

// supported refuses format versions whose meaning is not known.
func (r *reader) supported() error {
	major, _, _ := strings.Cut(r.file.formatVersion, ".")
	switch {
	case major == "1", r.file.formatVersion == "0.1", r.file.formatVersion == "0.2":
		return nil
	}
	return r.fail(r.dec.InputOffset(), "format_version", fmt.Sprintf("format version %.20q is not known; 0.1, 0.2 and 1.x are", r.file.formatVersion),
		"print the plan with Terraform or OpenTofu 1.x, or use a newer sevenfold")
}

// judge says whether what was read is a plan or state.
func (r *reader) judge() error {
	f, seen := r.file, r.seen
	bad := func(what, mend string) error { return &Error{Path: r.name, What: what, Mend: mend} }
	switch {
	case seen["format_version"] && (seen["resource_changes"] || seen["planned_values"] || seen["output_changes"] || seen["configuration"]):
		if r.errored {
			return bad("the plan ended in error: it is not what would be applied", "mend what terraform plan complains of, and plan again")
		}
		if !seen["resource_changes"] && !seen["output_changes"] {
			return bad("the plan has no resource_changes, so that nobody can tell what it does", "terraform show -json of the plan file as terraform plan -out wrote it")
		}
		return nil
	case seen["format_version"] && (seen["values"] || len(seen) <= 3 && !seen["provider_schemas"] && !seen["root"]):
		f.state = true
		return nil
	case seen["version"] && seen["terraform_version"]:
		if r.version != "4" {
			return bad("a state file of version "+r.version+"; version 4 is read", "terraform show -json > state.json in its folder")
		}
		f.state = true
		return nil
	case seen["AWSTemplateFormatVersion"] || seen["Resources"] && !seen["resources"]:
		return bad("this is a CloudFormation template", "read it with cloudformation:TEMPLATE")
	case seen["deployment"] || seen["steps"] && seen["config"]:
		return bad("this is Pulumi's", "plans and states of Terraform and OpenTofu are read")
	case seen["provider_schemas"]:
		return bad("these are provider schemas", showPlan)
	case seen["apiVersion"] && seen["kind"]:
		return bad("this is a Kubernetes object", "read it with dir:PATH")
	}
	return bad("neither a plan nor a state: it has no format_version", showPlan)
}
