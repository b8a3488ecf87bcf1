"""Our SFTP client and servers that break the rules (peers/hostile_sftp.py): X1 and X4, and lies of every kind. Whatever
happens, the session ends or goes on with a clear error, and nothing is written outside the target."""

import hashlib
import os
import random
import signal
import subprocess

import pytest

import servers
from harness import limit_child, run, sha256_of
from sftp_talk import Client, Cutter, escape, open_place, start

CONTENT = bytes(range(250)) * 400


@pytest.fixture
def place(workshop):
    return open_place(workshop, "hostile")


@pytest.fixture
def ask(park):
    """Runs commands against the server that breaks this rule."""
    server = park.get(servers.HostileSftp)

    def run(how, *commands, version=3, lenient=False):
        server.how.write_text(f"{how}@{version}")
        server.how.chmod(0o644)
        return Client(server, version, lenient).run(*commands)
    return run


def test_well_behaved_one_is_served(ask, place):
    for version in (3, 4, 5, 6):
        answers = ask("Server", ["list", "/"], ["get", "/file", place / "copy"], version=version)
        assert answers[0].words() == ["file"] and answers[1].ok
        assert (place / "copy").read_bytes() == CONTENT


# ---- X4: versions ----

@pytest.mark.parametrize("how", ["Version2", "Version99", "VersionAbove", "VersionShort", "VersionNone", "VersionPairs", "VersionCut"])
def test_x4_bad_version_is_refused(ask, how):
    assert ask(how, ["info"])[0].code == "SFTP_BAD_MESSAGE"


def test_end_instead_of_a_version_is_a_lost_connection(ask):
    assert ask("VersionEnd", ["info"])[0].code == "SFTP_CONNECTION_LOST"


# ---- X4: packets ----

@pytest.mark.parametrize("how", ["LengthZero", "LengthHuge", "LengthLong", "UnknownId", "Twice"])
def test_x4_broken_packets_end_the_session(ask, how):
    answers = ask(how, ["stat", "/file"], ["stat", "/file"], ["list", "/"])
    codes = [answer.code for answer in answers]
    seen = how == "Twice" and codes[:2] == ["", "SFTP_NO_CONNECTION"]    # both replies came at once
    assert ("SFTP_BAD_MESSAGE" in codes[:2] or seen) and codes[2] == "SFTP_NO_CONNECTION", answers


@pytest.mark.parametrize("how", ["WrongType", "OkForData", "ShortBody"])
def test_wrong_reply_fails_its_request_alone(ask, how):
    answers = ask(how, ["stat", "/wrong"], ["stat", "/file"])
    assert answers[0].code == "SFTP_BAD_MESSAGE" and "/wrong" in answers[0] and answers[1].ok, answers


def test_trailing_bytes_are_an_error_before_version_6(ask):
    for version in (3, 4, 5):
        assert ask("Trailing", ["stat", "/file"], version=version)[0].code == "SFTP_BAD_MESSAGE"
    assert ask("Trailing", ["stat", "/file"], version=6)[0].ok


def test_status_without_words_is_taken(ask):
    assert ask("BareStatus", ["stat", "/file"])[0].code == "SFTP_NO_SUCH_FILE"


def test_status_that_is_not_utf8_is_refused(ask):
    assert ask("Latin1Status", ["stat", "/file"])[0].code == "SFTP_BAD_MESSAGE"


def test_status_that_is_not_utf8_is_taken_where_errors_may_be(ask):
    """Row 14 of spec 5.19: utf8_decode_errors."""
    answer = ask("Latin1Status", ["stat", "/file"], lenient=True)[0]
    assert answer.code not in ("", "SFTP_BAD_MESSAGE") and "\\x" in answer, answer


def test_long_handle_is_refused(ask):
    assert ask("HugeHandle", ["read", "/file", "r"])[0].code == "SFTP_BAD_MESSAGE"


