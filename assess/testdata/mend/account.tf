resource "aws_cloudtrail" "main" {
  name                       = "main"
  s3_bucket_name             = "trail"
  enable_logging             = false
  enable_log_file_validation = false
}

resource "aws_cloudwatch_log_group" "eta" {
  name            = "/aws/sagemaker/Endpoints/eta"
  log_group_class = "STANDARD"
}

resource "aws_ebs_encryption_by_default" "here" {
  enabled = false
}

resource "aws_ebs_snapshot_block_public_access" "here" {
  state = "unblocked"
}

resource "aws_guardduty_detector" "here" {
  enable = false
}

resource "aws_iam_account_password_policy" "all" {
  minimum_password_length = 8
}

resource "aws_s3_account_public_access_block" "all" {
  block_public_acls       = true
  block_public_policy     = false
  ignore_public_acls      = true
  restrict_public_buckets = false
}

resource "aws_vpc" "ml" {
  cidr_block = "10.0.0.0/16"
}

resource "aws_subnet" "ml" {
  vpc_id     = aws_vpc.ml.id
  cidr_block = "10.0.0.0/24"
}

resource "aws_network_interface" "ml" {
  subnet_id = aws_subnet.ml.id
}
