# What a runner class sets of its job. It stands before runner.nomad.hcl, which says how to run the two as one file. No
# value of a variable is a secret: Nomad shows them to whoever may read the job.

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
variable "constraints" {
  type = list(object({
    attribute = string
    operator  = string
    value     = string
  }))
  default     = []
  description = "Placement constraints, such as {attribute = \"$${attr.cpu.arch}\", operator = \"=\", value = \"amd64\"}."
}

variable "driver" {
  type        = string
  default     = "docker"
  description = "Task driver: docker, podman, exec or raw_exec. With raw_exec nothing stands between workflow code and the machine."
  validation {
    condition     = contains(["docker", "podman", "exec", "raw_exec"], var.driver)
    error_message = "The driver must be docker, podman, exec or raw_exec."
  }
}
variable "image" {
  type        = string
  default     = "ghcr.io/actions/actions-runner:latest"
  description = "Container image (docker, podman) with the runner, sh, curl and GNU coreutils. Pin its digest and renew it within 30 days: GitHub gives no jobs to older runners."
}
variable "runtime" {
  type        = string
  default     = ""
  description = "OCI runtime (docker): runc, sysbox-runc, kata; empty is the node's default. The plugin's `allow_runtimes` must list it."
}
variable "user" {
  type        = string
  default     = ""
  description = "User of the runner task; empty is the driver's default. The runner refuses root, which is the default of raw_exec."
}
variable "runner_root" {
  type        = string
  default     = "/home/runner"
  description = "Directory of the unpacked runner: bin/, externals/. With an archive, $${NOMAD_ALLOC_DIR}/runner."
}
variable "copy_runner" {
  type        = bool
  default     = false
  description = "Copy the runner into the allocation before it starts. Needed where runner_root is shared (the runner writes its credentials beside its bin/; make runner_root read-only for its user) and with a Docker daemon, which mounts parts of it."
}
variable "archive" {
  type = object({
    url    = string
    sha256 = string
  })
  default     = null
  description = "Archive of the runner that Nomad's client fetches, checks and unpacks into alloc/runner (exec, raw_exec)."
}

variable "cpu" {
  type        = number
  default     = 1000
  description = "CPU share in MHz: a weight, not a limit, and what a node's room is counted by."
}
variable "memory" {
  type        = number
  default     = 2048
  description = "Memory reserved, MiB. With a Docker daemon of 1024 beside it, it fits a node of 4 GB with the system on it."
}
variable "memory_max" {
  type        = number
  default     = 0
  description = "Memory limit, MiB, where the cluster allows oversubscription; 0 is the reservation."
}
variable "disk" {
  type        = number
  default     = 10240
  description = "Ephemeral disk, MiB: with copy_runner, the runner itself, checkout and build output; with a Docker daemon, its images."
}
variable "volumes" {
  type = list(object({
    source    = string
    path      = string
    read_only = bool
  }))
  default     = []
  description = "Host volumes of the node, such as a tool cache, at the same path in the runner and in its Docker daemon."
}

variable "network_mode" {
  type        = string
  default     = ""
  description = "Network of the group: host, bridge or cni/NAME (these two need CNI plugins on the node); empty is the driver's default."
}
variable "container_network" {
  type        = string
  default     = ""
  description = "The driver's own network_mode for the runner (docker, podman), such as host; empty joins the group's network."
}
variable "dns" {
  type = object({
    servers  = list(string)
    searches = list(string)
    options  = list(string)
  })
  default     = null
  description = "Resolver of the group's network, in place of the node's. Needs a network_mode."
}
variable "egress" {
  type = object({
    rules = string
    image = string
  })
  default     = null
  description = "Rules as egress.sh reads them, and an image with sh, iptables and ip6tables. Needs bridge or cni/NAME, and docker or podman."
}

variable "docker" {
  type = object({
    image            = string
    runtime          = string
    privileged       = bool
    user             = string
    socket_group     = number
    network_mode     = string
    cpu              = number
    memory           = number
    registry_mirrors = list(string)
  })
  default     = null
  description = "A Docker daemon of the runner's own (docker): an image of docker:dind and how it runs (docs/adr/0022-docker-inside-jobs.md). The containers of a workflow job count against its CPU and memory."
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
variable "docker_script" {
  type        = string
  default     = ""
  description = "Text of docker-daemon.sh; only with `docker`."
}
variable "egress_script" {
  type        = string
  default     = ""
  description = "Text of egress.sh; only with `egress`."
}
variable "user_started_hook" {
  type        = string
  default     = ""
  description = "Text of a script of the user's own that runs before a workflow job; empty for none."
}
variable "user_completed_hook" {
  type        = string
  default     = ""
  description = "Text of a script of the user's own that runs after a workflow job; empty for none."
}
