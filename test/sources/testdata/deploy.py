"""python deploy.py RESOURCES.json TWIN URL OUT FILL: makes the resources of a
template in the double at URL, one API call or a few each, as CloudFormation
would, and writes into OUT what the command line prints of the account, by the
calls of test/moto/fill, whose folder FILL is. A property is handed
to the member of the call's input that folds to its name, so that nothing here
knows what provider/cloudformation knows. RESOURCES.json is a list of address,
type and properties; {"$ref": ADDRESS, "attribute": NAME} stands for what another
resource's Ref or attribute is."""

import functools
import io
import json
import os
import pathlib
import sys
import zipfile

import boto3
from botocore import xform_name
from botocore.config import Config

ACCOUNT, REGION = "123456789012", "eu-west-1"


@functools.cache
def client(service):
    return boto3.client(service, region_name=REGION, config=Config(s3={"addressing_style": "path"}, inject_host_prefix=False, retries={"max_attempts": 2}))


def fold(name):
    return name.lower().replace("_", "")


def fit(value, shape):
    """A property as the member of a call's input that shape describes."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        members = {fold(m): m for m in shape.members}
        return {members[fold(k)]: fit(v, shape.members[members[fold(k)]]) for k, v in value.items() if fold(k) in members and v is not None}
    if kind == "list":
        return [fit(v, shape.member) for v in (value if isinstance(value, list) else [value])]
    if kind == "map" and isinstance(value, dict):
        return {k: fit(v, shape.value) for k, v in value.items()}
    if kind in ("integer", "long"):
        return int(value)
    if kind in ("float", "double"):
        return float(value)
    if kind == "boolean":
        return value if isinstance(value, bool) else value == "true"
    if kind == "string" and isinstance(value, (dict, list)):
        return json.dumps(value)
    if kind == "string" and isinstance(value, (int, float)):
        return str(value)
    return value


class Account:
    def __init__(self, twin):
        self.twin, self.made, self.ids = twin, {}, {}

    def call(self, service, operation, properties, **more):
        c = client(service)
        shape = c.meta.service_model.operation_model(operation).input_shape
        return getattr(c, xform_name(operation))(**{**fit(properties, shape), **more})

    def settle(self, v):
        if isinstance(v, dict) and "$ref" in v:
            return self.attribute(v["$ref"], v["attribute"])
        if isinstance(v, dict) and "$join" in v:
            return "".join(str(self.settle(p)) for p in v["$join"])
        if isinstance(v, dict):
            return {k: self.settle(e) for k, e in v.items()}
        if isinstance(v, list):
            return [self.settle(e) for e in v]
        return v

    def attribute(self, address, attribute):
        r = self.made[address]
        if attribute in r:
            return r[attribute]
        if attribute.endswith("Arn") and "Arn" in r:
            return r["Arn"]
        if attribute.endswith("Name") or attribute.endswith("Id") or attribute == "":
            return r[""]
        raise SystemExit(f"{address} has no {attribute}")

    def make(self, address, typ, p):
        p = self.settle(p)
        maker = globals().get(typ.replace("AWS::", "").replace("::", "_"))
        self.made[address] = maker(self, p) if maker else generic(self, typ, p)


def generic(a, typ, p):
    """One call to create it: Create and what the type is called."""
    service, kind = typ.split("::")[1:]
    service = {"OpenSearchService": "opensearch", "SageMaker": "sagemaker", "DynamoDB": "dynamodb", "EC2": "ec2", "ECR": "ecr", "EKS": "eks", "Glue": "glue",
               "Redshift": "redshift", "RDS": "rds", "SecretsManager": "secretsmanager", "KMS": "kms", "GuardDuty": "guardduty"}[service]
    reply = a.call(service, "Create" + kind, p)
    found = {"": next((str(v) for k, v in p.items() if k.endswith("Name")), "")}
    for k, v in reply.items():
        if isinstance(v, str):
            found[k] = v
            if k.endswith("Arn"):
                found["Arn"] = v
    return found


def doc(p):
    return json.dumps(p)


def IAM_Role(a, p):
    iam, name = client("iam"), p["RoleName"]
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=doc(p["AssumeRolePolicyDocument"]))["Role"]["Arn"]
    for policy in p.get("ManagedPolicyArns", []):
        # The double knows AWS's own policies only if it loads all of them.
        iam.put_role_policy(RoleName=name, PolicyName="as-" + policy.rsplit("/")[-1], PolicyDocument=doc(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}]}))
    return {"": name, "Arn": arn}


def IAM_Group(a, p):
    iam, name = client("iam"), p["GroupName"]
    arn = iam.create_group(GroupName=name)["Group"]["Arn"]
    for policy in p.get("Policies", []):
        iam.put_group_policy(GroupName=name, PolicyName=policy["PolicyName"], PolicyDocument=doc(policy["PolicyDocument"]))
    return {"": name, "Arn": arn}


def IAM_User(a, p):
    iam, name = client("iam"), p["UserName"]
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    if "LoginProfile" in p:
        iam.create_login_profile(UserName=name, Password="Not-a-real-1-password")
    return {"": name, "Arn": arn}


def IAM_RolePolicy(a, p):
    client("iam").put_role_policy(RoleName=p["RoleName"], PolicyName=p["PolicyName"], PolicyDocument=doc(p["PolicyDocument"]))
    return {"": p["PolicyName"]}


def IAM_Policy(a, p):
    for role in p["Roles"]:
        client("iam").put_role_policy(RoleName=role, PolicyName=p["PolicyName"], PolicyDocument=doc(p["PolicyDocument"]))
    return {"": p["PolicyName"]}


def IAM_ManagedPolicy(a, p):
    iam = client("iam")
    arn = iam.create_policy(PolicyName=p["ManagedPolicyName"], PolicyDocument=doc(p["PolicyDocument"]))["Policy"]["Arn"]
    for role in p.get("Roles", []):
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    return {"": arn, "Arn": arn}


def S3_Bucket(a, p):
    s3, name = client("s3"), p["BucketName"]
    s3.create_bucket(Bucket=name, ObjectOwnership=p.get("OwnershipControls", {}).get("Rules", [{}])[0].get("ObjectOwnership", "BucketOwnerEnforced"),
                     CreateBucketConfiguration={"LocationConstraint": REGION})
    blocks = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
    block = p.get("PublicAccessBlockConfiguration", {b: True for b in blocks})
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={b: block.get(b, False) for b in blocks})
    rules = p.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}])
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": r["ServerSideEncryptionByDefault"], "BucketKeyEnabled": r.get("BucketKeyEnabled", False)} for r in rules]})
    if "VersioningConfiguration" in p:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=p["VersioningConfiguration"])
    if "LoggingConfiguration" in p:
        c = p["LoggingConfiguration"]
        s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": {"TargetBucket": c["DestinationBucketName"], "TargetPrefix": c.get("LogFilePrefix", "")}})
    if p.get("AccessControl") == "PublicRead":
        s3.put_bucket_acl(Bucket=name, ACL="public-read")
    return {"": name, "Arn": "arn:aws:s3:::" + name}


def S3_BucketPolicy(a, p):
    client("s3").put_bucket_policy(Bucket=p["Bucket"], Policy=doc(p["PolicyDocument"]).replace('"Principal": "*"', '"Principal": {"AWS": "*"}'))
    return {"": p["Bucket"]}


def KMS_Key(a, p):
    kms = client("kms")
    key = kms.create_key(Description=p["Description"], Policy=doc(p["KeyPolicy"]))["KeyMetadata"]
    if p.get("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=key["KeyId"])
    return {"": key["KeyId"], "Arn": key["Arn"]}


def DynamoDB_Table(a, p):
    ddb = client("dynamodb")
    arn = a.call("dynamodb", "CreateTable", {k: v for k, v in p.items() if k != "ResourcePolicy"})["TableDescription"]["TableArn"]
    if "PointInTimeRecoverySpecification" in p:
        ddb.update_continuous_backups(TableName=p["TableName"], PointInTimeRecoverySpecification=p["PointInTimeRecoverySpecification"])
    if "ResourcePolicy" in p:
        ddb.put_resource_policy(ResourceArn=arn, Policy=doc(p["ResourcePolicy"]["PolicyDocument"]))
    return {"": p["TableName"], "Arn": arn}


def RDS_DBInstance(a, p):
    a.call("rds", "CreateDBInstance", p, MasterUserPassword="not-a-real-value")
    return {"": p["DBInstanceIdentifier"]}


def Redshift_Cluster(a, p):
    a.call("redshift", "CreateCluster", {k: v for k, v in p.items() if k != "ManageMasterPassword"}, MasterUserPassword="Not-a-real-1-value")
    return {"": p["ClusterIdentifier"]}


def SecretsManager_Secret(a, p):
    arn = a.call("secretsmanager", "CreateSecret", p, SecretString="not-a-real-value")["ARN"]
    return {"": arn, "Arn": arn}


def SecretsManager_ResourcePolicy(a, p):
    client("secretsmanager").put_resource_policy(SecretId=p["SecretId"], ResourcePolicy=doc(p["ResourcePolicy"]))
    return {"": p["SecretId"]}


def OpenSearchService_Domain(a, p):
    return {"": p["DomainName"], "Arn": a.call("opensearch", "CreateDomain", p)["DomainStatus"]["ARN"]}


def OpenSearchServerless_SecurityPolicy(a, p):
    a.call("opensearchserverless", "CreateSecurityPolicy", p)
    return {"": p["Name"]}


def EC2_VPC(a, p):
    return {"": client("ec2").create_vpc(CidrBlock=p["CidrBlock"])["Vpc"]["VpcId"]}


def permission(p):
    out = {"IpProtocol": p["IpProtocol"], "IpRanges": [{"CidrIp": p["CidrIp"]}]}
    if "FromPort" in p:
        out.update(FromPort=int(p["FromPort"]), ToPort=int(p["ToPort"]))
    return out


def EC2_SecurityGroup(a, p):
    ec2 = client("ec2")
    group = ec2.create_security_group(GroupName=p["GroupName"], Description=p["GroupDescription"], VpcId=p["VpcId"])["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission(r) for r in p["SecurityGroupIngress"]])
    return {"": group, "GroupId": group}


def EC2_SecurityGroupIngress(a, p):
    client("ec2").authorize_security_group_ingress(GroupId=p["GroupId"], IpPermissions=[permission(p)])
    return {"": p["GroupId"]}


def EC2_Instance(a, p):
    c = client("ec2")
    disk = {"VolumeSize": 8, "Encrypted": a.twin == "clean"}
    i = c.run_instances(ImageId=p["ImageId"], InstanceType=p["InstanceType"], MinCount=1, MaxCount=1, MetadataOptions=p["MetadataOptions"],
                        BlockDeviceMappings=[{"DeviceName": "/dev/sda1", "Ebs": disk}],
                        TagSpecifications=[{"ResourceType": "instance", "Tags": p["Tags"]}])["Instances"][0]["InstanceId"]
    return {"": i}


def EC2_Volume(a, p):
    return {"": a.call("ec2", "CreateVolume", p)["VolumeId"]}


def EC2_VPCEndpoint(a, p):
    policy = p.get("PolicyDocument", {"Version": "2008-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})
    return {"": client("ec2").create_vpc_endpoint(VpcId=p["VpcId"], ServiceName=p["ServiceName"], PolicyDocument=doc(policy))["VpcEndpoint"]["VpcEndpointId"]}


def nothing(a, p):
    """The double has no such thing: the Go side answers for it."""
    return {"": "none", "Arn": "none"}


EC2_SnapshotBlockPublicAccess = Lambda_Url = nothing


def Lambda_Function(a, p):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as z:
        z.writestr("index.py", p["Code"]["ZipFile"])
    reply = a.call("lambda", "CreateFunction", {k: v for k, v in p.items() if k != "Code"}, Code={"ZipFile": out.getvalue()})
    return {"": p["FunctionName"], "Arn": reply["FunctionArn"]}


def Lambda_Permission(a, p):
    a.call("lambda", "AddPermission", p, StatementId="all")
    return {"": p["FunctionName"]}


def ECR_Repository(a, p):
    arn = a.call("ecr", "CreateRepository", p)["repository"]["repositoryArn"]
    if "RepositoryPolicyText" in p:
        client("ecr").set_repository_policy(repositoryName=p["RepositoryName"], policyText=doc(p["RepositoryPolicyText"]))
    return {"": p["RepositoryName"], "Arn": arn}


def EKS_Cluster(a, p):
    types = [t["Type"] for t in p.get("Logging", {}).get("ClusterLogging", {}).get("EnabledTypes", [])]
    logging = {"clusterLogging": [{"types": types, "enabled": True}] if types else [{"types": ["api", "audit"], "enabled": False}]}
    a.call("eks", "CreateCluster", {k: v for k, v in p.items() if k != "Logging"}, logging=logging)
    return {"": p["Name"]}


def ECS_TaskDefinition(a, p):
    return {"": a.call("ecs", "RegisterTaskDefinition", p)["taskDefinition"]["taskDefinitionArn"]}


def Glue_DataCatalogEncryptionSettings(a, p):
    s = p["DataCatalogEncryptionSettings"]
    c = s["ConnectionPasswordEncryption"]
    if "KmsKeyId" in c:
        c["AwsKmsKeyId"] = c.pop("KmsKeyId")
    client("glue").put_data_catalog_encryption_settings(DataCatalogEncryptionSettings=s)
    return {"": ACCOUNT}


def StepFunctions_StateMachine(a, p):
    logging = p.get("LoggingConfiguration")
    more = {"loggingConfiguration": {"level": logging["Level"], "destinations": [
        {"cloudWatchLogsLogGroup": {"logGroupArn": d["CloudWatchLogsLogGroup"]["LogGroupArn"]}} for d in logging["Destinations"]]}} if logging else {}
    reply = client("stepfunctions").create_state_machine(name=p["StateMachineName"], definition=p["DefinitionString"], roleArn=p["RoleArn"], **more)
    return {"": reply["stateMachineArn"]}


def Logs_LogGroup(a, p):
    logs, name = client("logs"), p["LogGroupName"]
    a.call("logs", "CreateLogGroup", p)
    if "RetentionInDays" in p:
        logs.put_retention_policy(logGroupName=name, retentionInDays=int(p["RetentionInDays"]))
    return {"": name, "Arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"}


def ApiGateway_RestApi(a, p):
    gateway = client("apigateway")
    api = gateway.create_rest_api(name=p["Name"], endpointConfiguration={"types": p["EndpointConfiguration"]["Types"]})["id"]
    return {"": api, "RootResourceId": gateway.get_resources(restApiId=api)["items"][0]["id"]}


def ApiGateway_Method(a, p):
    a.call("apigateway", "PutMethod", p)
    return {"": ""}


def ApiGatewayV2_Api(a, p):
    return {"": a.call("apigatewayv2", "CreateApi", p)["ApiId"]}


def ApiGatewayV2_Route(a, p):
    a.call("apigatewayv2", "CreateRoute", {"AuthorizationType": "NONE", **p})
    return {"": ""}


def CloudTrail_Trail(a, p):
    trail, name = client("cloudtrail"), p["TrailName"]
    a.call("cloudtrail", "CreateTrail", {**p, "Name": name})
    if p["IsLogging"]:
        trail.start_logging(Name=name)
    return {"": name}


def GuardDuty_Detector(a, p):
    return {"": a.call("guardduty", "CreateDetector", p)["DetectorId"]}


def SageMaker_ModelPackageGroup(a, p):
    return {"": a.call("sagemaker", "CreateModelPackageGroup", {k: v for k, v in p.items() if k != "ModelPackageGroupPolicy"})["ModelPackageGroupArn"]}


def rest(a):
    """What the table holds and CloudFormation has no type for."""
    faulty = a.twin == "faulty"
    s3control = client("s3control")
    s3control.meta.events.register("before-send", plain_host)
    s3control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration={
        b: not faulty for b in ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]})
    client("iam").update_account_password_policy(MinimumPasswordLength=8 if faulty else 16)
    if not faulty:
        client("ec2").enable_ebs_encryption_by_default()
    vpc = {} if faulty else {"VpcConfig": {"Subnets": ["subnet-12345678"], "SecurityGroupIds": ["sg-12345678"]}}
    client("sagemaker").create_training_job(
        TrainingJobName="eta-train", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/training", AlgorithmSpecification={"TrainingImage": "trainer:1", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://acme-jobs/out/"}, ResourceConfig={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
        StoppingCondition={"MaxRuntimeInSeconds": 3600}, **vpc)


def plain_host(request, **_):
    """S3 Control puts the account before the host, where no double listens."""
    request.url = request.url.replace(f"//{ACCOUNT}.", "//")


def refs(v):
    if isinstance(v, dict):
        if "$ref" in v:
            yield v["$ref"]
        for e in v.values():
            yield from refs(e)
    elif isinstance(v, list):
        for e in v:
            yield from refs(e)


def logs_bucket():
    """The bucket that others log to, outside the template."""
    s3, group = client("s3"), "uri=http://acs.amazonaws.com/groups/s3/LogDelivery"
    s3.create_bucket(Bucket="acme-logs", ObjectOwnership="BucketOwnerPreferred", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_acl(Bucket="acme-logs", GrantWrite=group, GrantReadACP=group)


class Exported:
    """The account as fill.export asks for it."""

    id = ACCOUNT

    def client(self, service):
        return client(service)


def export(out, folder):
    """Images and snapshots are left out: the double gives thousands of its own."""
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    from fill import export as writer
    for service, (cli, once, each) in list(writer.CALLS.items()):
        if service not in KEPT:
            del writer.CALLS[service]
    cli, once, each = writer.CALLS["ec2"]
    writer.CALLS["ec2"] = (cli, [c for c in once if c not in ("DescribeSnapshots", "DescribeImages")], [])
    writer.export(Exported(), pathlib.Path(out))


KEPT = ["iam", "kms", "s3", "rds", "dynamodb", "secretsmanager", "opensearch", "opensearchserverless", "redshift", "ec2", "ecr", "eks", "ecs", "lambda", "glue",
        "stepfunctions", "logs", "apigateway", "apigatewayv2", "cloudtrail", "guardduty", "sagemaker", "bedrock", "bedrock-agent", "bedrock-agentcore-control"]


def main():
    os.environ["AWS_ENDPOINT_URL"] = sys.argv[3]
    a = Account(sys.argv[2])
    logs_bucket()
    todo = [r for r in json.load(open(sys.argv[1])) if not r["type"].startswith("AWS::Bedrock")]
    while todo:
        left = []
        for r in todo:
            if all(ref in a.made for ref in refs(r["properties"])):
                a.make(r["address"], r["type"], r["properties"])
            else:
                left.append(r)
        if len(left) == len(todo):
            raise SystemExit(f"nothing can be made of {[r['address'] for r in left]}")
        todo = left
    rest(a)
    export(sys.argv[4], sys.argv[5])


main()
