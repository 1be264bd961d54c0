resource "aws_bedrockagentcore_gateway" "open" {
  name            = "open"
  protocol_type   = "MCP"
  role_arn        = "arn:aws:iam::111122223333:role/gateway"
  authorizer_type = "NONE"
  exception_level = "DEBUG"
}

resource "aws_bedrockagentcore_gateway" "anybody" {
  name            = "anybody"
  protocol_type   = "MCP"
  role_arn        = "arn:aws:iam::111122223333:role/gateway"
  authorizer_type = "CUSTOM_JWT"
  kms_key_arn     = var.kms_key_arn

  authorizer_configuration {
    custom_jwt_authorizer {
      discovery_url = "https://id.example.com/.well-known/openid-configuration"
    }
  }
}

resource "aws_bedrockagentcore_agent_runtime" "desk" {
  agent_runtime_name = "desk"
  role_arn           = "arn:aws:iam::111122223333:role/desk"

  agent_runtime_artifact {
    container_configuration {
      container_uri = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/desk:1"
    }
  }
  network_configuration {
    network_mode = "PUBLIC"
  }
  authorizer_configuration {
    custom_jwt_authorizer {
      discovery_url = "https://id.example.com/.well-known/openid-configuration"
    }
  }
}

resource "aws_bedrockagentcore_memory" "long" {
  name                  = "long"
  event_expiry_duration = 365
}

resource "aws_bedrockagentcore_browser" "web" {
  name = "web"
  network_configuration {
    network_mode = "PUBLIC"
  }
}

resource "aws_bedrockagentcore_code_interpreter" "python" {
  name = "python"
  network_configuration {
    network_mode = "PUBLIC"
  }
}

resource "aws_bedrockagentcore_workload_identity" "desk" {
  name                                = "desk"
  allowed_resource_oauth2_return_urls = ["http://agents.example.com/return"]
}
