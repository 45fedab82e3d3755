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
for version in "$source"/*/*/; do
  # No tool at all: the pattern stands for itself.
  [ -d "$version" ] || continue
  version=${version%/}
  tool=${version%/*}
  mkdir -p "$own/${tool##*/}"
  # What the image has goes first.
  [ -e "$own/${tool##*/}/${version##*/}" ] || ln -s "$version" "$own/${tool##*/}/${version##*/}"
done
