# The parameterized Nomad job of one runner class: every dispatch becomes one allocation, one ephemeral runner, at most
# one workflow job.
#
#   nomad job run -var name=github-runner-linux \
#     -var "claim_script=$(cat claim.sh)" -var "start_script=$(cat start-runner.sh)" \
#     -var "hook_script=$(cat job-started-hook.sh)" -var "release_script=$(cat release-runner.sh)" runner.nomad.hcl
#
# The local stand-in and the tests read it through an HCL-to-JSON conversion that evaluates nothing. So these stay
# literals, one `var.<name>` or Nomad's own `${NOMAD_…}`: `parameterized`, variable defaults, and of each task name,
# lifecycle, config.command, config.args, env, dispatch_payload.file, template.data and template.destination.
# Nomad >= 1.11.2: below it, concurrent duplicates of one idempotency token race.

variable "name" {
  type        = string
  description = "Id of the Nomad job; the runner class names it as `job`."
}
variable "namespace" {
  type        = string
  default     = "default"
  description = "Nomad namespace. Give runners their own: whoever may read a job there can read its claim and so be a runner."
}

variable "datacenters" {
  type        = list(string)
  default     = ["*"]
  description = "Datacenters that may run this class."
}
variable "node_pool" {
  type        = string
  default     = "default"
  description = "Node pool of the machines that run workflow code. A pool of their own keeps it away from everything else."
}

variable "driver" {
  type        = string
  default     = "docker"
  description = "Task driver: docker, exec or raw_exec. With raw_exec nothing stands between workflow code and the machine."
  validation {
    condition     = contains(["docker", "exec", "raw_exec"], var.driver)
    error_message = "The driver must be docker, exec or raw_exec."
  }
}
variable "image" {
  type        = string
  default     = "ghcr.io/actions/actions-runner:latest"
  description = "Container image (docker only) with the runner, sh, curl and GNU coreutils. Pin a version and renew it within 30 days: GitHub gives no jobs to older runners."
}
variable "user" {
  type        = string
  default     = ""
  description = "User of the runner task; empty is the driver's default. The runner refuses root, which is the default of raw_exec."
}

variable "runner_root" {
  type        = string
  default     = "/home/runner"
  description = "Directory of the unpacked runner: bin/, externals/."
}
variable "copy_runner" {
  type        = bool
  default     = false
  description = "Copy the runner into the allocation before it starts. Needed with exec and raw_exec, where runner_root is shared: the runner writes its credentials beside its bin/. Make runner_root read-only for the runner's user there."
}
variable "cpu" {
  type        = number
  default     = 2000
  description = "CPU share in MHz."
}
variable "memory" {
  type        = number
  default     = 4096
  description = "Memory reserved, MiB."
}
variable "memory_max" {
  type        = number
  default     = 0
  description = "Memory limit, MiB, where the cluster allows oversubscription; 0 is the reservation."
}
variable "disk" {
  type        = number
  default     = 10240
  description = "Ephemeral disk, MiB: checkout, build output and, with copy_runner, the runner itself."
}

variable "constraints" {
  type = list(object({
    attribute = string
    operator  = string
    value     = string
  }))
  default     = []
  description = "Placement constraints, such as {attribute = \"$${attr.cpu.arch}\", operator = \"=\", value = \"amd64\"}."
}

variable "idle_timeout_seconds" {
  type        = number
  default     = 300
  description = "Seconds without a workflow job after which the runner leaves; as in the class of the policy."
}
variable "max_duration_seconds" {
  type        = number
  default     = 21600
  description = "Seconds after which a workflow job is stopped; as in the class of the policy."
}
variable "stop_grace_seconds" {
  type        = number
  default     = 60
  description = "Seconds between SIGINT and SIGKILL. The listener itself takes up to 30 to report the job as cancelled."
}

variable "allow_forks" {
  type        = bool
  default     = false
  description = "Let a public repository's workflow run code of another repository (pull requests from forks)."
}

variable "claim_script" {
  type        = string
  description = "Text of claim.sh, which the start and release scripts source."
}
variable "start_script" {
  type        = string
  description = "Text of start-runner.sh."
}
variable "hook_script" {
  type        = string
  description = "Text of job-started-hook.sh."
}
variable "release_script" {
  type        = string
  description = "Text of release-runner.sh."
}

