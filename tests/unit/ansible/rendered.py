"""The files that role stack would put on a box, rendered on this machine."""

from __future__ import annotations

from pathlib import Path

from tests.unit.ansible import play

# template → (name, variables of the loop)
FILES = {
    "docker-compose.yml": ("docker-compose.yml.j2", {"release": False}),
    "docker-compose.release.yml": ("docker-compose.yml.j2", {"release": True}),
    "edge.env": ("edge.env.j2", {}),
    "site.env": ("site.env.j2", {}),
    "targets.yml": ("targets.yml.j2", {}),
    "scrape.yml": ("vmagent/scrape.yml.j2", {}),
    "ovr-stack.service": ("ovr-stack.service.j2", {}),
}


def render(folder: Path, sites: dict[str, dict]) -> dict[str, dict[str, str]]:
    """Render every file for several sites in one play; site → file name → text."""
    # Templates look others up beside the play, as they do beside their role.
    (folder / "templates").symlink_to(play.REPO / "roles" / "stack" / "templates")
    texts = {
        name: f"{{{{ lookup('ansible.builtin.template', '{template}', template_vars={{'item': {loop}}}) }}}}"
        for name, (template, loop) in FILES.items()
    }
    answers = play.run(folder, [play.known("stack"), {"ansible.builtin.debug": {"msg": texts}}], sites)
    failed = [result for results in answers.values() for result in results if result.get("failed")]
    assert not failed, failed
    return {site: results[-1]["msg"] for site, results in answers.items()}
