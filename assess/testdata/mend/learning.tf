# Both stores without a key; the second group has the one store only, and its
# patch makes no other.
resource "aws_sagemaker_feature_group" "both" {
  feature_group_name             = "both"
  record_identifier_feature_name = "id"
  event_time_feature_name        = "at"
  role_arn                       = "arn:aws:iam::111122223333:role/features"

  feature_definition {
    feature_name = "id"
    feature_type = "String"
  }
  online_store_config {
    enable_online_store = true
  }
  offline_store_config {
    s3_storage_config {
      s3_uri = "s3://features/"
    }
  }
}

resource "aws_sagemaker_feature_group" "offline" {
  feature_group_name             = "offline"
  record_identifier_feature_name = "id"
  event_time_feature_name        = "at"
  role_arn                       = "arn:aws:iam::111122223333:role/features"

  feature_definition {
    feature_name = "id"
    feature_type = "String"
  }
  offline_store_config {
    s3_storage_config {
      s3_uri = "s3://features/"
    }
  }
}

resource "aws_sagemaker_mlflow_tracking_server" "runs" {
  tracking_server_name         = "runs"
  artifact_store_uri           = "s3://runs/"
  role_arn                     = "arn:aws:iam::111122223333:role/runs"
  automatic_model_registration = true
}

resource "aws_sagemaker_code_repository" "models" {
  code_repository_name = "models"
  git_config {
    repository_url = "http://git.example.com/models.git"
  }
}

resource "aws_sagemaker_workteam" "labellers" {
  workteam_name  = "labellers"
  workforce_name = "ours"
  description    = "who labels pictures"
  member_definition {
    cognito_member_definition {
      client_id  = "c"
      user_group = "g"
      user_pool  = "eu-west-1_p"
    }
  }
}

resource "aws_sagemaker_data_quality_job_definition" "eta" {
  name     = "eta"
  role_arn = "arn:aws:iam::111122223333:role/monitor"

  data_quality_app_specification {
    image_uri = "156813124566.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-model-monitor-analyzer"
  }
  data_quality_job_input {
    endpoint_input {
      endpoint_name = "eta"
    }
  }
  data_quality_job_output_config {
    monitoring_outputs {
      s3_output {
        s3_uri = "s3://monitor/"
      }
    }
  }
  job_resources {
    cluster_config {
      instance_count    = 2
      instance_type     = "ml.m5.large"
      volume_size_in_gb = 20
    }
  }
}
