"""A paramiko client that takes one step of authentication after the other and says what each came to.

usage: paramiko_auth.py PORT STEP...

A step is METHOD:USER[:VALUE...]: none, password with the password, publickey with a key file, kbdint with the answers.
A line for each: "in", "partial: what is next", "refused: what is taken", or "ended: why".
"""

import socket
import sys

import paramiko


def take(transport, method, user, values):
    if method == "none":
        return transport.auth_none(user)
    if method == "password":
        return transport.auth_password(user, values[0], fallback=False)
    if method == "publickey":
        return transport.auth_publickey(user, paramiko.Ed25519Key.from_private_key_file(values[0]))
    answers = list(values)
    return transport.auth_interactive(user, lambda title, text, prompts: [answers.pop(0) for _ in prompts])


def describe(transport, step):
    method, user, *values = step.split(":")
    try:
        following = take(transport, method, user, values)
    except paramiko.BadAuthenticationType as error:
        return "refused: " + ",".join(error.allowed_types)
    except paramiko.AuthenticationException as error:
        return "refused" if transport.is_active() else f"ended: {error}"
    except (paramiko.SSHException, EOFError, OSError) as error:
        return f"ended: {error}"
    return "partial: " + ",".join(following) if following else "in"


transport = paramiko.Transport(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 20))
transport.start_client(timeout=20)
for step in sys.argv[2:]:
    print(describe(transport, step), flush=True)
transport.close()
