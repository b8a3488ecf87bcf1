/* SFTP sessions of a server with handlers of the application, on a port in memory. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/limits.h"
#include "base/memory.h"
#include "sftp/server.h"
#include "sftp/status.h"

enum { REPLIES_MAX = 4096, SLOW_OFFSET = 9 };

static struct {
    sshio_sftp_server *server;
    struct framer framer;
    struct {
        uint32_t id;
        uint8_t type;
        uint32_t first; /* the status code, the count, or the length of what comes */
    } replies[REPLIES_MAX];
    unsigned count, reads_on;
    bool cleaned;
    int status;
    /* what handlers saw */
    unsigned active, most_active, closed, exits, names_given, read_done;
    bool writes_wait;
    size_t written;
    int answer, name_result;
    char path[64];
} bed;

static void port_write(sshio_sftp_server *server, const void *data, size_t len)
{
    struct span bytes = SPAN(data, len);
    struct reader r;
    int rc;
    (void)server;
    while ((rc = framer_feed(&bed.framer, &bytes, NULL)) > 0) {
        if (rc == FRAMER_DATA) {
            framer_place(&bed.framer, NULL);
            continue;
        }
        reader_init(&r, framer_packet(&bed.framer).data, framer_packet(&bed.framer).len);
        assert_true(bed.count < REPLIES_MAX);
        bed.replies[bed.count].type = read_u8(&r);
        bed.replies[bed.count].id = read_u32(&r);
        bed.replies[bed.count++].first = read_u32(&r);
    }
}

static void port_read_on(sshio_sftp_server *server)
{
    (void)server;
    bed.reads_on++;
}

static void port_cleaned(sshio_sftp_server *server, int status)
{
    (void)server;
    bed.cleaned = true;
    bed.status = status;
}

static const struct sftp_port_ops port = { port_write, port_read_on, port_cleaned };

static void say(uint8_t type, uint32_t id, const void *body, size_t len)
{
    uint8_t packet[4096];
    struct writer w;
    writer_init_fixed(&w, packet, sizeof packet);
    size_t mark = put_open(&w);
    put_u8(&w, type);
    put_u32(&w, id);
    put_bytes(&w, body, len);
    put_close(&w, mark);
    assert_false(writer_failed(&w));
    sftp_server_feed(bed.server, packet, w.len);
}

/* Whether it could be begun: without memory it may not. */
static bool begin(const sshio_sftp_server_options *options)
{
    memset(&bed, 0, sizeof bed);
    framer_init(&bed.framer, true, &framer_heap, NULL);
    if (sftp_server_new(options, &bed.server) != 0)
        return false;
    sftp_server_start(bed.server, &port, NULL, NULL, 6);
    uint8_t init[] = { 0, 0, 0, 5, FXP_INIT, 0, 0, 0, 3 };
    sftp_server_feed(bed.server, init, sizeof init);
    return true;
}

/* One turn of the loop; where memory is made to fail, it may be this that finds none. */
static void turn(void)
{
    int rc = sshio_sleep(0);
    assert_true(rc == 0 || rc == SSHIO_ENOMEM);
}

static void wait_for(unsigned replies)
{
    while (bed.count < replies && !bed.cleaned)
        turn();
}

static void finish(void)
{
    sftp_server_eof(bed.server);
    while (!bed.cleaned)
        turn();
    sftp_server_release(bed.server);
    framer_done(&bed.framer);
}

/* ---- handlers of a file system that is not there ---- */

static int on_open(sshio_sftp_server *server, const char *path, uint32_t pflags, const sshio_sftp_attrs *attrs,
                   void **file, void *user)
{
    (void)server, (void)pflags, (void)attrs, (void)user;
    snprintf(bed.path, sizeof bed.path, "%s", path);
    *file = &bed;
    return 0;
}

static int on_close(sshio_sftp_server *server, void *file, void *user)
{
    (void)server, (void)user;
    assert_ptr_equal(file, &bed);
    bed.closed++;
    return 0;
}

static int on_read(sshio_sftp_server *server, void *file, uint64_t offset, void *buffer, size_t size, size_t *got,
                   void *user)
{
    (void)server, (void)user;
    assert_ptr_equal(file, &bed);
    if (++bed.active > bed.most_active)
        bed.most_active = bed.active;
    int rc = sshio_sleep(0);
    for (int i = 0; rc == 0 && offset == SLOW_OFFSET && i < 5; i++)
        rc = sshio_sleep(0);
    bed.active--;
    bed.read_done++;
    memset(buffer, 'x', size);
    *got = size;
    return rc;
}

