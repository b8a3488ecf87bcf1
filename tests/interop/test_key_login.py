"""Logging in with keys of each type, to hosts with keys of each type, both ways."""

import pathlib
import shutil

import pytest

import clients
import conftest
import servers
from harness import HOST, KeyFile, find_built, find_program, free_port, known_hosts_line, run
from test_client import Imposter

pytestmark = pytest.mark.matrix

KINDS = ["ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-2048"]
HOST_KINDS = ["ecdsa-256", "ecdsa-521", "rsa-2048"]     # TinySSH has Ed25519 alone
PEERS = [servers.OpenSSH, servers.Dropbear, servers.AsyncSSH, servers.Go, servers.Erlang]


class Ring:
    """Keys of all types, which every server here lets in; and the one that other tests use on the same account."""

    def __init__(self, folder, identity):
        folder.mkdir()
        self.keys = {kind: KeyFile(folder, f"user_{kind}", kind) for kind in [*KINDS, "rsa-1024"]}
        self.keys["ed25519"] = identity
        self.public_line = "\n".join(key.public_line for key in self.keys.values())
        self.path = identity.path


@pytest.fixture(scope="module")
def ring(workshop, identity):
    return Ring(workshop / "ring", identity)


@pytest.fixture(scope="module")
def key_park(workshop, ring, account):
    folder = workshop / "key-servers"
    folder.mkdir()
    park = conftest.Park(folder, ring, None, account)
    yield park
    park.stop()
    shutil.rmtree(folder, ignore_errors=True)


def facing(server, key):
    face = Imposter(server, server.known_hosts)
    face.identity = key
    return face


def logs_in(client, server, key):
    result = client.run(facing(server, key), server.command("hello"))
    assert (result.status, result.out) == (0, b"hello\n"), (result, server.log()[-2000:])
    return result


def is_refused(client, server, key):
    result = client.run(facing(server, key), server.command("hello"))
    assert result.status != 0 and result.out == b"", result
    return result


# ---- sshio as the server ----

@pytest.mark.parametrize("kind", KINDS)
def test_server_takes_user_key(client, key_park, ring, kind):
    logs_in(client, key_park.get(servers.Sshio), ring.keys[kind])


@pytest.mark.parametrize("kind", HOST_KINDS)
def test_server_proves_host_key(client, key_park, ring, kind):
    logs_in(client, key_park.get(servers.with_host_key(servers.Sshio, kind)), ring.keys["ed25519"])


@pytest.mark.parametrize("kind", servers.SshioManyKeys.kinds)
def test_server_has_the_key_that_the_client_knows(tmp_path, key_park, ring, kind):
    server = key_park.get(servers.SshioManyKeys)
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(known_hosts_line(server.port, server.host_keys[kind].public_line))
    for client in (clients.OpenSSH, clients.Sshio):
        face = facing(server, ring.keys["ed25519"])
        face.known_hosts = known_hosts
        assert client(tmp_path).run(face, "echo hello").check().out == b"hello\n"


def test_server_shows_all_its_keys(key_park):
    server = key_park.get(servers.SshioManyKeys)
    shown = run([find_program("ssh-keyscan"), "-p", server.port, HOST]).check().out.decode()
    for key in server.host_keys.values():
        assert key.public_line.split()[1] in shown


class Ssh(clients.OpenSSH):
    """ssh with more options before the others."""

    more = []

    def options(self, server, rekey=None):
        return [*self.more, *super().options(server, rekey)]


def ssh(tmp_path, *more):
    client = Ssh(tmp_path)
    client.more = more
    return client


def test_server_sends_its_signature_algorithms(tmp_path, key_park, ring):
    """RFC 8308 3.1: and SHA-1 is not among them."""
    result = logs_in(ssh(tmp_path, "-vv"), key_park.get(servers.Sshio), ring.keys["rsa-2048"])
    assert b"server-sig-algs=<ssh-ed25519,ecdsa-sha2-nistp521,ecdsa-sha2-nistp384,ecdsa-sha2-nistp256,rsa-sha2-256," \
        b"rsa-sha2-512>" in result.err, result


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512"])
def test_server_takes_each_rsa_signature(tmp_path, key_park, ring, algorithm):
    client = ssh(tmp_path, "-v", "-o", f"PubkeyAcceptedAlgorithms={algorithm}")
    logs_in(client, key_park.get(servers.Sshio), ring.keys["rsa-2048"])


