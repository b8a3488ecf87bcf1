"""What WinSCP does in SCP mode: a shell without terminal, commands on its stdin, and a line behind each that tells its
end and status. Prints the status and the lines of each command."""

import argparse

import paramiko

MARK = "WinSCP: this is end-of-file:"
COMMANDS = ["unset LANG", "pwd", "echo one; echo two", "ls /no/such/folder 2>/dev/null", "(exit 7)"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    for name in ("user", "identity", "known-hosts"):
        parser.add_argument(f"--{name}", required=True)
    o = parser.parse_args()
    client = paramiko.SSHClient()
    client.load_host_keys(o.known_hosts)
    client.connect("127.0.0.1", o.port, o.user, key_filename=o.identity, look_for_keys=False, allow_agent=False,
                   timeout=20, banner_timeout=20, auth_timeout=20)
    channel = client.get_transport().open_session(timeout=20)
    channel.settimeout(20)
    channel.invoke_shell()
    lines = channel.makefile("r")
    for command in COMMANDS:
        channel.sendall(f'{command} ; echo "{MARK}$?"\n')
        said = []
        while not (line := lines.readline()).startswith(MARK):
            assert line, "the shell ended"
            said.append(line.rstrip("\n"))
        print(command, "->", line[len(MARK):].strip(), said)
    channel.sendall("exit 5\n")
    print("status", channel.recv_exit_status())
    client.close()


main()
