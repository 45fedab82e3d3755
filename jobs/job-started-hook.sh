#!/bin/sh
# ACTIONS_RUNNER_HOOK_JOB_STARTED: runs before the first step of every workflow job, tells start-runner.sh that a job
# has come, and keeps code of other repositories off the runners of a public repository: GitHub hands a job to any
# online runner that fits, so not starting a runner for such a job is no fence.
#
# The rule: a job is refused when the event that caused it says that the repository is public (or does not say) and the
# head repository is another one or unknown, unless the class allows it.
#
# Where its input comes from. The runner calls it as `bash -e FILE` (sh where there is no bash), outside any job
# container, with the runner's own environment and the `github` and `runner` contexts as GITHUB_* and RUNNER_*
# (src/Runner.Worker/Handlers/ScriptHandler.cs in actions/runner). The `env:` of a workflow and of its jobs is not part
# of that, nor are PATH additions, which only steps make; the event file is written anew right before.
#   GITHUB_EVENT_PATH, GITHUB_EVENT_NAME, GITHUB_REF   from GitHub
#   JOB_HOOK_STATE         file for start-runner.sh: `checking`, then `allowed` or `refused`
#   JOB_HOOK_ALLOW_FORKS   true: every job may run
#   JOB_HOOK_RUNNER_ROOT   where externals/node*/bin/node are, which every runner ships; else `node` on the PATH
#   JOB_HOOK_NEXT          the class's own hook, for jobs that are allowed
#
# The class's own hook runs as the runner would run it: same shell, environment and working directory, and what it writes
# to GITHUB_ENV or GITHUB_PATH counts. Its exit code is this one's: other than 0 fails the job as a failed hook does, so
# steps with `if: always()` still run. It is the operator's, no fence.
#
# Why a refusal is more than exit 1: a failed hook only sets the job's status, and steps with `if: always()` or
# `if: failure()` run all the same (StepsRunner.cs). So the hook ends the worker: on SIGTERM it skips all further steps
# and reports the job as failed, and it confirms by interrupting this hook. Where it does not, it is killed.
set -u
# The runner interrupts a hook on shutdown. Until there is a decision, that must not end this one.
trap '' INT TERM

state() { [ -z "${JOB_HOOK_STATE:-}" ] || printf '%s\n' "$1" >"$JOB_HOOK_STATE"; }

refuse() {
  printf '::error title=Workflow job refused by this runner::%s\n' "$1"
  state refused || :
  ended=
  trap 'ended=1' INT
  kill -s TERM "$PPID" || :
  # 5 s, or longer where `sleep` takes no fractions.
  tries=0
  while [ -z "$ended" ] && [ $tries -lt 25 ]; do
    sleep 0.2 2>/dev/null || sleep 1
    tries=$((tries + 1))
  done
  [ -n "$ended" ] || kill -s KILL "$PPID" || :
  exit 1
}

# Runs $JOB_HOOK_NEXT and hands signals on to it: the runner signals only this process, and kills it 10 s later.
run_next() {
  [ -r "$JOB_HOOK_NEXT" ] || fail "$JOB_HOOK_NEXT cannot be read."
  case $JOB_HOOK_NEXT in
    *.ps1) set -- pwsh -command ". '$JOB_HOOK_NEXT'" ;;
    *) set -- bash -e "$JOB_HOOK_NEXT" ;;
  esac
  [ "$1" != bash ] || command -v bash >/dev/null || { shift && set -- sh "$@"; }
  # A shell starts a background process with SIGINT ignored, and what finds it so keeps it so.
  interrupt=INT
  if env --default-signal=INT,QUIT true 2>/dev/null; then set -- env --default-signal=INT,QUIT "$@"; else interrupt=TERM; fi
  trap 'handed=1; kill -s $interrupt "$next_pid" || :' INT
  trap 'handed=1; kill -s TERM "$next_pid" || :' TERM
  "$@" &
  next_pid=$!
  # A trap ends `wait` before its time, with the signal's code in place of the hook's own.
  while handed=; wait "$next_pid"; code=$?; [ -n "$handed" ]; do :; done
  [ $code -eq 0 ] || fail "$JOB_HOOK_NEXT ended with $code."
  exit 0
}

# $1: why
fail() {
  printf '::error title=Job-started hook of this runner class::%s\n' "$1"
  exit "${code:-1}"
}

allow() {
  state allowed || refuse "The runner's state file cannot be written."
  [ -z "${JOB_HOOK_NEXT:-}" ] || run_next
  exit 0
}

state checking || refuse "The runner's state file cannot be written."
[ "${JOB_HOOK_ALLOW_FORKS:-false}" != true ] || allow

# A real JSON parser: nothing is decided by matching text.
unset NODE_OPTIONS
node=
for candidate in "${JOB_HOOK_RUNNER_ROOT:-/home/runner}"/externals/node*/bin/node "$(command -v node || :)"; do
  # Some of the runner's copies are built for another C library and do not start.
  if [ -x "$candidate" ] && "$candidate" -e 0 2>/dev/null; then
    node=$candidate
    break
  fi
done
[ -n "$node" ] || refuse "No node was found to read the event with, so nothing is known of the head repository."

# Exit 0: allowed; 3: refused with a reason; anything else is a refusal too.
# Whose code a run has, by event (docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows):
# - pull_request*, workflow_run: the payload names the head repository; null when the fork is gone. With
#   pull_request_target and workflow_run the workflow is the own one, but is there to work on the head.
# - check_run, check_suite: head_branch is null for a fork. status: no branch holds the commit.
# - issue_comment on a pull request: the payload does not name the head.
# - all others listed: a branch or tag of the repository itself. An event that is not listed is unknown.
# shellcheck disable=SC2016 # JavaScript
if reason=$("$node" -e '
const [, path, name, ref] = process.argv;
const end = (code, text) => { console.log(text); process.exit(code); };
let event;
try { event = JSON.parse(require("fs").readFileSync(path, "utf8")); } catch { event = undefined; }
if (typeof event !== "object" || event === null) end(3, "The event file is missing or not JSON.");
const own = event.repository;
if (own?.private === true) end(0, "");
const heads = [];
if (event.pull_request != null || name.startsWith("pull_request")) heads.push(event.pull_request?.head?.repo);
if (event.workflow_run != null || name === "workflow_run") heads.push(event.workflow_run?.head_repository);
const suite = event.check_suite ?? event.check_run?.check_suite;
if (suite != null || name.startsWith("check_")) {
  if (typeof suite?.head_branch !== "string") heads.push(null);
  for (const pull of suite?.pull_requests ?? []) heads.push(pull?.head?.repo);
}
if (event.issue?.pull_request != null) heads.push(null);
if (name === "status" && !(event.branches?.length > 0)) heads.push(null);
const isOwn = (head) => Number.isSafeInteger(own?.id) && head?.id === own.id;
const trusted = "branch_protection_rule check_run check_suite create delete deployment deployment_status discussion"
  + " discussion_comment fork gollum image_version issue_comment issues label merge_group milestone page_build public"
  + " push registry_package release repository_dispatch schedule status watch workflow_dispatch";
if (heads.some((head) => !isOwn(head))) {
  end(3, "This repository is public, and the code is another repository\u0027s or of unknown origin.");
}
if (heads.length === 0 && (!trusted.split(" ").includes(name) || ref.startsWith("refs/pull/"))) {
  end(3, "This repository is public, and its event does not say whose code would run.");
}
' "${GITHUB_EVENT_PATH:-}" "${GITHUB_EVENT_NAME:-}" "${GITHUB_REF:-}"); then
  allow
fi
refuse "${reason:-The event could not be examined.}"
