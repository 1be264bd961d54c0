package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/store"
)

// What a rule that cannot be loaded watches for is not looked for: that is no clean answer.
func TestRulesThatCannotBeLoaded(t *testing.T) {
	dir := t.TempDir()
	log, good, bad := filepath.Join(dir, "log.json"), filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for name, text := range map[string]string{
		log: `{"Records":[{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/jo","accountId":"111122223333","userName":"jo"},` +
			`"eventTime":"2026-01-05T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.7","userAgent":"cli",` +
			`"requestID":"r1","eventID":"0d1f8b1e-0000-4000-8000-000000000001","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333"}]}`,
		filepath.Join(good, "a.yml"): "title: a\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: DeleteTrail}, condition: s}\nlevel: high\n",
		filepath.Join(bad, "b.yml"):  "title: b\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName|nonsense: DeleteTrail}, condition: s}\nlevel: high\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	for folder, want := range map[string]bool{good: false, bad: true} {
		st, err := store.Open(ctx, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		w, err := assess.LoadWatch(ctx, st)
		if err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		_, unread, err := (&globals{stderr: &errs}).replay(ctx, w, nil, &withRules{folders: []string{folder}}, fromPaths([]string{log}), 3)
		if err != nil {
			t.Fatal(err)
		}
		if unread != want || strings.Contains(errs.String(), "b.yml") != want {
			t.Errorf("%s: not everything was looked for: %v, want %v\n%s", filepath.Base(folder), unread, want, errs.String())
		}
		// Who asks for incidents later is told as well: the state has it.
		if err := w.Save(ctx, st); err != nil {
			t.Fatal(err)
		}
		if w, err = assess.LoadWatch(ctx, st); err != nil {
			t.Fatal(err)
		}
		w.Learnt.Mature = true // nothing else stands in the way of a clean answer
		var out bytes.Buffer
		err = (&session{g: &globals{stdout: &out, stderr: &errs, format: "text"}}).tellIncidents(ctx, st, nil, w, nil)
		var code verdict
		if errors.As(err, &code); (code == exitUnknown) != want || strings.Contains(errs.String(), "could not be loaded when") != want {
			t.Errorf("%s: detect incidents ends with %v\n%s", filepath.Base(folder), err, errs.String())
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
