"""The table of limits that a raw peer can drive (rules P3, S8, A5): going over each is refused, the server goes on serving, and
its memory comes back to where it was.

Memory is measured against the same twice before: the first run pays for what a server keeps (pools, tables), the second for
where the allocator puts it, the third must cost nothing more. Nothing here depends on the time something takes."""

import select
import socket
import struct

import pytest

import servers
from harness import HOST
from raw_bed import Bed, check_ended
from raw_ssh import (CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_FAILURE, CHANNEL_OPEN, CHANNEL_OPEN_CONFIRMATION,
                     CHANNEL_OPEN_FAILURE, CHANNEL_REQUEST, CHANNEL_SUCCESS, GLOBAL_REQUEST, KEXINIT, PATIENCE, PING,
                     PONG, Ended, Fields, Peer, connect, message)
from test_raw_packets import bomb

PROTOCOL_ERROR, COMPRESSION_ERROR = 2, 6
WINDOW, PACKET = 2**21, 2**15
ENV_COUNT, ENV_LEN = 128, 1024
LIGHT_REKEYS = 10
STARTUPS = 5
ONCE_MORE = 640       # KiB that the third run of something may cost: one more block of output
PER_CONNECTION = 8    # KiB that an announced length may cost each connection, of the 64 announced


@pytest.fixture
def tight(park):
    made = Bed(park.get(servers.SshioTight))
    yield made
    made.check_serves()


def costs_nothing_more(bed, scenario):
    for _ in range(2):
        scenario()
        bed.check_serves()
    before = bed.memory()
    scenario()
    bed.check_serves()
    after = bed.memory()
    assert after - before <= ONCE_MORE, f"{before} KiB before, {after} KiB after"


# ---- P3: memory grows with what is received ----

def test_p3_announced_lengths_cost_no_memory(park):
    bed = Bed(park.get(Crowded))
    peers = [bed.at("kexinit") for _ in range(Crowded.count)]
    for peer in peers:
        peer.read_until(KEXINIT)
    bed.check_serves()
    before = bed.memory()
    for peer in peers:
        peer.send_bytes(struct.pack(">I", 65532))
    bed.check_serves()
    after = bed.memory()
    for peer in peers:
        peer.sock.close()
    bed.check_serves()
    assert after - before <= PER_CONNECTION * len(peers), f"{before} KiB before, {after} KiB after"


class Crowded(servers.SshioAuth):
    name = "sshio-auth-crowded"
    count = 300
    limits = ["max_startups=1000"]
    environment = servers.SshioTight.environment


def test_p3_connections_that_announce_and_vanish_leave_nothing(tight):
    def announce():
        peers = [tight.at("kexinit") for _ in range(50)]
        for peer in peers:
            peer.send_bytes(struct.pack(">I", 65532) + bytes(30000))
        for peer in peers:
            peer.sock.close()

    costs_nothing_more(tight, announce)


# ---- unauthenticated connections ----

class Small(servers.SshioAuth):
    name = "sshio-auth-small"
    limits = [f"max_startups={STARTUPS}"]


def test_limit_connections_over_the_cap_get_a_line_of_text(park):
    bed = Bed(park.get(Small))
    with bed.at("open") as logged_in:
        idle = [bed.at(state) for state in ("version", "kexinit", "kex", "service", "auth")]
        for peer in idle[1:]:
            peer.look()
        for _ in range(20):
            with bed.connect() as peer:
                assert peer.read_line() == b"Exceeded MaxStartups"
                with pytest.raises(Ended):
                    peer.receive()
        assert logged_in.run("anything") == f"welcome {bed.user}\n".encode()
        for peer in idle:
            peer.sock.close()
    wait_until_served(bed)


def wait_until_served(bed):
    """The server sees that sockets were closed when it comes round to them; until then it may still count them."""
    while True:
        with bed.connect() as peer:
            line = peer.read_line()
            if line != b"Exceeded MaxStartups":
                assert line.startswith(b"SSH-2.0-")
                return


# ---- the time to log in ----

class Hurried(servers.SshioAuth):
    name = "sshio-auth-hurried"
    limits = ["login_timeout=1"]


@pytest.fixture
def hurried(park):
    made = Bed(park.get(Hurried))
    yield made
    made.check_serves()


def test_limit_silent_connections_are_closed_when_the_time_to_log_in_is_over(hurried):
    for peer in [hurried.at(state) for state in ("version", "kexinit", "kex", "newkeys", "service", "auth")]:
        with peer:
            ended = peer.end()
            assert ended.how == "closed" and ended.reason in (None, 10)


