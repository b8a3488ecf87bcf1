"""Programs on terminals: the server's helper, seen by the clients of others."""

import os
import time

import pytest

import clients
from harness import HOST, PYTHON, clean_environment, find_program, run
from terminal import SECONDS, SMALL, Terminal, work_in_a_shell


@pytest.fixture
def openssh_client(tmp_path):
    return clients.OpenSSH(tmp_path)


def open_terminal(client, server, *command, **more):
    return Terminal([*client.path, "-tt", *client.options(server), HOST, *command], **more)


def test_person_works_in_a_shell(openssh_client, sshio_server):
    person = open_terminal(openssh_client, sshio_server, **SMALL)
    work_in_a_shell(person)
    assert person.status() == 9


@pytest.mark.parametrize("setting, word", [(b"-echo", rb"(?<=\s)-echo\s"), (b"-icrnl", rb"-icrnl"), (b"eof ^X", rb"eof = \^X")],
                         ids=["flag", "input flag", "character"])
def test_modes_of_the_clients_terminal_arrive(openssh_client, sshio_server, setting, word):
    shell = find_program("sh", why="a shell")
    ssh = " ".join(f"'{part}'" for part in
                   [*openssh_client.path, "-tt", *openssh_client.options(sshio_server), HOST, "stty -a"])
    person = Terminal([shell, "-c", f"stty {setting.decode()}; exec {ssh}"])
    person.expect(word)
    assert person.status() == 0


def test_program_ends_when_its_client_goes(openssh_client, sshio_server, tmp_path):
    person = open_terminal(openssh_client, sshio_server, "trap 'exit' HUP; echo pid=$$.; while :; do sleep 0.1; done")
    pid = int(person.expect(rb"pid=(\d+)\.")[1])
    person.type(b"\r~.")
    person.status()
    deadline = time.monotonic() + SECONDS
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_background_program_does_not_hold_the_session(openssh_client, sshio_server):
    person = open_terminal(openssh_client, sshio_server, "trap '' HUP; sleep 5 & echo started; exit 4")
    person.expect(rb"started")
    began = time.monotonic()
    assert person.status() == 4
    assert time.monotonic() - began < 5


ASYNCSSH_SCRIPT = """
import asyncio, asyncssh, sys
async def main(host, port, user, key, hosts):
    async with asyncssh.connect(host, int(port), username=user, client_keys=[key], known_hosts=hosts, config=None) as conn:
        p = await conn.create_process("trap 'stty size; exit 6' WINCH; echo ready; while :; do read x; done",
                                      term_type="xterm", term_size=(80, 24))
        print((await p.stdout.readline()).strip())
        p.change_terminal_size(132, 43)
        p.stdin.write("\\n")
        print((await p.stdout.readuntil("43 132")).strip())
        print((await p.wait()).exit_status)
        p = await conn.create_process("exec cat", term_type="xterm")
        p.stdin.write("x\\n")
        await p.stdout.readuntil("x")
        p.send_signal("INT")
        print((await p.wait()).exit_signal[0])
asyncio.run(main(*sys.argv[1:]))
"""


def test_asyncssh_resizes_and_interrupts(sshio_server):
    clients.need_python_module("asyncssh")
    server = sshio_server
    result = run([PYTHON, "-c", ASYNCSSH_SCRIPT, HOST, server.port, server.user, server.identity.path,
                  server.known_hosts]).check()
    lines = result.out.split()
    assert lines[0] == b"ready" and lines[-2:] == [b"6", b"INT"], result
