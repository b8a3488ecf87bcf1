"""Our client and a server that breaks the rules: S2 to S13, A13, F1 to F4, F8, P9, P10 and what a DISCONNECT means.

The client is `sshio ssh`; most cases end with exit status 255 and a message that tells what happened."""

import re

import pytest

from raw_bed import LONGEST, OPTIONAL, OPTIONAL_AND_EXT_INFO, check_ended
from harness import KeyFile
from raw_dialogue import OWN_FAILURE, PACKET, WINDOW, Dialogue, at_kexinit
from raw_ssh import (CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_EXTENDED_DATA, CHANNEL_FAILURE, CHANNEL_OPEN,
                     CHANNEL_OPEN_CONFIRMATION, CHANNEL_OPEN_FAILURE, CHANNEL_REQUEST, CHANNEL_SUCCESS,
                     CHANNEL_WINDOW_ADJUST, DISCONNECT, EXT_INFO, GLOBAL_REQUEST, KEXINIT, KEX_INIT, KEX_REPLY,
                     NEWKEYS, PING, PONG, REQUEST_FAILURE, REQUEST_SUCCESS, SERVICE_ACCEPT, SERVICE_REQUEST,
                     UNIMPLEMENTED, USERAUTH_BANNER, USERAUTH_FAILURE, USERAUTH_PK_OK, USERAUTH_REQUEST,
                     USERAUTH_SUCCESS, Fields, Kexinit, Plain, message, new_key, numbers, public_blob, signature_blob)

PROTOCOL_ERROR, KEX_FAILED, NOT_VERIFIABLE = 2, 3, 9


@pytest.fixture
def dialogue(tmp_path, identity):
    with Dialogue(tmp_path, identity) as made:
        yield made


@pytest.fixture
def asking_dialogue(tmp_path):
    """Its key signs slowly, so the server is asked about it first."""
    with Dialogue(tmp_path, KeyFile(tmp_path, "slow_key", "rsa-2048")) as made:
        yield made


def finish_channel(peer, status=0):
    peer.send(CHANNEL_DATA, 0, "done\n")
    peer.send(CHANNEL_REQUEST, 0, "exit-status", False, status)
    peer.send(CHANNEL_EOF, 0)
    peer.send(CHANNEL_CLOSE, 0)


def check_works(dialogue, peer):
    finish_channel(peer, 7)
    assert dialogue.finish()[:2] == (7, b"done\n")


def test_client_runs_a_command_on_a_raw_server(dialogue):
    with dialogue.at("channel") as peer:
        check_works(dialogue, peer)


# ---- P10: version lines ----

GOOD_VERSIONS = {"1.99-after-text": b"hello\r\nyou there\n\r\nSSH-1.99-x\r\n", "1024-lines": b"x\r\n" * 1024 + b"SSH-2.0-x\n",
                 "long-line": b"x" * 8190 + b"\r\nSSH-2.0-x\r\n"}
BAD_VERSIONS = {"1025-lines": b"x\r\n" * 1025, "line-of-8192": b"x" * 8192 + b"\r\n", "1.0": b"SSH-1.0-x\r\n",
                "1.5": b"SSH-1.5-x\r\n", "endless": b"x" * 100000, "long-version": b"SSH-2.0-" + b"x" * 248 + b"\r\n",
                "nul": b"SSH-2.0-a\0b\r\n"}


@pytest.mark.parametrize("what", GOOD_VERSIONS)
def test_p10_lines_before_the_version_are_passed_over(dialogue, what):
    with dialogue.raw.accept() as peer:
        peer.send_bytes(GOOD_VERSIONS[what])
        peer.read_version()
        assert peer.read()[0] == KEXINIT


@pytest.mark.parametrize("what", BAD_VERSIONS)
def test_p10_bad_version_ends_the_client(dialogue, what):
    with dialogue.raw.accept() as peer:
        peer.send_bytes(BAD_VERSIONS[what])
        peer.read_version()
        assert peer.end().before == []
    dialogue.check_failed()


