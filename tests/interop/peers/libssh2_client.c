/* A client on libssh2: one command with this program's own streams, or files.
 * libssh2_client PORT USER IDENTITY KNOWN_HOSTS COMPRESS COMMAND; COMPRESS is 0 or 1. The public key lies beside the
 * private one. libssh2_client PORT USER IDENTITY KNOWN_HOSTS COMPRESS files WORDS; see libssh2_files.h. */
#include "libssh2_files.h"

#include <arpa/inet.h>
#include <libssh2.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void fail(LIBSSH2_SESSION *session, const char *what)
{
    char *text = NULL;

    if (session != NULL)
        libssh2_session_last_error(session, &text, NULL, 0);
    fprintf(stderr, "%s: %s\n", what, text != NULL ? text : "");
    exit(125);
}

static int connect_to(int port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail(NULL, "connect");
    return fd;
}

static void check_host_key(LIBSSH2_SESSION *session, int port, const char *known_hosts)
{
    LIBSSH2_KNOWNHOSTS *known = libssh2_knownhost_init(session);
    size_t len;
    int type;
    const char *key = libssh2_session_hostkey(session, &len, &type);

    if (known == NULL || libssh2_knownhost_readfile(known, known_hosts, LIBSSH2_KNOWNHOST_FILE_OPENSSH) < 0)
        fail(session, "known hosts");
    if (libssh2_knownhost_checkp(known, "127.0.0.1", port, key, len,
                                 LIBSSH2_KNOWNHOST_TYPE_PLAIN | LIBSSH2_KNOWNHOST_KEYENC_RAW,
                                 NULL) != LIBSSH2_KNOWNHOST_CHECK_MATCH)
        fail(session, "host key");
    libssh2_knownhost_free(known);
}

static LIBSSH2_SESSION *log_in(int fd, char **argv)
{
    LIBSSH2_SESSION *session = libssh2_session_init();
    char public_key[4096];

    snprintf(public_key, sizeof public_key, "%s.pub", argv[3]);
    if (session == NULL)
        fail(NULL, "new");
    libssh2_session_flag(session, LIBSSH2_FLAG_COMPRESS, atoi(argv[5]));
    libssh2_session_method_pref(session, LIBSSH2_METHOD_HOSTKEY, "ssh-ed25519");
    if (libssh2_session_handshake(session, fd) != 0)
        fail(session, "handshake");
    check_host_key(session, atoi(argv[1]), argv[4]);
    if (libssh2_userauth_publickey_fromfile(session, argv[2], public_key, argv[3], NULL) != 0)
        fail(session, "login");
    fprintf(stderr, "compression %s\n", libssh2_session_methods(session, LIBSSH2_METHOD_COMP_CS));
    return session;
}

static void write_all(int fd, const char *data, ssize_t len)
{
    while (len > 0) {
        ssize_t done = write(fd, data, (size_t)len);
        if (done <= 0)
            exit(126);
        data += done;
        len -= done;
    }
}

/* Moves what is there from one stream of the channel to a descriptor; whether that was anything. */
static int drain(LIBSSH2_SESSION *session, LIBSSH2_CHANNEL *channel, int stream)
{
    static char buffer[65536];
    ssize_t got = libssh2_channel_read_ex(channel, stream, buffer, sizeof buffer);

    if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
        fail(session, "read");
    if (got > 0)
        write_all(stream == 0 ? STDOUT_FILENO : STDERR_FILENO, buffer, got);
    return got > 0;
}

struct input {
    char data[32768];
    size_t at, len;
    int ended;
};

/* Sends what was read, reads more when all is sent; whether anything moved. */
static int feed(LIBSSH2_SESSION *session, LIBSSH2_CHANNEL *channel, struct input *input)
{
    if (input->ended)
        return 0;
    if (input->at == input->len) {
        ssize_t got = read(STDIN_FILENO, input->data, sizeof input->data);
        input->at = 0;
        input->len = got > 0 ? (size_t)got : 0;
    }
    if (input->len == 0) {
        input->ended = libssh2_channel_send_eof(channel) == 0;
        return input->ended;
    }
    ssize_t sent = libssh2_channel_write(channel, input->data + input->at, input->len - input->at);
    if (sent < 0 && sent != LIBSSH2_ERROR_EAGAIN)
        fail(session, "write");
    input->at += sent > 0 ? (size_t)sent : 0;
    return sent > 0;
}

static int run_command(LIBSSH2_SESSION *session, int fd, const char *command)
{
    static struct input input;
    LIBSSH2_CHANNEL *channel = libssh2_channel_open_session(session);

    if (channel == NULL || libssh2_channel_exec(channel, command) != 0)
        fail(session, "exec");
    libssh2_session_set_blocking(session, 0);
    while (!libssh2_channel_eof(channel)) {
        int moved = feed(session, channel, &input);
        moved |= drain(session, channel, 0);
        moved |= drain(session, channel, SSH_EXTENDED_DATA_STDERR);
        if (!moved)
            poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 20);
    }
    libssh2_session_set_blocking(session, 1);
    libssh2_channel_close(channel);
    libssh2_channel_wait_closed(channel);
    int status = libssh2_channel_get_exit_status(channel);
    libssh2_channel_free(channel);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 7 || libssh2_init(0) != 0)
        return 124;
    int fd = connect_to(atoi(argv[1]));
    LIBSSH2_SESSION *session = log_in(fd, argv);
    int status = 0;
    if (argc > 7)
        do_files(session, argv + 7);
    else
        status = run_command(session, fd, argv[6]);
    libssh2_session_disconnect(session, "bye");
    libssh2_session_free(session);
    close(fd);
    return status;
}
