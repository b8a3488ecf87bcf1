"""Our server and a peer that sends bad version lines, packets and strings: P1 to P10, section 9 on RFC 4253 6."""

import struct
import zlib

import pytest

from raw_bed import LONGEST, check_ended, is_alive
from raw_ciphers import SUITES
from raw_ssh import (CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_EXTENDED_DATA, CHANNEL_OPEN, CHANNEL_REQUEST,
                     CHANNEL_WINDOW_ADJUST, DEBUG, DISCONNECT, EXT_INFO, GLOBAL_REQUEST, IGNORE, KEXINIT, KEX_INIT,
                     PING, SERVICE_REQUEST, Ended, Kexinit, Plain, field, message)

PROTOCOL_ERROR, MAC_ERROR, COMPRESSION_ERROR = 2, 5, 6
BEFORE_LOGIN, AFTER_LOGIN = 65536, 262144


def suites_of(bed):
    """What the raw peer and the server both have, as arguments of a connection; a failure shows the one it was at."""
    with bed.at("kex") as peer:
        offer = Kexinit(peer.peer_kexinit)
    common = [(cipher, mac) for cipher, mac in SUITES
              if cipher in offer.cipher_c2s and (mac is None or mac in offer.mac_c2s)]
    assert len(common) >= 3
    for cipher, mac in common:
        print(cipher, mac)
        yield {"ciphers": [cipher], "macs": [mac or "hmac-sha2-256"]}


# ---- P10: version lines ----

GOOD_VERSIONS = {"lf-alone": b"SSH-2.0-x\n", "1.99": b"SSH-1.99-x\r\n", "comment": b"SSH-2.0-x with a comment\r\n",
                 "longest": b"SSH-2.0-" + b"x" * 247 + b"\r\n", "octets": b"SSH-2.0-\xe9\xff\r\n", "empty": b"SSH-2.0-\r\n"}
BAD_VERSIONS = {"1.5": b"SSH-1.5-x\r\n", "3.0": b"SSH-3.0-x\r\n", "http": b"GET / HTTP/1.0\r\n",
                "text-first": b"hello\r\nSSH-2.0-x\r\n",
                "too-long": b"SSH-2.0-" + b"x" * 248 + b"\r\n", "nul": b"SSH-2.0-a\0b\r\n", "cr": b"SSH-2.0-a\rb\r\n",
                "empty-line": b"\r\nSSH-2.0-x\r\n", "binary": bytes(range(256)), "without-end": b"SSH-2.0-" + b"x" * 2**20,
                "letter-case": b"ssh-2.0-x\r\n", "no-dash": b"SSH-2.0\r\n", "flood": b"x\r\n" * 100000}


@pytest.mark.parametrize("what", GOOD_VERSIONS)
def test_p10_version_line_is_accepted(bed, what):
    with bed.connect() as peer:
        peer.send_bytes(GOOD_VERSIONS[what])
        peer.read_version()
        peer.read_until(KEXINIT)


@pytest.mark.parametrize("what", BAD_VERSIONS)
def test_p10_version_line_is_refused_without_kexinit(bed, what):
    with bed.connect() as peer:
        peer.send_bytes(BAD_VERSIONS[what])
        peer.read_version()
        with pytest.raises(Ended) as ended:
            peer.receive()
        assert peer.unread == b"" and ended.value.reason is None


def test_handshake_a_byte_at_a_time_works(bed):
    with bed.connect() as peer:
        whole = peer.send_bytes
        peer.send_bytes = lambda data: [whole(data[i:i + 1]) for i in range(len(data))]
        peer.handshake()
        peer.login_with_key(bed.user, bed.key)
        assert peer.run("echo hello") == b"hello\n"


# ---- P2: lengths and paddings ----

LENGTHS = [0, 1, 4, 5, 2**31, 2**32 - 1, AFTER_LOGIN + 1, AFTER_LOGIN + 4]


@pytest.mark.parametrize("length", [*LENGTHS, BEFORE_LOGIN + 4, 13, 29])
def test_p2_length_out_of_bounds_in_the_clear_ends_the_connection(bed, length):
    with bed.at("kexinit") as peer:
        peer.send_bytes(struct.pack(">I", length))
        check_ended(peer, PROTOCOL_ERROR)


