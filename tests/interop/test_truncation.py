"""Somebody on the way who adds a packet before the keys and takes one away after them (rules S4, S5; CVE-2023-48795)."""

import pytest

import clients
import servers
from test_client import Imposter
from truncating_relay import TruncatingRelay

CIPHER = "chacha20-poly1305@openssh.com"    # whose nonce is the sequence number: the attack's first choice


class OpenSSH(clients.OpenSSH):
    def options(self, server, rekey=None):
        return ["-c", CIPHER, *super().options(server, rekey)]


class Sshio(clients.Sshio):
    def options(self, server, rekey=None):
        return ["-o", f"Ciphers={CIPHER}", *super().options(server, rekey)]


def run_through(relay, client, server):
    face = Imposter(server, server.known_hosts)
    face.port = relay.port
    face.known_hosts = client.folder / "known_hosts_of_relay"
    face.known_hosts.write_text(server.known_hosts.read_text().replace(f":{server.port} ", f":{relay.port} "))
    return client.run(face, server.command("hello"))


@pytest.mark.parametrize("client_kind", [OpenSSH, Sshio], ids=lambda kind: kind.name)
def test_the_attack_works_where_strict_key_exchange_is_missing(client_kind, park, tmp_path):
    """Otherwise the next test would show nothing: Go's server of this age has no strict key exchange."""
    with TruncatingRelay(park.get(servers.Go).port) as relay:
        result = run_through(relay, client_kind(tmp_path), park.get(servers.Go))
    assert (result.status, result.out) == (0, b"hello\n"), result
    assert relay.dropped > 0


PAIRS = [(OpenSSH, servers.Sshio), (Sshio, servers.OpenSSH), (Sshio, servers.Sshio), (Sshio, servers.Dropbear),
         (Sshio, servers.AsyncSSH)]


@pytest.mark.parametrize("client_kind, server_kind", PAIRS, ids=lambda kind: kind.name)
def test_strict_key_exchange_notices_it(client_kind, server_kind, park, tmp_path):
    server = park.get(server_kind)
    with TruncatingRelay(server.port) as relay:
        result = run_through(relay, client_kind(tmp_path), server)
    assert (result.status, result.out) == (255, b""), result
