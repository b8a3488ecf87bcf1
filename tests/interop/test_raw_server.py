"""Our server and a peer that breaks the rules of the state machine: SECURITY rules S1 to S13, over real sockets.

Every case ends with the server serving somebody else (the fixture bed)."""

import pytest

import servers
from raw_bed import OPTIONAL, OPTIONAL_AND_EXT_INFO, LONGEST, Bed, check_ended
from raw_ssh import (CHANNEL_DATA, CHANNEL_OPEN, CHANNEL_REQUEST, CHANNEL_WINDOW_ADJUST, DISCONNECT, EXT_INFO,
                     GLOBAL_REQUEST, HOST_KEY_ALG, KEX, KEX_INIT, KEX_REPLY, NEWKEYS, PING, PONG, REQUEST_FAILURE,
                     SERVICE_REQUEST, UNIMPLEMENTED, USERAUTH_REQUEST, Kexinit, message, numbers)

PROTOCOL_ERROR, SERVICE_NOT_AVAILABLE = 2, 7
CONNECTION_MESSAGES = range(80, 128)
SERVERS_OWN = {"service-accept": message(6, "ssh-userauth"), "failure": message(51, "password", False),
               "success": message(52), "banner": message(53, "x", ""), "pk-ok": message(60, "x", "x"),
               "kex-reply": message(KEX_REPLY, "x", "x", "x")}


def open_and_exec(path):
    """A session with a command that leaves a file, for who asks for nothing first."""
    return [message(CHANNEL_OPEN, "session", 0, 2**21, 2**15), message(CHANNEL_REQUEST, 0, "exec", True, f"touch {path}")]


@pytest.fixture
def trace(account):
    """A file that a command could make."""
    path = account.home / "trace"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


# ---- S1: nothing of the connection protocol before login (RFC 4252 6) ----

@pytest.mark.parametrize("state", ["service", "auth"])
def test_s1_every_message_from_80_to_127_before_login_ends_the_connection(bed, state):
    for number in CONNECTION_MESSAGES:
        with bed.at(state) as peer:
            peer.send(number)
            ended = check_ended(peer, PROTOCOL_ERROR)
            assert "before authentication was complete" in ended.text
            assert numbers(ended.before) in ([], [EXT_INFO])


@pytest.mark.parametrize("state", ["service", "auth"])
def test_s1_blind_open_and_exec_before_login_runs_nothing(bed, state, trace):
    with bed.at(state) as peer:
        peer.send_many(open_and_exec(trace))
        assert numbers(check_ended(peer, PROTOCOL_ERROR).before) in ([], [EXT_INFO])
    assert not trace.exists()


def test_s1_the_same_open_and_exec_runs_after_login(bed, trace):
    with bed.at("open") as peer:
        peer.send_many(open_and_exec(trace))
        while peer.read()[0] != 97:
            continue
    assert trace.exists()


# ---- S2: messages have a direction ----

@pytest.mark.parametrize("state", ["kexinit", "kex", "newkeys", "service", "auth", "open", "rekey"])
def test_s2_messages_of_a_server_end_the_connection(bed, state):
    for payload in SERVERS_OWN.values():
        with bed.at(state) as peer:
            peer.send_payload(payload)
            check_ended(peer, PROTOCOL_ERROR)


# ---- S4, S5, S6: strict key exchange ----

def test_s4_only_the_first_kexinit_of_a_server_has_its_own_marker(bed):
    with bed.at("open") as peer:
        first = Kexinit(peer.peer_kexinit)
        peer.exchange_keys()
        again = Kexinit(peer.peer_kexinit)
    assert "kex-strict-s-v00@openssh.com" in first.kex and "kex-strict-c-v00@openssh.com" not in first.kex
    assert not [name for name in again.kex if name.startswith(("kex-strict", "ext-info"))]


@pytest.mark.parametrize("strict", [True, False])
def test_s4_the_marker_in_a_rekey_changes_nothing(bed, strict):
    """Under chacha20-poly1305 a sequence number that only one side has reset shows at once."""
    with bed.at("open", strict=strict, ciphers=["chacha20-poly1305@openssh.com"]) as peer:
        assert peer.strict == strict
        peer.exchange_kexinits(markers=True)
        peer.strict = strict
        peer.run_method()
        assert peer.run("echo hello") == b"hello\n"


