package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// TestDataOnAWS runs the data verbs that write or destroy as whole commands, against a bucket of
// moto: tags are written beside those that are there, and a case is closed with the events of the
// deletions, and not before.
func TestDataOnAWS(t *testing.T) {
	m := moto.Start(t)
	ask := func(method, path, body string) string {
		t.Helper()
		header, text := moto.Ask(t, method, m.URL+path, "s3", body)
		return header.Get("x-amz-version-id") + "\n" + text
	}
	const bucket = "/quay-whole"
	ask(http.MethodPut, bucket, `<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`)
	ask(http.MethodPut, bucket+"?versioning", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`)
	ask(http.MethodPut, bucket+"?tagging", `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>team</Key><Value>a&amp;b</Value></Tag></TagSet></Tagging>`)
	version, _, _ := strings.Cut(ask(http.MethodPut, bucket+"/in/a.csv", "id,email,card\n1,ann@example.com,4111111111111111\n2,bob@example.com,5500005555555559\n"), "\n")

	dir, path := t.TempDir(), program(t)
	put(t, dir, map[string]string{"sevenfold.yaml": "sources: ['aws:regions=eu-west-1,services=s3']\n", "subject": "ann@example.com\n", "broken.json": `{"Records":[{"eventID":"e1",`,
		"trail.json": `{"Records":[{"eventID":"e-77","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","requestParameters":{"bucketName":"quay-whole","key":"in/a.csv","versionId":"` + version + `"}}]}`})
	env := append(m.Env(), "PATH="+path+":"+os.Getenv("PATH"), "HOME="+dir)
	run := func(want int, line string, says ...string) string {
		t.Helper()
		args := strings.Fields(line)
		var code int
		var said string
		if strings.Contains(line, "erase -") {
			code, said = process(t, dir, env, "sh", "-c", "sevenfold "+line+" < subject")
		} else {
			code, said = process(t, dir, env, "sevenfold", args...)
		}
		if code != want {
			t.Fatalf("%s: exit %d, want %d\n%s", line, code, want, said)
		}
		for _, s := range says {
			if !regexp.MustCompile(s).MatchString(said) {
				t.Errorf("%s: no %q in\n%s", line, s, said)
			}
		}
		if strings.Contains(said, "ann@") || strings.Contains(said, "4111111111111111") {
			t.Errorf("%s tells a value:\n%s", line, said)
		}
		return said
	}
	run(3, "data tags --apply", "no label was found in any bucket")
	run(0, "data scan s3:/"+bucket, "EMAIL_ADDRESS")
	run(1, "data tags", `wanting  arn:aws:s3:::quay-whole: DataClassification=PCI\+PII`)
	run(0, "data tags --apply", `set      arn:aws:s3:::quay-whole: DataClassification=PCI\+PII`)
	if text := ask(http.MethodGet, bucket+"?tagging", ""); !strings.Contains(text, "PCI+PII") || !strings.Contains(text, "a&amp;b") {
		t.Errorf("the bucket's tags are %s", text)
	}
	run(0, "data tags --apply", "every tag is as the labels found ask")
	run(0, "data tags", "same")

	said := run(1, "data erase - --in s3:/"+bucket, "found    s3://quay-whole in/a.csv, version ")
	id := regexp.MustCompile(`case (\S+):`).FindStringSubmatch(said)
	if id == nil {
		t.Fatal(said)
	}
	run(1, "data erase - --close "+id[1]+" --out record.json", "the case is not closed: no record is signed")
	if _, err := os.Stat(filepath.Join(dir, "record.json")); err == nil {
		t.Fatal("a record is signed over what is still there")
	}
	run(2, "data erase - --close E-nothing --out record.json", "no case E-nothing")
	ask(http.MethodDelete, bucket+"/in/a.csv", "") // a marker before the version deletes nothing
	run(1, "data erase - --close "+id[1]+" --out record.json", "the case is not closed")
	ask(http.MethodDelete, bucket+"/in/a.csv?versionId="+version, "")
	run(0, "data erase - --close "+id[1]+" --source events:trail.json --out record.json")
	text, err := os.ReadFile(filepath.Join(dir, "record.json"))
	if err != nil || strings.Contains(string(text), "ann@") {
		t.Fatalf("%s %v", text, err)
	}
	run(0, "data erase --verify record.json --format json", "e-77", "1 place destroyed|\"destroyed\"")
	put(t, dir, map[string]string{"bent.json": strings.Replace(string(text), "e", "f", 3)})
	run(1, "data erase --verify bent.json")

	// Events that cannot be read: the case is closed by what the listing shows, and the exit says
	// that something is not known.
	version, _, _ = strings.Cut(ask(http.MethodPut, bucket+"/in/b.csv", "id,email\n1,ann@example.com\n"), "\n")
	said = run(1, "data erase - --in s3:/"+bucket)
	id = regexp.MustCompile(`case (\S+):`).FindStringSubmatch(said)
	ask(http.MethodDelete, bucket+"/in/b.csv?versionId="+version, "")
	run(3, "data erase - --close "+id[1]+" --source events:broken.json --out second.json", "broken.json")
}
