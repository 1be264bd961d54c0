package assess

import (
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/sevenfold-sec/sevenfold/control"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/access"
	"github.com/sevenfold-sec/sevenfold/store"
)

var usageDay = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// usageEstate is a role that a training job runs as.
func usageEstate(t *testing.T) *estate.Snapshot {
	t.Helper()
	b := estate.NewBuilder(usageDay)
	reads := []estate.Read{{Operation: "iam:GetAccountAuthorizationDetails", Status: estate.ReadOK}}
	b.Asset(estate.Asset{ID: "arn:aws:iam::123456789012:role/train", Type: "AWS::IAM::Role", Cloud: estate.AWS, Account: "123456789012", Name: "train", Tags: map[string]string{}, Reads: reads,
		Config: json.RawMessage(`{"AttachedManagedPolicies":[],"AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]},
		"RolePolicyList":[{"PolicyName":"p","PolicyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sagemaker:*","Resource":"*"}]}}]}`)})
	b.Asset(estate.Asset{ID: "arn:aws:sagemaker:eu-west-1:123456789012:training-job/exp-1", Type: "AWS::SageMaker::TrainingJob", Cloud: estate.AWS, Account: "123456789012", Region: "eu-west-1", Name: "exp-1", Tags: map[string]string{},
		Config: json.RawMessage(`{"TrainingJobName":"exp-1","TrainingJobStatus":"InProgress","RoleArn":"arn:aws:iam::123456789012:role/train","CreationTime":"2026-11-28T00:00:00Z"}`)})
	snap, err := b.Build()
	if err == nil {
		snap, err = Understood(context.Background(), snap)
	}
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

const usageEvent = `{"eventTime":"2026-11-28T10:00:00Z","eventID":"e1","eventSource":"sagemaker.amazonaws.com","eventName":"CreateModel","awsRegion":"eu-west-1","recipientAccountId":"123456789012",
 "userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/train/s"},"requestParameters":{"modelName":"m"}}`

func zipped(t *testing.T, path, text string, cut int) {
	t.Helper()
	var b strings.Builder
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(b.String()[:b.Len()-cut]), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Logs are read whole, packed or not, and one that is not whole is named, with what
// stood before the fault counted.
func TestUsageReadsLogs(t *testing.T) {
	snap := usageEstate(t)
	dir := t.TempDir()
	zipped(t, filepath.Join(dir, "a.json.gz"), `{"Records":[`+usageEvent+`]}`, 0)
	if err := os.WriteFile(filepath.Join(dir, "b.json"), []byte(usageEvent), 0o600); err != nil {
		t.Fatal(err)
	}
	u, problems, err := Usage(context.Background(), []Log{{Path: dir}}, snap, DefaultWindow)
	if err != nil || len(problems) > 0 || u.Events != 2 {
		t.Fatalf("%d events, %v, %v", u.Events, problems, err)
	}
	for name, write := range map[string]func(path string){
		"cut.json.gz": func(path string) { zipped(t, path, `{"Records":[`+usageEvent+`]}`, 12) },
		"cut.json": func(path string) {
			_ = os.WriteFile(path, []byte(`{"Records":[`+usageEvent), 0o600)
		},
		"other.json": func(path string) { _ = os.WriteFile(path, []byte(`{"Records":[{"a":1}]}`), 0o600) },
		"text.json":  func(path string) { _ = os.WriteFile(path, []byte(`no json`), 0o600) },
	} {
		path := filepath.Join(t.TempDir(), name)
		write(path)
		u, problems, err := Usage(context.Background(), []Log{{Path: path}, {Path: filepath.Join(dir, "b.json")}}, snap, DefaultWindow)
		if err != nil || len(problems) != 1 || !strings.Contains(problems[0], name) || u.Events < 1 {
			t.Errorf("%s: %d events, %v, %v", name, u.Events, problems, err)
		}
		if o := u.Observed("123456789012"); !strings.Contains(o.Lacks, name) {
			t.Errorf("%s: nobody is told that not all was read: %+v", name, o)
		}
	}
	if _, problems, _ := Usage(context.Background(), []Log{{Path: filepath.Join(dir, "none")}}, snap, DefaultWindow); len(problems) != 1 {
		t.Errorf("a log that is not there: %v", problems)
	}
}

func TestParseWindow(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "1d": 24 * time.Hour, "36h": 36 * time.Hour, "": 0, "d": 0, "-3d": 0, "0d": 0, "9e9d": 0, "soon": 0, "-1h": 0, "3d4": 0} {
		if got, err := ParseWindow(text); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
}

// What the verbs print fits their schemas.
func TestUsageAnswersFitTheirSchemas(t *testing.T) {
	ctx := context.Background()
	snap := usageEstate(t)
	log := filepath.Join(t.TempDir(), "l.json")
	if err := os.WriteFile(log, []byte(usageEvent), 0o600); err != nil {
		t.Fatal(err)
	}
	u, _, err := Usage(ctx, []Log{{Path: log}}, snap, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	fits := func(schema string, v any) {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fitsSchema(t, schema, text)
	}
	sized, err := Rightsize(ctx, snap, "role/train", access.Sizer{Usage: u, After: 14})
	if err != nil || sized.Decision != "proved" {
		t.Fatalf("%+v, %v", sized, err)
	}
	fits("access-rightsize.schema.json", sized)
	unused, err := FindUnused(ctx, snap, scope.Default(), u, "")
	if err != nil || len(unused.Identities) == 0 {
		t.Fatalf("%+v, %v", unused, err)
	}
	fits("access-unused.schema.json", unused)
	r, _ := reviewsOf(t)
	items, _, started, err := ReviewItems(ctx, snap, scope.Default(), r, usageDay)
	if err != nil || len(items) == 0 {
		t.Fatalf("%+v, %v", items, err)
	}
	fits("access-review.schema.json", map[string]any{"started": started, "grants": items})
}

// The Terraform that a proposal is written as is HCL, and says what the JSON says.
func TestSizedTerraform(t *testing.T) {
	s := &access.Sized{Principal: "arn:aws:iam::123456789012:role/a/train", Decision: "proved", Names: []string{"sevenfold-train-1"},
		Policies: []json.RawMessage{json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::h/${aws:username}/*","x\"%{y}"],"Condition":{"StringEquals":{"aws:SourceVpce":["vpce-1"]}}}]}`)}}
	text, err := SizedTerraform(s, nil, &control.Set{})
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig([]byte(text), "x.tf", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatalf("%v\n%s", diags, text)
	}
	body := f.Body.(*hclsyntax.Body)
	if len(body.Blocks) != 2 || !strings.Contains(text, `"arn:aws:s3:::h/$${aws:username}/*"`) || !strings.Contains(text, `%%{y}`) || !strings.Contains(text, `role       = "train"`) {
		t.Errorf("%s", text)
	}
	if text, err := SizedTerraform(&access.Sized{Principal: s.Principal, Decision: "refused", Policies: s.Policies}, nil, &control.Set{}); text != "" || err != nil {
		t.Errorf("a proposal that must not be used is written: %s, %v", text, err)
	}
}

func reviewsOf(t *testing.T) (Reviews, ed25519.PrivateKey) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "state")
	st, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	trusted := []ed25519.PublicKey{public}
	return Reviews{Store: st, Heads: Heads{Store: st, Folder: dir, Estate: "e", Key: key, Trusted: trusted}, Trusted: trusted, Estate: "e"}, key
}

// A record of a review that is changed, forged, of another estate, put in another
// order or taken away is refused with the place.
func TestReviewRecords(t *testing.T) {
	ctx := context.Background()
	entries := []access.ReviewEntry{
		{Kind: "start", At: usageDay, By: "ann", Due: usageDay.AddDate(0, 0, 30), Every: 90, Grants: map[string]string{"G-1": "sha256:a"}},
		{Kind: "keep", At: usageDay.Add(time.Hour), By: "bo", Grant: "G-1", Digest: "sha256:a", Reason: "needed"},
	}
	r, key := reviewsOf(t)
	for _, e := range entries {
		if err := r.Add(ctx, e, key); err != nil {
			t.Fatal(err)
		}
	}
	got, err := r.Records(ctx)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range entries {
		entries[i].Estate = "e"
		entries[i].Prev = got[i].Prev
	}
	if d := cmp.Diff(entries, got); d != "" || got[1].Prev == "" {
		t.Error(d)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(e access.ReviewEntry, key ed25519.PrivateKey) []byte {
		payload, err := json.Marshal(reviewStatement{certificate.StatementType, []certificate.Subject{{Name: "x", Digest: certificate.Digest{SHA256: sum(nil)}}}, reviewType, e})
		if err != nil {
			t.Fatal(err)
		}
		file, err := certificate.Seal(payload, key)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"forged":          {seal(access.ReviewEntry{Estate: "e", Kind: "keep", Prev: "x"}, other), "record 3"},
		"another estate":  {seal(access.ReviewEntry{Estate: "f", Kind: "keep"}, key), `of estate "f"`},
		"out of its line": {seal(access.ReviewEntry{Estate: "e", Kind: "keep", Prev: "x"}, key), "record 3 of the access reviews does not follow record 2"},
		"no record":       {[]byte("{}"), "record 3"},
	} {
		fresh, key2 := r, key
		fresh, key2 = reviewsOf(t)
		fresh.Trusted, fresh.Heads.Trusted = append(fresh.Trusted, r.Trusted...), append(fresh.Heads.Trusted, r.Trusted...)
		for _, e := range entries {
			if err := fresh.Add(ctx, e, key2); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := fresh.Store.PutBlob(ctx, auditStep, reviewKey, tt.file); err != nil {
			t.Fatal(err)
		}
		_, err := fresh.Records(ctx)
		var no *BaselineError
		if !errors.As(err, &no) || !strings.Contains(err.Error(), tt.want) || no.Mend == "" {
			t.Errorf("%s: %v", name, err)
		}
		if err := fresh.Add(ctx, entries[1], key2); err == nil {
			t.Errorf("%s: a record is added to those that do not count", name)
		}
	}
	// Taken away: the head knows that there were two.
	empty, err := store.Open(ctx, filepath.Join(t.TempDir(), "other"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { empty.Close() })
	gone := r
	gone.Store, gone.Heads.Store = empty, empty
	if _, err := gone.Records(ctx); err == nil || !strings.Contains(err.Error(), "version 2 was removed") {
		t.Errorf("records that were taken away: %v", err)
	}
}

// A workload's access.unused is judged again from the evidence bundle alone.
func TestAccessEvidence(t *testing.T) {
	snap := usageEstate(t)
	log := filepath.Join(t.TempDir(), "l.json")
	if err := os.WriteFile(log, []byte(usageEvent), 0o600); err != nil {
		t.Fatal(err)
	}
	u, _, err := Usage(context.Background(), []Log{{Path: log}}, snap, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	if err := accessEvidence(files, access.Beside{}); err != nil || len(files) > 0 {
		t.Fatalf("nothing to keep: %v, %v", files, err)
	}
	if err := accessEvidence(files, access.Beside{Usage: u, Now: usageDay, Reviews: []access.ReviewEntry{{Kind: "start", At: usageDay}}}); err != nil || len(files) != 1 {
		t.Fatal(err)
	}
	judge := func(b access.Beside) string {
		s := access.New().With(b)
		w, err := scope.Default().Workloads(snap)
		if err != nil {
			t.Fatal(err)
		}
		j, err := s.Judge(context.Background(), snap, w)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(j.Criteria)
		if err != nil || !strings.Contains(string(text), "access.unused") {
			t.Fatalf("%s, %v", text, err)
		}
		return string(text)
	}
	path := filepath.Join(t.TempDir(), "access.json.gz")
	if err := os.WriteFile(path, files[certificate.AccessFile], 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var again access.Beside
	if err := json.NewDecoder(z).Decode(&again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(judge(access.Beside{Usage: u, Now: usageDay, Reviews: []access.ReviewEntry{{Kind: "start", At: usageDay}}}), judge(again)); d != "" {
		t.Error(d)
	}
}
