package network

import (
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach/aws"
)

const (
	restLinkType = "AWS::ApiGateway::VpcLink"
	httpLinkType = "AWS::ApiGatewayV2::VpcLink"
	restType     = "AWS::ApiGateway::RestApi"
	httpType     = "AWS::ApiGatewayV2::Api"
)

// readAPIs adds the VPC links of API Gateway, and if there are any the APIs that may use
// them. Where links were not listed any API may lead into the VPCs of the account.
func (w *World) readAPIs() {
	for i := range w.model.VPCs {
		v := &w.model.VPCs[i]
		v.LoadBalancersUnread = v.LoadBalancersUnread || w.unlisted(v, restLinkType, httpLinkType) != ""
	}
	places := map[string]*estate.Asset{} // account and region that have links
	link := func(t thing, l aws.VPCLink) {
		w.model.VPCLinks = append(w.model.VPCLinks, l)
		places[t.asset.Account+" "+t.asset.Region] = t.asset
	}
	each(w, restLinkType, func(t thing, d *struct {
		ID         string `json:"id"`
		Status     string `json:"status"`
		TargetArns []string
	}) {
		link(t, aws.VPCLink{ID: named(t.asset, d.ID), Balancers: d.TargetArns, Failed: d.Status == "FAILED" || d.Status == "DELETING"})
	})
	each(w, httpLinkType, func(t thing, d *struct {
		VpcLinkId, VpcLinkStatus    string
		SubnetIds, SecurityGroupIds []string
	}) {
		l := aws.VPCLink{ID: named(t.asset, d.VpcLinkId), Failed: d.VpcLinkStatus == "FAILED" || d.VpcLinkStatus == "DELETING"}
		l.Interfaces = w.linkInterfaces(t.node, d.SubnetIds, d.SecurityGroupIds)
		link(t, l)
	})
	if len(places) == 0 {
		return
	}
	for _, key := range sortedKeys(places) {
		a := places[key]
		if !unborn(a.ID) && (!w.snap.Covered(restType, a.Account, a.Region) || !w.snap.Covered(httpType, a.Account, a.Region)) {
			w.model.APIs = append(w.model.APIs, aws.API{ID: "an API of account " + a.Account + " in " + a.Region, Region: a.Region, Unread: true})
		}
	}
	each(w, restType, w.readRestAPI)
	each(w, httpType, w.readHTTPAPI)
}

// linkInterfaces are those a link's service has put into its subnets, or where none was
// read such as it will have.
func (w *World) linkInterfaces(n estate.Node, subnets, groups []string) []string {
	var out []string
	wanted := slices.Sorted(slices.Values(groups))
	for _, id := range w.apiInterfaces {
		f := w.ifaces[id]
		if slices.Contains(subnets, f.Subnet) && slices.Equal(slices.Sorted(slices.Values(f.Groups)), wanted) {
			out = append(out, id)
		}
	}
	if len(out) > 0 || w.places[n] == nil {
		return out
	}
	for _, spot := range w.places[n].spots {
		out = append(out, spot...)
		if len(spot) > 1 {
			out = append(out, "at an address that is not known") // so that none of them is sure
		}
	}
	return out
}

type restAPI struct {
	ID                    string `json:"id"`
	EndpointConfiguration struct{ Types []string }
	GetResources          *struct {
		Items []struct {
			ResourceMethods map[string]struct {
				MethodIntegration struct {
					ConnectionType, ConnectionId, Uri, IntegrationTarget string
				}
			}
		}
	}
}

func (w *World) readRestAPI(t thing, d *restAPI) {
	api := aws.API{ID: t.asset.ID, Region: t.asset.Region, Private: slices.Contains(d.EndpointConfiguration.Types, "PRIVATE"), Unread: d.GetResources == nil || openAt(t.asset, "GetResources")}
	if d.GetResources != nil {
		for _, item := range d.GetResources.Items {
			for _, method := range sortedKeys(item.ResourceMethods) {
				i := item.ResourceMethods[method].MethodIntegration
				if i.ConnectionType == "VPC_LINK" {
					api.Integrations = append(api.Integrations, aws.Integration{Link: i.ConnectionId, Balancer: i.IntegrationTarget, Port: portOf(i.Uri)})
				}
			}
		}
	}
	w.addAPI(api)
}

type httpAPI struct {
	ApiId           string
	GetIntegrations *struct {
		Items []struct{ ConnectionType, ConnectionId, IntegrationUri string }
	}
}

func (w *World) readHTTPAPI(t thing, d *httpAPI) {
	api := aws.API{ID: t.asset.ID, Region: t.asset.Region, Unread: d.GetIntegrations == nil || openAt(t.asset, "GetIntegrations")}
	if d.GetIntegrations != nil {
		for _, i := range d.GetIntegrations.Items {
			if i.ConnectionType != "VPC_LINK" {
				continue
			}
			x := aws.Integration{Link: i.ConnectionId}
			if x.Balancer, x.Port = w.listenerOf(i.IntegrationUri); x.Balancer == "" {
				api.Unread = true // a service registry's addresses are not read
				w.problem("%s: %s is not followed", t.asset.ID, i.IntegrationUri)
				continue
			}
			api.Integrations = append(api.Integrations, x)
		}
	}
	w.addAPI(api)
}

// addAPI keeps an API that leads somewhere.
func (w *World) addAPI(api aws.API) {
	if api.Unread || len(api.Integrations) > 0 {
		w.model.APIs = append(w.model.APIs, api)
	}
}

// portOf is the port of an integration's address, 0 if it does not say.
func portOf(uri string) int {
	u, err := url.Parse(uri)
	if err != nil {
		return 0
	}
	if _, port, err := net.SplitHostPort(u.Host); err == nil {
		n, _ := strconv.Atoi(port)
		return n
	}
	return map[string]int{"http": 80, "https": 443}[u.Scheme]
}

// listenerOf is the load balancer and port of a listener's ARN, "" for another.
func (w *World) listenerOf(arn string) (string, int) {
	before, rest, ok := strings.Cut(arn, ":listener/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 {
		return "", 0
	}
	var d struct{ Port int }
	if n, ok := w.snap.Find(arn); ok {
		if config, err := w.snap.Config(n); err == nil && len(config) > 0 {
			_ = json.Unmarshal(config, &d) // without a port it may be any
		}
	}
	return before + ":loadbalancer/" + strings.Join(parts[:3], "/"), d.Port
}
