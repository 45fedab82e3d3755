#!/bin/sh
# One runner, at most one workflow job: shows the dispatch's claim to the Worker, starts the runner's listener with the
# JIT config it got for it, watches over it, and takes away what it leaves. The main task of runner.nomad.hcl.
#
# Environment (defaults in brackets; times in seconds), besides what claim.sh, beside this file, reads
#   RUNNER_ROOT                   the unpacked runner: bin/, externals/ [/home/runner]
#   RUNNER_COPY                   true: copy it to $NOMAD_ALLOC_DIR/runner and run that [false]. A runner there, copied
#                                 or not, has HOME and TMPDIR there, too, and is removed at the end
#   RUNNER_LISTENER               program to start [bin/Runner.Listener in the root that is used]
#   RUNNER_HOOK                   job-started hook [$NOMAD_TASK_DIR/job-started-hook.sh]
#   RUNNER_USER_STARTED_HOOK      script that runs after it, where its word is to run the workflow job [none]
#   RUNNER_USER_COMPLETED_HOOK    script that runs after the last step of a workflow job [none]
#   DOCKER_HOST                   unix:///PATH or tcp://HOST:PORT of a Docker daemon of the runner's own [none]
#   RUNNER_WAIT_FOR_DOCKER_SECONDS  for it to answer, before the claim is shown [0: it is not waited for]
#   RUNNER_ALLOW_FORKS            true: the hook lets other repositories' code run [false]
#   RUNNER_IDLE_TIMEOUT_SECONDS   without a workflow job, from the listener's start [300]
#   RUNNER_MAX_DURATION_SECONDS   of a workflow job, from when it is first seen [21600]
#   RUNNER_STOP_GRACE_SECONDS     from SIGINT to SIGKILL; the listener itself takes up to 30 [60]
#   RUNNER_UPDATE_WAIT_SECONDS    for the runner's own update to finish [30]
#   RUNNER_RETRY_PAUSE_SECONDS    before the listener is started again after its code 2 [5]
#   RUNNER_POLL_SECONDS           between looks at the listener [1]
#
# Exit codes
#     0  a workflow job ran, whatever its result; or nothing waits any more (410), or the claim is another's (409):
#        then no runner was started
#    10  misconfigured: a number, a program or a file that is needed
#    11  the payload is missing, is not what the Worker sends, or cannot be deleted
#    12  the claim is forged or expired (401)
#    13  GitHub refused the JIT config (502)
#    14  no answer to the claim in time
#    15  an answer to the claim that is not understood
#    16  no Docker daemon in time; the claim was not shown
#    20  idle: no workflow job came
#    21  the workflow job was stopped at its maximum duration
#    22  no workflow job came and the listener left by itself: GitHub removed the runner
#    23  the hook refused the workflow job
#   30+n the listener ended with n: 31 JIT config or registration refused, 32 gave up retrying, 33 and 34 updates
#        without end, 35 session conflict, 37 version deprecated; 39 anything else, a signal too
#        (n: src/Runner.Common/Constants.cs in actions/runner)
#   130, 143  stopped by SIGINT, SIGTERM
set -u
. "${0%/*}/claim.sh"
unset jit_config
reason='' verdict='' listener_pid='' root='' code=0

