package org

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Attack is what one technique was recorded as, before it is rewritten.
type Attack struct {
	Technique string
	Records   []map[string]any
}

// ReadAttacks reads the detonation logs of stratus-red-team: a tar.gz of one JSON file
// a technique.
func ReadAttacks(name string) ([]Attack, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var out []Attack
	for t := tar.NewReader(zip); ; {
		h, err := t.Next()
		if err == io.EOF {
			slices.SortFunc(out, func(a, b Attack) int { return strings.Compare(a.Technique, b.Technique) })
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if !strings.HasSuffix(h.Name, ".json") {
			continue
		}
		text, err := io.ReadAll(io.LimitReader(t, 16<<20))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		a := Attack{Technique: strings.TrimSuffix(path.Base(h.Name), ".json")}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&a.Records); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		slices.SortStableFunc(a.Records, func(x, y map[string]any) int {
			return strings.Compare(x["eventTime"].(string), y["eventTime"].(string))
		})
		out = append(out, a)
	}
}

// Victim draws one whose credentials an attacker has: three in five times a person.
func (o *Org) Victim() *Principal {
	wantPerson := o.rng.Float64() < 0.6
	for {
		p := o.People[o.rng.IntN(len(o.People))]
		if (p.Person || p.User) == wantPerson && p.since < o.day && (p.until == 0 || p.until > o.day) && p.Job != "backup" {
			return p
		}
	}
}

// Inject rewrites an attack so that nothing but what was done is left of the one who
// did it first: it is done by a principal of the organisation, with that principal's
// usual program, from its usual address, in its account and region, on the
// organisation's own things, in the hours it works. What has no counterpart gets a name
// as the organisation gives them. Times keep their distances.
func (o *Org) Inject(a Attack, p *Principal, date time.Time) []Record {
	w := &rewriter{o: o, p: p, names: map[string]string{}}
	begin := date.Add(time.Duration((float64(p.begins) + 1 + 7*o.rng.Float64()) * float64(time.Hour)))
	first, _ := time.Parse(time.RFC3339, a.Records[0]["eventTime"].(string))
	var out []Record
	for _, r := range a.Records {
		at, _ := time.Parse(time.RFC3339, r["eventTime"].(string))
		at = begin.Add(at.Sub(first))
		o.serial++
		text := w.record(r, at)
		out = append(out, Record{Time: at, Text: text, Attack: a.Technique})
	}
	return out
}

type rewriter struct {
	o     *Org
	p     *Principal
	names map[string]string
}

