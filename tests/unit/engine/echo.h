/* Data that goes to the other side of a pair and back, in a global request and its reply: a look at whether packets
 * come out as they went in, whatever they go through. */
#ifndef TESTS_ENGINE_ECHO_H
#define TESTS_ENGINE_ECHO_H

#include <stdlib.h>
#include <string.h>

#include "engine/pair.h"

struct echo {
    struct span sent;
    unsigned answers;
};

static inline void echo_answer(void *owner, struct span name, bool want_reply, struct span data)
{
    struct pair_side *s = owner;
    (void)name, (void)want_reply;
    engine_global_reply(s->engine, true, data);
}

static inline void echo_answered(void *user, bool ok, struct span data)
{
    struct echo *echo = user;
    if (ok && span_equal(data, echo->sent))
        echo->answers++;
}

/* before pair_start */
static inline void echo_init(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        p->side[i].hooks.global_request = echo_answer;
}

/* Half of the bytes repeat themselves, half do not. */
static inline void echo_fill(uint8_t *data, size_t len)
{
    uint32_t value = 1;
    for (size_t i = 0; i < len; i++) {
        value = value * 1664525u + 1013904223u;
        data[i] = (i / 512) % 2 != 0 ? (uint8_t)(value >> 16) : 'e';
    }
}

/* From each side to the other and back. */
static inline void echo_check(struct pair *p, size_t len)
{
    uint8_t *data = malloc(len + 1);
    echo_fill(data, len);
    struct echo echo = { .sent = SPAN(data, len) };
    for (int i = 0; i < 2; i++) {
        engine_global_request(p->side[i].engine, "echo", echo.sent, echo_answered, &echo);
        pair_run(p);
    }
    assert_int_equal(echo.answers, 2);
    free(data);
}

#endif
