"""com.victronenergy.vebus: three inverter/chargers on one AC output, off-grid, as mk2-dbus shows them."""

from __future__ import annotations

import math

from simulators.gx.device import Device, Item, constant, device
from simulators.gx.rig import Instant, Rig

NAME = "com.victronenergy.vebus.ttyS4"
PHASES = (1, 2, 3)
INVERTING, INVERT_FULL, MODE_ON, NO_INPUT = 9, 4, 3, 240
OVERLOAD_W = 4500


def vebus(rig: Rig, signal: str = "items") -> Device:
    items = [*_output(), *_input(), *_battery(), *_devices(), *_energy(), *_state(), *_settings(), *_identity()]
    turn = rig.system.refresh_s
    groups = {
        # Total and phases are read one after the other, so they belong to slightly different moments.
        "out": (turn, 0.0),
        **{f"L{n}": (turn, 0.15 * n) for n in PHASES},
        "dc": (turn, 0.6),
        "state": (turn, 0.75),
        "energy": (10.0, 0.3),
        "diagnostics": (30.0, 0.5),
        "uptime": (60.0, 0.1),
    }
    return device(NAME, rig, items, groups, signal=signal)


def _output() -> list[Item]:
    items = [
        Item("/Ac/Out/P", "i", lambda now: now.out.p, "{}W", "out"),
        Item("/Ac/Out/S", "i", lambda now: sum(phase.s for phase in now.out.phases), "{}VA", "out", signals=False),
    ]
    for n in PHASES:
        items += _phase(n)
    return items


def _phase(n: int) -> list[Item]:
    path, group = f"/Ac/Out/L{n}", f"L{n}"
    return [
        Item(f"{path}/V", "d", lambda now: round(now.out.phases[n - 1].v, 2), "{:.0f}V", group),
        Item(f"{path}/I", "d", lambda now: round(now.out.phases[n - 1].i, 2), "{:.1f}A", group),
        Item(f"{path}/P", "i", lambda now: now.out.phases[n - 1].p, "{}W", group),
        Item(f"{path}/S", "i", lambda now: now.out.phases[n - 1].s, "{}VA", group, signals=False),
        Item(f"{path}/F", "d", lambda now: round(now.out.frequency_hz, 3), "{:.1f}Hz", group),
    ]


def _input() -> list[Item]:
    """No source is connected; what cannot be measured then is invalid."""
    items = [
        constant("/Ac/ActiveIn/ActiveInput", "u", NO_INPUT),
        constant("/Ac/ActiveIn/Connected", "u", 0, "no"),
        constant("/Ac/ActiveIn/CurrentLimit", "d", 32.0, "{:.1f}A"),
        constant("/Ac/ActiveIn/CurrentLimitIsAdjustable", "u", 1),
        constant("/Ac/ActiveIn/P", "i", 0, "{}W"),
        constant("/Ac/ActiveIn/S", "i", 0, "{}VA"),
        constant("/Ac/In/1/CurrentLimit", "d", 32.0, "{:.1f}A"),
        constant("/Ac/In/1/CurrentLimitIsAdjustable", "u", 1),
        constant("/Ac/In/2/CurrentLimit", "d", None),
        constant("/Ac/NumberOfAcInputs", "i", 1),
        constant("/Ac/NumberOfPhases", "u", 3),
        constant("/Ac/PowerMeasurementType", "u", 4),
        constant("/Ac/Control/IgnoreAcIn1", "i", 0),
        constant("/Ac/Control/RemoteGeneratorSelected", "i", 0),
        constant("/Ac/State/AcIn1Available", "i", 0),
        constant("/Ac/State/IgnoreAcIn1", "i", 0),
        constant("/Ac/State/RemoteGeneratorSelected", "i", 0),
        constant("/Ac/State/SplitPhaseL2L1OutSummed", "i", None),
        constant("/Ac/State/SplitPhaseL2Passthru", "i", None),
    ]
    for n in PHASES:
        path = f"/Ac/ActiveIn/L{n}"
        items += [constant(f"{path}/{name}", "d", 0.0) for name in "VI"]
        items += [constant(f"{path}/{name}", "i", 0) for name in "PS"]
        items.append(constant(f"{path}/F", "d", None))
    return items


def _battery() -> list[Item]:
    return [
        Item("/Dc/0/Voltage", "d", lambda now: round(now.battery_v, 2), "{:.2f}V", "dc"),
        Item("/Dc/0/Current", "d", lambda now: round(now.inverter_dc_w / now.battery_v, 1), "{:.1f}A", "dc"),
        Item("/Dc/0/Power", "i", lambda now: now.inverter_dc_w, "{}W", "dc"),
        Item("/Dc/0/Temperature", "d", lambda now: round(24 + math.sin(now.t_s / 300), 1), "{:.0f}C", "energy"),
        constant("/Dc/0/MaxChargeCurrent", "d", 210.0, "{:.1f}A"),
        constant("/Dc/0/PreferRenewableEnergy", "i", None),
        Item("/Soc", "d", lambda now: round(now.soc_percent, 1), "{:.1f}%", "energy"),
        constant("/ExtraBatteryCurrent", "d", 0.0, "{:.1f}A"),
    ]


def _devices() -> list[Item]:
    items = [constant("/Devices/Bms/Version", "u", None), constant("/Devices/Dmc/Version", "u", None)]
    for d in range(3):
        items += _unit(d)
    return items