# ---- S2, S3: direction and answers to nothing ----

CLIENTS_OWN = {"service-request": message(SERVICE_REQUEST, "ssh-userauth"),
               "userauth-request": message(USERAUTH_REQUEST, "u", "ssh-connection", "none"), "info-response": message(61, 0),
               "kex-init": message(KEX_INIT, bytes(32))}


@pytest.mark.parametrize("what", CLIENTS_OWN)
@pytest.mark.parametrize("state", ["kex", "service", "channel", "rekey"])
def test_s2_messages_of_a_client_end_the_connection(dialogue, state, what):
    with dialogue.at(state) as peer:
        peer.send_payload(CLIENTS_OWN[what])
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


LOGINS = {"accept": message(SERVICE_ACCEPT, "ssh-userauth"), "failure": message(USERAUTH_FAILURE, "password", False),
          "success": message(USERAUTH_SUCCESS), "banner": message(USERAUTH_BANNER, "x", ""),
          "pk-ok": message(USERAUTH_PK_OK, "x", "y")}


@pytest.mark.parametrize("state, what", [*(("kexinit", what) for what in LOGINS), ("newkeys", "success")])
def test_s3_nothing_of_authentication_counts_before_newkeys(dialogue, state, what):
    with dialogue.at(state, strict=False) as peer:
        peer.send_payload(LOGINS[what])
        ended = check_ended(peer, PROTOCOL_ERROR)
        assert not {5, 50, 90} & set(numbers(ended.before))
    dialogue.check_failed()


@pytest.mark.parametrize("what", ["success", "failure", "pk-ok"])
def test_s3_answer_before_the_service_ends_the_connection(dialogue, what):
    """The first request is out already, with that for the service."""
    with dialogue.at("service") as peer:
        peer.read_until(USERAUTH_REQUEST)
        peer.send_payload(LOGINS[what])
        ended = check_ended(peer, PROTOCOL_ERROR)
        assert not {50, 90} & set(numbers(ended.before))
    dialogue.check_failed()


@pytest.mark.parametrize("what", ["accept", "success", "banner"])
def test_s3_answer_after_login_ends_the_connection(dialogue, what):
    with dialogue.at("channel") as peer:
        peer.send_payload(LOGINS[what])
        check_ended(peer, PROTOCOL_ERROR, 7)
    dialogue.check_failed()


def test_s3_success_in_answer_to_a_key_query_ends_the_connection(asking_dialogue):
    """A query proves nothing; who answers it with success is no server."""
    with asking_dialogue.at("auth") as peer:
        peer.send(USERAUTH_FAILURE, "publickey", False)
        fields = Fields(peer.read_until(USERAUTH_REQUEST))
        assert [fields.text() for _ in range(3)][2] == "publickey" and fields.boolean() is False
        peer.send(USERAUTH_SUCCESS)
        check_ended(peer, PROTOCOL_ERROR)
    asking_dialogue.check_failed()


@pytest.mark.parametrize("what", ["blob", "alg", "more"])
def test_a1_pk_ok_for_another_key_ends_the_connection(asking_dialogue, what):
    with asking_dialogue.at("auth") as peer:
        peer.send(USERAUTH_FAILURE, "publickey", False)
        fields = Fields(peer.read_until(USERAUTH_REQUEST))
        for _ in range(3):
            fields.text()
        fields.boolean()
        alg, blob = fields.string(), fields.string()
        answers = {"blob": (alg, public_blob(new_key())), "alg": (b"ssh-ed25519", blob), "more": (alg, blob, "x")}
        peer.send(USERAUTH_PK_OK, *answers[what])
        ended = check_ended(peer, PROTOCOL_ERROR)
        assert 50 not in numbers(ended.before)
    asking_dialogue.check_failed()


# ---- S4, S5, S6: strict key exchange ----

