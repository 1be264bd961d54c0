# An invented bank. Everything wrong in it was put there; labels.yaml says what.
provider "aws" {
  region = "eu-west-1"
}

variable "tags" {
  default = { owner = "ml@meridian.example" }
}

data "aws_caller_identity" "me" {}

resource "aws_kms_key" "main" {
  enable_key_rotation = true
  tags = var.tags
}

resource "aws_kms_key" "still" {
  enable_key_rotation = false
  tags = var.tags
}

resource "aws_kms_key" "hmac" {
  tags = var.tags
  customer_master_key_spec = "HMAC_256"
  key_usage = "GENERATE_VERIFY_MAC"
}

resource "aws_kms_key" "shared" {
  enable_key_rotation = true
  tags = var.tags
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "kms:*", Resource = "*" }] })
}

resource "aws_kms_key" "shared_in_account" {
  enable_key_rotation = true
  tags = var.tags
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "kms:Decrypt", Resource = "*", Condition = { StringEquals = { "aws:PrincipalAccount" = "333344445555" } } }] })
}

resource "aws_s3_bucket" "loans" {
  bucket = "meridian-loans"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "loans" {
  bucket = aws_s3_bucket.loans.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "loans" {
  bucket = aws_s3_bucket.loans.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "loans" {
  bucket = aws_s3_bucket.loans.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "loans" {
  bucket = aws_s3_bucket.loans.id
  target_bucket = "meridian-access-logs"
  target_prefix = "loans"
}

resource "aws_s3_bucket_policy" "loans" {
  bucket = aws_s3_bucket.loans.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.loans.arn, "${aws_s3_bucket.loans.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "rates" {
  bucket = "meridian-rates"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "rates" {
  bucket = aws_s3_bucket.rates.id
  block_public_acls = false
  block_public_policy = false
  ignore_public_acls = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_server_side_encryption_configuration" "rates" {
  bucket = aws_s3_bucket.rates.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "rates" {
  bucket = aws_s3_bucket.rates.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "rates" {
  bucket = aws_s3_bucket.rates.id
  target_bucket = "meridian-access-logs"
  target_prefix = "rates"
}

resource "aws_s3_bucket_policy" "rates" {
  bucket = aws_s3_bucket.rates.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "${aws_s3_bucket.rates.arn}/*" }, { Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.rates.arn, "${aws_s3_bucket.rates.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "branch" {
  bucket = "meridian-branch"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "branch" {
  bucket = aws_s3_bucket.branch.id
  block_public_acls = false
  block_public_policy = false
  ignore_public_acls = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_server_side_encryption_configuration" "branch" {
  bucket = aws_s3_bucket.branch.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "branch" {
  bucket = aws_s3_bucket.branch.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "branch" {
  bucket = aws_s3_bucket.branch.id
  target_bucket = "meridian-access-logs"
  target_prefix = "branch"
}

resource "aws_s3_bucket_policy" "branch" {
  bucket = aws_s3_bucket.branch.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "${aws_s3_bucket.branch.arn}/*", Condition = { StringEquals = { "aws:PrincipalOrgID" = "o-abc1234567" } } }, { Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.branch.arn, "${aws_s3_bucket.branch.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "vpce" {
  bucket = "meridian-vpce"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "vpce" {
  bucket = aws_s3_bucket.vpce.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "vpce" {
  bucket = aws_s3_bucket.vpce.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "vpce" {
  bucket = aws_s3_bucket.vpce.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "vpce" {
  bucket = aws_s3_bucket.vpce.id
  target_bucket = "meridian-access-logs"
  target_prefix = "vpce"
}

resource "aws_s3_bucket_policy" "vpce" {
  bucket = aws_s3_bucket.vpce.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "${aws_s3_bucket.vpce.arn}/*", Condition = { StringEquals = { "aws:sourceVpce" = "vpce-0a1b2c3d4e5f60718" } } }, { Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.vpce.arn, "${aws_s3_bucket.vpce.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "quiet" {
  bucket = "meridian-quiet"
  tags = var.tags
}

resource "aws_s3_bucket_server_side_encryption_configuration" "quiet" {
  bucket = aws_s3_bucket.quiet.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "quiet" {
  bucket = aws_s3_bucket.quiet.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "quiet" {
  bucket = aws_s3_bucket.quiet.id
  target_bucket = "meridian-access-logs"
  target_prefix = "quiet"
}

resource "aws_s3_bucket_policy" "quiet" {
  bucket = aws_s3_bucket.quiet.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.quiet.arn, "${aws_s3_bucket.quiet.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "suspended" {
  bucket = "meridian-suspended"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "suspended" {
  bucket = aws_s3_bucket.suspended.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "suspended" {
  bucket = aws_s3_bucket.suspended.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "suspended" {
  bucket = aws_s3_bucket.suspended.id
  versioning_configuration {
    status = "Suspended"
  }
}

resource "aws_s3_bucket_logging" "suspended" {
  bucket = aws_s3_bucket.suspended.id
  target_bucket = "meridian-access-logs"
  target_prefix = "suspended"
}

resource "aws_s3_bucket_policy" "suspended" {
  bucket = aws_s3_bucket.suspended.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.suspended.arn, "${aws_s3_bucket.suspended.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "partner" {
  bucket = "meridian-partner"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "partner" {
  bucket = aws_s3_bucket.partner.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "partner" {
  bucket = aws_s3_bucket.partner.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "partner" {
  bucket = aws_s3_bucket.partner.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "partner" {
  bucket = aws_s3_bucket.partner.id
  target_bucket = "meridian-access-logs"
  target_prefix = "partner"
}

resource "aws_s3_bucket_policy" "partner" {
  bucket = aws_s3_bucket.partner.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::999900001111:root" }, Action = "s3:PutObject", Resource = "${aws_s3_bucket.partner.arn}/*" }, { Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.partner.arn, "${aws_s3_bucket.partner.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket" "posters" {
  bucket = "meridian-posters"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "posters" {
  bucket = aws_s3_bucket.posters.id
  block_public_acls = false
  block_public_policy = false
  ignore_public_acls = false
  restrict_public_buckets = false
}

resource "aws_s3_bucket_server_side_encryption_configuration" "posters" {
  bucket = aws_s3_bucket.posters.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "posters" {
  bucket = aws_s3_bucket.posters.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "posters" {
  bucket = aws_s3_bucket.posters.id
  target_bucket = "meridian-access-logs"
  target_prefix = "posters"
}

resource "aws_s3_bucket_policy" "posters" {
  bucket = aws_s3_bucket.posters.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.posters.arn, "${aws_s3_bucket.posters.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket_ownership_controls" "posters" {
  bucket = aws_s3_bucket.posters.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_acl" "posters" {
  bucket = aws_s3_bucket.posters.id
  acl = "public-read"
}

resource "aws_s3_bucket" "posters_private" {
  bucket = "meridian-posters-private"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
      kms_master_key_id = aws_kms_key.main.arn
    }
  }
}

resource "aws_s3_bucket_versioning" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_logging" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  target_bucket = "meridian-access-logs"
  target_prefix = "posters_private"
}

resource "aws_s3_bucket_policy" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "Tls", Effect = "Deny", Principal = "*", Action = "s3:*", Resource = [aws_s3_bucket.posters_private.arn, "${aws_s3_bucket.posters_private.arn}/*"], Condition = { Bool = { "aws:SecureTransport" = "false" } } }] })
}

resource "aws_s3_bucket_ownership_controls" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_acl" "posters_private" {
  bucket = aws_s3_bucket.posters_private.id
  acl = "private"
}

resource "aws_s3_bucket" "bare" {
  bucket = "meridian-bare"
  tags = var.tags
}

resource "aws_s3_bucket_public_access_block" "bare" {
  bucket = aws_s3_bucket.bare.id
  block_public_acls = true
  block_public_policy = true
  ignore_public_acls = true
  restrict_public_buckets = true
}

resource "aws_iam_role" "trainer" {
  name = "meridian-trainer"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "sagemaker.amazonaws.com" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role_policy" "trainer" {
  name = "p"
  role = aws_iam_role.trainer.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = ["s3:GetObject"], Resource = "arn:aws:s3:::meridian-loans/*" }] })
}

resource "aws_iam_role" "notebook" {
  name = "meridian-notebook"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "sagemaker.amazonaws.com" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role_policy_attachment" "notebook" {
  role = aws_iam_role.notebook.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_role" "agent" {
  name = "meridian-agent"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "bedrock.amazonaws.com" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role_policy" "agent" {
  name = "p"
  role = aws_iam_role.agent.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "bedrock:*", Resource = "*" }] })
}

resource "aws_iam_role" "agent_one" {
  name = "meridian-agent-one"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "bedrock.amazonaws.com" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role_policy" "agent_one" {
  name = "p"
  role = aws_iam_role.agent_one.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "bedrock:*", Resource = "arn:aws:bedrock:eu-west-1:333344445555:knowledge-base/ABCDEFGHIJ" }] })
}

resource "aws_iam_role" "deploy" {
  name = "meridian-deploy"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "codebuild.amazonaws.com" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role_policy" "deploy" {
  name = "p"
  role = aws_iam_role.deploy.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:PassRole", Resource = "*" }] })
}

resource "aws_iam_role" "deploy_one" {
  name = "meridian-deploy-one"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { Service = "codebuild.amazonaws.com" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role_policy" "deploy_one" {
  name = "p"
  role = aws_iam_role.deploy_one.id
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "iam:PassRole", Resource = aws_iam_role.trainer.arn }] })
}

resource "aws_iam_role" "vendor" {
  name = "meridian-vendor"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::999900001111:root" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role" "vendor_ext" {
  name = "meridian-vendor-ext"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::999900001111:root" }, Action = "sts:AssumeRole", Condition = { StringEquals = { "sts:ExternalId" = "b6c1" } } }] })
  tags = var.tags
}

resource "aws_iam_role" "own" {
  name = "meridian-own"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.me.account_id}:root" }, Action = "sts:AssumeRole" }] })
  tags = var.tags
}

resource "aws_iam_role" "anyone" {
  name = "meridian-anyone"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "sts:AssumeRole", Condition = { StringLike = { "aws:PrincipalArn" = "*" } } }] })
  tags = var.tags
}

resource "aws_security_group" "mlflow" {
  name = "mlflow"
  description = "mlflow"
  vpc_id = "vpc-0aa11bb22cc33dd44"
  ingress {
    from_port = 5000
    to_port = 5000
    protocol = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "web" {
  name = "web"
  description = "web"
  vpc_id = "vpc-0aa11bb22cc33dd44"
  ingress {
    from_port = 443
    to_port = 443
    protocol = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "office" {
  name = "office"
  description = "office"
  vpc_id = "vpc-0aa11bb22cc33dd44"
  ingress {
    from_port = 8888
    to_port = 8888
    protocol = "tcp"
    cidr_blocks = ["198.51.100.0/24"]
  }
}

resource "aws_security_group" "rules" {
  name = "rules"
  description = "rules"
  vpc_id = "vpc-0aa11bb22cc33dd44"
}

resource "aws_vpc_security_group_ingress_rule" "all" {
  security_group_id = aws_security_group.rules.id
  ip_protocol = "-1"
  cidr_ipv4 = "0.0.0.0/0"
}

resource "aws_security_group" "old_rules" {
  name = "old_rules"
  description = "old_rules"
  vpc_id = "vpc-0aa11bb22cc33dd44"
}

resource "aws_security_group_rule" "redis" {
  type = "ingress"
  security_group_id = aws_security_group.old_rules.id
  from_port = 6379
  to_port = 6379
  protocol = "tcp"
  cidr_blocks = ["0.0.0.0/0"]
}

resource "aws_security_group" "in_rules" {
  name = "in_rules"
  description = "in_rules"
  vpc_id = "vpc-0aa11bb22cc33dd44"
}

resource "aws_security_group_rule" "redis_in" {
  type = "ingress"
  security_group_id = aws_security_group.in_rules.id
  from_port = 6379
  to_port = 6379
  protocol = "tcp"
  source_security_group_id = aws_security_group.web.id
}

resource "aws_security_group" "out_rules" {
  name = "out_rules"
  description = "out_rules"
  vpc_id = "vpc-0aa11bb22cc33dd44"
}

resource "aws_security_group_rule" "out" {
  type = "egress"
  security_group_id = aws_security_group.out_rules.id
  from_port = 0
  to_port = 65535
  protocol = "tcp"
  cidr_blocks = ["0.0.0.0/0"]
}

resource "aws_sagemaker_notebook_instance" "desk" {
  name = "desk"
  instance_type = "ml.t3.medium"
  role_arn = aws_iam_role.trainer.arn
  subnet_id = "subnet-0123456789abcdef0"
  security_groups = ["sg-0123456789abcdef0"]
  kms_key_id = aws_kms_key.main.arn
  direct_internet_access = "Disabled"
  root_access = "Disabled"
  platform_identifier = "notebook-al2023-v1"
  instance_metadata_service_configuration {
    minimum_instance_metadata_service_version = "2"
  }
}

resource "aws_sagemaker_notebook_instance" "attic" {
  name = "attic"
  instance_type = "ml.t3.medium"
  role_arn = aws_iam_role.trainer.arn
  subnet_id = "subnet-0123456789abcdef0"
  security_groups = ["sg-0123456789abcdef0"]
  direct_internet_access = "Enabled"
  root_access = "Enabled"
  platform_identifier = "notebook-al2023-v1"
  instance_metadata_service_configuration {
    minimum_instance_metadata_service_version = "1"
  }
}

resource "aws_sagemaker_model" "score" {
  name = "score"
  execution_role_arn = aws_iam_role.trainer.arn
  vpc_config {
    subnets = ["subnet-0123456789abcdef0"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
  primary_container {
    image = "333344445555.dkr.ecr.eu-west-1.amazonaws.com/score:12"
  }
}

resource "aws_sagemaker_model" "score_loose" {
  name = "score_loose"
  execution_role_arn = aws_iam_role.trainer.arn
  primary_container {
    image = "333344445555.dkr.ecr.eu-west-1.amazonaws.com/score:latest"
    environment = { API_TOKEN = "hf_QwErTyUiOpAsDfGhJkLzXcVbNm12345678" }
  }
}

resource "aws_sagemaker_model" "score_cut" {
  name = "score_cut"
  execution_role_arn = aws_iam_role.trainer.arn
  enable_network_isolation = true
  primary_container {
    image = "333344445555.dkr.ecr.eu-west-1.amazonaws.com/score:12"
  }
}

resource "aws_sagemaker_endpoint_configuration" "live" {
  name = "live"
  kms_key_arn = aws_kms_key.main.arn
  production_variants {
    variant_name = "a"
    model_name = aws_sagemaker_model.score.name
    initial_instance_count = 1
    instance_type = "ml.m5.large"
  }
  data_capture_config {
    enable_capture = true
    initial_sampling_percentage = 20
    destination_s3_uri = "s3://meridian-loans/c"
    kms_key_id = aws_kms_key.main.arn
    capture_options {
      capture_mode = "Input"
    }
  }
}

resource "aws_sagemaker_endpoint_configuration" "plain" {
  name = "plain"
  production_variants {
    variant_name = "a"
    model_name = aws_sagemaker_model.score.name
    initial_instance_count = 1
    instance_type = "ml.m5.large"
  }
}

resource "aws_sagemaker_endpoint_configuration" "nvme" {
  name = "nvme"
  production_variants {
    variant_name = "a"
    model_name = aws_sagemaker_model.score.name
    initial_instance_count = 1
    instance_type = "ml.g5.xlarge"
  }
  data_capture_config {
    enable_capture = true
    initial_sampling_percentage = 20
    destination_s3_uri = "s3://meridian-loans/c"
    kms_key_id = aws_kms_key.main.arn
    capture_options {
      capture_mode = "Input"
    }
  }
}

resource "aws_lambda_function" "ask" {
  function_name = "ask"
  role = aws_iam_role.trainer.arn
  handler = "i.h"
  filename = "x.zip"
  runtime = "python3.13"
  environment {
    variables = { ANTHROPIC_API_KEY = "sk-ant-api03-Zx8Kq2Lm4Np6Rt8Vw0Yz1Ab3Cd5Ef7GhZx8Kq2Lm4Np6" }
  }
}

resource "aws_lambda_function" "ask_ref" {
  function_name = "ask_ref"
  role = aws_iam_role.trainer.arn
  handler = "i.h"
  filename = "x.zip"
  runtime = "python3.13"
  environment {
    variables = { ANTHROPIC_KEY_SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:333344445555:secret:a-AbCdEf", TOKEN_BUDGET = "4096" }
  }
}

resource "aws_lambda_function" "open_url" {
  function_name = "open_url"
  role = aws_iam_role.trainer.arn
  handler = "i.h"
  filename = "x.zip"
  runtime = "python3.13"
}

resource "aws_lambda_function_url" "open_url" {
  function_name = aws_lambda_function.open_url.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_function" "signed_url" {
  function_name = "signed_url"
  role = aws_iam_role.trainer.arn
  handler = "i.h"
  filename = "x.zip"
  runtime = "python3.13"
}

resource "aws_lambda_function_url" "signed_url" {
  function_name = aws_lambda_function.signed_url.function_name
  authorization_type = "AWS_IAM"
}

resource "aws_ecr_repository" "score" {
  name = "score"
  image_tag_mutability = "IMMUTABLE"
  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_repository" "score_open" {
  name = "score-open"
  image_tag_mutability = "MUTABLE"
}

resource "aws_ecr_repository_policy" "score_open" {
  repository = aws_ecr_repository.score_open.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = "*", Action = "ecr:*" }] })
}

resource "aws_db_instance" "scores" {
  identifier = "scores"
  engine = "postgres"
  instance_class = "db.m6g.large"
  allocated_storage = 20
  username = "a"
  manage_master_user_password = true
  storage_encrypted = true
  publicly_accessible = false
}

resource "aws_db_instance" "scores-open" {
  identifier = "scores-open"
  engine = "postgres"
  instance_class = "db.m6g.large"
  allocated_storage = 20
  username = "a"
  manage_master_user_password = true
  storage_encrypted = false
  publicly_accessible = true
}

resource "aws_bedrockagent_agent" "teller" {
  agent_name = "teller"
  agent_resource_role_arn = aws_iam_role.agent_one.arn
  foundation_model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
  instruction = "answer questions on loans, politely, from the documents only"
  prepare_agent = true
  guardrail_configuration = [{ guardrail_identifier = "gr0123456789", guardrail_version = "1" }]
  customer_encryption_key_arn = aws_kms_key.main.arn
}

resource "aws_bedrockagent_agent" "teller_bare" {
  agent_name = "teller_bare"
  agent_resource_role_arn = aws_iam_role.agent_one.arn
  foundation_model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
  instruction = "answer questions on loans, politely, from the documents only"
  prepare_agent = true
}

resource "aws_bedrock_guardrail" "rail" {
  name = "rail"
  blocked_input_messaging = "no"
  blocked_outputs_messaging = "no"
  kms_key_arn = aws_kms_key.main.arn
  content_policy_config {
    filters_config {
      type = "HATE"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "INSULTS"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "SEXUAL"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "VIOLENCE"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "MISCONDUCT"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "PROMPT_ATTACK"
      input_strength = "HIGH"
      output_strength = "NONE"
    }
  }
  sensitive_information_policy_config {
    pii_entities_config {
      action = "BLOCK"
      type = "US_BANK_ACCOUNT_NUMBER"
    }
  }
  topic_policy_config {
    topics_config {
      name = "tax"
      definition = "tax advice"
      type = "DENY"
      examples = ["how do I avoid tax"]
    }
  }
}

resource "aws_bedrock_guardrail" "rail_none" {
  name = "rail_none"
  blocked_input_messaging = "no"
  blocked_outputs_messaging = "no"
  kms_key_arn = aws_kms_key.main.arn
  content_policy_config {
    filters_config {
      type = "HATE"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "INSULTS"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "SEXUAL"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "VIOLENCE"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "MISCONDUCT"
      input_strength = "HIGH"
      output_strength = "HIGH"
    }
    filters_config {
      type = "PROMPT_ATTACK"
      input_strength = "NONE"
      output_strength = "NONE"
    }
  }
}

resource "aws_dynamodb_table" "chats" {
  name = "chats"
  hash_key = "k"
  billing_mode = "PAY_PER_REQUEST"
  attribute {
    name = "k"
    type = "S"
  }
  deletion_protection_enabled = false
}

resource "aws_dynamodb_table" "loans" {
  name = "loans"
  hash_key = "k"
  billing_mode = "PAY_PER_REQUEST"
  attribute {
    name = "k"
    type = "S"
  }
  deletion_protection_enabled = true
  point_in_time_recovery {
    enabled = true
  }
}

resource "aws_eks_cluster" "lab" {
  name = "lab"
  version = "1.34"
  role_arn = aws_iam_role.trainer.arn
  enabled_cluster_log_types = ["audit"]
  vpc_config {
    subnet_ids = ["subnet-0123456789abcdef0"]
    endpoint_public_access = true
    public_access_cidrs = ["198.51.100.0/24"]
  }
  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = aws_kms_key.main.arn
    }
  }
  access_config {
    authentication_mode = "API"
  }
}

resource "aws_eks_cluster" "play" {
  name = "play"
  version = "1.34"
  role_arn = aws_iam_role.trainer.arn
  vpc_config {
    subnet_ids = ["subnet-0123456789abcdef0"]
    endpoint_public_access = true
    public_access_cidrs = ["0.0.0.0/0"]
  }
  access_config {
    authentication_mode = "API"
  }
}

resource "aws_opensearch_domain" "vectors" {
  domain_name = "vectors"
  engine_version = "OpenSearch_2.19"
  vpc_options {
    subnet_ids = ["subnet-0123456789abcdef0"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }
  access_policies = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "es:*", Resource = "*" }] })
  encrypt_at_rest {
    enabled = true
    kms_key_id = aws_kms_key.main.arn
  }
  node_to_node_encryption {
    enabled = true
  }
  domain_endpoint_options {
    enforce_https = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }
  log_publishing_options {
    log_type = "AUDIT_LOGS"
    enabled = true
    cloudwatch_log_group_arn = "arn:aws:logs:eu-west-1:333344445555:log-group:os"
  }
  advanced_security_options {
    enabled = true
    internal_user_database_enabled = false
    master_user_options {
      master_user_arn = aws_iam_role.trainer.arn
    }
  }
}

resource "aws_opensearch_domain" "vectors-open" {
  domain_name = "vectors-open"
  engine_version = "OpenSearch_2.19"
  access_policies = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "es:*", Resource = "*" }] })
  encrypt_at_rest {
    enabled = true
    kms_key_id = aws_kms_key.main.arn
  }
  node_to_node_encryption {
    enabled = true
  }
  domain_endpoint_options {
    enforce_https = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }
  log_publishing_options {
    log_type = "AUDIT_LOGS"
    enabled = true
    cloudwatch_log_group_arn = "arn:aws:logs:eu-west-1:333344445555:log-group:os"
  }
}

resource "aws_opensearch_domain" "vectors-ip" {
  domain_name = "vectors-ip"
  engine_version = "OpenSearch_2.19"
  access_policies = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Principal = { AWS = "*" }, Action = "es:*", Resource = "*", Condition = { IpAddress = { "aws:SourceIp" = ["198.51.100.0/24"] } } }] })
  encrypt_at_rest {
    enabled = true
    kms_key_id = aws_kms_key.main.arn
  }
  node_to_node_encryption {
    enabled = true
  }
  domain_endpoint_options {
    enforce_https = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }
  log_publishing_options {
    log_type = "AUDIT_LOGS"
    enabled = true
    cloudwatch_log_group_arn = "arn:aws:logs:eu-west-1:333344445555:log-group:os"
  }
  advanced_security_options {
    enabled = true
    internal_user_database_enabled = false
    master_user_options {
      master_user_arn = aws_iam_role.trainer.arn
    }
  }
}
