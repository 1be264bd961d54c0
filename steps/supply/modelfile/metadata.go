package modelfile

import (
	"regexp"
	"strings"
	"sync"
)

// A secret is told by its shape alone, and only shapes that nothing else has are
// looked for. The value never appears in a finding.
type secretShape struct {
	hint    string // must occur before the pattern is tried
	what    string
	pattern func() *regexp.Regexp
}

func shape(hint, what, pattern string) secretShape {
	return secretShape{hint, what, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
}

var secretShapes = []secretShape{
	shape("AKIA", "an AWS access key id", `\bAKIA[0-9A-Z]{16}\b`),
	shape("ASIA", "an AWS session key id", `\bASIA[0-9A-Z]{16}\b`),
	shape("hf_", "a Hugging Face token", `\bhf_[A-Za-z0-9]{34,}\b`),
	shape("ghp_", "a GitHub token", `\bghp_[A-Za-z0-9]{36}\b`),
	shape("github_pat_", "a GitHub token", `\bgithub_pat_[A-Za-z0-9_]{60,}\b`),
	shape("sk-", "an API key", `\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}\b`),
	shape("AIza", "a Google API key", `\bAIza[0-9A-Za-z_-]{35}\b`),
	shape("xox", "a Slack token", `\bxox[abprs]-[0-9A-Za-z-]{20,}\b`),
	shape("PRIVATE KEY-----", "a private key", `-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----`),
	shape("wandb_api_key", "a Weights & Biases key", `(?i)wandb_api_key["'\s:=]+[0-9a-f]{40}`),
	shape("glpat-", "a GitLab token", `\bglpat-[0-9A-Za-z_-]{20}\b`),
}

// secrets looks for credentials in a text that travels with a model.
func (s *scanner) secrets(it item, key, text string) {
	for _, p := range secretShapes {
		if i := strings.Index(text, p.hint); i >= 0 && !honest(p.pattern().FindString(text)) {
			s.find(it, "secret", Medium, -1, "CWE-798", key+" holds "+p.what)
		}
	}
}

// honest says whether a match is no secret after all: class names of style sheets
// start with sk- as well, and are words, not drawn by lot.
func honest(match string) bool {
	return match == "" || strings.HasPrefix(match, "sk-") && (!strings.ContainsAny(match, "0123456789") || match == strings.ToLower(match))
}

// codeWords are what a piece of metadata has no honest use for.
var codeWords = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)\b(?:import\s+(?:os|subprocess|socket|sys|pty|base64)\b|os\.(?:system|popen)\s*\(|subprocess\.|__import__\s*\(|eval\s*\(|exec\s*\(|rm\s+-rf\s+[/~]|(?:curl|wget)\s+\S+\s*\|\s*(?:ba|z)?sh|nc\s+-e|/bin/(?:ba)?sh\s+-[ci]|powershell\s+-e)|<script\b|javascript:|\$\(\s*(?:curl|wget)`)
})

// metadata judges one text that a file carries beside its tensors.
func (s *scanner) metadata(it item, key, text string) {
	if len(text) > 1<<20 {
		text = text[:1<<20]
	}
	s.secrets(it, "metadata "+clip(key, 60), text)
	if strings.Contains(key, "template") || strings.Contains(text, "{%") && strings.Contains(text, "%}") {
		s.jinja(it, key, text)
	}
	if len(text) >= 8 && codeWords().MatchString(text) {
		s.find(it, "metadata-code", Medium, -1, "CWE-506", "metadata "+clip(key, 60)+" holds what looks like code: "+clip(codeWords().FindString(text), 60))
	}
}
