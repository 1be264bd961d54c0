package sources

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/fakebedrock"
	"github.com/sevenfold-sec/sevenfold/test/faultproxy"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/wire"
)

// account is one twin of the doubles: the template deployed to moto, put right where it states
// things wrongly, and a Bedrock before it. The export is what the command line
// prints of the same account, and is written into a folder.
func account(t *testing.T, twin string) (url, exports string) {
	t.Helper()
	server := moto.Start(t)
	fake := fakebedrock.New(t)
	url = faultproxy.Serve(t, fake.Front(&corrector{twin, faultproxy.To(server.URL)}))
	for _, r := range bedrock(t, twin) {
		fake.Put(region, r.Service, r.Operation, r.Both)
	}
	return url, deploy(t, server, twin, url)
}

// correction changes what moto answers, and says why it must.
type correction struct {
	call, twin string // both twins if empty
	was        *regexp.Regexp
	is         string
	because    string
}

var corrections = []correction{
	{"sagemaker:DescribeModel", "", regexp.MustCompile(`"VpcConfig":\s*\{\},?`), "", "moto answers an empty object where SageMaker answers nothing"},
	{"sagemaker:DescribeNotebookInstance", "faulty", regexp.MustCompile(`"NotebookInstanceName"`),
		`"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"}, "NotebookInstanceName"`, "moto forgets the notebook's metadata service"},
	{"sagemaker:DescribeNotebookInstance", "clean", regexp.MustCompile(`"NotebookInstanceName"`),
		`"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}, "NotebookInstanceName"`, "moto forgets the notebook's metadata service"},
}

// missing are calls that moto does not have, by twin. An empty reply is a
// refusal: there is none.
var missing = map[string]map[string]string{
	"sagemaker:GetModelPackageGroupPolicy": {"clean": "",
		"faulty": `{"ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sagemaker:DescribeModelPackage\",\"Resource\":\"*\"}]}"}`},
	"sagemaker:ListNotebookInstanceLifecycleConfigs": {"clean": lifecycles, "faulty": lifecycles},
	"lambda:ListFunctionUrlConfigs":                  {"clean": address("AWS_IAM"), "faulty": address("NONE")},
	"ec2:GetSnapshotBlockPublicAccessState":          {"clean": sharing("block-all-sharing"), "faulty": sharing("unblocked")},
}

const lifecycles = `{"NotebookInstanceLifecycleConfigs":[{"NotebookInstanceLifecycleConfigName":"setup","CreationTime":1767225600,` +
	`"NotebookInstanceLifecycleConfigArn":"arn:aws:sagemaker:` + region + `:` + moto.Account + `:notebook-instance-lifecycle-config/setup"}]}`

func address(auth string) string {
	return `{"FunctionUrlConfigs":[{"AuthType":"` + auth + `","FunctionUrl":"https://x.lambda-url.` + region + `.on.aws/","FunctionArn":"arn:aws:lambda:` +
		region + `:` + moto.Account + `:function:scorer","CreationTime":"2026-01-01T00:00:00.000000Z","LastModifiedTime":"2026-01-01T00:00:00.000000Z"}]}`
}

func sharing(state string) string {
	return `<GetSnapshotBlockPublicAccessStateResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><state>` + state +
		`</state></GetSnapshotBlockPublicAccessStateResponse>`
}

// corrector is the handler that applies them.
type corrector struct {
	twin string
	next http.Handler
}

// ServeHTTP implements http.Handler.
func (c *corrector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	call, _ := wire.Identify(r, body)
	if reply, ok := missing[call.Key()][c.twin]; ok {
		switch {
		case reply == "":
			wire.Refuse(w, call, http.StatusBadRequest, "ValidationException", "Cannot find Model Package Group Policy for the group")
			return
		case reply[0] == '<':
			w.Header().Set("Content-Type", "text/xml")
		default:
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		}
		_, _ = io.WriteString(w, reply)
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	for _, k := range corrections {
		if k.call != call.Key() || k.twin != "" && k.twin != c.twin {
			continue
		}
		r.Header.Del("Accept-Encoding")
		rec := httptest.NewRecorder()
		c.next.ServeHTTP(rec, r)
		for h, v := range rec.Header() {
			if h != "Content-Length" {
				w.Header()[h] = v
			}
		}
		w.WriteHeader(rec.Code)
		_, _ = w.Write(k.was.ReplaceAll(rec.Body.Bytes(), []byte(k.is)))
		return
	}
	c.next.ServeHTTP(w, r)
}
