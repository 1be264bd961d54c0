resource "kubernetes_deployment_v1" "chat" {
  metadata {
    name      = "chat"
    namespace = "serving"
  }
  spec {
    selector {
      match_labels = { app = "chat" }
    }
    template {
      metadata {
        labels = { app = "chat" }
      }
      spec {
        host_network = true
        host_pid     = true
        security_context {
          seccomp_profile {
            type = "Unconfined"
          }
        }
        init_container {
          name  = "setup"
          image = "registry.example/setup@sha256:0000000000000000000000000000000000000000000000000000000000000000"
          security_context {
            privileged = true
          }
        }
        container {
          name  = "chat"
          image = "ghcr.io/open-webui/open-webui@sha256:0000000000000000000000000000000000000000000000000000000000000000"
          env {
            name  = "WEBUI_AUTH"
            value = "False"
          }
          env {
            name  = "VLLM_ALLOW_INSECURE_SERIALIZATION"
            value = "1"
          }
          security_context {
            capabilities {
              add = ["NET_BIND_SERVICE", "SYS_ADMIN"]
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_cron_job_v1" "nightly" {
  metadata {
    name      = "nightly"
    namespace = "training"
  }
  spec {
    schedule = "0 3 * * *"
    job_template {
      metadata {
      }
      spec {
        template {
          metadata {
          }
          spec {
            host_ipc = true
            container {
              name  = "train"
              image = "registry.example/train@sha256:0000000000000000000000000000000000000000000000000000000000000000"
              port {
                container_port = 8080
                host_port      = 8080
              }
            }
          }
        }
      }
    }
  }
}
