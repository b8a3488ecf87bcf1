"""Much data through one session: it comes whole, and neither end keeps it. With SSHIO_DEEP=1 it is a gibibyte.

What an end keeps is measured as the difference to a session of a mebibyte, so that it holds whatever the program is built with; without
a sanitizer the whole process has to stay small too."""

import hashlib
import os
import pathlib
import shlex
import subprocess
import threading
import time

import pytest

import clients
import servers
from conftest import DataFile
from harness import (DEEP, FRANK, HOST, MEBI, PYTHON, build_folder, clean_environment, find_built, limit_child, run_measured,
                     under_limits)
from raw_bed import Bed

TIMES = 11 if DEEP else 1       # that the file `mass` is sent …
SIZE = 100 if DEEP else 40      # … of so many MiB
KEPT = 16 * 1024                # KiB that may be held at a time, beyond what a session of a mebibyte holds
SMALL = 32 * 1024               # KiB of the whole process
# A loop that writes the file N times into a program, or on the other side to it.
FEED = 'n=$1 f=$2; shift 2; while [ $n -gt 0 ]; do cat "$f"; n=$((n-1)); done | exec "$@"'


def is_sanitized():
    return b"__asan_init" in (build_folder() / "libsshio.so.0").read_bytes()


def check_peaks(large, small):
    assert large - small <= KEPT, f"{small} KiB for a mebibyte, {large} KiB for {TIMES} times {SIZE}"
    assert is_sanitized() or large <= SMALL, large


@pytest.fixture(scope="module")
def mass(workshop):
    return DataFile(workshop / "mass", SIZE * MEBI)


@pytest.fixture(scope="module")
def mebibyte(workshop):
    return DataFile(workshop / "volume-mebibyte", MEBI)


@pytest.fixture(scope="module")
def digest(mass):
    """Of all that is sent."""
    whole = hashlib.sha256()
    for _ in range(TIMES):
        with open(mass.path, "rb") as file:
            while block := file.read(MEBI):
                whole.update(block)
    return whole.hexdigest().encode()


def feed(client, server, times, path):
    """Into a checksum on the server; the client's peak in KiB."""
    argv = ["sh", "-c", FEED, "sh", times, path, *client.argv(server, "sha256sum", None)]
    result, peak = run_measured(argv, seconds=600, env=clean_environment(**FRANK))
    return result.check().out.split()[0], peak


def looped(times, path):
    return f"n={times}; while [ $n -gt 0 ]; do cat {path}; n=$((n-1)); done"


def draw(client, server, times, path):
    """From the server into a checksum."""
    argv = ["sh", "-c", '"$@" | sha256sum', "sh", *client.argv(server, looped(times, path), None)]
    result, peak = run_measured(argv, seconds=600, env=clean_environment(**FRANK))
    return result.check().out.split()[0], peak


@pytest.mark.parametrize("move", [feed, draw], ids=["up", "down"])
def test_client_keeps_nothing_of_what_passes(sshio, openssh_server, mass, mebibyte, digest, move):
    _, small = move(sshio, openssh_server, 1, mebibyte)
    got, large = move(sshio, openssh_server, TIMES, mass)
    assert got == digest
    check_peaks(large, small)


