package called

import (
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// nobody is the caller in a line that names none.
const nobody = "a caller that its log does not name"

// runtimePrefix is what kubectl logs --timestamps or a node's log puts before a line.
const runtimePrefix = `^(?:\S+ (?:std(?:out|err) [FP] )?)?`

// envoyLine is Envoy's default text format, and Istio's with two fields more after the
// flags and a reason in quotes. Envoy escapes nothing, so that a client's user agent may
// hold quotes: it is the one field that takes all between those before it and the three
// at the end, which hold none.
var envoyLine = regexp.MustCompile(runtimePrefix + `\[([0-9TZ:.+-]+)\] "([^"\s]+) ([^"\s]+) ([^"\s]+)" \d+ \S+ (?:\S+ \S+ "[^"]*" )?\d+ \d+ (?:\d+|-) (?:\d+|-) "([^"]*)" "(.*)" "([^"\s]*)" "([^"\s]*)" "([^"\s]*)"((?: \S+)*)$`)

// envoyOther is what Envoy and Istio's agent say of themselves.
var envoyOther = regexp.MustCompile(runtimePrefix + `(?:\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+\]\[\d+\]\[\w+\]|\d{4}-\d\d-\d\dT[0-9:.]+Z\t(?:info|warn|error|debug)\t)`)

// istioFields are those after the upstream in Istio's format: cluster, upstream's local
// address, downstream's local and remote address, name in TLS, route.
const istioFields = 6

func (l *Log) envoyText(line string) bool {
	var m []string
	if strings.Contains(line, `] "`) {
		m = envoyLine.FindStringSubmatch(line)
	}
	if m == nil {
		return envoyOther.MatchString(line) && l.skip()
	}
	at, forwarded, authority, upstream, rest := stamp(m[1]), m[5], m[8], m[9], strings.Fields(m[10])
	// The last that was added is who reached this proxy; what stands before it, callers
	// write themselves.
	by := strings.TrimSpace(forwarded[strings.LastIndexByte(forwarded, ',')+1:])
	if strings.Contains(m[6], `"`) {
		by = nobody // which of the quotes are a client's cannot be told
	}
	if len(rest) >= istioFields {
		by = address(rest[3])
		if authority == "-" {
			authority = rest[4]
		}
	} else if len(rest) > 0 {
		return false
	}
	if by == "" || by == "-" {
		by = nobody
	}
	if at.IsZero() {
		return false
	}
	return l.proxied(authority, by, upstream, at)
}

// proxied takes a call through Envoy. Where that sent nothing on, it refused the call
// itself; where nothing names the host, an address of one's own network is no vendor's.
func (l *Log) proxied(host, by, upstream string, at time.Time) bool {
	switch {
	case upstream == "" || upstream == "-":
		return l.skip()
	case host != "" && host != "-":
		return l.add(host, by, "proxy", at, "")
	}
	to, err := netip.ParseAddr(address(strings.TrimPrefix(upstream, "tcp://")))
	if err != nil || !to.IsPrivate() && !to.IsLoopback() && !to.IsLinkLocalUnicast() {
		l.Unnamed++
	}
	return l.skip()
}

// address is one without its port.
func address(s string) string {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr().Unmap().String()
	}
	return s
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// s3Line is a server access log of S3: owner, bucket, time, address, requester, request,
// operation, key, request line, status, error, six numbers and texts of no matter here,
// and from the version on what was signed and how. Fields may be added at the end.
var s3Line = regexp.MustCompile(`^[0-9a-f]{64} ([a-z0-9.-]{3,255}) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] (\S+) (\S+) \S+ ([A-Z][A-Za-z0-9_.]*) \S+ ("[^"]*"|-) (\d{3}|-) (\S+) \S+ \S+ \S+ \S+ ("[^"]*"|-) ("[^"]*"|-) \S+ \S+ \S+ \S+ \S+ (\S+)( \S+)*$`)

// s3Host is the host of S3 in a request, with a bucket before it or not.
var s3Host = regexp.MustCompile(`^(?:[a-z0-9.-]+\.)?(s3[a-z0-9.-]*\.amazonaws\.com(?:\.cn)?)$`)

func (l *Log) s3(line string) bool {
	if len(line) < 65 || line[64] != ' ' {
		return false
	}
	m := s3Line.FindStringSubmatch(line)
	if m == nil {
		return false
	}
	bucket, from, by, status, host := m[1], m[3], m[4], m[7], strings.ToLower(m[11])
	at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[2])
	if err != nil {
		return false
	}
	// What was refused is no call, and S3's own work (lifecycle) has no status.
	if m[6] == "-" || status == "-" || status >= "400" {
		return l.skip()
	}
	// The host is a client's word, the bucket is not.
	end := "s3.amazonaws.com"
	if h := s3Host.FindStringSubmatch(strings.TrimPrefix(host, bucket+".")); h != nil {
		end = h[1]
	}
	switch {
	case by == "-":
		by = from
	default:
		by = role(by)
	}
	if by == "" || by == "-" {
		by = nobody
	}
	return l.add(bucket+"."+end, by, "api", at.UTC(), "")
}

// role is the role of a session's ARN, where it is one. A role's path is not in it.
func role(arn string) string {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[2] != "sts" {
		return arn
	}
	name, ok := strings.CutPrefix(p[5], "assumed-role/")
	name, _, _ = strings.Cut(name, "/")
	if !ok || name == "" {
		return arn
	}
	return strings.Join([]string{p[0], p[1], "iam", p[3], p[4], "role/" + name}, ":")
}
