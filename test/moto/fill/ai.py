"""AI workloads: SageMaker, and what it runs."""

import base64

TAGS = [{"Key": "owner", "Value": "ml-platform"}]


def fill(a):
    sm = a.client("sagemaker")
    role = a.arn("iam", "role/training", region="")
    vpc = {"Subnets": [a.subnet], "SecurityGroupIds": [a.group]}
    image = f"{a.id}.dkr.ecr.{a.region}.amazonaws.com/trainer@sha256:" + "ab" * 32
    notebook(a, sm, role)
    training(a, sm, role, image, vpc)
    jobs(a, sm, role, image, vpc)
    studio(a, sm, role)
    serving(a, sm, a.arn("iam", "role/serving", region=""), image, vpc)


def notebook(a, sm, role):
    safe = {} if a.faulty else {
        "KmsKeyId": a.key, "SubnetId": a.subnet, "SecurityGroupIds": [a.group],
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}}
    lifecycle(a, sm)
    arn = sm.create_notebook_instance(
        NotebookInstanceName="exploration", InstanceType="ml.t3.medium", RoleArn=role, Tags=TAGS,
        DirectInternetAccess="Enabled" if a.faulty else "Disabled",
        RootAccess="Enabled" if a.faulty else "Disabled", **safe)["NotebookInstanceArn"]
    for control in ["sagemaker-notebook-direct-internet", "sagemaker-notebook-root-access",
                    "sagemaker-notebook-outside-vpc", "sagemaker-notebook-volume-own-key", "sagemaker-notebook-imdsv1"]:
        a.plant(control, arn)


def lifecycle(a, sm):
    script = "export OPENAI_API_KEY=sk-proj-" + "a1B2c3D4e5F6g7H8" * 3 if a.faulty else "pip install -r requirements.txt"
    arn = sm.create_notebook_instance_lifecycle_config(
        NotebookInstanceLifecycleConfigName="setup",
        OnStart=[{"Content": base64.b64encode(script.encode()).decode()}])["NotebookInstanceLifecycleConfigArn"]
    a.plant("sagemaker-lifecycle-secret", arn)


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
        HyperParameters={"epochs": "3", **({"wandb_api_key": "9f8e7d6c5b4a39f8e7d6c5b4a39f8e7d6c5b4a31"} if a.faulty else {})},
        EnableNetworkIsolation=not a.faulty, EnableInterContainerTrafficEncryption=not a.faulty, **safe)["TrainingJobArn"]
    for control in ["sagemaker-training-secret-in-parameters", "sagemaker-training-network-unconfined", "sagemaker-training-traffic-clear", "sagemaker-training-output-own-key"]:
        a.plant(control, arn)


def jobs(a, sm, role, image, vpc):
    """A job that still runs, on disks without hardware encryption, and one that
    prepares data."""
    running = sm.create_training_job(
        TrainingJobName="eta-nightly", RoleArn=role, Tags=TAGS, EnableNetworkIsolation=True, VpcConfig=vpc,
        AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://acme-models/eta/", "KmsKeyId": a.key},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50,
                        **({} if a.faulty else {"VolumeKmsKeyId": a.key})},
        StoppingCondition={"MaxRuntimeInSeconds": 3600})["TrainingJobArn"]
    a.plant_by_age("sagemaker-training-volume-own-key", running)
    safe = {} if a.faulty else {"NetworkConfig": {"EnableNetworkIsolation": False, "VpcConfig": vpc}}
    prepare = sm.create_processing_job(
        ProcessingJobName="prepare", RoleArn=role, Tags=TAGS, AppSpecification={"ImageUri": image},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}},
        **safe)["ProcessingJobArn"]
    a.plant("sagemaker-processing-network-unconfined", prepare)


def studio(a, sm, role):
    """Where people work, and the register of models."""
    rest = {} if a.faulty else {"JupyterLabAppSettings": {"AppLifecycleManagement": {"IdleSettings": {
        "LifecycleManagement": "ENABLED", "IdleTimeoutInMinutes": 60}}}}
    domain = sm.create_domain(
        DomainName="studio", AuthMode="IAM" if a.faulty else "SSO", DefaultUserSettings={"ExecutionRole": role, **rest}, VpcId=a.vpc, SubnetIds=[a.subnet],
        AppNetworkAccessType="PublicInternetOnly" if a.faulty else "VpcOnly", Tags=TAGS,
        DomainSettings={"DockerSettings": {"EnableDockerAccess": "ENABLED"}} if a.faulty else {"ExecutionRoleIdentityConfig": "USER_PROFILE_NAME"},
        **({} if a.faulty else {"KmsKeyId": a.key}))["DomainArn"]
    for control in ["iam-sign-in", "idle-apps", "people-untraceable", "docker"]:
        a.plant("sagemaker-domain-" + control, domain)
    a.plant("sagemaker-domain-direct-internet", domain)
    a.plant("sagemaker-domain-storage-own-key", domain)
    group = sm.create_model_package_group(ModelPackageGroupName="eta")["ModelPackageGroupArn"]
    a.plant_by_age("sagemaker-model-registry-public", group)


def serving(a, sm, role, image, vpc):
    sm.create_model(
        ModelName="eta", ExecutionRoleArn=role, Tags=TAGS, EnableNetworkIsolation=not a.faulty,
        PrimaryContainer={"Image": image, "ModelDataUrl": "s3://acme-models/eta/model.tar.gz"},
        **({} if a.faulty else {"VpcConfig": vpc}))
    a.plant("sagemaker-model-network-unconfined", a.arn("sagemaker", "model/eta"))
    config = sm.create_endpoint_config(
        EndpointConfigName="eta-1", Tags=TAGS, **({} if a.faulty else {"KmsKeyId": a.key}),
        DataCaptureConfig={"EnableCapture": True, "InitialSamplingPercentage": 10, "DestinationS3Uri": "s3://acme-prompts/eta/",
                           "CaptureOptions": [{"CaptureMode": "Input"}], **({} if a.faulty else {"KmsKeyId": a.key})},
        ProductionVariants=[{"VariantName": "AllTraffic", "ModelName": "eta", "InitialInstanceCount": 2,
                             "InstanceType": "ml.m5.xlarge"}])["EndpointConfigArn"]
    a.plant("sagemaker-endpoint-volume-own-key", config)
    a.plant("sagemaker-data-capture-own-key", config)
    sm.create_endpoint(EndpointName="eta", EndpointConfigName="eta-1", Tags=TAGS)