static int on_write(sshio_sftp_server *server, void *file, uint64_t offset, const void *data, size_t len, void *user)
{
    int rc = 0;
    (void)server, (void)file, (void)offset, (void)data, (void)user;
    while (rc == 0 && bed.writes_wait)
        rc = sshio_sleep(0);
    bed.written += len;
    return rc;
}

static int on_remove(sshio_sftp_server *server, const char *path, void *user)
{
    (void)server, (void)user;
    switch (path[0]) {
    case 's':
        return sshio_raise_sftp(99, "odd");
    case 'e':
        return sshio_raise_errno(ENOSPC, "write /secret");
    case 'c':
        return SSHIO_ECLOSED;
    case 'p':
        return 7;
    default:
        return 0;
    }
}

static int on_scandir(sshio_sftp_server *server, const char *path, sshio_request *req, void *user)
{
    (void)server, (void)user;
    if (path[0] == 'e')
        return sshio_raise_errno(EACCES, "no");
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        const sshio_sftp_name entry = { .filename = name, .attrs = { .struct_size = sizeof entry.attrs } };
        bed.name_result = sshio_answer_name(req, &entry);
        if (bed.name_result < 0)
            return bed.name_result;
        bed.names_given++;
    }
    return SSHIO_ANSWERED;
}

static int on_map_path(sshio_sftp_server *server, const char *path, sshio_request *req, void *user)
{
    (void)server, (void)path, (void)user;
    return sshio_answer_text(req, "/proc/self/status");
}

static int on_stat(sshio_sftp_server *server, const char *path, sshio_request *req, void *user)
{
    (void)server, (void)user;
    snprintf(bed.path, sizeof bed.path, "%s", path);
    return sshio_answer_attrs(req, SSHIO_SFTP_ATTRS(.valid = SSHIO_FILEXFER_ATTR_SIZE, .size = 77));
}

static void on_exit_called(sshio_sftp_server *server, void *user)
{
    (void)server, (void)user;
    bed.exits++;
}

static const sshio_sftp_server_handlers handlers = { .open = on_open,
                                                     .close = on_close,
                                                     .read = on_read,
                                                     .write = on_write,
                                                     .remove = on_remove,
                                                     .scandir = on_scandir,
                                                     .stat = on_stat,
                                                     .exit = on_exit_called };

/* ---- what the protocol has ---- */

#define OPEN_FILE LITERAL("\0\0\0\1f\0\0\0\1\0\0\0\0")
#define READ_FILE LITERAL("\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\5")
#define HANDLE_0 LITERAL("\0\0\0\4\0\0\0\0")

static void test_handlers_run_one_at_a_time_unless_they_may_overlap(void **state)
{
    (void)state;
    for (int concurrent = 0; concurrent < 2; concurrent++) {
        assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers, .concurrent = concurrent != 0)));
        say(FXP_OPEN, 0, OPEN_FILE);
        wait_for(2);
        for (uint32_t i = 1; i <= 6; i++)
            say(FXP_READ, i, READ_FILE);
        wait_for(8);
        for (uint32_t i = 2; i < 8; i++) {
            assert_int_equal(bed.replies[i].type, FXP_DATA);
            assert_int_equal(bed.replies[i].id, i - 1);
            assert_int_equal(bed.replies[i].first, 5);
        }
        assert_int_equal(bed.most_active, concurrent != 0 ? 6 : 1);
        finish();
    }
}

#define READ_SLOWLY LITERAL("\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\11\0\0\0\5")

/* Two that are slow, and one behind each that is not. True when a quick one is done, and nothing is answered. */
static bool read_in_disorder(void)
{
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers, .concurrent = true)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    for (uint32_t i = 1; i <= 4; i += 2) {
        say(FXP_READ, i, READ_SLOWLY);
        say(FXP_READ, i + 1, READ_FILE);
    }
    while (bed.read_done < 2)
        turn();
    return bed.active == 2 && bed.count == 2;
}

/* OpenSSH's client cuts what it has uploaded where replies come out of order; reads and writes are the same here. */
static void test_what_reads_and_writes_a_file_is_answered_in_order(void **state)
{
    (void)state;
    assert_true(read_in_disorder());
    say(FXP_CLOSE, 5, HANDLE_0);
    wait_for(7);
    for (uint32_t i = 1; i <= 5; i++)
        assert_int_equal(bed.replies[i + 1].id, i);
    finish();
}