@pytest.mark.parametrize("how", ["NoNames", "TwoNames"])
def test_real_path_is_one_name(ask, how):
    assert ask(how, ["realpath", "/"])[0].code == "SFTP_BAD_MESSAGE"


def test_count_of_names_is_not_believed(ask):
    assert ask("CountHuge", ["list", "/"])[0].code == "SFTP_BAD_MESSAGE"


# ---- data ----

@pytest.mark.parametrize("how", ["Reversed", "Short"])
def test_order_and_shortness_of_replies_do_not_matter(ask, place, how):
    answers = ask(how, ["get", "/file", place / "copy", "v"], ["parallel", "/file"])
    assert answers[0].words()[1:] == ["100000", "100000"] and (place / "copy").read_bytes() == CONTENT
    assert answers[1].words() == ["100000", str(weigh(CONTENT))]


def weigh(data, offset=0):
    """What the program says of bytes: each by its place."""
    return sum((offset + at) % 65521 * byte for at, byte in enumerate(data))


def test_short_reads_go_on_until_all_is_there(ask):
    """Spec 5.10: read and pread give less than was asked for at the end of the file alone."""
    answers = ask("Short", ["sum", "/file"], ["sum", "/file", "50001", "20000"], ["sum", "/file", "99000", "5000"], ["sum", "/file", "7", "1"],
                  ["sum", "/file", "0", "300000"])
    for answer, (first, end) in zip(answers, [(0, 100000), (50001, 70001), (99000, 100000), (7, 8), (0, 100000)]):
        assert answer.words() == [str(end - first), str(weigh(CONTENT[first:end], first))], first
    assert ask("Short", ["sum", "/file", "100000", "10"])[0].code == "EOF"


LARGE = 2**30 if os.environ.get("SSHIO_DEEP") == "1" else 24 * 2**20


def test_large_file_comes_whole_from_replies_in_any_order(park, ask, place):
    """Whatever has been asked for is answered in an order of chance."""
    how, period = park.get(servers.HostileSftp).how, 1048583
    size_file = how.with_name(how.name + ".size")
    size_file.write_text(str(LARGE))
    size_file.chmod(0o644)
    block, digest = random.Random("shuffled").randbytes(period), hashlib.sha256()
    for at in range(0, LARGE, period):
        digest.update(block[:LARGE - at])
    assert ask("Shuffled", ["get", "/file", place / "copy", "v"])[0].words()[1:] == [str(LARGE)] * 2
    assert sha256_of(place / "copy") == digest.hexdigest()


def test_data_that_comes_twice_ends_the_session(ask, place):
    """The second reply belongs to no request. What was copied until then is told as an error, or is whole."""
    answers = ask("DataTwice", ["get", "/file", place / "copy"], ["stat", "/file"])
    assert answers[0].code == "SFTP_BAD_MESSAGE" and answers[1].code == "SFTP_NO_CONNECTION", answers


def test_f10_noise_beside_the_replies_does_not_stop_it(ask, place):
    assert ask("Noise", ["get", "/file", place / "copy"])[0].ok and (place / "copy").read_bytes() == CONTENT


def test_no_data_at_all_does_not_go_on_for_ever(ask, place):
    assert ask("Empty", ["get", "/file", place / "copy"])[0].code == "SFTP_BAD_MESSAGE"


def test_f10_flood_on_stderr_is_dropped(park, place):
    """F10: extended data of an SFTP channel is read and dropped, as much of it as comes; nothing of it is shown. (Erlang CVE-2026-54886)"""
    server = park.get(servers.FloodingSftp)
    server.how.write_text("Flood@3")
    result = run(Client(server, 3).argv(), input=b"list\t/\nget\t/file\t" + escape(place / "copy") + b"\nsum\t/file\n")
    assert result.out.splitlines() == [b"ok file", b"ok", b"ok 100000 %d" % weigh(CONTENT)] and result.err == b"", result
    assert (place / "copy").read_bytes() == CONTENT


