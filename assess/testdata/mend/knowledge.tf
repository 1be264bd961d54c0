resource "aws_bedrockagent_data_source" "web" {
  knowledge_base_id    = "KB12345678"
  name                 = "web"
  data_deletion_policy = "RETAIN"

  data_source_configuration {
    type = "WEB"
    web_configuration {
      source_configuration {
        url_configuration {
          seed_urls {
            url = "https://example.com"
          }
        }
      }
    }
  }
}

resource "aws_bedrockagent_data_source" "theirs" {
  knowledge_base_id = "KB12345678"
  name              = "theirs"

  data_source_configuration {
    type = "S3"
    s3_configuration {
      bucket_arn              = "arn:aws:s3:::theirs"
      bucket_owner_account_id = "999988887777"
    }
  }
}
