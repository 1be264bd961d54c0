package pipelines

// slot is where an operator says which store it uses: the arguments that together are its
// address. Of several that may stand for each other the first that is given counts.
type slot struct {
	scheme string   // of the address: s3, gs, dynamodb, bigquery, connection, or "" where the argument is one whole
	bucket []string // the arguments that name the container
	key    []string // those that name what lies in it; a whole address there is taken alone
	folder bool     // the key is a beginning
}

// operator is what is known of one of Airflow's operators.
type operator struct {
	reads, writes []slot
	// config is the argument that holds the request of an AWS job.
	config string
	// silent: it moves no stored data.
	silent bool
	// says are the arguments that hold all that it sends: where they are texts of the file's own,
	// it moves no stored data.
	says []string
	// program: it runs a text or code of its own, which may use any store.
	program string
}

func in(scheme, bucket, key string) slot {
	return slot{scheme: scheme, bucket: fields(bucket), key: fields(key)}
}

func under(scheme, bucket, key string) slot {
	return slot{scheme: scheme, bucket: fields(bucket), key: fields(key), folder: true}
}

func from(reads slot, writes ...slot) operator {
	return operator{reads: []slot{reads}, writes: writes}
}

func writing(s ...slot) operator { return operator{writes: s} }

func runs(what string) operator { return operator{program: what} }

// table is a relational table behind a connection of Airflow's.
func tableOf(connection string) slot {
	return slot{scheme: "connection", bucket: fields(connection), key: []string{"table"}}
}

