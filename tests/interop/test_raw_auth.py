"""Our server and a peer that breaks the rules of authentication: A1 to A10, P8, and the limits of logging in."""

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from raw_bed import LONGEST, check_ended
from raw_ssh import (EXT_INFO, GLOBAL_REQUEST, USERAUTH_BANNER, USERAUTH_FAILURE, USERAUTH_INFO_RESPONSE,
                     USERAUTH_PK_OK, USERAUTH_REQUEST, USERAUTH_SUCCESS, Fields, Plain, field, message, mpint,
                     new_key, public_blob, signature_blob)

PROTOCOL_ERROR, SERVICE_NOT_AVAILABLE, NO_MORE_METHODS, ILLEGAL_USER = 2, 7, 14, 15
TRIES = 6
REQUESTS = 1024


def count(number, payloads):
    return [payload[0] for payload in payloads].count(number)


def query(key, alg="ssh-ed25519", blob=None):
    return (False, alg, public_blob(key) if blob is None else blob)


def refused(peer, payload):
    peer.send_payload(payload)
    return peer.answer_to_auth()[0] == USERAUTH_FAILURE


# ---- A1: the key that signed decides ----

def test_a1_query_of_a_good_key_does_not_let_another_key_in(bed):
    stranger = new_key()
    with bed.at("auth") as peer:
        assert peer.ask(bed.user, "publickey", *query(bed.key))[0] == USERAUTH_PK_OK
        assert refused(peer, peer.signed_request(bed.user, stranger))
        assert peer.ask(bed.user, "publickey", *query(bed.key))[0] == USERAUTH_PK_OK
        assert refused(peer, peer.signed_request(bed.user, stranger, blob=public_blob(bed.key)))


def test_a1_query_of_a_bad_key_does_not_keep_a_good_one_out(bed):
    with bed.at("auth") as peer:
        assert peer.ask(bed.user, "publickey", *query(new_key()))[0] == USERAUTH_FAILURE
        peer.send_payload(peer.signed_request(bed.user, bed.key))
        assert peer.answer_to_auth()[0] == USERAUTH_SUCCESS


def test_a1_query_alone_opens_nothing(bed):
    with bed.at("auth") as peer:
        assert peer.ask(bed.user, "publickey", *query(bed.key))[0] == USERAUTH_PK_OK
        peer.send(GLOBAL_REQUEST, "x", True)
        check_ended(peer, PROTOCOL_ERROR)


# ---- A3: changed user or service (RFC 4252 5) ----

def test_a3_signature_for_one_user_does_not_log_in_another(bed):
    with bed.at("auth") as peer:
        peer.send_auth("nobody", "publickey", *query(bed.key))
        assert peer.answer_to_auth()[0] == USERAUTH_FAILURE
        assert refused(peer, peer.signed_request("nobody", bed.key))
        assert refused(peer, peer.signed_request(bed.user, bed.key, signed_user="nobody"))


def test_a3_each_new_user_begins_anew(target):
    with target.at("auth") as peer:
        for user in ("alice", "bob", "bob", target.user):
            peer.ask(user, "none")
        peer.send_payload(peer.signed_request(target.user, target.key))
        assert peer.answer_to_auth()[0] == USERAUTH_SUCCESS
    begun = [line.split()[1] for line in target.server.log().splitlines() if line.startswith("begin_auth")]
    assert begun[-3:] == ["alice", "bob", target.user]


def test_a3_other_service_ends_the_connection(bed):
    with bed.at("auth") as peer:
        peer.ask(bed.user, "none")
        peer.send_auth(bed.user, "none", service="ssh-userauth")
        check_ended(peer, SERVICE_NOT_AVAILABLE)


def test_a3_signature_of_another_session_is_refused(bed):
    with bed.at("auth") as first, bed.at("auth") as second:
        assert refused(second, first.signed_request(bed.user, bed.key))


# ---- A4: nothing tells who exists ----

