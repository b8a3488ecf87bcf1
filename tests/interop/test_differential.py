"""The same messages to OpenSSH's sshd and to ours, and to both clients: what becomes of the connection must be the same.

A verdict is that the connection ended, with which reason, or that it is alive, with the numbers of what was answered. Where
we mean to differ the difference stands in a table with the rule that asks for it; a new one fails."""

import fnmatch
import random

import pytest

import clients
import servers
from raw_bed import LONGEST, OPTIONAL_AND_EXT_INFO, Bed
from raw_ssh import (CHANNEL_CLOSE, CHANNEL_DATA, CHANNEL_EOF, CHANNEL_EXTENDED_DATA, CHANNEL_OPEN,
                     CHANNEL_OPEN_CONFIRMATION, CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_WINDOW_ADJUST, DEBUG,
                     DISCONNECT, EXT_INFO, GLOBAL_REQUEST, IGNORE, KEXINIT, KEX_INIT, KEX_REPLY, NEWKEYS,
                     REQUEST_SUCCESS, SERVICE_REQUEST, UNIMPLEMENTED, USERAUTH_FAILURE, USERAUTH_REQUEST,
                     USERAUTH_SUCCESS, Ended, Plain, message)
from test_raw_channels import FOR_A_CHANNEL
from raw_dialogue import Dialogue
from test_raw_packets import BAD_KEXINITS, BAD_PUBLIC, BAD_STRINGS, BAD_VERSIONS, GOOD_VERSIONS
from test_raw_server import OUT_OF_TURN, SERVERS_OWN

pytestmark = pytest.mark.matrix

WINDOW, PACKET = 2**21, 2**15
# What each side sends when it sees fit, and not as an answer.
NOT_COMPARED = {DEBUG, EXT_INFO, KEXINIT, GLOBAL_REQUEST, CHANNEL_WINDOW_ADJUST, CHANNEL_REQUEST}


def verdict(peer, payloads):
    """What becomes of the connection."""
    try:
        peer.look()
        for payload in payloads:
            peer.send_payload(payload(peer) if callable(payload) else payload)
        return ("alive", *[answer[0] for answer in peer.settle() if answer[0] not in NOT_COMPARED])
    except Ended as ended:
        return ("ended", ended.reason)


def of_server(bed, state, payloads):
    with bed.at(state) as peer:
        return verdict(peer, payloads)


def agree(theirs, ours):
    """Their parsers end a connection without a word where ours say why."""
    return theirs == ours or (theirs == ("ended", None) and ours[0] == "ended")


# sshd takes NEWKEYS without an exchange, has no keys then, and says nothing any more: that could only be seen by waiting.
UNANSWERED = {"newkeys-in-rekey-before-the-method", "newkeys-after-login"}

SESSION = message(CHANNEL_OPEN, "session", 0, WINDOW, PACKET)


def sequences():
    """Name → state and messages, collected from what the rules of the other files break and what they allow."""
    for state in ("service", "auth", "open", "rekey"):
        for name, payload in SERVERS_OWN.items():
            yield f"{name}@{state}", state, [payload]
        for name, payload in OPTIONAL_AND_EXT_INFO.items():
            yield f"{name}@{state}", state, [payload]
    for name, (state, make) in OUT_OF_TURN.items():
        if name not in UNANSWERED:
            yield name, state, [make]
    for number in (0, 8, 22, 54, 61, 80, 94, 101, 180, 192, 255):
        for state in ("auth", "open"):
            yield f"{number}@{state}", state, [message(number, "x")]
    for name, payload in BAD_STRINGS.items():
        yield f"bad-{name}", payload[0], [SESSION, payload[1]] if payload[0] == "open" else [payload[1]]
    for name, make in FOR_A_CHANNEL.items():
        yield f"{name}-for-no-channel", "open", [make(77)]
        yield f"{name}-for-a-closed-channel", "open", [SESSION, message(CHANNEL_CLOSE, 0), make(0)]
        yield f"{name}-for-a-new-channel", "open", [SESSION, make(0)]
    for name, payload in BAD_KEXINITS.items():
        yield f"kexinit-{name}", "kexinit", [payload]
    for name, public in BAD_PUBLIC.items():
        yield f"public-{name}", "kex", [message(KEX_INIT, public)]
    yield from CHANNELS
    yield from REQUESTS


