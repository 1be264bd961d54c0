package assess

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/sevenfold-sec/sevenfold/steps/network"
)

// passages reads the estate of testdata/passages.txtar, of which edit may change files.
func passages(t *testing.T, edit map[string][2]string) func(from, to string) network.Answer {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", "passages.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range archive.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		text := string(f.Data)
		if e, ok := edit[f.Name]; ok {
			if !strings.Contains(text, e[0]) {
				t.Fatalf("%s does not hold %s", f.Name, e[0])
			}
			text = strings.ReplaceAll(text, e[0], e[1])
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, w, _, workloads := networkOf(t, dir)
	return func(from, to string) network.Answer { return canReach(t, w, workloads, from, to) }
}

// TestNetworkPassages asks for each service that leads into VPCs from outside whether it
// is followed, and what holds it back.
func TestNetworkPassages(t *testing.T) {
	const own = "111122223333/"
	type question struct {
		from, to, want string
		ports          []string
		because        string
	}
	tests := map[string]struct {
		file, old, next string
		asks            []question
	}{
		"as it is": {"", "", "", []question{
			{"internet", "i-open", "yes", []string{"tcp/8000"}, ""},
			{"internet", "i-app", "yes", []string{"tcp/443"}, ""},
			{"internet", "loadbalancer/app/web/1", "yes", []string{"tcp/443"}, ""},
			{"internet", "i-api", "yes", []string{"tcp/443"}, ""},
			{"internet", "i-safe", "no", nil, "only who has signed in"},
			{"internet", "i-lat", "no", nil, ""},
			{"i-client", "i-lat", "yes", []string{"tcp/443"}, ""},
			{"i-client", "i-open", "no", nil, ""},
			{"internet", "i-blocked", "no", nil, "VPC Block Public Access (block-ingress) holds for subnet-c"},
			{"cvpn-endpoint-1", "i-app", "yes", []string{"tcp/22"}, ""},
			{"cvpn-endpoint-1", "i-safe", "no", nil, "rules for clients of cvpn-endpoint-1"},
		}},
		"an accelerator that is off":                 {own + "globalaccelerator/list-accelerators.json", `"Enabled": true`, `"Enabled": false`, []question{{"internet", "i-open", "no", nil, ""}}},
		"one whose targets do not see the client":    {own + "globalaccelerator/list-endpoint-groups/l.json", `"ClientIPPreservationEnabled": true`, `"ClientIPPreservationEnabled": false`, []question{{"internet", "i-open", "yes", []string{"tcp/8000"}, ""}}},
		"an accelerator that maps ports to a subnet": {own + "globalaccelerator/list-custom-routing-accelerators.json", `"Enabled": false`, `"Enabled": true`, []question{{"internet", "i-lat", "unknown", nil, "list-custom-routing-port-mappings"}, {"i-client", "i-lat", "yes", []string{"tcp/443"}, ""}}},
		"such accelerators were not listed":          {own + "globalaccelerator/list-custom-routing-accelerators.json", `"Accelerators"`, `"Nothing"`, []question{{"internet", "i-lat", "unknown", nil, "AWS::GlobalAccelerator::CustomRoutingAccelerator of account"}}},
		"no proxy before a database":                 {own + "rds/describe-db-proxies.json", "[]", "[ ]", []question{{"i-open", "db:claims", "no", nil, ""}, {"internet", "db:claims", "no", nil, ""}}},
		"a proxy before a database": {own + "rds/describe-db-proxies.json", "[]", `[{"DBProxyName": "p", "DBProxyArn": "arn:aws:rds:eu-west-1:111122223333:db-proxy:prx-1", "EngineFamily": "POSTGRESQL", "VpcId": "vpc-a", "VpcSubnetIds": ["subnet-a"], "VpcSecurityGroupIds": ["sg-va"]}]`,
			[]question{{"i-open", "db:claims", "unknown", nil, "db-proxy:prx-1"}, {"i-client", "db:claims", "no", nil, ""}, {"i-open", "i-app", "no", nil, ""}}},
		"proxies were not listed": {own + "rds/describe-db-proxies.json", `"DBProxies"`, `"Nothing"`, []question{{"i-open", "db:claims", "unknown", nil, ""}}},
		"a database behind Verified Access": {own + "ec2/describe-verified-access-endpoints.json", `"VerifiedAccessEndpoints": [`, `"VerifiedAccessEndpoints": [{"VerifiedAccessEndpointId": "vae-9", "VerifiedAccessInstanceId": "vai-9", "EndpointType": "rds", "RdsOptions": {"SubnetIds": ["subnet-gone"], "Port": 5432}, "Status": {"Code": "active"}}, `,
			[]question{{"internet", "db:claims", "unknown", nil, "vae-9"}}},
		"a distribution that is off":                  {own + "cloudfront/list-distributions.json", `"Enabled": true`, `"Enabled": false`, []question{{"internet", "i-app", "no", nil, ""}}},
		"one that serves what its owner signed":       {own + "cloudfront/list-distributions.json", `"TrustedKeyGroups": {"Enabled": false`, `"TrustedKeyGroups": {"Enabled": true`, []question{{"internet", "i-app", "no", nil, "its owner has signed"}}},
		"an origin that was not read":                 {own + "cloudfront/get-vpc-origin/vo_1.json", `"VpcOrigin"`, `"Nothing"`, []question{{"internet", "i-app", "unknown", nil, "origin vo_1"}}},
		"a private API":                               {own + "apigateway/get-rest-apis.json", "REGIONAL", "PRIVATE", []question{{"internet", "i-api", "no", nil, ""}}},
		"an API by another port":                      {own + "apigateway/get-resources/rest1.json", ":9443", ":80", []question{{"internet", "i-api", "no", nil, ""}}},
		"a service of Lattice with a policy":          {own + "vpc-lattice/get-service/svc-1.json", "NONE", "AWS_IAM", []question{{"i-client", "i-lat", "unknown", nil, "auth policy"}, {"i-client", "i-open", "no", nil, ""}}},
		"a service network left by its VPC":           {own + "vpc-lattice/get-service-network-vpc-association/snva-1.json", "ACTIVE", "DELETE_IN_PROGRESS", []question{{"i-client", "i-lat", "no", nil, ""}}},
		"Verified Access for devices":                 {own + "ec2/describe-verified-access-instances.json", `"user"`, `"device"`, []question{{"internet", "i-safe", "unknown", nil, "policies of"}}},
		"public access that is not blocked":           {"444455556666/ec2/describe-vpc-block-public-access-options.json", "block-ingress", "off", []question{{"internet", "i-blocked", "yes", []string{"tcp/443"}, ""}}},
		"a setting that was refused":                  {"444455556666/ec2/describe-vpc-block-public-access-options.json", `"VpcBlockPublicAccessOptions"`, `"Nothing"`, []question{{"internet", "i-blocked", "unknown", nil, "Block Public Access of vpc-c was not read"}}},
		"public access blocked where passages lead":   {own + "ec2/describe-vpc-block-public-access-options.json", `"off"`, `"block-bidirectional"`, []question{{"internet", "i-open", "no", nil, "Block Public Access"}, {"internet", "i-app", "no", nil, ""}}},
		"an authorization rule for the whole network": {own + "ec2/describe-client-vpn-authorization-rules/cvpn-endpoint-1.json", "10.0.0.11/32", "0.0.0.0/0", []question{{"cvpn-endpoint-1", "i-safe", "yes", []string{"tcp/22"}, ""}}},
		"rules that were refused":                     {own + "ec2/describe-client-vpn-authorization-rules/cvpn-endpoint-1.json", `"AuthorizationRules"`, `"Nothing"`, []question{{"cvpn-endpoint-1", "i-safe", "unknown", nil, "rules for clients of"}}},
		"a firewall on the way out": {own + "ec2/describe-route-tables.json", `"10.1.0.0/16", "GatewayId": "local", "State": "active"}`, `"10.1.0.0/16", "GatewayId": "local", "State": "active"}, {"DestinationCidrBlock": "0.0.0.0/0", "VpcEndpointId": "vpce-fw", "State": "active"}`,
			[]question{{"i-client", "internet", "unknown", nil, "firewall/edge"}}},
	}
	for name, tt := range tests {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			can := passages(t, map[string][2]string{tt.file: {tt.old, tt.next}})
			for _, q := range tt.asks {
				got := can(q.from, q.to)
				if got.Reachable != q.want || len(q.ports) > 0 && !slices.Equal(got.Ports, q.ports) || !strings.Contains(strings.Join(got.Because, "; "), q.because) {
					t.Errorf("%s to %s: %s %v, want %s %v, because %q\npath %v\nbecause %v", q.from, q.to, got.Reachable, got.Ports, q.want, q.ports, q.because, got.Path, got.Because)
				}
			}
		})
	}
}

