/* SSHReader: waiting for bytes, lines, records and exact numbers of bytes; see streams.h.
 *
 * Nothing leaves the buffer before a call has all that it returns, so that one which is cancelled or times out has lost
 * nothing. Calls on one reader are served in the order in which they came. A call ends where the data does: at the end
 * of the stream, or before an in-band event, which the call that finds it at the very front raises. */
#include <string.h>

#include "base/memory.h"
#include "io/last_error.h"
#include "session/match.h"
#include "session/streams.h"

#define STOPPED 1 /* beside 0 and errors */

/* ---- one call ---- */

struct call {
    struct list link; /* among the reader's calls */
    sshio_reader *reader;
};

static void call_end(struct call *c)
{
    list_remove(&c->link);
    if (!list_empty(&c->reader->calls))
        waiters_wake(&c->reader->waiters, 0);
    streams_release(c->reader->streams);
}

/* Waits for its turn. */
static int call_begin(struct call *c, sshio_reader *r)
{
    int rc = completion_can_wait();
    if (rc != 0)
        return rc;
    c->reader = r;
    list_append(&r->calls, &c->link);
    streams_hold(r->streams);
    while (rc == 0 && r->calls.next != &c->link)
        rc = waiters_wait(&r->waiters);
    if (rc != 0)
        call_end(c);
    return rc;
}

/* ---- waiting ---- */

/* Will more come before the next event or the end? */
static bool is_stopped(const sshio_reader *r)
{
    return r->streams->eof || r->in_band.count != 0;
}

/* Waits until more than `had` bytes are available: 0, or STOPPED when there will not be so many, or an interruption. */
static int wait_for_more(sshio_reader *r, size_t had)
{
    int rc = 0;
    while (rc == 0 && reader_available(r) <= had)
        rc = is_stopped(r) ? STOPPED : waiters_wait(&r->waiters);
    return rc;
}

/* Why nothing is left: an in-band event, what ended the channel, or its end. */
static int raise_stop(sshio_reader *r)
{
    const struct error *e = &r->streams->error;
    if (r->in_band.count != 0)
        return in_band_raise(&r->in_band);
    return error_code(e) != 0 ? fail_with(e) : fail(SSHIO_EEOF, "end of stream");
}

/* The same for a call that leaves the data alone when the channel broke. */
static bool is_broken(const sshio_reader *r)
{
    return r->in_band.count == 0 && error_code(&r->streams->error) != 0;
}

/* Waits until size bytes are available and takes none. */
static int gather(sshio_reader *r, size_t size)
{
    reader_want(r, size);
    int rc = wait_for_more(r, size - 1);
    reader_want(r, 0);
    return rc;
}

/* ---- taking ---- */

static size_t take(sshio_reader *r, void *to, size_t size)
{
    size_t available = reader_available(r);
    size_t len = read_buffer_read(&r->buffer, to, size < available ? size : available);
    reader_took(r, len);
    return len;
}

static void skip(sshio_reader *r, size_t len)
{
    for (size_t left = len; left != 0;) {
        size_t head = read_buffer_head(&r->buffer).len;
        size_t part = head < left ? head : left;
        read_buffer_drop(&r->buffer, part);
        left -= part;
    }
    reader_took(r, len);
}

int reader_take_all(sshio_reader *reader, sshio_bytes *bytes)
{
    size_t len = reader_available(reader);
    char *data = mem_alloc(len + 1);
    if (data == NULL)
        return fail_nomem();
    take(reader, data, len);
    data[len] = '\0';
    *bytes = (sshio_bytes){ .data = data, .len = len };
    return 0;
}

/* Room for len bytes and a NUL in the memory that is lent until the next read; what is there stays. */
static int make_room(sshio_reader *r, size_t len)
{
    if (len + 1 <= r->lent_size)
        return 0;
    size_t size = r->lent_size * 2 > len + 1 ? r->lent_size * 2 : len + 1;
    char *memory = mem_grow(r->lent, size);
    if (memory == NULL)
        return fail_nomem();
    r->lent = memory;
    r->lent_size = size;
    return 0;
}

