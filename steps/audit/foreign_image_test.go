package audit

import (
	"testing"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
)

// A tool's name of an image is read as container runtimes read it, so that its
// results are tied to what runs, however either is spelt; another image's are not.
func TestImagesAreTiedHoweverTheyAreSpelt(t *testing.T) {
	const digest = "@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
	tests := map[string]struct {
		runs  string
		named []string
		tied  bool
	}{
		"docker_hub":          {"docker.io/vllm/vllm-openai" + digest, []string{"vllm/vllm-openai" + digest}, true},
		"written_out":         {"docker.io/vllm/vllm-openai" + digest, []string{"docker.io/vllm/vllm-openai" + digest}, true},
		"index":               {"docker.io/vllm/vllm-openai:v1", []string{"index.docker.io/vllm/vllm-openai:v1"}, true},
		"library":             {"docker.io/library/python:3.12", []string{"python:3.12"}, true},
		"latest":              {"docker.io/library/python:latest", []string{"library/python"}, true},
		"task_as_it_is_given": {"vllm/vllm-openai:v1", []string{"docker.io/vllm/vllm-openai:v1"}, true},
		"tag_and_digest":      {"docker.io/vllm/vllm-openai:v1" + digest, []string{"other:1", "vllm/vllm-openai" + digest}, true},
		"another_registry":    {"ghcr.io/vllm/vllm-openai" + digest, []string{"vllm/vllm-openai" + digest}, false},
		"another_digest":      {"docker.io/vllm/vllm-openai" + digest, []string{"vllm/vllm-openai@sha256:aa"}, false},
		"another_tag":         {"docker.io/vllm/vllm-openai:v1", []string{"vllm/vllm-openai:v2"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			image := "image://" + tt.runs
			s := build(t, func(b *estate.Builder) {
				b.Asset(asset(bucket, "AWS::S3::Bucket"))
				b.Asset(estate.Asset{ID: image, Type: estate.ImageType, Kind: estate.KindImage, Referenced: true})
				b.Relation(estate.Relation{From: bucket, To: image, Type: estate.Loads, Tier: estate.Declared})
				b.Asset(scanOf("trivy", map[string]estate.ForeignCheck{"CVE-2024-1": {Title: "a hole", Kind: estate.ForeignVulnerability}}))
				b.Asset(says("trivy", estate.ForeignResource{Images: tt.named}, estate.ForeignResult{Check: "CVE-2024-1", Status: estate.ForeignFail, Severity: "CRITICAL", Place: "lib", Time: taken}))
			})
			_, find := judge(t, s)
			if got := find(finding.NewID("foreign:CVE-2024-1", image, "lib")) != nil; got != tt.tied {
				t.Errorf("tied is %t, want %t", got, tt.tied)
			}
		})
	}
}