def test_more_data_than_asked_for_ends_the_session(ask, place):
    answers = ask("TooMuch", ["get", "/file", place / "copy"], ["stat", "/file"])
    assert answers[0].code == "SFTP_BAD_MESSAGE" and answers[1].code == "SFTP_NO_CONNECTION", answers


def test_data_cut_short_fails_the_transfer(ask, place):
    assert ask("DataCut", ["get", "/file", place / "copy"])[0].code == "SFTP_BAD_MESSAGE"


def test_file_that_ends_early_is_an_error(ask, place):
    answer = ask("LiesLarger", ["get", "/file", place / "copy"])[0]
    assert answer.code == "SFTP_FAILURE" and "Unexpected EOF" in answer and "/file" in answer
    assert (place / "copy").read_bytes() == CONTENT


def test_copy_on_the_server_that_ends_early_is_an_error(ask):
    """Spec 5.11.2: FX_EOF of copy-data is a source that became shorter; asked for by itself it is told as it is."""
    answers = ask("CopyEnds", ["copy", "/file", "/other", "o"], ["remote_copy", "/file", "/other", "0", "0"], ["stat", "/file"])
    assert answers[0].code == "SFTP_FAILURE" and "Unexpected EOF" in answers[0] and "/file" in answers[0], answers
    assert answers[1].code == "SFTP_EOF" and answers[2].ok, answers


def test_file_that_goes_on_is_copied_as_far_as_was_said(ask, place):
    assert ask("LiesSmaller", ["get", "/file", place / "copy"])[0].ok
    assert (place / "copy").read_bytes() == CONTENT[:-5000]


def test_absurd_size_is_read_to_the_end(ask, place):
    answers = ask("LiesHuge", ["get", "/file", place / "copy"], ["read", "/file", "r"])
    assert answers[0].ok and (place / "copy").read_bytes() == CONTENT, answers


def test_one_bad_block_fails_the_transfer(ask, place):
    answer = ask("Failing", ["get", "/file", place / "copy"])[0]
    assert answer.code == "SFTP_FAILURE" and "bad sector" in answer and "\x1b" not in answer


def test_upload_that_fails_at_its_end_is_an_error(ask, place):
    """Every write was acknowledged: what is lost is lost when the file is closed, or gets its name."""
    (place / "data").write_bytes(CONTENT)
    assert ask("Takes", ["put", place / "data", "/new"])[0].ok and ask("Takes", ["write", "/new", "w", "x"])[0].ok
    for how, words, message in (("FailsClose", ["put", place / "data", "/new"], "disk full"),
                                ("FailsClose", ["write", "/new", "w", "x"], "disk full"),
                                ("NoRename", ["put", place / "data", "/new", "a"], "not that name")):
        answer = ask(how, words)[0]
        assert answer.code == "SFTP_FAILURE" and message in answer, (how, answer)


def test_end_in_the_middle_of_a_reply_is_told_and_gone_on_with(ask, place):
    answers = ask("Cut", ["get", "/file", place / "copy", "c"], ["stat", "/file"])
    assert answers[0].code == "SFTP_CONNECTION_LOST" and answers[1].code == "SFTP_NO_CONNECTION"
    assert (place / "copy").stat().st_size < len(CONTENT)
    assert ask("Server", ["get", "/file", place / "copy", "c"])[0].ok
    assert (place / "copy").read_bytes() == CONTENT


def test_program_that_waits_for_ever_can_be_ended(park, place):
    """And then there is nothing left of it: the sanitizer would complain about memory."""
    server = park.get(servers.HostileSftp)
    server.how.write_text("Never@3")
    client = start(Client(server, 3))
    client.stdin.write(b"\t".join(map(escape, ["get", "/file", place / "copy"])) + b"\n")
    client.stdin.flush()
    while not (place / "copy").exists():
        assert client.poll() is None
    client.send_signal(signal.SIGTERM)
    assert client.wait(20) == -signal.SIGTERM
    client.stdout.close(), client.stdin.close()


