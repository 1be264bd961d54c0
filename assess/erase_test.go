package assess_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// remove deletes a version in moto.
func remove(t *testing.T, url string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodDelete, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=testing/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("DELETE %s: %s", url, resp.Status)
	}
}

// A subject is found in the newest and in old versions; a case is closed once every
// version is gone and each model was decided on; a record that was touched does not count.
// The event of a version's deletion is told, of no other; one that puts a marker before the
// versions ends none.
func TestDeletions(t *testing.T) {
	ann, err := data.NewSubject("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	c := &data.Case{Places: []data.ErasePlace{{Store: "s3://quay", Key: "in/a.csv", Version: "v1"}, {Store: "s3://quay", Key: "users/(subject)/b", Version: "v2"}, {Store: "s3://quay", Key: "c", Version: "v3"}, {Store: "s3://flat/x", Key: "x/d", Version: "null"}}}
	event := func(id, bucket, key, version, more string) string {
		return `{"eventID":"` + id + `","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","requestParameters":{"bucketName":"` + bucket + `","key":"` + key + `"` + version + `}` + more + `}`
	}
	file := filepath.Join(t.TempDir(), "trail.json")
	text := `{"Records":[` + strings.Join([]string{
		event("e1", "quay", "in/a.csv", `,"versionId":"v1"`, ""), event("e2", "quay", "users/ann@example.com/b", `,"versionId":"v2"`, ""),
		event("e3", "quay", "c", "", `,"responseElements":{"x-amz-delete-marker":"true","x-amz-version-id":"m1"}`), event("e4", "quay", "c", `,"versionId":"v3"`, `,"errorCode":"AccessDenied"`),
		event("e5", "flat", "x/d", "", ""), event("e6", "other", "in/a.csv", `,"versionId":"v1"`, ""),
	}, ",") + `]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, broken, err := assess.Deletions(context.Background(), c, ann, []assess.Log{{Path: file}})
	want := map[string]string{"s3://quay\x00in/a.csv\x00v1": "e1", "s3://quay\x00users/(subject)/b\x00v2": "e2", "s3://flat/x\x00x/d\x00null": "e5"}
	if err != nil || len(broken) > 0 || !maps.Equal(got, want) {
		t.Errorf("%q %v %v", got, broken, err)
	}
}

// A key that holds the value is found, and told and kept without it; a delete marker keeps
// the key, and so is a place of its own.
func TestEraseInKeys(t *testing.T) {
	m := bucketOf(t, "quay-keys", nil)
	put(t, m.URL+"/quay-keys?versioning", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`)
	put(t, m.URL+"/quay-keys/users/ann@example.com/photo.txt", "hello\n")
	put(t, m.URL+"/quay-keys/users/joann@example.com/photo.txt", "hello\n")
	put(t, m.URL+"/quay-keys/in/log.txt", "GET /u?mail=Ann%40example.com\n")
	ctx, now := context.Background(), time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ann, err := data.NewSubject("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	search := func() *assess.Searched {
		t.Helper()
		got, err := assess.Search(ctx, "s3://quay-keys", ann, now)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(got); strings.Contains(string(text), "/ann@") {
			t.Errorf("the value is told: %s", text)
		}
		return got
	}
	got := search()
	if len(got.Places) != 2 || got.Places[0].Key != "in/log.txt" || got.Places[1].Key != "users/(subject)/photo.txt" {
		t.Fatalf("%+v", got.Places)
	}
	remove(t, m.URL+"/quay-keys/users/ann@example.com/photo.txt")
	if got = search(); len(got.Places) != 3 {
		t.Errorf("behind a delete marker: %+v", got.Places)
	}
}

