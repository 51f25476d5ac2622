# A bare Debian 13 machine as a site engineer meets it: systemd, sshd, one administrator with a key and sudo.
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
      systemd systemd-sysv dbus python3-apt iproute2 nftables network-manager openssh-server \
      sudo curl gnupg jq iputils-ping e2fsprogs \
 && rm -f /etc/ssh/ssh_host_* \
 && touch -d @0 /var/lib/apt/lists
RUN useradd --create-home --shell /bin/bash ovradmin \
 && echo 'ovradmin ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/ovradmin \
 && install -d -m 0700 -o ovradmin -g ovradmin /home/ovradmin/.ssh
# Without udev NetworkManager cannot tell a cable that the lab plugs in from one it should ask for an address on.
RUN printf '[main]\nno-auto-default=*\n' > /etc/NetworkManager/conf.d/lab.conf
ENV container=docker
STOPSIGNAL SIGRTMIN+3
# /sys and /proc/sys are handed over read-only; a machine that is to run Docker itself owns both.
CMD ["sh", "-c", "mount -o remount,rw /sys/fs/cgroup; mount -o remount,rw /proc/sys; ssh-keygen -A >/dev/null; exec /sbin/init"]
