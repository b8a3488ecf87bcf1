"""Writes the seeds of the session targets to corpus/: what real peers said (tests/unit/engine/transcripts), and sessions
made up here that go well, one for each thing that a session can do.

    python3 tests/fuzz/make_seeds.py

Seeds that a fuzzer found stay where they are; these have names that begin with "real-" or "good-". Records and operations
are those of owner.h and session.h."""

import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
TRANSCRIPTS = HERE.parent / "unit" / "engine" / "transcripts"

LOCAL = 200
SETUP, RAW, TIME, REKEY, DECIDE, AUTHENTICATE, EXTRAS, DISCONNECT, STALL, DISTRUST = range(230, 240)
COMPRESS, LATE, REKEY_SOON, TIGHT, KEEPALIVE, STRICT_ONLY = 1, 2, 4, 8, 16, 32

# Of the application's doings (owner.c): on the channel in the slot that the length of the bytes gives, modulo 8.
WRITE, WRITE_EXTENDED, REQUEST, QUIET_REQUEST, PAUSE, RESUME, EOF, CLOSE, ABORT, REPLY, MARKS = range(11)
OPEN, DECIDE_OPEN, GLOBAL_REPLY, GLOBAL_REQUEST, MOOD = range(48, 53)


def record(operation, body=b""):
    return struct.pack(">BH", operation, len(body)) + body


def act(what, body=b""):
    assert what < 30, "session operations begin at 230"
    return record(LOCAL + what, body)