configure() {
  configure_claim 600 20
  RUNNER_ROOT=${RUNNER_ROOT:-/home/runner}
  RUNNER_HOOK=${RUNNER_HOOK:-$NOMAD_TASK_DIR/job-started-hook.sh}
  state=$NOMAD_TASK_DIR/runner-state
  seconds RUNNER_IDLE_TIMEOUT_SECONDS 300
  seconds RUNNER_MAX_DURATION_SECONDS 21600
  seconds RUNNER_STOP_GRACE_SECONDS 60
  seconds RUNNER_UPDATE_WAIT_SECONDS 30
  seconds RUNNER_RETRY_PAUSE_SECONDS 5
  seconds RUNNER_WAIT_FOR_DOCKER_SECONDS 0
  listener=${RUNNER_LISTENER:-$RUNNER_ROOT/bin/Runner.Listener}
  [ -x "$listener" ] || die 10 "no listener at $listener; set RUNNER_ROOT to an unpacked runner"
  # The runner fails the hook's step when the file is missing, but goes on to the steps that say `if: always()`.
  [ -r "$RUNNER_HOOK" ] || die 10 "no job-started hook at $RUNNER_HOOK; without it no workflow job may run"
  for value in "${RUNNER_USER_STARTED_HOOK:-}" "${RUNNER_USER_COMPLETED_HOOK:-}"; do
    [ -z "$value" ] || [ -r "$value" ] || die 10 "no hook at $value, which the class names"
  done
  [ "${RUNNER_COPY:-false}" != true ] || own_directory ||
    die 10 "NOMAD_ALLOC_DIR must be an absolute path that ends in /alloc to copy the runner to, got '${NOMAD_ALLOC_DIR:-}'"
  # A shell starts background processes with SIGINT ignored, and a program that finds it so keeps it so.
  stop_signal=INT default_signal='env --default-signal=INT,QUIT'
  if ! $default_signal true 2>/dev/null; then
    # Not GNU coreutils. The listener takes SIGTERM as it takes SIGINT (src/Runner.Listener/Runner.cs).
    stop_signal=TERM default_signal=
  fi
}

# A JIT config is good for minutes only, so the daemon comes first: a sidecar has been started, but not more.
wait_for_docker() {
  [ "$RUNNER_WAIT_FOR_DOCKER_SECONDS" -gt 0 ] || return 0
  value=${DOCKER_HOST:-}
  case $value in
    *[!A-Za-z0-9._:/-]*) value= ;;
    unix:///?*) value="url = \"http://docker/_ping\"${nl}unix-socket = \"${value#unix://}\"" ;;
    tcp://?*) value="url = \"http://${value#tcp://}/_ping\"" ;;
    *) value= ;;
  esac
  [ -n "$value" ] || die 10 "DOCKER_HOST must be unix:///PATH or tcp://HOST:PORT, got '${DOCKER_HOST:-}'"
  docker_end=$(($(now) + RUNNER_WAIT_FOR_DOCKER_SECONDS))
  while [ -z "$signal" ]; do
    response=$(printf '%s\nnoproxy = "*"\n' "$value" | curl --disable --silent --max-time 5 --config -)
    [ "$response" != OK ] || return 0
    [ "$(now)" -lt "$docker_end" ] ||
      die 16 "no Docker daemon at $DOCKER_HOST within $RUNNER_WAIT_FOR_DOCKER_SECONDS s; no runner started"
    sleep "$RUNNER_POLL_SECONDS"
  done
  leave
}

# Exits unless the claim is granted.
claim_or_leave() {
  show_claim POST || die 14 "no answer to the claim in time (last: $status); no runner started"
  [ -z "$signal" ] || leave
  case $status in
    201) return ;;
    409) log "409: another allocation holds this claim; no runner started" && exit 0 ;;
    410) log "410: no workflow job waits any more; no runner started" && exit 0 ;;
    401) die 12 "401: the claim is forged or expired; no runner started" ;;
    502) die 13 "502: GitHub refused a JIT config, see the Worker's log; no runner started" ;;
  esac
  die 15 "answer $status to the claim; is $claim_url the Worker?"
}

# Sets $jit_config from the last line of the response.
read_answer() {
  json=${response%"$nl"}
  json=${json##*"$nl"}
  response=
  plain "$json" || die 15 "the answer to the claim is not one line of plain JSON"
  field runner_name || die 15 "the answer to the claim names no runner"
  case $value in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._-]*) die 15 "the answer has no proper runner name" ;; esac
  log "runner $value"
  field encoded_jit_config || die 15 "the answer has no JIT config"
  jit_config=$value json='' value=
  case $jit_config in '' | *[!A-Za-z0-9+/=_-]*) die 15 "the JIT config is not base64" ;; esac
}

