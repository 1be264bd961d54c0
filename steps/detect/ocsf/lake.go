package ocsf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// CloudTrail Lake answers queries with rows, not with records: as CSV in S3
// (result_N.csv.gz; User Guide, "Download your CloudTrail Lake saved query results"), in the
// reply of get-query-results, and through Athena where a store is federated. Columns bear
// the names of a record's members, in the letters of the query; what a record nests is
// written as Presto prints it, {type=AssumedRole, arn=…}. A row is written anew as the
// record it came from, so that rules and model see what they see of a trail, and the same
// event of both counts once.

// shape is how a column's or member's text becomes JSON.
type shape uint8

const (
	word   shape = iota // text
	moment              // a time, "2026-11-02 09:30:15.000"
	truth               // true or false
	record              // members that are known, {type=Role, arn=…}
	pairs               // members that are not, {bucketName=b, key=k}
	rows                // [{…}, {…}] of records
)

// column is a member of CloudTrail's record.
type column struct {
	name string // as the record spells it
	shape
	of []column // members of a record
}

// lakeColumns are those of an event data store of CloudTrail events (User Guide,
// "Supported SQL schemas for event data stores"), in the order of a record.
var lakeColumns = []column{
	{name: "eventVersion"},
	{name: "userIdentity", shape: record, of: []column{
		{name: "type"}, {name: "principalId"}, {name: "arn"}, {name: "accountId"}, {name: "accessKeyId"}, {name: "userName"},
		{name: "sessionContext", shape: record, of: []column{
			{name: "attributes", shape: record, of: []column{{name: "creationDate", shape: moment}, {name: "mfaAuthenticated"}}},
			{name: "sessionIssuer", shape: record, of: []column{{name: "type"}, {name: "principalId"}, {name: "arn"}, {name: "accountId"}, {name: "userName"}}},
			{name: "webIdFederationData", shape: record, of: []column{{name: "federatedProvider"}, {name: "attributes", shape: pairs}}},
			{name: "sourceIdentity"}, {name: "ec2RoleDelivery"}, {name: "ec2IssuedInVpc"}}},
		{name: "onBehalfOf", shape: record, of: []column{{name: "userId"}, {name: "identityStoreArn"}}},
		{name: "inScopeOf", shape: record, of: []column{{name: "sourceArn"}, {name: "sourceAccount"}, {name: "issuerType"}, {name: "credentialsIssuedTo"}}},
		{name: "invokedBy"}, {name: "identityProvider"}, {name: "credentialId"}}},
	{name: "eventTime", shape: moment}, {name: "eventSource"}, {name: "eventName"}, {name: "awsRegion"}, {name: "sourceIPAddress"}, {name: "userAgent"},
	{name: "errorCode"}, {name: "errorMessage"}, {name: "requestParameters", shape: pairs}, {name: "responseElements", shape: pairs}, {name: "additionalEventData", shape: pairs},
	{name: "requestID"}, {name: "eventID"}, {name: "readOnly", shape: truth},
	{name: "resources", shape: rows, of: []column{{name: "accountId"}, {name: "type"}, {name: "ARN"}, {name: "ARNPrefix"}}},
	{name: "eventType"}, {name: "apiVersion"}, {name: "managementEvent", shape: truth}, {name: "recipientAccountId"}, {name: "sharedEventID"}, {name: "annotation"},
	{name: "vpcEndpointId"}, {name: "vpcEndpointAccountId"}, {name: "serviceEventDetails", shape: pairs}, {name: "addendum", shape: pairs}, {name: "edgeDeviceDetails", shape: pairs},
	{name: "insightDetails", shape: pairs}, {name: "eventCategory"},
	{name: "tlsDetails", shape: record, of: []column{{name: "tlsVersion"}, {name: "cipherSuite"}, {name: "clientProvidedHostHeader"}}},
	{name: "sessionCredentialFromConsole"},
}

// wholeColumn holds the record as it was, wherever the query asked for it.
const wholeColumn = "eventjson"

var (
	// lakeNeeds are the columns without which a row is no event: nobody could say who did
	// what when, or whether it came twice.
	lakeNeeds = []string{"eventid", "eventtime", "eventsource", "eventname", "useridentity"}
	// lakeWants are those that rules and model look at.
	lakeWants = []string{"awsRegion", "sourceIPAddress", "userAgent", "errorCode", "requestParameters", "responseElements", "resources", "recipientAccountId"}
)

