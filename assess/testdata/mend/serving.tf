resource "aws_sagemaker_model" "eta" {
  name               = "eta"
  execution_role_arn = "arn:aws:iam::111122223333:role/eta"

  primary_container {
    image = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/eta:1"
  }
}

resource "aws_sagemaker_endpoint_configuration" "plain" {
  name = "plain"

  production_variants {
    variant_name           = "main"
    model_name             = aws_sagemaker_model.eta.name
    instance_type          = "ml.m5.large"
    initial_instance_count = 2
    enable_ssm_access      = true
  }
}

resource "aws_sagemaker_endpoint_configuration" "captured" {
  name        = "captured"
  kms_key_arn = var.kms_key_arn

  production_variants {
    variant_name           = "main"
    model_name             = aws_sagemaker_model.eta.name
    instance_type          = "ml.m5.large"
    initial_instance_count = 2
  }

  data_capture_config {
    enable_capture              = true
    initial_sampling_percentage = 100
    destination_s3_uri          = "s3://captured/eta"
    capture_options {
      capture_mode = "Input"
    }
  }
}

resource "aws_sagemaker_endpoint" "eta" {
  name                 = "eta"
  endpoint_config_name = aws_sagemaker_endpoint_configuration.captured.name

  deployment_config {
    blue_green_update_policy {
      traffic_routing_configuration {
        type                     = "ALL_AT_ONCE"
        wait_interval_in_seconds = 60
      }
    }
  }
}
