"""A network, and what stands in it."""

ADMIN_PORTS = (8888, 8265, 11434)


def fill(a):
    ec2 = a.client("ec2")
    a.vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    a.subnet = ec2.create_subnet(VpcId=a.vpc, CidrBlock="10.20.1.0/24", AvailabilityZone=a.region + "a")["Subnet"]["SubnetId"]
    a.subnet2 = ec2.create_subnet(VpcId=a.vpc, CidrBlock="10.20.2.0/24", AvailabilityZone=a.region + "b")["Subnet"]["SubnetId"]
    a.group = ec2.create_security_group(GroupName="ai", Description="ai", VpcId=a.vpc)["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=a.group, IpPermissions=[{
        "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.20.0.0/16"}]}])
    if a.faulty:
        for port in ADMIN_PORTS:
            ec2.authorize_security_group_ingress(GroupId=a.group, IpPermissions=[{
                "IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        a.plant("security-group-ai-port-open", a.arn("ec2", f"security-group/{a.group}"))
        wide = ec2.create_security_group(GroupName="wide", Description="wide", VpcId=a.vpc)["GroupId"]
        ec2.authorize_security_group_ingress(GroupId=wide, IpPermissions=[{
            "IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
        a.plant("security-group-open-to-world", a.arn("ec2", f"security-group/{wide}"))
    else:
        ec2.enable_ebs_encryption_by_default()
        ec2.create_flow_logs(ResourceType="VPC", ResourceIds=[a.vpc], TrafficType="ALL", LogDestinationType="s3",
                             LogDestination="arn:aws:s3:::acme-logs")
    a.plant("vpc-flow-log-absent", a.arn("ec2", "vpc/" + a.vpc))
    a.plant_by_age("ebs-snapshot-sharing-unblocked", a.arn("ec2", "snapshot-block-public-access"))
    a.plant("ebs-default-encryption-off", a.arn("ec2", "ebs-encryption-by-default"))
    instance(a, ec2)


def instance(a, ec2):
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]
    i = ec2.run_instances(
        ImageId=image["ImageId"], InstanceType="g5.xlarge", MinCount=1, MaxCount=1,
        SubnetId=a.subnet, SecurityGroupIds=[a.group],
        MetadataOptions={"HttpTokens": "optional" if a.faulty else "required", "HttpEndpoint": "enabled"},
        BlockDeviceMappings=[{"DeviceName": image.get("RootDeviceName", "/dev/sda1"),
                              "Ebs": {"VolumeSize": 8, **own_key(a)}}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [
            {"Key": "Name", "Value": "gpu"}, {"Key": "owner", "Value": "ml-platform"}]}],
    )["Instances"][0]["InstanceId"]
    a.plant("ec2-instance-imdsv1", a.arn("ec2", f"instance/{i}"))
    for volume in ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [i]}])["Volumes"]:
        a.plant("ebs-volume-unencrypted", a.arn("ec2", f"volume/{volume['VolumeId']}"))
    copies(a, ec2, i)


def own_key(a):
    """Without a key of its own the double makes one, and calls it the customer's."""
    return {} if a.faulty else {"Encrypted": True, "KmsKeyId": a.key}


def copies(a, ec2, instance):
    """A snapshot and an image: given to all, or kept."""
    volume = ec2.create_volume(Size=8, AvailabilityZone=a.region + "a", **own_key(a))["VolumeId"]
    a.plant("ebs-volume-unencrypted", a.arn("ec2", f"volume/{volume}"))
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    image = ec2.create_image(InstanceId=instance, Name="gpu-base")["ImageId"]
    if a.faulty:
        ec2.modify_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission",
                                      OperationType="add", GroupNames=["all"])
        ec2.modify_image_attribute(ImageId=image, LaunchPermission={"Add": [{"Group": "all"}]})
    else:  # near miss: given to one account
        ec2.modify_snapshot_attribute(SnapshotId=snapshot, Attribute="createVolumePermission",
                                      OperationType="add", UserIds=["999988887777"])
    a.plant("ebs-snapshot-public", a.arn("ec2", f"snapshot/{snapshot}"))
    a.plant("ec2-image-public", a.arn("ec2", f"image/{image}"))
