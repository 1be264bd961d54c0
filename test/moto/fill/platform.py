"""What AI workloads run on and are watched by."""

from .account import allow, code, policy


def fill(a):
    functions(a)
    registry(a)
    cluster(a)
    watch(a)


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
        lam.create_function_url_config(FunctionName="scorer", AuthType="NONE")
        a.plant("lambda-url-unauthenticated", arn)


def registry(a):
    ecr = a.client("ecr")
    arn = ecr.create_repository(
        repositoryName="trainer", imageTagMutability="MUTABLE" if a.faulty else "IMMUTABLE",
        imageScanningConfiguration={"scanOnPush": not a.faulty},
        encryptionConfiguration={"encryptionType": "KMS", "kmsKey": a.key})["repository"]["repositoryArn"]
    a.plant("ecr-repository-tags-mutable", arn)
    a.plant("ecr-repository-scan-off", arn)
    if a.faulty:
        ecr.set_repository_policy(repositoryName="trainer", policyText=policy(
            {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}))
        a.plant("ecr-repository-policy-public", arn)


def cluster(a):
    eks = a.client("eks")
    access = {"endpointPublicAccess": a.faulty, "endpointPrivateAccess": not a.faulty}
    safe = {} if a.faulty else {"encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": a.key}}]}
    arn = eks.create_cluster(
        name="ai", roleArn=a.arn("iam", "role/cluster", region=""), version="1.33",
        resourcesVpcConfig={"subnetIds": [a.subnet, a.subnet2], **access},
        logging={"clusterLogging": [{"types": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
                                     "enabled": not a.faulty}]}, **safe)["cluster"]["arn"]
    a.plant("eks-cluster-endpoint-public", arn)
    a.plant("eks-cluster-secrets-unencrypted", arn)
    a.plant("eks-cluster-audit-log-off", arn)


def watch(a):
    s3 = a.client("s3")
    s3.put_bucket_policy(Bucket="acme-logs", Policy=policy(
        {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*",
         "Resource": ["arn:aws:s3:::acme-logs", "arn:aws:s3:::acme-logs/*"],
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
        allow("s3:GetBucketAcl", "arn:aws:s3:::acme-logs", Principal={"Service": "cloudtrail.amazonaws.com"}),
        allow("s3:PutObject", "arn:aws:s3:::acme-logs/*", Principal={"Service": "cloudtrail.amazonaws.com"})))
    trail = a.client("cloudtrail")
    trail.create_trail(Name="main", S3BucketName="acme-logs", IsMultiRegionTrail=not a.faulty,
                       EnableLogFileValidation=not a.faulty, **({} if a.faulty else {"KmsKeyId": a.key}))
    trail.start_logging(Name="main")
    trail.put_event_selectors(TrailName="main", EventSelectors=[{
        "ReadWriteType": "All", "IncludeManagementEvents": True,
        "DataResources": [] if a.faulty else [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}])
    for control in ["cloudtrail-trail-single-region", "cloudtrail-trail-validation-off", "cloudtrail-trail-no-data-events"]:
        a.plant(control, a.arn("cloudtrail", "trail/main"))
    if not a.faulty:
        a.client("guardduty").create_detector(Enable=True, FindingPublishingFrequency="FIFTEEN_MINUTES")
