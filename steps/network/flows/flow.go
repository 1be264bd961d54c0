package flows

import (
	"net/netip"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// Verdict is what became of a flow's packets. The zero value is Unsaid.
type Verdict uint8

// The verdicts.
const (
	Unsaid   Verdict = iota // the log does not say: a format without action
	Accepted                // let through
	Rejected                // held back by a rule: security group, network ACL, policy
	Audited                 // let through, though the policy would hold it back if it were enforced
	Dropped                 // held back for another reason than a rule, or for none that is said: it tells nothing of the rules
)

// String is the verdict in a word.
func (v Verdict) String() string {
	return [...]string{"unsaid", "accepted", "rejected", "audited", "dropped"}[v]
}

// Direction is where the connection went as seen from the place it was seen at.
type Direction uint8

// The directions.
const (
	NoDirection Direction = iota // neither said nor told by addresses
	Ingress                      // it was opened to the interface or pod
	Egress                       // it was opened by the interface or pod
)

// String is the direction in a word.
func (d Direction) String() string { return [...]string{"unknown", "ingress", "egress"}[d] }

func (d Direction) flip() Direction {
	switch d {
	case Ingress:
		return Egress
	case Egress:
		return Ingress
	}
	return NoDirection
}

// Sides is how it is known which end opened the connection. The zero value is
// Ambiguous.
type Sides uint8

// How the sides are known.
const (
	Ambiguous Sides = iota // nothing tells: Client is only who sent what was seen
	Inferred               // told by the ports, or by other flows of the same server
	Stated                 // the record says so
)

// String is the word for how the sides are known.
func (s Sides) String() string { return [...]string{"ambiguous", "inferred", "stated"}[s] }

// Endpoint is one end of a flow: a pod where the log names one, else an
// address, or a block of addresses where flows were made coarser.
type Endpoint struct {
	Addr netip.Prefix // not valid for pods
	// Namespace and Pod name a pod; Pod is empty where pods of one workload were
	// made one. Workload is "Kind/name", where Hubble says it.
	Namespace, Pod, Workload string
	// Reserved is Cilium's name for an end that is no pod: "world", "host",
	// "remote-node", "kube-apiserver", …
	Reserved string
	// Labels are a pod's, "k8s:app=web", as first seen.
	Labels []string
	// Service is the service of AWS that the address belongs to, as flow logs say
	// it where their format has the field: "S3", "DYNAMODB", "AMAZON".
	Service string
	// Names are the DNS names under which the address was asked for, as Hubble
	// saw them; at most eight.
	Names []string
}

// IsPod says whether the end is a pod or the pods of a workload.
func (e Endpoint) IsPod() bool { return e.Namespace != "" || e.Pod != "" }

// String is the end in short: "ns/pod", "ns/Deployment/web", "10.0.0.1",
// "10.0.0.0/24", "any".
func (e Endpoint) String() string {
	switch {
	case e.Pod != "":
		return e.Namespace + "/" + e.Pod
	case e.Namespace != "":
		return strings.TrimSuffix(e.Namespace+"/"+e.Workload, "/")
	case !e.Addr.IsValid():
		return "any"
	case e.Addr.IsSingleIP():
		return e.Addr.Addr().String()
	}
	return e.Addr.String()
}

// Flow is one kind of connection that was seen, with all that was seen of it.
type Flow struct {
	// At is where it was seen: a network interface, a transit gateway's
	// attachment, or "node/NAME" for Hubble. Empty where the format does not say.
	At             string
	Client, Server Endpoint
	Protocol       reach.Protocol
	// Port is the server's. It is 0 for ICMP in flow logs, which do not say the
	// type, and type<<8|code for ICMP in Hubble's; 0 also where PortKnown is not set.
	Port      uint16
	PortKnown bool
	// ClientPort is set for ambiguous flows only, where either may be the server's.
	ClientPort uint16
	Verdict    Verdict
	Direction  Direction
	Sides      Sides
	// ReplyHeld says that these are answers of the server that were held back: a
	// network ACL let the connection in and not its answers out.
	ReplyHeld bool

	First, Last time.Time // of the records, to the second
	Records     int64     // of both directions
	Replies     int64     // those of them that are the server's answers
	// Bytes and Packets are of both directions, as far as the records say them;
	// Hubble's do not.
	Bytes, Packets int64
}

// Opened says whether the flow shows that a connection came through to its
// server. Yes takes more than a record that was accepted: the client's interface
// accepts what the server's then holds back. It must have been let in at the
// server's side, or the server must have answered. No is what a rule held back
// on the way. All else is Unknown, above all where it is not known which end is
// the server.
func (f *Flow) Opened() reach.Answer {
	switch {
	case f.Sides == Ambiguous, f.Verdict == Dropped:
		return reach.Unknown
	case f.Verdict == Rejected && f.ReplyHeld:
		return reach.Yes // else there would be no answer to hold back
	case f.Verdict == Rejected:
		return reach.No
	case f.Replies > 0, f.Direction == Ingress && f.Verdict != Unsaid:
		return reach.Yes
	}
	return reach.Unknown
}

// Observed is all that was seen.
type Observed struct {
	Flows []Flow // in order of At, client, server, protocol, port
	// First and Last are the window: the earliest begin and the latest end of any
	// record. Zero if there was none.
	First, Last time.Time
	// Gaps are the times within the window longer than Options.Gap in which
	// nothing at all was recorded, not even that there was nothing.
	Gaps []Gap
	// Watched says of each interface, attachment or node over which time it was.
	Watched []Watched

	Records  int64 // records that count in Flows
	NoData   int64 // records that say that there was no traffic
	SkipData int64 // records that say that some were skipped: a blind spot
	LostHere int64 // events that Hubble says it lost: a blind spot
	// Portless counts flows of Hubble without protocol and port: what is neither
	// TCP, UDP, SCTP nor ICMP, or all where the export leaves l4 out.
	Portless int64
	// Ignored are records that say nothing of connections: Hubble's traces
	// without verdict, node states, debug events.
	Ignored int64
	// Malformed are lines, rows or events that could not be read; Problems name
	// the first of them, Unnamed counts those it does not.
	Malformed int64
	Problems  []Problem
	Unnamed   int64
	Files     []File
	Coarse    Coarse
	// Unsaid counts records whose format lacks what would be needed to say who
	// opened what ("source port"), or how much it was.
	Unsaid map[string]int64
}

// Blind says why the absence of a flow proves nothing, one sentence each; nil
// where the logs are whole.
func (o *Observed) Blind() []string { return blind(o) }

// Gap is a time in which nothing was recorded.
type Gap struct{ From, To time.Time }

// Watched is over which time one place was watched.
type Watched struct {
	At               string
	VPC, Subnet      string // where the format says them
	Instance         string
	Addresses        []netip.Addr // its own, as given or as all its records agree
	First, Last      time.Time
	Records          int64
	NoData, SkipData int64
	// Hours is how many hours of the window have a record of it, of how many.
	Hours, Of int
}

// Problem is something that could not be read.
type Problem struct {
	File string
	Line int64 // from 1; of a Parquet file the row; 0 for the file as a whole
	What string
	Hint string // how to mend it; may be empty
}

// String is the problem with its place.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + itoa(p.Line)
	}
	s += ": " + p.What
	if p.Hint != "" {
		s += " (hint: " + p.Hint + ")"
	}
	return s
}

// File is what one file gave.
type File struct {
	Name      string
	Format    string // "vpc text", "vpc parquet", "cloudwatch", "hubble"; empty if it was not recognised
	Records   int64
	Malformed int64
	// Cut says that the file ends in the middle, or is not to be read as what it
	// seems to be: what stood in the rest is not known.
	Cut bool
}
