package findings

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// ocsfFinding is what is used of an OCSF finding: Compliance (2003), Detection
// (2004), Vulnerability (2002) and Security (2001), of schema 1.1 and later.
type ocsfFinding struct {
	ClassUID     scalar `json:"class_uid"`
	Message      string `json:"message"`
	Severity     string `json:"severity"`
	Status       string `json:"status"`
	StatusCode   string `json:"status_code"`
	StatusDetail string `json:"status_detail"`
	Time         scalar `json:"time"`
	TimeDT       string `json:"time_dt"`
	Metadata     struct {
		EventCode string `json:"event_code"`
		Product   struct {
			Name    string `json:"name"`
			UID     string `json:"uid"`
			Version string `json:"version"`
		} `json:"product"`
	} `json:"metadata"`
	Info struct {
		Title    string   `json:"title"`
		Desc     string   `json:"desc"`
		Types    []string `json:"types"`
		Analytic struct {
			UID  string `json:"uid"`
			Name string `json:"name"`
		} `json:"analytic"`
		Modified scalar `json:"modified_time"`
	} `json:"finding_info"`
	Compliance struct {
		Status  string `json:"status"`
		Control string `json:"control"`
	} `json:"compliance"`
	Cloud struct {
		Provider string `json:"provider"`
		Region   string `json:"region"`
		Account  struct {
			UID string `json:"uid"`
		} `json:"account"`
	} `json:"cloud"`
	Resources   []ocsfResource `json:"resources"`
	Remediation struct {
		Desc       string   `json:"desc"`
		References []string `json:"references"`
	} `json:"remediation"`
	Vulnerabilities []ocsfVulnerability `json:"vulnerabilities"`
	Unmapped        json.RawMessage     `json:"unmapped"`
}

