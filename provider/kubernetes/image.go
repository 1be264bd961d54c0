package kubernetes

import (
	"encoding/json"
	"strings"
)

// image is a container image's reference in full.
type image struct {
	registry, path, tag, digest string
}

// parseImage reads a reference as container runtimes do: a first segment with
// a dot or colon, or localhost, is a registry; Docker Hub and latest are meant
// where nothing is said.
func parseImage(ref string) image {
	var i image
	ref = strings.TrimPrefix(strings.TrimSpace(ref), "docker://")
	ref, i.digest, _ = strings.Cut(ref, "@")
	if slash, colon := strings.LastIndex(ref, "/"), strings.LastIndex(ref, ":"); colon > slash {
		ref, i.tag = ref[:colon], ref[colon+1:]
	}
	first, rest, found := strings.Cut(ref, "/")
	if found && (strings.ContainsAny(first, ".:") || first == "localhost") {
		i.registry, i.path = first, rest
	} else {
		i.registry, i.path = "docker.io", ref
	}
	if i.registry == "index.docker.io" {
		i.registry = "docker.io"
	}
	if i.registry == "docker.io" && !strings.Contains(i.path, "/") {
		i.path = "library/" + i.path
	}
	if i.tag == "" && i.digest == "" {
		i.tag = "latest"
	}
	return i
}

func (i image) String() string {
	s := i.registry + "/" + i.path
	if i.tag != "" {
		s += ":" + i.tag
	}
	if i.digest != "" {
		s += "@" + i.digest
	}
	return s
}

func (i image) id() string { return "image://" + i.String() }

// ImageIDs are the ids that container images have which a reference names: of the
// reference as it is, and, where it says a digest, of the same content without
// its tag. References are read as container runtimes do, so that nginx,
// library/nginx and index.docker.io/library/nginx:latest are one.
func ImageIDs(ref string) []string {
	i := parseImage(ref)
	out := []string{i.id()}
	if i.digest != "" && i.tag != "" {
		i.tag = ""
		out = append(out, i.id())
	}
	return out
}

func (i image) config() json.RawMessage {
	m := map[string]string{"registry": i.registry, "repository": i.path}
	if i.tag != "" {
		m["tag"] = i.tag
	}
	if i.digest != "" {
		m["digest"] = i.digest
	}
	out, _ := json.Marshal(m)
	return out
}

// ecr names the ECR repository an image is in, "" if it is in none.
func (i image) ecr() string {
	parts := strings.Split(i.registry, ".")
	if len(parts) < 6 || parts[1] != "dkr" || !strings.HasPrefix(parts[2], "ecr") || parts[4] != "amazonaws" {
		return ""
	}
	partition := "aws"
	if parts[len(parts)-1] == "cn" {
		partition = "aws-cn"
	} else if strings.HasPrefix(parts[3], "us-gov-") {
		partition = "aws-us-gov"
	}
	return "arn:" + partition + ":ecr:" + parts[3] + ":" + parts[0] + ":repository/" + i.path
}

// isARN reports whether s is an ARN of a service.
func isARN(s, service string) bool {
	parts := strings.SplitN(s, ":", 6)
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == service
}
