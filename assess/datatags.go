package assess

import (
	"context"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// Tagged is what came of setting one tag.
type Tagged struct {
	data.StoreTag
	Was   string `json:"was,omitempty"`   // read right before it was set
	Error string `json:"error,omitempty"` // why it was not set
}

// SetTags writes the tags that are wanting or say less than was found, as the credentials
// of the environment and the options of an aws source (profile=…) say. One that is refused
// does not end the others.
func SetTags(ctx context.Context, options string, tags []data.StoreTag) ([]Tagged, error) {
	c, err := amazonResponder(ctx, options, "")
	if err != nil {
		return nil, err
	}
	out := []Tagged{}
	for _, t := range tags {
		if t.Status == data.TagSame {
			continue
		}
		one := Tagged{StoreTag: t}
		bucket := t.Store[strings.LastIndexByte(t.Store, ':')+1:]
		if one.Was, err = c.TagBucket(ctx, bucket, t.Region, t.Key, t.Value); err != nil {
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			one.Error = err.Error()
		}
		out = append(out, one)
	}
	return out, nil
}
