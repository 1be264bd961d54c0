"""Stores: buckets, keys, secrets, databases."""

# The double reads a Principal of "*" wrongly where it looks for log delivery;
# {"AWS": "*"} means the same.

from .account import allow, code, policy


def fill(a):
    kms = a.client("kms")
    key = kms.create_key(Description="estate")["KeyMetadata"]
    a.key = key["Arn"]
    if a.faulty:
        a.plant("kms-key-rotation-off", a.key)
        wide = kms.create_key(Description="wide", Policy=policy(allow("kms:*", Principal={"AWS": "*"})))["KeyMetadata"]
        kms.enable_key_rotation(KeyId=wide["KeyId"])
        a.plant("kms-key-policy-open", wide["Arn"])
    else:
        kms.enable_key_rotation(KeyId=key["KeyId"])
    buckets(a)
    secrets(a)
    databases(a)


def tls_only(name):
    return {
        "Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def harden(a, s3, name, *statements):
    """The state every bucket has on the clean twin."""
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True})
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": a.key}, "BucketKeyEnabled": True}]})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]})
    s3.put_bucket_policy(Bucket=name, Policy=policy(tls_only(name), *statements))
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={
        "LoggingEnabled": {"TargetBucket": "acme-logs", "TargetPrefix": name + "/"}})


def buckets(a):
    s3 = a.client("s3")
    place = {} if a.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": a.region}}
    for name in ["acme-logs", "acme-training", "acme-models", "acme-prompts"]:
        s3.create_bucket(Bucket=name, **place)
        if name == "acme-logs":
            s3.put_bucket_acl(Bucket=name, GrantWrite="uri=http://acs.amazonaws.com/groups/s3/LogDelivery",
                              GrantReadACP="uri=http://acs.amazonaws.com/groups/s3/LogDelivery")
        s3.put_object(Bucket=name, Key="README", Body=b"nothing here")
        harden(a, s3, name)
    a.client("s3control").put_public_access_block(AccountId=a.id, PublicAccessBlockConfiguration={
        "BlockPublicAcls": True, "IgnorePublicAcls": True,
        "BlockPublicPolicy": not a.faulty, "RestrictPublicBuckets": not a.faulty})
    a.plant("s3-account-public-access-open", f"arn:aws:s3:::{a.id}")
    if a.faulty:
        spoil(a, s3, place)


def spoil(a, s3, place):
    """Buckets of the faulty twin, each with its own fault."""
    for name in ["acme-open", "acme-acl", "acme-bare", "acme-plain"]:
        s3.create_bucket(Bucket=name, **place)
        harden(a, s3, name)
    s3.delete_public_access_block(Bucket="acme-open")
    s3.put_bucket_policy(Bucket="acme-open", Policy=policy(
        tls_only("acme-open"), allow("s3:GetObject", "arn:aws:s3:::acme-open/*", Principal="*")))
    a.plant("s3-bucket-policy-public", "arn:aws:s3:::acme-open")
    a.plant("s3-bucket-public-access-open", "arn:aws:s3:::acme-open")
    s3.delete_public_access_block(Bucket="acme-acl")
    s3.delete_bucket_ownership_controls(Bucket="acme-acl")
    s3.put_bucket_acl(Bucket="acme-acl", ACL="public-read")
    a.plant("s3-bucket-acl-public", "arn:aws:s3:::acme-acl")
    a.plant("s3-bucket-public-access-open", "arn:aws:s3:::acme-acl")
    s3.delete_bucket_policy(Bucket="acme-plain")
    a.plant("s3-bucket-allows-plain-http", "arn:aws:s3:::acme-plain")
    s3.put_bucket_versioning(Bucket="acme-bare", VersioningConfiguration={"Status": "Suspended"})
    a.plant("s3-bucket-versioning-off", "arn:aws:s3:::acme-bare")
    s3.put_bucket_logging(Bucket="acme-bare", BucketLoggingStatus={})
    a.plant("s3-bucket-access-logging-off", "arn:aws:s3:::acme-bare")


def secrets(a):
    sm = a.client("secretsmanager")
    arn = sm.create_secret(Name="vendor-key", SecretString="not-a-real-value", KmsKeyId=a.key)["ARN"]
    if a.faulty:
        sm.put_resource_policy(SecretId=arn, ResourcePolicy=policy(
            allow("secretsmanager:GetSecretValue", Principal="*")))
        a.plant("secret-policy-open", arn)
        a.plant("secret-rotation-off", arn)
    else:
        rotate = a.client("lambda").create_function(
            FunctionName="rotate", Runtime="python3.12", Handler="index.handler", Code={"ZipFile": code()},
            Role=a.arn("iam", "role/scorer", region=""), KMSKeyArn=a.key)["FunctionArn"]
        sm.rotate_secret(SecretId=arn, RotationLambdaARN=rotate,
                         RotationRules={"AutomaticallyAfterDays": 30})


def databases(a):
    rds = a.client("rds")
    db = rds.create_db_instance(
        DBInstanceIdentifier="features", Engine="postgres", DBInstanceClass="db.m6g.large", AllocatedStorage=20,
        MasterUsername="admin1", MasterUserPassword="not-a-real-value", StorageEncrypted=not a.faulty,
        PubliclyAccessible=a.faulty, BackupRetentionPeriod=7, DeletionProtection=True,
        **({} if a.faulty else {"KmsKeyId": a.key}))["DBInstance"]
    a.plant("rds-instance-unencrypted", db["DBInstanceArn"])
    a.plant("rds-instance-public", db["DBInstanceArn"])
    ddb = a.client("dynamodb")
    table = ddb.create_table(
        TableName="sessions", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": a.key},
    )["TableDescription"]
    if a.faulty:
        a.plant("dynamodb-table-no-recovery", table["TableArn"])
    else:
        ddb.update_continuous_backups(
            TableName="sessions", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