/* Those that were done and wait for their turn go with the session. */
static void test_a_session_that_is_lost_forgets_what_waits_for_its_turn(void **state)
{
    (void)state;
    assert_true(read_in_disorder());
    sftp_server_lost(bed.server);
    finish();
    assert_int_equal(bed.count, 2);
    assert_int_equal(bed.closed, 1);
}

enum { DATA_LEN = 1 << 20 };

/* How many WRITEs of so many bytes are taken, one behind the other, until no more is read. */
static unsigned write_until_stopped(uint32_t id, size_t len)
{
    static uint8_t packet[DATA_LEN + 64];
    struct writer w;
    unsigned taken = 0;
    for (;; taken++, id++) {
        writer_init_fixed(&w, packet, sizeof packet);
        size_t mark = put_open(&w);
        put_u8(&w, FXP_WRITE);
        put_u32(&w, id);
        put_bytes(&w, HANDLE_0);
        put_u64(&w, 0);
        put_u32(&w, (uint32_t)len);
        w.len += len;
        put_close(&w, mark);
        size_t used = sftp_server_feed(bed.server, packet, w.len);
        if (used < w.len) {
            assert_int_equal(used, 0);
            return taken;
        }
    }
}

/* The limits of a server: 16 MiB of requests are held. Then nothing more is read, until half of them are answered. */
static void test_writes_are_read_up_to_the_limit_of_their_bytes(void **state)
{
    unsigned most = limits_default.sftp_payload / DATA_LEN;
    (void)state;
    assert_int_equal(limits_default.sftp_payload, 16 << 20);
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    for (unsigned round = 1; round <= 3; round++) {
        bed.writes_wait = true;
        assert_int_equal(write_until_stopped(round * 100, DATA_LEN), most);
        for (int i = 0; i < 5; i++)
            turn();
        assert_int_equal(write_until_stopped(0, DATA_LEN), 0);
        assert_in_range(bed.server->payload, limits_default.sftp_payload, limits_default.sftp_payload + most * 64);
        assert_int_equal(bed.reads_on, round - 1);
        bed.writes_wait = false;
        wait_for(2 + round * most);
        assert_int_equal(bed.replies[1 + round * most].id, round * 100 + most - 1);
        assert_int_equal(bed.replies[1 + round * most].first, SSHIO_FX_OK);
        assert_int_equal(bed.reads_on, round);
        assert_int_equal(bed.server->payload, 0); /* the memory has been given back */
    }
    assert_int_equal(bed.written, 3 * most * (size_t)DATA_LEN);
    say(FXP_REMOVE, 1, LITERAL("\0\0\0\1x")); /* and it serves on */
    wait_for(3 + 3 * most);
    assert_int_equal(bed.replies[2 + 3 * most].first, SSHIO_FX_OK);
    finish();
}

/* And 64 of them, however small. */
static void test_so_many_requests_are_read_and_no_more(void **state)
{
    unsigned most = limits_default.sftp_requests;
    (void)state;
    assert_int_equal(most, 64);
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    bed.writes_wait = true;
    assert_int_equal(write_until_stopped(1, 10), most);
    for (int i = 0; i < 5; i++)
        turn();
    assert_int_equal(write_until_stopped(0, 10), 0);
    assert_int_equal(bed.reads_on, 0);
    bed.writes_wait = false;
    wait_for(2 + most);
    assert_int_equal(bed.reads_on, 1);
    assert_int_equal(bed.server->request_count, 0);
    finish();
}

static void test_what_handlers_raise_is_told(void **state)
{
    static const struct {
        const char *path;
        uint32_t code; /* in version 3 */
    } rows[] = {
        { "\0\0\0\1s", 99 },
        { "\0\0\0\1e", SSHIO_FX_FAILURE },
        { "\0\0\0\1c", SSHIO_FX_FAILURE },
        { "\0\0\0\1p", SSHIO_FX_FAILURE },
        { "\0\0\0\1x", SSHIO_FX_OK },
    };
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    for (uint32_t i = 0; i < COUNT(rows); i++) {
        say(FXP_REMOVE, i, rows[i].path, 5);
        wait_for(i + 2);
        assert_int_equal(bed.replies[i + 1].type, FXP_STATUS);
        assert_int_equal(bed.replies[i + 1].first, rows[i].code);
    }
    finish();
}