job "runner" {
  id          = var.name
  name        = var.name
  namespace   = var.namespace
  datacenters = var.datacenters
  node_pool   = var.node_pool

  # A parameterized job is batch or sysbatch; only batch places one allocation per dispatch.
  type = "batch"

  # What the Worker sends (contracts/dispatch.ts). The keys are the contract: a missing or an extra one is refused.
  parameterized {
    payload       = "required"
    meta_required = ["REPO_FULL_NAME", "REPO_SHORT_NAME", "WORKFLOW_RUN", "WORKFLOW_JOB"]
  }

  dynamic "constraint" {
    for_each = var.constraints
    content {
      attribute = constraint.value.attribute
      operator  = constraint.value.operator
      value     = constraint.value.value
    }
  }

  group "runner" {
    # A claim is good for one runner. Batch jobs restart three times and are rescheduled once by default; both would
    # show a spent claim again. The Worker's ledger asks for a replacement where one is needed.
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }

    # A client that loses touch with its servers goes on running the workflow job. Without `replace = false` Nomad
    # starts a second allocation elsewhere, whatever `reschedule` says. It can still happen once the node is
    # forgotten; the other allocation's claim is then refused (409) and it leaves.
    disconnect {
      lost_after = "${var.max_duration_seconds}s"
      replace    = false
    }

    # The work directory. Neither sticky nor migrated: nothing of one workflow job reaches the next.
    ephemeral_disk {
      size = var.disk
    }

    # `max_run_duration` is not used: Nomad has it from 2.0.3 on, the Terraform provider refuses to parse it, and it
    # skips the poststop task. start-runner.sh keeps the limit.

    task "runner" {
      driver = var.driver
      user   = var.user

      config {
        image   = var.driver == "docker" ? var.image : null
        command = "/bin/sh"
        args    = ["${NOMAD_TASK_DIR}/start-runner.sh"]
      }

      # Nomad writes the payload into this task's own local/; start-runner.sh deletes it before it does anything else.
      dispatch_payload {
        file = "dispatch.json"
      }

      env {
        RUNNER_ROOT                 = var.runner_root
        RUNNER_COPY                 = var.copy_runner
        RUNNER_ALLOW_FORKS          = var.allow_forks
        RUNNER_IDLE_TIMEOUT_SECONDS = var.idle_timeout_seconds
        RUNNER_MAX_DURATION_SECONDS = var.max_duration_seconds
        RUNNER_STOP_GRACE_SECONDS   = var.stop_grace_seconds
      }

      # The scripts are literal text and hold no `{{`. `noop`: the default, restart, would end a workflow job when a
      # template is rendered again.
      template {
        data        = var.start_script
        destination = "local/start-runner.sh"
        change_mode = "noop"
      }
      template {
        data        = var.claim_script
        destination = "local/claim.sh"
        change_mode = "noop"
      }

      # Root's file (Nomad's client writes it). What makes the fence hold is that it runs before any workflow code
      # does, in an allocation that runs one workflow job.
      template {
        data        = var.hook_script
        destination = "local/job-started-hook.sh"
        change_mode = "noop"
      }

      # No Nomad token for workflow code, neither as NOMAD_TOKEN nor as secrets/nomad_token, and no vault or consul block.
      # secrets/api.sock, Nomad's API, is there in every task: run the cluster with ACLs, or it takes any call.
      identity {
        env  = false
        file = false
      }

      resources {
        cpu        = var.cpu
        memory     = var.memory
        memory_max = var.memory_max
      }

      # start-runner.sh takes SIGTERM and SIGINT alike and gives the listener a SIGINT. Docker sends SIGTERM by
      # default, the exec drivers SIGINT; one signal for all is easier to reason about.
      kill_signal = "SIGTERM"

      # Longer than the grace, so that the script and not Nomad ends the listener. Clients cap it at their
      # `max_kill_timeout`, 30 s by default: raise that on the clients of this pool.
      kill_timeout = "${var.stop_grace_seconds + 30}s"

      # The official image prints the runner's diagnostics to stdout; two files of 10 MB keep a chatty job in bounds.
      logs {
        max_files     = 2
        max_file_size = 10
      }
    }

    # Gives the claim back and removes a registration that is left. It runs whatever the end of the runner task was,
    # but not when the client is lost: the Worker's sweep covers that.
    task "release" {
      driver = var.driver
      user   = var.user
      lifecycle {
        hook = "poststop"
      }

      config {
        image   = var.driver == "docker" ? var.image : null
        command = "/bin/sh"
        args    = ["${NOMAD_TASK_DIR}/release-runner.sh"]
      }

      # Every task with this block gets its own copy, and gets it when it starts: the dispatch hook is a prestart hook
      # of the task (client/allocrunner/taskrunner/dispatch_hook.go in hashicorp/nomad). So this file does not exist
      # while workflow code runs, and the runner task may delete its own.
      dispatch_payload {
        file = "dispatch.json"
      }
      template {
        data        = var.release_script
        destination = "local/release-runner.sh"
        change_mode = "noop"
      }
      template {
        data        = var.claim_script
        destination = "local/claim.sh"
        change_mode = "noop"
      }

      # With the default of 10 files Nomad would refuse a job whose disk is not larger than these logs alone.
      logs { max_files = 1 }
      resources {
        cpu    = 100
        memory = 64
      }
    }
  }
}