def test_a4_unknown_user_gets_the_same_bytes(target):
    def answers(user):
        with target.at("auth") as peer:
            stranger = new_key()
            asked = [peer.ask(user, "none"), peer.ask(user, "password", False, "wrong"),
                     peer.ask(user, "publickey", *query(stranger))]
            peer.send_payload(peer.signed_request(user, stranger))
            return [*asked, peer.answer_to_auth()]

    assert answers(target.user) == answers("no-such-user")


# ---- A5: tries ----

TRIES_OF = {
    "password": lambda bed, peer: peer.send_auth(bed.user, "password", False, "wrong"),
    "password-change": lambda bed, peer: peer.send_auth(bed.user, "password", True, bed.server.password, "new"),
    "key-query": lambda bed, peer: peer.send_auth(bed.user, "publickey", *query(new_key())),
    "key": lambda bed, peer: peer.send_payload(peer.signed_request(bed.user, new_key())),
    "signature": lambda bed, peer: peer.send_payload(
        peer.signed_request(bed.user, bed.key, signature=signature_blob(bed.key, b"something else"))),
    "unknown-method": lambda bed, peer: peer.send_auth(bed.user, "no-such-method", "x"),
    "hostbased": lambda bed, peer: peer.send_auth(bed.user, "hostbased", "x", "x", "x", "x", "x"),
    "none": lambda bed, peer: peer.send_auth(bed.user, "none"),
    "other-users": lambda bed, peer: peer.send_auth(f"user{peer.send_seq}", "password", False, "wrong"),
}


@pytest.mark.parametrize("what", TRIES_OF)
def test_a5_tries_of_every_kind_end_the_connection(target, what):
    """Six, and the first none is free."""
    with target.at("auth") as peer:
        peer.ask(target.user, "none")
        for _ in range(12):
            TRIES_OF[what](target, peer)
        ended = check_ended(peer, NO_MORE_METHODS)
    assert count(USERAUTH_FAILURE, ended.before) == TRIES - 1


def test_a5_tries_of_all_kinds_count_together(target):
    with target.at("auth") as peer:
        peer.ask(target.user, "none")
        for what in list(TRIES_OF)[:TRIES]:
            TRIES_OF[what](target, peer)
        assert count(USERAUTH_FAILURE, check_ended(peer, NO_MORE_METHODS).before) == TRIES - 1


def test_a5_accepted_queries_are_no_tries_but_are_counted(target):
    """1,024 requests in all."""
    with target.at("auth") as peer:
        for _ in range(REQUESTS):
            peer.send_auth(target.user, "publickey", *query(target.key))
        for _ in range(REQUESTS):
            assert peer.answer_to_auth()[0] == USERAUTH_PK_OK
        peer.send_auth(target.user, "publickey", *query(target.key))
        check_ended(peer, NO_MORE_METHODS)


# ---- A6: algorithm, key and signature belong together ----

def rsa_blob(key):
    public = key.public_key().public_numbers()
    return field("ssh-rsa") + mpint(public.e.to_bytes(4, "big")) + mpint(public.n.to_bytes(256, "big"))


@pytest.mark.parametrize("alg", ["ecdsa-sha2-nistp256", "rsa-sha2-256", "ssh-rsa", "ssh-ed25519-cert-v01@openssh.com", "",
                                 "ssh-ed25519,ssh-rsa", "SSH-ED25519"])
def test_a6_algorithm_that_is_not_the_key_s_is_refused(bed, alg):
    with bed.at("auth") as peer:
        assert peer.ask(bed.user, "publickey", *query(bed.key, alg))[0] == USERAUTH_FAILURE
        assert refused(peer, peer.signed_request(bed.user, bed.key, alg=alg))


BAD_SIGNATURES = {
    "other-name": lambda key, data: signature_blob(key, data, "rsa-sha2-256"),
    "short": lambda key, data: field("ssh-ed25519") + field(key.sign(data)[:-1]),
    "long": lambda key, data: field("ssh-ed25519") + field(key.sign(data) + b"\0"),
    "zero": lambda key, data: field("ssh-ed25519") + field(bytes(64)),
    "empty": lambda key, data: b"",
    "more-behind": lambda key, data: signature_blob(key, data) + b"\0",
    "s-not-reduced": lambda key, data: field("ssh-ed25519") + field(add_order(key.sign(data))),
}