@pytest.mark.parametrize("state", ["version", "kexinit"])
def test_limit_trickling_connection_is_closed_all_the_same(hurried, state):
    """A byte now and then does not buy time."""
    bytes_of = {"version": b"SSH-2.0-" + b"x" * 240, "kexinit": struct.pack(">I", 60004) + bytes(60000)}
    with hurried.at(state) as peer:
        for octet in bytes_of[state]:
            peer.send_bytes(bytes([octet]))
            if select.select([peer.sock], [], [], 0.05)[0] and not peer.sock.recv(65536):
                break
        else:
            raise AssertionError("was never closed")


def test_limit_session_outlives_the_time_to_log_in(hurried):
    with hurried.at("open") as peer, hurried.at("auth") as silent:
        silent.end()
        assert peer.run("anything") == f"welcome {hurried.user}\n".encode()


def test_limit_none_of_the_tries_of_the_server_are_taken_by_others(park):
    """The number of tries is an option, and each connection has its own."""
    bed = Bed(park.get(TwoTries))
    for _ in range(3):
        with bed.at("auth") as peer:
            for _ in range(2):
                peer.send_auth(bed.user, "password", False, "wrong")
            assert [payload[0] for payload in check_ended(peer, 14).before].count(51) == 1
    bed.check_serves()


class TwoTries(servers.SshioAuth):
    name = "sshio-auth-two-tries"
    limits = ["max_auth_tries=2"]


# ---- rekeys that the peer starts ----

def rekey_with(peer, data, channel):
    if data:
        peer.send(CHANNEL_DATA, channel, bytes(data))
    peer.exchange_keys()
    peer.look()


def test_limit_light_rekeys_end_the_connection(tight):
    """The eleventh within 10 s; the machine would have to need a second for each to let it pass."""
    def rekey():
        with tight.at("open") as peer:
            for _ in range(LIGHT_REKEYS):
                peer.exchange_keys()
            peer.send_kexinit()
            assert "too often" in check_ended(peer, PROTOCOL_ERROR).text

    costs_nothing_more(tight, rekey)


def test_limit_rekeys_with_data_between_them_go_on(tight):
    with tight.at("open") as peer:
        channel = peer.open_session()
        assert peer.request(channel, "exec", "cat >/dev/null")
        for _ in range(2 * LIGHT_REKEYS):
            rekey_with(peer, PACKET, channel)
        assert peer.request(channel, "no-such-request") is False


# ---- channels, requests, environment ----

def test_limit_sessions_over_the_cap_are_refused(tight):
    def open_many():
        with tight.at("open") as peer:
            peer.send_many([message(CHANNEL_OPEN, "session", number, WINDOW, PACKET) for number in range(2000)])
            answers = [payload[0] for payload in peer.settle()]
            assert answers == [CHANNEL_OPEN_CONFIRMATION] * 100 + [CHANNEL_OPEN_FAILURE] * 1900

    costs_nothing_more(tight, open_many)


def test_limit_sessions_that_come_and_go_leave_nothing(tight):
    def come_and_go():
        with tight.at("open") as peer:
            for _ in range(20):
                peer.send_many([payload for number in range(100)
                                for payload in (message(CHANNEL_OPEN, "session", number, WINDOW, PACKET),
                                                message(CHANNEL_DATA, 0, bytes(1000)), message(CHANNEL_CLOSE, 0))])
                peer.settle()

    costs_nothing_more(tight, come_and_go)


def test_limit_environment_over_its_count_and_size_is_refused(tight):
    def set_many():
        with tight.at("open") as peer:
            channel = peer.open_session()
            peer.send_many([message(CHANNEL_REQUEST, channel, "env", True, f"V{i}", "x" * (ENV_LEN - 1 - len(f"V{i}")))
                            for i in range(ENV_COUNT + 20)])
            answers = [payload[0] for payload in peer.settle()]
            assert answers == [CHANNEL_SUCCESS] * ENV_COUNT + [CHANNEL_FAILURE] * 20
            other = peer.open_session(1)
            assert peer.request(other, "env", "A", "x" * (ENV_LEN - 1)) is True
            assert peer.request(other, "env", "B", "x" * ENV_LEN) is False

    costs_nothing_more(tight, set_many)


