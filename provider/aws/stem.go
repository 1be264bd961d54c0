package aws

import (
	"regexp"
	"strings"
	"unicode"
)

// sizedNames are words after which a bare number belongs to a model's name
// (resnet-50, llama-3), not to a run's.
var sizedNames = map[string]bool{
	"resnet": true, "vgg": true, "densenet": true, "llama": true, "gpt": true, "bert": true, "yolo": true,
	"mobilenet": true, "efficientnet": true, "inception": true, "falcon": true, "qwen": true, "gemma": true,
	"phi": true, "claude": true, "mistral": true, "t5": true, "whisper": true, "sdxl": true, "alexnet": true,
	"resnext": true, "convnext": true, "deepseek": true, "opt": true, "bloom": true, "titan": true, "nova": true,
	"top": true, "level": true, "tier": true, "phase": true, "stage": true,
}

var (
	isoToken    = regexp.MustCompile(`^(?:20\d{6})?[tT]\d{4,6}(?:\d{3})?[zZ]?$`)
	dateToken   = regexp.MustCompile(`^20\d{6}(?:[tT]\d{4,9}[zZ]?)?$`)
	numberToken = regexp.MustCompile(`^\d+$`)
	hexToken    = regexp.MustCompile(`^[0-9a-fA-F]{7,64}$`)
	uuidTail    = regexp.MustCompile(`^(.+)[-_.][0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	wordToken   = regexp.MustCompile(`^[0-9A-Za-z]{8,}$`)
	zoneToken   = regexp.MustCompile(`^\d{2}(?:[zZ]|[tT]\d{2})$`) // "05Z", and "02T03" of a date and time with dashes
)

// Family strips from a job's name what tells its runs apart, so that the runs
// of one job share a family: trailing timestamps, counters, hashes and UUIDs.
// A name made of nothing else stays as it is. What belongs to a model's name
// stays: sizes ("8b"), versions ("v2") and the number after resnet or llama.
func Family(name string) string {
	stem := strip(name)
	if !strings.ContainsFunc(stem, unicode.IsLetter) {
		return name
	}
	return stem
}

// strip is Family without regard to what is left.
func strip(name string) string {
	if m := uuidTail.FindStringSubmatch(name); m != nil {
		name = m[1]
	}
	for {
		i := strings.LastIndexAny(name, "-_.")
		if i <= 0 {
			return name
		}
		head, token := strings.TrimRight(name[:i], "-_."), name[i+1:]
		if head == "" || !ofRun(head, token) {
			return name
		}
		name = head
	}
}

// ofRun reports whether a name's last token tells a run rather than a job.
func ofRun(head, token string) bool {
	switch {
	case token == "":
		return true
	case numberToken.MatchString(token):
		if len(token) >= 4 {
			return true // a year, a time, a run id
		}
		before := strings.ToLower(head[strings.LastIndexAny(head, "-_.")+1:])
		return !sizedNames[before] && !strings.HasSuffix(before, "top")
	case isoToken.MatchString(token), dateToken.MatchString(token), zoneToken.MatchString(token):
		return true
	case hexToken.MatchString(token):
		digits := strings.Count(strings.Map(onlyDigits, token), "d")
		if digits == 0 { // a word such as "defaced", unless a counter stands before it, as in tuning jobs
			before := head[strings.LastIndexAny(head, "-_.")+1:]
			return len(token) == 8 && numberToken.MatchString(before) && strings.ContainsAny(head, "-_.")
		}
		return digits >= 2 || len(token) >= 12
	}
	return wordToken.MatchString(token) && random(token)
}

// onlyDigits maps digits to d and drops the rest.
func onlyDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return 'd'
	}
	return -1
}

// random reports whether a token of letters and digits looks drawn by lot:
// letters and digits change at least three times, or small and capital letters
// at least four, which no word and no "imagenet21k" does.
func random(token string) bool {
	digitFlips, caseFlips := 0, 0
	for i := 1; i < len(token); i++ {
		a, b := class(token[i-1]), class(token[i])
		switch {
		case a == b:
		case a == 'd' || b == 'd':
			digitFlips++
		case a == 'l' && b == 'u':
			caseFlips++
		case a == 'u' && b == 'l' && i >= 2 && class(token[i-2]) == 'u':
			caseFlips++ // two capitals before a small letter
		}
	}
	return digitFlips >= 3 || digitFlips+caseFlips >= 4
}

// class is d for a digit, u for a capital, l for a small letter.
func class(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return 'd'
	case c >= 'A' && c <= 'Z':
		return 'u'
	}
	return 'l'
}

// pipelineStep matches the names SageMaker Pipelines gives to the jobs of its
// steps: pipelines-EXECUTION-STEP-SUFFIX.
var pipelineStep = regexp.MustCompile(`^pipelines-[0-9a-z]{12}-(.+)-[0-9A-Za-z]{10}$`)

// jobFamily is what joins the runs of a job: the pipeline it says it belongs
// to, or else its name's stem.
func (r *reading) jobFamily() string {
	for _, key := range []string{"sagemaker:pipeline-name", "aws:sagemaker:pipeline-name", "sagemaker:pipeline-arn", "aws:sagemaker:pipeline-arn"} {
		if v := r.tag(key); v != "" {
			if a, ok := ParseARN(v); ok {
				v, _, _ = strings.Cut(strings.TrimPrefix(a.Resource, "pipeline/"), "/")
			}
			return "pipeline/" + strings.ToLower(v)
		}
	}
	name := r.name()
	if pipelineStep.MatchString(name) {
		if experiment := r.cfg.text("ExperimentConfig.ExperimentName"); experiment != "" {
			return "pipeline/" + strings.ToLower(experiment)
		}
		name = pipelineStep.FindStringSubmatch(name)[1]
	}
	for _, path := range []string{"TuningJobArn", "AutoMLJobArn"} {
		if a, ok := ParseARN(r.peek(path).words()); ok && r.a.ID != a.String() {
			name = a.Name()
		}
	}
	return Family(name)
}
