package aws

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
)

// bucketTags is the body of a bucket's tagging.
type bucketTags struct {
	XMLName xml.Name    `xml:"http://s3.amazonaws.com/doc/2006-03-01/ Tagging"`
	Tags    []bucketTag `xml:"TagSet>Tag"`
}

type bucketTag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

// TagBucket sets one tag of a bucket and leaves the others as they are; was is its value
// before, empty for none. S3 knows no change of one tag: they are read, written together,
// and read again, and a tag that somebody else set meanwhile is an error, told and not put
// back. It needs s3:GetBucketTagging and s3:PutBucketTagging.
func (c *Client) TagBucket(ctx context.Context, bucket, region, key, value string) (was string, err error) {
	before, err := c.tagsOf(ctx, bucket, region)
	if err != nil {
		return "", err
	}
	after, set := append([]bucketTag{}, before...), false
	for i := range after {
		if after[i].Key == key {
			was, after[i].Value, set = after[i].Value, value, true
		}
	}
	if !set {
		after = append(after, bucketTag{key, value})
	}
	if was == value {
		return was, nil
	}
	body, err := xml.Marshal(bucketTags{Tags: after})
	if err != nil {
		return was, err
	}
	if _, _, err := c.send(ctx, call{service: "s3", operation: "PutBucketTagging", method: http.MethodPut, region: region, path: "/" + bucket, query: sub("tagging="), body: body}); err != nil {
		return was, err
	}
	now, err := c.tagsOf(ctx, bucket, region)
	if err != nil {
		return was, err
	}
	if len(now) != len(after) {
		return was, fmt.Errorf("s3 PutBucketTagging: the bucket %s has %d tags, %d were written: somebody else changed them meanwhile\nhint: aws s3api get-bucket-tagging --bucket %s", bucket, len(now), len(after), bucket)
	}
	return was, nil
}

func (c *Client) tagsOf(ctx context.Context, bucket, region string) ([]bucketTag, error) {
	body, _, err := c.send(ctx, call{service: "s3", operation: "GetBucketTagging", method: http.MethodGet, region: region, path: "/" + bucket, query: sub("tagging=")})
	if isCode(err, "NoSuchTagSet") {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var got struct {
		Tags []bucketTag `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal(body, &got); err != nil {
		return nil, fmt.Errorf("s3 GetBucketTagging: the reply is no tagging: %w", err)
	}
	return got.Tags, nil
}
