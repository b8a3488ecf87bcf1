"""Methods of authentication with real peers, in both directions. Rules A1, A3 to A5 and A9 of the checklist."""

import pytest

import clients
import servers
from harness import HOST, KeyFile, run
from test_client import Imposter

KBDINT = ["blue", "1234", "yes"]


def as_user(server, name):
    face = Imposter(server, server.known_hosts)
    face.user = name
    return face


def greeting(server):
    return f"welcome {server.user}\n".encode()


@pytest.fixture
def auth_server(park):
    return park.get(servers.SshioAuth)


@pytest.fixture
def two_factors(park):
    return park.get(servers.SshioTwoFactors)


@pytest.fixture
def openssh(tmp_path):
    return clients.OpenSSH(tmp_path)


@pytest.fixture
def paramiko(tmp_path):
    return clients.Paramiko(tmp_path)


# ---- sshio as the server ----

def test_openssh_answers_two_rounds_of_prompts(openssh, auth_server):
    answers = {"*Colour*": "blue", "*PIN*": "1234", "*more*": "yes"}
    result = openssh.log_in(auth_server, "x", answers, "-o", "PreferredAuthentications=keyboard-interactive")
    assert result.check().out == greeting(auth_server), result


def test_openssh_is_refused_after_a_wrong_answer(openssh, auth_server):
    answers = {"*Colour*": "blue", "*PIN*": "1234", "*more*": "no"}
    result = openssh.log_in(auth_server, "x", answers, "-o", "PreferredAuthentications=keyboard-interactive", "-o",
                            "NumberOfPasswordPrompts=1")
    assert (result.status, result.out) == (255, b"")
    assert b"Permission denied (publickey,keyboard-interactive,password)" in result.err, result


def test_openssh_changes_its_password(openssh, auth_server):
    answers = {"*Enter*old*": "old", "*Enter*new*": auth_server.password, "*Retype*": auth_server.password, "*": "old"}
    result = openssh.log_in(auth_server, "x", answers, "-o", "PreferredAuthentications=password")
    assert result.check().out == greeting(auth_server), result


def test_openssh_shows_the_banner(openssh, auth_server):
    result = openssh.log_in(auth_server, "x", {"*": auth_server.password}, "-o", "PreferredAuthentications=password")
    assert b"mind the step" in result.check().err


def test_putty_logs_in_with_password(tmp_path, park):
    """It would rather answer prompts, where it may, and cannot without a terminal."""
    server = park.get(servers.SshioPassword)
    result = clients.Plink(tmp_path).log_in(server, "x", "-pw", server.password)
    assert result.out == greeting(server), result


def test_asyncssh_answers_two_rounds_of_prompts(tmp_path, auth_server):
    options = [word for answer in KBDINT for word in ("--answer", answer)]
    result = clients.AsyncSSH(tmp_path).log_in(auth_server, "x", *options)
    assert result.check().out == greeting(auth_server)
    assert b"challenge Login Two questions [('Colour: ', True), ('PIN: ', False)]" in result.err
    assert b"challenge  Well done []" in result.err


def test_asyncssh_changes_its_password(tmp_path, auth_server):
    result = clients.AsyncSSH(tmp_path).log_in(auth_server, "x", "--password", "old", "--new", "weak", "--new",
                                               auth_server.password)
    assert result.check().out == greeting(auth_server)
    assert result.err.decode().splitlines() == [
        "change Your password is too old", "password_change_failed", "change That one will not do", "password_changed"]


@pytest.mark.parametrize("options", [["-password", "correct horse"], ["-answers", ",".join(KBDINT)]],
                         ids=["password", "kbdint"])
def test_go_logs_in(tmp_path, auth_server, options):
    result = clients.Go(tmp_path).log_in(auth_server, "x", *options)
    assert result.check().out == greeting(auth_server)


def test_paramiko_logs_in_by_each_method(paramiko, auth_server):
    user = auth_server.user
    steps = [f"none:{user}", f"password:{user}:wrong", f"kbdint:{user}:red:1234", f"kbdint:{user}:blue:1234:yes"]
    lines = paramiko.take_steps(auth_server, *steps).check().out.decode().splitlines()
    assert lines == ["refused: publickey,keyboard-interactive,password", "refused", "refused", "in"]
    for step in (f"password:{user}:{auth_server.password}", f"publickey:{user}:{auth_server.identity.path}"):
        assert paramiko.take_steps(auth_server, step).check().out == b"in\n"