var (
	digitRun  = regexp.MustCompile(`\d+`) // an account has 12, in encoded texts beside letters
	ipv4      = regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`)
	region    = regexp.MustCompile(`\b[a-z]{2,5}-[a-z]+-\d[a-z]?\b`)
	uuid      = regexp.MustCompile(`(?i)\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b`)
	keyID     = regexp.MustCompile(`\b(AKIA|ASIA|AROA|AIDA|AIPA|ANPA)[A-Z0-9]{8,}\b`)
	physical  = regexp.MustCompile(`(?i)\b(i|vol|snap|ami|sg|fl|vpc|subnet|eni|rqlc|r|eipalloc|lt)-[0-9a-zA-Z]{8,}\b`)
	toolNames = regexp.MustCompile(`(?i)[\w.@-]*(stratus|christophe|malicious|backdoor|datadog|evil)[\w.@-]*`)
	oldTimes  = regexp.MustCompile(`\b20(19|2[0-5])-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?\b`)
	sdkRuns   = regexp.MustCompile(`aws-go-sdk-\d+`)
	longBlob  = regexp.MustCompile(`[A-Za-z0-9+/=]{60,}`)
)

// record rewrites one.
func (w *rewriter) record(r map[string]any, at time.Time) []byte {
	agent := w.p.agents[0]
	out := map[string]any{}
	for _, k := range slices.Sorted(maps.Keys(r)) { // names are drawn in one order
		v := r[k]
		switch k {
		case "userIdentity", "eventTime", "sourceIPAddress", "userAgent", "eventID", "requestID", "awsRegion", "recipientAccountId", "sharedEventID", "tlsDetails", "errorMessage", "vpcEndpointId":
		case "additionalEventData":
			out[k] = w.additional(v)
		default:
			out[k] = w.value(k, v)
		}
	}
	var identity any
	_ = json.Unmarshal([]byte(w.o.identity(w.p, agent)), &identity) // ours
	out["userIdentity"], out["eventTime"] = identity, at.UTC().Format(time.RFC3339)
	out["sourceIPAddress"], out["userAgent"], out["recipientAccountId"] = w.p.address, agent, w.p.Account
	out["eventID"], out["requestID"] = w.o.eventID(2), w.o.eventID(1)
	source, _, _ := strings.Cut(fmt.Sprint(r["eventSource"]), ".")
	out["awsRegion"] = w.o.regionOf(action{service: source})
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // what json read it can write
	}
	return text
}

// additional keeps of a sign-in what the service says of it.
func (w *rewriter) additional(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	out := map[string]any{}
	for _, k := range []string{"MFAUsed", "MobileVersion"} {
		if v, ok := m[k]; ok {
			out[k] = v
		}
	}
	return out
}

// value rewrites what lies under a name.
func (w *rewriter) value(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out[w.text(k)] = w.value(k, v[k])
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = w.value(name, x)
		}
		return out
	case string:
		return w.text(v)
	}
	return v
}

// text rewrites a text piece by piece, the same piece always to the same.
func (w *rewriter) text(s string) string {
	s = longBlob.ReplaceAllStringFunc(s, func(x string) string { return w.to(x, func() string { return w.o.hex(len(x)) }) })
	s = oldTimes.ReplaceAllStringFunc(s, func(x string) string { return w.o.Date().Format(time.RFC3339) })
	s = uuid.ReplaceAllStringFunc(s, func(x string) string {
		return w.to(x, func() string { w.o.serial++; return w.o.eventID(3) })
	})
	s = digitRun.ReplaceAllStringFunc(s, func(x string) string {
		if len(x) != 12 {
			return x
		}
		return w.to(x, func() string { // the first is the organisation's own, others its partners'
			if !strings.HasPrefix(w.names["#account"], "y") {
				w.names["#account"] = "y"
				return w.p.Account
			}
			return w.o.Partners[w.o.rng.IntN(len(w.o.Partners))]
		})
	})
	s = ipv4.ReplaceAllStringFunc(s, func(x string) string {
		return w.to(x, func() string {
			if strings.HasSuffix(x, ".0") {
				return "0.0.0.0"
			}
			return w.p.address
		})
	})
	s = sdkRuns.ReplaceAllStringFunc(s, func(string) string { return cmp.Or(w.p.Session, w.p.Name) })
	s = keyID.ReplaceAllStringFunc(s, func(x string) string { return w.to(x, func() string { return x[:4] + w.o.upper(16) }) })
	s = toolNames.ReplaceAllStringFunc(s, func(x string) string { return w.to(x, func() string { return w.name(x) }) })
	s = physical.ReplaceAllStringFunc(s, func(x string) string {
		return w.to(x, func() string {
			prefix, _, _ := strings.Cut(x, "-")
			kind := map[string]string{"i": "instance", "vol": "volume", "snap": "snapshot", "ami": "image", "sg": "group"}[prefix]
			if kind == "" {
				return prefix + "-0" + w.o.hex(16)
			}
			return w.o.one(w.o.pool(kind, w.o.teams[w.o.rng.IntN(len(w.o.teams))]))
		})
	})
	return region.ReplaceAllStringFunc(s, func(x string) string {
		if known(x) {
			return w.o.Region
		}
		return x
	})
}

// known reports whether a text is spelt like a region and not like another word.
func known(x string) bool {
	first, _, _ := strings.Cut(x, "-")
	return slices.Contains([]string{"us", "eu", "ap", "sa", "ca", "af", "me", "il", "mx", "cn", "eugov", "usgov", "eusc"}, first) || strings.HasSuffix(x, "r")
}

func (w *rewriter) to(x string, fresh func() string) string {
	y, ok := w.names[x]
	if !ok {
		y = fresh()
		w.names[x] = y
	}
	return y
}

// name gives a thing of the organisation for one of the tool's, of the same kind as far
// as its name tells.
func (w *rewriter) name(x string) string {
	team := w.o.teams[w.o.rng.IntN(len(w.o.teams))]
	lower := strings.ToLower(x)
	for _, k := range []struct{ has, kind string }{{"bucket", "bucket"}, {"trail", "trail"}, {"func", "function"}, {"lambda", "function"}, {"secret", "secret"}, {"credentials", "parameter"}, {"snapshot", "database"}} {
		if strings.Contains(lower, k.has) {
			name := w.o.one(w.o.pool(k.kind, team))
			if i := strings.LastIndexAny(name, ":"); i >= 0 {
				name = name[i+1:]
			}
			return name
		}
	}
	if strings.Contains(lower, "user") || strings.Contains(lower, "christophe") {
		return firstNames[w.o.rng.IntN(len(firstNames))] + "." + lastNames[w.o.rng.IntN(len(lastNames))]
	}
	return team + "-" + words[w.o.rng.IntN(len(words))] + "-" + fmt.Sprint(w.o.rng.IntN(40))
}
