"""Key exchanges while data moves: how many there are, that they may be absurdly frequent, and that both directions may be full.

RFC 4253 section 9."""

import contextlib
import os
import subprocess

import pytest

import clients
import servers
from harness import clean_environment, limit_child, sha256_of, under_limits

COMPLETED = b"Completed key re-exchange"
UP, DOWN = 20_000_000, 40_000_000    # bytes; of what the server sends, as much as is under way still goes under the old keys


class OpenSSHDebug(servers.OpenSSH):
    """Its log tells each key exchange."""

    name = "openssh-debug"

    def start(self):
        super().start(LogLevel="DEBUG")

    def new_keys(self):
        return self.log().count("SSH2_MSG_NEWKEYS received")


class Verbose(clients.Sshio):
    """Says on stderr when it has completed an exchange."""

    def __init__(self, folder, rekey_limit):
        super().__init__(folder)
        self.rekey_limit = rekey_limit

    def options(self, server, rekey=None):
        return ["-v", "-o", f"RekeyLimit={self.rekey_limit}", *super().options(server)]

    @contextlib.contextmanager
    def talk(self, server, command):
        with subprocess.Popen(under_limits(self.argv(server, command, None), 60), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, env=clean_environment(), preexec_fn=limit_child) as child:
            try:
                yield child
            finally:
                child.kill()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_each_mebibyte_has_keys_of_its_own(park, bulk, tmp_path, direction):
    """20 MB that we send are 19 mebibytes and a bit."""
    server, client = park.get(OpenSSHDebug), Verbose(tmp_path, "1M")
    before = server.new_keys()
    if direction == "up":
        result = client.run(server, f"head -c {UP} | wc -c", stdin_file=bulk.path)
        assert result.check().out.strip() == b"%d" % UP
    else:
        result = client.run(server, f"head -c {DOWN} {bulk}")
        assert len(result.check().out) == DOWN
    assert result.err.count(COMPLETED) >= 19, result
    assert server.new_keys() - before >= 20, server.log()[-1000:]    # the first ones too


def count_so_far(stream, what):
    """How often something stands in what can be read without waiting. A line may come in two parts: that one does not count."""
    os.set_blocking(stream.fileno(), False)
    return (stream.read() or b"").count(what)


@pytest.mark.parametrize("kind", [servers.OpenSSH, servers.Dropbear], ids=lambda kind: kind.name)
@pytest.mark.parametrize("limit, least", [("1", 100), ("default 0.1", 3)], ids=["1-byte", "0.1-seconds"])
def test_line_by_line_with_keys_that_hardly_last(park, tmp_path, kind, limit, least):
    """After each byte, and after each tenth of a second, there is an exchange; each of 100 lines comes back all the same."""
    server, client = park.get(kind), Verbose(tmp_path, limit)
    with client.talk(server, "cat") as child:
        number = exchanges = 0
        while number < 100 or exchanges < least:
            child.stdin.write(b"line %d\n" % number)
            child.stdin.flush()
            assert child.stdout.readline() == b"line %d\n" % number, (child.stderr.read(), server.log()[-1000:])
            number += 1
            exchanges += count_so_far(child.stderr, COMPLETED)
        child.stdin.close()
        assert child.wait() == 0


def test_both_directions_are_full_while_the_server_rekeys(park, bulk, tmp_path):
    """Each megabyte, while 100 of them go to `cat` and come back at once. (RFC 4253 section 7.1: data goes on until KEXINIT)"""
    server, copy = park.get(servers.SshioRekeying), tmp_path / "copy"
    result = clients.OpenSSH(tmp_path).run(server, "cat", stdin_file=bulk.path, stdout_file=copy, seconds=120)
    assert result.status == 0, (result, server.log()[-1000:])
    assert (copy.stat().st_size, sha256_of(copy)) == (bulk.size, bulk.sha256)
