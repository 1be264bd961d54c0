package supply

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
)

// provenance decides supply.provenance: what a workload is made of is named by
// content, approved, and of a licence that is allowed; that it is what its maker made
// is shown by a signature, or a person answers for it by a review. Whether somebody looks
// after it is told beside that.
func (j *jury) provenance(w *workload) finding.Criterion {
	s := &said{c: finding.Criterion{ID: "supply.provenance"}}
	claim := finding.Claim{Claim: "components whose origin a signature or a review shows", Of: len(w.things), Source: "signatures, reviews, registry"}
	failOn := j.scope.Gate.FailOn
	upkeep := kept{}
	for i := range w.things {
		t := &w.things[i]
		if word, bad := j.registry(t); word != "" {
			sev := finding.High
			id := j.find(Unapproved, t.asset.ID, "registry", finding.Fail, sev, "", []finding.Evidence{{What: "approval", Where: "config.ModelApprovalStatus", Value: word}})
			if bad && sev.AtLeast(failOn) {
				s.fail(id, "%s is %s in its registry", t.asset.ID, word)
			}
		}
		j.registered(s, t)
		j.pinned(s, t)
		if t.seen != nil && t.seen.Bill != nil {
			j.notices(s, t, t.seen.Bill, "provenance", Floating)
			j.licences(s, t)
			j.restrictions(s, t)
			j.lookalikes(s, t)
			j.upkeep(s, t, &upkeep)
		}
		digest := ""
		if t.seen != nil {
			digest = t.seen.Digest()
		}
		last, holds := j.known.review(t.place, digest)
		signed := t.seen != nil && t.seen.verified()
		switch {
		case t.kind == "managed model":
			claim.Examined++ // the provider's own; its terms are supply.services
		case last != nil && last.Decision == "rejected":
			id := j.find(Unapproved, t.asset.ID, "review", finding.Fail, finding.High, "", []finding.Evidence{{What: "rejected", Where: "review of " + last.Taken.Format("2006-01-02"), Value: last.Reason}})
			s.fail(id, "%s was rejected on %s by %s", t.place, last.Taken.Format("2006-01-02"), last.By)
		case signed || holds:
			claim.Examined++
		case last != nil:
			s.open("%s has changed since %s reviewed it on %s, or the review has ended", t.place, last.By, last.Taken.Format("2006-01-02"))
			s.c.Hint = cmp.Or(s.c.Hint, "sevenfold supply review approve "+t.place)
		case t.seen != nil && t.seen.Proof != nil && t.seen.Proof.Verdict == "verified":
			s.open("the signature over %s was verified on other files than those that were examined", t.place)
			s.c.Hint = cmp.Or(s.c.Hint, "sevenfold supply verify PATH --signature BUNDLE --key KEY --of "+t.place)
		default:
			s.open("no signature over %s was verified, and nobody reviewed it", t.place)
			s.c.Hint = cmp.Or(s.c.Hint, "sevenfold supply verify PATH --signature BUNDLE --key KEY --of "+t.place+", or sevenfold supply review approve "+t.place)
		}
	}
	// The model packages that it serves have an approval state of their own.
	for _, id := range w.Members {
		n, ok := j.snap.Find(id)
		if !ok {
			continue
		}
		t := thing{asset: j.snap.Asset(n), node: n}
		if word, bad := j.registry(&t); bad {
			id := j.find(Unapproved, t.asset.ID, "registry", finding.Fail, finding.High, "", []finding.Evidence{{What: "approval", Where: "config.ModelApprovalStatus", Value: word}})
			if finding.High.AtLeast(failOn) {
				s.fail(id, "%s is %s in its registry", t.asset.ID, word)
			}
		}
	}
	if len(w.things) == 0 {
		s.open("nothing that it is made of is known")
		s.c.Hint = "sevenfold supply bom FOLDER --of code:" + w.Name
	}
	for _, id := range w.unread {
		s.open("%s was not read", id)
	}
	c := s.close(claim, fmt.Sprintf("each of %s is signed or reviewed as it is%s", count(len(w.things), "component"), upkeep.saying()))
	if upkeep.of > 0 {
		c.Evidence = append(c.Evidence, upkeep.claim())
	}
	return c
}

// registry is the approval state of a model package of SageMaker; bad if it may not
// be served.
func (j *jury) registry(t *thing) (word string, bad bool) {
	if t.asset.Type != "AWS::SageMaker::ModelPackage" || t.node < 0 {
		return "", false
	}
	config, err := j.snap.Config(t.node)
	if err != nil {
		return "", false
	}
	var c struct{ ModelApprovalStatus string }
	if json.Unmarshal(config, &c) != nil {
		return "", false
	}
	switch c.ModelApprovalStatus {
	case "Rejected":
		return "rejected", true
	case "PendingManualApproval":
		return "not approved yet", true
	}
	return "", false
}