CHANNELS = [
    ("open-session", "open", [SESSION]),
    ("open-two", "open", [SESSION, SESSION]),
    ("open-unknown-type", "open", [message(CHANNEL_OPEN, "no-such-type", 0, WINDOW, PACKET)]),
    ("open-forwarded", "open", [message(CHANNEL_OPEN, "forwarded-tcpip", 0, WINDOW, PACKET, "x", 1, "y", 2)]),
    ("open-session-with-more", "open", [message(CHANNEL_OPEN, "session", 0, WINDOW, PACKET, "x")]),
    ("open-maximum-packet-0", "open", [message(CHANNEL_OPEN, "session", 0, WINDOW, 0)]),
    ("open-window-0", "open", [message(CHANNEL_OPEN, "session", 0, 0, PACKET)]),
    ("open-huge", "open", [message(CHANNEL_OPEN, "session", 2**32 - 1, 2**32 - 1, 2**32 - 1)]),
    ("data-past-window", "open", [SESSION, *[message(CHANNEL_DATA, 0, bytes(PACKET))] * 100]),
    ("data-too-big", "open", [SESSION, message(CHANNEL_DATA, 0, bytes(PACKET + 1))]),
    ("window-over-maximum", "open", [SESSION, message(CHANNEL_WINDOW_ADJUST, 0, 2**32 - 1)]),
    ("adjust-for-no-channel", "open", [message(CHANNEL_WINDOW_ADJUST, 77, 1)]),
    ("eof-twice", "open", [SESSION, message(CHANNEL_EOF, 0), message(CHANNEL_EOF, 0)]),
    ("data-after-eof", "open", [SESSION, message(CHANNEL_EOF, 0), message(CHANNEL_DATA, 0, "x")]),
    ("close-twice", "open", [SESSION, message(CHANNEL_CLOSE, 0), message(CHANNEL_CLOSE, 0)]),
    ("extended-data-of-client", "open", [SESSION, message(CHANNEL_EXTENDED_DATA, 0, 1, "x")]),
    ("disconnect", "open", [message(DISCONNECT, 11, "x", "")]),
    ("disconnect-in-the-clear", "kexinit", [message(DISCONNECT, 11, "x", "")]),
]

REQUESTS = [
    ("global-unknown", "open", [message(GLOBAL_REQUEST, "no-such-request", True)]),
    ("global-unknown-quiet", "open", [message(GLOBAL_REQUEST, "no-such-request", False)]),
    ("global-keepalive", "open", [message(GLOBAL_REQUEST, "keepalive@openssh.com", True)]),
    ("request-unknown", "open", [SESSION, message(CHANNEL_REQUEST, 0, "no-such-request", True)]),
    ("request-unknown-quiet", "open", [SESSION, message(CHANNEL_REQUEST, 0, "no-such-request", False)]),
    ("request-keepalive", "open", [SESSION, message(CHANNEL_REQUEST, 0, "keepalive@openssh.com", True)]),
    ("exec-without-command", "open", [SESSION, message(CHANNEL_REQUEST, 0, "exec", True)]),
    ("exec-with-more", "open", [SESSION, message(CHANNEL_REQUEST, 0, "exec", True, "true", "x")]),
    ("exec-with-nul", "open", [SESSION, message(CHANNEL_REQUEST, 0, "exec", True, b"a\0b")]),
    ("exit-status-of-client", "open", [SESSION, message(CHANNEL_REQUEST, 0, "exit-status", True, 0)]),
    ("env-refused", "open", [SESSION, message(CHANNEL_REQUEST, 0, "env", True, "NOT_ACCEPTED", "x")]),
    ("service-unknown", "service", [message(SERVICE_REQUEST, "no-such-service")]),
    ("service-twice", "auth", [message(SERVICE_REQUEST, "ssh-userauth")]),
    ("service-connection", "service", [message(SERVICE_REQUEST, "ssh-connection")]),
]