/* Spec of the reference: exit comes once, after all files were closed. */
static void test_files_of_handlers_are_closed_at_the_end_and_exit_comes_once(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    for (uint32_t i = 0; i < 5; i++)
        say(FXP_OPEN, i, OPEN_FILE);
    wait_for(6);
    assert_string_equal(bed.path, "f");
    say(FXP_CLOSE, 9, HANDLE_0);
    wait_for(7);
    assert_int_equal(bed.closed, 1);
    assert_int_equal(bed.exits, 0);
    finish();
    assert_int_equal(bed.closed, 5);
    assert_int_equal(bed.exits, 1);
    assert_int_equal(bed.status, 0);
}

/* A client that reads the last replies late makes room when nothing is left to say. */
static void test_room_for_output_at_the_end_does_not_end_it_again(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    for (uint32_t i = 0; i < 5; i++)
        say(FXP_OPEN, i, OPEN_FILE);
    wait_for(6);
    sftp_server_eof(bed.server);
    for (int i = 0; i < 3; i++) {
        sftp_server_port_full(bed.server, true);
        sftp_server_port_full(bed.server, false);
        sftp_server_lost(bed.server);
    }
    finish();
    for (int i = 0; i < 10; i++) /* what would come after the end */
        turn();
    assert_int_equal(bed.closed, 5);
    assert_int_equal(bed.exits, 1);
}

static void test_a_session_that_is_lost_cancels_what_its_handlers_wait_for(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers, .concurrent = true)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    for (uint32_t i = 1; i <= 6; i++)
        say(FXP_READ, i, READ_FILE);
    sftp_server_lost(bed.server);
    finish();
    assert_int_equal(bed.count, 2);
    assert_int_equal(bed.active, 0);
    assert_int_equal(bed.closed, 1);
    assert_int_equal(bed.exits, 1);
    assert_int_equal(bed.status, 1);
}

/* Says writes of a megabyte until the server takes no more. How many bytes it took. */
static size_t say_writes(uint8_t *packet, size_t size)
{
    size_t taken = 0;
    for (size_t used = size; used == size && taken < 1u << 30; taken += used)
        used = sftp_server_feed(bed.server, packet, size);
    return taken;
}

/* Limits: what is read and not worked on has a bound in bytes, and reading goes on when half of it is done. A peer who
 * takes no replies is not read. */
static void test_writes_that_wait_are_bounded_in_bytes(void **state)
{
    const size_t size = 1u << 20;
    uint8_t *packet = mem_zalloc(size);
    struct writer w;
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    writer_init_fixed(&w, packet, size);
    put_u32(&w, (uint32_t)size - 4);
    put_u8(&w, FXP_WRITE);
    put_u32(&w, 1);
    put_bytes(&w, HANDLE_0);
    put_u64(&w, 0);
    put_u32(&w, (uint32_t)size - 25);
    sftp_server_port_full(bed.server, true);
    size_t taken = say_writes(packet, size);
    assert_in_range(taken, limits_default.sftp_payload, limits_default.sftp_payload + 2 * size);
    assert_in_range(bed.server->payload, limits_default.sftp_payload, limits_default.sftp_payload + 2 * size);
    assert_int_equal(bed.count, 2);
    sftp_server_port_full(bed.server, false);
    while (bed.reads_on == 0)
        turn();
    assert_true(bed.server->payload <= limits_default.sftp_payload / 2 + size);
    wait_for(2 + (unsigned)(taken / size));
    assert_int_equal(bed.server->payload, 0);
    finish();
    mem_free(packet);
}

/* The handler goes on only as far as names are fetched. */
static void test_a_listing_is_fetched_in_batches(void **state)
{
    static const uint32_t counts[] = { SERVER_BATCH, 44 };
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPENDIR, 0, LITERAL("\0\0\0\1d"));
    wait_for(2);
    assert_int_equal(bed.replies[1].type, FXP_HANDLE);
    for (uint32_t i = 0; i < COUNT(counts); i++) {
        assert_true(bed.names_given <= SERVER_BATCH * (i + 1));
        say(FXP_READDIR, i + 1, HANDLE_0);
        wait_for(i + 3);
        assert_int_equal(bed.replies[i + 2].type, FXP_NAME);
        assert_int_equal(bed.replies[i + 2].first, counts[i]);
    }
    say(FXP_READDIR, 9, HANDLE_0);
    wait_for(3 + COUNT(counts));
    assert_int_equal(bed.replies[2 + COUNT(counts)].first, SSHIO_FX_EOF);
    finish();
}

