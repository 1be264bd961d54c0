package main

import "fmt"

func (a *account) vpc(i int) {
	id := "vpc-" + a.hex(17)
	a.vpcs = append(a.vpcs, id)
	a.send(a.asset("AWS::EC2::VPC", a.arn("ec2", "vpc/"+id), id, region), "ec2:DescribeVpcs", obj{
		"VpcId": id, "OwnerId": a.id, "State": "available", "CidrBlock": fmt.Sprintf("10.%d.0.0/16", i%250), "DhcpOptionsId": "dopt-" + a.hex(17),
		"InstanceTenancy": "default", "IsDefault": false, "Tags": a.tags(id),
		"CidrBlockAssociationSet": []obj{{"AssociationId": "vpc-cidr-assoc-" + a.hex(17), "CidrBlock": fmt.Sprintf("10.%d.0.0/16", i%250), "CidrBlockState": obj{"State": "associated"}}},
	})
}

func (a *account) subnet(i int) {
	id := "subnet-" + a.hex(17)
	a.subnets = append(a.subnets, id)
	a.send(a.asset("AWS::EC2::Subnet", a.arn("ec2", "subnet/"+id), id, region), "ec2:DescribeSubnets", obj{
		"SubnetId": id, "SubnetArn": a.arn("ec2", "subnet/"+id), "OwnerId": a.id, "VpcId": pick(a.generator, a.vpcs), "AvailabilityZone": region + "abc"[i%3:i%3+1],
		"AvailabilityZoneId": fmt.Sprintf("euw1-az%d", i%3+1), "CidrBlock": fmt.Sprintf("10.%d.%d.0/24", i/250%250, i%250), "AvailableIpAddressCount": a.r.IntN(251),
		"State": "available", "MapPublicIpOnLaunch": false, "AssignIpv6AddressOnCreation": false, "DefaultForAz": false, "EnableDns64": false, "Tags": a.tags(id),
		"PrivateDnsNameOptionsOnLaunch": obj{"HostnameType": "ip-name", "EnableResourceNameDnsARecord": false},
	})
}