PADDINGS = {"0": {"padding_byte": 0}, "3": {"padding_byte": 3}, "all": {"padding_byte": 255},
            "no-payload": {"padding": 11, "padding_byte": 12}}


@pytest.mark.parametrize("what", PADDINGS)
def test_p2_padding_out_of_bounds_in_the_clear_ends_the_connection(bed, what):
    with bed.at("kexinit") as peer:
        peer.send_bytes(peer.frame(b"", **PADDINGS[what]) if what == "no-payload"
                        else peer.frame(message(IGNORE, "x"), **PADDINGS[what]))
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("state", ["service", "open"])
def test_p2_lengths_out_of_bounds_under_each_cipher_end_the_connection(bed, state):
    for suite in suites_of(bed):
        for length in [*LENGTHS, *([BEFORE_LOGIN + 16] if state == "service" else [])]:
            with bed.at(state, **suite) as peer:
                peer.send_bytes(peer.frame(message(IGNORE, "x"), packet_len=length))
                check_ended(peer, PROTOCOL_ERROR)


def test_p2_paddings_out_of_bounds_under_each_cipher_end_the_connection(bed):
    for suite in suites_of(bed):
        for padding_byte in (0, 3, 255):
            with bed.at("service", **suite) as peer:
                peer.send_bytes(peer.frame(message(IGNORE, "x"), padding_byte=padding_byte))
                check_ended(peer, PROTOCOL_ERROR)


def test_p2_length_that_is_no_multiple_of_the_block_under_each_cipher_ends_the_connection(bed):
    for suite in suites_of(bed):
        with bed.at("service", **suite) as peer:
            peer.send_bytes(peer.frame(message(IGNORE, "x"), align=False))
            check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("state, size", [("service", 35000), ("service", 65000), ("open", 35000), ("open", 262000)])
def test_p2_packets_that_must_be_taken_are_taken(bed, state, size):
    """RFC 4253 6.1 asks for 35000; ours are 65536 before login and 262144 after it."""
    with bed.at(state) as peer:
        peer.send(IGNORE, bytes(size))
        assert is_alive(peer)


def test_p2_longest_padding_is_taken(bed):
    with bed.at("service") as peer:
        for padding in (4, 255):
            payload = message(IGNORE, bytes(-(1 + 1 + 4 + padding) % 16))
            peer.send_bytes(peer.frame(payload, padding=padding))
        assert is_alive(peer)


# ---- P5: changed packets ----