static int fail_incomplete(const void *data, size_t len, const char *what)
{
    struct error *e = last_error();
    error_set(e, SSHIO_EINCOMPLETE_READ, "%s after %zu bytes", what, len);
    e->pub.partial = (sshio_span){ .data = data, .len = len };
    return SSHIO_EINCOMPLETE_READ;
}

/* ---- read, read_all, readexactly ---- */

int sshio_read(sshio_reader *reader, void *buffer, size_t size, size_t *got)
{
    struct call c;
    int rc = size != 0 ? call_begin(&c, reader) : 0;
    if (rc != 0)
        return rc;
    if (size == 0) {
        *got = 0;
        return 0;
    }
    rc = wait_for_more(reader, 0);
    if (rc == 0)
        *got = take(reader, buffer, size);
    else if (rc == STOPPED)
        rc = raise_stop(reader);
    call_end(&c);
    return rc;
}

int sshio_read_all(sshio_reader *reader, sshio_bytes *data)
{
    struct call c;
    int rc = call_begin(&c, reader);
    if (rc != 0)
        return rc;
    rc = gather(reader, SIZE_MAX);
    bool event_first = reader->in_band.count != 0 && reader_available(reader) == 0;
    if (rc == STOPPED)
        rc = event_first || is_broken(reader) ? raise_stop(reader) : reader_take_all(reader, data);
    call_end(&c);
    return rc;
}

int sshio_readexactly(sshio_reader *reader, void *buffer, size_t size)
{
    struct call c;
    int rc = size != 0 ? call_begin(&c, reader) : 0;
    if (rc != 0 || size == 0)
        return rc;
    rc = gather(reader, size);
    if (rc == 0)
        take(reader, buffer, size);
    else if (rc == STOPPED && reader_available(reader) == 0)
        rc = raise_stop(reader);
    else if (rc == STOPPED)
        rc = fail_incomplete(buffer, take(reader, buffer, size), "end of stream");
    call_end(&c);
    return rc;
}

/* ---- readline ---- */

static int lend(sshio_reader *r, size_t len, char **data, size_t *data_len)
{
    int rc = make_room(r, len);
    if (rc != 0)
        return rc;
    take(r, r->lent, len);
    r->lent[len] = '\0';
    *data = r->lent;
    *data_len = len;
    return 0;
}

/* How long the next line is, as far as can be told now: 0 = more has to arrive. A buffer that is full holds all that
 * will. */
static size_t line_len(const sshio_reader *r, size_t searched)
{
    size_t at, available = reader_available(r);
    if (read_buffer_find(&r->buffer, '\n', searched, &at) && at < available)
        return at + 1;
    return is_stopped(r) || streams_full(r->streams) ? available : 0;
}

int sshio_readline(sshio_reader *reader, char **line, size_t *len)
{
    struct call c;
    size_t searched = 0, found = 0;
    int rc = call_begin(&c, reader);
    if (rc != 0)
        return rc;
    while (rc == 0 && (found = line_len(reader, searched)) == 0) {
        searched = reader_available(reader);
        rc = wait_for_more(reader, searched);
        if (rc == STOPPED && searched != 0)
            rc = 0;
    }
    if (rc == 0)
        rc = lend(reader, found, line, len);
    else if (rc == STOPPED)
        rc = raise_stop(reader);
    call_end(&c);
    return rc;
}

/* ---- readuntil ---- */

/* Looks for the end of a record in data; old bytes of it were looked at before. 0 = it is not there. */
struct search {
    size_t (*find)(const struct search *s, const char *data, size_t len, size_t old);
    const char *const *separators;
    size_t longest;
    sshio_match_fn match;
    void *user;
};

static size_t find_separator(const struct search *s, const char *data, size_t len, size_t old)
{
    size_t from = old + 1 > s->longest ? old + 1 - s->longest : 0;
    return match_earliest(data, len, from, s->separators);
}

static size_t ask_caller(const struct search *s, const char *data, size_t len, size_t old)
{
    (void)old;
    size_t end = s->match(data, len, s->user);
    return end <= len ? end : 0;
}

