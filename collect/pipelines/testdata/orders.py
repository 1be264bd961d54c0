"""Nightly: orders are copied, loaded into the warehouse and exported to a partner."""
import os
from datetime import datetime

from airflow import DAG
from airflow.datasets import Dataset
from airflow.operators.python import PythonOperator
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator
from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator

RAW = "orders-raw"
CLEAN: str = "orders-" + "clean"
CUSTOMERS = Dataset(f"s3://{CLEAN}/customers/")
PARTNER = os.environ.get("PARTNER_BUCKET", "nobody")

TRAINING = {
    "TrainingJobName": "churn-{{ ds_nodash }}",
    "InputDataConfig": [
        {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": f"s3://{CLEAN}/customers/", "S3DataType": "S3Prefix"}}},
    ],
    "OutputDataConfig": {"S3OutputPath": "s3://churn-models/nightly/"},
}

with DAG(dag_id="orders", start_date=datetime(2026, 1, 1), schedule="@daily", default_args={"owner": "data"}) as dag:
    copy = S3CopyObjectOperator(
        task_id="copy",
        source_bucket_name=RAW,
        source_bucket_key="in/{{ ds }}/orders.csv",
        dest_bucket_name=CLEAN,
        dest_bucket_key="orders/{{ ds }}.csv",
    )
    load = S3ToRedshiftOperator(task_id="load", s3_bucket=CLEAN, s3_key="orders/", schema="public", table="orders", redshift_conn_id="warehouse")
    clean = PythonOperator(task_id="clean", python_callable=lambda **kw: None, inlets=[Dataset("s3://orders-raw/customers/")], outlets=[CUSTOMERS])
    train = SageMakerTrainingOperator(task_id="train", config=TRAINING)
    export = RedshiftToS3Operator(task_id="export", schema="public", table="orders", redshift_conn_id="warehouse", s3_bucket=PARTNER, s3_key="drop")
    table = DynamoDBToS3Operator(task_id="table", dynamodb_table_name="sessions", s3_bucket_name=RAW, s3_key_prefix="sessions/")
    copy >> load >> [clean, train] >> export
