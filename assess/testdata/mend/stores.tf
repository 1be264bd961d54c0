resource "aws_dynamodb_table" "sessions" {
  name         = "sessions"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "id"
  attribute {
    name = "id"
    type = "S"
  }
}

resource "aws_ebs_volume" "scratch" {
  availability_zone = "eu-west-1a"
  size              = 100
  encrypted         = false
}

resource "aws_db_instance" "vectors" {
  identifier          = "vectors"
  engine              = "postgres"
  instance_class      = "db.r6g.large"
  allocated_storage   = 100
  publicly_accessible = true
  storage_encrypted   = false
}

resource "aws_opensearch_domain" "search" {
  domain_name     = "search"
  access_policies = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "es:*", Resource = "*" }] })
}

resource "aws_opensearch_domain" "unencrypted" {
  domain_name = "unencrypted"
  encrypt_at_rest {
    enabled = false
  }
}

resource "aws_glue_job" "prepare" {
  name     = "prepare"
  role_arn = "arn:aws:iam::111122223333:role/glue"
  command {
    script_location = "s3://scripts/prepare.py"
  }
}

resource "aws_glue_data_catalog_encryption_settings" "catalog" {
  data_catalog_encryption_settings {
    encryption_at_rest {
      catalog_encryption_mode = "DISABLED"
    }
    connection_password_encryption {
      return_connection_password_encrypted = false
    }
  }
}

resource "aws_kms_key" "models" {
  description         = "models"
  enable_key_rotation = false
}

resource "aws_ecr_repository" "serve" {
  name                 = "serve"
  image_tag_mutability = "MUTABLE"
}
