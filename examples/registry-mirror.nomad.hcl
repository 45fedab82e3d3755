# A pull-through mirror of Docker Hub on the cluster: what one runner has pulled comes to the others from here.
#
#   nomad job run -var host_volume=registry-mirror registry-mirror.nomad.hcl
#
# It serves whoever reaches it and takes no push, so no workflow job can put anything into it. Give it no login for Docker Hub:
# it would hand private images to every job. docs/caches.md says how daemons are told of it.

variable "datacenters" {
  type        = list(string)
  default     = ["*"]
  description = "Datacenters that may run it."
}
variable "node_pool" {
  type        = string
  default     = "default"
  description = "Node pool: not that of the runners, whose workflow code it serves."
}
variable "host_volume" {
  type        = string
  description = "Host volume of the node that keeps it, writable by root there; some tens of GB."
}
variable "port" {
  type        = number
  default     = 5000
  description = "Port of the node. A daemon needs one that stays the same."
}

job "registry-mirror" {
  datacenters = var.datacenters
  node_pool   = var.node_pool
  type        = "service"

  group "registry" {
    network {
      port "http" {
        static = var.port
        to     = 5000
      }
    }

    volume "storage" {
      type   = "host"
      source = var.host_volume
    }

    service {
      name     = "registry-mirror"
      port     = "http"
      provider = "consul"
      check {
        type     = "http"
        path     = "/v2/"
        interval = "10s"
        timeout  = "3s"
      }
    }

    task "registry" {
      driver = "docker"

      config {
        image = "registry:3.1.1@sha256:1be55279f18a2fe1a74edf2664cac61c1bea305b7b4642dab412e7affdcb3e33"
        ports = ["http"]
      }

      volume_mount {
        volume      = "storage"
        destination = "/var/lib/registry"
      }

      # https://distribution.github.io/distribution/about/configuration/#proxy
      env {
        REGISTRY_PROXY_REMOTEURL = "https://registry-1.docker.io"
        # What nobody pulled for a week goes. Without `delete` nothing ever does.
        REGISTRY_PROXY_TTL              = "168h"
        REGISTRY_STORAGE_DELETE_ENABLED = "true"
        # The default sends traces to a collector that is not there.
        OTEL_TRACES_EXPORTER = "none"
      }

      identity {
        env  = false
        file = false
      }

      resources {
        cpu    = 200
        memory = 256
      }
    }
  }
}
