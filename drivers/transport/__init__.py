"""Byte links to instruments: sockets, serial ports, VISA sessions, and a network in memory."""