static void test_a_listing_that_is_closed_early_ends_its_handler(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPENDIR, 0, LITERAL("\0\0\0\1d"));
    say(FXP_CLOSE, 1, HANDLE_0);
    wait_for(3);
    say(FXP_CLOSE, 2, HANDLE_0);
    wait_for(4);
    assert_int_equal(bed.replies[1].type, FXP_HANDLE);
    assert_int_equal(bed.replies[2].first, SSHIO_FX_FAILURE); /* that handle was not there yet */
    assert_int_equal(bed.replies[3].first, SSHIO_FX_OK);
    while (bed.name_result >= 0)
        turn();
    assert_int_equal(bed.name_result, SSHIO_ECLOSED);
    assert_true(bed.names_given <= SERVER_BATCH + 1);
    finish();
}

static void test_a_listing_that_fails_fails_at_opendir(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPENDIR, 0, LITERAL("\0\0\0\1e"));
    wait_for(2);
    assert_int_equal(bed.replies[1].first, SSHIO_FX_PERMISSION_DENIED);
    finish();
}

/* What is not replaced is done here, with the path that the handler gave. */
static void test_paths_are_mapped_by_a_handler(void **state)
{
    static const sshio_sftp_server_handlers mapping = { .map_path = on_map_path };
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &mapping)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    assert_int_equal(bed.replies[1].type, FXP_HANDLE);
    say(FXP_READ, 1, READ_FILE);
    wait_for(3);
    assert_int_equal(bed.replies[2].type, FXP_DATA);
    say(FXP_LSTAT, 2, LITERAL("\0\0\0\0"));
    wait_for(4);
    assert_int_equal(bed.replies[3].type, FXP_ATTRS);
    finish();
}

static void test_attributes_are_answered_by_a_handler(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_STAT, 0, LITERAL("\0\0\0\4/a//"));
    wait_for(2);
    assert_int_equal(bed.replies[1].type, FXP_ATTRS);
    assert_int_equal(bed.replies[1].first, SSHIO_FILEXFER_ATTR_SIZE);
    assert_string_equal(bed.path, "/a//"); /* as it was sent */
    finish();
}

/* A file that a handler opened is not taken for one of ours. */
static void test_a_handlers_file_is_not_worked_on_here(void **state)
{
    static const sshio_sftp_server_handlers opening = { .open = on_open };
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &opening)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    say(FXP_READ, 1, READ_FILE);
    say(FXP_FSTAT, 2, HANDLE_0);
    say(FXP_CLOSE, 3, HANDLE_0);
    wait_for(5);
    for (unsigned i = 2; i < 5; i++)
        assert_int_equal(bed.replies[i].first, SSHIO_FX_OP_UNSUPPORTED);
    finish();
}

#define EXTENDED_TEXT(name) "\0\0\0" name
#define WHOLE_MD5                                                                                                      \
    "\0\0\0\3md5"                                                                                                      \
    "\0\0\0\0\0\0\0\0"                                                                                                 \
    "\0\0\0\0\0\0\0\5"                                                                                                 \
    "\0\0\0\0"

/* What reads or writes files by name would pass by the handlers that have them; by handle it goes through them. */
static void test_no_request_passes_a_handlers_files_by(void **state)
{
    (void)state;
    assert_true(begin(SSHIO_SFTP_SERVER(.handlers = &handlers)));
    say(FXP_OPEN, 0, OPEN_FILE);
    wait_for(2);
    say(FXP_EXTENDED, 1, LITERAL(EXTENDED_TEXT("\17check-file-name") "\0\0\0\1f" WHOLE_MD5));
    say(FXP_EXTENDED, 2, LITERAL(EXTENDED_TEXT("\11copy-file") "\0\0\0\1f\0\0\0\1g\1"));
    say(FXP_EXTENDED, 3, LITERAL(EXTENDED_TEXT("\12check-file") "\0\0\0\4\0\0\0\0" WHOLE_MD5));
    wait_for(5);
    assert_int_equal(bed.replies[2].first, SSHIO_FX_OP_UNSUPPORTED);
    assert_int_equal(bed.replies[3].first, SSHIO_FX_OP_UNSUPPORTED);
    assert_int_equal(bed.replies[4].type, FXP_EXTENDED_REPLY);
    assert_int_equal(bed.read_done, 1);
    assert_false(sftp_server_serves_extension(bed.server, EXT_COPY_FILE));
    assert_false(sftp_server_serves_extension(bed.server, EXT_CHECK_FILE_NAME));
    assert_true(sftp_server_serves_extension(bed.server, EXT_CHECK_FILE_HANDLE));
    assert_int_equal(sftp_server_open_flags(bed.server) & SSHIO_FXF_APPEND_DATA_ATOMIC, SSHIO_FXF_APPEND_DATA_ATOMIC);
    finish();
}