def peak_of(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmHWM:")[1].split()[0])


@pytest.mark.parametrize("kind", [clients.OpenSSH, *(pytest.param(kind, marks=pytest.mark.matrix) for kind in
                                                     (clients.Plink, clients.Dbclient))], ids=lambda kind: kind.name)
@pytest.mark.parametrize("move", [feed, draw], ids=["up", "down"])
def test_server_keeps_nothing_of_what_passes(park, tmp_path, mass, mebibyte, digest, kind, move):
    server, client = park.get(servers.SshioTight), kind(tmp_path)
    pid = Bed(server).pid()
    move(client, server, 1, mebibyte)
    small = peak_of(pid)
    got, _ = move(client, server, TIMES, mass)
    assert got == digest
    check_peaks(peak_of(pid), small)


# ---- from one server's program to another's ----

def pipe_between(first, second, source, sink):
    """Our client between two servers."""
    return [find_built("tests/interop/pipe_client"), first.port, first.known_hosts, second.port, second.known_hosts, first.user,
            first.identity.path, source, sink]


class OtherOpenSSH(servers.OpenSSH):
    name = "openssh-other"


def test_pipe_between_two_servers_keeps_nothing(openssh_server, park, mass, mebibyte, digest):
    other, env = park.get(OtherOpenSSH), clean_environment(**FRANK)
    _, small = run_measured(pipe_between(openssh_server, other, looped(1, mebibyte), "sha256sum"), env=env)
    result, large = run_measured(pipe_between(openssh_server, other, looped(TIMES, mass), "sha256sum"), seconds=600, env=env)
    assert result.check().out.split()[0] == digest
    check_peaks(large, small)


# Writes a file, and says in another how far it has come.
TELL = """import sys
with open(sys.argv[1], "rb") as file:
    while block := file.read(65536):
        sys.stdout.buffer.write(block)
        sys.stdout.flush()
        open(sys.argv[2], "w").write(str(file.tell()))
"""


def test_pipe_between_two_servers_waits_for_the_slower_one(openssh_server, park, mass, workshop):
    """Nobody reads at the end of it until the source has come to a stop, which is far from its end."""
    gate, position = workshop / "gate", workshop / "position"
    os.mkfifo(gate)
    position.touch()
    for path in (gate, position):
        path.chmod(0o666)
    source = " ".join(map(shlex.quote, map(str, [PYTHON, "-c", TELL, mass, position])))
    argv = pipe_between(openssh_server, park.get(OtherOpenSSH), source, f"cat {gate}; sha256sum")
    with subprocess.Popen(under_limits(argv, 120), stdout=subprocess.PIPE, env=clean_environment(**FRANK),
                          preexec_fn=limit_child) as child:
        assert 0 < where_it_stops(position) < mass.size * 3 // 4
        gate.write_text("")
        assert child.communicate()[0].split()[0].decode() == mass.sha256
        assert child.returncode == 0


def where_it_stops(position, calm=0.5):
    """What says so is that nothing more is written for a while; a machine that is slow makes the place nearer, never the test fail."""
    last, since = "", time.monotonic()
    while not last or time.monotonic() - since < calm:
        text = position.read_text()
        if text != last:
            last, since = text, time.monotonic()
        time.sleep(0.01)
    return int(last)


# ---- one session beside another ----

class Drain(threading.Thread):
    """Reads all that a program writes, and counts it."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.count, self.moved = stream, 0, threading.Condition()

    def run(self):
        while block := self.stream.read1(MEBI):
            with self.moved:
                self.count += len(block)
                self.moved.notify_all()

    def wait_for(self, count):
        with self.moved:
            assert self.moved.wait_for(lambda: self.count >= count, 60), self.count


def test_an_echo_comes_back_while_another_session_never_ends(sshio_server, tmp_path):
    """On one connection of OpenSSH's: each line is answered although there is always more to be sent to the other session."""
    ssh = clients.OpenSSH(tmp_path)
    with ssh.master(sshio_server) as control:
        argv = [*ssh.path, *ssh.options(sshio_server), "-o", f"ControlPath={control}", "-o", "ControlMaster=no", HOST]
        start = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment(), preexec_fn=limit_child)
        with subprocess.Popen(under_limits([*argv, "cat /dev/zero"], 60), **start) as endless, \
                subprocess.Popen(under_limits([*argv, "cat"], 60), **start) as echo:
            drain = Drain(endless.stdout)
            drain.start()
            for number in range(20):
                drain.wait_for(drain.count + MEBI)
                echo.stdin.write(b"line %d\n" % number)
                echo.stdin.flush()
                assert echo.stdout.readline() == b"line %d\n" % number
            drain.wait_for(drain.count + MEBI)
            endless.terminate()
            drain.join()
            echo.stdin.close()
