package network

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

// thing is an asset with what was read of it.
type thing struct {
	node   estate.Node
	asset  *estate.Asset
	config json.RawMessage
}

// readPassages fills the model with what leads into VPCs from outside all of them, and
// with what holds packets back on the way: after the load balancers and interfaces that
// these name.
func (w *World) readPassages() {
	w.passing = map[string][]thing{}
	for n, a := range w.snap.Assets() {
		if a.Referenced || !passageTypes[a.Type] {
			continue
		}
		config, err := w.snap.Config(n)
		if err != nil {
			w.problem("%s: %v", a.ID, err)
			continue
		}
		w.passing[a.Type] = append(w.passing[a.Type], thing{n, a, config})
	}
	w.readFirewalls()
	w.readPublicAccess()
	w.readAPIs()
	w.readAccelerators()
	w.readCustomRouting()
	w.readDistributions()
	w.readVerifiedAccess()
	w.readLattice()
	w.readClientVPN()
	w.passing = nil
}

// passageTypes are the types that readPassages reads.
var passageTypes = map[string]bool{
	firewallType: true, blockType: true, exclusionType: true, restLinkType: true, httpLinkType: true, restType: true, httpType: true,
	acceleratorType: true, acceleratorListenerType: true, endpointGroupType: true, customAcceleratorType: true, customListenerType: true, customGroupType: true, originType: true, distributionType: true,
	verifiedType: true, verifiedInstanceType: true, verifiedGroupType: true, clientVPNType: true, "AWS::EC2::EIP": true,
	serviceNetworkType: true, networkVPCType: true, networkServiceType: true, latticeServiceType: true, latticeListenerType: true, latticeRuleType: true,
	latticeTargetsType: true, resourceGatewayType: true, resourceType: true,
}

const (
	firewallType            = "AWS::NetworkFirewall::Firewall"
	blockType               = "AWS::EC2::VPCBlockPublicAccessOptions"
	exclusionType           = "AWS::EC2::VPCBlockPublicAccessExclusion"
	acceleratorType         = "AWS::GlobalAccelerator::Accelerator"
	acceleratorListenerType = "AWS::GlobalAccelerator::Listener"
	endpointGroupType       = "AWS::GlobalAccelerator::EndpointGroup"
	customAcceleratorType   = "AWS::GlobalAccelerator::CustomRoutingAccelerator"
	customListenerType      = "AWS::GlobalAccelerator::CustomRoutingListener"
	customGroupType         = "AWS::GlobalAccelerator::CustomRoutingEndpointGroup"
	originType              = "AWS::CloudFront::VpcOrigin"
	distributionType        = "AWS::CloudFront::Distribution"
	verifiedType            = "AWS::EC2::VerifiedAccessEndpoint"
	verifiedInstanceType    = "AWS::EC2::VerifiedAccessInstance"
	verifiedGroupType       = "AWS::EC2::VerifiedAccessGroup"
	clientVPNType           = "AWS::EC2::ClientVpnEndpoint"
)

// each calls fn for every asset of a type with its configuration read into d, which is
// made anew each time.
func each[T any](w *World, typ string, fn func(thing, *T)) {
	for _, t := range w.passing[typ] {
		d := new(T)
		if len(t.config) > 0 {
			if err := json.Unmarshal(t.config, d); err != nil {
				w.problem("%s: %v", t.asset.ID, err)
				continue
			}
		}
		fn(t, d)
	}
}

// unlisted says which of some types were not listed in full where a VPC lives, "" if
// all were. What a plan or template will make needs no list.
func (w *World) unlisted(vpc *aws.VPC, types ...string) string {
	if a := w.vpcs[vpc.ID]; a == nil || unborn(a.ID) {
		return ""
	}
	for _, typ := range types {
		if !w.snap.Covered(typ, vpc.Owner, vpc.Region) {
			return fmt.Sprintf("%s of account %s in %s were not all listed", typ, vpc.Owner, firstOf(vpc.Region, "all regions"))
		}
	}
	return ""
}

// unseen adds a passage for each reason why something that leads into some VPCs may be
// missing.
func (w *World) unseen(what string, clients []aws.Clients, types ...string) {
	into := map[string][]string{}
	for i := range w.model.VPCs {
		v := &w.model.VPCs[i]
		if why := w.unlisted(v, types...); why != "" {
			into[why] = append(into[why], v.ID)
		}
	}
	for _, why := range sortedKeys(into) {
		w.model.Passages = append(w.model.Passages, aws.Passage{ID: what, Clients: clients, Doubt: why, Into: into[why]})
	}
}

