# The growth that the demo asks the gate for: the quay's language model may scale
# to twenty replicas instead of eight. plan.json is what
#   terraform plan -out=plan.bin && terraform show -json plan.bin > plan.json
# prints of it, written to the documented format (1.2).
terraform {
  required_providers {
    kubernetes = { source = "hashicorp/kubernetes" }
  }
}

resource "kubernetes_horizontal_pod_autoscaler_v2" "quay_llm" {
  metadata {
    name      = "quay-llm"
    namespace = "quay"
  }
  spec {
    min_replicas = 2
    max_replicas = 20
    scale_target_ref {
      api_version = "apps/v1"
      kind        = "Deployment"
      name        = "quay-llm"
    }
    metric {
      type = "Resource"
      resource {
        name = "cpu"
        target {
          type                = "Utilization"
          average_utilization = 70
        }
      }
    }
  }
}
