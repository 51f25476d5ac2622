"""The targets file: what it says, and how a bad line is refused."""

from __future__ import annotations

import pytest
from ansible_collections.ovr.edge.plugins.module_utils.acuvim import targets
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.errors import AcuvimError
from ansible_collections.ovr.edge.plugins.module_utils.acuvim.targets import Host


def parse(*lines: str, **limits) -> targets.Targets:
    return targets.parse(lines, "targets_acuvim.txt", **limits)


@pytest.mark.parametrize(
    ("lines", "hosts"),
    [
        pytest.param(["10.10.4.10"], [Host("10.10.4.10", 502)], id="one address"),
        pytest.param(["", "  # note", "10.10.4.10   # rig"], [Host("10.10.4.10", 502)], id="comments and blank lines"),
        pytest.param(
            ["10.10.4.8/30"], [Host("10.10.4.9", 502), Host("10.10.4.10", 502)], id="a network without its ends"
        ),
        pytest.param(
            ["10.10.4.9", "10.10.4.8/30"], [Host("10.10.4.9", 502), Host("10.10.4.10", 502)], id="overlap once"
        ),
        pytest.param(["10.10.4.9 unit=3", "10.10.4.9 unit=2"], [Host("10.10.4.9", 502, (2, 3))], id="a gateway"),
        pytest.param(["10.10.4.9 port=2003"], [Host("10.10.4.9", 2003)], id="another port"),
        pytest.param(
            ["10.10.4.100", "10.10.4.20"], [Host("10.10.4.20", 502), Host("10.10.4.100", 502)], id="by number"
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_hosts_to_ask(lines, hosts):
    assert parse(*lines).hosts() == hosts


def test_what_the_operator_says_of_a_meter_is_found_by_its_place():
    listed = parse("10.10.4.0/24", "10.10.4.11 logger=3 name=generator power=kW")

    line = listed.line_for("10.10.4.11", 502, 1)

    assert (line.logger, line.name, line.power_scale) == (3, "generator", 1000.0)
    assert listed.line_for("10.10.4.12", 502, 1) is None
    assert listed.lists_host("10.10.4.11", 502)
    assert not listed.lists_host("10.10.4.12", 502)
    assert listed.cover("10.10.4.12", 502, 1)
    assert not listed.cover("10.10.5.12", 502, 1)
    assert not listed.cover("10.10.4.12", 2003, 1)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        pytest.param(["10.10.4"], ["line 1", "'10.10.4'", "10.10.4.0/24"], id="half an address"),
        pytest.param(["#", "meter-3.local"], ["line 2", "'meter-3.local'", "IPv4 address"], id="a host name"),
        pytest.param(["10.10.4.10/24"], ["line 1", "write 10.10.4.0/24"], id="host bits in a network"),
        pytest.param(["fe80::1"], ["line 1", "'fe80::1'", "IPv4"], id="IPv6"),
        pytest.param(["10.10.4.10 loger=3"], ["line 1", "'loger=3'", "logger="], id="a misspelt option"),
        pytest.param(["10.10.4.10 generator"], ["line 1", "'generator'", "name="], id="a bare word"),
        pytest.param(["10.10.4.10 logger=0"], ["line 1", "logger=0", "1 to 999"], id="Logger 0"),
        pytest.param(["10.10.4.10 logger=٣"], ["line 1", "1 to 999"], id="a digit of another script"),
        pytest.param(["10.10.4.10 logger=1 logger=2"], ["line 1", "'logger'", "twice"], id="an option twice"),
        pytest.param(["10.10.4.10 name=a\"b"], ["line 1", "letters"], id="a name that needs quoting"),
        pytest.param(["10.10.4.10 unit=300"], ["line 1", "0 to 255"], id="a unit that does not exist"),
        pytest.param(["10.10.4.10 interval=fast"], ["line 1", "interval=fast", "200ms"], id="no interval"),
        pytest.param(["10.10.4.10 profile=slow"], ["line 1", "profile=slow", "profile=burst"], id="no profile"),
        pytest.param(["10.10.4.10 state=gone"], ["line 1", "state=gone", "state=absent"], id="no state"),
        pytest.param(["10.10.4.10 power=MW"], ["line 1", "power=kW"], id="a unit of power that none has"),
        pytest.param(["10.10.4.0/24 logger=1"], ["line 1", "10.10.4.0/24", "own line"], id="one name for many"),
        pytest.param(["10.10.4.9 name=a", "10.10.4.9 name=b"], ["line 2", "10.10.4.9", "line 1"], id="two names"),
        pytest.param(["10.10.4.9 unit=1", "10.10.4.9 name=a"], ["line 2", "unit="], id="one with a unit, one without"),
        pytest.param(["10.10.4.9 logger=1", "10.10.4.8 logger=1"], ["line 2", "logger=1", "line 1"], id="Logger twice"),
        pytest.param(["10.10.4.9 name=a", "10.10.4.8 name=a"], ["line 2", "name=a", "line 1"], id="a name twice"),
        pytest.param(["10.0.0.0/8"], ["line 1", "16777216", "smaller"], id="a network of millions"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_remedy(lines, says):
    with pytest.raises(AcuvimError) as refused:
        parse(*lines)

    assert "targets_acuvim.txt" in str(refused.value)
    assert [word for word in says if word not in str(refused.value)] == []


def test_an_address_that_stands_there_again_says_nothing_new():
    listed = parse("10.10.4.11", "10.10.4.11 logger=3 unit=7", "10.10.4.11")

    assert listed.hosts() == [Host("10.10.4.11", 502, (7,))]
    assert listed.line_for("10.10.4.11", 502, 7).logger == 3


def test_many_small_networks_are_counted_together():
    with pytest.raises(AcuvimError, match="384 addresses"):
        parse("10.10.4.0/24", "10.10.5.0/25", addresses_max=300)


def test_a_missing_file_is_not_an_empty_one(tmp_path):
    with pytest.raises(AcuvimError, match=r"targets.txt: no such targets file; create it"):
        targets.read(str(tmp_path / "targets.txt"))


@pytest.mark.parametrize(
    "content",
    [b"10.10.4.10\r\n10.10.4.11\r\n", b"\xef\xbb\xbf10.10.4.10\n10.10.4.11"],
    ids=["written on Windows", "with a byte order mark"],
)
def test_a_file_from_another_editor_is_read(tmp_path, content):
    (tmp_path / "targets.txt").write_bytes(content)

    assert [host.ip for host in targets.read(str(tmp_path / "targets.txt")).hosts()] == ["10.10.4.10", "10.10.4.11"]
