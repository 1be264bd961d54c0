package endpoint

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Question is one request that a person configured.
type Question struct {
	Name, URL string
	// Body is sent by POST as JSON; "": GET.
	Body string
	// Reply is the member of a JSON reply that is the answer, by dots; "": the text in the
	// replies of known APIs, else all of the reply.
	Reply string
}

// Taking says how a fingerprint is taken.
type Taking struct {
	Questions []Question
	// Key is sent in Header; as a bearer token where that is Authorization or empty.
	Key, Header string
	Headers     map[string]string
	Times       int          // each question is put
	Client      *http.Client // nil: one that checks certificates
}

// Print is what the replies to one question have in common with later ones.
type Print struct {
	Name string
	// Asked is a digest of the question: one that was changed is another.
	Asked string
	// Marks are the values of each mark, sorted, over all times it was asked:
	// "header NAME", "member NAME", "listed MODEL", "reply".
	Marks map[string][]string
	// Err says why there are none; "" otherwise.
	Err string
}

// maxReply bounds a reply.
const maxReply = 4 << 20

// Take asks each question and returns what the replies are known by. Replies
// themselves are not kept: an answer by its SHA-256. The error says that ctx ended.
func Take(ctx context.Context, t Taking) ([]Print, error) {
	if t.Client == nil {
		t.Client = &http.Client{Timeout: 2 * time.Minute}
	}
	c := *t.Client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Client = &c
	out := make([]Print, 0, len(t.Questions))
	for _, q := range t.Questions {
		sum := sha256.Sum256([]byte(q.URL + "\x00" + q.Body + "\x00" + q.Reply))
		p := Print{Name: q.Name, Asked: hex.EncodeToString(sum[:]), Marks: map[string][]string{}}
		for n := range max(t.Times, 1) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err := t.ask(ctx, q, n, &p); err != nil {
				p.Err, p.Marks = err.Error(), nil
				break
			}
		}
		p.settle(max(t.Times, 1))
		out = append(out, p)
	}
	return out, ctx.Err()
}

// settle sorts values, and drops headers that change from reply to reply or are not in
// each: they tell requests apart, not models.
func (p *Print) settle(times int) {
	for name, list := range p.Marks {
		header, n := strings.HasPrefix(name, "header "), len(list)
		slices.Sort(list)
		list = slices.Compact(list)
		if header && (len(list) > 1 || n < times) {
			delete(p.Marks, name)
			continue
		}
		p.Marks[name] = list
	}
}

