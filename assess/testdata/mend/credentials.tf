resource "aws_secretsmanager_secret" "token" {
  name = "token"
}

resource "aws_iam_access_key" "robot" {
  user = "robot"
}