def add_order(signature):
    """The other number that stands for the same S, which is none (RFC 8032 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    return signature[:32] + (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")


@pytest.mark.parametrize("what", BAD_SIGNATURES)
def test_a6_bad_signature_is_refused(bed, what):
    with bed.at("auth") as peer:
        signed = message(USERAUTH_REQUEST, bed.user, "ssh-connection", "publickey", True, "ssh-ed25519",
                         public_blob(bed.key))
        signature = BAD_SIGNATURES[what](bed.key, field(peer.session_id) + signed)
        assert refused(peer, peer.signed_request(bed.user, bed.key, signature=signature))


@pytest.mark.parametrize("inner", ["ssh-rsa", "rsa-sha2-256"])
def test_a6_rsa_signature_of_another_hash_is_refused(bed, inner):
    """RFC 8332 3; the request says rsa-sha2-512."""
    key = rsa.generate_private_key(65537, 2048)
    with bed.at("auth") as peer:
        signed = message(USERAUTH_REQUEST, bed.user, "ssh-connection", "publickey", True, "rsa-sha2-512", rsa_blob(key))
        digest = {"ssh-rsa": hashes.SHA1(), "rsa-sha2-256": hashes.SHA256()}[inner]
        data = key.sign(field(peer.session_id) + signed, padding.PKCS1v15(), digest)
        assert refused(peer, signed + field(field(inner) + field(data)))


@pytest.mark.parametrize("blob", [b"", b"\0\0\0\x0bssh-ed25519", field("ssh-ed25519") + field(bytes(31)),
                                  field("ssh-ed25519") + field(bytes(32)) + b"more", bytes(4) * 1000,
                                  field("ssh-ed25519") + b"\xff\xff\xff\xff"])
def test_a6_malformed_key_is_refused(bed, blob):
    with bed.at("auth") as peer:
        assert peer.ask(bed.user, "publickey", *query(None, blob=blob))[0] == USERAUTH_FAILURE
        assert refused(peer, peer.signed_request(bed.user, bed.key, blob=blob))


# ---- A9: keyboard-interactive (RFC 4256 3.4) ----

def asked(target, peer):
    """The server asks two questions."""
    peer.look()
    peer.send_auth(target.user, "keyboard-interactive", "", "")
    fields = Fields(peer.read_until(USERAUTH_PK_OK))
    fields.text(), fields.text(), fields.text()
    assert fields.u32() == 2


@pytest.mark.parametrize("answers", [(0,), (1, "blue"), (3, "blue", "1234", "more"), (2, "red", "1234")])
def test_a9_wrong_number_of_answers_is_refused(target, answers):
    with target.at("auth") as peer:
        asked(target, peer)
        peer.send(USERAUTH_INFO_RESPONSE, *answers)
        assert peer.answer_to_auth()[0] == USERAUTH_FAILURE


@pytest.mark.parametrize("answers", [(0x10000000,), (LONGEST,), (2, "blue"), (2, "blue", LONGEST), (2, "blue", "1234", "more"),
                                     (1000, *["x"] * 500)])
def test_a9_answers_that_do_not_fit_their_count_end_the_connection_or_are_refused(target, answers):
    with target.at("auth") as peer:
        asked(target, peer)
        peer.send(USERAUTH_INFO_RESPONSE, *answers)
        check_ended(peer, PROTOCOL_ERROR)


def test_a9_answers_to_no_question_end_the_connection(target):
    with target.at("auth") as peer:
        peer.send(USERAUTH_INFO_RESPONSE, 2, "blue", "1234")
        check_ended(peer, PROTOCOL_ERROR)


def test_a16_another_request_drops_the_questions(target):
    """RFC 4252 5: answers to what was asked before it count for nothing."""
    with target.at("auth") as peer:
        asked(target, peer)
        peer.ask(target.user, "none")
        peer.send(USERAUTH_INFO_RESPONSE, 2, "blue", "1234")
        check_ended(peer, PROTOCOL_ERROR)


# ---- A10, P8: passwords and names ----

@pytest.mark.parametrize("size, asked", [(300, True), (1024, True), (1100, False), (60000, False)])
def test_a10_long_passwords_are_refused_without_a_question(target, size, asked):
    with target.at("auth") as peer:
        assert peer.ask(target.user, "password", False, "p" * size)[0] == USERAUTH_FAILURE
    assert (f"password_asked {size}\n" in target.server.log()) == asked


def test_a10_password_beyond_the_packet_ends_the_connection(target):
    with target.at("auth") as peer:
        peer.send_auth(target.user, "password", False, "p" * 100000)
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("user", [b"root\0x", b"\0", b"x" * 1024, b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80"])
def test_p8_name_that_is_no_text_ends_the_connection(bed, user):
    with bed.at("auth") as peer:
        peer.send_auth(user, "none")
        check_ended(peer, ILLEGAL_USER)


MALFORMED = {
    "short": (Plain(b"\0\0"),),
    "long-user": (LONGEST,),
    "long-service": ("u", LONGEST),
    "long-method": ("u", "ssh-connection", LONGEST),
    "nul-in-method": ("u", "ssh-connection", b"pass\0word", False, "x"),
    "password-missing": ("u", "ssh-connection", "password", False),
    "password-with-nul": ("u", "ssh-connection", "password", False, b"a\0b"),
    "password-and-more": ("u", "ssh-connection", "password", False, "x", "y"),
    "none-and-more": ("u", "ssh-connection", "none", "x"),
    "long-key": ("u", "ssh-connection", "publickey", True, "ssh-ed25519", LONGEST),
    "query-and-more": ("u", "ssh-connection", "publickey", False, "ssh-ed25519", "x", "y"),
    "signature-missing": ("u", "ssh-connection", "publickey", True, "ssh-ed25519", "x"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_p1_malformed_request_ends_the_connection(target, what):
    with target.at("auth") as peer:
        peer.send(USERAUTH_REQUEST, *MALFORMED[what])
        check_ended(peer, PROTOCOL_ERROR)


# ---- the rest of RFC 4252 ----

def test_failure_lists_methods_that_can_be_used_and_never_none(target):
    with target.at("auth") as peer:
        fields = Fields(peer.ask(target.user, "none"))
        assert {"publickey", "password"} <= set(methods := fields.names()) and "none" not in methods
        assert fields.boolean() is False and fields.left == b""


def test_requests_after_success_are_ignored_until_the_client_has_gone_on(bed):
    """RFC 4252 5.1"""
    with bed.at("auth") as peer:
        again = peer.signed_request(bed.user, bed.key)
        peer.send_many([again, again, message(USERAUTH_REQUEST, bed.user, "ssh-connection", "none")])
        assert peer.answer_to_auth()[0] == USERAUTH_SUCCESS
        assert peer.settle() == []
        assert peer.run("echo hello") == b"hello\n"
        peer.send_payload(again)
        check_ended(peer, PROTOCOL_ERROR)


def test_requests_sent_together_are_answered_in_order(target):
    with target.at("auth") as peer:
        peer.send_many([message(USERAUTH_REQUEST, target.user, "ssh-connection", "password", False, "wrong"),
                        message(USERAUTH_REQUEST, target.user, "ssh-connection", "publickey", *query(target.key)),
                        message(USERAUTH_REQUEST, target.user, "ssh-connection", "password", False,
                                target.server.password)])
        answers = [payload[0] for payload in peer.settle()]
        assert [number for number in answers if number not in (EXT_INFO, USERAUTH_BANNER)] == \
            [USERAUTH_FAILURE, USERAUTH_PK_OK, USERAUTH_SUCCESS]


def test_login_after_packets_without_end_is_not_possible(target):
    """4,096 packets before authentication is complete."""
    with target.at("auth") as peer:
        peer.send_many([message(2, "x")] * 4200)
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("method", ["key", "password"])
def test_login_works(target, method):
    with target.at("service") as peer:
        if method == "key":
            peer.login_with_key(target.user, target.key)
        else:
            peer.login_with_password(target.user, target.server.password)
        assert peer.run("anything") == f"welcome {target.user}\n".encode()
