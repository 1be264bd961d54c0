package ocsf

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// asLake prints a record's member as Presto prints a column: members in small letters, all
// of them there, null where there is none.
func asLake(c *column, v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return map[bool]string{true: "true", false: "false"}[v]
	case string:
		if c.shape == moment {
			return strings.NewReplacer("T", " ", "Z", ".000").Replace(v)
		}
		return v
	case []any:
		var list []string
		for _, x := range v {
			list = append(list, asLake(&column{shape: record, of: c.of}, x))
		}
		return "[" + strings.Join(list, ", ") + "]"
	case map[string]any:
		var list []string
		if c.shape == record {
			for i := range c.of {
				list = append(list, strings.ToLower(c.of[i].name)+"="+asLake(&c.of[i], v[c.of[i].name]))
			}
			return "{" + strings.Join(list, ", ") + "}"
		}
		for _, k := range slices.Sorted(func(yield func(string) bool) {
			for k := range v {
				if !yield(k) {
					return
				}
			}
		}) {
			text, ok := v[k].(string)
			if !ok {
				b, _ := json.Marshal(v[k])
				text = string(b)
			}
			list = append(list, k+"="+text)
		}
		return "{" + strings.Join(list, ", ") + "}"
	}
	return ""
}

// lakeFile writes records as the file that Lake delivers for SELECT *, without eventJson
// unless whole.
func lakeFile(t testing.TB, whole bool, records ...string) string {
	t.Helper()
	var out strings.Builder
	w := csv.NewWriter(&out)
	var head []string
	for _, c := range lakeColumns {
		head = append(head, strings.ToLower(c.name))
	}
	if whole {
		head = append(head, "eventjson", "eventjsonchecksum")
	}
	rows := [][]string{head}
	for _, text := range records {
		var m map[string]any
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Fatal(err)
		}
		var row []string
		for i := range lakeColumns {
			c := &lakeColumns[i]
			if v, ok := m[c.name]; ok {
				row = append(row, asLake(c, v))
			} else {
				row = append(row, "")
			}
		}
		if whole {
			row = append(row, text, "ab12")
		}
		rows = append(rows, row)
	}
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const policyEvent = `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA1","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","accessKeyId":"AKIA1","userName":"ana"},"eventTime":"2026-11-02T09:30:15Z","eventSource":"iam.amazonaws.com","eventName":"PutRolePolicy","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"aws-cli/2.15 \"x\", y","errorCode":"AccessDenied","errorMessage":"User: a is not authorized, really","requestParameters":{"roleName":"trainer","policyName":"all","policyDocument":"{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\"}]}"},"requestID":"r-1","eventID":"e-1","readOnly":false,"resources":[{"accountId":"111122223333","type":"AWS::IAM::Role","ARN":"arn:aws:iam::111122223333:role/trainer"}],"managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`

const instancesEvent = `{"eventVersion":"1.11","userIdentity":{"type":"AWSService","invokedBy":"autoscaling.amazonaws.com"},"eventTime":"2026-11-02T09:30:15Z","eventSource":"ec2.amazonaws.com","eventName":"TerminateInstances","awsRegion":"eu-west-1","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]},"force":"no"},"eventID":"e-2","recipientAccountId":"1"}`

