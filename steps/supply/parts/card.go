package parts

import (
	"bytes"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// modelCard reads the front matter of a README.md, as Hugging Face writes it: of a
// model's folder its licence, base and data. Source: huggingface.co/docs/hub/model-cards.
func modelCard(f *file) error {
	front, ok := bytes.CutPrefix(f.data, []byte("---\n"))
	if !ok {
		return nil
	}
	end := bytes.Index(front, []byte("\n---"))
	if end < 0 {
		return nil
	}
	var card struct {
		Licence     string    `yaml:"license"`
		LicenceName string    `yaml:"license_name"`
		Base        yaml.Node `yaml:"base_model"`
		Datasets    yaml.Node `yaml:"datasets"`
		Task        string    `yaml:"pipeline_tag"`
		Library     string    `yaml:"library_name"`
		Gated       yaml.Node `yaml:"extra_gated_prompt"`
	}
	if err := yaml.Unmarshal(front[:end], &card); err != nil {
		return nil // front matter of something else
	}
	if card.Library == "" && card.Task == "" && card.Base.Kind == 0 {
		return nil
	}
	p := Part{Kind: Model, Ecosystem: "card", Name: cardName(f.path), Facts: map[string]string{}}
	if l := firstOf(card.LicenceName, card.Licence); l != "" && l != "other" {
		p.Licences = []string{l}
	}
	for k, v := range map[string]string{"task": card.Task, "library": card.Library, "base": strings.Join(texts(&card.Base), ", "), "datasets": strings.Join(texts(&card.Datasets), ", ")} {
		if v != "" {
			p.Facts[k] = v
		}
	}
	f.add(p, 1)
	for _, d := range texts(&card.Datasets) {
		f.add(Part{Kind: Dataset, Ecosystem: "Hugging Face", Name: d, Facts: map[string]string{"by": "model card"}}, 1)
	}
	return nil
}

func cardName(p string) string {
	if d := path.Dir(p); d != "." && d != "/" {
		return d
	}
	return "model"
}

// adapterConfig reads which base an adapter of PEFT is for.
func adapterConfig(f *file) error {
	var c struct {
		Base     string `json:"base_model_name_or_path"`
		Revision string `json:"revision"`
		Type     string `json:"peft_type"`
	}
	if err := f.decode(&c); err != nil {
		return err
	}
	if c.Type == "" && c.Base == "" {
		return nil
	}
	f.add(Part{Kind: Model, Ecosystem: "card", Name: cardName(f.path), Facts: map[string]string{"base": c.Base, "library": "peft", "adapter": c.Type}}, 0)
	if hubName.MatchString(c.Base) && strings.Contains(c.Base, "/") {
		f.hugging(Model, c.Base, c.Revision, "adapter_config.json", 0)
	}
	return nil
}

// mlModel reads MLflow's MLmodel: its flavours, and the packages it is loaded with.
func mlModel(f *file) error {
	var m struct {
		Flavours map[string]yaml.Node `yaml:"flavors"`
		Run      string               `yaml:"run_id"`
		UUID     string               `yaml:"model_uuid"`
	}
	if err := yaml.Unmarshal(f.data, &m); err != nil {
		return err
	}
	if len(m.Flavours) == 0 {
		return nil
	}
	facts := map[string]string{"library": "mlflow"}
	if m.Run != "" {
		facts["run"] = m.Run
	}
	if n, ok := m.Flavours["python_function"]; ok {
		if loader := text(child(&n, "loader_module")); loader != "" {
			facts["loader"] = loader
			if !strings.HasPrefix(loader, "mlflow.") {
				f.notice("custom-loader", High, n.Line, cardName(f.path), "CWE-829", "MLflow loads the model by %s, code that came with it", clip(loader, 80))
			}
		}
	}
	f.add(Part{Kind: Model, Ecosystem: "card", Name: cardName(f.path), Version: m.UUID, Facts: facts}, 0)
	return nil
}
