package scope

import (
	"net/netip"
	"regexp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/scope/expr"
	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Network says what may, and what must not, open a connection to what, beside
// what holds in every estate: nothing between training and production, nothing
// from the internet that nobody meant.
type Network struct {
	Intents []Intent
	// Channels are stores and queues through which what is made in one zone is
	// meant to reach another.
	Channels []Channel
}

// The rules an intent may state.
const (
	Never   = "never"   // from must not reach to
	Allowed = "allowed" // from is meant to reach to, though another intent forbids it
	Only    = "only"    // from may reach to and nothing else that has a place in a network
)

// Intent is one sentence about who may open connections to whom.
type Intent struct {
	Name     string
	From, To Party
	Rule     string
	Ports    []string // "443", "tcp/8000-8010"; none is all
	Reason   string
	Place    strict.Place
}

// Party is one side of an intent: a zone, a workload, an asset, an address range
// or "internet" by name, or all assets that match.
type Party struct {
	Name  string
	Match *expr.Expr
}

// Channel is a store or queue by which one zone hands things to another, in one
// direction.
type Channel struct {
	Via, From, To string
	Reason        string
	Place         strict.Place
}

type networkYAML struct {
	Intents  []intent  `key:"intents" doc:"Who may, or must not, open connections to whom."`
	Channels []channel `key:"channels" doc:"Stores and queues by which one zone hands things to another, in one direction."`
}

type intent struct {
	strict.Place
	Name      strict.Text   `key:"name,required" doc:"Name of the intent, for findings."`
	From      strict.Text   `key:"from" doc:"A zone, a workload, an asset, an address range or internet."`
	FromMatch *strict.Text  `key:"from_match" doc:"CEL over assets, instead of from."`
	To        strict.Text   `key:"to" doc:"A zone, a workload, an asset, an address range or internet."`
	ToMatch   *strict.Text  `key:"to_match" doc:"CEL over assets, instead of to."`
	Rule      strict.Text   `key:"rule,required" enum:"never|allowed|only" doc:"never: from must not reach to. allowed: it is meant to. only: it reaches nothing else."`
	Ports     []strict.Text `key:"ports" doc:"Ports meant: 443, tcp/8000-8010; all unless given."`
	Reason    string        `key:"reason" doc:"Why."`
}

type channel struct {
	strict.Place
	Via    strict.Text `key:"via,required" doc:"Id of the store or queue."`
	From   strict.Text `key:"from,required" enum:"training|serving|pipeline|management|development|production" doc:"Zone that writes."`
	To     strict.Text `key:"to,required" enum:"training|serving|pipeline|management|development|production" doc:"Zone that reads."`
	Reason string      `key:"reason" doc:"Why, and what examines what passes."`
}

func (c *checker) network(y *networkYAML, out *Network) {
	for _, i := range y.Intents {
		in := Intent{Name: i.Name.Value, Rule: i.Rule.Value, Reason: i.Reason, Place: i.Place, From: c.party(i.Name, "from", i.From, i.FromMatch), To: c.party(i.Name, "to", i.To, i.ToMatch)}
		if strings.TrimSpace(in.Name) == "" {
			c.bad(i.Name, "", "an intent's name is empty")
		}
		for _, p := range i.Ports {
			if !portText.MatchString(p.Value) {
				c.bad(p, "write it as 443, udp/53 or tcp/8000-8010", "%q is no port", p.Value)
			}
			in.Ports = append(in.Ports, p.Value)
		}
		out.Intents = append(out.Intents, in)
	}
	for _, h := range y.Channels {
		if h.From.Value == h.To.Value {
			c.bad(h.From, "", "a channel leads from zone %s into itself", h.From.Value)
		}
		out.Channels = append(out.Channels, Channel{Via: h.Via.Value, From: h.From.Value, To: h.To.Value, Reason: h.Reason, Place: h.Place})
	}
}

// party reads one side of an intent.
func (c *checker) party(name strict.Text, side string, text strict.Text, match *strict.Text) Party {
	switch {
	case match != nil && text.Value != "":
		c.bad(text, "", "intent %q says both %s and %s_match", name.Value, side, side)
	case match != nil:
		return Party{Match: c.expression(*match)}
	case strings.TrimSpace(text.Value) == "":
		c.bad(name, "", "intent %q does not say %s whom", name.Value, side)
	case rangeLike.MatchString(text.Value):
		if _, err := netip.ParsePrefix(text.Value); err != nil {
			c.bad(text, "write it as 10.20.0.0/16 or 2001:db8::/32", "%q is no range of addresses: %s of intent %q", text.Value, side, name.Value)
		}
	}
	return Party{Name: text.Value}
}

// rangeLike is what nobody writes who does not mean a range of addresses.
var rangeLike = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*/[0-9]+$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*/[0-9]+$`)
