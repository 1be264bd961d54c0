package detect

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/detect/behaviour"
	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// Peers says of a principal, by its id (the ARN of a role or user), which peer group
// it is of: those that may do the same for the same purpose. "" if it does not know.
type Peers func(principal string) string

// Levels says how much an action may change, as its provider publishes it; Unspecified
// if it does not know it.
type Levels func(service, action string) behaviour.Level

// Observer takes of events what behaviour is learnt from. It is not for several
// goroutines at once.
type Observer struct {
	peers  Peers
	levels Levels
	known  map[string]behaviour.Level // by service and action
	groups map[string]string          // by principal
	shapes map[string]string          // in order and joined, by the names as they came
	lead   []byte
	names  [][]byte
}

// NewObserver returns an observer; either function may be nil.
func NewObserver(peers Peers, levels Levels) *Observer {
	return &Observer{peers: peers, levels: levels, known: map[string]behaviour.Level{}, groups: map[string]string{}, shapes: map[string]string{}}
}

// maxRemembered bounds what an observer remembers of names.
const maxRemembered = 100_000

// Observe fills in what behaviour is to see of an event. Its texts are views of the
// event's.
func (o *Observer) Observe(e *ocsf.Event) behaviour.Observation {
	service, _, _ := strings.Cut(e.Service, ".")
	action := versionless(e.Action)
	kind, principal := who(e)
	out := behaviour.Observation{
		Time: time.UnixMilli(e.Time), Principal: principal, Group: o.group(e, kind), Account: e.Account, Kind: kind,
		Service: service, Action: action, Level: o.level(e, service, action), Resource: Template(firstResource(e)),
		Source: Network(e.SourceIP), Agent: Program(e.UserAgent), Region: e.Region, Error: e.ErrorCode,
		Amount: float64(e.BytesIn + e.BytesOut),
	}
	if out.Error == "" && e.Failed {
		out.Error = "failed"
	}
	if e.AI != nil {
		out.Amount = float64(max(0, e.AI.InputTokens) + max(0, e.AI.OutputTokens))
	}
	if e.ReadOnly != ocsf.Yes && e.Source == ocsf.CloudTrail {
		out.Shape = o.shape(e)
	}
	if e.Class == ocsf.ClassAuthentication && e.MFA == ocsf.No && action == "ConsoleLogin" {
		out.Shape += " no second factor"
	}
	return out
}

// who is the principal across its sessions, and what sort it is. A role that people
// sign in to is one principal a person.
func who(e *ocsf.Event) (behaviour.Kind, string) {
	a := &e.Actor
	switch a.Type {
	case "AWSService", "AWSAccount":
		return behaviour.Service, a.ID
	case "IAMUser", "Root", "FederatedUser", "IdentityCenterUser", "SAMLUser", "WebIdentityUser":
		return behaviour.Person, a.ID
	}
	if strings.Contains(a.ID, "AWSReservedSSO_") || strings.Contains(a.Session, "@") {
		return behaviour.Person, a.ID + "/" + a.Session
	}
	if strings.HasPrefix(a.ID, "system:serviceaccount:") || a.Type == "AssumedRole" || a.Type == "serviceAccount" {
		return behaviour.Machine, a.ID
	}
	if a.ID == "" {
		return behaviour.Machine, a.Session
	}
	if strings.Contains(a.ID, "@") {
		return behaviour.Person, a.ID
	}
	return behaviour.Machine, a.ID
}

// group is the peer group: the graph's, else what the name says.
func (o *Observer) group(e *ocsf.Event, kind behaviour.Kind) string {
	if g, ok := o.groups[e.Actor.ID]; ok {
		return g
	}
	g := ""
	if o.peers != nil {
		g = o.peers(e.Actor.ID)
	}
	if g == "" {
		g = stem(e.Actor.ID)
		if e.Actor.Type == "IAMUser" {
			g = "users of " + e.Account
		}
	}
	if len(o.groups) >= maxRemembered {
		clear(o.groups)
	}
	o.groups[strings.Clone(e.Actor.ID)] = strings.Clone(g)
	return g
}

func (o *Observer) level(e *ocsf.Event, service, action string) behaviour.Level {
	o.lead = append(append(append(o.lead[:0], service...), ':'), action...)
	if l, ok := o.known[string(o.lead)]; ok {
		return l
	}
	l := behaviour.Unspecified
	if o.levels != nil {
		l = o.levels(service, action)
	}
	if l == behaviour.Unspecified {
		switch {
		case e.ReadOnly == ocsf.Yes && (strings.HasPrefix(action, "List") || strings.HasPrefix(action, "Describe")):
			l = behaviour.List
		case e.ReadOnly == ocsf.Yes:
			l = behaviour.Read
		case e.Class == ocsf.ClassUserAccess || e.Class == ocsf.ClassAccountChange:
			l = behaviour.Grant
		default:
			l = behaviour.Write
		}
	}
	if len(o.known) >= maxRemembered {
		clear(o.known)
	}
	o.known[string(o.lead)] = l
	return l
}

