# A bucket whose public access block the plan deletes, with the list and the
# policy that it kept shut. It says its list in its own attribute.
resource "aws_s3_bucket" "models" {
  bucket = "models"
  acl    = "public-read"
}

resource "aws_s3_bucket_ownership_controls" "lists" {
  bucket = aws_s3_bucket.models.id
  rule {
    object_ownership = "ObjectWriter"
  }
}

resource "aws_s3_bucket_policy" "open" {
  bucket = aws_s3_bucket.models.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = "*", Action = "s3:GetObject", Resource = "arn:aws:s3:::models/*" }]
  })
}