// immutable reports whether an image lies in a repository whose tags nobody can
// move, so that a tag is as good as a digest.
func (j *jury) immutable(t *thing) bool {
	if t.node < 0 {
		return false
	}
	for e := range j.snap.In(t.node) {
		repository := j.snap.Asset(e.Node)
		if e.Type != estate.Contains || repository.Type != "AWS::ECR::Repository" || repository.Referenced {
			continue
		}
		config, err := j.snap.Config(e.Node)
		var c struct {
			ImageTagMutability string `json:"imageTagMutability"`
		}
		// With exclusions some tags can be moved: that is not told apart here.
		return err == nil && json.Unmarshal(config, &c) == nil && c.ImageTagMutability == "IMMUTABLE"
	}
	return false
}

// pinned asks whether a component is named by content.
func (j *jury) pinned(s *said, t *thing) {
	var text string
	switch {
	case t.kind == "image" && !strings.Contains(t.asset.ID, "@sha256:"):
		if j.immutable(t) {
			return
		}
		text = "an image named by tag"
	case t.kind == "hub model" && t.node >= 0:
		if j.pinnedByBill(t) {
			return
		}
		text = "a model of a hub without a commit"
	default:
		return
	}
	id := j.find(Floating, t.asset.ID, "", finding.Fail, finding.Medium, "", []finding.Evidence{{What: text, Where: t.place, Value: "whoever may move it decides what runs"}})
	if finding.Medium.AtLeast(j.scope.Gate.FailOn) {
		s.fail(id, "%s is %s", t.place, text)
	} else {
		s.c.Findings = append(s.c.Findings, id)
	}
}

// pinnedByBill reports whether whatever loads a hub's model was seen to name a commit.
func (j *jury) pinnedByBill(t *thing) bool {
	for e := range j.snap.In(t.node) {
		x := j.known.find(PlaceOf(j.snap.Asset(e.Node).ID))
		if x == nil || x.Bill == nil {
			return false
		}
		for i := range x.Bill.Parts {
			if p := &x.Bill.Parts[i]; p.Kind == parts.Model && "hf://"+p.Name == t.asset.ID && !p.Pinned {
				return false
			}
		}
	}
	return true
}

func (j *jury) licences(s *said, t *thing) {
	if len(j.scope.Supply.Denied) == 0 {
		return
	}
	unsaid := 0
	for i := range t.seen.Bill.Parts {
		p := &t.seen.Bill.Parts[i]
		if p.Kind != parts.Package && p.Kind != parts.Model {
			continue
		}
		if len(p.Licences) == 0 {
			unsaid++
		}
		for _, l := range p.Licences {
			if bad := denied(l, j.scope.Supply.Denied); bad != "" {
				id := j.find(Licence, t.asset.ID, p.PURL(), finding.Fail, finding.High, fmt.Sprintf("%s has licence %s", p.Name, l), []finding.Evidence{{What: "licence", Where: where(p.Places[0]), Value: l}})
				if finding.High.AtLeast(j.scope.Gate.FailOn) {
					s.fail(id, "%s has licence %s, which sevenfold.yaml denies", p.Name, l)
				}
			}
		}
	}
	if unsaid > 0 {
		s.open("%s of %s whose licence is not known", count(unsaid, "component"), t.place)
	}
}

// restrictions finds licences that forbid uses: of models, that is what most licences of
// their makers do.
func (j *jury) restrictions(s *said, t *thing) {
	for i := range t.seen.Bill.Parts {
		p := &t.seen.Bill.Parts[i]
		if p.Kind != parts.Package && p.Kind != parts.Model {
			continue
		}
		for _, l := range p.Licences {
			what, severity := restricted(l)
			if what == "" {
				continue
			}
			if r, ok := j.known.review(p.PURL(), p.Version); ok && r.Decision == "approved" {
				continue
			}
			id := j.find(Restricted, t.asset.ID, p.PURL(), finding.Fail, severity, fmt.Sprintf("%s has licence %s: %s", p.Name, l, what), []finding.Evidence{{What: "licence", Where: where(p.Places[0]), Value: l}}, "sevenfold supply review approve "+p.PURL()+" --reason …")
			if severity.AtLeast(j.scope.Gate.FailOn) {
				s.fail(id, "%s has licence %s: %s", p.Name, l, what)
			} else {
				s.c.Findings = append(s.c.Findings, id)
			}
		}
	}
}

// useBased are the beginnings of licences that list what a model may not be used for, or
// by whom, as Hugging Face and the SPDX list spell them.
var useBased = []string{"openrail", "bigscience-", "bigcode-openrail", "creativeml-openrail", "rail-", "llama", "gemma", "falcon", "deepseek", "grok", "qwen", "tongyi-qianwen", "health-ai-developer", "intel-research", "apple-amlr", "h-research"}

