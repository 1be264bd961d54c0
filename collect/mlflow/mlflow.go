// Package mlflow reads an MLflow model registry: its models and their versions, with
// stages, aliases, tags, source runs and where the files of each version lie. It asks the
// server that a person names over the REST API, by requests that only read, or takes a
// file of such replies.
package mlflow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// The types of assets that a registry becomes.
const (
	ModelType   = "MLflow::RegisteredModel"
	VersionType = "MLflow::ModelVersion"
)

// The calls, as reads of assets and blind spots name them.
const (
	searchModels   = "mlflow:registered-models/search"
	searchVersions = "mlflow:model-versions/search"
	downloadURI    = "mlflow:model-versions/get-download-uri"
)

// Bounds of one answer, of a file, of pages of one list and of one try.
const (
	maxAnswer = 32 << 20
	maxFile   = 512 << 20
	maxPages  = 10_000
	perPage   = 500
	patience  = 30 * time.Second
)

// Options say which registry to read.
type Options struct {
	// Address of the server; empty: Path is read.
	Address string
	// Path of a file of replies, one after the other.
	Path string
	// Host names the registry in ids.
	Host string
	// Token, or User and Password, are those of MLflow's own clients; they are sent over
	// TLS only.
	Token, User, Password string
	// Source as given on the command line.
	Source string
	// Client, nil: one that checks certificates and stays with the host.
	Client *http.Client
}

const form = "mlflow:https://HOST, or mlflow:REPLIES.json[,host=HOST]"

// ParseSource reads a source as the command line spells it. Credentials come from the
// variables that MLflow's own clients read: MLFLOW_TRACKING_TOKEN, or
// MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
func ParseSource(s string) (Options, error) {
	o := Options{Source: s}
	rest, _ := strings.CutPrefix(s, "mlflow:")
	if strings.HasPrefix(rest, "https://") || strings.HasPrefix(rest, "http://") {
		u, err := url.Parse(strings.TrimSuffix(rest, "/"))
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return Options{}, errors.New("this is no address of a server (https://HOST, without user and query)\nhint: " + form + "; credentials go into MLFLOW_TRACKING_TOKEN")
		}
		o.Address, o.Host = u.String(), strings.ToLower(u.Host)
		o.Token, o.User, o.Password = os.Getenv("MLFLOW_TRACKING_TOKEN"), os.Getenv("MLFLOW_TRACKING_USERNAME"), os.Getenv("MLFLOW_TRACKING_PASSWORD")
		if u.Scheme == "http" && (o.Token != "" || o.User != "") {
			return Options{}, errors.New("no credentials are sent without TLS\nhint: give the server's https:// address, or unset MLFLOW_TRACKING_TOKEN and MLFLOW_TRACKING_USERNAME")
		}
		return o, nil
	}
	o.Path, o.Host, _ = strings.Cut(rest, ",host=")
	if o.Path == "" || strings.Contains(o.Host, "/") {
		return Options{}, errors.New("this names neither a server nor a file\nhint: " + form)
	}
	if o.Host == "" {
		o.Host = "registry"
	}
	return o, nil
}

// Collector reads one registry.
type Collector struct{ opts Options }

// New returns a collector. Nothing is read before Collect.
func New(o Options) *Collector { return &Collector{o} }

// registry is one being read: what was said so far.
type registry struct {
	opts Options
	sink estate.Sink
	// aliases of versions, by model and version.
	aliases  map[[2]string][]string
	versions []json.RawMessage
	// unended are lists whose last reply says that there is more; models were seen.
	unended map[string]bool
	seen    map[string]bool
}

// named is what is read of a model or version to give it its id.
type named struct {
	Name    string          `json:"name"`
	Version json.RawMessage `json:"version"`
	Aliases []struct {
		Alias   string          `json:"alias"`
		Version json.RawMessage `json:"version"`
	} `json:"aliases"`
}

// reply is one of the registry's. Databricks' and MLflow's own are alike in this.
type reply struct {
	Models   []json.RawMessage `json:"registered_models"`
	Versions []json.RawMessage `json:"model_versions"`
	Next     string            `json:"next_page_token"`
}

// word is a version as text: some servers send numbers.
func word(v json.RawMessage) string { return strings.Trim(string(v), `"`) }