# Its own Docker daemon mounts externals/ into job containers, and sees of the runner only what they share.
copy_runner() {
  mkdir "$root" && cp -R "$RUNNER_ROOT/bin" "$root/bin" || return 1
  if [ -n "${DOCKER_HOST:-}" ]; then
    cp -R "$RUNNER_ROOT/externals" "$root/externals" || return 1
  else
    ln -s "$RUNNER_ROOT/externals" "$root/externals" || return 1
  fi
  # What the operator put into every job's environment and PATH (`.env` and `.path` of the runner's root).
  for value in .env .path; do
    [ ! -f "$RUNNER_ROOT/$value" ] || cp "$RUNNER_ROOT/$value" "$root/$value" || return 1
  done
}

# The listener writes its credentials beside its bin/, so two allocations may never share a root. Its real path counts:
# bin/ must be a copy, externals/ may be a link.
prepare_root() {
  root=$RUNNER_ROOT
  if [ "${RUNNER_COPY:-false}" = true ]; then
    root=$runner_directory
    copy_runner || die 10 "cannot copy $RUNNER_ROOT to $root"
  elif ! mkdir "$root/.in-use" 2>/dev/null; then
    die 10 "$root is not writable, or was used by another allocation; set RUNNER_COPY=true"
  fi
  rm -rf "$state" "$root"/_diag/Worker_*.log
  mkdir "$state" || die 10 "cannot create $state"
  listener=${RUNNER_LISTENER:-$root/bin/Runner.Listener}
  # With raw_exec these are else every runner's, and with exec the home does not exist.
  ! own_directory || [ "$root" != "$runner_directory" ] || mkdir -p "$root/_home" "$root/_tmp" ||
    die 10 "cannot create $root/_home and $root/_tmp"
}

# Starts the listener. $1: JIT config, or empty on a restart: it has written what it needs then.
# Only the subshell that becomes the listener ever has it exported; the listener unsets it for its own children. Code of
# the same user can still read /proc/PID/environ of the listener, as it can the credentials beside bin/: by then the
# config is spent, and both are this one runner's.
launch() {
  (
    cd "$root" || exit 1
    [ -z "$1" ] || export ACTIONS_RUNNER_INPUT_JITCONFIG="$1"
    export ACTIONS_RUNNER_HOOK_JOB_STARTED="$RUNNER_HOOK" ACTIONS_RUNNER_RETURN_VERSION_DEPRECATED_EXIT_CODE=1 \
      JOB_HOOK_STATE="$state/job" JOB_HOOK_ALLOW_FORKS="${RUNNER_ALLOW_FORKS:-false}" JOB_HOOK_RUNNER_ROOT="$root" \
      JOB_HOOK_NEXT="${RUNNER_USER_STARTED_HOOK:-}" RUNNER_ALLOCATION="${NOMAD_ALLOC_ID:-}"
    [ -z "${RUNNER_USER_COMPLETED_HOOK:-}" ] || export ACTIONS_RUNNER_HOOK_JOB_COMPLETED="$RUNNER_USER_COMPLETED_HOOK"
    [ ! -d "$root/_home" ] || export HOME="$root/_home" TMPDIR="$root/_tmp"
    unset NOMAD_TOKEN VAULT_TOKEN CONSUL_HTTP_TOKEN CONSUL_TOKEN
    # shellcheck disable=SC2086 # a command with its arguments, or nothing
    exec $default_signal "$listener" run
  ) &
  listener_pid=$!
}

# The shell reaps a child while it waits for any other command, so this is false at the latest one poll after its end.
alive() { kill -0 "$listener_pid" 2>/dev/null; }

# $1: why. SIGINT lets the listener cancel the workflow job and report it. What it leaves running ends with the
# container, the cgroup or the PID namespace of the task.
stop_listener() {
  log "$1; stopping the listener"
  kill -s "$stop_signal" "$listener_pid" 2>/dev/null
  stop_end=$(($(now) + RUNNER_STOP_GRACE_SECONDS))
  while alive && [ "$(now)" -lt "$stop_end" ]; do sleep "$RUNNER_POLL_SECONDS"; done
  if alive; then
    log "the listener did not end within $RUNNER_STOP_GRACE_SECONDS s; killing it"
    kill -s KILL "$listener_pid" 2>/dev/null
  fi
}