@pytest.mark.parametrize("what", OPTIONAL_AND_EXT_INFO)
@pytest.mark.parametrize("state", ["kexinit", "kex", "newkeys"])
def test_s5_strict_exchange_takes_nothing_but_the_next_message(bed, state, what):
    with bed.at(state) as peer:
        peer.send_payload(OPTIONAL_AND_EXT_INFO[what])
        if state == "kexinit" and what != "ext-info":
            peer.send_kexinit()
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("number", [8, 22, 128, 200])
def test_s5_strict_exchange_does_not_answer_unknown_messages(bed, number):
    with bed.at("kex") as peer:
        peer.send(number)
        assert check_ended(peer, PROTOCOL_ERROR).before == []


def test_s6_without_strict_exchange_optional_messages_are_ignored_everywhere(bed):
    with bed.connect(strict=False) as peer:
        def noise():
            peer.send_many(OPTIONAL.values())

        peer.exchange_versions()
        noise()
        peer.send_kexinit()
        noise()
        peer.take_kexinit()
        peer.send_kex_init()
        noise()
        peer.take_kex_reply()
        peer.take_newkeys()
        peer.send_newkeys()
        noise()
        peer.request_service()
        noise()
        peer.send_payload(peer.signed_request(bed.user, bed.key))
        noise()
        peer.answer_to_auth()
        noise()
        assert peer.run("echo hello") == b"hello\n"
        assert not peer.strict


# ---- S7: EXT_INFO (RFC 8308 2.4) ----

@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("state", ["kexinit", "kex", "newkeys"])
def test_s7_ext_info_in_the_clear_ends_the_connection(bed, state, strict):
    with bed.at(state, strict=strict) as peer:
        peer.send(EXT_INFO, 0)
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("state", ["auth", "open", "rekey"])
def test_s7_ext_info_of_a_client_after_its_first_message_ends_the_connection(bed, state):
    with bed.at(state) as peer:
        peer.send(EXT_INFO, 0)
        check_ended(peer, PROTOCOL_ERROR)


def test_s7_ext_info_is_taken_once_as_the_first_message(bed):
    with bed.at("service") as peer:
        peer.send_many(OPTIONAL.values())
        peer.send(EXT_INFO, 1, "no-such-extension", "x")
        peer.login_with_key(bed.user, bed.key)
    with bed.at("service") as peer:
        peer.send(EXT_INFO, 0)
        peer.send(EXT_INFO, 0)
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("fields", [(LONGEST,), (1025,), (1, "name"), (0, "more"), (1, LONGEST), (2, "a", "b")])
def test_s7_ext_info_that_does_not_fit_its_count_ends_the_connection(bed, fields):
    with bed.at("service") as peer:
        peer.send(EXT_INFO, *fields)
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("wanted", [True, False])
def test_s7_server_sends_ext_info_only_to_who_asks(bed, wanted):
    with bed.at("service", ext_info=wanted) as peer:
        peer.request_service()
        assert (EXT_INFO in numbers(peer.look())) == wanted


# ---- S8: during an exchange ----

AFTER_KEXINIT = {"ping": message(PING, "x"), "keepalive": message(GLOBAL_REQUEST, "keepalive@openssh.com", True),
                 "data": message(CHANNEL_DATA, 0, "x"), "window-adjust": message(CHANNEL_WINDOW_ADJUST, 0, 1),
                 "request": message(CHANNEL_REQUEST, 0, "keepalive@openssh.com", True),
                 "open": message(CHANNEL_OPEN, "session", 1, 100, 100),
                 "service-request": message(SERVICE_REQUEST, "ssh-userauth")}


@pytest.mark.parametrize("what", AFTER_KEXINIT)
@pytest.mark.parametrize("state", ["rekey", "rekey-newkeys"])
def test_s8_what_is_not_of_the_exchange_ends_the_connection_after_kexinit(bed, state, what):
    with bed.at(state) as peer:
        peer.send_many([AFTER_KEXINIT[what]] * 1000)
        assert check_ended(peer, PROTOCOL_ERROR).before == []


