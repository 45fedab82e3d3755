#!/bin/sh
# Downloads GitHub's runner for Linux, holds it to its SHA-256, and unpacks it. Part of the image's build; POSIX sh, curl,
# coreutils, tar and gzip.
#
#   install-runner.sh <directory>
#
# Environment
#   TARGETARCH             amd64 or arm64, as Docker's builder names them
#   RUNNER_VERSION         such as 2.338.0
#   RUNNER_SHA256_X64      checksum of the archive for amd64
#   RUNNER_SHA256_ARM64    checksum of the archive for arm64
#   RUNNER_DOWNLOAD_URL    where releases lie [https://github.com/actions/runner/releases/download]
#
# Exit codes: 0 unpacked; 2 called wrongly; 3 not downloaded; 4 another archive than the checksum says: nothing of it was
# unpacked; 5 not unpacked, or no runner.
set -eu

fail() {
  code=$1
  shift
  echo "install-runner: $*" >&2
  exit "$code"
}

directory=${1:-}
[ -n "$directory" ] || fail 2 'names no directory; call it as install-runner.sh <directory>'
case ${TARGETARCH:-} in
  amd64) architecture=x64 sha256=${RUNNER_SHA256_X64:-} ;;
  arm64) architecture=arm64 sha256=${RUNNER_SHA256_ARM64:-} ;;
  *) fail 2 "TARGETARCH must be amd64 or arm64, got '${TARGETARCH:-}'" ;;
esac
arguments='npm run --silent runner-release -- build-args'
version=${RUNNER_VERSION:-}
case $version in
  '' | *[!0-9.]*) fail 2 "RUNNER_VERSION must be a version such as 2.338.0, got '$version'; build with: $arguments" ;;
esac
case $sha256 in
  *[!0-9a-f]*) fail 2 "the checksum for $architecture must be 64 hex digits, got '$sha256'; build with: $arguments" ;;
esac
[ "${#sha256}" -eq 64 ] ||
  fail 2 "the checksum for $architecture must be 64 hex digits, got '$sha256'; build with: $arguments"

url=${RUNNER_DOWNLOAD_URL:-https://github.com/actions/runner/releases/download}
url=$url/v$version/actions-runner-linux-$architecture-$version.tar.gz
archive=$(mktemp)
trap 'rm -f "$archive"' EXIT
# 15 minutes: the archive has some 230 MB. curl tries again after what may pass: a timeout, 408, 429 and 5xx.
curl --fail --location --silent --show-error --retry 3 --connect-timeout 20 --max-time 900 \
  --output "$archive" "$url" || fail 3 "could not download $url"
echo "$sha256  $archive" | sha256sum -c - >/dev/null 2>&1 ||
  fail 4 "$url has the SHA-256 $(sha256sum "$archive" | cut -d ' ' -f 1), not $sha256; it is not the archive that was released"
mkdir -p "$directory"
tar -xzf "$archive" -C "$directory" || fail 5 "could not unpack $url into $directory"
[ -x "$directory/bin/Runner.Listener" ] || fail 5 "$url holds no bin/Runner.Listener"
