package detect

import (
	"testing"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

func TestWhatChangesIsLeftOut(t *testing.T) {
	for _, c := range []struct {
		f        func(string) string
		in, want string
	}{
		{Template, "i-0abc12345678def00", "i-"},
		{Template, "acme-fraud-raw-1", "acme-fraud-raw-1"},
		{Template, "job-20260105093000-x", "job-#-x"},
		{Template, "arn:aws:iam::111122223333:role/a", "arn:aws:iam::111122223333:role/a"},
		{Network, "10.1.2.3", "10.1"},
		{Network, "2001:db8:1::7", "2001:db8"},
		{Network, "sagemaker.amazonaws.com", "sagemaker.amazonaws.com"},
		{Network, "", ""},
		{Program, "aws-cli/2.31.4 md/awscrt#0.27.6 ua/2.1", "aws-cli"},
		{Program, "Boto3/1.40.50 exec-env/AWS_Lambda_python3.13", "exec-env/AWS_Lambda_python3.13"},
		{Program, "Mozilla/5.0 (X11; Linux x86_64)", "browser"},
		{Program, "APN/1.0 HashiCorp/1.0 Terraform/1.13.3", "Terraform"},
		{versionless, "UpdateFunctionCode20150331v2", "UpdateFunctionCode"},
		{versionless, "ListFunctions20150331", "ListFunctions"},
		{versionless, "GetObject", "GetObject"},
		{versionless, "20150331", "20150331"},
	} {
		if got := c.f(c.in); got != c.want {
			t.Errorf("%q is %q, want %q", c.in, got, c.want)
		}
	}
}

func observe(t *testing.T, raw string) behaviour.Observation {
	t.Helper()
	var e ocsf.Event
	if err := ocsf.DecodeCloudTrail([]byte(raw), &e); err != nil {
		t.Fatal(err)
	}
	return NewObserver(nil, nil).Observe(&e)
}

// The shape of a request is its parameters by name, in whatever order and with whatever
// in them.
func TestShape(t *testing.T) {
	const head = `{"eventVersion":"1.11","eventTime":"2026-01-05T09:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"ModifyImageAttribute","readOnly":false,"eventID":"e","awsRegion":"eu-west-1","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/u","userName":"u","accountId":"111122223333"},"requestParameters":`
	for params, want := range map[string]string{
		`{"b":1,"a":{"x":{"y":"}\"{"}}}`: "a b", `{"a": "q\\", "b" : []}`: "a b", `null`: "", `{}`: "", `{"only":"x"}`: "only",
	} {
		if got := observe(t, head+params+`}`).Shape; got != want {
			t.Errorf("%s: %q, want %q", params, got, want)
		}
	}
}

// People who sign in to one role are principals of their own; runs of a program are not.
func TestWhoIsOne(t *testing.T) {
	role := func(name, session string) string {
		return `{"eventVersion":"1.11","eventTime":"2026-01-05T09:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","readOnly":true,"eventID":"e","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/` + name + `/` + session + `","accountId":"111122223333","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/` + name + `"}}}}`
	}
	a, b := observe(t, role("AWSReservedSSO_Dev_1", "ana@acme.example")), observe(t, role("AWSReservedSSO_Dev_1", "bo@acme.example"))
	if a.Principal == b.Principal || a.Kind != behaviour.Person || a.Group != b.Group {
		t.Errorf("%+v and %+v", a, b)
	}
	a, b = observe(t, role("train-7", "run1")), observe(t, role("train-7", "run2"))
	if a.Principal != b.Principal || a.Kind != behaviour.Machine || a.Level != behaviour.List {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestPlayIsMarkedAndRefused(t *testing.T) {
	for _, technique := range Techniques() {
		records, marker, err := Play(technique, "arn:aws:iam::111122223333:role/x/trainer", "eu-west-1", "203.0.113.7", "aws-cli/2", testNow)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			var e ocsf.Event
			if err := ocsf.DecodeCloudTrail(r, &e); err != nil {
				t.Fatal(err)
			}
			if MarkerOf(e.RequestID) != marker || PlayOf(marker) != technique || e.ErrorCode != "AccessDenied" || e.Actor.ID != "arn:aws:iam::111122223333:role/x/trainer" {
				t.Errorf("%s", r)
			}
		}
	}
	for _, bad := range []string{"trainer", "arn:aws:iam::1:user/u"} {
		if _, _, err := Play(Techniques()[0], bad, "", "", "", testNow); err == nil {
			t.Errorf("%s plays", bad)
		}
	}
	if MarkerOf("sevenfold-proof.") != "" || MarkerOf("another") != "" {
		t.Error("a marker where there is none")
	}
}
