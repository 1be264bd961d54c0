resource "aws_eks_cluster" "old" {
  name     = "old"
  role_arn = "arn:aws:iam::111122223333:role/eks"
  version  = "1.29"
  access_config {
    authentication_mode = "CONFIG_MAP"
  }
  vpc_config {
    subnet_ids              = ["subnet-1", "subnet-2"]
    endpoint_public_access  = false
    endpoint_private_access = true
  }
}

resource "aws_eks_node_group" "gpu" {
  cluster_name    = "old"
  node_group_name = "gpu"
  node_role_arn   = "arn:aws:iam::111122223333:role/node"
  subnet_ids      = ["subnet-1"]
  ami_type        = "AL2_x86_64_GPU"
  scaling_config {
    desired_size = 2
    max_size     = 4
    min_size     = 1
  }
  remote_access {
    ec2_ssh_key = "ops"
  }
}

resource "aws_lambda_function" "old" {
  function_name = "old"
  role          = "arn:aws:iam::111122223333:role/old"
  runtime       = "python3.8"
  package_type  = "Zip"
}

resource "aws_lambda_function_url" "old" {
  function_name      = aws_lambda_function.old.function_name
  authorization_type = "AWS_IAM"
  cors {
    allow_origins     = ["*"]
    allow_credentials = true
  }
}
