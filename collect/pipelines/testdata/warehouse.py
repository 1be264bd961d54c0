from airflow.decorators import dag, task
from airflow.sdk import Asset
from airflow.providers.google.cloud.transfers.bigquery_to_gcs import BigQueryToGCSOperator
from airflow.providers.google.cloud.transfers.gcs_to_bigquery import GCSToBigQueryOperator


@dag(dag_id="warehouse", schedule=[Asset("s3://orders-clean/customers/")])
def build():
    @task(inlets=[Asset("s3://orders-clean/customers/")], outlets=[Asset("gs://warehouse-stage/customers/")])
    def stage():
        """Copies."""

    @task
    def report(rows):
        return render(rows)

    load = GCSToBigQueryOperator(
        task_id="load", bucket="warehouse-stage", source_objects=["customers/*.parquet", "old/a.parquet"],
        destination_project_dataset_table="shop:crm.customers",
    )
    out = BigQueryToGCSOperator.partial(task_id="out", source_project_dataset_table="shop.crm.customers").expand(
        destination_cloud_storage_uris=[["gs://partner/a.csv"]],
    )
    stage() >> load >> out


build()
