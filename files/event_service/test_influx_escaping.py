"""What reaches VictoriaMetrics is what was typed. Runs alone: `python3 test_influx_escaping.py`."""

from event_service.line_protocol import escape_field_string, escape_measurement, escape_tag_value, line


def test_escape_tag_value():
    assert escape_tag_value("warehouse") == "warehouse"
    assert escape_tag_value("field site, north=2") == r"field\ site\,\ north\=2"
    assert escape_tag_value("ends with \\") == "ends\\ with\\ \\\\"
    assert escape_tag_value('a "quoted" é') == 'a\\ "quoted"\\ é'


def test_escape_field_string():
    assert escape_field_string("plain text, with = and space") == "plain text, with = and space"
    assert escape_field_string('say "hi"') == r"say \"hi\""
    assert escape_field_string("back\\slash") == "back\\\\slash"


def test_escape_measurement():
    assert escape_measurement("ovr_event") == "ovr_event"
    assert escape_measurement("my event,here") == r"my\ event\,here"
    assert escape_measurement("a=b") == "a=b"


def test_complete_line_protocol():
    tags = {"event_id": "load test", "system_id": "rig_01", "location": "yard, gate=3"}
    expected = r"ovr_event,event_id=load\ test,system_id=rig_01,location=yard\,\ gate\=3 active=1i 1764000000123456789"
    assert line("ovr_event", tags, {"active": 1}, 1764000000123456789) == expected
    assert line("ovr_event", {"event_id": "x", "location": ""}, {"active": 0}, 5) == "ovr_event,event_id=x active=0i 5"


def main():
    for test in (
        test_escape_tag_value,
        test_escape_field_string,
        test_escape_measurement,
        test_complete_line_protocol,
    ):
        test()
        print(f"✓ {test.__name__} passed")
    print("\n✅ All tests passed!")


if __name__ == "__main__":
    main()
