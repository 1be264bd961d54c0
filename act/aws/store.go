package aws

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// token is a stable idempotency token of a call.
func token(parts ...string) string {
	h := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "sevenfold-" + hex.EncodeToString(h[:])[:40]
}

// s3 calls an operation on a bucket or an object, in path style.
func (c *Client) s3(ctx context.Context, operation, method, bucket, key string, query url.Values, header map[string]string, body []byte) ([]byte, http.Header, error) {
	path := "/" + url.PathEscape(bucket)
	if key != "" {
		parts := strings.Split(key, "/")
		for i, p := range parts {
			parts[i] = strings.ReplaceAll(url.PathEscape(p), "+", "%2B")
		}
		path += "/" + strings.Join(parts, "/")
	}
	return c.send(ctx, call{service: "s3", operation: operation, method: method, path: path, query: query, header: header, body: body})
}

func sub(names ...string) url.Values {
	v := url.Values{}
	for _, n := range names {
		k, val, _ := strings.Cut(n, "=")
		v.Set(k, val)
	}
	return v
}

func bucketOf(in Input) string {
	_, _, _, r := in.arn()
	b, _, _ := strings.Cut(r, "/")
	return b
}

func objectOf(in Input) string {
	_, _, _, r := in.arn()
	_, k, _ := strings.Cut(r, "/")
	return k
}

// sealed is a resource policy with one statement more, that denies to all but those
// who respond.
func sealed(actions []string, resource func(Input) any) func(Input, string) string {
	return func(in Input, had string) string {
		doc := map[string]any{"Version": "2012-10-17"}
		if had != "" {
			if err := json.Unmarshal([]byte(had), &doc); err != nil {
				doc = map[string]any{"Version": "2012-10-17"}
			}
		}
		var kept []any
		switch s := doc["Statement"].(type) {
		case []any:
			kept = s
		case map[string]any:
			kept = []any{s}
		}
		kept = slices.DeleteFunc(slices.Clone(kept), func(s any) bool {
			m, _ := s.(map[string]any)
			return m["Sid"] == "SevenfoldSeal"
		})
		seal := map[string]any{"Sid": "SevenfoldSeal", "Effect": "Deny", "Principal": "*", "Action": actions,
			"Condition": map[string]any{"ArnNotLike": map[string]any{"aws:PrincipalArn": strings.Split(in.With["except"], ",")}}}
		if r := resource(in); r != nil {
			seal["Resource"] = r
		}
		doc["Statement"] = append(kept, seal)
		text, err := canonical(doc)
		if err != nil {
			return had
		}
		return string(text)
	}
}

// sameDocument compares policies by what they say: services write them anew.
func sameDocument(_ Input, now, want string) bool {
	a, err1 := canonical(json.RawMessage(now))
	b, err2 := canonical(json.RawMessage(want))
	return err1 == nil && err2 == nil && string(a) == string(b)
}

const exceptDoc = "ARNs, with * and separated by commas, of the principals who go on having access: the responders"

