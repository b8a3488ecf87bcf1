"""A paramiko client: one command with this program's own streams."""

import argparse
import socket
import sys
import threading

import paramiko


def host_key(known_hosts, host, port):
    keys = paramiko.HostKeys(known_hosts).lookup(f"[{host}]:{port}")
    return keys["ssh-ed25519"]


def feed(channel):
    while data := sys.stdin.buffer.read1(32768):
        channel.sendall(data)
    channel.shutdown_write()


def copy_errors(channel):
    while data := channel.recv_stderr(32768):
        sys.stderr.buffer.write(data)


def run_command(transport, command):
    channel = transport.open_session()
    channel.exec_command(command)
    for work in (feed, copy_errors):
        threading.Thread(target=work, args=(channel,), daemon=True).start()
    while data := channel.recv(32768):
        sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return channel.recv_exit_status()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--identity", required=True)
    parser.add_argument("--known-hosts", required=True)
    parser.add_argument("command")
    args = parser.parse_args()
    transport = paramiko.Transport(socket.create_connection(("127.0.0.1", args.port)))
    transport.connect(hostkey=host_key(args.known_hosts, "127.0.0.1", args.port), username=args.user,
                      pkey=paramiko.Ed25519Key.from_private_key_file(args.identity))
    status = run_command(transport, args.command)
    transport.close()
    return status


sys.exit(main())