func (a *account) group(int) {
	id, name := "sg-"+a.hex(17), a.name("sg")
	ranges := []obj{{"CidrIp": fmt.Sprintf("10.%d.0.0/16", a.r.IntN(250)), "Description": "own network"}}
	if a.bad() {
		ranges = []obj{{"CidrIp": "0.0.0.0/0"}}
	}
	in := []obj{{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": ranges, "Ipv6Ranges": []obj{}, "PrefixListIds": []obj{}, "UserIdGroupPairs": []obj{}}}
	for range a.r.IntN(4) {
		port := 1024 + a.r.IntN(30000)
		peers := []obj{}
		if len(a.groups) > 0 {
			peers = append(peers, obj{"GroupId": pick(a.generator, a.groups), "UserId": a.id, "Description": "from " + a.name("peer")})
		}
		in = append(in, obj{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": []obj{}, "Ipv6Ranges": []obj{}, "PrefixListIds": []obj{}, "UserIdGroupPairs": peers})
	}
	a.groups = append(a.groups, id)
	a.send(a.asset("AWS::EC2::SecurityGroup", a.arn("ec2", "security-group/"+id), name, region), "ec2:DescribeSecurityGroups", obj{
		"GroupId": id, "GroupName": name, "Description": "made for " + name, "OwnerId": a.id, "VpcId": pick(a.generator, a.vpcs), "IpPermissions": in,
		"IpPermissionsEgress": []obj{{"IpProtocol": "-1", "IpRanges": []obj{{"CidrIp": "0.0.0.0/0"}}, "Ipv6Ranges": []obj{}, "PrefixListIds": []obj{}, "UserIdGroupPairs": []obj{}}},
		"SecurityGroupArn":    a.arn("ec2", "security-group/"+id), "Tags": a.tags(name),
	})
}

func (a *account) instance(int) {
	id, name := "i-"+a.hex(17), a.name("node")
	a.instances = append(a.instances, id)
	tokens := "required"
	if a.bad() {
		tokens = "optional"
	}
	subnet, group, vpc := pick(a.generator, a.subnets), pick(a.generator, a.groups), pick(a.generator, a.vpcs)
	ip := fmt.Sprintf("10.%d.%d.%d", a.r.IntN(250), a.r.IntN(250), a.r.IntN(250))
	a.send(a.asset("AWS::EC2::Instance", a.arn("ec2", "instance/"+id), name, region), "ec2:DescribeInstances", obj{
		"InstanceId": id, "ImageId": "ami-" + a.hex(17), "InstanceType": pick(a.generator, []string{"m6i.large", "c7g.xlarge", "r6i.2xlarge", "t3.medium"}), "LaunchTime": a.date(),
		"State": obj{"Code": 16, "Name": "running"}, "Architecture": "x86_64", "EbsOptimized": true, "EnaSupport": true, "Hypervisor": "xen", "RootDeviceName": "/dev/xvda", "RootDeviceType": "ebs",
		"PrivateIpAddress": ip, "PrivateDnsName": "ip-" + ip + "." + region + ".compute.internal", "SubnetId": subnet, "VpcId": vpc, "Monitoring": obj{"State": "enabled"},
		"Placement": obj{"AvailabilityZone": region + "a", "Tenancy": "default"}, "SecurityGroups": []obj{{"GroupId": group, "GroupName": "g"}},
		"IamInstanceProfile":  obj{"Arn": a.iam("instance-profile/" + name), "Id": "AIPA" + a.hex(16)},
		"MetadataOptions":     obj{"State": "applied", "HttpTokens": tokens, "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled", "InstanceMetadataTags": "disabled"},
		"BlockDeviceMappings": []obj{{"DeviceName": "/dev/xvda", "Ebs": obj{"VolumeId": "vol-" + a.hex(17), "Status": "attached", "AttachTime": a.date(), "DeleteOnTermination": true}}},
		"NetworkInterfaces": []obj{{"NetworkInterfaceId": "eni-" + a.hex(17), "MacAddress": a.hex(12), "PrivateIpAddress": ip, "SubnetId": subnet, "VpcId": vpc, "Status": "in-use",
			"Groups": []obj{{"GroupId": group, "GroupName": "g"}}, "Attachment": obj{"AttachmentId": "eni-attach-" + a.hex(17), "DeviceIndex": 0, "Status": "attached"}}},
		"Tags": a.tags(name), "CpuOptions": obj{"CoreCount": 2, "ThreadsPerCore": 2}, "CapacityReservationSpecification": obj{"CapacityReservationPreference": "open"},
	})
}

func (a *account) volume(int) {
	id := "vol-" + a.hex(17)
	a.send(a.asset("AWS::EC2::Volume", a.arn("ec2", "volume/"+id), id, region), "ec2:DescribeVolumes", obj{
		"VolumeId": id, "Size": 8 << a.r.IntN(7), "VolumeType": "gp3", "Iops": 3000, "Throughput": 125, "Encrypted": !a.bad(), "KmsKeyId": pick(a.generator, a.keys), "State": "in-use",
		"AvailabilityZone": region + "a", "CreateTime": a.date(), "SnapshotId": "snap-" + a.hex(17), "MultiAttachEnabled": false, "Tags": a.tags(id),
		"Attachments": []obj{{"InstanceId": pick(a.generator, a.instances), "Device": "/dev/xvda", "State": "attached", "AttachTime": a.date(), "DeleteOnTermination": true}},
	})
}

func (a *account) networkInterface(int) {
	id := "eni-" + a.hex(17)
	ip := fmt.Sprintf("10.%d.%d.%d", a.r.IntN(250), a.r.IntN(250), a.r.IntN(250))
	var groups []obj
	for _, sg := range some(a.generator, a.groups, 2) {
		groups = append(groups, obj{"GroupId": sg, "GroupName": "g-" + sg})
	}
	a.send(a.asset("AWS::EC2::NetworkInterface", a.arn("ec2", "network-interface/"+id), id, region), "ec2:DescribeNetworkInterfaces", obj{
		"NetworkInterfaceId": id, "InterfaceType": "interface", "MacAddress": a.hex(12), "OwnerId": a.id, "PrivateIpAddress": ip, "RequesterManaged": false, "SourceDestCheck": true,
		"Status": "in-use", "SubnetId": pick(a.generator, a.subnets), "VpcId": pick(a.generator, a.vpcs), "Groups": groups, "AvailabilityZone": region + "a",
		"Attachment":         obj{"AttachmentId": "eni-attach-" + a.hex(17), "InstanceId": pick(a.generator, a.instances), "InstanceOwnerId": a.id, "DeviceIndex": 0, "Status": "attached", "AttachTime": a.date()},
		"PrivateIpAddresses": []obj{{"Primary": true, "PrivateIpAddress": ip}}, "TagSet": a.tags(id),
	})
}

func (a *account) function(int) {
	name := a.name("fn")
	arn := a.arn("lambda", "function:"+name)
	c := obj{
		"FunctionName": name, "FunctionArn": arn, "Runtime": "python3.13", "Role": pick(a.generator, a.roles), "Handler": "app.handler", "CodeSize": a.r.IntN(1 << 24), "Timeout": 30, "MemorySize": 512,
		"LastModified": a.date(), "CodeSha256": a.hex(32), "Version": "$LATEST", "TracingConfig": obj{"Mode": "Active"}, "RevisionId": a.hex(32), "State": "Active", "PackageType": "Zip",
		"Environment": obj{"Variables": obj{"STAGE": pick(a.generator, stages), "TABLE": a.name("table"), "BUCKET": pick(a.generator, a.buckets), "LOG_LEVEL": "info"}}, "KMSKeyArn": pick(a.generator, a.keys),
		"VpcConfig":     obj{"SubnetIds": some(a.generator, a.subnets, 3), "SecurityGroupIds": some(a.generator, a.groups, 2), "VpcId": pick(a.generator, a.vpcs)},
		"Architectures": []string{"arm64"}, "EphemeralStorage": obj{"Size": 512}, "LoggingConfig": obj{"LogFormat": "JSON", "LogGroup": pick(a.generator, a.logs)},
		"SnapStart": obj{"ApplyOn": "None", "OptimizationStatus": "Off"},
	}
	if a.bad() {
		c["GetPolicy"] = obj{"Policy": obj{"Version": "2012-10-17", "Statement": []obj{{"Sid": "all", "Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": arn}}}}
		a.send(a.asset("AWS::Lambda::Function", arn, name, region), "lambda:GetFunctionConfiguration", c)
		return
	}
	a.send(a.asset("AWS::Lambda::Function", arn, name, region), "lambda:GetFunctionConfiguration", c, "GetPolicy", "ListFunctionUrlConfigs")
}
