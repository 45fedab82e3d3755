# shellcheck shell=sh
# Sourced by start-runner.sh and release-runner.sh: reads the dispatch payload, shows its claim to the Worker, and takes
# away what a runner leaves on its node. POSIX sh with curl, find and coreutils (head, date, sleep, rm, id, chmod, tr,
# timeout, readlink).
#
# Environment (defaults in brackets; times in seconds)
#   RUNNER_PAYLOAD                dispatch payload, deleted when read [$NOMAD_TASK_DIR/dispatch.json]
#   RUNNER_CLAIM_TIMEOUT_SECONDS  for an answer, over all attempts [600 to POST, 120 to DELETE]
#   RUNNER_CLAIM_ATTEMPT_SECONDS  for one attempt [45]
#   RUNNER_CLAIM_PAUSE_SECONDS    before the second attempt; doubles up to 30 [1]
#   RUNNER_POLL_SECONDS           between looks at the clock while waiting; fractions if `sleep` takes them [1]
#   RUNNER_CLEAN_SECONDS          to remove what the runner wrote [20 in start-runner.sh, 120 in release-runner.sh]
#   NOMAD_ALLOC_ID                names the holder, so that a lost answer can be asked for again, and marks processes
#   NOMAD_ALLOC_DIR               shared by the tasks of an allocation: runner/ in it and what is in tmp/ are removed at
#                                 the end, and runner-exit has the exit code of start-runner.sh for release-runner.sh
#   NOMAD_TASK_DIR                this task's own directory
#
# curl is called as `curl --disable --silent --show-error --include --connect-timeout N --max-time N
# --write-out FORMAT --config -`, where FORMAT is \n%{http_code} and the config on its stdin has the keys url, request,
# data, header, noproxy and unix-socket.

# A name that comes in with the environment stays exported when it is assigned: none of these may.
unset claim claim_url response json value status told
nl='
'
signal=
trap 'signal=INT' INT
trap 'signal=TERM' TERM

log() {
  me=${0##*/}
  printf '%s: %s\n' "${me%.sh}" "$1"
}

# $1: exit code, $2: what was wrong and what to do
die() {
  log "$2" >&2
  exit "$1"
}

now() { date +%s; }

# Sleeps $1 seconds, but not past a signal.
pause() {
  pause_end=$(($(now) + $1))
  while [ -z "$signal" ] && [ "$(now)" -lt "$pause_end" ]; do sleep "$RUNNER_POLL_SECONDS"; done
}

# $1: variable's name, $2: its default. Sets it to a whole number of seconds.
seconds() {
  eval "value=\${$1:-$2}"
  case $value in
    *[!0-9]* | 0?* | ??????????*) die 10 "$1 must be a whole number of seconds, got '$value'" ;;
  esac
  eval "$1=\$value"
}

# $1: default of the whole time to wait for an answer, $2: default of RUNNER_CLEAN_SECONDS
configure_claim() {
  [ -n "${NOMAD_TASK_DIR:-}" ] || die 10 "NOMAD_TASK_DIR is not set; Nomad sets it to the task's local directory"
  RUNNER_PAYLOAD=${RUNNER_PAYLOAD:-$NOMAD_TASK_DIR/dispatch.json}
  seconds RUNNER_CLAIM_TIMEOUT_SECONDS "$1"
  seconds RUNNER_CLAIM_ATTEMPT_SECONDS 45
  seconds RUNNER_CLAIM_PAUSE_SECONDS 1
  seconds RUNNER_CLEAN_SECONDS "$2"
  RUNNER_POLL_SECONDS=${RUNNER_POLL_SECONDS:-1}
  case ${NOMAD_ALLOC_ID:-} in *[!A-Za-z0-9-]*) die 10 "NOMAD_ALLOC_ID must be letters, digits and -" ;; esac
  command -v curl >/dev/null || die 10 "curl is not on the PATH; the claim is shown with it"
}

# $1: JSON as JSON.stringify makes it, one line, whose strings need no escapes: then every quote is a boundary and a
# key can be found by its text. Anything else is refused.
plain() (
  LC_ALL=C
  case $1 in *[!\ -~]* | *\\*) exit 1 ;; '{'*'}') exit 0 ;; esac
  exit 1
)

