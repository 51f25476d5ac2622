"""Maps: how a line is read, what the linter says, and that the shipped maps serve every name of the field."""

from __future__ import annotations

import collections
import csv
from pathlib import Path

import pytest

from tests.unit.gx.exporter import MAPS, at, bus, dbus2prom, samples

OUT_P = "com.victronenergy.vebus.*\t/Ac/Out/P\tvictron_ac_out_power\tac_out\tpower\t-\t-"
FIELD_NAMES = Path(__file__).with_name("field_names.tsv")


@pytest.mark.parametrize(
    ("line", "column", "remedy"),
    [
        pytest.param("com.victronenergy.vebus.* /Ac/Out/P victron_p", "path", "separate by tabs", id="spaces"),
        pytest.param("com.victronenergy.vebus\t/P\tvictron_p\tg\tn\t-", "device", "separate by tabs", id="six columns"),
        pytest.param(OUT_P + "\t" * 6, 13, "end the line", id="thirteen columns"),
        pytest.param("vebus\t/P\tvictron_p\tg\tn\t-\t-", "service", "com.victronenergy.CLASS", id="no bus name"),
        pytest.param(
            "com.victronenergy.vebus.tty*\t/P\tp\tg\tn\t-\t-", "service", "{device_instance}", id="half a star"
        ),
        pytest.param("com.victronenergy.vebus\t/A//B\tp\tg\tn\t-\t-", "path", "/Ac/Out/P", id="empty element"),
        pytest.param("com.victronenergy.vebus\t/{n}/{n}\tp\tg\tn\t-\t-", "path", "once", id="capture twice"),
        pytest.param("com.victronenergy.vebus\t/{Phase}\tp\tg\tn\t-\t-", "path", "small letters", id="capital capture"),
        pytest.param("com.victronenergy.vebus\t/{phase}\tp\tg\tn\tL1\t-", "path", "column", id="two labels phase"),
        pytest.param("com.victronenergy.vebus\t/{job}\tp\tg\tn\t-\t-", "path", "rename", id="reserved label"),
        pytest.param("com.victronenergy.vebus\t/P\t-\tg\tn\t-\t-", "pretty", "victron_ac_out_power", id="no name"),
        pytest.param(
            "com.victronenergy.vebus\t/P\tp\tg\tn\t{phase}\t-", "phase", "into the path", id="unknown capture"
        ),
        pytest.param(OUT_P + "\thistogram", "type", "gauge or counter or info", id="type"),
        pytest.param(OUT_P + "\tgauge\tW\tten", "scale", "0.01", id="scale no number"),
        pytest.param(OUT_P + "\tgauge\tW\t0", "scale", "0.01", id="scale zero"),
        pytest.param(OUT_P + "\tgauge\tW\tnan", "scale", "0.01", id="scale nan"),
        pytest.param(OUT_P + "\tgauge\tW\t-\tyes", "poll", "poll", id="poll"),
    ],
)
def test_a_wrong_line_is_left_out_and_named(line, column, remedy):
    rows, problems = dbus2prom.parse_map("# a comment\n" + line + "\n" + OUT_P, "map_fast.tsv")
    assert [row.path for row in rows] == ["/Ac/Out/P"], "the other line is served all the same"
    assert [problem[:3] for problem in problems] == [("map_fast.tsv", 2, column)]
    assert remedy in problems[0].remedy


