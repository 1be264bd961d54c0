package parts

import (
	"bytes"
	"errors"
	"strings"
)

// bill reads a software or AI bill of materials, or statements on vulnerabilities:
// CycloneDX JSON, SPDX 2 JSON, OpenVEX.
func bill(f *file) error {
	var probe struct {
		Format  string `json:"bomFormat"`
		Spdx    string `json:"spdxVersion"`
		Context any    `json:"@context"`
	}
	if err := f.decode(&probe); err != nil {
		return err
	}
	context, _ := probe.Context.(string)
	switch {
	case probe.Format == "CycloneDX":
		return cycloneDX(f)
	case strings.HasPrefix(probe.Spdx, "SPDX-2"):
		return spdx2(f)
	case strings.Contains(context, "openvex"):
		return openVEX(f)
	case bytes.Contains(f.data, []byte("spdx.org/rdf/3")):
		return spdx3(f)
	}
	return errors.New("it is no CycloneDX, SPDX or OpenVEX document in JSON that is known here")
}

type cdxComponent struct {
	Type     string `json:"type"`
	Group    string `json:"group"`
	Name     string `json:"name"`
	Version  string `json:"version"`
	PURL     string `json:"purl"`
	Licences []struct {
		Expression string `json:"expression"`
		Licence    struct{ ID, Name string }
	} `json:"licenses"`
	Hashes     []struct{ Alg, Content string } `json:"hashes"`
	Components []cdxComponent                  `json:"components"`
}

func cycloneDX(f *file) error {
	var doc struct {
		Version    string         `json:"specVersion"`
		Components []cdxComponent `json:"components"`
		Services   []struct {
			Name      string   `json:"name"`
			Endpoints []string `json:"endpoints"`
			Provider  struct{ Name string }
		} `json:"services"`
		Vulnerabilities []struct {
			ID       string `json:"id"`
			Analysis struct {
				State, Detail, Justification string
			} `json:"analysis"`
			Affects []struct{ Ref string } `json:"affects"`
		} `json:"vulnerabilities"`
		Metadata struct {
			Component *cdxComponent `json:"component"`
		} `json:"metadata"`
	}
	if err := f.decode(&doc); err != nil {
		return err
	}
	if doc.Version == "" {
		return errors.New("a CycloneDX document without specVersion")
	}
	f.cdx(doc.Components, 0)
	for _, s := range doc.Services {
		host := s.Name
		if len(s.Endpoints) > 0 {
			host = firstOf(hostOf(s.Endpoints[0]), s.Name)
		}
		f.service(firstOf(s.Provider.Name, VendorOf(host), s.Name), host, 0, "bill", "")
	}
	for _, v := range doc.Vulnerabilities {
		status := map[string]string{"not_affected": "not_affected", "false_positive": "not_affected", "resolved": "fixed", "resolved_with_pedigree": "fixed", "exploitable": "affected", "in_triage": "under_investigation"}[v.Analysis.State]
		if status == "" {
			continue
		}
		one := Vex{ID: v.ID, Status: status, Why: firstOf(v.Analysis.Justification, v.Analysis.Detail), Place: Place{Path: f.path}}
		for _, a := range v.Affects {
			one.Product = a.Ref
			if i := strings.Index(a.Ref, "pkg:"); i > 0 {
				one.Product = a.Ref[i:]
			}
			f.out.Vex = append(f.out.Vex, one)
		}
		if len(v.Affects) == 0 {
			f.out.Vex = append(f.out.Vex, one)
		}
	}
	return nil
}

func (f *file) cdx(list []cdxComponent, depth int) {
	if depth > maxDepth {
		f.problem("components nest deeper than %d", maxDepth)
		return
	}
	for _, c := range list {
		p := Part{Kind: Package, Name: c.Name, Version: c.Version, Pinned: c.Version != ""}
		if c.Group != "" {
			p.Name = c.Group + "/" + c.Name
		}
		switch c.Type {
		case "machine-learning-model":
			p.Kind = Model
		case "data":
			p.Kind = Dataset
		case "container":
			p.Kind = Image
		case "operating-system", "file":
			p.Kind = ""
		}
		if eco, name, version, ok := ParsePURL(c.PURL); ok {
			p.Ecosystem, p.Name = eco, name
			p.Version = firstOf(version, p.Version)
			p.Pinned = p.Version != ""
		}
		for _, l := range c.Licences {
			if s := firstOf(l.Expression, l.Licence.ID, l.Licence.Name); s != "" {
				p.Licences = append(p.Licences, s)
			}
		}
		for _, h := range c.Hashes {
			if h.Alg == "SHA-256" {
				p.SHA256 = strings.ToLower(h.Content)
			}
		}
		switch {
		case p.Kind == "":
		case p.Kind == Package && p.Ecosystem == "":
			f.problem("component %q has no package URL: its vulnerabilities cannot be looked up", clip(p.Name, 60))
			f.add(p, 0)
		case p.Name != "":
			f.add(p, 0)
		}
		f.cdx(c.Components, depth+1)
	}
}

