"""A paramiko server that runs shell commands and serves files. Prints `listening PORT`, then serves until it is ended."""

import argparse
import socket
import subprocess
import threading

import paramiko

from paramiko_files import Files

class Server(paramiko.ServerInterface):
    def __init__(self, allowed):
        self._allowed = allowed

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        return paramiko.AUTH_SUCCESSFUL if key == self._allowed else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, number):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=run_command, args=(channel, command), daemon=True).start()
        return True


def feed(channel, child):
    while data := channel.recv(32768):
        child.stdin.write(data)
    child.stdin.close()


def copy_errors(channel, child):
    while data := child.stderr.read(32768):
        channel.sendall_stderr(data)


def run_command(channel, command):
    child = subprocess.Popen(command, shell=True, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
    for work in (feed, copy_errors):
        threading.Thread(target=work, args=(channel, child), daemon=True).start()
    while data := child.stdout.read(32768):
        channel.sendall(data)
    channel.send_exit_status(child.wait())
    channel.close()


def serve(sock, host_key, allowed):
    transport = paramiko.Transport(sock)
    transport.add_server_key(host_key)
    transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files)
    transport.start_server(server=Server(allowed))
    channels = []    # one that nobody holds is closed
    while transport.is_active():
        channels.append(transport.accept(1))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host-key", required=True)
    parser.add_argument("--authorized-keys", required=True)
    args = parser.parse_args()
    host_key = paramiko.Ed25519Key.from_private_key_file(args.host_key)
    with open(args.authorized_keys, encoding="utf-8") as file:
        allowed = paramiko.Ed25519Key(data=paramiko.pkey.PublicBlob.from_string(file.read()).key_blob)
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening", listener.getsockname()[1], flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock, host_key, allowed), daemon=True).start()


main()