// lakeRow writes rows of the columns a query asked for as records.
type lakeRow struct {
	whole  int // of the record as it was; -1: not asked for
	at     []int
	width  int // columns of a row
	known  int
	lacks  []string // columns without which there is no event
	blind  []string // columns that rules and model miss
	fields []string
	out    bytes.Buffer
}

// newLakeRow reads the names of columns.
func newLakeRow(names []string) *lakeRow {
	l := &lakeRow{whole: -1, at: make([]int, len(lakeColumns)), width: len(names)}
	low := make([]string, len(names))
	for i, n := range names {
		low[i] = strings.ToLower(strings.TrimSpace(n))
	}
	if l.whole = slices.Index(low, wholeColumn); l.whole >= 0 {
		l.known++
	}
	for i, c := range lakeColumns {
		if l.at[i] = slices.Index(low, strings.ToLower(c.name)); l.at[i] >= 0 {
			l.known++
		}
	}
	for _, n := range lakeNeeds {
		if !slices.Contains(low, n) {
			l.lacks = append(l.lacks, n)
		}
	}
	for _, n := range lakeWants {
		if !slices.Contains(low, strings.ToLower(n)) {
			l.blind = append(l.blind, n)
		}
	}
	if l.whole >= 0 {
		l.lacks, l.blind = nil, nil
	}
	return l
}

// unusable says why no row of it is an event; nil where rows are.
func (l *lakeRow) unusable() error {
	if len(l.lacks) == 0 {
		return nil
	}
	return fmt.Errorf("results of a query of CloudTrail Lake without %s: select eventJson, which has all of an event, or *", strings.Join(l.lacks, ", "))
}

// partial says what the query left out that rules and model look at; nil for nothing.
func (l *lakeRow) partial() error {
	if len(l.blind) == 0 {
		return nil
	}
	return fmt.Errorf("results of a query of CloudTrail Lake without %s, which rules and model then do not see: select eventJson, which has all of an event, or *", strings.Join(l.blind, ", "))
}

// errTwoWays is a row whose text can be read in more than one way: whoever chose a value
// may have written it to look like the next member.
var errTwoWays = errors.New("a value holds what looks like a further member, so that it can be read in two ways; the event counts, without the column: select eventJson, which is exact")

// record is the record of a row. doubt is errTwoWays where a column was left out of it.
func (l *lakeRow) record(row []string) (out []byte, doubt error) {
	if l.whole >= 0 && strings.HasPrefix(row[l.whole], "{") {
		return []byte(row[l.whole]), nil
	}
	b := &l.out
	b.Reset()
	b.WriteByte('{')
	for i := range lakeColumns {
		at := l.at[i]
		if at < 0 || row[at] == "" || row[at] == "null" {
			continue
		}
		from := b.Len()
		if from > 1 {
			b.WriteByte(',')
		}
		quote(b, lakeColumns[i].name)
		b.WriteByte(':')
		if !lakeColumns[i].write(b, row[at]) {
			b.Truncate(from)
			doubt = fmt.Errorf("%s: %w", lakeColumns[i].name, errTwoWays)
		}
	}
	b.WriteByte('}')
	return bytes.Clone(b.Bytes()), doubt
}

// quote writes text as JSON has it.
func quote(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false) // the record's own letters, for rules that search its text
	_ = e.Encode(s)        // a string can be written
	b.Truncate(b.Len() - 1)
}

// write appends a column's text as JSON; ok is false where it can be read in two ways.
func (c *column) write(b *bytes.Buffer, s string) (ok bool) {
	if s == "null" {
		b.WriteString("null")
		return true
	}
	switch c.shape {
	case moment:
		if ms, err := AnyTime(s); err == nil {
			s = time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z")
		}
	case truth:
		if s == "true" || s == "false" {
			b.WriteString(s)
			return true
		}
	case record, pairs, rows:
		if isJSON(s) { // as Athena has it
			b.WriteString(s)
			return true
		}
		switch {
		case c.shape == rows && bracketed(s, '[', ']'):
			return c.writeRows(b, s[1:len(s)-1])
		case c.shape == record && bracketed(s, '{', '}'):
			return c.writeRecord(b, s[1:len(s)-1])
		case c.shape == pairs && bracketed(s, '{', '}'):
			return writePairs(b, s[1:len(s)-1])
		}
	}
	quote(b, s)
	return true
}

func bracketed(s string, open, end byte) bool {
	return len(s) > 1 && s[0] == open && s[len(s)-1] == end
}