def test_s4_only_the_first_kexinit_of_a_client_has_its_own_marker(dialogue):
    with dialogue.at("channel") as peer:
        first = Kexinit(peer.peer_kexinit)
        peer.exchange_keys()
        again = Kexinit(peer.peer_kexinit)
        check_works(dialogue, peer)
    assert "kex-strict-c-v00@openssh.com" in first.kex and "kex-strict-s-v00@openssh.com" not in first.kex
    assert not [name for name in again.kex if name.startswith(("kex-strict", "ext-info"))]


@pytest.mark.parametrize("strict", [True, False])
def test_s4_the_marker_in_a_rekey_changes_nothing(dialogue, strict):
    with dialogue.at("channel", strict=strict, ciphers=["chacha20-poly1305@openssh.com"]) as peer:
        peer.exchange_kexinits(markers=True)
        peer.run_method()
        check_works(dialogue, peer)


@pytest.mark.parametrize("what", OPTIONAL_AND_EXT_INFO)
@pytest.mark.parametrize("state", ["kexinit", "kex", "newkeys"])
def test_s5_strict_exchange_takes_nothing_but_the_next_message(dialogue, state, what):
    with dialogue.at(state) as peer:
        peer.send_payload(OPTIONAL_AND_EXT_INFO[what])
        if state == "kexinit" and what != "ext-info":
            peer.send_kexinit()
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


def test_s6_without_strict_exchange_optional_messages_are_ignored_everywhere(dialogue):
    with dialogue.raw.accept(strict=False) as peer:
        def noise():
            peer.send_many(OPTIONAL.values())

        peer.exchange_versions()
        noise()
        peer.exchange_kexinits()
        noise()
        peer.serve_kex_init()
        noise()
        peer.send_newkeys()
        noise()
        peer.take_newkeys()
        noise()
        peer.accept_service()
        noise()
        peer.read_until(USERAUTH_REQUEST)
        noise()
        peer.send(USERAUTH_SUCCESS)
        noise()
        peer.read_until(CHANNEL_OPEN)
        peer.send(CHANNEL_OPEN_CONFIRMATION, 0, 5, WINDOW, PACKET)
        peer.read_until(CHANNEL_REQUEST)
        noise()
        peer.send(CHANNEL_SUCCESS, 0)
        check_works(dialogue, peer)


# ---- S7: EXT_INFO ----

@pytest.mark.parametrize("state", ["kexinit", "kex", "newkeys"])
def test_s7_ext_info_in_the_clear_ends_the_connection(dialogue, state):
    with dialogue.at(state, strict=False) as peer:
        peer.send(EXT_INFO, 1, "server-sig-algs", "ssh-ed25519")
        ended = check_ended(peer, PROTOCOL_ERROR)
        assert not {5, 50} & set(numbers(ended.before))
    dialogue.check_failed()


@pytest.mark.parametrize("fields", [(LONGEST,), (1025,), (0, "more"), (1, "server-sig-algs", b"a\0b")])
def test_s7_ext_info_that_does_not_fit_its_count_ends_the_connection(dialogue, fields):
    with dialogue.at("service") as peer:
        peer.send(EXT_INFO, *fields)
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


def test_s7_ext_info_is_taken_twice_before_login(dialogue):
    """Behind NEWKEYS, and once between our request and the success (RFC 8308 2.4)."""
    with dialogue.at("service") as peer:
        peer.send(EXT_INFO, 2, "server-sig-algs", "ssh-ed25519", "no-such-extension", b"\0\xff")
        peer.accept_service()
        peer.read_until(USERAUTH_REQUEST)
        peer.send(EXT_INFO, 1, "server-sig-algs", "ssh-ed25519")
        peer.send(USERAUTH_SUCCESS)
        assert peer.read_until(CHANNEL_OPEN)


