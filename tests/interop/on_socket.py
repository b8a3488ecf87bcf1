"""Runs a program with one end of a socket pair as stdin and stdout, as inetd does, and copies between the other end and
its own stdin and stdout."""

import os
import socket
import subprocess
import sys
import threading


def feed(sock):
    while data := os.read(0, 65536):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


ours, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
threading.Thread(target=feed, args=(ours,), daemon=True).start()
while data := ours.recv(65536):
    while data:
        data = data[os.write(1, data):]
os._exit(child.wait())