def test_a_field_map_is_read_as_it_is():
    text = "service\tpath\tpretty\tgroup\tname\tphase\tdevice\r\n" + "\r\n".join(
        [
            "# AC",
            "",
            "com.victronenergy.vebus.ttyS4\tAc/Out/L1/V\tvictron_ac_out_l1_v\tac_out\tvoltage\tL1\t",
            "com.victronenergy.vebus.ttyS4\t/Devices/0/Ac/Out/P\tvictron diag-power\tdiag\tac_out_power\t—\tdev0",
        ]
    )
    rows, problems = dbus2prom.parse_map(text)
    assert not problems
    assert [row.series({}) for row in rows] == [
        ("victron_ac_out_l1_v", '{group="ac_out",name="voltage",phase="L1"}'),
        ("victron_diag_power", '{group="diag",name="ac_out_power",device="dev0"}'),
    ]
    assert [row.path for row in rows] == ["/Ac/Out/L1/V", "/Devices/0/Ac/Out/P"]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param([OUT_P, OUT_P], "map:1", id="the same line"),
        pytest.param([OUT_P, OUT_P.replace("vebus.*", "system")], "map:1", id="two services, one series"),
        pytest.param(
            [
                "com.victronenergy.vebus.*\t/Ac/Out/{phase}/P\tp\tac_out\tpower\t{phase}\t-",
                "com.victronenergy.vebus.*\t/Ac/Out/L2/P\tp\tac_out\tpower\tL2\t-",
            ],
            "map:1",
            id="a capture and one of its values",
        ),
        pytest.param([OUT_P, OUT_P.replace("victron_ac_out_power", "victron_p")], None, id="an alias"),
        pytest.param([OUT_P, OUT_P.replace("power\t-", "power\tL1")], None, id="another phase"),
    ],
)
def test_rows_that_fall_on_one_series_are_named(lines, found):
    rows, problems = dbus2prom.parse_map("\n".join(lines))
    assert not problems
    conflicts = dbus2prom.conflicts(rows)
    assert [problem.line for problem in conflicts] == ([2] if found else [])
    assert all(found in problem.text for problem in conflicts)


def test_check_names_file_line_column_and_remedy(tmp_path, capsys):
    file = tmp_path / "map.tsv"
    file.write_text(OUT_P + "\n" + OUT_P.replace("victron_ac_out_power", "AC power") + "\n")
    assert dbus2prom.main(["--check", str(file)]) == 1
    assert capsys.readouterr().out == (
        f"{file}:2: column pretty: 'AC power' is not a metric name; write AC_power, which is what is served\n"
    )


def test_check_warns_of_a_counter_that_is_not_named_as_one_and_takes_it(tmp_path, capsys):
    file = tmp_path / "map.tsv"
    energy = "com.victronenergy.vebus.*\t/Energy/AcIn1ToAcOut\t{}\tenergy\tin\t-\t-\tcounter"
    file.write_text(energy.format("victron_energy_in") + "\n" + energy.format("victron_energy_in_total") + "\n")
    assert dbus2prom.main(["--check", str(file)]) == 0
    assert capsys.readouterr().out == (
        f"warning: {file}:1: column pretty: 'victron_energy_in' is a counter; "
        "write _total at its end, unless the name is in use\n2 rows, no problem\n"
    )


def test_shipped_maps_have_no_problem(capsys):
    assert dbus2prom.main(["--check", str(MAPS["fast"]), str(MAPS["slow"])]) == 0
    assert "no problem" in capsys.readouterr().out


def test_every_shipped_row_says_what_it_is():
    for file in MAPS.values():
        rows, _ = dbus2prom.parse_map(file.read_text())
        assert [row.pretty for row in rows if not row.help or not row.pretty.startswith("victron_")] == []


def _field_names():
    lines = [line for line in FIELD_NAMES.read_text().splitlines() if not line.startswith("#")]
    columns = ["view", "metric", "group", "name", "phase", "device", "service", "path"]
    return list(csv.DictReader(lines, columns, delimiter="\t"))


@pytest.mark.parametrize("view_name", ["fast", "slow"])
def test_every_name_of_the_field_is_served_from_the_source_that_is_meant(view_name):
    names = _field_names()
    services: dict[str, dict] = {"vebus.ttyS4": {}, "system": {}, "gps.ve_ttyUSB0": {}}
    for number, row in enumerate(names):
        name = next(service for service in services if service.startswith(row["service"]))
        services[name][row["path"]] = f"text {number}" if row["path"] == "/CustomName" else number
    view = dbus2prom.load_view(view_name, str(MAPS[view_name]))
    exporter = dbus2prom.Exporter([view], at(0))
    exporter.cache = bus(services)
    found = samples(exporter.metrics(view, at(1)))
    for row in (row for row in names if row["view"] == view_name):
        labels = {label: row[label] for label in ("group", "name", "phase", "device") if row[label] != "-"}
        value = services[next(service for service in services if service.startswith(row["service"]))][row["path"]]
        if isinstance(value, str):
            labels, value = {**labels, "value": value}, 1
        assert found[row["metric"], tuple(sorted(labels.items()))] == value, row
    assert view.conflicts == 0