// A row of Lake is the event that a trail would have brought: nothing that rules and model
// look at is another.
func TestLakeRowIsTheRecord(t *testing.T) {
	records := []string{assumedRoleEvent, policyEvent, instancesEvent}
	for _, whole := range []bool{false, true} {
		file := lakeFile(t, whole, records...)
		for _, in := range []io.Reader{strings.NewReader(file), iotest.OneByteReader(strings.NewReader(strings.ReplaceAll(file, "\n", "\r\n")))} {
			if _, plain := in.(*strings.Reader); whole && !plain {
				continue // the records' own line breaks are to stay
			}
			rd, err := NewReader(in, Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range records {
				var got, want Event
				if err := DecodeCloudTrail([]byte(text), &want); err != nil {
					t.Fatal(err)
				}
				if err := rd.Next(&got); err != nil {
					t.Fatalf("%v in\n%s", err, file)
				}
				if !whole {
					var a, b any
					if json.Unmarshal(got.Raw, &a) != nil || json.Unmarshal(want.Raw, &b) != nil {
						t.Fatalf("no JSON: %s", got.Raw)
					}
					if !reflect.DeepEqual(a, onlyColumns(b)) {
						t.Errorf("the record is\n%s\nwant\n%s", got.Raw, want.Raw)
					}
				}
				if whole && string(got.Raw) != text {
					t.Errorf("eventJson became %s", got.Raw)
				}
				if !whole { // Presto's maps are in no order
					for _, e := range []*Event{&got, &want} {
						slices.SortFunc(e.Resources, func(a, b Resource) int { return strings.Compare(a.ID, b.ID) })
					}
				}
				got.Raw, want.Raw = nil, nil
				if !reflect.DeepEqual(got, want) {
					t.Errorf("got\n%+v\nwant\n%+v", got, want)
				}
			}
			var e Event
			if err := rd.Next(&e); err != io.EOF {
				t.Errorf("after the last row: %v", err)
			}
		}
	}
}

// onlyColumns leaves out of a record what Lake has no column for.
func onlyColumns(v any) any {
	m := v.(map[string]any)
	for k := range m {
		if !slices.ContainsFunc(lakeColumns, func(c column) bool { return c.name == k }) {
			delete(m, k)
		}
	}
	return m
}

func TestLakeFilesThatAreNotWhole(t *testing.T) {
	file := lakeFile(t, false, policyEvent, instancesEvent)
	head, rows, _ := strings.Cut(file, "\n")
	first, second, _ := strings.Cut(rows, "\n")
	ok, ok2 := "cloudtrail PutRolePolicy e-1", "cloudtrail TerminateInstances e-2"
	answer := func(more string, rows ...string) string {
		return `{"QueryStatus":"FINISHED","QueryStatistics":{"ResultsCount":1,"TotalResultsCount":2},"QueryResultRows":[` + strings.Join(rows, ",") + `]` + more + `}`
	}
	quoted, _ := json.Marshal(trail("a"))
	row := `[{"eventJson":` + string(quoted) + `}]`
	few := `[{"eventID":"a"},{"eventTime":"2026-11-02 09:30:15.000"},{"eventSource":"s3.amazonaws.com"},{"eventName":"GetObject"},{"userIdentity":"{type=Root}"}]`
	for name, tt := range map[string]struct {
		in   string
		want []string
	}{
		"only whole events":       {"eventJson\n" + `"` + strings.ReplaceAll(trail("a"), `"`, `""`) + `"` + "\n", []string{"cloudtrail GetObject a"}},
		"too few columns":         {"eventName,count\nGetObject,7\n", []string{"! results of a query of CloudTrail Lake without eventid, eventtime, eventsource, useridentity: select eventJson"}},
		"columns that rules want": {"eventID,eventTime,eventSource,eventName,userIdentity\na,2026-11-02 09:30:15.000,s3.amazonaws.com,GetObject,{type=Root}\n", []string{"! results of a query of CloudTrail Lake without awsRegion, sourceIPAddress", "cloudtrail GetObject a"}},
		"a short row":             {head + "\na,b\n" + second, []string{"! a row that has not as many fields", ok2}},
		"a quote in the middle":   {head + "\na\"b\",c\n" + first, []string{"! a row with a quote where none can stand", ok}},
		"cut off":                 {head + "\n" + first + "\n" + second[:30], []string{ok, "! a row with a quote that is never closed"}},
		"a quote never closed":    {head + "\n\"" + second + "\n" + strings.ReplaceAll(first, `"`, ""), []string{"! a row with a quote that is never closed", "! a row that has not as many fields"}},
		"no row":                  {head + "\n", nil},
		"a value of two ways":     {head + "\n" + strings.Replace(first, "principalid=AIDA1", "principalid=AIDA1, arn=arn:aws:iam::111122223333:user/bo", 1) + "\n", []string{"cloudtrail PutRolePolicy e-1", "! userIdentity: a value holds what looks like a further member"}},
		"a parameter twice":       {head + "\n" + strings.Replace(first, "policyName=all", "policyName=all, roleName=other", 1) + "\n", []string{"cloudtrail PutRolePolicy e-1", "! requestParameters: a value holds"}},
		"a new member":            {head + "\n" + strings.Replace(first, "accountid=", "newthing={a=b, c=d}, accountid=", 1) + "\n", []string{ok}},
		"get-query-results":       {answer("", row, row), []string{"cloudtrail GetObject a", "cloudtrail GetObject a"}},
		"a page of it":            {answer(`,"NextToken":"x"`, row), []string{"cloudtrail GetObject a", "! a page of a query's results"}},
		"not finished":            {strings.Replace(answer("", row), "FINISHED", "TIMED_OUT", 1), []string{"cloudtrail GetObject a", "! results of a query that is TIMED_OUT"}},
		"columns of it":           {answer("", few, few), []string{"cloudtrail GetObject a", "! results of a query of CloudTrail Lake without awsRegion", "cloudtrail GetObject a"}},
		"counts":                  {answer("", `[{"eventName":"x"},{"n":"7"}]`), []string{"! results of a query of CloudTrail Lake without eventid"}},
		"a row that is none":      {answer("", `["x"]`, row), []string{"! results of a query", "cloudtrail GetObject a"}},
		"cloudwatch export":       {"2026-11-02T09:30:15.123Z " + trail("a") + "\n2026-11-02T09:30:15.123Z " + trail("b") + "\n2026-11-02T09:30:15.123Z none\n", []string{"cloudtrail GetObject a", "cloudtrail GetObject b", "! neither"}},
		"another table":           {"user,arn\na,b\n", []string{"! neither", "! neither"}},
		"flow log":                {"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n", nil},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				got := read(t, r, Options{})
				if len(got) != len(tt.want) {
					t.Fatalf("got %q, want %q", got, tt.want)
				}
				for i := range got {
					if !strings.HasPrefix(got[i], tt.want[i]) {
						t.Errorf("got %q, want %q", got[i], tt.want[i])
					}
				}
			}
		})
	}
	long := head + "\n" + strings.Repeat("x", 5000) + "\n" + first + "\n"
	if got := read(t, strings.NewReader(long), Options{MaxEvent: 4096}); len(got) != 2 || !strings.HasPrefix(got[0], "! a row of more than") || got[1] != ok {
		t.Errorf("a long row: %.300q", got)
	}
}

