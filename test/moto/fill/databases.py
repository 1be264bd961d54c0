"""Secrets and databases."""

from .account import allow, code, policy


def fill(a):
    secrets(a)
    tables(a)


def secrets(a):
    sm = a.client("secretsmanager")
    arn = sm.create_secret(Name="vendor-key", SecretString="not-a-real-value", KmsKeyId=a.key)["ARN"]
    if a.faulty:
        sm.put_resource_policy(SecretId=arn, ResourcePolicy=policy(
            allow("secretsmanager:GetSecretValue", Principal="*")))
        a.plant("secret-policy-public", arn)
        a.plant_by_age("secret-stale", arn)
    else:
        rotate = a.client("lambda").create_function(
            FunctionName="rotate", Runtime="python3.12", Handler="index.handler", Code={"ZipFile": code()},
            Role=a.arn("iam", "role/scorer", region=""), KMSKeyArn=a.key)["FunctionArn"]
        sm.rotate_secret(SecretId=arn, RotationLambdaARN=rotate,
                         RotationRules={"AutomaticallyAfterDays": 30})


def tables(a):
    rds = a.client("rds")
    db = rds.create_db_instance(
        DBInstanceIdentifier="features", Engine="postgres", DBInstanceClass="db.m6g.large", AllocatedStorage=20,
        MasterUsername="admin1", MasterUserPassword="not-a-real-value", StorageEncrypted=not a.faulty,
        PubliclyAccessible=a.faulty, BackupRetentionPeriod=7, DeletionProtection=True,
        **({} if a.faulty else {"KmsKeyId": a.key}))["DBInstance"]
    a.plant("rds-storage-unencrypted", db["DBInstanceArn"])
    a.plant("rds-instance-public", db["DBInstanceArn"])
    ddb = a.client("dynamodb")
    table = ddb.create_table(
        TableName="sessions", BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": a.key},
        DeletionProtectionEnabled=not a.faulty)["TableDescription"]
    if not a.faulty:
        ddb.update_continuous_backups(
            TableName="sessions", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    a.plant("dynamodb-deletion-protection-off", table["TableArn"])
    a.plant("dynamodb-point-in-time-recovery-off", table["TableArn"])
    if a.faulty:
        ddb.put_resource_policy(ResourceArn=table["TableArn"], Policy=policy(
            allow("dynamodb:GetItem", table["TableArn"], Principal="*")))
    a.plant("dynamodb-policy-public", table["TableArn"])
    search(a)
    warehouse(a)


def search(a):
    """The vector store: open to all, or with callers of its own."""
    domain = a.client("opensearch").create_domain(
        DomainName="vectors", EngineVersion="OpenSearch_2.11",
        AccessPolicies=policy(allow("es:*", a.arn("es", "domain/vectors/*"), Principal={"AWS": "*"})),
        AdvancedSecurityOptions={"Enabled": not a.faulty, "InternalUserDatabaseEnabled": False},
        EncryptionAtRestOptions={"Enabled": not a.faulty},
        NodeToNodeEncryptionOptions={"Enabled": True}, **({} if a.faulty else {
            "VPCOptions": {"SubnetIds": [a.subnet], "SecurityGroupIds": [a.group]},
            "DomainEndpointOptions": {"EnforceHTTPS": True, "TLSSecurityPolicy": "Policy-Min-TLS-1-2-PFS-2023-10"},
            "LogPublishingOptions": {"AUDIT_LOGS": {"CloudWatchLogsLogGroupArn": a.arn("logs", "log-group:audit"), "Enabled": True}},
        }))["DomainStatus"]["ARN"]
    for control in ["opensearch-domain-open", "opensearch-domain-clear-text", "opensearch-domain-one-key-opens-all", "opensearch-domain-outside-vpc"]:
        a.plant(control, domain)
    a.plant("opensearch-domain-unencrypted", domain)


def warehouse(a):
    a.client("redshift").create_cluster(
        ClusterIdentifier="history", NodeType="ra3.large", MasterUsername="admin1",
        MasterUserPassword="Not-a-real-1-value", PubliclyAccessible=a.faulty, Encrypted=True)
    a.plant("redshift-public", a.arn("redshift", "cluster:history"))
