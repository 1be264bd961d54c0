package pipelines

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed silent.txt
var silentTable string

// silent are the operators that move no stored data.
var silent = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(silentTable) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for name := range strings.FieldsSeq(line) {
			out[name+"Operator"] = true
		}
	}
	return out
})

// operatorOf is what is known of an operator.
func operatorOf(class string) (operator, bool) {
	if op, ok := operators[class]; ok {
		return op, true
	}
	if op, ok := transfers[class]; ok {
		return op, true
	}
	if silent()[class] {
		return operator{silent: true}, true
	}
	return operator{}, false
}

// behind is what lies behind a connection of Airflow's: all of it, or what the argument names.
func behind(connection, what string) slot {
	return slot{scheme: "connection", bucket: fields(connection), key: fields(what)}
}

// sqlToGCS are the operators that write the rows of a query to a file.
func sqlToGCS(connection string) operator {
	return from(behind(connection, ""), in("gs", "bucket", "filename"))
}

// sends is an operator that sends what some arguments hold.
func sends(arguments string) operator { return operator{program: "a message", says: fields(arguments)} }

// transfers are further operators that move data between two stores, with the arguments of
// the providers' versions of November 2026.
var transfers = map[string]operator{
	// Amazon.
	"S3CopyPrefixOperator":       from(under("s3", "source_bucket_name", "source_bucket_prefix"), under("s3", "dest_bucket_name", "dest_bucket_prefix")),
	"S3ReadObjectOperator":       {reads: []slot{in("s3", "s3_bucket", "s3_key")}},
	"RdsStartExportTaskOperator": {writes: []slot{under("s3", "s3_bucket_name", "s3_prefix")}, program: "an export of a snapshot"},
	"SageMakerAutoMLOperator":    from(under("s3", "", "s3_input"), under("s3", "", "s3_output")),
	"S3ToHiveOperator":           from(in("s3", "", "s3_key"), behind("hive_cli_conn_id", "hive_table")),
	"S3ToMySqlOperator":          from(in("s3", "", "s3_source_key"), behind("mysql_conn_id", "mysql_table")),
	"S3ToTeradataOperator":       {reads: []slot{under("s3", "", "s3_source_key")}, writes: []slot{behind("teradata_conn_id", "teradata_table")}, program: "a load whose source the database's own address names"},
	"GlacierToGCSOperator":       from(behind("aws_conn_id", "vault_name"), in("gs", "bucket_name", "object_name")),
	// Google.
	"AzureBlobStorageToGCSOperator":            from(behind("wasb_conn_id", "container_name"), in("gs", "bucket_name", "object_name")),
	"AzureFileShareToGCSOperator":              from(behind("azure_fileshare_conn_id", "share_name"), under("gs", "", "dest_gcs")),
	"ADLSToGCSOperator":                        from(behind("azure_data_lake_conn_id", "src_adls"), under("gs", "", "dest_gcs")),
	"BigQueryToMsSqlOperator":                  from(in("bigquery", "source_project_dataset_table", ""), behind("mssql_conn_id", "target_table_name mssql_table")),
	"BigQueryToMySqlOperator":                  from(in("bigquery", "dataset_table", ""), behind("mysql_conn_id", "target_table_name mysql_table")),
	"BigQueryToPostgresOperator":               from(in("bigquery", "dataset_table", ""), behind("postgres_conn_id", "target_table_name")),
	"CassandraToGCSOperator":                   sqlToGCS("cassandra_conn_id"),
	"MongoToGCSOperator":                       sqlToGCS("mongo_conn_id"),
	"MSSQLToGCSOperator":                       sqlToGCS("mssql_conn_id"),
	"OracleToGCSOperator":                      sqlToGCS("oracle_conn_id"),
	"PrestoToGCSOperator":                      sqlToGCS("presto_conn_id"),
	"TrinoToGCSOperator":                       sqlToGCS("trino_conn_id"),
	"SalesforceToGcsOperator":                  from(behind("salesforce_conn_id", ""), in("gs", "bucket_name", "object_name")),
	"HttpToGCSOperator":                        from(behind("http_conn_id", ""), in("gs", "bucket_name", "object_name")),
	"GoogleDriveToGCSOperator":                 from(behind("gcp_conn_id", ""), in("gs", "bucket_name", "object_name")),
	"GoogleAdsToGcsOperator":                   from(behind("google_ads_conn_id", ""), in("gs", "bucket", "obj")),
	"FacebookAdsReportToGcsOperator":           from(behind("facebook_conn_id", ""), in("gs", "bucket_name", "object_name")),
	"GoogleCalendarToGCSOperator":              writing(under("gs", "destination_bucket", "destination_path")),
	"GoogleSheetsToGCSOperator":                writing(under("gs", "destination_bucket", "destination_path")),
	"GCSToGoogleDriveOperator":                 from(under("gs", "source_bucket", "source_object"), behind("gcp_conn_id", "destination_folder_id")),
	"GCSToGoogleSheetsOperator":                from(in("gs", "bucket_name", "object_name"), behind("gcp_conn_id", "spreadsheet_id")),
	"GCSFileTransformOperator":                 from(in("gs", "source_bucket", "source_object"), in("gs", "destination_bucket source_bucket", "destination_object source_object")),
	"CloudDataTransferServiceS3ToGCSOperator":  from(under("s3", "s3_bucket", "s3_path"), under("gs", "gcs_bucket", "gcs_path")),
	"CloudDataTransferServiceGCSToGCSOperator": from(under("gs", "source_bucket", "source_path"), under("gs", "destination_bucket", "destination_path")),
	"GCSToPrestoOperator":                      from(in("gs", "source_bucket", "source_object"), behind("presto_conn_id", "presto_table")),
	"GCSToTrinoOperator":                       from(in("gs", "source_bucket", "source_object"), behind("trino_conn_id", "trino_table")),
	"GCSToSambaOperator":                       from(under("gs", "source_bucket", "source_object"), behind("samba_conn_id", "destination_path")),
	"BigQueryGetDataOperator":                  {program: "a read of a table into Airflow's own database"},
	// Microsoft.
	"GCSToAzureBlobStorageOperator": from(under("gs", "gcs_bucket", "prefix"), behind("wasb_conn_id", "container_name")),
	"S3ToAzureBlobStorageOperator":  from(under("s3", "s3_bucket", "s3_key s3_prefix"), behind("wasb_conn_id", "container_name")),
	"LocalFilesystemToWasbOperator": writing(behind("wasb_conn_id", "container_name")),
	"LocalFilesystemToADLSOperator": writing(behind("azure_data_lake_conn_id", "remote_path")),
	"OracleToAzureDataLakeOperator": from(behind("oracle_conn_id", ""), behind("azure_data_lake_conn_id", "azure_data_lake_path")),
	"SFTPToWasbOperator":            from(behind("sftp_conn_id", "sftp_source_path"), behind("wasb_conn_id", "container_name")),
	// Databases, and other places.
	"HiveToMySqlOperator":        from(behind("hiveserver2_conn_id", ""), behind("mysql_conn_id", "mysql_table")),
	"HiveToSambaOperator":        from(behind("hiveserver2_conn_id", ""), behind("samba_conn_id", "destination_filepath")),
	"MsSqlToHiveOperator":        from(behind("mssql_conn_id", ""), behind("hive_cli_conn_id", "hive_table")),
	"MySqlToHiveOperator":        from(behind("mysql_conn_id", ""), behind("hive_cli_conn_id", "hive_table")),
	"VerticaToHiveOperator":      from(behind("vertica_conn_id", ""), behind("hive_cli_conn_id", "hive_table")),
	"PrestoToMySqlOperator":      from(behind("presto_conn_id", ""), behind("mysql_conn_id", "mysql_table")),
	"TrinoToMySqlOperator":       from(behind("trino_conn_id", ""), behind("mysql_conn_id", "mysql_table")),
	"VerticaToMySqlOperator":     from(behind("vertica_conn_id", ""), behind("mysql_conn_id", "mysql_table")),
	"OracleToOracleOperator":     from(behind("oracle_source_conn_id", ""), behind("oracle_destination_conn_id", "destination_table")),
	"TeradataToTeradataOperator": from(behind("source_teradata_conn_id", ""), behind("dest_teradata_conn_id", "destination_table")),
	"SqlToSlackApiFileOperator":  from(behind("sql_conn_id", ""), behind("slack_conn_id", "")),
	"SqlToSlackWebhookOperator":  from(behind("sql_conn_id", ""), behind("slack_webhook_conn_id", "")),
	"DatabricksCopyIntoOperator": from(under("s3", "", "file_location"), behind("databricks_conn_id", "table_name")),
	// They send or run what their arguments say.
	"EmailOperator": sends("subject html_content files"), "SesEmailOperator": sends("subject html_content files"), "SlackAPIPostOperator": sends("text blocks attachments username"),
	"SlackWebhookOperator": sends("message blocks attachments"), "SnsPublishOperator": sends("message subject message_attributes"), "SqsPublishOperator": sends("message_content message_attributes"),
	"PubSubPublishMessageOperator": runs("a message"),
	"BedrockInvokeModelOperator":   runs("a model"), "DataprocSubmitJobOperator": runs("a job of Dataproc"), "DataprocCreateBatchOperator": runs("a job of Dataproc"),
	"DbtCloudRunJobOperator": runs("a job of dbt"), "AirbyteTriggerSyncOperator": runs("a sync of Airbyte's"), "SnowflakeSqlApiOperator": runs("a query"), "DatabricksSqlOperator": runs("a query"),
	"OracleOperator": runs("a query"), "MsSqlOperator": runs("a query"), "JdbcOperator": runs("a query"), "TrinoOperator": runs("a query"), "HiveOperator": runs("a query"), "TeradataOperator": runs("a query"),
	"SageMakerStartPipelineOperator": {silent: true}, "StepFunctionStartExecutionOperator": {silent: true}, "GlueCrawlerRunOperator": {silent: true}, // AWS's own tell their flows themselves
}