// versionless drops the date that some services put behind an action's name
// ("UpdateFunctionCode20150331v2").
func versionless(action string) string {
	end := len(action)
	if i := strings.LastIndexByte(action, 'v'); i > 8 && i >= end-2 && digits(action[i+1:]) {
		end = i
	}
	if end > 8 && digits(action[end-8:end]) {
		return action[:end-8]
	}
	return action
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// firstResource is what an event was done to, in short: the first that has a name, and
// of an object of a store the store.
func firstResource(e *ocsf.Event) string {
	for _, r := range e.Resources {
		switch {
		case r.ID == "" || r.Type == "roleSessionName":
		case r.Type == "AWS::S3::Object":
		default:
			return r.ID
		}
	}
	if e.AI != nil {
		return e.AI.Model
	}
	return ""
}

// Template is a resource's name without what changes from one to the next of its kind:
// long runs of digits, and the ids that services make up.
func Template(id string) string {
	if i := strings.IndexByte(id, '-'); i > 0 && i < 9 && len(id)-i > 8 && hexadecimal(id[i+1:]) {
		return id[:i+1]
	}
	run := 0
	for i := range len(id) {
		if id[i] >= '0' && id[i] <= '9' {
			if run++; run > 4 && !strings.HasPrefix(id, "arn:") {
				return squeezed(id)
			}
		} else {
			run = 0
		}
	}
	return id
}

func hexadecimal(s string) bool {
	for i := range len(s) {
		c := s[i] | 0x20
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// squeezed writes each run of digits as #.
func squeezed(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			b.WriteByte(s[i])
		} else if i == 0 || s[i-1] < '0' || s[i-1] > '9' {
			b.WriteByte('#')
		}
	}
	return b.String()
}

// stem is a name without its numbers: roles made from one mould are peers.
func stem(id string) string {
	return squeezed(id[strings.LastIndexByte(id, '/')+1:])
}

// Network is the part of an address that stays while hosts change: the first 16 bits
// of IPv4, the first 32 of IPv6; the name of a service is its own.
func Network(address string) string {
	dots := 0
	for i := range len(address) {
		switch c := address[i]; {
		case c == '.':
			if dots++; dots == 2 {
				return address[:i]
			}
		case c == ':':
			if j := strings.IndexByte(address[i+1:], ':'); j >= 0 {
				return address[:i+1+j]
			}
			return address
		case c < '0' || c > '9':
			if c|0x20 < 'a' || c|0x20 > 'f' || dots > 0 {
				return address
			}
		}
	}
	return address
}

// Program is what a user agent says of the program, without versions: its first
// product, and what runs it.
func Program(agent string) string {
	if strings.HasPrefix(agent, "Mozilla/") {
		return "browser"
	}
	if i := strings.Index(agent, "Terraform/"); i >= 0 {
		return "Terraform"
	}
	if i := strings.Index(agent, "exec-env/"); i >= 0 {
		rest := agent[i:]
		if j := strings.IndexByte(rest, ' '); j > 0 {
			rest = rest[:j]
		}
		return rest
	}
	if i := strings.IndexAny(agent, "/ "); i > 0 {
		return agent[:i]
	}
	return agent
}

// maxShape bounds how many parameters are looked at.
const maxShape = 16

// shape names the top parameters of a request of CloudTrail's, in alphabetical order.
func (o *Observer) shape(e *ocsf.Event) string {
	at := bytes.Index(e.Raw, []byte(`"requestParameters"`))
	if at < 0 {
		return ""
	}
	raw := e.Raw[at+len(`"requestParameters"`):]
	o.names = o.names[:0]
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return o.joined()
			}
		case ',':
			if depth == 0 {
				return ""
			}
		case '"':
			end := i + 1
			for end < len(raw) && raw[end] != '"' {
				if raw[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(raw) {
				return ""
			}
			next := end + 1
			for next < len(raw) && (raw[next] == ' ' || raw[next] == '\n' || raw[next] == '\t' || raw[next] == '\r') {
				next++
			}
			if depth == 1 && next < len(raw) && raw[next] == ':' && len(o.names) < maxShape {
				o.names = append(o.names, raw[i+1:end])
			}
			i = end
		}
	}
	return ""
}

// joined is the names in order, as one text: the same few come again and again.
func (o *Observer) joined() string {
	o.lead = o.lead[:0]
	for i, n := range o.names {
		if i > 0 {
			o.lead = append(o.lead, 0) // which is in no name
		}
		o.lead = append(o.lead, n...)
	}
	if s, ok := o.shapes[string(o.lead)]; ok {
		return s
	}
	names := make([]string, len(o.names))
	for i, n := range o.names {
		names[i] = string(n)
	}
	slices.Sort(names)
	s := strings.Join(names, " ")
	if len(s) > longestShape {
		return s
	}
	if len(o.shapes) >= mostShapes {
		clear(o.shapes)
	}
	o.shapes[string(o.lead)] = s
	return s
}

// Bounds of the shapes that are remembered, some 5 MiB.
const (
	mostShapes   = 8192
	longestShape = 256
)
