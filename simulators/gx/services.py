"""The other services on a GX: system, battery, solar charger, GPS, tank, temperatures and settings."""

from __future__ import annotations

import math
from collections.abc import Callable

from simulators.gx.device import Device, Item, constant, device
from simulators.gx.rig import Instant, Rig
from simulators.gx.vebus import PHASES, vebus

CHARGING, DISCHARGING, ISLAND = 1, 2, 240
CAPACITY_AH = 1860.0
EACH_SECOND = {"now": (1.0, 0.4)}


def devices(rig: Rig, vebus_signal: str = "items") -> list[Device]:
    """Every service of the GX."""
    inverters = vebus(rig, vebus_signal)
    return [
        inverters,
        _system(rig, inverters),
        _battery(rig),
        _solar_charger(rig),
        _gps(rig),
        _tank(rig),
        _temperature(rig, "ruuvi_c04a", 20, "Battery room", 24.0),
        _temperature(rig, "ruuvi_e9f1", 21, "Cabinet", 31.0),
        _settings(rig),
    ]


def _system(rig: Rig, inverters: Device) -> Device:
    """systemcalc: what the other services show, gathered once a second."""

    def shown(path: str, scale: float = 1.0) -> Callable[[Instant], float]:
        return lambda now: scale * inverters.shown(path, now.t_s)

    items = [
        *(item for n in PHASES for item in _system_phase(n, shown)),
        *(constant(f"/Ac/{name}/NumberOfPhases", "i", 3) for name in ("Consumption", "ConsumptionOnOutput")),
        *(constant(f"/Ac/{name}/NumberOfPhases", "i", None) for name in ("Grid", "Genset", "ActiveIn")),
        constant("/Ac/ActiveIn/Source", "i", ISLAND),
        Item("/Dc/Battery/Voltage", "d", lambda now: round(now.battery_v, 2), "{:.2f}V", "now"),
        Item("/Dc/Battery/Current", "d", lambda now: round(now.battery_w / now.battery_v, 1), "{:.1f}A", "now"),
        Item("/Dc/Battery/Power", "d", lambda now: float(round(now.battery_w)), "{:.0f}W", "now"),
        Item("/Dc/Battery/Soc", "d", lambda now: round(now.soc_percent, 1), "{:.1f}%", "now"),
        Item("/Dc/Battery/State", "i", lambda now: CHARGING if now.battery_w > 0 else DISCHARGING, "{}", "now"),
        constant("/Dc/Battery/TimeToGo", "d", None),
        Item("/Dc/InverterCharger/Current", "d", shown("/Dc/0/Current"), "{:.1f}A", "now"),
        Item("/Dc/InverterCharger/Power", "d", shown("/Dc/0/Power"), "{:.0f}W", "now"),
        Item("/Dc/Vebus/Current", "d", shown("/Dc/0/Current"), "{:.1f}A", "now"),
        Item("/Dc/Vebus/Power", "d", shown("/Dc/0/Power"), "{:.0f}W", "now"),
        Item("/Dc/Pv/Power", "d", lambda now: float(round(now.pv_w)), "{:.0f}W", "now"),
        Item("/Dc/Pv/Current", "d", lambda now: round(now.pv_w / now.battery_v, 1), "{:.1f}A", "now"),
        constant("/Dc/System/Current", "d", None),
        constant("/Dc/System/Power", "d", None),
        Item("/GpsSpeed", "d", _speed, "{:.1f}m/s", "now"),
        constant("/Relay/0/State", "i", 0),
        constant("/Relay/1/State", "i", 1),
        constant("/SystemState/State", "i", 9),
        constant("/SystemState/LowSoc", "i", 0),
        Item("/Timers/TimeOnInverter", "i", lambda now: max(0, now.t_s), "{}", "now"),
        *_identity("system", 0, "systemcalc", "2.180"),
    ]
    return device("com.victronenergy.system", rig, items, EACH_SECOND)


