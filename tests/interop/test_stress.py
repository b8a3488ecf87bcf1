"""Many channels on one connection, and many key exchanges in one transfer."""

import hashlib

import pytest

import clients
import servers
from harness import DEEP, FRANK, clean_environment, find_built, run_measured

pytestmark = pytest.mark.matrix

MANY = 200
RUN = 50_000_000        # bytes that OpenSSH rekeys about every 32 KiB of, when its RekeyLimit is 64K
REKEY = "64K"


def many_sessions(kind, options):
    """A server that takes that many sessions on one connection."""
    return type(kind.__name__, (kind,), {"name": f"{kind.name}-many", **options})


SSHIO = many_sessions(servers.Sshio, {"max_sessions": MANY + 10})
SERVERS = [many_sessions(servers.OpenSSH, {"max_sessions": MANY + 10}), servers.AsyncSSH, servers.Go, servers.Erlang]


@pytest.mark.parametrize("kind", SERVERS, ids=lambda kind: kind.name)
def test_client_opens_200_sessions_at_once(kind, sshio, park):
    sshio.run_sessions(park.get(kind), MANY)


@pytest.mark.parametrize("kind", [clients.OpenSSH, clients.AsyncSSH, clients.Go, clients.Libssh], ids=lambda kind: kind.name)
def test_server_takes_200_sessions_at_once(kind, park, tmp_path):
    kind(tmp_path).run_sessions(park.get(SSHIO), MANY)


class OneAfterTheOther(servers.OpenSSH):
    """It closes the connection's eleventh session when ten are open: one that is not given back shows soon."""

    name = "openssh-ten-sessions"
    max_sessions = 10


@pytest.mark.parametrize("kind, command", [(OneAfterTheOther, "exit 0"), (servers.SshioAuth, "greet")],
                         ids=["openssh", "sshio"])
def test_sessions_one_after_the_other_leave_nothing_behind(kind, command, park):
    """100,000 on one connection, in the deep run: their numbers are used again, and so is their memory."""
    server, peaks = park.get(kind), []
    for count in (100, 100_000 if DEEP else 1000):
        argv = [find_built("tests/interop/session_loop"), server.port, server.user, server.identity.path, server.known_hosts,
                count, command]
        result, peak = run_measured(argv, seconds=3000, env=clean_environment(**FRANK))
        assert result.check().out == b"sessions %d\n" % count
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 2048, peaks


def first_bytes(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read(RUN)).hexdigest()


@pytest.mark.parametrize("client_kind, server_kind",
                         [(clients.OpenSSH, servers.Sshio), (clients.Sshio, servers.OpenSSH)],
                         ids=["openssh-to-sshio", "sshio-to-openssh"])
def test_rekey_limit_of_64k_over_50_megabytes(client_kind, server_kind, park, bulk, tmp_path):
    """Strict key exchange restarts sequence numbers each time, so that one slip would show (rule S5)."""
    client, server = client_kind(tmp_path), park.get(server_kind)
    got = client.run(server, f"head -c {RUN} {bulk} | tee /dev/stderr | sha256sum; cat {bulk} | head -c {RUN} >/dev/null",
                     rekey=REKEY, seconds=120)
    assert got.status == 0, (got.status, got.err[-500:], server.log()[-1000:])
    assert hashlib.sha256(got.err[:RUN]).hexdigest() == first_bytes(bulk.path) == got.out.split()[0].decode()
