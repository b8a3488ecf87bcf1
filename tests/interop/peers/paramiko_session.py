"""A session of paramiko's with terminal, environment and window change; prints what the server says."""

import argparse
import sys

import paramiko

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--user", required=True)
parser.add_argument("--identity", required=True)
parser.add_argument("--known-hosts", required=True)
args = parser.parse_args()

client = paramiko.SSHClient()
client.load_host_keys(args.known_hosts)
client.connect("127.0.0.1", args.port, args.user, key_filename=args.identity, allow_agent=False, look_for_keys=False)
channel = client.get_transport().open_session()
channel.set_environment_variable("LC_A", "1")
channel.get_pty("linux", 90, 33, 7, 8)
channel.invoke_shell()
lines = channel.makefile("r")
for line in lines:
    sys.stdout.write(line)
    if line.startswith("ready"):
        channel.resize_pty(91, 34)
    if line.startswith("size"):
        channel.shutdown_write()
print("status", channel.recv_exit_status())
client.close()