func storeActions() []*Action {
	bucket := func(in Input) string { return "arn:" + in.partition() + ":s3:::" + bucketOf(in) }
	objects := func(in Input) string { return bucket(in) + "/*" }
	return []*Action{
		bucketPolicy().on(Action{id: "aws.s3.seal-bucket", title: "deny a bucket to all but the responders", target: "AWS::S3::Bucket", params: map[string]string{"except": exceptDoc},
			breaks: "every job and endpoint that reads from or writes to the bucket", grants: []string{"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}, resource: bucket}),
		{id: "aws.s3.block-public", title: "block public access to a bucket", target: "AWS::S3::Bucket", breaks: "anonymous readers, and access by policies that name everybody",
			grants: []string{"s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock"}, resource: bucket, read: publicBlock,
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setPublicBlock(ctx, c, in, map[string]any{"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true, "RestrictPublicBuckets": true})
			},
			holds: func(_ Input, now, _ json.RawMessage) bool {
				b, _ := state(now)["block"].(map[string]any)
				return len(b) == 4 && !slices.Contains(slices.Collect(maps.Values(b)), any(false))
			},
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				b, there := state(prior)["block"].(map[string]any)
				if there {
					return setPublicBlock(ctx, c, in, b)
				}
				_, _, err := c.s3(ctx, "DeletePublicAccessBlock", http.MethodDelete, bucketOf(in), "", sub("publicAccessBlock"), nil, nil)
				return err
			}},
		{id: "aws.s3.hold-version", title: "hold a version of an object, so that nobody can delete it", target: "AWS::S3::Object", params: map[string]string{"version": "id of the version"},
			breaks: "deletion of that version, by rules of the lifecycle too", grants: []string{"s3:GetObjectLegalHold", "s3:PutObjectLegalHold"}, resource: objects, read: legalHold,
			set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
				return setHold(ctx, c, in, "ON")
			},
			holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "hold") == "ON" },
			put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
				return setHold(ctx, c, in, text(state(prior), "hold"))
			}},
		{id: "aws.s3.restore-version", title: "make an earlier version of an object the current one", target: "AWS::S3::Object", params: map[string]string{"version": "id of the version that was good"},
			breaks: "readers get the earlier content; the later version stays beside it", grants: []string{"s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObjectVersion"}, resource: objects,
			also: func(in Input) map[string][]string {
				return map[string][]string{bucket(in): {"s3:ListBucketVersions"}}
			},
			read: versions, set: restoreVersion, holds: versionRestored, put: dropVersion},
		kmsAction(),
		resourcePolicy("secretsmanager", func(ctx context.Context, c *Client, in Input, operation string, more map[string]any) (map[string]any, error) {
			body := map[string]any{"SecretId": in.Target}
			maps.Copy(body, more)
			return c.json(ctx, "secretsmanager", in.region(), "secretsmanager", operation, body)
		}, "ResourcePolicy", "ResourcePolicy", sealed([]string{"secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"}, func(Input) any { return "*" }), "ResourceNotFoundException").on(Action{
			id: "aws.secretsmanager.seal-secret", title: "deny a secret to all but the responders", target: "AWS::SecretsManager::Secret", params: map[string]string{"except": exceptDoc},
			breaks: "whatever reads the secret", grants: []string{"secretsmanager:GetResourcePolicy", "secretsmanager:PutResourcePolicy", "secretsmanager:DeleteResourcePolicy"}}),
		repositoryPolicy().on(Action{id: "aws.ecr.seal-repository", title: "deny pulls from and pushes to a repository to all but the responders", target: "AWS::ECR::Repository", params: map[string]string{"except": exceptDoc},
			breaks: "new containers of its images do not start", grants: []string{"ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy"}}),
	}
}

func bucketPolicy() pair {
	return pair{
		get: func(ctx context.Context, c *Client, in Input) (string, bool, error) {
			body, _, err := c.s3(ctx, "GetBucketPolicy", http.MethodGet, bucketOf(in), "", sub("policy"), nil, nil)
			if isCode(err, "NoSuchBucketPolicy") {
				return "", false, nil
			}
			return string(body), err == nil, err
		},
		put: func(ctx context.Context, c *Client, in Input, value string) error {
			_, _, err := c.s3(ctx, "PutBucketPolicy", http.MethodPut, bucketOf(in), "", sub("policy"), nil, []byte(value))
			return err
		},
		del: func(ctx context.Context, c *Client, in Input) error {
			_, _, err := c.s3(ctx, "DeleteBucketPolicy", http.MethodDelete, bucketOf(in), "", sub("policy"), nil, nil)
			return err
		},
		want: sealed([]string{"s3:*"}, func(in Input) any {
			b := "arn:" + in.partition() + ":s3:::" + bucketOf(in)
			return []string{b, b + "/*"}
		}), is: sameDocument,
	}
}

// resourcePolicy is the policy of a resource whose service has Get, Put and Delete of it.
func resourcePolicy(_ string, ask func(context.Context, *Client, Input, string, map[string]any) (map[string]any, error), getMember, putMember string, want func(Input, string) string, _ string) pair {
	return pair{
		get: func(ctx context.Context, c *Client, in Input) (string, bool, error) {
			r, err := ask(ctx, c, in, "GetResourcePolicy", nil)
			if err != nil {
				return "", false, err
			}
			return text(r, getMember), text(r, getMember) != "", nil
		},
		put: func(ctx context.Context, c *Client, in Input, value string) error {
			_, err := ask(ctx, c, in, "PutResourcePolicy", map[string]any{putMember: value})
			return err
		},
		del: func(ctx context.Context, c *Client, in Input) error {
			_, err := ask(ctx, c, in, "DeleteResourcePolicy", nil)
			return err
		},
		want: want, is: sameDocument,
	}
}

