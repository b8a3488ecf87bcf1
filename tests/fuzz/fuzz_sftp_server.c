/* A session of an SFTP server in each version, below a root where nothing can be changed: whatever is said, the server
 * answers in whole packets of its own types, and the session ends. The first byte says which version, and whether the
 * server is read-only; then come the packets that follow FXP_INIT, as they are. */
#include "fuzz.h"

#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "sftp/server.h"

enum { MAX_REPLY = 4 << 20 };

struct bed {
    struct framer framer; /* of what the server says */
    bool version_came, cleaned;
};

static void port_write(sshio_sftp_server *server, const void *data, size_t len)
{
    struct bed *bed = server->port_user;
    struct span bytes = SPAN(data, len);
    struct error e;
    int rc;
    error_init(&e);
    must(!bed->cleaned && len <= MAX_REPLY);
    while ((rc = framer_feed(&bed->framer, &bytes, &e)) > 0) {
        if (rc == FRAMER_DATA) {
            framer_place(&bed->framer, NULL);
            continue;
        }
        uint8_t type = framer_packet(&bed->framer).data[0];
        must(bed->version_came ? (type >= FXP_STATUS && type <= FXP_ATTRS) || type == FXP_EXTENDED_REPLY
                               : type == FXP_VERSION);
        bed->version_came = true;
    }
    must(rc == FRAMER_MORE && !framer_is_inside(&bed->framer)); /* whole packets only */
}

static void port_read_on(sshio_sftp_server *server)
{
    (void)server;
}

static void port_cleaned(sshio_sftp_server *server, int status)
{
    struct bed *bed = server->port_user;
    must(status == 0 || status == 1);
    bed->cleaned = true;
}

static const struct sftp_port_ops port = { port_write, port_read_on, port_cleaned };

static sshio_sftp_server *make(uint8_t what, const char *root)
{
    sshio_sftp_server_options options;
    sshio_sftp_server *server = NULL;
    sshio_sftp_server_options_init(&options);
    options.chroot = root;
    options.read_only = (what & 4) != 0;
    options.sftp_version = 3 + (what & 3);
    must(sftp_server_new(&options, &server) == 0);
    server->alone = true;
    return server;
}

static void say_hello(sshio_sftp_server *server)
{
    uint8_t init[9] = { 0, 0, 0, 5, FXP_INIT, 0, 0, 0, 6 };
    must(sftp_server_feed(server, init, sizeof init) == sizeof init);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char root[] = "/proc/self/fdinfo"; /* nothing can be made or changed there */
    struct bed bed = { .version_came = false };
    if (size == 0)
        return 0;
    log_set_level(SSHIO_LOG_CRITICAL);
    sshio_sftp_server *server = make(data[0], root);
    framer_init(&bed.framer, true, &framer_heap, NULL);
    sftp_server_start(server, &port, &bed, log_base(), SSHIO_MAX_SFTP_VERSION);
    say_hello(server);
    must(bed.version_came);
    sftp_server_feed(server, data + 1, size - 1);
    sftp_server_eof(server);
    while (!bed.cleaned)
        must(sshio_sleep(0) == 0);
    sftp_server_release(server);
    framer_done(&bed.framer);
    return 0;
}
