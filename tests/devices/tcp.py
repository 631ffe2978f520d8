"""A device elsewhere: what Tenzo asks goes to a connection, what that answers comes back. tcp.py HOST PORT"""
import os
import select
import socket
import sys

peer = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=10)
peer.settimeout(None)
peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while True:
    for source in select.select([0, peer], [], [])[0]:
        data = os.read(0, 1 << 20) if source == 0 else peer.recv(1 << 20)
        if not data:
            sys.exit(0)
        if source == 0:
            peer.sendall(data)
        while source is peer and data:
            data = data[os.write(1, data) :]