static void test_bad_options_are_refused(void **state)
{
    (void)state;
    assert_false(begin(SSHIO_SFTP_SERVER(.sftp_version = 2)));
    assert_false(begin(SSHIO_SFTP_SERVER(.sftp_version = 7)));
    assert_false(begin(SSHIO_SFTP_SERVER(.chroot = "/no/such/place")));
    assert_int_equal(sshio_error_last()->os_errno, ENOENT);
    assert_false(begin(SSHIO_SFTP_SERVER(.deny_requests = SSHIO_LIST("no-such-request"))));
}

/* Each allocation fails once: the request is refused, or the session ends; nothing is left. */
static void test_without_memory_a_session_fails_cleanly(void **state)
{
    static const sshio_sftp_server_handlers reading = { .read = on_read, .scandir = on_scandir, .stat = on_stat };
    bool failed = true;
    (void)state;
    for (uint64_t nth = 1; failed && nth < 4000; nth++) {
        uint64_t before = mem_allocations();
        mem_fail_at(nth);
        if (begin(SSHIO_SFTP_SERVER(.handlers = &reading, .chroot = "/proc/self"))) {
            static const struct {
                uint8_t type;
                struct span body;
            } rows[] = {
                { FXP_STAT, { (const uint8_t *)"\0\0\0\1/", 5 } },
                { FXP_OPEN, { (const uint8_t *)"\0\0\0\6status\0\0\0\1\0\0\0\0", 18 } },
                { FXP_FSTAT, { (const uint8_t *)"\0\0\0\4\0\0\0\0", 8 } },
                { FXP_CLOSE, { (const uint8_t *)"\0\0\0\4\0\0\0\0", 8 } },
                { FXP_REALPATH, { (const uint8_t *)"\0\0\0\7fdinfo/", 11 } },
                { FXP_OPENDIR, { (const uint8_t *)"\0\0\0\1d", 5 } },
                { FXP_READDIR, { (const uint8_t *)"\0\0\0\4\0\0\0\1", 8 } },
            };
            unsigned expected = 1;
            for (uint32_t i = 0; i < COUNT(rows); i++) {
                say(rows[i].type, i, rows[i].body.data, rows[i].body.len);
                wait_for(++expected);
            }
            finish();
        }
        failed = mem_allocations() - before >= nth;
        mem_fail_at(0);
    }
    assert_false(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handlers_run_one_at_a_time_unless_they_may_overlap),
        cmocka_unit_test(test_what_reads_and_writes_a_file_is_answered_in_order),
        cmocka_unit_test(test_a_session_that_is_lost_forgets_what_waits_for_its_turn),
        cmocka_unit_test(test_writes_are_read_up_to_the_limit_of_their_bytes),
        cmocka_unit_test(test_so_many_requests_are_read_and_no_more),
        cmocka_unit_test(test_what_handlers_raise_is_told),
        cmocka_unit_test(test_files_of_handlers_are_closed_at_the_end_and_exit_comes_once),
        cmocka_unit_test(test_room_for_output_at_the_end_does_not_end_it_again),
        cmocka_unit_test(test_a_session_that_is_lost_cancels_what_its_handlers_wait_for),
        cmocka_unit_test(test_writes_that_wait_are_bounded_in_bytes),
        cmocka_unit_test(test_a_listing_is_fetched_in_batches),
        cmocka_unit_test(test_a_listing_that_is_closed_early_ends_its_handler),
        cmocka_unit_test(test_a_listing_that_fails_fails_at_opendir),
        cmocka_unit_test(test_paths_are_mapped_by_a_handler),
        cmocka_unit_test(test_attributes_are_answered_by_a_handler),
        cmocka_unit_test(test_a_handlers_file_is_not_worked_on_here),
        cmocka_unit_test(test_no_request_passes_a_handlers_files_by),
        cmocka_unit_test(test_bad_options_are_refused),
        cmocka_unit_test(test_without_memory_a_session_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
