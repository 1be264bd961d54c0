"""Fills a moto with one of much, for the comparison of replies."""
import io, json, zipfile
import boto3

R = "eu-west-1"
trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
doc = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*", "Condition": {"StringLike": {"aws:PrincipalTag/x": "a b+c%d"}}}]})


def c(name, **kw):
    return boto3.client(name, region_name=kw.get("region", R))


iam = c("iam")
role = iam.create_role(RoleName="train", AssumeRolePolicyDocument=trust, Tags=[{"Key": "owner", "Value": "ml & <co>"}])["Role"]["Arn"]
iam.put_role_policy(RoleName="train", PolicyName="inline", PolicyDocument=doc)
pol = iam.create_policy(PolicyName="managed", PolicyDocument=doc)["Policy"]["Arn"]
iam.attach_role_policy(RoleName="train", PolicyArn=pol)
iam.create_user(UserName="ada")
iam.create_access_key(UserName="ada")
iam.create_group(GroupName="ops")
iam.add_user_to_group(GroupName="ops", UserName="ada")
iam.update_account_password_policy(MinimumPasswordLength=14)
for i in range(12):
    iam.create_user(UserName=f"user{i:02}")

s3 = c("s3")
s3.create_bucket(Bucket="data-lake", CreateBucketConfiguration={"LocationConstraint": R})
for i in range(3):
    s3.put_object(Bucket="data-lake", Key=f"x/{i}", Body=b"y")
s3.put_bucket_policy(Bucket="data-lake", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::data-lake/*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}))
s3.put_bucket_encryption(Bucket="data-lake", ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}]})
s3.put_public_access_block(Bucket="data-lake", PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": False})
s3.put_bucket_versioning(Bucket="data-lake", VersioningConfiguration={"Status": "Enabled"})
s3.put_bucket_tagging(Bucket="data-lake", Tagging={"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]})
s3.put_bucket_lifecycle_configuration(Bucket="data-lake", LifecycleConfiguration={"Rules": [{"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 7}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]}]})
s3.put_bucket_cors(Bucket="data-lake", CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"]}]})
s3.create_bucket(Bucket="log.sink", CreateBucketConfiguration={"LocationConstraint": R})
c("s3", region="us-east-1").create_bucket(Bucket="old-home")

ec2 = c("ec2")
vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
sub = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
sg = ec2.create_security_group(GroupName="web", Description="w", VpcId=vpc)["GroupId"]
ec2.authorize_security_group_ingress(GroupId=sg, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}])
ec2.run_instances(ImageId="ami-12c6146b", MinCount=2, MaxCount=2, InstanceType="g5.xlarge", SubnetId=sub, SecurityGroupIds=[sg], TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "gpu"}]}])
ec2.create_volume(AvailabilityZone=R + "a", Size=8, Encrypted=True)

sm = c("sagemaker")
img = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:1"
sm.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": img, "ModelDataUrl": "s3://data-lake/m.tgz", "Environment": {"K": "v"}})
sm.create_endpoint_config(EndpointConfigName="cfg", ProductionVariants=[{"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 0.5}])
sm.create_endpoint(EndpointName="e", EndpointConfigName="cfg")
sm.create_notebook_instance(NotebookInstanceName="nb", InstanceType="ml.t3.medium", RoleArn=role, DirectInternetAccess="Enabled")
sm.create_training_job(TrainingJobName="t", AlgorithmSpecification={"TrainingImage": img, "TrainingInputMode": "File"}, RoleArn=role, OutputDataConfig={"S3OutputPath": "s3://data-lake/out"}, ResourceConfig={"InstanceType": "ml.p4d.24xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10}, StoppingCondition={"MaxRuntimeInSeconds": 60})

z = io.BytesIO()
with zipfile.ZipFile(z, "w") as f:
    f.writestr("h.py", "def h(e, c): pass")
lam = c("lambda")
lam.create_function(FunctionName="f", Runtime="python3.12", Role=role, Handler="h.h", Code={"ZipFile": z.getvalue()}, Environment={"Variables": {"A": "b"}})
lam.create_function_url_config(FunctionName="f", AuthType="NONE")

c("ecr").create_repository(repositoryName="team/model", imageScanningConfiguration={"scanOnPush": True})
c("eks").create_cluster(name="k", roleArn=role, resourcesVpcConfig={"subnetIds": [sub]})
c("ecs").create_cluster(clusterName="ecs")
key = c("kms").create_key(Description="d")["KeyMetadata"]["KeyId"]
c("kms").enable_key_rotation(KeyId=key)
c("secretsmanager").create_secret(Name="s", SecretString="hush-hush")
c("dynamodb").create_table(TableName="tb", AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}], KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST")
c("rds").create_db_instance(DBInstanceIdentifier="db", Engine="postgres", DBInstanceClass="db.t3.micro", MasterUsername="u", MasterUserPassword="p4ssw0rd!", AllocatedStorage=20)
c("cloudtrail").create_trail(Name="trail", S3BucketName="data-lake")
c("logs").create_log_group(logGroupName="/aws/lambda/f")
c("sns").create_topic(Name="topic")
c("sqs").create_queue(QueueName="q", Attributes={"VisibilityTimeout": "10"})
c("stepfunctions").create_state_machine(name="sf", definition='{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}', roleArn=role)
c("glue").create_database(DatabaseInput={"Name": "gdb"})
c("opensearch").create_domain(DomainName="dom")
c("guardduty").create_detector(Enable=True)
c("organizations").create_organization(FeatureSet="ALL")
c("route53").create_hosted_zone(Name="example.org", CallerReference="1")
c("elbv2").create_load_balancer(Name="lb", Subnets=[sub])
c("apigateway").create_rest_api(name="api")
c("apigatewayv2").create_api(Name="api2", ProtocolType="HTTP")
c("events").put_rule(Name="r", ScheduleExpression="rate(1 day)")
c("efs").create_file_system(CreationToken="x")
c("athena").create_work_group(Name="wg")
c("batch").create_compute_environment(computeEnvironmentName="cenv", type="UNMANAGED", serviceRole=role)
c("cloudformation").create_stack(StackName="st", TemplateBody='{"Resources":{"Q":{"Type":"AWS::SQS::Queue"}}}')
c("autoscaling").create_launch_configuration(LaunchConfigurationName="lc", ImageId="ami-12c6146b", InstanceType="t3.micro")
c("acm").request_certificate(DomainName="example.org")
print(json.dumps({"role": role, "policy": pol, "vpc": vpc, "sg": sg, "key": key, "account": "123456789012"}))
