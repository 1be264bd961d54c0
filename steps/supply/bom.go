package supply

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// CycloneDX writes an AI bill of materials: models as models with their cards,
// services with what flows to them, data sets as data, everything else as what it is.
// What could not be read is said as an incomplete composition. spec is 1.6 or 1.7.
// Source: CycloneDX, ecma-international.org ECMA-424.
func CycloneDX(w io.Writer, spec, name, version string, b *Bill, register []scope.Service) error {
	doc := cdx.NewBOM()
	root := "subject"
	doc.SerialNumber = serial(b.Digest, b.Taken)
	doc.Metadata = &cdx.Metadata{
		Timestamp: b.Taken.UTC().Format(time.RFC3339),
		Tools:     &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: "sevenfold", Version: version}}},
		Component: &cdx.Component{BOMRef: root, Type: cdx.ComponentTypeApplication, Name: name},
	}
	var components []cdx.Component
	var services []cdx.Service
	var refs []string
	for i := range b.Parts {
		p := &b.Parts[i]
		ref := refOf(p)
		if p.Kind == parts.Service {
			services = append(services, service(p, ref, b, register))
		} else {
			components = append(components, component(p, ref))
		}
		refs = append(refs, ref)
	}
	services = united(services)
	if len(components) > 0 {
		doc.Components = &components
	}
	if len(services) > 0 {
		doc.Services = &services
	}
	slices.Sort(refs)
	refs = slices.Compact(refs)
	doc.Dependencies = &[]cdx.Dependency{{Ref: root, Dependencies: &refs}}
	aggregate := cdx.CompositionAggregateUnknown
	if len(b.Problems) > 0 {
		aggregate = cdx.CompositionAggregateIncomplete
	}
	doc.Compositions = &[]cdx.Composition{{Aggregate: aggregate, Assemblies: &[]cdx.BOMReference{cdx.BOMReference(root)}}}
	var props []cdx.Property
	for _, p := range b.Problems {
		props = append(props, cdx.Property{Name: "sevenfold:unread", Value: p.Path + ": " + p.Why})
	}
	for _, n := range b.Notices {
		props = append(props, cdx.Property{Name: "sevenfold:notice:" + n.Rule, Value: string(n.Severity) + " " + where(n.Place) + ": " + n.Text})
	}
	if len(props) > 0 {
		doc.Properties = &props
	}
	e := cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON)
	e.SetPretty(true)
	if spec == "1.7" {
		return e.EncodeVersion(doc, cdx.SpecVersion1_7)
	}
	return e.EncodeVersion(doc, cdx.SpecVersion1_6)
}

// serial is a UUID made of what a bill says, so that the same bill has the same.
func serial(digest string, taken time.Time) string {
	h := sha256.Sum256([]byte(digest + taken.UTC().Format(time.RFC3339)))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80 // version 8: made by a rule of one's own
	x := hex.EncodeToString(h[:16])
	return fmt.Sprintf("urn:uuid:%s-%s-%s-%s-%s", x[:8], x[8:12], x[12:16], x[16:20], x[20:])
}

func refOf(p *parts.Part) string {
	if p.Kind == parts.Service {
		return "service:" + p.Name
	}
	sum := sha256.Sum256([]byte(p.Key()))
	return string(p.Kind) + ":" + hex.EncodeToString(sum[:8])
}

var componentTypes = map[parts.Kind]cdx.ComponentType{parts.Package: cdx.ComponentTypeLibrary, parts.Model: cdx.ComponentTypeMachineLearningModel, parts.Dataset: cdx.ComponentTypeData,
	parts.Image: cdx.ComponentTypeContainer, parts.Notebook: cdx.ComponentTypeFile, parts.Tool: cdx.ComponentTypeApplication}