type ocsfResource struct {
	UID       string `json:"uid"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	Region    string `json:"region"`
	Namespace string `json:"namespace"`
	Owner     struct {
		Account struct {
			UID string `json:"uid"`
		} `json:"account"`
	} `json:"owner"`
}

type ocsfVulnerability struct {
	Title    string `json:"title"`
	Severity string `json:"severity"`
	CVE      struct {
		UID string `json:"uid"`
	} `json:"cve"`
	Packages []struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Fixed   string `json:"fixed_in_version"`
	} `json:"affected_packages"`
}

func fitsOCSF(names map[string]bool) bool {
	for _, under := range []string{"", "Findings.", "findings."} {
		if all(names, under, "class_uid", "metadata") && any1(names, under+"finding_info", under+"resources", under+"status_code") {
			return true
		}
	}
	return false
}

// readOCSF reads a list of findings, findings one after another, or a reply that
// holds a list (securityhub get-findings-v2).
func readOCSF(s *stream, p *page) error { return eachFinding(s, p, addOCSF) }

// eachFinding reads the elements of a top-level list, of the lists named Findings
// or findings in top-level objects and in their detail (events), and top-level
// objects that are findings themselves.
func eachFinding[T any](s *stream, p *page, add func(*page, *T)) error {
	one := func() error {
		var f T
		odd, err := s.decode(&f)
		switch {
		case err != nil:
			return err
		case odd != nil:
			p.oddity(odd.Error())
		default:
			add(p, &f)
		}
		return nil
	}
	return s.documents(func() error {
		// A list, or an object that is read whole if it is a finding. Which one an
		// object is shows only inside it, so its members are kept as they pass.
		v, _, err := s.enter()
		switch {
		case err != nil:
			return err
		case v == anArray:
			return s.more(one)
		case v != anObject:
			p.oddity("a value that is no object")
			return nil
		}
		return findingOrReply(s, p, one, add)
	})
}

// findingOrReply reads an object that was entered.
func findingOrReply[T any](s *stream, p *page, one func() error, add func(*page, *T)) error {
	kept := map[string]json.RawMessage{}
	reply := false
	err := s.members(func(name string) error {
		switch name {
		case "Findings", "findings":
			reply = true
			_, err := s.elements(one)
			return err
		case "detail":
			v, _, err := s.enter()
			if err != nil || v == aScalar {
				return err
			}
			if v == anArray {
				return s.rest(1)
			}
			return s.members(func(name string) error {
				if name != "findings" {
					return s.skip()
				}
				reply = true
				_, err := s.elements(one)
				return err
			})
		}
		var raw json.RawMessage
		_, err := s.decode(&raw)
		kept[name] = raw
		return err
	})
	if err != nil || reply {
		return err
	}
	body, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	var f T
	if err := json.Unmarshal(body, &f); err != nil {
		p.oddity(err.Error())
		return nil
	}
	add(p, &f)
	return nil
}

func addOCSF(p *page, f *ocsfFinding) {
	e := entry{
		tool: toolID(first(f.Metadata.Product.Name, f.Metadata.Product.UID)), name: first(f.Metadata.Product.Name, f.Metadata.Product.UID),
		version: f.Metadata.Product.Version, severity: f.Severity, message: first(f.StatusDetail, f.Message),
		check: first(f.Compliance.Control, f.Metadata.EventCode, f.Info.Analytic.UID, first(upTo(f.Info.Types, 1)...)), time: moment(f.TimeDT, string(f.Time), string(f.Info.Modified)),
		status: f.outcome(),
		about:  estate.ForeignCheck{Title: first(f.Info.Title, f.Info.Analytic.Name), Fix: f.Remediation.Desc, URL: first(upTo(f.Remediation.References, 1)...)},
	}
	if len(f.Resources) == 0 {
		if uid := f.Cloud.Account.UID; uid != "" { // the account itself
			f.Resources = []ocsfResource{{UID: accountARN(uid), Type: "AwsAccount"}}
		} else {
			p.oddity("a finding without resources")
			return
		}
	}
	for i := range f.Resources {
		e.resource = f.resource(&f.Resources[i])
		if len(f.Vulnerabilities) == 0 {
			p.add(e)
			continue
		}
		for _, v := range f.Vulnerabilities {
			p.add(v.entry(e))
		}
	}
}

// entry is one vulnerability of a finding.
func (v *ocsfVulnerability) entry(e entry) entry {
	if v.CVE.UID == "" {
		return e
	}
	e.check, e.severity = v.CVE.UID, first(v.Severity, e.severity)
	e.about.Title, e.about.Kind = first(v.Title, e.about.Title), estate.ForeignVulnerability
	for _, pkg := range upTo(v.Packages, 1) {
		e.place, e.message = pkg.Name, packageWords(pkg.Name, pkg.Version, pkg.Fixed)
	}
	return e
}

// packageWords says which version of a package has a fault, and which mends it.
func packageWords(name, version, fixed string) string {
	out := name + " " + version
	if fixed != "" {
		out += ", mended in " + fixed
	}
	return out
}

// resource is one of a finding's resources in our words.
func (f *ocsfFinding) resource(r *ocsfResource) estate.ForeignResource {
	out := estate.ForeignResource{ID: r.UID, Type: r.Type, Name: r.Name, Region: first(r.Region, f.Cloud.Region),
		Account: first(f.Cloud.Account.UID, r.Owner.Account.UID, account(r.UID))}
	var more struct {
		Provider    string `json:"provider"`
		ProviderUID string `json:"provider_uid"`
	}
	// It is long, and of objects in clusters alone anything of it is used.
	if r.Namespace != "" || bytes.Contains(f.Unmapped, []byte("kubernetes")) {
		_ = json.Unmarshal(f.Unmapped, &more) // what does not parse is not used
	}
	if more.Provider == "kubernetes" || r.Namespace != "" {
		// The uid of an object tells nobody which it is.
		out = estate.ForeignResource{Kind: strings.TrimPrefix(r.Type, "Kubernetes"), Namespace: r.Namespace, Name: r.Name, Cluster: more.ProviderUID, Type: r.Type}
		if out.Namespace == "cluster-wide" {
			out.Namespace = ""
		}
	}
	return out
}

// outcome reads the several places in which a finding says how it stands.
func (f *ocsfFinding) outcome() estate.ForeignStatus {
	var s estate.ForeignStatus
	switch code := strings.ToUpper(first(f.StatusCode, f.Compliance.Status)); code {
	case "FAIL", "FAILED":
		s = estate.ForeignFail
	case "PASS", "PASSED":
		s = estate.ForeignPass
	case "":
		// A detection or vulnerability has no code: that it is there is the fault.
		s = estate.ForeignFail
		if f.ClassUID == "2003" {
			s = estate.ForeignUnknown
		}
	default:
		s = estate.ForeignUnknown
	}
	switch strings.ToLower(f.Status) {
	case "suppressed", "muted", "archived", "deleted":
		if s != estate.ForeignPass {
			s = estate.ForeignMuted
		}
	case "resolved":
		if f.StatusCode == "" && f.Compliance.Status == "" {
			s = estate.ForeignPass
		}
	}
	return s
}

// accountARN is the name our assets give an account.
func accountARN(id string) string { return "arn:aws:iam::" + id + ":root" }

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
