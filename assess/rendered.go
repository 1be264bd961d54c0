package assess

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/cloudformation"
	"github.com/sevenfold-sec/sevenfold/collect/redact"
	"github.com/sevenfold-sec/sevenfold/collect/terraform"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// ReadChange reads what is about to be applied, whoever will apply it: a plan of
// Terraform or OpenTofu, a CloudFormation template or change set, or Kubernetes
// manifests as helm template and kustomize build write them. source is a path, or
// written as on the command line: terraform:…, cloudformation:…, dir:….
//
// What is not Terraform's says only what there will be: each thing in it is made
// if the estate does not have it, and changed in what the text says if it has. What
// a change set removes is told; of what a chart or template no longer holds no text
// speaks, and so does nobody here.
func ReadChange(ctx context.Context, source string, key []byte) (*terraform.Plan, error) {
	rendered, err := renderedSource(source)
	if err != nil {
		return nil, err
	}
	if rendered == "" {
		return ReadPlan(source, key)
	}
	return readRendered(ctx, rendered, "", key)
}

// renderedSource is the source by which a rendered change is read; empty for a plan
// of Terraform.
func renderedSource(source string) (string, error) {
	kind, _, named := strings.Cut(source, ":")
	switch {
	case named && (kind == "dir" || kind == "cloudformation"):
		return source, nil
	case named && kind == "terraform":
		return "", nil
	}
	info, err := os.Stat(source)
	if err != nil {
		return "", nil // the reader of plans says it
	}
	if info.IsDir() {
		return "dir:" + source, nil
	}
	if !info.Mode().IsRegular() {
		return "", nil // to look at its beginning would take it away from who reads it
	}
	switch strings.ToLower(filepath.Ext(source)) {
	case ".yaml", ".yml", ".template", ".json":
	default:
		return "", nil
	}
	switch head, err := headOf(source); {
	case err != nil:
		return "", &SourceError{source, err.Error(), "give a file that may be read"}
	case template(head):
		return "cloudformation:" + source, nil
	case bytes.Contains(head, []byte("apiVersion")) && bytes.Contains(head, []byte("kind")):
		return "dir:" + source, nil
	}
	return "", nil
}

// template reports whether a file's beginning is that of a CloudFormation template
// or change set.
func template(head []byte) bool {
	for _, word := range []string{"AWSTemplateFormatVersion", "\"ChangeSetName\"", "\"ChangeSetId\"", "AWS::Serverless-2016-10-31"} {
		if bytes.Contains(head, []byte(word)) {
			return true
		}
	}
	return bytes.Contains(head, []byte("Resources")) && bytes.Contains(head, []byte("Type")) && bytes.Contains(head, []byte("AWS::")) &&
		!bytes.Contains(head, []byte("\"format_version\"")) && !bytes.Contains(head, []byte("apiVersion"))
}

// headOf reads a file's first 64 KiB.
func headOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(bufio.NewReader(f), 64<<10))
}

// readRendered makes a plan of what a source says there will be. cluster is that of
// manifests that do not name one; empty: the source's own.
func readRendered(ctx context.Context, source, cluster string, key []byte) (*terraform.Plan, error) {
	if cluster != "" && strings.HasPrefix(source, "dir:") && !strings.Contains(source, ",cluster=") {
		source += ",cluster=" + cluster
	}
	mask := func(next estate.Sink) estate.Sink { return redact.New(next, redact.Options{Key: key}) }
	c, err := open(source, nil, key, mask)
	if err != nil {
		return nil, err
	}
	b := estate.NewBuilder(time.Time{})
	if err := c.Collect(ctx, mask(b)); err != nil {
		return nil, err
	}
	snap, err := b.Build()
	if err != nil {
		return nil, err
	}
	p := &terraform.Plan{FormatVersion: "rendered", BlindSpots: snap.BlindSpots()}
	for n, a := range snap.Assets() {
		if a.Referenced || len(a.Reads) == 0 {
			continue
		}
		config, err := snap.Config(n)
		if err != nil {
			return nil, err
		}
		asset := raw(a, config)
		// Of a thing that is there already the text changes what it speaks of; what else
		// there is to read of it, it leaves alone.
		p.After = append(p.After, asset)
		p.Changes = append(p.Changes, terraform.Change{Address: addressOf(&asset), Type: asset.Type, Mode: "managed", Actions: []string{"create"}, After: []estate.Asset{asset}})
	}
	if len(p.After) == 0 && !slices.ContainsFunc(p.BlindSpots, removal) {
		return nil, &SourceError{source, "nothing in it is a resource that anybody could judge", "give a plan (terraform show -json), a CloudFormation template or change set, or rendered manifests (helm template, kustomize build)"}
	}
	for i, s := range p.BlindSpots {
		if removal(s) {
			p.BlindSpots[i].Status = estate.ReadFailed
		}
	}
	return p, nil
}

// removal reports whether a blind spot is a change set's word that a resource goes.
func removal(s estate.BlindSpot) bool {
	return strings.HasPrefix(s.Operation, cloudformation.Removal)
}

// addressOf is how people who wrote the text know a thing.
func addressOf(a *estate.Asset) string {
	if rest, ok := strings.CutPrefix(a.ID, "k8s://"); ok {
		_, in, _ := strings.Cut(rest, "/")
		return strings.TrimPrefix(in, "/")
	}
	return strings.TrimPrefix(a.ID, cloudformation.Unborn)
}

// PlaceChange settles what a change left open once the estate is known: the account
// of a plan (see PlaceOver), the cluster of manifests that name none, and of each
// rendered thing whether it is made or changed.
func PlaceChange(ctx context.Context, p *terraform.Plan, source string, key []byte, base *estate.Snapshot) (*terraform.Plan, error) {
	if p.FormatVersion != "rendered" {
		return PlaceOver(p, source, key, base)
	}
	if base == nil {
		return p, nil
	}
	rendered, err := renderedSource(source)
	if err != nil {
		return nil, err
	}
	if clusters := clustersOf(base); strings.HasPrefix(rendered, "dir:") && !strings.Contains(rendered, ",cluster=") && !slices.Contains(clusters, "default") {
		switch len(clusters) {
		case 0:
		case 1:
			if p, err = readRendered(ctx, rendered, clusters[0], key); err != nil {
				return nil, err
			}
		default:
			if slices.ContainsFunc(p.After, func(a estate.Asset) bool { return a.Cloud == estate.Kubernetes }) {
				return nil, &SourceError{source, fmt.Sprintf("the estate holds %d clusters, and nothing says which one the manifests are for", len(clusters)), rendered + ",cluster=NAME"}
			}
		}
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if n, ok := base.Find(c.After[0].ID); ok && !base.Asset(n).Referenced {
			c.Actions = []string{"update"}
			c.Before = c.After
		}
	}
	return p, nil
}