// vpcOfTarget is the VPC of a load balancer, an instance or an interface, nil if it was
// not read.
func (w *World) vpcOfTarget(r *aws.PassageRoute) *aws.VPC {
	id := ""
	switch {
	case r.Balancer != "":
		for i := range w.model.LoadBalancers {
			if lb := &w.model.LoadBalancers[i]; lb.ID == r.Balancer {
				id = lb.VPC
				if id == "" && len(lb.Interfaces) > 0 {
					id = w.vpcOf(lb.Interfaces[0])
				}
			}
		}
	case r.Instance != "":
		if own := w.interfacesOfInstance(r.Instance); len(own) > 0 {
			id = w.vpcOf(own[0])
		}
	case w.ifaces[r.Interface] != nil:
		id = w.vpcOf(r.Interface)
	}
	return w.modelVPC(id)
}

func (w *World) modelVPC(id string) *aws.VPC {
	for i := range w.model.VPCs {
		if v := &w.model.VPCs[i]; v.ID == id && id != "" {
			return v
		}
	}
	return nil
}

// targetARN is what an ARN or id leads to; false if it is none of what lies in VPCs.
func (w *World) targetARN(r *aws.PassageRoute, id string) bool {
	switch {
	case strings.Contains(id, ":loadbalancer/"):
		r.Balancer = id
	case strings.HasPrefix(id, "i-"):
		r.Instance = id
	case strings.Contains(id, ":instance/"):
		_, r.Instance, _ = strings.Cut(id, ":instance/")
	case strings.HasPrefix(id, "eni-"):
		r.Interface = id
	case strings.HasPrefix(id, "eipalloc-"):
		each(w, "AWS::EC2::EIP", func(_ thing, d *struct{ AllocationId, NetworkInterfaceId string }) {
			if d.AllocationId == id {
				r.Interface = d.NetworkInterfaceId
			}
		})
		return r.Interface != ""
	default:
		return false
	}
	return true
}

// within are the ranges of some subnets, or of a VPC, in which a service of the
// provider's has an interface.
func (w *World) within(vpc *aws.VPC, subnets []string) []netip.Prefix {
	var out []netip.Prefix
	for _, id := range subnets {
		s := w.subnets[id]
		if s == nil {
			return nil
		}
		out = append(out, s.CIDRs...)
	}
	if len(out) == 0 && vpc != nil {
		out = slices.Clone(vpc.CIDRs)
	}
	// What delivers to a target by IPv4 does so from an IPv4 address.
	return slices.DeleteFunc(out, func(p netip.Prefix) bool { return !p.Addr().Is4() })
}

func (w *World) readFirewalls() {
	each(w, firewallType, func(t thing, d *struct {
		FirewallStatus struct {
			SyncStates map[string]struct{ Attachment struct{ EndpointId string } }
		}
	}) {
		f := aws.Firewall{ID: t.asset.ID}
		for _, zone := range sortedKeys(d.FirewallStatus.SyncStates) {
			if id := d.FirewallStatus.SyncStates[zone].Attachment.EndpointId; id != "" {
				f.Endpoints = append(f.Endpoints, id)
			}
		}
		w.model.Firewalls = append(w.model.Firewalls, f)
	})
}

// readPublicAccess reads the setting of each account and region that has a VPC. Where it
// was not read, what the VPCs and subnets themselves say serves, if all say that nothing
// is blocked.
func (w *World) readPublicAccess() {
	settings := map[string]*aws.PublicAccess{}
	each(w, blockType, func(t thing, d *struct{ InternetGatewayBlockMode, State string }) {
		if d.InternetGatewayBlockMode != "" {
			settings[t.asset.Account+" "+t.asset.Region] = &aws.PublicAccess{Owner: t.asset.Account, Region: t.asset.Region, Mode: d.InternetGatewayBlockMode}
		}
	})
	each(w, exclusionType, func(t thing, d *struct{ ResourceArn, InternetGatewayExclusionMode, State string }) {
		if s := settings[t.asset.Account+" "+t.asset.Region]; s != nil && !strings.HasPrefix(d.State, "delete") && !strings.HasPrefix(d.State, "disable") {
			s.Exclusions = append(s.Exclusions, aws.Exclusion{Resource: d.ResourceArn[strings.LastIndexByte(d.ResourceArn, '/')+1:], Mode: d.InternetGatewayExclusionMode})
		}
	})
	for i := range w.model.VPCs {
		v := &w.model.VPCs[i]
		key := v.Owner + " " + v.Region
		if w.vpcs[v.ID] == nil || unborn(w.vpcs[v.ID].ID) {
			continue
		}
		s := settings[key]
		switch {
		case s == nil && w.saysOff[v.ID]:
			continue
		case s == nil:
			s = &aws.PublicAccess{Owner: v.Owner, Region: v.Region, Unread: true}
			settings[key] = s
		case !s.Unread && s.Mode != "off" && w.unlisted(v, exclusionType) != "":
			s.Unread = true
		}
	}
	for _, key := range sortedKeys(settings) {
		w.model.PublicAccess = append(w.model.PublicAccess, *settings[key])
	}
}