def _unit(d: int) -> list[Item]:
    """One of the three units, which carries one phase."""
    path, group = f"/Devices/{d}", f"L{d + 1}"

    def dc_w(now: Instant) -> float:
        return -now.inverter_dc_w * now.out.phases[d].p / now.out.p if now.out.p else 0.0

    return [
        Item(f"{path}/Ac/Out/P", "i", lambda now: now.out.phases[d].p, "{}W", group),
        Item(f"{path}/Ac/Inverter/P", "i", dc_w, "{}W", group),
        constant(f"{path}/Ac/In/P", "i", 0, "{}W"),
        Item(f"{path}/Diagnostics/UBatTerminal", "d", lambda now: round(now.battery_v, 2), "{:.2f}V", "diagnostics"),
        Item(f"{path}/Diagnostics/UBatRipple", "d", lambda now: round(4e-5 * dc_w(now), 2), "{:.2f}V", "diagnostics"),
        Item(f"{path}/UpTime", "i", lambda now: max(0, now.t_s + 86_400), "{}", "uptime"),
        constant(f"{path}/Assistants", "ay", [0] * 56, "{}"),
        constant(f"{path}/SerialNumber", "s", f"HQ2233SIM{d:02}"),
        constant(f"{path}/Version", "u", 2623510),
    ]


def _energy() -> list[Item]:
    """Counters in kWh. Nothing came from an input; the rest is what the rig has delivered since the scenario began."""
    idle = ("AcIn1ToAcOut", "AcIn1ToInverter", "AcOutToAcIn1", "InverterToAcIn1", "OutToInverter")
    return [
        Item("/Energy/InverterToAcOut", "d", lambda now: round(max(0.0, now.out_wh) / 1000, 5), "{:.2f}kWh", "energy"),
        *(constant(f"/Energy/{name}", "d", 0.0, "{:.2f}kWh") for name in idle),
        *(constant(f"/Energy/{name}", "d", None) for name in ("AcIn2ToAcOut", "AcIn2ToInverter", "InverterToAcIn2")),
    ]


def _state() -> list[Item]:
    def overload(phases: tuple[int, ...]):
        return lambda now: int(any(now.out.phases[n - 1].p > OVERLOAD_W for n in phases))

    healthy = (
        *("GridLost", "HighDcCurrent", "HighDcVoltage", "HighTemperature", "LowBattery", "PhaseRotation", "Ripple"),
        *("TemperatureSensor", "VoltageSensor", "BatteryOvervoltageProtection"),
        *(f"L{n}/{name}" for n in PHASES for name in ("HighTemperature", "LowBattery", "Ripple")),
        *(f"L{n}/{name}" for n in PHASES for name in ("InverterImbalance", "MainsImbalance")),
    )
    return [
        Item("/Alarms/Overload", "u", overload(PHASES), "{}", "state"),
        *(Item(f"/Alarms/L{n}/Overload", "u", overload((n,)), "{}", "state") for n in PHASES),
        *(constant(f"/Alarms/{name}", "u", 0, "ok") for name in healthy),
        *(constant(f"/Alarms/{name}", "u", None) for name in ("BmsConnectionLost", "BmsPreAlarm")),
        Item("/Leds/Overload", "u", overload(PHASES), "{}", "state"),
        constant("/Leds/Inverter", "u", 1, "on"),
        *(constant(f"/Leds/{name}", "u", 0, "off") for name in ("Absorption", "Bulk", "Float", "LowBattery")),
        *(constant(f"/Leds/{name}", "u", 0, "off") for name in ("Mains", "Temperature")),
        constant("/State", "u", INVERTING, "inverting"),
        constant("/Mode", "u", MODE_ON, "on"),
        constant("/ModeIsAdjustable", "u", 1),
        constant("/VebusMainState", "u", INVERT_FULL, "invert full"),
        constant("/VebusChargeState", "u", 0),
        constant("/VebusSubstate", "u", 0),
        constant("/VebusSetChargeState", "u", 0),
        constant("/VebusError", "u", 0),
    ]


def _settings() -> list[Item]:
    bms = ("AllowToCharge", "AllowToDischarge", "BmsExpected", "Error")
    return [
        constant("/Settings/Alarm/System/GridLost", "i", 1),
        constant("/Settings/AssistCurrentBoostFactor", "d", 2.0),
        constant("/Settings/GridCode", "i", 0),
        constant("/Settings/InverterOutputVoltage", "d", 230.0, "{:.0f}V"),
        constant("/Settings/PowerAssistEnabled", "i", 0),
        constant("/Settings/SystemSetup/AcInput1", "i", 2),
        constant("/Settings/SystemSetup/AcInput2", "i", 0),
        constant("/Settings/UpsFunction", "i", 0),
        constant("/Hub4/AssistantId", "q", None),
        constant("/Hub4/Sustain", "i", 0),
        *(constant(f"/Hub4/L{n}/AcPowerSetpoint", "i", None) for n in PHASES),
        *(constant(f"/Bms/{name}", "i", None) for name in bms),
    ]


def _identity() -> list[Item]:
    sensor = ("Energy", "Location", "Phase", "Power", "Voltage", "Current")
    return [
        *(constant(f"/AcSensor/{n}/{name}", "d", None) for n in range(9) for name in sensor),
        constant("/AcSensor/Count", "i", None),
        constant("/Connected", "u", 1),
        constant("/CustomName", "s", "Rig inverters"),
        constant("/DeviceInstance", "q", 276),
        constant("/FirmwareVersion", "u", 1296, "510"),
        constant("/Interfaces/Mk2/ProductName", "s", "MK3"),
        constant("/Mgmt/Connection", "s", "VE.Bus"),
        constant("/Mgmt/ProcessName", "s", "mk2-dbus"),
        constant("/Mgmt/ProcessVersion", "s", "3.60"),
        constant("/ProductId", "u", 9763, "2623"),
        constant("/ProductName", "s", "MultiPlus-II 48/5000/70-50"),
        constant("/RedetectSystem", "u", 0),
        constant("/SystemReset", "u", None),
    ]