// Collect reads the registry into sink. The error says that nothing of it can be relied
// on: no answer, no right, or what came is no registry's.
func (c *Collector) Collect(ctx context.Context, sink estate.Sink) error {
	r := &registry{opts: c.opts, sink: sink, aliases: map[[2]string][]string{}, unended: map[string]bool{}, seen: map[string]bool{}}
	var err error
	if c.opts.Address == "" {
		err = r.file()
	} else {
		err = r.server(ctx)
	}
	if err != nil {
		return err
	}
	for _, v := range r.versions {
		if err := r.version(ctx, v); err != nil {
			return err
		}
	}
	for op, typ := range map[string]string{searchModels: ModelType, searchVersions: VersionType} {
		switch {
		case !r.seen[op]:
			sink.BlindSpot(estate.BlindSpot{Source: c.opts.Source, Operation: op, Types: []string{typ}, Status: estate.ReadSkipped, Why: "the file holds no reply of it", Hint: "put the reply of " + strings.Replace(op, "mlflow:", "api/2.0/mlflow/", 1) + " into the file, too"})
		case r.unended[op]:
			sink.BlindSpot(estate.BlindSpot{Source: c.opts.Source, Operation: op, Types: []string{typ}, Status: estate.ReadSkipped, Why: "the last reply in the file has a next_page_token: there is more", Hint: "ask on with page_token until none comes"})
		default:
			sink.Covered(estate.Coverage{Type: typ, Account: c.opts.Host})
		}
	}
	return nil
}

// take keeps one reply of a list; what is none is an error.
func (r *registry) take(text []byte) error {
	var p reply
	if err := json.Unmarshal(text, &p); err != nil {
		return err
	}
	if p.Models != nil {
		r.seen[searchModels], r.unended[searchModels] = true, p.Next != ""
	}
	if p.Versions != nil {
		r.seen[searchVersions], r.unended[searchVersions] = true, p.Next != ""
	}
	for _, m := range p.Models {
		var n named
		if err := json.Unmarshal(m, &n); err != nil || n.Name == "" {
			return errors.New("a model in it has no name")
		}
		for _, a := range n.Aliases {
			k := [2]string{n.Name, word(a.Version)}
			r.aliases[k] = append(r.aliases[k], a.Alias)
		}
		r.sink.Asset(estate.Asset{ID: ID(r.opts.Host, n.Name, ""), Type: ModelType, Cloud: estate.MLflow, Account: r.opts.Host, Name: n.Name, Source: r.opts.Source,
			Config: m, Reads: []estate.Read{{Operation: searchModels, Status: estate.ReadOK}}})
	}
	r.versions = append(r.versions, p.Versions...)
	return nil
}

// ID is that of a model, or of a version of it, in a registry.
func ID(host, name, version string) string {
	id := "mlflow://" + host + "/" + url.PathEscape(name)
	if version != "" {
		id += "/" + url.PathEscape(version)
	}
	return id
}

// version sends one version, with the aliases that its model gives it and where its files
// lie, which a server that keeps them apart from the registry must be asked.
func (r *registry) version(ctx context.Context, text json.RawMessage) error {
	var n named
	var config map[string]json.RawMessage
	if json.Unmarshal(text, &n) != nil || json.Unmarshal(text, &config) != nil || n.Name == "" || word(n.Version) == "" {
		return r.bad(errors.New("a version in it has no name or number"))
	}
	v := word(n.Version)
	reads := []estate.Read{{Operation: searchVersions, Status: estate.ReadOK}}
	aliases := r.aliases[[2]string{n.Name, v}]
	if aliases == nil {
		aliases = []string{}
	}
	config["aliases"], _ = json.Marshal(aliases)
	if !r.seen[searchModels] || r.unended[searchModels] {
		delete(config, "aliases")
		reads = append(reads, estate.Read{Operation: searchModels, Key: "aliases", Status: estate.ReadSkipped, Why: "not all models' replies are there"})
	}
	if r.opts.Address != "" {
		where, status, err := r.get(ctx, "model-versions/get-download-uri?"+url.Values{"name": {n.Name}, "version": {v}}.Encode())
		read := estate.Read{Operation: downloadURI, Key: "download", Status: estate.ReadOK}
		switch {
		case err == nil && json.Valid(where):
			config["download"] = where
		case ctx.Err() != nil:
			return ctx.Err()
		case status == http.StatusForbidden || status == http.StatusUnauthorized:
			read.Status, read.Why = estate.ReadDenied, "the server refused it"
		default:
			read.Status, read.Why = estate.ReadFailed, fmt.Sprint(err)
		}
		reads = append(reads, read)
		if read.Status != estate.ReadOK {
			r.sink.BlindSpot(estate.BlindSpot{Source: r.opts.Source, Operation: downloadURI, Asset: ID(r.opts.Host, n.Name, v), Status: read.Status, Why: read.Why, Hint: "grant READ on the model"})
		}
	}
	whole, err := json.Marshal(config)
	if err != nil {
		return err
	}
	r.sink.Asset(estate.Asset{ID: ID(r.opts.Host, n.Name, v), Type: VersionType, Cloud: estate.MLflow, Account: r.opts.Host, Name: n.Name + " " + v, Source: r.opts.Source, Config: whole, Reads: reads})
	return nil
}