// readAccelerators adds the accelerators that are enabled. What stands behind one sees the
// client where that is preserved, else an interface of the accelerator's in its subnet.
// https://docs.aws.amazon.com/global-accelerator/latest/dg/preserve-client-ip-address.html
func (w *World) readAccelerators() {
	w.unseen("an accelerator", nil, acceleratorType, acceleratorListenerType, endpointGroupType)
	byID := map[string]*aws.Passage{}
	each(w, acceleratorType, func(t thing, d *struct{ Enabled *bool }) {
		if d.Enabled == nil || *d.Enabled {
			byID[t.asset.ID] = &aws.Passage{ID: t.asset.ID, Blockable: true}
		}
	})
	type ports struct {
		PortRanges []struct{ FromPort, ToPort int }
		Protocol   string
	}
	type override struct{ ListenerPort, EndpointPort int }
	listeners := map[string]*ports{}
	each(w, acceleratorListenerType, func(t thing, d *ports) { listeners[t.asset.ID] = d })
	each(w, endpointGroupType, func(t thing, d *struct {
		EndpointDescriptions []struct {
			EndpointId                  string
			ClientIPPreservationEnabled *bool
		}
		PortOverrides []override
	}) {
		listener, _, _ := strings.Cut(t.asset.ID, "/endpoint-group/")
		accelerator, _, _ := strings.Cut(t.asset.ID, "/listener/")
		p, l := byID[accelerator], listeners[listener]
		if p == nil || l == nil {
			return
		}
		overrides := slices.SortedFunc(slices.Values(d.PortOverrides), func(a, b override) int { return a.ListenerPort - b.ListenerPort })
		for _, e := range d.EndpointDescriptions {
			r := aws.PassageRoute{Protocol: l.Protocol}
			if !w.targetARN(&r, e.EndpointId) {
				continue
			}
			switch vpc := w.vpcOfTarget(&r); {
			case e.ClientIPPreservationEnabled == nil:
				r.Doubt = "whether " + accelerator + " shows " + e.EndpointId + " the client's address was not read"
				r.Sender = aws.Sender{GroupsUnread: true}
			case *e.ClientIPPreservationEnabled:
				r.Sender.Client = true
			case strings.HasPrefix(e.EndpointId, "eipalloc-"):
				r.Sender.GroupsUnread = true // from addresses of the provider's own
			default:
				r.Sender = aws.Sender{Within: w.within(vpc, nil), GroupsUnread: true}
			}
			for _, span := range l.PortRanges {
				at := span.FromPort
				for _, o := range overrides {
					if o.ListenerPort < at || o.ListenerPort > span.ToPort {
						continue
					}
					p.Routes = append(p.Routes, onPorts(r, at, o.ListenerPort-1, 0)...)
					p.Routes = append(p.Routes, onPorts(r, o.ListenerPort, o.ListenerPort, o.EndpointPort)...)
					at = o.ListenerPort + 1
				}
				p.Routes = append(p.Routes, onPorts(r, at, span.ToPort, 0)...)
			}
		}
	})
	for _, id := range sortedKeys(byID) {
		if len(byID[id].Routes) > 0 {
			w.model.Passages = append(w.model.Passages, *byID[id])
		}
	}
}

// onPorts is a route for some ports, none if there are none.
func onPorts(r aws.PassageRoute, from, to, port int) []aws.PassageRoute {
	if from > to {
		return nil
	}
	r.From, r.To, r.Port = from, to, port
	return []aws.PassageRoute{r}
}

// originFacing names the addresses by which distributions call their origins.
const originFacing = "com.amazonaws.global.cloudfront.origin-facing"

