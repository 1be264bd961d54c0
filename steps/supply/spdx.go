package supply

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// SPDX writes a bill as SPDX 3.0.1 with the AI and Dataset profiles. Source:
// spdx.github.io/spdx-spec/v3.0.1.
func SPDX(w io.Writer, name, version string, b *Bill) error {
	base := "https://sevenfold.example/bill/" + strings.TrimPrefix(serial(b.Digest, b.Taken), "urn:uuid:") + "#"
	created := b.Taken.UTC().Format("2006-01-02T15:04:05Z")
	type object = map[string]any
	graph := []object{
		{"type": "CreationInfo", "@id": "_:creation", "specVersion": "3.0.1", "created": created, "createdBy": []string{base + "agent"}, "createdUsing": []string{base + "tool"}},
		{"type": "SoftwareAgent", "spdxId": base + "agent", "creationInfo": "_:creation", "name": "sevenfold"},
		{"type": "Tool", "spdxId": base + "tool", "creationInfo": "_:creation", "name": "sevenfold " + version},
		{"type": "software_Package", "spdxId": base + "subject", "creationInfo": "_:creation", "name": name, "software_primaryPurpose": "application"},
	}
	elements := []string{base + "subject"}
	var made []string
	seen := map[string]bool{}
	ancestors := map[string]string{}
	for i := range b.Parts {
		p := &b.Parts[i]
		id := base + strings.ReplaceAll(strings.ReplaceAll(refOf(p), ":", "-"), " ", "-")
		if seen[id] {
			continue
		}
		seen[id] = true
		o := object{"spdxId": id, "creationInfo": "_:creation", "name": p.Name}
		if p.Version != "" {
			o["software_packageVersion"] = p.Version
		}
		if u := p.PURL(); u != "" {
			o["software_packageUrl"] = u
		}
		if p.SHA256 != "" {
			o["verifiedUsing"] = []object{{"type": "Hash", "algorithm": "sha256", "hashValue": p.SHA256}}
		}
		switch p.Kind {
		case parts.Model:
			o["type"], o["software_primaryPurpose"] = "ai_AIPackage", "model"
			if t := p.Facts["task"]; t != "" {
				o["ai_domain"] = []string{t}
			}
			if a := p.Facts["architecture"]; a != "" {
				o["ai_typeOfModel"] = []string{p.Facts["format"]}
				o["ai_informationAboutApplication"] = "architecture " + a
			}
			if from := p.Facts["base"]; from != "" {
				ancestors[id] = from
			}
		case parts.Dataset:
			o["type"], o["software_primaryPurpose"] = "dataset_DatasetPackage", "data"
			o["dataset_datasetType"] = []string{"noAssertion"}
		case parts.Service:
			o["type"], o["software_primaryPurpose"] = "software_Package", "other"
			o["description"] = "service of " + p.Facts["vendor"]
		case parts.Image:
			o["type"], o["software_primaryPurpose"] = "software_Package", "container"
		default:
			o["type"], o["software_primaryPurpose"] = "software_Package", "library"
		}
		if len(p.Facts) > 0 {
			var said []string
			for _, k := range sortedKeys(p.Facts) {
				said = append(said, k+"="+p.Facts[k])
			}
			o["comment"] = strings.Join(said, "; ")
		}
		graph = append(graph, o)
		elements, made = append(elements, id), append(made, id)
	}
	relation := func(n string, from, kind string, to []string) {
		id := base + "relation-" + n
		graph = append(graph, object{"type": "Relationship", "spdxId": id, "creationInfo": "_:creation", "from": from, "relationshipType": kind, "to": to})
		elements = append(elements, id)
	}
	if len(made) > 0 {
		relation("made-of", base+"subject", "dependsOn", made)
	}
	for n, id := range sortedKeys(ancestors) {
		to := fmt.Sprintf("%sbase-%d", base, n)
		graph = append(graph, object{"type": "ai_AIPackage", "spdxId": to, "creationInfo": "_:creation", "name": ancestors[id], "software_primaryPurpose": "model"})
		elements = append(elements, to)
		relation(fmt.Sprintf("base-%d", n), id, "descendantOf", []string{to})
	}
	comment := ""
	for _, p := range b.Problems {
		comment += "not read: " + p.Path + ": " + p.Why + "\n"
	}
	doc := object{"type": "SpdxDocument", "spdxId": base + "document", "creationInfo": "_:creation", "name": name, "rootElement": []string{base + "subject"}, "element": elements, "profileConformance": []string{"core", "software", "ai", "dataset"}}
	if comment != "" {
		doc["comment"] = strings.TrimSpace(comment)
	}
	graph = append(graph, doc)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(object{"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph})
}