func repositoryPolicy() pair {
	ask := func(ctx context.Context, c *Client, in Input, operation string, more map[string]any) (map[string]any, error) {
		_, _, account, r := in.arn()
		body := map[string]any{"registryId": account, "repositoryName": strings.TrimPrefix(r, "repository/")}
		maps.Copy(body, more)
		return c.json(ctx, "ecr", in.region(), "AmazonEC2ContainerRegistry_V20150921", operation, body)
	}
	return pair{
		get: func(ctx context.Context, c *Client, in Input) (string, bool, error) {
			r, err := ask(ctx, c, in, "GetRepositoryPolicy", nil)
			if isCode(err, "RepositoryPolicyNotFound") {
				return "", false, nil
			}
			return text(r, "policyText"), err == nil, err
		},
		put: func(ctx context.Context, c *Client, in Input, value string) error {
			_, err := ask(ctx, c, in, "SetRepositoryPolicy", map[string]any{"policyText": value})
			return err
		},
		del: func(ctx context.Context, c *Client, in Input) error {
			_, err := ask(ctx, c, in, "DeleteRepositoryPolicy", nil)
			return err
		},
		want: sealed([]string{"ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:PutImage"}, func(Input) any { return nil }), is: sameDocument,
	}
}

func kmsAction() *Action {
	key := func(ctx context.Context, c *Client, in Input, operation string) (map[string]any, error) {
		return c.json(ctx, "kms", in.region(), "TrentService", operation, map[string]any{"KeyId": in.name()})
	}
	return &Action{id: "aws.kms.disable-key", title: "disable a key, so that nothing it encrypts can be read", target: "AWS::KMS::Key",
		breaks: "everything encrypted by the key: buckets, volumes, models, secrets", grants: []string{"kms:DescribeKey", "kms:DisableKey", "kms:EnableKey"},
		read: func(ctx context.Context, c *Client, in Input) (any, error) {
			r, err := key(ctx, c, in, "DescribeKey")
			if err != nil {
				return nil, err
			}
			return map[string]any{"state": text(r, "KeyMetadata", "KeyState")}, nil
		},
		set: func(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
			_, err := key(ctx, c, in, "DisableKey")
			return err
		},
		holds: func(_ Input, now, _ json.RawMessage) bool { return text(state(now), "state") == "Disabled" },
		put: func(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
			operation := "EnableKey"
			if text(state(prior), "state") == "Disabled" {
				operation = "DisableKey"
			}
			_, err := key(ctx, c, in, operation)
			return err
		}}
}

var blockNames = []string{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}

func publicBlock(ctx context.Context, c *Client, in Input) (any, error) {
	body, _, err := c.s3(ctx, "GetPublicAccessBlock", http.MethodGet, bucketOf(in), "", sub("publicAccessBlock"), nil, nil)
	if isCode(err, "NoSuchPublicAccessBlockConfiguration") {
		return map[string]any{"block": nil}, nil
	}
	if err != nil {
		return nil, err
	}
	x, err := decodeXML(body)
	if err != nil {
		return nil, err
	}
	b := map[string]any{}
	for _, n := range blockNames {
		b[n] = strings.EqualFold(text(x, n), "true")
	}
	return map[string]any{"block": b}, nil
}