ALL = {name: (state, payloads) for name, state, payloads in sequences()}

ENDED, UNKNOWN = ("ended", 2), ("alive", 3)

# Patterns of names, sshd's verdict, ours, and why.
KNOWN = [
    (["service-accept@*", "failure@*", "success@*", "banner@*", "pk-ok@*", "kex-reply@*"], UNKNOWN, ENDED,
     "S2: messages of the other direction are no unknown numbers"),
    (["ext-info@*"], UNKNOWN, ENDED, "S7: EXT_INFO comes first after NEWKEYS, or not at all"),
    (["ext-info@service"], UNKNOWN, ("alive",), "RFC 8308 2.4: a client may send it; this sshd did not know that yet"),
    (["second-kexinit-in-rekey", "kex-init-after-login", "userauth-without-service"], UNKNOWN, ENDED, "S9: out of turn"),
    (["newkeys-before-kexinit", "kex-init-before-kexinit", "service-request-in-the-clear"], ("alive", 3), ENDED,
     "S5, S9: before keys there is nothing but the exchange"),
    (["61@*", "80@auth", "94@auth", "101@auth", "180@auth"], UNKNOWN, ENDED,
     "S1: nothing of the connection protocol before login is looked at"),
    (["0@*", "255@open"], ENDED, UNKNOWN, "S13: a number that is not assigned is answered, whatever it is"),
    (["192@auth"], ENDED, ("alive",), "PING before login is dropped; this sshd knows none"),
    (["192@open"], ENDED, ("alive", 193), "PING is answered; this sshd knows none"),
    (["bad-ignore", "bad-channel-data*", "bad-channel-extended-data"], "alive", ENDED,
     "P1: a string longer than its message is malformed, wherever it stands"),
    (["bad-global-request-name", "kexinit-empty-name", "kexinit-nul"], "alive", ENDED,
     "RFC 4251 5 and 6: names are printable US-ASCII and never empty"),
    (["*-for-a-closed-channel", "close-twice"], "alive", ENDED,
     "F3: sshd closes a channel later and takes messages for it until then; we have closed it"),
    (["close-for-a-new-channel"], ("alive", 91), ("alive", 91, 97), "sshd answers CLOSE later"),
    (["success-*", "failure-for-*"], "alive", ENDED, "F3: an answer that nobody asked for"),
    (["open-session-with-more"], ("ended", None), ("alive", 92), "a malformed open is refused by itself"),
    (["open-maximum-packet-0"], ("alive", 91), ENDED, "F1"),
    (["data-past-window", "data-too-big"], "alive", ENDED, "F2: sshd ignores what is too much"),
    (["eof-twice", "data-after-eof"], "alive", ENDED, "F3"),
    (["extended-data-*"], "alive", ENDED, "F2: no such type in this direction"),
    (["global-keepalive"], ("alive", 82), ("alive", 81), "any answer will do; ours is yes"),
    (["exec-*"], ("ended", None), ("alive", 91, 100), "a malformed request fails by itself"),
    (["env-refused"], ("alive", 91, 100), ("alive", 91, 99), "the library passes variables to the program, which accepts"),
    (["service-*"], ENDED, ("ended", 7), "RFC 4253 10: reason 7"),
    (["service-twice"], ("alive", 6), ("ended", 7), "S9: the service is there already"),
]


def fits(verdict, pattern):
    return verdict == pattern or (pattern == "alive" and verdict[0] == "alive")


def is_known(table, name, theirs, ours):
    return any(any(fnmatch.fnmatch(name, pattern) for pattern in patterns) and fits(theirs, their) and fits(ours, our)
               for patterns, their, our, _ in table)


@pytest.fixture(scope="module")
def openssh(park):
    return Bed(park.get(servers.OpenSSH))


@pytest.fixture(scope="module")
def ours(park):
    return Bed(park.get(servers.Sshio))