def test_s8_server_sends_nothing_else_between_its_kexinit_and_newkeys(bed):
    with bed.at("open") as peer:
        channel = peer.open_session(window=2**30)
        assert peer.request(channel, "exec", "yes")
        peer.send_many([message(GLOBAL_REQUEST, "no-such-request", True)] * 50)
        peer.send_kexinit()
        peer.take_kexinit()
        peer.look()
        peer.send_kex_init()
        peer.take_kex_reply()
        peer.take_newkeys()
        assert peer.look() == []
        peer.send_newkeys()
        assert peer.read_until(CHANNEL_DATA)


def test_s8_requests_before_our_kexinit_are_answered_after_the_exchange(bed):
    with bed.at("open") as peer:
        requests = [message(GLOBAL_REQUEST, "no-such-request", True)] * 3
        peer.own_kexinit = peer.kexinit()
        peer.send_many([*requests, peer.own_kexinit])
        peer.take_kexinit()
        peer.run_method()
        peer.settle()
        assert peer.run("echo hello") == b"hello\n"


# ---- S9: out of turn ----

OUT_OF_TURN = {
    "second-kexinit": ("kex", lambda peer: peer.kexinit()),
    "second-kexinit-in-rekey": ("rekey", lambda peer: peer.kexinit()),
    "newkeys-before-kexinit": ("kexinit", lambda peer: message(NEWKEYS)),
    "newkeys-before-the-method": ("kex", lambda peer: message(NEWKEYS)),
    "newkeys-in-rekey-before-the-method": ("rekey", lambda peer: message(NEWKEYS)),
    "newkeys-after-login": ("open", lambda peer: message(NEWKEYS)),
    "newkeys-with-more": ("newkeys", lambda peer: message(NEWKEYS, 0)),
    "kex-init-before-kexinit": ("kexinit", lambda peer: message(KEX_INIT, bytes(32))),
    "second-kex-init": ("newkeys", lambda peer: message(KEX_INIT, bytes(32))),
    "kex-init-after-login": ("open", lambda peer: message(KEX_INIT, bytes(32))),
    "other-method's-message": ("kex", lambda peer: message(34, 2048, 2048, 2048)),
    "service-request-in-the-clear": ("kexinit", lambda peer: message(SERVICE_REQUEST, "ssh-userauth")),
    "service-request-in-the-exchange": ("kex", lambda peer: message(SERVICE_REQUEST, "ssh-userauth")),
    "userauth-without-service": ("service", lambda peer: message(USERAUTH_REQUEST, "u", "ssh-connection", "none")),
    "userauth-in-the-clear": ("kexinit", lambda peer: message(USERAUTH_REQUEST, "u", "ssh-connection", "none")),
}


@pytest.mark.parametrize("what", OUT_OF_TURN)
def test_s9_message_out_of_turn_ends_the_connection(bed, what):
    state, make = OUT_OF_TURN[what]
    with bed.at(state) as peer:
        peer.send_payload(make(peer))
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("state, name", [("service", "ssh-connection"), ("service", "x"), ("auth", "ssh-userauth"),
                                         ("open", "ssh-userauth"), ("open", "ssh-connection")])
def test_s9_service_that_is_not_to_be_had_ends_the_connection(bed, state, name):
    """RFC 4253 10."""
    with bed.at(state) as peer:
        peer.send(SERVICE_REQUEST, name)
        check_ended(peer, SERVICE_NOT_AVAILABLE)


def test_s10_rekey_keeps_the_session(bed):
    with bed.at("open") as peer:
        session_id = peer.session_id
        peer.exchange_keys()
        assert peer.session_id == session_id and peer.hash != session_id
        assert peer.run("echo hello") == b"hello\n"


# ---- S11: guesses (RFC 4253 7) ----

GARBAGE = message(KEX_INIT, "no public value")
WRONG_GUESSES = {"kex": {"kex": ["diffie-hellman-group1-sha1", KEX]}, "host-key": {"host_key": ["ssh-dss", HOST_KEY_ALG]}}


class SshioOneKex(servers.Sshio):
    """Its first method is the raw peer's, so that a guess can be right."""

    name = "sshio-one-kex"
    options = ["-o", f"KexAlgorithms={KEX}"]


