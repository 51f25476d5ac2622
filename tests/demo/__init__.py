"""The demo: a virtual rig, the real site playbook, one event from meter to report."""