func spdx2(f *file) error {
	var doc struct {
		Packages []struct {
			Name     string `json:"name"`
			Version  string `json:"versionInfo"`
			Declared string `json:"licenseDeclared"`
			Purpose  string `json:"primaryPackagePurpose"`
			Refs     []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := f.decode(&doc); err != nil {
		return err
	}
	for _, x := range doc.Packages {
		p := Part{Kind: Package, Name: x.Name, Version: x.Version, Pinned: x.Version != ""}
		for _, r := range x.Refs {
			if r.Type != "purl" {
				continue
			}
			if eco, name, version, ok := ParsePURL(r.Locator); ok {
				p.Ecosystem, p.Name, p.Version = eco, name, firstOf(version, x.Version)
				p.Pinned = p.Version != ""
			}
		}
		if x.Declared != "" && x.Declared != "NOASSERTION" && x.Declared != "NONE" {
			p.Licences = []string{x.Declared}
		}
		if p.Ecosystem == "" {
			if x.Purpose == "CONTAINER" || x.Purpose == "OPERATING-SYSTEM" || x.Purpose == "FILE" || x.Purpose == "APPLICATION" {
				continue
			}
			f.problem("package %q has no package URL: its vulnerabilities cannot be looked up", clip(p.Name, 60))
		}
		f.add(p, 0)
	}
	return nil
}

// spdx3 reads the packages, AI packages and data sets of an SPDX 3 document.
func spdx3(f *file) error {
	var doc struct {
		Graph []struct {
			Type    string `json:"type"`
			Name    string `json:"name"`
			Version string `json:"software_packageVersion"`
			URL     string `json:"software_packageUrl"`
		} `json:"@graph"`
	}
	if err := f.decode(&doc); err != nil {
		return err
	}
	for _, e := range doc.Graph {
		kind, ok := map[string]Kind{"software_Package": Package, "ai_AIPackage": Model, "dataset_DatasetPackage": Dataset}[e.Type]
		if !ok || e.Name == "" {
			continue
		}
		p := Part{Kind: kind, Name: e.Name, Version: e.Version, Pinned: e.Version != ""}
		if eco, name, version, ok := ParsePURL(e.URL); ok {
			p.Ecosystem, p.Name, p.Version = eco, name, firstOf(version, e.Version)
		} else if kind == Package {
			f.problem("package %q has no package URL: its vulnerabilities cannot be looked up", clip(p.Name, 60))
		}
		f.add(p, 0)
	}
	return nil
}

func openVEX(f *file) error {
	var doc struct {
		Statements []struct {
			Vulnerability struct {
				Name    string   `json:"name"`
				Aliases []string `json:"aliases"`
			} `json:"vulnerability"`
			Products []struct {
				ID            string `json:"@id"`
				Subcomponents []struct {
					ID string `json:"@id"`
				} `json:"subcomponents"`
			} `json:"products"`
			Status        string `json:"status"`
			Justification string `json:"justification"`
			Impact        string `json:"impact_statement"`
		} `json:"statements"`
	}
	if err := f.decode(&doc); err != nil {
		return err
	}
	for _, s := range doc.Statements {
		one := Vex{ID: s.Vulnerability.Name, Status: s.Status, Why: firstOf(s.Justification, s.Impact), Place: Place{Path: f.path}}
		for _, p := range s.Products {
			if len(p.Subcomponents) == 0 {
				one.Product = p.ID
				f.out.Vex = append(f.out.Vex, one)
			}
			for _, c := range p.Subcomponents {
				one.Product = c.ID
				f.out.Vex = append(f.out.Vex, one)
			}
		}
	}
	return nil
}
