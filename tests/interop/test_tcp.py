"""Connections through a server to other hosts, both ways."""

import hashlib
import socketserver
import threading

import pytest

import clients
import servers
from harness import HOST, MEBI, find_built, find_program, free_port, run


class Summer(socketserver.BaseRequestHandler):
    """Reads to the end and says how much it was and which checksum it has; in front of that, as much as it was told."""

    def handle(self):
        digest, count = hashlib.sha256(), 0
        while data := self.request.recv(65536):
            digest.update(data)
            count += len(data)
            self.request.sendall(data)
        self.request.sendall(f"\n{count} {digest.hexdigest()}\n".encode())


@pytest.fixture
def place():
    with socketserver.ThreadingTCPServer((HOST, 0), Summer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def expected(data):
    return data + f"\n{len(data)} {hashlib.sha256(data).hexdigest()}\n".encode()


DATA = bytes(range(256)) * (8 * MEBI // 256)    # several windows each way


def go(server, host, port, data=b""):
    return run([find_built("tests/interop/tcp_client"), server.port, server.user, server.identity.path,
                server.known_hosts, host, port], input=data)


@pytest.mark.parametrize("kind", [servers.OpenSSH, servers.SshioSession], ids=lambda kind: kind.name)
def test_client_gets_through_and_back(park, kind, place):
    for data in (b"", b"line\n", DATA):
        assert go(park.get(kind), HOST, place, data).check().out == expected(data)


@pytest.mark.parametrize("kind", [servers.OpenSSH, servers.AsyncSSH, servers.SshioSession], ids=lambda kind: kind.name)
def test_client_hears_that_nobody_is_there(park, kind):
    result = go(park.get(kind), HOST, free_port())
    assert result.status == 1 and result.out == b"" and b"connection" in result.err.lower(), result


@pytest.mark.parametrize("data", [b"", b"line\n", DATA], ids=len)
def test_server_forwards_for_openssh(park, tmp_path, place, data):
    server = park.get(servers.SshioSession)
    ssh = [find_program("ssh"), *clients.OpenSSH(tmp_path).options(server)]
    assert run([*ssh, "-W", f"{HOST}:{place}", HOST], input=data).check().out == expected(data)


def test_server_refuses_other_hosts_to_openssh(park, tmp_path):
    server = park.get(servers.SshioSession)
    ssh = [find_program("ssh"), *clients.OpenSSH(tmp_path).options(server)]
    result = run([*ssh, "-W", "other.invalid:22", HOST])
    assert result.status == 255 and b"Connection refused" in result.err, result


def test_openssh_jumps_over_our_server(park, tmp_path, openssh_server):
    """A whole SSH connection in a forwarded one."""
    jump = park.get(servers.SshioSession)
    ssh, client = find_program("ssh"), clients.OpenSSH(tmp_path)
    inner = " ".join(str(word) for word in [ssh, *client.options(jump), "-W", "%h:%p", HOST])
    out = run([ssh, "-o", f"ProxyCommand={inner}", *client.options(openssh_server), HOST, "echo there"]).check().out
    assert out == b"there\n"
