"""MQTT: an outlet of a run, commands to it, a source for readers, and a broker for who has none.

`client` alone knows the client library.
"""
