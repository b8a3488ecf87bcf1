/* A test bed: one engine without encryption, at a chosen point of its life, whose peer is the test itself, message by
 * message.
 *
 * What the engine reports is kept as lines of text, what it sends is shown as text too, so that a test reads as a
 * dialogue:
 *
 *     raw_send(&raw, 94, "us", 0, "hello");           the peer sends CHANNEL_DATA
 *     raw_expect_events(&raw, "data 0 hello\n");
 *     raw_expect(&raw, "93 0 16");                    the engine sent WINDOW_ADJUST
 */
#ifndef SSHIO_TESTS_RAW_PEER_H
#define SSHIO_TESTS_RAW_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/internal.h"

#define RAW_CHANNELS 8

enum raw_answers { RAW_KEEP_OPEN, RAW_ANSWER_YES, RAW_ANSWER_NO };

struct raw {
    struct engine *e;
    struct engine_config config;
    struct engine_buffers buffers;
    char log[65536]; /* events since they were last looked at */
    size_t log_len;
    uint8_t in[300 * 1024]; /* what the peer sent and the engine has not consumed */
    size_t in_len;
    struct channel *channels[RAW_CHANNELS]; /* that were opened or requested, in order */
    size_t channel_count;
    enum raw_answers opens;    /* to channel_requested */
    enum raw_answers requests; /* to requests on channels */
    enum raw_answers globals;
    uint32_t window, max_packet; /* for channels that are accepted */
    uint32_t extended_types;
    const char *hook_name; /* the event at which hook runs, after it was logged */
    void (*hook)(struct raw *raw, struct channel *ch);
    bool data_is_counted; /* log lengths instead of data */
    bool quiet;           /* log nothing */
};

/* stage AUTH_DONE = logged in; below it authentication is under way. */
void raw_init(struct raw *raw, bool server, enum auth_stage stage);
void raw_done(struct raw *raw);

/* A message of the peer: u uint32_t, b bool, s C string as a string, S pointer and size_t as a string, r C string as it
 * is, B pointer and size_t as they are. */
void raw_send(struct raw *raw, int number, const char *format, ...);
void raw_feed(struct raw *raw); /* engine_receive with what is there */

bool raw_next(struct raw *raw, char *text, size_t size); /* the next message of the engine, as text; false = none */
void raw_expect(struct raw *raw, const char *text);
void raw_expect_nothing(struct raw *raw);
void raw_expect_events(struct raw *raw, const char *lines); /* exactly these since the last look */
void raw_expect_ended(struct raw *raw, int code, const char *message);
void raw_drop_output(struct raw *raw);
size_t raw_count(struct raw *raw, int number); /* takes all output; how many messages of that number */

/* A channel that the engine opened and the peer confirmed as its number 100. */
struct channel *raw_open(struct raw *raw, uint32_t window, uint32_t max_packet);
/* A channel of the peer (number 100) that was accepted. */
struct channel *raw_opened_by_peer(struct raw *raw, uint32_t window, uint32_t max_packet);

extern const struct channel_events raw_channel_events;

#endif
