# The parameterized Nomad job of one runner class: every dispatch becomes one allocation, one ephemeral runner, at most
# one workflow job. Its variables stand in runner.variables.hcl; Nomad reads the two as one file:
#
#   cat runner.variables.hcl runner.nomad.hcl | nomad job run -var name=github-runner-linux \
#     -var "claim_script=$(cat claim.sh)" -var "start_script=$(cat start-runner.sh)" \
#     -var "hook_script=$(cat job-started-hook.sh)" -var "release_script=$(cat release-runner.sh)" -
#
# local/nomad/ reads it through an HCL-to-JSON conversion, and evaluates little: what it runs stays as plain as it is now.
# Nomad >= 1.11.2: below it, concurrent duplicates of one idempotency token race.

locals {
  image = contains(["docker", "podman"], var.driver) ? var.image : null
  # A path that a workflow mounts has to be the same in the daemon's container: alloc/ is, and the runner's /tmp.
  shared = var.docker == null ? null : ["../alloc/tmp:/tmp"]
  # Rootless, the daemon needs a name and subordinate ids for whom it runs as.
  identities = ["local/passwd:/etc/passwd:ro", "local/subid:/etc/subuid:ro", "local/subid:/etc/subgid:ro"]
  # Those of the runner's task; an empty one is left out. job-started-hook.sh is root's file (Nomad's client writes it), but
  # what makes the fence hold is that it runs before any workflow code does, in an allocation of one workflow job.
  files = {
    "start-runner.sh"       = var.start_script
    "claim.sh"              = var.claim_script
    "job-started-hook.sh"   = var.hook_script
    "user-job-started.sh"   = var.user_started_hook
    "user-job-completed.sh" = var.user_completed_hook
    "docker.env"            = var.docker == null ? "" : "DOCKER_HOST=unix:///alloc/docker.sock\nRUNNER_WAIT_FOR_DOCKER_SECONDS=120\n${local.tools}"
  }
  # The runner mounts its tool cache into job containers; an image's own is not there for the daemon, a volume in its place is.
  tools = contains(var.volumes[*].path, "/opt/hostedtoolcache") ? "" : "RUNNER_TOOL_CACHE=/alloc/runner/_work/_tool\n"
  # What the daemon and its containers leave is of several users: root removes it. Bounded: the claim is given back after it.
  release_script = var.docker == null ? var.release_script : "timeout 60 rm -rf /alloc/docker /alloc/tmp\n${var.release_script}"
  # The files are literal text, whatever they hold, so templates begin with what is in none of them.
  delimiter = "<<template<<"
}