func component(p *parts.Part, ref string) cdx.Component {
	c := cdx.Component{BOMRef: ref, Type: componentTypes[p.Kind], Name: p.Name, Version: p.Version, PackageURL: p.PURL()}
	if p.SHA256 != "" {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: p.SHA256}}
	}
	if len(p.Licences) > 0 {
		var list cdx.Licenses
		for _, l := range p.Licences {
			list = append(list, cdx.LicenseChoice{License: &cdx.License{Name: l}})
		}
		c.Licenses = &list
	}
	var occ []cdx.EvidenceOccurrence
	for _, at := range p.Places {
		o := cdx.EvidenceOccurrence{Location: at.Path}
		if line := at.Line; line > 0 {
			o.Line = &line
		}
		occ = append(occ, o)
	}
	c.Evidence = &cdx.Evidence{Occurrences: &occ}
	props := []cdx.Property{{Name: "sevenfold:pinned", Value: fmt.Sprint(p.Pinned)}}
	if p.Ecosystem != "" {
		props = append(props, cdx.Property{Name: "sevenfold:ecosystem", Value: p.Ecosystem})
	}
	for _, k := range sortedKeys(p.Facts) {
		props = append(props, cdx.Property{Name: "sevenfold:" + k, Value: p.Facts[k]})
	}
	c.Properties = &props
	switch p.Kind {
	case parts.Model:
		card := &cdx.MLModelCard{ModelParameters: &cdx.MLModelParameters{Task: p.Facts["task"], ModelArchitecture: p.Facts["architecture"]}}
		c.ModelCard = card
		if base := p.Facts["base"]; base != "" {
			c.Pedigree = &cdx.Pedigree{Ancestors: &[]cdx.Component{{Type: cdx.ComponentTypeMachineLearningModel, Name: base}}}
		}
		if v := p.Facts["vendor"]; v != "" {
			c.Supplier = &cdx.OrganizationalEntity{Name: v}
		}
	case parts.Dataset:
		c.Data = &[]cdx.ComponentData{{Type: cdx.ComponentDataTypeDataset, Name: p.Name}}
	}
	return c
}

// service is an API with what flows to it: what the register says of labels, and
// unknown where it says nothing.
func service(p *parts.Part, ref string, b *Bill, register []scope.Service) cdx.Service {
	yes := true
	s := cdx.Service{BOMRef: ref, Name: p.Name, CrossesTrustBoundary: &yes}
	if v := p.Facts["vendor"]; v != "" {
		s.Provider = &cdx.OrganizationalEntity{Name: v}
	}
	if !strings.ContainsAny(p.Name, " ()") && p.Facts["alias"] == "" {
		scheme := "https://"
		if slices.ContainsFunc(b.Notices, func(n parts.Notice) bool { return n.Rule == "service-without-tls" && n.Subject == p.Name }) {
			scheme = "http://"
		}
		s.Endpoints = &[]string{scheme + p.Name}
	}
	if a := p.Facts["authentication"]; a != "" {
		known := a != "none"
		s.Authenticated = &known
	}
	labels := []string{"unknown"}
	for i := range register {
		if r := &register[i]; r.Serves(p.Name) {
			if list := append(slices.Clone(r.Labels), r.Sends...); len(list) > 0 {
				labels = list
			}
			if r.Authentication != "" {
				known := r.Authentication != "none"
				s.Authenticated = &known
			}
		}
	}
	slices.Sort(labels)
	var flows []cdx.DataClassification
	for _, l := range slices.Compact(labels) {
		flows = append(flows, cdx.DataClassification{Flow: cdx.DataFlowOutbound, Classification: l, Name: "prompts"})
	}
	flows = append(flows, cdx.DataClassification{Flow: cdx.DataFlowInbound, Classification: "generated", Name: "answers"})
	s.Data = &flows
	var props []cdx.Property
	for _, at := range p.Places {
		props = append(props, cdx.Property{Name: "sevenfold:place", Value: where(at)})
	}
	for _, k := range sortedKeys(p.Facts) {
		props = append(props, cdx.Property{Name: "sevenfold:" + k, Value: p.Facts[k]})
	}
	s.Properties = &props
	return s
}

// united makes one of services of one host.
func united(list []cdx.Service) []cdx.Service {
	seen := map[string]bool{}
	return slices.DeleteFunc(list, func(s cdx.Service) bool {
		was := seen[s.BOMRef]
		seen[s.BOMRef] = true
		return was
	})
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
