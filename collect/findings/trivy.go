package findings

import (
	"regexp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// trivyResult is what is used of one target of a Trivy report (schema 2). What a
// secret scanner matched and the code around it are not among it.
type trivyResult struct {
	Target          string
	Class           string
	Type            string
	Vulnerabilities []struct {
		VulnerabilityID, PkgName, InstalledVersion, FixedVersion string
		Title, Severity, PrimaryURL                              string
		CweIDs                                                   []string
	}
	MisconfSummary    struct{ Successes, Failures int }
	Misconfigurations []struct {
		ID, AVDID, Title, Message, Resolution, Severity, PrimaryURL, Status string
		CauseMetadata                                                       struct {
			Resource, Provider string
			StartLine          int
		}
	}
	Secrets []struct {
		RuleID, Category, Severity, Title string
		StartLine                         int
	}
	ExperimentalModifiedFindings []struct {
		Type, Status, Statement string
		Finding                 struct {
			VulnerabilityID, PkgName, Title, Severity, ID, AVDID, RuleID string
		}
	}
}

// trivyMetadata is what is used of a report's metadata.
type trivyMetadata struct {
	RepoTags, RepoDigests []string
}

func fitsTrivy(names map[string]bool) bool {
	return names["SchemaVersion"] && any1(names, "ArtifactName", "ArtifactType") && !names["ProductArn"]
}

func fitsTrivyCluster(names map[string]bool) bool {
	return names["ClusterName"] && any1(names, "Resources", "Findings", "SchemaVersion") && !names["ProductArn"]
}

// trivyHead is what stands around the targets of a report.
type trivyHead struct {
	Version, Created, Artifact, Kind string
	Metadata                         trivyMetadata
}

// readTrivy reads trivy image, fs, config, repository and the like.
func readTrivy(s *stream, p *page) error {
	return s.documents(func() error {
		if v, _, err := s.enter(); err != nil || v != anObject {
			return notObject(s, p, v, err)
		}
		var h trivyHead
		var early []trivyResult // targets that stand before the head, as in sorted JSON
		err := s.members(func(name string) error {
			switch name {
			case "Trivy":
				var t struct{ Version string }
				_, err := s.decode(&t)
				h.Version = t.Version
				return err
			case "CreatedAt":
				_, err := s.decode(&h.Created)
				return err
			case "ArtifactName":
				_, err := s.decode(&h.Artifact)
				return err
			case "ArtifactType":
				_, err := s.decode(&h.Kind)
				return err
			case "Metadata":
				_, err := s.decode(&h.Metadata)
				return err
			case "Results":
				_, err := s.elements(func() error {
					var r trivyResult
					odd, err := s.decode(&r)
					if odd != nil {
						p.oddity(odd.Error())
						return nil
					}
					early = append(early, r)
					if h.Artifact != "" && h.Kind != "" {
						flushTrivy(p, &h, early)
						early = early[:0]
					}
					return err
				})
				return err
			}
			return s.skip()
		})
		flushTrivy(p, &h, early)
		return err
	})
}

func notObject(s *stream, p *page, v value, err error) error {
	if err != nil {
		return err
	}
	p.oddity("a value that is no object")
	if v == anArray {
		return s.rest(1)
	}
	return nil
}

func flushTrivy(p *page, h *trivyHead, results []trivyResult) {
	p.ran("trivy", "Trivy", h.Version)
	image := h.Kind == "container_image" || h.Kind == "image"
	for i := range results {
		r := &results[i]
		where := estate.ForeignResource{File: joinPath(h.Artifact, r.Target)}
		if image {
			where = estate.ForeignResource{Images: imageNames(h), Type: "container image", Name: h.Artifact}
		}
		addTrivy(p, h, r, where)
	}
}

// imageNames are the references under which somebody may run a scanned image.
func imageNames(h *trivyHead) []string {
	out := []string{h.Artifact}
	for _, n := range append(upTo(h.Metadata.RepoTags, 8), upTo(h.Metadata.RepoDigests, 8)...) {
		if n != h.Artifact {
			out = append(out, n)
		}
	}
	return out
}

// joinPath is a target's path below what was scanned.
func joinPath(artifact, target string) string {
	if artifact == "" || artifact == "." || strings.HasPrefix(target, "/") || target == artifact {
		return target
	}
	return strings.TrimSuffix(artifact, "/") + "/" + target
}

// readTrivyCluster reads trivy k8s, full (--report all) or summarised.
func readTrivyCluster(s *stream, p *page) error {
	return s.documents(func() error {
		if v, _, err := s.enter(); err != nil || v != anObject {
			return notObject(s, p, v, err)
		}
		p.ran("trivy", "Trivy", "")
		cluster := ""
		return s.members(func(name string) error {
			switch name {
			case "ClusterName":
				_, err := s.decode(&cluster)
				return err
			case "Resources", "Findings":
				_, err := s.elements(func() error { return trivyObject(s, p, cluster) })
				return err
			}
			return s.skip()
		})
	})
}

func trivyObject(s *stream, p *page, cluster string) error {
	var o struct {
		Namespace, Kind, Name, Error string
		Metadata                     []trivyMetadata
		Results                      []trivyResult
	}
	odd, err := s.decode(&o)
	if odd != nil {
		p.oddity(odd.Error())
		return nil
	}
	if err != nil {
		return err
	}
	object := estate.ForeignResource{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, Cluster: cluster, Type: o.Kind}
	if o.Error != "" {
		p.note(estate.ReadFailed, "Trivy could not scan "+o.Kind+" "+o.Namespace+"/"+o.Name+": "+line(o.Error, 200), "mend what it says and run Trivy again")
	}
	for i := range o.Results {
		r := &o.Results[i]
		where := object
		// Packages and secrets are the image's, whoever runs it.
		if names := trivyImages(o.Metadata); r.Class != "config" && len(names) > 0 {
			where = estate.ForeignResource{Images: names, Type: "container image", Name: names[0]}
		}
		addTrivy(p, &trivyHead{}, r, where)
	}
	return nil
}

// trivyImages are the names of an object's image, if it has a single one.
func trivyImages(list []trivyMetadata) []string {
	if len(list) != 1 {
		return nil
	}
	return append(upTo(list[0].RepoTags, 8), upTo(list[0].RepoDigests, 8)...)
}

// addTrivy takes over one target's results.
func addTrivy(p *page, h *trivyHead, r *trivyResult, where estate.ForeignResource) {
	e := entry{tool: "trivy", name: "Trivy", version: h.Version, time: moment(h.Created), resource: where}
	for _, v := range r.Vulnerabilities {
		one := e
		one.check, one.status, one.severity, one.place = v.VulnerabilityID, estate.ForeignFail, v.Severity, v.PkgName
		one.message = packageWords(v.PkgName, v.InstalledVersion, v.FixedVersion)
		one.about = estate.ForeignCheck{Title: v.Title, Kind: estate.ForeignVulnerability, URL: v.PrimaryURL, Frameworks: v.CweIDs, Fix: upgrade(v.PkgName, v.FixedVersion)}
		p.add(one)
	}
	for _, m := range r.Misconfigurations {
		if m.ID == "N/A" { // a rule of Trivy's own that has no name, and no result
			continue
		}
		one := e
		one.check, one.severity, one.message = trivyCheck(m.ID, m.AVDID), m.Severity, m.Message
		one.about = estate.ForeignCheck{Title: m.Title, Fix: m.Resolution, URL: m.PrimaryURL}
		one.resource = trivyCause(where, m.CauseMetadata.Resource, r)
		if m.CauseMetadata.StartLine > 0 && one.resource.ID == "" && one.resource.Kind == "" {
			one.place = at(r.Target, m.CauseMetadata.StartLine)
		}
		one.status = trivyStatus(m.Status)
		p.add(one)
	}
	for _, x := range r.Secrets {
		one := e
		one.check, one.status, one.severity, one.place = x.RuleID, estate.ForeignFail, x.Severity, at(r.Target, x.StartLine)
		one.about = estate.ForeignCheck{Title: x.Title, Kind: estate.ForeignSecret, Fix: "Revoke the secret, and take it out of the file and its history."}
		p.add(one)
	}
	for _, x := range r.ExperimentalModifiedFindings {
		one := e
		one.check, one.status, one.severity, one.place = first(x.Finding.VulnerabilityID, trivyCheck(x.Finding.ID, x.Finding.AVDID), x.Finding.RuleID), estate.ForeignMuted, x.Finding.Severity, x.Finding.PkgName
		one.about = estate.ForeignCheck{Title: x.Finding.Title, Kind: first(kindOf(x.Finding.VulnerabilityID), x.Type)}
		one.message = x.Status + ": " + x.Statement
		if one.about.Kind == "misconfiguration" {
			one.about.Kind = ""
		}
		p.add(one)
	}
}

func upgrade(name, fixed string) string {
	if fixed == "" {
		return ""
	}
	return "Raise " + name + " to " + fixed + "."
}

func trivyStatus(s string) estate.ForeignStatus {
	switch s {
	case "FAIL":
		return estate.ForeignFail
	case "PASS":
		return estate.ForeignPass
	case "EXCEPTION":
		return estate.ForeignMuted
	}
	return estate.ForeignUnknown
}

// trivyCause is the resource a misconfiguration names, below what was scanned.
func trivyCause(where estate.ForeignResource, cause string, r *trivyResult) estate.ForeignResource {
	switch {
	case strings.HasPrefix(cause, "arn:"):
		return estate.ForeignResource{ID: cause, Account: account(cause)}
	case strings.HasPrefix(r.Target, "arn:"):
		return estate.ForeignResource{ID: r.Target, Account: account(r.Target)}
	case where.Kind == "" && len(where.Images) == 0 && terraformAddress.MatchString(cause):
		return estate.ForeignResource{Address: cause, File: where.File}
	}
	return where
}

// terraformAddress matches the address of a resource: aws_s3_bucket.b,
// module.m["x"].aws_s3_bucket.b[0].
var terraformAddress = regexp.MustCompile(`^(?:module\.[^.]+\.)*(?:data\.)?[a-z][a-z0-9]*_[a-z0-9_]+\.[A-Za-z_][\w-]*(?:\[[^\]]*\])?$`)

// trivyNumber matches the forms in which Trivy's versions write one check:
// KSV001, AVD-KSV-0001, KSV-0001.
var trivyNumber = regexp.MustCompile(`^(?:AVD-)?([A-Z]+)-?0*(\d{1,4})$`)

// trivyCheck is a check's id in the form of Trivy's current versions: KSV-0001,
// AWS-0086.
func trivyCheck(id, avd string) string {
	for _, s := range []string{avd, id} {
		if m := trivyNumber.FindStringSubmatch(s); m != nil {
			return m[1] + "-" + strings.Repeat("0", 4-min(4, len(m[2]))) + m[2]
		}
	}
	return first(avd, id)
}

// at is a place in a file.
func at(file string, n int) string {
	if n <= 0 {
		return file
	}
	return file + ":" + itoa(n)
}
