resource "aws_batch_job_definition" "train" {
  name = "train"
  type = "container"
  container_properties = jsonencode({
    image                = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/train:1"
    resourceRequirements = [{ type = "GPU", value = "1" }]
  })
}

resource "aws_emr_cluster" "features" {
  name          = "features"
  release_label = "emr-7.2.0"
  service_role  = "arn:aws:iam::111122223333:role/emr"
}

resource "aws_emrserverless_application" "features" {
  name          = "features"
  release_label = "emr-7.2.0"
  type          = "spark"
}

resource "aws_glue_crawler" "lake" {
  name          = "lake"
  database_name = "lake"
  role          = "arn:aws:iam::111122223333:role/glue"
}

resource "aws_glue_job" "old" {
  name                   = "old"
  role_arn               = "arn:aws:iam::111122223333:role/glue"
  glue_version           = "2.0"
  security_configuration = "own-key"
  command {
    script_location = "s3://scripts/old.py"
  }
}

# What it says of the key stays.
resource "aws_glue_security_configuration" "partial" {
  name = "partial"
  encryption_configuration {
    s3_encryption {
      s3_encryption_mode = "SSE-KMS"
      kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/1"
    }
    cloudwatch_encryption {
      cloudwatch_encryption_mode = "DISABLED"
    }
    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = "DISABLED"
    }
  }
}

resource "aws_opensearch_domain" "clear" {
  domain_name = "clear"
  encrypt_at_rest {
    enabled = true
  }
  node_to_node_encryption {
    enabled = false
  }
  domain_endpoint_options {
    enforce_https       = false
    tls_security_policy = "Policy-Min-TLS-1-0-2019-07"
  }
}
