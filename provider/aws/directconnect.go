package aws

import "github.com/sevenfold-sec/sevenfold/estate"

// directConnectTypes are the lines that lead into an account from outside.
var directConnectTypes = map[string]spec{
	"AWS::DirectConnect::Connection": {estate.KindNetwork, nil, nil},
	"AWS::DirectConnect::DirectConnectGateway": {estate.KindNetwork, nil, func(r *reading) {
		for n := range r.cfg.each("DescribeDirectConnectGatewayAssociations.directConnectGatewayAssociations[]") {
			far := n.at("associatedGateway")
			kind := map[string]string{"virtualPrivateGateway": "vpn-gateway", "transitGateway": "transit-gateway"}[far.text("type")]
			if kind == "" {
				continue // a core network, or none that the reply names
			}
			bothWays(r, r.elsewhere(kind, far.text("id"), far.text("ownerAccount"), far.text("region")), far.path)
		}
	}},
	"AWS::DirectConnect::VirtualInterface": {estate.KindNetwork, nil, func(r *reading) {
		if id := r.cfg.text("connectionId"); id != "" {
			bothWays(r, r.arn("directconnect", "dxcon/"+id), "config.connectionId")
		}
		if id := r.cfg.text("directConnectGatewayId"); id != "" {
			bothWays(r, ARN{r.partition(), "directconnect", "", r.account(), "dx-gateway/" + id}.String(), "config.directConnectGatewayId")
		}
		bothWays(r, r.elsewhere("vpn-gateway", r.cfg.text("virtualGatewayId"), "", ""), "config.virtualGatewayId")
	}},
}

// bothWays relates two ends that traffic passes between in both directions.
func bothWays(r *reading, id, path string) {
	if id == "" {
		return
	}
	r.relate(r.a.ID, estate.RoutesTo, id, path)
	r.relate(id, estate.RoutesTo, r.a.ID, r.a.ID+" "+path)
}
