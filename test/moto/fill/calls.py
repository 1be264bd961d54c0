"""The calls an export holds.

service -> (command line's name, calls without a subject, calls per item). A
call per item: operation, parameter (or several: the item's own members of
those names; [] behind it makes a list), the call whose replies list the items, and where: member of the
reply, member of the item (None: the item is the name)."""


def each(listing, member, name, *calls):
    """Calls that take the same items; a call is an operation, or with a
    parameter that is not called as the item's member is."""
    rows = []
    for call in calls:
        operation, parameter = call if isinstance(call, tuple) else (call, name)
        rows.append((operation, parameter, listing, (member, name)))
    return rows


BUCKET = ["GetBucketPolicy", "GetBucketPolicyStatus", "GetBucketAcl", "GetPublicAccessBlock", "GetBucketEncryption",
          "GetBucketVersioning", "GetBucketLogging", "GetBucketOwnershipControls", "GetBucketLocation",
          "GetBucketTagging", "GetBucketLifecycleConfiguration", "GetBucketWebsite", "GetBucketReplication"]

IDENTITY = {
    "iam": ("iam", ["GetAccountAuthorizationDetails", "GetAccountSummary", "GetAccountPasswordPolicy", "GetCredentialReport", "ListServiceSpecificCredentials",
                    "ListUsers", "ListOpenIDConnectProviders"],
            each("ListUsers", "Users", "UserName", "ListAccessKeys", "ListMFADevices", "GetLoginProfile") +
            each("ListAccessKeys", "AccessKeyMetadata", "AccessKeyId", "GetAccessKeyLastUsed")),
    "kms": ("kms", ["ListKeys", "ListAliases"],
            each("ListKeys", "Keys", "KeyId", "DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus")),
    "secretsmanager": ("secretsmanager", ["ListSecrets"],
                       each("ListSecrets", "SecretList", "ARN", ("DescribeSecret", "SecretId"), ("GetResourcePolicy", "SecretId"))),
}

STORES = {
    "s3": ("s3api", ["ListBuckets"], each("ListBuckets", "Buckets", "Name", *((op, "Bucket") for op in BUCKET))),
    "rds": ("rds", ["DescribeDBInstances", "DescribeDBClusters"], []),
    "dynamodb": ("dynamodb", ["ListTables"],
                 each("ListTables", "TableNames", None, ("DescribeTable", "TableName"), ("DescribeContinuousBackups", "TableName")) +
                 each("DescribeTable", "Table", "TableArn", ("GetResourcePolicy", "ResourceArn"))),
    "opensearch": ("opensearch", ["ListDomainNames"], each("ListDomainNames", "DomainNames", "DomainName", "DescribeDomain")),
    "redshift": ("redshift", ["DescribeClusters"], []),
    "glue": ("glue", ["GetJobs", "GetDataCatalogEncryptionSettings", "GetSecurityConfigurations", "GetConnections", "GetCrawlers", "GetResourcePolicy"], []),
}

COMPUTE = {
    "ec2": ("ec2", ["DescribeVpcs", "DescribeSubnets", "DescribeSecurityGroups", "DescribeNetworkAcls", "DescribeRouteTables",
                    "DescribeInstances", "DescribeVolumes", "DescribeNetworkInterfaces", "GetEbsEncryptionByDefault",
                    "DescribeVpcEndpoints", "DescribeFlowLogs", "DescribeSnapshots", "DescribeImages", "GetSnapshotBlockPublicAccessState"],
            each("DescribeSnapshots", "Snapshots", "SnapshotId", "DescribeSnapshotAttribute")),
    "lambda": ("lambda", ["ListFunctions"], each(
        "ListFunctions", "Functions", "FunctionName", "GetFunctionConfiguration", "GetPolicy", "ListFunctionUrlConfigs")),
    "ecr": ("ecr", ["DescribeRepositories"], each(
        "DescribeRepositories", "repositories", "repositoryName", "GetRepositoryPolicy", "GetLifecyclePolicy")),
    "eks": ("eks", ["ListClusters"], each("ListClusters", "clusters", None, ("DescribeCluster", "name"))),
    "ecs": ("ecs", ["ListTaskDefinitions"], each(
        "ListTaskDefinitions", "taskDefinitionArns", None, ("DescribeTaskDefinition", "taskDefinition"))),
    "batch": ("batch", ["DescribeJobDefinitions"], []),
    "emr": ("emr", ["ListClusters", "ListSecurityConfigurations", "GetBlockPublicAccessConfiguration"],
            each("ListClusters", "Clusters", "Id", ("DescribeCluster", "ClusterId")) +
            each("ListSecurityConfigurations", "SecurityConfigurations", "Name", "DescribeSecurityConfiguration")),
    "comprehend": ("comprehend", ["ListDocumentClassifiers"], []),
    "apigateway": ("apigateway", ["GetRestApis"], each("GetRestApis", "items", "id", ("GetResources", "restApiId"))),
    "apigatewayv2": ("apigatewayv2", ["GetApis"], each("GetApis", "Items", "ApiId", "GetRoutes")),
}