func TestEraseInBucket(t *testing.T) {
	m := bucketOf(t, "quay-people", nil)
	put(t, m.URL+"/quay-people?versioning", `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`)
	put(t, m.URL+"/quay-people/in/a.csv", customers)
	put(t, m.URL+"/quay-people/in/a.csv", "id,email\n2,bob@example.com\n")
	put(t, m.URL+"/quay-people/in/b.txt", "Dear all, write to\nANN@Example.com soon. Joann@example.com is another.\n")
	put(t, m.URL+"/quay-people/in/c.parquet", "PAR1 damaged")
	ctx, now := context.Background(), time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ann, err := data.NewSubject("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	got, err := assess.Search(ctx, "s3://quay-people", ann, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Places) != 2 || len(got.Unread) != 1 || got.Unread[0].Key != "in/c.parquet" || got.Versions != 4 || got.Objects != 3 {
		t.Fatalf("%+v", got)
	}
	c, err := assess.NewCase(ann, now)
	if err != nil {
		t.Fatal(err)
	}
	c.Stores, c.Places, c.Models = []string{"s3://quay-people"}, got.Places, []data.EraseModel{{Model: "arn:m"}}
	text, err := json.Marshal(c)
	if err != nil || strings.Contains(strings.ToLower(string(text)), "ann@") {
		t.Fatalf("the value is told: %s", text)
	}
	bob, _ := data.NewSubject("bob@example.com")
	if err := assess.Same(c, bob); !errors.Is(err, assess.ErrOtherSubject) {
		t.Errorf("another subject: %v", err)
	}
	_, key, _ := ed25519.GenerateKey(nil)
	close := func(decisions map[string]string) ([]byte, error) {
		again, err := assess.Search(ctx, "s3://quay-people", ann, now)
		if err != nil {
			t.Fatal(err)
		}
		return assess.Close(c, []*assess.Searched{again}, decisions, nil, nil, now, key)
	}
	var still *assess.StillThereError
	if _, err := close(map[string]string{"arn:m": "retrained"}); !errors.As(err, &still) || len(still.What) != 5 {
		t.Fatalf("closed while everything is there: %v", err)
	}
	// A plain delete leaves the versions.
	remove(t, m.URL+"/quay-people/in/b.txt")
	if _, err := close(map[string]string{"arn:m": "retrained"}); !errors.As(err, &still) {
		t.Fatalf("closed behind a delete marker: %v", err)
	}
	for _, p := range got.Places {
		remove(t, m.URL+"/quay-people/"+p.Key+"?versionId="+p.Version)
	}
	put(t, m.URL+"/quay-people/in/c.parquet", "id\n1\n")
	for _, v := range got.Unread {
		remove(t, m.URL+"/quay-people/"+v.Key+"?versionId="+v.Version)
	}
	if _, err := close(nil); !errors.As(err, &still) || len(still.What) != 1 {
		t.Fatalf("closed without a word on the model: %v", err)
	}
	record, err := close(map[string]string{"arn:m": "trained again without her"})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(strings.ToLower(string(record)), "ann@") || !c.Closed {
		t.Error("the record tells the value, or the case is open")
	}
	public := key.Public().(ed25519.PublicKey)
	rec, err := assess.OpenRecord(record, public)
	if err != nil || len(rec.Destroyed) != 2 || len(rec.Relisted) != 1 || rec.Models[0].Decision != "trained again without her" {
		t.Fatalf("%+v %v", rec, err)
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if _, err := assess.OpenRecord(record, other); err == nil {
		t.Error("another's key")
	}
	for i := 0; i < len(record); i += 37 {
		touched := append([]byte{}, record...)
		touched[i] ^= 1
		if _, err := assess.OpenRecord(touched, public); err == nil {
			t.Fatalf("byte %d was changed unnoticed", i)
		}
	}
}

func TestErasures(t *testing.T) {
	st := openState(t, filepath.Join(t.TempDir(), "state"))
	e := assess.Erasures{Store: st}
	ctx := context.Background()
	for _, c := range []data.Case{{ID: "E-1"}, {ID: "E-2"}, {ID: "E-1", Closed: true}} {
		if err := e.Put(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	list, err := e.List(ctx)
	if err != nil || len(list) != 2 || !list[0].Closed || list[1].Closed {
		t.Errorf("%+v %v", list, err)
	}
}
