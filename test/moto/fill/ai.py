"""AI workloads: SageMaker, and what it runs."""

TAGS = [{"Key": "owner", "Value": "ml-platform"}]


def fill(a):
    sm = a.client("sagemaker")
    role = a.arn("iam", "role/training", region="")
    vpc = {"Subnets": [a.subnet], "SecurityGroupIds": [a.group]}
    image = f"{a.id}.dkr.ecr.{a.region}.amazonaws.com/trainer@sha256:" + "ab" * 32
    notebook(a, sm, role)
    training(a, sm, role, image, vpc)
    serving(a, sm, a.arn("iam", "role/serving", region=""), image, vpc)


def notebook(a, sm, role):
    safe = {} if a.faulty else {
        "KmsKeyId": a.key, "SubnetId": a.subnet, "SecurityGroupIds": [a.group],
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}}
    arn = sm.create_notebook_instance(
        NotebookInstanceName="exploration", InstanceType="ml.t3.medium", RoleArn=role, Tags=TAGS,
        DirectInternetAccess="Enabled" if a.faulty else "Disabled",
        RootAccess="Enabled" if a.faulty else "Disabled", **safe)["NotebookInstanceArn"]
    for control in ["sagemaker-notebook-direct-internet", "sagemaker-notebook-root-access",
                    "sagemaker-notebook-no-vpc", "sagemaker-notebook-unencrypted"]:
        a.plant(control, arn)


def training(a, sm, role, image, vpc):
    safe = {} if a.faulty else {"VpcConfig": vpc}
    arn = sm.create_training_job(
        TrainingJobName="eta-2026-11-01-08-00-00-001", RoleArn=role, Tags=TAGS,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": "s3://acme-training/eta/"}}}],
        OutputDataConfig={"S3OutputPath": "s3://acme-models/eta/", **({} if a.faulty else {"KmsKeyId": a.key})},
        ResourceConfig={"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 50,
                        **({} if a.faulty else {"VolumeKmsKeyId": a.key})},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
        EnableNetworkIsolation=not a.faulty, EnableInterContainerTrafficEncryption=not a.faulty, **safe)["TrainingJobArn"]
    for control in ["sagemaker-training-no-network-isolation", "sagemaker-training-no-vpc",
                    "sagemaker-training-traffic-unencrypted", "sagemaker-training-unencrypted"]:
        a.plant(control, arn)


def serving(a, sm, role, image, vpc):
    sm.create_model(
        ModelName="eta", ExecutionRoleArn=role, Tags=TAGS, EnableNetworkIsolation=not a.faulty,
        PrimaryContainer={"Image": image, "ModelDataUrl": "s3://acme-models/eta/model.tar.gz"},
        **({} if a.faulty else {"VpcConfig": vpc}))
    a.plant("sagemaker-model-no-vpc", a.arn("sagemaker", "model/eta"))
    config = sm.create_endpoint_config(
        EndpointConfigName="eta-1", Tags=TAGS, **({} if a.faulty else {"KmsKeyId": a.key}),
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": "eta", "InitialInstanceCount": 2,
                             "InstanceType": "ml.m5.xlarge"}])["EndpointConfigArn"]
    a.plant("sagemaker-endpoint-config-unencrypted", config)
    sm.create_endpoint(EndpointName="eta", EndpointConfigName="eta-1", Tags=TAGS)