@pytest.mark.parametrize("state", ["service", "open"])
def test_p5_changed_packet_under_each_cipher_ends_the_connection_unread(bed, state):
    """Each region: the length's first byte, the body's first byte, its middle, its end, the tag's first and last."""
    for suite in suites_of(bed):
        for place in ("length", "first", "middle", "tag", "last"):
            with bed.at(state, **suite) as peer:
                packet = bytearray(peer.frame(message(GLOBAL_REQUEST, "keepalive@openssh.com", True)))
                tag = len(packet) - peer.send_cipher.tag
                packet[{"length": 0, "first": 4, "middle": tag // 2, "tag": tag, "last": -1}[place]] ^= 0x80
                peer.send_bytes(packet)
                ended = check_ended(peer, *((PROTOCOL_ERROR, MAC_ERROR) if place == "length" else (MAC_ERROR,)))
                assert [payload for payload in ended.before if payload[0] != EXT_INFO] == []


@pytest.mark.parametrize("missing", [1, 4, 15])
def test_p5_short_tag_ends_the_connection(bed, missing):
    for suite in suites_of(bed):
        with bed.at("service", **suite) as peer:
            peer.send_bytes(peer.frame(message(IGNORE, "x"))[:-missing] + peer.frame(message(IGNORE, "y")))
            check_ended(peer, MAC_ERROR)


def test_p5_repeated_or_dropped_packet_ends_the_connection(bed):
    for suite in suites_of(bed):
        with bed.at("service", **suite) as peer:
            packet = peer.frame(message(IGNORE, "x"))
            peer.send_bytes(packet + packet)
            check_ended(peer, MAC_ERROR, PROTOCOL_ERROR)
        with bed.at("service", **suite) as peer:
            peer.frame(message(IGNORE, "x"))
            peer.send(IGNORE, "y")
            check_ended(peer, MAC_ERROR, PROTOCOL_ERROR)


def test_login_rekey_and_data_work_under_each_cipher(bed):
    for suite in suites_of(bed):
        with bed.at("open", **suite) as peer:
            assert peer.run("echo hello") == b"hello\n"
            peer.exchange_keys()
            assert peer.run("head -c 300000 /dev/zero") == bytes(300000)


# ---- P4: compression ----

DELAYED = {"compression": ["zlib@openssh.com"]}


def test_login_rekey_and_data_work_with_compression(bed):
    with bed.at("open", **DELAYED) as peer:
        assert peer.run("echo hello") == b"hello\n"
        peer.exchange_keys()
        assert peer.run("head -c 300000 /dev/zero") == bytes(300000)
        peer.send(IGNORE, bytes(262000))
        assert is_alive(peer)


def test_p4_zlib_before_login_is_not_offered(bed):
    with bed.at("kex") as peer:
        offer = Kexinit(peer.peer_kexinit)
    assert "zlib" not in offer.compression_c2s + offer.compression_s2c


def bomb(size):
    """A message of that many zeros, compressed."""
    deflate = zlib.compressobj(9)
    return deflate.compress(message(IGNORE, bytes(size))) + deflate.flush(zlib.Z_SYNC_FLUSH)


BAD_DEFLATED = {"50-mebibytes": bomb(50 * 2**20), "a-little-too-much": bomb(AFTER_LOGIN), "no-zlib": b"\xff" * 100,
                "no-block": zlib.compress(b"")[:2] + b"\xff" * 100, "nothing": b"\x78\x9c", "plain": message(IGNORE, "x")}


@pytest.mark.parametrize("what", BAD_DEFLATED)
def test_p4_what_does_not_decompress_within_bounds_ends_the_connection(bed, what):
    with bed.at("open", **DELAYED) as peer:
        peer.send_bytes(peer.frame(BAD_DEFLATED[what], is_deflated=True))
        check_ended(peer, COMPRESSION_ERROR)


# ---- P1, P7: counts and lengths inside messages ----

LISTS = [field(name) for name in ("curve25519-sha256", "ssh-ed25519", "aes128-gcm@openssh.com", "aes128-gcm@openssh.com",
                                  "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", "")]


def bad_kexinit(place=None, lists=LISTS, end=b"\0" * 5):
    """place: the list whose length cannot be."""
    parts = [b"\xff\xff\xff\xff" if i == place else data for i, data in enumerate(lists)]
    return bytes([KEXINIT]) + bytes(16) + b"".join(parts[:place and place + 1]) + end


def with_first(text):
    return [field(text), *LISTS[1:]]


BAD_KEXINITS = {**{f"list-{i}": bad_kexinit(i) for i in range(1, 10)}, "list-0": bytes([KEXINIT]) + bytes(16) + b"\xff" * 4,
                "short": bad_kexinit(end=b"\0" * 4), "trailing": bad_kexinit(end=b"\0" * 6), "empty": bytes([KEXINIT]),
                "empty-name": bad_kexinit(lists=with_first("curve25519-sha256,,x")),
                "comma-first": bad_kexinit(lists=with_first(",x")),
                "nul": bad_kexinit(lists=with_first(b"curve25519-sha256\0")), "octet": bad_kexinit(lists=with_first(b"\xe9")),
                "many-names": bad_kexinit(lists=with_first(",".join("x%d" % i for i in range(10000))))}


@pytest.mark.parametrize("what", BAD_KEXINITS)
def test_p1_p7_malformed_kexinit_ends_the_connection(bed, what):
    with bed.at("kexinit") as peer:
        peer.send_kexinit(BAD_KEXINITS[what])
        check_ended(peer, PROTOCOL_ERROR, 3)


BAD_PUBLIC = {"empty": b"", "short": bytes(31), "long": bytes(33), "zero": bytes(32), "one": b"\1" + bytes(31),
              "small-order": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
              "other-small-order": bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
              "p-1": bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
              "p": bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")}


@pytest.mark.parametrize("state", ["kex", "rekey"])
@pytest.mark.parametrize("what", BAD_PUBLIC)
def test_c1_bad_public_value_ends_the_connection(bed, what, state):
    """RFC 8731 3"""
    with bed.at(state) as peer:
        peer.send_kex_init(BAD_PUBLIC[what])
        check_ended(peer, PROTOCOL_ERROR, 3)


@pytest.mark.parametrize("payload", [bytes([KEX_INIT]), message(KEX_INIT, LONGEST), message(KEX_INIT, bytes(32), Plain(b"x"))])
def test_p1_p7_malformed_kex_init_ends_the_connection(bed, payload):
    with bed.at("kex") as peer:
        peer.send_payload(payload)
        check_ended(peer, PROTOCOL_ERROR)


BAD_STRINGS = {
    "disconnect": ("service", message(DISCONNECT, 2, LONGEST)),
    "ignore": ("service", message(IGNORE, LONGEST)),
    "debug": ("service", message(DEBUG, True, "x", LONGEST)),
    "service": ("service", message(SERVICE_REQUEST, LONGEST)),
    "service-and-more": ("service", message(SERVICE_REQUEST, "ssh-userauth", "x")),
    "global-request": ("open", message(GLOBAL_REQUEST, LONGEST)),
    "global-request-without-flag": ("open", message(GLOBAL_REQUEST, "x")),
    "global-request-name": ("open", message(GLOBAL_REQUEST, b"\xe9", True)),
    "channel-open": ("open", message(CHANNEL_OPEN, LONGEST)),
    "channel-open-short": ("open", message(CHANNEL_OPEN, "session", 0, 1)),
    "channel-open-name": ("open", message(CHANNEL_OPEN, b"ses\0sion", 0, 100, 100)),
    "channel-data": ("open", message(CHANNEL_DATA, 0, LONGEST)),
    "channel-data-and-more": ("open", message(CHANNEL_DATA, 0, "x", "y")),
    "channel-extended-data": ("open", message(CHANNEL_EXTENDED_DATA, 0, 1, LONGEST)),
    "window-adjust": ("open", message(CHANNEL_WINDOW_ADJUST, 0)),
    "eof": ("open", message(CHANNEL_EOF, 0, 0)),
    "close": ("open", message(CHANNEL_CLOSE, Plain(b"\0\0"))),
    "channel-request": ("open", message(CHANNEL_REQUEST, 0, LONGEST)),
    "channel-request-name": ("open", message(CHANNEL_REQUEST, 0, b"ex\0ec", True, "x")),
    "ping": ("open", message(PING, LONGEST)),
}


@pytest.mark.parametrize("what", BAD_STRINGS)
def test_p1_string_longer_than_its_message_ends_the_connection(bed, what):
    state, payload = BAD_STRINGS[what]
    with bed.at(state) as peer:
        if state == "open":
            peer.open_session()
        peer.send_payload(payload)
        check_ended(peer, PROTOCOL_ERROR)


@pytest.mark.parametrize("state", ["kexinit", "service", "open"])
def test_p1_empty_message_ends_the_connection(bed, state):
    """A payload has at least its number."""
    with bed.at(state) as peer:
        peer.send_payload(b"")
        check_ended(peer, PROTOCOL_ERROR)


# ---- P9: text of the peer in the log ----

def test_p9_controls_of_the_peer_do_not_reach_the_log(bed):
    nasty = "\x1b[2J\r\nforged line\x07"
    with bed.connect(version="SSH-2.0-\x1b[2J") as peer:
        peer.handshake()
        peer.send(DEBUG, True, nasty, "")
        peer.request_service()
        peer.ask(bed.user, nasty)
        peer.send(DISCONNECT, 2, nasty, nasty)
        peer.end()
    with bed.at("auth") as peer:
        peer.send_auth(nasty, "none")
        peer.end()
    with bed.at("open") as peer:
        peer.send(CHANNEL_OPEN, "\x1b[2J", 0, 1, 1)
        check_ended(peer, PROTOCOL_ERROR)
    text = bed.server.log()
    assert "\x1b" not in text and "\x07" not in text and "\nforged" not in text
