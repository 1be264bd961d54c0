"""What watches the account."""

from .account import allow, policy


def fill(a):
    trails(a)
    detectors(a)


def trails(a):
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
    if a.faulty:
        trail.put_event_selectors(TrailName="main", EventSelectors=[{
            "ReadWriteType": "WriteOnly", "IncludeManagementEvents": True, "DataResources": []}])
    else:
        trail.put_event_selectors(TrailName="main", AdvancedEventSelectors=[selector("Management")] + [
            selector("Data", t) for t in ("AWS::S3::Object", "AWS::Bedrock::AgentAlias")])
    root = a.arn("iam", "root", region="")
    a.plant("cloudtrail-store-events-absent", root)
    a.plant("cloudtrail-ai-calls-absent", root)
    for control in ["cloudtrail-validation-off", "cloudtrail-management-left-out", "cloudtrail-own-key"]:
        a.plant(control, a.arn("cloudtrail", "trail/main"))
    if a.faulty:
        trail.create_trail(Name="idle", S3BucketName="acme-logs", EnableLogFileValidation=True)
        a.plant("cloudtrail-stopped", a.arn("cloudtrail", "trail/idle"))
        a.plant("cloudtrail-own-key", a.arn("cloudtrail", "trail/idle"))


def selector(category, kind=None):
    fields = [{"Field": "eventCategory", "Equals": [category]}]
    return {"Name": kind or category, "FieldSelectors": fields + ([{"Field": "resources.type", "Equals": [kind]}] if kind else [])}


def detectors(a):
    detector = a.client("guardduty").create_detector(
        Enable=not a.faulty, FindingPublishingFrequency="FIFTEEN_MINUTES",
        Features=[{"Name": "S3_DATA_EVENTS", "Status": "ENABLED"}])["DetectorId"]
    a.plant("guardduty-absent", a.arn("iam", "root", region=""))
    a.plant("guardduty-suspended", a.arn("guardduty", "detector/" + detector))
    config = a.client("config")
    config.put_configuration_recorder(ConfigurationRecorder={
        "name": "all", "roleARN": a.arn("iam", "role/recorder", region=""), "recordingGroup": {"allSupported": True}})
    config.put_delivery_channel(DeliveryChannel={"name": "all", "s3BucketName": "acme-logs"})
    if not a.faulty:
        config.start_configuration_recorder(ConfigurationRecorderName="all")
        a.client("bedrock").put_model_invocation_logging_configuration(loggingConfig={
            "s3Config": {"bucketName": "acme-prompts", "keyPrefix": "calls"}, "textDataDeliveryEnabled": True})
    a.plant("config-recorder-stopped", a.arn("config", "configuration-recorder/all"))
    a.plant("bedrock-invocation-logging-off", a.arn("bedrock", "model-invocation-logging-configuration"))