job "runner" {
  id          = var.name
  name        = var.name
  namespace   = var.namespace
  datacenters = var.datacenters
  node_pool   = var.node_pool
  type        = "batch" # A parameterized job is batch or sysbatch; only batch places one allocation per dispatch.
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
    # A client that loses touch with its servers goes on running the workflow job. Without `replace = false` Nomad starts
    # a second allocation elsewhere, whatever `reschedule` says. It can still happen once the node is forgotten; the other
    # allocation's claim is then refused (409) and it leaves.
    disconnect {
      lost_after = "${var.max_duration_seconds}s"
      replace    = false
    }
    ephemeral_disk { size = var.disk } # Neither sticky nor migrated: nothing of one workflow job reaches the next.
    # `max_run_duration` is not used: Nomad has it from 2.0.3 on, the Terraform provider refuses to parse it, and it
    # skips the poststop task. start-runner.sh keeps the limit.
    dynamic "network" {
      for_each = var.network_mode == "" ? [] : [var.network_mode]
      content {
        mode = network.value
        dynamic "dns" {
          for_each = var.dns == null ? [] : [var.dns]
          content {
            servers  = dns.value.servers
            searches = dns.value.searches
            options  = dns.value.options
          }
        }
      }
    }
    dynamic "volume" {
      for_each = var.volumes
      labels   = ["volume-${volume.key}"]
      content {
        type      = "host"
        source    = volume.value.source
        read_only = volume.value.read_only
      }
    }

    # Writes the rules of the tasks' network, and leaves. No other task has NET_ADMIN, so workflow code cannot take them
    # back. Where they cannot be written this fails, and no runner starts. The plugin's `allow_caps` must list net_admin.
    dynamic "task" {
      for_each = var.egress == null ? [] : [var.egress]
      labels   = ["egress"]
      content {
        driver = var.driver
        user   = "0"
        lifecycle { hook = "prestart" }
        config {
          image      = task.value.image
          entrypoint = ["/bin/sh"]
          args       = ["${NOMAD_TASK_DIR}/egress.sh", "${NOMAD_TASK_DIR}/egress.rules"]
          cap_drop   = ["all"]
          cap_add    = ["net_admin"]
        }
        dynamic "template" {
          for_each = { "egress.sh" = var.egress_script, "egress.rules" = task.value.rules }
          content {
            data           = template.value
            destination    = "local/${template.key}"
            left_delimiter = local.delimiter
            change_mode    = "noop"
          }
        }
        logs { max_files = 1 }
        resources {
          cpu    = 50
          memory = 64
        }
      }
    }

    # Started before the runner, which waits for its answer, stopped after it, and gone with the allocation. Nobody's
    # socket but its own: alloc/docker.sock for the runner, /var/run/docker.sock for the containers that ask for it.
    dynamic "task" {
      for_each = var.docker == null ? [] : [var.docker]
      labels   = ["docker"]
      content {
        driver = "docker"
        user   = task.value.user
        lifecycle {
          hook    = "prestart"
          sidecar = true
        }
        config {
          image        = task.value.image
          runtime      = task.value.runtime == "" ? null : task.value.runtime
          privileged   = task.value.privileged
          network_mode = task.value.network_mode == "" ? null : task.value.network_mode
          entrypoint   = ["/bin/sh"]
          args         = ["${NOMAD_TASK_DIR}/docker-daemon.sh"]
          volumes      = concat(local.shared, task.value.user == "0" ? [] : local.identities)
          # The images' own VOLUMEs: Nomad's driver removes a container without its anonymous volumes.
          mount = [for path in ["/var/lib/docker", "/home/rootless/.local/share/docker"] : { type = "tmpfs", target = path }]
        }
        env {
          DOCKER_SOCKET_GROUP     = task.value.socket_group
          DOCKER_REGISTRY_MIRRORS = join(" ", task.value.registry_mirrors)
        }
        dynamic "template" {
          for_each = {
            "docker-daemon.sh" = var.docker_script
            passwd             = "root:x:0:0::/root:/bin/sh\nrunner:x:${task.value.user}::/:/bin/sh\n"
            subid              = "${split(":", task.value.user)[0]}:100000:65536\n"
          }
          content {
            data           = template.value
            destination    = "local/${template.key}"
            left_delimiter = local.delimiter
            change_mode    = "noop"
          }
        }
        dynamic "volume_mount" {
          for_each = var.volumes
          content {
            volume      = "volume-${volume_mount.key}"
            destination = volume_mount.value.path
            read_only   = volume_mount.value.read_only
          }
        }
        kill_timeout = "25s" # It stops its containers first; clients cap this at 30 s by default.
        logs { max_files = 1 }
        resources {
          cpu    = task.value.cpu
          memory = task.value.memory
        }
      }
    }

    task "runner" {
      driver = var.driver
      user   = var.user
      config {
        image        = local.image
        runtime      = var.runtime == "" ? null : var.runtime
        network_mode = var.container_network == "" ? null : var.container_network
        volumes      = local.shared
        cap_drop     = var.egress == null ? null : ["net_raw"] # Its packets pass no rule; `allow_caps` may leave it in.
        command      = "/bin/sh"
        args         = ["${NOMAD_TASK_DIR}/start-runner.sh"]
      }
      # Nomad writes the payload into this task's own local/; start-runner.sh deletes it before it does anything else.
      dispatch_payload { file = "dispatch.json" }
      env {
        RUNNER_ROOT                 = var.runner_root
        RUNNER_COPY                 = var.copy_runner
        RUNNER_ALLOW_FORKS          = var.allow_forks
        RUNNER_IDLE_TIMEOUT_SECONDS = var.idle_timeout_seconds
        RUNNER_MAX_DURATION_SECONDS = var.max_duration_seconds
        RUNNER_STOP_GRACE_SECONDS   = var.stop_grace_seconds
        RUNNER_USER_STARTED_HOOK    = var.user_started_hook == "" ? "" : "${NOMAD_TASK_DIR}/user-job-started.sh"
        RUNNER_USER_COMPLETED_HOOK  = var.user_completed_hook == "" ? "" : "${NOMAD_TASK_DIR}/user-job-completed.sh"
      }
      # `noop`: the default, restart, would end a workflow job when a template is rendered again.
      dynamic "template" {
        for_each = { for name, text in local.files : name => text if text != "" }
        content {
          data           = template.value
          destination    = "local/${template.key}"
          left_delimiter = local.delimiter
          change_mode    = "noop"
          env            = template.key == "docker.env"
        }
      }
      # Refused by the client when the checksum is another. `chown`: to the task's user, who writes beside its bin/.
      dynamic "artifact" {
        for_each = var.archive == null ? [] : [var.archive]
        content {
          source      = artifact.value.url
          destination = "../alloc/runner"
          chown       = true
          options { checksum = "sha256:${artifact.value.sha256}" }
        }
      }
      dynamic "volume_mount" {
        for_each = var.volumes
        content {
          volume      = "volume-${volume_mount.key}"
          destination = volume_mount.value.path
          read_only   = volume_mount.value.read_only
        }
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
      # start-runner.sh gives the listener a SIGINT for either. Docker's default is SIGTERM, that of exec SIGINT.
      kill_signal = "SIGTERM"
      # Longer than the grace, so that the script and not Nomad ends the listener. Clients cap it at their
      # `max_kill_timeout`, 30 s by default: raise that on the clients of this pool.
      kill_timeout = "${var.stop_grace_seconds + 30}s"
      # The official image prints the runner's diagnostics to stdout; 20 MB keep a chatty job in bounds.
      logs {
        max_files     = 2
        max_file_size = 10
      }
    }

    # Gives the claim back and removes a registration that is left. It runs whatever the end of the runner task was,
    # but not when the client is lost: the Worker's sweep covers that. In a container as root, since nothing of the
    # workflow runs by then, and its containers leave files of other users.
    task "release" {
      driver = var.driver
      user   = local.image == null ? var.user : "0"
      lifecycle { hook = "poststop" }
      config {
        image        = local.image
        network_mode = var.container_network == "host" ? "host" : null
        command      = "/bin/sh"
        args         = ["${NOMAD_TASK_DIR}/release-runner.sh"]
      }
      # A task gets its own copy when it starts (client/allocrunner/taskrunner/dispatch_hook.go in hashicorp/nomad). So
      # this file does not exist while workflow code runs, and the runner task may delete its own.
      dispatch_payload { file = "dispatch.json" }
      dynamic "template" {
        for_each = { "release-runner.sh" = local.release_script, "claim.sh" = var.claim_script }
        content {
          data           = template.value
          destination    = "local/${template.key}"
          left_delimiter = local.delimiter
          change_mode    = "noop"
        }
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
