package assess

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/audit/events"
	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// Deletions are the events in logs that show the end of a case's places: the event's id by
// store, key and version, the key without the subject's value as the case has it. What
// could not be read is named in broken: an event in it is not told, and nothing is claimed
// of it.
func Deletions(ctx context.Context, c *data.Case, subject *data.Subject, logs []Log) (found map[string]string, broken []string, err error) {
	found = map[string]string{}
	want := map[string][]string{} // stores by bucket and key
	for _, p := range c.Places {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(p.Store, "s3://"), "/")
		want[bucket+"\x00"+p.Key] = append(want[bucket+"\x00"+p.Key], p.Store)
	}
	r := &logReader{}
	r.take = func(name, _ string) (int, error) {
		in, closeAll, err := openLog(name)
		if err != nil {
			return 0, err
		}
		defer closeAll()
		return events.Each(in, func(text json.RawMessage) error {
			id, bucket, key, version := deletionEvent(text)
			if id == "" {
				return ctx.Err()
			}
			key, _ = subject.Bare(key)
			for _, store := range want[bucket+"\x00"+key] {
				found[store+"\x00"+key+"\x00"+version] = id
			}
			return ctx.Err()
		})
	}
	for _, l := range logs {
		if err := r.walk(ctx, l); err != nil {
			if ctx.Err() != nil {
				return nil, nil, ctx.Err()
			}
			broken = append(broken, err.Error())
		}
	}
	return found, append(broken, r.problems...), nil
}

// deletionEvent reads an event of CloudTrail that says of one version of an object that it
// was deleted. A deletion that names no version of a versioned object ends none: it puts a
// marker before them, and its version is that marker's.
func deletionEvent(text json.RawMessage) (id, bucket, key, version string) {
	var e struct {
		ID     string `json:"eventID"`
		Source string `json:"eventSource"`
		Name   string `json:"eventName"`
		Error  string `json:"errorCode"`
		Asked  struct {
			Bucket  string `json:"bucketName"`
			Key     string `json:"key"`
			Version string `json:"versionId"`
		} `json:"requestParameters"`
		Told struct {
			Marker string `json:"x-amz-delete-marker"`
		} `json:"responseElements"`
	}
	if json.Unmarshal(text, &e) != nil || e.Source != "s3.amazonaws.com" || e.Name != "DeleteObject" || e.Error != "" {
		return "", "", "", ""
	}
	switch {
	case e.Asked.Version != "":
		return e.ID, e.Asked.Bucket, e.Asked.Key, e.Asked.Version
	case e.Told.Marker == "true":
		return "", "", "", ""
	}
	return e.ID, e.Asked.Bucket, e.Asked.Key, "null"
}