def _system_phase(n: int, shown: Callable[..., Callable[[Instant], float]]) -> list[Item]:
    power, current = shown(f"/Ac/Out/L{n}/P"), shown(f"/Ac/Out/L{n}/I")
    consumption = ("/Ac/Consumption", "/Ac/ConsumptionOnOutput")
    absent = ("/Ac/ConsumptionOnInput", "/Ac/Grid", "/Ac/Genset", "/Ac/ActiveIn")
    return [
        *(Item(f"{path}/L{n}/Power", "d", power, "{:.0f}W", "now") for path in consumption),
        *(Item(f"{path}/L{n}/Current", "d", current, "{:.1f}A", "now") for path in consumption),
        *(constant(f"{path}/L{n}/{name}", "d", None) for path in absent for name in ("Power", "Current")),
    ]


def _battery(rig: Rig) -> Device:
    alarms = ("HighTemperature", "HighVoltage", "LowSoc", "LowTemperature", "LowVoltage")
    items = [
        Item("/Dc/0/Voltage", "d", lambda now: round(now.battery_v, 2), "{:.2f}V", "now"),
        Item("/Dc/0/Current", "d", lambda now: round(now.battery_w / now.battery_v, 1), "{:.1f}A", "now"),
        Item("/Dc/0/Power", "d", lambda now: float(round(now.battery_w)), "{:.0f}W", "now"),
        Item("/Dc/0/Temperature", "d", lambda now: round(24 + math.sin(now.t_s / 300), 1), "{:.0f}C", "slow"),
        Item("/Soc", "d", lambda now: round(now.soc_percent, 1), "{:.1f}%", "slow"),
        Item("/ConsumedAmphours", "d", _consumed_ah, "{:.1f}Ah", "slow"),
        Item("/History/DischargedEnergy", "d", lambda now: round(412.5 + now.out_wh / 930, 2), "{:.2f}kWh", "slow"),
        constant("/History/TotalAhDrawn", "d", -13653.3, "{:.1f}Ah"),
        constant("/History/ChargeCycles", "u", 41),
        constant("/Capacity", "d", CAPACITY_AH, "{:.0f}Ah"),
        constant("/Dc/0/MidVoltage", "d", None),
        constant("/Dc/1/Voltage", "d", None),
        constant("/TimeToGo", "u", None),
        constant("/State", "u", 9),
        constant("/ErrorCode", "u", 0),
        *(constant(f"/Alarms/{name}", "u", 0) for name in alarms),
        *_identity("battery", 279, "vedirect-interface", "4.12", "SmartShunt 2000A/50mV"),
    ]
    groups = {"now": (1.0, 0.2), "slow": (5.0, 0.7)}
    return device("com.victronenergy.battery.ttyS5", rig, items, groups, signal="properties")


def _solar_charger(rig: Rig) -> Device:
    items = [
        Item("/Pv/V", "d", lambda now: round(96 + now.pv_w / 200, 2), "{:.2f}V", "now"),
        Item("/Yield/Power", "d", lambda now: float(round(now.pv_w)), "{:.0f}W", "now"),
        Item("/Dc/0/Voltage", "d", lambda now: round(now.battery_v, 2), "{:.2f}V", "now"),
        Item("/Dc/0/Current", "d", lambda now: round(now.pv_w / now.battery_v, 1), "{:.1f}A", "now"),
        Item("/Yield/User", "d", lambda now: round(88 + max(0, now.t_s) * 0.9 / 3600, 2), "{:.2f}kWh", "slow"),
        constant("/Load/I", "d", None),
        constant("/State", "u", 3, "bulk"),
        constant("/ErrorCode", "i", 0),
        constant("/Mode", "u", 1),
        constant("/MppOperationMode", "u", 2),
        *_identity("solarcharger", 278, "vedirect-interface", "4.12", "SmartSolar MPPT 250/100"),
    ]
    return device("com.victronenergy.solarcharger.ttyS6", rig, items, {"now": (0.8, 0.1), "slow": (10.0, 0.2)})


