resource "aws_eks_cluster" "ml" {
  name     = "ml"
  role_arn = "arn:aws:iam::111122223333:role/eks"
  vpc_config {
    subnet_ids             = ["subnet-1", "subnet-2"]
    endpoint_public_access = true
    public_access_cidrs    = ["0.0.0.0/0"]
  }
}

resource "aws_instance" "gpu" {
  ami               = "ami-0a1b"
  instance_type     = "g5.xlarge"
  get_password_data = false
  metadata_options {
    http_endpoint = "enabled"
    http_tokens   = "optional"
  }
}

resource "aws_lambda_function" "ask" {
  function_name = "ask"
  role          = "arn:aws:iam::111122223333:role/ask"
}

resource "aws_lambda_function_url" "ask" {
  function_name      = aws_lambda_function.ask.function_name
  authorization_type = "NONE"
}

resource "aws_sfn_state_machine" "retrain" {
  name       = "retrain"
  role_arn   = "arn:aws:iam::111122223333:role/retrain"
  definition = "{}"
}