def test_limit_window_of_a_stopped_program_bounds_what_is_kept(tight):
    def fill():
        with tight.at("open") as peer:
            channel = peer.open_session()
            peer.send_many([message(CHANNEL_DATA, channel, bytes(PACKET))] * (WINDOW // PACKET + 1))
            assert "Window exceeded" in check_ended(peer, PROTOCOL_ERROR).text

    costs_nothing_more(tight, fill)


# ---- output that is not read ----

def deaf_peer(bed):
    """Logged in, with small buffers in the kernel, so that what it does not read stays with the server."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(PATIENCE)
    sock.connect((HOST, bed.server.port))
    peer = Peer(sock)
    peer.handshake()
    peer.login_with_key(bed.user, bed.key)
    return peer


def send_until_ended(peer, payloads, limit):
    """How many bytes went before the connection was gone, its end included that a stopped reader does not see."""
    sent = 0
    while sent < limit:
        block = b"".join(map(peer.frame, payloads))
        try:
            peer.sock.sendall(block)
        except (BrokenPipeError, ConnectionResetError):
            return sent
        sent += len(block)
    raise AssertionError(f"{sent} bytes were taken")


class Impatient(servers.SshioAuth):
    """The program lingers no more than 0.2 s over output that nobody takes."""

    name = "sshio-auth-impatient"
    limits = ["linger=0.2"]
    environment = servers.SshioTight.environment


def test_limit_peer_that_never_reads_its_answers_is_ended(park):
    """4 MiB of unsent answers, each of which is longer than what asks for it here; the kernel's buffers come on top."""
    bed = Bed(park.get(Impatient))

    def ask():
        with deaf_peer(bed) as peer:
            send_until_ended(peer, [message(CHANNEL_OPEN, "x", 0, 1, 1)] * 1000, 64 * 2**20)

    costs_nothing_more(bed, ask)


def test_limit_pings_that_are_not_read_cost_nothing(tight):
    """Answers beyond 16 KiB unsent are dropped, and the connection lives."""
    def ping():
        with deaf_peer(tight) as peer:
            for _ in range(20):
                peer.send_many([message(PING, bytes(1000))] * 500)
            peer.settle()

    costs_nothing_more(tight, ping)


def test_limit_100000_pings_that_are_read_are_bounded(tight):
    def ping():
        with tight.at("open") as peer:
            for _ in range(20):
                peer.send_many([message(PING, b"x")] * 1000)
                assert set(peer.settle()) <= {message(PONG, b"x")}

    costs_nothing_more(tight, ping)


def test_limit_output_of_a_program_waits_for_a_peer_that_does_not_read(tight):
    """A window of 1 GiB, and nothing of it is taken: the server keeps no more than its mark."""
    with deaf_peer(tight) as peer:
        channel = peer.open_session(window=2**30)
        before = tight.memory()
        assert peer.request(channel, "exec", "head -c 100000000 /dev/zero")
        for _ in range(20):
            tight.check_serves()
        assert tight.memory() - before <= 4096
        fields = Fields(peer.read_until(CHANNEL_DATA))
        assert fields.u32() == 0


def test_limit_global_requests_in_a_row_are_all_answered(tight):
    def ask():
        with tight.at("open") as peer:
            peer.send_many([message(GLOBAL_REQUEST, "x" * 200, True)] * 5000)
            assert len(peer.settle()) == 5000

    costs_nothing_more(tight, ask)


def test_connect_is_left_alone_by_a_client_that_resets(tight):
    """RST instead of an orderly end, in the middle of an exchange."""
    def reset():
        for state in ("kexinit", "kex", "auth", "open", "rekey"):
            peer = tight.at(state)
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.sock.close()

    costs_nothing_more(tight, reset)


def test_p4_decompression_that_goes_too_far_leaves_nothing(tight):
    def inflate():
        with tight.at("open", compression=["zlib@openssh.com"]) as peer:
            peer.send_bytes(peer.frame(bomb(50 * 2**20), is_deflated=True))
            check_ended(peer, COMPRESSION_ERROR)

    costs_nothing_more(tight, inflate)


def test_wrong_exchanges_leave_nothing(tight):
    """C6, in small: the unit tests do it ten thousand times."""
    def exchange():
        for _ in range(30):
            with tight.at("kex") as peer:
                peer.send_kex_init(bytes(32))
                check_ended(peer, PROTOCOL_ERROR)

    costs_nothing_more(tight, exchange)


def test_port_is_still_listened_on(tight):
    with connect(tight.server.port) as peer:
        peer.read_version()