AI = {
    "sagemaker": ("sagemaker", ["ListNotebookInstances", "ListNotebookInstanceLifecycleConfigs", "ListTrainingJobs", "ListProcessingJobs", "ListModels",
                                "ListEndpointConfigs", "ListEndpoints", "ListDomains", "ListModelPackageGroups", "ListPipelines",
                                "ListDataQualityJobDefinitions"],
                  each("ListNotebookInstances", "NotebookInstances", "NotebookInstanceName", "DescribeNotebookInstance") +
                  each("ListNotebookInstanceLifecycleConfigs", "NotebookInstanceLifecycleConfigs", "NotebookInstanceLifecycleConfigName",
                       "DescribeNotebookInstanceLifecycleConfig") +
                  each("ListTrainingJobs", "TrainingJobSummaries", "TrainingJobName", "DescribeTrainingJob") +
                  each("ListProcessingJobs", "ProcessingJobSummaries", "ProcessingJobName", "DescribeProcessingJob") +
                  each("ListModels", "Models", "ModelName", "DescribeModel") +
                  each("ListEndpointConfigs", "EndpointConfigs", "EndpointConfigName", "DescribeEndpointConfig") +
                  each("ListEndpoints", "Endpoints", "EndpointName", "DescribeEndpoint") +
                  each("ListPipelines", "PipelineSummaries", "PipelineName", "DescribePipeline") +
                  each("ListDataQualityJobDefinitions", "JobDefinitionSummaries", "MonitoringJobDefinitionName",
                       ("DescribeDataQualityJobDefinition", "JobDefinitionName")) +
                  each("ListDomains", "Domains", "DomainId", "DescribeDomain") +
                  each("ListModelPackageGroups", "ModelPackageGroupSummaryList", "ModelPackageGroupName",
                       "DescribeModelPackageGroup", "GetModelPackageGroupPolicy")),
    "bedrock": ("bedrock", ["GetModelInvocationLoggingConfiguration", "ListGuardrails", "ListCustomModels"],
                each("ListGuardrails", "guardrails", "arn", ("GetGuardrail", "guardrailIdentifier")) +
                each("ListCustomModels", "modelSummaries", "modelArn", ("GetCustomModel", "modelIdentifier"))),
    "bedrock-agent": ("bedrock-agent", ["ListAgents", "ListKnowledgeBases"],
                      each("ListAgents", "agentSummaries", "agentId", "GetAgent") +
                      each("ListKnowledgeBases", "knowledgeBaseSummaries", "knowledgeBaseId", "GetKnowledgeBase", "ListDataSources") +
                      each("ListDataSources", "dataSourceSummaries", "dataSourceId",
                           ("GetDataSource", ("dataSourceId", "knowledgeBaseId")))),
    "bedrock-agentcore-control": ("bedrock-agentcore-control", ["ListAgentRuntimes", "ListGateways", "ListCodeInterpreters"],
                                  each("ListCodeInterpreters", "codeInterpreterSummaries", "codeInterpreterId", "GetCodeInterpreter") +
                                  each("ListAgentRuntimes", "agentRuntimes", "agentRuntimeId", "GetAgentRuntime") +
                                  each("ListGateways", "items", "gatewayId", ("GetGateway", "gatewayIdentifier"))),
}

WATCH = {
    "cloudtrail": ("cloudtrail", ["DescribeTrails"],
                   each("DescribeTrails", "trailList", "Name", "GetTrailStatus", ("GetEventSelectors", "TrailName"))),
    "logs": ("logs", ["DescribeLogGroups"], []),
    "stepfunctions": ("stepfunctions", ["ListStateMachines"],
                      each("ListStateMachines", "stateMachines", "stateMachineArn", "DescribeStateMachine")),
    "opensearchserverless": ("opensearchserverless", ["ListSecurityPolicies"],
                             each("ListSecurityPolicies", "securityPolicySummaries", "name", ("GetSecurityPolicy", ("name", "type")))),
    "guardduty": ("guardduty", ["ListDetectors"], each("ListDetectors", "DetectorIds", None, ("GetDetector", "DetectorId"))),
    "config": ("configservice", ["DescribeConfigurationRecorders", "DescribeDeliveryChannels"],
               each("DescribeConfigurationRecorders", "ConfigurationRecorders", "name",
                    ("DescribeConfigurationRecorderStatus", "ConfigurationRecorderNames[]"))),
}

CALLS = {**IDENTITY, **STORES, **COMPUTE, **AI, **WATCH}

# What the command line is given beside the subject.
MORE = {
    ("kms", "GetKeyPolicy"): {"PolicyName": "default"},
    ("opensearchserverless", "ListSecurityPolicies"): {"type": "network"},
    ("ec2", "DescribeSnapshots"): {"OwnerIds": ["self"]},
    ("ec2", "DescribeSnapshotAttribute"): {"Attribute": "createVolumePermission"},
    ("ec2", "DescribeImages"): {"Owners": ["self"]},
    ("batch", "DescribeJobDefinitions"): {"status": "ACTIVE"},
    ("iam", "ListServiceSpecificCredentials"): {"AllUsers": True},
    ("apigateway", "GetResources"): {"embed": ["methods"]},
}
