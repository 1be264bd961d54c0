resource "aws_sagemaker_domain" "research" {
  domain_name             = "research"
  auth_mode               = "IAM"
  vpc_id                  = "vpc-1"
  subnet_ids              = ["subnet-1"]
  app_network_access_type = "PublicInternetOnly"

  default_user_settings {
    execution_role = "arn:aws:iam::111122223333:role/research"
    sharing_settings {
      notebook_output_option = "Allowed"
      s3_output_path         = "s3://shared/"
    }
  }

  domain_settings {
    docker_settings {
      enable_docker_access = "ENABLED"
    }
  }
}
