"""The devices of a machine room over SNMP: PDUs, UPSs and sensors."""
