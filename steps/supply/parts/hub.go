package parts

import (
	"encoding/json"
	"regexp"
	"strings"
)

// pretrained is a call that loads a model or a data set from a hub.
func (c *coder) pretrained(x *call, line int) {
	last := last(x.name)
	name := firstOf(x.named["pretrained_model_name_or_path"], x.named["model"], x.named["repo_id"], x.named["model_name_or_path"], x.named["path"])
	if name == "" && last == "pipeline" && len(x.positional) > 1 {
		name = x.positional[1]
	}
	if name == "" && last != "pipeline" {
		name = x.first("")
	}
	kind := Model
	if last == "load_dataset" || x.named["repo_type"] == "dataset" {
		kind = Dataset
	}
	if x.named["trust_remote_code"] == "true" {
		c.notice("trust-remote-code", High, line, name, "CWE-829", "trust_remote_code runs Python of the repository %s", firstOf(name, "named at run time"))
	}
	if x.named["use_safetensors"] == "false" {
		c.notice("no-safetensors", Medium, line, name, "CWE-502", "use_safetensors=False loads pickles")
	}
	if name == "" {
		if last == "pipeline" && !x.said["model"] {
			c.notice("model-of-the-library", Medium, line, "", "CWE-1357", "pipeline without a model loads whatever the library's default is that day")
			return
		}
		c.notice("model-named-at-run-time", Low, line, "", "", "%s is given a model that this file does not name", x.name)
		return
	}
	c.hubPart(kind, name, x.named["revision"], line, x)
}

func (c *coder) hubModel(ecosystem, name, revision string, line int, x *call) {
	if name != "" {
		c.add(Part{Kind: Model, Ecosystem: ecosystem, Name: name, Version: revision, Pinned: commit.MatchString(revision), Facts: map[string]string{"by": x.name}}, line)
	}
}

// hubName matches the id of a repository of Hugging Face: NAME or OWNER/NAME.
var hubName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$`)

// localData are names of data formats that load_dataset takes in the place of a name.
var localData = map[string]bool{"json": true, "csv": true, "parquet": true, "text": true, "imagefolder": true, "audiofolder": true, "arrow": true, "webdataset": true}

func (c *coder) hubPart(kind Kind, name, revision string, line int, x *call) {
	f := c.file
	if !hubName.MatchString(name) || kind == Dataset && localData[name] {
		if strings.Contains(name, "://") {
			f.add(Part{Kind: kind, Name: withoutUser(name), Facts: map[string]string{"by": x.name}}, line)
			return
		}
		f.add(Part{Kind: kind, Ecosystem: "file", Name: clip(name, 200), Facts: map[string]string{"by": x.name}}, line)
		return
	}
	f.hugging(kind, name, revision, x.name, line)
}

func (f *file) hugging(kind Kind, name, revision, by string, line int) {
	p := Part{Kind: kind, Ecosystem: "Hugging Face", Name: name, Version: revision, Pinned: commit.MatchString(revision), Facts: map[string]string{"by": by}}
	f.add(p, line)
	if !p.Pinned {
		what := "without a revision"
		if revision != "" {
			what = "by revision " + clip(revision, 40) + ", a name that can move"
		}
		f.notice("floating-"+string(kind), Medium, line, name, "CWE-1357", "%s is loaded %s: whoever may push to it changes what runs here", name, what)
	}
}

// notebook reads the code of a Jupyter notebook, cell by cell.
func notebook(f *file) error {
	var nb struct {
		Cells []struct {
			Type   string          `json:"cell_type"`
			Source json.RawMessage `json:"source"`
		} `json:"cells"`
		Metadata struct {
			Kernel struct {
				Name     string `json:"name"`
				Language string `json:"language"`
			} `json:"kernelspec"`
		} `json:"metadata"`
	}
	if err := f.decode(&nb); err != nil {
		return err
	}
	var all strings.Builder
	for _, cell := range nb.Cells {
		var text string
		if json.Unmarshal(cell.Source, &text) != nil {
			var lines []string
			if json.Unmarshal(cell.Source, &lines) != nil {
				continue
			}
			text = strings.Join(lines, "")
		}
		if cell.Type != "code" {
			continue
		}
		for line := range strings.Lines(text) {
			words := strings.TrimLeft(strings.TrimSpace(line), "!%")
			if rest, ok := strings.CutPrefix(words, "pip install "); ok && words != strings.TrimSpace(line) {
				f.pip(rest, 0)
				continue
			}
			if strings.HasPrefix(strings.TrimSpace(line), "!") || strings.HasPrefix(strings.TrimSpace(line), "%") {
				f.command(strings.Fields(words), 0)
				continue
			}
			all.WriteString(line)
		}
		all.WriteString("\n")
	}
	f.add(Part{Kind: Notebook, Name: f.path, Facts: map[string]string{"kernel": nb.Metadata.Kernel.Name}}, 0)
	f.code(all.String(), true, 0)
	return nil
}

// pip reads what a pip install names.
func (f *file) pip(rest string, line int) {
	rest, _, _ = strings.Cut(rest, "&&")
	rest, _, _ = strings.Cut(rest, ";")
	words := strings.Fields(rest)
	for i := 0; i < len(words); i++ {
		w := strings.Trim(words[i], `"'`)
		switch {
		case w == "-r" || w == "-c" || w == "--requirement" || w == "-f" || w == "-t" || w == "--target":
			i++
		case w == "--extra-index-url":
			f.notice("extra-index", Medium, line, "", "CWE-427", "pip asks this index beside the first for every name: whoever registers a private name there is installed (dependency confusion)")
			i++
		case w == "-i" || w == "--index-url":
			i++
		case strings.HasPrefix(w, "--trusted-host"):
			f.notice("index-without-tls", High, line, "", "CWE-494", "packages are fetched without a checked certificate")
			if w == "--trusted-host" {
				i++
			}
		case strings.HasPrefix(w, "-") || w == "." || strings.HasPrefix(w, "./") || strings.HasPrefix(w, "/") || strings.HasPrefix(w, "$"):
		case strings.Contains(w, "://"):
			f.direct(w, line)
		default:
			f.requirementLine(w, line)
		}
	}
}