// readDistributions adds the distributions that have origins in VPCs, which see an
// interface of a security group the provider makes for that, or what is on the list of
// the addresses of distributions.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
func (w *World) readDistributions() {
	type origin struct {
		VpcOriginEndpointConfig struct {
			Arn                  string
			HTTPPort, HTTPSPort  int
			OriginProtocolPolicy string
		}
		Id string
	}
	origins := map[string]*origin{}
	each(w, originType, func(t thing, d *origin) { origins[d.Id] = d })
	types := []string{originType}
	if len(origins) > 0 {
		types = append(types, distributionType)
	}
	w.unseen("a distribution", nil, types...)
	type behaviour struct {
		ViewerProtocolPolicy string
		TrustedKeyGroups     struct{ Enabled bool }
		TrustedSigners       struct{ Enabled bool }
	}
	each(w, distributionType, func(t thing, d *struct {
		Enabled *bool
		Origins struct {
			Items []struct{ VpcOriginConfig struct{ VpcOriginId string } }
		}
		DefaultCacheBehavior behaviour
		CacheBehaviors       struct{ Items []behaviour }
	}) {
		if d.Enabled != nil && !*d.Enabled {
			return
		}
		p := aws.Passage{ID: t.asset.ID, Blockable: true}
		plain, signed := false, true
		for _, b := range append(d.CacheBehaviors.Items, d.DefaultCacheBehavior) {
			plain = plain || b.ViewerProtocolPolicy == "allow-all" || b.ViewerProtocolPolicy == ""
			signed = signed && (b.TrustedKeyGroups.Enabled || b.TrustedSigners.Enabled)
		}
		if signed {
			p.SignIn = "it serves only addresses and cookies that its owner has signed"
		}
		for _, item := range d.Origins.Items {
			id := item.VpcOriginConfig.VpcOriginId
			if id == "" {
				continue
			}
			o := origins[id]
			r := aws.PassageRoute{Protocol: "TCP"}
			if o == nil || !w.targetARN(&r, o.VpcOriginEndpointConfig.Arn) {
				w.problem("%s: origin %s was not read", t.asset.ID, id)
				w.anywhereOf(t.asset, "where origin "+id+" of "+t.asset.ID+" leads was not read")
				continue
			}
			vpc := w.vpcOfTarget(&r)
			r.Sender = aws.Sender{Within: w.within(vpc, nil), Lists: []string{originFacing}}
			r.Sender.Groups, r.Sender.GroupsUnread = w.groupNamed("CloudFront-VPCOrigins-Service-SG", vpc)
			c := o.VpcOriginEndpointConfig
			for _, dial := range []int{443, 80} {
				if dial == 80 && !plain {
					continue
				}
				r.From, r.To, r.Port = dial, dial, c.HTTPSPort
				if c.OriginProtocolPolicy == "http-only" || c.OriginProtocolPolicy == "match-viewer" && dial == 80 {
					r.Port = c.HTTPPort
				}
				if r.Port == 0 {
					r.Doubt = "the port of origin " + id + " was not read"
				}
				p.Routes = append(p.Routes, r)
			}
		}
		if len(p.Routes) > 0 {
			w.model.Passages = append(w.model.Passages, p)
		}
	})
}

// anywhereOf adds a passage of the internet that may lead anywhere in the VPCs of an
// asset's account.
func (w *World) anywhereOf(a *estate.Asset, why string) {
	w.model.Passages = append(w.model.Passages, aws.Passage{ID: a.ID, Doubt: why, Into: w.vpcsOf(a)})
}

// vpcsOf are the VPCs of an asset's account, in its region if it has one.
func (w *World) vpcsOf(a *estate.Asset) []string {
	var out []string
	for _, v := range w.model.VPCs {
		if v.Owner == a.Account && (a.Region == "" || v.Region == a.Region) {
			out = append(out, v.ID)
		}
	}
	return out
}

// readCustomRouting adds the accelerators that map each port of their own to one address
// of a subnet. Which addresses they let traffic through to is set one by one, by default
// none, and is not read.
// https://docs.aws.amazon.com/global-accelerator/latest/dg/about-custom-routing-how-it-works.html
func (w *World) readCustomRouting() {
	types := []string{customAcceleratorType}
	if len(w.passing[customAcceleratorType]) > 0 {
		types = append(types, customListenerType, customGroupType)
	}
	w.unseen("a custom routing accelerator", nil, types...)
	off := map[string]bool{}
	each(w, customAcceleratorType, func(t thing, d *struct{ Enabled *bool }) { off[t.asset.ID] = d.Enabled != nil && !*d.Enabled })
	each(w, customGroupType, func(t thing, d *struct {
		EndpointDescriptions []struct{ EndpointId string }
	}) {
		accelerator, _, _ := strings.Cut(t.asset.ID, "/listener/")
		if off[accelerator] {
			return
		}
		p := aws.Passage{ID: accelerator, Blockable: true, Doubt: "which addresses " + accelerator + " lets traffic through to is not read: aws globalaccelerator list-custom-routing-port-mappings tells"}
		for _, e := range d.EndpointDescriptions {
			switch sub := w.subnets[e.EndpointId]; {
			case sub == nil:
				p.Into = append(p.Into, w.vpcsOf(&estate.Asset{Account: t.asset.Account})...)
			case !slices.Contains(p.Into, sub.VPC):
				p.Into = append(p.Into, sub.VPC)
			}
		}
		slices.Sort(p.Into)
		p.Into = slices.Compact(p.Into)
		if len(p.Into) > 0 {
			w.model.Passages = append(w.model.Passages, p)
		}
	})
}

