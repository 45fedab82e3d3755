# Pulls a runner class's images on every node that may run the class, so that its first runner there does not wait for them.
#
#   nomad job run -var name=github-runner-linux-pre-pull -var 'images=["registry.example.com/runner:1"]' pre-pull.nomad.hcl
#   nomad job periodic force github-runner-linux-pre-pull    # now, and not at the next time of the schedule
#
# A node that has an image starts one container of it that does nothing. One that has joined since, or that has lost the image
# to the driver's garbage collection, pulls it at the next time; so does every node when an image here changes. Docker's driver
# removes an image three minutes after its last container unless the client says otherwise (plugin "docker", gc
# image_delay): set that to more than the schedule's interval, or what is pulled here does not stay.
# A test reads this file through an HCL-to-JSON conversion that evaluates nothing.

variable "name" {
  type        = string
  description = "Id of the Nomad job."
}
variable "namespace" {
  type        = string
  default     = "default"
  description = "Nomad namespace; the class's own."
}
variable "datacenters" {
  type        = list(string)
  default     = ["*"]
  description = "Datacenters of the class."
}
variable "node_pool" {
  type        = string
  default     = "default"
  description = "Node pool of the class."
}
variable "constraints" {
  type = list(object({
    attribute = string
    operator  = string
    value     = string
  }))
  default     = []
  description = "Placement constraints of the class, such as {attribute = \"$${attr.cpu.arch}\", operator = \"=\", value = \"amd64\"}."
}
variable "driver" {
  type        = string
  default     = "docker"
  description = "Task driver of the class: docker or podman. The others pull nothing."
  validation {
    condition     = contains(["docker", "podman"], var.driver)
    error_message = "The driver must be docker or podman."
  }
}
variable "images" {
  type        = list(string)
  description = "The class's images, as the class names them; each holds /bin/true. Another name of the same image is pulled once more."
}
variable "cron" {
  type        = string
  default     = "7 * * * *"
  description = "When every node is looked after, in UTC: minute, hour, day, month, weekday."
}

job "pre-pull" {
  id          = var.name
  name        = var.name
  namespace   = var.namespace
  datacenters = var.datacenters
  node_pool   = var.node_pool

  # One allocation on each node that fits, each of which ends.
  type = "sysbatch"

  # Nomad forgets a batch job that has ended, and one that is forgotten shows in every plan of Terraform as new. A periodic
  # job stays until it is stopped; what it starts is forgotten after a day.
  periodic {
    crons = [var.cron]
    # A node without room keeps the last one waiting. A second one would wait beside it.
    prohibit_overlap = true
    time_zone        = "UTC"
  }

  # Below runners: when a node is full, they go first.
  priority = 30

  dynamic "constraint" {
    for_each = var.constraints
    content {
      attribute = constraint.value.attribute
      operator  = constraint.value.operator
      value     = constraint.value.value
    }
  }

  group "pre-pull" {
    # An image that cannot be pulled is tried again at the next time, and runners that need it tell of it before.
    restart {
      attempts = 0
      mode     = "fail"
    }

    # The least that Nomad takes beside the logs below; nothing is written.
    ephemeral_disk {
      size = 30
    }

    # One task for each image.
    dynamic "task" {
      for_each = var.images
      labels   = ["pull-${task.key}"]
      content {
        driver = var.driver

        config {
          image   = task.value
          command = "/bin/true"
          # The daemon pulls, not the container.
          network_mode = "none"
          # A gigabyte or two over a slow line; the default is 5 minutes.
          image_pull_timeout = "30m"
        }

        # Nothing here speaks to Nomad, and the image need not be trusted with a token of it.
        identity {
          env  = false
          file = false
        }

        # As small as Docker (6 MiB) and Nomad (1 MHz, 10 MiB) allow with some room: it must fit beside runners.
        resources {
          cpu    = 20
          memory = 32
        }
        logs {
          max_files     = 1
          max_file_size = 1
        }
      }
    }
  }
}
