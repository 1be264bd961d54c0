# A bucket that says nothing but its name.
resource "aws_s3_bucket" "models" {
  bucket = "models"
}
