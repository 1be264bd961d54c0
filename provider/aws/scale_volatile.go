package aws

// times are the members that say, in any type, when a thing was made or last
// changed, and how the change went. They are looked for at the root and in each
// reply under its operation's name, nowhere deeper: a tag may have such a name.
var times = []string{
	"ResponseMetadata", "CreationTime", "CreatedTime", "CreatedAt", "CreationDate", "CreatedDate", "CreatedOn", "CreateTime",
	"CreationDateTime", "CreatedTimestamp", "CreationTimestamp", "creationTime", "createdTime", "createdAt", "creationDate", "createdDate",
	"LastModifiedTime", "LastModifiedDate", "LastModified", "LastModifiedOn", "LastModifiedBy", "LastUpdatedTime", "LastUpdatedDate",
	"LastUpdateTime", "LastUpdateTimestamp", "UpdatedAt", "UpdatedTimestamp", "lastModifiedTime", "lastModifiedAt", "lastModifiedDate",
	"lastUpdatedTime", "lastUpdatedAt", "lastUpdatedDate", "updatedAt", "modifiedAt", "FailureReason", "failureReason", "failureReasons",
	"statusReason", "StatusReason",
}

// volatile are the places, a type a line, that change by themselves beyond
// times. What a control asks about is not among them: a model's approval, what
// a trail's IsLogging says, a bucket's versioning; nor is a digest of an image.
const volatile = `
SageMaker::Endpoint: EndpointStatus ProductionVariants[].CurrentInstanceCount ProductionVariants[].CurrentWeight ProductionVariants[].VariantStatus ProductionVariants[].CurrentServerlessConfig ProductionVariants[].DeployedImages[].ResolutionTime ProductionVariants[].CapacityReservationConfig.AvailableInstanceCount ProductionVariants[].CapacityReservationConfig.TotalInstanceCount ProductionVariants[].InstancePools[].CurrentInstanceCount ShadowProductionVariants[].CurrentInstanceCount ShadowProductionVariants[].CurrentWeight ShadowProductionVariants[].VariantStatus ShadowProductionVariants[].CurrentServerlessConfig ShadowProductionVariants[].DeployedImages[].ResolutionTime ShadowProductionVariants[].CapacityReservationConfig.AvailableInstanceCount ShadowProductionVariants[].CapacityReservationConfig.TotalInstanceCount ShadowProductionVariants[].InstancePools[].CurrentInstanceCount PendingDeploymentSummary.StartTime PendingDeploymentSummary.ProductionVariants[].CurrentInstanceCount PendingDeploymentSummary.ProductionVariants[].DesiredInstanceCount PendingDeploymentSummary.ProductionVariants[].CurrentWeight PendingDeploymentSummary.ProductionVariants[].VariantStatus PendingDeploymentSummary.ShadowProductionVariants[].CurrentInstanceCount PendingDeploymentSummary.ShadowProductionVariants[].DesiredInstanceCount PendingDeploymentSummary.ShadowProductionVariants[].CurrentWeight PendingDeploymentSummary.ShadowProductionVariants[].VariantStatus
SageMaker::Variant: CurrentInstanceCount CurrentWeight VariantStatus CurrentServerlessConfig DeployedImages[].ResolutionTime CapacityReservationConfig.AvailableInstanceCount CapacityReservationConfig.TotalInstanceCount InstancePools[].CurrentInstanceCount
SageMaker::InferenceComponent: InferenceComponentStatus RuntimeConfig.CurrentCopyCount RuntimeConfig.PlacementStatus
SageMaker::NotebookInstance: NotebookInstanceStatus
SageMaker::TrainingJob: TrainingJobStatus SecondaryStatus SecondaryStatusTransitions TrainingStartTime TrainingEndTime TrainingTimeInSeconds BillableTimeInSeconds BillableTokenCount FinalMetricDataList DebugRuleEvaluationStatuses ProfilerRuleEvaluationStatuses ProfilingStatus WarmPoolStatus ResourceConfig.SelectedInstanceCount ResourceConfig.SelectedInstanceType
SageMaker::ProcessingJob: ProcessingJobStatus ProcessingStartTime ProcessingEndTime ExitMessage ProcessingResources.ClusterConfig.SelectedInstanceCount ProcessingResources.ClusterConfig.SelectedInstanceType
SageMaker::TransformJob: TransformJobStatus TransformStartTime TransformEndTime
SageMaker::HyperParameterTuningJob: HyperParameterTuningJobStatus HyperParameterTuningEndTime TrainingJobStatusCounters ObjectiveStatusCounters BestTrainingJob OverallBestTrainingJob TuningJobCompletionDetails ConsumedResources
SageMaker::AutoMLJob: AutoMLJobStatus AutoMLJobSecondaryStatus EndTime BestCandidate PartialFailureReasons
SageMaker::CompilationJob: CompilationJobStatus CompilationStartTime CompilationEndTime
SageMaker::Domain: Status
SageMaker::UserProfile: Status
SageMaker::Space: Status
SageMaker::App: Status LastHealthCheckTimestamp LastUserActivityTimestamp
SageMaker::Pipeline: PipelineStatus LastRunTime
SageMaker::PipelineExecution: PipelineExecutionStatus
SageMaker::MonitoringSchedule: LastMonitoringExecutionSummary
SageMaker::FeatureGroup: FeatureGroupStatus LastUpdateStatus OfflineStoreStatus.BlockedReason OnlineStoreTotalSizeBytes
SageMaker::ModelPackage: ModelPackageStatus ModelPackageStatusDetails
SageMaker::ModelPackageGroup: ModelPackageGroupStatus
SageMaker::Cluster: ClusterStatus FailureMessage InstanceGroups[].CurrentCount InstanceGroups[].Status InstanceGroups[].TargetStateCount InstanceGroups[].SoftwareUpdateStatus InstanceGroups[].InstanceTypeDetails InstanceGroups[].InstanceRequirements.CurrentInstanceTypes RestrictedInstanceGroups[].CurrentCount RestrictedInstanceGroups[].Status
SageMaker::MlflowTrackingServer: TrackingServerStatus TrackingServerMaintenanceStatus IsActive
SageMaker::Image: ImageStatus
Bedrock::ProvisionedModelThroughput: status modelUnits commitmentExpirationTime
Bedrock::MarketplaceModelEndpoint: endpointStatus endpointStatusMessage
Bedrock::Agent: agentStatus preparedAt ListAgentVersions.agentVersionSummaries[].agentStatus ListAgentVersions.agentVersionSummaries[].updatedAt ListAgentKnowledgeBases.agentKnowledgeBaseSummaries[].updatedAt
Bedrock::AgentAlias: agentAliasStatus
Bedrock::KnowledgeBase: status
Bedrock::DataSource: status
Bedrock::Flow: status
Bedrock::CustomModel: modelStatus
Bedrock::CustomModelDeployment: status
Bedrock::ModelCustomizationJob: status endTime statusDetails trainingMetrics validationMetrics
Bedrock::ModelImportJob: status endTime
Bedrock::ModelInvocationJob: status endTime message
Bedrock::EvaluationJob: status
BedrockAgentCore::Runtime: status
BedrockAgentCore::Gateway: status
BedrockAgentCore::GatewayTarget: status lastSynchronizedAt
BedrockAgentCore::Memory: status strategies[].updatedAt
Comprehend::Endpoint: Status Message CurrentInferenceUnits
Kendra::Index: Status ErrorMessage IndexStatistics
Kendra::DataSource: Status ErrorMessage
ApplicationAutoScaling::ScalableTarget: PredictedCapacity
AutoScaling::AutoScalingGroup: Instances PredictedCapacity Status WarmPoolSize WarmPoolConfiguration.Status
EC2::Instance: State StateReason StateTransitionReason LaunchTime UsageOperationUpdateTime CpuOptions.CoreCount BlockDeviceMappings[].Ebs.AttachTime BlockDeviceMappings[].Ebs.Status NetworkInterfaces[].Status NetworkInterfaces[].Attachment.AttachTime NetworkInterfaces[].Attachment.Status
EC2::NetworkInterface: Status Attachment.AttachTime Attachment.Status
EC2::Volume: State Attachments[].AttachTime Attachments[].State
EC2::Subnet: AvailableIpAddressCount
EKS::Nodegroup: status health
EKS::Cluster: status health
ECS::Service: runningCount pendingCount deployments events currentServiceRevisions taskSets[].computedDesiredCount taskSets[].pendingCount taskSets[].runningCount taskSets[].stabilityStatus taskSets[].stabilityStatusAt taskSets[].updatedAt
ECS::Cluster: runningTasksCount pendingTasksCount activeServicesCount registeredContainerInstancesCount attachmentsStatus
ECS::Task: connectivity connectivityAt containers[].healthStatus containers[].lastStatus containers[].managedAgents desiredStatus lastStatus healthStatus pullStartedAt pullStoppedAt startedAt version
Batch::ComputeEnvironment: status
Batch::JobQueue: status
Batch::Job: status attempts eksAttempts startedAt stoppedAt
Glue::Job: AllocatedCapacity
Glue::JobRun: AllocatedCapacity JobRunState StartedOn CompletedOn ExecutionTime DPUSeconds ErrorMessage
Glue::DevEndpoint: Status LastUpdateStatus LastModifiedTimestamp
Glue::MLTransform: Status EvaluationMetrics LabelCount
Glue::Crawler: State CrawlElapsedTime LastCrawl LastUpdated Version
Glue::Table: UpdateTime LastAccessTime LastAnalyzedTime VersionId
EMR::Cluster: Status NormalizedInstanceHours ListInstanceGroups.InstanceGroups[].Status ListInstanceGroups.InstanceGroups[].RunningInstanceCount
EMRServerless::Application: state stateDetails
Lambda::Function: RevisionId State StateReason StateReasonCode LastUpdateStatus LastUpdateStatusReason LastUpdateStatusReasonCode GetPolicy.RevisionId GetFunction.Configuration.LastModified GetFunction.Configuration.RevisionId GetFunction.Configuration.State GetFunction.Configuration.StateReason GetFunction.Configuration.StateReasonCode GetFunction.Configuration.LastUpdateStatus GetFunction.Configuration.LastUpdateStatusReason GetFunction.Configuration.LastUpdateStatusReasonCode GetFunction.Configuration.MemorySize
Lambda::Alias: RevisionId
OpenSearchService::Domain: Processing UpgradeProcessing DomainProcessingStatus ChangeProgressDetails ServiceSoftwareOptions
RDS::DBInstance: DBInstanceStatus InstanceCreateTime LatestRestorableTime AutomaticRestartTime StatusInfos ActivityStreamStatus
RDS::DBCluster: Status ClusterCreateTime LatestRestorableTime EarliestRestorableTime EarliestBacktrackTime AutomaticRestartTime StatusInfos Capacity PercentProgress ActivityStreamStatus
Redshift::Cluster: ClusterStatus ClusterAvailabilityStatus ClusterCreateTime ClusterNodes ModifyStatus NextMaintenanceWindowStartTime ExpectedNextSnapshotScheduleTime ExpectedNextSnapshotScheduleTimeStatus TotalStorageCapacityInMegaBytes DataTransferProgress RestoreStatus ResizeInfo DescribeLoggingStatus.LastFailureTime DescribeLoggingStatus.LastSuccessfulDeliveryTime
RedshiftServerless::Workgroup: status
ElastiCache::CacheCluster: CacheClusterStatus CacheClusterCreateTime CacheNodes
ElastiCache::ReplicationGroup: Status ReplicationGroupCreateTime NodeGroups[].Status
DynamoDB::Table: TableStatus ItemCount TableSizeBytes ProvisionedThroughput.LastIncreaseDateTime ProvisionedThroughput.LastDecreaseDateTime ProvisionedThroughput.NumberOfDecreasesToday GlobalSecondaryIndexes[].ProvisionedThroughput.LastIncreaseDateTime GlobalSecondaryIndexes[].ProvisionedThroughput.LastDecreaseDateTime GlobalSecondaryIndexes[].ProvisionedThroughput.NumberOfDecreasesToday GlobalSecondaryIndexes[].IndexStatus GlobalSecondaryIndexes[].ItemCount GlobalSecondaryIndexes[].IndexSizeBytes LocalSecondaryIndexes[].ItemCount LocalSecondaryIndexes[].IndexSizeBytes WarmThroughput DescribeContinuousBackups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.EarliestRestorableDateTime DescribeContinuousBackups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.LatestRestorableDateTime
Kinesis::Stream: StreamStatus StreamCreationTimestamp ConsumerCount
MSK::Cluster: State StateInfo ActiveOperationArn CurrentVersion
KinesisFirehose::DeliveryStream: DeliveryStreamStatus VersionId
Logs::LogGroup: storedBytes
CloudTrail::Trail: GetTrailStatus.LatestDeliveryTime GetTrailStatus.LatestDigestDeliveryTime GetTrailStatus.LatestNotificationTime GetTrailStatus.LatestCloudWatchLogsDeliveryTime GetTrailStatus.LatestDeliveryAttemptTime GetTrailStatus.LatestDeliveryAttemptSucceeded GetTrailStatus.LatestNotificationAttemptTime GetTrailStatus.LatestNotificationAttemptSucceeded
SecretsManager::Secret: LastAccessedDate LastChangedDate LastRotatedDate NextRotationDate VersionIdsToStages ReplicationStatus[].LastAccessedDate
KMS::Key: GetKeyRotationStatus.NextRotationDate
ECR::Repository: GetLifecyclePolicy.lastEvaluatedAt
IAM::Role: RoleLastUsed GetRole.Role.RoleLastUsed GetServiceLastAccessedDetails
IAM::User: PasswordLastUsed GetUser.User.PasswordLastUsed GetServiceLastAccessedDetails
IAM::ManagedPolicy: AttachmentCount PermissionsBoundaryUsageCount UpdateDate
IAM::AccessKey: GetAccessKeyLastUsed
`
