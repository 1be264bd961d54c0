"""Makes, behind AWS_ENDPOINT_URL, what the containment actions are tried on, and prints
it. With "dump" prints all of it again as AWS tells it, for comparing; with "delete" deletes it."""

import json
import sys

import boto3

c = {n: boto3.client(n) for n in ["iam", "sagemaker", "s3", "ec2", "lambda", "events", "glue", "ecs", "kms", "secretsmanager", "ecr", "bedrock-agent", "bedrock"]}
ROLE = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
ALLOW = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})


def make():
    out = {}
    iam, sm, s3, ec2 = c["iam"], c["sagemaker"], c["s3"], c["ec2"]
    out["role"] = iam.create_role(RoleName="training", AssumeRolePolicyDocument=ROLE)["Role"]["Arn"]
    iam.put_role_policy(RoleName="training", PolicyName="own", PolicyDocument=ALLOW)
    out["policy"] = iam.create_policy(PolicyName="stores", PolicyDocument=ALLOW)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="training", PolicyArn=out["policy"])
    out["user"] = iam.create_user(UserName="lab")["User"]["Arn"]
    out["key"] = iam.create_access_key(UserName="lab")["AccessKey"]["AccessKeyId"]
    for n, w in (("good", 1.0), ("bad", 0.5)):
        sm.create_model(ModelName=n, ExecutionRoleArn=out["role"], PrimaryContainer={"Image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/m@sha256:" + "ab" * 32})
        sm.create_endpoint_config(EndpointConfigName=n, ProductionVariants=[{"VariantName": "blue", "ModelName": n, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": w}])
    out["endpoint"] = sm.create_endpoint(EndpointName="score", EndpointConfigName="bad")["EndpointArn"]
    sm.create_endpoint_config(EndpointConfigName="two", ProductionVariants=[{"VariantName": v, "ModelName": "good", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large", "InitialVariantWeight": 0.5} for v in ("blue", "green")])
    out["variants"] = sm.create_endpoint(EndpointName="split", EndpointConfigName="two")["EndpointArn"]
    out["notebook"] = sm.create_notebook_instance(NotebookInstanceName="lab", InstanceType="ml.t3.medium", RoleArn=out["role"])["NotebookInstanceArn"]
    job = dict(RoleArn=out["role"], AlgorithmSpecification={"TrainingImage": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/m:1", "TrainingInputMode": "File"},
               OutputDataConfig={"S3OutputPath": "s3://acme-models/"}, ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5}, StoppingCondition={"MaxRuntimeInSeconds": 3600})
    out["job"] = sm.create_training_job(TrainingJobName="running-nightly", **job)["TrainingJobArn"]
    sm.create_model_package_group(ModelPackageGroupName="eta")
    out["package"] = sm.create_model_package(ModelPackageGroupName="eta", ModelApprovalStatus="Approved", InferenceSpecification={"Containers": [{"Image": "i"}], "SupportedContentTypes": ["application/json"], "SupportedResponseMIMETypes": ["application/json"]})["ModelPackageArn"]
    sm.create_pipeline(PipelineName="retrain", PipelineDefinition=json.dumps({"Version": "2020-12-01", "Steps": []}), RoleArn=out["role"], ClientRequestToken="t" * 32)
    out["run"] = sm.start_pipeline_execution(PipelineName="retrain")["PipelineExecutionArn"]
    s3.create_bucket(Bucket="acme-training", ObjectLockEnabledForBucket=True, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    out["bucket"] = "arn:aws:s3:::acme-training"
    s3.put_bucket_policy(Bucket="acme-training", Policy='{"Version": "2012-10-17",  "Statement": [{"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "%s"}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::acme-training/*"}]}' % out["role"])
    out["object"] = "arn:aws:s3:::acme-training/sets/2026/a b+c.csv"
    for body in (b"good", b"poisoned"):
        v = s3.put_object(Bucket="acme-training", Key="sets/2026/a b+c.csv", Body=body)["VersionId"]
        out.setdefault("version", v)
    s3.create_bucket(Bucket="acme-plain", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    out["plain"] = "arn:aws:s3:::acme-plain"
    s3.put_public_access_block(Bucket="acme-plain", PublicAccessBlockConfiguration={"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": True, "RestrictPublicBuckets": False})
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    g = [ec2.create_security_group(GroupName=n, Description=n, VpcId=vpc)["GroupId"] for n in ("app", "web", "isolation")]
    ec2.authorize_security_group_ingress(GroupId=g[0], IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "office"}, {"CidrIp": "192.168.0.0/16"}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": g[1]}]}])
    out["group"] = f"arn:aws:ec2:eu-west-1:123456789012:security-group/{g[0]}"
    i = ec2.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=g[:2])["Instances"][0]["InstanceId"]
    out["instance"], out["isolation"] = f"arn:aws:ec2:eu-west-1:123456789012:instance/{i}", g[2]
    code = b"PK\x05\x06" + b"\0" * 18
    f = c["lambda"].create_function(FunctionName="score", Runtime="python3.12", Role=out["role"], Handler="a.b", Code={"ZipFile": code})
    out["function"] = f["FunctionArn"]
    c["lambda"].put_function_concurrency(FunctionName="score", ReservedConcurrentExecutions=7)
    out["function2"] = c["lambda"].create_function(FunctionName="free", Runtime="python3.12", Role=out["role"], Handler="a.b", Code={"ZipFile": code})["FunctionArn"]
    out["rule"] = c["events"].put_rule(Name="nightly", ScheduleExpression="rate(1 day)")["RuleArn"]
    c["glue"].create_job(Name="clean", Role=out["role"], Command={"Name": "glueetl", "ScriptLocation": "s3://x/y.py"})
    c["glue"].create_trigger(Name="clean-daily", Type="SCHEDULED", Schedule="cron(0 3 * * ? *)", Actions=[{"JobName": "clean"}], StartOnCreation=True)
    out["trigger"] = "arn:aws:glue:eu-west-1:123456789012:trigger/clean-daily"
    c["ecs"].create_cluster(clusterName="serve")
    c["ecs"].register_task_definition(family="llm", containerDefinitions=[{"name": "a", "image": "b", "memory": 100}])
    out["service"] = c["ecs"].create_service(cluster="serve", serviceName="llm", taskDefinition="llm", desiredCount=3)["service"]["serviceArn"]
    out["kms"] = c["kms"].create_key()["KeyMetadata"]["Arn"]
    out["secret"] = c["secretsmanager"].create_secret(Name="api", SecretString="not told")["ARN"]
    out["repository"] = c["ecr"].create_repository(repositoryName="models/llm")["repository"]["repositoryArn"]
    a = c["bedrock-agent"].create_agent(agentName="desk", agentResourceRoleArn=out["role"])["agent"]
    out["agent"] = a["agentArn"]
    agents().create_agent_alias(agentId=a["agentId"], agentAliasName="before")  # serves a version without the tool
    agents().create_agent_alias(agentId=a["agentId"], agentAliasName="draft", routingConfiguration=[{"agentVersion": "DRAFT"}])
    out["tool"] = tool(a["agentId"], out)
    a = c["bedrock-agent"].create_agent(agentName="shop", agentResourceRoleArn=out["role"])["agent"]
    out["shop"], out["served"] = a["agentArn"], tool(a["agentId"], out)
    agents().create_agent_alias(agentId=a["agentId"], agentAliasName="live")  # serves a version with the tool
    policy = {"contentPolicyConfig": {"filtersConfig": [{"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}]}}
    out["guardrail"] = c["bedrock"].create_guardrail(name="desk", blockedInputMessaging="no", blockedOutputsMessaging="no", **policy)["guardrailArn"]
    gid = out["guardrail"].split("/")[-1]
    c["bedrock"].create_guardrail_version(guardrailIdentifier=gid)
    policy["contentPolicyConfig"]["filtersConfig"][0]["inputStrength"] = "NONE"
    c["bedrock"].update_guardrail(guardrailIdentifier=gid, name="desk", blockedInputMessaging="no", blockedOutputsMessaging="no", **policy)
    return out


def agents():
    """moto's agent ids are longer than the API's: boto3 would refuse them."""
    import botocore.config
    return boto3.client("bedrock-agent", config=botocore.config.Config(parameter_validation=False))


def tool(agent, out):
    return agents().create_agent_action_group(agentId=agent, agentVersion="DRAFT", actionGroupName="payments", description="pays",
        actionGroupExecutor={"lambda": out["function"]}, functionSchema={"functions": [{"name": "pay"}]})["agentActionGroup"]["actionGroupId"]


def dump(o):
    iam, sm, s3, ec2 = c["iam"], c["sagemaker"], c["s3"], c["ec2"]
    d = {}

    def add(name, fn, *drop, **kw):
        try:
            r = fn(**kw)
            r.pop("ResponseMetadata", None)
            for k in drop:
                r.pop(k, None)
        except Exception as e:
            r = {"error": str(e)}
        d[name] = r
    add("account", iam.get_account_authorization_details, Filter=["Role", "User", "LocalManagedPolicy"])
    add("keys", iam.list_access_keys, UserName="lab")
    for e in ("score", "split"):
        add("endpoint " + e, sm.describe_endpoint, "LastModifiedTime", EndpointName=e)
    add("notebook", sm.describe_notebook_instance, "LastModifiedTime", NotebookInstanceName="lab")
    add("package", sm.describe_model_package, "LastModifiedTime", "LastModifiedBy", ModelPackageName=o["package"])
    add("run", sm.describe_pipeline_execution, "LastModifiedTime", PipelineExecutionArn=o["run"])
    for b in ("acme-training", "acme-plain"):
        add("policy " + b, s3.get_bucket_policy, Bucket=b)
        add("block " + b, s3.get_public_access_block, Bucket=b)
        add("versions " + b, s3.list_object_versions, Bucket=b)
    # Never held and no longer held are two replies for one state.
    add("hold", lambda **k: {"hold": s3.get_object_legal_hold(**k)["LegalHold"].get("Status", "OFF")}, Bucket="acme-training", Key="sets/2026/a b+c.csv", VersionId=o["version"])
    add("object", lambda **k: {"body": s3.get_object(**k)["Body"].read().decode()}, Bucket="acme-training", Key="sets/2026/a b+c.csv")
    add("interfaces", ec2.describe_network_interfaces)
    add("groups", ec2.describe_security_groups)
    for f in ("score", "free"):
        add("concurrency " + f, c["lambda"].get_function_concurrency, FunctionName=f)
    add("rule", c["events"].describe_rule, Name="nightly")
    add("trigger", c["glue"].get_trigger, Name="clean-daily")
    add("service", lambda **k: {"desired": c["ecs"].describe_services(**k)["services"][0]["desiredCount"]}, cluster="serve", services=["llm"])
    add("kms", c["kms"].describe_key, KeyId=o["kms"])
    add("secret", c["secretsmanager"].get_resource_policy, SecretId="api")
    add("repository", c["ecr"].get_repository_policy, repositoryName="models/llm")
    add("guardrail", c["bedrock"].get_guardrail, guardrailIdentifier=o["guardrail"].split("/")[-1])
    g = d["groups"].get("SecurityGroups", [])
    for sg in g:  # AWS keeps no order among rules
        for k in ("IpPermissions", "IpPermissionsEgress"):
            for p in sg.get(k, []):
                for v in p.values():
                    if isinstance(v, list):
                        v.sort(key=str)
            sg[k].sort(key=str)
    for n in d["interfaces"].get("NetworkInterfaces", []):
        n["Groups"].sort(key=str)
    return d


def delete(o):
    """Deletes what can be, as somebody would who clears an account; prints what failed."""
    iam, sm, s3, ec2 = c["iam"], c["sagemaker"], c["s3"], c["ec2"]
    failed = {}

    def do(name, fn, **kw):
        try:
            fn(**kw)
        except Exception as e:
            failed[name] = str(e)
    for n in iam.list_role_policies(RoleName="training")["PolicyNames"]:
        do("role", iam.delete_role_policy, RoleName="training", PolicyName=n)
    for p in iam.list_attached_role_policies(RoleName="training")["AttachedPolicies"]:
        do("role", iam.detach_role_policy, RoleName="training", PolicyArn=p["PolicyArn"])
    do("role", iam.delete_role, RoleName="training")
    for n in iam.list_user_policies(UserName="lab")["PolicyNames"]:
        do("user", iam.delete_user_policy, UserName="lab", PolicyName=n)
    do("user", iam.delete_access_key, UserName="lab", AccessKeyId=o["key"])
    do("user", iam.delete_user, UserName="lab")
    do("endpoint", sm.delete_endpoint, EndpointName="score")
    do("variants", sm.delete_endpoint, EndpointName="split")
    do("notebook", sm.delete_notebook_instance, NotebookInstanceName="lab")
    do("run", sm.delete_pipeline, PipelineName="retrain", ClientRequestToken="d" * 32)
    key = "sets/2026/a b+c.csv"
    do("policy", s3.delete_bucket_policy, Bucket="acme-training")  # it keeps everybody out
    for v in s3.list_object_versions(Bucket="acme-training").get("Versions", []):
        do("object", s3.put_object_legal_hold, Bucket="acme-training", Key=key, VersionId=v["VersionId"], LegalHold={"Status": "OFF"})
        do("object", s3.delete_object, Bucket="acme-training", Key=key, VersionId=v["VersionId"], BypassGovernanceRetention=True)
    do("bucket", s3.delete_bucket, Bucket="acme-training")
    do("plain", s3.delete_bucket, Bucket="acme-plain")
    do("secret", c["secretsmanager"].delete_secret, SecretId="api", ForceDeleteWithoutRecovery=True)
    do("repository", c["ecr"].delete_repository, repositoryName="models/llm", force=True)
    do("instance", ec2.terminate_instances, InstanceIds=[o["instance"].split("/")[-1]])
    for n in ec2.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": [o["instance"].split("/")[-1]]}])["NetworkInterfaces"]:
        do("interface", ec2.delete_network_interface, NetworkInterfaceId=n["NetworkInterfaceId"])  # goes with its instance, but not in moto
    do("group", ec2.delete_security_group, GroupId=o["group"].split("/")[-1])
    do("function", c["lambda"].delete_function, FunctionName="score")
    do("rule", c["events"].delete_rule, Name="nightly")
    do("trigger", c["glue"].delete_trigger, Name="clean-daily")
    do("service", c["ecs"].delete_service, cluster="serve", service="llm", force=True)
    do("package", sm.delete_model_package, ModelPackageName=o["package"])
    do("tool", agents().delete_agent_action_group, agentId=o["agent"].split("/")[-1], agentVersion="DRAFT", actionGroupId=o["tool"])  # only what is disabled
    do("guardrail", c["bedrock"].delete_guardrail, guardrailIdentifier=o["guardrail"].split("/")[-1])
    return failed


does = {"make": make, "dump": lambda: dump(json.loads(sys.argv[2])), "delete": lambda: delete(json.loads(sys.argv[2]))}
print(json.dumps(does[sys.argv[1]](), indent=1, default=str, sort_keys=True))