// TestNetworkPrivateLink: a consumer's endpoint leads to the targets of the load balancer
// behind its service; where services were not listed, it may.
func TestNetworkPrivateLink(t *testing.T) {
	const ec2 = "111122223333/ec2/"
	endpoint := [2]string{`"VpcEndpoints": []`, `"VpcEndpoints": [{"VpcEndpointId": "vpce-1", "VpcEndpointType": "Interface", "VpcId": "vpc-b", "OwnerId": "111122223333", "ServiceName": "com.amazonaws.vpce.eu-west-1.vpce-svc-1", "State": "available", "SubnetIds": ["subnet-b"], "NetworkInterfaceIds": ["eni-vpce"], "Groups": [{"GroupId": "sg-vpce"}]}]`}
	ifaces := [2]string{`{"NetworkInterfaces": [`, `{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-vpce", "SubnetId": "subnet-b", "VpcId": "vpc-b", "OwnerId": "111122223333", "InterfaceType": "vpc_endpoint", "RequesterManaged": true, "Groups": [{"GroupId": "sg-vpce"}], "PrivateIpAddress": "10.1.0.30", "PrivateIpAddresses": [{"PrivateIpAddress": "10.1.0.30", "Primary": true}]}, `}
	groups := [2]string{`{"SecurityGroups": [`, `{"SecurityGroups": [{"GroupId": "sg-vpce", "GroupName": "sg-vpce", "VpcId": "vpc-b", "OwnerId": "111122223333", "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 9443, "ToPort": 9443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}], "IpPermissionsEgress": []}, `}
	for want, services := range map[string][2]string{
		"yes":     {`"ServiceConfigurations": []`, `"ServiceConfigurations": [{"ServiceId": "vpce-svc-1", "ServiceName": "com.amazonaws.vpce.eu-west-1.vpce-svc-1", "ServiceState": "Available", "NetworkLoadBalancerArns": ["arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/api/2"]}]`},
		"no":      {`[]`, `[ ]`},
		"unknown": {`"ServiceConfigurations"`, `"Nothing"`},
	} {
		can := passages(t, map[string][2]string{ec2 + "describe-vpc-endpoints.json": endpoint, ec2 + "describe-network-interfaces.json": ifaces, ec2 + "describe-security-groups.json": groups, ec2 + "describe-vpc-endpoint-service-configurations.json": services})
		if got := can("i-client", "i-api"); got.Reachable != want {
			t.Errorf("want %s: %+v", want, got)
		}
	}
}