# ---- X1: names ----

def test_x1_names_that_lead_out_are_refused(ask, place):
    target = place / "inner" / "target"
    target.parent.mkdir()
    for how in ("NamesUp", "NamesNul"):
        answer = ask(how, ["get", "/tree", place / how, "r"])[0]
        assert answer.code == "SFTP_BAD_MESSAGE" and set(os.listdir(place / how)) <= {"good"}, answer
    answer = ask("NamesUp", ["get", "/tree", target, "re"])[0]
    assert answer.ok and answer.count("[SSHIO_ESFTP_BAD_MESSAGE") == 4 and os.listdir(target) == ["good"], answer
    assert os.listdir(place / "inner") == ["target"] and not os.path.exists("/tmp/planted")


def test_x1_globs_and_removals_pass_over_such_names(ask, place):
    assert ask("NamesUp", ["glob", "/*"])[0].words() == ["/good"]


def test_x1_real_paths_that_lie_name_nothing_here(ask, place):
    """Names on this side come from what the caller asked for; a directory without an end is not found out by them alone."""
    assert ask("RealLies", ["chdir", "/x"], ["get", "file", place / "to"])[1].ok and os.listdir(place) == ["to"]
    answer = ask("RealLies", ["get", "/d", place / "tree", "rL"])[0]
    assert "too deeply" in answer and sorted(os.listdir(place)) == ["to", "tree"]
    assert sorted(os.listdir(place / "tree")) == ["d", "file"]


def test_x1_source_without_a_name_goes_into_the_target(ask, place):
    for source in ("/", "/tree/", "/.", "/..", "/tree/.."):
        target = place / "inner" / "target"
        target.mkdir(parents=True, exist_ok=True)
        assert ask("Server", ["get", source, target, "r"])[0].ok
        assert os.listdir(target) == ["file"] and os.listdir(place / "inner") == ["target"] and os.listdir(place) == ["inner"], source


def test_x1_planted_link_is_not_followed(ask, place):
    """First a link, then a folder of its name."""
    target = place / "target"
    assert ask("NamesTwice", ["get", "/tree", target, "r"])[0].code == "SFTP_BAD_MESSAGE"
    ask("NamesTwice", ["get", "/tree", target, "re"])
    assert not os.path.exists("/etc/planted")


def test_x1_link_that_is_there_already_is_not_followed(ask, place):
    outside, target = place / "outside", place / "target"
    outside.mkdir(), target.mkdir(), (target / "tree").mkdir()
    os.symlink(outside, target / "tree" / "trap")
    answer = ask("Plant", ["get", "/tree", target, "r"])[0]
    assert answer.code == "SFTP_FAILURE" and "in the way" in answer and os.listdir(outside) == []


@pytest.mark.parametrize("how", ["RealPathsOut", "RealPathsOne"])
def test_x1_real_paths_that_lead_out_name_nothing_here(ask, place, how):
    """X1: local names come from what the user asked for, however the server calls it."""
    inner = place / "inner"
    inner.mkdir()
    answers = ask(how, ["chdir", "sub"], ["getcwd"], ["get", "file", inner / "file"], ["get", "file", inner], ["get", "/file", inner / "other"],
                  ["mget", "f*", inner], ["get", ".", inner / "tree", "rL"], ["get", "sub", inner / "sub", "rLe"], ["rmtree", "/"])
    assert [answer.ok for answer in answers[:6]] == [True] * 6, answers
    assert answers[6].code == "SFTP_FAILURE", answers    # a folder in itself: a loop, or too deep
    found = {os.path.relpath(os.path.join(folder, name), inner) for folder, _, files in os.walk(inner) for name in files}
    assert {os.path.basename(path) for path in found} == {"file", "other"}
    assert os.listdir(place) == ["inner"] and set(os.listdir(inner)) <= {"file", "other", "tree", "sub"}


