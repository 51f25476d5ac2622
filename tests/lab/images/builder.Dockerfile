# Where releases are built: Debian 13's own Docker with the containerd image store, whose digests survive save and load.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      docker.io docker-cli docker-buildx iptables busybox-static
COPY daemon.json /etc/docker/daemon.json