func TestLooks(t *testing.T) {
	for head, want := range map[string]bool{
		"": false, " {": true, "[": true, "\xef\xbb\xbf{}": true, "eventJson\n": true, `"eventid","eventname"` + "\n": true, "eventID": false, "user,arn\n": false,
		"2026-11-02T09:30:15.123Z {": true, "2026-11-02T09:30:15.123Z x": false, "\x00\x01": false,
	} {
		if got := Looks([]byte(head)); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
}

// Whatever a caller may name itself and its things (IAM's letters), what is read of a row
// is what the record said, or the row is doubted.
func FuzzLakeRow(f *testing.F) {
	f.Add("arn:aws:iam::1:user/a", "s", "key", "v")
	f.Add("x, arn=y", "a}}, invokedby=evil", "k", `{"a":1}, b=c`)
	f.Add("null", "", "policyDocument", `{"Version":"x"}`)
	f.Fuzz(func(t *testing.T, arn, user, key, value string) {
		m := map[string]any{"eventID": "e", "eventTime": "2026-11-02T09:30:15Z", "eventSource": "s", "eventName": "n",
			"userIdentity":      map[string]any{"type": "AssumedRole", "arn": arn, "sessionContext": map[string]any{"sessionIssuer": map[string]any{"userName": user, "arn": "real"}}},
			"requestParameters": map[string]any{key: value}}
		text, err := json.Marshal(m)
		if err != nil || json.Unmarshal(text, &m) != nil {
			t.Skip()
		}
		rd, err := NewReader(strings.NewReader(lakeFile(t, false, string(text))), Options{})
		if err != nil {
			t.Fatal(err)
		}
		var e, want Event
		var bad *Rejected
		if err := rd.Next(&e); errors.As(err, &bad) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(e.Raw) {
			t.Fatalf("no JSON: %s", e.Raw)
		}
		if rd.Next(&Event{}) != io.EOF {
			return // doubted
		}
		if err := DecodeCloudTrail(text, &want); err != nil {
			t.Fatal(err)
		}
		iam := func(s string) bool {
			return s != "null" && s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-:/") == ""
		}
		if iam(arn) && iam(user) && !reflect.DeepEqual(e.Actor, want.Actor) {
			t.Errorf("read %+v of %+v", e.Actor, want.Actor)
		}
	})
}