@pytest.mark.parametrize("name", ALL)
def test_servers_agree_or_differ_as_intended(openssh, ours, name):
    theirs, our = of_server(openssh, *ALL[name]), of_server(ours, *ALL[name])
    assert agree(theirs, our) or is_known(KNOWN, name, theirs, our), f"{name}: sshd {theirs}, sshio {our}"


@pytest.mark.parametrize("what", [*GOOD_VERSIONS, *BAD_VERSIONS])
def test_servers_agree_on_version_lines(openssh, ours, what):
    """Whether a KEXINIT follows."""
    def follows(bed):
        with bed.connect() as peer:
            peer.send_bytes({**GOOD_VERSIONS, **BAD_VERSIONS}[what])
            try:
                peer.read_version()
                return peer.read()[0] == KEXINIT
            except (Ended, AssertionError):
                return False

    theirs, our = follows(openssh), follows(ours)
    assert theirs == our or (what, theirs, our) in KNOWN_VERSIONS


# What sshd takes and we do not, or the other way round.
KNOWN_VERSIONS = [("empty", False, True),       # a name of no characters is none to sshd
                  ("too-long", True, False)]    # RFC 4253 4.2: 255 characters; sshd takes more


# ---- random sequences of what both understand ----

def random_sequence(seed):
    """Legal as to windows and states; the channels' numbers are those that both choose."""
    dice = random.Random(seed)
    open_channels, ended = 0, set()
    for _ in range(30):
        channel = dice.randrange(open_channels) if open_channels else None
        kinds = ["open", "unknown", "noise", "global", "refused"]
        kind = dice.choice(kinds + ["request", "data", "adjust", "eof"] * bool(open_channels))
        if kind == "open":
            yield message(CHANNEL_OPEN, "session", dice.randrange(2**32), dice.randrange(2**31), dice.randrange(1, 2**31))
            open_channels += 1
        elif kind == "unknown":
            yield message(dice.choice([8, 9, 19, 22, 29, 54, 83, 89, 101, 127, 128, 191]), Plain(dice.randbytes(20)))
        elif kind == "noise":
            yield dice.choice([message(IGNORE, dice.randbytes(dice.randrange(1000))), message(DEBUG, True, "x", ""),
                               message(UNIMPLEMENTED, dice.randrange(2**32))])
        elif kind == "global":
            yield message(GLOBAL_REQUEST, "no-such-request", dice.random() < 0.5, Plain(dice.randbytes(dice.randrange(50))))
        elif kind == "refused":
            yield message(CHANNEL_OPEN, "no-such-type", dice.randrange(2**32), WINDOW, PACKET, Plain(dice.randbytes(9)))
        elif kind == "request":
            yield message(CHANNEL_REQUEST, channel, "no-such-request", dice.random() < 0.5, Plain(dice.randbytes(9)))
        elif kind == "data" and channel not in ended:
            yield message(CHANNEL_DATA, channel, dice.randbytes(dice.randrange(100)))
        elif kind == "adjust":
            yield message(CHANNEL_WINDOW_ADJUST, channel, dice.randrange(2**20))
        elif kind == "eof" and channel not in ended:
            ended.add(channel)
            yield message(CHANNEL_EOF, channel)


@pytest.mark.parametrize("seed", range(20))
def test_servers_agree_on_random_sequences(openssh, ours, seed):
    payloads = list(random_sequence(seed))
    theirs, our = of_server(openssh, "open", payloads), of_server(ours, "open", payloads)
    assert theirs == our, [payload[:40] for payload in payloads]


# ---- clients ----

