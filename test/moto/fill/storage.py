"""Buckets and the key they are under."""

# The double reads a Principal of "*" wrongly where it looks for log delivery;
# {"AWS": "*"} means the same.

from .account import allow, policy


def fill(a):
    kms = a.client("kms")
    key = kms.create_key(Description="estate")["KeyMetadata"]
    a.key = key["Arn"]
    if a.faulty:
        a.plant("kms-key-not-rotated", a.key)
        wide = kms.create_key(Description="wide", Policy=policy(allow("kms:*", Principal={"AWS": "*"})))["KeyMetadata"]
        kms.enable_key_rotation(KeyId=wide["KeyId"])
        a.plant("kms-key-policy-public", wide["Arn"])
        going = kms.create_key(Description="going")["KeyMetadata"]
        kms.enable_key_rotation(KeyId=going["KeyId"])
        kms.schedule_key_deletion(KeyId=going["KeyId"], PendingWindowInDays=7)
        a.plant("kms-key-going", going["Arn"])
    else:
        kms.enable_key_rotation(KeyId=key["KeyId"])
    buckets(a)


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
        block: not a.faulty for block in ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]})
    a.plant("s3-account-public-access-unblocked", a.arn("s3", "account-public-access-block", region=""))
    if a.faulty:
        spoil(a, s3, place)


def spoil(a, s3, place):
    """Buckets of the faulty twin, each with its own fault."""
    for name in ["acme-open", "acme-acl", "acme-bare", "acme-plain", "acme-shared", "acme-keyless"]:
        s3.create_bucket(Bucket=name, **place)
        harden(a, s3, name)
    s3.put_bucket_replication(Bucket="acme-keyless", ReplicationConfiguration={
        "Role": a.arn("iam", "role/copy", region=""), "Rules": [{
            "ID": "all", "Priority": 1, "Filter": {}, "Status": "Enabled", "DeleteMarkerReplication": {"Status": "Disabled"},
            "Destination": {"Bucket": "arn:aws:s3:::their-copy", "Account": "999988887777"}}]})
    a.plant("s3-bucket-copied-to-strangers", "arn:aws:s3:::acme-keyless")
    s3.delete_public_access_block(Bucket="acme-open")
    s3.put_bucket_policy(Bucket="acme-open", Policy=policy(
        tls_only("acme-open"), allow("s3:GetObject", "arn:aws:s3:::acme-open/*", Principal="*")))
    a.plant("s3-bucket-policy-public", "arn:aws:s3:::acme-open")
    a.plant("s3-bucket-public-access-unblocked", "arn:aws:s3:::acme-open")
    s3.delete_public_access_block(Bucket="acme-acl")
    s3.delete_bucket_ownership_controls(Bucket="acme-acl")
    s3.put_bucket_acl(Bucket="acme-acl", ACL="public-read")
    a.plant("s3-bucket-acl-public", "arn:aws:s3:::acme-acl")
    a.plant("s3-bucket-public-access-unblocked", "arn:aws:s3:::acme-acl")
    s3.delete_bucket_policy(Bucket="acme-plain")
    a.plant("s3-bucket-clear-text-transport", "arn:aws:s3:::acme-plain")
    s3.put_bucket_versioning(Bucket="acme-bare", VersioningConfiguration={"Status": "Suspended"})
    a.plant("s3-bucket-unversioned", "arn:aws:s3:::acme-bare")
    s3.put_bucket_logging(Bucket="acme-bare", BucketLoggingStatus={})
    a.plant("s3-bucket-unlogged", "arn:aws:s3:::acme-bare")
    s3.put_bucket_policy(Bucket="acme-shared", Policy=policy(
        tls_only("acme-shared"),
        allow("s3:GetObject", "arn:aws:s3:::acme-shared/*", Principal={"AWS": "arn:aws:iam::999988887777:root"})))
    a.plant("s3-bucket-foreign-account", "arn:aws:s3:::acme-shared")
    s3.put_bucket_encryption(Bucket="acme-keyless", ServerSideEncryptionConfiguration={"Rules": [
        {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]})
    a.plant("s3-bucket-own-key", "arn:aws:s3:::acme-keyless")
