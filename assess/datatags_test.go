package assess_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// A tag is written beside those that a bucket has; one that is as asked is not written,
// and a bucket that is not there is told and ends nothing.
func TestSetTags(t *testing.T) {
	m := bucketOf(t, "quay-tags", nil)
	put(t, m.URL+"/quay-tags?tagging", `<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>team</Key><Value>a&amp;b</Value></Tag><Tag><Key>DataClassification</Key><Value>public</Value></Tag></TagSet></Tagging>`)
	const id = "arn:aws:s3:::quay-"
	got, err := assess.SetTags(context.Background(), "regions=eu-west-1", []data.StoreTag{
		{Store: id + "nothing", Region: "eu-west-1", Key: "DataClassification", Value: "PII", Status: data.TagWanting},
		{Store: id + "tags", Region: "eu-west-1", Key: "DataClassification", Value: "PCI+PII", Status: data.TagLess},
		{Store: id + "tags", Region: "eu-west-1", Key: "other", Value: "x", Status: data.TagSame},
	})
	if err != nil || len(got) != 2 || !strings.Contains(got[0].Error, "NoSuchBucket") || got[1].Error != "" || got[1].Was != "public" {
		t.Fatalf("%+v, %v", got, err)
	}
	_, text := moto.Ask(t, http.MethodGet, m.URL+"/quay-tags?tagging", "s3", "")
	if !strings.Contains(text, "PCI+PII") || !strings.Contains(text, "a&amp;b") || strings.Contains(text, "other") {
		t.Error(text)
	}
}