# ---- several methods ----

def test_openssh_sees_partial_success(openssh, two_factors):
    result = openssh.log_in(two_factors, "x", {"*": two_factors.password}, "-v", "-o",
                            "PreferredAuthentications=publickey,password")
    assert result.check().out == greeting(two_factors)
    assert b'Authenticated using "publickey" with partial success' in result.err, result
    assert b"Authentications that can continue: keyboard-interactive,password" in result.err


def test_go_passes_two_methods(tmp_path, two_factors):
    result = clients.Go(tmp_path).log_in(two_factors, "x", "-identity", two_factors.identity.path, "-password",
                                         two_factors.password)
    assert result.check().out == greeting(two_factors)


def test_one_method_of_two_is_not_enough(paramiko, two_factors):
    user, key, password = two_factors.user, two_factors.identity.path, two_factors.password
    lines = paramiko.take_steps(two_factors, f"password:{user}:{password}", f"publickey:{user}:{key}",
                                f"publickey:{user}:{key}", f"kbdint:{user}:blue:1234:yes")
    assert lines.check().out.decode().splitlines() == [
        "refused: publickey", "partial: keyboard-interactive,password", "refused: keyboard-interactive,password", "in"]


def test_a3_another_user_begins_anew(paramiko, two_factors):
    """What one user has passed is of no use to the next, and gone when the first comes back."""
    user, key, password = two_factors.user, two_factors.identity.path, two_factors.password
    lines = paramiko.take_steps(two_factors, f"publickey:{user}:{key}", f"password:nobody:{password}",
                                f"password:{user}:{password}", f"publickey:{user}:{key}",
                                f"password:{user}:{password}")
    assert lines.check().out.decode().splitlines() == [
        "partial: keyboard-interactive,password", "refused: publickey", "refused: publickey",
        "partial: keyboard-interactive,password", "in"]


# ---- limits, and what unknown users learn ----

@pytest.mark.parametrize("step", ["password:{user}:wrong", "kbdint:{user}:red:1234", "publickey:{user}:{key}"],
                         ids=["password", "kbdint", "publickey"])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_a5_twelve_tries_end_after_six(paramiko, auth_server, tmp_path, step, known):
    """A4: the same for users that do not exist."""
    stranger = KeyFile(tmp_path, "stranger")
    text = step.format(user=auth_server.user if known else "nobody-here", key=stranger.path)
    lines = paramiko.take_steps(auth_server, *[text] * 12).out.decode().splitlines()
    assert lines[:5] == ["refused"] * 5, lines
    assert all(line.startswith("ended") for line in lines[5:]), lines
    assert len(lines) == 12


def test_a5_openssh_is_told_of_too_many_failures(openssh, auth_server):
    result = openssh.log_in(auth_server, "x", {"*": "wrong"}, "-o", "PreferredAuthentications=password", "-o",
                            "NumberOfPasswordPrompts=10")
    assert result.status == 255
    assert b"Too many authentication failures" in result.err, result


def refusal(openssh, server, user, method):
    face = as_user(server, user)
    face.identity = openssh.stranger
    result = openssh.log_in(face, "x", {"*": "wrong"}, "-o", f"PreferredAuthentications={method}", "-o",
                            "NumberOfPasswordPrompts=1")
    assert result.status == 255, result
    return result.err.replace(user.encode(), b"USER")


@pytest.mark.parametrize("method", ["password", "keyboard-interactive", "publickey"])
def test_a4_unknown_user_is_refused_in_the_same_words(openssh, auth_server, tmp_path, method):
    openssh.stranger = KeyFile(tmp_path, "stranger")
    known = refusal(openssh, auth_server, auth_server.user, method)
    assert refusal(openssh, auth_server, "nobody-here", method) == known


def test_user_names_are_prepared_before_they_are_compared(paramiko, auth_server):
    """RFC 4013: a full-width o is an o; a control character is nothing that a name can hold."""
    lines = paramiko.take_steps(auth_server, "none:\uff4fpen").check().out.decode().splitlines()
    assert lines in (["in"], ["ended: User name is not ASCII, and this build has no SASLprep"]), lines
    assert paramiko.take_steps(auth_server, "none:op\ten").out.startswith(b"ended")


