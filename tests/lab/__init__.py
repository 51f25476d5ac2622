"""The lab: a Docker engine, a Debian 13 box, a GX and meters, wired on this machine."""
