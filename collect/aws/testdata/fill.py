"""Fills a moto account with one or two of many things, for the tests that
compare a live collection with an export of the same account."""

import json

import boto3

R = "eu-west-1"


def client(name, region=R):
    return boto3.client(name, region_name=region)


def policy(action, resource, **principal):
    s = {"Effect": "Allow", "Action": action, "Resource": resource}
    s.update(principal)
    return json.dumps({"Version": "2012-10-17", "Statement": [s]})


def trust(service):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]})


iam = client("iam")
role = iam.create_role(RoleName="train", AssumeRolePolicyDocument=trust("sagemaker.amazonaws.com"),
                       Tags=[{"Key": "team", "Value": "ml"}])["Role"]["Arn"]
iam.put_role_policy(RoleName="train", PolicyName="data", PolicyDocument=policy("s3:GetObject", "*"))
iam.create_user(UserName="ada")
iam.create_access_key(UserName="ada")
iam.create_login_profile(UserName="ada", Password="not-a-real-one-1A!")
iam.create_user(UserName="bob")
iam.create_group(GroupName="ml")
iam.add_user_to_group(GroupName="ml", UserName="ada")
managed = iam.create_policy(PolicyName="wide", PolicyDocument=policy("s3:*", "*"))["Policy"]["Arn"]
iam.attach_group_policy(GroupName="ml", PolicyArn=managed)
iam.update_account_password_policy(MinimumPasswordLength=14)

s3 = client("s3")
for name in ("acme-data", "acme-models"):
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": R})
client("s3", "us-east-1").create_bucket(Bucket="acme-old")
s3.put_bucket_policy(Bucket="acme-data", Policy=policy("s3:GetObject", "arn:aws:s3:::acme-data/*", Principal="*"))
s3.put_bucket_versioning(Bucket="acme-data", VersioningConfiguration={"Status": "Enabled"})
s3.put_bucket_tagging(Bucket="acme-data", Tagging={"TagSet": [{"Key": "env", "Value": "train"}]})
s3.put_bucket_encryption(Bucket="acme-models", ServerSideEncryptionConfiguration={
    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
s3.put_public_access_block(Bucket="acme-models", PublicAccessBlockConfiguration={
    "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})

ec2 = client("ec2")
vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName="open", Description="open", VpcId=vpc)["GroupId"]
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[
    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private")
ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3")
image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, InstanceType="t3.micro")
ec2.create_launch_template(LaunchTemplateName="gpu", LaunchTemplateData={"InstanceType": "p4d.24xlarge"})
tgw = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
table = ec2.create_transit_gateway_route_table(TransitGatewayId=tgw)["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]

kms = client("kms")
key = kms.create_key(Description="models")["KeyMetadata"]["KeyId"]
kms.enable_key_rotation(KeyId=key)
kms.create_alias(AliasName="alias/models", TargetKeyId=key)

sm = client("sagemaker")
sm.create_model(ModelName="fraud", ExecutionRoleArn=role, PrimaryContainer={
    "Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/fraud:1", "ModelDataUrl": "s3://acme-models/fraud.tar.gz"})
sm.create_endpoint_config(EndpointConfigName="fraud", ProductionVariants=[
    {"VariantName": "a", "ModelName": "fraud", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}])
sm.create_endpoint(EndpointName="fraud", EndpointConfigName="fraud", Tags=[{"Key": "app", "Value": "fraud"}])
sm.create_notebook_instance(NotebookInstanceName="lab", InstanceType="ml.t3.medium", RoleArn=role, SubnetId=subnet)
for i in range(3):
    sm.create_training_job(
        TrainingJobName=f"train-{i}", RoleArn=role,
        AlgorithmSpecification={"TrainingImage": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/t:1", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://acme-models/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 3600})

client("ecr").create_repository(repositoryName="fraud")
client("dynamodb").create_table(TableName="features", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
client("sqs").create_queue(QueueName="work")
client("sns").create_topic(Name="alarms")
client("secretsmanager").create_secret(Name="api-key", SecretString="never read")
client("logs").create_log_group(logGroupName="/aws/sagemaker/fraud")
client("eks").create_cluster(name="ml", roleArn=role, resourcesVpcConfig={"subnetIds": [subnet]})
client("ecs").create_cluster(clusterName="serve")
client("glue").create_job(Name="clean", Role=role, Command={"Name": "glueetl", "ScriptLocation": "s3://acme-data/clean.py"})
client("glue").create_database(DatabaseInput={"Name": "lake"})
client("stepfunctions").create_state_machine(name="retrain", definition="{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"End\": true}}}", roleArn=role)
client("cloudtrail").create_trail(Name="main", S3BucketName="acme-data")
client("events").put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
client("rds").create_db_instance(DBInstanceIdentifier="store", DBInstanceClass="db.t3.micro", Engine="postgres",
                                 MasterUsername="root", MasterUserPassword="not-a-real-one", AllocatedStorage=20)
client("efs").create_file_system(CreationToken="scratch")
client("kinesis").create_stream(StreamName="events", ShardCount=1)
client("logs").put_subscription_filter(logGroupName="/aws/sagemaker/fraud", filterName="away", filterPattern="",
                                       destinationArn="arn:aws:kinesis:eu-west-1:123456789012:stream/events", roleArn=role)
pool = client("cognito-idp").create_user_pool(PoolName="askers")["UserPool"]["Id"]
client("cognito-idp").create_user_pool_client(UserPoolId=pool, ClientName="chat", GenerateSecret=True)
client("cognito-identity").create_identity_pool(IdentityPoolName="guests", AllowUnauthenticatedIdentities=True)
