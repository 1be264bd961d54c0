package parts

import (
	"net/url"
	"regexp"
	"strings"
)

// MLflow is the ecosystem of models that code names as MLflow's registry does.
const MLflow = "MLflow"

// registryURI matches a reference to MLflow's registry: models:/NAME/VERSION,
// models:/NAME/STAGE, models:/NAME@ALIAS, and to files of a run: runs:/ID/PATH.
// Source: MLflow's documentation, "Model URI".
var registryURI = regexp.MustCompile("(models|runs):/([^/@\\s\"'`{}<>$\\\\,;)]+)(?:/([^\\s\"'`{}<>$\\\\,;)]+)|@([^\\s\"'`{}<>$\\\\,;)/]+))?")

// registryNames are references to MLflow's registry that stand in a text, but for lines
// that are comments.
func (f *file) registryNames(text string, offset int) {
	if !strings.Contains(text, "models:/") && !strings.Contains(text, "runs:/") {
		return
	}
	for i, line := range strings.Split(text, "\n") {
		if t := strings.TrimSpace(line); strings.HasPrefix(t, "#") || strings.HasPrefix(t, "//") {
			continue
		}
		for _, m := range registryURI.FindAllStringSubmatch(line, 100) {
			f.registryName(m, i+1+offset)
		}
	}
}

func (f *file) registryName(m []string, line int) {
	p := Part{Kind: Model, Ecosystem: MLflow, Name: m[2], Facts: map[string]string{"by": m[0]}}
	if name, err := url.PathUnescape(p.Name); err == nil {
		p.Name = name
	}
	switch {
	case m[1] == "runs":
		p.Name, p.Facts["run"] = "runs:/"+m[2], m[2]
	case m[4] != "":
		p.Version, p.Facts["alias"] = "@"+m[4], m[4]
	default:
		version, _, _ := strings.Cut(m[3], "/") // a path within the version's files may follow
		p.Version, p.Pinned = version, version != "" && strings.Trim(version, "0123456789") == ""
	}
	f.add(p, line)
}

// loadedByMLflow is a call of MLflow's that loads a model. What it names as the registry
// does is found in the text; anything else is a place of its own, or named at run time.
func (c *coder) loadedByMLflow(x *call, line int) {
	uri := firstOf(x.named["model_uri"], x.first(""))
	if last(x.name) == "spark_udf" && x.named["model_uri"] == "" {
		if uri = ""; len(x.positional) > 1 {
			uri = x.positional[1]
		}
	}
	switch {
	case uri == "":
		c.notice("model-named-at-run-time", Low, line, "", "", "%s is given a model that this file does not name", x.name)
	case registryURI.MatchString(uri):
	case strings.Contains(uri, "://"):
		c.add(Part{Kind: Model, Name: withoutUser(uri), Facts: map[string]string{"by": x.name}}, line)
	default:
		c.add(Part{Kind: Model, Ecosystem: "file", Name: clip(uri, 200), Facts: map[string]string{"by": x.name}}, line)
	}
}
