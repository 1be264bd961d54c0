package parts

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

var mavenProperty = regexp.MustCompile(`\$\{([^}]+)\}`)

// maxMavenDepth bounds properties that are made of properties.
const maxMavenDepth = 8

type mavenDependency struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
}

// mavenManaged are those of which versions are set for others.
type mavenManaged struct {
	Of []mavenDependency `xml:"dependencies>dependency"`
}

type mavenProject struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	Parent   struct {
		Group    string `xml:"groupId"`
		Artifact string `xml:"artifactId"`
		Version  string `xml:"version"`
	} `xml:"parent"`
	Properties struct {
		All []struct {
			XMLName xml.Name
			Value   string `xml:",chardata"`
		} `xml:",any"`
	} `xml:"properties"`
	Dependencies []mavenDependency `xml:"dependencies>dependency"`
	Managed      mavenManaged      `xml:"dependencyManagement"`
	Profiles     []struct {
		ID           string            `xml:"id"`
		Dependencies []mavenDependency `xml:"dependencies>dependency"`
		Managed      mavenManaged      `xml:"dependencyManagement"`
	} `xml:"profiles>profile"`
}

// pom reads the dependencies of a pom.xml, those of its profiles among them: which of
// them are on is for who builds it. A version that a parent or a bill sets stays open.
func pom(f *file) error {
	var p mavenProject
	d := xml.NewDecoder(bytes.NewReader(f.data))
	d.CharsetReader = latin
	if err := d.Decode(&p); errors.Is(err, io.EOF) {
		return errors.New("there is no project in it")
	} else if err != nil {
		return err
	}
	m := mavenRead{file: f, set: p.properties(), managed: map[string]string{}}
	m.manage(p.Managed.Of)
	m.add(p.Dependencies, "")
	for _, one := range p.Profiles {
		in := mavenRead{file: f, set: m.set, managed: map[string]string{}}
		for name, version := range m.managed {
			in.managed[name] = version
		}
		in.manage(one.Managed.Of)
		in.add(one.Dependencies, strings.TrimSpace(one.ID))
	}
	return nil
}

// properties are those of the project itself, which a parent's stand in for, and those
// it sets.
func (p *mavenProject) properties() map[string]string {
	or := func(a, b string) string {
		if a = strings.TrimSpace(a); a != "" {
			return a
		}
		return strings.TrimSpace(b)
	}
	set := map[string]string{}
	for _, prefix := range []string{"project.", "pom."} {
		set[prefix+"groupId"], set[prefix+"artifactId"], set[prefix+"version"] = or(p.Group, p.Parent.Group), or(p.Artifact, ""), or(p.Version, p.Parent.Version)
		set[prefix+"parent.groupId"], set[prefix+"parent.artifactId"], set[prefix+"parent.version"] = or(p.Parent.Group, ""), or(p.Parent.Artifact, ""), or(p.Parent.Version, "")
	}
	for _, one := range p.Properties.All {
		set[one.XMLName.Local] = strings.TrimSpace(one.Value)
	}
	return set
}

type mavenRead struct {
	file    *file
	set     map[string]string
	managed map[string]string // versions by group and artifact
}

// settle puts values in the place of properties; one that is not known stays.
func (m *mavenRead) settle(s string) string {
	for range maxMavenDepth {
		next := mavenProperty.ReplaceAllStringFunc(s, func(ref string) string {
			if v := m.set[ref[2:len(ref)-1]]; v != "" {
				return v
			}
			return ref
		})
		if next == s || len(next) > 1024 {
			break
		}
		s = next
	}
	return strings.TrimSpace(s)
}

func (m *mavenRead) manage(list []mavenDependency) {
	for _, d := range list {
		m.managed[m.settle(d.Group)+":"+m.settle(d.Artifact)] = m.settle(d.Version)
	}
}

func (m *mavenRead) add(list []mavenDependency, profile string) {
	for _, d := range list {
		group, artifact, version := m.settle(d.Group), m.settle(d.Artifact), m.settle(d.Version)
		name := group + ":" + artifact
		if group == "" || artifact == "" || strings.Contains(name, "${") {
			m.file.problem("which dependency %s is cannot be told: its group or name is not in this file", clip(name, 100))
			continue
		}
		if version == "" {
			version = m.managed[name]
		}
		if strings.ContainsAny(version, "$[(,") {
			version = ""
		}
		p := Part{Kind: Package, Ecosystem: "Maven", Name: name, Version: version, Pinned: version != ""}
		if profile != "" {
			p.Facts = map[string]string{"profile": profile}
		}
		m.file.add(p, 0)
	}
}

// latin reads the encodings of one byte a character that old files declare.
func latin(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return in, nil
	case "iso-8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252":
		// Names and versions are ASCII; what lies above it stands in texts.
		text, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		for _, c := range text {
			out.WriteRune(rune(c))
		}
		return &out, nil
	}
	return nil, fmt.Errorf("its encoding %q is not read", clip(label, 40))
}
