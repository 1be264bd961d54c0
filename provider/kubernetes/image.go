package kubernetes

import (
	"encoding/json"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/software"
)

// image is a container image's reference in full.
type image software.Image

func parseImage(ref string) image { return image(software.ParseImage(ref)) }

func (i image) String() string { return software.Image(i).String() }

func (i image) id() string { return "image://" + i.String() }

// ImageIDs are the ids that container images have which a reference names: of the
// reference as it is, and, where it says a digest, of the same content without
// its tag. References are read as container runtimes do, so that nginx,
// library/nginx and index.docker.io/library/nginx:latest are one.
func ImageIDs(ref string) []string {
	i := parseImage(ref)
	out := []string{i.id()}
	if i.Digest != "" && i.Tag != "" {
		i.Tag = ""
		out = append(out, i.id())
	}
	return out
}

func (i image) config() json.RawMessage {
	m := map[string]string{"registry": i.Registry, "repository": i.Path}
	if i.Tag != "" {
		m["tag"] = i.Tag
	}
	if i.Digest != "" {
		m["digest"] = i.Digest
	}
	out, _ := json.Marshal(m)
	return out
}

// ecr names the ECR repository an image is in, "" if it is in none.
func (i image) ecr() string {
	parts := strings.Split(i.Registry, ".")
	if len(parts) < 6 || parts[1] != "dkr" || !strings.HasPrefix(parts[2], "ecr") || parts[4] != "amazonaws" {
		return ""
	}
	partition := "aws"
	if parts[len(parts)-1] == "cn" {
		partition = "aws-cn"
	} else if strings.HasPrefix(parts[3], "us-gov-") {
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":ecr:" + parts[3] + ":" + parts[0] + ":repository/" + i.Path
}

// isARN reports whether s is an ARN of a service.
func isARN(s, service string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == service
}