def test_a_local_map_wins_and_the_rest_stays(tmp_path):
    shipped, local = tmp_path / "map_fast.tsv", tmp_path / "map_fast.local.tsv"
    other = OUT_P.replace("/Ac/Out/P", "/Ac/Out/S").replace("power", "apparent")
    shipped.write_text(OUT_P + "\n" + other + "\n")
    local.write_text(OUT_P.replace("/Ac/Out/P", "/Ac/Out/L1/P") + "\nbroken\n")
    rows, problems = dbus2prom.read_map(str(shipped))
    assert [row.path for row in rows] == ["/Ac/Out/L1/P", "/Ac/Out/S"]
    assert [(problem.file, problem.line) for problem in problems] == [(str(local), 2)]


METERS = {f"/Ac/L{n}/Power": 100.0 * n for n in (1, 2, 3)}


def _output(*phases: int) -> dict:
    """The AC output of a VE.Bus system whose other phases are invalid."""
    paths = {"V": 230.0, "I": 4.0, "P": 900, "S": 920, "F": 50.0}
    return {f"/Ac/Out/L{n}/{path}": v if n in phases else None for n in (1, 2, 3) for path, v in paths.items()}


def _rs(phase: int) -> dict:
    return {
        "/DeviceInstance": phase - 1,
        f"/Ac/Out/L{phase}/P": 1000 + phase,
        f"/Ac/In/1/L{phase}/P": 20 + phase,
        "/Pv/0/P": 300 + phase,
        "/Energy/SolarToAcOut": 1.5,
    }


def _chargers() -> dict:
    trackers = {f"/Pv/{tracker}/{path}": 10 * tracker + 1 for tracker in range(4) for path in "PV"}
    return {f"solarcharger.ttyUSB{n}": {"/DeviceInstance": n, **trackers} for n in (278, 279)}


UNITS = {f"/Devices/{n}/Ac/Out/P": 100 + n for n in range(12)}
ALARM = {"/DeviceInstance": 512, "/Alarms/CellImbalance": 1, "/Io/AllowToCharge": 1, "/Dc/0/Voltage": 52.1}
POSITION = {"/Position/Latitude": 52.3702157001, "/Position/Longitude": 4.8951679004, "/DeviceInstance": None}
SYSTEMS = {
    "single-phase": ({"vebus.ttyS4": _output(1)}, {"victron_ac_out_l1_p": 1, "victron_ac_out_l1_s": 1}),
    "split-phase": (
        {"vebus.ttyS4": {**_output(1, 2), "/Ac/State/SplitPhaseL2L1OutSummed": 0}},
        {"victron_ac_out_l1_v": 1, "victron_ac_out_l2_v": 1, "victron_ac_split_phase_l2_l1_out_summed": 1},
    ),
    "three-phase": ({"vebus.ttyS4": _output(1, 2, 3)}, {f"victron_ac_out_l{n}_s": 1 for n in (1, 2, 3)}),
    "12 units in one system": ({"vebus.ttyS4": {**_output(1, 2, 3), **UNITS}}, {"victron_diag_ac_out_power": 12}),
    "12 systems": (
        {f"vebus.ttyS{n}": {**_output(1, 2, 3), "/DeviceInstance": n} for n in range(12)},
        {"victron_ac_out_l3_p": 12, "victron_ac_out_l1_s": 12},
    ),
    "two chargers of four trackers": (_chargers(), {"victron_solar_tracker_power_watts": 8}),
    "a three-phase RS system and its units": (
        {**{f"multi.can_{n}": _rs(n) for n in (1, 2, 3)}, "acsystem.sys1": {"/Ac/Out/L1/P": 1, "/DeviceInstance": 0}},
        {
            "victron_inverter_ac_out_power_watts": 4,
            "victron_inverter_ac_in_power_watts": 3,
            "victron_inverter_tracker_power_watts": 3,
            "victron_inverter_energy_joules_total": 3,
        },
    ),
    "two tanks": (
        {f"tank.can_{n}": {"/Level": 40.0 + n, "/DeviceInstance": n, "/Connected": 1} for n in (3, 4)},
        {"victron_tank_level_ratio": 2, "victron_device_connected": 2},
    ),
    "grid meter, generator and PV inverter": (
        {f"{kind}.one": {**METERS, "/DeviceInstance": 30} for kind in ("grid", "genset", "pvinverter")},
        {"victron_meter_phase_power_watts": 9},
    ),
    "battery with its BMS": (
        {"battery.can0": ALARM},
        {"victron_alarm_level": 1, "victron_battery_allow_charge": 1, "victron_battery_voltage_volts": 1},
    ),
    "GPS without a device instance": ({"gps.ve_ttyUSB0": POSITION}, {"victron_gps_latitude": 1}),
    "alternator, DC-DC converter and charger": (
        {
            "alternator.one": {"/Dc/0/Power": 700, "/Dc/In/V": 13.1, "/DeviceInstance": 1},
            "dcdc.one": {"/Dc/0/Power": 200, "/DeviceInstance": 1, "/VEDirect/HexChecksumErrors": 2},
            "charger.one": {"/Dc/0/Voltage": 13.0, "/Dc/1/Voltage": 13.1, "/DeviceInstance": 1},
        },
        {
            "victron_dc_device_power_watts": 2,
            "victron_dc_device_voltage_volts": 2,
            "victron_dc_device_input_voltage_volts": 1,
            "victron_vedirect_errors_total": 1,
        },
    ),
}


