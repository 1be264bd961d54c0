package software

import "strings"

// Image is a container image's reference in full.
type Image struct {
	Registry, Path, Tag, Digest string
}

// ParseImage reads a reference as container runtimes do: a first segment with
// a dot or colon, or localhost, is a registry; Docker Hub and latest are meant
// where nothing is said.
func ParseImage(ref string) Image {
	var i Image
	ref = strings.TrimPrefix(strings.TrimSpace(ref), "docker://")
	ref, i.Digest, _ = strings.Cut(ref, "@")
	if slash, colon := strings.LastIndex(ref, "/"), strings.LastIndex(ref, ":"); colon > slash {
		ref, i.Tag = ref[:colon], ref[colon+1:]
	}
	first, rest, found := strings.Cut(ref, "/")
	if found && (strings.ContainsAny(first, ".:") || first == "localhost") {
		i.Registry, i.Path = first, rest
	} else {
		i.Registry, i.Path = "docker.io", ref
	}
	if i.Registry == "index.docker.io" {
		i.Registry = "docker.io"
	}
	if i.Registry == "docker.io" && !strings.Contains(i.Path, "/") {
		i.Path = "library/" + i.Path
	}
	if i.Tag == "" && i.Digest == "" {
		i.Tag = "latest"
	}
	return i
}

// String is the reference in full.
func (i Image) String() string {
	s := i.Registry + "/" + i.Path
	if i.Tag != "" {
		s += ":" + i.Tag
	}
	if i.Digest != "" {
		s += "@" + i.Digest
	}
	return s
}
