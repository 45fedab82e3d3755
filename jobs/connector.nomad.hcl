# The connectors of the tunnel: cloudflared as a Nomad service job, one allocation on each of `count` nodes. They dial
# out to Cloudflare and open no port to the internet.
#
#   nomad job run -var name=github-runners-connector -var vault_role=github-runners-connector \
#     -var vault_path=kv/data/github-runners/connector connector.nomad.hcl
#
# The tunnel's token comes from Vault by the task's workload identity, into a file that only the template writes: it is
# in no variable, no environment and no argument, so Nomad's API does not show it.
# A test reads this file through an HCL-to-JSON conversion that evaluates nothing.

variable "name" {
  type        = string
  description = "Id of the Nomad job and name of its service. Vault's role is bound to it."
}
variable "namespace" {
  type        = string
  default     = "default"
  description = "Nomad namespace. Vault's role is bound to it. Not the runners' one: it needs no policy of theirs."
}
variable "datacenters" {
  type        = list(string)
  default     = ["*"]
  description = "Datacenters that may run a connector."
}
variable "node_pool" {
  type        = string
  default     = "default"
  description = "Node pool. Keep connectors off the machines that run workflow code."
}
variable "count" {
  type        = number
  default     = 2
  description = "Connectors, each on a node of its own. Two are enough for one to be replaced while the other serves."
}

variable "driver" {
  type        = string
  default     = "docker"
  description = "Task driver: docker, exec or raw_exec."
  validation {
    condition     = contains(["docker", "exec", "raw_exec"], var.driver)
    error_message = "The driver must be docker, exec or raw_exec."
  }
}
variable "image" {
  type        = string
  default     = "cloudflare/cloudflared:2026.8.2"
  description = "Container image (docker only), with its version: what runs changes when this does."
}
variable "docker_network" {
  type        = string
  default     = "host"
  description = "Network of the container (docker only): host reaches a Nomad agent on the node's 127.0.0.1, bridge keeps it apart."
  validation {
    condition     = contains(["host", "bridge"], var.docker_network)
    error_message = "The network must be host or bridge."
  }
}
variable "command" {
  type        = string
  default     = "cloudflared"
  description = "Program on the node (exec and raw_exec only)."
}
variable "user" {
  type        = string
  default     = ""
  description = "User of the task; empty is the driver's default."
}
variable "environment" {
  type        = map(string)
  default     = {}
  description = "Further settings of cloudflared, such as TUNNEL_TRANSPORT_PROTOCOL. No secrets: Nomad shows them."
}

variable "vault_role" {
  type        = string
  description = "Role of Vault's JWT auth method that this job logs in with."
}
variable "vault_path" {
  type        = string
  description = "API path of the KV version 2 secret with the field `token`, such as kv/data/github-runners/connector."
}
variable "vault_audience" {
  type        = string
  default     = "vault.io"
  description = "Audience of the workload identity, as the role binds it."
}

variable "metrics_port" {
  type        = number
  default     = 0
  description = "Port of cloudflared's metrics and of /ready, on the node; 0 lets Nomad choose."
}
variable "service_provider" {
  type        = string
  default     = "nomad"
  description = "Where the service and its check are registered: nomad or consul."
  validation {
    condition     = contains(["nomad", "consul"], var.service_provider)
    error_message = "The service provider must be nomad or consul."
  }
}
variable "cpu" {
  type        = number
  default     = 100
  description = "CPU share in MHz. What passes through are dispatches, a few KiB each."
}
variable "memory" {
  type        = number
  default     = 128
  description = "Memory in MiB."
}