def _gps(rig: Rig) -> Device:
    """It knows no GetItems, as some GPS drivers do not."""
    items = [
        Item("/Position/Latitude", "d", lambda now: 52.0907 + 2e-6 * math.sin(now.t_s / 9), "{:.6f}", "now"),
        Item("/Position/Longitude", "d", lambda now: 5.1214 + 2e-6 * math.cos(now.t_s / 9), "{:.6f}", "now"),
        Item("/Altitude", "d", lambda now: round(4 + math.sin(now.t_s / 40), 1), "{:.1f}", "now"),
        Item("/Speed", "d", _speed, "{:.2f}", "now"),
        constant("/Course", "d", 271.5, "{:.1f}"),
        constant("/Fix", "y", 1),
        constant("/NrOfSatellites", "y", 11),
        *_identity("gps", None, "gps-dbus", "1.5"),
    ]
    groups = {"now": (1.0, 0.5)}
    return device("com.victronenergy.gps.ve_ttyUSB0", rig, items, groups, signal="properties", has_get_items=False)


def _speed(now: Instant) -> float:
    return round(0.05 + 0.05 * math.sin(now.t_s / 5), 2)


def _tank(rig: Rig) -> Device:
    def level(now: Instant) -> float:
        return round(max(5.0, 71.0 - now.out_wh / 4000), 1)

    items = [
        Item("/Level", "d", level, "{:.1f}%", "slow"),
        Item("/Remaining", "d", lambda now: round(level(now) / 100 * 0.4, 4), "{:.3f}m3", "slow"),
        constant("/Capacity", "d", 0.4, "{:.3f}m3"),
        constant("/FluidType", "u", 0, "Fuel"),
        constant("/Status", "u", 0, "ok"),
        *_identity("tank", 3, "vecan-dbus", "2.24", "Tank sensor"),
    ]
    return device(
        "com.victronenergy.tank.socketcan_can0_di3_uc69", rig, items, {"slow": (5.0, 0.9)}, signal="properties"
    )


def _temperature(rig: Rig, suffix: str, instance: int, name: str, around_c: float) -> Device:
    items = [
        Item("/Temperature", "d", lambda now: round(around_c + math.sin(now.t_s / 200), 2), "{:.1f}C", "slow"),
        constant("/Humidity", "d", 38.5, "{:.1f}%"),
        constant("/Pressure", "d", None),
        constant("/TemperatureType", "i", 2),
        constant("/Status", "i", 0),
        constant("/CustomName", "s", name),
        *_identity("temperature", instance, "dbus-ble-sensors", "1.10", "Ruuvi"),
    ]
    return device(f"com.victronenergy.temperature.{suffix}", rig, items, {"slow": (5.0, instance / 40)})


def _settings(rig: Rig) -> Device:
    items = [
        constant("/Settings/SystemSetup/AcInput1", "i", 2),
        constant("/Settings/SystemSetup/AcInput2", "i", 0),
        constant("/Settings/SystemSetup/SystemName", "s", rig.system.id),
        constant("/Settings/Alarm/System/GridLost", "i", 1),
        constant("/Settings/Services/InsecureDbusOverTcp", "i", 0),
        constant("/Settings/System/TimeZone", "s", "Europe/Amsterdam"),
    ]
    return device("com.victronenergy.settings", rig, items, {}, signal="properties")


def _consumed_ah(now: Instant) -> float:
    return round((now.soc_percent - 100) / 100 * CAPACITY_AH, 1)


def _identity(service: str, instance: int | None, process: str, version: str, product: str | None = None) -> list[Item]:
    return [
        constant("/Connected", "i", 1),
        constant("/DeviceInstance", "i" if service == "system" else "u", instance),
        constant("/FirmwareVersion", "u", None),
        constant("/Mgmt/Connection", "s", service),
        constant("/Mgmt/ProcessName", "s", process),
        constant("/Mgmt/ProcessVersion", "s", version),
        constant("/ProductName", "s", product),
        constant("/Serial", "s", None if instance is None else f"SIM{instance:05}"),
    ]
