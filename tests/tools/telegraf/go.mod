module ovr.edge/tests/tools/telegraf

go 1.26.0