def test_server_takes_no_sha1(tmp_path, key_park, ring):
    """RFC 8332 3.3; C8."""
    client = ssh(tmp_path, "-o", "PubkeyAcceptedAlgorithms=ssh-rsa")
    is_refused(client, key_park.get(servers.Sshio), ring.keys["rsa-2048"])


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512"])
def test_server_proves_host_key_with_each_rsa_signature(tmp_path, key_park, ring, algorithm):
    client = ssh(tmp_path, "-o", f"HostKeyAlgorithms={algorithm}")
    logs_in(client, key_park.get(servers.with_host_key(servers.Sshio, "rsa-2048")), ring.keys["ed25519"])


class SshioShortKeys(servers.Sshio):
    name = "sshio-short-keys"
    options = ["-o", "RequiredRSASize=1024"]


def test_server_takes_short_user_keys_only_when_told(tmp_path, key_park, ring):
    is_refused(ssh(tmp_path), key_park.get(servers.Sshio), ring.keys["rsa-1024"])
    logs_in(ssh(tmp_path), key_park.get(SshioShortKeys), ring.keys["rsa-1024"])


def test_server_does_not_start_with_a_short_host_key(tmp_path):
    key = KeyFile(tmp_path, "short", "rsa-1024")
    result = run([find_built("tools/sshio"), "sshd", "-D", "-e", "-p", free_port(), "-h", key.path, "-o",
                  f"ListenAddress={HOST}"])
    assert result.status == 1 and b"an RSA key of 1024 bits is too short: 2048 are required" in result.err


# ---- sshio as the client ----

@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_client_logs_in_with_user_key(sshio, key_park, ring, peer, kind):
    logs_in(sshio, key_park.get(peer), ring.keys[kind])


@pytest.mark.parametrize("kind", HOST_KINDS)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_client_trusts_host_key(sshio, key_park, ring, peer, kind):
    logs_in(sshio, key_park.get(servers.with_host_key(peer, kind)), ring.keys["ed25519"])


class OurSsh(clients.Sshio):
    """sshio ssh with more options before the others."""

    more = []

    def options(self, server, rekey=None):
        return [*self.more, *super().options(server, rekey)]


def our_ssh(tmp_path, *more):
    client = OurSsh(tmp_path)
    client.more = more
    return client


@pytest.mark.parametrize("algorithm, logged", [
    ("rsa-sha2-256", "RSA"),
    ("rsa-sha2-512", "RSA"),
    ("-rsa-sha2-256", "RSA"),
    ("ssh-rsa", None),      # the server takes no SHA-1
    ("ssh-ed25519", None),
])
def test_client_signs_with_the_algorithm_it_is_told(tmp_path, key_park, ring, algorithm, logged):
    client = our_ssh(tmp_path, "-o", f"PubkeyAcceptedAlgorithms={algorithm}")
    server = key_park.get(servers.OpenSSH)
    (logs_in if logged else is_refused)(client, server, ring.keys["rsa-2048"])


class OpenSSHWithSha1(servers.OpenSSH):
    name = "openssh-sha1"

    def start(self):
        super().start(PubkeyAcceptedAlgorithms="ssh-rsa")


def test_client_signs_with_sha1_only_when_told(tmp_path, key_park, ring):
    """OpenSSH 9.2 names all algorithms in its list, whatever it has been told to take."""
    server = key_park.get(OpenSSHWithSha1)
    is_refused(our_ssh(tmp_path), server, ring.keys["rsa-2048"])
    logs_in(our_ssh(tmp_path, "-o", "PubkeyAcceptedAlgorithms=ssh-rsa"), server, ring.keys["rsa-2048"])


def test_client_requires_sizes(tmp_path, key_park, ring):
    server = key_park.get(servers.with_host_key(servers.OpenSSH, "rsa-2048"))
    logs_in(our_ssh(tmp_path, "-o", "RequiredRSASize=2048"), server, ring.keys["rsa-2048"])
    refused = is_refused(our_ssh(tmp_path, "-o", "RequiredRSASize=2049"), server, ring.keys["ed25519"])
    assert b"Host key of 2048 bits is too short" in refused.err, refused


def test_client_logs_in_with_a_key_in_pkcs8(tmp_path, sshio, key_park):
    server = key_park.get(servers.OpenSSH)
    key = KeyFile(tmp_path, "pkcs8", "ecdsa-384")
    run([find_program("ssh-keygen"), "-q", "-p", "-P", "", "-N", "", "-m", "PKCS8", "-f", key.path]).check()
    assert b"BEGIN PRIVATE KEY" in pathlib.Path(key.path).read_bytes()
    with open(server.authorized_keys, "a") as file:
        file.write(key.public_line + "\n")
    logs_in(sshio, server, key)
