package assess_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/network"
	"github.com/sevenfold-sec/sevenfold/steps/network/reach"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// peered makes two VPCs, an instance in each, a peering between them with routes both
// ways, and a rule that lets port 8000 in from the other side.
const peered = `
import boto3
ec2 = boto3.client("ec2", region_name="eu-west-1")
image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
made = {}
for name, cidr in (("train", "10.50.0.0/16"), ("serve", "10.60.0.0/16")):
    vpc = ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr.replace("0.0/16", "1.0/24"), AvailabilityZone="eu-west-1a")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "zone", "Value": name}]}])["Instances"][0]["InstanceId"]
    tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    made[name] = dict(vpc=vpc, group=group, instance=instance, cidr=cidr, table=tables[0]["RouteTableId"])
t, s = made["train"], made["serve"]
peering = ec2.create_vpc_peering_connection(VpcId=t["vpc"], PeerVpcId=s["vpc"])["VpcPeeringConnection"]["VpcPeeringConnectionId"]
ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=peering)
for one, other in ((t, s), (s, t)):
    ec2.create_route(RouteTableId=one["table"], DestinationCidrBlock=other["cidr"], VpcPeeringConnectionId=peering)
ec2.authorize_security_group_ingress(GroupId=s["group"], IpPermissions=[{"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "IpRanges": [{"CidrIp": t["cidr"]}]}])
print(t["instance"], s["instance"], s["group"])
`

// TestNetworkOfLiveAccount asks the double of AWS for its networks, takes away what is
// recommended by the commands' own words, and asks again.
func TestNetworkOfLiveAccount(t *testing.T) {
	server := moto.Start(t)
	script := filepath.Join(t.TempDir(), "peered.py")
	if err := os.WriteFile(script, []byte(peered), 0o600); err != nil {
		t.Fatal(err)
	}
	made := strings.Fields(string(server.Python(t, script)))
	if len(made) != 3 {
		t.Fatalf("made %v", made)
	}
	for _, kv := range server.Env() {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
	s, err := scope.Parse("sevenfold.yaml", []byte("zones:\n  training: {match: 'tags.zone == \"train\"'}\n  serving: {match: 'tags.zone == \"serve\"'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func() (*network.World, *scope.Workloads, network.Answer) {
		snap, err := assess.Read(context.Background(), assess.Options{Scope: s, Sources: []string{"aws:regions=eu-west-1,services=ec2+elb+elbv2"}, Now: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		w, err := network.NewWorld(context.Background(), snap)
		if err != nil {
			t.Fatal(err)
		}
		workloads, err := s.Workloads(snap)
		if err != nil {
			t.Fatal(err)
		}
		from, err := w.End(made[0], workloads, false)
		if err != nil {
			t.Fatal(err)
		}
		to, err := w.End(made[1], workloads, true)
		if err != nil {
			t.Fatal(err)
		}
		return w, workloads, w.Can(from, to, reach.Ports{})
	}
	w, workloads, before := ask()
	if before.Reachable != "yes" || strings.Join(before.Ports, ",") != "tcp/8000" {
		t.Fatalf("before: %+v\n%v", before, w.Problems())
	}
	advice, err := w.Recommend(context.Background(), s, workloads, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(advice) != 1 || !advice[0].Cut || len(advice[0].Commands) != 1 || !strings.Contains(advice[0].Commands[0], "revoke-security-group-ingress") || !strings.Contains(advice[0].Commands[0], made[2]) {
		t.Fatalf("%+v", advice)
	}
	// The command, in the words of the library that is there.
	_, permissions, _ := strings.Cut(advice[0].Commands[0], "--ip-permissions '")
	revoke := "import boto3, json\nboto3.client(\"ec2\", region_name=\"eu-west-1\").revoke_security_group_ingress(GroupId=\"" + made[2] + "\", IpPermissions=json.loads('" + strings.TrimSuffix(permissions, "'") + "'))\n"
	if err := os.WriteFile(script, []byte(revoke), 0o600); err != nil {
		t.Fatal(err)
	}
	server.Python(t, script)
	if _, _, after := ask(); after.Reachable != "no" {
		t.Errorf("after: %+v", after)
	}
}