# $1: key. Sets $value to its string in $json; fails unless the key is there exactly once.
field() {
  case $json in *"\"$1\":"*"\"$1\":"*) return 1 ;; esac
  case $json in *['{,']"\"$1\":\""*\"*) ;; *) return 1 ;; esac
  value=${json#*"\"$1\":\""}
  value=${value%%\"*}
}

# Sets $claim and $claim_url, and deletes the payload.
read_payload() {
  [ -f "$RUNNER_PAYLOAD" ] || die 11 "no dispatch payload at $RUNNER_PAYLOAD; dispatch the job with one"
  json=$(head -c 16385 "$RUNNER_PAYLOAD")
  # Before anything else: from here on the claim is in this shell's memory only.
  rm -f "$RUNNER_PAYLOAD"
  [ ! -e "$RUNNER_PAYLOAD" ] || die 11 "cannot delete $RUNNER_PAYLOAD; its directory must be writable by $(id -un)"
  [ ${#json} -le 16384 ] || die 11 "the payload is longer than Nomad allows"
  plain "$json" || die 11 "the payload is not one line of plain JSON, as the Worker makes it"
  field claim_url || die 11 "the payload does not have one claim_url"
  claim_url=$value
  case $claim_url in
    *[!A-Za-z0-9._:/-]*) die 11 "claim_url has characters that a claim URL does not have" ;;
    https://?*/runners/claim | http://127.0.0.1:*/runners/claim | http://localhost:*/runners/claim) ;;
    *) die 11 "claim_url must be https://HOST/runners/claim (http only to this machine)" ;;
  esac
  field claim || die 11 "the payload does not have one claim"
  claim=$value json='' value=''
  # base64url of at most 1,024 characters, a dot, base64url of 32 bytes
  case $claim in
    *.*.* | .* | *[!A-Za-z0-9._-]*) ;;
    *.???????????????????????????????????????????) [ ${#claim} -gt 1068 ] || return 0 ;;
  esac
  die 11 "the claim does not have a claim's form"
}

# The secret goes to curl through a pipe: every user can read a process's arguments, and a here-document can be a file.
request() {
  printf 'url = "%s"\nrequest = "%s"\ndata = ""\nheader = "Authorization: Bearer %s"\n' "$claim_url" "$1" "$claim"
  [ -z "${NOMAD_ALLOC_ID:-}" ] || printf 'header = "X-Runner-Holder: %s"\n' "$NOMAD_ALLOC_ID"
  [ -z "${told:-}" ] || printf 'header = "X-Runner-Exit: %s"\n' "$told"
}

# $1: POST or DELETE. Sets $status (000: no answer) and $response, headers first.
attempt() {
  status=000
  response=$(request "$1" | curl --disable --silent --show-error --include --connect-timeout 10 \
    --max-time "$RUNNER_CLAIM_ATTEMPT_SECONDS" --write-out '\n%{http_code}' --config -) || return 0
  status=${response##*"$nl"}
  response=${response%"$nl"*}
}

# Sets $wait to what the answer asks for, or to the next of 1, 2, 4 … 30 s.
retry_after() {
  wait=$backoff
  case $response in *[Rr]etry-[Aa]fter:*)
    value=${response#*[Rr]etry-[Aa]fter:}
    value=${value# }
    value=${value%%[!0-9]*}
    case $value in '' | 0?* | ?????*) ;; *) wait=$value ;; esac
    ;;
  esac
  backoff=$((backoff * 2))
  [ $backoff -le 30 ] || backoff=30
}

# $1: POST or DELETE. Shows the claim until an answer is final, a signal comes ($signal) or the time is over (fails).
# A lost answer is asked for by the same request again: the Worker knows the holder.
show_claim() {
  claim_end=$(($(now) + RUNNER_CLAIM_TIMEOUT_SECONDS))
  backoff=$RUNNER_CLAIM_PAUSE_SECONDS
  while :; do
    attempt "$1"
    # What a network, an edge in front of the Worker or a Worker that is busy says. 502 is the Worker's word on GitHub.
    case $status in 000 | 429 | 500 | 503 | 504 | 52? | 530) ;; *) return 0 ;; esac
    retry_after
    [ $(($(now) + wait)) -lt "$claim_end" ] || return 1
    log "answer $status to the claim; asking again in $wait s"
    pause "$wait"
    [ -z "$signal" ] || return 0
  done
}

# Sets $runner_directory: where a runner lives that is the allocation's own. Fails where the environment does not say so
# beyond doubt, since what is there is removed, at times by root. Nomad calls the shared directory `alloc` everywhere.
own_directory() {
  case ${NOMAD_ALLOC_DIR:-} in
    *[!A-Za-z0-9._/@:+-]* | *..* | *//* | [!/]*) return 1 ;;
    */alloc) runner_directory=$NOMAD_ALLOC_DIR/runner ;;
    *) return 1 ;;
  esac
}

# $1: exit code, for release-runner.sh. 1<>: what workflow code may have put there is not waited for, as a FIFO would be.
write_exit() {
  own_directory || return 0
  rm -f "$NOMAD_ALLOC_DIR/runner-exit" 2>/dev/null && printf '%s\n' "$1" 1<>"$NOMAD_ALLOC_DIR/runner-exit"
}

