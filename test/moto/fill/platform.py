"""What AI workloads run on."""

import json

from .account import code, policy


def fill(a):
    functions(a)
    registry(a)
    cluster(a)
    tasks(a)
    preparation(a)


def functions(a):
    lam = a.client("lambda")
    secret = {"OPENAI_API_KEY": "sk-proj-" + "a1B2c3D4e5F6g7H8" * 3} if a.faulty else {"MODEL": "eta"}
    arn = lam.create_function(
        FunctionName="scorer", Runtime="python3.12", Handler="index.handler", Code={"ZipFile": code()},
        Role=a.arn("iam", "role/scorer", region=""), Environment={"Variables": secret},
        **({} if a.faulty else {"KMSKeyArn": a.key}))["FunctionArn"]
    a.plant("lambda-secret-in-environment", arn)
    if a.faulty:
        lam.add_permission(FunctionName="scorer", StatementId="all", Action="lambda:InvokeFunction", Principal="*")
        a.plant("lambda-policy-public", arn)
    lam.create_function_url_config(FunctionName="scorer", AuthType="NONE" if a.faulty else "AWS_IAM")
    a.plant_by_age("lambda-url-without-sign-in", arn)
    if not a.faulty:  # near miss: a service may call it, for one account
        lam.add_permission(FunctionName="scorer", StatementId="events", Action="lambda:InvokeFunction",
                           Principal="events.amazonaws.com", SourceAccount=a.id)


def registry(a):
    ecr = a.client("ecr")
    arn = ecr.create_repository(
        repositoryName="trainer", imageTagMutability="MUTABLE" if a.faulty else "IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": not a.faulty},
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": a.key})["repository"]["repositoryArn"]
    for control in ["ecr-tags-mutable", "ecr-unscanned", "ecr-never-tidied"]:
        a.plant(control, arn)
    if not a.faulty:
        ecr.put_lifecycle_policy(repositoryName="trainer", lifecyclePolicyText=json.dumps({"rules": [{
            "rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 10},
            "action": {"type": "expire"}}]}))
    if a.faulty:
        ecr.set_repository_policy(repositoryName="trainer", policyText=policy(
            {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}))
        a.plant("ecr-policy-public", arn)


def cluster(a):
    eks = a.client("eks")
    access = {"endpointPublicAccess": a.faulty, "endpointPrivateAccess": not a.faulty}
    safe = {} if a.faulty else {"encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": a.key}}]}
    arn = eks.create_cluster(
        name="ai", roleArn=a.arn("iam", "role/cluster", region=""), version="1.30" if a.faulty else "1.35",
        resourcesVpcConfig={"subnetIds": [a.subnet, a.subnet2], **access},
        logging={"clusterLogging": [{"types": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
                                     "enabled": not a.faulty}]}, **safe)["cluster"]["arn"]
    a.plant("eks-api-open-to-world", arn)
    a.plant("eks-version-unsupported", arn)
    a.plant("eks-secrets-own-key", arn)
    a.plant("eks-audit-log-off", arn)


def tasks(a):
    environment = [{"name": "DB_PASSWORD", "value": "not-a-real-value-9f8e7d"} if a.faulty
                   else {"name": "MAX_TOKENS", "value": "4096"}]
    arn = a.client("ecs").register_task_definition(family="embedder", containerDefinitions=[{
        "name": "embedder", "image": f"{a.id}.dkr.ecr.{a.region}.amazonaws.com/trainer@sha256:" + "ab" * 32,
        "memory": 512, "privileged": a.faulty, "environment": environment}])["taskDefinition"]["taskDefinitionArn"]
    a.plant("ecs-task-privileged", arn)
    a.plant("ecs-task-secret-in-environment", arn)


def preparation(a):
    """Jobs that prepare data, and the catalogue of it."""
    glue = a.client("glue")
    if not a.faulty:
        glue.create_security_configuration(Name="own-key", EncryptionConfiguration={
            "S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": a.key}],
            "CloudWatchEncryption": {"CloudWatchEncryptionMode": "SSE-KMS", "KmsKeyArn": a.key},
            "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "CSE-KMS", "KmsKeyArn": a.key}})
        glue.put_data_catalog_encryption_settings(DataCatalogEncryptionSettings={
            "EncryptionAtRest": {"CatalogEncryptionMode": "SSE-KMS", "SseAwsKmsKeyId": a.key},
            "ConnectionPasswordEncryption": {"ReturnConnectionPasswordEncrypted": True, "AwsKmsKeyId": a.key}})
    glue.create_job(
        Name="clean-prompts", Role=a.arn("iam", "role/etl", region=""), Command={"Name": "glueetl", "ScriptLocation": "s3://acme-training/job.py"},
        DefaultArguments={"--db_password": "Tr0ub4dor-9f8e7d"} if a.faulty else {"--max_tokens": "4096"},
        **({"GlueVersion": "2.0"} if a.faulty else {"GlueVersion": "5.0", "SecurityConfiguration": "own-key"}))
    a.plant("glue-catalog-unencrypted", a.arn("glue", "catalog"))
    a.plant("glue-job-secret-in-arguments", a.arn("glue", "job/clean-prompts"))
    for control in ["glue-job-unencrypted", "glue-job-old", "glue-job-unlogged"]:
        a.plant(control, a.arn("glue", "job/clean-prompts"))