// isJSON reports whether a text is a JSON object or array.
func isJSON(s string) bool {
	if s == "" || s[0] != '{' && s[0] != '[' {
		return false
	}
	c := cursor.New([]byte(s))
	c.Skip()
	return c.End()
}

// writeRecord appends {name=value, …} of members that are known. A value ends where the
// next member begins; a member that begins twice could be either. One that the provider
// has added since is passed over.
func (c *column) writeRecord(b *bytes.Buffer, s string) (ok bool) {
	b.WriteByte('{')
	first, seen := true, make([]bool, len(c.of))
	for s != "" {
		name := nameBefore(s)
		if name == "" {
			return false
		}
		m := slices.IndexFunc(c.of, func(m column) bool { return strings.EqualFold(m.name, name) })
		if m >= 0 && seen[m] {
			return false
		}
		value, next := memberEnd(s[len(name)+1:], m < 0 || c.of[m].shape >= record)
		s = next
		if m < 0 {
			continue
		}
		if seen[m] = true; value == "null" || value == "" {
			continue
		}
		if !first {
			b.WriteByte(',')
		}
		first = false
		quote(b, c.of[m].name)
		b.WriteByte(':')
		if !c.of[m].write(b, value) {
			return false
		}
	}
	b.WriteByte('}')
	return true
}

// memberEnd parts a member's value from the members behind it. One that nests others does
// not end within brackets.
func memberEnd(s string, nests bool) (value, next string) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if rest, ok := strings.CutPrefix(s[i:], ", "); ok && (depth <= 0 || !nests) && nameBefore(rest) != "" {
				return s[:i], rest
			}
		}
	}
	return s, ""
}

// writeRows appends [{…}, {…}].
func (c *column) writeRows(b *bytes.Buffer, s string) (ok bool) {
	of := column{shape: record, of: c.of}
	b.WriteByte('[')
	for first := true; s != ""; first = false {
		end := strings.Index(s, "}, {")
		if end < 0 {
			end = len(s) - 1
		}
		if !bracketed(s[:end+1], '{', '}') {
			return false
		}
		if !first {
			b.WriteByte(',')
		}
		if !of.writeRecord(b, s[1:end]) {
			return false
		}
		s = strings.TrimPrefix(s[end+1:], ", ")
	}
	b.WriteByte(']')
	return true
}

// writePairs appends {name=value, …} of any members. A value that is JSON is taken whole;
// another ends where a next name begins.
func writePairs(b *bytes.Buffer, s string) (ok bool) {
	b.WriteByte('{')
	seen := map[string]bool{}
	for s != "" {
		name := nameBefore(s)
		if name == "" || seen[name] {
			return false
		}
		if len(seen) > 0 {
			b.WriteByte(',')
		}
		seen[name] = true
		quote(b, name)
		b.WriteByte(':')
		value := s[len(name)+1:]
		end := valueEnd(value)
		text := value[:end]
		if isJSON(text) && !isDocument(name) {
			b.WriteString(text)
		} else if text == "null" || text == "true" || text == "false" { // a record has no quotes around these
			b.WriteString(text)
		} else {
			quote(b, text)
		}
		s = strings.TrimPrefix(value[end:], ", ")
	}
	b.WriteByte('}')
	return true
}

// valueEnd is where a value of a pair ends.
func valueEnd(s string) int {
	if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") {
		c := cursor.New([]byte(s))
		c.Skip()
		if n := c.Offset(); c.Err() == nil && (n == len(s) || strings.HasPrefix(s[n:], ", ") && nameBefore(s[n+2:]) != "") {
			return n
		}
	}
	for i := 0; ; {
		n := strings.Index(s[i:], ", ")
		if n < 0 {
			return len(s)
		}
		if i += n; nameBefore(s[i+2:]) != "" {
			return i
		}
		i += 2
	}
}

// nameBefore is the name that a text begins with and that an equals sign follows; "" for none.
func nameBefore(s string) string {
	for i := range min(len(s), 129) {
		switch ch := s[i]; {
		case ch == '=':
			return s[:i]
		case ch >= utf8.RuneSelf, !strings.ContainsRune("-_.:$/", rune(ch)) && (ch < '0' || ch > '9' && ch < 'A' || ch > 'Z' && ch < 'a' || ch > 'z'):
			return ""
		}
	}
	return ""
}

// isDocument reports whether a parameter is a text that itself holds JSON: CloudTrail's
// records have policies so, where they have other structures as they are.
func isDocument(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, "policydocument") || name == "policy" || name == "policytext" || name == "attributevalue"
}