func setPublicBlock(ctx context.Context, c *Client, in Input, b map[string]any) error {
	var s strings.Builder
	s.WriteString(`<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for _, n := range blockNames {
		fmt.Fprintf(&s, "<%s>%v</%s>", n, b[n] == true, n)
	}
	s.WriteString(`</PublicAccessBlockConfiguration>`)
	_, _, err := c.s3(ctx, "PutPublicAccessBlock", http.MethodPut, bucketOf(in), "", sub("publicAccessBlock"), nil, []byte(s.String()))
	return err
}

func legalHold(ctx context.Context, c *Client, in Input) (any, error) {
	body, _, err := c.s3(ctx, "GetObjectLegalHold", http.MethodGet, bucketOf(in), objectOf(in), sub("legal-hold", "versionId="+in.With["version"]), nil, nil)
	if isCode(err, "NoSuchObjectLockConfiguration") {
		return map[string]any{"hold": "OFF"}, nil
	}
	if err != nil {
		return nil, err
	}
	x, err := decodeXML(body)
	return map[string]any{"hold": first(text(x, "Status"), "OFF")}, err
}

func setHold(ctx context.Context, c *Client, in Input, status string) error {
	body := `<LegalHold xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>` + status + `</Status></LegalHold>`
	_, _, err := c.s3(ctx, "PutObjectLegalHold", http.MethodPut, bucketOf(in), objectOf(in), sub("legal-hold", "versionId="+in.With["version"]), nil, []byte(body))
	return err
}

// version is one of an object's.
type version struct {
	Key          string `xml:"Key" json:"-"`
	VersionID    string `xml:"VersionId" json:"version"`
	IsLatest     bool   `xml:"IsLatest" json:"latest"`
	ETag         string `xml:"ETag" json:"etag"`
	LastModified string `xml:"LastModified" json:"modified"`
	Deleted      bool   `xml:"-" json:"deleted,omitempty"`
}

func listVersions(ctx context.Context, c *Client, in Input) ([]version, error) {
	var out []version
	q := sub("versions", "prefix="+objectOf(in))
	for range 100 {
		body, _, err := c.s3(ctx, "ListObjectVersions", http.MethodGet, bucketOf(in), "", q, nil, nil)
		if err != nil {
			return nil, err
		}
		var r struct {
			IsTruncated                        bool
			NextKeyMarker, NextVersionIdMarker string //nolint:revive // S3's spelling
			Version, DeleteMarker              []version
		}
		if err := xml.Unmarshal(body, &r); err != nil {
			return nil, err
		}
		for i := range r.DeleteMarker {
			r.DeleteMarker[i].Deleted = true
		}
		for _, v := range append(r.Version, r.DeleteMarker...) {
			if v.Key == objectOf(in) {
				out = append(out, v)
			}
		}
		if !r.IsTruncated {
			slices.SortFunc(out, func(a, b version) int { return strings.Compare(a.VersionID, b.VersionID) })
			return out, nil
		}
		q.Set("key-marker", r.NextKeyMarker)
		q.Set("version-id-marker", r.NextVersionIdMarker)
	}
	return nil, errors.New("the object has more than 100,000 versions")
}

func versions(ctx context.Context, c *Client, in Input) (any, error) {
	list, err := listVersions(ctx, c, in)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, removed("s3", "ListObjectVersions", "the object is there in no version")
	}
	if !slices.ContainsFunc(list, func(v version) bool { return v.VersionID == in.With["version"] && !v.Deleted }) {
		return nil, fmt.Errorf("the object has no version %s", in.With["version"])
	}
	return map[string]any{"versions": list}, nil
}

type versionState struct {
	Versions []version `json:"versions"`
}

func versionsOf(raw json.RawMessage) []version {
	var s versionState
	_ = json.Unmarshal(raw, &s) // canonical wrote it
	return s.Versions
}

func restoreVersion(ctx context.Context, c *Client, in Input, _ json.RawMessage) error {
	source := "/" + url.PathEscape(bucketOf(in)) + "/" + strings.ReplaceAll(url.PathEscape(objectOf(in)), "%2F", "/") + "?versionId=" + url.QueryEscape(in.With["version"])
	_, _, err := c.s3(ctx, "CopyObject", http.MethodPut, bucketOf(in), objectOf(in), nil, map[string]string{"X-Amz-Copy-Source": source}, nil)
	return err
}

// versionRestored: a version that was not there before is the current one, and has the
// content of the good one.
func versionRestored(in Input, now, prior json.RawMessage) bool {
	had := versionsOf(prior)
	var good, latest version
	for _, v := range versionsOf(now) {
		if v.VersionID == in.With["version"] {
			good = v
		}
		if v.IsLatest {
			latest = v
		}
	}
	isNew := !slices.ContainsFunc(had, func(v version) bool { return v.VersionID == latest.VersionID })
	return !latest.Deleted && latest.ETag == good.ETag && good.ETag != "" && (isNew || latest.VersionID == good.VersionID)
}

// dropVersion deletes the copies that the restoring made, and nothing else.
func dropVersion(ctx context.Context, c *Client, in Input, prior json.RawMessage) error {
	had := versionsOf(prior)
	list, err := listVersions(ctx, c, in)
	if err != nil {
		return err
	}
	var good string
	for _, v := range list {
		if v.VersionID == in.With["version"] {
			good = v.ETag
		}
	}
	for _, v := range list {
		if v.ETag != good || v.Deleted || slices.ContainsFunc(had, func(h version) bool { return h.VersionID == v.VersionID }) {
			continue
		}
		if _, _, err := c.s3(ctx, "DeleteObject", http.MethodDelete, bucketOf(in), objectOf(in), sub("versionId="+v.VersionID), nil, nil); err != nil {
			return err
		}
	}
	return nil
}
