package scope

import (
	"net/url"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Fingerprint is by what a service is known again: what it is asked, and nothing else
// is sent to it.
type Fingerprint struct {
	// KeyEnv names the variable of the environment that holds its key, which goes into
	// KeyHeader, as a bearer token where that is Authorization; "": no key is sent.
	KeyEnv, KeyHeader string
	// Headers are sent with each question; they are no place for keys.
	Headers map[string]string
	// Times each question is put, at least two: what differs between two answers in a
	// row says nothing of a change.
	Times int
	Asks  []Ask
}

// Ask is one question to a service.
type Ask struct {
	Name string
	URL  string
	// Body is sent by POST; "": the address is read by GET.
	Body string
	// Reply is the member of a JSON reply that is compared, by dots; "": the text in the
	// replies of known APIs, else all of it.
	Reply string
}

// The bounds of what a file may have asked.
const (
	defaultTimes = 2
	maxTimes     = 10
	maxAsks      = 50
	maxAskBody   = 256 << 10
)

type fingerprintYAML struct {
	KeyEnv    strict.Text       `key:"key_env" doc:"Name of the variable of the environment with its key."`
	KeyHeader strict.Text       `key:"key_header" doc:"Header the key is sent in; Authorization, as a bearer token, unless set."`
	Headers   map[string]string `key:"headers" doc:"Headers sent with each question: anthropic-version."`
	Times     *int              `key:"times" doc:"How often each question is put; 2 unless set."`
	Asks      []askYAML         `key:"asks,required" doc:"What the service is asked; nothing else is sent."`
}

type askYAML struct {
	Name  strict.Text `key:"name,required" doc:"Name of the question."`
	URL   strict.Text `key:"url,required" doc:"Address that is asked, at the service's endpoint."`
	Body  strict.Text `key:"body" doc:"JSON that is sent by POST; left out, the address is read by GET."`
	Reply strict.Text `key:"reply" doc:"Member of a JSON reply that is compared: choices.0.message.content."`
}

// fingerprint checks what a service is to be asked. A key goes to the service's own
// endpoint, over TLS, or nowhere.
func (c *checker) fingerprint(f *fingerprintYAML, at strict.Text, of *Service) *Fingerprint {
	if f == nil {
		return nil
	}
	out := &Fingerprint{KeyEnv: f.KeyEnv.Value, KeyHeader: f.KeyHeader.Value, Headers: f.Headers, Times: defaultTimes}
	if f.Times != nil {
		if out.Times = *f.Times; out.Times < 2 || out.Times > maxTimes {
			c.bad(at, "times: 2", "service %q: each question is put 2 to %d times, not %d: one answer alone does not tell what changes by itself", of.Name, maxTimes, out.Times)
		}
	}
	if len(f.Asks) == 0 || len(f.Asks) > maxAsks {
		c.bad(at, "asks: [{name: models, url: 'https://"+of.Endpoint+"/v1/models'}]", "service %q is asked %d questions: 1 to %d", of.Name, len(f.Asks), maxAsks)
	}
	var names []string
	for _, a := range f.Asks {
		u, err := url.Parse(a.URL.Value)
		switch {
		case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
			c.bad(a.URL, "https://"+of.Endpoint+"/…", "question %q of service %q has no address of an endpoint", a.Name.Value, of.Name)
		case !of.Serves(strings.TrimSuffix(u.Host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])):
			c.bad(a.URL, "ask the endpoint of this service, or register another", "question %q of service %q goes to %s, which is not its endpoint %s", a.Name.Value, of.Name, u.Host, of.Endpoint)
		case u.Scheme == "http" && out.KeyEnv != "":
			c.bad(a.URL, "ask over https, or leave key_env out", "question %q of service %q would send the key without TLS", a.Name.Value, of.Name)
		}
		if slices.Contains(names, a.Name.Value) {
			c.bad(a.Name, "", "service %q has two questions %q", of.Name, a.Name.Value)
		}
		if len(a.Body.Value) > maxAskBody {
			c.bad(a.Body, "", "question %q of service %q has a body of more than %d bytes", a.Name.Value, of.Name, maxAskBody)
		}
		names = append(names, a.Name.Value)
		out.Asks = append(out.Asks, Ask{Name: a.Name.Value, URL: a.URL.Value, Body: a.Body.Value, Reply: a.Reply.Value})
	}
	return out
}
