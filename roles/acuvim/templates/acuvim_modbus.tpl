# {{ header }}
# {{ meter.system_id }}: {{ meter.model or "Acuvim" }}, serial {{ meter.serial or "unknown" }}, firmware {{ meter.firmware or "unknown" }}
#
# One request an input: its values belong to one moment, and a failed read is a gap in them and in nothing else.
{% for input in inputs %}

[[inputs.modbus]]
  name = "{{ input.alias }}"
  alias = "{{ input.alias }}"
  controller = "tcp://{{ meter.ip }}:{{ meter.port }}"
  interval = "{{ input.interval }}"
{% if input.offset %}
  collection_offset = "{{ input.offset }}"
{% endif %}
  precision = "1ms"
  timeout = "{{ input.timeout }}"
  configuration_type = "request"
  exclude_register_type_tag = true
  tagexclude = ["name", "slave_id", "host"]
{% if not input.stays_connected %}
  [inputs.modbus.workarounds]
    # Meters have few connections; this one is free between two reads.
    close_connection_after_gather = true
{% endif %}
  [[inputs.modbus.request]]
    slave_id = {{ meter.unit }}
    register = "holding"
    byte_order = "{{ meter.word_order }}"
    measurement = "acuvim"
    fields = [
{% for field in input.fields %}
      { address = {{ field.address }}, name = "{{ field.name }}", type = "{{ field.type }}"{% if field.omit %}, omit = true{% elif field.scale != 1 %}, scale = {{ field.scale }}{% endif %} },
{% endfor %}
    ]
  [inputs.modbus.tags]
    system_id = "{{ meter.system_id }}"
    device = "{{ meter.device }}"
    ip = "{{ meter.ip }}"
    role = "power_meter"
{% endfor %}
