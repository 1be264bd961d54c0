package kubernetes

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/software"
)

// pictures are images (last segment of the path) that use a graphics processor
// for pictures: players, transcoders, desktops and renderers, none of them AI.
var pictures = []string{"plex", "pms-docker", "jellyfin", "emby", "embyserver", "tdarr", "tdarr_node", "handbrake", "ffmpeg", "obs-studio",
	"steam-headless", "blender", "moonlight", "sunshine", "webtop", "guacd"}

// trains matches what a program or image that trains is called.
var trains = regexp.MustCompile(`(?i)^(train|training|trainer|finetune|finetuning|pretrain|pretraining)$`)

// script cuts the name of a Python script into words.
var script = regexp.MustCompile(`[-_.]`)

// trainsByName reports whether a container says by its image's name or by the
// script it runs that it trains.
func trainsByName(c *container) bool {
	says := func(name string) bool { return slices.ContainsFunc(script.Split(name, -1), trains.MatchString) }
	if c.image != "" && says(base(parseImage(c.image).Path)) {
		return true
	}
	return slices.ContainsFunc(software.SplitWords(c.words), func(w string) bool {
		name, ok := strings.CutSuffix(base(w), ".py")
		return ok && says(name)
	})
}

// accelerated says how a container comes by an accelerator, "" if it does not
// or uses it for pictures. A pod of the NVIDIA runtime class sees all
// accelerators of its node without asking for any; what serves the node itself
// does so too, as a DaemonSet, and is no workload.
func (r *reader) accelerated(s *podSpec, c *container) string {
	if c.image != "" && slices.Contains(pictures, base(parseImage(c.image).Path)) {
		return ""
	}
	if c.accelerator != "" {
		return "container " + c.name + " asks for " + c.accelerator
	}
	class := s.at("runtimeClassName").text()
	if !c.init && r.kind != "DaemonSet" && (class == "nvidia" || strings.HasPrefix(class, "nvidia-")) {
		return "container " + c.name + " runs under runtime class " + class + ", which gives it the node's accelerators"
	}
	return ""
}

// modelKeys are the variables in which the published clients of model services
// take their key or address: a program that has one calls models.
var modelKeys = []string{"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT", "MISTRAL_API_KEY", "CO_API_KEY",
	"COHERE_API_KEY", "GROQ_API_KEY", "GEMINI_API_KEY", "TOGETHER_API_KEY", "OPENROUTER_API_KEY", "DEEPSEEK_API_KEY"}

// calls recognises an application that calls a model service.
func calls(all []*container) (class, why string) {
	for _, c := range all {
		for _, key := range modelKeys {
			if _, ok := c.env[key]; ok {
				return estate.ClassAgent, "container " + c.name + " calls a model service (variable " + key + ")"
			}
		}
	}
	return "", ""
}

// base is a program's name without its folder.
func base(word string) string { return word[strings.LastIndex(word, "/")+1:] }
