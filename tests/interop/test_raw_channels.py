"""Our server and a peer that breaks the rules of the connection protocol: F1 to F7, and RFC 4254 in raw messages."""

import itertools

import pytest

from raw_bed import LONGEST, check_ended
from raw_ssh import (CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_EXTENDED_DATA, CHANNEL_FAILURE, CHANNEL_OPEN,
                     CHANNEL_OPEN_CONFIRMATION, CHANNEL_OPEN_FAILURE, CHANNEL_REQUEST, CHANNEL_SUCCESS,
                     CHANNEL_WINDOW_ADJUST, GLOBAL_REQUEST, REQUEST_FAILURE, REQUEST_SUCCESS, Fields, Plain, message,
                     numbers)

PROTOCOL_ERROR = 2
PROHIBITED, CONNECT_FAILED, UNKNOWN_TYPE, SHORTAGE = 1, 2, 3, 4
WINDOW, PACKET = 2**21, 2**15
MAX_SESSIONS = 100    # of the server under test
UNUSED = 77


def read_data(peer, until=CHANNEL_CLOSE):
    """The strings of CHANNEL_DATA, up to another message."""
    pieces = []
    while (payload := peer.read_until(CHANNEL_DATA, until))[0] == CHANNEL_DATA:
        fields = Fields(payload)
        fields.u32()
        pieces.append(fields.string())
    return pieces


@pytest.fixture
def peer(bed):
    with bed.at("open") as made:
        yield made


@pytest.fixture
def stopped(peer):
    """A channel whose command never reads, so that nothing comes back of its window once the pipe is full."""
    channel = peer.open_session()
    assert peer.request(channel, "exec", "sleep 1000")
    yield channel


# ---- F1: the peer's maximum packet ----

def test_f1_open_with_maximum_packet_0_ends_the_connection(peer):
    peer.send(CHANNEL_OPEN, "session", 0, WINDOW, 0)
    check_ended(peer, PROTOCOL_ERROR)


def test_f1_maximum_packet_1_works(peer):
    channel = peer.open_session(max_packet=1)
    assert peer.request(channel, "exec", "echo hello")
    assert read_data(peer) == [bytes([octet]) for octet in b"hello\n"]


def test_f2_window_of_1_is_kept(peer):
    """RFC 4254 5.2: each adjustment lets one byte through."""
    channel = peer.open_session(window=0)
    assert peer.request(channel, "exec", "echo hello")
    assert [payload for payload in peer.settle() if payload[0] == CHANNEL_DATA] == []
    for octet in b"hello\n":
        peer.send(CHANNEL_WINDOW_ADJUST, channel, 1)
        assert peer.read_until(CHANNEL_DATA) == message(CHANNEL_DATA, 0, bytes([octet]))


def test_f2_packets_stay_small_whatever_the_peer_announces(peer):
    channel = peer.open_session(window=2**32 - 1, max_packet=2**32 - 1)
    assert peer.request(channel, "exec", "head -c 1000000 /dev/zero")
    pieces = read_data(peer)
    assert sum(map(len, pieces)) == 1000000 and max(map(len, pieces)) <= PACKET


# ---- F2: windows ----