# $1: exit code, $2: why
halt() {
  reason=$1
  stop_listener "$2"
}

# Sets $verdict once a workflow job has come: the hook's word, or `seen` from when the runner starts its Worker process
# (which opens a log of this name) and fetches actions until its first step, the hook.
look() {
  if [ -s "$state/job" ]; then
    # Empty while the hook writes it anew.
    read -r value <"$state/job"
    verdict=${value:-$verdict}
  elif [ -z "$verdict" ]; then
    for value in "$root"/_diag/Worker_*.log; do [ ! -e "$value" ] || verdict=seen; done
  fi
}

# Polls until the listener has ended. No wait is longer than one poll, so signals and limits are served in time and no
# sleeping process is left behind. Sets $code.
watch_listener() {
  while alive; do
    if [ -n "$signal" ]; then
      stop_listener "SIG$signal"
      break
    fi
    look
    case $verdict in
      '') [ "$(now)" -lt "$idle_end" ] || halt 20 "no workflow job in $RUNNER_IDLE_TIMEOUT_SECONDS s" ;;
      refused) halt 23 "the hook refused the workflow job" ;;
      *)
        [ -n "$job_end" ] || job_end=$(($(now) + RUNNER_MAX_DURATION_SECONDS))
        [ "$(now)" -lt "$job_end" ] || halt 21 "the workflow job ran for $RUNNER_MAX_DURATION_SECONDS s"
        ;;
    esac
    [ -z "$reason" ] || break
    sleep "$RUNNER_POLL_SECONDS"
  done
  wait "$listener_pid"
  code=$?
  look
}

# 2: retry; 3 and 4: the listener makes room for its own update, which says when it is done. An update costs a minute
# of every workflow job, so the image should be newer; but GitHub gives no job to a runner that refuses it.
wait_for_restart() {
  log "the listener ended with $code; starting it again"
  if [ "$code" -eq 2 ]; then
    pause "$RUNNER_RETRY_PAUSE_SECONDS"
    return
  fi
  update_end=$(($(now) + RUNNER_UPDATE_WAIT_SECONDS))
  while [ -z "$signal" ] && [ ! -e "$root/update.finished" ] && [ "$(now)" -lt "$update_end" ]; do
    sleep "$RUNNER_POLL_SECONDS"
  done
  rm -f "$root/update.finished"
}

leave() {
  [ -z "$reason" ] || exit "$reason"
  # Before the hook's word: one that is interrupted refuses, too.
  case $signal in INT) exit 130 ;; TERM) exit 143 ;; esac
  [ "$verdict" != refused ] || die 23 "the hook refused the workflow job"
  if [ "$code" -eq 0 ]; then
    [ -n "$verdict" ] || die 22 "the listener left without a workflow job"
    log "the workflow job has ended"
    exit 0
  fi
  [ "$code" -le 8 ] || die 39 "the listener ended with $code"
  die $((30 + code)) "the listener ended with $code"
}

# Whatever the end. The exit code comes first: Nomad may not wait for the rest.
# shellcheck disable=SC2317 # the trap below calls it
last_words() {
  code=$?
  write_exit "$code"
  [ -z "$root" ] || end_processes
  [ -z "$root" ] || remove_runner
  exit "$code"
}

trap last_words EXIT
# What stands if SIGKILL ends this script.
write_exit 137
configure
read_payload
wait_for_docker
claim_or_leave
claim=
read_answer
[ -z "$signal" ] || leave
prepare_root
restarts=0 job_end=
idle_end=$(($(now) + RUNNER_IDLE_TIMEOUT_SECONDS))
launch "$jit_config"
jit_config=
watch_listener
while [ -z "$reason$signal$verdict" ] && [ "$code" -ge 2 ] && [ "$code" -le 4 ] && [ $restarts -lt 3 ]; do
  restarts=$((restarts + 1))
  wait_for_restart
  [ -z "$signal" ] || leave
  launch ''
  watch_listener
done
leave
