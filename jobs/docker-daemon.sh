#!/bin/sh
# The runner's own Docker daemon: the docker task of runner.nomad.hcl, in an image of docker:dind or docker:dind-rootless.
# It starts the image's entrypoint; the runner waits until the daemon answers.
#
# Environment (defaults in brackets)
#   NOMAD_ALLOC_DIR          directory that this container and the runner's have at the same path: socket and data
#   NOMAD_TASK_DIR           home of a rootless daemon
#   DOCKER_SOCKET_GROUP      number of the group that may use the socket of a daemon that runs as root
#   DOCKER_REGISTRY_MIRRORS  pull-through mirrors of Docker Hub, with blanks between them [none]
#
# Exit codes: 10 misconfigured, else the daemon's.
set -u

die() {
  printf 'docker-daemon: %s\n' "$1" >&2
  exit 10
}

case ${NOMAD_ALLOC_DIR:-} in
  /?*) ;;
  *) die "NOMAD_ALLOC_DIR must be an absolute path, got '${NOMAD_ALLOC_DIR:-}'; Nomad sets it" ;;
esac
# Where the image has its data there is a tmpfs; the poststop task removes this one with what other users wrote into it.
mkdir "$NOMAD_ALLOC_DIR/docker" || die "cannot create $NOMAD_ALLOC_DIR/docker"

# The second socket is for the containers that the runner starts: it mounts /var/run/docker.sock into each of them, and that
# is a path of this container. Neither is TCP, which every process in the network namespace could reach without a group.
set -- dockerd --host="unix://$NOMAD_ALLOC_DIR/docker.sock" --host=unix:///var/run/docker.sock \
  --data-root="$NOMAD_ALLOC_DIR/docker"

if [ "$(id -u)" -eq 0 ]; then
  case ${DOCKER_SOCKET_GROUP:-} in
    '' | *[!0-9]*) die "DOCKER_SOCKET_GROUP must be the number of a group, got '${DOCKER_SOCKET_GROUP:-}'" ;;
  esac
  set -- "$@" --group="$DOCKER_SOCKET_GROUP"
else
  # Its root is who runs it, and so runs the runner: as the socket's owner that one needs no group.
  export HOME="${NOMAD_TASK_DIR:?}"
fi

for mirror in ${DOCKER_REGISTRY_MIRRORS:-}; do
  case $mirror in
    http://?* | https://?*) set -- "$@" --registry-mirror="$mirror" ;;
    *) die "a registry mirror must be an http or https URL, got '$mirror'" ;;
  esac
done

unset DOCKER_HOST
exec dockerd-entrypoint.sh "$@"