// groupNamed is the security group of a name in a VPC; unread if there is none.
func (w *World) groupNamed(name string, vpc *aws.VPC) ([]string, bool) {
	if vpc == nil {
		return nil, true
	}
	for i := range w.model.SecurityGroups {
		if g := &w.model.SecurityGroups[i]; g.VPC == vpc.ID && w.groupNames[g.ID] == name {
			return []string{g.ID}, false
		}
	}
	return nil, true
}

// readVerifiedAccess adds the endpoints of Verified Access. Where the instance has a trust
// provider for users, nobody gets through who has not signed in; what the policies let
// through of devices alone is not decided.
// https://docs.aws.amazon.com/verified-access/latest/ug/how-it-works.html
func (w *World) readVerifiedAccess() {
	types := []string{verifiedType}
	if len(w.passing[verifiedType]) > 0 {
		types = append(types, verifiedInstanceType)
	}
	w.unseen("an endpoint of Verified Access", nil, types...)
	users := map[string]bool{}
	each(w, verifiedInstanceType, func(_ thing, d *struct {
		VerifiedAccessInstanceId     string
		VerifiedAccessTrustProviders []struct{ TrustProviderType string }
	}) {
		for _, p := range d.VerifiedAccessTrustProviders {
			users[d.VerifiedAccessInstanceId] = users[d.VerifiedAccessInstanceId] || p.TrustProviderType == "user"
		}
	})
	type span struct{ FromPort, ToPort int }
	type options struct {
		LoadBalancerArn, NetworkInterfaceId, Protocol string
		Port                                          int
		PortRanges                                    []span
		SubnetIds                                     []string
	}
	each(w, verifiedType, func(t thing, d *struct {
		VerifiedAccessInstanceId, EndpointType       string
		SecurityGroupIds                             []string
		LoadBalancerOptions, NetworkInterfaceOptions options
		RdsOptions, CidrOptions                      options
		Status                                       struct{ Code string }
	}) {
		if d.Status.Code == "deleted" || d.Status.Code == "deleting" {
			return
		}
		p := aws.Passage{ID: t.asset.ID, Doubt: "what the policies of " + t.asset.ID + " let through is not decided"}
		if users[d.VerifiedAccessInstanceId] {
			p.SignIn, p.Doubt = "Verified Access lets through only who has signed in", ""
		}
		o := d.LoadBalancerOptions
		target := o.LoadBalancerArn
		if target == "" {
			o = d.NetworkInterfaceOptions
			target = o.NetworkInterfaceId
		}
		r := aws.PassageRoute{Protocol: "TCP", From: 443, To: 443, Port: o.Port}
		if !w.targetARN(&r, target) {
			// A database or a range of addresses behind it.
			for _, s := range append(d.RdsOptions.SubnetIds, d.CidrOptions.SubnetIds...) {
				if sub := w.subnets[s]; sub != nil && !slices.Contains(p.Into, sub.VPC) {
					p.Into = append(p.Into, sub.VPC)
				}
			}
			p.Doubt = "where " + t.asset.ID + " leads is not decided"
			if len(p.Into) == 0 { // its subnets were not read
				p.Into = w.vpcsOf(t.asset)
			}
			w.model.Passages = append(w.model.Passages, p)
			return
		}
		r.Sender = aws.Sender{Within: w.within(w.vpcOfTarget(&r), o.SubnetIds), Groups: d.SecurityGroupIds}
		if o.Protocol != "tcp" {
			p.Routes = append(p.Routes, r)
		}
		for _, s := range o.PortRanges {
			r.From, r.To, r.Port = s.FromPort, s.ToPort, 0
			p.Routes = append(p.Routes, r)
		}
		w.model.Passages = append(w.model.Passages, p)
	})
}
