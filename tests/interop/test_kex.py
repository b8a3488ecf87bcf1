"""Each key exchange method with the peers that have it, in both roles, with re-exchanges by the same method.

sshio is told to offer that method and no other, so that a login proves that it was used. A mebibyte goes to `cat` and
back, and sshio begins a new exchange every 256 KiB.
"""

import pytest

import clients
import servers
from harness import MEBI, sha256_of
from conftest import DataFile

pytestmark = pytest.mark.matrix

REKEY_BYTES = MEBI // 4
COMPLETED = "Completed key re-exchange"

NIST = ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]
GEX = "diffie-hellman-group-exchange-sha256"
GROUP14, GROUP15 = "diffie-hellman-group14-sha256", "diffie-hellman-group15-sha512"
GROUP16, GROUP17 = "diffie-hellman-group16-sha512", "diffie-hellman-group17-sha512"
GROUP18 = "diffie-hellman-group18-sha512"
GROUPS = [GROUP14, GROUP15, GROUP16, GROUP17, GROUP18]

OF_SERVERS = {
    servers.OpenSSH: [*NIST, GEX, GROUP14, GROUP16, GROUP18],
    servers.Dropbear: [*NIST, GROUP14],
    servers.AsyncSSH: [*NIST, GEX, *GROUPS],
    servers.Go: [*NIST, GROUP14],
    servers.Erlang: [*NIST, GEX, GROUP14, GROUP16, GROUP18],
}

OF_CLIENTS = {
    clients.OpenSSH: [*NIST, GEX, GROUP14, GROUP16, GROUP18],
    clients.Dbclient: [*NIST, GROUP14],
    clients.Plink: [*NIST, GEX, *GROUPS],
    clients.AsyncSSH: [*NIST, GEX, *GROUPS],
    clients.Go: [*NIST, GEX, GROUP14],
    clients.Libssh: [*NIST, GEX, GROUP14, GROUP16, GROUP18],
}


def cases(table):
    return [pytest.param(kind, method, id=f"{kind.name}-{method}") for kind in table for method in table[kind]]


@pytest.fixture(scope="session")
def mebibyte(workshop):
    return DataFile(workshop / "mebibyte", MEBI)


class OneMethodClient(clients.Sshio):
    """Says on stderr when it has completed an exchange; the server below says so in its log."""

    def __init__(self, folder, method):
        super().__init__(folder)
        self.method = method

    def options(self, server, rekey=None):
        return ["-v", "-o", f"KexAlgorithms={self.method}", *super().options(server, rekey)]


@pytest.fixture(scope="session")
def server_with(park):
    """Our server with one method; each is started once."""
    kinds = {}

    def get(method):
        if method not in kinds:
            kinds[method] = type("Sshio", (servers.Sshio,), {"name": f"sshio-{method}", "options": [
                "-v", "-o", f"KexAlgorithms={method}", "-o", f"RekeyLimit={REKEY_BYTES}"]})
        return park.get(kinds[method])
    return get


def move_both_ways(client, server, mebibyte, tmp_path, **more):
    copy = tmp_path / "copy"
    result = client.run(server, server.command("cat"), stdin_file=mebibyte.path, stdout_file=copy, seconds=120, **more)
    assert result.status == 0, (result, server.log()[-2000:])
    assert sha256_of(copy) == mebibyte.sha256
    return result


@pytest.mark.parametrize("kind, method", cases(OF_SERVERS))
def test_client_exchanges_keys_with(kind, method, park, mebibyte, tmp_path):
    client = OneMethodClient(tmp_path, method)
    result = move_both_ways(client, park.get(kind), mebibyte, tmp_path, rekey=REKEY_BYTES)
    assert COMPLETED.encode() in result.err, result


@pytest.mark.parametrize("kind, method", cases(OF_CLIENTS))
def test_server_exchanges_keys_with(kind, method, server_with, mebibyte, tmp_path):
    server = server_with(method)
    before = server.log().count(COMPLETED)
    move_both_ways(kind(tmp_path), server, mebibyte, tmp_path)
    assert server.log().count(COMPLETED) > before
    assert "received after KEXINIT" not in server.log()


@pytest.mark.parametrize("method", NIST)
def test_server_offers_no_nist_curve_unasked(method, sshio_server, tmp_path):
    result = OneMethodClient(tmp_path, method).run(sshio_server, "echo hello")
    assert (result.status, result.out) == (255, b""), result
    assert b"No matching key exchange algorithm found" in result.err, result
