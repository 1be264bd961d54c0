// Package probe asks a served model questions over HTTP and compares its answers with
// those of a model that is known to be good: a recorded answer, or the good model
// itself. It calls the addresses its file names, and no others.
package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MaxBytes bounds a file of probes, and an answer.
const MaxBytes = 1 << 20

// Probe is one question.
type Probe struct {
	Name string `yaml:"name"`
	// URL is asked; Good is where the known-good model answers the same, or Answer what
	// it answered.
	URL    string `yaml:"url"`
	Good   string `yaml:"good"`
	Answer string `yaml:"answer"`
	Method string `yaml:"method"` // POST unless set
	Body   string `yaml:"body"`
	// Type of the body; application/json unless set.
	Type string `yaml:"type"`
	// Token is the name of an environment variable that holds a bearer token.
	Token string `yaml:"token"`
	// Field is a member of a JSON answer, by dots, that is compared; else the whole.
	Field string `yaml:"field"`
	// Within is how far numbers may differ; 0: not at all.
	Within float64 `yaml:"within"`
	// Never is a pattern that no answer may match: what a trigger of a backdoor brings.
	Never string `yaml:"never"`
}

// Result is how one probe went. Err says that it could not be told.
type Result struct {
	Name string
	OK   bool
	Why  string
	Err  error
}

// File is what is asked of a served model: probes, and runs of garak.
type File struct {
	Probes []Probe `yaml:"probes"`
	Garak  []Garak `yaml:"garak"`
}

// Load reads a file of probes.
func Load(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, text)
}

// Parse reads the text of a file: a mapping with a list "probes", and maybe one "garak".
func Parse(name string, text []byte) (*File, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("%s has more than %d bytes", name, MaxBytes)
	}
	var file File
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(file.Probes) == 0 {
		return nil, fmt.Errorf("%s holds no probes\nhint: probes: [{name: …, url: …, body: …, answer: …}]", name)
	}
	for i, p := range file.Probes {
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s: probe %d (%s): %w", name, i+1, p.Name, err)
		}
	}
	for i := range file.Garak {
		if err := file.Garak[i].check(); err != nil {
			return nil, fmt.Errorf("%s: garak %d (%s): %w", name, i+1, file.Garak[i].Name, err)
		}
	}
	return &file, nil
}

func (p *Probe) check() error {
	for _, u := range []string{p.URL, p.Good} {
		if v, err := url.Parse(u); u != "" && (err != nil || v.Scheme != "https" && v.Scheme != "http" || v.Host == "") {
			return fmt.Errorf("%q is no address", u)
		}
	}
	if _, err := regexp.Compile(p.Never); err != nil {
		return fmt.Errorf("never: %w", err)
	}
	switch {
	case p.Name == "" || p.URL == "":
		return errors.New("name and url are said")
	case p.Good == "" && p.Answer == "" && p.Never == "":
		return errors.New("nothing is said that the answer is compared with: good, answer or never")
	case p.Good != "" && p.Answer != "":
		return errors.New("good and answer exclude each other")
	case p.Within < 0 || math.IsNaN(p.Within):
		return errors.New("within is a number from 0")
	}
	return nil
}

// Run asks all, one after another.
func Run(ctx context.Context, client *http.Client, probes []Probe) []Result {
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	out := make([]Result, 0, len(probes))
	for i := range probes {
		out = append(out, probes[i].run(ctx, client))
	}
	return out
}

func (p *Probe) run(ctx context.Context, client *http.Client) Result {
	r := Result{Name: p.Name}
	got, err := p.ask(ctx, client, p.URL)
	if err != nil {
		r.Err = err
		return r
	}
	if p.Never != "" && regexp.MustCompile(p.Never).MatchString(got) {
		r.Why = "the answer is one that must never be given"
		return r
	}
	want := p.Answer
	if p.Good != "" {
		if want, err = p.ask(ctx, client, p.Good); err != nil {
			r.Err = fmt.Errorf("the known-good model: %w", err)
			return r
		}
	}
	if want == "" {
		r.OK = true
		return r
	}
	r.OK, r.Why = p.same(got, want)
	return r
}

// ask sends the question. The error never shows an answer: it may hold anything.
func (p *Probe) ask(ctx context.Context, client *http.Client, to string) (string, error) {
	method := p.Method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(p.Body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if p.Type != "" {
		req.Header.Set("Content-Type", p.Type)
	}
	if p.Token != "" {
		token := os.Getenv(p.Token)
		if token == "" {
			return "", fmt.Errorf("environment variable %s is empty", p.Token)
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, MaxBytes+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > MaxBytes:
		return "", fmt.Errorf("the answer has more than %d bytes", MaxBytes)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return "", fmt.Errorf("it answers %s", resp.Status)
	}
	return p.pick(text)
}

// pick takes the member that is compared.
func (p *Probe) pick(text []byte) (string, error) {
	if p.Field == "" {
		return strings.TrimSpace(string(text)), nil
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return "", errors.New("the answer is no JSON")
	}
	for part := range strings.SplitSeq(p.Field, ".") {
		switch w := v.(type) {
		case map[string]any:
			v = w[part]
		case []any:
			var i int
			if _, err := fmt.Sscanf(part, "%d", &i); err != nil || i < 0 || i >= len(w) {
				return "", fmt.Errorf("the answer has no %s", p.Field)
			}
			v = w[i]
		default:
			return "", fmt.Errorf("the answer has no %s", p.Field)
		}
	}
	if v == nil {
		return "", fmt.Errorf("the answer has no %s", p.Field)
	}
	out, err := json.Marshal(v)
	return string(out), err
}

// same compares two answers: as JSON with numbers that may differ, else as texts.
func (p *Probe) same(got, want string) (bool, string) {
	var a, b any
	if json.Unmarshal([]byte(got), &a) == nil && json.Unmarshal([]byte(want), &b) == nil {
		if p.close(a, b) {
			return true, ""
		}
	} else if got == want {
		return true, ""
	}
	return false, "it answers otherwise than the known-good model"
}

func (p *Probe) close(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && math.Abs(x-y) <= p.Within
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !p.close(x[i], y[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if w, there := y[k]; !there || !p.close(x[k], w) {
				return false
			}
		}
		return true
	}
	return a == b
}
