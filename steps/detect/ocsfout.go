package detect

import (
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// OCSF class_uid of findings.
const (
	classDetectionFinding = 2004
	classIncidentFinding  = 2005
)

// severityIDs are OCSF's severity_id.
var severityIDs = map[finding.Severity]int{finding.Critical: 5, finding.High: 4, finding.Medium: 3, finding.Low: 2, finding.Info: 1}

// statusIDs are OCSF's status_id of an incident finding.
var statusIDs = map[string]int{"open": 1, "closed": 5, "fine": 5}

// Findings turns incidents into OCSF: for each an incident finding, and a detection
// finding for each of its signals.
//
//   - https://schema.ocsf.io/1.8.0/classes/incident_finding
//   - https://schema.ocsf.io/1.8.0/classes/detection_finding
func Findings(list []Incident, version string) []map[string]any {
	out := []map[string]any{}
	meta := func() map[string]any {
		return map[string]any{"version": ocsf.Version, "product": map[string]any{"name": "sevenfold", "vendor_name": "sevenfold", "version": version}}
	}
	for i := range list {
		inc := &list[i]
		var infos []map[string]any
		for _, s := range inc.Signals {
			analytic := map[string]any{"name": "behaviour", "type": "Learning (ML/DL)", "type_id": 4}
			if s.Rule != "" {
				analytic = map[string]any{"name": s.Rule, "uid": s.Rule, "type": "Rule", "type_id": 1}
			}
			title := s.Action + " by " + Short(s.Principal)
			info := map[string]any{"title": title, "uid": s.Event + "/" + analytic["name"].(string), "analytic": analytic, "related_events": []map[string]any{{"uid": s.Event}}}
			desc := ""
			for j, w := range s.Why {
				if j > 0 {
					desc += "; "
				}
				desc += w
			}
			info["desc"] = desc
			infos = append(infos, info)
			out = append(out, map[string]any{
				"activity_id": 1, "category_uid": 2, "class_uid": classDetectionFinding, "type_uid": classDetectionFinding*100 + 1,
				"time": s.Time.UnixMilli(), "severity_id": severityIDs[inc.Severity], "status_id": 1, "metadata": meta(), "finding_info": info,
				"evidences": []map[string]any{{"actor": map[string]any{"user": map[string]any{"uid": s.Principal}}, "api": map[string]any{"operation": s.Action}}},
			})
		}
		attacks := []map[string]any{}
		for _, t := range inc.Techniques {
			attacks = append(attacks, map[string]any{"technique": map[string]any{"uid": t}})
		}
		out = append(out, map[string]any{
			"activity_id": 1, "category_uid": 2, "class_uid": classIncidentFinding, "type_uid": classIncidentFinding*100 + 1,
			"time": inc.Raised.UnixMilli(), "start_time": inc.First.UnixMilli(), "end_time": inc.Last.UnixMilli(),
			"severity_id": severityIDs[inc.Severity], "status_id": statusIDs[inc.Status], "desc": inc.Summary, "impact_score": min(100, int(inc.Score*8)),
			"metadata": meta(), "finding_info_list": infos, "attacks": attacks, "unmapped": map[string]any{"id": inc.ID, "factors": inc.Factors},
		})
	}
	return out
}