@pytest.mark.parametrize("place", ["twice-at-first", "thrice", "after-login", "after-rekey"])
def test_s7_ext_info_elsewhere_ends_the_connection(dialogue, place):
    with dialogue.at("channel" if place.startswith("after") else "service") as peer:
        if place == "after-rekey":
            peer.exchange_keys()
        if place == "thrice":
            peer.send(EXT_INFO, 0)
            peer.accept_service()
            peer.read_until(USERAUTH_REQUEST)
        if not place.startswith("after"):
            peer.send(EXT_INFO, 0)
        peer.send(EXT_INFO, 0)
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


# ---- S8, S9, S10: exchanges ----

@pytest.mark.parametrize("payload", [message(PING, "x"), message(GLOBAL_REQUEST, "keepalive@openssh.com", True),
                                     message(CHANNEL_DATA, 0, "x"), message(CHANNEL_CLOSE, 0)])
def test_s8_what_is_not_of_the_exchange_ends_the_connection_after_kexinit(dialogue, payload):
    with dialogue.at("rekey") as peer:
        peer.send_many([payload] * 100)
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


OUT_OF_TURN = {"second-kexinit": ("kex", lambda peer: peer.kexinit()), "newkeys-early": ("kex", lambda peer: message(NEWKEYS)),
               "newkeys-before-kexinit": ("kexinit", lambda peer: message(NEWKEYS)),
               "newkeys-after-login": ("channel", lambda peer: message(NEWKEYS)),
               "second-reply": ("newkeys", lambda peer: message(KEX_REPLY, "x", bytes(32), "x")),
               "reply-before-kexinit": ("kexinit", lambda peer: message(KEX_REPLY, "x", bytes(32), "x")),
               "reply-after-login": ("channel", lambda peer: message(KEX_REPLY, "x", bytes(32), "x"))}


@pytest.mark.parametrize("what", OUT_OF_TURN)
def test_s9_message_out_of_turn_ends_the_connection(dialogue, what):
    state, make = OUT_OF_TURN[what]
    with dialogue.at(state) as peer:
        peer.send_payload(make(peer))
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


def test_s10_other_host_key_in_a_rekey_ends_the_connection(dialogue):
    with dialogue.at("channel") as peer:
        peer.exchange_kexinits()
        peer.serve_kex_init(host_key=new_key())
        ended = check_ended(peer, NOT_VERIFIABLE)
        assert numbers(ended.before) == []
    dialogue.check_failed()


def test_s10_same_host_key_in_a_rekey_goes_on(dialogue):
    with dialogue.at("channel") as peer:
        peer.exchange_keys()
        check_works(dialogue, peer)


# ---- A13, C1, P7: the server's proof ----

def test_a13_unknown_host_key_gets_nothing_of_authentication(tmp_path, identity):
    with Dialogue(tmp_path, identity, host_key=new_key()) as dialogue:
        with dialogue.at("kexinit") as peer:
            peer.exchange_kexinits()
            peer.serve_kex_init()
            ended = check_ended(peer, NOT_VERIFIABLE)
            assert numbers(ended.before) == []
        assert "Host key verification failed" in dialogue.check_failed()


BAD_REPLIES = {
    "other-signer": lambda peer, key: {"signature": signature_blob(new_key(), peer.hash or b"x")},
    "signature-name": lambda peer, key: {"signature": signature_blob(key, b"x", "rsa-sha2-256")},
    "no-signature": lambda peer, key: {"signature": bytes(83)},
    "short-signature": lambda peer, key: {"signature": b"\0\0\0\x0bssh-ed25519\0\0\0\x01x"},
}


@pytest.mark.parametrize("state, what", [*(("kexinit", what) for what in BAD_REPLIES), ("channel", "other-signer")])
def test_bad_signature_of_the_server_ends_the_connection(dialogue, what, state):
    with dialogue.at(state) as peer:
        peer.exchange_kexinits()
        peer.serve_kex_init(**BAD_REPLIES[what](peer, peer.host_key))
        ended = check_ended(peer, PROTOCOL_ERROR, KEX_FAILED)
        assert not {NEWKEYS, 50} & set(numbers(ended.before))
    dialogue.check_failed()