def _scrape(services: dict) -> dict[tuple, float]:
    views = [dbus2prom.load_view(name, str(file)) for name, file in MAPS.items()]
    exporter = dbus2prom.Exporter(views, at(0))
    exporter.cache = bus(services)
    found = [samples(exporter.metrics(view, at(1))) for view in views]  # fails where a series is doubled
    assert [view.conflicts for view in views] == [0, 0]
    return {**found[0], **found[1]}


@pytest.mark.parametrize(("services", "expected"), SYSTEMS.values(), ids=SYSTEMS)
def test_shipped_maps_serve_each_device_as_series_of_its_own(services, expected):
    served = collections.Counter(metric for metric, _ in _scrape(services))
    assert {metric: served[metric] for metric in expected} == expected


def test_a_phase_that_a_system_lacks_is_absent():
    served = {metric for metric, _ in _scrape({"vebus.ttyS4": _output(1, 2)})}
    assert {name[len("victron_ac_out_") :] for name in served if name.startswith("victron_ac_out_l")} == {
        f"l{n}_{quantity}" for n in (1, 2) for quantity in "vipfs"
    }


def test_a_position_is_served_as_exactly_as_it_is_on_the_bus():
    served = {metric: value for (metric, _), value in _scrape({"gps.ve_ttyUSB0": POSITION}).items()}
    assert served["victron_gps_latitude"] == POSITION["/Position/Latitude"]
    assert served["victron_gps_longitude"] == POSITION["/Position/Longitude"]


def _shipped_rows() -> list:
    return [row for file in MAPS.values() for row in dbus2prom.read_map(str(file))[0]]


def test_a_metric_means_one_thing_in_whatever_row_it_stands():
    meanings: dict[str, set] = {}
    for row in _shipped_rows():
        meanings.setdefault(row.pretty, set()).add((row.type, row.unit))
    assert {name: meaning for name, meaning in meanings.items() if len(meaning) > 1} == {}


UNIT_SUFFIXES = {
    "volts": "V",
    "amperes": "A",
    "watts": "W",
    "voltamperes": "VA",
    "hertz": "Hz",
    "celsius": "C",
    "pascals": "Pa",
    "ratio": "ratio",
    "rpm": "1/min",
    "hours": "Ah",
    "seconds": "s",
    "joules": "J",
    "meters": "m3",
}


def test_names_that_end_in_a_unit_say_that_unit_to_people_too():
    wrong = [
        (row.pretty, row.unit)
        for row in _shipped_rows()
        for suffix, unit in UNIT_SUFFIXES.items()
        if row.pretty.endswith(("_" + suffix, f"_{suffix}_total")) and row.unit != unit
    ]
    assert wrong == []


def test_counters_end_in_total_unless_the_field_named_them():
    field = {row["metric"] for row in _field_names()}
    counters = {row.pretty for row in _shipped_rows() if row.type == "counter" and not row.pretty.endswith("_total")}
    second_input = {"ac_in2_to_inverter", "ac_in2_to_ac_out", "inverter_to_ac_in2", "ac_out_to_ac_in2"}
    assert counters - field == {f"victron_energy_{name}" for name in second_input}, "named like those of input 1"
