package findings

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// scalar is a JSON string, number or boolean as text: tools do not agree with
// themselves on which. Null, and anything else, is empty.
type scalar string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scalar) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		var t string
		if err := json.Unmarshal(b, &t); err != nil {
			return err
		}
		*s = scalar(t)
	case len(b) == 0 || b[0] == '{' || b[0] == '[' || bytes.Equal(b, []byte("null")):
		*s = ""
	default:
		*s = scalar(b)
	}
	return nil
}

// stamps are the ways in which the tools write a moment; without a zone UTC is
// meant.
var stamps = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999"}

// moment reads the first text that is a moment: one of stamps, or seconds or
// milliseconds since 1970. What lies outside 2000 to 2200 is none.
func moment(texts ...string) time.Time {
	for _, text := range texts {
		if text == "" {
			continue
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil && n > 0 && n < 1e14 {
			if n > 1e11 {
				n /= 1000
			}
			return plausible(time.Unix(int64(n), 0))
		}
		for _, layout := range stamps {
			if t, err := time.Parse(layout, text); err == nil {
				return plausible(t)
			}
		}
	}
	return time.Time{}
}

func plausible(t time.Time) time.Time {
	if t.Year() < 2000 || t.Year() > 2200 {
		return time.Time{}
	}
	return t.UTC()
}

// slug is a tool's name as an id: "AWS Security Hub" is "aws-security-hub".
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(clip(name, 60)) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// names of the tools whose checks the audit step knows, by what they call
// themselves.
var toolIDs = map[string]string{
	"security-hub": "securityhub", "aws-security-hub": "securityhub", "security-hub-v2": "securityhub", "aws-security-hub-cspm": "securityhub",
	"security-hub-cspm": "securityhub", "amazon-inspector": "inspector", "amazon-guardduty": "guardduty", "amazon-macie": "macie",
	"aquasecurity": "trivy", "bridgecrew": "checkov",
}

// toolID is the id of a tool by its name.
func toolID(name string) string {
	s := slug(name)
	if id, ok := toolIDs[s]; ok {
		return id
	}
	return s
}

// vulnerability matches the ids of published vulnerabilities.
var vulnerability = regexp.MustCompile(`^(?:CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3})$`)

// kindOf tells a check's kind by its id.
func kindOf(check string) string {
	if vulnerability.MatchString(check) {
		return "vulnerability"
	}
	return ""
}

// account is the account an ARN names; empty if it names none.
func account(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) == 6 && parts[0] == "arn" && len(parts[4]) == 12 {
		return parts[4]
	}
	return ""
}

// upTo returns the first n of a list.
func upTo[T any](list []T, n int) []T { return list[:min(len(list), n)] }