// ask puts a question once. No error shows the key or what was answered.
func (t *Taking) ask(ctx context.Context, q Question, n int, p *Print) error {
	method, body := http.MethodGet, io.Reader(nil)
	if q.Body != "" {
		method, body = http.MethodPost, strings.NewReader(q.Body)
	}
	req, err := http.NewRequestWithContext(ctx, method, q.URL, body)
	if err != nil {
		return errors.New("its address cannot be read")
	}
	if t.Key != "" && req.URL.Scheme != "https" {
		return errors.New("no key is sent without TLS")
	}
	req.Header.Set("User-Agent", "sevenfold-fingerprint")
	req.Header.Set("Accept", "application/json")
	if q.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range t.Headers {
		req.Header.Set(k, v)
	}
	if t.Key != "" {
		name, value := t.Header, t.Key
		if name == "" || http.CanonicalHeaderKey(name) == "Authorization" {
			name, value = "Authorization", "Bearer "+t.Key
		}
		req.Header.Set(name, value)
	}
	res, err := t.Client.Do(req)
	if err != nil {
		var at *url.Error
		if errors.As(err, &at) {
			err = at.Err
		}
		return fmt.Errorf("it cannot be asked: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	_ = res.Body.Close()
	switch {
	case err != nil:
		return fmt.Errorf("its reply broke off: %w", err)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return fmt.Errorf("it answered with status %d", res.StatusCode)
	case len(text) > maxReply:
		return fmt.Errorf("its reply has more than %d bytes", maxReply)
	case len(text) == 0:
		return errors.New("its reply is empty")
	}
	marks := map[string]string{}
	for name, values := range res.Header {
		if telling(name) {
			marks["header "+strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	if err := read(text, q, marks); err != nil {
		return err
	}
	for name, value := range marks {
		if t.Key != "" && (strings.Contains(value, t.Key) || strings.Contains(name, t.Key)) {
			continue
		}
		p.Marks[name] = append(p.Marks[name], short(value))
	}
	return nil
}

// telling reports whether a header's name says that it names a model or its version.
func telling(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"model", "version", "fingerprint", "deployment", "revision"}, func(w string) bool { return strings.Contains(name, w) })
}

// named are the members of a reply by which APIs say which model answered: OpenAI's,
// Anthropic's and Gemini's, those of text-generation-inference's /info, of Ollama, of
// TensorFlow Serving and of the open inference protocol.
var named = []string{"model", "model_id", "modelId", "model_name", "model_sha", "model_version", "modelVersion", "model_version_status", "system_fingerprint", "version", "versions", "revision", "digest", "sha"}

// passing are members of a listing's entry that change by themselves.
var passing = []string{"created", "created_at", "permission", "expires_at", "size_vram"}

// read takes the marks of one reply.
func read(text []byte, q Question, marks map[string]string) error {
	var v any
	isJSON := json.Unmarshal(text, &v) == nil
	if !isJSON && q.Reply != "" {
		return errors.New("its reply is no JSON")
	}
	o, _ := v.(map[string]any)
	for _, name := range named {
		if x, ok := o[name]; ok && x != nil {
			marks["member "+name] = spelt(x)
		}
	}
	if q.Reply != "" {
		x, ok := at(v, strings.Split(q.Reply, "."))
		if !ok {
			return fmt.Errorf("its reply has no %s", q.Reply)
		}
		marks["reply"] = hashed(x)
		return nil
	}
	if list, ok := listing(o); ok && q.Body == "" {
		for _, e := range list {
			kept := map[string]any{}
			for k, x := range e {
				if !slices.Contains(passing, k) {
					kept[k] = x
				}
			}
			marks["listed "+idOf(e)] = hashed(kept)
		}
		return nil
	}
	if answer := answerIn(o); answer != nil {
		marks["reply"] = hashed(answer)
		return nil
	}
	if isJSON {
		marks["reply"] = hashed(v)
		return nil
	}
	marks["reply"] = hashed(string(text))
	return nil
}

// listing is a list of models as OpenAI, Anthropic (data), Ollama and Gemini (models)
// give it; an empty one is a listing, too.
func listing(o map[string]any) ([]map[string]any, bool) {
	for _, name := range []string{"data", "models"} {
		list, ok := o[name].([]any)
		if !ok {
			continue
		}
		out := make([]map[string]any, 0, len(list))
		for _, x := range list {
			e, ok := x.(map[string]any)
			if !ok || idOf(e) == "" {
				return nil, false
			}
			out = append(out, e)
		}
		return out, true
	}
	return nil, false
}

func idOf(e map[string]any) string {
	for _, name := range []string{"id", "name", "model"} {
		if s, ok := e[name].(string); ok && s != "" {
			return short(s)
		}
	}
	return ""
}

// answers are where known APIs put what the model said. A star stands for each element
// of a list.
var answers = []string{
	"choices.*.message", "choices.*.text", // OpenAI and what speaks like it
	"output.*.content",               // OpenAI's responses
	"content.*.text",                 // Anthropic
	"candidates.*.content",           // Gemini
	"data.*.embedding", "embeddings", // embeddings
	"message.content", "response", // Ollama
	"generated_text", "predictions", "outputs", // text-generation-inference, TensorFlow Serving, open inference
}

// answerIn is what the model said; nil where no known API's reply is it.
func answerIn(o map[string]any) any {
	for _, path := range answers {
		parts := strings.Split(path, ".")
		if len(parts) > 1 && parts[1] == "*" {
			list, ok := o[parts[0]].([]any)
			if !ok || len(list) == 0 {
				continue
			}
			var out []any
			for _, x := range list {
				if y, ok := at(x, parts[2:]); ok {
					out = append(out, y)
				}
			}
			if len(out) > 0 {
				return out
			}
			continue
		}
		if x, ok := at(o, parts); ok {
			return x
		}
	}
	return nil
}

// at follows a path into a decoded document; ok says that something is there.
func at(v any, path []string) (any, bool) {
	for _, part := range path {
		switch w := v.(type) {
		case map[string]any:
			v = w[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(w) {
				return nil, false
			}
			v = w[i]
		default:
			return nil, false
		}
	}
	return v, v != nil
}

// hashed is the SHA-256 of a value in one spelling: JSON with its keys in order.
func hashed(v any) string {
	text, err := json.Marshal(v)
	if err != nil { // cannot be: it was JSON, or is text
		text = fmt.Append(nil, v)
	}
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// spelt is a value as people read it.
func spelt(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// maxValue bounds a value that is kept in the clear; what is longer goes by its digest.
const maxValue = 300

func short(s string) string {
	if len(s) <= maxValue {
		return s
	}
	return hashed(s)
}