def test_x1_real_paths_that_are_none_are_refused(ask, place):
    for how in ("RealPathsNul", "RealPathsEmpty", "RealPathsLong"):
        answers = ask(how, ["chdir", "sub"], ["getcwd"], ["get", "/file", place / "copy"], ["realpath", "/"])
        if how == "RealPathsNul":
            assert [answer.code for answer in answers] == ["SFTP_BAD_MESSAGE", "SFTP_BAD_MESSAGE", "", "SFTP_BAD_MESSAGE"], answers
        assert answers[2].ok and (place / "copy").read_bytes() == CONTENT
    assert os.listdir(place) == ["copy"]


def test_folders_above_that_may_not_be_made_are_passed_over(ask):
    """Spec 5.9.6: PERMISSION_DENIED counts for the last folder alone."""
    answers = ask("OnlyLast", ["makedirs", "/no/right/here/last"], ["makedirs", "/last/no"])
    assert answers[0].ok and answers[1].code == "SFTP_PERMISSION_DENIED", answers


def test_endless_depth_ends(ask, place):
    assert "too deeply" in ask("Deep", ["get", "/d", place / "target", "r"])[0]
    assert "too deeply" in ask("Deep", ["rmtree", "/d"])[0]
    assert 100 < len(ask("Deep", ["glob", "/d/**"])[0].words()) < 300
    assert ask("Deep", ["glob", "/**/x"])[0].ok    # everything is there, but not without end


def test_endless_listing_can_be_left(ask):
    assert ask("Endless", ["count", "/", "1000"], ["stat", "/file"])[0].words() == ["1000"]


def test_setuid_is_not_planted(ask, place):
    assert ask("Setuid", ["get", "/file", place / "copy", "p"])[0].ok
    assert (place / "copy").stat().st_mode & 0o7777 == 0o755


def test_links_that_lead_out_can_be_refused(ask, place):
    assert ask("LinksOut", ["get", "/tree", place / "a", "r"])[0].ok and os.readlink(place / "a" / "link") == "/etc"
    assert "leads out" in ask("LinksOut", ["get", "/tree", place / "b", "rs"])[0]


# ---- connections that break ----

POSITIONS = 200 if os.environ.get("SSHIO_DEEP") == "1" else 12


@pytest.mark.parametrize("command", ["get", "put"])
def test_cut_anywhere_is_told_and_gone_on_with(park, place, command):
    """At random places of the connection, in the direction in which the file goes."""
    server = park.get(servers.OpenSSH)
    data = os.urandom(3 * 2**19)
    (place / "data").write_bytes(data)
    cutter = Cutter(server, place)
    chance = random.Random(command)
    for position in range(POSITIONS):
        copy = place / f"copy{position}"
        words = [command, place / "data", copy, "c", "16384"]
        cutter.cut_after(chance.randrange(1000, len(data)), command == "get")
        answers = Client(cutter).run(words)
        assert answers == [] or answers[-1].startswith("error"), answers    # nothing: it was before there was a session
        answer = Client(server).one(*words)
        assert answer.ok and copy.read_bytes() == data, (position, answer)
        copy.unlink()


@pytest.mark.parametrize("command", ["get", "put"])
def test_cut_connection_is_gone_on_with(park, place, command):
    """Cut where it happens to be, again and again, until the file is there."""
    server = park.get(servers.OpenSSH)
    data = os.urandom(6 * 2**20)
    (place / "data").write_bytes(data)
    words = [command, place / "data", place / "copy", "c", "16384"]
    for size in range(1, 8):
        child = subprocess.Popen([str(word) for word in Client(server).argv()], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, preexec_fn=limit_child)
        child.stdin.write(b"\t".join(map(escape, words)) + b"\n")
        child.stdin.flush()
        while not (place / "copy").exists() or (place / "copy").stat().st_size < min(size * 2**19, len(data)):
            if child.poll() is not None:
                break
        child.kill()
        child.communicate()
    answer = Client(server).one(*words)
    assert answer.ok and (place / "copy").read_bytes() == data, answer