# ---- sshio as the client ----

def test_client_passes_key_and_password_of_openssh(sshio, park, account):
    if account.is_own:
        servers.missing("an account with a known password needs root")
    server = park.get(servers.OpenSSHTwoFactors)
    given = [f"key={server.identity.path}", f"password={account.password}"]
    result = sshio.log_in(server, "echo hello", *given)
    assert result.check().out == b"hello\n"
    assert b"banner mind the step" in result.err
    refused = sshio.log_in(server, "echo hello", given[0], "password=wrong")
    assert (refused.status, refused.out) == (1, b"")
    assert b"SSHIO_EPERMISSION_DENIED" in refused.err and b"server takes: password" in refused.err, refused


def test_client_keeps_to_preferred_auth(sshio, park, account):
    server = park.get(servers.OpenSSHTwoFactors)
    refused = sshio.log_in(server, "echo hello", f"key={server.identity.path}", "password=x", "preferred=password")
    assert (refused.status, refused.out) == (1, b"")
    assert b"server takes: publickey" in refused.err, refused


@pytest.mark.parametrize("option", ["PreferredAuthentications=password", "PubkeyAuthentication=no"])
def test_tool_offers_no_key_when_told_so(sshio, auth_server, option):
    result = run([*sshio.path, "-o", option, *sshio.options(auth_server), HOST, "x"])
    assert (result.status, result.out) == (255, b""), result
    assert b"Permission denied" in result.err, result
    assert sshio.run(auth_server, "x").check().out == greeting(auth_server)


def test_client_answers_pam_with_its_password(sshio, park, account):
    if account.is_own:
        servers.missing("an account with a known password needs root")
    server = park.get(servers.OpenSSHPam)
    result = sshio.log_in(server, "echo hello", f"password={account.password}", "preferred=keyboard-interactive")
    assert result.check().out == b"hello\n"


def test_client_answers_two_rounds_of_prompts(sshio, park):
    server = park.get(servers.AsyncSSH)
    result = sshio.log_in(server, "echo hello", *[f"answer={answer}" for answer in KBDINT])
    assert result.check().out == b"hello\n"
    assert result.err.decode().splitlines() == [
        "challenge [Login] [Two questions] [Colour: ]+ [PIN: ]", "challenge [] [] [Once more: ]",
        "challenge [] [Well done]"]


def test_client_changes_its_password(sshio, park):
    server = park.get(servers.AsyncSSH)
    result = sshio.log_in(server, "echo hello", "password=old", "preferred=password", "new=weak",
                          f"new={server.password}")
    assert result.check().out == b"hello\n"
    assert result.err.decode().splitlines() == [
        "change [Your password is too old] [en-US]", "password_change_failed", "change [That one will not do] [en-US]",
        "password_changed"]


def test_client_refuses_trivial_logins_on_request(sshio, park):
    server = park.get(servers.AsyncSSH)
    assert sshio.log_in(as_user(server, "open"), "echo hello").check().out == b"hello\n"
    for user in ("open", "trivial"):
        result = sshio.log_in(as_user(server, user), "echo hello", "trivial=no", "answer=x")
        assert (result.status, result.out) == (1, b""), result
        assert b"Trivial auth disabled" in result.err, result
    proper = sshio.log_in(server, "echo hello", "trivial=no", f"password={server.password}", "preferred=password")
    assert proper.check().out == b"hello\n"


def test_client_asks_which_methods_a_server_takes(sshio, park):
    server = park.get(servers.AsyncSSH)
    assert sshio.log_in(as_user(server, "open"), "methods").check().out == b"none\n"
    assert sshio.log_in(server, "methods").check().out == b"publickey\nkeyboard-interactive\npassword\n"
    assert sshio.log_in(park.get(servers.OpenSSHTwoFactors), "methods").check().out == b"publickey\n"


@pytest.mark.parametrize("method", ["password", "keyboard-interactive"])
def test_client_logs_in_to_erlang_with_password(sshio, park, method):
    server = park.get(servers.ErlangPassword)
    result = sshio.log_in(server, "hello", f"password={server.password}", f"preferred={method}")
    assert result.check().out == b"hello\n"
    assert sshio.log_in(server, "hello", "password=wrong", f"preferred={method}").status == 1