@pytest.mark.parametrize("public", [bytes(31), bytes(33), bytes(32),
                                    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")])
def test_c1_bad_public_value_of_the_server_ends_the_connection(dialogue, public):
    with dialogue.at("kex") as peer:
        peer.send(KEX_REPLY, public_blob(peer.host_key), public, signature_blob(peer.host_key, b"x"))
        check_ended(peer, PROTOCOL_ERROR, KEX_FAILED)
    dialogue.check_failed()


@pytest.mark.parametrize("blob", [b"", b"\0\0\0\x0bssh-ed25519", LONGEST, public_blob(new_key()) + b"x",
                                  b"\0\0\0\x07ssh-rsa\0\0\0\x01\x03\0\0\0\x01\x05"])
def test_p7_malformed_host_key_ends_the_connection(dialogue, blob):
    with dialogue.at("kex") as peer:
        peer.send(KEX_REPLY, blob, bytes(range(32)), signature_blob(peer.host_key, b"x"))
        ended = check_ended(peer, PROTOCOL_ERROR, KEX_FAILED, NOT_VERIFIABLE)
        assert numbers(ended.before) == []
    dialogue.check_failed()


# ---- S12, S13 and DISCONNECT ----

@pytest.mark.parametrize("state, reason", [("kex", 2), ("auth", 11), ("auth", 14), ("channel", 10), ("channel", 2**32 - 1)])
def test_disconnect_of_the_server_is_told_with_its_text(dialogue, state, reason):
    with dialogue.at(state) as peer:
        peer.send(DISCONNECT, reason, "go away", "")
        ended = peer.end()
        assert ended.reason is None and ended.before == []
    dialogue.check_failed("go away")


ALL_AT_ONCE = {
    "output": ([message(CHANNEL_SUCCESS, 0), message(CHANNEL_DATA, 0, "before\n")], OWN_FAILURE),
    "output-and-status": ([message(CHANNEL_SUCCESS, 0), message(CHANNEL_DATA, 0, "before\n"),
                           message(CHANNEL_REQUEST, 0, "exit-status", False, 3), message(CHANNEL_CLOSE, 0)], 3),
}


@pytest.mark.parametrize("what", ALL_AT_ONCE)
def test_what_came_before_disconnect_by_application_is_delivered(dialogue, what):
    """In one segment with the start of the command. 11 after login is no error of the connection, but without a status the exit
    status is 255, as with ssh."""
    payloads, expected = ALL_AT_ONCE[what]
    with dialogue.at("open") as peer:
        peer.send(CHANNEL_OPEN_CONFIRMATION, 0, 5, WINDOW, PACKET)
        peer.read_until(CHANNEL_REQUEST)
        peer.send_many([*payloads, message(DISCONNECT, 11, "go away", "")])
        assert peer.end().reason is None
    status, out, err = dialogue.finish()
    assert (status, out) == (expected, b"before\n") and "go away" not in err


@pytest.mark.parametrize("state, unknown", [("service", [8, 22, 54]), ("auth", [8, 54]), ("channel", [8, 101, 180, 255])])
def test_s13_unknown_numbers_get_unimplemented_with_their_sequence_number(dialogue, state, unknown):
    with dialogue.at(state) as peer:
        first = peer.send_seq
        peer.send_many([message(number, "whatever") for number in unknown])
        answers = [payload for payload in peer.settle() if payload[0] == UNIMPLEMENTED]
        assert answers == [message(UNIMPLEMENTED, first + i) for i in range(len(unknown))]


def test_ping_and_requests_are_answered_in_order(dialogue):
    with dialogue.at("channel") as peer:
        peer.send(GLOBAL_REQUEST, "keepalive@openssh.com", True)
        peer.send(GLOBAL_REQUEST, "hostkeys-00@openssh.com", False, public_blob(peer.host_key))
        peer.send(CHANNEL_REQUEST, 0, "keepalive@openssh.com", True)
        peer.send(CHANNEL_REQUEST, 0, "eow@openssh.com", False)
        peer.send(PING, "x")
        answers = [payload for payload in peer.settle() if payload[0] != CHANNEL_WINDOW_ADJUST]
        assert numbers(answers)[0] in (REQUEST_SUCCESS, REQUEST_FAILURE)
        assert numbers(answers)[1:] == [CHANNEL_FAILURE, PONG]
        check_works(dialogue, peer)


# ---- F1 to F4, F8: channels ----

def test_f1_confirmation_with_maximum_packet_0_ends_the_connection(dialogue):
    with dialogue.at("open") as peer:
        peer.send(CHANNEL_OPEN_CONFIRMATION, 0, 5, WINDOW, 0)
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


def test_f2_window_of_0_until_the_command_runs_works(dialogue):
    """As sshd does."""
    with dialogue.at("open") as peer:
        peer.send(CHANNEL_OPEN_CONFIRMATION, 0, 5, 0, 1)
        peer.read_until(CHANNEL_REQUEST)
        peer.send(CHANNEL_SUCCESS, 0)
        peer.send(CHANNEL_WINDOW_ADJUST, 0, WINDOW)
        check_works(dialogue, peer)


def test_f2_data_past_the_window_ends_the_connection(dialogue):
    """Nobody reads the client's output, so that its window opens no more once the pipe and its own buffers are full."""
    with dialogue.at("channel") as peer:
        peer.send_many([message(CHANNEL_DATA, 0, bytes(PACKET))] * (3 * WINDOW // PACKET))
        assert "Window exceeded" in check_ended(peer, PROTOCOL_ERROR).text
    dialogue.check_failed()


BAD_FOR_CHANNEL = {
    "too-big": [message(CHANNEL_DATA, 0, bytes(PACKET + 1))],
    "too-big-on-stderr": [message(CHANNEL_EXTENDED_DATA, 0, 1, bytes(PACKET + 1))],
    "unknown-type": [message(CHANNEL_EXTENDED_DATA, 0, 2, "x")],
    "type-0": [message(CHANNEL_EXTENDED_DATA, 0, 0, "x")],
    "unknown-channel": [message(CHANNEL_DATA, 1, "x")],
    "data-after-eof": [message(CHANNEL_EOF, 0), message(CHANNEL_DATA, 0, "x")],
    "second-eof": [message(CHANNEL_EOF, 0), message(CHANNEL_EOF, 0)],
    "second-confirmation": [message(CHANNEL_OPEN_CONFIRMATION, 0, 5, WINDOW, PACKET)],
    "failure-after-confirmation": [message(CHANNEL_OPEN_FAILURE, 0, 1, "x", "")],
    "reply-to-nothing": [message(CHANNEL_SUCCESS, 0)],
    "global-reply-to-nothing": [message(REQUEST_SUCCESS)],
    "window-overflow": [message(CHANNEL_WINDOW_ADJUST, 0, 2**32 - 1)],
    "long-request": [message(CHANNEL_REQUEST, 0, LONGEST)],
}


@pytest.mark.parametrize("what", BAD_FOR_CHANNEL)
def test_f3_message_that_does_not_fit_the_channel_ends_the_connection(dialogue, what):
    with dialogue.at("channel") as peer:
        peer.send_many(BAD_FOR_CHANNEL[what])
        check_ended(peer, PROTOCOL_ERROR)
    dialogue.check_failed()


def test_f4_client_refuses_channels_that_it_did_not_ask_for(dialogue):
    with dialogue.at("channel") as peer:
        for kind in ("session", "direct-tcpip", "direct-streamlocal@openssh.com", "forwarded-tcpip", "x11", "tun@openssh.com",
                     "forwarded-streamlocal@openssh.com", "auth-agent@openssh.com", "no-such-type"):
            peer.send(CHANNEL_OPEN, kind, 9, WINDOW, PACKET, Plain(b""))
            fields = Fields(peer.read_until(CHANNEL_OPEN_FAILURE))
            assert fields.u32() == 9 and fields.u32() in (1, 3), kind
        peer.look()
        check_works(dialogue, peer)


@pytest.mark.parametrize("ending", ["no-status", "signal", "malformed-status", "cut"])
def test_f8_no_exit_status_is_not_status_0(dialogue, ending):
    with dialogue.at("channel") as peer:
        if ending == "signal":
            peer.send(CHANNEL_REQUEST, 0, "exit-signal", False, "TERM", False, "", "")
        if ending == "malformed-status":
            peer.send(CHANNEL_REQUEST, 0, "exit-status", False)
        if ending != "cut":
            peer.send(CHANNEL_CLOSE, 0)
            peer.read_until(CHANNEL_CLOSE)
    assert dialogue.finish()[0] == OWN_FAILURE


def test_open_failure_is_told_with_its_text(dialogue):
    with dialogue.at("open") as peer:
        peer.send(CHANNEL_OPEN_FAILURE, 0, 1, "not today", "")
        dialogue.check_failed("not today")


# ---- P9: text of the server on the user's terminal ----

NASTY = "\x1b[2J\x1b]0;title\x07\r\x9b31m"
NASTY_TAG = "\x1b[2J"    # of a language; ASCII, or the message would not be looked at


@pytest.mark.parametrize("what", ["banner", "disconnect", "debug", "open-failure", "version", "line"])
def test_p9_controls_of_the_server_do_not_reach_the_terminal(tmp_path, identity, what):
    with Dialogue(tmp_path, identity, options=["-v"]) as dialogue:
        state = {"banner": "auth", "version": "version", "line": "version", "open-failure": "open"}.get(what, "channel")
        version = f"SSH-2.0-\x1b[2J" if what == "version" else "SSH-2.0-raw"
        with dialogue.at(state, version=version) as peer:
            if what == "line":
                peer.send_bytes(NASTY.encode("latin-1").replace(b"\r", b"") + b"\r\n")
            if what in ("version", "line"):
                at_kexinit(peer)
            elif what == "banner":
                peer.send(USERAUTH_BANNER, NASTY, NASTY_TAG)
            elif what == "debug":
                peer.send(4, True, NASTY, NASTY_TAG)
            elif what == "open-failure":
                peer.send(CHANNEL_OPEN_FAILURE, 0, 1, NASTY, NASTY_TAG)
            peer.send(DISCONNECT, 2, NASTY, NASTY_TAG)
            peer.end()
        err = dialogue.check_failed()
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", err), err


def test_text_that_is_not_utf8_is_shown_with_escapes(tmp_path, identity):
    """As ssh shows it; a banner in another encoding is no reason not to get in."""
    with Dialogue(tmp_path, identity) as dialogue:
        with dialogue.at("auth") as peer:
            peer.send(USERAUTH_BANNER, b"caf\xe9\n", "fr")
            peer.send(DISCONNECT, 12, b"trop tard, d\xe9sol\xe9", "fr")
            peer.end()
        err = dialogue.check_failed("trop tard, d\\xe9sol\\xe9")
        assert "caf\\xe9" in err, err


# ---- servers without end ----

def test_client_does_not_ask_for_ever(dialogue):
    """A server that refuses whatever comes, and never gives up."""
    with dialogue.at("auth") as peer:
        with pytest.raises(Exception):
            while True:
                peer.send(USERAUTH_FAILURE, "publickey,password,no-such-method", False)
                peer.read_until(USERAUTH_REQUEST)
    dialogue.check_failed()


def test_client_that_gets_nothing_but_banners_takes_them(dialogue):
    with dialogue.at("auth") as peer:
        peer.send_many([message(USERAUTH_BANNER, "line\n", "")] * 100)
        peer.send(USERAUTH_SUCCESS)
        at_end = peer.read_until(CHANNEL_OPEN)
        assert at_end
