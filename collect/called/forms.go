package called

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// event reads one JSON object: a record of CloudTrail, of Route 53 Resolver or of Envoy.
func (l *Log) event(raw []byte) bool {
	var e struct {
		// CloudTrail.
		EventTime   string `json:"eventTime"`
		EventSource string `json:"eventSource"`
		EventName   string `json:"eventName"`
		Region      string `json:"awsRegion"`
		ErrorCode   string `json:"errorCode"`
		User        struct {
			ARN     string `json:"arn"`
			Session struct {
				Issuer struct {
					ARN string `json:"arn"`
				} `json:"sessionIssuer"`
			} `json:"sessionContext"`
			Service string `json:"invokedBy"`
		} `json:"userIdentity"`
		Request json.RawMessage `json:"requestParameters"`
		// Route 53 Resolver.
		QueryTime string `json:"query_timestamp"`
		Name      string `json:"query_name"`
		Source    string `json:"srcaddr"`
		Code      string `json:"rcode"`
		Firewall  string `json:"firewall_rule_action"`
		Sources   struct {
			Instance string `json:"instance"`
		} `json:"srcids"`
		// Envoy.
		Authority  *string         `json:"authority"`
		Asked      *string         `json:"requested_server_name"`
		Start      string          `json:"start_time"`
		Downstream string          `json:"downstream_remote_address"`
		Upstream   json.RawMessage `json:"upstream_host"`
	}
	if json.Unmarshal(raw, &e) != nil {
		return false
	}
	switch {
	case e.EventSource != "" && e.EventName != "":
		if e.EventSource != "bedrock.amazonaws.com" || !strings.HasPrefix(e.EventName, "Invoke") && !strings.HasPrefix(e.EventName, "Converse") || e.ErrorCode != "" {
			return l.skip()
		}
		var p struct {
			Model string `json:"modelId"`
		}
		_ = json.Unmarshal(e.Request, &p) // an event without it is a call all the same
		by := e.User.Session.Issuer.ARN
		if by == "" {
			by = e.User.ARN
		}
		if by == "" {
			by = e.User.Service
		}
		if e.Region == "" {
			return false
		}
		return l.add("bedrock-runtime."+e.Region+".amazonaws.com", by, "api", stamp(e.EventTime), p.Model)
	case e.Name != "" && e.QueryTime != "":
		if e.Code != "NOERROR" || e.Firewall == "BLOCK" {
			return l.skip()
		}
		by := e.Source
		if strings.HasPrefix(e.Sources.Instance, "i-") {
			by = e.Sources.Instance
		}
		return l.add(e.Name, by, "dns", stamp(e.QueryTime), "")
	case e.Start != "" && (e.Authority != nil || e.Asked != nil):
		host := ""
		for _, h := range []*string{e.Authority, e.Asked} {
			if h != nil && host == "" && *h != "-" {
				host = *h
			}
		}
		upstream := strings.TrimPrefix(strings.Trim(string(e.Upstream), `"`), "null")
		if e.Upstream == nil { // the format has none of it, and a call that is logged was made
			upstream = "logged"
		}
		by, at := address(e.Downstream), stamp(e.Start)
		if by == "" || by == "-" {
			by = nobody
		}
		if at.IsZero() {
			return false
		}
		return l.proxied(host, by, upstream, at)
	}
	return false
}

func stamp(text string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// squid reads a line of Squid's native form: time, milliseconds, client, code/status,
// bytes, method, address, user, hierarchy/peer, type.
func (l *Log) squid(line string) bool {
	f := strings.Fields(line)
	if len(f) < 9 {
		return false
	}
	seconds, err := strconv.ParseFloat(f[0], 64)
	code, _, found := strings.Cut(f[3], "/")
	if err != nil || seconds < 1 || seconds > 1e11 || !found || !isAddress(f[2]) {
		return false
	}
	if strings.Contains(code, "DENIED") || code == "NONE" || strings.HasPrefix(code, "NONE_") {
		return l.skip()
	}
	host := f[6]
	if _, rest, ok := strings.Cut(host, "://"); ok {
		host, _, _ = strings.Cut(rest, "/")
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	return l.add(host, f[2], "proxy", time.UnixMilli(int64(seconds*1000)).UTC(), "")
}

// coreDNSLine is the log plugin's common form, after whatever the runtime puts before it:
// a time that kubectl logs --timestamps or the node's log gives.
var coreDNSLine = regexp.MustCompile(`^(?:(\S+) (?:std(?:out|err) [FP] )?)?\[INFO\] (\[[0-9a-fA-F:]+\]|[0-9.]+):\d+ - \d+ "(\S+) \S+ (\S+) [^"]*" (\w+) `)

// coreDNSOther is what CoreDNS says of itself.
var coreDNSOther = regexp.MustCompile(`^(?:\S+ (?:std(?:out|err) [FP] )?)?(?:\[(?:INFO|WARNING|ERROR)\] |\.:\d+$|CoreDNS-|linux/)`)

func (l *Log) coreDNS(line string) bool {
	m := coreDNSLine.FindStringSubmatch(line)
	if m == nil {
		return coreDNSOther.MatchString(line) && l.skip()
	}
	if m[5] != "NOERROR" {
		return l.skip()
	}
	// Without a time nobody can tell how old it is.
	return l.add(m[4], strings.Trim(m[2], "[]"), "dns", stamp(m[1]), "")
}