// file takes replies that stand one after the other in a file.
func (r *registry) file() error {
	info, err := os.Stat(r.opts.Path)
	switch {
	case err != nil:
		return r.bad(err)
	case !info.Mode().IsRegular():
		return r.bad(errors.New("it is no file"))
	case info.Size() > maxFile:
		return r.bad(fmt.Errorf("it is longer than %d MiB", maxFile>>20))
	}
	f, err := os.Open(r.opts.Path)
	if err != nil {
		return r.bad(err)
	}
	defer f.Close()
	r.sink.Called("mlflow:read")
	for d := json.NewDecoder(io.LimitReader(f, maxFile)); ; {
		var one json.RawMessage
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = r.take(one)
		}
		if err != nil {
			return r.bad(fmt.Errorf("byte %d: %w", d.InputOffset(), err))
		}
	}
	if len(r.seen) == 0 {
		return r.bad(errors.New("none of it is a reply of a model registry"))
	}
	return nil
}

// Error says what is wrong with a registry.
type Error struct {
	Where string
	Err   error
	Mend  string
}

// Error implements error.
func (e *Error) Error() string { return e.Where + ": " + e.Err.Error() }

// Unwrap is the cause.
func (e *Error) Unwrap() error { return e.Err }

// Hint is the mend.
func (e *Error) Hint() string { return e.Mend }

func (r *registry) bad(err error) error {
	if r.opts.Address != "" {
		return &Error{r.opts.Address, err, "give the address of an MLflow tracking server, and a token that may read its registry in MLFLOW_TRACKING_TOKEN"}
	}
	return &Error{r.opts.Path, err, "fetch api/2.0/mlflow/registered-models/search and …/model-versions/search into one file"}
}

// server lists models, then versions, page by page.
func (r *registry) server(ctx context.Context) error {
	if r.opts.Client == nil {
		host := r.opts.Host
		r.opts.Client = &http.Client{Timeout: patience, CheckRedirect: func(q *http.Request, via []*http.Request) error {
			if strings.ToLower(q.URL.Host) != host || len(via) > 3 {
				return errors.New("it leads to another host")
			}
			return nil
		}}
	}
	for op, list := range map[string]string{searchModels: "registered_models", searchVersions: "model_versions"} {
		token, told := "", map[string]bool{}
		for page := 0; ; page++ {
			q := url.Values{"max_results": {fmt.Sprint(perPage)}}
			if token != "" {
				q.Set("page_token", token)
			}
			text, _, err := r.get(ctx, strings.TrimPrefix(op, "mlflow:")+"?"+q.Encode())
			if err != nil {
				return r.bad(err)
			}
			// A reply without the list is an empty one: MLflow leaves out what is empty.
			var members map[string]json.RawMessage
			if err := json.Unmarshal(text, &members); err != nil {
				return r.bad(fmt.Errorf("%s: the answer is no object of JSON: %w", op, err))
			}
			if members[list] == nil && len(members) > 0 {
				return r.bad(fmt.Errorf("%s: the answer is none of a model registry", op))
			}
			if err := r.take(text); err != nil {
				return r.bad(fmt.Errorf("%s: %w", op, err))
			}
			r.seen[op], r.unended[op] = true, false
			next := word(members["next_page_token"])
			if next == "" || next == "null" {
				break
			}
			if told[next] || page >= maxPages {
				return r.bad(fmt.Errorf("%s: its pages do not end", op))
			}
			told[next], token = true, next
		}
	}
	return nil
}

// get fetches one answer.
func (r *registry) get(ctx context.Context, path string) (text []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.opts.Address+"/api/2.0/mlflow/"+path, nil)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case r.opts.Token != "":
		req.Header.Set("Authorization", "Bearer "+r.opts.Token)
	case r.opts.User != "":
		req.SetBasicAuth(r.opts.User, r.opts.Password)
	}
	path, _, _ = strings.Cut(path, "?")
	r.sink.Called("mlflow:" + path)
	res, err := r.opts.Client.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	defer res.Body.Close()
	text, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, res.StatusCode, fmt.Errorf("%s: the answer broke off: %w", path, err)
	case res.StatusCode != http.StatusOK:
		return nil, res.StatusCode, fmt.Errorf("%s: the server answered %s", path, res.Status)
	case len(text) > maxAnswer:
		return nil, res.StatusCode, fmt.Errorf("%s: the answer is longer than %d MiB", path, maxAnswer>>20)
	}
	return text, res.StatusCode, nil
}