// restricted says which uses a licence forbids; "" if it is not known to forbid any. Of
// alternatives, the freest counts.
func restricted(expression string) (what string, severity finding.Severity) {
	for _, one := range strings.Split(expression, " OR ") {
		l := strings.ToLower(strings.Trim(one, " ()"))
		words := strings.FieldsFunc(l, func(r rune) bool { return r == '-' || r == ' ' || r == '_' })
		switch {
		case slices.Contains(words, "nc") || slices.Contains(words, "noncommercial") || strings.Contains(l, "non-commercial") || strings.Contains(l, "research-only"):
			what, severity = "no commercial use", finding.High
		case slices.ContainsFunc(useBased, func(u string) bool { return strings.HasPrefix(l, u) }):
			if severity != finding.High {
				what, severity = "it lists uses or users that it forbids", finding.Medium
			}
		default:
			return "", finding.Info
		}
	}
	return what, severity
}

// denied is the licence of an SPDX expression that is denied: of alternatives, only if
// all are.
func denied(expression string, deny []string) string {
	words := strings.FieldsFunc(expression, func(r rune) bool { return r == '(' || r == ')' || r == ' ' || r == '/' || r == ',' })
	hit, free, or := "", false, false
	for i, w := range words {
		switch {
		case w == "OR":
			or = true
		case w == "AND" || w == "WITH" || i > 0 && words[i-1] == "WITH":
		case slices.ContainsFunc(deny, func(d string) bool {
			return strings.EqualFold(d, strings.TrimSuffix(w, "+")) || strings.EqualFold(d, w)
		}):
			hit = w
		default:
			free = true
		}
	}
	if or && free {
		return ""
	}
	return hit
}

// wellKnown are names that are copied: the most used packages of AI work. Compared
// with by edit distance.
var wellKnown = map[string][]string{
	"PyPI": {"torch", "tensorflow", "transformers", "numpy", "pandas", "requests", "scikit-learn", "scipy", "openai", "anthropic", "langchain", "huggingface-hub", "safetensors", "tokenizers", "diffusers", "accelerate", "datasets", "keras", "matplotlib", "pillow", "pydantic", "fastapi", "uvicorn", "flask", "django", "boto3", "urllib3", "cryptography", "setuptools", "sentencepiece", "sentence-transformers", "onnxruntime", "xgboost", "lightgbm", "vllm", "llama-index", "chromadb", "faiss-cpu", "gradio", "streamlit", "mlflow", "jupyter", "opencv-python", "tiktoken", "pytorch-lightning", "colorama", "aiohttp"},
	"npm":  {"openai", "langchain", "express", "lodash", "react", "axios", "chalk", "typescript", "next", "@anthropic-ai/sdk", "commander", "dotenv", "webpack", "node-fetch", "cross-env", "moment"},
}

// lookalikes finds names one or two letters from a well-known one.
func (j *jury) lookalikes(s *said, t *thing) {
	for i := range t.seen.Bill.Parts {
		p := &t.seen.Bill.Parts[i]
		if p.Kind != parts.Package {
			continue
		}
		near := LookAlikeOf(p.Ecosystem, p.Name)
		if near == "" {
			continue
		}
		if r, ok := j.known.review(p.PURL(), p.Version); ok && r.Decision == "approved" {
			continue
		}
		id := j.find(LookAlike, t.asset.ID, p.PURL(), finding.Fail, finding.High, fmt.Sprintf("%s looks like %s", p.Name, near), []finding.Evidence{{What: "name", Where: where(p.Places[0]), Value: p.Name}})
		if finding.High.AtLeast(j.scope.Gate.FailOn) {
			s.fail(id, "%s looks like %s", p.Name, near)
		}
	}
}

// LookAlikeOf is the well-known name that a name can be taken for; "" if there is
// none, or it is one itself.
func LookAlikeOf(ecosystem, name string) string {
	list := wellKnown[ecosystem]
	if len(name) < 5 || slices.Contains(list, name) || notMeant[name] {
		return ""
	}
	plain := strings.NewReplacer("-", "", "_", "", ".", "", "0", "o", "1", "l").Replace(name)
	for _, w := range list {
		if len(w) < 5 {
			continue
		}
		if strings.NewReplacer("-", "", "_", "", ".", "").Replace(w) == plain {
			return w
		}
		if distance(name, w) == 1 {
			return w
		}
	}
	return ""
}

// notMeant are names of their own right that stand one letter from another.
var notMeant = map[string]bool{"dataset": true, "flask2": true, "langchain4j": true, "torchx": true, "request": true, "preact": true, "chai": true, "express2": true, "kera": true, "requests2": false, "boto": true, "moments": true, "colorama": true, "pandas2": false, "torch2": false, "nextx": true, "opena": false, "asks": true}

// distance is that of Damerau and Levenshtein, at most 2: whatever is further is 2.
func distance(a, b string) int {
	if d := len(a) - len(b); d > 1 || d < -1 {
		return 2
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	switch {
	case a == b:
		return 0
	case len(a) == len(b):
		if a[i+1:] == b[i+1:] || i+2 <= len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
			return 1
		}
	case len(a) > len(b):
		if a[i+1:] == b[i:] {
			return 1
		}
	default:
		if a[i:] == b[i+1:] {
			return 1
		}
	}
	return 2
}