FROM_SERVER = {
    **{f"{name}@{state}": (state, [payload]) for state in ("service", "channel")
       for name, payload in {"success": message(USERAUTH_SUCCESS), "failure": message(USERAUTH_FAILURE, "password", False),
                             "userauth-request": message(USERAUTH_REQUEST, "u", "ssh-connection", "none")}.items()},
    **{f"{number}@channel": ("channel", [message(number, "x")]) for number in (8, 101, 255)},
    "kexinit-in-the-exchange": ("kex", [lambda peer: peer.kexinit()]),
    "newkeys-early": ("kex", [message(NEWKEYS)]),
    "kex-reply-after-login": ("channel", [message(KEX_REPLY, "x", bytes(32), "x")]),
    "ignore-in-strict-exchange": ("kex", [OPTIONAL_AND_EXT_INFO["ignore"]]),
    "ext-info-after-login": ("channel", [message(EXT_INFO, 0)]),
    "ext-info-count": ("service", [message(EXT_INFO, LONGEST)]),
    "data": ("channel", [message(CHANNEL_DATA, 0, "x")]),
    "data-for-no-channel": ("channel", [message(CHANNEL_DATA, 77, "x")]),
    "data-too-big": ("channel", [message(CHANNEL_DATA, 0, bytes(PACKET + 1))]),
    "data-after-eof": ("channel", [message(CHANNEL_EOF, 0), message(CHANNEL_DATA, 0, "x")]),
    "extended-data-2": ("channel", [message(CHANNEL_EXTENDED_DATA, 0, 2, "x")]),
    "confirmation-twice": ("channel", [message(CHANNEL_OPEN_CONFIRMATION, 0, 5, WINDOW, PACKET)]),
    "maximum-packet-0": ("open", [message(CHANNEL_OPEN_CONFIRMATION, 0, 5, WINDOW, 0)]),
    "success-for-nothing": ("channel", [message(CHANNEL_SUCCESS, 0)]),
    "reply-for-nothing": ("channel", [message(REQUEST_SUCCESS)]),
    "open-session": ("channel", [message(CHANNEL_OPEN, "session", 0, WINDOW, PACKET)]),
    "open-forwarded": ("channel", [message(CHANNEL_OPEN, "forwarded-tcpip", 0, WINDOW, PACKET, "a", 1, "b", 2)]),
    "open-x11": ("channel", [message(CHANNEL_OPEN, "x11", 0, WINDOW, PACKET, "a", 1)]),
    "open-agent": ("channel", [message(CHANNEL_OPEN, "auth-agent@openssh.com", 0, WINDOW, PACKET)]),
    "global-unknown": ("channel", [message(GLOBAL_REQUEST, "no-such-request", True)]),
    "request-unknown": ("channel", [message(CHANNEL_REQUEST, 0, "no-such-request", True)]),
    "window-over-maximum": ("channel", [message(CHANNEL_WINDOW_ADJUST, 0, 2**32 - 1)]),
    "disconnect": ("channel", [message(DISCONNECT, 2, "x", "")]),
}

KNOWN_OF_CLIENTS = [
    (["success@channel", "failure@channel", "userauth-request@channel"], UNKNOWN, ENDED, "S2, S3: nothing of it is due any more"),
    (["userauth-request@service"], UNKNOWN, ENDED, "S2: messages of the other direction are no unknown numbers"),
    (["kex-reply-after-login"], UNKNOWN, ENDED, "S9: out of turn"),
    (["ext-info-after-login"], UNKNOWN, ENDED, "S7: twice before login, and then no more"),
    (["255@channel"], ENDED, UNKNOWN, "S13: a number that is not assigned is answered, whatever it is"),
    (["data-too-big"], "alive", ENDED, "F2: ssh ignores what is too much"),
    (["extended-data-2", "data-after-eof"], "alive", ENDED, "F2, F3"),
    (["maximum-packet-0"], "alive", ENDED, "F1"),
    (["success-for-nothing", "reply-for-nothing"], "alive", ENDED, "F3: an answer that nobody asked for"),
]


@pytest.mark.parametrize("name", FROM_SERVER)
def test_clients_agree_or_differ_as_intended(tmp_path, identity, name):
    state, payloads = FROM_SERVER[name]

    def of_client(kind):
        folder = tmp_path / kind.name
        folder.mkdir()
        with Dialogue(folder, identity, kind) as dialogue, dialogue.at(state) as peer:
            return verdict(peer, payloads)

    theirs, ours = of_client(clients.OpenSSH), of_client(clients.Sshio)
    assert agree(theirs, ours) or is_known(KNOWN_OF_CLIENTS, name, theirs, ours), f"{name}: ssh {theirs}, sshio {ours}"
