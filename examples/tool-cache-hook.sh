#!/bin/sh
# A job-started hook: shows the tools of a read-only cache in the runner's own, by links. So setup-* actions find the versions
# that are there, and install others into the runner's own, which is gone with the job.
#
#   TOOL_CACHE_SOURCE   the cache that is mounted read-only [/opt/toolcache]
#   RUNNER_TOOL_CACHE   the runner's own; the runner sets it for hooks as for steps
#
# Layout of both: <tool>/<version>/<architecture>/ and, beside it, <architecture>.complete
# (packages/tool-cache in actions/toolkit).
set -eu
source=${TOOL_CACHE_SOURCE:-/opt/toolcache}
own=${RUNNER_TOOL_CACHE:?the runner has no tool cache}
for marker in "$source"/*/*/*.complete; do
  # No tool at all: the pattern stands for itself.
  [ -d "${marker%.complete}" ] || continue
  version=${marker#"$source"/}
  at=$own/${version%/*}
  name=${marker##*/}
  name=${name%.complete}
  # What the image has goes first.
  [ ! -e "$at/$name" ] || continue
  # Each architecture by itself, in a directory of the runner's own: there a setup action can remove a link that leads
  # nowhere, as in a job's container, which does not have the source, and install what is missing.
  mkdir -p "$at"
  ln -sf "${marker%.complete}" "$at/"
  ln -sf "$marker" "$at/"
done