/* Brings the copy in the lent memory up to date with what has arrived. */
static int copy_news(sshio_reader *r, size_t *copied)
{
    size_t available = reader_available(r);
    int rc = make_room(r, available);
    if (rc != 0)
        return rc;
    *copied += read_buffer_copy(&r->buffer, *copied, r->lent + *copied, available - *copied);
    r->lent[*copied] = '\0';
    return 0;
}

/* 0 with the length of the record; STOPPED with what there is instead of one. */
static int search_record(sshio_reader *r, const struct search *s, size_t *found)
{
    size_t copied = 0;
    for (;;) {
        size_t old = copied;
        int rc = copy_news(r, &copied);
        if (rc != 0)
            return rc;
        *found = copied > old ? s->find(s, r->lent, copied, old) : 0;
        if (*found != 0)
            return 0;
        *found = copied;
        if (copied != 0 && streams_full(r->streams))
            return STOPPED;
        rc = wait_for_more(r, copied);
        if (rc != 0)
            return rc;
    }
}

static int read_record(sshio_reader *r, const struct search *s, char **data, size_t *len)
{
    struct call c;
    size_t found = 0;
    int rc = call_begin(&c, r);
    if (rc != 0)
        return rc;
    rc = search_record(r, s, &found);
    if (rc == STOPPED && found == 0) {
        rc = raise_stop(r);
    } else if (rc == 0 || rc == STOPPED) {
        skip(r, found);
        r->lent[found] = '\0';
        if (rc == STOPPED)
            rc = fail_incomplete(r->lent, found, "no separator");
    }
    if (rc == 0) {
        *data = r->lent;
        *len = found;
    }
    call_end(&c);
    return rc;
}

int sshio_readuntil(sshio_reader *reader, const char *const *separators, char **data, size_t *len)
{
    struct search s = { .find = find_separator, .separators = separators };
    if (separators == NULL || separators[0] == NULL)
        return fail(SSHIO_EINVAL, "sshio_readuntil: no separator was given");
    for (size_t i = 0; separators[i] != NULL; i++) {
        size_t size = strlen(separators[i]);
        if (size == 0)
            return fail(SSHIO_EINVAL, "sshio_readuntil: separator %zu is empty", i);
        s.longest = size > s.longest ? size : s.longest;
    }
    return read_record(reader, &s, data, len);
}

int sshio_readuntil_match(sshio_reader *reader, sshio_match_fn match, void *user, char **data, size_t *len)
{
    struct search s = { .find = ask_caller, .match = match, .user = user };
    if (match == NULL)
        return fail(SSHIO_EINVAL, "sshio_readuntil_match: no function was given");
    return read_record(reader, &s, data, len);
}

/* ---- feeding ---- */

int sshio_reader_feed_data(sshio_reader *reader, const void *data, size_t len)
{
    if (reader->streams->eof)
        return fail(SSHIO_ECLOSED, "data was fed to a reader behind its end");
    int rc = len != 0 ? streams_feed(reader, data, len) : 0;
    return rc != 0 ? fail(rc, "data could not be fed to a reader: %s", sshio_error_text(rc)) : 0;
}

int sshio_reader_feed_eof(sshio_reader *reader)
{
    streams_feed_eof(reader->streams);
    return 0;
}

/* ---- what it is ---- */

bool sshio_reader_at_eof(const sshio_reader *reader)
{
    return reader->streams->eof && read_buffer_len(&reader->buffer) == 0 && reader->in_band.count == 0;
}

sshio_chan *sshio_reader_channel(const sshio_reader *reader)
{
    return reader->streams->chan;
}

sshio_logger *sshio_reader_logger(const sshio_reader *reader)
{
    return sshio_chan_logger(reader->streams->chan);
}

const char *sshio_reader_get_extra_info(const sshio_reader *reader, const char *name, const char *def)
{
    return sshio_chan_get_extra_info(reader->streams->chan, name, def);
}

sshio_reader *sshio_reader_ref(sshio_reader *reader)
{
    streams_user_ref(reader->streams);
    return reader;
}

void sshio_reader_unref(sshio_reader *reader)
{
    if (reader != NULL)
        streams_user_unref(reader->streams);
}