# Sets $told to the exit code of start-runner.sh, or to nothing.
read_exit() {
  told=
  own_directory && [ -f "$NOMAD_ALLOC_DIR/runner-exit" ] && [ ! -L "$NOMAD_ALLOC_DIR/runner-exit" ] || return 0
  told=$(head -c 4 "$NOMAD_ALLOC_DIR/runner-exit" 2>/dev/null | tr -d '\000')
  case $told in *[!0-9]* | ????*) told= ;; esac
}

# $1: process id. Whether it is the runner's: the mark of this allocation in the environment with which it began, or at
# work in the directory that is going to be removed, as a daemon is whose title overwrites its environment. Of other
# users' processes only root can know, and nothing of a machine's other processes is guessed.
is_left() {
  [ "$1" != $$ ] && [ -r "/proc/$1/environ" ] || return 1
  case $nl$(tr '\000' '\n' 2>/dev/null <"/proc/$1/environ")$nl in
    *"${nl}RUNNER_ALLOCATION=$NOMAD_ALLOC_ID$nl"*) return 0 ;;
  esac
  own_directory || return 1
  case $(readlink "/proc/$1/cwd" 2>/dev/null) in "$runner_directory" | "$runner_directory"/*) return 0 ;; esac
  return 1
}

# Kills what a workflow job left running. With exec and docker the PID namespace would; with raw_exec Nomad kills the
# task's process group, and its cgroup only as root and after the poststop task (drivers/shared/executor and
# client/allocrunner/taskrunner in hashicorp/nomad). A daemon is in neither by then, and may write into what is removed.
end_processes() {
  [ -n "${NOMAD_ALLOC_ID:-}" ] || return 0
  rounds=0 left=some
  while [ -n "$left" ] && [ $rounds -lt 20 ]; do
    left=
    for value in /proc/[0-9]*; do
      is_left "${value#/proc/}" || continue
      left="$left ${value#/proc/}"
      kill -s KILL "${value#/proc/}" 2>/dev/null
    done
    [ -z "$left" ] || sleep 0.1 2>/dev/null || sleep 1
    rounds=$((rounds + 1))
  done
  [ $rounds -eq 1 ] || log "ended what was left running"
  [ -z "$left" ] || log "processes do not end:$left" >&2
}

is_clean() {
  [ ! -e "$runner_directory" ] && [ ! -L "$runner_directory" ] || return 1
  for value in "$NOMAD_ALLOC_DIR"/tmp/* "$NOMAD_ALLOC_DIR"/tmp/.[!.]* "$NOMAD_ALLOC_DIR"/tmp/..?*; do
    [ ! -e "$value" ] && [ ! -L "$value" ] || return 1
  done
}

# $@: what to run it with. Neither program follows a link, nor (rm: GNU's) enters another file system.
clear_away() {
  rest=$((clean_end - $(now)))
  [ "$rest" -gt 0 ] || return 1
  "$@" timeout "$rest" rm -rf ${one_file_system:+"$one_file_system"} -- "$runner_directory" 2>/dev/null
  "$@" timeout "$rest" find "$NOMAD_ALLOC_DIR/tmp" -xdev -mindepth 1 -delete 2>/dev/null
  is_clean
}

# Nomad keeps the directory of an allocation until garbage collection, and with it a gigabyte of every job. alloc/tmp is
# Nomad's own, and /tmp of a runner with a Docker daemon. What another user wrote (a container as root, sudo) takes more
# rights: sudo where the workflow had it, or a poststop task as root.
remove_runner() {
  own_directory && ! is_clean || return 0
  while read -r _ value _; do
    case $value in "$runner_directory" | "$runner_directory"/* | "$NOMAD_ALLOC_DIR"/tmp/*)
      log "$value is mounted; what the runner wrote stays, unmount it first" >&2
      return 0
      ;;
    esac
  done </proc/self/mounts
  clean_end=$(($(now) + RUNNER_CLEAN_SECONDS))
  one_file_system=--one-file-system
  rm "$one_file_system" -f 2>/dev/null || one_file_system=
  clear_away && return
  # A job's own read-only directories, such as Go's module cache. chmod follows a link that it is given, and root needs none.
  for value in "$runner_directory" "$NOMAD_ALLOC_DIR/tmp"; do
    [ "$(id -u)" -eq 0 ] || [ -L "$value" ] || [ ! -d "$value" ] ||
      timeout "$RUNNER_CLEAN_SECONDS" chmod -R u+rwx "$value" 2>/dev/null
  done
  clear_away && return
  ! sudo -n true 2>/dev/null || ! clear_away sudo -n || return 0
  log "cannot remove all that the runner wrote; Nomad does at garbage collection" >&2
}