@pytest.mark.parametrize("what", WRONG_GUESSES)
def test_s11_wrong_guess_is_dropped(park, what):
    bed = Bed(park.get(SshioOneKex))
    with bed.connect() as peer:
        peer.exchange_versions()
        peer.send_kexinit(follows=True, **WRONG_GUESSES[what])
        peer.send_payload(GARBAGE)
        peer.take_kexinit()
        peer.run_method()
        peer.login_with_key(bed.user, bed.key)


@pytest.mark.parametrize("what", WRONG_GUESSES)
def test_s11_only_one_packet_is_dropped(park, what):
    with Bed(park.get(SshioOneKex)).connect() as peer:
        peer.exchange_versions()
        peer.send_kexinit(follows=True, **WRONG_GUESSES[what])
        peer.send_payload(GARBAGE)
        peer.send_payload(GARBAGE)
        check_ended(peer, PROTOCOL_ERROR)


def test_s11_right_guess_is_used(park):
    bed = Bed(park.get(SshioOneKex))
    with bed.connect() as peer:
        peer.exchange_versions()
        peer.send_kexinit(follows=True)
        peer.send_kex_init()
        peer.take_kexinit()
        peer.take_kex_reply()
        peer.take_newkeys()
        peer.send_newkeys()
        peer.login_with_key(bed.user, bed.key)


def test_s11_right_guess_is_not_dropped(park):
    with Bed(park.get(SshioOneKex)).connect() as peer:
        peer.exchange_versions()
        peer.send_kexinit(follows=True)
        peer.send_payload(GARBAGE)
        check_ended(peer, PROTOCOL_ERROR)


# ---- S12, S13 ----

@pytest.mark.parametrize("reason", [2, 11])
def test_s12_after_disconnect_nothing_is_read_or_sent(bed, trace, reason):
    with bed.at("open") as peer:
        peer.send_many([message(DISCONNECT, reason, "bye", ""), *open_and_exec(trace), message(8)])
        ended = peer.end()
    assert (ended.reason, ended.before) == (None, [])
    assert not trace.exists()


@pytest.mark.parametrize("state, unknown", [("service", [0, 8, 22, 54]), ("auth", [0, 8, 22, 54]),
                                            ("open", [0, 8, 19, 22, 54, 83, 101, 127, 128, 180, 191, 194, 255])])
def test_s13_unknown_numbers_get_unimplemented_with_their_sequence_number(bed, state, unknown):
    """RFC 4253 11.4: in order, and with no other effect."""
    with bed.at(state) as peer:
        first = peer.send_seq
        peer.send_many([message(number, "whatever") for number in unknown])
        answers = [payload for payload in peer.settle() if payload[0] != EXT_INFO]
        assert answers == [message(UNIMPLEMENTED, first + i) for i in range(len(unknown))]


def test_s13_global_requests_are_answered_in_order_and_only_when_asked(bed):
    with bed.at("open") as peer:
        peer.send(GLOBAL_REQUEST, "no-such-request", True)
        peer.send(GLOBAL_REQUEST, "no-such-request", False)
        peer.send(GLOBAL_REQUEST, "keepalive@openssh.com", True)
        peer.send(PING, "x")
        answers = peer.settle()
        assert answers[0] == message(REQUEST_FAILURE)
        assert len([payload for payload in answers if payload[0] in (81, 82)]) == 2
        assert message(PONG, "x") in answers


def test_ping_before_login_is_dropped(bed):
    """The table of limits: 192 before login is dropped silently."""
    with bed.at("auth") as peer:
        peer.send_many([message(PING, bytes(100))] * 1000)
        assert peer.settle() == []
        peer.send_payload(peer.signed_request(bed.user, bed.key))
        peer.answer_to_auth()


def test_no_common_algorithm_ends_the_connection_with_both_lists(bed):
    """RFC 4253 7.1"""
    with bed.connect() as peer:
        peer.exchange_versions()
        peer.send_kexinit(ciphers=["3des-cbc"])
        ended = check_ended(peer, 3)
        assert "3des-cbc" in ended.text and "aes128-gcm@openssh.com" in ended.text


def test_client_that_goes_away_in_any_state_leaves_the_server_serving(bed):
    for state in ("version", "kexinit", "kex", "newkeys", "service", "auth", "open", "rekey"):
        bed.at(state).sock.close()
