#!/bin/sh
# Gives a dispatch's claim back: the Worker spends it and removes the runner's registration if one is left. Then, where
# start-runner.sh was killed, it ends and removes what that one could not. The poststop task of runner.nomad.hcl;
# idempotent. claim.sh, beside this file, says what it reads from the environment.
#
# Exit codes
#     0  done, or the Worker could not be reached or refused: its sweep removes what is left, and a failure here would
#        make Nomad show an allocation as failed whose workflow job went well
#    10  misconfigured: a number or a program that is needed
#    11  the payload is missing, is not what the Worker sends, or cannot be deleted
set -u
. "${0%/*}/claim.sh"

# shellcheck disable=SC2317 # the trap below calls it
last_words() {
  code=$?
  end_processes
  remove_runner
  exit "$code"
}

configure_claim 120 120
trap last_words EXIT
read_payload
read_exit
if ! show_claim DELETE || [ -n "$signal" ]; then
  log "no answer in time (last: $status); the Worker's sweep removes the runner" >&2
elif [ "$status" = 204 ]; then
  log "the claim is given back"
else
  log "answer $status; the Worker's sweep removes the runner" >&2
fi
exit 0
