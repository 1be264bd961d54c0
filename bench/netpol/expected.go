package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
)

// connections are what one of their expected lists says.
type connections struct {
	pairs    map[[2]string]reach.Ports // workload to workload, as "NAMESPACE/NAME[KIND]"
	external []external
	udn, vms bool
}

// external is a line with addresses at one end.
type external struct {
	in       bool // from the addresses to the workload
	workload string
	addrs    reach.AddrRange
	ports    reach.Ports
}

const ingressController = "{ingress-controller}"

// readExpected reads a directory's list of connections: of its test of
// connections, or of that of exposure, which begins with one. It is nil if
// there is neither.
func readExpected(checkout, dir string) (*connections, error) {
	for _, kind := range []string{"connlist", "exposure"} {
		text, err := os.ReadFile(filepath.Join(checkout, "test_outputs", "connlist", dir+"_"+kind+"_output.txt"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return parse(string(text))
	}
	return nil, nil
}

func parse(text string) (*connections, error) {
	out := &connections{pairs: map[[2]string]reach.Ports{}}
	text, _, _ = strings.Cut(text, "Exposure Analysis Result:")
	out.udn = strings.Contains(text, "[udn]") || strings.Contains(text, "UDN") || strings.Contains(text, "[NAD]")
	out.vms = strings.Contains(text, "[VirtualMachine]")
	for line := range strings.Lines(text) {
		pair, conns, found := strings.Cut(strings.TrimSpace(line), " : ")
		from, to, arrow := strings.Cut(strings.ReplaceAll(pair, "[udn]", ""), " => ")
		if !found || !arrow {
			continue
		}
		ports, err := parseConns(conns)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		switch {
		case strings.HasSuffix(from, "[External]"):
			err = out.addExternal(true, from, to, ports)
		case strings.HasSuffix(to, "[External]"):
			err = out.addExternal(false, to, from, ports)
		default:
			key := [2]string{from, to}
			out.pairs[key] = out.pairs[key].Union(ports)
		}
		if err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
	}
	return out, nil
}

func (c *connections) addExternal(in bool, text, workload string, ports reach.Ports) error {
	lo, hi, _ := strings.Cut(strings.TrimSuffix(text, "[External]"), "-")
	from, err := netip.ParseAddr(lo)
	if err != nil {
		return err
	}
	to, err := netip.ParseAddr(hi)
	if err != nil {
		return err
	}
	c.external = append(c.external, external{in, workload, reach.AddrRange{From: from, To: to}, ports})
	return nil
}

// parseConns reads "All Connections" or "SCTP 9003,TCP 1-79,81-65535".
func parseConns(text string) (reach.Ports, error) {
	if text == "All Connections" {
		return reach.Transport, nil
	}
	var out reach.Ports
	proto := ""
	for _, part := range strings.Split(text, ",") {
		if name, rest, ok := strings.Cut(part, " "); ok {
			proto, part = name, rest
		}
		ports, err := reach.ParsePort(proto + "/" + part)
		if err != nil {
			return out, err
		}
		out = out.Union(ports)
	}
	return out, nil
}
