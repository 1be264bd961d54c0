resource "aws_bedrockagent_agent" "desk" {
  agent_name              = "desk"
  agent_resource_role_arn = "arn:aws:iam::111122223333:role/desk"
  foundation_model        = "anthropic.claude-3-5-sonnet-20240620-v1:0"

  memory_configuration {
    enabled_memory_types = ["SESSION_SUMMARY"]
    storage_days         = 365
  }
}

resource "aws_bedrockagent_agent_action_group" "code" {
  agent_id                      = "AGENT12345"
  agent_version                 = "DRAFT"
  action_group_name             = "code"
  action_group_state            = "ENABLED"
  parent_action_group_signature = "AMAZON.CodeInterpreter"
}

resource "aws_bedrock_custom_model" "tuned" {
  base_model_identifier = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-text-express-v1"
  custom_model_name     = "tuned"
  job_name              = "tuned-1"
  role_arn              = "arn:aws:iam::111122223333:role/tune"
  hyperparameters       = { epochCount = "1" }

  output_data_config {
    s3_uri = "s3://tuned/"
  }
  training_data_config {
    s3_uri = "s3://training/data.jsonl"
  }
}

# No filter at all.
resource "aws_bedrock_guardrail" "bare" {
  name                      = "bare"
  blocked_input_messaging   = "no"
  blocked_outputs_messaging = "no"
}

# A filter of each kind of harm, but none of attacks: it is put beside them.
resource "aws_bedrock_guardrail" "harm" {
  name                      = "harm"
  kms_key_arn               = var.kms_key_arn
  blocked_input_messaging   = "no"
  blocked_outputs_messaging = "no"

  content_policy_config {
    filters_config {
      type            = "HATE"
      input_strength  = "LOW"
      output_strength = "LOW"
    }
  }
}

resource "aws_bedrockagent_prompt" "greeting" {
  name = "greeting"
}

resource "aws_bedrockagent_flow" "orders" {
  name               = "orders"
  execution_role_arn = "arn:aws:iam::111122223333:role/flow"
}

resource "aws_bedrock_model_invocation_logging_configuration" "logs" {
  logging_config {
    text_data_delivery_enabled = true
  }
}