def string(value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


def u32(*values):
    return struct.pack(">%dI" % len(values), *values)


def setup(flags):
    return record(SETUP, bytes([flags]))


def authenticate(kind):
    return record(AUTHENTICATE, bytes(kind))


# ---- handshakes ----

HOST_KEY = string("ssh-ed25519") + string(b"k" * 32)


def kexinit(server, compression="none", markers=True, follows=False, kex="curve25519-sha256"):
    pseudo = (",ext-info-s,kex-strict-s-v00@openssh.com" if server else ",ext-info-c,kex-strict-c-v00@openssh.com") if markers else ""
    cipher, mac = "aes128-gcm@openssh.com", "hmac-sha2-256"
    lists = [kex + pseudo, "ssh-ed25519", cipher, cipher, mac, mac, compression, compression, "", ""]
    return record(20, b"c" * 16 + b"".join(map(string, lists)) + bytes([follows]) + u32(0))


def exchange(server, **options):
    """What the peer, in that role, says of one."""
    public = string(b"p" * 32)
    own = record(31, string(HOST_KEY) + public + string(string("ssh-ed25519") + string(b"s" * 64))) if server else record(30, public)
    return kexinit(server, **options) + own + record(21)


def greeting(server, **options):
    return record(RAW, b"SSH-2.0-made_up\r\n") + exchange(server, **options)


def auth_request(method, rest=b"", user="user"):
    return record(50, string(user) + string("ssh-connection") + string(method) + rest)


def log_in_as_client(method=None):
    return record(5, string("ssh-userauth")) + (method or auth_request("none")) + authenticate(3)


def log_in_as_server():
    return record(6, string("ssh-userauth")) + authenticate(0) + record(52)


# ---- what to say to a server ----

ED_BLOB = string("ssh-ed25519") + string(b"u" * 32)
SIGNATURE = string(string("ssh-ed25519") + string(b"s" * 64))


def key_request(signed):
    return auth_request("publickey", bytes([signed]) + string("ssh-ed25519") + string(ED_BLOB) + (SIGNATURE if signed else b""))


AUTH_SERVER = {
    "none": log_in_as_client(),
    "password": log_in_as_client(auth_request("password", b"\0" + string("secret"))),
    "password-change": record(5, string("ssh-userauth")) + auth_request("password", b"\0" + string("old")) + authenticate(1)
    + auth_request("password", b"\1" + string("old") + string("new")) + authenticate(3),
    "key": record(5, string("ssh-userauth")) + auth_request("none") + authenticate(2) + key_request(False) + authenticate(0)
    + key_request(True) + authenticate(3),
    "partial": record(5, string("ssh-userauth")) + key_request(True) + authenticate(2)
    + auth_request("password", b"\0" + string("secret")) + authenticate(7),
    "kbdint": record(5, string("ssh-userauth")) + auth_request("keyboard-interactive", string("") + string("")) + authenticate(1)
    + record(61, u32(1) + string("answer")) + authenticate(9) + record(61, u32(2) + string("a") + string("b")) + authenticate(3),
    "other-user": record(5, string("ssh-userauth")) + auth_request("none") + authenticate(2) + auth_request("none", user="other")
    + authenticate(3),
    "banner": record(EXTRAS, bytes(2)) + log_in_as_client(),
}

# ---- what to say to a client ----

KEY_ACCEPTED = record(60, string("alg") + string("blob"))  # of the key that the client of owner_auth.c asks with
AUTH_CLIENT = {
    "none": log_in_as_server(),
    "key": record(6, string("ssh-userauth")) + authenticate(0) + record(51, string("publickey,password") + b"\0") + authenticate(3)
    + KEY_ACCEPTED + authenticate(4) + record(52),
    "password": record(6, string("ssh-userauth")) + authenticate(1) + record(60, string("expired") + string("")) + authenticate(2)
    + record(52),
    "kbdint": record(6, string("ssh-userauth")) + authenticate(5)
    + record(60, string("name") + string("how") + string("") + u32(2) + string("one") + b"\0" + string("two") + b"\1") + authenticate(6)
    + record(60, string("") + string("") + string("") + u32(0)) + authenticate(6) + record(52),
    "partial": record(6, string("ssh-userauth")) + authenticate(4) + record(51, string("password") + b"\1") + authenticate(1)
    + record(52),
    "banner": record(6, string("ssh-userauth")) + record(53, string("hello\r\n") + string("")) + log_in_as_server()[19:],
    "ext-info": record(7, u32(1) + string("server-sig-algs") + string("ssh-ed25519")) + log_in_as_server(),
}


# ---- after login, of either peer; the engine's channels have the numbers 0, 1, … ----

def channel(number=0, first=100):
    """Opened by the peer, as its number 100: a command runs, and both sides close."""
    return (record(90, string("session") + u32(first, 2000, 500)) + record(98, u32(number) + string("exec") + b"\1" + string("ls"))
            + act(REPLY, bytes(number)) + record(94, u32(number) + string("input")) + act(WRITE, bytes(8 + number)))


def close(number=0):
    return act(EOF, bytes(number)) + record(96, u32(number)) + act(CLOSE, bytes(number)) + record(97, u32(number))


OPEN_SESSIONS = {
    "channel": channel() + close(),
    "two-channels": channel() + channel(1, 101) + record(93, u32(0, 1000)) + close(1) + close(),
    "extended": channel() + record(95, u32(0, 1) + string("errors")) + act(WRITE_EXTENDED, bytes(16)) + close(),
    "window": channel() + record(94, u32(0) + string(b"d" * 70)) * 5 + record(93, u32(0, 100000)) + act(WRITE, bytes(3000)) + close(),
    "pause": channel() + act(PAUSE, b"") + record(94, u32(0) + string(b"d" * 60)) * 3 + act(RESUME, b"") + close(),
    "globals": record(80, string("tcpip-forward") + b"\1" + string("host") + u32(22)) + record(80, string("keepalive@openssh.com") + b"\1")
    + record(80, string("even") + b"\1"),
    "ping": record(192, string("ping")) * 3 + record(192, string("")),
    "unknown": record(150) + record(101, b"body") + record(3, u32(9)),
    "chatter": record(2, string(b"i" * 40)) + record(4, b"\1" + string("text") + string("")) + record(EXTRAS, bytes(0)) + record(EXTRAS, bytes(1)),
    "disconnect": channel() + record(1, u32(11) + string("bye") + string("")),
    "stall": record(STALL, b"") + channel() + act(WRITE, bytes(800)) + record(192, string(b"p" * 100)) * 20 + record(STALL, b"1") + close(),
}


def open_sessions(server):
    """For a logged-in engine; server is the peer's role."""
    sessions = dict(OPEN_SESSIONS)
    sessions["rekey"] = channel() + exchange(server, markers=False) + close()
    sessions["own-rekey"] = channel() + record(REKEY) + exchange(server, markers=False) + close()
    sessions["rekeys"] = setup(REKEY_SOON) + channel() + record(94, u32(0) + string(b"d" * 60)) * 40 + exchange(server, markers=False) + close()
    sessions["late"] = setup(LATE) + channel() + kexinit(server, markers=False) + exchange(server)[len(kexinit(server)):-3] \
        + record(DECIDE) + record(21) + close()
    sessions["compressed"] = setup(COMPRESS) + channel() + close()
    sessions["compressed-rekey"] = setup(COMPRESS) + channel() + exchange(server, markers=False, compression="zlib@openssh.com,none") + close()
    sessions["keepalive"] = setup(KEEPALIVE) + (record(TIME, bytes(5)) + record(82)) * 3 + record(TIME, bytes(20))
    sessions["tight"] = setup(TIGHT) + record(STALL, b"") + channel() + record(192, string(b"p" * 900)) * 20
    return sessions


# ---- transcripts ----

def from_transcript(path):
    """The peer's lines as they are, and what our side said as what our application did."""
    peer, own = ("c", "s") if path.name.startswith("client") else ("s", "c")
    out, secured = b"", False
    for line in path.read_text().splitlines():
        side, payload = line.split()[0], bytes.fromhex(line.split()[1])
        if side == "version":
            out += record(RAW, payload + b"\r\n")
        elif side == peer:
            is_key_accepted = peer == "s" and payload[0] == 60
            out += KEY_ACCEPTED if is_key_accepted else record(payload[0], payload[1:])
            secured = secured or payload[0] == 21
        elif side == own and secured:
            out += doing(own == "s", payload)
    return out


SERVER_DOINGS = {51: authenticate(2), 60: authenticate(0), 52: authenticate(3)}


def doing(server, payload):
    number = payload[0]
    if server and number in SERVER_DOINGS:
        return SERVER_DOINGS[number]
    if number == 50:
        signed = b"publickey\1" in payload
        return authenticate(0 if b"none" in payload[-4:] else 4 if signed else 3)
    return {90: record(LOCAL + OPEN, bytes(99)), 98: act(REQUEST, b""), 99: act(REPLY, b""), 94: act(WRITE, bytes(8)), 96: act(EOF, b""),
            97: act(CLOSE, b"")}.get(number, b"")


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def main():
    for path in sorted(TRANSCRIPTS.glob("*.txt")):
        write("session_server" if path.name.startswith("client") else "session_client", "real-" + path.stem, from_transcript(path))
    for target, peer_is_server, logins in (("server", False, AUTH_SERVER), ("client", True, AUTH_CLIENT)):
        for name, login in logins.items():
            write("session_" + target, "good-login-" + name, greeting(peer_is_server) + login + channel() + close())
        write("session_" + target, "good-plain-kex", greeting(peer_is_server, markers=False) + list(logins.values())[0] + channel() + close())
        write("session_" + target, "good-guess", record(RAW, b"SSH-2.0-made_up\r\n") + kexinit(peer_is_server, follows=True, kex="other,curve25519-sha256")
              + record(31 if peer_is_server else 30, b"a wrong guess") + exchange(peer_is_server)[len(kexinit(peer_is_server)):]
              + list(logins.values())[0] + channel() + close())
        write("session_" + target, "good-compressed", setup(COMPRESS) + greeting(peer_is_server, compression="zlib@openssh.com,none")
              + list(logins.values())[0] + channel() + close())
        write("session_" + target, "good-text-before", record(RAW, b"hello\r\nthere\r\n") + greeting(peer_is_server))
        write("session_" + target, "good-refused", setup(LATE) + record(DISTRUST) + greeting(peer_is_server)[:-3] + record(DECIDE))
        for name, data in open_sessions(peer_is_server).items():
            write("open_" + target, "good-" + name, data)


if __name__ == "__main__":
    main()