def chunks(channel, total, number=CHANNEL_DATA, kind=()):
    whole = [message(number, channel, *kind, bytes(PACKET))] * (total // PACKET)
    return whole + [message(number, channel, *kind, bytes(total % PACKET))]


def test_f2_data_past_the_window_ends_the_connection(peer, stopped):
    """Twice the window, whose first part the pipe and the stream before it may have taken."""
    peer.send_many(chunks(stopped, 2 * WINDOW))
    assert "Window exceeded" in check_ended(peer, PROTOCOL_ERROR).text


def test_f2_data_before_the_command_is_held_to_the_window(peer):
    channel = peer.open_session()
    peer.send_many(chunks(channel, WINDOW))
    assert peer.settle() == []
    peer.send(CHANNEL_DATA, channel, "x")
    assert "Window exceeded" in check_ended(peer, PROTOCOL_ERROR).text


def test_f2_packet_over_our_maximum_ends_the_connection(peer, stopped):
    peer.send(CHANNEL_DATA, stopped, bytes(PACKET + 1))
    assert "Packet too big" in check_ended(peer, PROTOCOL_ERROR).text


def test_f2_packet_of_our_maximum_is_taken(peer, stopped):
    peer.send(CHANNEL_DATA, stopped, bytes(PACKET))
    assert CHANNEL_CLOSE not in numbers(peer.settle())


@pytest.mark.parametrize("amounts", [(2**32 - 1,), (2**31, 2**31), (2**32 - 1 - WINDOW, 1)])
def test_f2_window_over_its_maximum_ends_the_connection(peer, stopped, amounts):
    peer.send_many([message(CHANNEL_WINDOW_ADJUST, stopped, amount) for amount in amounts])
    assert "2^32-1" in check_ended(peer, PROTOCOL_ERROR).text


def test_f2_window_up_to_its_maximum_is_taken(peer, stopped):
    peer.send(CHANNEL_WINDOW_ADJUST, stopped, 2**32 - 1 - WINDOW)
    assert peer.settle() == []


@pytest.mark.parametrize("kind", [0, 1, 2, 32, 2**32 - 1])
def test_f2_extended_data_of_a_client_ends_the_connection(peer, stopped, kind):
    """A session has none in this direction, so that no type of it is known."""
    peer.send(CHANNEL_EXTENDED_DATA, stopped, kind, "x")
    check_ended(peer, PROTOCOL_ERROR)


# ---- F3: messages for channels that are not open ----

FOR_A_CHANNEL = {
    "confirmation": lambda number: message(CHANNEL_OPEN_CONFIRMATION, number, 0, WINDOW, PACKET),
    "failure-to-open": lambda number: message(CHANNEL_OPEN_FAILURE, number, 1, "x", ""),
    "data": lambda number: message(CHANNEL_DATA, number, "x"),
    "extended-data": lambda number: message(CHANNEL_EXTENDED_DATA, number, 1, "x"),
    "eof": lambda number: message(CHANNEL_EOF, number),
    "close": lambda number: message(CHANNEL_CLOSE, number),
    "request": lambda number: message(CHANNEL_REQUEST, number, "exec", True, "true"),
    "success": lambda number: message(CHANNEL_SUCCESS, number),
    "failure": lambda number: message(CHANNEL_FAILURE, number),
}


@pytest.mark.parametrize("what", FOR_A_CHANNEL)
@pytest.mark.parametrize("number", [0, UNUSED, 2**31, 2**32 - 1])
def test_f3_message_for_a_channel_that_never_was_ends_the_connection(peer, number, what):
    peer.send_payload(FOR_A_CHANNEL[what](number))
    check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("what", FOR_A_CHANNEL)
def test_f3_message_after_both_closes_ends_the_connection(peer, what):
    channel = peer.open_session()
    peer.send(CHANNEL_CLOSE, channel)
    assert numbers(peer.settle()) == [CHANNEL_CLOSE]
    peer.send_payload(FOR_A_CHANNEL[what](channel))
    check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("what", FOR_A_CHANNEL)
def test_f3_message_behind_our_own_close_ends_the_connection(peer, stopped, what):
    """The command still runs, so that the server may not have closed its side."""
    peer.send_many([message(CHANNEL_CLOSE, stopped), FOR_A_CHANNEL[what](stopped)])
    check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("number", [0, UNUSED, 2**32 - 1])
def test_f3_window_adjust_for_a_channel_that_is_gone_is_ignored(peer, number):
    peer.send(CHANNEL_WINDOW_ADJUST, number, 2**32 - 1)
    assert peer.settle() == []


@pytest.mark.parametrize("what", ["confirmation", "failure-to-open", "success", "failure"])
def test_f3_answer_that_nobody_asked_for_on_an_open_channel_ends_the_connection(peer, stopped, what):
    peer.send_payload(FOR_A_CHANNEL[what](stopped))
    check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("number", [REQUEST_SUCCESS, REQUEST_FAILURE])
def test_f3_answer_to_no_global_request_ends_the_connection(peer, number):
    peer.send(number)
    check_ended(peer, PROTOCOL_ERROR)


AFTER_EOF = {"data": message(CHANNEL_DATA, 0, "x"), "extended-data": message(CHANNEL_EXTENDED_DATA, 0, 1, "x"),
             "eof": message(CHANNEL_EOF, 0)}


@pytest.mark.parametrize("what", AFTER_EOF)
def test_f3_data_or_eof_after_eof_ends_the_connection(peer, stopped, what):
    assert stopped == 0
    peer.send(CHANNEL_EOF, stopped)
    peer.send_payload(AFTER_EOF[what])
    check_ended(peer, PROTOCOL_ERROR)


def test_requests_and_windows_after_eof_are_taken(peer, stopped):
    """RFC 4254 5.3: the other direction stays open."""
    peer.send(CHANNEL_EOF, stopped)
    peer.send(CHANNEL_WINDOW_ADJUST, stopped, 1)
    assert peer.request(stopped, "no-such-request") is False
    assert peer.settle() == []


def test_close_is_answered_by_close_and_frees_the_number(peer):
    for turn in range(200):
        channel = peer.open_session(number=turn)
        assert channel == 0
        peer.send(CHANNEL_CLOSE, channel)
        assert peer.read() == message(CHANNEL_CLOSE, turn)
    peer.look()


# ---- F4, F7 and opening ----

@pytest.mark.parametrize("kind", ["no-such-type", "", "x" * 1000, "forwarded-tcpip", "x11", "auth-agent@openssh.com",
                                  "forwarded-streamlocal@openssh.com", "Session"])
def test_f4_channel_of_a_type_that_clients_do_not_open_is_refused(peer, kind):
    peer.send(CHANNEL_OPEN, kind, 5, WINDOW, PACKET, Plain(b"more"))
    answer = Fields(peer.read_until(CHANNEL_OPEN_FAILURE))
    assert answer.u32() == 5 and answer.u32() in (PROHIBITED, UNKNOWN_TYPE)
    assert peer.settle() == []


def test_open_with_fields_that_a_session_has_not_is_refused(peer):
    peer.send(CHANNEL_OPEN, "session", 5, WINDOW, PACKET, Plain(b"more"))
    answer = Fields(peer.read_until(CHANNEL_OPEN_FAILURE))
    assert (answer.u32(), answer.u32()) == (5, CONNECT_FAILED)


def test_200_opens_get_as_many_sessions_as_allowed_and_refusals(peer):
    peer.send_many([message(CHANNEL_OPEN, "session", number, WINDOW, PACKET) for number in range(200)])
    answers = peer.settle()
    assert [payload[0] for payload in answers] == [CHANNEL_OPEN_CONFIRMATION] * MAX_SESSIONS \
        + [CHANNEL_OPEN_FAILURE] * (200 - MAX_SESSIONS)
    assert [Fields(payload).u32() for payload in answers] == list(range(200))
    refusal = Fields(answers[-1])
    assert (refusal.u32(), refusal.u32()) == (199, SHORTAGE)
    peer.send_many([message(CHANNEL_CLOSE, number) for number in range(MAX_SESSIONS)])
    assert numbers(peer.settle()) == [CHANNEL_CLOSE]
    assert peer.run("echo hello") == b"hello\n"


def test_channels_with_the_same_number_of_the_peer_are_told_apart(peer):
    """The number is the peer's own business (RFC 4254 5.1); ours differ."""
    assert [peer.open_session(number=7), peer.open_session(number=7)] == [0, 1]


def test_f7_only_one_program_runs_on_a_channel(peer, stopped):
    for name, *fields in (("exec", "true"), ("shell",), ("subsystem", "sftp"), ("env", "A", "b")):
        assert peer.request(stopped, name, *fields) is False


MALFORMED_REQUESTS = {
    "exec-without-command": ("exec",), "exec-with-more": ("exec", "true", "x"), "exec-too-long": ("exec", LONGEST),
    "exec-with-nul": ("exec", b"echo a\0b"), "shell-with-more": ("shell", "x"), "subsystem-short": ("subsystem",),
    "subsystem-with-nul": ("subsystem", b"sf\0tp"), "subsystem-long": ("subsystem", "x" * 256), "env-short": ("env", "A"),
    "env-without-name": ("env", "", "x"), "env-with-equals": ("env", "A=B", "x"), "env-with-nul": ("env", "A", b"x\0y"),
    "env-count": ("env", LONGEST, LONGEST), "signal-before-start": ("signal", "TERM"), "unknown": ("no-such-request", "x"),
    "of-a-server": ("exit-status", 0), "of-a-server-too": ("exit-signal", "TERM", False, "", ""),
    "keepalive": ("keepalive@openssh.com",), "empty-name": ("",), "break-before-start": ("break", 0),
    "pty-short": ("pty-req", "vt100", 80, 24, 0, 0), "pty-with-more": ("pty-req", "vt100", 80, 24, 0, 0, "", "x"),
    "pty-mode-cut": ("pty-req", "vt100", 80, 24, 0, 0, b"\x01\0\0\0"), "pty-with-nul": ("pty-req", b"vt\0", 80, 24, 0, 0, ""),
    "pty-not-ascii": ("pty-req", b"vt\xff", 80, 24, 0, 0, ""), "pty-type-long": ("pty-req", "x" * 256, 80, 24, 0, 0, ""),
    "window-change-short": ("window-change", 80, 24, 0), "break-short": ("break",),
}


@pytest.mark.parametrize("what", MALFORMED_REQUESTS)
def test_p8_request_that_cannot_be_granted_fails_and_the_channel_lives(peer, what):
    """Trailing and missing fields, NUL in a text, what is unknown, and keepalive@openssh.com, which is no channel request."""
    channel = peer.open_session()
    assert peer.request(channel, *MALFORMED_REQUESTS[what]) is False
    name, *fields = MALFORMED_REQUESTS[what]
    peer.send(CHANNEL_REQUEST, channel, name, False, *fields)
    assert peer.settle() == []
    assert peer.request(channel, "exec", "echo hello")
    assert b"".join(read_data(peer)) == b"hello\n"


def test_requests_are_answered_in_order(peer):
    """RFC 4254 5.4, also while a program is being started."""
    channel = peer.open_session()
    peer.send_many([message(CHANNEL_REQUEST, channel, "env", True, "A", "b"),
                    message(CHANNEL_REQUEST, channel, "no-such-request", True),
                    message(CHANNEL_REQUEST, channel, "no-such-request", False),
                    message(CHANNEL_REQUEST, channel, "exec", True, "sleep 1000"),
                    message(CHANNEL_REQUEST, channel, "exec", True, "sleep 1000"),
                    message(CHANNEL_REQUEST, channel, "no-such-request", True)])
    answers = [payload[0] for payload in peer.settle() if payload[0] in (CHANNEL_SUCCESS, CHANNEL_FAILURE)]
    assert answers == [CHANNEL_SUCCESS, CHANNEL_FAILURE, CHANNEL_SUCCESS, CHANNEL_FAILURE, CHANNEL_FAILURE]


def test_exit_status_and_eof_come_before_close(peer):
    """RFC 4254 6.10"""
    channel = peer.open_session()
    assert peer.request(channel, "exec", "echo hello; exit 7")
    seen = []
    while (payload := peer.read())[0] != CHANNEL_CLOSE:
        seen.append(payload)
    assert message(CHANNEL_REQUEST, 0, "exit-status", False, 7) in seen
    assert [number for number, _ in itertools.groupby(payload[0] for payload in seen)][0] == CHANNEL_DATA
    assert message(CHANNEL_EOF, 0) in seen


def test_program_ended_by_a_signal_sends_its_name_without_sig(peer):
    channel = peer.open_session()
    assert peer.request(channel, "exec", "kill -TERM $$")
    fields = Fields(peer.read_until(CHANNEL_REQUEST))
    assert (fields.u32(), fields.text(), fields.boolean(), fields.text()) == (0, "exit-signal", False, "TERM")


def test_unknown_global_requests_with_nasty_names_are_refused(peer):
    for name in ("", "x" * 10000, "a,b", "tcpip-forward "):
        peer.send(GLOBAL_REQUEST, name, True, Plain(b"whatever"))
        assert peer.read() == message(REQUEST_FAILURE)
    peer.look()
