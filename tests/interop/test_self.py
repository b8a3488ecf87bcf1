"""sshio with itself."""

import servers
from harness import MEBI
from test_client import SESSIONS, get_bulk, put_bulk


def test_self_moves_100_mebibytes_both_ways(sshio, sshio_server, bulk, tmp_path):
    get_bulk(sshio, sshio_server, bulk, tmp_path)
    put_bulk(sshio, sshio_server, bulk)


def test_self_rekeys_from_both_sides_under_load(sshio, park, bulk, tmp_path):
    server = park.get(servers.SshioRekeying)
    get_bulk(sshio, server, bulk, tmp_path, rekey=MEBI)
    put_bulk(sshio, server, bulk, rekey=MEBI)


def test_self_opens_50_sessions_at_once(sshio, sshio_server):
    sshio.run_sessions(sshio_server, SESSIONS)