// operators are those of Airflow and its providers, by the name of their class, with the
// arguments of their current and earlier versions
// (https://airflow.apache.org/docs/#providers-packages).
var operators = map[string]operator{
	// Amazon: transfers and S3.
	"S3CopyObjectOperator":                     from(in("s3", "source_bucket_name", "source_bucket_key"), in("s3", "dest_bucket_name", "dest_bucket_key")),
	"S3FileTransformOperator":                  from(in("s3", "", "source_s3_key"), in("s3", "", "dest_s3_key")),
	"S3CreateObjectOperator":                   writing(in("s3", "s3_bucket", "s3_key")),
	"S3ToRedshiftOperator":                     from(under("s3", "s3_bucket", "s3_key"), tableOf("redshift_conn_id")),
	"RedshiftToS3Operator":                     from(tableOf("redshift_conn_id"), under("s3", "s3_bucket", "s3_key")),
	"S3ToSqlOperator":                          from(in("s3", "s3_bucket", "s3_key"), tableOf("sql_conn_id")),
	"SqlToS3Operator":                          {reads: []slot{{scheme: "connection", bucket: fields("sql_conn_id")}}, writes: []slot{in("s3", "s3_bucket", "s3_key")}},
	"S3ToDynamoDBOperator":                     from(in("s3", "s3_bucket", "s3_key"), in("dynamodb", "dynamodb_table_name", "")),
	"DynamoDBToS3Operator":                     from(in("dynamodb", "dynamodb_table_name", ""), under("s3", "s3_bucket_name", "s3_key_prefix")),
	"HiveToDynamoDBOperator":                   {reads: []slot{{scheme: "connection", bucket: fields("hiveserver2_conn_id")}}, writes: []slot{in("dynamodb", "table_name", "")}},
	"LocalFilesystemToS3Operator":              writing(in("s3", "dest_bucket", "dest_key")),
	"S3ToSFTPOperator":                         from(in("s3", "s3_bucket", "s3_key"), slot{scheme: "connection", bucket: fields("sftp_conn_id"), key: fields("sftp_path")}),
	"SFTPToS3Operator":                         from(slot{scheme: "connection", bucket: fields("sftp_conn_id"), key: fields("sftp_path")}, in("s3", "s3_bucket", "s3_key")),
	"S3ToFTPOperator":                          from(in("s3", "s3_bucket", "s3_key"), slot{scheme: "connection", bucket: fields("ftp_conn_id"), key: fields("ftp_path")}),
	"FTPToS3Operator":                          from(slot{scheme: "connection", bucket: fields("ftp_conn_id"), key: fields("ftp_path")}, in("s3", "s3_bucket", "s3_key")),
	"HttpToS3Operator":                         writing(in("s3", "s3_bucket", "s3_key")),
	"MongoToS3Operator":                        from(slot{scheme: "connection", bucket: fields("mongo_conn_id"), key: fields("mongo_collection")}, in("s3", "s3_bucket", "s3_key")),
	"GoogleApiToS3Operator":                    writing(in("s3", "", "s3_destination_key")),
	"SalesforceToS3Operator":                   from(slot{scheme: "connection", bucket: fields("salesforce_conn_id")}, in("s3", "s3_bucket_name", "s3_key")),
	"ImapAttachmentToS3Operator":               from(slot{scheme: "connection", bucket: fields("imap_conn_id")}, in("s3", "s3_bucket", "s3_key")),
	"ExasolToS3Operator":                       from(slot{scheme: "connection", bucket: fields("exasol_conn_id")}, in("s3", "bucket_name", "key")),
	"GCSToS3Operator":                          from(under("gs", "gcs_bucket bucket", "prefix"), under("s3", "", "dest_s3_key")),
	"AzureBlobStorageToS3Operator":             from(slot{scheme: "connection", bucket: fields("wasb_conn_id"), key: fields("container_name")}, under("s3", "", "dest_s3_key")),
	"CopyFromExternalStageToSnowflakeOperator": {reads: []slot{{scheme: "connection", bucket: fields("snowflake_conn_id"), key: fields("stage")}}, writes: []slot{tableOf("snowflake_conn_id")}},
	"S3ToSnowflakeOperator":                    {reads: []slot{{scheme: "connection", bucket: fields("snowflake_conn_id"), key: fields("stage")}}, writes: []slot{tableOf("snowflake_conn_id")}},
	"S3ListOperator":                           {silent: true},
	"S3ListPrefixesOperator":                   {silent: true},
	"S3DeleteObjectsOperator":                  {silent: true},
	"S3GetBucketTaggingOperator":               {silent: true},
	"S3PutBucketTaggingOperator":               {silent: true},
	"S3DeleteBucketTaggingOperator":            {silent: true},
	"EksCreateClusterOperator":                 {silent: true},
	"EksDeleteClusterOperator":                 {silent: true},
	"EksCreateNodegroupOperator":               {silent: true},
	"EksDeleteNodegroupOperator":               {silent: true},
	"EksCreateFargateProfileOperator":          {silent: true},
	"EksDeleteFargateProfileOperator":          {silent: true},
	"EmrTerminateJobFlowOperator":              {silent: true},
	"RedshiftPauseClusterOperator":             {silent: true},
	"RedshiftResumeClusterOperator":            {silent: true},
	"S3CreateBucketOperator":                   {silent: true},
	"S3DeleteBucketOperator":                   {silent: true},
	// Amazon: jobs whose request the task holds.
	"SageMakerTrainingOperator":       {config: "config"},
	"SageMakerProcessingOperator":     {config: "config"},
	"SageMakerTransformOperator":      {config: "config"},
	"SageMakerTuningOperator":         {config: "config"},
	"SageMakerModelOperator":          {config: "config"},
	"SageMakerEndpointOperator":       {config: "config"},
	"SageMakerEndpointConfigOperator": {config: "config"},
	// A job of AWS's own tells its flows itself.
	"GlueJobOperator":               {silent: true},
	"GlueCrawlerOperator":           {silent: true},
	"BatchOperator":                 runs("a job of AWS Batch"),
	"EcsOperator":                   runs("a container"),
	"EksPodOperator":                runs("a container"),
	"GKEStartPodOperator":           runs("a container"),
	"EcsRunTaskOperator":            runs("a container"),
	"LambdaInvokeFunctionOperator":  runs("a function"),
	"EmrAddStepsOperator":           runs("steps of EMR"),
	"EmrCreateJobFlowOperator":      runs("steps of EMR"),
	"EmrServerlessStartJobOperator": runs("a job of EMR"),
	"EmrContainerOperator":          runs("a job of EMR"),
	"AthenaOperator":                {writes: []slot{under("s3", "", "output_location")}, program: "a query"},
	"RedshiftSQLOperator":           runs("a query"),
	"RedshiftDataOperator":          runs("a query"),
	// Google.
	"GCSToGCSOperator":              from(under("gs", "source_bucket", "source_object source_objects"), under("gs", "destination_bucket", "destination_object")),
	"GCSSynchronizeBucketsOperator": from(under("gs", "source_bucket", "source_object"), under("gs", "destination_bucket", "destination_object")),
	"S3ToGCSOperator":               from(under("s3", "bucket", "prefix"), under("gs", "", "dest_gcs")),
	"GCSToBigQueryOperator":         from(under("gs", "bucket", "source_objects"), in("bigquery", "destination_project_dataset_table", "")),
	"BigQueryToGCSOperator":         from(in("bigquery", "source_project_dataset_table", ""), under("gs", "", "destination_cloud_storage_uris")),
	"BigQueryToBigQueryOperator":    from(in("bigquery", "source_project_dataset_tables", ""), in("bigquery", "destination_project_dataset_table", "")),
	"PostgresToGCSOperator":         from(slot{scheme: "connection", bucket: fields("postgres_conn_id")}, in("gs", "bucket", "filename")),
	"MySQLToGCSOperator":            from(slot{scheme: "connection", bucket: fields("mysql_conn_id")}, in("gs", "bucket", "filename")),
	"GCSToLocalFilesystemOperator":  {reads: []slot{in("gs", "bucket", "object_name")}},
	"LocalFilesystemToGCSOperator":  writing(in("gs", "bucket", "dst")),
	"GCSToSFTPOperator":             from(in("gs", "source_bucket", "source_object"), slot{scheme: "connection", bucket: fields("sftp_conn_id"), key: fields("destination_path")}),
	"SFTPToGCSOperator":             from(slot{scheme: "connection", bucket: fields("sftp_conn_id"), key: fields("source_path")}, in("gs", "destination_bucket", "destination_path")),
	"BigQueryInsertJobOperator":     runs("a query"),
	"BigQueryExecuteQueryOperator":  runs("a query"),
	// Programs and queries of the file's own.
	"PythonOperator":              runs("a function of Python"),
	"BranchPythonOperator":        runs("a function of Python"),
	"ShortCircuitOperator":        runs("a function of Python"),
	"PythonVirtualenvOperator":    runs("a function of Python"),
	"ExternalPythonOperator":      runs("a function of Python"),
	"BashOperator":                runs("a command"),
	"SSHOperator":                 runs("a command"),
	"DockerOperator":              runs("a container"),
	"KubernetesPodOperator":       runs("a container"),
	"SparkSubmitOperator":         runs("a program of Spark"),
	"SparkKubernetesOperator":     runs("a program of Spark"),
	"SQLExecuteQueryOperator":     runs("a query"),
	"PostgresOperator":            runs("a query"),
	"MySqlOperator":               runs("a query"),
	"SnowflakeOperator":           runs("a query"),
	"GenericTransfer":             runs("a query"),
	"SimpleHttpOperator":          runs("a request"),
	"HttpOperator":                runs("a request"),
	"DatabricksSubmitRunOperator": runs("a job of Databricks"),
	"DatabricksRunNowOperator":    runs("a job of Databricks"),
	// None of these moves stored data.
	"EmptyOperator":           {silent: true},
	"DummyOperator":           {silent: true},
	"LatestOnlyOperator":      {silent: true},
	"BranchDayOfWeekOperator": {silent: true},
	"BranchDateTimeOperator":  {silent: true},
	"TriggerDagRunOperator":   {silent: true},
	"SQLCheckOperator":        {silent: true},
	"SQLColumnCheckOperator":  {silent: true},
	"SQLTableCheckOperator":   {silent: true},
}
