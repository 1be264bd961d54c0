# A notebook with every fault of a notebook.
resource "aws_sagemaker_notebook_instance" "lab" {
  name                   = "lab"
  instance_type          = "ml.t3.medium"
  role_arn               = "arn:aws:iam::111122223333:role/lab"
  platform_identifier    = "notebook-al2-v2"
  direct_internet_access = "Enabled"
  root_access            = "Enabled" # pip as root

  instance_metadata_service_configuration {
    minimum_instance_metadata_service_version = "1"
  }
}

# One that stands in a network and has its own way out all the same: the network
# stays what it is.
resource "aws_sagemaker_notebook_instance" "placed" {
  name                   = "placed"
  instance_type          = "ml.t3.medium"
  role_arn               = "arn:aws:iam::111122223333:role/lab"
  subnet_id              = "subnet-9"
  security_groups        = ["sg-9"]
  direct_internet_access = "Enabled"
  root_access            = "Disabled"
}