job "connector" {
  id          = var.name
  name        = var.name
  namespace   = var.namespace
  datacenters = var.datacenters
  node_pool   = var.node_pool
  type        = "service"

  group "connector" {
    count = var.count

    # Two connectors on one node go down with it. Where there are fewer nodes than connectors, the rest wait.
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }

    # One at a time, and the next one only when the one before is connected to Cloudflare. A version that never is goes
    # back to the last that was.
    update {
      max_parallel      = 1
      health_check      = "checks"
      min_healthy_time  = "5s"
      healthy_deadline  = "3m"
      progress_deadline = "4m"
      auto_revert       = true
    }

    # Some tries in place, then elsewhere, and never for good: this is the cluster's way to its work.
    restart {
      attempts = 3
      interval = "3m"
      delay    = "10s"
      mode     = "fail"
    }
    reschedule {
      delay          = "10s"
      delay_function = "exponential"
      max_delay      = "5m"
      unlimited      = true
    }

    network {
      port "metrics" {
        static = var.metrics_port
      }
    }

    # /ready is 503 while no connection to Cloudflare stands. No check_restart: cloudflared dials again by itself, and a
    # restart during an outage of the way out would only lose its back-off.
    service {
      name     = var.name
      provider = var.service_provider
      port     = "metrics"
      check {
        name     = "ready"
        type     = "http"
        path     = "/ready"
        interval = "10s"
        timeout  = "3s"
      }
    }

    task "cloudflared" {
      driver = var.driver
      user   = var.user

      # The image's entrypoint is `cloudflared --no-autoupdate`; elsewhere the program is named.
      config {
        image        = var.driver == "docker" ? var.image : null
        network_mode = var.driver == "docker" ? var.docker_network : null
        ports        = var.driver == "docker" && var.docker_network == "bridge" ? ["metrics"] : null
        command      = var.driver == "docker" ? null : var.command
        args         = ["tunnel", "run"]
      }

      # All settings of cloudflared are its environment's, so that a program of another command line can stand in.
      env = merge(var.environment, {
        # The node's address on its own network, or, in a container with a network of its own, all of those. It serves
        # no secret, but profiles and the routes.
        TUNNEL_METRICS = var.driver == "docker" && var.docker_network == "bridge" ? "0.0.0.0:${NOMAD_PORT_metrics}" : "${NOMAD_ADDR_metrics}"
        # A program that replaces itself is not the one that was deployed.
        NO_AUTOUPDATE = "true"
        # On its signal cloudflared takes itself off Cloudflare's list at once, then always waits this long for requests
        # on their way. The Worker gives a request up after 8 s.
        TUNNEL_GRACE_PERIOD = "10s"
        TUNNEL_TOKEN_FILE   = "${NOMAD_SECRETS_DIR}/tunnel-token"
      })

      kill_signal = "SIGTERM"
      # The grace and 5 s. Clients cap it at their `max_kill_timeout`, 30 s by default, so it must stay below that.
      kill_timeout = "15s"

      # The token is read through this login and by nothing else: the task sees neither a Vault token nor the identity.
      # noop: a new login of the client's changes nothing for cloudflared.
      vault {
        role         = var.vault_role
        env          = false
        disable_file = true
        change_mode  = "noop"
      }
      # Named so, it is the one that the vault block logs in with. Written out here, the job does not depend on a default
      # of the servers' configuration.
      identity {
        name = "vault_default"
        aud  = [var.vault_audience]
        env  = false
        file = false
        ttl  = "1h"
      }
      # The identity for Nomad's own API, which cloudflared has no use for.
      identity {
        env  = false
        file = false
      }

      # Nomad asks Vault for the secret every few minutes. When the token is another one, the connector restarts, and the
      # splay keeps the two from doing so at once. When Vault does not answer for longer than the client's
      # `template.vault_retry` goes on (12 attempts, some five minutes), Nomad kills the task: set `attempts = 0` there,
      # unlimited, and the tunnel outlives any outage of Vault.
      template {
        data                 = "{{ with secret \"${var.vault_path}\" }}{{ .Data.data.token }}{{ end }}"
        destination          = "secrets/tunnel-token"
        change_mode          = "restart"
        splay                = "30s"
        error_on_missing_key = true
        # Nomad's client writes it, the image reads it as 65532 and exec as nobody. On the node it lies beneath Nomad's
        # data directory, which the agent makes for itself alone (0700).
        perms = "0444"
      }

      logs {
        max_files     = 2
        max_file_size = 10
      }
      resources {
        cpu    = var.cpu
        memory = var.memory
      }
    }
  }
}
