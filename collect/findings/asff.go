package findings

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// asffFinding is what is used of a finding in the AWS Security Finding Format.
type asffFinding struct {
	ID          string `json:"Id"`
	ProductArn  string `json:"ProductArn"`
	ProductName string `json:"ProductName"`
	GeneratorID string `json:"GeneratorId"`
	Account     string `json:"AwsAccountId"`
	Region      string `json:"Region"`
	Updated     string `json:"UpdatedAt"`
	Observed    string `json:"LastObservedAt"`
	Title       string `json:"Title"`
	Description string `json:"Description"`
	RecordState string `json:"RecordState"`
	Severity    struct {
		Label      string `json:"Label"`
		Normalized scalar `json:"Normalized"`
	} `json:"Severity"`
	Fields struct {
		ProviderName    string `json:"ProviderName"`
		ProviderVersion string `json:"ProviderVersion"`
	} `json:"ProductFields"`
	Remediation struct {
		Recommendation struct {
			Text string `json:"Text"`
			URL  string `json:"Url"`
		} `json:"Recommendation"`
	} `json:"Remediation"`
	Workflow struct {
		Status string `json:"Status"`
	} `json:"Workflow"`
	Compliance struct {
		Status  string `json:"Status"`
		Control string `json:"SecurityControlId"`
	} `json:"Compliance"`
	Resources []struct {
		Type   string `json:"Type"`
		ID     string `json:"Id"`
		Region string `json:"Region"`
	} `json:"Resources"`
	Vulnerabilities []struct {
		ID       string `json:"Id"`
		Packages []struct {
			Name    string `json:"Name"`
			Version string `json:"Version"`
			Fixed   string `json:"FixedInVersion"`
		} `json:"VulnerablePackages"`
	} `json:"Vulnerabilities"`
}

func fitsASFF(names map[string]bool) bool {
	for _, under := range []string{"", "Findings.", "findings.", "detail.findings."} {
		if all(names, under, "ProductArn") && any1(names, under+"AwsAccountId", under+"GeneratorId", under+"Resources") {
			return true
		}
	}
	// A reply that found nothing; Trivy's cluster reports have a Findings too.
	return names["Findings"] && !names["ClusterName"] && len(names) <= 2
}

func readASFF(s *stream, p *page) error {
	before := p.count + p.odd
	err := eachFinding(s, p, addASFF)
	if err == nil && p.count+p.odd == before && len(p.notes) == 0 {
		p.ran("securityhub", "AWS Security Hub", "") // a reply without a finding
	}
	return err
}

func addASFF(p *page, f *asffFinding) {
	if f.RecordState == "ARCHIVED" {
		// What the product itself no longer stands by, for want of the resource or
		// of news: counted with the report, and no result.
		id, name := f.product()
		p.ran(id, name, f.Fields.ProviderVersion)
		return
	}
	e := entry{version: f.Fields.ProviderVersion, severity: first(f.Severity.Label, normalized(string(f.Severity.Normalized))), message: f.Description,
		time: moment(f.Updated, f.Observed), status: f.outcome(),
		about: estate.ForeignCheck{Title: f.Title, Fix: f.Remediation.Recommendation.Text, URL: f.Remediation.Recommendation.URL}}
	e.tool, e.name = f.product()
	e.check = f.check(e.tool)
	e.about.Kind = kindOf(e.check)
	if len(f.Resources) == 0 {
		p.oddity("a finding without Resources")
		return
	}
	for _, r := range f.Resources {
		e.resource = estate.ForeignResource{ID: r.ID, Type: r.Type, Region: first(r.Region, f.Region), Account: first(f.Account, account(r.ID))}
		if id, ok := strings.CutPrefix(r.ID, "AWS::::Account:"); ok {
			e.resource.ID = accountARN(id)
		}
		if len(f.Vulnerabilities) == 0 {
			p.add(e)
			continue
		}
		for _, v := range f.Vulnerabilities {
			one := e
			if v.ID != "" {
				one.check, one.about.Kind = v.ID, estate.ForeignVulnerability
			}
			for _, pkg := range upTo(v.Packages, 1) {
				one.place, one.message = pkg.Name, packageWords(pkg.Name, pkg.Version, pkg.Fixed)
			}
			p.add(one)
		}
	}
}

// product is whose finding it is: Security Hub passes on those of others.
func (f *asffFinding) product() (id, name string) {
	if f.Fields.ProviderName != "" {
		return toolID(f.Fields.ProviderName), f.Fields.ProviderName
	}
	name = f.ProductName
	if name == "" { // arn:aws:securityhub:REGION::product/COMPANY/PRODUCT
		name = f.ProductArn[strings.LastIndexByte(f.ProductArn, '/')+1:]
	}
	return toolID(name), name
}

// check is the check's id as the product itself spells it.
func (f *asffFinding) check(tool string) string {
	g := f.GeneratorID
	switch {
	case f.Compliance.Control != "":
		return f.Compliance.Control
	case tool == "prowler":
		return strings.TrimPrefix(g, "prowler-")
	case tool == "securityhub":
		// security-control/S3.8, or STANDARD/v/1.0.0/S3.8
		return g[strings.LastIndexByte(g, '/')+1:]
	case tool == "trivy":
		g = strings.TrimPrefix(g, "Trivy/")
	}
	return g
}

func (f *asffFinding) outcome() estate.ForeignStatus {
	var s estate.ForeignStatus
	switch f.Compliance.Status {
	case "PASSED":
		return estate.ForeignPass
	case "FAILED":
		s = estate.ForeignFail
	case "": // a threat or vulnerability: that it is there is the fault
		s = estate.ForeignFail
		if f.Workflow.Status == "RESOLVED" {
			return estate.ForeignPass
		}
	default: // WARNING, NOT_AVAILABLE
		s = estate.ForeignUnknown
	}
	if f.Workflow.Status == "SUPPRESSED" {
		return estate.ForeignMuted
	}
	return s
}

// normalized is the label of a severity that is a number from 0 to 100.
func normalized(n string) string {
	switch {
	case n == "":
		return ""
	case n == "0":
		return "INFORMATIONAL"
	case len(n) == 1 || len(n) == 2 && n < "40":
		return "LOW"
	case len(n) == 2 && n < "70":
		return "MEDIUM"
	case len(n) == 2 && n < "90":
		return "HIGH"
	}
	return "CRITICAL"
}
